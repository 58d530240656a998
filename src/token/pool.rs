//! The sessions of a token that is used from several threads at a time.
//!
//! Owns the one main session, where objects are found, made and destroyed, and which owns the session objects; and extra sessions, opened read-only once they are needed, for what
//! only uses a key. PKCS#11 lets every session of a process use the objects of the others, and one login serves them all.
//!
//! A use takes the main session if nobody has it, so that a single thread makes exactly the calls that it would make without this file; else an extra session that is idle; else a
//! new one, within a [`Budget`]; else it waits. A token that several threads must not use at a time gets no extra session, and neither does one that was made of another for a
//! thread of its own. A session on which anything failed may have an operation going: an extra one is closed then.
//!
//! The budget is one for a token and all that were made of it: what the token says of its sessions, at most [`MOST`] or what the user says, and it shrinks to what there is when
//! the token opens no more.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::module::{Module, Session, TokenInfo};
use super::{Access, Error};
use crate::status::Ckr;

/// The most sessions of a token, if the user does not say otherwise: beyond that no HSM is known to become faster.
pub(super) const MOST: usize = 16;

/// How many sessions a token may have in this process, and has.
pub(super) struct Budget(Mutex<Counts>);

struct Counts {
    /// What the user says, or what is usual.
    limit: usize,
    /// What the token tells: of all sessions, and of those that write.
    told: [usize; 2],
    /// The most at a time.
    bound: usize,
    open: usize,
    /// Of these, the ones that write.
    writing: usize,
}

impl Budget {
    /// What a token allows, as far as it tells.
    pub(super) fn new(info: &TokenInfo) -> Arc<Self> {
        Self::with_limit(info, MOST)
    }

    /// The same for a token that was opened anew: none of the sessions of before is there, and what was refused then may be had.
    pub(super) fn renewed(&self, info: &TokenInfo) -> Arc<Self> {
        let limit = self.counts().limit;
        Self::with_limit(info, limit)
    }

