//! Many jobs on one token, one after another or side by side, each thread in a session of its own.
//!
//! Owns who works on what: jobs are drawn one at a time, so that no more are in memory than there are threads, and what comes of them goes back to the caller's thread. A token that
//! is lost is opened once more for all, and the job whose fate is unknown is done again by the session that is new: a job must look before it makes anything. What no other job can
//! survive either (a PIN that is refused, a token that is full, one that stays lost) ends the run: the job it happened to is nobody's then, and is drawn again by the next run.

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
        Self { provider, jobs: jobs.max(1), reopens: true, stop, is_over, reopened }
    }

    /// The same where a token that is lost ends the run: what the jobs were drawn from is void with it.
    pub(super) fn bound(self) -> Self {
        Self { reopens: false, ..self }
    }

    /// Does each job that `next` draws, and hands what came of it to `take`, on this thread. Jobs that failed for what ends the run are not handed on. `equip` makes what a thread
    /// needs besides its session, and makes it again for a session that takes another one's place.
    ///
    /// # Errors
    /// What ended the run: what a job died of, or what `take` said.
    pub(super) fn run<J: Send, R: Send, T>(
        &self,
        next: impl FnMut() -> Option<J> + Send,
        equip: impl Fn(&StorageProvider) -> Result<T, Error> + Sync,
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
        let threads = if self.jobs == 1 {
            let provider = self.session();
            let tools = equip(&provider)?;
            let mut hand = Hand { crew: self, provider, tools, done: 0 };
            while let Some(job) = draw() {
                let outcome = hand.does(&equip, &work, &job);
                settle(job, outcome);
            }
            1
        } else {
            let (send, results) = mpsc::sync_channel::<Message<J, R>>(2 * self.jobs);
            let (mut threads, mut unfit) = (0, None);
            thread::scope(|scope| {
                for number in 0..self.jobs {
                    let (send, draw, equip, work) = (send.clone(), &draw, &equip, &work);
                    scope.spawn(move || {
                        // A token that gives out no more sessions has fewer threads.
                        let own = if number == 0 { Ok(self.session()) } else { self.provider.another() };
                        let Ok(provider) = own else { return };
                        let mut hand = match equip(&provider) {
                            Ok(tools) => Hand { crew: self, provider, tools, done: 0 },
                            Err(error) => return drop(send.send(Message::Unfit(error))),
                        };
                        let mut message = Message::Begins;
                        while send.send(message).is_ok()
                            && let Some(job) = draw()
                        {
                            let outcome = hand.does(equip, work, &job);
                            message = Message::Ended(job, outcome);
                        }
                    });
                }
                drop(send);
                for message in results {
                    match message {
                        Message::Begins => threads += 1,
                        Message::Ended(job, outcome) => settle(job, outcome),
                        Message::Unfit(error) => unfit = Some(error),
                    }
                }
            });
            if let (0, Some(error)) = (threads, unfit) {
                return Err(error);
            }
            threads
        };
        end.map(|()| Effort { threads, reopened: self.reopened.load(Ordering::SeqCst) })
    }

    /// A session for the first thread: one of its own where there may be one, since what a session has made in it goes when it is closed, and the caller's stays open.
    /// Where many threads want what sessions there are, one more is worth more.
    fn session(&self) -> StorageProvider {
        let own = if self.jobs <= FEW { self.provider.another().ok() } else { None };
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
    /// It has not, and does nothing.
    Unfit(Error),
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

impl<T> Hand<'_, '_, T> {
    fn does<J, R>(
        &mut self,
        equip: &impl Fn(&StorageProvider) -> Result<T, Error>,
        work: &impl Fn(&StorageProvider, &T, &J) -> Result<R, Error>,
        job: &J,
    ) -> Result<R, Error> {
        if self.done >= RENEWED_AFTER
            && let Ok(provider) = self.provider.another()
        {
            self.tools = equip(&provider)?;
            (self.provider, self.done) = (provider, 0);
        }
        self.done += 1;
        let outcome = work(&self.provider, &self.tools, job);
        match &outcome {
            Err(Error::Library(error))
                if self.crew.reopens && self.provider.has_lost(error) && !self.crew.is_halted() => {}
            _ => return outcome,
        }
        let lost = |error: crate::Error| Error::Lost { cause: error };
        self.provider = self.provider.reopen().map_err(lost)?;
        self.provider.index().map_err(lost)?;
        self.tools = equip(&self.provider)?;
        self.crew.reopened.fetch_add(1, Ordering::SeqCst);
        work(&self.provider, &self.tools, job)
    }
}

/// Whether every other job would die of the same.
fn is_deadly(error: &Error) -> bool {
    let is_lost_or_pin =
        matches!(error, Error::Lost { .. } | Error::Library(crate::Error::Token(token::Error::Pin { .. })));
    let is_full_or_closed = |ckr| {
        matches!(
            ckr,
            Ckr::DEVICE_MEMORY
                | Ckr::TOKEN_WRITE_PROTECTED
                | Ckr::SESSION_READ_ONLY
                | Ckr::CRYPTOKI_NOT_INITIALIZED
                | Ckr::DEVICE_REMOVED
                | Ckr::SESSION_CLOSED
                | Ckr::SESSION_HANDLE_INVALID
                | Ckr::TOKEN_NOT_PRESENT
        )
    };
    is_lost_or_pin || error.ckr().is_some_and(is_full_or_closed)
}
