//! AES key wrap in software: KW (RFC 3394), KWP (RFC 5649) and KW-PKCS7 (PKCS#11), by the `aes-kw` crate.
//!
//! | scheme | before KW's rounds | initial value, 8 bytes | key | wrapped |
//! |---|---|---|---|---|
//! | [KW](kw_wrap), SP 800-38F §6.2 | nothing | `A6A6A6A6A6A6A6A6` | 16, 24, 32, … bytes | key + 8 |
//! | [KWP](kwp_wrap), SP 800-38F §6.3 | 0 to 7 zero bytes, to a multiple of 8 | `A65959A6`, then the key's length, 4 BE | 1 byte or more | padded key + 8 |
//! | [KW-PKCS7](kw_pkcs7_wrap) | 1 to 8 bytes that each say how many they are | KW's | 8 bytes or more | padded key + 8 |
//!
//! A wrapped key of n 8-byte blocks is n + 1 blocks A ‖ R₁ … Rₙ: what became of the initial value, then of the key. There is no header and no choice
//! of the initial value. All three are deterministic: the same key under the same KEK comes out the same. All three check the whole
//! key on unwrapping, KWP its length and padding too, KW-PKCS7 its padding. Up to 8 bytes KWP is one AES block and no rounds.
//!
//! | mechanism of PKCS#11 | number | is |
//! |---|---|---|
//! | CKM_AES_KEY_WRAP | 0x2109 | KW. SoftHSM 2.6 fills a key with zero bytes first, NSS does so with secrets only, others refuse lengths that do not fit |
//! | CKM_AES_KEY_WRAP_PAD | 0x210A | two formats under one number: KWP with SoftHSM 2.6, which fills with zero bytes first and counts them as key; KW-PKCS7 with NSS |
//! | CKM_AES_KEY_WRAP_KWP | 0x210B | KWP, with Kryoptic and NSS |
//! | CKM_AES_KEY_WRAP_PKCS7 | 0x210C | KW-PKCS7, by PKCS#11 3.0, with Kryoptic |
//!
//! Used for proofs, and by callers who hold the wrapping key, never to bring a token's key into the clear. What SoftHSM 2.6 wrapped carries up to seven zero bytes behind the
//! PKCS#8; [`trim_zeros`] takes exactly those off. Everything written here is exact.

use aes_kw::{AesKw, KeyInit};
use subtle::{ConstantTimeEq, ConstantTimeGreater};

use super::kek::{check_kek, with_aes};
use super::{Error, Scheme};
use crate::asn1;
use crate::key::aes_kwp;
use crate::secret::SecretBytes;

/// Wraps by RFC 3394; the key is a multiple of 8 bytes, at least 16.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`].
pub fn kw_wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length {
        scheme: Scheme::Kw.name(),
        len: key.len(),
        expected: "a key of a multiple of 8 bytes, at least 16",
    };
    if key.len() < 16 || !key.len().is_multiple_of(8) {
        return Err(wrong);
    }
    let mut out = vec![0; key.len() + 8];
    let written = with_aes!(kek, Aes => {
        let kw = AesKw::<Aes>::new_from_slice(kek).map_err(|_| Error::Integrity)?;
        kw.wrap_key(key, &mut out).map_err(|_| wrong)?.len()
    });
    out.truncate(written);
    Ok(out)
}

/// Unwraps by RFC 3394.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Integrity`] when it was not wrapped under `kek`.
pub fn kw_unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    check_wrapped(Scheme::Kw, wrapped.len())?;
    let mut out = SecretBytes::zeroed(wrapped.len() - 8);
    with_aes!(kek, Aes => {
        let kw = AesKw::<Aes>::new_from_slice(kek).map_err(|_| Error::Integrity)?;
        kw.unwrap_key(wrapped, out.as_mut_slice()).map_err(|_| Error::Integrity)?;
    });
    Ok(out)
}

/// Refuses a length that these schemes cannot have made.
pub(super) fn check_wrapped(scheme: Scheme, len: usize) -> Result<(), Error> {
    let (least, expected) = match scheme {
        Scheme::Kwp => (16, "a multiple of 8 bytes, at least 16"),
        _ => (24, "a multiple of 8 bytes, at least 24"),
    };
    if len >= least && len.is_multiple_of(8) {
        return Ok(());
    }
    Err(Error::Length { scheme: scheme.name(), len, expected })
}

/// Wraps by RFC 5649; the key is one byte or more.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`].
pub fn kwp_wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length { scheme: Scheme::Kwp.name(), len: key.len(), expected: "a key of at least one byte" };
    if key.is_empty() {
        return Err(wrong);
    }
    check_kek(kek)?;
    aes_kwp::wrap(kek, key).ok_or(wrong)
}

/// Unwraps by RFC 5649.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Integrity`] when it was not wrapped under `kek`.
pub fn kwp_unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    check_wrapped(Scheme::Kwp, wrapped.len())?;
    check_kek(kek)?;
    aes_kwp::unwrap(kek, wrapped).ok_or(Error::Integrity)
}

/// Wraps by RFC 3394 behind the padding of PKCS#7; the key is 8 bytes or more, for a shorter one has no second block for KW.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`].
pub fn kw_pkcs7_wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = Error::Length { scheme: Scheme::KwPkcs7.name(), len: key.len(), expected: "a key of at least 8 bytes" };
    if key.len() < 8 {
        return Err(wrong);
    }
    let padding = u8::try_from(8 - key.len() % 8).map_err(|_| wrong.clone())?;
    let mut padded = SecretBytes::zeroed(key.len() + usize::from(padding));
    let (start, end) = padded.as_mut_slice().split_at_mut_checked(key.len()).ok_or(wrong)?;
    start.copy_from_slice(key);
    end.fill(padding);
    kw_wrap(kek, &padded)
}

/// Unwraps by RFC 3394 and takes the padding of PKCS#7 off.
///
/// # Errors
/// [`Error::Length`], [`Error::WrappingKey`], or [`Error::Integrity`] when it was not wrapped under `kek`, or without that padding.
pub fn kw_pkcs7_unwrap(kek: &[u8], wrapped: &[u8]) -> Result<SecretBytes, Error> {
    let padded = kw_unwrap(kek, wrapped)?;
    let padding = padded.last().copied().unwrap_or_default();
    // Each of the last eight bytes is looked at, whatever the padding says: what is in it shows in no time.
    let mut good = padding.ct_gt(&0) & !padding.ct_gt(&8);
    for (place, byte) in (0_u8..8).zip(padded.iter().rev()) {
        good &= !padding.ct_gt(&place) | byte.ct_eq(&padding);
    }
    let key = padded.len().checked_sub(usize::from(padding)).and_then(|len| padded.get(..len));
    match key {
        Some(key) if good.into() => Ok(SecretBytes::from(key)),
        _ => Err(Error::Integrity),
    }
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
        for (wrap, unwrap) in
            [(kw_wrap as Wrap, kw_unwrap as Unwrap), (kwp_wrap, kwp_unwrap), (kw_pkcs7_wrap, kw_pkcs7_unwrap)]
        {
            let mut wrapped: Vec<u8> = wrap(&kek, &key).unwrap();
            assert_eq!(&*unwrap(&kek, &wrapped).unwrap(), key);
            wrapped[9] ^= 1;
            assert!(matches!(unwrap(&kek, &wrapped), Err(Error::Integrity)));
        }
    }
}
