//! Many jobs on one token, one after another or side by side, each thread in a session of its own.
//!
//! Owns who works on what: jobs are drawn one at a time, so that no more are in memory than there are threads, and what comes of them goes back to the caller's thread. A token that
//! is lost is opened once more for all, and the job whose fate is unknown is done again by the session that is new: a job must look before it makes anything. What no other job can
//! survive either (a PIN that is refused, a token that is full, one that stays lost) ends the run: the job it happened to is nobody's then, and is drawn again by the next run.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use super::Error;
use super::run::lock;
use crate::provider::StorageProvider;
use crate::status::Ckr;
use crate::token;

/// Who works.
pub(super) struct Crew<'a> {
    provider: &'a StorageProvider,
    jobs: usize,
    /// Whether a token that is lost is opened anew.
    reopens: bool,
    /// Whether the threads use the caller's session and what that opens beside it.
    is_shared: bool,
    /// The caller's wish that no more is begun.
    stop: &'a AtomicBool,
    /// Something that no other job would survive has happened.
    is_over: AtomicBool,
    reopened: AtomicU32,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Effort {
    /// How many threads have worked.
    pub threads: usize,
    /// How often a thread has opened the token again after it was lost.
    pub reopened: u32,
}

impl<'a> Crew<'a> {
    pub(super) fn new(provider: &'a StorageProvider, jobs: usize, stop: &'a AtomicBool) -> Self {
        let (is_over, reopened) = (AtomicBool::new(false), AtomicU32::new(0));
        Self { provider, jobs: jobs.max(1), reopens: true, is_shared: false, stop, is_over, reopened }
    }

    /// The same where a token that is lost ends the run: what the jobs were drawn from is void with it.
    pub(super) fn bound(self) -> Self {
        Self { reopens: false, ..self }
    }

    /// The same with keys that were found already: their uses go through the sessions that their token keeps for that.
    pub(super) fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Does each job that `next` draws, and hands what came of it to `take`, on this thread. Jobs that failed for what ends the run are not handed on. A thread has something of its own
    /// besides its session, which is made anew with it.
    ///
    /// # Errors
    /// What ended the run: what a job died of, or what `take` said.
    pub(super) fn run<J: Send, R: Send, T: Default>(
        &self,
        next: impl FnMut() -> Option<J> + Send,
        work: impl Fn(&StorageProvider, &T, &J) -> Result<R, Error> + Sync,
        mut take: impl FnMut(J, Result<R, Error>) -> Result<(), Error>,
    ) -> Result<Effort, Error> {
        let next = Mutex::new(next);
        let draw = || if self.is_halted() { None } else { lock(&next)() };
        let mut end = Ok(());
        let mut settle = |job: J, outcome: Result<R, Error>| {
            let outcome = match outcome {
                Err(error) if is_deadly(&error) => Err(error),
                outcome => take(job, outcome),
            };
            if let Err(error) = outcome {
                self.is_over.store(true, Ordering::SeqCst);
                if end.is_ok() {
                    end = Err(error);
                }
            }
        };
        let alone = |settle: &mut dyn FnMut(J, Result<R, Error>)| {
            let mut hand = Hand { crew: self, provider: self.session(), tools: T::default(), done: 0 };
            while let Some(job) = draw() {
                let outcome = hand.does(&work, &job);
                settle(job, outcome);
            }
            1
        };
        let threads = if self.jobs == 1 {
            alone(&mut settle)
        } else {
            let (send, results) = mpsc::sync_channel::<Message<J, R>>(2 * self.jobs);
            let mut threads = 0;
            // Closed once everybody has a session, or will get none.
            let (opening, opened) = mpsc::channel::<Infallible>();
            let opened = Mutex::new(opened);
            let all_are_opened = || {
                let _ = lock(&opened).recv();
            };
            let serve = |provider, send: &mpsc::SyncSender<Message<J, R>>| {
                let mut hand = Hand { crew: self, provider, tools: T::default(), done: 0 };
                let mut message = Message::Begins;
                while send.send(message).is_ok()
                    && let Some(job) = draw()
                {
                    let outcome = hand.does(&work, &job);
                    message = Message::Ended(job, outcome);
                }
                // A session that is given back too early lets one more thread begin than there may be sessions.
                all_are_opened();
            };
            let serve = &serve;
            thread::scope(|scope| {
                for _ in 1..self.jobs {
                    let (send, opening) = (send.clone(), opening.clone());
                    let other = move || {
                        let own = if self.is_shared { Ok(self.provider.clone()) } else { self.provider.another() };
                        drop(opening);
                        // A token that gives out no more sessions has fewer threads.
                        if let Ok(provider) = own {
                            serve(provider, &send);
                        }
                    };
                    // And so has a system that starts no more.
                    if thread::Builder::new().spawn_scoped(scope, other).is_err() {
                        break;
                    }
                }
                drop(opening);
                // The first one can do with the caller's session, and lets the others have what there are.
                let first = {
                    let send = send.clone();
                    move || {
                        all_are_opened();
                        serve(self.session(), &send);
                    }
                };
                let _ = thread::Builder::new().spawn_scoped(scope, first);
                drop(send);
                for message in results {
                    match message {
                        Message::Begins => threads += 1,
                        Message::Ended(job, outcome) => settle(job, outcome),
                    }
                }
            });
            if threads > 0 { threads } else { alone(&mut settle) }
        };
        end.map(|()| Effort { threads, reopened: self.reopened.load(Ordering::SeqCst) })
    }

