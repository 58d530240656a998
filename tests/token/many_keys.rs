//! What thousands of keys need of a token: sessions for several threads.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::path::Path;
use std::sync::Arc;

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::key::Algorithm;
use cng_pkcs11::provider::{Flags, ImportParameters, Key, KeyName, StorageProvider};
use cng_pkcs11::template::profile::Profile;
use cng_pkcs11::token::{Access, Module, Pin, Token};
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
        let signature = key.sign_hash(cng_pkcs11::provider::Padding::None, &digest).expect("it signs");
        key.verify_signature(cng_pkcs11::provider::Padding::None, &digest, &signature).expect("it verifies");
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
