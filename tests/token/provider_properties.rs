//! Properties of keys and of the provider, flags, properties of one's own, certificates, archiving, algorithms: with CNG's calls and CNG's answers, on SoftHSM2.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "what is not as expected fails the test"
)]

use std::collections::BTreeSet;

use cng_pkcs11::asn1::certificates;
use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage};
use cng_pkcs11::provider::property::TABLE;
use cng_pkcs11::provider::{
    Call, ExportParameters, Flags, ImportParameters, Key, KeyName, Padding, PropertyValue, StorageProvider, Treatment,
    names, operations,
};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::{Error, Status, wide};
use serde_json::json;

use crate::support::{on_a_token, openssl, vector, vector_text};

const RSA_PKCS8: &str = "rsa2048-e65537.PKCS8_PRIVATEKEY.bin";
const EC_PKCS8: &str = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
const ONCE: Flags = Flags::NONE;

fn name(text: &str) -> KeyName {
    KeyName::new(text).expect("the name is valid")
}

fn algorithm(text: &str) -> Algorithm {
    Algorithm::by_name(text).expect("the algorithm is known")
}

fn named(text: &str) -> ImportParameters {
    ImportParameters { name: Some(name(text)), ..ImportParameters::default() }
}

#[track_caller]
fn status<T: std::fmt::Debug>(outcome: Result<T, Error>, expected: Status) {
    match outcome {
        Ok(value) => panic!("{value:?} instead of {}", expected.name()),
        Err(error) => assert_eq!(error.status().name(), expected.name(), "{error}"),
    }
}

fn import(provider: &StorageProvider, file: &str, to: Option<&str>, flags: Flags) -> Key {
    let parameters = to.map_or_else(ImportParameters::default, named);
    provider.import_key(None, BlobType::Pkcs8, &parameters, &vector(file), flags).expect("imported")
}

fn generated(provider: &StorageProvider, kind: &str, to: Option<&str>, flags: Flags) -> Key {
    let to = to.map(name);
    let mut key = provider.create_persisted_key(algorithm(kind), to.as_ref(), flags).expect("created");
    key.finalize(Flags::NONE).expect("generated");
    key
}

fn sign(key: &Key) {
    let padding = if key.algorithm() == Some(Algorithm::RSA) { Padding::Pkcs1(None) } else { Padding::None };
    key.sign_hash(padding, &[7; 32]).expect("it signs");
}

