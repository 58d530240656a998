//! The write: session objects made whole first, then copied onto the token, read back, proven, and only then a key.
//!
//! The order is what makes a kill harmless (`ARCHITECTURE.md`, "All or nothing"): the public object is written first and marked, the private one
//! second; marks come off after the proof. A key that replaces another is written and proven in full before the old one is touched.

use std::time::Duration;

use super::Explanation;
use super::added;
use super::connection::Connection;
use super::error::Error;
use super::lookup::{Entry, Stage};
use super::proof::Verified;
use super::readback::compare;
use super::source::Source;
use crate::key::{ExportPolicy, KeyUsage, PublicKey};
use crate::status::Ckr;
use crate::template::attribute::{CKA_CLASS, CKA_ID, CKA_LABEL, CKA_TOKEN, CKO_PUBLIC_KEY};
use crate::template::get::{Class, ObjectRecord};
use crate::template::{Additions, Template};
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
    /// How long that took, of the time of the whole.
    pub proof_time: Duration,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Why a call was refused on the way, where that was to be found out.
    pub explanations: Vec<Explanation>,
}

impl Outcome {
    pub(super) fn of(route: Route, verified: Verified) -> Self {
        let (scheme, proof_time) = (None, Duration::ZERO);
        Self { route, scheme, tried: Vec::new(), verified, proof_time, warnings: Vec::new(), explanations: Vec::new() }
    }
}

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
    /// What was added to the private or the secret object.
    pub(super) additions: &'a Additions,
    /// What the key may not do that the object of the session may, which outlives this.
    pub(super) strict: Option<Template>,
}

impl Draft<'_> {
    /// What stands on the token already, under a mark.
    fn placed(&self) -> Vec<Handle> {
        let sources = self.public.iter().map(|(source, _)| source).chain([&self.main]);
        sources.filter(|source| source.placed).filter_map(|source| source.session.get()).collect()
    }

    /// The class of the private or the secret object.
    fn class(&self) -> Class {
        if self.public.is_some() { Class::Private } else { Class::Secret }
    }
}

/// What stands on the token.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub(super) main: Handle,
    pub(super) public: Option<Handle>,
    /// Whether the public object is the token's own, which was there when the private one was.
    pub(super) is_own: bool,
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
///
/// With marks, where the token lets a CKA_ID be changed. Where it turns out that it does not, what was written is removed and the key is written once more without.
pub(super) fn persist(
    token: &Connection,
    draft: &Draft<'_>,
    old: Option<&Entry>,
    prove: impl Fn(&Written) -> Result<Verified, crate::Error>,
) -> Result<Persisted, crate::Error> {
    if let Some(old) = old {
        old.check_replaceable()?;
    }
    let writing = token.writes_key(draft.label, draft.id);
    let persisted = written(token, draft, old, prove)?;
    let objects = [Some(&persisted.main), persisted.public.as_ref(), persisted.certificate.as_ref()];
    let objects: Vec<_> = objects.into_iter().flatten().map(|record| Handle(record.handle)).collect();
    token.has_written(draft.label, writing.as_ref(), &objects);
    Ok(persisted)
}

fn written(
    token: &Connection,
    draft: &Draft<'_>,
    old: Option<&Entry>,
    prove: impl Fn(&Written) -> Result<Verified, crate::Error>,
) -> Result<Persisted, crate::Error> {
    if token.sets() {
        match with_marks(token, draft, old, &prove) {
            Ok(persisted) => return Ok(persisted),
            // A pair that stood on the token under its mark is gone with it, and is not made again.
            Err(Failure { is_unset: true, .. }) if old.is_none() && !draft.main.placed => {
                // What was added to this one key may be why.
                if draft.additions.is_empty() {
                    token.note_fixed_ids();
                }
            }
            Err(Failure { error, .. }) => return Err(error),
        }
    } else if old.is_some() {
        let what = "this token does not let an object's CKA_ID be changed, so that one key cannot take the place of another at once: delete the old one first";
        return Err(Error::Unsupported { what: what.to_owned(), ckr: None }.into());
    }
    without_marks(token, draft, &prove)
}

