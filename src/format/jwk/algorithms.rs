//! The names of JOSE beside those of CNG: curves, algorithms of `oct` keys, `use` and `key_ops`.

use crate::key::curve::Form;
use crate::key::{Algorithm, Curve, Family, KeyMaterial, KeyUsage, SymmetricAlgorithm};

/// `crv`, the `kty` that it belongs to, and our name of the curve.
const CURVES: &[(&str, &str, &str)] = &[
    ("P-256", "EC", "nistP256"),
    ("P-384", "EC", "nistP384"),
    ("P-521", "EC", "nistP521"),
    ("secp256k1", "EC", "secP256k1"),
    ("X25519", "OKP", "curve25519"),
    ("X448", "OKP", "X448"),
    ("Ed25519", "OKP", "Ed25519"),
    ("Ed448", "OKP", "Ed448"),
];

/// The curve with this `crv` among those of a `kty`.
pub(super) fn curve(kty: &str, crv: &str) -> Option<&'static Curve> {
    let row = CURVES.iter().find(|(known, of, _)| *known == crv && *of == kty)?;
    Curve::by_name(row.2).ok()
}

/// `kty` and `crv` of a curve, if it has any.
pub(super) fn of_curve(curve: &Curve) -> Option<(&'static str, &'static str)> {
    CURVES.iter().find(|(_, _, name)| *name == curve.name).map(|(crv, kty, _)| (*kty, *crv))
}

/// `alg` of `oct` keys, the CNG algorithm and the length of the key if that is fixed; of several the first is written.
const OF_OCT: &[(&str, SymmetricAlgorithm, Option<usize>)] = &[
    ("HS256", SymmetricAlgorithm::Hmac, None),
    ("HS384", SymmetricAlgorithm::Hmac, None),
    ("HS512", SymmetricAlgorithm::Hmac, None),
    ("A128KW", SymmetricAlgorithm::Aes, Some(16)),
    ("A192KW", SymmetricAlgorithm::Aes, Some(24)),
    ("A256KW", SymmetricAlgorithm::Aes, Some(32)),
    ("A128GCMKW", SymmetricAlgorithm::Aes, Some(16)),
    ("A192GCMKW", SymmetricAlgorithm::Aes, Some(24)),
    ("A256GCMKW", SymmetricAlgorithm::Aes, Some(32)),
    ("A128GCM", SymmetricAlgorithm::Aes, Some(16)),
    ("A192GCM", SymmetricAlgorithm::Aes, Some(24)),
    ("A256GCM", SymmetricAlgorithm::Aes, Some(32)),
];

/// The CNG algorithm of an `oct` key's `alg` (RFC 7518 §3.1, §4.1, §5.1), and the length of the key if that is fixed.
pub(super) fn symmetric(alg: &str) -> Option<(SymmetricAlgorithm, Option<usize>)> {
    OF_OCT.iter().find(|(name, ..)| *name == alg).map(|(_, algorithm, len)| (*algorithm, *len))
}

/// The `alg` without which a reader would take an `oct` key for one of another algorithm, if its usage as it is written does not tell.
pub(super) fn needed_alg(key: &KeyMaterial, words: &Words) -> Option<&'static str> {
    let KeyMaterial::Secret(key) = key else { return None };
    let (algorithm, len) = (key.algorithm(), key.key().len());
    if untold(key.key(), words.usage()) == algorithm {
        return None;
    }
    let fits =
        |of: &SymmetricAlgorithm, fixed: &Option<usize>| *of == algorithm && fixed.is_none_or(|fixed| fixed == len);
    OF_OCT.iter().find(|(_, of, fixed)| fits(of, fixed)).map(|(name, ..)| *name)
}

/// The algorithm of an `oct` key that names none.
pub(super) fn untold(k: &[u8], usage: Option<KeyUsage>) -> SymmetricAlgorithm {
    if usage == Some(KeyUsage::SIGN) || !SymmetricAlgorithm::Aes.accepts(k.len()) {
        SymmetricAlgorithm::Hmac
    } else {
        SymmetricAlgorithm::Aes
    }
}

/// The usage of a `use`.
pub(super) fn usage_of_use(word: &str, agrees: bool) -> Option<KeyUsage> {
    match word {
        "sig" => Some(KeyUsage::SIGN),
        "enc" if agrees => Some(KeyUsage::AGREE),
        "enc" => Some(KeyUsage::DECRYPT),
        _ => None,
    }
}

/// `key_ops` (RFC 7517 §4.3): of a private or secret key, of a public one, and the usage.
const OPERATIONS: &[(&str, &str, KeyUsage)] = &[
    ("sign", "verify", KeyUsage::SIGN),
    ("decrypt", "encrypt", KeyUsage::DECRYPT),
    ("deriveBits", "deriveKey", KeyUsage::AGREE),
    ("unwrapKey", "wrapKey", KeyUsage::WRAP),
];

/// The usage of one of `key_ops`.
pub(super) fn usage_of_operation(word: &str) -> Option<KeyUsage> {
    OPERATIONS.iter().find(|(private, public, _)| *private == word || *public == word).map(|(.., usage)| *usage)
}

/// What is written of a usage: `use` if that says it, else `key_ops`.
pub(super) enum Words {
    Nothing,
    Use(&'static str),
    Operations(Vec<&'static str>, KeyUsage),
}

impl Words {
    /// What a reader takes from them.
    fn usage(&self) -> Option<KeyUsage> {
        match self {
            Self::Nothing => None,
            Self::Use(word) => usage_of_use(word, false),
            Self::Operations(_, usage) => Some(*usage),
        }
    }
}

/// What must be written of a usage so that it is read again, and with it the algorithm.
pub(super) fn words(key: &KeyMaterial, algorithm: Algorithm, usage: Option<KeyUsage>) -> Words {
    let usage = match usage {
        Some(usage) if usage.is_all() => return Words::Nothing,
        Some(usage) => usage,
        None if is_told_by_usage(key, algorithm) => algorithm.family.default_usage(),
        None => return Words::Nothing,
    };
    let agrees = key.curve().is_some();
    for word in ["sig", "enc"] {
        if usage_of_use(word, agrees) == Some(usage) {
            return Words::Use(word);
        }
    }
    let operations = OPERATIONS.iter().filter(|(.., one)| usage.contains(*one));
    let words = match key {
        KeyMaterial::Public(_) => operations.map(|(_, public, _)| *public).collect(),
        KeyMaterial::Private(_) => operations.map(|(private, ..)| *private).collect(),
        // A secret key does both.
        KeyMaterial::Secret(_) => operations.flat_map(|(private, public, _)| [*private, *public]).collect(),
    };
    Words::Operations(words, usage)
}

/// Whether nothing but its usage tells the key's algorithm: ECDH on a curve that can sign, HMAC of a length that AES has.
fn is_told_by_usage(key: &KeyMaterial, algorithm: Algorithm) -> bool {
    match (algorithm.family, key) {
        (Family::Ecdh, key) => key.curve().is_some_and(|curve| curve.form == Form::Weierstrass),
        (Family::Symmetric(SymmetricAlgorithm::Hmac), KeyMaterial::Secret(key)) => {
            SymmetricAlgorithm::Aes.accepts(key.key().len())
        }
        _ => false,
    }
}
