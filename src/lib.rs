//! CNG key blobs and NCrypt-style import and export, mapped onto PKCS#11.
pub mod asn1;
pub mod blob;
pub mod format;
pub mod key;
pub mod secret;
pub mod status;
#[cfg(feature = "token")]
pub mod template;
pub mod wide;
