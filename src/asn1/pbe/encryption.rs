//! How a key is encrypted on writing, and the words by which the command line calls it.

use der::asn1::ObjectIdentifier;

use super::pbes2::PBES2;
use super::pkcs12::THREE_KEYS;
use super::{Cipher, Hash};

/// A password-based encryption scheme that can be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// PBES2: PBKDF2 with HMAC, and a cipher in CBC mode.
    Pbes2 {
        /// The hash function in HMAC.
        hash: Hash,
        /// The cipher.
        cipher: Cipher,
    },
    /// pbeWithSHAAnd3-KeyTripleDES-CBC of PKCS#12, which every Windows reads.
    Pkcs12TripleDes,
}

/// How a key is encrypted under a password on writing. The default is PBES2 with HMAC-SHA-256, AES-256 and 600 000 iterations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Encryption {
    /// The scheme.
    pub scheme: Scheme,
    /// Iterations of the key derivation, at least one.
    pub iterations: u32,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { scheme: Scheme::Pbes2 { hash: Hash::Sha256, cipher: Cipher::Aes256 }, iterations: 600_000 }
    }
}

impl Encryption {
    /// The encryption of an OID in numbers and dots, as `NCRYPTBUFFER_PKCS_ALG_OID` has it: PBES2, or the PKCS#12 scheme that is written.
    pub fn by_oid(oid: &str) -> Option<Self> {
        match ObjectIdentifier::new(oid).ok()? {
            PBES2 => Some(Self::default()),
            THREE_KEYS => Some(Self { scheme: Scheme::Pkcs12TripleDes, ..Self::default() }),
            _ => None,
        }
    }
}

/// Four ciphers, each with five hash functions, and the one scheme of PKCS#12.
macro_rules! schemes {
    ($($cipher:ident = $word:literal),+) => {
        &[
            $(
                (concat!($word, "-sha1"), Scheme::Pbes2 { hash: Hash::Sha1, cipher: Cipher::$cipher }),
                (concat!($word, "-sha224"), Scheme::Pbes2 { hash: Hash::Sha224, cipher: Cipher::$cipher }),
                (concat!($word, "-sha256"), Scheme::Pbes2 { hash: Hash::Sha256, cipher: Cipher::$cipher }),
                (concat!($word, "-sha384"), Scheme::Pbes2 { hash: Hash::Sha384, cipher: Cipher::$cipher }),
                (concat!($word, "-sha512"), Scheme::Pbes2 { hash: Hash::Sha512, cipher: Cipher::$cipher }),
            )+
            ("pkcs12-3des", Scheme::Pkcs12TripleDes),
        ]
    };
}

impl Scheme {
    /// | name | scheme |
    /// |---|---|
    /// | `aes128-…`, `aes192-…`, `aes256-…` | PBES2 with AES-CBC |
    /// | `3des-…` | PBES2 with des-EDE3-CBC |
    /// | `…-sha1`, `-sha224`, `-sha256`, `-sha384`, `-sha512` | the hash function in PBKDF2's HMAC |
    /// | `pkcs12-3des` | pbeWithSHAAnd3-KeyTripleDES-CBC |
    const ALL: &[(&str, Self)] = schemes!(Aes128 = "aes128", Aes192 = "aes192", Aes256 = "aes256", TripleDes = "3des");

    /// The scheme of this name, in any case: `aes256-sha256`, `aes128-sha1`, `3des-sha256`, `pkcs12-3des` …
    ///
    /// A cipher alone, also as OpenSSL calls it (`aes256`, `aes-256-cbc`), goes with SHA-256.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = &name.to_ascii_lowercase();
        let cipher = match name.as_str() {
            "aes128" | "aes-128-cbc" => Some("aes128-sha256"),
            "aes192" | "aes-192-cbc" => Some("aes192-sha256"),
            "aes256" | "aes-256-cbc" => Some("aes256-sha256"),
            "3des" | "des-ede3-cbc" => Some("3des-sha256"),
            _ => None,
        };
        let name = cipher.unwrap_or(name);
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, scheme)| *scheme)
    }

    /// Every name that [`Scheme::by_name`] takes: `aes128`, `aes192`, `aes256` or `3des`, a hyphen, and `sha1`, `sha224`, `sha256`,
    /// `sha384` or `sha512` for PBES2; `pkcs12-3des`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(name, _)| *name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, scheme)| *scheme == self).map_or("", |(name, _)| name)
    }
}

impl Encryption {
    /// The scheme of this name with the default number of iterations, as [`Scheme::by_name`].
    pub fn by_name(name: &str) -> Option<Self> {
        Scheme::by_name(name).map(|scheme| Self { scheme, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_has_a_name_of_its_own_that_leads_back_to_it() {
        for name in Scheme::names() {
            assert_eq!(Encryption::by_name(name).map(|encryption| encryption.scheme.name()), Some(name));
        }
        assert_eq!(Scheme::names().count(), 21);
        assert_eq!(Encryption::by_name("AES256-SHA256"), Some(Encryption::default()));
        assert_eq!(Encryption::by_name("AES-256-CBC"), Some(Encryption::default()));
        assert_eq!(Encryption::by_name("rc2-sha1"), None);
    }
}