/// Why a key was not written, and whether all that the token refused was to change a CKA_ID, and nothing is left.
struct Failure {
    error: crate::Error,
    is_unset: bool,
}

impl<E: Into<crate::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), is_unset: false }
    }
}

/// The objects as they are to be, from the start. The private one first: cut short, it is a key, and one that was made in the session before where the token has such.
fn without_marks(
    token: &Token,
    draft: &Draft<'_>,
    prove: &impl Fn(&Written) -> Result<Verified, crate::Error>,
) -> Result<Persisted, crate::Error> {
    let mut written: Vec<Handle> = Vec::new();
    let outcome = write_main_first(token, draft, (Stage::Final, Stage::Final), &mut written).and_then(|placed| {
        let (main, public, certificate) = compare(token, draft, &placed, (Stage::Final, Stage::Final))?;
        let verified = prove(&placed)?;
        Ok(Persisted { main, public, certificate, copied: placed.copied, verified })
    });
    outcome.map_err(|error| undo(token, &written, error))
}

fn with_marks(
    token: &Token,
    draft: &Draft<'_>,
    old: Option<&Entry>,
    prove: &impl Fn(&Written) -> Result<Verified, crate::Error>,
) -> Result<Persisted, Failure> {
    let is_seen = draft.main.is_seen;
    // Alone under its name, the private object makes the key and needs no mark; beside an old key it must be told apart. One that was never in the session may be anything.
    let main_stage = if old.is_some() || !is_seen { Stage::Staged } else { Stage::Final };
    let stages = (main_stage, Stage::Staged);
    let mut written: Vec<Handle> = Vec::new();
    let placed = match is_seen {
        true => write(token, draft, main_stage, &mut written),
        false => write_main_first(token, draft, stages, &mut written),
    };
    let outcome = placed.and_then(|placed| {
        let (main, public, certificate) = compare(token, draft, &placed, stages)?;
        let verified = prove(&placed)?;
        Ok((placed, Persisted { main, public, certificate, copied: placed.copied, verified }))
    });
    let (placed, mut persisted) = match outcome {
        Ok(proven) => proven,
        Err(error) => return Err(undo(token, &written, error).into()),
    };
    if let Some(public) = placed.public.filter(|_| placed.is_own)
        && let Err(error) = adopt(token, public, draft)
    {
        return Err(undo(token, &written, error.into()).into());
    }
    // The last steps that can be taken back: what was on the token before is as it was.
    let marked_public = placed.public.filter(|_| !placed.is_own);
    let companions = [placed.certificate, marked_public].into_iter().flatten();
    let settled = match old {
        Some(old) => set_id(token, placed.main, &Stage::ready(draft.id, &old.identity())),
        None => {
            let marked = (main_stage == Stage::Staged).then_some(placed.main);
            companions.clone().chain(marked).try_for_each(|object| set_id(token, object, draft.id))
        }
    };
    if let Err(error) = settled {
        let is_refused = error.ckr().is_some_and(refusal::is_refusal);
        // CKA_MODIFIABLE false forbids the mark.
        let error = undo(token, &written, added::blame(draft.additions, error.into()));
        let is_gone = !matches!(error, crate::Error::Provider(Error::NotRemoved { .. }));
        return Err(Failure { error, is_unset: is_refused && is_gone });
    }
    if let Some(old) = old {
        let replaced = old.replaced_by(draft.id, placed.certificate.is_some()).map(|object| Handle(object.handle));
        let replaced: Vec<_> = replaced.collect();
        let (first, rest) = replaced.split_at(replaced.len().min(1));
        let replaced = match destroy_all(token, first.iter().copied()) {
            // As long as nothing of the old key is gone, it can stay; the token must have shown that.
            Err(error) if first.iter().all(|object| token.read(*object).is_ok()) => {
                return Err(undo(token, &written, error.into()).into());
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

/// Gives the token's own public object the name and the CKA_ID of its private one, as far as the token lets that be.
fn adopt(token: &Token, public: Handle, draft: &Draft<'_>) -> Result<(), token::Error> {
    let changes = Template::new().bytes(CKA_ID, draft.id).bytes(CKA_LABEL, draft.label.as_bytes());
    match token.set(public, &changes) {
        Err(error) if !error.ckr().is_some_and(refusal::is_refusal) => Err(error),
        _ => Ok(()),
    }
}

fn write(
    token: &Token,
    draft: &Draft<'_>,
    main_stage: Stage,
    written: &mut Vec<Handle>,
) -> Result<Written, crate::Error> {
    let mut copied = true;
    written.extend(draft.placed());
    let mut place = |source: &Source<'_>, class: Class, id: &[u8]| -> Result<Handle, crate::Error> {
        let (object, by_copy) = place(token, draft, source, (class, id), &[], written)?;
        copied &= by_copy;
        Ok(object)
    };
    let public = draft.public.as_ref();
    let public = public.map(|(source, _)| place(source, Class::Public, &Stage::staged(draft.id))).transpose()?;
    let certificate = draft.certificate.as_ref();
    let certificate =
        certificate.map(|source| place(source, Class::Certificate, &Stage::staged(draft.id))).transpose()?;
    let main = place(&draft.main, draft.class(), &main_stage.written(draft.id));
    let main = main.map_err(|error| added::blame(draft.additions, error))?;
    Ok(Written { main, public, is_own: false, certificate, copied })
}

/// The same with the private or secret object first, and no copy: where the public one may come with it.
fn write_main_first(
    token: &Token,
    draft: &Draft<'_>,
    (main_stage, stage): (Stage, Stage),
    written: &mut Vec<Handle>,
) -> Result<Written, crate::Error> {
    written.extend(draft.placed());
    let id = stage.written(draft.id);
    // What stood there before is somebody else's: without a mark it looks like what is written here.
    let mut others = Vec::new();
    if stage == Stage::Final {
        others.extend(look(token, draft, Class::Public, &id)?);
        others.extend(look(token, draft, Class::Certificate, &id)?);
    }
    if let Some((_, key)) = draft.public.as_ref().filter(|_| token.profile().own_publics || !draft.main.is_seen) {
        others.extend(publics_of(token, key)?);
    }
    let main = place(token, draft, &draft.main, (draft.class(), &main_stage.written(draft.id)), &[], written);
    let (main, _) = main.map_err(|error| added::blame(draft.additions, error))?;
    let public = match &draft.public {
        Some((source, key)) => public_beside(token, draft, (source, key), &id, &others, written)?,
        None => None,
    };
    let certificate = draft.certificate.as_ref();
    let certificate = certificate
        .map(|source| place(token, draft, source, (Class::Certificate, &id), &others, written))
        .transpose()?;
    let (public, is_own) = public.map_or((None, false), |(public, is_own)| (Some(public), is_own));
    Ok(Written { main, public, is_own, certificate: certificate.map(|(certificate, _)| certificate), copied: false })
}

/// The public objects of these numbers on the token.
fn publics_of(token: &Token, key: &PublicKey) -> Result<Vec<Handle>, token::Error> {
    let template = Template::new().flag(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_PUBLIC_KEY);
    let found = token.find_and_read(&template)?;
    Ok(found.iter().filter(|record| record.public.as_ref() == Some(key)).map(|record| Handle(record.handle)).collect())
}

/// The public object beside a private one: made, or, where the token has its own, that, which was not there before. Where it keeps no session objects it may refuse one, and have none.
fn public_beside(
    token: &Token,
    draft: &Draft<'_>,
    (source, key): (&Source<'_>, &PublicKey),
    id: &[u8],
    others: &[Handle],
    written: &mut Vec<Handle>,
) -> Result<Option<(Handle, bool)>, crate::Error> {
    if !token.profile().own_publics {
        match place(token, draft, source, (Class::Public, id), others, written) {
            Ok((object, _)) => return Ok(Some((object, false))),
            // A token without session objects may have public ones of its own.
            Err(error) if !draft.main.is_seen && error.ckr().is_some_and(refusal::is_refusal) => {}
            Err(error) => return Err(error),
        }
    }
    let own = publics_of(token, key)?.into_iter().find(|object| !others.contains(object));
    Ok(own.map(|object| (object, true)))
}

/// Puts one object onto the token. Whether it was a copy. None of `others` is it.
fn place(
    token: &Token,
    draft: &Draft<'_>,
    source: &Source<'_>,
    (class, id): (Class, &[u8]),
    others: &[Handle],
    written: &mut Vec<Handle>,
) -> Result<(Handle, bool), crate::Error> {
    let is_main = matches!(class, Class::Private | Class::Secret);
    let changes = draft.strict.clone().filter(|_| is_main);
    match onto_token(token, source, id, changes) {
        Ok((object, by_copy)) => {
            if !source.placed {
                written.push(object);
            }
            Ok((object, by_copy))
        }
        Err(error) => {
            // A token that reports a failure may have made the object all the same.
            let found = look(token, draft, class, id).map_err(|unknown| not_removed(&error, &unknown))?;
            let known = written.clone();
            written.extend(found.into_iter().filter(|object| !known.contains(object) && !others.contains(object)));
            Err(error)
        }
    }
}

/// Objects that can only come from this draft: a public one and every one beside an old key bears a mark, and no key had the name when a private
/// or secret one was to be alone under it.
fn look(token: &Token, draft: &Draft<'_>, class: Class, id: &[u8]) -> Result<Vec<Handle>, token::Error> {
    let template = Template::new().flag(CKA_TOKEN, true).bytes(CKA_LABEL, draft.label.as_bytes()).bytes(CKA_ID, id);
    let found = token.find_and_read(&template)?;
    Ok(found.iter().filter(|record| record.class == class).map(|record| Handle(record.handle)).collect())
}

/// Copies a session object onto the token; where the token refuses to copy, makes the object there. Whether it was a copy.
///
/// With changes the copy differs from the session object, which stays.
fn onto_token(
    token: &Token,
    source: &Source<'_>,
    id: &[u8],
    changes: Option<Template>,
) -> Result<(Handle, bool), crate::Error> {
    if let Some(object) = source.session.get().filter(|_| source.placed) {
        return Ok(set_id(token, object, id).map(|()| (object, false))?);
    }
    if let Some(session) = source.session.get().filter(|_| token.profile().copies) {
        let copied = changes.clone().unwrap_or_default().flag(CKA_TOKEN, true).bytes(CKA_ID, id);
        match token.copy(session, &copied) {
            Ok(object) => return Ok((object, true)),
            Err(error) if error.ckr().is_some_and(refusal::is_refusal) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Two objects with one CKA_ID are one too many for some.
    if changes.is_none() {
        source.session.destroy(token);
    }
    Ok(((source.remake)(id)?, false))
}

fn set_id(token: &Token, object: Handle, id: &[u8]) -> Result<(), token::Error> {
    token.set(object, &Template::new().bytes(CKA_ID, id))
}

/// Removes what an import wrote before it failed, last written first, and says so if that fails too: of one object that stays the others do not stay with it.
fn undo(token: &Token, written: &[Handle], cause: crate::Error) -> crate::Error {
    let failures = written.iter().rev().filter_map(|object| destroy_all(token, [*object]).err());
    match failures.reduce(|first, _| first) {
        None => cause,
        Some(error) => not_removed(&cause, &error),
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
