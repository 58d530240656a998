//! What was written, read back and held against what was asked: some tokens answer CKR_OK and keep something else.

use super::added;
use super::error::Error;
use super::lookup::Stage;
use super::persist::{Draft, Written};
use crate::key::{ExportPolicy, KeyUsage, PublicKey};
use crate::template::get::ObjectRecord;
use crate::template::put;
use crate::token::{self, Handle, Token, refusal};

/// Reads the new objects back and compares what matters with what was asked.
pub(super) fn compare(
    token: &Token,
    draft: &Draft<'_>,
    placed: &Written,
    (stage, beside): (Stage, Stage),
) -> Result<(ObjectRecord, Option<ObjectRecord>, Option<ObjectRecord>), crate::Error> {
    let main = narrowed(token, token.read(placed.main)?, draft.usage)?;
    let differ = |what: String| Err(Error::NotHonoured { what }.into());
    check_rights(&main, draft.key_type, draft.policy, draft.usage)?;
    let wanted = draft.public.as_ref().map(|(_, key)| key);
    check_object(&main, draft.label, &stage.written(draft.id))?;
    check_key(&main, wanted, true)?;
    added::check(token, placed.main, draft.additions)?;
    let public = placed.public.map(|public| token.read(public)).transpose()?;
    if let Some(record) = public.as_ref().filter(|_| placed.is_own) {
        check_key(record, wanted, false)?;
    } else if let Some(record) = &public {
        check_object(record, draft.label, &beside.written(draft.id))?;
        check_key(record, wanted, false)?;
        // The counterpart of an agreement has no right of its own.
        let counterparts = KeyUsage::from_bits(draft.usage.bits() & !KeyUsage::AGREE.bits());
        if record.usage != counterparts {
            return differ("other uses of the public object".to_owned());
        }
    }
    let certificate = placed.certificate.map(|certificate| token.read(certificate)).transpose()?;
    if let Some(record) = &certificate {
        check_object(record, draft.label, &beside.written(draft.id))?;
    }
    Ok((main, public, certificate))
}

/// The object as it reads after a right that was not asked for was taken away: NSS gives every use to what it unwraps, whatever the template says.
pub(super) fn narrowed(token: &Token, record: ObjectRecord, usage: KeyUsage) -> Result<ObjectRecord, token::Error> {
    if record.usage == usage || !record.usage.contains(usage) {
        return Ok(record);
    }
    let object = Handle(record.handle);
    match token.set(object, &put::usage_of(record.class, usage)) {
        Ok(()) => token.read(object),
        // What it says then is compared, and refused.
        Err(error) if error.ckr().is_some_and(refusal::is_refusal) => Ok(record),
        Err(error) => Err(error),
    }
}

/// What the object may do and what it is: some tokens answer CKR_OK and keep something else.
pub(super) fn check_rights(
    record: &ObjectRecord,
    key_type: u64,
    policy: ExportPolicy,
    usage: KeyUsage,
) -> Result<(), Error> {
    let differ = |what: String| Err(Error::NotHonoured { what });
    if record.key_type != Some(key_type) {
        return differ(format!("CKA_KEY_TYPE {:?} instead of {key_type}", record.key_type));
    }
    if record.policy != policy {
        return differ(format!("export policy {:?} instead of {:?}", record.policy.words(), policy.words()));
    }
    if record.usage != usage {
        let words = |usage: KeyUsage| usage.words().collect::<Vec<_>>().join(", ");
        return differ(format!("usage ({}) instead of ({})", words(record.usage), words(usage)));
    }
    Ok(())
}

fn check_object(record: &ObjectRecord, label: &str, id: &[u8]) -> Result<(), Error> {
    let differ = |what: &str| Err(Error::NotHonoured { what: what.to_owned() });
    if !record.token {
        return differ("the object is not on the token");
    }
    if record.label != label {
        return differ("another CKA_LABEL");
    }
    if record.id != id {
        return differ("another CKA_ID");
    }
    Ok(())
}

pub(super) fn check_key(record: &ObjectRecord, wanted: Option<&PublicKey>, private: bool) -> Result<(), Error> {
    let differ = |what: &str| Err(Error::NotHonoured { what: what.to_owned() });
    // That a public object shows itself to its user alone takes nothing away.
    if private && record.private == Some(false) {
        return differ("another CKA_PRIVATE");
    }
    if let (Some(found), Some(wanted)) = (record.curve, wanted.and_then(PublicKey::curve))
        && found != wanted
    {
        return differ("another curve");
    }
    match (&record.public, wanted) {
        (Some(found), Some(wanted)) if found != wanted => differ("another public key"),
        // A private EC object does not show its point; a public one must.
        (None, Some(_)) if !private => differ("the public key cannot be read"),
        _ => Ok(()),
    }
}
