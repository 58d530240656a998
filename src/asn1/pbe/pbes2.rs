//! PBES2 (RFC 8018 §6.2 and appendix A.4): PBKDF2 both ways, scrypt (RFC 7914 §7) on reading.
//!
//! Written as OpenSSL writes it: a salt of 16 bytes, no `keyLength`, and no `prf` where it is the default, HMAC-SHA-1. `keyLength` is read,
//! and must be the cipher's. A salt from another source than the file is refused.

use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence, Tag, Tagged};

use super::{Budget, Cipher, Hash, PasswordKey, Sealed, no_parameters, parameters, random, refused};
use crate::asn1::Error;
use crate::asn1::pbe::hash::with_hash;
use crate::secret::SecretBytes;

const WHAT: &str = "the PBES2 parameters";

pub(super) const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");

#[derive(Sequence)]
struct Pbes2Params<'a> {
    kdf: AlgorithmIdentifierRef<'a>,
    cipher: AlgorithmIdentifierRef<'a>,
}

#[derive(Sequence)]
struct Pbkdf2Params<'a> {
    /// A CHOICE: an OCTET STRING, or an `AlgorithmIdentifier` that no one has ever defined.
    salt: AnyRef<'a>,
    iterations: u64,
    key_length: Option<u64>,
    prf: Option<AlgorithmIdentifierRef<'a>>,
}

#[derive(Sequence)]
struct ScryptParams<'a> {
    salt: &'a OctetStringRef,
    cost: u64,
    block_size: u64,
    parallelization: u64,
    key_length: Option<u64>,
}

/// PBKDF2 with its parameters, paid for.
pub(in crate::asn1) struct Pbkdf2<'a> {
    salt: &'a [u8],
    iterations: u32,
    key_length: Option<u64>,
    hash: Hash,
}

impl<'a> Pbkdf2<'a> {
    pub(in crate::asn1) fn read(algorithm: &AlgorithmIdentifierRef<'a>, budget: &mut Budget) -> Result<Self, Error> {
        if algorithm.oid != PBKDF2 {
            return Err(refused(algorithm.oid));
        }
        let read: Pbkdf2Params<'a> = parameters("the PBKDF2 parameters", algorithm)?;
        if read.salt.tag() != Tag::OctetString {
            return Err(Error::Scheme { what: "PBKDF2 with a salt that is not in the file".to_owned() });
        }
        let hash = match &read.prf {
            None => Hash::Sha1,
            Some(prf) => {
                no_parameters("the PBKDF2 function", prf)?;
                Hash::by_hmac(prf.oid).ok_or_else(|| refused(prf.oid))?
            }
        };
        let iterations = budget.iterations(read.iterations)?;
        Ok(Self { salt: read.salt.value(), iterations, key_length: read.key_length, hash })
    }

    /// For writing.
    pub(in crate::asn1) fn new(salt: &'a [u8], iterations: u32, key_length: Option<u64>, hash: Hash) -> Self {
        Self { salt, iterations, key_length, hash }
    }

    /// The hash function, the iterations, and the `keyLength` if there is one.
    #[cfg(feature = "pfx")]
    pub(in crate::asn1) fn stated(&self) -> (Hash, u32, Option<u64>) {
        (self.hash, self.iterations, self.key_length)
    }

    /// Its `AlgorithmIdentifier`, in DER.
    pub(in crate::asn1) fn to_der(&self) -> der::Result<Vec<u8>> {
        // The default is left out (RFC 8018 appendix A.2, X.690 §11.5).
        let prf = (self.hash != Hash::Sha1)
            .then(|| AlgorithmIdentifierRef { oid: self.hash.hmac_oid(), parameters: Some(AnyRef::NULL) });
        let salt = AnyRef::new(Tag::OctetString, self.salt)?;
        let parameters = Pbkdf2Params { salt, iterations: self.iterations.into(), key_length: self.key_length, prf };
        let parameters = parameters.to_der()?;
        AlgorithmIdentifierRef { oid: PBKDF2, parameters: Some(AnyRef::from_der(&parameters)?) }.to_der()
    }

    pub(in crate::asn1) fn derive(&self, password: &[u8], length: usize) -> SecretBytes {
        let mut key = SecretBytes::zeroed(length);
        with_hash!(self.hash, D => pbkdf2::pbkdf2_hmac::<D>(password, self.salt, self.iterations, key.as_mut_slice()));
        key
    }
}

enum Kdf<'a> {
    Pbkdf2(Pbkdf2<'a>),
    /// Its salt and its parameters.
    Scrypt(&'a [u8], scrypt::Params),
}

/// PBES2 with its parameters, paid for.
pub(in crate::asn1) struct Parameters<'a> {
    kdf: Kdf<'a>,
    cipher: Cipher,
    iv: &'a [u8],
}

