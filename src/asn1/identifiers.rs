//! CKA_ID of a public key as the tools that put keys on tokens compute it. PKCS#11 leaves it open (§4.4), so a key that another
//! tool imported is found by trying their rules.
//!
//! | tool | CKA_ID | seen in |
//! |---|---|---|
//! | `cng11`; also `subjectKeyIdentifier` of `openssl` | SHA-1 of `subjectPublicKey` (RFC 5280 §4.2.1.2, method 1) | OpenSSL 3.0 |
//! | `p11tool --write` | SHA-1 of the whole `SubjectPublicKeyInfo` | GnuTLS 3.7 |
//! | `certutil`, `pk12util` | SHA-1 of the modulus, the public value or the point; a value of 20 bytes or fewer as it is | NSS 3.87 |
//! | `pkcs15-init` | SHA-1 of the modulus, or of a point's X | OpenSC's sources ("mozilla" style) |
//! | `keytool` | the alias in UTF-8 | OpenJDK 17 |
//!
//! `pkcs11-tool --write-object` sets none unless `--id` says one.

use sha1::{Digest, Sha1};

use super::{Error, spki};
use crate::key::PublicKey;

/// What one tool would set as CKA_ID.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Identifier {
    /// The tool.
    pub tool: &'static str,
    /// The identifier.
    pub id: Vec<u8>,
}

/// CKA_ID of a key by the rules of five tools; a tool that has none for such a key is left out. `alias` is the name under which
/// a key store holds it.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn identifiers(key: &PublicKey, alias: Option<&str>) -> Result<Vec<Identifier>, Error> {
    let sha1 = |bytes: &[u8]| Sha1::digest(bytes).to_vec();
    let value = match key {
        PublicKey::Dh(key) => Some(key.y().to_vec()),
        PublicKey::Dsa(key) => Some(key.y().to_vec()),
        PublicKey::Ec(key) => Some(key.to_point()),
        PublicKey::Pq(_) => None,
        PublicKey::Rsa(key) => Some(key.n().to_vec()),
    };
    let nss = value.map(|value| if value.len() <= 20 { value } else { sha1(&value) });
    let opensc = match key {
        PublicKey::Rsa(key) => Some(sha1(key.n())),
        PublicKey::Ec(key) if !key.y().is_empty() => Some(sha1(key.x())),
        _ => None,
    };
    let rows = [
        ("cng11", Some(spki::key_id(key)?.to_vec())),
        ("p11tool", Some(sha1(&spki::encode(key)?))),
        ("certutil", nss),
        ("pkcs15-init", opensc),
        ("keytool", alias.map(|alias| alias.as_bytes().to_vec())),
    ];
    Ok(rows.into_iter().filter_map(|(tool, id)| Some(Identifier { tool, id: id? })).collect())
}
