//! A PKCS#11 token: found, opened, logged in, and asked to do things to objects.
//!
//! Owns the module (loaded and initialised once per process), the session, the login, and every PKCS#11 call. `cryptoki` loads and initialises modules and
//! initialises tokens; whatever has to do with a session goes through one narrow escape on the same library (`raw`). No type of `cryptoki` leaves this layer. Refuses to
//! retry a PIN.

mod error;
pub mod login;
pub mod mechanism;
pub mod module;
pub mod object;
mod pool;
mod raw;
pub(crate) mod refusal;
mod reopen;
pub mod uri;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use cryptoki_sys::CKU_CONTEXT_SPECIFIC;
use secrecy::ExposeSecret;

pub use self::error::Error;
pub use self::login::{Pin, User};
pub use self::module::{Device, Module, TokenInfo};
pub use self::object::Handle;
use self::pool::{Budget, Lease, Pool};
use self::reopen::Family;
pub use self::uri::Uri;
use crate::template::profile::Profile;
pub use secrecy::SecretString;

/// Threads on a token that is a program: it writes one object at a time whatever their number, and only signatures and checks gain.
const ENOUGH_FOR_SOFTWARE: usize = 4;

/// Whether a session may write to the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// It may read, use keys, and make session objects.
    ReadOnly,
    /// It may write as well.
    ReadWrite,
}

/// An open token, logged in or not. From several threads at a time it is used in several sessions.
pub struct Token {
    module: Arc<Module>,
    info: TokenInfo,
    access: Access,
    profile: &'static Profile,
    mechanisms: OnceLock<Vec<u64>>,
    /// Of which start of the module its session is.
    start: AtomicU64,
    pool: Arc<Pool>,
    /// How many sessions there may be, of this one and of those that were made of it.
    budget: Arc<Budget>,
    family: Arc<Family>,
}

