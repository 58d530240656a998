//! Files made to hurt whoever opens them are answered soon and in little memory.
//!
//! Time is bounded generously, for a build without optimisation on a busy machine: what takes a tenth of a second today and seconds tomorrow has
//! stopped being linear. Memory is counted by the allocator, beyond what was allocated before: twice the input and a
//! margin for decoding; for the fields of a file twice as much, since their values are copies.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cng_pkcs11::asn1::{self, Limits};
use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::format::{self, Error, Format};
use cng_pkcs11::key::{Curve, PrivateKey, PublicKey, Validation, ec};
use cng_pkcs11::secret::SecretBytes;
use peak_alloc::PeakAlloc;

#[path = "common/der.rs"]
mod der;
#[path = "common/vectors.rs"]
mod vectors;

use der::{header, tlv};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
/// The largest file: ten megabytes.
const LARGE: usize = 10_000_000;
/// Large enough for what is not linear to be seen, by the time or by the memory that it takes.
const LONG: usize = 1_000_000;
/// What one key may take beside twice its input: numbers with their tables of powers, an expanded lattice key.
const MARGIN: usize = MIB / 2;
/// The fields of a file, of which no more than ten thousand are told.
const FIELDS: usize = 4 * MIB;
/// For one call.
const SOON: Duration = Duration::from_secs(5);

/// The counter of the allocator is one for the whole process: each test holds this from its first line on.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work`, which must end soon and take no more memory than `bound`.
#[track_caller]
fn within<T>(bound: usize, what: &str, work: impl FnOnce() -> T) -> T {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let start = Instant::now();
    let outcome = work();
    let (time, peak) = (start.elapsed(), ALLOCATOR.peak_usage().saturating_sub(before));
    assert!(time < SOON, "{what}: took {time:?}");
    assert!(peak <= bound, "{what}: took {peak} bytes, {bound} are allowed");
    outcome
}

/// Recognises, guesses, decodes and takes apart, as everything.
#[track_caller]
fn harmless(what: &str, bytes: &[u8]) {
    let password = SecretBytes::from(&b"correct horse"[..]);
    let decoding = 2 * bytes.len() + MARGIN;
    let telling = 4 * bytes.len() + FIELDS;
    let sniffed = within(decoding, &format!("{what}: sniff"), || format::sniff(bytes));
    within(telling, &format!("{what}: diagnose"), || format::diagnose(bytes, &Hints::default()));
    for format in Format::all() {
        let name = format.name();
        // Arithmetic on numbers that make no key takes its time, which is not what this is about.
        let validation = if sniffed == Ok(format) { Validation::Full } else { Validation::Skip };
        let hints = Hints { password: Some(&password), validation, ..Hints::default() };
        let outcome = within(decoding, &format!("{what}: {name}"), || format::decode_each(bytes, format, &hints));
        if let Err(error) = outcome {
            assert!(error.to_string().len() < 1000, "{what}: {name}: {} characters of error", error.to_string().len());
        }
        within(telling, &format!("{what}: the fields as {name}"), || drop(format::inspect(bytes, format, &hints)));
    }
}

/// Bytes without a pattern, the same every time (xorshift64*).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn repeated(pattern: &[u8]) -> Vec<u8> {
    pattern.iter().copied().cycle().take(LONG).collect()
}

#[test]
fn ten_megabytes_of_anything() {
    let _one = one_at_a_time();
    harmless("noise", &noise(LARGE));
    for byte in [0, 0x30, 0xFF, b' ', b'\n', b'-', b'['] {
        harmless(&format!("bytes of {byte:#04x}"), &vec![byte; LONG]);
    }
}

#[test]
fn noise_behind_a_magic() {
    let _one = one_at_a_time();
    let mut tried = 0;
    for vector in vectors::all() {
        if let Some(Format::Blob(blob_type)) = vector.format()
            && blob_type != BlobType::Pkcs8
            && vector.bits <= 1024
            && (vector.key == "rsa1024-e3" || vector.key == "ec-nistP256" || vector.key == "aes128")
        {
            let mut bytes = vector.bytes();
            bytes.extend(noise(LONG / 3));
            harmless(&vector.file, &bytes);
            tried += 1;
        }
    }
    assert!(tried >= 6, "only {tried}");
}

