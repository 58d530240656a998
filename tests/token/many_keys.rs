//! What thousands of keys need of a token: sessions for several threads, look-ups without searches, whether a key that is there is the one that is here,
//! and a token that is lost and opened anew.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::path::Path;
use std::sync::Arc;

use cng_pkcs11::Status;
use cng_pkcs11::blob::{self, BlobType, Decoded, Hints};
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyMaterial, KeyUsage};
use cng_pkcs11::provider::{
    Asked, Flags, ImportParameters, Key, KeyName, Padding, Sameness, StorageProvider, Verified,
};
use cng_pkcs11::template::profile::Profile;
use cng_pkcs11::template::{Addition, Additions, Template};
use cng_pkcs11::token::{Access, Module, Pin, Token};
use cryptoki_sys::{CKA_CLASS, CKO_PRIVATE_KEY};
use secrecy::SecretString;

use crate::support::{TestToken, on_a_token, on_this_token, vector};

const RSA: &str = "rsa2048-e65537.RSAFULLPRIVATEBLOB.bin";
const EC: &str = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
const AES: &str = "aes256.KeyDataBlob.bin";

/// An import of a vector under a name.
fn try_import(provider: &StorageProvider, file: &str, name: &str) -> Result<Key, cng_pkcs11::Error> {
    let name = Some(KeyName::new(name).expect("a name"));
    let (blob, algorithm) = match file {
        RSA => (BlobType::RsaFullPrivate, None),
        AES => (BlobType::KeyData, Some(Algorithm::AES)),
        _ => (BlobType::EccPrivate, None),
    };
    let parameters = ImportParameters { name, algorithm, ..ImportParameters::default() };
    provider.import_key(None, blob, &parameters, &vector(file), Flags::NONE)
}

#[track_caller]
fn import(provider: &StorageProvider, file: &str, name: &str) -> Key {
    try_import(provider, file, name).expect("a key")
}

/// The token of a test, opened once more.
fn opened() -> Token {
    let path = std::env::var_os("CNG11_TEST_CHILD").expect("this is the child");
    let module: Arc<Module> = Module::load(Path::new(&path)).expect("the module is loaded");
    let info = module.select(None).expect("there is one token");
    let token = Token::open(module, info, Access::ReadWrite).expect("the token can be opened");
    token.login(&Pin::from(SecretString::from(TestToken::PIN))).expect("the PIN is right");
    token
}

/// The names of the calls that the module in front of the token has had.
fn calls() -> Vec<String> {
    let path = std::env::var_os("STRICT_HSM_LOG").expect("calls are logged");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn count(calls: &[String], name: &str) -> usize {
    calls.iter().filter(|call| *call == name).count()
}

/// SoftHSM2 behind the module that logs and fails.
fn logged() -> TestToken {
    let mut token = TestToken::strict("plain");
    let log = token.path("calls");
    token.set("STRICT_HSM_LOG", log);
    token
}

#[test]
fn threads_with_a_session_each_import_beside_each_other() {
    let token = on_a_token("threads_with_a_session_each_import_beside_each_other", |provider| {
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let own = provider.another().expect("another session");
                scope.spawn(move || {
                    for (round, file) in [RSA, EC, AES, EC].into_iter().enumerate() {
                        drop(import(&own, file, &format!("{thread} {round}")));
                    }
                });
            }
        });
        // What one has made the others use, after its session is closed.
        assert_eq!(provider.list().expect("a list").keys.len(), 12);
        let key = provider.open_key("2 1").expect("a key");
        let digest = [7; 32];
        let signature = key.sign_hash(Padding::None, &digest).expect("it signs");
        key.verify_signature(Padding::None, &digest, &signature).expect("it verifies");
    });
    if let Some(token) = token {
        assert_eq!(token.names().len(), 12);
    }
}

#[test]
fn sessions_are_bounded_for_all_that_were_made_of_a_token() {
    on_a_token("sessions_are_bounded_for_all_that_were_made_of_a_token", |_| {
        let token = opened().with_session_limit(3);
        assert_eq!(token.jobs_default().min(3), token.jobs_default());
        let second = token.another().expect("the second");
        let third = second.another().expect("the third");
        let refused = token.another().expect_err("there are three");
        assert!(Token::refuses_sessions(&refused), "{refused}");
        drop(third);
        let third = token.another().expect("the third again");
        assert!(second.another().is_err());
        drop((second, third));
        // One is always there.
        let alone = token.with_session_limit(0);
        assert_eq!(alone.jobs_default(), 1);
        assert!(Token::refuses_sessions(&alone.another().expect_err("there is one")));
    });
}