impl<'a> Parameters<'a> {
    pub(super) fn read(algorithm: &AlgorithmIdentifierRef<'a>, budget: &mut Budget) -> Result<Self, Error> {
        let read: Pbes2Params<'a> = parameters(WHAT, algorithm)?;
        let cipher = Cipher::by_oid(read.cipher.oid).ok_or_else(|| refused(read.cipher.oid))?;
        let iv = parameters::<&OctetStringRef>("the cipher's parameters", &read.cipher)?.as_bytes();
        if iv.len() != cipher.block() {
            return Err(Error::Invalid { what: "the cipher's parameters", problem: "the IV has the wrong length" });
        }
        let (kdf, key_length) = match read.kdf.oid {
            SCRYPT => read_scrypt(&read.kdf, budget)?,
            _ => {
                let pbkdf2 = Pbkdf2::read(&read.kdf, budget)?;
                let key_length = pbkdf2.key_length;
                (Kdf::Pbkdf2(pbkdf2), key_length)
            }
        };
        if key_length.is_some_and(|length| usize::try_from(length) != Ok(cipher.key_length())) {
            return Err(Error::Invalid { what: WHAT, problem: "the keyLength is not the cipher's" });
        }
        Ok(Self { kdf, cipher, iv })
    }

    pub(super) fn decrypt(&self, password: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
        let PasswordKey { cipher, key, iv } = self.derive(password)?;
        cipher.decrypt(&key, &iv, data)
    }

    pub(super) fn cipher(&self) -> Cipher {
        self.cipher
    }

    pub(super) fn derive(&self, password: &[u8]) -> Result<PasswordKey, Error> {
        let length = self.cipher.key_length();
        let key = match &self.kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2.derive(password, length),
            Kdf::Scrypt(salt, parameters) => {
                let mut key = SecretBytes::zeroed(length);
                let derived = scrypt::scrypt(password, salt, parameters, key.as_mut_slice());
                derived.map_err(|_| Error::Invalid { what: WHAT, problem: "the key has no length" })?;
                key
            }
        };
        Ok(PasswordKey { cipher: self.cipher, key, iv: self.iv.to_vec() })
    }
}

/// scrypt and the `keyLength`, if there is one.
fn read_scrypt<'a>(
    algorithm: &AlgorithmIdentifierRef<'a>,
    budget: &mut Budget,
) -> Result<(Kdf<'a>, Option<u64>), Error> {
    const WHAT: &str = "the scrypt parameters";
    let read: ScryptParams<'a> = parameters(WHAT, algorithm)?;
    let invalid = |problem| Error::Invalid { what: WHAT, problem };
    if !read.cost.is_power_of_two() || read.cost == 1 {
        return Err(invalid("the cost is not a power of two above one"));
    }
    budget.scrypt(read.cost, read.block_size, read.parallelization)?;
    let log_cost = u8::try_from(read.cost.ilog2()).map_err(|_| invalid("the cost is too high"))?;
    let [block_size, parallelization] = [read.block_size, read.parallelization].map(u32::try_from);
    let parameters = match (block_size, parallelization) {
        (Ok(block_size), Ok(parallelization)) => scrypt::Params::new(log_cost, block_size, parallelization).ok(),
        _ => None,
    };
    let parameters =
        parameters.ok_or_else(|| invalid("block size and parallelization are not what RFC 7914 allows"))?;
    Ok((Kdf::Scrypt(read.salt.as_bytes(), parameters), read.key_length))
}

/// Encrypts under a fresh salt and IV.
pub(super) fn seal(
    plain: &[u8],
    password: &[u8],
    hash: Hash,
    cipher: Cipher,
    iterations: u32,
) -> Result<Sealed, Error> {
    let (key, algorithm) = fresh(password, hash, cipher, iterations)?;
    Ok(Sealed { algorithm, data: cipher.encrypt(&key.key, &key.iv, plain)? })
}

/// A key from a password under a fresh salt, with a fresh IV, and the `AlgorithmIdentifier` that says so, in DER.
pub(super) fn fresh(
    password: &[u8],
    hash: Hash,
    cipher: Cipher,
    iterations: u32,
) -> Result<(PasswordKey, Vec<u8>), Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let (salt, iv) = (random::<16>()?, random::<16>()?);
    let iv = iv.get(..cipher.block()).unwrap_or_default();
    let kdf = Pbkdf2::new(&salt, iterations, None, hash);
    let key = kdf.derive(password, cipher.key_length());

    let kdf = kdf.to_der().map_err(wrong)?;
    let pbes2 = Pbes2Params {
        kdf: AlgorithmIdentifierRef::from_der(&kdf).map_err(wrong)?,
        cipher: AlgorithmIdentifierRef {
            oid: cipher.oid(),
            parameters: Some(AnyRef::new(Tag::OctetString, iv).map_err(wrong)?),
        },
    };
    let pbes2 = pbes2.to_der().map_err(wrong)?;
    let algorithm = AlgorithmIdentifierRef { oid: PBES2, parameters: Some(AnyRef::from_der(&pbes2).map_err(wrong)?) };
    let algorithm = algorithm.to_der().map_err(wrong)?;
    Ok((PasswordKey { cipher, key, iv: iv.to_vec() }, algorithm))
}
