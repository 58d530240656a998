//! What proves that a key on a token is the key that was meant.
//!
//! A signature, a decryption or an agreement made on the token and checked here against the public half; for a symmetric key one encrypted
//! block, or one wrapped key. Two PKCS#11 calls for a signature.

use super::Error;
use crate::key::rsa::Hash;
use crate::key::{Curve, KeyUsage, PublicKey, SymmetricAlgorithm, SymmetricKey, ec};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::{
    CKA_CLASS, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_SENSITIVE, CKA_TOKEN, CKA_VALUE, CKA_VALUE_LEN, CKK_AES,
    CKK_GENERIC_SECRET, CKO_SECRET_KEY,
};
use crate::template::shape;
use crate::template::temporary::{self, Rights};
use crate::token::mechanism::{CKM_AES_ECB, CKM_DES3_ECB, CKM_ECDSA, CKM_RSA_PKCS, Mechanism};
use crate::token::{self, Handle, Token, refusal};
use crate::wrap::{self, in_shape, kw};

/// What proved a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verified {
    /// A shared secret equals ours.
    Agreement,
    /// Only the attributes were compared: there was nothing to test the key with.
    Attributes,
    /// It decrypted what was encrypted to it.
    Decryption,
    /// One block, or one key, came out as it does with the same key in software.
    Kcv,
    /// Its signature verifies.
    Signature,
}

impl Verified {
    /// The word of the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Attributes => "attributes",
            Self::Decryption => "decryption",
            Self::Kcv => "kcv",
            Self::Signature => "signature",
        }
    }
}

