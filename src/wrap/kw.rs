//! AES key wrap in software: RFC 3394 (KW) and RFC 5649 (KWP), by the `aes-kw` crate.
//!
//! Used for proofs, and by callers who hold the wrapping key, never to bring a token's key into the clear. What SoftHSM 2.6 wrapped carries up to seven zero bytes behind the
//! PKCS#8; [`trim_zeros`] takes exactly those off. Everything written here is exact.

use aes_kw::{AesKw, AesKwp, KeyInit};

use super::Error;
use crate::asn1;
use crate::secret::SecretBytes;

/// Calls `$run` with `$kek` as a key-encryption key of the right AES size.
macro_rules! with_kek {
    ($kind:ident, $kek:expr, $name:ident => $run:expr) => {
        match $kek.len() {
            16 => {
                let $name = $kind::<aes::Aes128>::new_from_slice($kek).map_err(|_| Error::Integrity)?;
                $run
            }
            24 => {
                let $name = $kind::<aes::Aes192>::new_from_slice($kek).map_err(|_| Error::Integrity)?;
                $run
            }
            32 => {
                let $name = $kind::<aes::Aes256>::new_from_slice($kek).map_err(|_| Error::Integrity)?;
                $run
            }
            len => return Err(Error::Length { scheme: "AES key wrap", len, expected: "a KEK of 16, 24 or 32 bytes" }),
        }
    };
}

/// Wraps by RFC 3394; the key is a multiple of 8 bytes, at least 16.
///
/// # Errors
/// [`Error::Length`].
pub fn kw_wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length { scheme: "kw", len: key.len(), expected: "a key of a multiple of 8 bytes, at least 16" };
    if key.len() < 16 || !key.len().is_multiple_of(8) {
        return Err(wrong);
    }
    let mut out = vec![0; key.len() + 8];
    let written = with_kek!(AesKw, kek, kw => kw.wrap_key(key, &mut out).map_err(|_| wrong)?.len());
    out.truncate(written);
    Ok(out)
}

/// Unwraps by RFC 3394.
///
/// # Errors
/// [`Error::Length`], or [`Error::Integrity`] when it was not wrapped under `kek`.
pub fn kw_unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) {
        let expected = "a multiple of 8 bytes, at least 24";
        return Err(Error::Length { scheme: "kw", len: wrapped.len(), expected });
    }
    let mut out = SecretBytes::zeroed(wrapped.len() - 8);
    with_kek!(AesKw, kek, kw => {
        kw.unwrap_key(wrapped, out.as_mut_slice()).map_err(|_| Error::Integrity)?;
    });
    Ok(out)
}

/// Wraps by RFC 5649; the key is one byte or more.
///
/// # Errors
/// [`Error::Length`].
pub fn kwp_wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length { scheme: "kwp", len: key.len(), expected: "a key of at least one byte" };
    if key.is_empty() {
        return Err(wrong);
    }
    let mut out = vec![0; key.len().next_multiple_of(8) + 8];
    let written = with_kek!(AesKwp, kek, kw => kw.wrap_key(key, &mut out).map_err(|_| wrong)?.len());
    out.truncate(written);
    Ok(out)
}

/// Unwraps by RFC 5649.
///
/// # Errors
/// [`Error::Length`], or [`Error::Integrity`] when it was not wrapped under `kek`.
pub fn kwp_unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    if wrapped.len() < 16 || !wrapped.len().is_multiple_of(8) {
        let expected = "a multiple of 8 bytes, at least 16";
        return Err(Error::Length { scheme: "kwp", len: wrapped.len(), expected });
    }
    let mut out = SecretBytes::zeroed(wrapped.len() - 8);
    let written = with_kek!(AesKwp, kek, kw => {
        kw.unwrap_key(wrapped, out.as_mut_slice()).map_err(|_| Error::Integrity)?.len()
    });
    Ok(if written == out.len() { out } else { SecretBytes::from(out.get(..written).unwrap_or_default()) })
}

/// The DER structure at the start of what a token wrapped, without the at most seven zero bytes that some tokens put behind it.
///
/// # Errors
/// [`Error::Length`] when there is no complete structure, or anything but such zeros behind it.
pub fn trim_zeros(plain: &SecretBytes) -> Result<(SecretBytes, usize), Error> {
    let wrong =
        Error::Length { scheme: "PKCS#8", len: plain.len(), expected: "one DER structure and at most 7 zero bytes" };
    let Some(len) = asn1::outer_length(plain) else { return Err(wrong) };
    let padding = plain.get(len..).unwrap_or_default();
    if padding.len() > 7 || padding.iter().any(|byte| *byte != 0) {
        return Err(wrong);
    }
    Ok((SecretBytes::from(plain.get(..len).unwrap_or_default()), padding.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5649 §6: the two examples, 20 and 7 bytes under a 192-bit KEK.
    #[test]
    fn the_examples_of_rfc_5649_come_out() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let kek = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (key, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            assert_eq!(kwp_wrap(&kek, &hex(key)).unwrap(), hex(wrapped));
            assert_eq!(&*kwp_unwrap(&kek, &hex(wrapped)).unwrap(), hex(key));
        }
    }

    #[test]
    fn up_to_seven_zeros_behind_the_structure_are_taken_off_and_nothing_else() {
        let der = [0x30, 0x03, 0x02, 0x01, 0x05];
        for zeros in 0..=7 {
            let padded = SecretBytes::from([&der[..], &vec![0; zeros]].concat());
            let (trimmed, padding) = trim_zeros(&padded).unwrap();
            assert_eq!((&*trimmed, padding), (&der[..], zeros));
        }
        for bad in [[&der[..], &[0; 8]].concat(), [&der[..], &[0, 1]].concat(), der[..4].to_vec(), Vec::new()] {
            assert!(trim_zeros(&SecretBytes::from(bad)).is_err());
        }
    }

    #[test]
    fn a_flipped_bit_fails_the_integrity_check() {
        let (kek, key) = ([1; 32], [2; 24]);
        type Wrap = fn(&[u8], &[u8]) -> Result<Vec<u8>, Error>;
        type Unwrap = fn(&[u8], &[u8]) -> Result<SecretBytes, Error>;
        for (wrap, unwrap) in [(kw_wrap as Wrap, kw_unwrap as Unwrap), (kwp_wrap, kwp_unwrap)] {
            let mut wrapped: Vec<u8> = wrap(&kek, &key).unwrap();
            assert_eq!(&*unwrap(&kek, &wrapped).unwrap(), key);
            wrapped[9] ^= 1;
            assert!(matches!(unwrap(&kek, &wrapped), Err(Error::Integrity)));
        }
    }
}
