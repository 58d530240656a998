//! What can go wrong with a token.

use std::path::PathBuf;

use super::module::Tries;
use crate::status::{Ckr, Status};

/// Why a module or a token does not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No module was named, and none is in the usual places.
    #[error("no PKCS#11 module was given and none was found in {}", paths(.tried))]
    NoModule {
        /// Where was looked.
        tried: Vec<PathBuf>,
    },
    /// The file is missing, or is no PKCS#11 module.
    #[error("the PKCS#11 module {} cannot be loaded: {reason}", .path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader says.
        reason: String,
        /// Whether the file exists.
        exists: bool,
    },
    /// A `pkcs11:` URI that RFC 7512 does not allow.
    #[error("the URI is not valid (RFC 7512): {problem} at character {at}")]
    Uri {
        /// What is wrong.
        problem: &'static str,
        /// Where, counted from 0.
        at: usize,
    },
    /// No token fits.
    #[error("no token fits `{wanted}`{}", present_text(.present))]
    NoToken {
        /// What was looked for.
        wanted: String,
        /// The labels of the tokens that are there.
        present: Vec<String>,
    },
    /// Several tokens fit.
    #[error("several tokens are present: {}", .present.join(", "))]
    SeveralTokens {
        /// Their URIs.
        present: Vec<String>,
    },
    /// No blank token to initialise.
    #[error("no uninitialised token is present")]
    NoBlankToken,
    /// The PIN was refused.
    #[error("the PIN of token `{token}` was refused: {ckr}{}", tries_text(.tries))]
    Pin {
        /// What the token said.
        ckr: Ckr,
        /// What it tells of the tries that remain.
        tries: Tries,
        /// The token's label.
        token: String,
    },
    /// A new PIN is not taken.
    #[error("token `{token}` does not take the new PIN: {ckr}")]
    NewPin {
        /// What the token said.
        ckr: Ckr,
        /// The token's label.
        token: String,
    },
    /// A PKCS#11 call failed.
    #[error("{function} failed: {ckr}")]
    Pkcs11 {
        /// The function.
        function: &'static str,
        /// What it returned.
        ckr: Ckr,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {problem}")]
    Random {
        /// What it says.
        problem: String,
    },
    /// The module does not follow the standard.
    #[error("the module broke the standard in {function}: {problem}")]
    Module {
        /// The function.
        function: &'static str,
        /// How.
        problem: String,
    },
}

impl Error {
    /// What the token said, if it said anything.
    pub fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::Pin { ckr, .. } | Self::NewPin { ckr, .. } | Self::Pkcs11 { ckr, .. } => Some(*ckr),
            _ => None,
        }
    }

    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::NoModule { .. } | Self::Load { exists: false, .. } => Status::NTE_PROV_DLL_NOT_FOUND,
            Self::Load { .. } => Status::NTE_PROVIDER_DLL_FAIL,
            Self::Uri { .. } => Status::NTE_INVALID_PARAMETER,
            Self::NoToken { .. } | Self::NoBlankToken => Status::NTE_DEVICE_NOT_FOUND,
            Self::SeveralTokens { .. } => Status::NTE_INVALID_PARAMETER,
            Self::Pin { ckr, .. } | Self::NewPin { ckr, .. } | Self::Pkcs11 { ckr, .. } => ckr.status(),
            Self::Module { .. } | Self::Random { .. } => Status::NTE_FAIL,
        }
    }

    pub(crate) fn is(&self, ckr: Ckr) -> bool {
        self.ckr() == Some(ckr)
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Random { problem: error.to_string() }
    }
}

impl From<cryptoki::error::Error> for Error {
    fn from(error: cryptoki::error::Error) -> Self {
        use cryptoki::error::Error as Cryptoki;
        match error {
            Cryptoki::Pkcs11(rv, function) => Self::Pkcs11 { function: function_name(function), ckr: ckr(&rv) },
            other => Self::Module { function: "the module", problem: other.to_string() },
        }
    }
}

/// The number behind cryptoki's enum, which has no conversion: its variants are the standard's names in another case.
fn ckr(rv: &cryptoki::error::RvError) -> Ckr {
    use cryptoki::error::RvError;
    if let RvError::VendorDefined(code) | RvError::UnknownErrorCode(code) = rv {
        return Ckr(*code);
    }
    let mut name = "CKR".to_owned();
    for letter in format!("{rv:?}").chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    Ckr::TABLE.iter().find(|row| row.1 == name).map_or(Ckr::GENERAL_ERROR, |row| row.0)
}

fn function_name(function: cryptoki::context::Function) -> &'static str {
    use cryptoki::context::Function as F;
    match function {
        F::Initialize => "C_Initialize",
        F::Finalize => "C_Finalize",
        F::GetSlotList => "C_GetSlotList",
        F::GetTokenInfo => "C_GetTokenInfo",
        F::InitToken => "C_InitToken",
        F::InitPIN => "C_InitPIN",
        F::OpenSession => "C_OpenSession",
        F::Login => "C_Login",
        F::CreateObject => "C_CreateObject",
        F::CopyObject => "C_CopyObject",
        F::DestroyObject => "C_DestroyObject",
        F::SetAttributeValue => "C_SetAttributeValue",
        F::GetInterface => "C_GetInterface",
        F::GetFunctionList => "C_GetFunctionList",
        _ => "a PKCS#11 call",
    }
}

fn paths(tried: &[PathBuf]) -> String {
    tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn present_text(present: &[String]) -> String {
    if present.is_empty() {
        "; no initialised token is present".to_owned()
    } else {
        format!("; present: {}", present.join(", "))
    }
}

fn tries_text(tries: &Tries) -> &'static str {
    match tries {
        Tries::Unknown => "",
        Tries::Low => " (a wrong PIN was entered at least once since the last right one)",
        Tries::Last => " (one try is left before it locks)",
        Tries::None => " (it is locked: no try is left)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_return_value_survives_the_way_through_cryptoki() {
        for (code, name, _) in &Ckr::TABLE[1..] {
            let outcome = cryptoki::error::Rv::from(code.0).into_result(cryptoki::context::Function::Login);
            let Err(error) = outcome else { panic!("{name} is no error to cryptoki") };
            assert_eq!(Error::from(error).ckr(), Some(*code), "{name}");
        }
        let outcome = cryptoki::error::Rv::from(0x8000_1234).into_result(cryptoki::context::Function::Login);
        assert_eq!(outcome.map_err(Error::from).unwrap_err().ckr(), Some(Ckr(0x8000_1234)));
    }
}
