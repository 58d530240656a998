//! Every private form of a key through every other form and back: the first bytes again, or the loss that was stated.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::path::Path;

use cng_pkcs11::asn1::Encryption;
use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Entry, Error, Format, Loss, Writing};
use cng_pkcs11::key::{Curve, KeyMaterial, PrivateKey};
use cng_pkcs11::secret::SecretBytes;

/// Keys by OpenSSL and, for ML-DSA, out of published test data; the PKCS#8 of each, with the curve that its blobs do not name.
const KEYS: &[(&str, Option<&str>)] = &[
    ("rsa2048-e65537.PKCS8_PRIVATEKEY.bin", None),
    ("rsa2047-e65537.PKCS8_PRIVATEKEY.bin", None),
    ("ec-nistP256.PKCS8_PRIVATEKEY.bin", None),
    ("ec-nistP521.PKCS8_PRIVATEKEY.bin", None),
    ("ec-secP256k1.PKCS8_PRIVATEKEY.bin", Some("secP256k1")),
    ("ec-curve25519.PKCS8_PRIVATEKEY.bin", Some("curve25519")),
    ("more/nistP256.usage-digitalSignature.PKCS8_PRIVATEKEY.bin", None),
    ("more/nistP256.usage-keyAgreement.PKCS8_PRIVATEKEY.bin", None),
    ("ec-curve25519-unclamped.PKCS8_PRIVATEKEY.bin", Some("curve25519")),
    ("more/ed25519.PKCS8_PRIVATEKEY.bin", None),
    ("more/dsa2048.PKCS8_PRIVATEKEY.bin", None),
    ("more/dsa1024.usage-digitalSignature.PKCS8_PRIVATEKEY.bin", None),
    ("more/dh2048-ffdhe.PKCS8_PRIVATEKEY.bin", None),
    ("more/dh2048-x942.PKCS8_PRIVATEKEY.bin", None),
    ("more/mldsa65-kat.PKCS8_PRIVATEKEY.bin", None),
    ("more/mldsa65-kat.expanded.PKCS8_PRIVATEKEY.bin", None),
    ("more/mlkem768-kat.PKCS8_PRIVATEKEY.bin", None),
];

/// How many forms each of them has at least.
const FORMS: &[usize] = &[12, 9, 11, 10, 10, 8, 11, 11, 8, 5, 7, 8, 6, 6, 9, 4, 6];

#[test]
fn every_private_form_goes_through_every_other_and_comes_back_as_it_was() {
    let password = SecretBytes::from(&b"correct horse"[..]);
    let mut problems = Vec::new();
    for ((file, curve), least) in KEYS.iter().zip(FORMS) {
        let pkcs8 = vector(file);
        let curve = curve.map(|name| Curve::by_name(name).unwrap());
        let first = format::decode(&pkcs8, Format::PKCS8, &Hints::default()).unwrap();
        let convert = Convert { password: &password, curve };
        let forms: Vec<(Format, SecretBytes)> = Format::all()
            .filter(|format| !format.is_public())
            .filter_map(|format| Some((format, convert.write(&first.clone().into(), format).ok()?)))
            .collect();
        assert!(forms.len() >= *least, "{file} has {} forms: {:?}", forms.len(), names(&forms));
        for (from, original) in &forms {
            for (to, _) in &forms {
                if let Err(problem) = convert.there_and_back(original, *from, *to) {
                    problems.push(format!("{file}: {} -> {}: {problem}", from.name(), to.name()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// What no second reading can bring back: bytes that differ in the end are excused by one of these alone.
fn excuses(loss: &Loss) -> bool {
    matches!(
        loss,
        Loss::Algorithm(_)
            | Loss::Usage(_)
            | Loss::PrivateExponent
            | Loss::Seed
            | Loss::DomainSeed
            | Loss::SubgroupOrder
            | Loss::Cofactor
            | Loss::PrivateLength
            | Loss::ScalarBits
    )
}

struct Convert<'a> {
    password: &'a SecretBytes,
    curve: Option<&'static Curve>,
}

impl Convert<'_> {
    fn writing(&self, format: Format) -> Writing<'_> {
        let password = (format == Format::Pkcs12).then_some(self.password);
        Writing { password, encryption: Encryption { iterations: 1000, ..Encryption::default() }, ..Writing::default() }
    }

    fn write(&self, entry: &Entry, format: Format) -> Result<SecretBytes, Error> {
        let writing = Writing { usage: entry.decoded.usage, ..self.writing(format) };
        format::encode_with(&entry.decoded.key, entry.decoded.algorithm, format, &writing)
    }

    fn read(&self, bytes: &[u8], format: Format) -> Result<Entry, Error> {
        let hints = Hints { curve: self.curve, password: Some(self.password), ..Hints::default() };
        format::only(format::decode_all(bytes, format, &hints)?)
    }

    fn there_and_back(&self, original: &[u8], from: Format, to: Format) -> Result<(), String> {
        let text = |error: Error| error.to_string();
        let entry = self.read(original, from).map_err(text)?;
        let written = match self.write(&entry, to) {
            // An expanded key without its seed does not go where the seed is needed; that is said, and no loss.
            Err(error) if seedless(&entry) => {
                return if error.to_string().contains("seed") { Ok(()) } else { Err(error.to_string()) };
            }
            outcome => outcome.map_err(text)?,
        };
        let losses = format::losses(&entry, to, &self.writing(to));
        let again = self.read(&written, to).map_err(text)?;
        if again.decoded.key.is_same_key(&entry.decoded.key) != Some(true) {
            return Err("another key came back".to_owned());
        }
        let back = match self.write(&again, from) {
            Err(_) if seedless(&again) && losses.contains(&Loss::Seed) => return Ok(()),
            outcome => outcome.map_err(text)?,
        };
        let all: Vec<_> = losses.into_iter().chain(format::losses(&again, from, &self.writing(from))).collect();
        // Salt and IV of an encrypted file are new each time.
        let equal = from == Format::Pkcs12 || &*back == original;
        let excused = all.iter().any(excuses);
        match (equal, excused) {
            (true, _) | (false, true) => Ok(()),
            (false, false) => Err(format!("other bytes came back, and the losses are {all:?}")),
        }
    }
}

fn seedless(entry: &Entry) -> bool {
    matches!(&entry.decoded.key, KeyMaterial::Private(PrivateKey::Pq(key)) if key.seed().is_none())
}

fn names(forms: &[(Format, SecretBytes)]) -> Vec<&'static str> {
    forms.iter().map(|(format, _)| format.name()).collect()
}

fn vector(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
