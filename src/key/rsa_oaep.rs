//! RSAES-OAEP (RFC 8017 §7.1), by the `rsa` crate. MGF1 is always with the hash of the label.
//!
//! | offset | size | field of the encoded message | value |
//! |---|---|---|---|
//! | 0 | 1 | Y | 0 |
//! | 1 | hLen | maskedSeed | a random seed, exclusive or MGF1(maskedDB) |
//! | 1 + hLen | k − hLen − 1 | maskedDB | Hash(label) ‖ zero bytes ‖ 1 ‖ message, exclusive or MGF1(seed) |
//!
//! k is the length of the modulus in bytes, hLen that of the hash; a message is at most k − 2·hLen − 2 bytes, and a ciphertext is always k. The public exponent
//! must be below 2³³, the limit of the crate: CNG's is 2⁶⁴.

use ::rsa::Oaep;
use zeroize::Zeroizing;

use super::rsa::{Hash, PrivateKey, PublicKey, Random};
use super::rsa_arithmetic::Integer;
use crate::secret::SecretBytes;

impl PublicKey {
    /// The longest message that OAEP with this hash has room for; `None` if not even an empty one fits.
    pub fn oaep_capacity(&self, hash: Hash) -> Option<usize> {
        self.n().len().checked_sub(2 * hash.length() + 2)
    }

    /// Encrypts with RSAES-OAEP (RFC 8017 §7.1.1) into as many bytes as the modulus has; `None` if the message does not fit, the modulus is even, or the
    /// public exponent is even, below 2 or not below 2³³.
    pub fn encrypt_oaep(&self, hash: Hash, label: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        self.oaep_capacity(hash).filter(|most| message.len() <= *most)?;
        let key = self.to_crate()?;
        match hash {
            Hash::Sha1 => key.encrypt(&mut Random, Oaep::<sha1::Sha1>::new_with_label(label), message),
            Hash::Sha256 => key.encrypt(&mut Random, Oaep::<sha2::Sha256>::new_with_label(label), message),
            Hash::Sha384 => key.encrypt(&mut Random, Oaep::<sha2::Sha384>::new_with_label(label), message),
            Hash::Sha512 => key.encrypt(&mut Random, Oaep::<sha2::Sha512>::new_with_label(label), message),
        }
        .ok()
    }
}

impl PrivateKey {
    /// Decrypts with RSAES-OAEP (RFC 8017 §7.1.2), blinded; `None` if it was not encrypted so, with this label and under this key, or the key is one that
    /// [`PublicKey::encrypt_oaep`] does not take. Which of them is not to be found out: §7.1.2 note 1.
    pub fn decrypt_oaep(&self, hash: Hash, label: &[u8], ciphertext: &[u8]) -> Option<SecretBytes> {
        self.public().oaep_capacity(hash)?;
        let key = self.to_crate()?;
        match hash {
            Hash::Sha1 => key.decrypt_blinded(&mut Random, Oaep::<sha1::Sha1>::new_with_label(label), ciphertext),
            Hash::Sha256 => key.decrypt_blinded(&mut Random, Oaep::<sha2::Sha256>::new_with_label(label), ciphertext),
            Hash::Sha384 => key.decrypt_blinded(&mut Random, Oaep::<sha2::Sha384>::new_with_label(label), ciphertext),
            Hash::Sha512 => key.decrypt_blinded(&mut Random, Oaep::<sha2::Sha512>::new_with_label(label), ciphertext),
        }
        .ok()
        .map(SecretBytes::from)
    }

    fn to_crate(&self) -> Option<::rsa::RsaPrivateKey> {
        let (n, numbers) = (self.public(), self.numbers());
        // The crate stores primes that are longer than half the modulus in its full width, and wants to be told. Their lengths are no secret: every
        // format states them.
        let half = n.bits().div_ceil(2);
        let wide = [&numbers.p, &numbers.q].iter().any(|prime| super::rsa::bit_length(prime) > u64::from(half));
        let prime_bits = if wide { n.bits() } else { half };
        // Each is wiped where the next does not fit.
        let secret = |bytes: &[u8], bits: u32| integer(bytes, bits).map(Zeroizing::new);
        let (mut p, mut q) = (secret(&numbers.p, prime_bits)?, secret(&numbers.q, prime_bits)?);
        let (modulus, e, mut d) = (integer(n.n(), n.bits())?, integer(n.e(), 64)?, secret(&numbers.d, n.bits())?);
        let [p, q, d] = [&mut p, &mut q, &mut d].map(|number| std::mem::replace(&mut **number, Integer::zero()));
        let primes = vec![p, q];
        // A key of the crate wipes itself, and in these widths it is made without a copy of them.
        let make = if wide {
            ::rsa::RsaPrivateKey::from_components_with_wide_primes
        } else {
            ::rsa::RsaPrivateKey::from_components
        };
        make(modulus, e, d, primes).ok()
    }
}

fn integer(bytes: &[u8], bits: u32) -> Option<Integer> {
    Integer::from_be_slice(bytes, bits.next_multiple_of(64)).ok()
}
