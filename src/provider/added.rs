//! Attributes that were added to a key: held against what the token made of them, read for `show`, and named where they may be why it refuses.
//!
//! Owns the reading back. A token may answer CKR_OK to an attribute and keep something else, or keep it and not tell: neither is what was asked, so both
//! fail. Whether a token that keeps an attribute also acts on it is not seen here: NSS keeps CKA_WRAP_WITH_TRUSTED, and ignores it.

use super::{Error, Key};
use crate::status::Ckr;
use crate::template::attribute::shown;
use crate::template::{Addition, Additions, AttributeType, Value};
use crate::token::{self, Handle, Token, refusal};
use crate::wrap;

/// Holds an object against the attributes that were added to it.
pub(super) fn check(token: &Token, object: Handle, additions: &Additions) -> Result<(), crate::Error> {
    for asked in additions.iter() {
        let (found, ckr) = match read(token, object, asked) {
            Ok(Some(found)) if found.equals(asked) => continue,
            Ok(found) => (found.map(|found| found.text()), None),
            Err(error) if error.ckr().is_some_and(refusal::is_about_session) => return Err(error.into()),
            // p11-kit's client answers CKR_DEVICE_ERROR to what it does not carry.
            Err(error) => (None, error.ckr()),
        };
        let (attribute, asked) = (asked.kind().to_string(), asked.text());
        return Err(Error::AttributeNotKept { attribute, asked, found, ckr }.into());
    }
    Ok(())
}

/// The attribute as the object has it, in the form of the one that was asked for.
fn read(token: &Token, object: Handle, asked: &Addition) -> Result<Option<Addition>, token::Error> {
    let kind = asked.kind();
    let Value::Nested(inside) = asked.value() else {
        let room = asked.bytes().map_or(0, |bytes| bytes.len());
        let values = token.attributes(object, &[(kind.0, room.max(8))])?;
        return Ok(values.into_iter().next().flatten().map(|bytes| asked.with_bytes(&bytes)));
    };
    let found = token.attribute_array(object, kind.0)?;
    Ok(found.map(|found| {
        let found = found.into_iter().map(|(kind, bytes)| {
            let asked = inside.iter().find(|asked| asked.kind().0 == kind);
            asked.map_or_else(|| Addition::of_object(AttributeType(kind), &bytes), |asked| asked.with_bytes(&bytes))
        });
        Addition::nesting(kind, found.collect())
    }))
}

/// A refusal of an object that has added attributes: they may be why.
pub(super) fn blame(additions: &Additions, error: crate::Error) -> crate::Error {
    // Behind an RSA decryption all refusals are one; that the key could be opened was shown before without what is added.
    let is_one = match &error {
        crate::Error::Wrap(wrap::Error::Integrity) => true,
        crate::Error::Wrap(wrap::Error::NoRoute { tried, .. }) => {
            tried.iter().any(|tried| tried.ckr.is_some_and(may_be_about_one))
        }
        // Made there and not copied; where the token has no such keys at all, it has said so.
        crate::Error::Provider(Error::Unsupported { ckr: None, .. }) => true,
        crate::Error::Token(_) | crate::Error::Wrap(_) => error.ckr().is_some_and(may_be_about_one),
        _ => false,
    };
    if additions.is_empty() || !is_one {
        return error;
    }
    Error::AttributesRefused { attributes: additions.names(), cause: error.to_string(), ckr: error.ckr() }.into()
}

/// What tokens answer to an attribute that they do not know, do not take, or cannot carry.
fn may_be_about_one(ckr: Ckr) -> bool {
    refusal::is_about_shape(ckr)
        || matches!(
            ckr,
            Ckr::ACTION_PROHIBITED
                | Ckr::ARGUMENTS_BAD
                | Ckr::ATTRIBUTE_VALUE_INVALID
                | Ckr::DEVICE_ERROR
                | Ckr::FUNCTION_FAILED
                | Ckr::GENERAL_ERROR
        )
}

/// What stands on an object of what may be added, and is not what it is on every object. What the token does not tell is left out.
pub(super) fn standing_on(token: &Token, object: Handle) -> Additions {
    let (plain, nested) = shown();
    let mut found = Vec::new();
    for (kind, room) in plain {
        // One by one: where one cannot be carried, the others can.
        let values = token.attributes(object, &[(kind, room)]).unwrap_or_default();
        let value = values.into_iter().next().flatten();
        found.extend(value.map(|bytes| Addition::of_object(AttributeType(kind), &bytes)));
    }
    for kind in nested {
        if let Ok(Some(inside)) = token.attribute_array(object, kind) {
            let inside = inside.iter().map(|(kind, bytes)| Addition::of_object(AttributeType(*kind), bytes));
            found.push(Addition::nesting(AttributeType(kind), inside.collect()));
        }
    }
    found.retain(Addition::is_unusual);
    Additions::standing(found)
}

impl Key {
    /// The attributes of the private or the secret object that nobody has to set, and that are not what they are on every key:
    /// CKA_ALLOWED_MECHANISMS, CKA_WRAP_WITH_TRUSTED, templates, dates. What the token does not tell is left out.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` before finalize.
    pub fn additions(&self) -> Result<Additions, crate::Error> {
        let object = self.finalized()?.secret_part();
        Ok(object.map(|object| standing_on(&self.token, object)).unwrap_or_default())
    }
}