/// What a property is to be.
#[derive(Clone, Copy, Debug)]
enum Is {
    /// A DWORD.
    N(u32),
    /// A string.
    T(&'static str),
    /// So many bytes, whatever they are.
    B(usize),
    /// `NTE_NOT_FOUND`
    F,
    /// `NTE_NOT_SUPPORTED`
    U,
}

#[track_caller]
fn check(what: &str, found: Result<PropertyValue, Error>, expected: Is) {
    match (found, expected) {
        (Ok(PropertyValue::Number(found)), Is::N(number)) => assert_eq!(found, number, "{what}"),
        (Ok(PropertyValue::Text(found)), Is::T(text)) => assert_eq!(found, text, "{what}"),
        (Ok(value), Is::B(length)) => assert_eq!(value.to_bytes().len(), length, "{what}: {value:?}"),
        (Err(error), Is::F) => assert_eq!(error.status().name(), "NTE_NOT_FOUND", "{what}: {error}"),
        (Err(error), Is::U) => assert_eq!(error.status().name(), "NTE_NOT_SUPPORTED", "{what}: {error}"),
        (found, expected) => panic!("{what}: {found:?} instead of {expected:?}"),
    }
}

use Is::{B, F, N, T, U};

/// Each property as a pending RSA key has it, an RSA key on the token, an elliptic one without a name, an AES key on the token, a public RSA key, and the provider.
const PROPERTIES: &[(&str, [Is; 6])] = &[
    ("Name", [T("pending"), T("rsa"), F, T("aes"), F, T("cng11 Key Storage Provider")]),
    ("Unique Name", [F, B(0), F, B(0), F, U]),
    ("Algorithm Name", [T("RSA"), T("RSA"), T("ECDSA"), T("AES"), T("RSA"), U]),
    ("Algorithm Group", [T("RSA"), T("RSA"), T("ECDSA"), T("AES"), T("RSA"), U]),
    ("Length", [N(2048), N(1024), N(256), N(256), N(2048), U]),
    ("Lengths", [B(16), B(16), B(16), B(16), B(16), U]),
    ("Block Length", [N(256), N(128), F, N(16), N(256), U]),
    ("Chaining Mode", [F, F, F, T("ChainingModeCBC"), F, U]),
    ("AuthTagLength", [F, F, F, F, F, U]),
    ("IV", [F, F, F, F, F, U]),
    ("Export Policy", [N(0), N(0), N(0), N(0), N(0), U]),
    ("Key Usage", [N(3), N(3), N(2), N(1), N(3), U]),
    ("Key Type", [N(0), N(0x20), N(0), N(0), N(0), U]),
    ("Modified", [F, F, F, F, F, U]),
    ("UI Policy", [F, F, F, F, F, U]),
    ("HWND Handle", [F, F, F, F, F, F]),
    ("Use Context", [F, F, F, F, F, F]),
    ("Impl Type", [U, U, U, U, U, N(2)]),
    ("Max Name Length", [U, U, U, U, U, N(512)]),
    ("Version", [U, U, U, U, U, N(1)]),
    ("Security Descr Support", [U, U, U, U, U, N(0)]),
    ("Security Descr", [U; 6]),
    ("Enabled Use Count", [U, U, U, U, U, N(0)]),
    ("Use Count", [U; 6]),
    ("Provider Handle", [U; 6]),
    ("DHParameters", [U; 6]),
    ("ECCParameters", [F, F, B(28 + 6 * 32 + 1), F, F, U]),
    ("ECCCurveName", [F, F, T("nistP256"), F, F, U]),
    ("ECCCurveNameList", [U, U, U, U, U, B(0)]),
    ("PublicKeyLength", [N(2048), N(1024), N(256), F, N(2048), U]),
    ("SignatureLength", [F, N(128), N(64), F, N(256), U]),
    ("ParameterSetName", [F, F, F, F, F, U]),
    ("KEMSharedSecretLength", [F, F, F, F, F, U]),
    ("KEMCiphertextLength", [F, F, F, F, F, U]),
    ("KEM Shared Secret Length", [F, F, F, F, F, U]),
    ("KEM Ciphertext Length", [F, F, F, F, F, U]),
    ("SmartCardKeyCertificate", [F, F, F, F, F, U]),
    ("SmartCardPin", [U; 6]),
    ("SmartCardSecurePin", [U; 6]),
    ("SmartCardPinPrompt", [U; 6]),
    ("SmartCardReader", [U; 6]),
    ("SmartCardReaderIcon", [U; 6]),
    ("SmartCardGuid", [B(16); 6]),
    ("SmartCardUserCertStore", [U; 6]),
    ("SmartcardRootCertStore", [U; 6]),
    ("SmartCardAssociatedECDHKey", [F, F, F, F, F, U]),
    ("SmartCardPinId", [U; 6]),
    ("SmartCardPinInfo", [U; 6]),
    ("KDFKeySecret", [U; 6]),
    ("Virtual Iso", [U; 6]),
    ("Per Boot Key", [U; 6]),
    ("Key Access Policy", [U; 6]),
    ("Ephemeral Name", [U; 6]),
    ("VBS_ROOT_PUB", [U; 6]),
    ("KeyCertificateFromTpmNvram", [U; 6]),
    // Not in the table: a TPM's, import blobs, and what is no name of anything.
    ("PCP_TPM_FW_VERSION", [U; 6]),
    ("RSAPRIVATEBLOB", [U; 6]),
    ("PKCS8_PRIVATEKEY", [U; 6]),
    ("nobody's", [U; 6]),
    ("length", [U; 6]),
];

#[test]
fn every_property_has_its_answer_for_every_kind_of_key() {
    let tested: BTreeSet<_> = PROPERTIES.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(known.difference(&tested).count(), 0, "{:?}", known.difference(&tested));
    on_a_token("every_property_has_its_answer_for_every_kind_of_key", |provider| {
        let pending = provider.create_persisted_key(Algorithm::RSA, Some(&name("pending")), ONCE).expect("created");
        let mut key = provider.create_persisted_key(Algorithm::RSA, Some(&name("rsa")), ONCE).expect("created");
        key.set_length(1024).expect("a length");
        key.finalize(ONCE).expect("generated");
        let rsa = provider.open_key_with("rsa", Flags::MACHINE_KEY | Flags::SILENT).expect("opened");
        let generic = Flags::TREAT_NIST_AS_GENERIC_ECC;
        let ec = generated(&provider, "ECDSA_P256", None, generic);
        let aes = generated(&provider, "AES", Some("aes"), ONCE);
        let blob = vector("rsa2048-e65537.RSAPUBLICBLOB.bin");
        let none = ImportParameters::default();
        let public = provider.import_key(None, BlobType::RsaPublic, &none, &blob, ONCE).expect("a public key");
        let keys = [("pending", &pending), ("rsa", &rsa), ("ec", &ec), ("aes", &aes), ("public", &public)];
        for (property, expected) in PROPERTIES {
            for ((kind, key), expected) in keys.iter().zip(expected) {
                let what = format!("{property} of {kind}");
                match (*property, expected) {
                    ("Unique Name", B(_)) => {
                        let value = key.property(property).expect("a unique name").to_bytes();
                        assert!(value.starts_with(b"p\0k\0c\0s\x001\x001\0:\0"), "{what}");
                    }
                    _ => check(&what, key.property(property), *expected),
                }
            }
            match (*property, expected[5]) {
                ("ECCCurveNameList", _) => {
                    let Ok(PropertyValue::Texts(curves)) = provider.property(property) else { panic!("no list") };
                    assert!(curves.iter().any(|curve| curve == "nistP256") && curves.len() > 20, "{curves:?}");
                    assert!(!curves.iter().any(|curve| curve == "Ed25519"), "{curves:?}");
                }
                (_, expected) => check(&format!("{property} of the provider"), provider.property(property), expected),
            }
        }
        // A curve by its own name, without the flag; the flag of a machine key with each call that makes a handle.
        let specific = generated(&provider, "ECDSA_P256", Some("specific"), Flags::MACHINE_KEY);
        check("specific", specific.property(names::ALGORITHM), T("ECDSA_P256"));
        check("specific", specific.property(names::KEY_TYPE), N(0x20));
        let opened = provider.open_key("specific").expect("opened");
        check("opened", opened.property(names::KEY_TYPE), N(0));
        let imported = import(&provider, EC_PKCS8, None, Flags::MACHINE_KEY | Flags::TREAT_NIST_AS_GENERIC_ECC);
        check("imported", imported.property(names::ALGORITHM), T("ECDSA"));
        check("imported", imported.property(names::ECC_CURVE_NAME), T("nistP256"));
        check("imported", imported.property(names::KEY_TYPE), N(0x20));
        // Names that no property can have.
        for long in ["x".repeat(65), "🔑".repeat(33), String::new()] {
            status(rsa.property(&long), Status::NTE_INVALID_PARAMETER);
            status(rsa.property_with(&long, Flags::PERSIST_ONLY), Status::NTE_INVALID_PARAMETER);
            status(provider.property(&long), Status::NTE_INVALID_PARAMETER);
        }
        status(rsa.property(&"🔑".repeat(32)), Status::NTE_NOT_SUPPORTED);
        status(rsa.property_with(names::LENGTH, Flags::OVERWRITE_KEY), Status::NTE_BAD_FLAGS);
        status(rsa.property_with(names::SECURITY_DESCR, Flags::from_bits(7)), Status::NTE_NOT_SUPPORTED);
        // A post-quantum key is pending for ever: no token takes it.
        let mut kem = provider.create_persisted_key(algorithm("ML-KEM"), Some(&name("kem")), ONCE).expect("created");
        status(kem.property(names::PARAMETER_SET_NAME), Status::NTE_NOT_FOUND);
        status(kem.set_property(names::PARAMETER_SET_NAME, &wide::encode_nul("65")), Status::NTE_INVALID_PARAMETER);
        kem.set_property(names::PARAMETER_SET_NAME, &wide::encode_nul("768")).expect("a set");
        check("kem", kem.property(names::PARAMETER_SET_NAME), T("768"));
        check("kem", kem.property(names::KEM_CIPHERTEXT_LENGTH), N(1088));
        check("kem", kem.property(names::KEM_CIPHERTEXT_LENGTH_SPACED), N(1088));
        check("kem", kem.property(names::KEM_SHARED_SECRET_LENGTH_SPACED), N(32));
        status(kem.finalize(ONCE), Status::NTE_NOT_SUPPORTED);
    });
}

fn ui_policy(flags: u32, texts: [&str; 3]) -> Vec<u8> {
    let texts = texts.map(|text| if text.is_empty() { Vec::new() } else { wide::encode_nul(text) });
    let lengths = texts.each_ref().map(|text| u32::try_from(text.len()).expect("it is short").to_le_bytes());
    [&1_u32.to_le_bytes()[..], &flags.to_le_bytes(), &lengths.concat(), &texts.concat()].concat()
}

#[test]
fn every_property_is_set_where_it_can_be_and_refused_where_not() {
    let token = on_a_token("every_property_is_set_where_it_can_be_and_refused_where_not", |provider| {
        let (bad_state, unsupported) = (Status::NTE_BAD_KEY_STATE, Status::NTE_NOT_SUPPORTED);
        let invalid = Status::NTE_INVALID_PARAMETER;
        let wide = wide::encode_nul;
        let dword = |number: u32| number.to_le_bytes().to_vec();
        let pointer = vec![1; size_of::<usize>()];
        let ui = ui_policy(1, ["title", "", "what it is for"]);
        let ecc = import(&provider, EC_PKCS8, None, ONCE).property(names::ECC_PARAMETERS).expect("known").to_bytes();
        // Name, value, what a pending key answers, and one on the token. `None` is success.
        type Row<'a> = (&'a str, Vec<u8>, Option<Status>, Option<Status>);
        let elliptic: &[Row<'_>] = &[
            (names::NAME, wide("x"), Some(unsupported), Some(unsupported)),
            (names::UNIQUE_NAME, wide("x"), Some(unsupported), Some(unsupported)),
            (names::ALGORITHM, wide("RSA"), Some(unsupported), Some(unsupported)),
            (names::LENGTH, dword(256), None, Some(bad_state)),
            (names::LENGTH, vec![1, 0], Some(invalid), Some(bad_state)),
            (names::LENGTHS, vec![0; 16], Some(unsupported), Some(unsupported)),
            (names::EXPORT_POLICY, dword(0x20), Some(unsupported), Some(unsupported)),
            (names::EXPORT_POLICY, vec![0; 8], Some(invalid), Some(invalid)),
            (names::EXPORT_POLICY, dword(3), None, Some(unsupported)),
            (names::EXPORT_POLICY, dword(0), None, None),
            (names::KEY_USAGE, vec![], Some(invalid), Some(invalid)),
            (names::KEY_USAGE, dword(2), None, None),
            (names::KEY_TYPE, dword(0x20), Some(unsupported), Some(unsupported)),
            (names::UI_POLICY, ui.clone(), None, Some(bad_state)),
            (names::UI_POLICY, vec![0; 19], Some(invalid), Some(bad_state)),
            (names::UI_POLICY, ui_policy(0x10, ["", "", ""]), Some(invalid), Some(bad_state)),
            (names::UI_POLICY, [&ui[..], &[0]].concat(), Some(invalid), Some(bad_state)),
            (names::WINDOW_HANDLE, pointer.clone(), None, None),
            (names::WINDOW_HANDLE, vec![1; 3], Some(invalid), Some(invalid)),
            (names::USE_CONTEXT, wide("to sign"), None, None),
            (names::USE_CONTEXT, vec![0x41], Some(invalid), Some(invalid)),
            (names::ECC_PARAMETERS, ecc.clone(), None, Some(bad_state)),
            (names::ECC_PARAMETERS, ecc[1..].to_vec(), Some(invalid), Some(bad_state)),
            (names::ECC_CURVE_NAME, wide("nistP256"), None, Some(bad_state)),
            (names::ECC_CURVE_NAME, wide("nistP384"), Some(invalid), Some(bad_state)),
            (names::CHAINING_MODE, wide("ChainingModeCBC"), Some(unsupported), Some(unsupported)),
            (names::INITIALIZATION_VECTOR, vec![0; 16], Some(unsupported), Some(unsupported)),
            (names::DH_PARAMETERS, vec![0; 40], Some(unsupported), Some(bad_state)),
            (names::PARAMETER_SET_NAME, wide("65"), Some(unsupported), Some(bad_state)),
            (names::SECURITY_DESCR, vec![0; 20], Some(unsupported), Some(unsupported)),
            (names::USE_COUNT, vec![0; 8], Some(unsupported), Some(unsupported)),
            (names::PIN, wide("1234"), None, None),
            (names::PIN, vec![0x31], Some(invalid), Some(invalid)),
            (names::PIN, vec![], None, None),
            (names::SECURE_PIN, wide("1234"), Some(unsupported), Some(unsupported)),
            (names::SCARD_PIN_ID, dword(1), Some(unsupported), Some(unsupported)),
            (names::KDF_SECRET_VALUE, vec![1], Some(unsupported), Some(unsupported)),
            (names::IMPL_TYPE, dword(1), Some(unsupported), Some(unsupported)),
            ("PCP_PLATFORM_TYPE", vec![1], Some(unsupported), Some(unsupported)),
            ("ECCPUBLICBLOB", vec![1], Some(unsupported), Some(bad_state)),
            ("nobody's", vec![1], Some(unsupported), Some(unsupported)),
        ];
        let p256 = algorithm("ECDSA_P256");
        let mut pending = provider.create_persisted_key(p256, Some(&name("pending")), ONCE).expect("created");
        let mut ready = generated(&provider, "ECDSA_P256", Some("ready"), ONCE);
        for (property, value, before, after) in elliptic {
            for (kind, key, expected) in [("pending", &mut pending, before), ("ready", &mut ready, after)] {
                // With the flag of persistence nothing built in is otherwise.
                let flags = if *property == "nobody's" { Flags::SILENT } else { Flags::PERSIST };
                match (key.set_property_with(property, value, flags), expected) {
                    (Ok(()), None) => {}
                    (Err(error), Some(expected)) => {
                        assert_eq!(error.status().name(), expected.name(), "{property} of {kind}: {error}");
                    }
                    (outcome, expected) => panic!("{property} of {kind}: {outcome:?} instead of {expected:?}"),
                }
            }
        }
        for key in [&pending, &ready] {
            check("context", key.property(names::USE_CONTEXT), T("to sign"));
            assert_eq!(key.property(names::WINDOW_HANDLE).expect("set").to_bytes(), pointer);
            status(key.property(names::PIN), unsupported);
            assert!(!format!("{key:?}").contains("1234"));
        }
        // Handles do not share what was said to one of them.
        status(provider.open_key("ready").expect("there").property(names::USE_CONTEXT), Status::NTE_NOT_FOUND);
        // The policy of the user interface is kept with the key and is never set again.
        assert_eq!(pending.property(names::UI_POLICY).expect("set").to_bytes(), ui);
        pending.finalize(ONCE).expect("generated");
        assert_eq!(pending.property(names::UI_POLICY).expect("kept").to_bytes(), ui);
        let opened = provider.open_key("pending").expect("there");
        assert_eq!(opened.property(names::UI_POLICY).expect("kept").to_bytes(), ui);
        assert!(opened.custom_properties().expect("none").is_empty());
        status(opened.property_with(names::UI_POLICY, Flags::PERSIST_ONLY), Status::NTE_NOT_FOUND);

        // Modes, vectors and tags of a cipher, for the handle.
        let mut aes = generated(&provider, "AES", None, ONCE);
        let mut des = generated(&provider, "3DES", None, ONCE);
        check("tags", aes.property(names::AUTH_TAG_LENGTH), F);
        for (mode, iv, fits) in [
            ("ChainingModeCBC", 16, true),
            ("ChainingModeCBC", 8, false),
            ("ChainingModeECB", 16, true),
            ("ChainingModeCFB", 0, false),
            ("ChainingModeGCM", 12, true),
            ("ChainingModeCCM", 7, true),
        ] {
            aes.set_property(names::CHAINING_MODE, &wide(mode)).expect("a mode");
            check(mode, aes.property(names::CHAINING_MODE), T(mode));
            let outcome = aes.set_property(names::INITIALIZATION_VECTOR, &vec![9; iv]);
            if fits { outcome.expect("an IV") } else { status(outcome, invalid) }
        }
        assert_eq!(aes.initialization_vector(), Some(&[9; 7][..]));
        check("tags", aes.property(names::AUTH_TAG_LENGTH), B(12));
        status(aes.set_property(names::CHAINING_MODE, &wide("ChainingModeXTS")), invalid);
        status(des.set_property(names::CHAINING_MODE, &wide("ChainingModeGCM")), invalid);
        des.set_property(names::INITIALIZATION_VECTOR, &[0; 8]).expect("an IV");
        check("des", des.property(names::BLOCK_LENGTH), N(8));

        // A PIN does not come to stand on the token.
        let pin = wide("1234");
        status(ready.set_property_with(names::PIN, &pin, Flags::PERSIST_ONLY), Status::NTE_NOT_SUPPORTED);

        // Limits.
        let long = "n".repeat(65);
        status(ready.set_property_with(&long, &[1], Flags::PERSIST), invalid);
        status(ready.set_property_with(&long, &[1], Flags::PERSIST_ONLY), invalid);
        status(aes.set_property_with("n", &vec![0; 0x10_0001], Flags::PERSIST_ONLY), invalid);
        aes.set_property_with(&"n".repeat(64), &vec![0; 0x10_0000], Flags::PERSIST_ONLY).expect("at the limits");
        status(ready.set_property_with(names::USE_CONTEXT, &wide("x"), Flags::MACHINE_KEY), Status::NTE_BAD_FLAGS);

        // The provider.
        let said = |name, value: &[u8]| provider.set_property(name, value, ONCE);
        said(names::USE_CONTEXT, &wide("to list")).expect("a context");
        check("context", provider.property(names::USE_CONTEXT), T("to list"));
        said(names::WINDOW_HANDLE, &pointer).expect("a window");
        status(said(names::WINDOW_HANDLE, &[1]), invalid);
        status(provider.open_key("ready").expect("there").property(names::USE_CONTEXT), Status::NTE_NOT_FOUND);
        said(names::READER, &wide("test token")).expect("the reader that it is");
        status(said(names::READER, &wide("another")), Status::NTE_NOT_FOUND);
        for property in [names::NAME, names::VERSION, names::SECURITY_DESCR, names::PIN, "nobody's", "PCP_X"] {
            status(said(property, &[0; 4]), unsupported);
        }
        status(provider.set_property(names::USE_CONTEXT, &wide("x"), Flags::OVERWRITE_KEY), Status::NTE_BAD_FLAGS);
        provider.delete_key("pending").expect("deleted");
        provider.delete_key("ready").expect("deleted");
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 0, "a policy of the user interface goes with its key");
    }
}

