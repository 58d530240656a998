//! Attributes of an object back into what it is.
//!
//! Tolerant: an attribute that a token does not have, or keeps to itself, is simply not there; both encodings of CKA_EC_POINT are read. What
//! a key object cannot do without and does not have makes it [`ObjectRecord::torn`].

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_ULONG, CKA_ALWAYS_AUTHENTICATE, CKA_CLASS, CKA_DECRYPT, CKA_DERIVE, CKA_DESTROYABLE,
    CKA_EC_PARAMS, CKA_EC_POINT, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS,
    CKA_PRIVATE, CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SIGN, CKA_TOKEN, CKA_UNWRAP, CKA_VALUE_LEN, CKA_VERIFY,
    CKA_WRAP, CKK_AES, CKK_DES3, CKK_EC, CKK_EC_MONTGOMERY, CKK_GENERIC_SECRET, CKK_RSA, CKO_CERTIFICATE, CKO_DATA,
    CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};
use der::asn1::{ObjectIdentifier, OctetStringRef, PrintableStringRef};
use der::{Decode, Reader, SliceReader};

use super::attribute::USAGES;
use crate::key::{
    Algorithm, Curve, ExportPolicy, KeyUsage, PublicKey, SymmetricAlgorithm, Validation, ec, identity, rsa,
};
use crate::secret::SecretBytes;

/// What is read of every object, with a buffer size that fits any key handled here: a label of 512 UTF-16 units, an RSA modulus of
/// 16384 bits, a point on a 521-bit curve.
pub const RECORD: &[(CK_ATTRIBUTE_TYPE, usize)] = &[
    (CKA_CLASS, size_of::<CK_ULONG>()),
    (CKA_KEY_TYPE, size_of::<CK_ULONG>()),
    (CKA_LABEL, 1536),
    (CKA_ID, 256),
    (CKA_TOKEN, 1),
    (CKA_PRIVATE, 1),
    (CKA_DESTROYABLE, 1),
    (CKA_SENSITIVE, 1),
    (CKA_EXTRACTABLE, 1),
    (CKA_SIGN, 1),
    (CKA_VERIFY, 1),
    (CKA_ENCRYPT, 1),
    (CKA_DECRYPT, 1),
    (CKA_WRAP, 1),
    (CKA_UNWRAP, 1),
    (CKA_DERIVE, 1),
    (CKA_MODULUS, 2048),
    (CKA_PUBLIC_EXPONENT, 16),
    (CKA_EC_PARAMS, 64),
    (CKA_EC_POINT, 160),
    (CKA_VALUE_LEN, size_of::<CK_ULONG>()),
    (CKA_ALWAYS_AUTHENTICATE, 1),
];

/// The class of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// `CKO_CERTIFICATE`
    Certificate,
    /// `CKO_DATA`
    Data,
    /// `CKO_PRIVATE_KEY`
    Private,
    /// `CKO_PUBLIC_KEY`
    Public,
    /// `CKO_SECRET_KEY`
    Secret,
    /// Anything else, or none at all.
    Other,
}

impl Class {
    /// The word of the `type` attribute of a `pkcs11:` URI (RFC 7512 §2.3).
    pub fn uri_word(self) -> Option<&'static str> {
        match self {
            Self::Certificate => Some("cert"),
            Self::Data => Some("data"),
            Self::Private => Some("private"),
            Self::Public => Some("public"),
            Self::Secret => Some("secret-key"),
            Self::Other => None,
        }
    }
}

