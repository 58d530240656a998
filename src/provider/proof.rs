//! What proves that a key on a token is the key that was meant.
//!
//! A signature, a decryption or an agreement made on the token and checked here against the public half; for a symmetric key one encrypted
//! block, or one wrapped key. Two PKCS#11 calls for a signature. A key that is held to some mechanisms (CKA_ALLOWED_MECHANISMS) is proven by one of them,
//! if one of them proves anything.

mod secret;

pub(super) use self::secret::{prove_secret, shown_by};
use super::Error;
use crate::key::rsa::Hash;
use crate::key::{Curve, KeyUsage, PrivateKey, PublicKey, ec, rsa};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::attribute::{
    CKA_ALWAYS_AUTHENTICATE, CKA_CLASS, CKA_DERIVE_TEMPLATE, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_SENSITIVE, CKA_TOKEN,
    CKA_UNWRAP_TEMPLATE, CKA_VALUE, CKA_VALUE_LEN, CKK_AES, CKK_GENERIC_SECRET, CKO_SECRET_KEY,
};
use crate::template::{Additions, Template};
use crate::token::mechanism::{
    CKM_ECDH1_DERIVE, CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512, CKM_RSA_PKCS,
    CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS,
    CKM_SHA512_RSA_PKCS, Mechanism,
};
use crate::token::{self, Handle, Pin, Token, refusal};
use crate::wrap;

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

/// What a key is proven by.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// What it may do.
    pub(super) usage: KeyUsage,
    /// What was added to it, which may forbid a proof.
    pub(super) additions: &'a Additions,
    /// What it is used with, if it wants a PIN at every use; else the token's.
    pub(super) pin: Option<&'a Pin>,
    /// The key itself, where it is in the clear here: with it a signature is verified faster.
    pub(super) private: Option<&'a PrivateKey>,
}

impl<'a> From<(KeyUsage, &'a Additions)> for Terms<'a> {
    fn from((usage, additions): (KeyUsage, &'a Additions)) -> Self {
        Self { usage, additions, pin: None, private: None }
    }
}

/// A private key, and the PIN that each use of it wants, if it wants one.
struct Tested<'a> {
    token: &'a Token,
    private: Handle,
    pin: Option<&'a Pin>,
}

