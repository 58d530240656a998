//! Keys that one operation needs and nobody keeps: session objects with the fewest rights.
//!
//! Every right is said, as everywhere: what a token grants where nothing is asked differs from token to token.

use cryptoki_sys::{
    CKA_CLASS, CKA_DECRYPT, CKA_DERIVE, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_MODULUS, CKA_PRIVATE,
    CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SIGN, CKA_SIGN_RECOVER, CKA_TOKEN, CKA_UNWRAP, CKA_VALUE, CKA_VALUE_LEN,
    CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKK_DH, CKK_DSA, CKK_EC_EDWARDS, CKK_RSA, CKK_X9_42_DH, CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};

use super::Template;
use super::attribute::Additions;
use super::put::{self, Attributes, PrivateKind};
use crate::key::{ExportPolicy, KeyUsage, SymmetricAlgorithm, rsa};
use crate::secret::SecretBytes;

/// What a temporary secret key is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rights {
    /// CKA_DECRYPT.
    pub decrypt: bool,
    /// CKA_SIGN: a key of a message authentication code.
    pub sign: bool,
    /// CKA_UNWRAP.
    pub unwrap: bool,
    /// CKA_WRAP.
    pub wrap: bool,
    /// CKA_EXTRACTABLE: it leaves wrapped.
    pub extractable: bool,
}

impl Rights {
    /// It unwraps and does nothing else.
    pub const UNWRAP: Self = Self { decrypt: false, sign: false, unwrap: true, wrap: false, extractable: false };
}

/// A secret key as C_UnwrapKey takes it.
pub fn secret(algorithm: SymmetricAlgorithm, rights: Rights) -> Template {
    Template::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, put::secret_key_type(algorithm))
        .flag(CKA_TOKEN, false)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, true)
        .flag(CKA_EXTRACTABLE, rights.extractable)
        .flag(CKA_ENCRYPT, false)
        .flag(CKA_DECRYPT, rights.decrypt)
        .flag(CKA_SIGN, rights.sign)
        .flag(CKA_VERIFY, false)
        .flag(CKA_WRAP, rights.wrap)
        .flag(CKA_UNWRAP, rights.unwrap)
        .flag(CKA_DERIVE, false)
}

/// A secret key of `len` bytes as C_GenerateKey takes it.
pub fn generated(algorithm: SymmetricAlgorithm, len: u64, rights: Rights) -> Template {
    secret(algorithm, rights).ulong(CKA_VALUE_LEN, len)
}

/// A secret key whose value is known, as one that a password gives.
pub fn given(algorithm: SymmetricAlgorithm, value: SecretBytes, rights: Rights) -> Template {
    secret(algorithm, rights).secret(CKA_VALUE, value)
}

/// A private key of a kind that is handled here, without any right, as C_UnwrapKey takes it: to see what it is, or to leave wrapped.
pub fn private(kind: PrivateKind, policy: ExportPolicy) -> Template {
    let (usage, more) = (KeyUsage::default(), Additions::NONE);
    put::private_shell(kind, &Attributes { label: "", id: b"", token: false, policy, usage, more })
}

/// Private keys of the kinds that are not handled here, without any right, as C_UnwrapKey takes them.
pub fn foreign_private() -> impl Iterator<Item = Template> {
    [CKK_EC_EDWARDS, CKK_DSA, CKK_DH, CKK_X9_42_DH].into_iter().map(|key_type| {
        Template::new()
            .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
            .ulong(CKA_KEY_TYPE, key_type)
            .flag(CKA_TOKEN, false)
            .flag(CKA_PRIVATE, true)
            .flag(CKA_SENSITIVE, true)
            .flag(CKA_EXTRACTABLE, false)
            .flag(CKA_SIGN, false)
            .flag(CKA_SIGN_RECOVER, false)
            .flag(CKA_DECRYPT, false)
            .flag(CKA_UNWRAP, false)
            .flag(CKA_DERIVE, false)
    })
}

/// An RSA public key that wraps and does nothing else.
pub fn wrapping_public(key: &rsa::PublicKey) -> Template {
    Template::new()
        .ulong(CKA_CLASS, CKO_PUBLIC_KEY)
        .ulong(CKA_KEY_TYPE, CKK_RSA)
        .flag(CKA_TOKEN, false)
        .flag(CKA_PRIVATE, false)
        .flag(CKA_VERIFY, false)
        .flag(CKA_VERIFY_RECOVER, false)
        .flag(CKA_ENCRYPT, false)
        .flag(CKA_WRAP, true)
        .flag(CKA_DERIVE, false)
        .bytes(CKA_MODULUS, key.n())
        .bytes(CKA_PUBLIC_EXPONENT, key.e())
}
