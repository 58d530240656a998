//! What proves a secret key: one encrypted block, or one wrapped key.

use super::{is_a_broken_key, lets, readable_secret};
use crate::key::{KeyUsage, SymmetricAlgorithm, SymmetricKey};
use crate::provider::{Error, Verified};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::attribute::{CKA_ALWAYS_AUTHENTICATE, CKA_UNWRAP_TEMPLATE, CKA_VALUE, CKA_WRAP_TEMPLATE, CKK_AES};
use crate::template::shape;
use crate::template::temporary::{self, Rights};
use crate::template::{Additions, Template};
use crate::token::mechanism::{CKM_AES_CBC, CKM_AES_ECB, CKM_DES3_CBC, CKM_DES3_ECB, Mechanism};
use crate::token::{self, Handle, Token, refusal};
use crate::wrap::{self, in_shape, kw};

/// Proves a secret key against the same key here; without one, shows at least that the token can use it: some tokens unwrap bytes of any number as an AES
/// key.
pub(in crate::provider) fn prove_secret(
    token: &Token,
    object: Handle,
    algorithm: SymmetricAlgorithm,
    key: Option<&SymmetricKey>,
    (usage, additions): (KeyUsage, &Additions),
) -> Result<Verified, crate::Error> {
    let how = "key check value";
    let kw = token.profile().kw;
    let block = block_mechanism(algorithm, additions).filter(|_| usage.contains(KeyUsage::DECRYPT));
    let wraps = usage.contains(KeyUsage::WRAP) && algorithm == SymmetricAlgorithm::Aes;
    let (mechanism, outcome) = match block {
        Some(mechanism) => (mechanism.number(), check_block(token, object, &mechanism, key)),
        None if wraps && lets(additions, kw) => (kw, wrapping(token, object, key, additions)),
        None => (kw, Ok(None)),
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

/// What encrypts a block of zeros as such: ECB, or CBC after a block of zeros, which comes to the same. `None` where the key has no such mechanism, or
/// may not use it.
fn block_mechanism(algorithm: SymmetricAlgorithm, additions: &Additions) -> Option<Mechanism<'static>> {
    const ZEROS: &[u8] = &[0; 16];
    let (ecb, number, iv) = match algorithm {
        SymmetricAlgorithm::Aes => (CKM_AES_ECB, CKM_AES_CBC, ZEROS),
        SymmetricAlgorithm::TripleDes => (CKM_DES3_ECB, CKM_DES3_CBC, ZEROS.get(..8)?),
        SymmetricAlgorithm::Hmac => return None,
    };
    let ways = [Mechanism::Plain(ecb), Mechanism::Cbc { number, iv }];
    ways.into_iter()
        .find(|mechanism| lets(additions, mechanism.number()))
        .filter(|_| !additions.demands(CKA_ALWAYS_AUTHENTICATE))
}

fn check_block(
    token: &Token,
    object: Handle,
    mechanism: &Mechanism<'_>,
    key: Option<&SymmetricKey>,
) -> Result<Option<bool>, token::Error> {
    let len = if matches!(mechanism.number(), CKM_DES3_ECB | CKM_DES3_CBC) { 8 } else { 16 };
    let block = token.encrypt(mechanism, object, &vec![0; len], len)?;
    Ok(key.and_then(SymmetricKey::check_block).map(|expected| block == expected))
}

/// What a secret key makes of something that is given: a block encrypted, or a key wrapped. `None` where it may do neither.
pub(in crate::provider) fn shown_by(
    token: &Token,
    object: Handle,
    algorithm: SymmetricAlgorithm,
    usage: KeyUsage,
    challenge: &SecretBytes,
) -> Result<Option<Vec<u8>>, token::Error> {
    if let Some(mechanism) = block_mechanism(algorithm, Additions::NONE).filter(|_| usage.contains(KeyUsage::DECRYPT)) {
        let len = algorithm.block_len().unwrap_or(0);
        let block = challenge.get(..len).unwrap_or_default();
        return token.encrypt(&mechanism, object, block, len).map(Some);
    }
    if !usage.contains(KeyUsage::WRAP) || algorithm != SymmetricAlgorithm::Aes {
        return Ok(None);
    }
    let passenger = SecretBytes::from(challenge.get(..16).unwrap_or_default());
    let session = token.create(&readable_secret(CKK_AES).secret(CKA_VALUE, passenger))?;
    let wrapped = token.wrap(&Mechanism::Plain(token.profile().kw), object, session, 32);
    token.destroy(session)?;
    wrapped.map(Some)
}

fn wrapping(
    token: &Token,
    object: Handle,
    key: Option<&SymmetricKey>,
    additions: &Additions,
) -> Result<Option<bool>, token::Error> {
    // What must hold of the keys that it wraps may not hold of the one that it would wrap here.
    if additions.demands(CKA_WRAP_TEMPLATE) {
        return Ok(None);
    }
    let passenger = SecretBytes::random(16)?;
    let template = readable_secret(CKK_AES).secret(CKA_VALUE, passenger.clone());
    let session = match token.create(&template) {
        Ok(session) => session,
        // A token that takes no key in the clear shows it the other way round: it unwraps what is wrapped here, which RFC 3394 lets no other key
        // do.
        Err(error) if error.ckr().is_some_and(refusal::is_refusal) => {
            // The same of the keys that it unwraps.
            let is_free = !additions.demands(CKA_UNWRAP_TEMPLATE);
            let wrapped = key.filter(|_| is_free).and_then(|key| kw::kw_wrap(key.key(), &passenger).ok());
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