#[test]
fn a_token_that_opens_no_more_sessions_is_not_asked_again() {
    let token = || {
        let mut token = logged();
        token.set("STRICT_HSM_FAIL", "C_OpenSession:3:0xB1");
        token
    };
    on_this_token(token, "a_token_that_opens_no_more_sessions_is_not_asked_again", |provider| {
        let second = provider.another().expect("the second");
        for _ in 0..2 {
            let Err(cng_pkcs11::Error::Token(refused)) = provider.another() else { panic!("a third session") };
            assert!(Token::refuses_sessions(&refused), "{refused}");
        }
        assert_eq!(count(&calls(), "C_OpenSession"), 3);
        drop(import(&second, EC, "key"));
        drop(second);
        // There is room for as many as there were.
        drop(provider.another().expect("the second again"));
    });
}

#[test]
fn uses_side_by_side_open_what_sessions_they_need_and_no_more_than_there_may_be() {
    let token = || {
        let mut token = logged();
        token.set("STRICT_HSM_LATENCY_MS", "5");
        token
    };
    let name = "uses_side_by_side_open_what_sessions_they_need_and_no_more_than_there_may_be";
    on_this_token(token, name, |_| {
        let provider = StorageProvider::new(opened().with_session_limit(3));
        let key = import(&provider, EC, "key");
        let sign = || drop(key.sign_hash(Padding::None, &[7; 32]).expect("it signs"));
        let ((), made) = made_by(sign);
        assert_eq!((count(&made, "C_OpenSession"), count(&made, "C_Sign")), (0, 1), "one is enough for one");
        let ((), made) = made_by(|| {
            std::thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| (0..5).for_each(|_| sign()));
                }
            });
        });
        // The main one is the third.
        assert_eq!((count(&made, "C_OpenSession"), count(&made, "C_Sign")), (2, 30), "{made:?}");
    });
}

#[test]
fn a_network_token_gets_as_many_threads_as_sessions_and_one_that_bears_none_gets_one() {
    let token = || TestToken::strict_and_unknown("plain");
    let name = "a_network_token_gets_as_many_threads_as_sessions_and_one_that_bears_none_gets_one";
    on_this_token(token, name, |provider| {
        assert_eq!(provider.token().jobs_default(), 16);
        assert_eq!(opened().with_session_limit(5).jobs_default(), 5);
        // A user may know better than what is usual, and is asked for it with a number.
        let many = opened().with_session_limit(40);
        assert_eq!(many.jobs_default(), 16);
        let more: Vec<_> = (0..39).map(|_| many.another().expect("a session")).collect();
        assert!(many.another().is_err());
        drop(more);
        let mut careful = Profile::UNKNOWN;
        careful.threads = false;
        let serial = opened().with_profile(careful.keep());
        assert_eq!(serial.jobs_default(), 1);
        assert!(Token::refuses_sessions(&serial.another().expect_err("one thread")));
    });
}

/// What a run of calls was.
fn made_by<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = calls().len();
    let outcome = run();
    (outcome, calls().split_off(before))
}

#[track_caller]
fn status<T: std::fmt::Debug>(outcome: Result<T, cng_pkcs11::Error>, expected: Status) {
    match outcome {
        Ok(value) => panic!("{value:?} instead of {}", expected.name()),
        Err(error) => assert_eq!(error.status().name(), expected.name(), "{error}"),
    }
}

const SEARCH: &str = "C_FindObjectsInit";

