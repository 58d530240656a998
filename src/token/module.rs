//! PKCS#11 modules: found, loaded once per process, initialised once, and the tokens in their slots.

use std::collections::HashMap;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};

use cryptoki::context::Pkcs11;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::pool::{Permit, Pool};
use super::raw::{self, Raw};
use super::{Access, Error, Uri};
use crate::status::Ckr;

/// Where distributions put SoftHSM2's library.
const USUAL_PLACES: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// Where modules named by `module-name` are looked for.
const MODULE_DIRECTORIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib64/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/lib/softhsm",
    "/usr/local/lib/pkcs11",
    "/usr/local/lib/softhsm",
    "/opt/homebrew/lib/pkcs11",
    "/opt/homebrew/lib/softhsm",
];

/// A loaded and initialised module.
pub struct Module {
    path: PathBuf,
    pkcs11: Pkcs11,
    raw: Raw,
    /// What it was initialised with.
    init: Option<CString>,
    /// How often it was started anew: what was opened before is nobody's any more.
    restarts: AtomicU64,
    /// Whether that failed the last time.
    is_down: AtomicBool,
    /// Held by whoever starts it anew.
    restarting: Mutex<()>,
    /// Read by every call outside a session that was lent, and written while it is started anew.
    calls: RwLock<()>,
    /// The sessions of its tokens.
    pools: Mutex<Vec<Weak<Pool>>>,
}

/// What a token runs on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Device {
    /// CKF_HW_SLOT: a device, no program.
    pub is_hardware: bool,
    /// CKF_REMOVABLE_DEVICE: it can be taken out.
    pub is_removable: bool,
    /// CKF_RNG: it has random numbers of its own.
    pub has_random: bool,
}

/// What is known of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TokenInfo {
    /// The slot it is in.
    pub slot: u64,
    /// Its label.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Its firmware version, major and minor.
    pub firmware: (u8, u8),
    /// Whether it is initialised.
    pub initialised: bool,
    /// Whether its user has a PIN.
    pub user_pin_set: bool,
    /// Whether it wants a login.
    pub login_required: bool,
    /// Whether it asks for PINs on a pad of its own.
    pub protected_path: bool,
    /// What it tells of PIN tries.
    pub tries: Tries,
    /// The same of the security officer's PIN.
    pub so_tries: Tries,
    /// The most sessions at a time that it tells of.
    pub max_sessions: Option<u64>,
    /// Of these, the most that write.
    pub max_rw_sessions: Option<u64>,
}

/// What a token tells of the tries that remain for its PIN.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tries {
    /// Nothing.
    #[default]
    Unknown,
    /// At least one wrong try since the last right one.
    Low,
    /// One.
    Last,
    /// None.
    None,
}

impl TokenInfo {
    /// The token's `pkcs11:` URI.
    pub fn uri(&self) -> Uri {
        Uri {
            token: Some(self.label.clone()),
            manufacturer: Some(self.manufacturer.clone()),
            model: Some(self.model.clone()),
            serial: Some(self.serial.clone()),
            ..Uri::default()
        }
    }
}

impl Module {
    /// The module that a path, a URI's `module-path` or `module-name`, or the usual places name, in this order.
    ///
    /// # Errors
    /// [`Error::NoModule`] saying where was looked.
    pub fn locate(path: Option<&Path>, uri: Option<&Uri>) -> Result<PathBuf, Error> {
        if let Some(path) = path {
            return Ok(path.to_owned());
        }
        if let Some(path) = uri.and_then(|uri| uri.module_path.as_ref()) {
            return Ok(PathBuf::from(path));
        }
        let candidates: Vec<PathBuf> = match uri.and_then(|uri| uri.module_name.as_ref()) {
            Some(name) => MODULE_DIRECTORIES
                .iter()
                .flat_map(|directory| {
                    let directory = Path::new(directory);
                    [directory.join(format!("lib{name}.so")), directory.join(format!("{name}.so"))]
                })
                .collect(),
            None => USUAL_PLACES.iter().map(PathBuf::from).collect(),
        };
        match candidates.iter().find(|candidate| candidate.is_file()) {
            Some(found) => Ok(found.clone()),
            None => Err(Error::NoModule { tried: candidates }),
        }
    }

    /// Loads and initialises a module; one that this process has already is shared.
    ///
    /// # Errors
    /// [`Error::Load`] when the file is no module, or what C_Initialize answers.
    pub fn load(path: &Path) -> Result<Arc<Self>, Error> {
        Self::load_with(path, None)
    }