#[test]
fn much_der() {
    let _one = one_at_a_time();
    harmless("SEQUENCEs without a length", &repeated(&[0x30, 0x80]));
    harmless("empty SEQUENCEs", &tlv(0x30, &repeated(&[0x30, 0x00])));
    harmless("empty INTEGERs", &tlv(0x30, &repeated(&[0x02, 0x00])));
    harmless("small INTEGERs", &tlv(0x30, &repeated(&[0x02, 0x01, 0x01])));
    harmless(
        "pieces of an OCTET STRING",
        &[&[0x30, 0x80, 0x02, 0x01, 0x03, 0x24, 0x80][..], &repeated(&[0x04, 0x00])].concat(),
    );
    harmless("a PrivateKeyInfo with attributes", &{
        let head = [
            0x02, 0x01, 0x00, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
            0x04, 0x00,
        ];
        tlv(0x30, &[&head[..], &tlv(0xA0, &repeated(&[0x30, 0x00]))].concat())
    });
    harmless(
        "an RSAPrivateKey of one number",
        &tlv(0x30, &[&[0x02, 0x01, 0x00][..], &tlv(0x02, &vec![0x55; LONG])].concat()),
    );
    harmless(
        "an RSAPublicKey of one number",
        &tlv(0x30, &[tlv(0x02, &vec![0x55; LONG]), vec![0x02, 0x01, 0x03]].concat()),
    );
}

#[test]
fn der_nested_as_deep_as_it_goes() {
    let _one = one_at_a_time();
    for (tag, name) in [(0x30, "SEQUENCE"), (0x31, "SET"), (0xA0, "[0]"), (0x24, "OCTET STRING of pieces")] {
        // From the inside out, written backwards.
        let mut reversed = vec![0, 0x05];
        while reversed.len() < 200_000 {
            reversed.extend(header(tag, reversed.len()).iter().rev());
        }
        reversed.reverse();
        harmless(&format!("nested {name}"), &reversed);
    }
}

#[test]
fn much_json() {
    let _one = one_at_a_time();
    harmless("arrays", &repeated(b"["));
    harmless("objects", &repeated(b"{\"a\":"));
    harmless("a key set of arrays", &[&b"{\"keys\":"[..], &repeated(b"[")].concat());
    harmless("one string", &[&b"{\"kty\":\""[..], &repeated(b"a"), &b"\"}"[..]].concat());
    harmless("one string of escapes", &[&b"{\"kty\":\""[..], &repeated(b"\\u0041")].concat());
    harmless("one number", &[&b"{\"kty\":"[..], &repeated(b"1"), &b"}"[..]].concat());
    harmless("members", &[&b"{"[..], &repeated(b"\"kty\":1,")].concat());
    harmless("a long k", &[&b"{\"kty\":\"oct\",\"k\":\""[..], &repeated(b"A"), &b"\"}"[..]].concat());
}

#[test]
fn a_key_set_of_a_hundred_thousand_keys() {
    let _one = one_at_a_time();
    let key = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA"}"#;
    let set = format!(r#"{{"keys":[{}]}}"#, vec![key; 100_000].join(","));
    harmless("a key set", set.as_bytes());
    let error = format::decode_each(set.as_bytes(), Format::JwkSet, &Hints::default()).unwrap_err();
    assert!(error.to_string().contains("1000"), "{error}");
}

#[test]
fn a_pem_with_ten_thousand_blocks() {
    let _one = one_at_a_time();
    let key = vectors::named("ec-nistP256.pkcs8-pem.pem").bytes();
    harmless("blocks with a key", &key.repeat(10_000));
    for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE", "NONSENSE", ""] {
        let block = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        harmless(&format!("blocks of {label}"), block.repeat(2000).as_bytes());
    }
    harmless("beginnings", &repeated(b"-----BEGIN PRIVATE KEY-----\n"));
    harmless("beginnings in one line", &repeated(b"-----BEGIN "));
    harmless("dashes", &repeated(b"-"));
    harmless(
        "one block",
        &[&b"-----BEGIN PRIVATE KEY-----\n"[..], &repeated(b"AAAA\n"), &b"-----END PRIVATE KEY-----\n"[..]].concat(),
    );
}

