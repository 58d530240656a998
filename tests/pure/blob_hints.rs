//! What stands beside a blob, its algorithm and its curve, must fit what the blob says itself.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format;
use cng_pkcs11::key::{Algorithm, Curve};
use cng_pkcs11::status::Status;

use crate::vectors::{named, report};

#[test]
fn what_stands_beside_a_blob_must_fit_it() {
    const CONTRADICTION: &str = "which does not fit";
    const NO_CURVE: &str = "names no curve, and none was given";
    const NOT_ON_CURVE: &str = "the public point is not on the curve";
    const WIDTH: &str = "it is not the byte length of the curve's field";
    let mut problems = Vec::new();
    for (file, algorithm, curve, message) in [
        // The other family.
        ("ec-nistP256.ECDH.ECCPRIVATEBLOB.bin", Some("ECDSA_P256"), None, CONTRADICTION),
        ("ec-nistP256.ECDH.ECCPUBLICBLOB.bin", Some("ECDSA_P256"), None, CONTRADICTION),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", Some("ECDH_P256"), None, CONTRADICTION),
        ("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin", Some("ECDH"), None, CONTRADICTION),
        ("ec-secP256k1.GENERIC-ECDH.ECCPRIVATEBLOB.bin", Some("ECDSA"), Some("secP256k1"), CONTRADICTION),
        // Another curve, or another algorithm altogether.
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", Some("ECDSA_P384"), None, CONTRADICTION),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", None, Some("nistP384"), CONTRADICTION),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", None, Some("secP256k1"), CONTRADICTION),
        ("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin", Some("RSA"), None, CONTRADICTION),
        ("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin", Some("AES"), None, CONTRADICTION),
        ("rsa1024-e3.RSAPUBLICBLOB.bin", Some("ECDSA_P256"), None, CONTRADICTION),
        ("rsa1024-e3.RSAPRIVATEBLOB.bin", Some("AES"), None, CONTRADICTION),
        ("rsa1024-e3.RSAFULLPRIVATEBLOB.bin", Some("ECDH"), None, CONTRADICTION),
        ("aes128.KeyDataBlob.bin", Some("RSA"), None, CONTRADICTION),
        ("aes128.CipherKeyBlob.bin", Some("3DES"), None, CONTRADICTION),
        ("aes128.CipherKeyBlob.bin", Some("ECDSA"), None, CONTRADICTION),
        // A generic magic needs its curve, of the right width and the right equation.
        ("ec-nistP256.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", None, None, NO_CURVE),
        ("ec-nistP256.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", Some("ECDSA"), None, NO_CURVE),
        ("ec-curve25519.GENERIC-ECDH.ECCPUBLICBLOB.bin", None, None, NO_CURVE),
        ("ec-secP256k1.GENERIC-ECDSA.ECCPUBLICBLOB.bin", None, Some("nistP384"), WIDTH),
        ("ec-nistP521.GENERIC-ECDSA.ECCPUBLICBLOB.bin", None, Some("brainpoolP512r1"), WIDTH),
        ("ec-secP256k1.GENERIC-ECDSA.ECCPUBLICBLOB.bin", None, Some("nistP256"), NOT_ON_CURVE),
        ("ec-secP256k1.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", None, Some("brainpoolP256r1"), NOT_ON_CURVE),
        // curve25519 has no signatures, and its blobs have a Y of zeros.
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", None, Some("curve25519"), CONTRADICTION),
        ("ec-nistP256.GENERIC-ECDSA.ECCPRIVATEBLOB.bin", None, Some("curve25519"), CONTRADICTION),
        (
            "ec-nistP256.GENERIC-ECDH.ECCPRIVATEBLOB.bin",
            None,
            Some("curve25519"),
            "every byte of Y must be zero in a curve25519 key",
        ),
        // DER says less of its own, but what it says must fit too.
        ("rsa1024-e3.PKCS8_PRIVATEKEY.bin", Some("ECDSA_P256"), None, CONTRADICTION),
        ("rsa1024-e3.pkcs1.bin", Some("ECDSA"), None, CONTRADICTION),
        ("rsa1024-e3.spki.bin", Some("ECDSA"), None, CONTRADICTION),
        ("ec-nistP256.PKCS8_PRIVATEKEY.bin", Some("RSA"), None, CONTRADICTION),
        ("ec-nistP256.PKCS8_PRIVATEKEY.bin", Some("ECDSA_P384"), None, CONTRADICTION),
        ("ec-nistP256.PKCS8_PRIVATEKEY.bin", None, Some("nistP384"), CONTRADICTION),
        ("ec-nistP256.pkcs8-pem.pem", Some("AES"), None, CONTRADICTION),
        ("ec-nistP256.sec1.bin", Some("ECDH_P384"), None, CONTRADICTION),
        ("ec-nistP256.sec1.bin", None, Some("nistP384"), "does not fit curve nistP384"),
        ("ec-nistP256.spki.bin", Some("RSA"), None, CONTRADICTION),
        ("ec-nistP256.spki.bin", Some("ECDH_P384"), None, CONTRADICTION),
        ("ec-nistP256.spki-pem.pem", None, Some("nistP384"), CONTRADICTION),
        ("ec-curve25519.PKCS8_PRIVATEKEY.bin", Some("ECDSA"), None, CONTRADICTION),
        ("ec-curve25519.spki.bin", Some("ECDSA"), None, CONTRADICTION),
    ] {
        let vector = named(file);
        let outcome = format::decode(&vector.bytes(), vector.known_format(), &hints(algorithm, curve));
        match outcome.map_err(|error| (error.status(), error.to_string())) {
            Err((Status::NTE_INVALID_PARAMETER, text)) if text.contains(message) => {}
            Err((Status::NTE_BAD_DATA, text))
                if text.contains(message) && ![CONTRADICTION, NO_CURVE].contains(&message) => {}
            other => problems.push(format!("{file} beside {algorithm:?}, {curve:?}: {other:?}, not `{message}`")),
        }
    }
    report(&problems);
}

