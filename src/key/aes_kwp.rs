//! AES key wrap with padding (RFC 5649) over bytes, by the `aes-kw` crate: what wraps a key, and what encrypts the content of a CMS EnvelopedData.

use aes_kw::{AesKwp, KeyInit};

use crate::secret::SecretBytes;

/// Runs an expression with the key wrap under a key of 16, 24 or 32 bytes.
macro_rules! with_kwp {
    ($kek:expr, $kwp:ident => $run:expr) => {
        match $kek.len() {
            16 => AesKwp::<aes::Aes128>::new_from_slice($kek).ok().and_then(|$kwp| $run),
            24 => AesKwp::<aes::Aes192>::new_from_slice($kek).ok().and_then(|$kwp| $run),
            32 => AesKwp::<aes::Aes256>::new_from_slice($kek).ok().and_then(|$kwp| $run),
            _ => None,
        }
    };
}

/// Wraps one byte or more; `None` for none, and under a key of no AES size.
pub(crate) fn wrap(kek: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    if plain.is_empty() {
        return None;
    }
    let mut out = vec![0; plain.len().next_multiple_of(8) + 8];
    let written = with_kwp!(kek, kwp => kwp.wrap_key(plain, &mut out).ok().map(<[u8]>::len))?;
    out.truncate(written);
    Some(out)
}

/// Unwraps; `None` for what was not wrapped under this key, whatever it is that shows it.
pub(crate) fn unwrap(kek: &[u8], wrapped: &[u8]) -> Option<SecretBytes> {
    if wrapped.len() < 16 || !wrapped.len().is_multiple_of(8) {
        return None;
    }
    let mut out = SecretBytes::zeroed(wrapped.len() - 8);
    let written = with_kwp!(kek, kwp => kwp.unwrap_key(wrapped, out.as_mut_slice()).ok().map(<[u8]>::len))?;
    Some(if written == out.len() { out } else { SecretBytes::from(out.get(..written)?) })
}
