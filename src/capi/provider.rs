//! The provider behind an `NCRYPT_PROV_HANDLE`: which token, opened when, and who logs in with what.
//!
//! There is no command line here. A provider's name is a `pkcs11:` URI, which says everything, or one of the names that programs use; then the token is the one of the
//! variables `CNG11_MODULE`, `CNG11_MODULE_INIT`, `CNG11_TOKEN`, `CNG11_CONFIG`, `CNG11_LOGIN`, and of the configuration file. `NCRYPT_MACHINE_KEY_FLAG` means the token of
//! `CNG11_MACHINE_MODULE`, `CNG11_MACHINE_MODULE_INIT` and `CNG11_MACHINE_TOKEN`, or of the file's `[machine]`; where there is none, the same one.
//!
//! The PIN is what `SmartCardPin` was set to, else it comes from `CNG11_PIN_SOURCE`, `CNG11_PIN` (`CNG11_SO_PIN` where the security officer logs in), the URI, or the file's
//! `pin-source`, in this order (`CNG11_MACHINE_PIN_SOURCE`, `CNG11_MACHINE_PIN`); of a URI that is the provider's name the PIN goes first. A token with a pad of its own asks on that. It is
//! used once: a PIN that was refused is not tried again, and nobody is asked here. A token whose user is logged in already wants none.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::guard::Fault;
use crate::config::{self, Config, Place, source};
use crate::provider::StorageProvider;
use crate::status::{Ckr, Status};
use crate::template::profile::Profile;
use crate::token::{Access, Module, Pin, SecretString, Token, Uri, User};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

/// The names that mean the configured token. The first is our own; programs ask for the others.
pub(super) const NAMES: &[(&str, &str)] = &[
    (StorageProvider::NAME, "the configured PKCS#11 token"),
    ("Microsoft Software Key Storage Provider", "the configured PKCS#11 token"),
    ("Microsoft Smart Card Key Storage Provider", "the configured PKCS#11 token"),
    ("Microsoft Platform Crypto Provider", "the configured PKCS#11 token"),
];

/// A key storage provider: the token of the user, and the one of the machine.
pub(super) struct Provider {
    name: String,
    user: Scope,
    machine: Option<Scope>,
}

impl Provider {
    /// Opens a provider by its name: its token must be there.
    pub(super) fn open(name: Option<&str>) -> Result<Self, Fault> {
        let named = config_path();
        let config = Config::load(named.as_deref())?;
        let user = login_of(variable("CNG11_LOGIN").or_else(|| config.login.clone()))?;
        let scope = |mut place: Place, prefix: &'static str| -> Result<Scope, Fault> {
            // It may hold a PIN.
            let token = place.token.take().map(Zeroizing::new);
            let uri = match token.as_ref().map(|token| token.as_str()) {
                None => None,
                Some(token) if Uri::is_uri(token) => {
                    Some(token.parse().map_err(|error| Fault::from(crate::Error::Token(error)))?)
                }
                Some(label) => Some(Uri::of_token(label)),
            };
            let profiles = config.profiles.clone();
            let sessions = config.sessions;
            Ok(Scope { place, uri, prefix, profiles, user, sessions, is_named: false, state: Mutex::default() })
        };
        let provider = match name.filter(|name| Uri::is_uri(name)) {
            Some(uri) => {
                let token = Some(uri.to_owned());
                let place = Place { token, ..with_variables(config.user.clone(), USER) };
                // The URI names the provider in errors and properties; a PIN in it stays out of them.
                let scope = Scope { is_named: true, ..scope(place, USER)? };
                let shown = scope.uri.clone().map(|uri| Uri { pin_value: None, pin_source: None, ..uri });
                Self { name: shown.map(|uri| uri.to_string()).unwrap_or_default(), user: scope, machine: None }
            }
            None => {
                let known = NAMES.iter().map(|(known, _)| *known);
                let known = known.into_iter().find(|known| name.is_none_or(|name| known.eq_ignore_ascii_case(name)));
                let name = known.ok_or(Fault::Call(
                    Status::NTE_PROV_DLL_NOT_FOUND,
                    "there is no such provider: a pkcs11: URI, `cng11 Key Storage Provider` and Microsoft's names are known",
                ))?;
                let machine = with_variables(config.machine.clone().unwrap_or_default(), MACHINE);
                let machine = if machine.module.is_some() || machine.token.is_some() {
                    // What the file says of the module is true of both, unless it says otherwise.
                    let own = with_variables(config.user.clone(), USER);
                    let module_init = if machine.module.is_none() {
                        machine.module_init.or(own.module_init)
                    } else {
                        machine.module_init
                    };
                    let place = Place { module: machine.module.or(own.module), module_init, ..machine };
                    Some(scope(place, MACHINE)?)
                } else {
                    None
                };
                let own = scope(with_variables(config.user.clone(), USER), USER)?;
                Self { name: name.to_owned(), user: own, machine }
            }
        };
        provider.user.storage()?;
        Ok(provider)
    }

    /// Its name, as it was opened; without a PIN.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The token of the user or of the machine.
    pub(super) fn scope(&self, machine: bool) -> &Scope {
        self.machine.as_ref().filter(|_| machine).unwrap_or(&self.user)
    }

    /// What `SmartCardPin` of the provider does: logs in to the user's token. The PIN of the machine's comes from its settings.
    pub(super) fn set_pin(&self, pin: &SecretString) -> Result<(), Fault> {
        self.user.set_pin(pin)
    }
}

