//! JSON Web Keys and key sets (RFC 7517): RSA, EC and oct (RFC 7518 §6), OKP (RFC 8037), secp256k1 (RFC 8812) and, as a draft has it, AKP
//! for ML-DSA (draft-ietf-cose-dilithium: the private key is the seed).
//!
//! Read strictly: base64url without padding and canonical, coordinates as wide as the field, every member once. Private members are
//! never copied into anything that is not wiped, and stand in no message. Refused: RSA keys of more than two primes (`oth`), and RSA private keys
//! without their primes, which are allowed (RFC 7518 §6.3.2) and hold less than any other format here.
//!
//! Written in one line with the members in the order of the tables below, so that reading and writing again gives the same bytes.
//!
//! | `kty` | public | private |
//! |---|---|---|
//! | RSA | `n`, `e` | `d`, `p`, `q`, `dp`, `dq`, `qi` |
//! | EC | `crv`, `x`, `y` | `d` |
//! | OKP | `crv`, `x` | `d` |
//! | oct | | `k` |
//! | AKP | `alg`, `pub` | `priv` |
//!
//! Numbers of RSA may have zero octets in front, which RFC 7518 §2 does not write and some programs do; they are written without.
//!
//! Then `alg` of an oct key where its usage would not tell, `use` or `key_ops`, `kid`, `x5c`. What a key may do is written when a usage is asked for, and where a reader would come to another
//! algorithm without it:
//!
//! | member | usage |
//! |---|---|
//! | `use` `sig`; `key_ops` `sign`, `verify` | to sign |
//! | `use` `enc`; `key_ops` `encrypt`, `decrypt` | of EC and OKP to agree, else to decrypt |
//! | `key_ops` `deriveKey`, `deriveBits` | to agree |
//! | `key_ops` `wrapKey`, `unwrapKey` | to wrap |
//!
//! An oct key is an HMAC key if its `alg`, its usage or its length says so, else an AES key; an `alg` that is of neither is refused unless the
//! algorithm is given beside the file. `alg` of other keys is not looked at. `use` and `key_ops` that contradict each other, an operation that stands
//! there twice, and an `x5c` that is not of the key are refused.

mod algorithms;
mod members;
mod read;
mod write;

use super::json::{self, Kind};
use super::{Entry, Error, Format, MAX_KEYS};
use crate::blob::Hints;

pub(super) use self::write::{Beside, encode, encode_set};

/// Whether a text begins as a JSON object does.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let mut mark = [0; 4];
    let bytes = bytes.strip_prefix(json::BYTE_ORDER_MARK.encode_utf8(&mut mark).as_bytes()).unwrap_or(bytes);
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Whether a text is one JSON object that has the members of a key or of a set.
pub(super) fn sniff(bytes: &[u8]) -> Option<Format> {
    if !looks_like(bytes) {
        return None;
    }
    let members = json::read(bytes).ok()?.members().ok()?;
    let has = |name| members.iter().any(|member| member.name == name);
    match (has("kty"), has("keys")) {
        (true, _) => Some(Format::Jwk),
        (false, true) => Some(Format::JwkSet),
        (false, false) => None,
    }
}

/// Reads a JWK.
pub(super) fn decode(bytes: &[u8], hints: &Hints<'_>) -> Result<Entry, Error> {
    built_in(Format::Jwk)?;
    let value =
        json::read(bytes).map_err(|problem| Error::text(Format::Jwk, "the text", problem.offset, problem.what))?;
    read::key(value, Format::Jwk, hints)
}

/// Reads a JWK set. A single JWK passes for a set of one.
pub(super) fn decode_set(bytes: &[u8], hints: &Hints<'_>) -> Result<Vec<Result<Entry, Error>>, Error> {
    let format = Format::JwkSet;
    built_in(format)?;
    let wrong = |field: &str, problem: json::Problem| Error::text(format, field, problem.offset, problem.what);
    let value = json::read(bytes).map_err(|problem| wrong("the text", problem))?;
    let members = value.members().map_err(|problem| wrong("the set", problem))?;
    if members.iter().any(|member| member.name == "kty") {
        return Ok(vec![read::key(value, format, hints)]);
    }
    let Some(keys) = members.iter().find(|member| member.name == "keys").map(|member| member.value) else {
        return Err(Error::text(format, "`keys`", value.offset(), "it is missing"));
    };
    let keys = keys.elements(MAX_KEYS, "there are more than 1000 keys");
    let keys = keys.map_err(|problem| wrong("`keys`", problem))?;
    let outcomes = keys.into_iter().zip(1..).map(|(key, number)| {
        read::key(key, format, hints).map_err(|error| match read::name(key) {
            Some(name) => error.of_key(format!("key {number} (`{name}`)")),
            None => error.of_key(format!("key {number}")),
        })
    });
    Ok(outcomes.collect())
}

/// Whether this build has the format. Recognising it needs nothing.
fn built_in(format: Format) -> Result<(), Error> {
    if cfg!(feature = "jwk") {
        return Ok(());
    }
    Err(Error::NotBuiltIn { format: format.name(), feature: "jwk" })
}

/// Members that every kind of key may have, and that say nothing of its numbers (RFC 7517 §4).
const PUBLIC: &[&str] = &["alg", "kid", "kty", "use", "x5t", "x5t#S256", "x5u"];
/// Those of them that are arrays of strings.
const PUBLIC_LISTS: &[&str] = &["key_ops", "x5c"];
/// The public numbers of a kind of key.
const PUBLIC_NUMBERS: &[(&str, &[&str])] =
    &[("AKP", &["pub"]), ("EC", &["crv", "x", "y"]), ("OKP", &["crv", "x"]), ("RSA", &["e", "n"]), ("oct", &[])];

/// Whether a member of a key may be shown: only what is known to be public, where it belongs and of the JSON type that it has there.
/// Anything else could have the private numbers in it, however deep.
pub(super) fn is_public(kty: Option<&str>, name: &str, value: json::Node<'_>) -> bool {
    let numbers = PUBLIC_NUMBERS.iter().find(|(known, _)| Some(*known) == kty).map_or(&[][..], |(_, numbers)| numbers);
    match value.kind() {
        // There is no room for a number in `true`, `false` and `null`.
        Kind::Literal => true,
        Kind::String => PUBLIC.contains(&name) || numbers.contains(&name),
        Kind::Array if PUBLIC_LISTS.contains(&name) => {
            let elements = value.elements(MAX_KEYS, "").unwrap_or_default();
            !elements.is_empty() && elements.iter().all(|element| element.kind() == Kind::String)
        }
        Kind::Array | Kind::Number | Kind::Object => false,
    }
}
