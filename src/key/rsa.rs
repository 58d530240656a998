//! RSA keys by RFC 8017 §3: n, e; p, q, dP, dQ, qInv, d.
//!
//! Owns which RSA keys are taken (modulus 512 to 16384 bits, odd e from 3 to 2⁶⁴−1, two primes of any length) and the
//! completion of a key that comes as p, q, e only, as `RSAPRIVATEBLOB` does. The arithmetic is in `rsa_arithmetic`.
//! Refuses multi-prime keys, which no CNG blob can carry.

use crypto_bigint::Odd;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};

use super::rsa_arithmetic::{self as arithmetic, Integer};
use super::{Consistency, Error, Validation};
use crate::secret::{SecretBytes, trim_leading_zeros};

/// Modulus sizes that CNG documents, in bits.
const MODULUS_BITS: std::ops::RangeInclusive<u32> = 512..=16384;

/// A public key. Numbers are minimal: no leading zero byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl PublicKey {
    /// A public key from big-endian numbers; leading zero bytes are dropped.
    ///
    /// # Errors
    /// [`Error::Size`] for a modulus outside 512 … 16384 bits or an exponent above 64 bits, [`Error::OutOfRange`] for an even
    /// modulus and, under [`Validation::Full`], an even or too small exponent.
    pub fn new(n: &[u8], e: &[u8], validation: Validation) -> Result<Self, Error> {
        let (n, e) = (trim_leading_zeros(n), trim_leading_zeros(e));
        let bits = bit_length(n);
        if !u32::try_from(bits).is_ok_and(|bits| MODULUS_BITS.contains(&bits)) {
            return Err(Error::Size { what: "an RSA modulus", bits, range: "512 to 16384" });
        }
        if e.len() > 8 {
            return Err(Error::Size { what: "an RSA public exponent", bits: bit_length(e), range: "at most 64" });
        }
        if validation == Validation::Full {
            if n.last().is_none_or(|low| low % 2 == 0) {
                return Err(Error::OutOfRange { field: "the modulus", what: "it must be odd" });
            }
            if e.last().is_none_or(|low| low % 2 == 0) || e == [1] {
                return Err(Error::OutOfRange {
                    field: "the public exponent",
                    what: "it must be odd and greater than 1",
                });
            }
        }
        Ok(Self { n: n.to_vec(), e: e.to_vec() })
    }

    /// The modulus, minimal big-endian.
    pub fn n(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, minimal big-endian.
    pub fn e(&self) -> &[u8] {
        &self.e
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> u32 {
        u32::try_from(bit_length(&self.n)).unwrap_or(u32::MAX)
    }

    /// Verifies an RSASSA-PKCS1-v1_5 signature (RFC 8017 §8.2.2) over a digest, with the `DigestInfo` of `hash`, or without
    /// one when `hash` is `None`.
    pub fn verify_pkcs1(&self, hash: Option<Hash>, digest: &[u8], signature: &[u8]) -> bool {
        let prefix = hash.map_or(&[][..], Hash::digest_info_prefix);
        let padding = ::rsa::Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: prefix.into() };
        self.to_crate().is_some_and(|key| key.verify(padding, digest, signature).is_ok())
    }

    /// Verifies an RSASSA-PSS signature (RFC 8017 §8.1.2) with MGF1 over the same hash.
    pub fn verify_pss(&self, hash: Hash, salt_len: usize, digest: &[u8], signature: &[u8]) -> bool {
        use ::rsa::Pss;
        let Some(key) = self.to_crate() else { return false };
        match hash {
            Hash::Sha1 => key.verify(Pss::<sha1::Sha1>::new_with_salt(salt_len), digest, signature),
            Hash::Sha256 => key.verify(Pss::<sha2::Sha256>::new_with_salt(salt_len), digest, signature),
            Hash::Sha384 => key.verify(Pss::<sha2::Sha384>::new_with_salt(salt_len), digest, signature),
            Hash::Sha512 => key.verify(Pss::<sha2::Sha512>::new_with_salt(salt_len), digest, signature),
        }
        .is_ok()
    }

    /// Encrypts with RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1); `None` if the message does not fit.
    pub fn encrypt_pkcs1(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.to_crate()?.encrypt(&mut Random, ::rsa::Pkcs1v15Encrypt, message).ok()
    }

    /// The number of the message to the power of e (RFC 8017 §5.1.1), as wide as the modulus; `None` for one that is not below the modulus, and for an even modulus.
    pub fn raw(&self, message: &[u8]) -> Option<Vec<u8>> {
        let width = self.bits().next_multiple_of(64);
        let number = |bytes: &[u8]| Integer::from_be_slice(trim_leading_zeros(bytes), width).ok();
        let (n, m) = (number(&self.n)?, number(message)?);
        if m >= n {
            return None;
        }
        let params = BoxedMontyParams::new_vartime(Odd::new(n).into_option()?);
        let power = BoxedMontyForm::new(m, &params).pow(&Integer::from_be_slice(&self.e, 64).ok()?).retrieve();
        let bytes = power.to_be_bytes();
        bytes.get(bytes.len().checked_sub(self.n.len())?..).map(<[u8]>::to_vec)
    }

    pub(super) fn to_crate(&self) -> Option<::rsa::RsaPublicKey> {
        // The crate's own limits (8192 bits, e below 2³³) are narrower than CNG's, and ours were checked by `new`.
        let n = Integer::from_be_slice(&self.n, self.bits().next_multiple_of(64)).ok()?;
        let e = Integer::from_be_slice(&self.e, 64).ok()?;
        // The crate's Montgomery arithmetic panics on an even modulus.
        bool::from(n.bit(0)).then(|| ::rsa::RsaPublicKey::new_unchecked(n, e))
    }
}

