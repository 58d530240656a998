//! The MAC over `authSafe`: HMAC under a key of PKCS#12's own derivation (RFC 7292 §4), or PBMAC1 (RFC 9579).

use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use hmac::{KeyInit, Mac};

use super::{MacInfo, oid};
use crate::asn1::Error;
use crate::asn1::pbe::{
    Budget, Hash, ID_MAC, Password, Pbkdf2, no_parameters, parameters, pkcs12_derive, random, refused, with_hash,
};
use crate::secret::SecretBytes;

const WHAT: &str = "MacData";
const PBMAC1: ObjectIdentifier = oid("1.2.840.113549.1.5.14");

/// RFC 9579 §5: shorter keys are refused. The longest that make sense are a block of SHA-512.
const PBMAC1_KEY: std::ops::RangeInclusive<usize> = 20..=128;

/// The MAC of a PKCS#12 file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MacAlgorithm {
    /// HMAC, its key from the derivation of RFC 7292 appendix B with the same hash function.
    Pkcs12(Hash),
    /// PBMAC1: HMAC, its key from PBKDF2. OpenSSL reads it from version 3.4 on.
    Pbmac1 {
        /// The hash function in PBKDF2's HMAC.
        kdf: Hash,
        /// The hash function in the MAC's HMAC.
        mac: Hash,
    },
}

#[derive(Sequence)]
pub(super) struct MacData<'a> {
    digest: DigestInfo<'a>,
    salt: &'a OctetStringRef,
    #[asn1(default = "one")]
    iterations: u64,
}

fn one() -> u64 {
    1
}

#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    digest: &'a OctetStringRef,
}

#[derive(Sequence)]
struct Pbmac1Params<'a> {
    kdf: AlgorithmIdentifierRef<'a>,
    mac: AlgorithmIdentifierRef<'a>,
}

enum Kdf<'a> {
    Pkcs12 { salt: &'a [u8] },
    Pbkdf2 { kdf: Pbkdf2<'a>, key_length: usize },
}

/// A MAC as a file states it, paid for.
pub(super) struct Stated<'a> {
    kdf: Kdf<'a>,
    iterations: u32,
    hash: Hash,
    digest: &'a [u8],
}

impl<'a> Stated<'a> {
    pub(super) fn read(data: &MacData<'a>, budget: &mut Budget) -> Result<Self, Error> {
        let algorithm = &data.digest.algorithm;
        let digest = data.digest.digest.as_bytes();
        if algorithm.oid != PBMAC1 {
            let hash = Hash::by_digest(algorithm.oid).ok_or_else(|| refused(algorithm.oid))?;
            no_parameters("the MAC's hash function", algorithm)?;
            let iterations = budget.iterations(data.iterations)?;
            return Ok(Self { kdf: Kdf::Pkcs12 { salt: data.salt.as_bytes() }, iterations, hash, digest });
        }
        // Salt and iterations of MacData mean nothing here.
        let invalid = |problem| Error::Invalid { what: "the PBMAC1 parameters", problem };
        let parameters: Pbmac1Params<'a> = parameters("the PBMAC1 parameters", algorithm)?;
        let hash = Hash::by_hmac(parameters.mac.oid).ok_or_else(|| refused(parameters.mac.oid))?;
        no_parameters("the PBMAC1 function", &parameters.mac)?;
        let kdf = Pbkdf2::read(&parameters.kdf, budget)?;
        let (_, iterations, key_length) = kdf.stated();
        let key_length = key_length.ok_or_else(|| invalid("the keyLength is missing"))?;
        let key_length = usize::try_from(key_length).ok().filter(|length| PBMAC1_KEY.contains(length));
        let key_length = key_length.ok_or_else(|| invalid("the keyLength is not 20 to 128"))?;
        Ok(Self { kdf: Kdf::Pbkdf2 { kdf, key_length }, iterations, hash, digest })
    }