impl Token {
    /// Opens a session with the token in a slot.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn open(module: Arc<Module>, info: TokenInfo, access: Access) -> Result<Self, Error> {
        let mut session = module.open_session(&info, access)?;
        let profile = match Profile::find(&info.manufacturer, &info.model, &info.label, info.firmware) {
            // What cannot say who made it is nobody that is known.
            unknown if *unknown == Profile::UNKNOWN => {
                let library = module.raw().library_manufacturer().unwrap_or_default();
                Profile::of_library(&library).unwrap_or(unknown)
            }
            known => known,
        };
        let budget = Budget::new(&info);
        session.hold(budget.note(access));
        let start = AtomicU64::new(session.restarts());
        let family = Family::new(session.restarts(), info.clone(), Arc::clone(&budget));
        let pool = Pool::new(&module, session, Some(Arc::clone(&budget)));
        Ok(Self { module, info, access, profile, mechanisms: OnceLock::new(), start, pool, budget, family })
    }

    /// The same token and login for another thread, with a main session of its own, and no other: it finds, makes and destroys objects beside this one. Both use the objects of
    /// both, and share one budget of sessions.
    ///
    /// # Errors
    /// [`Token::refuses_sessions`] for a token that has as many sessions as it can have or may have, or that several threads must not use at a time; [`Token::is_lost`] for one that is not
    /// current; [`Error`] as the token answers.
    pub fn another(&self) -> Result<Self, Error> {
        self.check_current()?;
        let permit = self.budget.take(self.access).filter(|_| self.profile.threads).ok_or_else(reopen::refused)?;
        let session = self.budget.open(permit, || self.module.open_session(&self.info, self.access))?;
        Ok(self.like(self.info.clone(), Arc::clone(&self.budget), session, None))
    }

    /// Whether an error says that there is no session to be had, and fewer must do.
    pub fn refuses_sessions(error: &Error) -> bool {
        matches!(error, Error::Pkcs11 { function: "C_OpenSession", .. }) && pool::is_refusal(error)
    }

    /// The same with another bound on its sessions, this one and those that are made of it counted together: more than what is usual, or less. The token's own limits stay.
    #[must_use]
    pub fn with_session_limit(self, most: usize) -> Self {
        self.budget.limit(most);
        self
    }

    /// How many threads suit the token, each with a session of its own: one where several must not use it, as many as the machine has cores but few for a program, and for a device
    /// that is waited for, as many as it may have sessions.
    pub fn jobs_default(&self) -> usize {
        let most = self.budget.bound(self.access).min(pool::MOST);
        if !self.profile.threads {
            return 1;
        }
        if self.profile.in_software {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            return cores.min(ENOUGH_FOR_SOFTWARE).min(most);
        }
        most
    }

    /// Logs the user in. A token whose user is logged in already is fine.
    ///
    /// # Errors
    /// [`Error::Pin`] with what the token tells of the remaining tries; it is not tried twice.
    pub fn login(&self, pin: &Pin) -> Result<(), Error> {
        self.login_as(User::User, pin)
    }

    /// Logs somebody in. Whoever is logged in already is fine, if it is the same one.
    ///
    /// # Errors
    /// As [`Token::login`].
    pub fn login_as(&self, user: User, pin: &Pin) -> Result<(), Error> {
        match self.try_login(user, pin) {
            Ok(()) | Err(Error::Pkcs11 { ckr: crate::status::Ckr::USER_ALREADY_LOGGED_IN, .. }) => {
                self.family.note_login(user);
                Ok(())
            }
            other => other,
        }
    }

    /// Whether the user or the security officer is logged in.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn is_logged_in(&self) -> Result<bool, Error> {
        self.module.raw().is_logged_in(self.session()?.handle())
    }

    /// Changes somebody's PIN, in a session that writes. The user's is changed without a login, so that the old one is tried once; the security officer is logged in for it, and out again.
    /// Both are [`Pin::ProtectedPath`] where the token asks for them.
    ///
    /// # Errors
    /// [`Error::Pin`] for a wrong old PIN, which is not tried twice; [`Error::NewPin`] for a new one that the token does not take.
    pub fn change_pin(&self, user: User, old: &Pin, new: &Pin) -> Result<(), Error> {
        if user == User::User {
            return self.set_pin(user, old, new);
        }
        self.as_security_officer(old, || self.set_pin(user, old, new))
    }

    /// Gives the user a new PIN, whether or not the old one is known or locked, as the security officer, who is logged in for it and out again.
    ///
    /// # Errors
    /// As [`Token::change_pin`].
    pub fn unblock(&self, so_pin: &Pin, new: &Pin) -> Result<(), Error> {
        self.as_security_officer(so_pin, || {
            let outcome = self.module.raw().init_pin(self.session()?.handle(), new.as_text());
            outcome.map_err(|error| self.about_pins(User::SecurityOfficer, error))
        })
    }

    fn as_security_officer(&self, pin: &Pin, run: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        self.try_login(User::SecurityOfficer, pin)?;
        let outcome = run();
        let logout = self.module.raw().logout(self.session()?.handle());
        outcome.and(logout)
    }

    fn set_pin(&self, user: User, old: &Pin, new: &Pin) -> Result<(), Error> {
        let outcome = self.module.raw().set_pin(self.session()?.handle(), old.as_text(), new.as_text());
        outcome.map_err(|error| self.about_pins(user, error))
    }

    /// A refusal where two PINs were told: which of them it is about.
    fn about_pins(&self, user: User, error: Error) -> Error {
        use crate::status::Ckr;
        match error {
            Error::Pkcs11 { ckr: ckr @ (Ckr::PIN_LEN_RANGE | Ckr::PIN_INVALID | Ckr::PIN_TOO_WEAK), .. } => {
                Error::NewPin { ckr, token: self.info.label.clone() }
            }
            other => self.about_pin(user, other),
        }
    }

    /// The other tokens that the module shows of the same device: one for each PIN of a card.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub(crate) fn others_of_device(&self) -> Result<Vec<Self>, Error> {
        let own = &self.info;
        let is_other = |info: &TokenInfo| {
            info.slot != own.slot
                && (&info.serial, &info.manufacturer, &info.model) == (&own.serial, &own.manufacturer, &own.model)
        };
        let others = self.module.tokens()?.into_iter().filter(is_other);
        others.map(|info| Self::open(Arc::clone(&self.module), info, Access::ReadOnly)).collect()
    }

    /// Starts the module anew, and opens a session with this token that reads and is not logged in: what a module keeps of a card is read from the card then. Every other
    /// session of the process with this module ends.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub(crate) fn restart(&self) -> Result<(), Error> {
        self.pool.close_idle();
        let mut lease = self.session()?;
        let Some(session) = lease.session_mut() else { return Ok(()) };
        let outcome = session.restart(&self.info);
        self.start.store(session.restarts(), Ordering::SeqCst);
        outcome
    }

    /// Of which start of the module its session is: handles of another one mean nothing.
    pub(crate) fn start(&self) -> u64 {
        self.start.load(Ordering::SeqCst)
    }

    /// What the token is.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// What it runs on: two calls.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub fn device(&self) -> Result<Device, Error> {
        self.module.device(self.info.slot)
    }

    /// The same with another profile: a user's own, or what was learned of the token.
    #[must_use]
    pub fn with_profile(mut self, profile: &'static Profile) -> Self {
        self.profile = profile;
        self
    }

    /// What is peculiar to it.
    pub fn profile(&self) -> &'static Profile {
        self.profile
    }

    /// Whether the token lists a mechanism. A claim, not a proof.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn lists_mechanism(&self, mechanism: u64) -> Result<bool, Error> {
        if let Some(known) = self.mechanisms.get() {
            return Ok(known.contains(&mechanism));
        }
        let list = self.module.mechanisms(self.info.slot)?;
        Ok(self.mechanisms.get_or_init(|| list).contains(&mechanism))
    }

    /// Whether the token says that keys can be wrapped and unwrapped with a mechanism. A claim, not a proof.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn claims_wrapping(&self, mechanism: u64) -> Result<(bool, bool), Error> {
        use cryptoki_sys::{CKF_UNWRAP, CKF_WRAP};
        let flags = self.module.mechanism_flags(self.info.slot, mechanism)?.unwrap_or(0);
        Ok((flags & CKF_WRAP != 0, flags & CKF_UNWRAP != 0))
    }

    /// How many sessions can be open beside this one, up to `most`. They are closed again.
    ///
    /// # Errors
    /// [`Error`] for anything but that there are too many.
    pub fn count_sessions(&self, most: usize) -> Result<usize, Error> {
        let mut sessions = Vec::new();
        while sessions.len() < most {
            match self.module.open_session(&self.info, Access::ReadOnly) {
                Ok(session) => sessions.push(session),
                Err(error) if pool::is_refusal(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sessions.len())
    }

    /// Keeps a PIN for keys that want one at every use (CKA_ALWAYS_AUTHENTICATE), or forgets it. Without one such a key asks on the token's pad, if there is one. It is told to the
    /// token at each use, so a wrong one counts each time.
    pub fn keep_pin_for_uses(&self, pin: Option<Pin>) {
        *self.family.use_pin.lock().unwrap_or_else(PoisonError::into_inner) = pin;
    }

    /// What a key is used with that wants a PIN at every use; `None` if there is nothing.
    pub fn pin_for_uses(&self) -> Option<Pin> {
        let kept = self.family.use_pin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        kept.or_else(|| self.info.protected_path.then_some(Pin::ProtectedPath))
    }

    /// Between an Init call and the use of a key: the login that counts for this one use.
    fn login_for_use(&self, session: u64, pin: Option<&Pin>) -> Result<(), Error> {
        let Some(pin) = pin else { return Ok(()) };
        let outcome = self.module.raw().login(session, CKU_CONTEXT_SPECIFIC, pin.as_text());
        outcome.map_err(|error| self.about_pin(User::User, error))
    }

    fn try_login(&self, user: User, pin: &Pin) -> Result<(), Error> {
        if user == User::SecurityOfficer {
            self.pool.close_idle();
        }
        let outcome = self.module.raw().login(self.session()?.handle(), user.number(), pin.as_text());
        outcome.map_err(|error| self.about_pin(user, error))
    }

    /// A refusal of a PIN, with what the token tells of the tries that remain.
    fn about_pin(&self, user: User, error: Error) -> Error {
        self.about_pin_of(&self.info, user, error)
    }

    /// The same of the token as it is known now.
    fn about_pin_of(&self, info: &TokenInfo, user: User, error: Error) -> Error {
        match error {
            Error::Pkcs11 { ckr, .. } if login::is_pin_failure(ckr) => {
                let told = self.module.token_info(info.slot);
                let tries = told.map(|info| if user == User::User { info.tries } else { info.so_tries });
                Error::Pin { ckr, tries: tries.unwrap_or_default(), token: info.label.clone() }
            }
            other => other,
        }
    }

    /// The main session, where objects are found, made and destroyed.
    fn session(&self) -> Result<Lease<'_>, Error> {
        let lease = self.pool.main();
        current(&lease).map(|()| lease)
    }

    /// Does something that makes no object that is to stay, in any session.
    fn in_any<T>(&self, run: impl FnOnce(u64) -> Result<T, Error>) -> Result<T, Error> {
        let mut session = if self.profile.threads {
            self.pool.any(|| self.module.open_session(&self.info, Access::ReadOnly))?
        } else {
            self.session()?
        };
        current(&session)?;
        session.run(run)
    }
}

