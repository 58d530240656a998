//! The attributes of keys that have a name here: how the value of each is written, and who says it.
//!
//! Owns the one table of names of attributes. The numbers and the kinds of value are those of PKCS#11 3.1 §4; the attributes of certificates, data and
//! hardware are left out, but for those that this crate writes itself. What a vendor defines has a number and no row.

use cryptoki_sys as sys;
use cryptoki_sys::CK_ATTRIBUTE_TYPE;

use super::mechanism::{KEY_TYPES, MECHANISMS, Names, OBJECT_CLASSES};

/// How the value of an attribute is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Bytes: `hex:…` or `text:…`.
    Bytes,
    /// `CK_DATE`: `YYYY-MM-DD`.
    Date,
    /// `CK_BBOOL`: `true` or `false`.
    Flag,
    /// An array of `CK_MECHANISM_TYPE`: names or numbers, with commas between.
    Mechanisms,
    /// An array of attributes: `{NAME=VALUE;NAME=VALUE}`.
    Nested,
    /// `CK_ULONG`, and the names that its values have.
    Number(&'static Names),
}

/// An attribute of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) kind: CK_ATTRIBUTE_TYPE,
    /// With `CKA_`.
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// Who says it, where it is not to be added: a sentence without its end.
    pub(super) owner: Option<&'static str>,
    /// What it is where nobody says it, of the attributes that are shown.
    pub(super) usual: Option<bool>,
}

const NAME: &str = "--name says it";
const ID: &str = "--id says it";
const POLICY: &str = "--export-policy says it";
const USAGE: &str = "--usage says it";
const KIND: &str = "--algorithm and the file say it";
const MATERIAL: &str = "the key itself says it (a new one: --algorithm, --bits and --curve)";
const TOKEN: &str = "the token says it";
const ALWAYS: &str = "a key that has a name is always a private object on the token";
const NO_KEY: &str = "a key has none";
const WITHOUT_WAY_BACK: &str = "a key that cannot be destroyed could not be taken back if its proof fails";

macro_rules! rows {
    ($($name:ident $form:expr, $owner:expr, $usual:expr;)+) => {
        pub(super) const ROWS: &[Row] = &[$(Row { kind: sys::$name, name: stringify!($name), form: $form, owner: $owner, usual: $usual },)+];
    };
}

const PLAIN: Form = Form::Number(&Names::NONE);

