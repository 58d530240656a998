//! The sessions of a token that is used from several threads at a time.
//!
//! Owns the one main session, where objects are found, made and destroyed, and which owns the session objects; and extra sessions, opened read-only once they are needed, for what
//! only uses a key. PKCS#11 lets every session of a process use the objects of the others, and one login serves them all.
//!
//! A use takes the main session if nobody has it, so that a single thread makes exactly the calls that it would make without this file; else an extra session that is idle; else a
//! new one, within a bound; else it waits. The bound is what the token says of its sessions, at most [`MOST`], and shrinks to what there is when the token opens no more. A token that
//! several threads must not use at a time gets no extra session. A session on which anything failed may have an operation going: an extra one is closed then.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;
use super::module::Session;
use crate::status::Ckr;

/// The most sessions of a token, the main one counted: beyond that no HSM is known to become faster.
pub(super) const MOST: usize = 16;

/// Sessions, lent one at a time each.
pub(super) struct Pool {
    state: Mutex<State>,
    /// Somebody who needs the main session may find it free.
    main_freed: Condvar,
    /// Somebody who needs any may find one.
    any_freed: Condvar,
}

struct State {
    /// The main session, unless it is lent.
    main: Option<Session>,
    idle: Vec<Session>,
    /// Extra sessions, idle and lent.
    extra: usize,
    /// The most of these.
    bound: usize,
    waiting_for_main: usize,
    waiting_for_any: usize,
}

/// Which session is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Main,
    Any,
}

impl Pool {
    /// A pool of at most so many sessions, the main one counted, as far as the token tells.
    pub(super) fn new(main: Session, told: Option<u64>) -> Self {
        let told = told.and_then(|most| usize::try_from(most).ok()).unwrap_or(MOST);
        let bound = told.min(MOST).saturating_sub(1);
        let state =
            State { main: Some(main), idle: Vec::new(), extra: 0, bound, waiting_for_main: 0, waiting_for_any: 0 };
        Self { state: Mutex::new(state), main_freed: Condvar::new(), any_freed: Condvar::new() }
    }

    /// The main session, once it is free.
    pub(super) fn main(&self) -> Lease<'_> {
        let mut state = self.state();
        loop {
            if let Some(session) = state.main.take() {
                return self.lend(session, Wanted::Main);
            }
            state.waiting_for_main += 1;
            state = self.main_freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting_for_main -= 1;
        }
    }

    /// Any session, for what makes no object that is to stay. `open` opens another one.
    pub(super) fn any(&self, open: impl FnOnce() -> Result<Session, Error>) -> Result<Lease<'_>, Error> {
        let mut open = Some(open);
        let mut state = self.state();
        loop {
            if let Some(session) = state.main.take() {
                return Ok(self.lend(session, Wanted::Main));
            }
            if let Some(session) = state.idle.pop() {
                // What the module was started anew since is no session any more.
                if session.is_current() {
                    return Ok(self.lend(session, Wanted::Any));
                }
                state.extra -= 1;
                continue;
            }
            if state.extra < state.bound
                && let Some(open) = open.take()
            {
                state.extra += 1;
                drop(state);
                let place = Place { pool: self, is_taken: false };
                match open() {
                    Ok(session) => {
                        place.take();
                        return Ok(self.lend(session, Wanted::Any));
                    }
                    Err(error) if is_refusal(&error) => {
                        drop(place);
                        state = self.state();
                        state.bound = state.bound.min(state.extra);
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            state.waiting_for_any += 1;
            state = self.any_freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting_for_any -= 1;
        }
    }

    /// Closes the extra sessions that nobody has: a security officer logs in only where no session is read-only.
    pub(super) fn close_idle(&self) {
        let mut state = self.state();
        let idle = std::mem::take(&mut state.idle);
        state.extra -= idle.len();
        drop(state);
        drop(idle);
    }

    fn lend(&self, session: Session, kind: Wanted) -> Lease<'_> {
        Lease { pool: self, session: Some(session), kind, is_clean: true }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave a session in a state that PKCS#11 does not report by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: &State) {
        if state.waiting_for_main > 0 && state.main.is_some() {
            self.main_freed.notify_one();
        }
        // Who waits for the main session may not be awake yet: what else came free is somebody else's.
        if state.waiting_for_any > 0 {
            self.any_freed.notify_one();
        }
    }
}

/// Whether a token that does not open a session has as many as it can have.
pub(super) fn is_refusal(error: &Error) -> bool {
    // The last where the security officer is logged in: no session may only read then.
    [Ckr::SESSION_COUNT, Ckr::HOST_MEMORY, Ckr::DEVICE_MEMORY, Ckr::SESSION_READ_WRITE_SO_EXISTS]
        .into_iter()
        .any(|ckr| error.is(ckr))
}

/// The place of an extra session that is being opened, which goes with it if it does not come to be.
struct Place<'p> {
    pool: &'p Pool,
    is_taken: bool,
}

impl Place<'_> {
    fn take(mut self) {
        self.is_taken = true;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_taken {
            let mut state = self.pool.state();
            state.extra -= 1;
            self.pool.wake(&state);
        }
    }
}

/// A session that is lent, and goes back when this is dropped.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    /// There until the drop.
    session: Option<Session>,
    kind: Wanted,
    is_clean: bool,
}

impl Lease<'_> {
    pub(super) fn handle(&self) -> u64 {
        self.session.as_ref().map_or(0, Session::handle)
    }

    /// Does something with the session. If it fails an extra one is not used again.
    pub(super) fn run<T>(&mut self, run: impl FnOnce(u64) -> Result<T, Error>) -> Result<T, Error> {
        self.is_clean = false;
        let outcome = run(self.handle());
        self.is_clean = outcome.is_ok();
        outcome
    }

    /// The session itself, to be started anew.
    pub(super) fn session_mut(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let mut state = self.pool.state();
        let closed = match self.kind {
            Wanted::Main => {
                state.main = Some(session);
                None
            }
            Wanted::Any if self.is_clean && session.is_current() => {
                state.idle.push(session);
                None
            }
            Wanted::Any => {
                state.extra -= 1;
                Some(session)
            }
        };
        self.pool.wake(&state);
        drop(state);
        // Closing is a call to the token, for which nobody else should wait.
        drop(closed);
    }
}
