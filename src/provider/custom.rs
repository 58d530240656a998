//! Properties of the caller's own: any name, any bytes.
//!
//! Of a key that is pending or has no name they are kept with its handle. Of a key on the token they are CKO_DATA objects beside it, which its user alone sees: CKA_LABEL is the
//! key's, so that they are found with it, and CKA_APPLICATION says whose they are.
//!
//! | CKA_APPLICATION | |
//! |---|---|
//! | `cng11:property:` CKA_ID in hexadecimal `:` name | a property of the caller's own |
//! | `cng11:ui-policy:` CKA_ID in hexadecimal `:` | the built-in `UI Policy` |
//!
//! | offset in CKA_VALUE | size | field |
//! |---|---|---|
//! | 0 | 8 | `cng11p1` and a zero byte |
//! | 8 | 4 LE | the generation: of several objects of one name the highest counts |
//! | 12 | 20 | CKA_ID as it follows from the key's public half, or zeros where that is not known |
//! | 32 | 4 LE | the length of what follows |
//! | 36 | | the value |
//!
//! A value is replaced by writing its successor, reading that back, and removing the old one: killed in between, the old one or the new one counts. An object that was torn
//! does not have the length that it says. What another program leaves behind when it deletes a key is not shown for a key with another CKA_ID or another public half, and is
//! removed by the next import under that name; a symmetric key of another program under the same name and CKA_ID cannot be told apart.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use super::connection::Connection;
use super::finalize::Finalizer;
use super::persist::{destroy_all, not_removed};
use super::property::{Held, PropertyValue, absent, names, unknown};
use super::{Error, Key, Ready, State, StorageProvider};
use crate::asn1;
use crate::hex;
use crate::key::PublicKey;
use crate::template::Template;
use crate::template::attribute::{CKA_APPLICATION, CKA_CLASS, CKA_LABEL, CKA_PRIVATE, CKA_TOKEN, CKA_VALUE, CKO_DATA};
use crate::token::{self, Handle, Token};

const MAGIC: &[u8; 8] = b"cng11p1\0";
const HEADER: usize = 36;
const OURS: &str = "cng11:";
const PROPERTY: &str = "cng11:property:";
const UI_POLICY: &str = "cng11:ui-policy:";

/// Properties that are kept with a handle.
#[derive(Clone, Default)]
pub(super) struct Custom(Vec<(String, Vec<u8>)>);

impl Custom {
    fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    fn set(&mut self, name: &str, value: &[u8]) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, place)) => *place = value.to_vec(),
            None => self.0.push((name.to_owned(), value.to_vec())),
        }
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Which property an object holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Slot<S> {
    Custom(S),
    UiPolicy,
}

impl<S: AsRef<str>> Slot<S> {
    /// The property's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Custom(name) => name.as_ref(),
            Self::UiPolicy => names::UI_POLICY,
        }
    }

    fn borrowed(&self) -> Slot<&str> {
        match self {
            Self::Custom(name) => Slot::Custom(name.as_ref()),
            Self::UiPolicy => Slot::UiPolicy,
        }
    }
}

/// What stands beside a key.
type Beside = Vec<(Slot<String>, Vec<u8>)>;

/// Whose property it is.
#[derive(Clone, Copy)]
struct Owner<'a> {
    label: &'a str,
    id: &'a [u8],
    public: Option<&'a PublicKey>,
}

impl Owner<'_> {
    fn application(self, slot: Slot<&str>) -> String {
        let id = hex::encode(self.id);
        match slot {
            Slot::Custom(name) => format!("{PROPERTY}{id}:{name}"),
            Slot::UiPolicy => format!("{UI_POLICY}{id}:"),
        }
    }

    /// The slot that an object of this owner fills.
    fn slot(self, application: &str) -> Option<Slot<&str>> {
        let prefix = self.application(Slot::Custom(""));
        match application.strip_prefix(&prefix) {
            Some(name) => Some(Slot::Custom(name)),
            None => (application == self.application(Slot::UiPolicy)).then_some(Slot::UiPolicy),
        }
    }

    fn fingerprint(self) -> Result<[u8; 20], crate::Error> {
        Ok(match self.public {
            Some(public) => asn1::spki::key_id(public)?,
            None => [0; 20],
        })
    }
}