/// Who logs in.
fn login_of(login: Option<String>) -> Result<User, config::Error> {
    match login.as_deref() {
        None | Some("user") => Ok(User::User),
        Some("so") => Ok(User::SecurityOfficer),
        Some(_) => Err(config::Error::Setting { setting: "CNG11_LOGIN", expected: "`user` or `so`" }),
    }
}

/// What the names of variables begin with.
const USER: &str = "CNG11_";
const MACHINE: &str = "CNG11_MACHINE_";

/// A variable; one that is set to nothing says nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn config_path() -> Option<PathBuf> {
    variable("CNG11_CONFIG").map(PathBuf::from)
}

/// What a file says of a place, and the variables, which go before it.
fn with_variables(file: Place, prefix: &str) -> Place {
    let set = |name: &str| variable(&format!("{prefix}{name}"));
    let module = set("MODULE").map(PathBuf::from);
    // What a file says of its own module is not told to another one.
    let of_file = file.module_init.filter(|_| module.is_none());
    let module_init = set("MODULE_INIT").or(of_file);
    Place {
        module: module.or(file.module),
        module_init,
        token: set("TOKEN").or(file.token),
        pin_source: file.pin_source,
    }
}

/// One token, opened when it is first needed.
pub(super) struct Scope {
    place: Place,
    uri: Option<Uri>,
    prefix: &'static str,
    profiles: Vec<&'static Profile>,
    user: User,
    /// The most sessions at a time, if the configuration says it.
    sessions: Option<usize>,
    /// Whether the provider was opened by this URI: a PIN in it is this token's, and that of the variables may be another's.
    is_named: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    storage: Option<StorageProvider>,
    login: Login,
}

#[derive(Default)]
enum Login {
    #[default]
    NotYet,
    Done,
    /// A PIN that was refused is not tried again.
    Refused(crate::Error),
}

/// A PIN that a token has refused. No provider of this process tries it again: three wrong tries lock a card.
struct Refusal {
    /// The token, and whose PIN it was meant to be.
    of: (String, User),
    pin: SecretString,
    error: crate::Error,
}

static REFUSED: Mutex<Vec<Refusal>> = Mutex::new(Vec::new());

impl Scope {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, opened and not logged in.
    pub(super) fn storage(&self) -> Result<StorageProvider, Fault> {
        self.opened(&mut self.state())
    }

    /// The token, opened and logged in.
    pub(super) fn ready(&self) -> Result<StorageProvider, Fault> {
        let mut state = self.state();
        let storage = self.opened(&mut state)?;
        match &state.login {
            Login::Done => return Ok(storage),
            Login::Refused(error) => return Err(error.clone().into()),
            Login::NotYet => {}
        }
        let info = storage.token().info();
        // Another provider of this process may have logged in: a login holds for all of them.
        if info.login_required && !storage.token().is_logged_in()? {
            let pin = if info.protected_path { Pin::ProtectedPath } else { Pin::Secret(self.pin(&info.label)?) };
            self.login(&storage, &pin, &mut state)?;
        }
        state.login = Login::Done;
        Ok(storage)
    }