#[test]
fn each_call_knows_its_flags_and_no_others() {
    for call in Call::ALL {
        let known: Vec<_> = Flags::of(*call).collect();
        for bit in 0..32 {
            let flag = Flags::from_bits(1 << bit);
            let outcome = flag.check(*call).map_err(Error::from);
            match known.iter().find(|(known, ..)| *known == flag).map(|(.., treatment)| treatment) {
                Some(Treatment::Taken | Treatment::Harmless) => outcome.expect("it is taken"),
                Some(_) => status(outcome, Status::NTE_NOT_SUPPORTED),
                None => status(outcome, Status::NTE_BAD_FLAGS),
            }
        }
        // What is not known goes before what is impossible.
        status(Flags::from_bits(u32::MAX).check(*call).map_err(Error::from), Status::NTE_BAD_FLAGS);
        Flags::SILENT.check(*call).expect("nothing is asked anyway");
    }
    let padding = |flags: Flags, call| flags.padding(call).map_err(Error::from);
    assert_eq!(padding(Flags::PAD_PSS | Flags::SILENT, Call::Sign).expect("one"), Flags::PAD_PSS);
    assert_eq!(padding(Flags::SILENT, Call::Verify).expect("none"), Flags::NONE);
    assert_eq!(padding(Flags::PAD_OAEP, Call::Decrypt).expect("one"), Flags::PAD_OAEP);
    status(padding(Flags::PAD_OAEP | Flags::PAD_PKCS1, Call::Encrypt), Status::NTE_BAD_FLAGS);
    status(padding(Flags::PAD_OAEP, Call::Sign), Status::NTE_BAD_FLAGS);
    status(padding(Flags::PAD_PQDSA, Call::Sign), Status::NTE_NOT_SUPPORTED);

    on_a_token("each_call_knows_its_flags_and_no_others", |provider| {
        let p256 = algorithm("ECDSA_P256");
        let create = |flags| provider.create_persisted_key(p256, Some(&name("x")), flags);
        let blob = vector(EC_PKCS8);
        let parameters = named("x");
        let import = |flags| provider.import_key(None, BlobType::Pkcs8, &parameters, &blob, flags);
        for bits in [0x100, 0x2_0000, 0x4_0000] {
            status(create(Flags::from_bits(bits)), Status::NTE_NOT_SUPPORTED);
        }
        for bits in [0x200, 0x2_0000, 0x4_0000] {
            status(import(Flags::from_bits(bits)), Status::NTE_NOT_SUPPORTED);
        }
        status(create(ONCE).expect("created").finalize(Flags::WRITE_KEY_TO_LEGACY_STORE), Status::NTE_NOT_SUPPORTED);
        status(create(Flags::WRITE_KEY_TO_LEGACY_STORE), Status::NTE_BAD_FLAGS);
        status(provider.open_key_with("x", Flags::OVERWRITE_KEY), Status::NTE_BAD_FLAGS);
        status(provider.open_key_with("x", Flags::MACHINE_KEY), Status::NTE_BAD_KEYSET);
        assert!(provider.list().expect("listed").keys.is_empty());
        let mut key = create(Flags::PREFER_VIRTUAL_ISOLATION | Flags::EXTENDED_ERRORS).expect("passed over");
        status(provider.delete(&mut key, ONCE), Status::NTE_BAD_KEY_STATE);
        key.finalize(Flags::IGNORE_DEVICE_STATE | Flags::SILENT).expect("passed over");
        // A handle is deleted, with and without a name.
        status(provider.delete(&mut key, Flags::OVERWRITE_KEY), Status::NTE_BAD_FLAGS);
        provider.delete(&mut key, Flags::SILENT).expect("deleted");
        status(provider.open_key("x"), Status::NTE_BAD_KEYSET);
        let mut ephemeral = generated(&provider, "ECDSA_P256", None, ONCE);
        provider.delete(&mut ephemeral, ONCE).expect("deleted");
        assert!(ephemeral.sign_hash(Padding::None, &[0; 32]).is_err());
    });
}

