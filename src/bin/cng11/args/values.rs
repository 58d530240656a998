//! The values that options take, for the long help.

use cng_pkcs11::asn1::Scheme;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::Algorithm;
use cng_pkcs11::key::curve::CURVES;

pub(super) fn input() -> String {
    format!("What the file is; auto: it is recognised from its bytes.\n\nOne of: {}", list(Format::names()))
}

pub(super) fn output() -> String {
    format!("What the output shall be; a few of the types are only read.\n\nOne of: {}", list(Format::names()))
}

pub(super) fn encryption() -> String {
    format!(
        "How the output is encrypted; aes256 is short for aes256-sha256, which is the default, and so on.\n\nOne of: {}",
        list(Scheme::names())
    )
}

pub(super) fn algorithm() -> String {
    format!("CNG algorithm, where nothing else says it.\n\nOne of: {}", list(Algorithm::names()))
}

pub(super) fn curve() -> String {
    let names = CURVES.iter().map(|curve| curve.name);
    format!("CNG curve name, where nothing else says it.\n\nOne of: {}", list(names))
}

pub(super) fn attribute() -> String {
    "Another attribute of the private or secret key. The token must keep it as it is given. Repeat it for several.\n\n\
     A name of PKCS#11, with or without CKA_, or a number 0x…; then the value: true or false; a number; a date 2026-12-31; mechanisms with commas between, by name or number; \
     attributes that must hold of other keys, in braces. Of an attribute that is not known by name the value says what it is: hex:…, text:…, ulong:… or bool:….\n\n\
     For instance WRAP_WITH_TRUSTED=true, ALLOWED_MECHANISMS=CKM_ECDSA,0x1043, 'UNWRAP_TEMPLATE={SENSITIVE=true;EXTRACTABLE=false}', 0x80001234=hex:00ff"
        .to_owned()
}

fn list(names: impl Iterator<Item = impl Into<String>>) -> String {
    names.map(Into::into).collect::<Vec<String>>().join(", ")
}