/// One object as it was read.
#[derive(Clone, Debug)]
pub struct ObjectRecord {
    /// The object's handle.
    pub handle: CK_ULONG,
    /// Its class.
    pub class: Class,
    /// CKA_KEY_TYPE.
    pub key_type: Option<CK_ULONG>,
    /// CKA_LABEL as text; bytes that are not UTF-8 are replaced.
    pub label: String,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// CKA_TOKEN.
    pub token: bool,
    /// CKA_PRIVATE, where the token tells it.
    pub private: Option<bool>,
    /// CKA_DESTROYABLE, which is true where a token does not know it.
    pub destroyable: bool,
    /// CKA_ALWAYS_AUTHENTICATE: whether each use wants a login of its own.
    pub always_authenticates: bool,
    /// What may leave.
    pub policy: ExportPolicy,
    /// What the key may do; of a public key, what it is the counterpart of.
    pub usage: KeyUsage,
    /// The public key, where the object has it: any public key, and an RSA private key.
    pub public: Option<PublicKey>,
    /// The curve of an elliptic-curve key.
    pub curve: Option<&'static Curve>,
    /// Size of a secret key in bits; `None` where the token does not say.
    pub secret_bits: Option<u32>,
    /// Whether an attribute is missing that every object of this kind has: the leftover of a write that was cut short. A value that merely
    /// cannot be read here is no such thing.
    pub torn: bool,
}

impl ObjectRecord {
    /// Makes a record of the values of [`RECORD`], in its order.
    pub fn new(handle: CK_ULONG, values: Vec<Option<SecretBytes>>) -> Self {
        let values = Values(RECORD.iter().map(|(kind, _)| *kind).zip(values).collect());
        let class = match values.number(CKA_CLASS) {
            Some(CKO_CERTIFICATE) => Class::Certificate,
            Some(CKO_DATA) => Class::Data,
            Some(CKO_PRIVATE_KEY) => Class::Private,
            Some(CKO_PUBLIC_KEY) => Class::Public,
            Some(CKO_SECRET_KEY) => Class::Secret,
            _ => Class::Other,
        };
        let key_type = values.number(CKA_KEY_TYPE);
        let id = values.bytes(CKA_ID).unwrap_or_default().to_vec();
        let curve = values.bytes(CKA_EC_PARAMS).and_then(curve_of);
        let secret_bits = match (class, symmetric_algorithm(key_type)) {
            (Class::Secret, Some(algorithm)) => {
                let stated = values.number(CKA_VALUE_LEN).filter(|len| *len != 0);
                let fixed = (algorithm == SymmetricAlgorithm::TripleDes).then_some(192);
                let stated = stated.and_then(|len| u32::try_from(len).ok()).and_then(|len| len.checked_mul(8));
                fixed.or(stated).or_else(|| identity::symmetric_bits(algorithm, &id))
            }
            _ => None,
        };
        let mut usage = KeyUsage::default();
        for (flag, attribute, counterpart) in USAGES {
            let attribute = if class == Class::Public { counterpart.unwrap_or(attribute) } else { attribute };
            // CKA_DERIVE of a symmetric or RSA key is no agreement.
            let counts = flag != KeyUsage::AGREE || curve.is_some();
            if counts && values.flag(attribute) == Some(true) {
                usage |= flag;
            }
        }
        Self {
            handle,
            class,
            key_type,
            label: String::from_utf8_lossy(values.bytes(CKA_LABEL).unwrap_or_default()).into_owned(),
            token: values.flag(CKA_TOKEN).unwrap_or(false),
            private: values.flag(CKA_PRIVATE),
            destroyable: values.flag(CKA_DESTROYABLE).unwrap_or(true),
            always_authenticates: values.flag(CKA_ALWAYS_AUTHENTICATE).unwrap_or(false),
            policy: ExportPolicy::from_attributes(
                values.flag(CKA_SENSITIVE).unwrap_or(true),
                values.flag(CKA_EXTRACTABLE).unwrap_or(false),
            ),
            usage,
            public: values.public_key(curve),
            curve,
            secret_bits,
            torn: values.is_torn(class, key_type),
            id,
        }
    }

    /// CNG's algorithm of the key, from its type, curve and usage; `None` for a type that CNG does not have.
    pub fn algorithm(&self) -> Option<Algorithm> {
        match (self.class, self.key_type?) {
            (Class::Private | Class::Public, CKK_RSA) => Some(Algorithm::RSA),
            (Class::Private | Class::Public, CKK_EC | CKK_EC_MONTGOMERY) => {
                Some(Algorithm::elliptic_by_usage(self.curve?, self.usage))
            }
            (Class::Secret, _) => symmetric_algorithm(self.key_type).map(Algorithm::symmetric),
            _ => None,
        }
    }