/// An object as it was found.
struct Found {
    object: Handle,
    application: String,
    /// Generation and value; `None` of one that is torn, or of a key with another public half.
    value: Option<(u32, Vec<u8>)>,
}

fn read(token: &Token, object: Handle, fingerprint: Option<&[u8; 20]>) -> Result<Option<Found>, token::Error> {
    let values = token.attributes(object, &[(CKA_APPLICATION, 640), (CKA_VALUE, 1024)])?;
    let mut values = values.into_iter();
    let application = values.next().flatten().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let Some(application) = application.filter(|application| application.starts_with(OURS)) else { return Ok(None) };
    let value = values.next().flatten().and_then(|bytes| {
        let (header, value) = bytes.split_at_checked(HEADER)?;
        let (magic, rest) = header.split_first_chunk::<8>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (of, length) = rest.split_first_chunk::<20>()?;
        let length = u32::from_le_bytes(length.try_into().ok()?);
        let is_whole = magic == MAGIC && length as usize == value.len();
        let is_its = fingerprint.is_none_or(|known| of == known || *known == [0; 20] || *of == [0; 20]);
        (is_whole && is_its).then(|| (u32::from_le_bytes(*generation), value.to_vec()))
    });
    Ok(Some(Found { object, application, value }))
}

/// What stands beside the key, ours and whole or torn, of one property or of all: one search, and one call for each that is found.
fn all(token: &Token, owner: Owner<'_>, slot: Option<Slot<&str>>) -> Result<Vec<Found>, crate::Error> {
    let fingerprint = owner.fingerprint()?;
    let template =
        Template::new().flag(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_DATA).bytes(CKA_LABEL, owner.label.as_bytes());
    let template = match slot {
        Some(slot) => template.bytes(CKA_APPLICATION, owner.application(slot).as_bytes()),
        None => template,
    };
    let mut found = Vec::new();
    for object in token.find(&template)? {
        let own = read(token, object, Some(&fingerprint))?;
        found.extend(own.filter(|found| owner.slot(&found.application).is_some()));
    }
    Ok(found)
}

/// The value that counts.
fn newest(found: &[Found], application: &str) -> Option<Vec<u8>> {
    let same = found.iter().filter(|found| found.application == application);
    same.filter_map(|found| found.value.as_ref())
        .max_by_key(|(generation, _)| *generation)
        .map(|(_, value)| value.clone())
}

/// Writes a value: the new object, and those that it takes the place of.
fn write(
    token: &Connection,
    owner: Owner<'_>,
    slot: Slot<&str>,
    value: &[u8],
) -> Result<(Handle, Vec<Handle>), crate::Error> {
    token.writes(owner.label);
    let application = owner.application(slot);
    let old = all(token, owner, Some(slot))?;
    let generation = old.iter().filter_map(|found| found.value.as_ref()).map(|(generation, _)| *generation).max();
    let generation = generation.unwrap_or(0).saturating_add(1);
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let bytes = [&MAGIC[..], &generation.to_le_bytes(), &owner.fingerprint()?, &length.to_le_bytes(), value].concat();
    let template = Template::new()
        .ulong(CKA_CLASS, CKO_DATA)
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, true)
        .bytes(CKA_LABEL, owner.label.as_bytes())
        .bytes(CKA_APPLICATION, application.as_bytes())
        .bytes(CKA_VALUE, &bytes);
    let is_old = |object: Handle| old.iter().any(|found| found.object == object);
    let made = match token.create(&template) {
        Ok(made) => made,
        Err(error) => {
            // It may have made it all the same, or half of it.
            let ours = |found: &Found| !is_old(found.object);
            let left = all(token, owner, Some(slot)).and_then(|found| {
                let left = found.iter().filter(|found| ours(found)).map(|found| found.object);
                Ok(destroy_all(token, left)?)
            });
            let error = crate::Error::from(error);
            return match left {
                Ok(()) => Err(error),
                Err(crate::Error::Token(left)) => Err(not_removed(&error, &left)),
                Err(_) => Err(error),
            };
        }
    };
    let kept = read(token, made, None)?.and_then(|found| found.value);
    if kept.is_none_or(|kept| kept != (generation, value.to_vec())) {
        let error = Error::NotHonoured { what: "another value of a property".to_owned() }.into();
        return Err(match destroy_all(token, [made]) {
            Ok(()) => error,
            Err(left) => not_removed(&error, &left),
        });
    }
    Ok((made, old.iter().map(|found| found.object).collect()))
}