/// A private key with all the numbers that PKCS#1 `RSAPrivateKey` and a PKCS#11 private key object have, minimal big-endian.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    public: PublicKey,
    numbers: PrivateNumbers,
    consistency: Consistency,
}

/// The private numbers of a key.
#[derive(Clone, Debug)]
pub struct PrivateNumbers {
    /// First prime.
    pub p: SecretBytes,
    /// Second prime.
    pub q: SecretBytes,
    /// d mod (p − 1).
    pub dp: SecretBytes,
    /// d mod (q − 1).
    pub dq: SecretBytes,
    /// q⁻¹ mod p.
    pub qinv: SecretBytes,
    /// Private exponent.
    pub d: SecretBytes,
}

impl PrivateKey {
    /// A key from all its numbers, which are checked by multiplication (RFC 8017 §3.2) unless that is skipped.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] naming the relation that does not hold, or what [`PublicKey::new`] says.
    pub fn from_numbers(public: PublicKey, numbers: PrivateNumbers, validation: Validation) -> Result<Self, Error> {
        let PrivateNumbers { p, q, dp, dq, qinv, d } = numbers;
        let numbers = PrivateNumbers {
            p: p.trimmed(),
            q: q.trimmed(),
            dp: dp.trimmed(),
            dq: dq.trimmed(),
            qinv: qinv.trimmed(),
            d: d.trimmed(),
        };
        let consistency = match validation {
            Validation::Full => {
                arithmetic::check(&public, &numbers)?;
                Consistency::Checked
            }
            Validation::Skip => Consistency::Unchecked,
        };
        Ok(Self { public, numbers, consistency })
    }

    /// A new key with the public exponent 65537, for one operation here. Its primes are the `rsa` crate's.
    ///
    /// # Errors
    /// [`Error`] for a size that no key has.
    pub fn generate(bits: u32) -> Result<Self, Error> {
        use ::rsa::traits::{PrivateKeyParts, PublicKeyParts};
        let unusual = || Error::Inconsistent { what: "no RSA key has so many bits" };
        let made = ::rsa::RsaPrivateKey::new(&mut Random, bits as usize).map_err(|_| unusual())?;
        let bytes = |number: &::rsa::BoxedUint| SecretBytes::from(number.to_be_bytes().into_vec()).trimmed();
        let public = PublicKey::new(&bytes(made.n()), &bytes(made.e()), Validation::Full)?;
        let primes: Vec<_> = made.primes().iter().map(|prime| bytes(prime)).collect();
        let [p, q] = primes.as_slice() else { return Err(unusual()) };
        Self::from_primes(public, p, q, Validation::Full)
    }

