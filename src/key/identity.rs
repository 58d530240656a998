//! How a key is recognised: CKA_ID and fingerprint.
//!
//! A key pair's CKA_ID is the key identifier of RFC 5280 §4.2.1.2, method 1: SHA-1 over the value of the BIT STRING
//! `subjectPublicKey`. A symmetric key has no public half to hash, and a hash of the key itself would be an oracle for it:
//! its CKA_ID is random behind a short prefix that names algorithm and size.

use sha2::Digest;

use super::SymmetricAlgorithm;

/// Bytes of the longest CKA_ID that is taken.
pub const MAX_ID: usize = 200;

/// `NCRYPT_MAX_KEY_NAME_LENGTH`: UTF-16 code units of the longest name.
pub const MAX_NAME: usize = 512;

/// Length of the identifiers made here.
pub const ID_LENGTH: usize = 20;

/// The key identifier of a public key whose `subjectPublicKey` holds `subject_public_key`.
pub fn key_id(subject_public_key: &[u8]) -> [u8; ID_LENGTH] {
    sha1::Sha1::digest(subject_public_key).into()
}

/// SHA-256 over a DER SubjectPublicKeyInfo.
pub fn fingerprint(spki: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(spki).into()
}

/// A new identifier for a symmetric key of `bits` bits: `AES256:` and random bytes, for instance.
///
/// The prefix is there because some tokens do not keep CKA_VALUE_LEN of a key that they unwrapped (SoftHSM 2.6 answers 0),
/// and nothing else tells the length of an unextractable key; [`symmetric_bits`] reads it back.
///
/// # Errors
/// When the operating system has no random bytes.
pub fn symmetric_id(algorithm: SymmetricAlgorithm, bits: u32) -> Result<[u8; ID_LENGTH], getrandom::Error> {
    let mut id = [0; ID_LENGTH];
    getrandom::fill(&mut id)?;
    for (place, byte) in id.iter_mut().zip(format!("{}{bits}:", algorithm.name()).bytes()) {
        *place = byte;
    }
    Ok(id)
}

/// The size that an identifier of [`symmetric_id`] names.
pub fn symmetric_bits(algorithm: SymmetricAlgorithm, id: &[u8]) -> Option<u32> {
    let rest = id.strip_prefix(algorithm.name().as_bytes()).filter(|_| id.len() >= ID_LENGTH)?;
    let digits = rest.split(|byte| *byte == b':').next()?;
    let bits: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    algorithm.accepts(bits as usize / 8).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_identifier_tells_its_size_and_a_random_one_does_not() {
        for bits in [128, 192, 256] {
            let id = symmetric_id(SymmetricAlgorithm::Aes, bits).unwrap();
            assert_eq!(symmetric_bits(SymmetricAlgorithm::Aes, &id), Some(bits));
            assert_eq!(symmetric_bits(SymmetricAlgorithm::TripleDes, &id), None);
        }
        assert_eq!(symmetric_bits(SymmetricAlgorithm::Aes, &[0x41; 20]), None);
        assert_eq!(symmetric_bits(SymmetricAlgorithm::Aes, b"AES256:"), None);
    }
}
