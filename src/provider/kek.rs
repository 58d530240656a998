//! Keys as wrapping keys: which object wraps or unwraps, and whether it may.
//!
//! A key that wraps must not decrypt as well: whoever may use it could decrypt what it wrapped, and read a key that was never to be seen. Such a
//! key is refused for wrapping unless the caller insists. A public key out of a file has no rights to ask about: its owner keeps the other half.

use std::sync::Arc;

use super::{Error, ImportParameters, Key, Ready};
use crate::blob::BlobType;
use crate::format::Format;
use crate::key::rsa::{self, Hash};
use crate::key::{Algorithm, KeyUsage, PublicKey};
use crate::template::{shape, temporary};
use crate::token::{Handle, Token, refusal};
use crate::wrap::{self, Kek, KekKind, Temporary};

/// A wrapping key, with the object that was made for it, if one was.
pub(super) struct WrappingKey<'t> {
    pub(super) kek: Kek,
    _object: Option<Temporary<'t>>,
}

impl Key {
    /// Whether the key could decrypt what it wraps. Of a public key out of a file that is its owner's affair.
    pub fn wraps_and_decrypts(&self) -> bool {
        self.has_private() && self.usage().contains(KeyUsage::WRAP | KeyUsage::DECRYPT)
    }

    /// The object of a key that unwraps others: an AES key, or the private half of an RSA key.
    pub(super) fn unwrapping_kek(&self) -> Result<Kek, crate::Error> {
        let ready = self.used()?;
        let kek = match (ready.algorithm, ready.secret_object, ready.private_object) {
            (Some(Algorithm::AES), Some(object), _) => Kek { object, kind: KekKind::Aes },
            (Some(Algorithm::RSA), _, Some(object)) => Kek { object, kind: rsa_kind(ready) },
            _ => return Err(not_a_kek(ready, "unwrap").into()),
        };
        check_wraps(ready, "unwrap keys")?;
        Ok(kek)
    }

    /// The object of a key that wraps others: an AES key, or the public half of an RSA key, on the token or made there for this session.
    pub(super) fn wrapping_kek<'t>(&self, token: &'t Token, forced: bool) -> Result<WrappingKey<'t>, crate::Error> {
        let ready = self.used()?;
        self.check_may_wrap(forced)?;
        match (ready.algorithm, ready.secret_object, ready.public_object, &ready.public) {
            (Some(Algorithm::AES), Some(object), ..) => Ok(existing(object, KekKind::Aes)),
            (Some(Algorithm::RSA), _, Some(object), _) => Ok(existing(object, rsa_kind(ready))),
            (Some(Algorithm::RSA), _, None, Some(PublicKey::Rsa(public))) => made(token, public, rsa_kind(ready)),
            _ => Err(not_a_kek(ready, "wrap").into()),
        }
    }

    /// Whether it may wrap, and nothing that undoes it.
    pub(super) fn check_may_wrap(&self, forced: bool) -> Result<(), Error> {
        let ready = self.used()?;
        if ready.secret_part().is_some() || ready.public_object.is_some() {
            check_wraps(ready, "wrap keys")?;
        }
        if self.wraps_and_decrypts() && !forced {
            return Err(Error::DangerousKek { name: ready.label.clone() });
        }
        Ok(())
    }

    /// The public half of an RSA key that others are wrapped under.
    pub(super) fn rsa_public(&self) -> Result<&rsa::PublicKey, crate::Error> {
        let ready = self.used()?;
        match &ready.public {
            Some(PublicKey::Rsa(public)) => Ok(public),
            _ => Err(not_a_kek(ready, "wrap").into()),
        }
    }
}

fn existing<'t>(object: Handle, kind: KekKind) -> WrappingKey<'t> {
    WrappingKey { kek: Kek { object, kind }, _object: None }
}

fn made<'t>(token: &'t Token, public: &rsa::PublicKey, kind: KekKind) -> Result<WrappingKey<'t>, crate::Error> {
    let shapes = shape::shapes_of_public(&temporary::wrapping_public(public), token.profile());
    let (handle, _) = wrap::create_public(token, &shapes).map_err(|error| match error.ckr() {
        Some(ckr) if refusal::is_refusal(ckr) => {
            let what = format!("the token does not take the public key that is to wrap: {error}");
            crate::Error::from(Error::Unsupported { what, ckr: Some(ckr) })
        }
        _ => error.into(),
    })?;
    Ok(WrappingKey { kek: Kek { object: handle, kind }, _object: Some(Temporary::new(token, handle)) })
}

fn rsa_kind(ready: &Ready) -> KekKind {
    let modulus_len = match &ready.public {
        Some(PublicKey::Rsa(public)) => public.n().len(),
        _ => ready.bits.unwrap_or(0).div_ceil(8) as usize,
    };
    KekKind::Rsa { modulus_len }
}

