//! Why a token refuses a template: the attribute at fault, found by trying, and what that means on this token.
//!
//! Owns the tries ([`find`]) and what comes of them ([`Explanation`]). Tries are session objects, each destroyed at once, and no more than [`MOST`] of them: the template without each attribute that may
//! be left out, with each flag the other way round, and then from the bare key upwards. What a return value means on a token, and the cure, is its profile's ([`saying`](crate::template::profile::saying)).
//! Nothing is tried where an answer could tell something of a wrapped key that must not be told: there the refusal has no return value.

use std::sync::{Mutex, PoisonError};

use super::finalize::Finalizer;
use super::pending::Material;
use crate::status::Ckr;
use crate::template::attribute::{
    CKA_CLASS, CKA_COEFFICIENT, CKA_EC_PARAMS, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_EXTRACTABLE, CKA_KEY_TYPE,
    CKA_MODULUS, CKA_MODULUS_BITS, CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE, CKA_PRIVATE_EXPONENT, CKA_PUBLIC_EXPONENT,
    CKA_SENSITIVE, CKA_TOKEN, CKA_VALUE, owner,
};
use crate::template::profile::Profile;
use crate::template::{AttributeType, Template};
use crate::token::{Handle, refusal};
use crate::wrap::Temporary;

/// The most tries for one refusal.
const MOST: usize = 64;

/// What makes the key what it is: without these there is nothing to try.
const KEY: &[u64] = &[
    CKA_CLASS,
    CKA_KEY_TYPE,
    CKA_TOKEN,
    CKA_VALUE,
    CKA_MODULUS,
    CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT,
    CKA_PRIVATE_EXPONENT,
    CKA_PRIME_1,
    CKA_PRIME_2,
    CKA_EXPONENT_1,
    CKA_EXPONENT_2,
    CKA_COEFFICIENT,
    CKA_EC_PARAMS,
];

/// Why a call was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The call.
    pub call: &'static str,
    /// What it returned.
    pub ckr: Ckr,
    /// The attributes at fault; none, if no attribute that may be left out is.
    pub attributes: Vec<AttributeType>,
    /// What the return value means on this token.
    pub means: String,
    /// What to do.
    pub cure: String,
    /// How many session objects were tried.
    pub tries: usize,
}

impl Explanation {
    /// In a sentence.
    pub fn text(&self) -> String {
        let names: Vec<_> = self.attributes.iter().map(ToString::to_string).collect();
        let fault = match names.len() {
            0 => "no attribute that can be left out is at fault".to_owned(),
            1 => format!("at fault is {}", names.join("")),
            _ => format!("at fault are {}", names.join(", ")),
        };
        format!(
            "{} answers {}: {fault}. {}. Cure: {} ({} tries)",
            self.call, self.ckr, self.means, self.cure, self.tries
        )
    }
}

/// The explanations of one import or generation, if they were asked for.
pub(super) type Explanations = Option<Mutex<Vec<Explanation>>>;

/// What was found so far.
pub(super) fn found(explanations: &Explanations) -> Vec<Explanation> {
    let found = explanations.as_ref().map(|found| found.lock().unwrap_or_else(PoisonError::into_inner).clone());
    found.unwrap_or_default()
}

impl Finalizer<'_> {
    /// Finds out why a template was refused, if that was asked for and the answer is about the template. `attempt` makes a session object of a template.
    pub(super) fn find_fault(
        &self,
        call: &'static str,
        template: &Template,
        ckr: Option<Ckr>,
        attempt: impl Fn(&Template) -> Result<Handle, crate::Error>,
    ) {
        let (Some(explanations), Some(ckr)) = (&self.pending.explanations, ckr) else { return };
        // That it has no such curve is a refusal too; another route is not tried after it.
        let is_curve = matches!(ckr, Ckr::CURVE_NOT_SUPPORTED | Ckr::DOMAIN_PARAMS_INVALID);
        if !is_curve && !refusal::is_refusal(ckr) && !refusal::is_about_kind(ckr) {
            return;
        }
        // What came wrapped is never tried with more rights than it is to have.
        let is_clear = !self.pending.came_wrapped && !matches!(self.pending.material, Material::Wrapped { .. });
        let (attributes, tries) = find(template, is_clear, |template| match attempt(template) {
            Ok(object) => {
                drop(Temporary::new(self.token, object));
                Some(true)
            }
            Err(error) if error.ckr().is_some_and(refusal::is_about_session) => None,
            Err(_) => Some(false),
        });
        let explanation = explained(self.token.profile(), call, ckr, attributes, tries);
        explanations.lock().unwrap_or_else(PoisonError::into_inner).push(explanation);
    }
}

