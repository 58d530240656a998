//! What was read can be written, and is the same when that is read again.

use cng_pkcs11::asn1::{self, Encryption};
use cng_pkcs11::blob::{self, Hints};
use cng_pkcs11::format::{self, Entry, Format, Loss, Writing};
use cng_pkcs11::key::{self, Algorithm, KeyMaterial, SymmetricAlgorithm, Validation};
use cng_pkcs11::secret::SecretBytes;

/// Writes what was read from one format as another, reads it, and writes it once more.
///
/// A key is the same in all its numbers, unless a loss was told beforehand. Numbers that nobody checked ([`Validation::Skip`]) may be refused on the
/// way: they need not fit one another's widths, nor a format that leaves some to be computed.
pub(super) fn again(entry: &Entry, from: Format, to: Format, beside: &Hints<'_>) {
    let decoded = &entry.decoded;
    let names = || format!("{} -> {}, {:?}", from.name(), to.name(), decoded.key.kind());
    let password = SecretBytes::from(&b"correct horse"[..]);
    let writing = Writing {
        usage: decoded.usage,
        password: (to == Format::Pkcs12).then_some(&password),
        encryption: Encryption { iterations: 1, ..Encryption::default() },
        certificates: &entry.certificates,
        name: entry.name.as_deref(),
        ..Writing::default()
    };
    let encoded = match format::encode_with(&decoded.key, decoded.algorithm, to, &writing) {
        Ok(encoded) => encoded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            // What is read in more than one shape, and written in none that could hold it.
            let limit = matches!(error, format::Error::Blob(blob::Error::Limit { .. }));
            let must = !limit && from == to && beside.validation == Validation::Full && holds(to, entry);
            assert!(!must, "{}: is not written: {error}", names());
            return;
        }
    };
    let losses = format::losses(entry, to, &writing);
    let lost = |which: fn(&Loss) -> bool| losses.iter().any(which);
    let hints = Hints {
        // What the file does not say must be given beside it, and nothing else.
        curve: decoded
            .key
            .curve()
            .filter(|_| beside.curve.is_some() || lost(|loss| matches!(loss, Loss::CurveName(_)))),
        algorithm: (beside.algorithm.is_some() || lost(|loss| matches!(loss, Loss::Algorithm(_))))
            .then_some(decoded.algorithm),
        password: writing.password.or(beside.password),
        ..*beside
    };
    let read = match format::decode_all(&encoded, to, &hints) {
        Ok(read) => read,
        Err(_) if beside.validation == Validation::Skip => return,
        // Whoever reads it must compute what was left out, and on some curves nobody here can.
        Err(error) if lost(|loss| matches!(loss, Loss::PublicHalf)) && is_missing(&error) => return,
        Err(error) => panic!("{}: is not read again: {error}", names()),
    };
    let [read] = read.as_slice() else { panic!("{}: {} keys came back", names(), read.len()) };
    assert_eq!(read.decoded.algorithm, decoded.algorithm, "{}", names());
    if beside.validation == Validation::Full {
        let domain = lost(|loss| matches!(loss, Loss::DomainSeed | Loss::SubgroupOrder | Loss::PrivateLength));
        let private = domain || lost(|loss| matches!(loss, Loss::PrivateExponent | Loss::ScalarBits | Loss::Seed));
        same(&decoded.key, &read.decoded.key, (to.is_public(), !domain, !private), names);
    }
    match format::encode_with(&read.decoded.key, read.decoded.algorithm, to, &writing) {
        // Every PFX has a salt of its own.
        Ok(twice) => assert!(twice == encoded || to == Format::Pkcs12, "{}: other bytes the second time", names()),
        Err(error) => panic!("{}: is not written again: {error}", names()),
    }
}

fn is_missing(error: &format::Error) -> bool {
    let (format::Error::Key(error) | format::Error::Asn1(asn1::Error::Key(error))) = error.innermost() else {
        return matches!(error, format::Error::Blob(blob::Error::Asn1(asn1::Error::Key(key::Error::Missing { .. }))));
    };
    matches!(error, key::Error::Missing { .. })
}

/// Whether a format can hold what was read from it: not a certificate or a wrapped key, which are made from more than a key; nor a public key that was
/// found, in PEM or PKCS#12, where a private one was looked for.
fn holds(format: Format, entry: &Entry) -> bool {
    let private = !matches!(entry.decoded.key, KeyMaterial::Public(_));
    let holds_public = format.is_public() || !(format.is_text() || format == Format::Pkcs12);
    !matches!(format, Format::Cert | Format::CertPem) && (private || holds_public)
}

/// Fails where two keys are not the same.
fn same(
    left: &KeyMaterial,
    right: &KeyMaterial,
    (public, same_public, same_private): (bool, bool, bool),
    names: impl Fn() -> String,
) {
    if let (KeyMaterial::Secret(left), KeyMaterial::Secret(right)) = (left, right) {
        assert!(left.key() == right.key(), "{}: another key", names());
        return;
    }
    if let (true, Some(left), Some(right)) = (same_public, left.public(), right.public()) {
        assert_eq!(left, right, "{}: another public key", names());
    }
    let private = |key: &KeyMaterial| matches!(key, KeyMaterial::Private(_));
    if public || !private(left) {
        return;
    }
    assert!(private(right), "{}: the private half is lost", names());
    // PKCS#8 has every number. An algorithm decides about the magic of an ECC blob alone, and PKCS#8 has none.
    let numbers = |key| format::encode(key, Algorithm::symmetric(SymmetricAlgorithm::Aes), Format::PKCS8);
    match (numbers(left), numbers(right)) {
        (Ok(left), Ok(right)) if same_private => assert!(left == right, "{}: another private key", names()),
        (left, right) => assert_eq!(left.is_ok(), right.is_ok(), "{}", names()),
    }
}