#[test]
fn properties_of_ones_own_stay_with_their_key() {
    let token = on_a_token("properties_of_ones_own_stay_with_their_key", |provider| {
        let only = Flags::PERSIST_ONLY;
        let mut key = provider.create_persisted_key(Algorithm::RSA, Some(&name("key")), ONCE).expect("created");
        key.set_property("PKCS8_PRIVATEKEY", &vector(RSA_PKCS8)).expect("a blob");
        key.set_property_with("mine", b"first", only).expect("before finalize");
        key.set_property_with(names::LENGTH, b"not the built-in one", only).expect("before finalize");
        assert_eq!(key.property("mine").expect("set").to_bytes(), b"first");
        key.finalize(ONCE).expect("finalized");
        let read = |property: &str| {
            let opened = provider.open_key("key").expect("there");
            opened.property_with(property, only).map(|value| value.to_bytes())
        };
        assert_eq!(read("mine").expect("kept"), b"first");
        assert_eq!(read(names::LENGTH).expect("kept"), b"not the built-in one");
        check("length", key.property(names::LENGTH), N(2048));
        // Replaced, with either flag; nothing; long; under any name.
        key.set_property_with("mine", b"second", Flags::PERSIST).expect("replaced");
        assert_eq!(read("mine").expect("kept"), b"second");
        key.set_property_with("empty", &[], only).expect("nothing is a value");
        assert_eq!(read("empty").expect("kept"), b"");
        let long = vec![0xA5; 100_000];
        key.set_property_with("a:b/ö 🔑", &long, only).expect("any name");
        assert!(read("a:b/ö 🔑").expect("kept") == long);
        let own = provider.open_key("key").expect("there").custom_properties().expect("four");
        let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.len())).collect();
        assert_eq!(own, [("Length", 20), ("a:b/ö 🔑", 100_000), ("empty", 0), ("mine", 6)]);
        // Not shown, not in the way.
        let listing = provider.list().expect("listed");
        assert!(listing.keys.len() == 1 && listing.torn.is_empty() && listing.public_only.is_empty(), "{listing:?}");
        // An import that fails leaves the key that is there as it was.
        let mut other =
            provider.create_persisted_key(Algorithm::RSA, Some(&name("key")), Flags::OVERWRITE_KEY).expect("c");
        other.set_property("PKCS8_PRIVATEKEY", &vector("rsa3072-e3.PKCS8_PRIVATEKEY.bin")).expect("a blob");
        other.set_property_with("mine", b"never", only).expect("pending");
        other.set_length(2048).expect("a wrong length");
        status(other.finalize(ONCE), Status::NTE_INVALID_PARAMETER);
        assert_eq!(read("mine").expect("kept"), b"second");
        // They go where the key goes.
        provider.rename_key("key", &name("renamed")).expect("renamed");
        let renamed = provider.open_key("renamed").expect("there");
        assert_eq!(renamed.property("mine").expect("kept").to_bytes(), b"second");
        provider.rename_key("renamed", &name("key")).expect("renamed");
        // The same key takes its own place: nothing of the old one is shown.
        let mut again = import(&provider, RSA_PKCS8, Some("key"), Flags::OVERWRITE_KEY | Flags::DO_NOT_FINALIZE);
        again.set_property_with("new", b"one", only).expect("pending");
        again.finalize(ONCE).expect("replaced");
        let own = again.custom_properties().expect("one");
        assert_eq!(own, [("new".to_owned(), b"one".to_vec())]);
        // Keys without a name keep them with the handle, as .NET marks them.
        let mut ephemeral = import(&provider, EC_PKCS8, None, ONCE);
        status(ephemeral.property_with("CLR IsEphemeral", only), Status::NTE_NOT_FOUND);
        ephemeral.set_property_with("CLR IsEphemeral", &[1], only).expect("a mark");
        assert_eq!(ephemeral.property_with("CLR IsEphemeral", only).expect("set").to_bytes(), [1]);
        status(ephemeral.set_property("nobody's", &[1]), Status::NTE_NOT_SUPPORTED);
        // A symmetric key, and one that is generated.
        for kind in ["AES", "ECDSA_P256"] {
            let mut key = provider.create_persisted_key(algorithm(kind), Some(&name(kind)), ONCE).expect("created");
            key.set_property_with("mine", kind.as_bytes(), only).expect("pending");
            key.finalize(ONCE).expect("generated");
            let opened = provider.open_key(kind).expect("there");
            assert_eq!(opened.property("mine").expect("kept").to_bytes(), kind.as_bytes());
            provider.delete_key(kind).expect("deleted");
        }
    });
    let Some(token) = token else { return };
    // Another process.
    assert_eq!(token.object_files(), 3);
    assert_eq!(token.json(&["get", "key", "new"])["value"], json!("6f6e65"));
    token.json_error(&["get", "key", "mine"], 1);
    let set = token.json(&["set", "--custom", "key", "note", "to sign"]);
    assert_eq!(set["value"], json!("74006f0020007300690067006e000000"));
    token.cng11(&["set", "--custom", "key", "raw", "hex:00ff"]).ok();
    token.cng11(&["set", "--custom", "key", "raw", "hex:0"]).code(2);
    let shown = token.json(&["show", "key"]);
    assert_eq!(
        shown["custom_properties"],
        json!({"new": "6f6e65", "note": "74006f0020007300690067006e000000", "raw": "00ff"})
    );
    let text = token.cng11(&["show", "key"]).ok().text();
    assert!(text.contains("note:") && text.contains("to sign") && text.contains("00ff"), "{text}");
    // Another program deletes the key and leaves them; the same key, imported again, does not have them.
    for kind in ["privkey", "pubkey"] {
        token.pkcs11_tool(&["--delete-object", "--type", kind, "--label", "key"]).ok();
    }
    assert_eq!(token.object_files(), 3);
    token.import("rsa2048-e65537.PKCS8_PRIVATEKEY.bin", "key", &[]);
    assert_eq!(token.json(&["show", "key"])["custom_properties"], json!({}));
    assert_eq!(token.object_files(), 2);
    token.cng11(&["set", "--custom", "key", "note", "x"]).ok();
    token.cng11(&["delete", "key", "--yes"]).ok();
    assert_eq!(token.object_files(), 0);
}