rows! {
    // What may be added.
    CKA_ALLOWED_MECHANISMS Form::Mechanisms, None, None;
    CKA_ALWAYS_AUTHENTICATE Form::Flag, None, Some(false);
    CKA_COPYABLE Form::Flag, None, Some(true);
    CKA_DERIVE_TEMPLATE Form::Nested, None, None;
    CKA_END_DATE Form::Date, None, None;
    CKA_MODIFIABLE Form::Flag, None, Some(true);
    CKA_START_DATE Form::Date, None, None;
    CKA_SUBJECT Form::Bytes, None, None;
    // Only the security officer may set it, says the standard; the token answers that.
    CKA_TRUSTED Form::Flag, None, Some(false);
    CKA_UNWRAP_TEMPLATE Form::Nested, None, None;
    CKA_WRAP_TEMPLATE Form::Nested, None, None;
    CKA_WRAP_WITH_TRUSTED Form::Flag, None, Some(false);
    // What something else says; in a template inside another one each of them may stand.
    CKA_ALWAYS_SENSITIVE Form::Flag, Some(TOKEN), None;
    CKA_CERTIFICATE_TYPE PLAIN, Some(NO_KEY), None;
    CKA_CHECK_VALUE Form::Bytes, Some(MATERIAL), None;
    CKA_CLASS Form::Number(&OBJECT_CLASSES), Some(KIND), None;
    CKA_COEFFICIENT Form::Bytes, Some(MATERIAL), None;
    CKA_DECRYPT Form::Flag, Some(USAGE), None;
    CKA_DERIVE Form::Flag, Some(USAGE), None;
    CKA_DESTROYABLE Form::Flag, Some(WITHOUT_WAY_BACK), Some(true);
    CKA_EC_PARAMS Form::Bytes, Some(MATERIAL), None;
    CKA_EC_POINT Form::Bytes, Some(MATERIAL), None;
    CKA_ENCRYPT Form::Flag, Some(USAGE), None;
    CKA_EXPONENT_1 Form::Bytes, Some(MATERIAL), None;
    CKA_EXPONENT_2 Form::Bytes, Some(MATERIAL), None;
    CKA_EXTRACTABLE Form::Flag, Some(POLICY), None;
    CKA_ID Form::Bytes, Some(ID), None;
    CKA_ISSUER Form::Bytes, Some(NO_KEY), None;
    CKA_KEY_GEN_MECHANISM Form::Number(&MECHANISMS), Some(TOKEN), None;
    CKA_KEY_TYPE Form::Number(&KEY_TYPES), Some(KIND), None;
    CKA_LABEL Form::Bytes, Some(NAME), None;
    CKA_LOCAL Form::Flag, Some(TOKEN), None;
    CKA_MODULUS Form::Bytes, Some(MATERIAL), None;
    CKA_MODULUS_BITS PLAIN, Some(MATERIAL), None;
    CKA_NEVER_EXTRACTABLE Form::Flag, Some(TOKEN), None;
    CKA_PRIME_1 Form::Bytes, Some(MATERIAL), None;
    CKA_PRIME_2 Form::Bytes, Some(MATERIAL), None;
    CKA_PRIVATE Form::Flag, Some(ALWAYS), None;
    CKA_PRIVATE_EXPONENT Form::Bytes, Some(MATERIAL), None;
    CKA_PUBLIC_EXPONENT Form::Bytes, Some(MATERIAL), None;
    CKA_PUBLIC_KEY_INFO Form::Bytes, Some(MATERIAL), None;
    CKA_SENSITIVE Form::Flag, Some(POLICY), None;
    CKA_SERIAL_NUMBER Form::Bytes, Some(NO_KEY), None;
    CKA_SIGN Form::Flag, Some(USAGE), None;
    CKA_SIGN_RECOVER Form::Flag, Some(USAGE), None;
    CKA_TOKEN Form::Flag, Some(ALWAYS), None;
    CKA_UNIQUE_ID Form::Bytes, Some(TOKEN), None;
    CKA_UNWRAP Form::Flag, Some(USAGE), None;
    CKA_VALUE Form::Bytes, Some(MATERIAL), None;
    CKA_VALUE_LEN PLAIN, Some(MATERIAL), None;
    CKA_VERIFY Form::Flag, Some(USAGE), None;
    CKA_VERIFY_RECOVER Form::Flag, Some(USAGE), None;
    CKA_WRAP Form::Flag, Some(USAGE), None;
    // Numbers of keys that come onto no token here; they are named so that they are refused by name.
    CKA_BASE Form::Bytes, Some(MATERIAL), None;
    CKA_PARAMETER_SET PLAIN, Some(MATERIAL), None;
    CKA_PRIME Form::Bytes, Some(MATERIAL), None;
    CKA_SEED Form::Bytes, Some(MATERIAL), None;
    CKA_SUBPRIME Form::Bytes, Some(MATERIAL), None;
    CKA_VALUE_BITS PLAIN, Some(MATERIAL), None;
}

/// Why the public value that NSS wants beside an elliptic key is not to be added.
pub(super) const NSS_DB_OWNER: &str = MATERIAL;

/// The row of a number.
pub(super) fn by_number(kind: CK_ATTRIBUTE_TYPE) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.kind == kind)
}

/// The row of a name, with or without `CKA_`, in any case.
pub(super) fn by_name(name: &str) -> Option<&'static Row> {
    let name = bare(name, "CKA_");
    ROWS.iter().find(|row| bare(row.name, "CKA_").eq_ignore_ascii_case(name))
}

/// A name without its prefix.
pub(super) fn bare<'n>(name: &'n str, prefix: &str) -> &'n str {
    match name.split_at_checked(prefix.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(prefix) => rest,
        _ => name,
    }
}

/// The names of what may be added, for messages.
pub(super) fn addable() -> String {
    let names: Vec<_> = ROWS.iter().filter(|row| row.owner.is_none()).map(|row| row.name).collect();
    names.join(", ")
}
