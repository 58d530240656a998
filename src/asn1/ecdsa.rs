//! `ECDSA-Sig-Value` (RFC 3279 §2.2.3): the DER form of an ECDSA signature, beside CNG's and PKCS#11's bare r ‖ s.

use der::asn1::UintRef;
use der::{Encode, Sequence};

use super::Error;
use crate::secret::SecretBytes;

const WHAT: &str = "ECDSA-Sig-Value";

#[derive(Sequence)]
struct SigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// r ‖ s to DER.
///
/// # Errors
/// [`Error::Invalid`] for an odd number of bytes.
pub fn to_der(signature: &[u8]) -> Result<Vec<u8>, Error> {
    if signature.is_empty() || !signature.len().is_multiple_of(2) {
        return Err(Error::Invalid { what: WHAT, problem: "r and s do not have the same length" });
    }
    let wrong = |error| Error::encoding(WHAT, error);
    let (r, s) = signature.split_at(signature.len() / 2);
    SigValue { r: UintRef::new(r).map_err(wrong)?, s: UintRef::new(s).map_err(wrong)? }.to_der().map_err(wrong)
}

/// DER to r ‖ s, each `width` bytes.
///
/// # Errors
/// [`Error`] when it is not DER, or a number is wider than the field.
pub fn from_der(der: &[u8], width: usize) -> Result<Vec<u8>, Error> {
    let value: SigValue<'_> = super::decode(WHAT, der)?;
    let mut out = Vec::with_capacity(2 * width);
    for number in [value.r, value.s] {
        let number = SecretBytes::left_padded(number.as_bytes(), width);
        out.extend_from_slice(&number.ok_or(Error::Invalid { what: WHAT, problem: "r or s is wider than the field" })?);
    }
    Ok(out)
}
