//! The crate's error: one variant a layer, and what each means to a CNG caller and to a person.

use crate::status::{Ckr, Status};
use crate::{asn1, blob, format, key, provider, template, token, wrap};

/// Anything that can go wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// DER that is refused.
    #[error(transparent)]
    Asn1(#[from] asn1::Error),
    /// A blob that is refused.
    #[error(transparent)]
    Blob(#[from] blob::Error),
    /// A configuration, or the source of a secret.
    #[cfg(feature = "config")]
    #[error(transparent)]
    Config(#[from] crate::config::Error),
    /// A file that is refused.
    #[error(transparent)]
    Format(#[from] format::Error),
    /// Numbers that make no key.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// CNG semantics: names, policies, states.
    #[error(transparent)]
    Provider(#[from] provider::Error),
    /// Attributes to be added that are not taken.
    #[error(transparent)]
    Template(#[from] template::Error),
    /// A module or a token.
    #[error(transparent)]
    Token(#[from] token::Error),
    /// Wrapping.
    #[error(transparent)]
    Wrap(#[from] wrap::Error),
}

impl Error {
    /// The layer at fault, as one word.
    pub fn layer(&self) -> &'static str {
        match self.cause() {
            Cause::Asn1(_) => "asn1",
            Cause::Blob(_) => "blob",
            #[cfg(feature = "config")]
            Cause::Config(_) => "config",
            Cause::Format(_) => "format",
            Cause::Key(_) => "key",
            Cause::Provider(_) => "provider",
            Cause::Template(_) => "template",
            Cause::Token(_) => "token",
            Cause::Wrap(_) => "wrap",
        }
    }

    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self.cause() {
            Cause::Asn1(error) => error.status(),
            Cause::Blob(error) => error.status(),
            #[cfg(feature = "config")]
            Cause::Config(error) => error.status(),
            Cause::Format(error) => error.status(),
            Cause::Key(error) => error.status(),
            Cause::Provider(error) => error.status(),
            Cause::Template(error) => error.status(),
            Cause::Token(error) => error.status(),
            Cause::Wrap(error) => error.status(),
        }
    }

    /// What the token said, if it said anything.
    pub fn ckr(&self) -> Option<Ckr> {
        match self.cause() {
            Cause::Token(error) => error.ckr(),
            Cause::Wrap(error) => error.ckr(),
            Cause::Provider(error) => error.ckr(),
            _ => None,
        }
    }

    /// The next thing to do, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self.cause() {
            Cause::Asn1(error) => asn1_hint(error),
            Cause::Blob(error) => blob_hint(error),
            #[cfg(feature = "config")]
            Cause::Config(error) => Some(error.hint().to_owned()),
            Cause::Format(format::Error::Unrecognised { .. }) => {
                Some("say what it is, with --type or as the `type` of a manifest's entry; `cng11 inspect` shows how far it makes sense as a given type".into())
            }
            Cause::Format(error) => format_hint(error),
            Cause::Key(error) => key_hint(error),
            Cause::Provider(error) => error.hint(),
            Cause::Template(error) => Some(error.hint()),
            Cause::Token(error) => token_hint(error),
            Cause::Wrap(wrap::Error::Token(error)) => token_hint(error),
            Cause::Wrap(error) => error.hint(),
        }
    }

    /// The innermost layer: a blob error may carry a key's.
    fn cause(&self) -> Cause<'_> {
        match self {
            Self::Asn1(asn1::Error::Key(error))
            | Self::Blob(blob::Error::Key(error) | blob::Error::Asn1(asn1::Error::Key(error)))
            | Self::Format(
                format::Error::Key(error)
                | format::Error::Asn1(asn1::Error::Key(error))
                | format::Error::Blob(blob::Error::Key(error) | blob::Error::Asn1(asn1::Error::Key(error))),
            )
            | Self::Key(error) => Cause::Key(error),
            Self::Format(error @ format::Error::Entry { .. }) => match error.innermost() {
                format::Error::Key(error)
                | format::Error::Asn1(asn1::Error::Key(error))
                | format::Error::Blob(blob::Error::Key(error) | blob::Error::Asn1(asn1::Error::Key(error))) => {
                    Cause::Key(error)
                }
                format::Error::Asn1(error) | format::Error::Blob(blob::Error::Asn1(error)) => Cause::Asn1(error),
                format::Error::Blob(error) => Cause::Blob(error),
                error => Cause::Format(error),
            },
            Self::Asn1(error)
            | Self::Blob(blob::Error::Asn1(error))
            | Self::Format(format::Error::Asn1(error) | format::Error::Blob(blob::Error::Asn1(error))) => {
                Cause::Asn1(error)
            }
            Self::Blob(error) | Self::Format(format::Error::Blob(error)) => Cause::Blob(error),
            #[cfg(feature = "config")]
            Self::Config(error) => Cause::Config(error),
            Self::Format(error) => Cause::Format(error),
            Self::Provider(error) => Cause::Provider(error),
            Self::Template(error) => Cause::Template(error),
            Self::Token(error) | Self::Wrap(wrap::Error::Token(error)) => Cause::Token(error),
            Self::Wrap(error) => Cause::Wrap(error),
        }
    }
}

enum Cause<'a> {
    Asn1(&'a asn1::Error),
    Blob(&'a blob::Error),
    #[cfg(feature = "config")]
    Config(&'a crate::config::Error),
    Format(&'a format::Error),
    Key(&'a key::Error),
    Provider(&'a provider::Error),
    Template(&'a template::Error),
    Token(&'a token::Error),
    Wrap(&'a wrap::Error),
}

fn asn1_hint(error: &asn1::Error) -> Option<String> {
    Some(match error {
        asn1::Error::PasswordMissing => "give the password with --password-source".into(),
        asn1::Error::PasswordWrong => "check the password".into(),
        asn1::Error::Malformed { .. } | asn1::Error::Invalid { .. } => {
            "the file is damaged or of another type; `openssl asn1parse -inform DER` shows its structure".into()
        }
        asn1::Error::Scheme { .. } => {
            "re-encrypt it: openssl pkcs8 -topk8 -v2 aes-256-cbc; a PKCS#12 file by openssl pkcs12 -legacy, then openssl pkcs12 -export"
                .into()
        }
        asn1::Error::Work { what: "iterations", .. } => {
            "such a file may be made to waste time; if you trust where it comes from, raise --max-iterations".into()
        }
        asn1::Error::Work { what: "bytes of memory for scrypt" | "steps of scrypt", .. } => {
            "such a file may be made to waste memory; if you trust where it comes from, raise --max-scrypt-memory".into()
        }
        asn1::Error::Work { .. } => "re-encrypt it: openssl pkcs8 -topk8 -v2 aes-256-cbc".into(),
        asn1::Error::Random => return None,
        asn1::Error::Encryption { .. } => {
            "have it encrypted with AES-256-CBC and RSAES-OAEP: openssl cms -encrypt -aes256 -keyopt rsa_padding_mode:oaep".into()
        }
        asn1::Error::Envelope => "check that the key is the one of the recipient's certificate".into(),
        asn1::Error::Recipient { .. } => {
            "have it encrypted for a certificate with an RSA key of yours; openssl cms -cmsout -print shows for whom it is".into()
        }
        asn1::Error::Algorithm { .. } => {
            "RSA, DSA, DH, the curves that CNG names, X25519, X448, Ed25519, Ed448, ML-DSA, ML-KEM and SLH-DSA are handled".into()
        }
        asn1::Error::Key(error) => return key_hint(error),
        asn1::Error::Pem { .. } => "the text is cut short or changed, or holds something else than was asked for".into(),
        asn1::Error::Unsupported { hint, .. } => (*hint).into(),
    })
}

fn format_hint(error: &format::Error) -> Option<String> {
    Some(match error {
        format::Error::SeveralKeys { .. } | format::Error::NoSuchKey { .. } => {
            "say which: by its name, its identifier in hexadecimal, or its number".into()
        }
        format::Error::Text { .. } | format::Error::NoKey { .. } => {
            "the file is damaged or of another type; `cng11 inspect` shows how far it makes sense".into()
        }
        format::Error::CertStore { .. } => {
            "CertSaveStore writes one with CERT_STORE_SAVE_AS_STORE; a single certificate in DER is taken too".into()
        }
        format::Error::Empty => "check where it comes from: what wrote it may have failed".into(),
        format::Error::Foreign { hint, .. } => (*hint).into(),
        format::Error::NotBuiltIn { feature, .. } => format!("build with --features {feature}"),
        _ => "ask for a type that fits the kind of key".into(),
    })
}

fn blob_hint(error: &blob::Error) -> Option<String> {
    Some(match error {
        blob::Error::Truncated { .. }
        | blob::Error::Trailing { .. }
        | blob::Error::Value { .. }
        | blob::Error::Wide { .. }
        | blob::Error::Name { .. } => {
            "the blob is damaged or of another type; `cng11 inspect` shows it field by field".into()
        }
        blob::Error::Foreign { .. } => "give the type that fits the file, or --type auto".into(),
        blob::Error::Magic { .. } => "give the type that fits the magic number, or --type auto".into(),
        blob::Error::CurveMissing { .. } => "name the curve, for instance --curve secP256k1".into(),
        blob::Error::Algorithm { .. } => "leave --algorithm and --curve out, or give the ones that fit".into(),
        blob::Error::Wrapped { .. } => {
            "name the key that opens it with --unwrap-key, or unwrap_key in a manifest".into()
        }
        blob::Error::CurveUnknown { .. } => "a key on a curve of one's own has no place here: use a named curve".into(),
        blob::Error::NotAKey { .. } => {
            "`cng11 inspect` shows the parameters; the key that goes with them is in another blob".into()
        }
        blob::Error::Sealed { .. } => "`cng11 inspect` shows what can be seen from outside".into(),
        blob::Error::Unsupported { .. } => "RSA, EC, DSA, DH, ML-DSA, ML-KEM and SLH-DSA keys are handled".into(),
        blob::Error::Limit { .. } => {
            "ask for a type without this limit: PKCS8_PRIVATEKEY for a private key, spki for a public one".into()
        }
        blob::Error::BufferTooSmall { .. } => "ask blob::encoded_len for the length first".into(),
        blob::Error::NotRepresentable { .. } => "ask for a type that fits the kind of key".into(),
        blob::Error::Asn1(error) => return asn1_hint(error),
        blob::Error::Key(error) => return key_hint(error),
    })
}

fn key_hint(error: &key::Error) -> Option<String> {
    Some(match error {
        key::Error::UnknownCurve { .. } => "CNG's names are for instance nistP256, secP256k1, brainpoolP384r1, curve25519".into(),
        key::Error::UnknownAlgorithm { .. } => {
            "RSA, ECDSA_P256, ECDSA_P384, ECDSA_P521, ECDH_P256 …, ECDSA or ECDH with a curve, AES, 3DES, HMAC are known".into()
        }
        key::Error::Inconsistent { .. } | key::Error::OutOfRange { .. } => {
            "the key is damaged: get it from its source again; --no-validate takes it as it is".into()
        }
        key::Error::Usage { .. } => "leave --usage out for what the algorithm is for, or give `all`".into(),
        key::Error::Size { .. } => "check the algorithm and the file: CNG has no keys of this size".into(),
        key::Error::Missing { .. } => "use a file that holds it".into(),
        key::Error::NotOnToken { .. } => "RSA, AES, 3DES, HMAC and the curves that CNG and PKCS#11 have in common go onto tokens".into(),
    })
}

fn token_hint(error: &token::Error) -> Option<String> {
    Some(match error {
        token::Error::NoModule { .. } => {
            "name one with --module or CNG11_MODULE, or install SoftHSM2 (Debian, Ubuntu: apt-get install softhsm2)"
                .into()
        }
        token::Error::Load { exists: false, .. } => {
            "check the path given by --module, CNG11_MODULE or module-path".into()
        }
        token::Error::Load { .. } => "the file is no PKCS#11 library for this machine".into(),
        token::Error::Uri { .. } => "quote the URI for the shell and percent-encode what RFC 7512 wants encoded".into(),
        token::Error::NoToken { .. } => {
            "`cng11 token list` shows what is there; `cng11 token init --label L` initialises a blank one".into()
        }
        token::Error::SeveralTokens { .. } => "choose one with --token LABEL or CNG11_TOKEN".into(),
        token::Error::NoBlankToken => "the module offers no slot with a blank token".into(),
        token::Error::Pin { ckr: Ckr::PIN_LOCKED, .. } => "the SO can set a new PIN: `cng11 token pin --unblock`".into(),
        token::Error::NewPin { .. } => "choose another one: the token says how long it may be, and of what".into(),
        token::Error::Pin { .. } => {
            "check where the PIN comes from (--pin-source); it was tried once and is not tried again".into()
        }
        token::Error::Pkcs11 { ckr: Ckr::USER_NOT_LOGGED_IN, .. } => "log in: give a PIN with --pin-source; keys of a card are its security officer's to put there: --login so".into(),
        token::Error::Pkcs11 { ckr: Ckr::MECHANISM_INVALID, .. } => "the token does not have this mechanism".into(),
        token::Error::Pkcs11 { ckr: Ckr::KEY_FUNCTION_NOT_PERMITTED, .. } => {
            "the key's usage does not allow it; see `cng11 show`".into()
        }
        token::Error::Pkcs11 { ckr: Ckr::DEVICE_MEMORY, .. } => "the token is full: delete what is not needed".into(),
        token::Error::Pkcs11 { ckr: Ckr::SESSION_READ_ONLY | Ckr::TOKEN_WRITE_PROTECTED, .. } => {
            "the token cannot be written to".into()
        }
        token::Error::Pkcs11 { function: "C_Initialize", ckr: Ckr::ARGUMENTS_BAD } => {
            "the module wants to be told something, or something else: --module-init or CNG11_MODULE_INIT; SoftHSM2 wants nothing".into()
        }
        token::Error::Random { .. } => return None,
        token::Error::Pkcs11 { .. } | token::Error::Module { .. } => {
            "the token says no more; `cng11 token list` shows whether it is still there, -vv what was used".into()
        }
    })
}