#[test]
fn a_further_key_costs_no_search_and_at_most_twelve_calls() {
    on_this_token(logged, "a_further_key_costs_no_search_and_at_most_twelve_calls", |provider| {
        drop(import(&provider, EC, "before"));
        let other = provider.another().expect("another session");
        let ((), listing) = made_by(|| provider.index().expect("an index"));
        // Two objects: one search, and a call each.
        assert_eq!((count(&listing, SEARCH), count(&listing, "C_GetAttributeValue"), listing.len()), (1, 2, 5));
        // It is there, and is not made again.
        let ((), again) = made_by(|| other.index().expect("an index"));
        assert_eq!(again, Vec::<String>::new());
        let proofs = ["C_SignInit", "C_Sign", "C_EncryptInit", "C_Encrypt"];
        for (round, own) in [&provider, &provider, &other].into_iter().enumerate() {
            for (file, most) in [(RSA, 10), (EC, 10), (AES, 6)] {
                let (_key, made) = made_by(|| import(own, file, &format!("{file} {round}")));
                assert_eq!(count(&made, SEARCH), 0, "{file} {round}: {made:?}");
                let proving = made.iter().filter(|call| proofs.contains(&call.as_str())).count();
                assert_eq!(proving, 2, "{file} {round}: {made:?}");
                assert!(made.len() <= most, "{file} {round}: {made:?}");
            }
        }
        // What was imported is opened by its handles.
        for (name, objects) in [("before", 2), (&format!("{RSA} 2"), 2), (&format!("{AES} 0"), 1)] {
            let (_key, made) = made_by(|| provider.open_key(name).expect("a key"));
            assert_eq!(made, vec!["C_GetAttributeValue"; objects], "{name}");
        }
        let (missing, made) = made_by(|| provider.open_key("nobody"));
        status(missing, Status::NTE_BAD_KEYSET);
        assert_eq!(made, Vec::<String>::new());
        // A name that is taken is taken, whoever took it.
        for (name, objects) in [("before", 2), (&format!("{EC} 1"), 2)] {
            let (taken, made) = made_by(|| try_import(&other, RSA, name));
            status(taken, Status::NTE_EXISTS);
            assert_eq!(made, vec!["C_GetAttributeValue"; objects], "{name}");
        }
        assert_eq!(provider.list().expect("a list").keys.len(), 10);
    });
}

#[test]
fn many_objects_of_a_token_that_is_waited_for_are_listed_in_several_sessions() {
    let token = || {
        let mut token = TestToken::strict_and_unknown("plain");
        let log = token.path("calls");
        token.set("STRICT_HSM_LOG", log);
        token
    };
    let name = "many_objects_of_a_token_that_is_waited_for_are_listed_in_several_sessions";
    on_this_token(token, name, |provider| {
        let filling = StorageProvider::new(opened());
        filling.index().expect("an index");
        for number in 0..520 {
            drop(import(&filling, AES, &format!("key {number}")));
        }
        let ((), made) = made_by(|| provider.index().expect("an index"));
        let counts = ["C_OpenSession", "C_CloseSession", SEARCH].map(|name| count(&made, name));
        assert_eq!(counts, [1, 1, 1], "two sessions have 260 objects each");
        let ((), made) = made_by(|| {
            for number in 0..520 {
                drop(provider.open_key(&format!("key {number}")).expect("a key"));
            }
            status(provider.open_key("key 520"), Status::NTE_BAD_KEYSET);
        });
        assert_eq!(count(&made, SEARCH), 0);
    });
}

#[test]
fn what_this_process_deletes_renames_and_writes_beside_is_searched_for() {
    on_this_token(logged, "what_this_process_deletes_renames_and_writes_beside_is_searched_for", |provider| {
        drop(import(&provider, EC, "deleted"));
        drop(import(&provider, RSA, "renamed"));
        provider.index().expect("an index");
        let mut beside = import(&provider, AES, "beside");
        beside.set_property_with("Mine", b"a value", Flags::PERSIST).expect("a property");
        provider.delete_key("deleted").expect("deleted");
        provider.rename_key("renamed", &KeyName::new("new name").expect("a name")).expect("renamed");
        for gone in ["deleted", "renamed"] {
            let (missing, made) = made_by(|| provider.open_key(gone));
            status(missing, Status::NTE_BAD_KEYSET);
            assert_eq!(count(&made, SEARCH), 1, "{gone}: {made:?}");
            drop(import(&provider, EC, gone));
            status(try_import(&provider, RSA, gone), Status::NTE_EXISTS);
        }
        let (found, made) = made_by(|| provider.open_key("new name").expect("the key"));
        assert_eq!((found.algorithm(), count(&made, SEARCH)), (Some(Algorithm::RSA), 1));
        // A key over another: the name has several writings behind it.
        let overwritten =
            ImportParameters { name: Some(KeyName::new("new name").expect("a name")), ..ImportParameters::default() };
        let flags = Flags::OVERWRITE_KEY;
        drop(provider.import_key(None, BlobType::EccPrivate, &overwritten, &vector(EC), flags).expect("a key"));
        let found = provider.open_key("new name").expect("the key").algorithm().map(|algorithm| algorithm.name());
        assert_eq!(found.as_deref(), Some("ECDSA_P256"));
        // What stands beside a key goes with it.
        provider.delete_key("beside").expect("deleted");
        assert_eq!(provider.list().expect("a list").keys.len(), 3);
        let again = import(&provider, AES, "beside");
        assert_eq!(again.custom_properties().expect("properties"), Vec::new());
    });
}