/// The attributes without which, or with the other value of which, the template is taken; and the number of tries. `is_taken` tells nothing when the token
/// cannot be asked any more.
fn find(
    template: &Template,
    may_weaken: bool,
    is_taken: impl Fn(&Template) -> Option<bool>,
) -> (Vec<AttributeType>, usize) {
    let tries = std::cell::Cell::new(0);
    let try_one = |template: &Template| {
        if tries.get() >= MOST {
            return None;
        }
        tries.set(tries.get() + 1);
        is_taken(template)
    };
    let at_fault = at_fault(template, may_weaken, &try_one).unwrap_or_default();
    (at_fault, tries.get())
}

/// `None` where the tries ended before anything was found.
fn at_fault(
    template: &Template,
    may_weaken: bool,
    try_one: &dyn Fn(&Template) -> Option<bool>,
) -> Option<Vec<AttributeType>> {
    let says = |kind: u64, flag: u8| template.get(kind).is_some_and(|value| value[..] == [flag]);
    let protects = |kind: u64| {
        matches!(kind, CKA_SENSITIVE | CKA_PRIVATE) && says(kind, 1) || kind == CKA_EXTRACTABLE && says(kind, 0)
    };
    // What was added last is the likeliest.
    let nested = template.iter_nested().map(|(kind, _)| kind);
    let plain = template.iter().map(|(kind, _)| kind).filter(|kind| !KEY.contains(&kind.0));
    let mut loose: Vec<AttributeType> = plain.chain(nested).filter(|kind| may_weaken || !protects(kind.0)).collect();
    loose.reverse();
    for kind in &loose {
        if try_one(&template.without(&[kind.0]))? {
            return Some(vec![*kind]);
        }
    }
    for kind in &loose {
        let Some([flag]) = template.get(kind.0).map(|value| &value[..]) else { continue };
        if try_one(&template.clone().flag(kind.0, *flag == 0))? {
            return Some(vec![*kind]);
        }
    }
    let all: Vec<u64> = loose.iter().map(|kind| kind.0).collect();
    let mut kept = template.without(&all);
    if loose.len() < 2 || !try_one(&kept)? {
        return Some(Vec::new());
    }
    // Several together: those that the bare key does not bear.
    let mut faults = Vec::new();
    for kind in loose.iter().rev() {
        let others: Vec<u64> = all.iter().copied().filter(|other| *other != kind.0).collect();
        let only = template.without(&others);
        let more = match (only.get(kind.0), only.iter_nested().find(|(known, _)| known == kind)) {
            (Some(value), _) => kept.clone().secret(kind.0, value.clone()),
            (None, Some((_, inside))) => kept.clone().nested(kind.0, inside.clone()),
            (None, None) => continue,
        };
        match try_one(&more) {
            Some(true) => kept = more,
            Some(false) => faults.push(*kind),
            None => break,
        }
    }
    Some(faults)
}