/// Of data objects, those that are properties written here; with a CKA_ID, of that key alone.
pub(super) fn ours(token: &Token, objects: &[Handle], id: Option<&[u8]>) -> Result<Vec<Handle>, crate::Error> {
    let mut ours = Vec::new();
    for object in objects {
        let Some(found) = read(token, *object, None)? else { continue };
        if id.is_none_or(|id| Owner { label: "", id, public: None }.slot(&found.application).is_some()) {
            ours.push(*object);
        }
    }
    Ok(ours)
}

impl Finalizer<'_> {
    /// Writes what was set on the pending key. It counts from when the key does; until then `written` says what is to be removed again.
    pub(super) fn write_properties(
        &self,
        id: &[u8],
        public: Option<&PublicKey>,
        written: &RefCell<Vec<Handle>>,
    ) -> Result<(), crate::Error> {
        // A key that is written twice, because the token takes no marks, has them once.
        if !written.borrow().is_empty() {
            return Ok(());
        }
        let label = self.label();
        let owner = Owner { label: &label, id, public };
        let ui = self.held.ui_policy.iter().map(|policy| (Slot::UiPolicy, policy));
        let custom = self.held.custom.0.iter().map(|(name, value)| (Slot::Custom(name.as_str()), value));
        for (slot, value) in ui.chain(custom) {
            // What it replaces is a property of the key that has the name until this one has it.
            let (made, _) = write(self.token, owner, slot, value)?;
            written.borrow_mut().push(made);
        }
        Ok(())
    }
}

/// The names of keys beside which properties stand.
#[derive(Debug, Default)]
pub(crate) struct Described {
    names: HashSet<String>,
    /// There is one of which nobody can tell.
    is_any: bool,
}

impl Described {
    /// Each key is asked.
    pub(crate) fn any() -> Self {
        Self { is_any: true, ..Self::default() }
    }

    /// Whether properties may stand beside a key of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.is_any || self.names.contains(name)
    }
}

impl StorageProvider {
    /// Beside which keys properties stand: one search, and one call for each data object.
    ///
    /// # Errors
    /// A search that fails, a token that is lost. An object that cannot be read may be anybody's: then each key must be asked for its own.
    pub(crate) fn described(&self) -> Result<Described, crate::Error> {
        let mut described = Described::default();
        for object in self.token.find(&Template::new().flag(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_DATA))? {
            let values = match self.token.attributes(object, &[(CKA_APPLICATION, 640), (CKA_LABEL, 1024)]) {
                Ok(values) => values,
                Err(error) => {
                    let error = error.into();
                    if self.has_lost(&error) {
                        return Err(error);
                    }
                    described.is_any = true;
                    continue;
                }
            };
            let mut texts =
                values.into_iter().map(|value| String::from_utf8_lossy(&value.unwrap_or_default()).into_owned());
            if texts.next().is_some_and(|application| application.starts_with(OURS)) {
                described.names.extend(texts.next());
            }
        }
        Ok(described)
    }
}

fn owner(ready: &Ready) -> Owner<'_> {
    Owner { label: &ready.label, id: &ready.id, public: ready.public.as_ref() }
}

impl Key {
    /// Whether properties of this key go onto the token.
    fn keeps_on_token(&self) -> Option<&Ready> {
        match &self.state {
            State::Ready(ready) if !ready.ephemeral && !ready.hidden => Some(ready),
            _ => None,
        }
    }

