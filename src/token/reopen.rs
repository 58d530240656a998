//! A token that was lost: the module is started anew, the token found again, and its user logged in again.
//!
//! Owns the order of that, the back-off, and what a token and those that were made of it have in common: who is logged in, and the PIN, if it is to be kept for this. A slot may
//! have another number afterwards: the token is the one of the same serial number, label, maker and model. Two threads that see the loss at once start the module once, and each
//! token of before makes no call any more: its handles may be another object's by now. A PIN that is refused is told once and then forgotten.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::module::Session;
use super::pool::{Budget, Pool};
use super::{Error, Pin, Token, TokenInfo, User, refusal};
use crate::status::Ckr;

/// What is waited before each attempt: a server that is started anew takes a moment, and what takes longer somebody has to look after.
const BACK_OFF: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];

/// What a token and those that were made of it have in common.
pub(super) struct Family {
    state: Mutex<State>,
    /// What keys are used with that want a PIN at every use.
    pub(super) use_pin: Mutex<Option<Pin>>,
    /// How many attempts to open it anew have come to an end.
    ended: AtomicU64,
}

struct State {
    /// Of which start of the module the rest is.
    start: u64,
    info: TokenInfo,
    budget: Arc<Budget>,
    /// Who is logged in.
    user: Option<User>,
    /// What logs in again.
    pin: Option<Pin>,
    /// What the last attempt came to, if it failed.
    failed: Option<Error>,
}

impl Family {
    pub(super) fn new(start: u64, info: TokenInfo, budget: Arc<Budget>) -> Arc<Self> {
        let state = Mutex::new(State { start, info, budget, user: None, pin: None, failed: None });
        Arc::new(Self { state, use_pin: Mutex::default(), ended: AtomicU64::new(0) })
    }

