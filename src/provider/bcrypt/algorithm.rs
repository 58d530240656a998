//! `BCryptOpenAlgorithmProvider`: the one table of algorithm identifiers, and the properties of an opened algorithm.
//!
//! | answered | to |
//! |---|---|
//! | `STATUS_NOT_FOUND` | an identifier that is none, or one that is not served here; an implementation other than `Microsoft Primitive Provider` |
//! | `STATUS_INVALID_PARAMETER` | flags that are none, or that the algorithm does not have |
//! | `STATUS_NOT_SUPPORTED` | a property that the algorithm does not have, a mode that the cipher does not have |

use std::sync::{Mutex, PoisonError};

use super::hash::Function;
use super::property::{self, KeyLengths, Value, names};
use super::{invalid, only, pseudo, refused, unsupported};
use crate::blob::ecc_parameters;
use crate::key::curve::CURVES;
use crate::key::rsa::Hash;
use crate::key::{Algorithm, Curve, Family, SymmetricAlgorithm};
use crate::provider::ChainingMode;
use crate::provider::property::lengths::{lengths, tags};
use crate::status::Status;

/// `dwFlags` of `BCryptOpenAlgorithmProvider`.
pub mod flags {
    /// `BCRYPT_PROV_DISPATCH`: for the kernel; accepted.
    pub const PROV_DISPATCH: u32 = 0x1;
    /// `BCRYPT_ALG_HANDLE_HMAC_FLAG`: the hash with a secret.
    pub const HMAC: u32 = 0x8;
    /// `BCRYPT_HASH_REUSABLE_FLAG`: hashes go on after they are finished.
    pub const HASH_REUSABLE: u32 = 0x20;
}

/// The provider whose name applications write.
const IMPLEMENTATION: &str = "Microsoft Primitive Provider";

/// What an identifier stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A block cipher.
    Cipher(Cipher),
    /// A hash, or HMAC with it.
    Hash(Function),
    /// An asymmetric algorithm.
    Pair(Family),
    /// One on the NIST curve of this size.
    PairOn(Family, u32),
    /// Random numbers.
    Random,
}

/// A block cipher that tokens have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cipher {
    Aes,
    TripleDes,
    /// 3DES of which the third key is the first.
    TripleDes112,
}

impl Cipher {
    /// What the key is on the token.
    pub(super) fn symmetric(self) -> SymmetricAlgorithm {
        match self {
            Self::Aes => SymmetricAlgorithm::Aes,
            Self::TripleDes | Self::TripleDes112 => SymmetricAlgorithm::TripleDes,
        }
    }

    /// Bytes of a block.
    pub(super) fn block(self) -> usize {
        self.symmetric().block_len().unwrap_or(0)
    }

    /// Bits of its keys, parity bits counted.
    pub(super) fn lengths(self) -> KeyLengths {
        match self {
            Self::TripleDes112 => KeyLengths { min: 128, max: 128, increment: 0 },
            other => lengths(Algorithm::symmetric(other.symmetric())).into(),
        }
    }

    /// Whether it is had in this mode: what a token lacks it says at the first use.
    pub(super) fn has(self, mode: ChainingMode) -> bool {
        self == Self::Aes || matches!(mode, ChainingMode::Ecb | ChainingMode::Cbc)
    }
}

/// One identifier.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) kind: Kind,
}

const fn row(id: &'static str, kind: Kind) -> Row {
    Row { id, kind }
}

