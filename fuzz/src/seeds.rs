//! The vectors as seeds.
//!
//! A vector is a seed of a target if its name says so or if the decoder of the target reads it. They are not kept twice in the repository:
//! `scripts/fuzz` has them written into the target folder of cargo.

use std::fs;
use std::path::{Path, PathBuf};

use cng_pkcs11::asn1;
use cng_pkcs11::format::{self, Format, wrapped_file};

use crate::Target;
use crate::check::{self, LARGEST};

/// Writes the seeds of every target into `folder`, each into a folder of the target's name.
///
/// # Panics
/// When the file system refuses.
pub fn write(folder: &Path) {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors"), &mut files);
    assert!(files.len() > 300, "only {} vectors", files.len());
    for target in Target::all() {
        fs::create_dir_all(folder.join(target.name())).expect("a folder for the seeds");
    }
    for path in files {
        let bytes = fs::read(&path).expect("a vector");
        let name = path.file_name().expect("a file").to_str().expect("a name in UTF-8");
        if bytes.len() > LARGEST {
            continue;
        }
        for target in Target::all() {
            if is_seed(target, name, &bytes) {
                fs::write(folder.join(target.name()).join(name), &bytes).expect("a seed");
            }
        }
    }
}

fn is_seed(target: Target, name: &str, bytes: &[u8]) -> bool {
    // `<key>.<variant>.<type>.<extension>`
    let said = name.rsplit('.').nth(1).unwrap_or_default();
    let readable = |format| said_format(said) == Some(format) || check::reads(format, bytes);
    match target {
        // A certificate alone is taken for a store; those of the other folders add nothing.
        Target::CertStore => said == "certstore" || name == "alice.crt.bin",
        Target::Cms => said == "cms",
        // Large keys make it slow and add nothing that their own decoders' targets do not have.
        Target::Convert => bytes.len() < 700 && Format::all().any(readable),
        Target::Decoder(format) => readable(format),
        Target::Der => asn1::outer_length(bytes) == Some(bytes.len()) && bytes.len() < 1024,
        Target::Encrypted => said.starts_with("encrypted-") || said == "pkcs12",
        Target::Inspect => bytes.len() < 1024 && Format::all().any(readable),
        // No vector is one, or says its scheme in its first byte. Their seeds are in `fuzz/corpus`.
        Target::Journal | Target::ManifestCsv | Target::ManifestJsonLines | Target::WrapUnwrap => false,
        Target::Sniff => bytes.len() < 1024 && format::sniff(bytes).is_ok(),
        Target::Transport => said == "OpaqueTransport",
        Target::WrappedFile => wrapped_file::is_wrapped_file(bytes),
    }
}

fn said_format(said: &str) -> Option<Format> {
    match said {
        "encrypted-pkcs8" => Format::by_name("pkcs8"),
        "encrypted-pkcs8-pem" => Format::by_name("pkcs8-pem"),
        said => Format::by_name(said),
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the vectors") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|extension| extension != "md" && extension != "tsv") {
            files.push(path);
        }
    }
    files.sort();
}
