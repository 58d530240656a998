//! The wrapping schemes in software, under fixed keys: whatever is unwrapped is answered, and whatever is wrapped comes back.

use std::sync::LazyLock;

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::{Hash, PrivateKey};
use cng_pkcs11::key::{self, KeyMaterial};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::wrap::{Error, cbc_pad, gcm, kw, oaep, rsa_aes};

use super::MARGIN;
use crate::memory;

/// The KEK of every scheme that has one: what the committed inputs were wrapped under.
const KEK: [u8; 32] = [0x11; 32];

/// The RSA key of the others. Small, because there is an exponentiation in every run.
static RSA: LazyLock<PrivateKey> = LazyLock::new(|| {
    let der = include_bytes!("../../../tests/vectors/rsa1024-e65537.PKCS8_PRIVATEKEY.bin");
    match format::decode(der, Format::PKCS8, &Hints::default()).expect("a vector").key {
        KeyMaterial::Private(key::PrivateKey::Rsa(key)) => key,
        other => panic!("{other:?}"),
    }
});

type Wrap = fn(&[u8]) -> Result<Vec<u8>, Error>;
type Unwrap = fn(&[u8]) -> Result<SecretBytes, Error>;

/// By the first byte of the input; whether wrapping is deterministic, so that there is one wrapped form of a key.
const SCHEMES: [(Wrap, Unwrap, bool); 8] = [
    (|key| kw::kw_wrap(&KEK, key), |data| kw::kw_unwrap(&KEK, data), true),
    (|key| kw::kwp_wrap(&KEK, key), |data| kw::kwp_unwrap(&KEK, data), true),
    (|key| kw::kw_pkcs7_wrap(&KEK, key), |data| kw::kw_pkcs7_unwrap(&KEK, data), true),
    (|key| cbc_pad::wrap(&KEK, key), |data| cbc_pad::unwrap(&KEK, data), false),
    (|key| gcm::wrap(&KEK, key), |data| gcm::unwrap(&KEK, data), false),
    (|key| oaep::wrap(RSA.public(), Hash::Sha1, b"", key), |data| oaep::unwrap(&RSA, Hash::Sha1, b"", data), false),
    (
        |key| rsa_aes::wrap(RSA.public(), Hash::Sha256, b"", key),
        |data| rsa_aes::unwrap(&RSA, Hash::Sha256, b"", data),
        false,
    ),
    // The second part alone, which random bytes behind an RSA ciphertext never reach.
    (
        |key| Ok([vec![0; 128], kw::kwp_wrap(&KEK, key)?].concat()),
        |data| kw::kwp_unwrap(&KEK, rsa_aes::split(data, 128)?.1),
        false,
    ),
];

/// A scheme, and bytes that are unwrapped and wrapped by it.
pub fn wrap_unwrap(data: &[u8]) {
    let Some((scheme, data)) = data.split_first() else { return };
    let Some((wrap, unwrap, deterministic)) = SCHEMES.get(usize::from(*scheme)) else { return };
    let ((), peak) = memory::peak(|| {
        match unwrap(data) {
            Ok(key) => {
                assert!(!key.is_empty() && key.len() < data.len(), "{} of {}", key.len(), data.len());
                let again = wrap(&key).expect("what was unwrapped can be wrapped");
                assert!(if *deterministic { again == data } else { unwrap(&again).expect("unwrapped") == key });
            }
            Err(Error::Integrity | Error::Length { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        match wrap(data) {
            Ok(wrapped) => assert!(*unwrap(&wrapped).expect("what was wrapped can be unwrapped") == *data),
            Err(Error::Length { .. } | Error::TooLong { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    });
    assert!(peak <= 4 * data.len() + MARGIN, "{} bytes took {peak}", data.len());
}
