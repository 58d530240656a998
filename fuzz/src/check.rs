//! What must hold for every input.
//!
//! No decoder panics, and none takes more memory than twice its input and what the arithmetic of one key takes ([`MARGIN`]). A key that was
//! read, and whose numbers were checked, can be written in every format that can hold it, and is the same key when that is read again; written a second time it
//! gives the same bytes.

use cng_pkcs11::asn1::{self, Limits};
use cng_pkcs11::blob::{self, BlobType, Decoded, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::curve::{CURVES, Form};
use cng_pkcs11::key::{Algorithm, KeyMaterial, Kind, SymmetricAlgorithm, Validation};
use cng_pkcs11::secret::SecretBytes;

use crate::memory;
use crate::target::formats;

/// No seed is larger.
pub const LARGEST: usize = 16 << 10;

/// What one key may take beside twice its input: numbers with their tables of powers, an expanded lattice key.
const MARGIN: usize = 512 << 10;

/// The password of the vectors, and one that is none.
const PASSWORDS: [&str; 3] = ["correct horse", "pässwörd-€", ""];

/// Little work: an input may ask for as much as it likes.
const LIMITS: Limits = Limits { iterations: 5000, scrypt_memory: 256 << 10, scrypt_work: 1 << 11 };

/// One decoder: with everything that can stand beside a file of its format.
pub fn decoder(format: Format, data: &[u8]) {
    for validation in [Validation::Full, Validation::Skip] {
        beside(format, data, validation, |hints| {
            let outcome = decode(data, format, hints);
            if let Ok(decoded) = &outcome {
                again(decoded, format, format, hints);
            }
            outcome
        });
    }
}

/// Recognition, and what was recognised.
pub fn sniff(data: &[u8]) {
    let (outcome, peak) = memory::peak(|| format::sniff(data));
    assert!(peak <= MARGIN, "sniffing {} bytes took {peak}", data.len());
    match outcome {
        Ok(format) => drop(decode(data, format, &hints(Validation::Full))),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The fields of every format: inside the input, in their order, and with the same outcome as decoding.
pub fn inspect(data: &[u8]) {
    for format in formats() {
        let hints = hints(Validation::Skip);
        let (fields, outcome) = format::inspect(data, format, &hints);
        let mut last = 0;
        for field in &fields {
            let (name, offset, length) = (field.name, field.offset, field.length);
            let end = offset.checked_add(length).expect("a field that ends");
            assert!(end <= data.len(), "{}: {name} at {offset} of {length} bytes, of {}", format.name(), data.len());
            assert!(offset >= last, "{}: {name} at {offset} comes after one at {last}", format.name());
            last = offset;
        }
        let decoded = decode(data, format, &hints);
        assert_eq!(outcome.is_ok(), decoded.is_ok(), "{}: {outcome:?}, {decoded:?}", format.name());
    }
}

/// Whatever the input is, into every format that can hold it, and back.
pub fn convert(data: &[u8]) {
    let hints = hints(Validation::Full);
    let recognised = format::sniff(data).map_or_else(|_| formats(), |format| vec![format]);
    for from in recognised {
        let Ok(decoded) = decode(data, from, &hints) else { continue };
        for to in formats() {
            again(&decoded, from, to, &hints);
        }
    }
}

/// Encrypted files, with the right password and with others.
pub fn encrypted(data: &[u8]) {
    for format in ["pkcs8", "pkcs8-pem", "pkcs12"].into_iter().filter_map(Format::by_name) {
        for password in PASSWORDS {
            let password = SecretBytes::from(password.as_bytes());
            let hints = Hints { password: Some(&password), ..hints(Validation::Full) };
            if let Ok(decoded) = decode(data, format, &hints) {
                again(&decoded, format, format, &hints);
            }
        }
    }
}

/// The small decoders of DER.
pub fn der(data: &[u8]) {
    let ((), peak) = memory::peak(|| {
        if let Some(length) = asn1::outer_length(data) {
            assert!(length <= data.len());
        }
        let _ = asn1::certificate::decode(data);
        for width in [20, 32, 48, 66] {
            if let Ok(raw) = asn1::ecdsa::from_der(data, width) {
                assert_eq!(raw.len(), 2 * width);
                assert_eq!(asn1::ecdsa::to_der(&raw).expect("a signature"), data);
            }
        }
    });
    assert!(peak <= 2 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
}

/// Whether a decoder reads these bytes, with anything beside them.
pub fn reads(format: Format, data: &[u8]) -> bool {
    let mut any = false;
    beside(format, data, Validation::Skip, |hints| {
        let outcome = format::decode(data, format, hints);
        any |= outcome.is_ok();
        outcome
    });
    any
}

fn hints(validation: Validation) -> Hints<'static> {
    Hints { limits: LIMITS, validation, ..Hints::default() }
}

/// Tries everything beside a file that can make a difference: nothing, a password, algorithms, the curves of a blob that names none.
fn beside(
    format: Format,
    data: &[u8],
    validation: Validation,
    mut attempt: impl FnMut(&Hints<'_>) -> Result<Decoded, format::Error>,
) {
    let hints = hints(validation);
    let outcome = attempt(&hints);
    if matches!(format, Format::Raw | Format::Blob(BlobType::KeyData)) {
        for algorithm in [SymmetricAlgorithm::Hmac, SymmetricAlgorithm::TripleDes].map(Algorithm::symmetric) {
            let _ = attempt(&Hints { algorithm: Some(algorithm), ..hints });
        }
    }
    if let Err(format::Error::Blob(blob::Error::CurveMissing { .. })) = outcome {
        // The width of the curve stands behind the magic: the others would be refused for it.
        let width = data.get(4..8).map_or(0, |width| u32::from_le_bytes([width[0], width[1], width[2], width[3]]));
        for curve in CURVES.iter().filter(|curve| u32::try_from(curve.width()) == Ok(width)) {
            let _ = attempt(&Hints { curve: Some(curve), ..hints });
        }
    } else if outcome.is_err() && may_be_encrypted(format) {
        let password = SecretBytes::from(PASSWORDS[0].as_bytes());
        let _ = attempt(&Hints { password: Some(&password), ..hints });
    }
}

fn may_be_encrypted(format: Format) -> bool {
    matches!(format.name(), "PKCS8_PRIVATEKEY" | "pkcs8-pem" | "pkcs12")
}

/// Decodes, within the bound on memory.
fn decode(data: &[u8], format: Format, hints: &Hints<'_>) -> Result<Decoded, format::Error> {
    let (outcome, peak) = memory::peak(|| format::decode(data, format, hints));
    assert!(peak <= 2 * data.len() + MARGIN, "{}: {} bytes took {peak}", format.name(), data.len());
    if let Err(error) = &outcome {
        assert!(!error.to_string().is_empty());
    }
    outcome
}

/// Writes what was read from one format as another, reads it, and writes it once more.
fn again(decoded: &Decoded, from: Format, to: Format, beside: &Hints<'_>) {
    let names = || format!("{} -> {}, {:?}", from.name(), to.name(), decoded.key.kind());
    let encoded = match format::encode(&decoded.key, decoded.algorithm, to) {
        Ok(encoded) => encoded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(
                from != to || beside.validation == Validation::Skip || is_read_only(to),
                "{}: is not written: {error}",
                names()
            );
            return;
        }
    };
    let hints = Hints { curve: decoded.key.curve(), algorithm: Some(decoded.algorithm), ..*beside };
    let read = match format::decode(&encoded, to, &hints) {
        Ok(read) => read,
        // Numbers that nobody checked need not fit one another's widths, nor a format that leaves some to be computed.
        Err(_) if beside.validation == Validation::Skip => return,
        Err(error) => panic!("{}: is not read again: {error}", names()),
    };
    assert_eq!(read.algorithm, decoded.algorithm, "{}", names());
    if beside.validation == Validation::Full {
        same(&decoded.key, &read.key, to, names);
    }
    let twice = format::encode(&read.key, read.algorithm, to);
    match twice {
        Ok(twice) => assert!(twice == encoded, "{}: other bytes the second time", names()),
        Err(error) => panic!("{}: is not written again: {error}", names()),
    }
}

/// A format that is read and never written.
fn is_read_only(format: Format) -> bool {
    matches!(format.name(), "cert" | "cert-pem" | "Rfc3565KeyWrapBlob")
}

/// Fails where two keys are not the same.
fn same(left: &KeyMaterial, right: &KeyMaterial, to: Format, names: impl Fn() -> String) {
    if let (KeyMaterial::Secret(left), KeyMaterial::Secret(right)) = (left, right) {
        assert!(left.key() == right.key(), "{}: another key", names());
        return;
    }
    if let (Some(left), Some(right)) = (left.public(), right.public()) {
        assert_eq!(left, right, "{}: another public key", names());
    }
    let private = |key: &KeyMaterial| matches!(key, KeyMaterial::Private(_));
    if to.is_public() || !private(left) {
        return;
    }
    assert!(private(right), "{}: the private half is lost", names());
    match (numbers(left, to), numbers(right, to)) {
        (Ok(left), Ok(right)) => assert!(left == right, "{}: another private key", names()),
        (left, right) => assert_eq!(left.is_ok(), right.is_ok(), "{}", names()),
    }
}

/// The numbers of a private key that a format keeps, in a form to be compared.
fn numbers(key: &KeyMaterial, to: Format) -> Result<SecretBytes, format::Error> {
    let all = match key.kind() {
        // There is more than one d for the same key; the shorter blob has none, and it is computed.
        Kind::Rsa(_) if to.name() == "RSAPRIVATEBLOB" || to.name() == "PRIVATEBLOB" => BlobType::RsaPrivate,
        // The blob holds the scalar as it is used, with some bits set and some not: the public half has been compared.
        Kind::Ec(curve) if curve.form == Form::Montgomery => return Ok(SecretBytes::default()),
        _ => BlobType::Pkcs8,
    };
    // The name of an algorithm decides about the magic of an ECC blob alone, and PKCS#8 has none.
    format::encode(key, Algorithm::symmetric(SymmetricAlgorithm::Aes), Format::Blob(all))
}