#[test]
fn a_key_without_a_name_takes_a_wider_policy_until_it_is_used() {
    let token = on_a_token("a_key_without_a_name_takes_a_wider_policy_until_it_is_used", |provider| {
        let policy = |key: &mut Key, policy: u32| {
            key.set_property_with(names::EXPORT_POLICY, &policy.to_le_bytes(), Flags::PERSIST)
        };
        for file in [RSA_PKCS8, EC_PKCS8] {
            let mut key = import(&provider, file, None, ONCE);
            status(
                import(&provider, file, None, ONCE).danger_export_plaintext(Format::PKCS8),
                Status::NTE_NOT_SUPPORTED,
            );
            // As .NET does it: a mark, then the policy, with other properties read in between.
            key.set_property_with("CLR IsEphemeral", &[1], Flags::PERSIST_ONLY).expect("a mark");
            check("group", key.property(names::ALGORITHM_GROUP), T(if file == RSA_PKCS8 { "RSA" } else { "ECDSA" }));
            let id = key.id().to_vec();
            policy(&mut key, 3).expect("wider");
            check("policy", key.property(names::EXPORT_POLICY), N(3));
            assert_eq!(key.id(), id);
            assert!(*key.danger_export_plaintext(Format::PKCS8).expect("it leaves").bytes == vector(file), "{file}");
            sign(&key);
            assert_eq!(key.property_with("CLR IsEphemeral", Flags::PERSIST_ONLY).expect("set").to_bytes(), [1]);
            // Used, it can only be narrowed.
            policy(&mut key, 1).expect("narrower");
            status(policy(&mut key, 3), Status::NTE_NOT_SUPPORTED);
            status(key.danger_export_plaintext(Format::PKCS8), Status::NTE_NOT_SUPPORTED);
            let mut used = import(&provider, file, None, ONCE);
            sign(&used);
            status(policy(&mut used, 3), Status::NTE_NOT_SUPPORTED);
            // Encrypted, and no more.
            let mut key = import(&provider, file, None, ONCE);
            policy(&mut key, 1).expect("wider");
            let password = SecretBytes::from(&b"a password"[..]);
            let parameters = ExportParameters { password: Some(password.clone()), ..ExportParameters::default() };
            let encrypted = key.export(None, Format::PKCS8, &parameters).expect("it leaves encrypted").bytes;
            let hints = Hints { password: Some(&password), ..Hints::default() };
            let decoded = format::decode(&encrypted, Format::PKCS8, &hints).expect("it opens");
            assert_eq!(Some(decoded.key.public().expect("a public half")), key.public_key().ok());
            status(key.danger_export_plaintext(Format::PKCS8), Status::NTE_NOT_SUPPORTED);
            // What was given up before the first use is given up of what it may be made of as well.
            let mut key = import(&provider, file, None, ONCE);
            policy(&mut key, 3).expect("wider");
            policy(&mut key, 1).expect("narrower");
            key.export(None, Format::PKCS8, &parameters).expect("it leaves encrypted");
            key.export(None, Format::PKCS8, &parameters).expect("and again");
            policy(&mut key, 0).expect("narrower");
            status(key.export(None, Format::PKCS8, &parameters), Status::NTE_NOT_SUPPORTED);
        }
        // One that the token made, or that has a name, has nothing to be made of again.
        let mut made = generated(&provider, "ECDSA_P256", None, ONCE);
        status(policy(&mut made, 3), Status::NTE_NOT_SUPPORTED);
        let mut kept = import(&provider, EC_PKCS8, Some("kept"), ONCE);
        status(policy(&mut kept, 3), Status::NTE_NOT_SUPPORTED);
        // A narrowed usage is not given back.
        let mut key = import(&provider, RSA_PKCS8, None, ONCE);
        key.set_usage(KeyUsage::SIGN).expect("narrower");
        policy(&mut key, 3).expect("wider");
        assert_eq!((key.usage(), key.export_policy()), (KeyUsage::SIGN, ExportPolicy::ANY));
        let aes = provider.import_key(
            None,
            BlobType::KeyData,
            &ImportParameters { algorithm: Some(Algorithm::AES), ..ImportParameters::default() },
            &vector("aes192.KeyDataBlob.bin"),
            ONCE,
        );
        let mut aes = aes.expect("imported");
        policy(&mut aes, 3).expect("wider");
        let exported = aes.danger_export_plaintext(Format::Blob(BlobType::KeyData)).expect("it leaves").bytes;
        assert!(*exported == vector("aes192.KeyDataBlob.bin"));
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 2);
    }
}