#[test]
fn what_another_session_does_after_the_listing_is_seen_where_the_name_was_taken() {
    let name = "what_another_session_does_after_the_listing_is_seen_where_the_name_was_taken";
    let token = on_this_token(logged, name, |provider| {
        for name in ["deleted", "renamed", "replaced"] {
            drop(import(&provider, EC, name));
        }
        provider.index().expect("an index");
        let other = StorageProvider::new(opened());
        other.delete_key("deleted").expect("deleted");
        other.rename_key("renamed", &KeyName::new("new name").expect("a name")).expect("renamed");
        other.delete_key("replaced").expect("deleted");
        drop(import(&other, RSA, "replaced"));
        for gone in ["deleted", "renamed"] {
            status(provider.open_key(gone), Status::NTE_BAD_KEYSET);
            drop(import(&provider, RSA, gone));
        }
        assert_eq!(provider.open_key("replaced").expect("a key").algorithm(), Some(Algorithm::RSA));
        status(try_import(&provider, EC, "replaced"), Status::NTE_EXISTS);
        // What was free at the listing is free to whoever listed.
        drop(import(&other, EC, "unseen"));
        status(provider.open_key("unseen"), Status::NTE_BAD_KEYSET);
        assert_eq!(provider.list().expect("a list").keys.len(), 5);
    });
    if let Some(token) = token {
        assert_eq!(token.names().len(), 5);
    }
}

#[test]
fn a_leftover_that_the_index_knows_is_dealt_with() {
    let token = || {
        let mut token = logged();
        // The first mark is not taken off, and nothing of it can be removed: as if the process had ended there.
        let stuck = (1..=6).map(|number| format!(",C_DestroyObject:{number}:0x30")).collect::<String>();
        token.set("STRICT_HSM_FAIL", format!("C_SetAttributeValue:1:0x30{stuck}"));
        token
    };
    on_this_token(token, "a_leftover_that_the_index_knows_is_dealt_with", |provider| {
        assert!(try_import(&provider, EC, "key").is_err());
        while count(&calls(), "C_DestroyObject") < 6 {
            drop(import_ephemeral(&provider));
        }
        assert_eq!(provider.list().expect("a list").keys.len(), 1);
        provider.index().expect("an index");
        // Another key of this name: the leftover is whole, and holds the name.
        status(try_import(&provider, RSA, "key"), Status::NTE_EXISTS);
        let (key, made) = made_by(|| provider.open_key("key").expect("a key"));
        assert_eq!(key.prove().expect("a proof"), Verified::Signature);
        assert!(count(&made, SEARCH) >= 1, "{made:?}");
        assert!(provider.list().expect("a list").unfinished.is_empty());
        drop(import(&provider, RSA, "next"));
    });
}

#[test]
fn a_write_that_worked_and_was_said_to_have_failed_is_found_through_an_index() {
    // The public object of the second key, and the private one of the third.
    let token = || failing("C_CopyObject:3:0x30:after,C_CopyObject:5:0x30:after");
    let name = "a_write_that_worked_and_was_said_to_have_failed_is_found_through_an_index";
    let token = on_this_token(token, name, |provider| {
        provider.index().expect("an index");
        drop(import(&provider, EC, "first"));
        for name in ["second", "third"] {
            assert!(try_import(&provider, RSA, name).is_err());
            let listing = provider.list().expect("a list");
            assert_eq!((listing.public_only.len(), listing.unfinished.len()), (0, 0), "{name}");
            status(provider.open_key(name), Status::NTE_BAD_KEYSET);
        }
        drop(import(&provider, RSA, "second"));
        assert_eq!(provider.list().expect("a list").keys.len(), 2);
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 4);
    }
}

#[test]
fn a_lone_public_key_that_the_index_knows_is_taken_for_no_other_keys_half() {
    on_this_token(logged, "a_lone_public_key_that_the_index_knows_is_taken_for_no_other_keys_half", |provider| {
        import_as(&provider, EC, "key", &[9]).expect("a key");
        let private = Template::new().ulong(CKA_CLASS, CKO_PRIVATE_KEY);
        for object in provider.token().find(&private).expect("objects") {
            provider.token().destroy(object).expect("destroyed");
        }
        provider.index().expect("an index");
        let (refused, made) = made_by(|| import_as(&provider, RSA, "key", &[9]));
        let error = refused.expect_err("a stranger's public half stands there");
        assert!(error.to_string().contains("another public key"), "{error}");
        assert_eq!(made, ["C_GetAttributeValue"]);
        import_as(&provider, RSA, "key", &[10]).expect("it stands beside");
        let key = provider.open_key("key").expect("a key");
        assert_eq!((key.algorithm(), key.prove().expect("a proof")), (Some(Algorithm::RSA), Verified::Signature));
    });
}

