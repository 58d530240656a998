//! Files that are damaged, huge, or something else: answered quickly, with the place where they stop making sense.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::time::{Duration, Instant};

use cng_pkcs11::asn1::{self, pem::Label};
use cng_pkcs11::blob::{BlobType, Decoded, Hints};
use cng_pkcs11::format::{self, Error, Format};
use cng_pkcs11::key::Validation;
use cng_pkcs11::secret::SecretBytes;

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/more").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Everything that is done with a file whose type is not known.
fn look_at(what: &str, bytes: &[u8]) {
    let start = Instant::now();
    let _ = format::sniff(bytes).map(|format| {
        let _ = format::decode(bytes, format, &Hints::default());
        format::inspect(bytes, format, &Hints::default())
    });
    let _ = format::diagnose(bytes, &Hints::default());
    // A debug build on a busy machine; the release build takes a twentieth of it.
    assert!(start.elapsed() < Duration::from_secs(20), "{what}: {:?}", start.elapsed());
}

#[test]
fn large_files_are_answered_quickly() {
    let mut state = 1_u64;
    let random: Vec<u8> = (0..10_000_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .collect();
    look_at("random bytes", &random);
    look_at("ten thousand keys", &read("ed25519.pkcs8-pem.pem").repeat(10_000));
    look_at("ten thousand beginnings", &b"-----BEGIN PRIVATE KEY-----\n".repeat(10_000));
    look_at("brackets", &[b"{\"keys\":".to_vec(), vec![b'['; 5_000_000]].concat());
    look_at("many empty keys", &[b"{\"keys\":[".to_vec(), b"{},".repeat(1_000_000), b"{}]}".to_vec()].concat());
    look_at("many members", &[b"{".to_vec(), b"\"a\":0,".repeat(1_000_000), b"\"b\":0}".to_vec()].concat());
    look_at("one long string", &[b"{\"kty\":\"".to_vec(), vec![b'A'; 10_000_000], b"\"}".to_vec()].concat());
    look_at("many lines", &[b"Private-key-format: v1.3\n".to_vec(), b"A: B\n".repeat(1_000_000)].concat());
    look_at("nested sequences", &[0x30, 0x80].repeat(1_000_000));
    look_at("a length of 4 GiB", &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x02, 0x01, 0x00]);
}

#[test]
fn more_keys_than_a_file_may_have_are_refused() {
    let text = read("ed25519.pkcs8-pem.pem").repeat(1001);
    let error = format::decode_all(&text, Format::Pkcs8Pem, &Hints::default()).unwrap_err();
    assert!(matches!(error, Error::Text { offset, .. } if offset > 0), "{error}");
}