#[test]
fn archiving_is_one_export_of_the_handle_that_made_the_key() {
    let token = on_a_token("archiving_is_one_export_of_the_handle_that_made_the_key", |provider| {
        let kek = {
            let mut key = provider.create_persisted_key(Algorithm::AES, Some(&name("kek")), ONCE).expect("created");
            key.set_usage(KeyUsage::WRAP).expect("a usage");
            key.finalize(ONCE).expect("generated");
            key
        };
        let none = ExportParameters::default();
        let mut number = 0;
        let mut make = |kind: &str, policy: u32, is_named: bool| {
            number += 1;
            let to = is_named.then(|| name(&format!("{kind} {number}")));
            let of = kind.split(' ').next().expect("a word");
            let mut key = provider.create_persisted_key(algorithm(of), to.as_ref(), ONCE).expect("created");
            if kind.ends_with("imported") {
                let file = if of == "RSA" { RSA_PKCS8 } else { EC_PKCS8 };
                key.set_property("PKCS8_PRIVATEKEY", &vector(file)).expect("a blob");
            }
            key.set_property(names::EXPORT_POLICY, &policy.to_le_bytes()).expect("a policy");
            key.finalize(ONCE).unwrap_or_else(|error| panic!("{kind} {policy}: {error}"));
            key
        };
        for kind in ["RSA", "RSA imported", "ECDSA_P256", "ECDSA_P256 imported", "AES"] {
            for is_named in [true, false] {
                let format = if kind == "AES" { Format::Raw } else { Format::PKCS8 };
                let key = make(kind, 8, is_named);
                let what = format!("{kind} {is_named}");
                check(&what, key.property(names::EXPORT_POLICY), N(8));
                if let Some(to) = key.name() {
                    // The token knows nothing of it, and another handle has no part in it.
                    let other = provider.open_key(to.as_str()).expect("there");
                    check(&what, other.property(names::EXPORT_POLICY), N(0));
                    status(other.danger_export_plaintext(format), Status::NTE_NOT_SUPPORTED);
                }
                if kind != "AES" {
                    sign(&key);
                }
                // Whoever asks for the size has not exported.
                let length = key.danger_export_plaintext_len(format).expect("a length");
                let exported = key.danger_export_plaintext(format).expect("once").bytes;
                assert_eq!(exported.len(), length, "{what}");
                if kind != "AES" {
                    let decoded = format::decode(&exported, format, &Hints::default()).expect("a key");
                    assert_eq!(decoded.key.public(), key.public_key().ok(), "{what}");
                }
                check(&what, key.property(names::EXPORT_POLICY), N(0));
                status(key.danger_export_plaintext(format), Status::NTE_NOT_SUPPORTED);
                status(key.export(Some(&kek), format, &none), Status::NTE_NOT_SUPPORTED);
                if kind != "AES" {
                    sign(&key);
                }
                // Wrapped, and not in the clear.
                let key = make(kind, 4, is_named);
                status(key.danger_export_plaintext(format), Status::NTE_NOT_SUPPORTED);
                let transport = Format::Blob(BlobType::OpaqueTransport);
                status(key.export(Some(&kek), transport, &none), Status::NTE_NOT_SUPPORTED);
                key.export_len(Some(&kek), format, &none).expect("a length");
                key.export(Some(&kek), format, &none).unwrap_or_else(|error| panic!("{what}: {error}"));
                status(key.export(Some(&kek), format, &none), Status::NTE_NOT_SUPPORTED);
                check(&what, key.property(names::EXPORT_POLICY), N(0));
            }
        }
        // Beside a policy that stays: wrapped for ever, once in the clear.
        let key = make("ECDSA_P256", 0x9, true);
        check("9", key.property(names::EXPORT_POLICY), N(9));
        key.export(Some(&kek), Format::PKCS8, &none).expect("wrapped");
        key.danger_export_plaintext(Format::PKCS8).expect("once");
        status(key.danger_export_plaintext(Format::PKCS8), Status::NTE_NOT_SUPPORTED);
        key.export(Some(&kek), Format::PKCS8, &none).expect("wrapped");
        check("9", key.property(names::EXPORT_POLICY), N(1));
        // Given up, and never given again.
        let mut key = make("ECDSA_P256", 0xC, true);
        key.set_export_policy(ExportPolicy::ARCHIVING).expect("narrower");
        status(key.danger_export_plaintext(Format::PKCS8), Status::NTE_NOT_SUPPORTED);
        status(key.set_export_policy(ExportPolicy::PLAINTEXT_ARCHIVING), Status::NTE_NOT_SUPPORTED);
        key.set_export_policy(ExportPolicy::NONE).expect("narrower");
        status(key.export(Some(&kek), Format::PKCS8, &none), Status::NTE_NOT_SUPPORTED);
        // What came wrapped has no archiving.
        let plain = make("ECDSA_P256", 3, true);
        let wrapped = plain.export(Some(&kek), Format::PKCS8, &none).expect("wrapped").bytes;
        let flags = Flags::DO_NOT_FINALIZE;
        let mut key = provider.import_key(Some(&kek), BlobType::Pkcs8, &named("w"), &wrapped, flags).expect("pending");
        key.set_export_policy(ExportPolicy::ARCHIVING).expect("pending");
        status(key.finalize(ONCE), Status::NTE_NOT_SUPPORTED);
        status(provider.open_key("w"), Status::NTE_BAD_KEYSET);
    });
    let Some(token) = token else { return };
    // Nothing but the keys themselves stands on the token.
    let (listing, files) = token.contents();
    let keys = listing["keys"].as_array().expect("keys");
    let objects: usize = keys.iter().map(|key| if key["algorithm"] == "AES" { 1 } else { 2 }).sum();
    assert_eq!((files, keys.len()), (objects, 1 + 10 + 3), "{listing}");
    assert!(keys.iter().filter(|key| key["export_policy"] == json!([])).count() >= 12, "{listing}");
}