    /// Logs in with a PIN. Whoever is logged in already stays it.
    fn set_pin(&self, pin: &SecretString) -> Result<(), Fault> {
        let mut state = self.state();
        let storage = self.opened(&mut state)?;
        self.login(&storage, &Pin::Secret(pin.clone()), &mut state)?;
        state.login = Login::Done;
        Ok(())
    }

    fn login(&self, storage: &StorageProvider, pin: &Pin, state: &mut State) -> Result<(), Fault> {
        let Pin::Secret(secret) = pin else { return Ok(storage.token().login_as(self.user, pin)?) };
        if secret.expose_secret().is_empty() {
            return Err(Fault::Call(Status::NTE_INVALID_PARAMETER, "the PIN is empty"));
        }
        let of = (storage.token().info().uri().to_string(), self.user);
        // Held over the login, so that two threads do not try one wrong PIN each.
        let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |one: &&Refusal| one.of == of && one.pin.expose_secret() == secret.expose_secret();
        if let Some(known) = refused.iter().find(known) {
            return Err(known.error.clone().into());
        }
        storage.token().login_as(self.user, pin).map_err(|error| {
            // One that is locked or expired may be right again once somebody has seen to it.
            let is_about_pin = matches!(
                error,
                crate::token::Error::Pin { ckr: Ckr::PIN_INCORRECT | Ckr::PIN_INVALID | Ckr::PIN_LEN_RANGE, .. }
            );
            let error = crate::Error::from(error);
            if is_about_pin {
                if !matches!(state.login, Login::Done) {
                    state.login = Login::Refused(error.clone());
                }
                refused.push(Refusal { of, pin: secret.clone(), error: error.clone() });
            }
            error.into()
        })
    }

    fn opened(&self, state: &mut State) -> Result<StorageProvider, Fault> {
        if let Some(storage) = &state.storage {
            return Ok(storage.clone());
        }
        let path = Module::locate(self.place.module.as_deref(), self.uri.as_ref())?;
        let module = Module::load_with(&path, self.place.module_init.as_deref())?;
        let info = module.select(self.uri.as_ref())?;
        let open =
            |access| -> Result<Token, crate::token::Error> { config::open(&module, &info, access, &self.profiles) };
        let token = match open(Access::ReadWrite) {
            // It can be read and used.
            Err(error) if error.ckr() == Some(Ckr::TOKEN_WRITE_PROTECTED) => open(Access::ReadOnly)?,
            outcome => outcome?,
        };
        let token = match self.sessions {
            Some(most) => token.with_session_limit(most),
            None => token,
        };
        let storage = StorageProvider::new(config::taught(token));
        state.storage = Some(storage.clone());
        Ok(storage)
    }

    /// The PIN, from the first source that there is.
    fn pin(&self, label: &str) -> Result<SecretString, Fault> {
        let officer = self.user == User::SecurityOfficer;
        let what = format!("{} of token `{label}`", if officer { "security officer's PIN" } else { "PIN" });
        let direct = format!("{}{}", self.prefix, if officer { "SO_PIN" } else { "PIN" });
        let variables = || {
            let source = variable(&format!("{}PIN_SOURCE", self.prefix));
            source.or_else(|| variable(&direct).map(Zeroizing::new).map(|_| format!("env:{direct}")))
        };
        let read = |source: &str| -> Result<SecretString, Fault> { Ok(source::read(source, &what)?) };
        if !self.is_named
            && let Some(source) = variables()
        {
            return read(&source);
        }
        // The PIN of a URI is the user's (RFC 7512 §2.4).
        let uri = self.uri.as_ref().filter(|_| !officer);
        if let Some(source) = uri.and_then(source::of_uri) {
            return read(&source);
        }
        if let Some(value) = uri.and_then(|uri| uri.pin_value.as_ref()) {
            let text = str::from_utf8(value);
            let text =
                text.map_err(|_| Fault::Call(Status::NTE_INVALID_PARAMETER, "the URI's pin-value is not UTF-8"))?;
            return Ok(SecretString::from(text));
        }
        if self.is_named
            && let Some(source) = variables()
        {
            return read(&source);
        }
        match &self.place.pin_source {
            Some(source) => read(source),
            None => Err(Fault::Call(
                Status::NTE_SILENT_CONTEXT,
                "the token wants a PIN, and nobody is asked here: set the property SmartCardPin, CNG11_PIN_SOURCE or CNG11_PIN, or the URI's pin-source",
            )),
        }
    }
}
