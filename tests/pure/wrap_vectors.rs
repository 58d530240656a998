//! The wrapping schemes in software against the examples of their standards, and against what Python cryptography wrapped.
#![cfg(feature = "token")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::vectors;
use cng_pkcs11::blob::Hints;
use cng_pkcs11::blob::rsa_aes::RsaAesWrapBlob;
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::{KeyMaterial, PrivateKey, rsa};
use cng_pkcs11::wrap::{Error, kw, oaep, rsa_aes};

use crate::vectors::unhex;

const KEK: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const KEY: &str = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f";

/// RFC 3394 §4.1 to §4.6: bytes of the KEK, bytes of the key, and what comes out.
#[test]
fn the_examples_of_rfc_3394() {
    let (kek, key) = (unhex(KEK), unhex(KEY));
    for (kek_len, key_len, wrapped) in [
        (16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
        (24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
        (32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
        (24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
        (32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
        (32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
    ] {
        let (kek, key) = (&kek[..kek_len], &key[..key_len]);
        assert_eq!(kw::kw_wrap(kek, key).unwrap(), unhex(wrapped), "{kek_len} {key_len}");
        assert_eq!(&*kw::kw_unwrap(kek, &unhex(wrapped)).unwrap(), key, "{kek_len} {key_len}");
    }
}

/// The same, as the files of `Rfc3565KeyWrapBlob` that others have published: RFC 3394 §4.1 and Wine's test, which is also run on Windows.
#[test]
fn the_published_rfc3565_blobs() {
    for name in ["rfc3394-4.1", "wine-test-keywrap"] {
        let [kek, key, wrapped] = ["kek.raw", "raw", "Rfc3565KeyWrapBlob"]
            .map(|kind| std::fs::read(vectors::folder().join(format!("published/{name}.{kind}.bin"))).unwrap());
        assert_eq!(kw::kw_wrap(&kek, &key).unwrap(), wrapped, "{name}");
        assert_eq!(&*kw::kw_unwrap(&kek, &wrapped).unwrap(), key, "{name}");
    }
}

/// RFC 5649 §6: 20 and 7 bytes under a KEK of 192 bits.
#[test]
fn the_examples_of_rfc_5649() {
    let kek = unhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
    for (key, wrapped) in [
        (
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ] {
        assert_eq!(kw::kwp_wrap(&kek, &unhex(key)).unwrap(), unhex(wrapped));
        assert_eq!(&*kw::kwp_unwrap(&kek, &unhex(wrapped)).unwrap(), unhex(key));
    }
}

fn rsa_key(name: &str) -> rsa::PrivateKey {
    let der = std::fs::read(vectors::folder().join("more").join(format!("{name}.PKCS8_PRIVATEKEY.bin"))).unwrap();
    match format::decode(&der, Format::PKCS8, &Hints::default()).unwrap().key {
        KeyMaterial::Private(PrivateKey::Rsa(key)) => key,
        other => panic!("{other:?}"),
    }
}

/// OAEP and KWP by Python cryptography, over the four hashes, with and without a label: bare AES keys, and PKCS#8 of EC and RSA keys.
#[test]
fn the_rsa_aes_wrapped_keys_of_others() {
    let folder = vectors::folder().join("more");
    let keys = [("rsa2048", rsa_key("rsa2048")), ("rsa4096", rsa_key("rsa4096"))];
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let (mut unwrapped, mut labelled) = (0, 0);
    for file in manifest.lines().map(|line| line.split('\t').next().unwrap()) {
        let [name, kind, "PKCS11RsaAesWrapBlob", "bin"] = file.split('.').collect::<Vec<_>>()[..] else { continue };
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let blob = RsaAesWrapBlob::decode(&bytes).unwrap();
        let (_, private) = keys.iter().find(|(key, _)| kind.starts_with(key)).unwrap();
        let key = rsa_aes::unwrap(private, blob.hash, blob.label, blob.wrapped).unwrap();
        let inside = [format!("{name}.raw.bin"), format!("{name}.PKCS8_PRIVATEKEY.bin")];
        let expected = inside.iter().find_map(|file| std::fs::read(folder.join(file)).ok()).unwrap();
        assert!(*key == *expected, "{file}");

        // The second part is what KWP makes of the key; the first is random, and as good as one of ours.
        let (first, second) = rsa_aes::split(blob.wrapped, private.public().n().len()).unwrap();
        let aes = oaep::unwrap(private, blob.hash, blob.label, first).unwrap();
        assert_eq!((aes.len(), kw::kwp_wrap(&aes, &key).unwrap()), (32, second.to_vec()), "{file}");
        let again = rsa_aes::wrap(private.public(), blob.hash, blob.label, &key).unwrap();
        assert_eq!(again.len(), blob.wrapped.len(), "{file}");
        assert!(*rsa_aes::unwrap(private, blob.hash, blob.label, &again).unwrap() == *key, "{file}");

        let wrong_label = rsa_aes::unwrap(private, blob.hash, b"no label", blob.wrapped);
        assert!(matches!(wrong_label, Err(Error::Integrity)), "{file}");
        labelled += usize::from(!blob.label.is_empty());
        unwrapped += 1;
    }
    assert_eq!((unwrapped, labelled), (32, 8));
}