#[test]
fn what_fits_a_blob_is_taken_and_completes_it() {
    for (file, algorithm, curve, name) in [
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", Some("ECDSA_P256"), Some("nistP256"), "ECDSA_P256"),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", Some("ECDSA"), None, "ECDSA_P256"),
        // The curve of a generic magic may come with the algorithm.
        ("ec-nistP384.GENERIC-ECDH.ECCPUBLICBLOB.bin", Some("ECDH_P384"), None, "ECDH_P384"),
        ("ec-nistP384.GENERIC-ECDH.ECCPUBLICBLOB.bin", None, Some("secP384r1"), "ECDH_P384"),
        ("ec-secP256k1.GENERIC-ECDH.ECCPUBLICBLOB.bin", Some("ECDH"), Some("secP256k1"), "ECDH"),
        ("ec-curve25519.GENERIC-ECDH.ECCPRIVATEBLOB.bin", Some("ECDH"), Some("curve25519"), "ECDH"),
        // DER does not say what the key is for.
        ("ec-nistP256.PKCS8_PRIVATEKEY.bin", Some("ECDH_P256"), Some("nistP256"), "ECDH_P256"),
        ("ec-nistP256.sec1.bin", Some("ECDH"), None, "ECDH_P256"),
        ("ec-nistP256.spki.bin", Some("ECDH"), None, "ECDH_P256"),
        ("ec-nistP256.spki-pem.pem", None, None, "ECDSA_P256"),
        ("ec-curve25519.spki.bin", None, None, "ECDH"),
        ("rsa1024-e3.spki.bin", Some("RSA"), None, "RSA"),
        // Nor does a bare key.
        ("aes192.KeyDataBlob.bin", Some("3DES"), None, "3DES"),
        ("aes192.raw.bin", Some("HMAC"), None, "HMAC"),
        ("aes192.CipherKeyBlob.bin", Some("AES"), None, "AES"),
    ] {
        let vector = named(file);
        let decoded = format::decode(&vector.bytes(), vector.known_format(), &hints(algorithm, curve)).unwrap();
        assert_eq!(decoded.algorithm.name(), name, "{file}");
    }
}

fn hints(algorithm: Option<&str>, curve: Option<&str>) -> Hints<'static> {
    Hints {
        algorithm: algorithm.map(|name| Algorithm::by_name(name).unwrap()),
        curve: curve.map(|name| Curve::by_name(name).unwrap()),
        ..Hints::default()
    }
}