/// Proves a private key against its public half, by the first of its uses that can be tested.
pub(super) fn prove_pair(
    token: &Token,
    private: Handle,
    public_object: Option<Handle>,
    public: &PublicKey,
    usage: KeyUsage,
) -> Result<Verified, crate::Error> {
    type Proof<'a> = Box<dyn FnOnce() -> Result<Option<bool>, token::Error> + 'a>;
    let proofs: [(KeyUsage, Verified, &'static str, Proof<'_>); 4] = [
        (
            KeyUsage::SIGN,
            Verified::Signature,
            "signature",
            Box::new(|| signature(token, private, public_object, public)),
        ),
        (KeyUsage::DECRYPT, Verified::Decryption, "decryption", Box::new(|| decryption(token, private, public))),
        (KeyUsage::AGREE, Verified::Agreement, "key agreement", Box::new(|| agreement(token, private, public))),
        (KeyUsage::WRAP, Verified::Decryption, "unwrapping", Box::new(|| unwrapping(token, private, public))),
    ];
    for (wanted, verified, how, proof) in proofs {
        if !usage.contains(wanted) {
            continue;
        }
        match proof() {
            Ok(Some(true)) => return Ok(verified),
            Ok(Some(false)) => return Err(Error::ProofFailed { how, ckr: None }.into()),
            // No arithmetic here, or no such mechanism there: another use may do.
            Ok(None) => {}
            Err(error) if error.ckr() == Some(Ckr::MECHANISM_INVALID) => {}
            // The key that is unwrapped for the proof is in a shape that this token does not take.
            Err(error) if wanted == KeyUsage::WRAP && error.ckr().is_some_and(refusal::is_refusal) => {}
            // A key that cannot even compute is no key: SoftHSM answers so to a modulus that is none.
            Err(error) if error.ckr().is_some_and(is_a_broken_key) => {
                return Err(Error::ProofFailed { how, ckr: error.ckr() }.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Verified::Attributes)
}

fn is_a_broken_key(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::GENERAL_ERROR
            | Ckr::FUNCTION_FAILED
            | Ckr::ENCRYPTED_DATA_INVALID
            | Ckr::KEY_SIZE_RANGE
            | Ckr::WRAPPING_KEY_SIZE_RANGE
    )
}

/// Proves a secret key against the same key here; without one, shows at least that the token can use it: some tokens unwrap bytes of
/// any number as an AES key.
pub(super) fn prove_secret(
    token: &Token,
    object: Handle,
    algorithm: SymmetricAlgorithm,
    key: Option<&SymmetricKey>,
    usage: KeyUsage,
) -> Result<Verified, crate::Error> {
    let how = "key check value";
    let block_mechanism = if algorithm == SymmetricAlgorithm::TripleDes { CKM_DES3_ECB } else { CKM_AES_ECB };
    let (mechanism, outcome) = if usage.contains(KeyUsage::DECRYPT) {
        (block_mechanism, check_block(token, object, algorithm, key))
    } else if usage.contains(KeyUsage::WRAP) && algorithm == SymmetricAlgorithm::Aes {
        (token.profile().kw, wrapping(token, object, key))
    } else {
        (block_mechanism, Ok(None))
    };
    match outcome {
        Ok(Some(true)) => Ok(Verified::Kcv),
        Ok(Some(false)) => Err(Error::ProofFailed { how, ckr: None }.into()),
        Ok(None) => Ok(Verified::Attributes),
        // SoftHSM answers so to an AES key of no real size, though it has the mechanism.
        Err(error) if error.ckr() == Some(Ckr::MECHANISM_INVALID) && !token.lists_mechanism(mechanism)? => {
            Ok(Verified::Attributes)
        }
        Err(error) if error.ckr().is_some_and(|ckr| ckr == Ckr::MECHANISM_INVALID || is_a_broken_key(ckr)) => {
            Err(Error::ProofFailed { how, ckr: error.ckr() }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds an EC key's public point from a signature that the token makes (SEC 1 §4.1.6), confirmed by a second one.
pub(super) fn recover_point(
    token: &Token,
    private: Handle,
    curve: &'static Curve,
) -> Result<Option<ec::PublicKey>, token::Error> {
    let sign = || -> Result<(Vec<u8>, Vec<u8>), token::Error> {
        let digest = challenge(curve.field_bits)?;
        let signature = token.sign(&Mechanism::Plain(CKM_ECDSA), private, &digest, 2 * curve.order_width())?;
        Ok((digest, signature))
    };
    if !curve.has_arithmetic() {
        return Ok(None);
    }
    let (digest, signature) = sign()?;
    let candidates = ec::PublicKey::recover(curve, &digest, &signature);
    let (digest, signature) = sign()?;
    Ok(candidates.into_iter().find(|candidate| candidate.verify(&digest, &signature) == Some(true)))
}

fn signature(
    token: &Token,
    private: Handle,
    public_object: Option<Handle>,
    public: &PublicKey,
) -> Result<Option<bool>, token::Error> {
    match public {
        PublicKey::Rsa(key) => {
            let digest = challenge(256)?;
            let data = [Hash::Sha256.digest_info_prefix(), &digest].concat();
            let signature = token.sign(&Mechanism::Plain(CKM_RSA_PKCS), private, &data, key.n().len())?;
            Ok(Some(key.verify_pkcs1(Some(Hash::Sha256), &digest, &signature)))
        }
        PublicKey::Ec(key) => {
            let mechanism = Mechanism::Plain(CKM_ECDSA);
            let digest = challenge(key.curve().field_bits)?;
            let signature = token.sign(&mechanism, private, &digest, 2 * key.curve().order_width())?;
            match (key.verify(&digest, &signature), public_object) {
                (None, Some(object)) => token.verify(&mechanism, object, &digest, &signature).map(Some),
                (verdict, _) => Ok(verdict),
            }
        }
        PublicKey::Dh(_) | PublicKey::Dsa(_) | PublicKey::Pq(_) => Ok(None),
    }
}

fn decryption(token: &Token, private: Handle, public: &PublicKey) -> Result<Option<bool>, token::Error> {
    let PublicKey::Rsa(key) = public else { return Ok(None) };
    let message = SecretBytes::random(24)?;
    let Some(encrypted) = key.encrypt_pkcs1(&message) else { return Ok(None) };
    let decrypted = token.decrypt(&Mechanism::Plain(CKM_RSA_PKCS), private, &encrypted, key.n().len())?;
    Ok(Some(decrypted == message))
}

fn agreement(token: &Token, private: Handle, public: &PublicKey) -> Result<Option<bool>, token::Error> {
    let PublicKey::Ec(key) = public else { return Ok(None) };
    let Some(ephemeral) = ec::PrivateKey::generate(key.curve()) else { return Ok(None) };
    let (Some(point), Some(expected)) = (ephemeral.public(), ephemeral.agree(key)) else { return Ok(None) };
    let template = readable_secret(CKK_GENERIC_SECRET).ulong(CKA_VALUE_LEN, expected.len() as u64);
    let shared = token.derive(&Mechanism::Ecdh1(&point.to_point()), private, &template)?;
    let found = value(token, shared, expected.len())?;
    Ok(Some(found.is_some_and(|found| found == expected)))
}

fn unwrapping(token: &Token, private: Handle, public: &PublicKey) -> Result<Option<bool>, token::Error> {
    let PublicKey::Rsa(key) = public else { return Ok(None) };
    let message = SecretBytes::random(32)?;
    let Some(encrypted) = key.encrypt_pkcs1(&message) else { return Ok(None) };
    let template = readable_secret(CKK_AES);
    let unwrapped = token.unwrap_key(&Mechanism::Plain(CKM_RSA_PKCS), private, &encrypted, &template)?;
    let found = value(token, unwrapped, message.len())?;
    Ok(Some(found.is_some_and(|found| found == message)))
}

fn check_block(
    token: &Token,
    object: Handle,
    algorithm: SymmetricAlgorithm,
    key: Option<&SymmetricKey>,
) -> Result<Option<bool>, token::Error> {
    let (mechanism, len) = match algorithm {
        SymmetricAlgorithm::Aes => (CKM_AES_ECB, 16),
        SymmetricAlgorithm::TripleDes => (CKM_DES3_ECB, 8),
        SymmetricAlgorithm::Hmac => return Ok(None),
    };
    let block = token.encrypt(&Mechanism::Plain(mechanism), object, &vec![0; len], len)?;
    Ok(key.and_then(SymmetricKey::check_block).map(|expected| block == expected))
}

fn wrapping(token: &Token, object: Handle, key: Option<&SymmetricKey>) -> Result<Option<bool>, token::Error> {
    let passenger = SecretBytes::random(16)?;
    let template = readable_secret(CKK_AES).secret(CKA_VALUE, passenger.clone());
    let session = match token.create(&template) {
        Ok(session) => session,
        // A token that takes no key in the clear shows it the other way round: it unwraps what is wrapped here, which RFC 3394 lets no other key do.
        Err(error) if error.ckr().is_some_and(refusal::is_refusal) => {
            let wrapped = key.and_then(|key| kw::kw_wrap(key.key(), &passenger).ok());
            return wrapped.map_or(Ok(None), |wrapped| unwrapping_secret(token, object, &wrapped));
        }
        Err(error) => return Err(error),
    };
    let wrapped = token.wrap(&Mechanism::Plain(token.profile().kw), object, session, passenger.len() + 16);
    token.destroy(session)?;
    let wrapped = wrapped?;
    let Some(key) = key else { return Ok(None) };
    // Some tokens pad what is whole blocks already: no other key makes that of it either.
    let padded = || kw::kw_pkcs7_wrap(key.key(), &passenger).is_ok_and(|expected| wrapped == expected);
    Ok(kw::kw_wrap(key.key(), &passenger).ok().map(|expected| wrapped == expected || padded()))
}

fn unwrapping_secret(token: &Token, object: Handle, wrapped: &[u8]) -> Result<Option<bool>, token::Error> {
    let bare = temporary::secret(SymmetricAlgorithm::Aes, Rights::default());
    let shapes = shape::shapes_of_secret(&bare, 16, token.profile());
    let unwrap =
        |shape: &Template| Ok(token.unwrap_key(&Mechanism::Plain(token.profile().kw), object, wrapped, shape)?);
    match in_shape(&shapes, unwrap) {
        Ok((session, _)) => token.destroy(session).map(|()| Some(true)),
        Err(wrap::Error::Token(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// A session object whose value may be read: never anything but a random number or a secret shared with ourselves.
fn readable_secret(key_type: u64) -> Template {
    Template::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, key_type)
        .flag(CKA_TOKEN, false)
        .flag(CKA_SENSITIVE, false)
        .flag(CKA_EXTRACTABLE, true)
}

fn value(token: &Token, object: Handle, len: usize) -> Result<Option<SecretBytes>, token::Error> {
    let values = token.attributes(object, &[(CKA_VALUE, len)]);
    token.destroy(object)?;
    Ok(values?.into_iter().next().flatten())
}

/// A random digest that fills a field of `bits` without being cut: SHA-256, SHA-384 or SHA-512 of random bytes.
fn challenge(bits: u32) -> Result<Vec<u8>, token::Error> {
    let hash = match bits {
        0..384 => Hash::Sha256,
        384..512 => Hash::Sha384,
        _ => Hash::Sha512,
    };
    Ok(hash.digest(&SecretBytes::random(32)?))
}
