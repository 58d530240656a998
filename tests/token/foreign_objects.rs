//! Objects that other programs put beside ours: never destroyed, never taken for what they are not.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "cli")]

use crate::support;
use std::fs;

use cng_pkcs11::provider::{Error as ProviderError, Flags, ImportParameters, KeyName, StorageProvider};
use cng_pkcs11::template::Template;
use cng_pkcs11::{Error, Status, asn1, blob};

use crate::support::{TestToken, number, on_a_token, vector};

const CKA_CLASS: u64 = 0x0;
const CKA_TOKEN: u64 = 0x1;
const CKA_LABEL: u64 = 0x3;
const CKA_VALUE: u64 = 0x11;
const CKA_KEY_TYPE: u64 = 0x100;
const CKA_ID: u64 = 0x102;
const CKA_SIGN: u64 = 0x108;
const CKA_MODULUS: u64 = 0x120;
const CKA_PUBLIC_EXPONENT: u64 = 0x122;
const CKA_PRIVATE_EXPONENT: u64 = 0x123;
const CKA_DESTROYABLE: u64 = 0x172;
const CKA_EC_PARAMS: u64 = 0x180;
const CKA_EC_POINT: u64 = 0x181;
const CKO_PUBLIC_KEY: u64 = 2;
const CKO_PRIVATE_KEY: u64 = 3;
const CKK_RSA: u64 = 0;
const CKK_EC: u64 = 3;
const P256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

fn object(class: u64, key_type: u64, label: &str, id: &[u8]) -> Template {
    Template::new()
        .ulong(CKA_CLASS, class)
        .ulong(CKA_KEY_TYPE, key_type)
        .flag(CKA_TOKEN, true)
        .bytes(CKA_LABEL, label.as_bytes())
        .bytes(CKA_ID, id)
}

fn ec_private(label: &str, id: &[u8], key: &str) -> Template {
    object(CKO_PRIVATE_KEY, CKK_EC, label, id)
        .flag(CKA_SIGN, true)
        .bytes(CKA_EC_PARAMS, P256)
        .bytes(CKA_VALUE, &number(key, "d"))
}

fn ec_public(label: &str, id: &[u8], point: &[u8]) -> Template {
    object(CKO_PUBLIC_KEY, CKK_EC, label, id).bytes(CKA_EC_PARAMS, P256).bytes(CKA_EC_POINT, point)
}

/// The DER OCTET STRING of a key's uncompressed point.
fn point(key: &str) -> Vec<u8> {
    [&[0x04, 65, 4][..], &number(key, "x"), &number(key, "y")].concat()
}

fn import(provider: &StorageProvider, file: &str, name: &str, id: Option<&[u8]>, flags: Flags) -> Result<(), Error> {
    let decoded = blob::decode(&vector(file), blob::BlobType::EccPrivate, &blob::Hints::default())?;
    let parameters = ImportParameters { name: Some(KeyName::new(name)?), ..ImportParameters::default() };
    let mut key = provider.import_decoded(decoded, &parameters, flags | Flags::DO_NOT_FINALIZE)?;
    if let Some(id) = id {
        key.set_id(id)?;
    }
    key.finalize(Flags::NONE)
}

fn count(provider: &StorageProvider) -> usize {
    provider.token().find(&Template::new().flag(CKA_TOKEN, true)).expect("objects can be searched").len()
}

#[test]
fn a_key_that_cannot_be_read_here_is_not_called_torn() {
    on_a_token("a_key_that_cannot_be_read_here_is_not_called_torn", |provider| {
        let token = provider.token();
        // A compressed point beside a good private key, and an RSA exponent of 72 bits: both whole, neither CNG's.
        token.create(&ec_private("ec", b"1", "ec-nistP256")).expect("a private key");
        let compressed =
            [&[0x04, 33, 2 + (number("ec-nistP256", "y")[31] & 1)][..], &number("ec-nistP256", "x")].concat();
        token.create(&ec_public("ec", b"1", &compressed)).expect("a public key");
        let rsa = object(CKO_PRIVATE_KEY, CKK_RSA, "rsa", b"2")
            .bytes(CKA_MODULUS, &number("rsa2048-e3", "n"))
            .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 0, 0, 0, 0, 0, 0, 1])
            .bytes(CKA_PRIVATE_EXPONENT, &number("rsa2048-e3", "d"));
        token.create(&rsa).expect("an RSA key");
        let listing = provider.list().expect("a list");
        assert!(listing.torn.is_empty(), "{listing:?}");
        assert_eq!(listing.keys.len(), 2, "{listing:?}");
        let key = provider.open_key("ec").expect("the key opens");
        assert_eq!(
            asn1::spki::encode(&key.public_key().expect("the point is recovered")).expect("an SPKI"),
            vector("ec-nistP256.spki.bin")
        );
    });
}

