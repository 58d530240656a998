//! What a token's return values mean, and the cure: a refusal in the words of one who has seen it.
//!
//! A row of a profile goes before the words that hold for any token. The most exact one speaks: of this return value for this attribute, then of this return value.

use cryptoki_sys::{CK_ATTRIBUTE_TYPE, CKA_EC_PARAMS, CKA_EC_POINT, CKA_SENSITIVE, CKA_TRUSTED, CKA_VALUE_LEN};

use super::Profile;
use crate::status::Ckr;

/// What a return value means on a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Saying {
    /// The return value.
    pub ckr: Ckr,
    /// The attribute that it is about, if it is about one.
    pub attribute: Option<CK_ATTRIBUTE_TYPE>,
    /// What it means there.
    pub means: &'static str,
    /// What to do.
    pub cure: &'static str,
}

const fn says(ckr: Ckr, attribute: CK_ATTRIBUTE_TYPE, means: &'static str, cure: &'static str) -> Saying {
    Saying { ckr, attribute: Some(attribute), means, cure }
}

const fn answers(ckr: Ckr, means: &'static str, cure: &'static str) -> Saying {
    Saying { ckr, attribute: None, means, cure }
}

const LEAVE_OUT: &str = "leave the attribute out: without it the token takes the key";

// PKCS#11 v3.1 §5.1.6 and §4.1.1, in our words.
const ANYWHERE: &[Saying] = &[
    answers(
        Ckr::ATTRIBUTE_READ_ONLY,
        "the token sets this itself, or lets only its security officer set it",
        "leave it out, or have the security officer set it",
    ),
    answers(
        Ckr::ATTRIBUTE_TYPE_INVALID,
        "the token does not have this attribute on such keys",
        "leave it out; a vendor's attribute is for that vendor's tokens",
    ),
    answers(
        Ckr::ATTRIBUTE_VALUE_INVALID,
        "the token knows the attribute and does not take this value",
        "ask for what it takes: `cng11 probe` shows it",
    ),
    answers(
        Ckr::TEMPLATE_INCOMPLETE,
        "the token needs an attribute that is not there",
        "name it in a profile of your own: create-wants or unwrap-wants",
    ),
    answers(
        Ckr::TEMPLATE_INCONSISTENT,
        "the attributes do not go together on this token, or it takes no such key in the clear",
        "--route unwrap sends the key wrapped",
    ),
    answers(
        Ckr::FUNCTION_NOT_SUPPORTED,
        "the token does not have this call",
        "--route unwrap sends the key wrapped; where that is not there either, the vendor's own tool imports",
    ),
    answers(
        Ckr::ACTION_PROHIBITED,
        "the token's policy forbids it",
        "its security officer can say which setting that is",
    ),
    answers(
        Ckr::CURVE_NOT_SUPPORTED,
        "the token has no arithmetic for this curve",
        "`cng11 probe` shows the keys that it takes",
    ),
    answers(
        Ckr::DOMAIN_PARAMS_INVALID,
        "the token does not know these parameters",
        "`cng11 probe` shows the keys that it takes",
    ),
    answers(Ckr::KEY_SIZE_RANGE, "the token has no keys of this size", "`cng11 probe` shows the sizes that it takes"),
];

