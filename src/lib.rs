//! CNG key blobs and NCrypt-style import and export, mapped onto PKCS#11.
pub mod asn1;
pub mod blob;
#[cfg(feature = "token")]
mod error;
pub mod format;
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