/// A key without a name, which goes with its handle.
fn import_ephemeral(provider: &StorageProvider) -> Key {
    let parameters = ImportParameters::default();
    provider.import_key(None, BlobType::EccPrivate, &parameters, &vector(EC), Flags::NONE).expect("a key")
}

/// An import with a CKA_ID of its own.
fn import_as(provider: &StorageProvider, file: &str, name: &str, id: &[u8]) -> Result<(), cng_pkcs11::Error> {
    let parameters =
        ImportParameters { name: Some(KeyName::new(name).expect("a name")), ..ImportParameters::default() };
    let flags = Flags::DO_NOT_FINALIZE;
    let blob = if file == RSA { BlobType::RsaFullPrivate } else { BlobType::EccPrivate };
    let mut key = provider.import_key(None, blob, &parameters, &vector(file), flags)?;
    key.set_id(id)?;
    key.finalize(Flags::NONE)
}

#[test]
fn on_a_token_with_one_object_of_a_cka_id_a_new_one_is_not_searched_for() {
    let token = || {
        let mut token = TestToken::strict("cloudhsm");
        let log = token.path("calls");
        token.set("STRICT_HSM_LOG", log);
        token
    };
    on_this_token(token, "on_a_token_with_one_object_of_a_cka_id_a_new_one_is_not_searched_for", |provider| {
        import_as(&provider, EC, "first", &[1, 1]).expect("a key");
        let ((), without) = made_by(|| import_as(&provider, RSA, "second", &[2, 2]).expect("a key"));
        provider.index().expect("an index");
        let ((), with) = made_by(|| import_as(&provider, RSA, "third", &[3, 3]).expect("a key"));
        // Neither the name nor the CKA_ID.
        assert_eq!(count(&with, SEARCH) + 2, count(&without, SEARCH), "{with:?}\n{without:?}");
        for (taken, by) in [([1, 1], "first"), ([3, 3], "third")] {
            let error = import_as(&provider, EC, &format!("beside {by}"), &taken).expect_err("it is taken");
            assert_eq!(error.status().name(), Status::NTE_EXISTS.name(), "{error}");
            assert!(error.to_string().contains(by), "{error}");
        }
    });
}

fn decoded(file: &str) -> Decoded {
    let (blob, algorithm) = match file {
        AES => (BlobType::KeyData, Some(Algorithm::AES)),
        _ if file.contains("ECC") => (BlobType::EccPrivate, None),
        _ => (BlobType::RsaFullPrivate, None),
    };
    let hints = Hints { algorithm, ..Hints::default() };
    blob::decode(&vector(file), blob, &hints).expect("a key")
}

#[test]
fn a_key_on_the_token_is_told_from_others_and_from_itself_with_other_attributes() {
    let name = "a_key_on_the_token_is_told_from_others_and_from_itself_with_other_attributes";
    on_this_token(logged, name, |provider| {
        let others = [
            (RSA, "rsa2048-unequal-primes.RSAFULLPRIVATEBLOB.bin"),
            (EC, "ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin"),
            (AES, ""),
        ];
        for (file, other) in others {
            let key = import(&provider, file, file);
            let key = provider.open_key(key.label()).expect("a key");
            let (here, asked) = (decoded(file), Asked::default());
            let (same, made) = made_by(|| provider.compare(&key, &here, &asked).expect("an answer"));
            assert_eq!(same, Sameness::Identical, "{file}");
            assert_eq!(made.len(), if file == AES { 2 } else { 0 }, "{made:?}");
            // The public half says as much.
            if let Some(public) = here.key.public() {
                let public = Decoded { key: KeyMaterial::Public(public), ..here.clone() };
                assert_eq!(provider.compare(&key, &public, &asked).expect("an answer"), Sameness::Identical);
            }
            let asked = Asked { policy: ExportPolicy::ENCRYPTED, id: Some(&[7]), ..asked };
            let Sameness::Differs(what) = provider.compare(&key, &here, &asked).expect("an answer") else {
                panic!("{file}: no difference")
            };
            assert!(what.len() == 2 && what[0].contains("policy") && what[1].contains("CKA_ID"), "{what:?}");
            if !other.is_empty() {
                let another = provider.compare(&key, &decoded(other), &Asked::default()).expect("an answer");
                assert_eq!(another, Sameness::Another, "{file}");
                let usage = Some(KeyUsage::DECRYPT | KeyUsage::SIGN).filter(|_| file == RSA).unwrap_or(KeyUsage::AGREE);
                let asked = Asked { usage: Some(usage), certificate: Some(b"a certificate"), ..Asked::default() };
                let outcome = provider.compare(&key, &here, &asked);
                match outcome {
                    Ok(Sameness::Differs(what)) => {
                        assert_eq!(what.last().map(String::as_str), Some("no certificate"), "{what:?}");
                    }
                    // A key for signatures agrees on nothing.
                    other => assert!(other.is_err() && file == EC, "{other:?}"),
                }
            }
            assert_eq!(
                key.prove().expect("a proof"),
                if file == AES { Verified::Attributes } else { Verified::Signature }
            );
        }
        // Each against the others' kind.
        for (name, file) in [(RSA, EC), (EC, AES), (AES, RSA)] {
            let key = provider.open_key(name).expect("a key");
            let same = provider.compare(&key, &decoded(file), &Asked::default()).expect("an answer");
            assert_eq!(same, Sameness::Another, "{name} {file}");
        }
    });
}