    /// Size of the key in bits, as far as the object tells.
    pub fn bits(&self) -> Option<u32> {
        let of_public = self.public.as_ref().map(PublicKey::bits);
        of_public.or_else(|| self.curve.map(|curve| curve.field_bits)).or(self.secret_bits)
    }
}

struct Values(Vec<(CK_ATTRIBUTE_TYPE, Option<SecretBytes>)>);

impl Values {
    fn bytes(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == kind).and_then(|(_, value)| value.as_deref())
    }

    fn flag(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<bool> {
        match self.bytes(kind) {
            Some([value]) => Some(*value != 0),
            _ => None,
        }
    }

    fn number(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
        self.bytes(kind).and_then(number)
    }

    fn is_torn(&self, class: Class, key_type: Option<CK_ULONG>) -> bool {
        let missing =
            |kinds: &[CK_ATTRIBUTE_TYPE]| kinds.iter().any(|kind| self.bytes(*kind).unwrap_or_default().is_empty());
        match (class, key_type) {
            (Class::Private | Class::Public | Class::Secret, None) => true,
            // The standard lets a private RSA object do without its public exponent.
            (Class::Private, Some(CKK_RSA)) => missing(&[CKA_MODULUS]),
            (Class::Public, Some(CKK_RSA)) => missing(&[CKA_MODULUS, CKA_PUBLIC_EXPONENT]),
            (Class::Private, Some(CKK_EC | CKK_EC_MONTGOMERY)) => missing(&[CKA_EC_PARAMS]),
            (Class::Public, Some(CKK_EC | CKK_EC_MONTGOMERY)) => missing(&[CKA_EC_PARAMS, CKA_EC_POINT]),
            _ => false,
        }
    }

    fn public_key(&self, curve: Option<&'static Curve>) -> Option<PublicKey> {
        if let (Some(n), Some(e)) = (self.bytes(CKA_MODULUS), self.bytes(CKA_PUBLIC_EXPONENT)) {
            return rsa::PublicKey::new(n, e, Validation::Skip).ok().map(PublicKey::Rsa);
        }
        let point = self.bytes(CKA_EC_POINT)?;
        let curve = curve?;
        // DER OCTET STRING as the standard has it, or the bare point as some tokens do.
        let inner = <&OctetStringRef>::from_der(point).ok().map(|octets| octets.as_bytes());
        let read = |point| ec::PublicKey::from_point(curve, point, Validation::Skip).ok();
        inner.and_then(read).or_else(|| read(point)).map(PublicKey::Ec)
    }
}

/// A `CK_ULONG` in native byte order.
pub fn number(bytes: &[u8]) -> Option<CK_ULONG> {
    bytes.try_into().ok().map(CK_ULONG::from_ne_bytes)
}

/// The symmetric algorithm of a key type.
pub fn symmetric_algorithm(key_type: Option<CK_ULONG>) -> Option<SymmetricAlgorithm> {
    match key_type? {
        CKK_AES => Some(SymmetricAlgorithm::Aes),
        CKK_DES3 => Some(SymmetricAlgorithm::TripleDes),
        CKK_GENERIC_SECRET => Some(SymmetricAlgorithm::Hmac),
        _ => None,
    }
}

/// The curve of CKA_EC_PARAMS, by OID, or by a name in a PrintableString; one that CNG does not have makes a key of an unknown kind.
fn curve_of(params: &[u8]) -> Option<&'static Curve> {
    let mut reader = SliceReader::new(params).ok()?;
    let curve = if let Ok(oid) = <ObjectIdentifier>::decode(&mut reader) {
        reader.is_finished().then(|| Curve::by_oid(&oid.to_string()).ok()).flatten()?
    } else {
        Curve::by_name(PrintableStringRef::from_der(params).ok()?.as_str()).ok()?
    };
    curve.is_cng().then_some(curve)
}