    /// Somebody is logged in.
    pub(super) fn note_login(&self, user: User) {
        self.state().user = Some(user);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    /// Whether an error says that the token is gone, or what was opened of it: the module may be started anew then ([`Token::reopen`]). CKR_DEVICE_ERROR is among them, which a
    /// dead p11-kit server is, and which some tokens also answer to data that they cannot use: [`Token::is_gone`] asks.
    pub fn is_lost(error: &Error) -> bool {
        error.ckr().is_some_and(refusal::is_lost)
    }

    /// The same, where the answer may mean something else, after a call that needs nothing but the session.
    pub fn is_gone(&self, error: &Error) -> bool {
        Self::is_lost(error) && (!error.is(Ckr::DEVICE_ERROR) || self.is_logged_in().is_err())
    }

    /// Keeps a PIN so that whoever is logged in can be logged in again when the token was lost. It is kept once for this token and all that were made of it, and wiped with the
    /// last of them; one that is refused is told once and forgotten.
    pub fn keep_pin_for_reopening(&self, pin: Pin) {
        self.family.state().pin = Some(pin);
    }

    /// Whether the module was not started anew since this was opened. What is not current makes no call any more.
    pub fn is_current(&self) -> bool {
        self.start() == self.module.restarts()
    }

    /// Refuses what is not current.
    pub(crate) fn check_current(&self) -> Result<(), Error> {
        if self.is_current() { Ok(()) } else { Err(of_before()) }
    }

    /// The token that takes the place of this one, which was lost, and of its session: the module is started anew, the token found again, and whoever was logged in is logged in with
    /// the PIN that was kept. Three attempts, after 0.25, 1 and 3 seconds. If another thread has done that for a token that was made of the same one, it gets a session beside
    /// that one's. Everything of before is void: handles, sessions, session objects, and all tokens of this module, which can be opened anew in the same way.
    ///
    /// # Errors
    /// What the last attempt came to; CKR_USER_NOT_LOGGED_IN, before anything is done, where somebody was logged in and no PIN is kept; [`Error::Pin`] at once where the token refuses it.
    pub fn reopen(&self) -> Result<Self, Error> {
        let seen = self.family.ended.load(Ordering::SeqCst);
        let mut state = self.family.state();
        if state.start != self.start() {
            match self.beside(&state) {
                Err(error @ Error::Pin { .. }) => {
                    state.pin = None;
                    return Err(error);
                }
                // Lost again, before anybody else has seen it.
                Err(error) if Self::is_lost(&error) => {}
                outcome => return outcome,
            }
        } else if let Some(error) = &state.failed
            && self.family.ended.load(Ordering::SeqCst) != seen
        {
            // What was waited for has just failed, for all that wait.
            return Err(error.clone());
        }
        let outcome = self.revive(&mut state);
        state.failed = outcome.as_ref().err().cloned();
        self.family.ended.fetch_add(1, Ordering::SeqCst);
        Ok(self.with_session(outcome?, &state))
    }

    fn revive(&self, state: &mut State) -> Result<Session, Error> {
        let login = match (state.user, &state.pin) {
            (None, _) => None,
            (Some(user), Some(pin)) => Some((user, pin.clone())),
            (Some(_), None) => return Err(not_logged_in()),
        };
        let mut start = state.start;
        let mut failed = None;
        for wait in BACK_OFF {
            std::thread::sleep(wait);
            match self.revive_once(start, &state.info, login.as_ref()) {
                Ok((info, mut session)) => {
                    state.budget = state.budget.renewed(&info);
                    session.hold(state.budget.note(self.access));
                    (state.start, state.info) = (session.restarts(), info);
                    return Ok(session);
                }
                Err(error @ Error::Pin { .. }) => {
                    state.pin = None;
                    return Err(error);
                }
                Err(error) => failed = Some(error),
            }
            start = self.module.restarts();
        }
        Err(failed.unwrap_or_else(not_logged_in))
    }

    /// One attempt. The module is started anew unless that was done since `start`, as for another of its tokens.
    fn revive_once(
        &self,
        start: u64,
        known: &TokenInfo,
        login: Option<&(User, Pin)>,
    ) -> Result<(TokenInfo, Session), Error> {
        self.module.start_anew(start)?;
        let info = found_again(self.module.tokens()?, known)?;
        let session = self.module.open_session(&info, self.access)?;
        if let Some((user, pin)) = login {
            self.log_in_again(&info, &session, *user, pin)?;
        }
        Ok((info, session))
    }

    fn log_in_again(&self, info: &TokenInfo, session: &Session, user: User, pin: &Pin) -> Result<(), Error> {
        match self.module.raw().login(session.handle(), user.number(), pin.as_text()) {
            Err(error) if error.is(Ckr::USER_ALREADY_LOGGED_IN) => Ok(()),
            outcome => outcome.map_err(|error| self.about_pin_of(info, user, error)),
        }
    }

    /// A session beside those that were opened since the loss. Where all of them are closed by now, so is the login.
    fn beside(&self, state: &State) -> Result<Self, Error> {
        let permit = state.budget.take(self.access).ok_or_else(refused)?;
        let session = state.budget.open(permit, || self.module.open_session(&state.info, self.access))?;
        if let Some(user) = state.user
            && !self.module.raw().is_logged_in(session.handle())?
        {
            let pin = state.pin.as_ref().ok_or_else(not_logged_in)?;
            self.log_in_again(&state.info, &session, user, pin)?;
        }
        Ok(self.with_session(session, state))
    }

    fn with_session(&self, session: Session, state: &State) -> Self {
        let extras = self.pool.has_extras().then(|| Arc::clone(&state.budget));
        self.like(state.info.clone(), Arc::clone(&state.budget), session, extras)
    }

    /// The same token with another session.
    pub(super) fn like(
        &self,
        info: TokenInfo,
        budget: Arc<Budget>,
        session: Session,
        extras: Option<Arc<Budget>>,
    ) -> Self {
        let start = AtomicU64::new(session.restarts());
        Self {
            module: Arc::clone(&self.module),
            info,
            access: self.access,
            profile: self.profile,
            mechanisms: self.mechanisms.clone(),
            start,
            pool: Pool::new(&self.module, session, extras),
            budget,
            family: Arc::clone(&self.family),
        }
    }
}

/// There is no session to be had.
pub(super) fn refused() -> Error {
    Error::Pkcs11 { function: "C_OpenSession", ckr: Ckr::SESSION_COUNT }
}

/// A session of an earlier start of the module.
pub(super) fn of_before() -> Error {
    Error::Pkcs11 { function: "the session of before", ckr: Ckr::SESSION_HANDLE_INVALID }
}

fn not_logged_in() -> Error {
    Error::Pkcs11 { function: "C_Login", ckr: Ckr::USER_NOT_LOGGED_IN }
}

/// The token that is meant, in whatever slot it is now; of several that cannot be told apart the one in its old slot.
fn found_again(present: Vec<TokenInfo>, known: &TokenInfo) -> Result<TokenInfo, Error> {
    let is_it = |info: &&TokenInfo| {
        info.initialised
            && (&info.serial, &info.label, &info.manufacturer, &info.model)
                == (&known.serial, &known.label, &known.manufacturer, &known.model)
    };
    let fitting: Vec<&TokenInfo> = present.iter().filter(is_it).collect();
    match fitting.as_slice() {
        [] => Err(Error::NoToken {
            wanted: known.uri().to_string(),
            present: present.iter().map(|info| info.label.clone()).collect(),
        }),
        [one] => Ok((*one).clone()),
        several => match several.iter().find(|info| info.slot == known.slot) {
            Some(info) => Ok((**info).clone()),
            None => Err(Error::SeveralTokens { present: several.iter().map(|info| info.uri().to_string()).collect() }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::module::Tries;
    use super::*;

    fn info(slot: u64, serial: &str, initialised: bool) -> TokenInfo {
        TokenInfo {
            slot,
            label: "a token".to_owned(),
            manufacturer: "somebody".to_owned(),
            model: "some".to_owned(),
            serial: serial.to_owned(),
            firmware: (1, 0),
            initialised,
            user_pin_set: true,
            login_required: true,
            protected_path: false,
            tries: Tries::Unknown,
            so_tries: Tries::Unknown,
            max_sessions: None,
            max_rw_sessions: None,
        }
    }

    #[test]
    fn a_token_is_found_again_whatever_its_slot_is_now() {
        let known = info(3, "0815", true);
        let slot = |present: Vec<TokenInfo>| found_again(present, &known).map(|info| info.slot);
        assert_eq!(slot(vec![info(1, "4711", true), info(7, "0815", true), info(3, "4711", true)]).unwrap(), 7);
        assert_eq!(slot(vec![info(7, "0815", true), info(3, "0815", true)]).unwrap(), 3);
        assert!(matches!(slot(vec![info(3, "4711", true)]), Err(Error::NoToken { .. })));
        assert!(matches!(slot(vec![info(3, "0815", false)]), Err(Error::NoToken { .. })));
        let several = slot(vec![info(7, "0815", true), info(8, "0815", true)]);
        assert!(matches!(several, Err(Error::SeveralTokens { .. })));
    }
}