    /// A session for the first thread: one of its own where there may be one, since what a session has made in it goes when it is closed, and the caller's stays open.
    /// Where many threads want what sessions there are, one more is worth more.
    fn session(&self) -> StorageProvider {
        let own = if self.jobs <= FEW && !self.is_shared { self.provider.another().ok() } else { None };
        own.unwrap_or_else(|| self.provider.clone())
    }

    fn is_halted(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.is_over.load(Ordering::SeqCst)
    }
}

/// What a thread tells.
enum Message<J, R> {
    /// It has what it needs.
    Begins,
    Ended(J, Result<R, Error>),
}

/// One thread's session, and what it needs besides.
struct Hand<'c, 'a, T> {
    crew: &'c Crew<'a>,
    provider: StorageProvider,
    tools: T,
    /// How many jobs its session has done.
    done: u32,
}

/// Threads that leave sessions over, of those that a token usually has.
const FEW: usize = 8;
/// After so many jobs a thread takes a new session: the session objects that its keys were made of stay with the old one, and a token becomes slower by what it holds.
const RENEWED_AFTER: u32 = 256;

impl<T: Default> Hand<'_, '_, T> {
    fn does<J, R>(
        &mut self,
        work: &impl Fn(&StorageProvider, &T, &J) -> Result<R, Error>,
        job: &J,
    ) -> Result<R, Error> {
        if self.done >= RENEWED_AFTER
            && !self.crew.is_shared
            && let Ok(provider) = self.provider.another()
        {
            (self.provider, self.tools, self.done) = (provider, T::default(), 0);
        }
        self.done += 1;
        let outcome = work(&self.provider, &self.tools, job);
        let Err(Error::Library(error)) = &outcome else { return outcome };
        if !self.provider.has_lost(error) {
            return outcome;
        }
        let lost = |error: crate::Error| Error::Lost { cause: error };
        if !self.crew.reopens || self.crew.is_halted() {
            return Err(lost(error.clone()));
        }
        self.provider = self.provider.reopen().map_err(lost)?;
        self.provider.index().map_err(lost)?;
        self.tools = T::default();
        self.crew.reopened.fetch_add(1, Ordering::SeqCst);
        match work(&self.provider, &self.tools, job) {
            Err(Error::Library(error)) if self.provider.has_lost(&error) => Err(lost(error)),
            outcome => outcome,
        }
    }
}

/// Whether what a job died of is the end of more than that: the token is lost, or the run is.
pub(super) fn ends_more(provider: &StorageProvider, error: &Error) -> bool {
    let is_lost = matches!(error, Error::Library(error) if provider.has_lost(error));
    is_lost || is_deadly(error)
}

/// Whether every other job would die of the same.
fn is_deadly(error: &Error) -> bool {
    let is_lost_or_pin =
        matches!(error, Error::Lost { .. } | Error::Library(crate::Error::Token(token::Error::Pin { .. })));
    let is_full_or_closed =
        |ckr| matches!(ckr, Ckr::DEVICE_MEMORY | Ckr::TOKEN_WRITE_PROTECTED | Ckr::SESSION_READ_ONLY);
    is_lost_or_pin || error.ckr().is_some_and(is_full_or_closed)
}