/// Proves a private key against its public half, by the first of its uses that can be tested.
pub(super) fn prove_pair<'a>(
    token: &Token,
    private: Handle,
    public_object: Option<Handle>,
    public: &PublicKey,
    terms: impl Into<Terms<'a>>,
) -> Result<Verified, crate::Error> {
    let Terms { usage, additions, pin, private: in_clear } = terms.into();
    let kept = if pin.is_none() { token.pin_for_uses() } else { None };
    let wants_pin = additions.demands(CKA_ALWAYS_AUTHENTICATE);
    let pin = pin.or(kept.as_ref()).filter(|_| wants_pin);
    type Proof<'a> = Box<dyn FnOnce() -> Result<Option<bool>, token::Error> + 'a>;
    let proofs: [(KeyUsage, Verified, &'static str, Proof<'_>); 4] = [
        (
            KeyUsage::SIGN,
            Verified::Signature,
            "signature",
            Box::new(|| signature(&Tested { token, private, pin }, public_object, (public, in_clear), additions)),
        ),
        (
            KeyUsage::DECRYPT,
            Verified::Decryption,
            "decryption",
            Box::new(|| decryption(&Tested { token, private, pin }, public, additions)),
        ),
        (
            KeyUsage::AGREE,
            Verified::Agreement,
            "key agreement",
            Box::new(|| agreement(token, private, public, additions)),
        ),
        (
            KeyUsage::WRAP,
            Verified::Decryption,
            "unwrapping",
            Box::new(|| unwrapping(token, private, public, additions)),
        ),
    ];
    // Each use wants the PIN again.
    if wants_pin && pin.is_none() {
        return Ok(Verified::Attributes);
    }
    for (wanted, verified, how, proof) in proofs {
        // Only what has an Init call has a place for the login of its own.
        let has_place = matches!(verified, Verified::Signature | Verified::Decryption) && wanted != KeyUsage::WRAP;
        if !usage.contains(wanted) || (wants_pin && !has_place) {
            continue;
        }
        match proof() {
            Ok(Some(true)) => return Ok(verified),
            Ok(Some(false)) => return Err(Error::ProofFailed { how, ckr: None }.into()),
            // No arithmetic here, or no such mechanism there: another use may do.
            Ok(None) => {}
            Err(error) if error.ckr() == Some(Ckr::MECHANISM_INVALID) => {}
            // The key that is unwrapped for the proof is in a shape that this token does not take.
            Err(error)
                if wanted == KeyUsage::WRAP
                    && error
                        .ckr()
                        .is_some_and(|ckr| refusal::is_about_shape(ckr) || ckr == Ckr::ATTRIBUTE_VALUE_INVALID) => {}
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

/// Finds an EC key's public point from a signature that the token makes (SEC 1 §4.1.6), confirmed by a second one.
pub(super) fn recover_point(
    token: &Token,
    private: Handle,
    curve: &'static Curve,
    pin: Option<&Pin>,
) -> Result<Option<ec::PublicKey>, token::Error> {
    let sign = || -> Result<(Vec<u8>, Vec<u8>), token::Error> {
        let digest = challenge(curve.field_bits)?;
        let signature = token.sign_as(pin, &Mechanism::Plain(CKM_ECDSA), private, &digest, 2 * curve.order_width())?;
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

/// Whether a key may be used with a mechanism, as far as what was added to it says.
fn lets(additions: &Additions, mechanism: u64) -> bool {
    additions.mechanisms().is_none_or(|allowed| allowed.contains(&mechanism))
}

/// A proof by the first mechanism that the key may be used with and the token has; `None` where there is none. Without a list of mechanisms the first is
/// the only one.
fn by_one_of<M>(
    additions: &Additions,
    mechanisms: &[(u64, M)],
    mut proof: impl FnMut(&M) -> Result<Option<bool>, token::Error>,
) -> Result<Option<bool>, token::Error> {
    let tried = if additions.mechanisms().is_some() { mechanisms.len() } else { 1 };
    for (_, mechanism) in mechanisms.iter().take(tried).filter(|(number, _)| lets(additions, *number)) {
        match proof(mechanism) {
            Err(error) if error.ckr().is_some_and(|ckr| is_lacking(ckr) && tried > 1) => {}
            outcome => return outcome,
        }
    }
    Ok(None)
}

/// The mechanism, or its parameter, is not to be had.
fn is_lacking(ckr: Ckr) -> bool {
    ckr == Ckr::MECHANISM_INVALID || refusal::is_about_parameters(ckr)
}

/// How a signature is made.
#[derive(Clone, Copy)]
enum Signing {
    /// Of a digest that is made here.
    Digest,
    /// Of a message: the mechanism hashes it.
    Message(u64, Hash),
    /// RSASSA-PSS of a digest.
    Pss,
}

fn signature(
    Tested { token, private, pin }: &Tested<'_>,
    public_object: Option<Handle>,
    (public, in_clear): (&PublicKey, Option<&PrivateKey>),
    additions: &Additions,
) -> Result<Option<bool>, token::Error> {
    let hashing = |mechanism, hash| (mechanism, Signing::Message(mechanism, hash));
    match public {
        PublicKey::Rsa(key) => {
            let ways = [
                (CKM_RSA_PKCS, Signing::Digest),
                hashing(CKM_SHA256_RSA_PKCS, Hash::Sha256),
                hashing(CKM_SHA384_RSA_PKCS, Hash::Sha384),
                hashing(CKM_SHA512_RSA_PKCS, Hash::Sha512),
                hashing(CKM_SHA1_RSA_PKCS, Hash::Sha1),
                (CKM_RSA_PKCS_PSS, Signing::Pss),
            ];
            by_one_of(additions, &ways, |way| {
                let (sent, sign_len) = (challenge(256)?, key.n().len());
                let sign =
                    |mechanism: &Mechanism<'_>, data: &[u8]| token.sign_as(*pin, mechanism, *private, data, sign_len);
                Ok(Some(match way {
                    Signing::Digest => {
                        let data = [Hash::Sha256.digest_info_prefix(), &sent].concat();
                        let signature = sign(&Mechanism::Plain(CKM_RSA_PKCS), &data)?;
                        key.verify_pkcs1(Some(Hash::Sha256), &sent, &signature)
                    }
                    Signing::Message(mechanism, hash) => {
                        let signature = sign(&Mechanism::Plain(*mechanism), &sent)?;
                        key.verify_pkcs1(Some(*hash), &hash.digest(&sent), &signature)
                    }
                    Signing::Pss => {
                        let (hash, salt_len) = (Hash::Sha256, 32);
                        let signature = sign(&Mechanism::Pss { hash, salt_len }, &sent)?;
                        key.verify_pss(hash, salt_len, &sent, &signature)
                    }
                }))
            })
        }
        PublicKey::Ec(key) => {
            let ways = [
                (CKM_ECDSA, Signing::Digest),
                hashing(CKM_ECDSA_SHA256, Hash::Sha256),
                hashing(CKM_ECDSA_SHA384, Hash::Sha384),
                hashing(CKM_ECDSA_SHA512, Hash::Sha512),
                hashing(CKM_ECDSA_SHA1, Hash::Sha1),
            ];
            by_one_of(additions, &ways, |way| {
                let sent = challenge(key.curve().field_bits)?;
                let (mechanism, digest) = match way {
                    Signing::Message(mechanism, hash) => (Mechanism::Plain(*mechanism), hash.digest(&sent)),
                    Signing::Digest | Signing::Pss => (Mechanism::Plain(CKM_ECDSA), sent.clone()),
                };
                let signature = token.sign_as(*pin, &mechanism, *private, &sent, 2 * key.curve().order_width())?;
                let own = match in_clear {
                    Some(PrivateKey::Ec(own)) if own.public() == Some(key) => own.verify(&digest, &signature),
                    _ => None,
                };
                match (own.or_else(|| key.verify(&digest, &signature)), public_object) {
                    (None, Some(object)) => token.verify(&mechanism, object, &sent, &signature).map(Some),
                    (verdict, _) => Ok(verdict),
                }
            })
        }
        PublicKey::Dh(_) | PublicKey::Dsa(_) | PublicKey::Pq(_) => Ok(None),
    }
}

/// The mechanisms by which an RSA key decrypts; the hash is that of RSA-OAEP.
fn decrypting(token: &Token) -> Vec<(u64, Option<Hash>)> {
    let hashes = wrap::possible_hashes(token.profile());
    [(CKM_RSA_PKCS, None)].into_iter().chain(hashes.iter().map(|hash| (CKM_RSA_PKCS_OAEP, Some(*hash)))).collect()
}

/// A message encrypted here, and the mechanism that decrypts it.
fn encrypted(key: &rsa::PublicKey, hash: Option<Hash>, message: &[u8]) -> (Option<Vec<u8>>, Mechanism<'static>) {
    match hash {
        None => (key.encrypt_pkcs1(message), Mechanism::Plain(CKM_RSA_PKCS)),
        Some(hash) => (key.encrypt_oaep(hash, &[], message), Mechanism::Oaep { hash, label: &[] }),
    }
}

fn decryption(
    Tested { token, private, pin }: &Tested<'_>,
    public: &PublicKey,
    additions: &Additions,
) -> Result<Option<bool>, token::Error> {
    let PublicKey::Rsa(key) = public else { return Ok(None) };
    by_one_of(additions, &decrypting(token), |hash| {
        let message = SecretBytes::random(24)?;
        let (Some(encrypted), mechanism) = encrypted(key, *hash, &message) else { return Ok(None) };
        let decrypted = token.decrypt_as(*pin, &mechanism, *private, &encrypted, key.n().len())?;
        Ok(Some(decrypted == message))
    })
}

fn agreement(
    token: &Token,
    private: Handle,
    public: &PublicKey,
    additions: &Additions,
) -> Result<Option<bool>, token::Error> {
    let PublicKey::Ec(key) = public else { return Ok(None) };
    if !lets(additions, CKM_ECDH1_DERIVE) || additions.demands(CKA_DERIVE_TEMPLATE) {
        return Ok(None);
    }
    let Some(ephemeral) = ec::PrivateKey::generate(key.curve()) else { return Ok(None) };
    let (Some(point), Some(expected)) = (ephemeral.public(), ephemeral.agree(key)) else { return Ok(None) };
    let template = readable_secret(CKK_GENERIC_SECRET).ulong(CKA_VALUE_LEN, expected.len() as u64);
    let found = token.derive_value(&Mechanism::Ecdh1(&point.to_point()), private, &template, expected.len())?;
    Ok(Some(found.is_some_and(|found| found == expected)))
}

fn unwrapping(
    token: &Token,
    private: Handle,
    public: &PublicKey,
    additions: &Additions,
) -> Result<Option<bool>, token::Error> {
    let PublicKey::Rsa(key) = public else { return Ok(None) };
    // What must hold of the keys that it unwraps may not hold of one that can be read.
    if additions.demands(CKA_UNWRAP_TEMPLATE) {
        return Ok(None);
    }
    by_one_of(additions, &decrypting(token), |hash| {
        let message = SecretBytes::random(32)?;
        let (Some(encrypted), mechanism) = encrypted(key, *hash, &message) else { return Ok(None) };
        let unwrapped = token.unwrap_key(&mechanism, private, &encrypted, &readable_secret(CKK_AES))?;
        let found = value(token, unwrapped, message.len())?;
        Ok(Some(found.is_some_and(|found| found == message)))
    })
}

/// A session object whose value may be read: never anything but a random number or a secret shared with ourselves.
pub(super) fn readable_secret(key_type: u64) -> Template {
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
