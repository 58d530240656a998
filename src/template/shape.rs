//! The shapes in which a token may want a template: what one demands, another forbids.
//!
//! Owns the few attributes that differ, and the order in which they are tried. A profile says which shape was seen to be right; where it says nothing the standard's comes
//! first. The tries are bounded: the bare template, each attribute that some token demands, all of them, one without the recover flags, one without the flags of uses that this
//! kind of key never has, and one without any flag that is false. What a token grants where nothing is said is read back afterwards, taken away or refused.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_ULONG, CKA_CLASS, CKA_DECRYPT, CKA_DERIVE, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ENCRYPT,
    CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP, CKA_VALUE_LEN,
    CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKK_AES, CKK_EC, CKK_EC_MONTGOMERY, CKK_GENERIC_SECRET, CKO_PRIVATE_KEY,
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
    let fitted = with(sets.first().map(Vec::as_slice).unwrap_or_default());
    let shapes: Vec<_> = sets.iter().map(|set| with(set)).collect();
    let (fewer, first) = fewer_flags(&fitted, profile);
    if first { fewer.into_iter().chain(shapes).collect() } else { shapes.into_iter().chain(fewer).collect() }
}

/// The template of a public object in each of its shapes: an object that is not to be private may be one.
pub fn shapes_of_public(base: &Template, profile: &Profile) -> Vec<Template> {
    let (fewer, first) = fewer_flags(base, profile);
    let open: Vec<_> = if first {
        fewer.into_iter().chain([base.clone()]).collect()
    } else {
        [base.clone()].into_iter().chain(fewer).collect()
    };
    let private: Vec<_> = open.iter().map(|template| template.clone().flag(CKA_PRIVATE, true)).collect();
    if profile.private_publics {
        private.into_iter().chain(open).collect()
    } else {
        open.into_iter().chain(private).collect()
    }
}

/// The templates of a pair that is made on the token, in each of their shapes. One alone, where every flag is known to be taken.
pub fn shapes_of_pair(public: &Template, private: &Template, profile: &Profile) -> Vec<(Template, Template)> {
    if profile.other_uses == Some(true) {
        return vec![(public.clone(), private.clone())];
    }
    let privates = shapes(private, &[], profile, Making::Create);
    let publics = shapes_of_public(public, profile);
    // The public ones are there twice, with and without CKA_PRIVATE.
    let halves = publics.chunks(publics.len().div_ceil(2).max(1));
    let beside = |publics: &[Template]| -> Vec<(Template, Template)> {
        let last = privates.len().saturating_sub(1);
        let fitting = |place: usize| privates.get(place.min(last)).cloned().unwrap_or_default();
        publics.iter().enumerate().map(|(place, public)| (public.clone(), fitting(place))).collect()
    };
    halves.flat_map(beside).collect()
}

/// The template of a key that came wrapped, whatever it is, in each of its shapes. One alone, where every flag is known to be taken.
pub fn shapes_of_wrapped(template: &Template, profile: &Profile) -> Vec<Template> {
    match profile.other_uses {
        Some(true) => vec![template.clone()],
        _ => shapes(template, &[], profile, Making::Unwrap),
    }
}

/// The template with ever fewer flags that are false, and whether this token wants it so.
fn fewer_flags(base: &Template, profile: &Profile) -> (Vec<Template>, bool) {
    const RECOVER: &[CK_ATTRIBUTE_TYPE] = &[CKA_SIGN_RECOVER, CKA_VERIFY_RECOVER];
    let fitting = [RECOVER, other_uses(base)].concat();
    let orders: Vec<&[CK_ATTRIBUTE_TYPE]> = match profile.other_uses {
        Some(true) => vec![RECOVER],
        Some(false) => vec![&fitting, RECOVER, EVERY_USE],
        None => vec![RECOVER, &fitting, EVERY_USE],
    };
    let mut fewer: Vec<Template> = Vec::new();
    for kinds in orders {
        let is_false = |kind: &CK_ATTRIBUTE_TYPE| base.get(*kind).is_some_and(|value| **value == [0]);
        let left_out: Vec<_> = kinds.iter().copied().filter(is_false).collect();
        let shape = base.without(&left_out);
        // Each leaves out more than the other: as many attributes are the same ones.
        if shape.len() < base.len() && fewer.iter().all(|known| known.len() != shape.len()) {
            fewer.push(shape);
        }
    }
    (fewer, !profile.recovers || profile.other_uses == Some(false))
}

const EVERY_USE: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_DECRYPT,
    CKA_DERIVE,
    CKA_ENCRYPT,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_UNWRAP,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_WRAP,
];

/// The flags of uses that this kind of key never has.
fn other_uses(template: &Template) -> &'static [CK_ATTRIBUTE_TYPE] {
    let is = |kinds: &[CK_ULONG]| {
        template.get(CKA_KEY_TYPE).is_some_and(|value| kinds.iter().any(|kind| **value == kind.to_ne_bytes()))
    };
    if is(&[CKK_EC, CKK_EC_MONTGOMERY, CKK_GENERIC_SECRET]) {
        &[CKA_DECRYPT, CKA_ENCRYPT, CKA_UNWRAP, CKA_WRAP]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{ExportPolicy, KeyUsage};
    use crate::template::Additions;
    use crate::template::put::{self, Attributes, PrivateKind};
    use cryptoki_sys::CKA_TOKEN;

    fn elliptic(usage: KeyUsage) -> Template {
        let (policy, more) = (ExportPolicy::NONE, Additions::NONE);
        let attributes = Attributes { label: "", id: b"", token: false, policy, usage, more };
        put::private_shell(PrivateKind::Ec, &attributes)
    }

    fn has(template: &Template, kinds: &[CK_ATTRIBUTE_TYPE]) -> bool {
        kinds.iter().any(|kind| template.get(*kind).is_some())
    }

    #[test]
    fn a_token_that_wants_no_flag_of_other_uses_gets_that_template_first() {
        let profile = Profile::find("Marvell Semiconductors, Inc.", "", "label", (0, 0));
        let shapes = shapes(&elliptic(KeyUsage::SIGN), &[], profile, Making::Create);
        let first = shapes.first().unwrap();
        assert!(!has(first, &[CKA_DECRYPT, CKA_UNWRAP, CKA_SIGN_RECOVER]));
        assert!(has(first, &[CKA_SIGN]) && has(first, &[CKA_DERIVE]) && has(first, &[CKA_TOKEN]));
    }

    #[test]
    fn a_token_that_nothing_is_known_of_gets_everything_first_and_is_tried_a_few_times() {
        let base = elliptic(KeyUsage::SIGN);
        let shapes = shapes(&base, &[], &Profile::UNKNOWN, Making::Create);
        assert_eq!(shapes.first().map(Template::len), Some(base.len()));
        assert!(shapes.len() <= 4, "{}", shapes.len());
        let last = shapes.last().unwrap();
        // No flag that is true is ever left out.
        assert!(has(last, &[CKA_SIGN]) && !has(last, &[CKA_DERIVE, CKA_DECRYPT]));
        let known = Profile::find("SoftHSM project", "SoftHSM v2", "label", (2, 6));
        assert_eq!(shapes_of_wrapped(&base, known).len(), 1);
    }
}