    /// The same with what the module wants to be told as it is initialised (`pReserved` of C_Initialize, a C string): NSS wants its folder.
    ///
    /// # Errors
    /// As [`Module::load`]; [`Error::Load`] for a NUL in the text.
    pub fn load_with(path: &Path, init: Option<&str>) -> Result<Arc<Self>, Error> {
        static LOADED: Mutex<Option<HashMap<PathBuf, Weak<Module>>>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded.get_or_insert_default();
        // A bare file name is left to the loader's search path, as dlopen has it.
        let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some(module) = loaded.get(&key).and_then(Weak::upgrade) {
            return Ok(module);
        }
        let module = Arc::new(Self::load_new(path, init)?);
        loaded.insert(key, Arc::downgrade(&module));
        Ok(module)
    }

    /// Where the module was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every token in a slot, initialised or not.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        let slots = {
            let _calm = self.calm();
            self.raw.slots()?
        };
        let mut tokens = Vec::with_capacity(slots.len());
        for slot in slots {
            match self.token_info(slot) {
                Ok(info) => tokens.push(info),
                // Taken out between the two calls, or a reader that cannot make sense of its card.
                Err(error) if error.is(Ckr::TOKEN_NOT_PRESENT) || error.is(Ckr::TOKEN_NOT_RECOGNIZED) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(tokens)
    }

    /// The one initialised token that a URI or, without one, its being alone selects.
    ///
    /// # Errors
    /// [`Error::NoToken`] or [`Error::SeveralTokens`], naming what is there.
    pub fn select(&self, wanted: Option<&Uri>) -> Result<TokenInfo, Error> {
        let present: Vec<_> = self.tokens()?.into_iter().filter(|info| info.initialised).collect();
        let mut fitting: Vec<_> =
            present.iter().filter(|info| wanted.is_none_or(|uri| uri.matches_token(info))).cloned().collect();
        match (fitting.pop(), fitting.is_empty()) {
            (Some(info), true) => Ok(info),
            (Some(last), false) => {
                fitting.push(last);
                Err(Error::SeveralTokens { present: fitting.iter().map(|info| info.uri().to_string()).collect() })
            }
            (None, _) => Err(Error::NoToken {
                wanted: wanted.map_or_else(|| "any token".to_owned(), ToString::to_string),
                present: present.into_iter().map(|info| info.label).collect(),
            }),
        }
    }

    /// What is known of the token in a slot.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub fn token_info(&self, slot: u64) -> Result<TokenInfo, Error> {
        let _calm = self.calm();
        self.raw.token_info(slot)
    }

    /// Every mechanism number that the token in a slot lists.
    pub(super) fn mechanisms(&self, slot: u64) -> Result<Vec<u64>, Error> {
        let _calm = self.calm();
        self.raw.mechanisms(slot)
    }

    /// What that token says that a mechanism can do.
    pub(super) fn mechanism_flags(&self, slot: u64, mechanism: u64) -> Result<Option<u64>, Error> {
        let _calm = self.calm();
        self.raw.mechanism_flags(slot, mechanism)
    }

    /// What a slot and the token in it run on.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub fn device(&self, id: u64) -> Result<Device, Error> {
        let _calm = self.calm();
        let info = self.pkcs11.get_slot_info(slot(id)?)?;
        let token = self.pkcs11.get_token_info(slot(id)?)?;
        Ok(Device { is_hardware: info.hardware_slot(), is_removable: info.removable_device(), has_random: token.rng() })
    }

    /// Who made the library, as C_GetInfo says.
    ///
    /// # Errors
    /// [`Error`] as the module answers.
    pub fn library_manufacturer(&self) -> Result<String, Error> {
        let _calm = self.calm();
        self.raw.library_manufacturer()
    }

    pub(super) fn raw(&self) -> &Raw {
        &self.raw
    }

    pub(super) fn open_session(self: &Arc<Self>, info: &TokenInfo, access: Access) -> Result<Session, Error> {
        let _calm = self.calm();
        let restarts = self.restarts();
        let handle = self.raw.open_session(info.slot, access)?;
        Ok(Session { handle, module: Arc::clone(self), restarts, permit: None })
    }

    /// How often it was started anew.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::SeqCst)
    }

    /// As long as the answer lives the module is not started anew. For calls outside a session that was lent, which stand for that themselves.
    fn calm(&self) -> RwLockReadGuard<'_, ()> {
        self.calls.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sessions that must be back before it is started anew.
    pub(super) fn note_pool(&self, pool: &Arc<Pool>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }

    /// Ends it and starts it anew, unless that was done since `seen`. All sessions of this process end; none of them is in a call meanwhile, and none makes one afterwards.
    pub(super) fn start_anew(&self, seen: u64) -> Result<(), Error> {
        let _turn = self.restarting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.restarts() != seen && !self.is_down.load(Ordering::SeqCst) {
            return Ok(());
        }
        // What is let go of last may be the last of its kind: its sessions close without a call once nobody is kept from calling.
        let pools: Vec<Arc<Pool>> = {
            let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
            pools.iter().filter_map(Weak::upgrade).collect()
        };
        let _paused: Vec<_> = pools.iter().map(|pool| pool.pause()).collect();
        let _alone = self.calls.write().unwrap_or_else(PoisonError::into_inner);
        self.restarts.fetch_add(1, Ordering::SeqCst);
        let outcome = self.raw.start_anew(self.init.as_deref());
        self.is_down.store(outcome.is_err(), Ordering::SeqCst);
        outcome
    }

    pub(super) fn init_token(&self, id: u64, so_pin: &AuthPin, label: &str) -> Result<(), Error> {
        let _calm = self.calm();
        Ok(self.pkcs11.init_token(slot(id)?, so_pin, label)?)
    }

    fn load_new(path: &Path, init: Option<&str>) -> Result<Self, Error> {
        let failed = |reason: String| Error::Load { path: path.to_owned(), reason, exists: path.exists() };
        let pkcs11 = Pkcs11::new(path).map_err(|error| failed(load_failure(&error)))?;
        let raw = Raw::load(path).map_err(failed)?;
        let text = init.map(CString::new).transpose();
        let text = text.map_err(|_| failed("there is a NUL in what it is to be initialised with".to_owned()))?;
        match pkcs11.initialize(raw::initialize_arguments(text.as_deref())).map_err(Error::from) {
            Ok(()) => {}
            // Somebody else in this process was first; the module is theirs to configure and ours to use.
            Err(error) if error.is(Ckr::CRYPTOKI_ALREADY_INITIALIZED) => {}
            Err(error) => return Err(error),
        }
        match raw.initialize(text.as_deref()) {
            Ok(()) => {}
            Err(error) if error.is(Ckr::CRYPTOKI_ALREADY_INITIALIZED) => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            path: path.to_owned(),
            pkcs11,
            raw,
            init: text,
            restarts: AtomicU64::new(0),
            is_down: AtomicBool::new(false),
            restarting: Mutex::default(),
            calls: RwLock::default(),
            pools: Mutex::default(),
        })
    }
}

