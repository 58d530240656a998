//! From the global options to an open token.

use cng_pkcs11::config::{self, Config, source};
use cng_pkcs11::provider::{Key, StorageProvider};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::template::profile::Profile;
use cng_pkcs11::token::{Access, Module, Pin, Token, TokenInfo, Uri, User};
use secrecy::{ExposeSecret, SecretString};
use std::cell::RefCell;
use std::sync::Arc;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, printable};
use crate::pin::{self, Wanted};

/// What every command needs.
pub(crate) struct Context {
    global: Global,
    /// The token that was asked for.
    uri: Option<Uri>,
    /// Whether the PIN is the one of the URI, whatever the environment says of another token's.
    is_pin_in_uri: bool,
    /// The user's own profiles.
    profiles: Vec<&'static Profile>,
    /// Who logs in.
    user: User,
    /// The most sessions at a time, if the configuration says it.
    sessions: Option<usize>,
    /// What a descriptor gave as the PIN: it can be read once, and a key may want the PIN again.
    descriptor: RefCell<Option<SecretString>>,
    pub(crate) output: Output,
}

impl Context {
    pub(crate) fn new(mut global: Global, output: Output) -> Result<Self, Failure> {
        // A variable that is set to nothing says nothing.
        global.config = global.config.filter(|path| !path.as_os_str().is_empty());
        global.module = global.module.filter(|path| !path.as_os_str().is_empty());
        global.token = global.token.filter(|token| !token.is_empty());
        global.pin_source = global.pin_source.filter(|source| !source.is_empty());
        let config = Config::load(global.config.as_deref())?;
        global.module_init = global.module_init.filter(|text| !text.is_empty());
        // What a file says of its own module is not told to another one.
        if global.module.is_none() {
            global.module_init = global.module_init.or(config.user.module_init);
        }
        global.module = global.module.or(config.user.module);
        global.token = global.token.or(config.user.token);
        let login = Login::of(&global, config.login.as_deref())?;
        // A source that was given for the user is no source of the security officer's PIN: a card locks after three wrong ones.
        let stands_in_environment = |source: &String| std::env::var("CNG11_PIN_SOURCE").is_ok_and(|set| set == *source);
        global.pin_source =
            global.pin_source.filter(|source| login.environment == login.user || !stands_in_environment(source));
        // Whatever names a PIN on the command line or in the environment goes before the configuration.
        if std::env::var_os(pin_variable(login.user)).is_none() && login.configuration == login.user {
            global.pin_source = global.pin_source.or(config.user.pin_source);
        }
        let uri = match global.token.as_deref() {
            None => None,
            Some(token) if Uri::is_uri(token) => Some(token.parse()?),
            Some(label) => Some(Uri::of_token(label)),
        };
        let (profiles, user, sessions) = (config.profiles, login.user, config.sessions);
        Ok(Self { global, uri, is_pin_in_uri: false, profiles, user, sessions, descriptor: RefCell::default(), output })
    }

    pub(crate) fn module(&self) -> Result<Arc<Module>, Failure> {
        let path = Module::locate(self.global.module.as_deref(), self.uri.as_ref())?;
        self.output.detail(1, || format!("module: {}", path.display()));
        Ok(Module::load_with(&path, self.global.module_init.as_deref())?)
    }

    /// The token that is meant.
    pub(crate) fn token_info(&self, module: &Arc<Module>) -> Result<TokenInfo, Failure> {
        let info = module.select(self.uri.as_ref())?;
        self.output.detail(1, || format!("token: {}", info.uri()));
        Ok(info)
    }

    /// Opens the token and logs in.
    pub(crate) fn provider(&self, access: Access) -> Result<StorageProvider, Failure> {
        Ok(self.provider_and_pin(access)?.0)
    }

    /// The same for a run over many keys, which logs in again by itself when the token was lost.
    pub(crate) fn provider_for_many(&self, access: Access) -> Result<StorageProvider, Failure> {
        let (provider, pin) = self.provider_and_pin(access)?;
        if let Some(pin) = pin {
            provider.token().keep_pin_for_reopening(pin);
        }
        Ok(provider)
    }

