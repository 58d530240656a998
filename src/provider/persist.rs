//! The write: session objects made whole first, then copied onto the token, read back, proven, and only then a key.
//!
//! The order is what makes a kill harmless (`ARCHITECTURE.md`, "All or nothing"): the public object is written first and marked, the private one
//! second; marks come off after the proof. A key that replaces another is written and proven in full before the old one is touched.

use super::error::Error;
use super::lookup::{Entry, Stage};
use super::proof::Verified;
use crate::key::{ExportPolicy, KeyUsage, PublicKey};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::{CKA_ID, CKA_LABEL, CKA_TOKEN};
use crate::template::get::{Class, ObjectRecord};
use crate::template::put;
use crate::token::{self, Handle, Token, refusal};
use crate::wrap::{Scheme, Tried};

/// Which way the key went onto the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Route {
    /// A session object, then C_CopyObject.
    Copy,
    /// C_CreateObject on the token.
    Create,
    /// Made there.
    Generate,
    /// C_UnwrapKey.
    Unwrap,
}

impl Route {
    /// The word of the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Create => "create",
            Self::Generate => "generate",
            Self::Unwrap => "unwrap",
        }
    }
}

/// What an import or a generation came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The way.
    pub route: Route,
    /// By which scheme the key was wrapped here, if it had to be.
    pub scheme: Option<Scheme>,
    /// What was tried before, and why it did not go.
    pub tried: Vec<Tried>,
    /// What proved the key.
    pub verified: Verified,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// An object that can be made in a session and, where copying is refused, again on the token.
pub(super) struct Source<'a> {
    /// The session object.
    pub(super) session: Handle,
    /// Makes it anew on the token with this CKA_ID.
    pub(super) remake: Remake<'a>,
    /// Whether the object stands on the token already, under a mark: of a pair that the token makes nowhere else.
    pub(super) placed: bool,
}

impl<'a> Source<'a> {
    /// An object in the session.
    pub(super) fn new(session: Handle, remake: Remake<'a>) -> Self {
        Self { session, remake, placed: false }
    }
}

/// Makes an object on the token with the CKA_ID that is given.
pub(super) type Remake<'a> = Box<dyn Fn(&[u8]) -> Result<Handle, crate::Error> + 'a>;

/// The objects of a key on their way, and what they must turn out to be.
pub(super) struct Draft<'a> {
    pub(super) label: &'a str,
    pub(super) id: &'a [u8],
    pub(super) public: Option<(Source<'a>, PublicKey)>,
    pub(super) certificate: Option<Source<'a>>,
    /// The private or the secret object.
    pub(super) main: Source<'a>,
    /// CKA_KEY_TYPE of the private or the secret object.
    pub(super) key_type: u64,
    pub(super) policy: ExportPolicy,
    pub(super) usage: KeyUsage,
}

/// What stands on the token.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub(super) main: Handle,
    pub(super) public: Option<Handle>,
    pub(super) certificate: Option<Handle>,
    pub(super) copied: bool,
}

/// A key that was written and proven: its objects as they were read back.
pub(super) struct Persisted {
    pub(super) main: ObjectRecord,
    pub(super) public: Option<ObjectRecord>,
    pub(super) certificate: Option<ObjectRecord>,
    pub(super) copied: bool,
    pub(super) verified: Verified,
}