fn check_wraps(ready: &Ready, operation: &'static str) -> Result<(), Error> {
    if ready.usage.contains(KeyUsage::WRAP) {
        return Ok(());
    }
    Err(Error::UsageForbids { name: ready.label.clone(), operation })
}

fn not_a_kek(ready: &Ready, operation: &str) -> Error {
    let name = called(&ready.label);
    Error::Unsupported {
        what: format!("{name} is neither an AES nor an RSA key, so it cannot {operation} others"),
        ckr: None,
    }
}

/// The scheme of a wrapping key and what it wraps, where none is asked for.
pub(super) fn usual_scheme(kek: Kek, is_private: bool) -> wrap::Scheme {
    match (kek.kind, is_private) {
        (KekKind::Aes, _) => wrap::Scheme::Kwp,
        (KekKind::Rsa { .. }, true) => wrap::Scheme::RsaAes,
        (KekKind::Rsa { .. }, false) => wrap::Scheme::RsaOaep,
    }
}

/// The scheme that a format names, held against the one that is asked for.
pub(super) fn scheme_of(format: Format, asked: Option<wrap::Scheme>) -> Result<Option<wrap::Scheme>, Error> {
    let only = match format {
        Format::Blob(BlobType::AesWrap) => Some(wrap::Scheme::Kw),
        Format::Blob(BlobType::RsaAesWrap) => Some(wrap::Scheme::RsaAes),
        _ => None,
    };
    match (only, asked) {
        (Some(only), Some(asked)) if only != asked => {
            let what = format!("a {} is {}, not {}", format.name(), only.name(), asked.name());
            Err(Error::Contradiction { what })
        }
        (only, asked) => Ok(only.or(asked)),
    }
}

/// Refuses a hash or a label for a scheme that has none.
pub(super) fn check_oaep(scheme: wrap::Scheme, hash: Option<Hash>, label: &[u8]) -> Result<(), Error> {
    if scheme.is_rsa() || (hash.is_none() && label.is_empty()) {
        return Ok(());
    }
    Err(Error::Contradiction { what: format!("the scheme {} has no hash and no label of RSA-OAEP", scheme.name()) })
}

/// Refuses what is about a key that another one wraps, where none does.
pub(super) fn check_no_scheme(scheme: Option<wrap::Scheme>, hash: Option<Hash>, label: &[u8]) -> Result<(), Error> {
    if scheme.is_none() && hash.is_none() && label.is_empty() {
        return Ok(());
    }
    let what = "a scheme, and a hash and a label of RSA-OAEP, are about a key that another one wraps".to_owned();
    Err(Error::Contradiction { what })
}

/// Refuses certificates, where they say nothing.
pub(super) fn check_no_certificates(certificates: &[Arc<[u8]>]) -> Result<(), Error> {
    if certificates.is_empty() {
        return Ok(());
    }
    let what = "certificates of recipients are about a PKCS7_ENVELOPE that no key is named for".to_owned();
    Err(Error::Contradiction { what })
}

/// Refuses another way to open what a key of the token opens.
pub(super) fn check_opens_alone(parameters: &ImportParameters) -> Result<(), Error> {
    if parameters.password.is_none() && parameters.certificates.is_empty() {
        return Ok(());
    }
    let what = "a key of the token opens it: no password and no certificate does".to_owned();
    Err(Error::Contradiction { what })
}

/// Refuses what a container says itself.
pub(super) fn check_says_itself(container: &str, parameters: &ImportParameters) -> Result<(), Error> {
    if check_no_scheme(parameters.scheme, parameters.hash, &parameters.label).is_ok() {
        return Ok(());
    }
    Err(Error::Contradiction { what: format!("{container} says itself how the key in it is wrapped") })
}

/// Refuses a scheme under a key of the other kind.
pub(super) fn check_kind(kek: Kek, name: &str, scheme: wrap::Scheme) -> Result<(), wrap::Error> {
    let (wanted, found) = match (scheme.is_rsa(), kek.kind) {
        (true, KekKind::Aes) => ("an RSA key", "an AES key"),
        (false, KekKind::Rsa { .. }) => ("an AES key", "an RSA key"),
        _ => return Ok(()),
    };
    Err(wrap::Error::Kek { scheme: scheme.name(), wanted, name: called(name), found })
}

/// The refusal of a key that is no RSA key, where only those are.
pub(super) fn not_rsa(key: &Key, scheme: &'static str) -> wrap::Error {
    wrap::Error::Kek { scheme, wanted: "an RSA key", name: called(key.label()), found: "no RSA key" }
}

/// A wrapping key's name, for messages.
fn called(label: &str) -> String {
    if label.is_empty() { "the public key".to_owned() } else { format!("`{label}`") }
}