#[test]
fn of_a_bad_key_among_several_it_is_said_which() {
    let mut text = read("ed25519.pkcs8-pem.pem");
    text.extend(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let error = format::decode_all(&text, Format::Pkcs8Pem, &Hints::default()).unwrap_err();
    assert!(error.to_string().starts_with("key 2: "), "{error}");
    let each = format::decode_each(&text, Format::Pkcs8Pem, &Hints::default()).unwrap();
    assert_eq!(each.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}

/// Cut off at every length and changed at every byte: no panic, and what is written of what is still read is read again.
#[test]
fn damaged_files_are_refused_or_are_other_keys() {
    let files = [
        ("nistP256.jwk.json", "jwk"),
        ("ed25519.PKCS8_PRIVATEKEY.bin", "pkcs8"),
        ("nistP256.sec1-pem.pem", "sec1-pem"),
        ("bind-ecdsap256sha256.bind.private", "bind"),
        ("nistP256.cert.bin", "cert"),
        ("all.public-set.jwk.json", "jwks"),
    ];
    let (mut read, mut written_again) = (0, 0);
    for (file, name) in files {
        let (bytes, format) = (self::read(file), Format::by_name(name).unwrap());
        let hints = Hints { validation: Validation::Skip, ..Hints::default() };
        for at in 0..bytes.len() {
            let cut = &bytes[..at];
            let _ = (format::sniff(cut), format::decode_all(cut, format, &hints), format::inspect(cut, format, &hints));
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let _ = (format::inspect(&changed, format, &hints), format::decode_all(&changed, format, &hints));
            for entry in format::decode_all(&changed, format, &Hints::default()).into_iter().flatten() {
                read += 1;
                let Decoded { algorithm, key, .. } = &entry.decoded;
                let Ok(written) = format::encode(key, *algorithm, format) else { continue };
                let beside = Hints { algorithm: Some(*algorithm), ..Hints::default() };
                let again = format::decode(&written, format, &beside);
                let again = again.unwrap_or_else(|error| panic!("{file}, byte {at}: {error}"));
                assert_eq!(again.key.is_same_key(key), Some(true), "{file}, byte {at}");
                written_again += 1;
            }
        }
    }
    // A changed kid, comment or certificate is still a key.
    assert!(read > 100 && written_again > 50, "{read} {written_again}");
}

#[test]
fn a_truncated_file_is_still_told_for_what_it_is() {
    for (file, format, keep) in [
        ("../transport/p256.rsa-sha256.OpaqueTransport.bin", Format::Blob(BlobType::OpaqueTransport), 500),
        ("../cms/oaep-two.cms.bin", Format::Blob(BlobType::Pkcs7Envelope), 500),
        ("rsa2048.PKCS8_PRIVATEKEY.bin", Format::PKCS8, 700),
        ("rsa2048.pkcs1.bin", Format::Pkcs1, 500),
        ("rsa2048.cert.bin", Format::Cert, 400),
        ("nistP256.jwk.json", Format::Jwk, 100),
    ] {
        let bytes = read(file);
        let guesses = format::diagnose(&bytes[..keep], &Hints::default());
        let names: Vec<_> = guesses.iter().map(|guess| (guess.format, guess.offset)).collect();
        assert_eq!(guesses.first().map(|guess| guess.format), Some(format), "{file}: {names:?}");
        assert!(guesses[0].error.is_some() && guesses[0].problem.is_some());
        let whole = format::diagnose(&bytes, &Hints::default());
        // A container holds no key that can be read.
        assert_eq!(whole[0].error.is_some(), matches!(format, Format::Blob(blob) if blob != BlobType::Pkcs8), "{file}");
        assert!(whole[0].format == format && whole[0].offset == bytes.len(), "{file}");
    }
}

/// The likeliest guess at a file, and how far it goes.
fn best(bytes: &[u8]) -> (String, usize) {
    let guesses = format::diagnose(bytes, &Hints::default());
    guesses.first().map_or_else(Default::default, |guess| (guess.format.name().to_owned(), guess.offset))
}

#[test]
fn what_is_cut_or_mislabelled_is_guessed_by_what_it_is() {
    let rsa = read("rsa2048.pkcs1-pem.pem");
    assert_eq!(best(&rsa[..600]).0, "pkcs1-pem");
    let dsa = read("dsa2048.dsa.bin");
    for keep in [400, 600, dsa.len() - 10] {
        assert_eq!(best(&dsa[..keep]).0, "dsa", "{keep}");
    }
    let rsa_der = read("rsa2048.pkcs1.bin");
    for keep in [100, 400, 600, 1100] {
        assert_eq!(best(&rsa_der[..keep]).0, "pkcs1", "{keep}");
    }
    let pfx = read("../pfx/certtool-3des-pkcs12.p12");
    assert_eq!(best(&pfx[..pfx.len() / 2]).0, "pkcs12");
    let text = String::from_utf8(read("rsa2048.pkcs8-pem.pem")).unwrap();
    let wrong = text.replace("PRIVATE KEY", "RSA PRIVATE KEY");
    assert_eq!(best(wrong.as_bytes()).0, "pkcs8-pem");
    let text = String::from_utf8(read("rsa2048.pkcs1-pem.pem")).unwrap();
    let wrong = text.replace("RSA PRIVATE KEY", "PUBLIC KEY");
    assert_eq!(best(wrong.as_bytes()).0, "pkcs1-pem");
    // A broken section is broken where it stands.
    let text = format!("{}-----BEGIN PRIVATE KEY-----\nA", String::from_utf8(read("ed25519.pkcs8-pem.pem")).unwrap());
    assert_eq!(best(text.as_bytes()), ("pkcs8-pem".to_owned(), text.len() - 29));
}

#[test]
fn a_format_that_was_said_comes_first_of_those_that_are_as_likely() {
    for said in [Format::Jwk, Format::JwkSet] {
        let guesses = format::diagnose_as(b"{ \"a\": ", Some(said), &Hints::default());
        assert_eq!(guesses.first().map(|guess| guess.format), Some(said));
    }
}

#[test]
fn a_blob_that_lacks_its_curve_or_has_a_wrong_algorithm_is_still_told() {
    let generic = read("brainpoolP256r1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin");
    assert_eq!(best(&generic), ("ECCPRIVATEBLOB".to_owned(), generic.len()));
    let mut capi = read("rsa1024.CAPIPRIVATEBLOB.bin");
    capi[4] ^= 0xFF;
    assert_eq!(best(&capi).0, "CAPIPRIVATEBLOB");
}

#[test]
fn one_bad_key_does_not_stand_in_the_way_of_another() {
    let mut text = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec();
    text.extend(read("ed25519.pkcs8-pem.pem"));
    let each = || format::decode_each(&text, Format::Pkcs8Pem, &Hints::default()).unwrap();
    assert!(format::select_each(each(), "2").is_ok());
    assert!(matches!(format::select_each(each(), "1"), Err(Error::Entry { .. })));
    let Err(Error::NoSuchKey { keys, .. }) = format::select_each(each(), "3") else { panic!() };
    assert!(keys[0].starts_with("1 (cannot be read") && keys[1].starts_with("2 ("), "{keys:?}");
}

#[test]
fn text_before_pem_may_begin_like_der() {
    let key = asn1::spki::encode(
        &format::decode(&read("../ec-nistP256.spki.bin"), Format::Spki, &Hints::default())
            .unwrap()
            .key
            .public()
            .unwrap(),
    );
    let pem = asn1::pem::to_pem(Label::PublicKey, &key.unwrap()).unwrap();
    let text = [b"0 s:CN=somebody\n", &*pem].concat();
    assert_eq!(format::sniff(&text).unwrap(), Format::SpkiPem);
    assert!(format::decode(&text, Format::SpkiPem, &Hints::default()).is_ok());
}

/// Labels cannot hide how many parts of a file are to be paid for.
#[test]
fn encrypted_keys_under_the_label_of_plain_ones_share_the_work() {
    let plain = read("../ec-nistP256.PKCS8_PRIVATEKEY.bin");
    let password = SecretBytes::from(&b"password"[..]);
    let encryption = asn1::Encryption { iterations: 1000, ..asn1::Encryption::default() };
    let pem = asn1::pem::to_pem(Label::PrivateKey, &asn1::encrypt(&plain, &password, encryption).unwrap()).unwrap();
    let limits = asn1::Limits { iterations: 1999, ..asn1::Limits::default() };
    let hints = Hints { password: Some(&password), limits, ..Hints::default() };
    assert!(format::decode_all(&pem, Format::Pkcs8Pem, &hints).is_ok());
    let twice = [&*pem, &*pem].concat();
    let error = format::decode_all(&twice, Format::Pkcs8Pem, &hints).unwrap_err();
    assert!(error.to_string().contains("iterations"), "{error}");
}