fn explained(
    profile: &Profile,
    call: &'static str,
    ckr: Ckr,
    attributes: Vec<AttributeType>,
    tries: usize,
) -> Explanation {
    let first = attributes.first().map(|kind| kind.0);
    let (mut means, mut cure) = match profile.saying(ckr, first) {
        Some(saying) => (saying.means.to_owned(), saying.cure.to_owned()),
        None => (
            format!("what {} means by it is not known here", profile.name),
            "the token's log or its vendor's manual says more".to_owned(),
        ),
    };
    if profile.name == Profile::UNKNOWN.name {
        means = format!("on most tokens: {means}");
    }
    if let Some(owner) = first.and_then(owner) {
        cure = format!("{cure}; {owner}");
    }
    Explanation { call, ckr, attributes, means, cure, tries }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::attribute::{CKA_LABEL, CKA_UNWRAP_TEMPLATE, CKA_WRAP_WITH_TRUSTED};

    fn template() -> Template {
        Template::new()
            .ulong(CKA_CLASS, 3)
            .bytes(CKA_LABEL, b"name")
            .flag(CKA_SENSITIVE, false)
            .flag(CKA_EXTRACTABLE, true)
            .nested(CKA_UNWRAP_TEMPLATE, Template::new().flag(CKA_SENSITIVE, true))
            .flag(CKA_WRAP_WITH_TRUSTED, true)
    }

    fn names(is_taken: impl Fn(&Template) -> bool) -> (Vec<u64>, usize) {
        let (attributes, tries) = find(&template(), true, |template| Some(is_taken(template)));
        (attributes.iter().map(|kind| kind.0).collect(), tries)
    }

    #[test]
    fn one_attribute_is_found_by_leaving_it_out() {
        assert_eq!(names(|template| template.get(CKA_LABEL).is_none()).0, [CKA_LABEL]);
        assert_eq!(names(|template| template.iter_nested().next().is_none()).0, [CKA_UNWRAP_TEMPLATE]);
    }

    #[test]
    fn a_flag_that_must_be_said_is_found_by_saying_it_the_other_way_round() {
        let sensitive = |template: &Template| template.get(CKA_SENSITIVE).is_some_and(|value| value[..] == [1]);
        assert_eq!(names(sensitive).0, [CKA_SENSITIVE]);
    }

    #[test]
    fn several_are_found_together() {
        let bare = |template: &Template| template.get(CKA_LABEL).is_none() && template.get(CKA_EXTRACTABLE).is_none();
        assert_eq!(names(bare).0, [CKA_LABEL, CKA_EXTRACTABLE]);
    }

    #[test]
    fn a_key_that_is_never_taken_is_nobodys_fault_and_the_tries_are_bounded() {
        let (attributes, tries) = names(|_| false);
        assert!(attributes.is_empty());
        assert!(tries <= 2 * 5 + 1, "{tries}");
        let long = (0..200).fold(Template::new(), |template, kind| template.flag(0x8000_0000 + kind, true));
        assert_eq!(find(&long, true, |_| Some(false)), (Vec::new(), MOST));
    }

    #[test]
    fn a_token_that_is_gone_ends_the_tries() {
        assert_eq!(find(&template(), true, |_| None), (Vec::new(), 1));
    }

    #[test]
    fn what_came_wrapped_is_never_tried_with_less_protection() {
        let template = Template::new().flag(CKA_SENSITIVE, true).flag(CKA_EXTRACTABLE, false).bytes(CKA_LABEL, b"name");
        let (attributes, tries) = find(&template, false, |template| {
            assert!(template.get(CKA_SENSITIVE).is_some_and(|value| value[..] == [1]));
            assert!(template.get(CKA_EXTRACTABLE).is_some_and(|value| value[..] == [0]));
            Some(template.get(CKA_LABEL).is_none())
        });
        assert_eq!((attributes, tries), (vec![AttributeType(CKA_LABEL)], 1));
    }

    #[test]
    fn the_words_are_the_profiles() {
        let softhsm = Profile::by_name("SoftHSM 2.6").unwrap();
        let vendor = vec![AttributeType(0x8000_0001)];
        let explanation = explained(softhsm, "C_CreateObject", Ckr::ATTRIBUTE_TYPE_INVALID, vendor, 1);
        assert!(
            explanation.text().contains("at fault is 0x80000001. SoftHSM refuses every attribute"),
            "{explanation:?}"
        );
        let sensitive = vec![AttributeType(CKA_SENSITIVE)];
        let explanation = explained(&Profile::UNKNOWN, "C_UnwrapKey", Ckr::ATTRIBUTE_VALUE_INVALID, sensitive, 3);
        assert!(explanation.means.starts_with("on most tokens"), "{explanation:?}");
        assert!(explanation.cure.contains("--export-policy"), "{explanation:?}");
    }
}
