//! PKCS#12, also called PFX (RFC 7292, RFC 9579): keys, their certificates and the chains of these, under a password.
//!
//! Owns the container and its MAC. Encryption is `pbe`'s, a key is handed out as the PKCS#8 that it is. Reading takes BER
//! as well as DER and every bag that holds a key or an X.509 certificate, and counts what it passes over. Nothing is handed out before the MAC has been verified; a
//! file without one is read and said to have none. The two public-key modes, signedData and envelopedData, are refused.
//!
//! | layer | structure | module |
//! |---|---|---|
//! | 1 | `PFX`: `authSafe`, `macData` | `read`, `mac` |
//! | 2 | `AuthenticatedSafe`: data and encryptedData | `read` |
//! | 3 | `SafeContents`: bags | `bag` |

mod bag;
mod mac;
mod read;
mod write;

use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier};

use super::cms::{ContentInfo, DATA, ENVELOPED_DATA, EncryptedContentInfo, IMPLICIT_OCTETS, oid};
use super::pbe::{Encryption, Hash, Scheme};
use crate::secret::SecretBytes;

pub use self::mac::MacAlgorithm;
pub use self::read::decode;
pub use self::write::encode;

/// RFC 2315 §14. The rest of it is CMS's.
const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");

#[derive(Sequence)]
struct EncryptedData<'a> {
    version: u8,
    info: EncryptedContentInfo<'a>,
    unprotected_attributes: Option<AnyRef<'a>>,
}

/// What a PKCS#12 file holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pfx {
    /// The private keys, in the order of the file.
    pub keys: Vec<PfxKey>,
    /// The X.509 certificates, in the order of the file.
    pub certificates: Vec<PfxCertificate>,
    /// How the file is protected against change.
    pub mac: MacInfo,
    /// What was passed over.
    pub ignored: Ignored,
}

/// A private key.
#[derive(Clone, Debug)]
pub struct PfxKey {
    /// `PrivateKeyInfo`, in DER and in the clear.
    pub pkcs8: SecretBytes,
    /// Whether the file has it encrypted. What is written always is.
    pub encrypted: bool,
    /// The name that programs show.
    pub friendly_name: Option<String>,
    /// What ties it to its certificate, which has the same.
    pub local_key_id: Option<Vec<u8>>,
}

/// A certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PfxCertificate {
    /// The certificate, as it stands in the file.
    pub der: Vec<u8>,
    /// The name that programs show.
    pub friendly_name: Option<String>,
    /// What ties it to its key, which has the same.
    pub local_key_id: Option<Vec<u8>>,
}

/// How a file is protected against change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MacInfo {
    /// Not at all: anyone can have changed it.
    Absent,
    /// By a MAC, which was verified.
    Verified {
        /// The MAC.
        algorithm: MacAlgorithm,
        /// Iterations of its key derivation.
        iterations: u32,
    },
}

/// Bags that hold neither a private key nor an X.509 certificate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ignored {
    /// Revocation lists.
    pub crls: usize,
    /// Secrets, such as the symmetric keys that Java's key stores hold.
    pub secrets: usize,
    /// SDSI certificates.
    pub other_certificates: usize,
    /// Bags of a type that RFC 7292 does not know.
    pub unknown: usize,
}

/// How a file is protected on writing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Protection {
    /// How keys and certificates are encrypted.
    pub encryption: Encryption,
    /// The MAC.
    pub mac: MacAlgorithm,
    /// Iterations of the MAC's key derivation. It takes the same password: fewer than the encryption has make this the weak spot.
    pub mac_iterations: u32,
}

impl Default for Protection {
    /// PBES2 with AES-256 and HMAC-SHA-256, and an HMAC-SHA-256 MAC, as OpenSSL 3 writes, with more iterations.
    fn default() -> Self {
        Self::with(Encryption::default())
    }
}

impl Protection {
    /// The protection that goes with an encryption: a MAC with its hash function and as many iterations. Windows before 10 version 1709 and
    /// Server 2019 needs [`Scheme::Pkcs12TripleDes`].
    pub const fn with(encryption: Encryption) -> Self {
        let hash = match encryption.scheme {
            Scheme::Pbes2 { hash, .. } => hash,
            Scheme::Pkcs12TripleDes => Hash::Sha1,
        };
        Self { encryption, mac: MacAlgorithm::Pkcs12(hash), mac_iterations: encryption.iterations }
    }
}