    fn provider_and_pin(&self, access: Access) -> Result<(StorageProvider, Option<Pin>), Failure> {
        let module = self.module()?;
        let info = self.token_info(&module)?;
        let (token, pin) = self.open(&module, &info, access)?;
        let token = config::taught(token);
        self.output.detail(2, || format!("profile: {}", token.profile().name));
        Ok((StorageProvider::new(token), pin))
    }

    /// The same for another token, and another source of its PIN; what its URI says goes before what is said of the usual one.
    pub(crate) fn of_token(&self, token: &str, pin_source: Option<&str>) -> Result<Self, Failure> {
        let uri = if Uri::is_uri(token) { token.parse()? } else { Uri::of_token(token) };
        let mut global = self.global.clone();
        // A module that the URI names is this token's, and what another one is told is not told to it.
        if uri.module_path.is_some() {
            (global.module, global.module_init) = (None, None);
        }
        let of_user = self.user == User::User;
        let from_uri = source::of_uri(&uri).filter(|_| of_user);
        let is_in_uri = of_user && pin_source.is_none() && (from_uri.is_some() || uri.pin_value.is_some());
        global.pin_source = match is_in_uri {
            true => from_uri,
            false => pin_source.map(str::to_owned).or(global.pin_source),
        };
        Ok(Self {
            global,
            uri: Some(uri),
            is_pin_in_uri: is_in_uri,
            profiles: self.profiles.clone(),
            user: self.user,
            sessions: self.sessions,
            descriptor: RefCell::default(),
            output: self.output,
        })
    }

    /// The same without what a probe has found out.
    pub(crate) fn provider_untaught(
        &self,
        module: &Arc<Module>,
        info: &TokenInfo,
        access: Access,
    ) -> Result<StorageProvider, Failure> {
        Ok(StorageProvider::new(self.open(module, info, access)?.0))
    }

    fn open(&self, module: &Arc<Module>, info: &TokenInfo, access: Access) -> Result<(Token, Option<Pin>), Failure> {
        let pin = if info.login_required { Some(self.pin(info)?) } else { None };
        let token = config::open(module, info, access, &self.profiles)?;
        let token = match self.sessions {
            Some(most) => token.with_session_limit(most),
            None => token,
        };
        if let Some(pin) = &pin {
            token.login_as(self.user, pin)?;
        }
        Ok((token, pin))
    }

    /// The PIN of a token, from the first source that there is.
    fn pin(&self, info: &TokenInfo) -> Result<Pin, Failure> {
        if info.protected_path {
            return Ok(Pin::ProtectedPath);
        }
        let whose = if self.user == User::SecurityOfficer { "security officer's PIN" } else { "PIN" };
        self.pin_of(self.user, &format!("{whose} of token `{}`", info.label), false).map(Pin::Secret)
    }

    /// Opens a key that is to be used, and gives it the PIN again if it wants one at every use.
    pub(crate) fn key_to_use(&self, provider: &StorageProvider, name: &str) -> Result<Key, Failure> {
        let mut key = provider.open_key(name)?;
        self.authorize(&mut key)?;
        Ok(key)
    }

    /// Reads the PIN once more, from where it came, for a key that wants one at every use (CKA_ALWAYS_AUTHENTICATE). Where the token asks on a pad of its own there is nothing to read.
    pub(crate) fn authorize(&self, key: &mut Key) -> Result<(), Failure> {
        if !key.lacks_pin() {
            return Ok(());
        }
        let kept = self.descriptor.borrow().clone();
        let pin = match kept {
            Some(pin) => pin,
            None => self.user_pin(&format!("PIN for the use of `{}`", printable(key.label())), false)?,
        };
        key.set_pin(Some(pin));
        Ok(())
    }

    /// The security officer's PIN, from a source of its own or the usual ones.
    pub(crate) fn so_pin(&self, info: &TokenInfo, source: Option<&str>) -> Result<SecretString, Failure> {
        let what = format!("security officer's PIN of token `{}`", info.label);
        let variable = pin_variable(User::SecurityOfficer);
        let wanted = Wanted { what: &what, option: "--so-pin-source", variable: Some(variable), is_new: false };
        match source {
            Some(source) => pin::read(source, wanted),
            None => self.pin_of(User::SecurityOfficer, &what, false),
        }
    }

