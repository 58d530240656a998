//! A key does not gain rights by being wrapped and unwrapped.
//!
//! A wrapped key says nothing of what it was allowed. Without this, whoever may wrap and unwrap could read a key that is never to be seen: wrap it,
//! and unwrap it as one that may leave in the clear; or wrap a key, and unwrap it as one that decrypts what it has wrapped itself. So what is unwrapped is compared
//! with the keys that stand on the token, and where it is one or several of them, one of those must have every right that it gets.
//!
//! A private key is known by its public numbers; an elliptic one that has lost its public object, and a symmetric key, by what it is under a key that nobody keeps.
//! A symmetric key that may not leave cannot be compared. Compared are policy and usage: what was added to the key that is there (CKA_WRAP_WITH_TRUSTED,
//! CKA_ALLOWED_MECHANISMS) is not demanded of what is unwrapped.
//!
//! What is not on the token any more is not remembered there: who deletes the original, or unwraps on another token, is not held back by this. Nor is who may unwrap under
//! the same key by a scheme that lets a wrapped key be changed or taken apart: an IV of `cbc-pad` changed by a bit makes another key, `kw` reads what `kw-pkcs7` made with its
//! padding, and the AES key that RSA-OAEP put in front of an RSA-AES wrap, or of an `OpaqueTransport`, is a bare wrapped key by itself. `OpaqueTransport` binds who imports it as the
//! container that it is; where the holder of the wrapping key is not to be trusted with the key, the token's CKA_UNWRAP_TEMPLATE on it is what helps.

use super::{Error, lookup, proof};
use crate::key::{ExportPolicy, KeyUsage, PublicKey};
use crate::template::Template;
use crate::template::attribute::{
    CKA_CLASS, CKA_EXTRACTABLE, CKA_ID, CKA_MODULUS, CKA_TOKEN, CKO_PRIVATE_KEY, CKO_SECRET_KEY,
};
use crate::template::get::{Class, ObjectRecord};
use crate::template::put;
use crate::token::{Handle, Token};
use crate::wrap::{self, Temporary};

/// Holds a private key against those on the token with the same public half. `passenger` makes it a session object that may leave wrapped, to be compared with
/// those that show no public half.
pub(super) fn check_private<'t>(
    token: &Token,
    public: &PublicKey,
    (policy, usage): (ExportPolicy, KeyUsage),
    passenger: impl FnOnce() -> Result<Temporary<'t>, crate::Error>,
) -> Result<(), crate::Error> {
    let held = match public {
        // An RSA private object has the modulus of its public half; its public exponent is not always there.
        PublicKey::Rsa(key) => token.find_and_read(&private_with(Template::new().bytes(CKA_MODULUS, key.n())))?,
        _ => same_elliptic(token, public, |held| gain(held, policy, usage).is_some(), passenger)?,
    };
    judge(token, &held, policy, usage)
}

/// The elliptic private keys with this public half. One is found by what its public object is called, or, without one, by comparing it with
/// what was unwrapped.
fn same_elliptic<'t>(
    token: &Token,
    public: &PublicKey,
    gains: impl Fn(&ObjectRecord) -> bool,
    passenger: impl FnOnce() -> Result<Temporary<'t>, crate::Error>,
) -> Result<Vec<ObjectRecord>, crate::Error> {
    let mut same = Vec::new();
    for object in token.find_and_read(&put::public_numbers(public)?.flag(CKA_TOKEN, true))? {
        if object.class == Class::Public {
            same.extend(token.find_and_read(&private_with(Template::new().bytes(CKA_ID, &object.id)))?);
        }
    }
    same.retain(|held| held.curve.is_none_or(|curve| Some(curve) == public.curve()));
    let Some(curve) = public.curve() else { return Ok(same) };
    // Which public object belongs to which private one is anyone's to say: whatever is not found by it is compared.
    let mut lone = token.find_and_read(&private_with(put::numbers_of_curve(curve)?).flag(CKA_EXTRACTABLE, true))?;
    lone.retain(|held| same.iter().all(|found| found.handle != held.handle));
    // Comparing takes a call for each.
    if lone.is_empty() || !lone.iter().chain(&same).any(gains) {
        return Ok(same);
    }
    if !token.profile().points_travel {
        same.extend(equal_to(token, &passenger()?, &lone)?);
        return Ok(same);
    }
    // NSS wraps an elliptic key with the point that stands beside it, or without one: that tells nothing. A key that signs shows its point; one that does not may be this one.
    for held in lone {
        let shown = match held.usage.contains(KeyUsage::SIGN) {
            true => proof::recover_point(token, Handle(held.handle), curve, None)?,
            false => None,
        };
        if shown.is_none_or(|shown| PublicKey::Ec(shown) == *public) {
            same.push(held);
        }
    }
    Ok(same)
}