/// Writes a draft beside `old`, if there is one, and makes it the key of its name.
pub(super) fn persist(
    token: &Token,
    draft: &Draft<'_>,
    old: Option<&Entry>,
    prove: impl FnOnce(&Written) -> Result<Verified, crate::Error>,
) -> Result<Persisted, crate::Error> {
    if let Some(old) = old {
        old.check_replaceable()?;
    }
    // Alone under its name, the private object makes the key and needs no mark; beside an old key it must be told apart.
    let main_stage = if old.is_some() { Stage::Staged } else { Stage::Final };
    let mut written: Vec<Handle> = Vec::new();
    let outcome = write(token, draft, main_stage, &mut written).and_then(|placed| {
        let (main, public, certificate) = compare(token, draft, &placed, main_stage)?;
        let verified = prove(&placed)?;
        Ok((placed, Persisted { main, public, certificate, copied: placed.copied, verified }))
    });
    let (placed, mut persisted) = match outcome {
        Ok(proven) => proven,
        Err(error) => return Err(undo(token, &written, error)),
    };
    // The last steps that can be taken back: what was on the token before is as it was.
    let companions = [placed.certificate, placed.public].into_iter().flatten();
    let settled = match old {
        Some(old) => set_id(token, placed.main, &Stage::ready(draft.id, &old.identity())),
        None => companions.clone().try_for_each(|companion| set_id(token, companion, draft.id)),
    };
    if let Err(error) = settled {
        return Err(undo(token, &written, error.into()));
    }
    if let Some(old) = old {
        let replaced = old.replaced_by(draft.id, placed.certificate.is_some()).map(|object| Handle(object.handle));
        let replaced: Vec<_> = replaced.collect();
        let (first, rest) = replaced.split_at(replaced.len().min(1));
        let replaced = match destroy_all(token, first.iter().copied()) {
            // As long as nothing of the old key is gone, it can stay; the token must have shown that.
            Err(error) if first.iter().all(|object| token.read(*object).is_ok()) => {
                return Err(undo(token, &written, error.into()));
            }
            outcome => outcome,
        };
        // Where this stops, the new key has the name, and `recovery` goes on.
        let replaced = replaced.and_then(|()| destroy_all(token, rest.iter().copied()));
        let mut marked = companions.chain([placed.main]);
        replaced.and_then(|()| marked.try_for_each(|object| set_id(token, object, draft.id))).map_err(|error| {
            Error::NotTidied { name: draft.label.to_owned(), cause: error.to_string(), ckr: error.ckr() }
        })?;
    }
    // As the objects read now that their marks are off.
    for record in
        [Some(&mut persisted.main), persisted.public.as_mut(), persisted.certificate.as_mut()].into_iter().flatten()
    {
        record.id = draft.id.to_vec();
    }
    Ok(persisted)
}

fn write(
    token: &Token,
    draft: &Draft<'_>,
    main_stage: Stage,
    written: &mut Vec<Handle>,
) -> Result<Written, crate::Error> {
    let mut copied = true;
    let sources = draft.public.iter().map(|(source, _)| source).chain([&draft.main]);
    written.extend(sources.filter(|source| source.placed).map(|source| source.session));
    let mut place = |source: &Source<'_>, class: Class, id: &[u8]| -> Result<Handle, crate::Error> {
        let (object, by_copy) = match onto_token(token, source, id) {
            Ok(placed) => placed,
            Err(error) => {
                // A token that reports a failure may have made the object all the same.
                written.extend(look(token, draft, class, id).map_err(|unknown| not_removed(&error, &unknown))?);
                return Err(error);
            }
        };
        if !source.placed {
            written.push(object);
        }
        copied &= by_copy;
        Ok(object)
    };
    let public = draft.public.as_ref();
    let public = public.map(|(source, _)| place(source, Class::Public, &Stage::staged(draft.id))).transpose()?;
    let certificate = draft.certificate.as_ref();
    let certificate =
        certificate.map(|source| place(source, Class::Certificate, &Stage::staged(draft.id))).transpose()?;
    let class = if public.is_some() { Class::Private } else { Class::Secret };
    let main = place(&draft.main, class, &main_stage.written(draft.id))?;
    Ok(Written { main, public, certificate, copied })
}

