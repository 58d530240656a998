#![doc = include_str!("../README.md")]
//!
//! # Words
//!
//! One thing has three names, by who speaks of it:
//!
//! | CNG | PKCS#11 | RFC 8017, SEC 1 |
//! |---|---|---|
//! | `PublicExponent` | CKA_PUBLIC_EXPONENT | e |
//! | `Modulus` | CKA_MODULUS | n |
//! | `Prime1`, `Prime2` | CKA_PRIME_1, CKA_PRIME_2 | p, q |
//! | `Exponent1`, `Exponent2` | CKA_EXPONENT_1, CKA_EXPONENT_2 | dP, dQ |
//! | `Coefficient` | CKA_COEFFICIENT | qInv |
//! | `PrivateExponent` | CKA_PRIVATE_EXPONENT | d |
//! | `X`, `Y` | CKA_EC_POINT (DER OCTET STRING of `04 ‖ X ‖ Y`) | Q |
//! | `d` | CKA_VALUE | d |
//! | `ECCCurveName` | CKA_EC_PARAMS (DER OID) | domain parameters |
//! | key name | CKA_LABEL | |
//! | `Unique Name` | a `pkcs11:` URI | |
//! | `Export Policy` | CKA_SENSITIVE, CKA_EXTRACTABLE | |
//! | `Key Usage` | CKA_SIGN, CKA_DECRYPT, CKA_DERIVE, CKA_UNWRAP | |
//! | ephemeral key | session object | |
//! | `hImportKey`, `hExportKey` | the key of C_UnwrapKey, C_WrapKey | key-encryption key |

pub mod asn1;
pub mod blob;
#[cfg(feature = "bulk")]
pub mod bulk;
#[cfg(feature = "capi")]
#[allow(unsafe_code, reason = "C hands over pointers")]
pub mod capi;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "token")]
mod error;
pub mod format;
pub mod hex;
pub mod key;
#[cfg(feature = "token")]
pub mod provider;
pub mod secret;
pub mod status;
#[cfg(feature = "token")]
pub mod template;
#[cfg(feature = "token")]
pub mod token;
pub mod wide;
#[cfg(feature = "token")]
pub mod wrap;

#[cfg(feature = "token")]
pub use crate::error::Error;
pub use crate::status::Status;
