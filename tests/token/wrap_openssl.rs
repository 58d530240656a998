//! The wrapping schemes in software against the openssl program, both ways.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::{Hash, PrivateKey};
use cng_pkcs11::key::{self, KeyMaterial};
use cng_pkcs11::wrap::{cbc_pad, kw, oaep, rsa_aes};

use crate::support::{openssl, vector, vector_text};

const KEKS: [&str; 3] =
    ["000102030405060708090a0b0c0d0e0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0011223344556677", KEK_256];
const KEK_256: &str = "8899aabbccddeeff00112233445566778899aabbccddeeff0123456789abcdef";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}

/// `openssl enc` with a key-wrapping cipher: its buffer must hold the whole.
fn key_wrap(direction: &str, kek: &[u8], padded: bool, data: &[u8]) -> Vec<u8> {
    let cipher = format!("-id-aes{}-wrap{}", kek.len() * 8, if padded { "-pad" } else { "" });
    let iv = if padded { "a65959a6" } else { "a6a6a6a6a6a6a6a6" };
    openssl(&["enc", direction, &cipher, "-K", &hex(kek), "-iv", iv, "-bufsize", "65536"], Some(data))
}

fn rsa_key(name: &str) -> PrivateKey {
    match format::decode(&vector(name), Format::PKCS8, &Hints::default()).expect("a key").key {
        KeyMaterial::Private(key::PrivateKey::Rsa(key)) => key,
        other => panic!("{other:?}"),
    }
}

/// What openssl unwraps is the key with its padding, and what it wraps of that we unwrap.
#[test]
fn kw_pkcs7_is_rfc_3394_over_padded_keys() {
    for kek in KEKS.map(unhex) {
        for len in (8..=40).chain([1217]) {
            let key: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).expect("small")).collect();
            let count = 8 - len % 8;
            let padded = [key.clone(), vec![u8::try_from(count).expect("small"); count]].concat();
            let wrapped = kw::kw_pkcs7_wrap(&kek, &key).expect("wrapped");
            // Starting openssl for each length would be most of the time.
            if len % 5 == 0 || len == 1217 {
                assert_eq!(key_wrap("-d", &kek, false, &wrapped), padded, "{len}");
                assert_eq!(key_wrap("-e", &kek, false, &padded), wrapped, "{len}");
            }
            assert_eq!(&*kw::kw_pkcs7_unwrap(&kek, &wrapped).expect("unwrapped"), key, "{len}");
        }
    }
}

#[test]
fn kwp_of_a_private_key() {
    let key = vector("rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    for kek in KEKS.map(unhex) {
        let wrapped = kw::kwp_wrap(&kek, &key).expect("wrapped");
        assert!(key_wrap("-d", &kek, true, &wrapped) == key);
        assert!(key_wrap("-e", &kek, true, &key) == wrapped);
    }
}

#[test]
fn cbc_with_padding() {
    for kek in KEKS.map(unhex) {
        for len in [1, 15, 16, 17, 48, 1217] {
            let key = vec![0x5A; len];
            let wrapped = cbc_pad::wrap(&kek, &key).expect("wrapped");
            let (iv, ciphertext) = cbc_pad::split(&wrapped).expect("two parts");
            let cipher = format!("-aes-{}-cbc", kek.len() * 8);
            let run = |direction: &str, data: &[u8]| {
                openssl(&["enc", direction, &cipher, "-K", &hex(&kek), "-iv", &hex(iv)], Some(data))
            };
            assert_eq!(run("-d", ciphertext), key, "{len}");
            assert_eq!(run("-e", &key), ciphertext, "{len}");
        }
    }
}

/// `openssl pkeyutl` with OAEP.
fn pkeyutl(direction: &str, key: &str, hash: Hash, label: &[u8], data: &[u8]) -> Vec<u8> {
    let digest = hash.name().to_lowercase();
    let (md, mgf1) = (format!("rsa_oaep_md:{digest}"), format!("rsa_mgf1_md:{digest}"));
    let label = format!("rsa_oaep_label:{}", hex(label));
    let path = vector_text(key);
    let mut arguments = vec!["pkeyutl", direction, "-inkey", &path, "-keyform", "DER"];
    for option in ["rsa_padding_mode:oaep", &md, &mgf1] {
        arguments.extend(["-pkeyopt", option]);
    }
    if !label.ends_with(':') {
        arguments.extend(["-pkeyopt", &label]);
    }
    openssl(&arguments, Some(data))
}

#[test]
fn oaep_both_ways() {
    for name in
        ["rsa2047-e17", "rsa2048-e65537", "rsa2048-unequal-primes"].map(|key| format!("{key}.PKCS8_PRIVATEKEY.bin"))
    {
        let private = rsa_key(&name);
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            for label in [&b""[..], b"a label"] {
                let wrapped = oaep::wrap(private.public(), hash, label, &[7; 32]).expect("wrapped");
                assert_eq!(pkeyutl("-decrypt", &name, hash, label, &wrapped), [7; 32], "{name} {hash:?}");
                let theirs = pkeyutl("-encrypt", &name, hash, label, &[9; 32]);
                assert_eq!(
                    &*oaep::unwrap(&private, hash, label, &theirs).expect("unwrapped"),
                    [9; 32],
                    "{name} {hash:?}"
                );
            }
        }
    }
}

#[test]
fn rsa_aes_both_ways() {
    let name = "rsa2048-e65537.PKCS8_PRIVATEKEY.bin";
    let private = rsa_key(name);
    for (key, hash) in [
        (vector("rsa2048-e65537.PKCS8_PRIVATEKEY.bin"), Hash::Sha256),
        (vector("ec-nistP521.PKCS8_PRIVATEKEY.bin"), Hash::Sha384),
        (vec![1; 16], Hash::Sha1),
        (vec![1], Hash::Sha512),
    ] {
        let wrapped = rsa_aes::wrap(private.public(), hash, b"", &key).expect("wrapped");
        let (first, second) = rsa_aes::split(&wrapped, 256).expect("two parts");
        let aes = pkeyutl("-decrypt", name, hash, b"", first);
        assert_eq!(aes.len(), 32);
        assert!(key_wrap("-d", &aes, true, second) == key, "{hash:?}");

        // With an AES key of every size on the way back.
        for kek in KEKS.map(unhex) {
            let theirs = [pkeyutl("-encrypt", name, hash, b"", &kek), key_wrap("-e", &kek, true, &key)].concat();
            assert!(*rsa_aes::unwrap(&private, hash, b"", &theirs).expect("unwrapped") == *key, "{hash:?}");
        }
    }
}
