//! The committed test vectors: the manifest, the files and the numbers that they must give.
//!
//! A test binary takes in what it needs of this folder: `#[path = "common/vectors.rs"] mod vectors;`.

#![allow(dead_code, reason = "no test binary uses all of it")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cng_pkcs11::blob::{BlobType, Decoded, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::Curve;
use cng_pkcs11::secret::SecretBytes;

/// One line of `manifest.tsv`.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) file: String,
    pub(crate) key: String,
    /// The column `type`: `ECDSA.ECCPUBLICBLOB`, `spki`, `kek256.kwp` …
    pub(crate) kind: String,
    pub(crate) algorithm: String,
    pub(crate) bits: u32,
    pub(crate) curve: String,
}

impl Vector {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(folder().join(&self.file)).unwrap_or_else(|error| panic!("{}: {error}", self.file))
    }

    /// What the file is; `None` for what is no key by itself (a KWP-wrapped key, a signature).
    pub(crate) fn format(&self) -> Option<Format> {
        match self.kind.rsplit('.').next()? {
            "encrypted-pkcs8" => Some(Format::Blob(BlobType::Pkcs8)),
            last => Format::by_name(last),
        }
    }

    /// The format of a vector that has one.
    pub(crate) fn known_format(&self) -> Format {
        self.format().unwrap_or_else(|| panic!("{} is no key", self.file))
    }

    /// Its blob type, if it is a CNG blob.
    pub(crate) fn blob_type(&self) -> Option<BlobType> {
        match self.format() {
            Some(Format::Blob(blob_type)) => Some(blob_type),
            _ => None,
        }
    }

    pub(crate) fn is_public(&self) -> bool {
        self.known_format().is_public()
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.kind.ends_with("encrypted-pkcs8")
    }

    pub(crate) fn is_wrapped(&self) -> bool {
        self.format() == Some(Format::Blob(BlobType::AesWrap))
    }

    /// Whether the blob has a generic magic, which needs the name of its curve beside it.
    pub(crate) fn is_generic(&self) -> bool {
        self.kind.starts_with("GENERIC-")
    }

    pub(crate) fn curve(&self) -> Option<&'static Curve> {
        (self.curve != "-").then(|| Curve::by_name(&self.curve).unwrap())
    }

    /// What must stand beside the file, and nothing else.
    pub(crate) fn hints(&self) -> Hints<'static> {
        Hints { curve: self.curve().filter(|_| self.is_generic()), ..Hints::default() }
    }

    pub(crate) fn password(&self) -> SecretBytes {
        let password = if self.kind.contains("utf8") { "pässwörd-€" } else { "correct horse" };
        SecretBytes::from(password.as_bytes())
    }

    pub(crate) fn decode(&self) -> Result<Decoded, format::Error> {
        let password = self.password();
        let password = self.is_encrypted().then_some(&password);
        format::decode(&self.bytes(), self.known_format(), &Hints { password, ..self.hints() })
    }

    /// A number of the key.
    pub(crate) fn number(&self, field: &str) -> Vec<u8> {
        number(&self.key, field)
    }
}

/// A number of a key by its field in `numbers.tsv`, big-endian (curve25519: little-endian).
pub(crate) fn number(key: &str, field: &str) -> Vec<u8> {
    find_number(key, field).unwrap_or_else(|| panic!("numbers.tsv has no {field} of {key}"))
}

/// The same, of a key that may not have it.
pub(crate) fn find_number(key: &str, field: &str) -> Option<Vec<u8>> {
    static NUMBERS: LazyLock<HashMap<(String, String), String>> = LazyLock::new(|| {
        table("numbers.tsv").into_iter().map(|row| ((row[0].clone(), row[1].clone()), row[2].clone())).collect()
    });
    NUMBERS.get(&(key.to_owned(), field.to_owned())).map(|number| unhex(number))
}

/// Every vector of the manifest.
pub(crate) fn all() -> Vec<Vector> {
    let vectors: Vec<_> = table("manifest.tsv")
        .into_iter()
        .map(|row| {
            let [file, key, kind, algorithm, bits, curve, ..] = row.as_slice() else { panic!("short line: {row:?}") };
            Vector {
                file: file.clone(),
                // A published wrapping key is a key of its own, and so it stands in numbers.tsv.
                key: if kind == "kek.raw" { format!("{key}.kek") } else { key.clone() },
                kind: kind.clone(),
                algorithm: algorithm.clone(),
                bits: bits.parse().unwrap(),
                curve: curve.clone(),
            }
        })
        .collect();
    // A manifest that went missing must not make every loop over it pass.
    assert!(vectors.len() > 300, "only {} vectors", vectors.len());
    vectors
}

/// The vectors that are a key in a format of their own.
pub(crate) fn keys() -> Vec<Vector> {
    all().into_iter().filter(|vector| vector.format().is_some() && !vector.is_wrapped()).collect()
}

/// One vector, by its file name.
pub(crate) fn named(file: &str) -> Vector {
    all().into_iter().find(|vector| vector.file == file).unwrap_or_else(|| panic!("no vector {file}"))
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// Fails with one line for each vector that failed.
pub(crate) fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} vectors failed:\n{}", failures.len(), failures.join("\n"));
}

fn table(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}