/// Every identifier that is served.
static TABLE: &[Row] = &[
    row("AES", Kind::Cipher(Cipher::Aes)),
    row("3DES", Kind::Cipher(Cipher::TripleDes)),
    row("3DES_112", Kind::Cipher(Cipher::TripleDes112)),
    row("MD5", Kind::Hash(Function::Md5)),
    row("SHA1", Kind::Hash(Function::Sha(Hash::Sha1))),
    row("SHA256", Kind::Hash(Function::Sha(Hash::Sha256))),
    row("SHA384", Kind::Hash(Function::Sha(Hash::Sha384))),
    row("SHA512", Kind::Hash(Function::Sha(Hash::Sha512))),
    row("RSA", Kind::Pair(Family::Rsa)),
    row(RSA_SIGN, Kind::Pair(Family::Rsa)),
    row("DSA", Kind::Pair(Family::Dsa)),
    row("DH", Kind::Pair(Family::Dh)),
    row("ECDSA", Kind::Pair(Family::Ecdsa)),
    row("ECDSA_P256", Kind::PairOn(Family::Ecdsa, 256)),
    row("ECDSA_P384", Kind::PairOn(Family::Ecdsa, 384)),
    row("ECDSA_P521", Kind::PairOn(Family::Ecdsa, 521)),
    row("ECDH", Kind::Pair(Family::Ecdh)),
    row("ECDH_P256", Kind::PairOn(Family::Ecdh, 256)),
    row("ECDH_P384", Kind::PairOn(Family::Ecdh, 384)),
    row("ECDH_P521", Kind::PairOn(Family::Ecdh, 521)),
    row("ML-DSA", Kind::Pair(Family::MlDsa)),
    row("ML-KEM", Kind::Pair(Family::MlKem)),
    row("RNG", Kind::Random),
    row("FIPS186DSARNG", Kind::Random),
];

/// RSA keys that sign and do not encrypt.
const RSA_SIGN: &str = "RSA_SIGN";

/// What `BCryptEnumAlgorithms` tells of an algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AlgorithmIdentifier {
    /// pszName
    pub name: &'static str,
    /// dwClass: the number of its interface.
    pub class: u32,
}

impl Row {
    /// The row of an identifier.
    pub(super) fn by_id(id: &str) -> Option<&'static Self> {
        TABLE.iter().find(|row| row.id == id)
    }

    /// The algorithm of its keys, without the curve of a generic one.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match self.kind {
            Kind::Cipher(cipher) => Some(Algorithm::symmetric(cipher.symmetric())),
            Kind::Pair(family) => Some(Algorithm::of(family)),
            Kind::PairOn(family, bits) => Some(Algorithm { family, curve: Curve::nist(bits) }),
            Kind::Hash(_) | Kind::Random => None,
        }
    }

    /// The family of its asymmetric keys.
    pub(super) fn family(&self) -> Option<Family> {
        match self.kind {
            Kind::Pair(family) | Kind::PairOn(family, _) => Some(family),
            Kind::Cipher(_) | Kind::Hash(_) | Kind::Random => None,
        }
    }

    pub(super) fn cipher(&self) -> Option<Cipher> {
        match self.kind {
            Kind::Cipher(cipher) => Some(cipher),
            _ => None,
        }
    }

    /// Whether it is an elliptic-curve algorithm that gets its curve as a property.
    pub(super) fn is_generic(&self) -> bool {
        matches!(self.kind, Kind::Pair(Family::Ecdsa | Family::Ecdh))
    }

    /// Whether its keys sign, and whether they encrypt.
    pub(super) fn signs(&self) -> bool {
        matches!(self.family(), Some(Family::Rsa | Family::Ecdsa | Family::Dsa | Family::MlDsa))
    }

    pub(super) fn encrypts(&self) -> bool {
        self.family() == Some(Family::Rsa) && self.id != RSA_SIGN
    }

    /// `BCRYPT_…_INTERFACE`
    fn class(&self) -> u32 {
        match self.kind {
            Kind::Cipher(_) => 1,
            Kind::Hash(_) => 2,
            Kind::Pair(Family::Rsa) if self.encrypts() => 3,
            Kind::Pair(Family::Dh | Family::Ecdh) | Kind::PairOn(Family::Ecdh, _) => 4,
            // Windows has one more for key encapsulation.
            Kind::Pair(Family::MlKem) => 8,
            Kind::Pair(_) | Kind::PairOn(..) => 5,
            Kind::Random => 6,
        }
    }

    /// `BCRYPT_SUPPORTED_PAD_…`
    pub(super) fn padding_schemes(&self) -> Option<u32> {
        const PKCS1_ENC: u32 = 0x2;
        const PKCS1_SIG: u32 = 0x4;
        const OAEP: u32 = 0x8;
        const PSS: u32 = 0x10;
        match (self.family(), self.encrypts()) {
            (Some(Family::Rsa), true) => Some(PKCS1_ENC | PKCS1_SIG | OAEP | PSS),
            (Some(Family::Rsa), false) => Some(PKCS1_SIG | PSS),
            _ => None,
        }
    }
}