fn private_with(template: Template) -> Template {
    template.flag(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_PRIVATE_KEY)
}

/// Holds a secret key against those on the token that could have left it, wrapped. The same bytes are the same key, whatever they are said to be for.
pub(super) fn check_secret<'t>(
    token: &Token,
    (policy, usage): (ExportPolicy, KeyUsage),
    passenger: impl FnOnce() -> Result<Temporary<'t>, crate::Error>,
) -> Result<(), crate::Error> {
    let template = Template::new().flag(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_EXTRACTABLE, true);
    let held = token.find_and_read(&template)?;
    let (gaining, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|held| gain(held, policy, usage).is_some());
    if gaining.is_empty() {
        return Ok(());
    }
    let unwrapped = passenger()?;
    let mut found = equal_to(token, &unwrapped, &gaining)?;
    if !found.is_empty() {
        found.extend(equal_to(token, &unwrapped, &others)?);
    }
    judge(token, &found, policy, usage)
}

/// Those of the keys on the token that are this one.
fn equal_to(token: &Token, key: &Temporary<'_>, held: &[ObjectRecord]) -> Result<Vec<ObjectRecord>, crate::Error> {
    let handles: Vec<_> = held.iter().map(|held| Handle(held.handle)).collect();
    let found = wrap::same_keys(token, key.handle, &handles)?;
    Ok(found.into_iter().filter_map(|at| held.get(at)).cloned().collect())
}

/// One of the keys that are there must have every right that is asked for, if there are any.
fn judge(token: &Token, held: &[ObjectRecord], policy: ExportPolicy, usage: KeyUsage) -> Result<(), crate::Error> {
    let mut refusal = None;
    for held in held {
        match gain(held, policy, usage) {
            None => return Ok(()),
            Some(gained) => {
                refusal.get_or_insert((held, gained));
            }
        }
    }
    match refusal {
        None => Ok(()),
        Some((held, gained)) => {
            let held = lookup::uri_of(token, held).to_string();
            Err(Error::GainsRights { held, gained }.into())
        }
    }
}

/// What a key with this policy and usage could do and the one that is there cannot.
fn gain(held: &ObjectRecord, policy: ExportPolicy, usage: KeyUsage) -> Option<String> {
    gained((held.policy, held.usage), (policy, usage))
}

/// What these rights allow and those that were there do not.
pub(super) fn gained(had: (ExportPolicy, KeyUsage), (policy, usage): (ExportPolicy, KeyUsage)) -> Option<String> {
    if policy.allows_plaintext() && !had.0.allows_plaintext() {
        return Some("leave in the clear".to_owned());
    }
    if policy.allows_export() && !had.0.allows_export() {
        return Some("leave wrapped".to_owned());
    }
    let more = KeyUsage::from_bits(usage.bits() & !had.1.bits());
    let words: Vec<_> = more.words().collect();
    (!words.is_empty()).then(|| format!("be used to {}", words.join(", ")))
}
