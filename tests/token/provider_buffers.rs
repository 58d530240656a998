//! The parameter buffers of NCrypt: what callers of `NCryptImportKey` and `NCryptExportKey` pass beside a blob.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::asn1::cms::ContentCipher;
use cng_pkcs11::asn1::{self, Cipher, Encryption, Scheme};
use cng_pkcs11::blob::BlobType;
use cng_pkcs11::format::{Format, cert_store};
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{ExportPolicy, KeyUsage};
use cng_pkcs11::provider::{Buffer, ExportParameters, Flags, ImportParameters, KeyName, buffer};
use cng_pkcs11::{Status, wide};

use crate::support::{on_a_token, vector};

fn import(buffers: &[(u32, &[u8])]) -> Result<ImportParameters, cng_pkcs11::Error> {
    let buffers: Vec<_> = buffers.iter().map(|(kind, data)| Buffer { kind: *kind, data }).collect();
    ImportParameters::from_buffers(&buffers)
}

fn export(blob_type: BlobType, buffers: &[(u32, &[u8])]) -> Result<ExportParameters, cng_pkcs11::Error> {
    let buffers: Vec<_> = buffers.iter().map(|(kind, data)| Buffer { kind: *kind, data }).collect();
    ExportParameters::from_buffers(blob_type, &buffers)
}

fn status<T: std::fmt::Debug>(outcome: Result<T, cng_pkcs11::Error>) -> Status {
    outcome.expect_err("it is refused").status()
}

#[test]
fn texts_are_taken_with_their_nul_and_without() {
    for encode in [wide::encode, wide::encode_nul] {
        let parameters = import(&[
            (buffer::EMPTY, b"whatever"),
            (buffer::PKCS_KEY_NAME, &encode("a key")),
            (buffer::PKCS_ALG_ID, &encode("ECDSA_P256")),
            (buffer::PKCS_SECRET, &encode("pässword")),
            (buffer::PKCS_PADDING_ALGO, &encode("SHA384")),
            (buffer::PKCS_PADDING_LABEL, b"label"),
            (buffer::PKCS_AES_KEY_BITS, &256u32.to_le_bytes()),
            (buffer::ECC_CURVE_NAME, &encode("secP256k1")),
        ])
        .expect("read");
        assert_eq!(parameters.name.unwrap().as_str(), "a key");
        assert_eq!(parameters.algorithm.unwrap().name(), "ECDSA_P256");
        assert_eq!(&*parameters.password.unwrap(), "pässword".as_bytes());
        assert_eq!(parameters.hash, Some(Hash::Sha384));
        assert_eq!(parameters.label, b"label");
        assert_eq!(parameters.curve.unwrap().name, "secP256k1");
    }
    // .NET passes no bytes for no password; others a lone NUL, which is the empty one.
    assert!(import(&[(buffer::PKCS_SECRET, b"")]).expect("read").password.is_none());
    assert!(import(&[(buffer::PKCS_SECRET, &[0, 0])]).expect("read").password.is_some_and(|word| word.is_empty()));
}

#[test]
fn what_makes_no_sense_is_an_invalid_parameter() {
    let name = wide::encode_nul("x");
    for buffers in [
        &[(buffer::PKCS_KEY_NAME, &name[..]), (buffer::PKCS_KEY_NAME, &name[..])][..],
        &[(buffer::PKCS_KEY_NAME, b"odd")],
        &[(buffer::PKCS_KEY_NAME, b"a\0\0\0b\0")],
        &[(buffer::PKCS_ALG_OID, b"1.2.3")],
        &[(20, b"")],
        &[(buffer::PKCS_AES_KEY_BITS, &128u32.to_le_bytes())],
        &[(buffer::PKCS_AES_KEY_BITS, b"")],
        &[(buffer::PKCS_PADDING_ALGO, &name)],
    ] {
        assert_eq!(status(import(buffers)), Status::NTE_INVALID_PARAMETER, "{buffers:?}");
    }
    let pkcs8 = BlobType::Pkcs8;
    for buffers in [
        &[(buffer::PKCS_KEY_NAME, &name[..])][..],
        &[(buffer::PKCS_ALG_PARAM, &[0; 8])],
        &[(buffer::PKCS_ALG_OID, b"1.2.840.113549.1.12.1.3\0"), (buffer::PKCS_ALG_PARAM, &[1, 0, 0, 0, 8, 0, 0, 0])],
        &[(buffer::PKCS_ALG_OID, b"1.2.840.113549.1.12.1.3\0"), (buffer::PKCS_ALG_PARAM, &[0; 8])],
        &[(buffer::PKCS_ALG_OID, "1.2.840.ä".as_bytes())],
    ] {
        assert_eq!(status(export(pkcs8, buffers)), Status::NTE_INVALID_PARAMETER, "{buffers:?}");
    }
    // An IV is never the caller's.
    let aes: &[u8] = b"2.16.840.1.101.3.4.1.42\0";
    let fixed = [(buffer::PKCS_ALG_OID, aes), (buffer::PKCS_ALG_PARAM, &[7; 18])];
    assert_eq!(status(export(BlobType::Pkcs7Envelope, &fixed)), Status::NTE_INVALID_PARAMETER);
    assert_eq!(status(export(BlobType::RsaFullPrivate, &[(buffer::PKCS_ALG_OID, aes)])), Status::NTE_INVALID_PARAMETER);
    for (blob_type, oid) in [(pkcs8, "1.2.840.113549.1.12.1.6\0"), (BlobType::Pkcs7Envelope, "1.2.840.113549.3.2\0")] {
        let outcome = export(blob_type, &[(buffer::PKCS_ALG_OID, oid.as_bytes())]);
        assert_eq!(status(outcome), Status::NTE_NOT_SUPPORTED, "{oid}");
    }
}

