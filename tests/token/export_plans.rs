//! What is told of an export before it is tried, against what comes of it.

use cng_pkcs11::asn1::Encryption;
use cng_pkcs11::blob::BlobType;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage};
use cng_pkcs11::provider::{ExportParameters, Exported, Flags, ImportParameters, Key, KeyName, StorageProvider};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::wrap::Scheme;

use crate::support::{TestToken, on_a_token, vector};

const RSA: &str = "rsa2048-e65537.PKCS8_PRIVATEKEY.bin";
const EC: &str = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
const WIDE: &str = "ec-nistP521.PKCS8_PRIVATEKEY.bin";
const BRAINPOOL: &str = "ec-brainpoolP256r1.PKCS8_PRIVATEKEY.bin";

fn pair(provider: &StorageProvider, file: &str, policy: ExportPolicy) -> Key {
    let name = Some(KeyName::new(&format!("{file} {}", policy.words().join(","))).expect("a name"));
    let parameters = ImportParameters { name, ..ImportParameters::default() };
    let mut key = provider
        .import_key(None, BlobType::Pkcs8, &parameters, &vector(file), Flags::DO_NOT_FINALIZE)
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    key.set_export_policy(policy).expect("a policy");
    key.finalize(Flags::NONE).expect("a key");
    key
}

fn secret(provider: &StorageProvider, algorithm: Algorithm, bits: u32, policy: ExportPolicy) -> Key {
    let name = KeyName::new(&format!("{algorithm} {}", policy.words().join(","))).expect("a name");
    let mut key = provider.create_persisted_key(algorithm, Some(&name), Flags::NONE).expect("a key");
    if algorithm != Algorithm::symmetric(cng_pkcs11::key::SymmetricAlgorithm::TripleDes) {
        key.set_length(bits).expect("a length");
    }
    key.set_export_policy(policy).expect("a policy");
    key.finalize(Flags::NONE).expect("a key");
    key
}

fn keys(provider: &StorageProvider) -> Vec<Key> {
    use cng_pkcs11::key::SymmetricAlgorithm::{Aes, Hmac, TripleDes};
    let mut keys = Vec::new();
    for policy in [ExportPolicy::ANY, ExportPolicy::ENCRYPTED, ExportPolicy::NONE] {
        keys.extend([RSA, EC, WIDE, BRAINPOOL].map(|file| pair(provider, file, policy)));
        for (algorithm, bits) in [(Aes, 128), (Hmac, 160), (TripleDes, 192)] {
            keys.push(secret(provider, Algorithm::symmetric(algorithm), bits, policy));
        }
    }
    keys
}

/// The answer of the plan is the answer of the export, in words too; but the token has the last word.
#[track_caller]
fn agree(told: Result<(), cng_pkcs11::Error>, real: &Result<Exported, cng_pkcs11::Error>, what: &str) {
    if told.is_ok() && real.as_ref().is_err_and(|error| error.ckr().is_some()) {
        return;
    }
    let told = told.err().map(|error| error.to_string());
    assert_eq!(told, real.as_ref().err().map(ToString::to_string), "{what}");
}

#[test]
fn a_plan_says_what_the_export_says() {
    let _ = on_a_token("a_plan_says_what_the_export_says", |provider| {
        let kek = |algorithm: Algorithm, bits: u32| {
            let name = KeyName::new(&format!("kek {algorithm}")).expect("a name");
            let mut key = provider.create_persisted_key(algorithm, Some(&name), Flags::NONE).expect("a key");
            key.set_length(bits).expect("a length");
            key.set_usage(KeyUsage::WRAP).expect("a usage");
            key.finalize(Flags::NONE).expect("a key");
            key
        };
        let (aes, rsa) = (kek(Algorithm::AES, 256), kek(Algorithm::RSA, 3072));
        let (mut refused, mut exported) = (0, 0);
        let mut check = |told, real: Result<Exported, _>, what: &str| {
            agree(told, &real, what);
            *(if real.is_ok() { &mut exported } else { &mut refused }) += 1;
        };
        let password = Some(SecretBytes::from(b"horse".as_slice()));
        let encryption = Encryption { iterations: 1000, ..Encryption::default() };
        let none = ExportParameters::default();
        let sealed = ExportParameters { password, encryption, ..none.clone() };
        for key in keys(&provider) {
            for format in Format::all() {
                let what = format!("{} as {}", key.label(), format.name());
                let real = if format.is_public() || format.is_wrapped() {
                    key.export(None, format, &none)
                } else {
                    key.danger_export_plaintext(format)
                };
                check(key.rehearse_export(&[], format, &none), real, &what);
                let told = key.rehearse_export(&[], format, &sealed);
                check(told, key.export(None, format, &sealed), &format!("{what} under a password"));
                for (kek, scheme) in [
                    (&aes, None),
                    (&rsa, None),
                    (&aes, Some(Scheme::Kwp)),
                    (&aes, Some(Scheme::Kw)),
                    (&rsa, Some(Scheme::RsaAes)),
                    (&aes, Some(Scheme::RsaOaep)),
                ] {
                    let wrapped = ExportParameters { scheme, ..none.clone() };
                    let told = key.rehearse_export(&[kek], format, &wrapped);
                    let what = format!("{what} under {} {scheme:?}", kek.label());
                    check(told, key.export_to(&[kek], format, &wrapped), &what);
                }
            }
        }
        assert!(refused > 500 && exported > 100, "{refused} refused, {exported} exported");
    });
}

/// For a plan nothing is wrapped, signed or decrypted.
#[test]
fn a_plan_uses_no_key() {
    let mut token = TestToken::strict("plain");
    let log = token.path("calls");
    token.set("STRICT_HSM_LOG", log.clone());
    token.cng11(&["generate", "kek", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]).ok();
    for (name, algorithm) in [("pair", "RSA"), ("secret", "AES")] {
        token.cng11(&["generate", name, "--algorithm", algorithm, "--export-policy", "plaintext"]).ok();
    }
    let folder = token.path("out");
    let folder = folder.to_str().expect("UTF-8");
    let plan = |more: &[&str]| {
        let run = token.cng11(&[&["--json", "bulk", "export", folder, "--dry-run"], more].concat());
        let planned = run.json();
        let mut told = planned["plan"].as_array().expect("a plan").clone();
        told.sort_by_key(|one| one["source"].to_string());
        told.iter().map(|one| format!("{} {}", one["source"], one["outcome"])).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(plan(&["--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek"]), r#""pair" "exported"; "secret" "failed""#);
    assert_eq!(plan(&["--type", "raw", "--wrap-key", "kek"]), r#""pair" "failed"; "secret" "exported""#);
    assert_eq!(plan(&["--type", "PUBLICBLOB"]), r#""kek" "failed"; "pair" "exported"; "secret" "failed""#);
    assert_eq!(plan(&["--type", "OpaqueTransport", "--wrap-key", "kek"]), r#""pair" "exported"; "secret" "exported""#);
    assert!(!std::path::Path::new(folder).exists(), "something was written");
    let uses = |what: &str| {
        let calls = std::fs::read_to_string(&log).expect("the calls");
        calls.lines().filter(|call| ["C_WrapKey", "C_Sign", "C_Decrypt"].contains(call)).count() > 0 || {
            assert!(calls.contains("C_FindObjects"), "{what}: nothing is logged");
            false
        }
    };
    std::fs::write(&log, "").expect("the log");
    plan(&["--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek"]);
    assert!(!uses("the plan"));
    token.cng11(&["bulk", "export", folder, "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek"]);
    assert!(uses("the export"));
}
