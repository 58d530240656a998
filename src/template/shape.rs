//! The shapes in which a token may want a template: what one demands, another forbids.
//!
//! Owns the few attributes that differ, and the order in which they are tried. A profile says which shape was seen to be right; where it says nothing the standard's comes
//! first. The tries are bounded: the bare template, each attribute that some token demands, all of them, and one without what some token forbids.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_ULONG, CKA_CLASS, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_KEY_TYPE,
    CKA_SENSITIVE, CKA_SIGN_RECOVER, CKA_VALUE_LEN, CKA_VERIFY, CKA_VERIFY_RECOVER, CKK_AES, CKK_EC,
    CKK_GENERIC_SECRET, CKO_PRIVATE_KEY,
};

use super::Template;
use super::profile::{CKA_NSS_DB, Profile};
use super::put::{ec_params, ec_point};
use crate::key::{Error, PrivateKey, PublicKey};

/// With which call an object is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Making {
    /// C_CreateObject, with the value.
    Create,
    /// C_UnwrapKey, without it.
    Unwrap,
}

/// An attribute that some tokens demand and others refuse, with its value for this key.
type Extra = (CK_ATTRIBUTE_TYPE, Vec<u8>);

/// What may have to stand in the template of a private key.
///
/// # Errors
/// [`Error`] for a curve that has no encoding.
pub fn extras_of_private(key: &PrivateKey, profile: &Profile, making: Making) -> Result<Vec<Extra>, Error> {
    let PrivateKey::Ec(key) = key else { return Ok(Vec::new()) };
    let mut extras = Vec::new();
    if making == Making::Unwrap {
        extras.push((CKA_EC_PARAMS, ec_params(key.curve())?));
    }
    if let Some(public) = key.public() {
        let point = public.to_point();
        if making == Making::Create {
            extras.push((CKA_EC_POINT, ec_point(&point)?));
        }
        // A vendor's attribute is for that vendor's tokens.
        if making == Making::Unwrap && profile.unwrap_wants.contains(&CKA_NSS_DB) {
            extras.push((CKA_NSS_DB, point));
        }
    }
    Ok(extras)
}

/// What may have to stand in the template of a secret key.
pub fn extras_of_secret(len: usize) -> Vec<Extra> {
    vec![(CKA_VALUE_LEN, (len as CK_ULONG).to_ne_bytes().to_vec())]
}

/// The template of a secret key of so many bytes that is unwrapped, in each of its shapes.
pub fn shapes_of_secret(base: &Template, len: usize, profile: &Profile) -> Vec<Template> {
    shapes(base, &extras_of_secret(len), profile, Making::Unwrap)
}

/// The template of a secret key with its length, on a token that wants it said to unwrap one, where it is known.
pub fn with_length(template: Template, bits: Option<u32>, profile: &Profile) -> Template {
    let is_measured = template
        .get(CKA_KEY_TYPE)
        .is_some_and(|value| [CKK_AES, CKK_GENERIC_SECRET].iter().any(|kind| **value == kind.to_ne_bytes()));
    match bits {
        Some(bits) if is_measured && profile.unwrap_wants.contains(&CKA_VALUE_LEN) => {
            template.ulong(CKA_VALUE_LEN, CK_ULONG::from(bits / 8))
        }
        _ => template,
    }
}

/// The template of an elliptic private key with its public point beside it, on a token that wants it there to unwrap one.
pub fn with_point(template: Template, public: &PublicKey, profile: &Profile) -> Template {
    match public {
        PublicKey::Ec(public) if profile.unwrap_wants.contains(&CKA_NSS_DB) => {
            template.bytes(CKA_NSS_DB, &public.to_point())
        }
        _ => template,
    }
}

/// Whether a template needs a public point that is not known before the key is unwrapped: NSS takes any for that, and the key signs.
pub fn lacks_point(template: &Template, profile: &Profile) -> bool {
    let is_elliptic = || template.get(CKA_KEY_TYPE).is_some_and(|value| **value == CKK_EC.to_ne_bytes());
    let is_private = || template.get(CKA_CLASS).is_some_and(|value| **value == CKO_PRIVATE_KEY.to_ne_bytes());
    profile.unwrap_wants.contains(&CKA_NSS_DB) && template.get(CKA_NSS_DB).is_none() && is_private() && is_elliptic()
}

/// The template with a point that is none, where it lacks one. What is unwrapped so is for finding out the true one, and is unwrapped again then.
pub fn with_any_point(template: &Template, profile: &Profile) -> Option<Template> {
    lacks_point(template, profile).then(|| template.clone().bytes(CKA_NSS_DB, &[4; 65]))
}

/// The template without what it says of leaving, on a token that refuses to be told that an unwrapped key may leave and lets every one leave. What comes of it is
/// compared with what was asked, like everything that is unwrapped.
pub fn for_unwrapping(template: &Template, profile: &Profile) -> Option<Template> {
    let leaves = template.get(CKA_EXTRACTABLE).is_some_and(|value| **value == [1]);
    (profile.unwraps_open && leaves).then(|| template.without(&[CKA_SENSITIVE, CKA_EXTRACTABLE]))
}

/// The public half's template of a pair to be made, and what is set on its object afterwards, where the token wants that.
pub fn counterparts(public: Template, profile: &Profile) -> (Template, Option<Template>) {
    let uses = [CKA_ENCRYPT, CKA_VERIFY];
    if !profile.counterparts_later {
        return (public, None);
    }
    let said = public.iter().filter(|(kind, _)| uses.contains(&kind.0));
    let later = said.fold(Template::new(), |template, (kind, value)| template.bytes(kind.0, value));
    (public.without(&uses), Some(later))
}

/// The template in each of its shapes, the one that fits this token best first.
pub fn shapes(base: &Template, extras: &[Extra], profile: &Profile, making: Making) -> Vec<Template> {
    let wanted = match making {
        Making::Create => profile.create_wants,
        Making::Unwrap => profile.unwrap_wants,
    };
    let with = |kinds: &[CK_ATTRIBUTE_TYPE]| {
        let added = extras.iter().filter(|(kind, _)| kinds.contains(kind));
        added.fold(base.clone(), |template, (kind, value)| template.bytes(*kind, value))
    };
    let all: Vec<_> = extras.iter().map(|(kind, _)| *kind).collect();
    let mut sets: Vec<Vec<CK_ATTRIBUTE_TYPE>> = Vec::new();
    let fitting: Vec<_> = all.iter().copied().filter(|kind| wanted.contains(kind)).collect();
    for set in [fitting, Vec::new()].into_iter().chain(all.iter().map(|kind| vec![*kind])).chain([all.clone()]) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    let mut shapes: Vec<_> = sets.iter().map(|set| with(set)).collect();
    let forbidden = [CKA_SIGN_RECOVER, CKA_VERIFY_RECOVER];
    if base.iter().any(|(kind, _)| forbidden.contains(&kind.0)) {
        let place = if profile.recovers { shapes.len() } else { 0 };
        shapes.insert(place, base.without(&forbidden));
    }
    shapes
}