#[test]
fn a_certificate_stands_beside_its_key_and_its_issuers_by_themselves() {
    let token = on_a_token("a_certificate_stands_beside_its_key_and_its_issuers_by_themselves", |provider| {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |file: &str| folder.path().join(file).to_str().expect("a path").to_owned();
        let key_file = vector_text("ec-nistP256.PKCS8_PRIVATEKEY.bin");
        // A root, one below it, and the key's own.
        let config = "[ca]\nbasicConstraints=critical,CA:TRUE\n[leaf]\nbasicConstraints=CA:FALSE\n";
        std::fs::write(at("config"), config).expect("written");
        let subject = |text: &str| format!("/CN={text}");
        let ecparam = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let run = |arguments: &[&str]| drop(openssl(arguments, None));
        run(&[
            &["req", "-x509", "-subj", &subject("root"), "-keyout", &at("root.key"), "-out", &at("root.pem")][..],
            &ecparam,
        ]
        .concat());
        run(&[
            &["req", "-new", "-subj", &subject("below"), "-keyout", &at("below.key"), "-out", &at("below.csr")][..],
            &ecparam,
        ]
        .concat());
        let issue = |request: &str, by: &str, section: &str, to: &str| {
            run(&[
                "x509",
                "-req",
                "-in",
                &at(request),
                "-CA",
                &at(&format!("{by}.pem")),
                "-CAkey",
                &at(&format!("{by}.key")),
                "-extfile",
                &at("config"),
                "-extensions",
                section,
                "-out",
                &at(to),
                "-days",
                "30",
            ]);
        };
        issue("below.csr", "root", "ca", "below.pem");
        for leaf in ["one", "two"] {
            run(&[
                "req",
                "-new",
                "-subj",
                &subject(leaf),
                "-key",
                &key_file,
                "-keyform",
                "DER",
                "-out",
                &at("leaf.csr"),
            ]);
            issue("leaf.csr", "below", "leaf", &format!("{leaf}.pem"));
        }
        let pem = |file: &str| std::fs::read(at(file)).expect("a file");
        let der = |file: &str| openssl(&["x509", "-in", &at(file), "-outform", "DER"], None);
        let bundle = [pem("root.pem"), pem("one.pem"), pem("below.pem")].concat();
        let chained = [der("one.pem"), der("below.pem"), der("root.pem")];
        std::fs::write(at("all.pem"), &bundle).expect("written");
        let pkcs7 = |form: &str| openssl(&["crl2pkcs7", "-nocrl", "-certfile", &at("all.pem"), "-outform", form], None);
        // Every form has the same certificates.
        for (form, bytes) in
            [("pem", bundle.clone()), ("der", chained.concat()), ("p7b", pkcs7("DER")), ("p7b in PEM", pkcs7("PEM"))]
        {
            let mut found: Vec<_> =
                certificates::decode(&bytes).expect(form).into_iter().map(|parts| parts.der).collect();
            let mut expected = chained.to_vec();
            found.sort();
            expected.sort();
            assert!(found == expected, "{form}");
            assert!(certificates::decode(&bytes[..bytes.len() - 20]).is_err(), "{form} cut short");
        }

        // On a pending key: stored with it.
        let mut key = import(&provider, EC_PKCS8, Some("key"), Flags::DO_NOT_FINALIZE);
        status(key.property(names::CERTIFICATE), Status::NTE_NOT_FOUND);
        key.set_property(names::CERTIFICATE, &pkcs7("DER")).expect("a PKCS#7");
        assert!(key.property(names::CERTIFICATE).expect("set").to_bytes() == chained[0]);
        key.finalize(ONCE).expect("imported");
        let opened = provider.open_key("key").expect("there");
        for key in [&key, &opened] {
            assert!(key.property(names::CERTIFICATE).expect("kept").to_bytes() == chained[0]);
            let chain = key.certificate_chain().expect("found");
            assert_eq!(chain.iter().map(|der| der.to_vec()).collect::<Vec<_>>(), chained);
        }
        let written = opened.export(None, Format::CertPem, &ExportParameters::default()).expect("with its issuers");
        assert_eq!(certificates::decode(&written.bytes).expect("PEM").len(), 3);
        let alone = opened.export(None, Format::Cert, &ExportParameters::default()).expect("alone");
        assert!(*alone.bytes == chained[0]);
        // On a key that is there: the new one takes the old one's place, what is there already is not written again.
        let mut opened = opened;
        opened.set_property_with(names::CERTIFICATE, &bundle, Flags::PERSIST).expect("the same");
        opened.set_property(names::CERTIFICATE, &der("two.pem")).expect("another");
        assert!(opened.property(names::CERTIFICATE).expect("kept").to_bytes() == der("two.pem"));
        let again = provider.open_key("key").expect("there");
        assert!(again.property(names::CERTIFICATE).expect("kept").to_bytes() == der("two.pem"));
        assert_eq!(again.certificate_chain().expect("found").len(), 3);
        // For this key, and a certificate.
        status(opened.set_property(names::CERTIFICATE, &pem("root.pem")), Status::NTE_INVALID_PARAMETER);
        status(opened.set_property(names::CERTIFICATE, b"no certificate"), Status::NTE_BAD_DATA);
        status(opened.set_property(names::CERTIFICATE, &[]), Status::NTE_BAD_DATA);
        assert!(opened.property(names::CERTIFICATE).expect("kept").to_bytes() == der("two.pem"));
        let mut wrong = import(&provider, RSA_PKCS8, Some("wrong"), Flags::DO_NOT_FINALIZE);
        wrong.set_property(names::CERTIFICATE, &bundle).expect("it may still fit");
        status(wrong.finalize(ONCE), Status::NTE_INVALID_PARAMETER);
        let mut aes = generated(&provider, "AES", None, ONCE);
        status(aes.set_property(names::CERTIFICATE, &bundle), Status::NTE_INVALID_PARAMETER);
        // A key without a name, and a public key, keep theirs with the handle.
        let mut ephemeral = import(&provider, EC_PKCS8, None, ONCE);
        ephemeral.set_property(names::CERTIFICATE, &bundle).expect("in the session");
        assert_eq!(ephemeral.certificate_chain().expect("found").len(), 3);
        // Which is made anew with it where its policy becomes wider.
        ephemeral.set_export_policy(ExportPolicy::ANY).expect("wider");
        assert!(ephemeral.property(names::CERTIFICATE).expect("kept").to_bytes() == chained[0]);
        assert_eq!(ephemeral.certificate_chain().expect("found").len(), 3);
        let blob = vector("ec-nistP256.ECDSA.ECCPUBLICBLOB.bin");
        let none = ImportParameters::default();
        let mut public = provider.import_key(None, BlobType::EccPublic, &none, &blob, ONCE).expect("public");
        public.set_property(names::CERTIFICATE, &pem("one.pem")).expect("beside it");
        assert!(public.property(names::CERTIFICATE).expect("set").to_bytes() == chained[0]);
        // A certificate of one's own name is none.
        status(opened.property_with(names::CERTIFICATE, Flags::PERSIST_ONLY), Status::NTE_NOT_FOUND);
    });
    let Some(token) = token else { return };
    // The key's two objects, its certificate, and the two above.
    assert_eq!(token.object_files(), 5);
    token.cng11(&["delete", "key", "--yes"]).ok();
    assert_eq!(token.object_files(), 2);
}