/// SoftHSM 2.6.1. Seen 2026-11 on Debian 12.
pub const SOFTHSM: &[Saying] = &[
    says(
        Ckr::ATTRIBUTE_READ_ONLY,
        CKA_VALUE_LEN,
        "SoftHSM finds the length itself, and takes it in no template but C_GenerateKey's",
        LEAVE_OUT,
    ),
    says(
        Ckr::ATTRIBUTE_READ_ONLY,
        CKA_TRUSTED,
        "SoftHSM lets only the security officer make a trusted key, and only with CKA_PRIVATE false",
        "make it as security officer (`pkcs11-tool --login-type so`)",
    ),
    says(Ckr::ATTRIBUTE_READ_ONLY, CKA_EC_PARAMS, "SoftHSM takes the curve from the wrapped key", LEAVE_OUT),
    says(
        Ckr::ATTRIBUTE_TYPE_INVALID,
        CKA_EC_POINT,
        "SoftHSM keeps no public point in a private key",
        "leave it out; the point stands in the public object",
    ),
    answers(
        Ckr::ATTRIBUTE_TYPE_INVALID,
        "SoftHSM refuses every attribute that it does not know, a vendor's among them",
        LEAVE_OUT,
    ),
    answers(
        Ckr::TEMPLATE_INCONSISTENT,
        "SoftHSM compares the template with the CKA_UNWRAP_TEMPLATE of the unwrapping key, and merges nothing in",
        "say every attribute of that template yourself",
    ),
    answers(
        Ckr::GENERAL_ERROR,
        "SoftHSM says no more; a damaged wrapped key and a full disk end so",
        "SoftHSM's log (log.level = DEBUG in its configuration) says which",
    ),
    answers(
        Ckr::FUNCTION_FAILED,
        "SoftHSM unwrapped something that is no key of the type that was said",
        "say what is inside: --algorithm",
    ),
];

/// Kryoptic 1.5. Seen 2026-11.
pub const KRYOPTIC: &[Saying] = &[
    says(
        Ckr::ATTRIBUTE_VALUE_INVALID,
        CKA_EC_POINT,
        "Kryoptic keeps no public point in a private key",
        "leave it out; the point stands in the public object",
    ),
    says(
        Ckr::ATTRIBUTE_VALUE_INVALID,
        CKA_SENSITIVE,
        "in FIPS mode Kryoptic makes no key that can be read",
        "--export-policy encrypted, or none",
    ),
    says(Ckr::ATTRIBUTE_TYPE_INVALID, CKA_TRUSTED, "Kryoptic lets no user make a trusted key", LEAVE_OUT),
    answers(
        Ckr::ATTRIBUTE_VALUE_INVALID,
        "Kryoptic answers so to attributes and curves that it does not know (secp256k1 and the brainpool curves among them), and to a vendor's attribute",
        "`cng11 probe` shows the keys that it takes; leave a vendor's attribute out",
    ),
    answers(
        Ckr::TEMPLATE_INCONSISTENT,
        "Kryoptic found an attribute twice, or one that contradicts the CKA_UNWRAP_TEMPLATE of the unwrapping key",
        "say each attribute once, as that template has it",
    ),
    answers(
        Ckr::DEVICE_ERROR,
        "Kryoptic answers so to a wrapped key that is damaged or under another key",
        "check the wrapping key and the file",
    ),
];

/// NSS 3.87's softokn. Seen 2026-11 on Debian 12; FIPS mode from its source (fipstokn.c).
pub const NSS: &[Saying] = &[
    says(
        Ckr::ATTRIBUTE_VALUE_INVALID,
        CKA_SENSITIVE,
        "in FIPS mode NSS unwraps no key that can be read",
        "--export-policy encrypted, or none",
    ),
    answers(
        Ckr::ATTRIBUTE_VALUE_INVALID,
        "in FIPS mode NSS makes no key of raw material",
        "--route unwrap sends the key wrapped",
    ),
    answers(
        Ckr::TEMPLATE_INCOMPLETE,
        "NSS wants the public point beside an elliptic key that is unwrapped (CKA_NSS_DB), or could not read what was wrapped",
        "check that the wrapped key is of the type that was said",
    ),
    answers(
        Ckr::DOMAIN_PARAMS_INVALID,
        "NSS knows P-256, P-384 and P-521, and no other curve for signing",
        "use one of these",
    ),
];

