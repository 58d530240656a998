//! What must hold for every input.
//!
//! No decoder panics, and none takes more memory than twice its input and what the arithmetic of one key takes ([`MARGIN`]). What was read survives
//! being written, in every format that can hold it ([`round_trip`]).

mod bulk;
mod round_trip;
mod wrapping;

use cng_pkcs11::asn1::cms::{self, EnvelopedData};
use cng_pkcs11::asn1::{self, Limits, transport};
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::wrapped_file::{self, Wrapping};
use cng_pkcs11::format::{self, Entry, Format, cert_store};
use cng_pkcs11::key::curve::CURVES;
use cng_pkcs11::key::{Algorithm, SymmetricAlgorithm, Validation};
use cng_pkcs11::secret::SecretBytes;

use crate::memory;
pub use bulk::{journal, manifest};
use round_trip::again;
pub use wrapping::wrap_unwrap;

/// No seed is larger.
pub const LARGEST: usize = 16 << 10;

/// What one key may take beside twice its input: numbers with their tables of powers, an expanded lattice key.
const MARGIN: usize = 512 << 10;

/// The fields of a file, of which there are no more than the library shows.
const FIELDS: usize = 4 << 20;

/// Of a file with many keys, so many are converted.
const KEYS: usize = 3;

/// The passwords of the vectors, and one that is none.
const PASSWORDS: [&str; 3] = ["correct horse", "pässwörd-€", ""];

/// Little work: an input may ask for as much as it likes.
const LIMITS: Limits = Limits { iterations: 5000, scrypt_memory: 256 << 10, scrypt_work: 1 << 11 };

type Outcome = Result<Vec<Result<Entry, format::Error>>, format::Error>;

/// One decoder: with everything that can stand beside a file of its format.
pub fn decoder(format: Format, data: &[u8]) {
    for validation in [Validation::Full, Validation::Skip] {
        beside(format, data, validation, |hints| {
            let outcome = decode(data, format, hints);
            for entry in outcome.iter().flatten().flatten().take(KEYS) {
                again(entry, format, format, hints);
            }
            outcome
        });
    }
}

