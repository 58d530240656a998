//! Blobs put together by hand from the published layouts, for the tests that need one with a fault.

#![allow(dead_code, reason = "no test binary uses all of it")]

/// Little-endian header words, then the payload.
pub(crate) fn blob(header: &[u32], payload: &[&[u8]]) -> Vec<u8> {
    header.iter().flat_map(|word| word.to_le_bytes()).chain(payload.concat()).collect()
}

/// A magic number from its four letters.
pub(crate) fn magic(letters: &str) -> u32 {
    u32::from_le_bytes(letters.as_bytes().try_into().unwrap())
}

fn word(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}

/// An ECC blob of equally wide fields: X, Y and, for a private magic, d.
pub(crate) fn ecc(letters: &str, fields: &[&[u8]]) -> Vec<u8> {
    blob(&[magic(letters), word(fields[0].len())], fields)
}

pub(crate) fn key_data(key: &[u8]) -> Vec<u8> {
    blob(&[magic("KDBM"), 1, word(key.len())], &[key])
}

/// A `CipherKeyBlob` around any inner bytes.
pub(crate) fn cipher(name: &[u8], inner: &[u8]) -> Vec<u8> {
    blob(&[16, magic("CPHR"), word(name.len()), word(inner.len())], &[name, inner])
}

/// The numbers of an RSA key by their RFC 8017 names, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Rsa(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Rsa {
    pub(crate) const FIELDS: [&str; 8] = ["n", "e", "p", "q", "dp", "dq", "qinv", "d"];

    pub(crate) fn new(number: impl Fn(&str) -> Vec<u8>) -> Self {
        Self(Self::FIELDS.map(|field| (field, number(field))).to_vec())
    }

    pub(crate) fn get(&self, field: &str) -> &[u8] {
        &self.0.iter().find(|(name, _)| *name == field).unwrap().1
    }

    #[must_use]
    pub(crate) fn with(&self, field: &str, value: impl Into<Vec<u8>>) -> Self {
        let mut out = self.clone();
        out.0.iter_mut().find(|(name, _)| *name == field).unwrap().1 = value.into();
        out
    }

    /// Two fields exchanged.
    #[must_use]
    pub(crate) fn swapped(&self, a: &str, b: &str) -> Self {
        self.with(a, self.get(b)).with(b, self.get(a))
    }

    pub(crate) fn public_blob(&self) -> Vec<u8> {
        self.assemble("RSA1", self.widths(), &["e", "n"])
    }

    pub(crate) fn private_blob(&self) -> Vec<u8> {
        self.assemble("RSA2", self.widths(), &["e", "n", "p", "q"])
    }

    pub(crate) fn full_blob(&self) -> Vec<u8> {
        self.full_blob_of_widths(self.widths())
    }

    /// Fields as wide as (cbModulus, cbPrime1, cbPrime2) say.
    pub(crate) fn full_blob_of_widths(&self, widths: (usize, usize, usize)) -> Vec<u8> {
        self.assemble("RSA3", widths, &["e", "n", "p", "q", "dp", "dq", "qinv", "d"])
    }

    /// The smallest widths that hold every number of a field's size.
    pub(crate) fn widths(&self) -> (usize, usize, usize) {
        let widest = |fields: &[&str]| fields.iter().map(|field| self.get(field).len()).max().unwrap();
        (widest(&["n", "d"]), widest(&["p", "dp", "qinv"]), widest(&["q", "dq"]))
    }

    fn assemble(&self, letters: &str, (n, p, q): (usize, usize, usize), fields: &[&str]) -> Vec<u8> {
        let e = self.get("e").len();
        let padded = |field: &&str| {
            let width = match *field {
                "e" => e,
                "n" | "d" => n,
                "q" | "dq" => q,
                _ => p,
            };
            let value = self.get(field);
            [vec![0; width - value.len()].as_slice(), value].concat()
        };
        let payload: Vec<_> = fields.iter().map(padded).collect();
        let (p, q) = if letters == "RSA1" { (0, 0) } else { (p, q) };
        let header = [magic(letters), word(n) * 8, word(e), word(n), word(p), word(q)];
        blob(&header, &payload.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}