/// What the module was started anew since makes no call: its handles may be another object's by now.
fn current(lease: &Lease<'_>) -> Result<(), Error> {
    if lease.is_current() { Ok(()) } else { Err(reopen::of_before()) }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("info", &self.info).field("profile", &self.profile.name).finish_non_exhaustive()
    }
}

/// Initialises a blank token: its label, its SO PIN, and the PIN of its user.
///
/// # Errors
/// [`Error`] as the token answers.
pub fn initialise(
    module: &Arc<Module>,
    slot: u64,
    label: &str,
    so_pin: &SecretString,
    pin: &SecretString,
) -> Result<(), Error> {
    module.init_token(slot, so_pin, label)?;
    // SoftHSM moves a token to a new slot when it is initialised: find it again by its label. tpm2-pkcs11 says of every token that its user has a PIN.
    let labelled = module.tokens()?.into_iter().filter(|info| info.label == label);
    let found = labelled.min_by_key(|info| info.user_pin_set);
    let info = found.ok_or_else(|| Error::NoToken { wanted: label.to_owned(), present: Vec::new() })?;
    let token = Token::open(Arc::clone(module), info, Access::ReadWrite)?;
    token.try_login(User::SecurityOfficer, &Pin::Secret(so_pin.clone()))?;
    token.module.raw().init_pin(token.session()?.handle(), Some(pin.expose_secret()))
}