/// A session, closed when it is dropped.
pub(super) struct Session {
    module: Arc<Module>,
    handle: u64,
    /// Of which start of the module it is.
    restarts: u64,
    /// Its place in the token's budget, which is free once it is closed.
    permit: Option<Permit>,
}

impl Session {
    /// Takes a place in the token's budget for as long as it is open.
    pub(super) fn hold(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    pub(super) fn handle(&self) -> u64 {
        self.handle
    }

    /// Of which start of the module it is.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Whether the module was not started anew since it was opened.
    pub(super) fn is_current(&self) -> bool {
        self.restarts == self.module.restarts()
    }

    pub(super) fn restart(&mut self, info: &TokenInfo) -> Result<(), Error> {
        let raw = &self.module.raw;
        // A card lets go only of sessions that are closed.
        let _ = raw.close_session(self.handle);
        // No handle, should no other come: it must not be one that somebody else is given.
        self.handle = 0;
        self.module.restarts.fetch_add(1, Ordering::SeqCst);
        raw.restart(self.module.init.as_deref())?;
        self.restarts = self.module.restarts();
        self.handle = raw.open_session(info.slot, Access::ReadOnly)?;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _calm = self.module.calm();
        // The module's end closes it in any case. A number of an earlier start may be another session's by now.
        if self.is_current() {
            let _ = self.module.raw.close_session(self.handle);
        }
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("path", &self.path).finish_non_exhaustive()
    }
}

fn slot(id: u64) -> Result<Slot, Error> {
    Slot::try_from(id).map_err(Error::from)
}

fn load_failure(error: &cryptoki::error::Error) -> String {
    use cryptoki::error::Error as Cryptoki;
    match error {
        Cryptoki::MissingSymbol(symbol) => format!("it has no {symbol}, so it is no PKCS#11 module"),
        Cryptoki::LibraryLoading(error) => error.to_string(),
        other => other.to_string(),
    }
}