/// Objects that can only come from this draft: a public one and every one beside an old key bears a mark, and no key had the name when a private
/// or secret one was to be alone under it.
fn look(token: &Token, draft: &Draft<'_>, class: Class, id: &[u8]) -> Result<Vec<Handle>, token::Error> {
    let template = Template::new().flag(CKA_TOKEN, true).bytes(CKA_LABEL, draft.label.as_bytes()).bytes(CKA_ID, id);
    let found = token.find_and_read(&template)?;
    Ok(found.iter().filter(|record| record.class == class).map(|record| Handle(record.handle)).collect())
}

/// Copies a session object onto the token; where the token refuses to copy, makes the object there. Whether it was a copy.
fn onto_token(token: &Token, source: &Source<'_>, id: &[u8]) -> Result<(Handle, bool), crate::Error> {
    if source.placed {
        return Ok(set_id(token, source.session, id).map(|()| (source.session, false))?);
    }
    if token.profile().copies {
        match token.copy(source.session, &Template::new().flag(CKA_TOKEN, true).bytes(CKA_ID, id)) {
            Ok(object) => return Ok((object, true)),
            Err(error) if error.ckr().is_some_and(refusal::is_refusal) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(((source.remake)(id)?, false))
}

/// Reads the new objects back and compares what matters with what was asked.
fn compare(
    token: &Token,
    draft: &Draft<'_>,
    placed: &Written,
    stage: Stage,
) -> Result<(ObjectRecord, Option<ObjectRecord>, Option<ObjectRecord>), crate::Error> {
    let main = narrowed(token, token.read(placed.main)?, draft.usage)?;
    let differ = |what: String| Err(Error::NotHonoured { what }.into());
    check_rights(&main, draft.key_type, draft.policy, draft.usage)?;
    let wanted = draft.public.as_ref().map(|(_, key)| key);
    check_object(&main, draft.label, &stage.written(draft.id))?;
    check_key(&main, wanted, true)?;
    let public = placed.public.map(|public| token.read(public)).transpose()?;
    if let Some(record) = &public {
        check_object(record, draft.label, &Stage::staged(draft.id))?;
        check_key(record, wanted, false)?;
        // The counterpart of an agreement has no right of its own.
        let counterparts = KeyUsage::from_bits(draft.usage.bits() & !KeyUsage::AGREE.bits());
        if record.usage != counterparts {
            return differ("other uses of the public object".to_owned());
        }
    }
    let certificate = placed.certificate.map(|certificate| token.read(certificate)).transpose()?;
    if let Some(record) = &certificate {
        check_object(record, draft.label, &Stage::staged(draft.id))?;
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
    if record.private.is_some_and(|found| found != private) {
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

fn set_id(token: &Token, object: Handle, id: &[u8]) -> Result<(), token::Error> {
    token.set(object, &Template::new().bytes(CKA_ID, id))
}

/// Removes what an import wrote before it failed, last written first, and says so if that fails too.
fn undo(token: &Token, written: &[Handle], cause: crate::Error) -> crate::Error {
    match destroy_all(token, written.iter().rev().copied()) {
        Ok(()) => cause,
        Err(error) => not_removed(&cause, &error),
    }
}

pub(super) fn not_removed(cause: &crate::Error, error: &token::Error) -> crate::Error {
    Error::NotRemoved {
        cause: cause.to_string(),
        leftover: error.to_string(),
        ckr: cause.ckr().or_else(|| error.ckr()),
    }
    .into()
}

/// Destroys objects; one that is gone already is fine, and so is one that is gone although the token reported a failure.
pub(super) fn destroy_all(token: &Token, objects: impl IntoIterator<Item = Handle>) -> Result<(), token::Error> {
    // tpm2-pkcs11 answers the second.
    let is_gone =
        |error: &token::Error| matches!(error.ckr(), Some(Ckr::OBJECT_HANDLE_INVALID | Ckr::KEY_HANDLE_INVALID));
    for object in objects {
        match token.destroy(object) {
            Err(error) if !is_gone(&error) && !token.read(object).is_err_and(|error| is_gone(&error)) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}