    fn with_limit(info: &TokenInfo, limit: usize) -> Arc<Self> {
        let told = [info.max_sessions, info.max_rw_sessions]
            .map(|most| most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX).max(1));
        let bound = limit.clamp(1, told[0]);
        Arc::new(Self(Mutex::new(Counts { limit, told, bound, open: 0, writing: 0 })))
    }

    /// Another bound than the usual one; never more than the token tells, and never none.
    pub(super) fn limit(&self, most: usize) {
        let mut counts = self.counts();
        (counts.limit, counts.bound) = (most, most.clamp(1, counts.told[0]));
    }

    /// The most sessions of this kind.
    pub(super) fn bound(&self, access: Access) -> usize {
        let counts = self.counts();
        if access == Access::ReadWrite { counts.bound.min(counts.told[1]) } else { counts.bound }
    }

    /// The place of a session that is to be opened; `None` where there are as many as there may be.
    pub(super) fn take(self: &Arc<Self>, access: Access) -> Option<Permit> {
        let mut counts = self.counts();
        let writes = access == Access::ReadWrite;
        if counts.open >= counts.bound || (writes && counts.writing >= counts.told[1]) {
            return None;
        }
        Some(self.permit(&mut counts, writes))
    }

    /// The place of a session that is there.
    pub(super) fn note(self: &Arc<Self>, access: Access) -> Permit {
        self.permit(&mut self.counts(), access == Access::ReadWrite)
    }

    fn permit(self: &Arc<Self>, counts: &mut Counts, writes: bool) -> Permit {
        counts.open += 1;
        counts.writing += usize::from(writes);
        Permit { budget: Arc::clone(self), writes }
    }

    /// The token opens no more than there are.
    fn shrink(&self) {
        let mut counts = self.counts();
        counts.bound = counts.bound.min(counts.open).max(1);
    }

    /// Opens a session in a place that was taken; a refusal shrinks the budget.
    pub(super) fn open(&self, permit: Permit, open: impl FnOnce() -> Result<Session, Error>) -> Result<Session, Error> {
        match open() {
            Ok(mut session) => {
                session.hold(permit);
                Ok(session)
            }
            Err(error) => {
                drop(permit);
                if is_refusal(&error) {
                    self.shrink();
                }
                Err(error)
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a session in a budget, which is free again when this is dropped.
pub(super) struct Permit {
    budget: Arc<Budget>,
    writes: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.budget.counts();
        counts.open -= 1;
        counts.writing -= usize::from(self.writes);
    }
}

/// Sessions, lent one at a time each.
pub(super) struct Pool {
    /// Where extra sessions are taken from, if there may be any.
    extras: Option<Arc<Budget>>,
    state: Mutex<State>,
    /// Somebody who needs the main session may find it free.
    main_freed: Condvar,
    /// Somebody who needs any may find one.
    any_freed: Condvar,
    /// Whoever pauses it may find nothing lent.
    all_back: Condvar,
}

struct State {
    /// The main session, unless it is lent.
    main: Option<Session>,
    idle: Vec<Session>,
    /// How many extra sessions are lent, or being opened to be.
    lent: usize,
    /// How many want nothing to be lent.
    pauses: usize,
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
    /// A pool around a main session, with as many extra ones as a budget lets there be, or none.
    ///
    /// The module knows of it: before that is started anew, nothing may be lent.
    pub(super) fn new(module: &Module, main: Session, extras: Option<Arc<Budget>>) -> Arc<Self> {
        let state =
            State { main: Some(main), idle: Vec::new(), lent: 0, pauses: 0, waiting_for_main: 0, waiting_for_any: 0 };
        let pool = Arc::new(Self {
            extras,
            state: Mutex::new(state),
            main_freed: Condvar::new(),
            any_freed: Condvar::new(),
            all_back: Condvar::new(),
        });
        module.note_pool(&pool);
        pool
    }

    /// Whether it opens extra sessions.
    pub(super) fn has_extras(&self) -> bool {
        self.extras.is_some()
    }

    /// Waits until every session is back, and lends none as long as the answer lives.
    pub(super) fn pause(&self) -> Paused<'_> {
        let mut state = self.state();
        state.pauses += 1;
        while state.main.is_none() || state.lent > 0 {
            state = self.all_back.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Paused { pool: self }
    }

    /// The main session, once it is free.
    pub(super) fn main(&self) -> Lease<'_> {
        let mut state = self.state();
        loop {
            if state.pauses == 0
                && let Some(session) = state.main.take()
            {
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
            if state.pauses > 0 {
                state.waiting_for_any += 1;
                state = self.any_freed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.waiting_for_any -= 1;
                continue;
            }
            if let Some(session) = state.main.take() {
                return Ok(self.lend(session, Wanted::Main));
            }
            if let Some(session) = state.idle.pop() {
                // What the module was started anew since is no session any more.
                if session.is_current() {
                    state.lent += 1;
                    return Ok(self.lend(session, Wanted::Any));
                }
                continue;
            }
            if let Some(budget) = self.extras.as_ref().filter(|_| open.is_some())
                && let Some(permit) = budget.take(Access::ReadOnly)
                && let Some(open) = open.take()
            {
                state.lent += 1;
                drop(state);
                match budget.open(permit, open) {
                    Ok(session) => return Ok(self.lend(session, Wanted::Any)),
                    Err(error) => {
                        state = self.state();
                        state.lent -= 1;
                        // The place is free again, and may be what somebody waits for.
                        self.wake(&state);
                        if is_refusal(&error) {
                            continue;
                        }
                        return Err(error);
                    }
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
        if state.pauses > 0 {
            self.all_back.notify_all();
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

/// A pool that lends nothing as long as this lives.
pub(super) struct Paused<'p> {
    pool: &'p Pool,
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.pool.state().pauses -= 1;
        self.pool.main_freed.notify_all();
        self.pool.any_freed.notify_all();
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

    /// Whether the module was not started anew since the session was opened. It is not as long as this lives, but by whoever has it.
    pub(super) fn is_current(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_current)
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
        state.lent -= usize::from(self.kind == Wanted::Any);
        let closed = match self.kind {
            Wanted::Main => {
                state.main = Some(session);
                None
            }
            Wanted::Any if self.is_clean && session.is_current() => {
                state.idle.push(session);
                None
            }
            Wanted::Any => Some(session),
        };
        self.pool.wake(&state);
        drop(state);
        // Closing is a call to the token, for which nobody else should wait.
        drop(closed);
    }
}