    /// The user's PIN from the usual sources; whether it is one that is set now.
    pub(crate) fn user_pin(&self, what: &str, is_new: bool) -> Result<SecretString, Failure> {
        self.pin_of(User::User, what, is_new)
    }

    fn pin_of(&self, user: User, what: &str, is_new: bool) -> Result<SecretString, Failure> {
        let variable = pin_variable(user);
        let wanted = Wanted { what, option: "--pin-source", variable: Some(variable), is_new };
        // The source is of whoever logs in: the security officer's PIN never becomes the user's.
        if let Some(source) = self.global.pin_source.as_deref().filter(|_| user == self.user) {
            let read = pin::read(source, wanted)?;
            // A key that wants its PIN again wants the user's.
            if source.starts_with("fd:") && user == User::User {
                *self.descriptor.borrow_mut() = Some(read.clone());
            }
            return Ok(read);
        }
        if std::env::var_os(variable).is_some() && !self.is_pin_in_uri {
            return pin::read(&format!("env:{variable}"), wanted);
        }
        // The PIN of a URI is the user's (RFC 7512 §2.4).
        let uri = self.uri.as_ref().filter(|_| user == User::User);
        if let Some(source) = uri.and_then(source::of_uri) {
            return pin::read(&source, wanted);
        }
        if let Some(value) = uri.and_then(|uri| uri.pin_value.as_ref()) {
            self.output.warning("the PIN stands in the URI, where other users of this machine may see it");
            let text = str::from_utf8(value)
                .map_err(|_| Failure::usage("the URI's pin-value is not UTF-8", "use --pin-source"))?;
            return Ok(SecretString::from(text));
        }
        pin::prompt(wanted)
    }

    /// The password of a file that is read, from the source that an option names, as the library takes it.
    pub(crate) fn password(&self, source: Option<&str>, option: &str) -> Result<Option<SecretBytes>, Failure> {
        let what = if option == "--other-password-source" {
            "password of the second file"
        } else {
            "password of the key file"
        };
        secret(source, Wanted { what, option, variable: None, is_new: false })
    }

    /// The password of a file that is written.
    pub(crate) fn new_password(&self, source: Option<&str>, option: &str) -> Result<Option<SecretBytes>, Failure> {
        secret(source, Wanted { what: "new password for the output", option, variable: None, is_new: true })
    }

    /// The variables that name this module, for a child process.
    pub(crate) fn module_option(&self) -> Option<&std::path::Path> {
        self.global.module.as_deref()
    }
}

fn secret(source: Option<&str>, wanted: Wanted<'_>) -> Result<Option<SecretBytes>, Failure> {
    let Some(source) = source else { return Ok(None) };
    let password = pin::read(source, wanted)?;
    Ok(Some(SecretBytes::from(password.expose_secret().as_bytes())))
}

/// Who logs in, and who would by the environment or the configuration alone: a PIN source that stands there is that one's.
struct Login {
    user: User,
    environment: User,
    configuration: User,
}

impl Login {
    fn of(global: &Global, config: Option<&str>) -> Result<Self, Failure> {
        let known = |text: &str| match text {
            "user" => Ok(User::User),
            "so" => Ok(User::SecurityOfficer),
            // It may be a PIN that was meant for another program's --login.
            _ => Err(Failure::usage("--login is neither `user` nor `so`", "a PIN comes from --pin-source")),
        };
        let configuration = config.map(known).transpose()?.unwrap_or_default();
        let set = std::env::var("CNG11_LOGIN").ok().filter(|login| !login.is_empty());
        let environment = set.as_deref().map(known).transpose()?.unwrap_or(configuration);
        let given = global.login.as_deref().filter(|login| !login.is_empty());
        Ok(Self { user: given.map(known).transpose()?.unwrap_or(configuration), environment, configuration })
    }
}

/// The variable that holds a PIN, where no source is named.
fn pin_variable(user: User) -> &'static str {
    if user == User::SecurityOfficer { "CNG11_SO_PIN" } else { "CNG11_PIN" }
}