/// Each key has its certificate and those above it: a large one above many keys must not be there many times.
#[test]
fn many_keys_below_one_large_certificate() {
    let _one = one_at_a_time();
    let name = |letter| {
        [&[0x30, 0x0C, 0x31, 0x0A, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x01][..], &[letter]].concat()
    };
    let validity = tlv(0x30, &[tlv(0x17, b"200101000000Z"), tlv(0x17, b"300101000000Z")].concat());
    let ecdsa = tlv(0x30, &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]);
    let head = [0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01];
    let extension = |length| {
        let extension = tlv(0x30, &[&[0x06, 0x03, 0x2A, 0x03, 0x04][..], &tlv(0x04, &noise(length))].concat());
        tlv(0xA3, &tlv(0x30, &extension))
    };
    // Nobody verifies its signature here.
    let certificate = |subject, length, public: &[u8]| {
        let parts = [&head[..], &ecdsa, &name(b'a'), &validity, &name(subject), public, &extension(length)];
        let certificate =
            tlv(0x30, &[&tlv(0x30, &parts.concat())[..], &ecdsa, &[0x03, 0x03, 0x00, 0x30, 0x00]].concat());
        asn1::pem::to_pem(asn1::pem::Label::Certificate, &certificate).unwrap()
    };
    let mut text = Vec::new();
    for _ in 0..100 {
        let key = ec::PrivateKey::generate(Curve::by_name("nistP256").unwrap()).unwrap();
        let public = asn1::spki::encode(&PublicKey::Ec(key.public().unwrap().clone())).unwrap();
        if text.is_empty() {
            text.extend_from_slice(&certificate(b'a', LONG, &public));
        }
        text.extend_from_slice(&certificate(b'b', 10, &public));
        let key = asn1::pkcs8::encode(&PrivateKey::Ec(key)).unwrap();
        text.extend_from_slice(&asn1::pkcs8::to_pem(&key).unwrap());
    }
    let hints = Hints { validation: Validation::Skip, ..Hints::default() };
    let bound = 2 * text.len() + MARGIN;
    let read = within(bound, "keys below one", || format::decode_all(&text, Format::Pkcs8Pem, &hints)).unwrap();
    assert_eq!(read.len(), 100);
    // The first key's is the one above all.
    assert!(read.iter().skip(1).all(|entry| entry.certificates.len() == 2));
}

#[test]
fn much_bind() {
    let _one = one_at_a_time();
    let head = b"Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n";
    harmless("lines", &[&head[..], &repeated(b"Created: 20200101000000\n")].concat());
    harmless("one line", &[&head[..], b"PrivateKey: ", &repeated(b"A")].concat());
    harmless("names", &[&head[..], &repeated(b":")].concat());
}

/// Each four bytes of a header, in either byte order, and each byte of DER as the length that follows it.
#[test]
fn lengths_of_four_gibibytes() {
    let _one = one_at_a_time();
    let mut tried = 0;
    for vector in vectors::all().into_iter().filter(|vector| vector.bits <= 1024 || vector.curve != "-") {
        let Some(format) = vector.format() else { continue };
        let bytes = vector.bytes();
        let is_blob = matches!(format, Format::Blob(blob_type) if blob_type != BlobType::Pkcs8);
        for at in 0..bytes.len().min(64) {
            let damages: Vec<Vec<u8>> = if is_blob {
                if at % 4 != 0 || bytes.len() < at + 4 {
                    continue;
                }
                [[0xFF; 4], [0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0x80], [0xFC, 0xFF, 0xFF, 0xFF]]
                    .map(|length| [&bytes[..at], &length, &bytes[at + 4..]].concat())
                    .into()
            } else {
                [&[0x84, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0x88; 9], &[0x84, 0x7F, 0xFF, 0xFF, 0xFF]]
                    .map(|length| [&bytes[..at], length, &bytes[at + 1..]].concat())
                    .into()
            };
            for damaged in damages {
                let hints = Hints { validation: Validation::Skip, ..vector.hints() };
                let bound = 2 * damaged.len() + MARGIN;
                let what = format!("{} with four gibibytes at {at}", vector.file);
                drop(within(bound, &what, || format::decode_each(&damaged, format, &hints)));
                drop(within(bound, &what, || format::inspect(&damaged, format, &hints)));
                tried += 1;
            }
        }
    }
    assert!(tried > 5000, "only {tried}");
}

/// PBKDF2 is work that was asked for; how much is bounded by [`Limits`] and found out before any of it is done.
#[cfg(feature = "pfx")]
#[test]
fn a_pfx_that_asks_for_more_iterations_than_it_was_made_with() {
    let _one = one_at_a_time();
    let folder = vectors::folder().join("more");
    let mut tried = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        // INTEGER 2048 as openssl writes it, once a part and once for the MAC.
        const ITERATIONS: [u8; 4] = [0x02, 0x02, 0x08, 0x00];
        if !name.ends_with(".pkcs12.p12") || bytes.len() > 8192 {
            continue;
        }
        let password = SecretBytes::from(&b"correct horse"[..]);
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == ITERATIONS).collect();
        // Enough for the file as it was made, whose parts ask for 2048 each.
        let limits = Limits { iterations: 10_000, ..Limits::DEFAULT };
        let hints = Hints { password: Some(&password), ..Hints::default() };
        let strict = Hints { limits, ..hints };
        assert!(format::decode_each(&bytes, Format::Pkcs12, &strict).is_ok(), "{name}");
        for at in places {
            // Ten thousand more: 12048.
            let more = [&bytes[..at], &[0x02, 0x02, 0x2F, 0x10], &bytes[at + 4..]].concat();
            let bound = 2 * more.len() + MARGIN;
            let outcome = within(bound, &name, || format::decode_each(&more, Format::Pkcs12, &hints));
            assert!(outcome.is_err(), "{name}: read with another number of iterations");
            let error = within(bound, &name, || format::decode_each(&more, Format::Pkcs12, &strict)).unwrap_err();
            let refused = matches!(
                error,
                Error::Asn1(asn1::Error::Work { .. })
                    | Error::Blob(cng_pkcs11::blob::Error::Asn1(asn1::Error::Work { .. }))
            );
            assert!(refused, "{name}: {error}");
            tried += 1;
        }
    }
    assert!(tried > 0, "no PFX with 2048 iterations");
}