    /// A key from its primes: d = e⁻¹ mod lcm(p − 1, q − 1), dP, dQ and qInv are computed.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when n ≠ p·q or e has no inverse. Completion needs arithmetic even under
    /// [`Validation::Skip`], which only leaves the comparison of p·q with n out.
    pub fn from_primes(public: PublicKey, p: &[u8], q: &[u8], validation: Validation) -> Result<Self, Error> {
        let (p, q) = (SecretBytes::from(trim_leading_zeros(p)), SecretBytes::from(trim_leading_zeros(q)));
        let numbers = arithmetic::complete(&public, p, q, validation)?;
        let consistency = match validation {
            Validation::Full => Consistency::Checked,
            Validation::Skip => Consistency::Unchecked,
        };
        Ok(Self { public, numbers, consistency })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private numbers.
    pub fn numbers(&self) -> &PrivateNumbers {
        &self.numbers
    }

    /// Whether the numbers were checked against each other.
    pub fn consistency(&self) -> Consistency {
        self.consistency
    }

    /// The widths of p and q in a CNG blob: half the modulus rounded up for both, or each its own length if one is longer.
    pub fn prime_widths(&self) -> (usize, usize) {
        let half = self.public.n.len().div_ceil(2);
        let (p, q) = (self.numbers.p.len(), self.numbers.q.len());
        if p <= half && q <= half { (half, half) } else { (p, q) }
    }
}

/// The hash functions that signatures and OAEP are used with here, by their CNG names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Hash {
    /// `SHA1`
    Sha1,
    /// `SHA256`
    Sha256,
    /// `SHA384`
    Sha384,
    /// `SHA512`
    Sha512,
}

impl Hash {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Finds a hash by its CNG name, in any case and with or without a hyphen.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = name.replace('-', "");
        Self::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(&name))
    }

    /// The hash whose output has this length.
    pub fn by_length(len: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.length() == len)
    }

    /// CNG's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    /// Output length in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The DER of `DigestInfo` up to the digest itself (RFC 8017 §9.2 note 1).
    pub fn digest_info_prefix(self) -> &'static [u8] {
        match self {
            Self::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2B\x0E\x03\x02\x1A\x05\x00\x04\x14",
            Self::Sha256 => b"\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            Self::Sha384 => b"\x30\x41\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
            Self::Sha512 => b"\x30\x51\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        }
    }

    /// The digest of `data`.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        use sha2::Digest;
        match self {
            Self::Sha1 => sha1::Sha1::digest(data).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(data).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(data).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(data).to_vec(),
        }
    }

    /// The digest of all that a reader gives.
    ///
    /// # Errors
    /// What the reader says.
    pub fn digest_reader(self, reader: &mut impl std::io::Read) -> std::io::Result<Vec<u8>> {
        use sha2::Digest;
        fn all<D: Digest>(reader: &mut impl std::io::Read) -> std::io::Result<Vec<u8>> {
            let (mut digest, mut buffer) = (D::new(), vec![0; 64 * 1024]);
            loop {
                match reader.read(&mut buffer)? {
                    0 => return Ok(digest.finalize().to_vec()),
                    len => digest.update(buffer.get(..len).unwrap_or_default()),
                }
            }
        }
        match self {
            Self::Sha1 => all::<sha1::Sha1>(reader),
            Self::Sha256 => all::<sha2::Sha256>(reader),
            Self::Sha384 => all::<sha2::Sha384>(reader),
            Self::Sha512 => all::<sha2::Sha512>(reader),
        }
    }
}

/// Bits of a big-endian number.
pub(crate) fn bit_length(bytes: &[u8]) -> u64 {
    let bytes = trim_leading_zeros(bytes);
    bytes.first().map_or(0, |top| bytes.len() as u64 * 8 - u64::from(top.leading_zeros()))
}

/// The operating system's random source, as the `rsa` crate wants it.
pub(super) struct Random;

impl ::rsa::rand_core::TryRng for Random {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    #[allow(clippy::expect_used, reason = "a host without a random source cannot go on, and no input leads here")]
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        getrandom::fill(out).expect("the operating system's random source");
        Ok(())
    }
}

impl ::rsa::rand_core::TryCryptoRng for Random {}