#[test]
fn an_export_is_encrypted_as_its_oid_says() {
    let secret = wide::encode_nul("secret");
    let scheme = |oid: &[u8]| {
        let parameters = export(BlobType::Pkcs8, &[(buffer::PKCS_ALG_OID, oid), (buffer::PKCS_SECRET, &secret)]);
        parameters.expect("read").encryption
    };
    assert_eq!(scheme(b"1.2.840.113549.1.5.13"), Encryption::default());
    assert_eq!(scheme(b"1.2.840.113549.1.12.1.3\0").scheme, Scheme::Pkcs12TripleDes);
    // CRYPT_PKCS12_PBE_PARAMS as .NET passes it: iterations, eight bytes of salt.
    let pbe = [&3000u32.to_le_bytes()[..], &8u32.to_le_bytes(), &[5; 8]].concat();
    let buffers: [(u32, &[u8]); 2] =
        [(buffer::PKCS_ALG_PARAM, &pbe), (buffer::PKCS_ALG_OID, b"1.2.840.113549.1.12.1.3\0")];
    assert_eq!(export(BlobType::Pkcs8, &buffers).expect("read").encryption.iterations, 3000);

    for (oid, cipher) in [
        ("2.16.840.1.101.3.4.1.2", ContentCipher::Cbc(Cipher::Aes128)),
        ("2.16.840.1.101.3.4.1.42\0", ContentCipher::Cbc(Cipher::Aes256)),
        ("1.2.840.113549.3.7\0", ContentCipher::Cbc(Cipher::TripleDes)),
        ("2.16.840.1.101.3.4.1.48", ContentCipher::Aes256WrapPad),
    ] {
        let parameters = export(BlobType::Pkcs7Envelope, &[(buffer::PKCS_ALG_OID, oid.as_bytes())]);
        assert_eq!(parameters.expect("read").content, Some(cipher), "{oid}");
    }
}

#[test]
fn a_certificate_store_names_recipients() {
    let certificate = asn1::certificate::decode(&vector("more/rsa2048.cert.bin")).expect("a certificate").der;
    let store = cert_store::write(&[&certificate, &certificate]).expect("a store");
    let parameters = export(BlobType::Pkcs7Envelope, &[(buffer::CERT_BLOB, &store)]).expect("read");
    assert_eq!(parameters.certificates.len(), 2);
    assert_eq!(*parameters.certificates[0], *certificate);
    assert_eq!(import(&[(buffer::CERT_BLOB, &store)]).expect("read").certificates.len(), 2);
    let empty = cert_store::write::<&[u8]>(&[]).expect("a store");
    assert_eq!(status(import(&[(buffer::CERT_BLOB, &empty)])), Status::NTE_INVALID_PARAMETER);
    assert!(import(&[(buffer::CERT_BLOB, b"nonsense")]).is_err());
}

#[test]
fn an_envelope_is_for_the_certificates_of_a_store_and_opened_by_whom_it_is_for() {
    on_a_token("an_envelope_is_for_the_certificates_of_a_store_and_opened_by_whom_it_is_for", |provider| {
        let keep = |name: &str, file: &str, usage: KeyUsage| {
            let name = Some(KeyName::new(name).expect("a name"));
            let parameters = ImportParameters { name, ..ImportParameters::default() };
            let data = vector(file);
            let mut key =
                provider.import_key(None, BlobType::Pkcs8, &parameters, &data, Flags::DO_NOT_FINALIZE).expect("a key");
            key.set_usage(usage).expect("a usage");
            key.set_export_policy(ExportPolicy::ENCRYPTED).expect("a policy");
            key.finalize(Flags::NONE).expect("an import");
            key
        };
        keep("kek", "more/rsa2048.PKCS8_PRIVATEKEY.bin", KeyUsage::WRAP);
        let key = keep("key", "ec-nistP256.PKCS8_PRIVATEKEY.bin", KeyUsage::SIGN);
        let public = key.public_key().expect("a public key");
        let certificate = asn1::certificate::decode(&vector("more/rsa2048.cert.bin")).expect("a certificate").der;
        let store = cert_store::write(&[&certificate]).expect("a store");
        let buffers: &[(u32, &[u8])] = &[(buffer::CERT_BLOB, &store)];
        let envelope = Format::Blob(BlobType::Pkcs7Envelope);
        let parameters = export(BlobType::Pkcs7Envelope, buffers).expect("read");
        let exported = key.export(None, envelope, &parameters).expect("an envelope");
        assert_eq!(asn1::cms::decode(&exported.bytes).expect("an envelope").recipients.len(), 1);
        // For a blob of another type certificates say nothing.
        let parameters = export(BlobType::Pkcs7Envelope, buffers).expect("read");
        assert_eq!(status(key.export(None, Format::PKCS8, &parameters)), Status::NTE_INVALID_PARAMETER);
        drop(key);
        provider.delete_key("key").expect("it is deleted");
        let name = Some(KeyName::new("back").expect("a name"));
        let parameters = ImportParameters { name, ..import(buffers).expect("read") };
        let back = provider
            .import_key(None, BlobType::Pkcs7Envelope, &parameters, &exported.bytes, Flags::NONE)
            .expect("an import");
        assert_eq!(back.public_key().expect("a public key"), public);
    });
}

#[test]
fn a_password_does_not_show_in_debug() {
    let data = wide::encode_nul("hunter2");
    let shown = format!("{:?}", Buffer { kind: buffer::PKCS_SECRET, data: &data });
    assert_eq!(shown, "Buffer { kind: 46, length: 16 }");
    let parameters = import(&[(buffer::PKCS_SECRET, &data)]).expect("read");
    assert!(!format!("{parameters:?}").contains("hunter2"));
}