/// A symmetric key of these bytes.
fn symmetric(algorithm: Algorithm, bytes: &[u8]) -> Decoded {
    let length = u32::try_from(bytes.len()).expect("a key is short");
    let header: Vec<u8> = [0x4D42_444B, 1, length].into_iter().flat_map(u32::to_le_bytes).collect();
    let hints = Hints { algorithm: Some(algorithm), ..Hints::default() };
    blob::decode(&[&header[..], bytes].concat(), BlobType::KeyData, &hints).expect("a key")
}

/// Puts it on the token with a usage, and opens it.
fn placed(provider: &StorageProvider, name: &str, decoded: &Decoded, usage: KeyUsage, more: &[&str]) -> Key {
    let parameters =
        ImportParameters { name: Some(KeyName::new(name).expect("a name")), ..ImportParameters::default() };
    let mut key = provider.import_decoded(decoded.clone(), &parameters, Flags::DO_NOT_FINALIZE).expect("a key");
    key.set_usage(usage).expect("a usage");
    let more = more.iter().map(|text| Addition::parse(text).expect("an attribute")).collect();
    key.set_additions(Additions::new(more).expect("attributes")).expect("attributes");
    key.finalize(Flags::NONE).expect("a key");
    provider.open_key(name).expect("a key")
}

#[test]
fn a_symmetric_key_is_told_by_what_it_does_or_not_at_all() {
    on_a_token("a_symmetric_key_is_told_by_what_it_does_or_not_at_all", |provider| {
        let hmac = Algorithm::symmetric(cng_pkcs11::key::SymmetricAlgorithm::Hmac);
        let kinds = [
            (Algorithm::AES, KeyUsage::DECRYPT, 16, 32),
            (Algorithm::AES, KeyUsage::WRAP, 16, 32),
            (hmac, KeyUsage::SIGN, 32, 48),
            // Too short for SHA-256 there.
            (hmac, KeyUsage::SIGN, 20, 32),
        ];
        for (number, (algorithm, usage, len, more)) in kinds.into_iter().enumerate() {
            let of = |byte, len| symmetric(algorithm, &vec![byte; len]);
            let (here, other, longer) = (of(7, len), of(8, len), of(7, more));
            let key = placed(&provider, &format!("key {number}"), &here, usage, &[]);
            let asked = Asked { usage: Some(usage), ..Asked::default() };
            let compare = |with: &Decoded| provider.compare(&key, with, &asked).expect("an answer");
            assert_eq!(compare(&here), Sameness::Identical, "{number}");
            assert_eq!(compare(&other), Sameness::Another, "{number}");
            assert_eq!(compare(&longer), Sameness::Another, "{number}");
            assert_eq!(key.prove().expect("used"), Verified::Attributes);
        }
        let short = symmetric(hmac, &[7; 16]);
        let key = placed(&provider, "short", &short, KeyUsage::SIGN, &[]);
        let same = provider.compare(&key, &short, &Asked { usage: Some(KeyUsage::SIGN), ..Asked::default() });
        assert!(matches!(same, Ok(Sameness::Unknown(_))), "{same:?}");
        // A code made with AES is not looked at.
        let here = symmetric(Algorithm::AES, &[7; 16]);
        let key = placed(&provider, "silent", &here, KeyUsage::SIGN, &[]);
        let asked = Asked { usage: Some(KeyUsage::SIGN), ..Asked::default() };
        assert!(matches!(provider.compare(&key, &here, &asked), Ok(Sameness::Unknown(_))));
        // What is held to one mechanism is used by that one, once the usual one was refused.
        let held = ["CKA_ALLOWED_MECHANISMS=CKM_SHA256_RSA_PKCS"];
        let key = placed(&provider, "held", &decoded(RSA), KeyUsage::SIGN, &held);
        assert_eq!(key.prove().expect("a proof"), Verified::Signature);
        // A pair whose halves are strangers is its public half by name, and fails its proof.
        let mut blob = vector(EC);
        if let Some(last) = blob.last_mut() {
            *last ^= 1;
        }
        let name = Some(KeyName::new("strangers").expect("a name"));
        let parameters = ImportParameters { name, ..ImportParameters::default() };
        let flags = Flags::NO_KEY_VALIDATION;
        drop(provider.import_key(None, BlobType::EccPrivate, &parameters, &blob, flags).expect("a key"));
        let (key, ec) = (provider.open_key("strangers").expect("a key"), decoded(EC));
        assert_eq!(provider.compare(&key, &ec, &Asked::default()).expect("an answer"), Sameness::Identical);
        let error = key.prove().expect_err("it does not work like its public half");
        assert!(error.to_string().contains("signature"), "{error}");
    });
}