    /// Verifies; the password is left with the form that did it.
    pub(super) fn verify(&self, content: &[u8], password: &mut Password<'_>) -> Result<MacInfo, Error> {
        let algorithm = match &self.kdf {
            Kdf::Pkcs12 { salt } => {
                let (form, ()) = password.try_forms(|form| {
                    let key = pkcs12_derive(self.hash, ID_MAC, form, salt, self.iterations, self.hash.output());
                    verify(self.hash, &key, content, self.digest)
                })?;
                password.settle(form);
                MacAlgorithm::Pkcs12(self.hash)
            }
            Kdf::Pbkdf2 { kdf, key_length } => {
                let key = kdf.derive(password.bytes(), *key_length);
                verify(self.hash, &key, content, self.digest)?;
                MacAlgorithm::Pbmac1 { kdf: kdf.stated().0, mac: self.hash }
            }
        };
        Ok(MacInfo::Verified { algorithm, iterations: self.iterations })
    }
}

/// `MacData` over `content`, in DER, under a fresh salt.
pub(super) fn write(
    content: &[u8],
    password: &SecretBytes,
    algorithm: MacAlgorithm,
    iterations: u32,
) -> Result<Vec<u8>, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let fresh = random::<16>()?;
    match algorithm {
        MacAlgorithm::Pkcs12(hash) => {
            let password = Password::new(password)?;
            let (_, digest) = password.try_forms(|form| {
                let key = pkcs12_derive(hash, ID_MAC, form, &fresh, iterations, hash.output());
                Ok(compute(hash, &key, content))
            })?;
            let algorithm = AlgorithmIdentifierRef { oid: hash.digest_oid(), parameters: Some(AnyRef::NULL) };
            encode(algorithm, &digest, &fresh, iterations).map_err(wrong)
        }
        MacAlgorithm::Pbmac1 { kdf, mac } => {
            let kdf = Pbkdf2::new(&fresh, iterations, u64::try_from(mac.output()).ok(), kdf);
            let digest = compute(mac, &kdf.derive(password, mac.output()), content);
            let kdf = kdf.to_der().map_err(wrong)?;
            let parameters = Pbmac1Params {
                kdf: AlgorithmIdentifierRef::from_der(&kdf).map_err(wrong)?,
                mac: AlgorithmIdentifierRef { oid: mac.hmac_oid(), parameters: Some(AnyRef::NULL) },
            };
            let parameters = parameters.to_der().map_err(wrong)?;
            let parameters = Some(AnyRef::from_der(&parameters).map_err(wrong)?);
            // The salt that is not used, as the examples of RFC 9579 have it.
            encode(AlgorithmIdentifierRef { oid: PBMAC1, parameters }, &digest, b"NOT USED", 1).map_err(wrong)
        }
    }
}

fn encode(algorithm: AlgorithmIdentifierRef<'_>, digest: &[u8], salt: &[u8], iterations: u32) -> der::Result<Vec<u8>> {
    let digest = DigestInfo { algorithm, digest: OctetStringRef::new(digest)? };
    MacData { digest, salt: OctetStringRef::new(salt)?, iterations: iterations.into() }.to_der()
}

fn verify(hash: Hash, key: &[u8], content: &[u8], digest: &[u8]) -> Result<(), Error> {
    // HMAC takes keys of any length. The comparison takes the same time whatever it finds.
    with_hash!(hash, D => {
        let mac = hmac::Hmac::<D>::new_from_slice(key).map_err(|_| Error::PasswordWrong)?;
        mac.chain_update(content).verify_slice(digest).map_err(|_| Error::PasswordWrong)
    })
}

fn compute(hash: Hash, key: &[u8], content: &[u8]) -> Vec<u8> {
    with_hash!(hash, D => {
        let mac = hmac::Hmac::<D>::new_from_slice(key).map(|mac| mac.chain_update(content));
        mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
    })
}