/// What many keys take is a few bytes each, and not their text.
#[cfg(feature = "bulk")]
mod many_keys {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::io::{BufReader, Cursor, Read};
    use std::path::Path;

    use cng_pkcs11::bulk::journal::{Binding, Job, Journal, Outcome, Record, State, Syncing};
    use cng_pkcs11::bulk::manifest::Manifest;

    use super::{ALLOCATOR, MIB, one_at_a_time};

    const KEYS: u32 = 200_000;

    fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        let outcome = work();
        (ALLOCATOR.peak_usage().saturating_sub(before), outcome)
    }

    /// Entries of two hundred bytes that are made as they are read.
    struct Entries {
        next: u32,
        line: Cursor<Vec<u8>>,
    }

    impl Read for Entries {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            if self.line.position() == self.line.get_ref().len() as u64 && self.next < KEYS {
                let (number, folder) = (self.next, "x".repeat(100));
                let mut line = String::new();
                let _ = writeln!(
                    line,
                    "{{\"file\":\"{folder}/{number}.key\",\"name\":\"a key with the number {number}\",\"usage\":\"sign\"}}"
                );
                self.line = Cursor::new(line.into_bytes());
                self.next += 1;
            }
            self.line.read(out)
        }
    }

    #[test]
    fn a_manifest_takes_a_few_bytes_for_each_name() {
        let _one = one_at_a_time();
        let (peak, count) = peak(|| {
            let text = BufReader::new(Entries { next: 0, line: Cursor::new(Vec::new()) });
            let mut manifest = Manifest::read(text, Path::new("m.jsonl"), None).unwrap();
            manifest.by_ref().filter(Result::is_ok).count()
        });
        assert_eq!(count, KEYS as usize);
        // The text has 35 MiB. A table that grows is there twice for a moment.
        assert!(peak < 10 * MIB, "{peak} bytes");
    }

    #[test]
    fn a_journal_takes_a_byte_for_each_entry() {
        let _one = one_at_a_time();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let binding = Binding { job: Job::Export, tokens: Vec::new(), plan: [0; 32], options: BTreeMap::new() };
        let (writing, ()) = peak(|| {
            let mut journal = Journal::create(&path, &binding).unwrap();
            journal.set_syncing(Syncing { every: u32::MAX, begins: false });
            for entry in 0..KEYS {
                let name = "a key with a name of some length";
                journal.append(&Record::Begin { entry, name, identity: &[7; 20] }).unwrap();
                let (outcome, unique) = (Outcome::Imported, "pkcs11:object=a%20key%20with%20a%20name");
                journal.append(&Record::Done { entry, name, outcome, unique, verified: "signature" }).unwrap();
            }
        });
        let (reading, journal) = peak(|| Journal::resume(&path, &binding).unwrap());
        assert_eq!(journal.found().records, 2 * u64::from(KEYS));
        assert_eq!(journal.state_of(KEYS - 1), Some(State::Done(Outcome::Imported)));
        assert!(path.metadata().unwrap().len() > 40 * MIB as u64);
        // A list that grows is there twice for a moment; a line has its buffer.
        assert!(writing < MIB && reading < MIB, "{writing} and {reading} bytes");
        drop(journal);
        // An import that goes on keeps what its symmetric keys are found again by.
        let import = Binding { job: Job::Import, ..binding };
        let path = folder.path().join("import.journal");
        let mut journal = Journal::create(&path, &import).unwrap();
        for entry in 0..KEYS / 10 {
            let (name, outcome) = ("a key with a name of some length", Outcome::Imported);
            journal.append(&Record::Begin { entry, name, identity: &[7; 20] }).unwrap();
            journal.append(&Record::Done { entry, name, outcome, unique: "", verified: "kcv" }).unwrap();
        }
        assert!(journal.begun(0, "a key with a name of some length").is_none());
        drop(journal);
        let (reading, journal) = peak(|| Journal::resume(&path, &import).unwrap());
        assert!(journal.begun(0, "a key with a name of some length").is_some());
        assert!(reading < 400 * KEYS as usize / 10, "{reading} bytes");
    }
}
