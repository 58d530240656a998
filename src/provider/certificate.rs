//! The certificate of a key (`SmartCardKeyCertificate`), and those above it.
//!
//! A key's certificate stands beside it under its CKA_ID and label; it must be for that key. The value that is set may hold more: PEM with several sections, DER one behind the
//! other, or a PKCS#7 of certificates. The key's own is then the one that has issued none of the others, and the others are written as certificate objects of their own, without a label,
//! under the key identifier of their own key, unless the token has them already. They belong to no key: neither is one removed with a key or a certificate that is replaced.
//!
//! On the token a certificate is always kept with the key, with NCRYPT_PERSIST_FLAG and without. It is replaced once the new one is there and was read back. A chain is found by
//! names, issuer to subject; nothing is verified.

use std::cell::RefCell;
use std::sync::Arc;

use super::connection::Connection;
use super::finalize::Finalizer;
use super::persist::{destroy_all, not_removed};
use super::{Error, Key, Ready, State};
use crate::asn1::certificate::{self, CertificateParts};
use crate::asn1::{certificates, spki};
use crate::key::{ExportPolicy, KeyUsage, PublicKey, Validation};
use crate::template::attribute::{
    CKA_CLASS, CKA_ID, CKA_ISSUER, CKA_LABEL, CKA_SERIAL_NUMBER, CKA_SUBJECT, CKA_TOKEN, CKA_VALUE, CKO_CERTIFICATE,
};
use crate::template::put::{self, Attributes};
use crate::template::{Additions, Template};
use crate::token::{self, Handle, Token};

/// Few certificates are longer, and one that is takes a second call.
const USUAL: usize = 4096;
/// No chain is followed further.
const LONGEST_CHAIN: usize = 16;

fn value(token: &Token, object: Handle) -> Result<Option<Arc<[u8]>>, token::Error> {
    let values = token.attributes(object, &[(CKA_VALUE, USUAL)])?;
    Ok(values.into_iter().flatten().next().map(|der| Arc::from(&*der)))
}

fn certificate_template(is_on_token: bool) -> Template {
    Template::new().flag(CKA_TOKEN, is_on_token).ulong(CKA_CLASS, CKO_CERTIFICATE)
}

fn attributes<'a>(label: &'a str, id: &'a [u8], token: bool) -> Attributes<'a> {
    Attributes { label, id, token, policy: ExportPolicy::NONE, usage: KeyUsage::default(), more: Additions::NONE }
}

/// Takes the certificate out that has issued none of the others; the first, if they go round in a ring.
fn part(mut found: Vec<CertificateParts>) -> Option<(CertificateParts, Vec<CertificateParts>)> {
    let issues = |one: &CertificateParts, other: &CertificateParts| one.subject == other.issuer && one != other;
    let leaf = found.iter().position(|one| !found.iter().any(|other| issues(one, other))).unwrap_or(0);
    (leaf < found.len()).then(|| (found.remove(leaf), found))
}

/// Writes the certificates that the token does not have, and says which.
fn write_issuers(
    token: &Connection,
    issuers: &[CertificateParts],
    written: &mut Vec<Handle>,
) -> Result<(), crate::Error> {
    for parts in issuers {
        let names = certificate_template(true).bytes(CKA_ISSUER, &parts.issuer).bytes(CKA_SERIAL_NUMBER, &parts.serial);
        if token.find(&names)?.is_empty() {
            let id = spki::key_id(&parts.public)?;
            token.writes_key("", &id);
            written.push(token.create(&put::certificate(parts, &attributes("", &id, true)))?);
        }
    }
    Ok(())
}

/// Removes what was written, and says so if that fails too.
fn taken_back(token: &Token, written: &[Handle], error: crate::Error) -> crate::Error {
    match destroy_all(token, written.iter().copied()) {
        Ok(()) => error,
        Err(left) => not_removed(&error, &left),
    }
}

impl Finalizer<'_> {
    /// Writes what stands beside the key besides its own certificate: properties, and the certificates above it.
    pub(super) fn write_beside(
        &self,
        id: &[u8],
        public: Option<&PublicKey>,
        written: &RefCell<Vec<Handle>>,
    ) -> Result<(), crate::Error> {
        self.write_properties(id, public, written)?;
        write_issuers(self.token, &self.pending.issuers, &mut written.borrow_mut())
    }

    /// After a failure: what was written beside the key goes as well.
    pub(super) fn take_back(&self, written: &RefCell<Vec<Handle>>, error: crate::Error) -> crate::Error {
        taken_back(self.token, &written.borrow(), error)
    }
}