/// Recognition, what was recognised, and the guesses where nothing was.
pub fn sniff(data: &[u8]) {
    let (outcome, peak) = memory::peak(|| format::sniff(data));
    assert!(peak <= 2 * data.len() + MARGIN, "sniffing {} bytes took {peak}", data.len());
    match outcome {
        Ok(format) => drop(decode(data, format, &hints(Validation::Full))),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let (guesses, peak) = memory::peak(|| format::diagnose(data, &hints(Validation::Full)));
    assert!(peak <= 4 * data.len() + FIELDS, "guessing {} bytes took {peak}", data.len());
    for guess in guesses {
        assert!(guess.offset <= data.len(), "{}: stops at {} of {}", guess.format.name(), guess.offset, data.len());
        // It must be right about what it says can be read.
        let outcome = decode(data, guess.format, &hints(Validation::Skip));
        let all = outcome.is_ok_and(|entries| entries.iter().all(Result::is_ok));
        assert_eq!(guess.error.is_none(), all, "{}", guess.format.name());
    }
}

/// The fields of every format: inside the input, in their order, and with the same outcome as decoding.
pub fn inspect(data: &[u8]) {
    for format in Format::all() {
        let hints = hints(Validation::Skip);
        let ((fields, outcome), peak) = memory::peak(|| format::inspect(data, format, &hints));
        assert!(peak <= 4 * data.len() + FIELDS, "{}: the fields of {} bytes took {peak}", format.name(), data.len());
        let mut last = 0;
        for field in &fields {
            let (name, offset, length) = (&field.name, field.offset, field.length);
            let end = offset.checked_add(length).expect("a field that ends");
            // What is decoded or decrypted first is no longer than it was before.
            assert!(end <= data.len(), "{}: {name} at {offset} of {length} bytes, of {}", format.name(), data.len());
            if matches!(format, Format::Blob(blob_type) if blob_type != BlobType::Pkcs8) {
                assert!(offset >= last, "{}: {name} at {offset} comes after one at {last}", format.name());
            }
            last = offset;
        }
        let decoded = decode(data, format, &hints);
        let all = decoded.as_ref().is_ok_and(|entries| entries.iter().all(Result::is_ok));
        assert_eq!(outcome.is_ok(), all, "{}: {:?}", format.name(), outcome.err());
    }
}

/// Whatever the input is, into every format that can hold it, and back.
pub fn convert(data: &[u8]) {
    let hints = hints(Validation::Full);
    let recognised = format::sniff(data).map_or_else(|_| Format::all().collect(), |format| vec![format]);
    for from in recognised {
        let Ok(entries) = decode(data, from, &hints) else { continue };
        for entry in entries.iter().flatten().take(KEYS) {
            for to in Format::all() {
                again(entry, from, to, &hints);
            }
        }
    }
}

/// Encrypted files, with the right password and with others.
pub fn encrypted(data: &[u8]) {
    for format in [Format::PKCS8, Format::Pkcs8Pem, Format::Pkcs12] {
        for password in PASSWORDS {
            let password = SecretBytes::from(password.as_bytes());
            let hints = Hints { password: Some(&password), ..hints(Validation::Full) };
            for entry in decode(data, format, &hints).iter().flatten().flatten().take(KEYS) {
                again(entry, format, format, &hints);
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

/// EnvelopedData: what was read is written, unless it is of what is not written, and is the same when that is read again.
pub fn cms(data: &[u8]) {
    let (outcome, peak) = memory::peak(|| cms::decode(data));
    assert!(peak <= 3 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
    let read = match outcome {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    // No key opens it: what a token may hand out as one is tried all the same.
    for length in [0, read.content.cipher.key_length()] {
        let _ = read.content.decrypt(&vec![0x5A; length]);
    }
    let known = |transport: &cms::Transport| !matches!(transport, cms::Transport::Unknown(_));
    let writable = read.content_type == EnvelopedData::DATA
        && read.others.count() == 0
        && !read.recipients.is_empty()
        && read.recipients.iter().all(|recipient| known(&recipient.transport));
    match read.to_der() {
        Ok(written) => {
            let mut again = cms::decode(&written).expect("what was written is read");
            assert_eq!(again.to_der().expect("written again"), written, "other bytes the second time");
            // A SET has no order, and DER gives it one.
            let mut read = read;
            for side in [&mut read, &mut again] {
                side.recipients.sort_by_cached_key(|recipient| format!("{recipient:?}"));
            }
            assert_eq!(again, read, "another message");
        }
        Err(error) => assert!(!writable, "it is not written: {error}"),
    }
}

/// `OpaqueTransport`: there is one encoding for what is said.
pub fn transport(data: &[u8]) {
    let (outcome, peak) = memory::peak(|| transport::decode(data));
    assert!(peak <= 6 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
    let read = match outcome {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(transport::is_transport(data));
    let signed = read.info.to_der().expect("what was read is written");
    assert_eq!(signed, read.signed, "the code would be over something else");
    assert_eq!(transport::encode(&signed, &read.mac).expect("the whole"), data, "there are two ways to say it");
}

/// Certificate stores: no certificate is lost, and each is where it was.
pub fn cert_store(data: &[u8]) {
    let (outcome, peak) = memory::peak(|| cert_store::read(data));
    assert!(peak <= 2 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
    let store = match outcome {
        Ok(store) => store,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(store.certificates.len() <= cert_store::MAX_CERTIFICATES);
    assert!(store.certificates.iter().map(|der| der.len()).sum::<usize>() <= data.len());
    let written = cert_store::write(&store.certificates).expect("certificates that were read");
    let again = cert_store::read(&written).expect("what was written is read");
    assert_eq!(again.certificates, store.certificates, "other certificates");
}

/// Wrapped-key files: what is read was recognised before, has something wrapped in it, and can be told in a message.
pub fn wrapped_file(data: &[u8]) {
    let (outcome, peak) = memory::peak(|| wrapped_file::decode_all(data));
    assert!(peak <= 2 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
    match outcome {
        Ok(keys) => {
            assert!(wrapped_file::is_wrapped_file(data) && !keys.is_empty());
            assert_eq!(wrapped_file::decode(data).is_ok(), keys.len() == 1);
            for key in keys {
                match key.wrapping {
                    Wrapping::Direct(part) => assert!(!part.bytes.is_empty()),
                    Wrapping::Envelope { outer, inner } => assert!(!outer.bytes.is_empty() && !inner.bytes.is_empty()),
                    _ => {}
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Whether a decoder reads these bytes, with anything beside them.
pub fn reads(format: Format, data: &[u8]) -> bool {
    let mut any = false;
    beside(format, data, Validation::Skip, |hints| {
        let outcome = format::decode_each(data, format, hints);
        any |= outcome.is_ok();
        outcome
    });
    any
}

fn hints(validation: Validation) -> Hints<'static> {
    Hints { limits: LIMITS, validation, ..Hints::default() }
}

/// Tries everything beside a file that can make a difference: nothing, a password, algorithms, the curves of a blob that names none.
fn beside(format: Format, data: &[u8], validation: Validation, mut attempt: impl FnMut(&Hints<'_>) -> Outcome) {
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
    } else if outcome.is_err() && matches!(format, Format::PKCS8 | Format::Pkcs8Pem | Format::Pkcs12) {
        let password = SecretBytes::from(PASSWORDS[0].as_bytes());
        let _ = attempt(&Hints { password: Some(&password), ..hints });
    }
}

/// Decodes, within the bound on memory.
fn decode(data: &[u8], format: Format, hints: &Hints<'_>) -> Outcome {
    let (outcome, peak) = memory::peak(|| format::decode_each(data, format, hints));
    assert!(peak <= 2 * data.len() + MARGIN, "{}: {} bytes took {peak}", format.name(), data.len());
    if let Err(error) = &outcome {
        assert!(!error.to_string().is_empty());
    }
    outcome
}