#[test]
fn algorithms_are_those_of_the_tokens_mechanisms() {
    on_a_token("algorithms_are_those_of_the_tokens_mechanisms", |provider| {
        for known in ["RSA", "ECDSA", "ECDSA_P256", "ECDH_P521", "ECDH", "AES", "3DES", "HMAC"] {
            provider.is_algorithm_supported(known).unwrap_or_else(|error| panic!("{known}: {error}"));
        }
        for unknown in ["RSA_SIGN", "nobody's", "", "DH", "DSA", "ML-KEM", "EDDSA", "RC4", "SHA256"] {
            status(provider.is_algorithm_supported(unknown), Status::NTE_NOT_SUPPORTED);
        }
        let all = provider.algorithms(0).expect("listed");
        let names: Vec<_> = all.iter().map(|algorithm| algorithm.name.as_str()).collect();
        for name in &names {
            provider.is_algorithm_supported(name).expect("what is listed is supported");
        }
        assert!(names.contains(&"RSA") && names.contains(&"ECDSA_P384") && !names.contains(&"ML-DSA"), "{names:?}");
        for (mask, expected) in [
            (operations::CIPHER, vec![("AES", 1, 1), ("3DES", 1, 1)]),
            (operations::HASH, vec![("HMAC", 2, 2)]),
            (operations::ASYMMETRIC_ENCRYPTION, vec![("RSA", 3, 0x14)]),
            (operations::RNG | operations::KEY_DERIVATION, vec![]),
        ] {
            let found = provider.algorithms(mask).expect("listed");
            let found: Vec<_> = found.iter().map(|a| (a.name.as_str(), a.class, a.operations)).collect();
            assert_eq!(found, expected);
        }
        let signing = provider.algorithms(operations::SIGNATURE).expect("listed");
        assert_eq!(signing.len(), 5, "RSA, ECDSA, and three curves: {signing:?}");
        assert!(signing.iter().all(|algorithm| algorithm.operations & 0x10 != 0 && algorithm.flags == 0));
        status(provider.algorithms(0x80), Status::NTE_INVALID_PARAMETER);
    });
}