const REMOVED: &str = "0x32";

/// A token whose module answers so to these calls.
fn failing(failures: &str) -> TestToken {
    let mut token = logged();
    token.set("STRICT_HSM_FAIL", failures);
    token
}

fn pin(text: &str) -> Pin {
    Pin::from(SecretString::from(text))
}

#[test]
fn a_lost_token_is_opened_anew_once_and_what_was_before_makes_no_call() {
    let name = "a_lost_token_is_opened_anew_once_and_what_was_before_makes_no_call";
    // Gone in the middle of a write, and then nothing can be taken back either.
    let token = || failing(&format!("C_CopyObject:6:{REMOVED},C_DestroyObject:3:{REMOVED}"));
    let token = on_this_token(token, name, |provider| {
        provider.token().keep_pin_for_reopening(pin(TestToken::PIN));
        let first = import(&provider, EC, "first");
        drop(import(&provider, RSA, "second"));
        let worker = provider.another().expect("another session");
        provider.index().expect("an index");
        let error = try_import(&worker, EC, "third").expect_err("the token is gone");
        assert!(worker.has_lost(&error) && provider.is_current(), "{error}");
        let initialised = count(&calls(), "C_Initialize");
        let (again, made) = made_by(|| worker.reopen().expect("it is opened anew"));
        assert_eq!((count(&made, "C_Initialize"), count(&made, "C_Login")), (1, 1), "{made:?}");
        assert!(again.is_current() && !worker.is_current() && !provider.is_current());
        // The other one gets its session, and nobody logs in twice.
        let (main, made) = made_by(|| provider.reopen().expect("it is opened anew"));
        assert_eq!((count(&made, "C_Initialize"), count(&made, "C_Login")), (0, 0), "{made:?}");
        assert_eq!(count(&calls(), "C_Initialize"), initialised + 1);
        // What was before makes no call.
        let ((), made) = made_by(|| {
            let is_lost = |error| provider.has_lost(&error);
            assert!(is_lost(first.sign_hash(Padding::None, &[7; 32]).expect_err("it is void")));
            assert!(is_lost(provider.list().expect_err("it is void")));
            assert!(provider.index().is_err() && provider.another().is_err());
            assert!(is_lost(provider.open_key("nobody").expect_err("it is void")));
            assert!(try_import(&worker, EC, "third").is_err());
            drop((first, worker, provider));
        });
        assert_eq!(made, Vec::<String>::new());
        // The key whose fate is unknown is looked up: its leftover is dealt with, and it is there once.
        let (third, made) = made_by(|| import(&again, EC, "third"));
        assert!(count(&made, SEARCH) >= 1, "{made:?}");
        assert_eq!(third.prove().expect("a proof"), Verified::Signature);
        main.index().expect("an index");
        let (_fourth, made) = made_by(|| import(&again, AES, "fourth"));
        assert_eq!(count(&made, SEARCH), 0, "{made:?}");
        assert_eq!(main.open_key("first").expect("a key").prove().expect("a proof"), Verified::Signature);
        assert_eq!(main.list().expect("a list").keys.len(), 4);
        // Sessions of before count no more.
        assert_eq!(main.token().jobs_default(), again.token().jobs_default());
    });
    if let Some(token) = token {
        assert_eq!(token.names().len(), 4);
        // Two objects of each pair and one of the secret key, and no leftover.
        assert_eq!(token.object_files(), 7);
    }
}