#[test]
fn a_uri_deletes_what_it_names_and_one_that_names_nothing_is_refused() {
    on_a_token("a_uri_deletes_what_it_names_and_one_that_names_nothing_is_refused", |provider| {
        import(&provider, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "only", None, Flags::NONE).expect("an import");
        for nothing in ["pkcs11:", "pkcs11:type=private", "pkcs11:token=nothing%20of%20the%20kind"] {
            let error = provider.delete_key(nothing).expect_err(nothing);
            assert_eq!(count(&provider), 2, "{nothing}: {error}");
        }
        let error = provider.open_key("pkcs11:object=only?pin-value=SECRETPIN").expect_err("a PIN in a name");
        assert!(!error.to_string().contains("SECRETPIN"), "{error}");
        provider.delete_key("pkcs11:object=only;type=public").expect("the public object goes");
        assert_eq!(count(&provider), 1);
        provider.open_key("only").expect("the private key stays");
        provider.delete_key("pkcs11:object=only;type=private").expect("the key goes");
        assert_eq!(count(&provider), 0);
    });
}

#[test]
fn a_successor_replaces_the_key_that_its_mark_names_and_no_other() {
    on_a_token("a_successor_replaces_the_key_that_its_mark_names_and_no_other", |provider| {
        let token = provider.token();
        import(&provider, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", None, Flags::NONE).expect("an import");
        // As a kill leaves it after the old key is gone: the successor still bears its mark.
        let handle = token
            .find(&object(CKO_PRIVATE_KEY, CKK_EC, "web", &[]).bytes(CKA_ID, provider.open_key("web").unwrap().id()));
        let [private] = handle.expect("a search")[..] else { panic!("one private object") };
        let marked = [provider.open_key("web").unwrap().id(), b"\0cng11:ready", &[7; 20]].concat();
        token.set(private, &Template::new().bytes(CKA_ID, &marked)).expect("a mark");
        token.create(&ec_private("web", b"\x07\x07", "ec-nistP256-shortd")).expect("somebody else's key");
        let before = count(&provider);
        let _ = provider.rename_key("web", &KeyName::new("www").unwrap());
        assert_eq!(count(&provider), before, "nothing of either key is destroyed");
        match provider.open_key("web") {
            Err(Error::Provider(ProviderError::Ambiguous { uris, .. })) => assert_eq!(uris.len(), 2),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn another_public_key_under_name_and_id_is_never_taken_for_the_key() {
    on_a_token("another_public_key_under_name_and_id_is_never_taken_for_the_key", |provider| {
        let token = provider.token();
        token.create(&ec_public("web", b"1", &point("ec-nistP256-shortd"))).expect("somebody's public key");
        let error = import(&provider, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", Some(b"1"), Flags::NONE);
        assert_eq!(error.expect_err("it would be taken for ours").status(), Status::NTE_INVALID_PARAMETER);
        let blob = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
        let decoded = blob::decode(&blob, blob::BlobType::EccPrivate, &blob::Hints::default()).expect("a blob");
        let parameters = ImportParameters { name: Some(KeyName::new("web").unwrap()), ..ImportParameters::default() };
        let mut pending = provider.import_decoded(decoded, &parameters, Flags::DO_NOT_FINALIZE).expect("a pending key");
        pending.set_id(b"1").expect("a CKA_ID");
        let rehearsed = pending.rehearse().expect_err("the import would be refused");
        assert_eq!(rehearsed.status(), Status::NTE_INVALID_PARAMETER);
        assert_eq!(count(&provider), 1);
        // The same beside a key that is there: two that differ, so neither is believed.
        token.create(&ec_private("other", b"2", "ec-nistP256")).expect("a private key");
        token.create(&ec_public("other", b"2", &point("ec-nistP256"))).expect("its public key");
        token.create(&ec_public("other", b"2", &point("ec-nistP256-shortd"))).expect("another one");
        let public = provider.open_key("other").expect("the key").public_key().expect("recovered from signatures");
        assert_eq!(asn1::spki::encode(&public).expect("an SPKI"), vector("ec-nistP256.spki.bin"));
        // A marked leftover of another key beside a whole private key is removed, not adopted.
        token.create(&ec_private("third", b"3", "ec-nistP256")).expect("a private key");
        token.create(&ec_public("third", b"3\0cng11:staged", &point("ec-nistP256-shortd"))).expect("a leftover");
        provider.rename_key("third", &KeyName::new("fourth").unwrap()).expect("a rename");
        let key = provider.open_key("fourth").expect("the key");
        assert!(!key.has_public_object());
        let spki = asn1::spki::encode(&key.public_key().expect("recovered")).expect("an SPKI");
        assert_eq!(spki, vector("ec-nistP256.spki.bin"));
    });
}

#[test]
fn two_keys_that_nothing_tells_apart_are_deleted_one_by_one() {
    on_a_token("two_keys_that_nothing_tells_apart_are_deleted_one_by_one", |provider| {
        for _ in 0..2 {
            let rsa = object(CKO_PRIVATE_KEY, CKK_RSA, "twin", b"1")
                .bytes(CKA_MODULUS, &number("rsa2048-e3", "n"))
                .bytes(CKA_PUBLIC_EXPONENT, &number("rsa2048-e3", "e"))
                .bytes(CKA_PRIVATE_EXPONENT, &number("rsa2048-e3", "d"));
            provider.token().create(&rsa).expect("a private key");
        }
        match provider.open_key("twin") {
            Err(Error::Provider(ProviderError::Ambiguous { uris, .. })) => assert_eq!(uris[0], uris[1]),
            other => panic!("{other:?}"),
        }
        provider.delete_key("twin").expect("one goes");
        provider.open_key("twin").expect("the other is clear now");
        assert_eq!(count(&provider), 1);
    });
}

#[test]
fn an_old_key_that_cannot_be_destroyed_is_not_replaced() {
    on_a_token("an_old_key_that_cannot_be_destroyed_is_not_replaced", |provider| {
        let stuck = ec_private("web", b"1", "ec-nistP256-shortd").flag(CKA_DESTROYABLE, false);
        provider.token().create(&stuck).expect("a key that stays");
        let outcome = import(&provider, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", None, Flags::OVERWRITE_KEY);
        assert_eq!(outcome.expect_err("it cannot go").status(), Status::NTE_NOT_SUPPORTED);
        assert_eq!(count(&provider), 1);
        provider.open_key("web").expect("the old key is as it was");
    });
}

#[test]
fn a_wrapped_symmetric_key_of_no_real_size_is_refused() {
    let token = TestToken::new();
    token.import("kek256.raw.bin", "kek", &["--type", "raw", "--algorithm", "AES", "--usage", "wrap"]);
    let kek: String = vector("kek256.raw.bin").iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = token.file("short", [9; 20]);
    let wrapped = token.path_text("short.kwp");
    let enc = ["enc", "-e", "-id-aes256-wrap-pad", "-K", &kek, "-iv", "A65959A6", "-in", &plain, "-out", &wrapped];
    support::openssl(&enc, None);
    let before = token.contents();
    let arguments = ["import", &wrapped, "--name", "short", "--type", "raw", "--unwrap-key", "kek"];
    assert_ne!(token.cng11(&arguments).code, 0);
    assert_eq!(token.contents(), before);
}

#[test]
fn a_result_that_is_lost_is_a_failure_and_a_link_stays_a_link() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", &[]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut command = token.cng11_command();
    command.args(["export", "web", "--type", "spki"]).stdout(full);
    assert_eq!(command.status().expect("cng11 runs").code(), Some(1));

    let (real, link) = (token.path("real"), token.path("link"));
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    token.cng11(&["export", "web", "--type", "spki", "-o", &token.path_text("link"), "--force"]).code(0);
    assert!(link.is_symlink());
    assert_eq!(fs::read(&real).expect("the file behind the link"), vector("ec-nistP256.spki.bin"));
}

#[test]
fn a_uri_that_names_a_key_does_not_delete_what_stands_beside_it() {
    on_a_token("a_uri_that_names_a_key_does_not_delete_what_stands_beside_it", |provider| {
        let token = provider.token();
        token.create(&ec_public("web", b"77", &point("ec-nistP256-shortd"))).expect("somebody's public key");
        import(&provider, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", None, Flags::NONE).expect("an import");
        token.create(&ec_public("web", b"5\0cng11:staged", &point("ec-nistP256"))).expect("a leftover");
        token.create(&ec_public("web", b"6\0cng11:staged", &point("ec-nistP256"))).expect("another leftover");
        provider.delete_key("pkcs11:object=web").expect("the key goes, and what was left over");
        assert_eq!(count(&provider), 1);
        let listing = provider.list().expect("a list");
        assert_eq!((listing.keys.len(), listing.public_only.len()), (0, 1), "{listing:?}");
        provider.delete_key("pkcs11:object=web").expect("now it is what the URI names");
        assert_eq!(count(&provider), 0);
    });
}

#[test]
fn what_is_not_marked_beside_a_leftover_stays() {
    on_a_token("what_is_not_marked_beside_a_leftover_stays", |provider| {
        let token = provider.token();
        token.create(&ec_private("web", b"5\0cng11:staged", "ec-nistP256")).expect("a leftover");
        token.create(&ec_public("web", b"5", &point("ec-nistP256"))).expect("somebody's public key");
        assert_eq!(provider.list().expect("a list").unfinished.len(), 1);
        import(&provider, "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", Some(b"6"), Flags::NONE).expect("an import");
        assert_eq!(count(&provider), 3);
        assert_eq!(provider.list().expect("a list").public_only.len(), 1);
    });
}

#[test]
fn an_interrupted_import_is_completed_by_the_same_import_alone() {
    on_a_token("an_interrupted_import_is_completed_by_the_same_import_alone", |provider| {
        let token = provider.token();
        let ours = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
        import(&provider, ours, "web", Some(b"1"), Flags::NONE).expect("an import");
        // As a kill leaves it before the last mark is taken off.
        let publics = token.find(&Template::new().ulong(CKA_CLASS, CKO_PUBLIC_KEY).flag(CKA_TOKEN, true));
        let [public] = publics.expect("a search")[..] else { panic!("one public object") };
        token.set(public, &Template::new().bytes(CKA_ID, b"1\0cng11:staged")).expect("a mark");
        let blob = vector("ec-nistP256-shortd.ECDSA.ECCPRIVATEBLOB.bin");
        let other = blob::decode(&blob, blob::BlobType::EccPrivate, &blob::Hints::default()).expect("a blob");
        let parameters = ImportParameters { name: Some(KeyName::new("web").unwrap()), ..ImportParameters::default() };
        let pending = provider.import_decoded(other, &parameters, Flags::DO_NOT_FINALIZE).expect("a pending key");
        assert_eq!(pending.rehearse().expect_err("the name is another key's").status(), Status::NTE_EXISTS);
        let blob = vector(ours);
        let same = blob::decode(&blob, blob::BlobType::EccPrivate, &blob::Hints::default()).expect("a blob");
        let pending = provider.import_decoded(same, &parameters, Flags::DO_NOT_FINALIZE).expect("a pending key");
        pending.rehearse().expect("it would be completed");
        let elsewhere = import(&provider, ours, "web", Some(b"9"), Flags::NONE);
        assert_eq!(elsewhere.expect_err("that key has another CKA_ID").status(), Status::NTE_EXISTS);
        assert_eq!(provider.open_key("web").expect("the key").id(), b"1");
        // That refusal settled what was there; marked again, the same import completes it.
        token.set(public, &Template::new().bytes(CKA_ID, b"1\0cng11:staged")).expect("a mark");
        import(&provider, ours, "web", Some(b"1"), Flags::NONE).expect("it is completed");
        assert_eq!(count(&provider), 2);
    });
}

#[test]
fn two_copies_with_one_public_object_between_them_can_be_deleted() {
    on_a_token("two_copies_with_one_public_object_between_them_can_be_deleted", |provider| {
        let token = provider.token();
        for _ in 0..2 {
            token.create(&ec_private("twin", b"1", "ec-nistP256")).expect("a private key");
        }
        token.create(&ec_public("twin", b"1", &point("ec-nistP256"))).expect("one public key");
        provider.delete_key("twin").expect("one goes");
        provider.open_key("twin").expect("the other is clear now");
        provider.delete_key("twin").expect("the other goes");
        assert_eq!(count(&provider), 0);
        // Two that are not the same key are not taken for it.
        token.create(&ec_private("pair", b"1", "ec-nistP256")).expect("a private key");
        token.create(&ec_private("pair", b"1", "ec-nistP256-shortd")).expect("another");
        token.create(&ec_public("pair", b"1", &point("ec-nistP256"))).expect("the public key of one");
        assert!(matches!(provider.delete_key("pair"), Err(Error::Provider(ProviderError::Ambiguous { .. }))));
        assert_eq!(count(&provider), 3);
    });
}

#[test]
fn stdout_by_any_name_gets_the_key_and_nothing_else() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "web", &[]);
    let path = token.path("out");
    let out = fs::File::create(&path).expect("a file");
    let mut command = token.cng11_command();
    command.args(["export", "web", "--type", "spki", "-o", "/dev/stdout"]).stdout(out);
    assert_eq!(command.status().expect("cng11 runs").code(), Some(0));
    assert_eq!(fs::read(&path).expect("what was written"), vector("ec-nistP256.spki.bin"));
}