/// An opened algorithm. Several threads may use one.
#[derive(Debug)]
pub struct AlgorithmProvider {
    row: &'static Row,
    flags: u32,
    /// Whether it is behind a pseudo-handle, and so everybody's.
    is_fixed: bool,
    settings: Mutex<Settings>,
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) mode: ChainingMode,
    /// The curve of a generic algorithm.
    pub(super) curve: Option<&'static Curve>,
}

impl AlgorithmProvider {
    /// Opens an algorithm by its identifier. No token is asked for.
    ///
    /// # Errors
    /// `STATUS_NOT_FOUND`, `STATUS_INVALID_PARAMETER`: see the module.
    pub fn open(id: &str, implementation: Option<&str>, flags: u32) -> Result<Self, crate::Error> {
        only(flags, flags::PROV_DISPATCH | flags::HMAC | flags::HASH_REUSABLE)?;
        if let Some(other) = implementation.filter(|name| *name != IMPLEMENTATION) {
            return Err(refused(Status::STATUS_NOT_FOUND, format!("there is no implementation named `{other}`")));
        }
        let found = Row::by_id(id);
        let row = found.ok_or_else(|| refused(Status::STATUS_NOT_FOUND, format!("no provider has `{id}`")))?;
        if flags & !flags::PROV_DISPATCH != 0 && !matches!(row.kind, Kind::Hash(_)) {
            return Err(invalid(format!("{id} is no hash, which the flags 0x{flags:X} are for")));
        }
        Ok(Self::of(row, flags, ChainingMode::Cbc, false))
    }

    /// What a pseudo-handle stands for; `None` for a number that is none. An algorithm that is not served here is an error.
    pub fn pseudo_handle(value: usize) -> Option<Result<Self, crate::Error>> {
        let pseudo = pseudo::by_value(value)?;
        let absent = || unsupported(format!("no provider has `{}`", pseudo.id));
        let served = Row::by_id(pseudo.id).filter(|row| match (row.cipher(), pseudo.mode) {
            (Some(cipher), Some(mode)) => cipher.has(mode),
            _ => true,
        });
        Some(served.ok_or_else(absent).map(|row| {
            let flags = if pseudo.is_hmac { flags::HMAC } else { 0 };
            Self::of(row, flags, pseudo.mode.unwrap_or(ChainingMode::Cbc), true)
        }))
    }

    fn of(row: &'static Row, flags: u32, mode: ChainingMode, is_fixed: bool) -> Self {
        let curve = row.algorithm().and_then(|algorithm| algorithm.curve);
        Self { row, flags, is_fixed, settings: Mutex::new(Settings { mode, curve }) }
    }

    /// The algorithms that can be opened and have one of these operations (`BCryptEnumAlgorithms`); 0 stands for all.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for operations that are none.
    pub fn enumerate(operations: u32) -> Result<Vec<AlgorithmIdentifier>, crate::Error> {
        // Cipher, hash, asymmetric encryption, secret agreement, signature, random numbers, key derivation, key encapsulation: 1 shifted by the number of the interface less one.
        only(operations, 0xFF)?;
        let has_one = |row: &&Row| {
            let signs_too = if row.signs() { 0x10 } else { 0 };
            operations == 0 || operations & (1 << (row.class() - 1) | signs_too) != 0
        };
        let identifier = |row: &Row| AlgorithmIdentifier { name: row.id, class: row.class() };
        Ok(TABLE.iter().filter(has_one).map(identifier).collect())
    }