#[test]
fn threads_that_see_the_loss_at_once_start_the_module_once() {
    let token = || failing("C_SignInit:5:0x190");
    on_this_token(token, "threads_that_see_the_loss_at_once_start_the_module_once", |provider| {
        provider.token().keep_pin_for_reopening(pin(TestToken::PIN));
        let before = count(&calls(), "C_Initialize");
        let together = std::sync::Barrier::new(4);
        let workers: Vec<_> = (0..4).map(|_| provider.another().expect("another session")).collect();
        std::thread::scope(|scope| {
            for (number, worker) in workers.into_iter().enumerate() {
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    let mut own = worker;
                    for round in 0..6 {
                        let name = format!("{number} {round}");
                        while let Err(error) = try_import(&own, EC, &name) {
                            assert!(own.has_lost(&error), "{error}");
                            own = own.reopen().expect("it is opened anew");
                            // Its fate is looked up before anything is repeated.
                            if own.open_key(&name).is_ok() {
                                break;
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(count(&calls(), "C_Initialize"), before + 1);
        let provider = provider.reopen().expect("it is opened anew");
        let listing = provider.list().expect("a list");
        assert_eq!((listing.keys.len(), listing.public_only.len()), (24, 0));
        for key in &listing.keys {
            assert_eq!(key.prove().expect("a proof"), Verified::Signature);
        }
    });
}

#[test]
fn a_refused_pin_is_told_once_and_without_one_nothing_is_started() {
    on_this_token(logged, "a_refused_pin_is_told_once_and_without_one_nothing_is_started", |provider| {
        let not_logged_in = |outcome: Result<StorageProvider, cng_pkcs11::Error>| {
            let error = outcome.expect_err("nobody can log in");
            assert_eq!(error.ckr(), Some(cng_pkcs11::status::Ckr::USER_NOT_LOGGED_IN), "{error}");
        };
        let ((), made) = made_by(|| not_logged_in(provider.reopen()));
        assert_eq!((made, provider.is_current()), (Vec::new(), true));
        provider.token().keep_pin_for_reopening(pin("not the PIN"));
        let (refused, made) = made_by(|| provider.reopen());
        let error = refused.expect_err("the PIN is wrong");
        assert_eq!(error.ckr(), Some(cng_pkcs11::status::Ckr::PIN_INCORRECT), "{error}");
        assert_eq!(count(&made, "C_Login"), 1);
        let ((), made) = made_by(|| not_logged_in(provider.reopen()));
        assert_eq!(made, Vec::<String>::new());
        // The right one is told when it is there.
        provider.token().keep_pin_for_reopening(pin(TestToken::PIN));
        let again = provider.reopen().expect("it is opened anew");
        drop(import(&again, EC, "key"));
    });
}

#[test]
fn a_module_that_does_not_start_at_once_is_tried_again_and_a_dead_one_ends_with_its_error() {
    let name = "a_module_that_does_not_start_at_once_is_tried_again_and_a_dead_one_ends_with_its_error";
    // Whoever looks at the token first makes the first.
    let token = || failing("C_Initialize:2:0x30,C_Initialize:4:0x30,C_Initialize:5:0x31,C_Initialize:6:0x32");
    on_this_token(token, name, |provider| {
        assert_eq!(count(&calls(), "C_Initialize"), 1);
        provider.token().keep_pin_for_reopening(pin(TestToken::PIN));
        let (again, made) = made_by(|| provider.reopen().expect("it is opened anew"));
        assert_eq!(count(&made, "C_Initialize"), 2);
        drop(import(&again, EC, "key"));
        let (dead, made) = made_by(|| again.reopen());
        let error = dead.expect_err("the module does not start");
        assert_eq!((error.ckr(), count(&made, "C_Initialize")), (Some(cng_pkcs11::status::Ckr::DEVICE_REMOVED), 3));
        assert!(again.has_lost(&error) && !again.is_current());
        // It may come back later.
        let later = again.reopen().expect("it is opened anew");
        assert_eq!(later.open_key("key").expect("a key").prove().expect("a proof"), Verified::Signature);
    });
}

#[test]
fn an_error_of_the_device_is_a_loss_only_where_the_session_is_gone() {
    let token = || failing("C_SignInit:1:0x30");
    on_this_token(token, "an_error_of_the_device_is_a_loss_only_where_the_session_is_gone", |provider| {
        let error = try_import(&provider, EC, "key").expect_err("it fails");
        assert_eq!(error.ckr(), Some(cng_pkcs11::status::Ckr::DEVICE_ERROR));
        assert!(!provider.has_lost(&error), "{error}");
        drop(import(&provider, EC, "key"));
    });
}
