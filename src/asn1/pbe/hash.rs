//! The hash functions that password-based schemes and MACs are built on, and their OIDs.

use der::asn1::ObjectIdentifier;

/// A hash function, also as the one inside HMAC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// SHA-1
    Sha1,
    /// SHA-224
    Sha224,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

/// Runs an expression with the type of a hash function.
macro_rules! with_hash {
    ($hash:expr, $D:ident => $body:expr) => {
        match $hash {
            $crate::asn1::pbe::Hash::Sha1 => {
                type $D = sha1::Sha1;
                $body
            }
            $crate::asn1::pbe::Hash::Sha224 => {
                type $D = sha2::Sha224;
                $body
            }
            $crate::asn1::pbe::Hash::Sha256 => {
                type $D = sha2::Sha256;
                $body
            }
            $crate::asn1::pbe::Hash::Sha384 => {
                type $D = sha2::Sha384;
                $body
            }
            $crate::asn1::pbe::Hash::Sha512 => {
                type $D = sha2::Sha512;
                $body
            }
        }
    };
}
pub(in crate::asn1) use with_hash;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// Everything that is fixed about a hash function.
struct Facts {
    name: &'static str,
    /// RFC 3279 §2.2.1, RFC 5754 §2.
    digest: ObjectIdentifier,
    /// RFC 8018 appendix B.1.2.
    hmac: ObjectIdentifier,
    /// u and v of RFC 7292 appendix B.2.
    output: usize,
    block: usize,
}

impl Hash {
    const ALL: &[Self] = &[Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    const fn facts(self) -> Facts {
        let (name, digest, hmac, output, block) = match self {
            Self::Sha1 => ("SHA-1", "1.3.14.3.2.26", "1.2.840.113549.2.7", 20, 64),
            Self::Sha224 => ("SHA-224", "2.16.840.1.101.3.4.2.4", "1.2.840.113549.2.8", 28, 64),
            Self::Sha256 => ("SHA-256", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.2.9", 32, 64),
            Self::Sha384 => ("SHA-384", "2.16.840.1.101.3.4.2.2", "1.2.840.113549.2.10", 48, 128),
            Self::Sha512 => ("SHA-512", "2.16.840.1.101.3.4.2.3", "1.2.840.113549.2.11", 64, 128),
        };
        Facts { name, digest: oid(digest), hmac: oid(hmac), output, block }
    }

    /// Its name, as FIPS 180-4 spells it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    pub(in crate::asn1) fn by_digest(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.iter().copied().find(|hash| hash.digest_oid() == oid)
    }

    pub(in crate::asn1) fn by_hmac(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.iter().copied().find(|hash| hash.hmac_oid() == oid)
    }

    pub(in crate::asn1) fn digest_oid(self) -> ObjectIdentifier {
        self.facts().digest
    }

    pub(in crate::asn1) fn hmac_oid(self) -> ObjectIdentifier {
        self.facts().hmac
    }

    pub(in crate::asn1) fn output(self) -> usize {
        self.facts().output
    }

    pub(in crate::asn1) fn block(self) -> usize {
        self.facts().block
    }
}