    /// The identifier.
    pub fn id(&self) -> &'static str {
        self.row.id
    }

    pub(super) fn row(&self) -> &'static Row {
        self.row
    }

    pub(super) fn settings(&self) -> Settings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The algorithm of its keys, with the curve as far as it is known.
    pub(super) fn algorithm(&self) -> Result<Algorithm, crate::Error> {
        let algorithm = self.row.algorithm().ok_or_else(|| unsupported(format!("{} has no keys", self.row.id)))?;
        Ok(Algorithm { curve: algorithm.curve.or_else(|| self.settings().curve), ..algorithm })
    }

    pub(super) fn cipher(&self) -> Result<Cipher, crate::Error> {
        self.row.cipher().ok_or_else(|| unsupported(format!("{} has no symmetric keys", self.row.id)))
    }

    pub(super) fn hash(&self) -> Result<Function, crate::Error> {
        match self.row.kind {
            Kind::Hash(hash) => Ok(hash),
            _ => Err(invalid(format!("{} is no hash", self.row.id))),
        }
    }

    /// Whether it was opened with the flag of HMAC, and whether with that of reuse.
    pub(super) fn is_hmac(&self) -> bool {
        self.flags & flags::HMAC != 0
    }

    pub(super) fn is_reusable(&self) -> bool {
        self.flags & flags::HASH_REUSABLE != 0
    }

    /// Reads a property (`BCryptGetProperty`).
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for a property that the algorithm does not have; `STATUS_NOT_FOUND` for a curve that was not set.
    pub fn property(&self, name: &str) -> Result<Value, crate::Error> {
        let settings = self.settings();
        let value = match self.row.kind {
            _ if name == names::ALGORITHM_NAME => Some(Value::Text(self.row.id.to_owned())),
            Kind::Cipher(cipher) => cipher_property(cipher, settings.mode, name),
            Kind::Hash(hash) => hash_property(hash, name),
            Kind::Pair(_) | Kind::PairOn(..) => self.pair_property(settings.curve, name)?,
            Kind::Random => None,
        };
        value.ok_or_else(|| unsupported(format!("{} has no property `{name}`", self.row.id)))
    }

    fn pair_property(&self, curve: Option<&'static Curve>, name: &str) -> Result<Option<Value>, crate::Error> {
        let algorithm = self.algorithm()?;
        Ok(match name {
            names::KEY_LENGTHS => Some(Value::Lengths(lengths(algorithm).into())),
            names::PADDING_SCHEMES => self.row.padding_schemes().map(Value::Number),
            names::SIGNATURE_LENGTH if algorithm.family == Family::Ecdsa => {
                curve.and_then(|curve| u32::try_from(2 * curve.order_width()).ok()).map(Value::Number)
            }
            names::ECC_CURVE_NAME if algorithm.family.is_elliptic() => {
                Some(Value::Text(curve_of(curve)?.name.to_owned()))
            }
            names::ECC_PARAMETERS if algorithm.family.is_elliptic() => {
                Some(Value::Bytes(ecc_parameters::encode(curve_of(curve)?)?.to_vec()))
            }
            names::ECC_CURVE_NAME_LIST if self.row.is_generic() => {
                let fits = |curve: &&'static Curve| check_curve(algorithm.family, curve).is_ok();
                Some(Value::Names(CURVES.iter().filter(fits).map(|curve| curve.name).collect()))
            }
            _ => None,
        })
    }

    /// Sets a property (`BCryptSetProperty`): `ChainingMode` of a cipher, `ECCCurveName` or `ECCParameters` of a generic algorithm.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for another property, for a mode or a curve that the algorithm does not have, and behind a pseudo-handle; `STATUS_INVALID_PARAMETER` for a value
    /// that is none.
    pub fn set_property(&self, name: &str, value: &[u8]) -> Result<(), crate::Error> {
        let what = || format!("the property `{name}` of {} cannot be set", self.row.id);
        if self.is_fixed {
            return Err(unsupported(format!("{}: the algorithm is behind a pseudo-handle", what())));
        }
        let mut settings = self.settings();
        match name {
            names::CHAINING_MODE => settings.mode = chaining_mode(self.cipher()?, value)?,
            names::ECC_CURVE_NAME | names::ECC_PARAMETERS => settings.curve = Some(self.row.curve(name, value)?),
            _ => return Err(unsupported(what())),
        }
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }
}