    /// A property of the caller's own, if there is one.
    pub(super) fn custom(&self, name: &str) -> Result<Option<PropertyValue>, crate::Error> {
        let value = match self.keeps_on_token() {
            Some(ready) => {
                let owner = owner(ready);
                newest(&all(&self.token, owner, Some(Slot::Custom(name)))?, &owner.application(Slot::Custom(name)))
            }
            None => self.held.custom.get(name).map(<[u8]>::to_vec),
        };
        Ok(value.map(PropertyValue::Bytes))
    }

    /// Sets a property of the caller's own.
    pub(super) fn set_custom(&mut self, name: &str, value: &[u8]) -> Result<(), crate::Error> {
        self.give(&Slot::Custom(name), value)
    }

    /// Gives the key what stood beside another one, or is set by its user. `UI Policy` too, which nobody sets on a key that is finalized.
    pub(crate) fn give(&mut self, slot: &Slot<impl AsRef<str>>, value: &[u8]) -> Result<(), crate::Error> {
        let is_on_token = matches!(&self.state, State::Ready(ready) if !ready.ephemeral);
        if is_on_token {
            self.token.check_changes()?;
        }
        let Some(ready) = self.keeps_on_token() else {
            match slot {
                Slot::Custom(name) => self.held.custom.set(name.as_ref(), value),
                Slot::UiPolicy => self.held.ui_policy = Some(value.to_vec()),
            }
            return Ok(());
        };
        let (_, old) = write(&self.token, owner(ready), slot.borrowed(), value)?;
        // The new one counts; an old one that stays goes with the next change, or with the key.
        let _ = destroy_all(&self.token, old);
        Ok(())
    }

    /// The `UI Policy` that was set before finalize.
    pub(super) fn ui_policy(&self) -> Result<PropertyValue, crate::Error> {
        let value = match self.keeps_on_token() {
            Some(ready) => {
                let owner = owner(ready);
                newest(&all(&self.token, owner, Some(Slot::UiPolicy))?, &owner.application(Slot::UiPolicy))
            }
            None => self.held.ui_policy.clone(),
        };
        Ok(PropertyValue::Bytes(value.ok_or_else(|| absent(names::UI_POLICY))?))
    }

    /// The properties of the caller's own, by name. Of a key on the token: one search, and one call for each.
    ///
    /// # Errors
    /// What the token says.
    pub fn custom_properties(&self) -> Result<Vec<(String, Vec<u8>)>, crate::Error> {
        let beside = self.beside()?.into_iter();
        let mut properties: Vec<_> = beside
            .filter_map(|(slot, value)| match slot {
                Slot::Custom(name) => Some((name, value)),
                Slot::UiPolicy => None,
            })
            .collect();
        properties.sort();
        Ok(properties)
    }

    /// All that stands beside the key: as many calls.
    pub(crate) fn beside(&self) -> Result<Beside, crate::Error> {
        let Some(ready) = self.keeps_on_token() else {
            let custom = self.held.custom.0.iter().map(|(name, value)| (Slot::Custom(name.clone()), value.clone()));
            return Ok(custom.chain(self.held.ui_policy.clone().map(|policy| (Slot::UiPolicy, policy))).collect());
        };
        let owner = owner(ready);
        let found = all(&self.token, owner, None)?;
        let mut beside = Beside::new();
        for one in &found {
            let Some(slot) = owner.slot(&one.application) else { continue };
            if beside.iter().all(|(known, _)| known.borrowed() != slot)
                && let Some(value) = newest(&found, &one.application)
            {
                let slot = match slot {
                    Slot::Custom(name) => Slot::Custom(name.to_owned()),
                    Slot::UiPolicy => Slot::UiPolicy,
                };
                beside.push((slot, value));
            }
        }
        Ok(beside)
    }

    /// What a name that is not built in stands for.
    pub(super) fn custom_or_unknown(&self, name: &str) -> Result<PropertyValue, crate::Error> {
        Ok(self.custom(name)?.ok_or_else(|| unknown(name))?)
    }
}

impl Held {
    /// Whether anything was said that stands beside a key.
    pub(super) fn has_properties(&self) -> bool {
        self.ui_policy.is_some() || !self.custom.0.is_empty()
    }

    /// What was said before finalize is on the token from then on.
    pub(super) fn forget_properties(&mut self) {
        self.custom = Custom::default();
        self.ui_policy = None;
    }
}
