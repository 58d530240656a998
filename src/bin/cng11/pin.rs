//! Where PINs and passwords come from: a prompt, an environment variable, a file, a descriptor. Never an argument of its own;
//! a URI's `pin-value` is taken with a warning.

use std::io::IsTerminal;

use cng_pkcs11::config::source;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;

/// What is asked for, and how else it can be given.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Its name in messages and on the terminal.
    pub(crate) what: &'a str,
    /// The option that names its source.
    pub(crate) option: &'a str,
    /// The variable that can hold it, if there is one.
    pub(crate) variable: Option<&'a str>,
    /// Whether it is a new one, which is asked for twice: nobody could open what a slip of the finger has locked.
    pub(crate) is_new: bool,
}

/// Reads a secret from a source: `prompt`, `env:NAME`, `file:PATH` or `fd:N`.
pub(crate) fn read(source: &str, wanted: Wanted<'_>) -> Result<SecretString, Failure> {
    if source == "prompt" { prompt(wanted) } else { Ok(source::read(source, wanted.what)?) }
}

/// Asks on the terminal.
pub(crate) fn prompt(wanted: Wanted<'_>) -> Result<SecretString, Failure> {
    let what = wanted.what;
    let hint = || {
        let variable = wanted.variable.map(|name| format!(", or in {name}")).unwrap_or_default();
        format!("give it with {} env:NAME, file:PATH or fd:N{variable}", wanted.option)
    };
    if !std::io::stdin().is_terminal() {
        let message = format!("the {what} is needed, and there is no terminal to ask on");
        return Err(Failure::Authentication { message, hint: hint() });
    }
    let ask = |prompt: String| {
        rpassword::prompt_password(prompt).map(SecretString::from).map_err(|error| Failure::Authentication {
            message: format!("the {what} cannot be read: {error}"),
            hint: hint(),
        })
    };
    let secret = ask(format!("{what}: "))?;
    if wanted.is_new && ask(format!("{what} once more: "))?.expose_secret() != secret.expose_secret() {
        return Err(Failure::Authentication {
            message: format!("what was given as the {what} is not the same twice"),
            hint: "nothing was written; try again".to_owned(),
        });
    }
    Ok(secret)
}
