//! Why a key cannot be wrapped or unwrapped.

use super::route::Tried;
use crate::status::{Ckr, Status};
use crate::token::mechanism::wrapping_name;
use crate::token::{self, refusal};

/// Why a key cannot be wrapped or unwrapped.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token does not have the scheme's mechanism.
    #[error("token `{token}` cannot do the scheme {scheme}: {} (0x{mechanism:X}): {ckr}", wrapping_name(*.mechanism))]
    Mechanism {
        /// The scheme.
        scheme: &'static str,
        /// The mechanism that was asked for.
        mechanism: u64,
        /// The token's label.
        token: String,
        /// What the token said.
        ckr: Ckr,
        /// The schemes that the token claims to do.
        can: Box<[&'static str]>,
    },
    /// The token refuses RSA-OAEP with these parameters.
    #[error("token `{token}` refuses RSA-OAEP ({name}) with {asked}: {ckr}")]
    Oaep {
        /// The name of the mechanism.
        name: &'static str,
        /// The hash and whether there is a label.
        asked: String,
        /// The token's label.
        token: String,
        /// What the token said.
        ckr: Ckr,
        /// With which hashes it is known to do OAEP, if that is known.
        can: Option<&'static str>,
    },
    /// The scheme cannot carry this kind of key.
    #[error("the scheme {scheme} does not carry {key}")]
    Unsuitable {
        /// The scheme.
        scheme: &'static str,
        /// The kind of key.
        key: &'static str,
    },
    /// The scheme works under another kind of key.
    #[error("the scheme {scheme} wraps under {wanted}, and {name} is {found}")]
    Kek {
        /// The scheme.
        scheme: &'static str,
        /// What the scheme needs.
        wanted: &'static str,
        /// The wrapping key.
        name: String,
        /// What it is.
        found: &'static str,
    },
    /// The token does not wrap the key by this scheme, and the standard says why.
    #[error("the scheme {scheme} does not carry this key: {why} ({source})")]
    DoesNotFit {
        /// The scheme.
        scheme: &'static str,
        /// Why.
        why: &'static str,
        /// What the token said.
        source: Box<token::Error>,
    },
    /// The token could not unwrap.
    #[error("the wrapped key cannot be unwrapped ({tried}): {source}")]
    Unwrap {
        /// As what it was tried.
        tried: String,
        /// What the token said to the first try.
        source: token::Error,
    },
    /// Not wrapped under this key, or damaged.
    #[error("the integrity check of the wrapped key fails: it was wrapped under another key, or it is damaged")]
    Integrity,
    /// More than the wrapping key takes.
    #[error("a key of {len} bytes is too long for {scheme}: under this wrapping key it is at most {max}")]
    TooLong {
        /// The scheme.
        scheme: &'static str,
        /// The key's length.
        len: usize,
        /// The largest length.
        max: usize,
    },
    /// The wrapping key itself cannot be used in software.
    #[error("the wrapping key cannot be used for {scheme}: {problem}")]
    WrappingKey {
        /// The scheme.
        scheme: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The length is impossible.
    #[error("{len} bytes are not the output of {scheme}: {expected}")]
    Length {
        /// The scheme.
        scheme: &'static str,
        /// The length.
        len: usize,
        /// What it may be.
        expected: &'static str,
    },
    /// There is no way onto the token.
    #[error("token `{token}` takes the key by no route: {}", sentence(tried))]
    NoRoute {
        /// The token's label.
        token: String,
        /// Everything that was tried, and why it did not go.
        tried: Vec<Tried>,
        /// What brings a key onto such a token all the same, where that is known.
        instead: Option<&'static str>,
    },
    /// A container that does not say what it must, or says what it must not.
    #[error("{what}: {problem}")]
    Container {
        /// The container.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// As the token answers.
    #[error(transparent)]
    Token(#[from] token::Error),
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Mechanism { .. } | Self::Oaep { .. } | Self::NoRoute { .. } => Status::NTE_NOT_SUPPORTED,
            Self::Unsuitable { .. } | Self::DoesNotFit { .. } | Self::Kek { .. } => Status::NTE_BAD_TYPE,
            Self::Unwrap { source, .. } if source.ckr().is_some_and(refusal::is_about_data) => Status::NTE_BAD_DATA,
            Self::Unwrap { source, .. } | Self::Token(source) => source.status(),
            Self::Integrity | Self::Length { .. } | Self::Container { .. } => Status::NTE_BAD_DATA,
            Self::TooLong { .. } => Status::NTE_BAD_LEN,
            Self::WrappingKey { .. } => Status::NTE_BAD_KEY,
        }
    }

    /// What the token said.
    pub fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::Unwrap { source, .. } | Self::Token(source) => source.ckr(),
            Self::DoesNotFit { source, .. } => source.ckr(),
            Self::NoRoute { tried, .. } => tried.iter().find_map(|tried| tried.ckr),
            Self::Mechanism { ckr, .. } | Self::Oaep { ckr, .. } => Some(*ckr),
            _ => None,
        }
    }
}

impl Error {
    /// The next thing to do; of what the token says, the token's own hint is the better one.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Mechanism { can, .. } if !can.is_empty() => {
                format!("this token says that it can do: {} (--scheme, with --wrap-key or --wrap-to)", can.join(", "))
            }
            Self::Mechanism { .. } => "try another --scheme".into(),
            Self::Oaep { can: Some(can), .. } => {
                format!("this token does RSA-OAEP with {can} only (--oaep-hash sha1, when it wraps)")
            }
            Self::Oaep { .. } => "try another --oaep-hash".into(),
            Self::Unsuitable { .. } | Self::DoesNotFit { .. } => {
                "kwp and rsa-aes carry any key, kw and rsa-oaep short ones".into()
            }
            Self::Kek { .. } => {
                "kw, kwp, kw-pkcs7, cbc-pad and gcm go with AES keys, rsa-oaep and rsa-aes with RSA keys".into()
            }
            Self::Unwrap { .. } | Self::Integrity => {
                "check that --unwrap-key is the key it was wrapped under, --type what it is, --scheme and --oaep-hash the way, and --algorithm what a container holds if it is a symmetric key (AES)"
                    .into()
            }
            Self::TooLong { .. } => {
                "a larger RSA key or a shorter hash has more room; rsa-aes has it for every key".into()
            }
            Self::WrappingKey { .. } => "wrap under another key".into(),
            Self::Length { .. } => "check --type and --scheme".into(),
            Self::NoRoute { instead: Some(instead), .. } => (*instead).into(),
            Self::NoRoute { .. } => {
                "have the token take keys in the clear, or give it an RSA key that unwraps (generate NAME --algorithm RSA --usage wrap) and name that with --unwrap-key; else import with the token's own tool"
                    .into()
            }
            Self::Container { .. } => "the file is damaged, of another type, or for another key".into(),
            Self::Token(_) => return None,
        })
    }
}

fn sentence(tried: &[Tried]) -> String {
    tried.iter().map(|Tried { what, why, .. }| format!("{what}: {why}")).collect::<Vec<_>>().join("; ")
}