impl Key {
    /// Puts a certificate beside the key (`SmartCardKeyCertificate`), DER or PEM: it has the key's CKA_ID and label. Others above it may come with it.
    ///
    /// # Errors
    /// `NTE_BAD_DATA` when it is none; `NTE_INVALID_PARAMETER` when it is for another key, of a pending key by finalize; what the token says.
    pub fn set_certificate(&mut self, certificate: &[u8]) -> Result<(), crate::Error> {
        let Some((leaf, issuers)) = part(certificates::decode(certificate)?) else { return Ok(()) };
        let ready = match &mut self.state {
            State::Pending(pending) => {
                (pending.certificate, pending.issuers) = (Some(leaf), issuers);
                return Ok(());
            }
            State::Ready(ready) => ready,
        };
        if ready.secret_object.is_some() {
            return Err(Error::Contradiction { what: "a symmetric key has no certificate".to_owned() }.into());
        }
        let public = match &ready.public {
            Some(public) => public.clone(),
            None => self.public_key()?,
        };
        if leaf.public != public {
            return Err(Error::Contradiction { what: "the certificate is for another key".to_owned() }.into());
        }
        self.token.check_changes()?;
        let State::Ready(ready) = &mut self.state else { return Err(Error::NotFinalized.into()) };
        if ready.secret_part().is_none() {
            ready.certificate = Some(Arc::from(leaf.der));
            self.held.chain = issuers.into_iter().map(|parts| Arc::from(parts.der)).collect();
            return Ok(());
        }
        if !ready.ephemeral {
            self.token.writes(&ready.label);
        }
        let mut written = Vec::new();
        let outcome = replace(&self.token, ready, &leaf, &mut written).and_then(|made| {
            if ready.ephemeral {
                return Ok(made);
            }
            let mut above = Vec::new();
            let outcome = write_issuers(&self.token, &issuers, &mut above);
            written.extend(above);
            outcome.map(|()| made)
        });
        let made = outcome.map_err(|error| taken_back(&self.token, &written, error))?;
        let replaced = replaced_by(&self.token, ready, &public, made);
        let removed = replaced.and_then(|old| Ok(destroy_all(&self.token, old)?));
        // As long as the old one stays, the new one is one too many.
        removed.map_err(|error| taken_back(&self.token, &written, error))?;
        ready.certificate_object = Some(made);
        if ready.ephemeral {
            self.held.chain = issuers.iter().map(|parts| Arc::from(parts.der.as_slice())).collect();
            self.note_in_origin(|pending| (pending.certificate, pending.issuers) = (Some(leaf), issuers));
        }
        Ok(())
    }

    /// The key's certificate in DER, where it has one: read from the token.
    pub(super) fn certificate_der(&self) -> Result<Option<Arc<[u8]>>, crate::Error> {
        match &self.state {
            State::Pending(pending) => Ok(pending.certificate.as_ref().map(|parts| Arc::from(parts.der.as_slice()))),
            State::Ready(ready) => match (&ready.certificate, ready.certificate_object) {
                (Some(der), _) => Ok(Some(Arc::clone(der))),
                (None, Some(object)) => Ok(value(&self.token, object)?),
                (None, None) => Ok(None),
            },
        }
    }

    /// The key's certificate and those above it, in DER, as far as they are on the token; nothing without a certificate. One search for each that is not its own issuer.
    ///
    /// # Errors
    /// What the token says.
    pub fn certificate_chain(&self) -> Result<Vec<Arc<[u8]>>, crate::Error> {
        let mut chain: Vec<Arc<[u8]>> = self.certificate_der()?.into_iter().collect();
        while let Some([subject, issuer, _]) = chain.last().and_then(|der| certificate::names(der)) {
            if subject == issuer || chain.len() == LONGEST_CHAIN {
                break;
            }
            let is_next = |der: &Arc<[u8]>| certificate::names(der).is_some_and(|[subject, ..]| subject == issuer);
            let pending = match &self.state {
                State::Pending(pending) => pending.issuers.as_slice(),
                State::Ready(_) => &[],
            };
            let known =
                pending.iter().map(|parts| Arc::from(parts.der.as_slice())).chain(self.held.chain.iter().cloned());
            let next = match known.into_iter().find(is_next) {
                Some(next) => Some(next),
                None => self.on_token(issuer, is_next)?,
            };
            match next {
                Some(next) if !chain.contains(&next) => chain.push(next),
                _ => break,
            }
        }
        Ok(chain)
    }

    /// The certificate of this subject.
    fn on_token(&self, subject: &[u8], is_it: impl Fn(&Arc<[u8]>) -> bool) -> Result<Option<Arc<[u8]>>, crate::Error> {
        for object in self.token.find(&certificate_template(true).bytes(CKA_SUBJECT, subject))? {
            if let Some(der) = value(&self.token, object)?.filter(&is_it) {
                return Ok(Some(der));
            }
        }
        Ok(None)
    }
}

/// Writes the certificate of a key beside the old one, reads it back, and says what was written. One that is there already stays.
fn replace(
    token: &Token,
    ready: &Ready,
    leaf: &CertificateParts,
    written: &mut Vec<Handle>,
) -> Result<Handle, crate::Error> {
    if let Some(object) = ready.certificate_object
        && value(token, object)?.is_some_and(|der| *der == *leaf.der)
    {
        return Ok(object);
    }
    let template = put::certificate(leaf, &attributes(&ready.label, &ready.id, !ready.ephemeral));
    let made = token.create(&template)?;
    written.push(made);
    if value(token, made)?.is_none_or(|der| *der != *leaf.der) {
        return Err(Error::NotHonoured { what: "another certificate".to_owned() }.into());
    }
    Ok(made)
}

/// The certificates of this key that a new one takes the place of: the one that counted, and what a replacement that was cut short left beside it.
fn replaced_by(token: &Token, ready: &Ready, public: &PublicKey, made: Handle) -> Result<Vec<Handle>, crate::Error> {
    if ready.certificate_object == Some(made) {
        return Ok(Vec::new());
    }
    let mut old = Vec::new();
    let beside =
        certificate_template(!ready.ephemeral).bytes(CKA_LABEL, ready.label.as_bytes()).bytes(CKA_ID, &ready.id);
    for object in token.find(&beside)? {
        let key = value(token, object)?.and_then(|der| certificate::read_key(&der, Validation::Skip).ok());
        if object != made
            && Some(object) != ready.certificate_object
            && key.is_some_and(|contents| contents.key == *public)
        {
            old.push(object);
        }
    }
    // The one that counts goes last: as long as another stays, it is the one that is found.
    old.extend(ready.certificate_object);
    Ok(old)
}