impl Row {
    /// The curve that a property names or describes, of a generic algorithm.
    pub(super) fn curve(&self, name: &str, value: &[u8]) -> Result<&'static Curve, crate::Error> {
        let family = self.family().filter(|_| self.is_generic());
        let family = family.ok_or_else(|| unsupported(format!("{} has no curve to be set", self.id)))?;
        let curve = if name == names::ECC_PARAMETERS {
            ecc_parameters::decode(value).map_err(|error| invalid(error.to_string()))?
        } else {
            Curve::by_name(&property::text(value).ok_or_else(|| invalid("the name of the curve is no text"))?)?
        };
        check_curve(family, curve)?;
        Ok(curve)
    }
}

/// Whether CNG has keys of a family on a curve.
fn check_curve(family: Family, curve: &'static Curve) -> Result<(), crate::Error> {
    if curve.is_cng() && Algorithm::elliptic(family, curve).family == family {
        return Ok(());
    }
    Err(unsupported(format!("{} has no keys on {}", family.identifier(), curve.name)))
}

fn curve_of(curve: Option<&'static Curve>) -> Result<&'static Curve, crate::Error> {
    curve.ok_or_else(|| refused(Status::STATUS_NOT_FOUND, "no curve was set"))
}

/// The mode that a property names, if the cipher is had in it.
pub(super) fn chaining_mode(cipher: Cipher, value: &[u8]) -> Result<ChainingMode, crate::Error> {
    let name = property::text(value).ok_or_else(|| invalid("the name of the chaining mode is no text"))?;
    let mode =
        ChainingMode::by_name(&name).ok_or_else(|| unsupported(format!("there is no chaining mode `{name}`")))?;
    if cipher.has(mode) {
        return Ok(mode);
    }
    Err(unsupported(format!("{} is not had in the mode `{name}` here", cipher.symmetric().name())))
}

/// The properties that a cipher has in a mode, and its keys as well.
pub(super) fn cipher_property(cipher: Cipher, mode: ChainingMode, name: &str) -> Option<Value> {
    let block = u32::try_from(cipher.block()).unwrap_or(0);
    Some(match name {
        names::BLOCK_LENGTH => Value::Number(block),
        names::MESSAGE_BLOCK_LENGTH => match mode {
            ChainingMode::Ecb | ChainingMode::Cbc => Value::Number(block),
            // Eight bits at a time.
            ChainingMode::Cfb => Value::Number(1),
            ChainingMode::Ccm | ChainingMode::Gcm => return None,
        },
        names::CHAINING_MODE => Value::chaining_mode(mode),
        names::KEY_LENGTHS => Value::Lengths(cipher.lengths()),
        names::OBJECT_LENGTH => Value::Number(OBJECT_LENGTH),
        names::AUTH_TAG_LENGTH => Value::Lengths(tags(mode)?.into()),
        _ => return None,
    })
}

/// The properties of a hash, opened or begun.
pub(super) fn hash_property(hash: Function, name: &str) -> Option<Value> {
    Some(Value::Number(match name {
        names::HASH_LENGTH => u32::try_from(hash.length()).ok()?,
        names::HASH_BLOCK_LENGTH => hash.block(),
        names::OBJECT_LENGTH => OBJECT_LENGTH,
        _ => return None,
    }))
}

/// Bytes that a caller is to have ready for an object. Nothing is put there; some allocate what they are told, and take nothing for a failure.
const OBJECT_LENGTH: u32 = 512;
