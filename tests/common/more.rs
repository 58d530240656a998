//! The second set of vectors, `tests/vectors/more`: the blobs among them, and the numbers that they must give.

#![allow(dead_code, reason = "no test binary uses all of it")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::key::{Curve, Validation};

/// One blob of `manifest.tsv`.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) file: String,
    pub(crate) key: String,
    /// What stands before the blob type: `noseed`, `v3`, `GENERIC-ECDSA`, `seed.GENERIC-ECDH` …
    pub(crate) variant: String,
    pub(crate) blob_type: BlobType,
    pub(crate) bits: u32,
    pub(crate) curve: Option<&'static Curve>,
}

impl Vector {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(folder().join(&self.file)).unwrap_or_else(|error| panic!("{}: {error}", self.file))
    }

    /// What must stand beside the blob: the curve of a generic magic.
    pub(crate) fn hints(&self) -> Hints<'static> {
        let named = matches!(self.blob_type, BlobType::EccPrivate | BlobType::EccPublic);
        Hints { curve: self.curve.filter(|_| named), ..Hints::default() }
    }

    pub(crate) fn skipping(&self) -> Hints<'static> {
        Hints { validation: Validation::Skip, ..self.hints() }
    }

    /// The same blob in another variant.
    pub(crate) fn other(&self, variant: &str) -> Vec<u8> {
        let found = BLOBS
            .iter()
            .find(|other| (&other.key, &*other.variant, other.blob_type) == (&self.key, variant, self.blob_type));
        found.unwrap_or_else(|| panic!("{} has no variant `{variant}`", self.file)).bytes()
    }

    /// A number of the key, big-endian (curve25519: little-endian); `None` if the table has none.
    pub(crate) fn number(&self, field: &str) -> Option<Vec<u8>> {
        number(&self.key, field)
    }
}

/// A number of a key, as [`Vector::number`].
pub(crate) fn number(key: &str, field: &str) -> Option<Vec<u8>> {
    NUMBERS.get(&(key.to_owned(), field.to_owned())).map(|text| unhex(text))
}

/// Every blob of the manifest.
pub(crate) static BLOBS: LazyLock<Vec<Vector>> = LazyLock::new(|| {
    let blobs: Vec<_> = table("manifest.tsv")
        .into_iter()
        .filter_map(|row| {
            let [file, key, kind, _, bits, curve, ..] = row.as_slice() else { panic!("short line: {row:?}") };
            let (variant, name) = kind.rsplit_once('.').unwrap_or(("", kind));
            Some(Vector {
                file: file.clone(),
                key: key.clone(),
                variant: variant.to_owned(),
                blob_type: BlobType::by_name(name).filter(|blob_type| *blob_type != BlobType::Pkcs8)?,
                bits: bits.parse().unwrap_or(0),
                curve: Curve::by_name(curve).ok(),
            })
        })
        .collect();
    // A manifest that went missing must not make every loop over it pass.
    assert!(blobs.len() > 300, "only {} blobs", blobs.len());
    blobs
});

/// The blobs of some types.
pub(crate) fn of(types: &[BlobType]) -> Vec<Vector> {
    let found: Vec<_> = BLOBS.iter().filter(|vector| types.contains(&vector.blob_type)).cloned().collect();
    assert!(found.len() >= 3 * types.len(), "{types:?}: only {} vectors", found.len());
    found
}

static NUMBERS: LazyLock<HashMap<(String, String), String>> = LazyLock::new(|| {
    table("numbers.tsv").into_iter().map(|row| ((row[0].clone(), row[1].clone()), row[2].clone())).collect()
});

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more")
}

fn table(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// Fails with one line for each vector that failed.
pub(crate) fn report(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
