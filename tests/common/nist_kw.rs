//! NIST's vectors for SP 800-38F (`tests/vectors/nist-kw/README.md`).

use super::vectors::{folder, unhex};

/// One vector; no plaintext where the integrity check must fail.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) kek: Vec<u8>,
    pub(crate) plain: Option<Vec<u8>>,
    pub(crate) wrapped: Vec<u8>,
}

/// The vectors of a file, with the length in bits that stands above each.
pub(crate) fn cases(file: &str) -> Vec<(usize, Case)> {
    let text = std::fs::read_to_string(folder().join("nist-kw").join(file)).unwrap();
    let (mut bits, mut cases) = (0, Vec::<(usize, Case)>::new());
    for line in text.lines() {
        let (name, value) = line.trim_matches(['[', ']']).split_once(" = ").unwrap_or((line, ""));
        if name == "PLAINTEXT LENGTH" {
            bits = value.parse().unwrap();
        } else if name == "COUNT" {
            cases.push((bits, Case::default()));
        } else if let Some((_, case)) = cases.last_mut() {
            match name {
                "K" => case.kek = unhex(value),
                "P" => case.plain = Some(unhex(value)),
                "C" => case.wrapped = unhex(value),
                "FAIL" | "" => {}
                other => panic!("{other}"),
            }
        }
    }
    cases
}
