//! Keys that travel wrapped: by which scheme, under which key, in which container, and the calls on the token that do it.
//!
//! Owns the mapping from a [`Scheme`] to this token's mechanism, the capacity a wrapped key needs, and the finding-out of what kind of
//! private key is inside a wrapped PKCS#8. The key in the clear never reaches the host on these paths, but for what a token only decrypts (`envelope::decrypt`). Each scheme's module has its bytes, and
//! the same in software: for proofs, and for callers who hold the wrapping key themselves.
//!
//! | scheme | module | under | carries | bytes | mechanism |
//! |---|---|---|---|---|---|
//! | `kw` | [`kw`] | AES | whole blocks of 8 bytes; some tokens fill up a shorter key | RFC 3394 | CKM_AES_KEY_WRAP, or what a profile says instead |
//! | `kwp` | [`kw`] | AES | anything | RFC 5649 | CKM_AES_KEY_WRAP_KWP, or where it is that CKM_AES_KEY_WRAP_PAD |
//! | `kw-pkcs7` | [`kw`] | AES | anything | RFC 3394 over PKCS#7 padding | CKM_AES_KEY_WRAP_PKCS7 |
//! | `cbc-pad` | [`cbc_pad`] | AES | anything | IV ‖ CBC over PKCS#7 padding | CKM_AES_CBC_PAD |
//! | `gcm` | [`gcm`] | AES | anything | nonce ‖ GCM ‖ tag | CKM_AES_GCM |
//! | `rsa-oaep` | [`oaep`] | RSA | what is short enough | RFC 8017 §7.1 | CKM_RSA_PKCS_OAEP |
//! | `rsa-aes` | [`rsa_aes`] | RSA | anything | OAEP of an AES key ‖ RFC 5649 under it | CKM_RSA_AES_KEY_WRAP, else both steps on the token |
//!
//! IVs, nonces and the AES key of `rsa-aes` are fresh each time; there is no way to choose one.

pub mod cbc_pad;
pub(crate) mod envelope;
mod error;
pub mod gcm;
mod kek;
pub mod kw;
pub mod oaep;
mod open;
mod opening;
mod route;
pub mod rsa_aes;
mod seal;
mod temporary;
pub(crate) mod transport;

pub use self::error::Error;
pub use self::open::Sealed;
pub(crate) use self::open::{unwraps_cbc, wraps_cbc};
pub(crate) use self::opening::{Opening, same_keys, secret_len};
pub use self::route::Tried;
pub(crate) use self::route::{Brought, ImportKek, in_shape, no_route};
pub(crate) use self::seal::{Ephemeral, wrap_under_password};
pub use self::seal::{Wrapped, wrap};
pub(crate) use self::temporary::{Temporary, create_public, generate_pair};

use crate::key::PublicKey;
use crate::key::rsa::Hash;
use crate::secret::SecretBytes;
use crate::template::profile::{EVERY_HASH, Profile};
use crate::token::mechanism::{CK_MECHANISM_TYPE, CKM_AES_CBC_PAD, CKM_AES_GCM, CKM_RSA_PKCS_OAEP};
use crate::token::{Handle, Token};

/// How a key is wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scheme {
    /// AES-CBC over PKCS#7 padding, the IV in front.
    CbcPad,
    /// AES-GCM, the nonce in front and the tag behind.
    Gcm,
    /// AES key wrap (RFC 3394), the bare key: what `Rfc3565KeyWrapBlob` is.
    Kw,
    /// AES key wrap over PKCS#7 padding.
    KwPkcs7,
    /// AES key wrap with padding (RFC 5649).
    Kwp,
    /// RSA-AES key wrap: an AES key by RSA-OAEP, the key under it by RFC 5649.
    RsaAes,
    /// RSA-OAEP (RFC 8017).
    RsaOaep,
}

impl Scheme {
    /// Every scheme, in the order in which they are named to a person.
    pub const ALL: [Self; 7] =
        [Self::Kw, Self::Kwp, Self::KwPkcs7, Self::CbcPad, Self::Gcm, Self::RsaOaep, Self::RsaAes];