/// openCryptoki 3.8's soft token. Seen 2026-11 on Debian 12.
pub const OPENCRYPTOKI: &[Saying] = &[
    says(
        Ckr::ATTRIBUTE_READ_ONLY,
        CKA_SENSITIVE,
        "openCryptoki makes everything that it unwraps readable, and refuses to be told otherwise",
        "have the token take the key in the clear: --route create",
    ),
    answers(
        Ckr::ATTRIBUTE_TYPE_INVALID,
        "openCryptoki does not know CKA_ALLOWED_MECHANISMS, the templates, CKA_WRAP_WITH_TRUSTED, CKA_COPYABLE and CKA_DESTROYABLE",
        LEAVE_OUT,
    ),
    answers(
        Ckr::TEMPLATE_INCOMPLETE,
        "openCryptoki wants every number of an RSA private key, and answers so to a wrapped key that is damaged as well",
        "check the file and the wrapping key",
    ),
    answers(
        Ckr::TEMPLATE_INCONSISTENT,
        "openCryptoki refuses an attribute that is not this object's: a vendor's, a public point in a private key, CKA_TRUSTED from a user",
        LEAVE_OUT,
    ),
];

/// Luna. Not seen; from issue threads (pycryptoki 23, OpenSC 1570, opencryptoki 897).
pub const LUNA: &[Saying] = &[
    says(
        Ckr::ATTRIBUTE_TYPE_INVALID,
        CKA_VALUE_LEN,
        "Luna wants the length of an AES key that is unwrapped, and forbids it for DES keys",
        "say how long the key is, for an AES key only",
    ),
    answers(
        Ckr::TEMPLATE_INCONSISTENT,
        "Luna takes no private or secret key in the clear",
        "--route unwrap sends the key wrapped",
    ),
    answers(
        Ckr::ATTRIBUTE_TYPE_INVALID,
        "Luna wants the length of an AES key that is unwrapped, and forbids it for DES keys",
        "say how long the key is, for an AES key only",
    ),
];

impl Profile {
    /// What a return value means here: for an attribute, if it is about one.
    pub fn saying(&self, ckr: Ckr, attribute: Option<CK_ATTRIBUTE_TYPE>) -> Option<&Saying> {
        let of = |wanted: Option<CK_ATTRIBUTE_TYPE>| {
            let fits = move |saying: &&Saying| saying.ckr == ckr && saying.attribute == wanted;
            self.says.iter().find(fits)
        };
        let exact = attribute.and_then(|attribute| of(Some(attribute)));
        exact.or_else(|| of(None)).or_else(|| ANYWHERE.iter().find(|saying| saying.ckr == ckr))
    }
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::CKA_ID;

    use super::*;

    #[test]
    fn the_most_exact_row_speaks() {
        let softhsm = Profile::find("SoftHSM project", "SoftHSM v2", "label", (2, 6));
        let of = |ckr, attribute| softhsm.saying(ckr, attribute).map(|saying| saying.means).unwrap_or_default();
        assert!(of(Ckr::ATTRIBUTE_READ_ONLY, Some(CKA_VALUE_LEN)).contains("length itself"));
        // Nothing of this attribute: what holds anywhere.
        assert!(of(Ckr::ATTRIBUTE_READ_ONLY, Some(CKA_ID)).contains("security officer"));
        assert!(of(Ckr::ATTRIBUTE_TYPE_INVALID, Some(CKA_ID)).contains("SoftHSM refuses every"));
        assert!(Profile::UNKNOWN.saying(Ckr::PIN_INCORRECT, None).is_none());
    }

    #[test]
    fn every_saying_says_both_things_and_stands_once() {
        for says in [ANYWHERE].into_iter().chain(Profile::ROWS.iter().map(|row| row.says)) {
            for (place, saying) in says.iter().enumerate() {
                assert!(!saying.means.is_empty() && !saying.cure.is_empty());
                let same = |other: &&Saying| other.ckr == saying.ckr && other.attribute == saying.attribute;
                assert!(says.iter().skip(place + 1).find(same).is_none(), "{saying:?}");
            }
        }
    }
}