    /// Those that wrap under an AES key.
    pub(crate) fn under_aes() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|scheme| !scheme.is_rsa())
    }

    /// Finds a scheme by its word on the command line.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CbcPad => "cbc-pad",
            Self::Gcm => "gcm",
            Self::Kw => "kw",
            Self::KwPkcs7 => "kw-pkcs7",
            Self::Kwp => "kwp",
            Self::RsaAes => "rsa-aes",
            Self::RsaOaep => "rsa-oaep",
        }
    }

    /// Whether it wraps under an RSA key, else under an AES key.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::RsaAes | Self::RsaOaep)
    }

    /// Wraps in software under an AES key; RFC 5649 for a scheme that goes under RSA keys, which has that inside.
    pub(crate) fn wrap_under_aes(self, kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Kw => kw::kw_wrap(kek, key),
            Self::KwPkcs7 => kw::kw_pkcs7_wrap(kek, key),
            Self::CbcPad => cbc_pad::wrap(kek, key),
            Self::Gcm => gcm::wrap(kek, key),
            Self::Kwp | Self::RsaAes | Self::RsaOaep => kw::kwp_wrap(kek, key),
        }
    }

    /// The reverse.
    pub(crate) fn unwrap_under_aes(self, kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
        match self {
            Self::Kw => kw::kw_unwrap(kek, wrapped),
            Self::KwPkcs7 => kw::kw_pkcs7_unwrap(kek, wrapped),
            Self::CbcPad => cbc_pad::unwrap(kek, wrapped),
            Self::Gcm => gcm::unwrap(kek, wrapped),
            Self::Kwp | Self::RsaAes | Self::RsaOaep => kw::kwp_unwrap(kek, wrapped),
        }
    }

    /// The mechanism that decides whether a token with this profile can do it.
    pub(crate) fn mechanism(self, profile: &Profile) -> CK_MECHANISM_TYPE {
        match self {
            Self::CbcPad => CKM_AES_CBC_PAD,
            Self::Gcm => CKM_AES_GCM,
            Self::Kw => profile.kw,
            Self::KwPkcs7 => profile.kw_pkcs7,
            Self::Kwp => profile.kwp,
            // What else it needs, the token has if it has this.
            Self::RsaAes | Self::RsaOaep => CKM_RSA_PKCS_OAEP,
        }
    }
}

/// A key on the token that wraps or unwraps others.
#[derive(Clone, Copy, Debug)]
pub struct Kek {
    /// The object: for an RSA key the public one to wrap with, the private one to unwrap with.
    pub object: Handle,
    /// What it is.
    pub kind: KekKind,
}

/// The kind of a wrapping key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KekKind {
    /// An AES key.
    Aes,
    /// An RSA key.
    Rsa {
        /// Bytes of its modulus.
        modulus_len: usize,
    },
}

/// A scheme with what it can be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameters {
    /// The scheme.
    pub scheme: Scheme,
    /// The hash of RSA-OAEP and of its MGF1. `None`: to wrap, SHA-256, or SHA-1 on a token that is known to have nothing else; to unwrap, each in turn.
    pub hash: Option<Hash>,
    /// The label of RSA-OAEP.
    pub label: Vec<u8>,
}

impl Parameters {
    /// A scheme of which nothing more is said.
    pub fn new(scheme: Scheme) -> Self {
        Self { scheme, hash: None, label: Vec::new() }
    }
}

/// The hash to wrap with where none is asked for.
pub(crate) fn usual_hash(profile: &Profile) -> Hash {
    match profile.oaep {
        Some(known) if !known.contains(&Hash::Sha256) => known.first().copied().unwrap_or(Hash::Sha256),
        _ => Hash::Sha256,
    }
}

/// The hashes to unwrap with where none is told: an RSA-OAEP ciphertext does not show which one made it.
pub(crate) fn possible_hashes(profile: &Profile) -> &'static [Hash] {
    profile.oaep.unwrap_or(EVERY_HASH)
}

/// The schemes that the token claims to wrap and unwrap with.
fn claimed(token: &Token) -> Vec<Scheme> {
    let claims = |scheme: Scheme| {
        token.claims_wrapping(scheme.mechanism(token.profile())).is_ok_and(|(wraps, unwraps)| wraps && unwraps)
    };
    let fits = |scheme: &Scheme| claims(*scheme) && (*scheme != Scheme::RsaAes || claims(Scheme::Kwp));
    Scheme::ALL.into_iter().filter(fits).collect()
}

/// Bytes that hold any wrapped PKCS#8 of a key: twice the numbers of an RSA key and a half, or three field widths, and the DER around them.
pub fn private_capacity(public: Option<&PublicKey>, bits: u32) -> usize {
    let width = bits.div_ceil(8) as usize;
    match public {
        Some(PublicKey::Rsa(_)) => width * 9 / 2 + 512,
        Some(_) | None => width * 3 + 256,
    }
}
