//! The rules of wrapping: what may wrap, that nothing is gained by it, that it is fresh each time, and that nothing is left behind.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use std::collections::BTreeSet;

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage};
use cng_pkcs11::provider::{ExportParameters, Flags, ImportParameters, KeyName, StorageProvider};
use cng_pkcs11::template::Template;
use cng_pkcs11::wrap::Scheme;
use serde_json::json;

use crate::support::wrapping::{
    RSA_KEK, algorithm_of, assert_signs, bare_type, kek_of, key_file, openssl_unwraps, openssl_wraps, token_with_keks,
};
use crate::support::{TestToken, on_a_token, vector, vector_text};

/// A private or secret key with the usage of its original, and a wider one.
const PASSENGERS: &[(&str, &str, &str)] = &[
    ("rsa2048-e65537", "sign", "sign,decrypt"),
    ("ec-nistP256", "sign", "sign,agree"),
    ("aes256", "decrypt", "decrypt,wrap"),
];

fn import_passenger(token: &TestToken, key: &str, usage: &str) {
    let algorithm = algorithm_of(key);
    token.import(&key_file(key), key, &[algorithm, &["--export-policy", "encrypted", "--usage", usage]].concat());
}

/// A form of a key that says nothing of its usage, as a PKCS#8 may, and its vector.
fn bare_form(key: &str) -> (&'static str, String) {
    match &key[..3] {
        "rsa" => ("pkcs1", format!("{key}.pkcs1.bin")),
        "aes" => ("raw", key_file(key)),
        _ => ("sec1", format!("{key}.sec1.bin")),
    }
}

/// The schemes that carry a key on this token.
fn schemes(key: &str) -> &'static [&'static str] {
    if key.starts_with("aes") { &["kw", "kwp", "rsa-oaep", "rsa-aes"] } else { &["kw", "kwp", "rsa-aes"] }
}

/// Objects as pkcs11-tool counts them.
fn objects(token: &TestToken) -> usize {
    token.pkcs11_tool(&["--list-objects"]).ok().text().lines().filter(|line| line.contains(" Object")).count()
}

#[test]
fn a_key_that_decrypts_as_well_wraps_only_when_it_is_forced_and_with_a_warning() {
    let token = token_with_keks();
    token.import("kek128.raw.bin", "both", &["--algorithm", "AES", "--usage", "wrap,decrypt"]);
    token.import("rsa2048-e17.PKCS8_PRIVATEKEY.bin", "rsa both", &["--usage", "wrap,decrypt"]);
    import_passenger(&token, "aes256", "decrypt");
    import_passenger(&token, "ec-nistP256", "sign");
    // One that is enveloped on this host, since it may be seen, is held to the same.
    token.import(&key_file("ec-nistP384"), "seen", &["--export-policy", "plaintext"]);
    let before = token.contents();
    let out = token.path_text("out");
    let here = ["export", "seen", "--type", "PKCS7_ENVELOPE", "--wrap-key", "rsa both", "-o", &out];
    assert_eq!(token.json_error(&here, 3)["status"], "NTE_PERM");
    assert!(!token.path("out").exists());
    for (key, kek, kind, scheme) in [
        ("aes256", "both", "raw", "kw"),
        ("aes256", "both", "raw", "kwp"),
        ("aes256", "both", "Rfc3565KeyWrapBlob", "kw"),
        ("ec-nistP256", "both", "PKCS8_PRIVATEKEY", "kwp"),
        ("aes256", "rsa both", "raw", "rsa-oaep"),
        ("ec-nistP256", "rsa both", "PKCS8_PRIVATEKEY", "rsa-aes"),
        ("ec-nistP256", "rsa both", "PKCS11RsaAesWrapBlob", "rsa-aes"),
        ("ec-nistP256", "rsa both", "PKCS7_ENVELOPE", "kwp"),
    ] {
        let why = format!("{key} as {kind} by {scheme}");
        let export = ["export", key, "--type", kind, "--wrap-key", kek, "--scheme", scheme, "-o", &out];
        let error = token.json_error(&export, 3);
        assert_eq!((&error["status"], &error["layer"]), (&json!("NTE_PERM"), &json!("provider")), "{why}: {error}");
        for words in ["--usage wrap", "--force"] {
            assert!(error["hint"].as_str().is_some_and(|hint| hint.contains(words)), "{why}: {error}");
        }
        assert!(!token.path("out").exists(), "{why}");

        let run = token.cng11(&[&export[..], &["--force"]].concat()).ok();
        let run = run.says(&format!("warning: `{kek}` may decrypt as well as wrap"));
        assert_eq!(run.stderr.matches("may decrypt as well").count(), 1, "{why}: {}", run.stderr);
        std::fs::remove_file(token.path("out")).expect("what was exported");
    }
    // One dangerous recipient among others is enough; the public half in a file says nothing of the private one.
    let both = ["export", "ec-nistP256", "--type", "PKCS7_ENVELOPE", "--wrap-key", "rsa kek", "--wrap-key", "rsa both"];
    assert_eq!(token.json_error(&both, 3)["status"], "NTE_PERM");
    let public = vector_text("rsa2048-e17.spki.bin");
    let run = token.cng11(&["export", "aes256", "--type", "raw", "--wrap-to", &public, "-o", &out]).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    assert_eq!(token.contents(), before);
}

#[test]
fn a_key_without_the_usage_neither_wraps_nor_unwraps_whatever_is_forced() {
    let token = token_with_keks();
    token.import("kek128.raw.bin", "cipher", &["--algorithm", "AES", "--usage", "decrypt"]);
    token.import("rsa2048-e17.PKCS8_PRIVATEKEY.bin", "signer", &["--usage", "sign"]);
    token.import("rsa2048-e3.PKCS8_PRIVATEKEY.bin", "usual", &[]);
    import_passenger(&token, "aes256", "decrypt");
    let before = token.contents();
    let (kwp, oaep) = (openssl_wraps("kwp", &[1; 16]), openssl_wraps("rsa-oaep", &[1; 16]));
    for (kek, wrapped) in [("cipher", &kwp), ("signer", &oaep), ("usual", &oaep)] {
        for more in [&[][..], &["--force"]] {
            let export = [&["export", "aes256", "--type", "raw", "--wrap-key", kek], more].concat();
            let error = token.json_error(&export, 3);
            assert_eq!(error["status"], "NTE_PERM", "{kek}: {error}");
            assert_eq!(error["message"], format!("the usage of `{kek}` does not allow it to wrap keys"));
        }
        let path = token.file("wrapped", wrapped);
        let error = token.json_error(&["import", &path, "--name", "x", "--type", "raw", "--unwrap-key", kek], 3);
        assert_eq!(error["message"], format!("the usage of `{kek}` does not allow it to unwrap keys"));
    }
    let error = token.json_error(&["export", "aes256", "--type", "raw", "--wrap-key", "nobody"], 1);
    assert_eq!(error["status"], "NTE_BAD_KEYSET", "{error}");
    assert_eq!(token.contents(), before);
}

#[test]
fn a_key_that_comes_back_beside_its_original_gains_no_right_and_without_it_is_as_asked() {
    for (key, usage, wider) in PASSENGERS {
        let token = token_with_keks();
        import_passenger(&token, key, usage);
        let before = token.contents();
        let files: Vec<_> = schemes(key)
            .iter()
            .map(|scheme| {
                let path = token.path_text(scheme);
                let kind = bare_type(key);
                let export = ["export", key, "--type", kind, "--wrap-key", kek_of(scheme), "--scheme", scheme];
                token.cng11(&[&export[..], &["-o", &path]].concat()).ok();
                (*scheme, path)
            })
            .collect();
        for (scheme, path) in &files {
            let why = format!("{key} by {scheme}");
            let import = ["import", path, "--name", "x", "--type", bare_type(key), "--unwrap-key", kek_of(scheme)];
            let import = [&import[..], &["--scheme", scheme]].concat();
            for (options, gained) in [
                (["--export-policy", "plaintext", "--usage", usage], "leave in the clear"),
                (["--export-policy", "encrypted", "--usage", wider], "be used to"),
                (["--export-policy", "none", "--usage", wider], "be used to"),
            ] {
                let error = token.json_error(&[&import[..], &options].concat(), 3);
                assert_eq!(error["status"], "NTE_PERM", "{why}: {error}");
                assert!(error["message"].as_str().is_some_and(|said| said.contains(gained)), "{why}: {error}");
                assert!(error["hint"].is_string(), "{why}: {error}");
                assert_eq!(token.contents(), before, "{why}");
            }
            for (policy, words) in [("encrypted", json!(["encrypted"])), ("none", json!([]))] {
                let document = token.json(&[&import[..], &["--export-policy", policy, "--usage", usage]].concat());
                assert_eq!((&document["export_policy"], &document["usage"]), (&words, &json!([usage])), "{why}");
                token.cng11(&["delete", "x", "--yes"]).ok();
                assert_eq!(token.contents(), before, "{why}");
            }
        }
        token.cng11(&["delete", key, "--yes"]).ok();
        for (scheme, path) in &files {
            let import = ["import", path, "--name", "x", "--type", bare_type(key), "--unwrap-key", kek_of(scheme)];
            let more = ["--scheme", scheme, "--export-policy", "plaintext", "--usage", wider];
            let document = token.json(&[&import[..], &more].concat());
            assert_eq!(document["usage"], json!(wider.split(',').collect::<Vec<_>>()), "{key} by {scheme}");
            let (kind, file) = bare_form(key);
            let back = token.export("x", kind, &["--allow-plaintext"]);
            assert!(back == vector(&file), "{key} by {scheme}");
            token.cng11(&["delete", "x", "--yes"]).ok();
        }
    }
}

#[test]
fn a_wrapped_key_gains_no_right_as_a_key_of_another_kind() {
    let token = token_with_keks();
    for key in ["aes192", "aes256"] {
        import_passenger(&token, key, "decrypt");
    }
    for key in ["ec-nistP256", "rsa3072-e65537"] {
        import_passenger(&token, key, "sign");
    }
    let before = token.contents();
    for (key, kind, scheme, algorithm, code) in [
        ("aes256", "raw", "kw", "HMAC", 3),
        ("aes256", "raw", "kwp", "HMAC", 3),
        ("aes256", "raw", "rsa-oaep", "HMAC", 3),
        ("aes256", "PKCS11RsaAesWrapBlob", "rsa-aes", "HMAC", 3),
        ("aes256", "PKCS7_ENVELOPE", "rsa-env", "HMAC", 3),
        ("aes192", "raw", "kwp", "3DES", 3),
        // The bytes of a PKCS#8 would be an HMAC key that may be seen.
        ("ec-nistP256", "PKCS8_PRIVATEKEY", "kw", "HMAC", 2),
        ("ec-nistP256", "PKCS8_PRIVATEKEY", "kwp", "HMAC", 2),
        ("ec-nistP256", "PKCS8_PRIVATEKEY", "rsa-aes", "HMAC", 2),
        ("ec-nistP256", "PKCS11RsaAesWrapBlob", "rsa-aes", "HMAC", 2),
        // And that of an RSA key is longer than any.
        ("rsa3072-e65537", "PKCS7_ENVELOPE", "rsa-env", "HMAC", 1),
    ] {
        let why = format!("{key} as {kind} by {scheme} for {algorithm}");
        let scheme: &[&str] = if scheme == "rsa-env" { &[] } else { &["--scheme", scheme] };
        let kek = kek_of(scheme.last().unwrap_or(&"rsa"));
        let path = token.path_text("wrapped");
        let export = ["export", key, "--type", kind, "--wrap-key", kek, "-o", &path, "--force"];
        token.cng11(&[&export[..], scheme].concat()).ok();
        let kind = if kind == "PKCS8_PRIVATEKEY" { "raw" } else { kind };
        let import = ["import", &path, "--name", "x", "--type", kind, "--unwrap-key", kek, "--algorithm", algorithm];
        let error = token.json_error(&[&import[..], scheme, &["--export-policy", "plaintext"]].concat(), code);
        let status = match code {
            1 => "NTE_BAD_DATA",
            2 => "NTE_INVALID_PARAMETER",
            _ => "NTE_PERM",
        };
        assert_eq!(error["status"], status, "{why}: {error}");
        assert_eq!(token.contents(), before, "{why}");
    }
    // What is an HMAC key is one still.
    let path = token.file("wrapped", openssl_wraps("kwp", &[0x30; 40]));
    let import = ["import", &path, "--name", "x", "--type", "raw", "--unwrap-key", "kek", "--algorithm", "HMAC"];
    token.json(&[&import[..], &["--export-policy", "plaintext"]].concat());
    assert_eq!(token.export("x", "raw", &["--allow-plaintext"]), [0x30; 40]);
}

#[test]
fn what_has_a_fresh_key_differs_each_time_and_what_has_none_is_the_same() {
    let token = token_with_keks();
    import_passenger(&token, "aes256", "decrypt");
    import_passenger(&token, "ec-nistP256", "sign");
    for (key, kind, scheme, same) in [
        ("aes256", "raw", "kw", true),
        ("ec-nistP256", "PKCS8_PRIVATEKEY", "kw", true),
        ("aes256", "Rfc3565KeyWrapBlob", "kw", true),
        ("aes256", "raw", "kwp", true),
        ("ec-nistP256", "PKCS8_PRIVATEKEY", "kwp", true),
        ("aes256", "raw", "rsa-oaep", false),
        ("aes256", "raw", "rsa-aes", false),
        ("ec-nistP256", "PKCS8_PRIVATEKEY", "rsa-aes", false),
    ] {
        let [first, second] =
            [(); 2].map(|()| token.export(key, kind, &["--wrap-key", kek_of(scheme), "--scheme", scheme]));
        assert_eq!(first == second, same, "{key} as {kind} by {scheme}");
        if scheme == "rsa-aes" {
            assert!(first[..256] != second[..256] && first[256..] != second[256..], "both parts are fresh");
            assert!(openssl_unwraps(scheme, &first) == openssl_unwraps(scheme, &second), "{key}");
        }
    }
    for kind in ["PKCS7_ENVELOPE", "PKCS11RsaAesWrapBlob"] {
        let [first, second] = [(); 2].map(|()| token.export("ec-nistP256", kind, &["--wrap-key", "rsa kek"]));
        let tail = |bytes: &[u8]| bytes[bytes.len() - 48..bytes.len() - 10].to_vec();
        assert!(first != second && tail(&first) != tail(&second), "{kind}");
    }
    for command in ["export", "import"] {
        let help = token.cng11(&[command, "--help"]).ok().text();
        let options: BTreeSet<_> = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")).collect();
        assert!(options.iter().any(|option| option.starts_with("scheme")), "{command}: {options:?}");
        for option in options {
            let name = option.split([' ', '=']).next().expect("a name");
            let chosen = name.split('-').any(|word| ["iv", "nonce", "icv", "seed", "random"].contains(&word));
            assert!(!chosen, "{command} has --{name}");
        }
        let error = token.json_error(&[command, "x", "--iv", "00112233445566778899aabbccddeeff"], 2);
        assert!(error["message"].as_str().is_some_and(|said| said.contains("--iv")), "{error}");
    }
}

#[test]
fn no_object_of_an_export_or_import_outlives_it_on_the_token() {
    let token = token_with_keks();
    for (key, usage, _) in PASSENGERS {
        import_passenger(&token, key, usage);
    }
    let (before, count) = (token.contents(), objects(&token));
    // A pair for the RSA key that wraps, and for two of the passengers; AES keys are one object.
    assert_eq!((before.1, count), (8, 8));
    let public = vector_text(&format!("{RSA_KEK}.spki.bin"));
    let path = token.path_text("wrapped");
    for (key, usage, _) in PASSENGERS {
        for (kind, to) in [
            (bare_type(key), ["--wrap-key", "kek"]),
            (bare_type(key), ["--wrap-key", "rsa kek"]),
            (bare_type(key), ["--wrap-to", &public]),
            ("PKCS11RsaAesWrapBlob", ["--wrap-to", &public]),
            ("PKCS7_ENVELOPE", ["--wrap-to", &public]),
        ] {
            let export = [&["export", key, "--type", kind, "-o", &path, "--force"], &to[..]].concat();
            token.cng11(&export).ok();
            let options: &[&str] = if to[1] == "kek" { &["--scheme", "gcm"] } else { &["--oaep-hash", "sha512"] };
            token.cng11(&[&export[..], options].concat()).code(3);
            let kek = if to[1] == "kek" { "kek" } else { "rsa kek" };
            let algorithm = algorithm_of(key);
            let import = ["import", &path, "--name", "x", "--type", kind, "--unwrap-key", kek, "--usage", usage];
            let import = [&import[..], algorithm].concat();
            token.cng11(&[&import[..], &["--export-policy", "plaintext"]].concat()).code(3);
            assert_eq!((token.contents(), objects(&token)), (before.clone(), count), "{key} as {kind} {to:?}");
            token.cng11(&import).ok();
            assert_eq!(objects(&token), count + if key.starts_with("aes") { 1 } else { 2 }, "{key} as {kind} {to:?}");
            token.cng11(&["delete", "x", "--yes"]).ok();
            assert_eq!((token.contents(), objects(&token)), (before.clone(), count), "{key} as {kind} {to:?}");
        }
    }
    token.cng11(&["list", "--all"]).ok();
    assert_signs(&token, "ec-nistP256", "ec-nistP256");
}

/// How many objects there are on the token, how many of the session, and how many of these are not public: the public half of a key that was imported waits for the
/// session's end.
fn seen(provider: &StorageProvider) -> (usize, usize, usize) {
    const CKA_CLASS: u64 = 0x0;
    const CKA_TOKEN: u64 = 0x1;
    const CKO_PRIVATE_KEY: u64 = 3;
    const CKO_SECRET_KEY: u64 = 4;
    let count = |template: Template| provider.token().find(&template).expect("a search").len();
    let session = || Template::new().flag(CKA_TOKEN, false);
    let hidden = [CKO_PRIVATE_KEY, CKO_SECRET_KEY].map(|class| count(session().ulong(CKA_CLASS, class)));
    (count(Template::new().flag(CKA_TOKEN, true)), count(session()), hidden.iter().sum())
}

#[test]
fn no_object_of_an_export_or_import_outlives_it_in_the_session() {
    on_a_token("no_object_of_an_export_or_import_outlives_it_in_the_session", |provider| {
        let clear = |name: &str, kind: BlobType, file: &str, usage: KeyUsage| {
            let name = Some(KeyName::new(name).expect("a name"));
            let parameters = ImportParameters { name, ..ImportParameters::default() };
            let key = provider.import_key(None, kind, &parameters, &vector(file), Flags::DO_NOT_FINALIZE);
            let mut key = key.expect("an import");
            key.set_usage(usage).expect("a usage");
            key.set_export_policy(ExportPolicy::ENCRYPTED).expect("a policy");
            key.finalize(Flags::NONE).expect("an import");
            key
        };
        let rsa = format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin");
        let aes_kek = clear("kek", BlobType::KeyData, "aes128.KeyDataBlob.bin", KeyUsage::WRAP);
        let rsa_kek = clear("rsa kek", BlobType::Pkcs8, &rsa, KeyUsage::WRAP);
        let ec = clear("ec", BlobType::Pkcs8, "ec-nistP256.PKCS8_PRIVATEKEY.bin", KeyUsage::SIGN);
        let aes = clear("aes", BlobType::KeyData, "aes256.KeyDataBlob.bin", KeyUsage::DECRYPT);
        assert_eq!(seen(&provider), (6, 2, 0));
        let envelope = Format::Blob(BlobType::Pkcs7Envelope);
        let rsa_aes = Format::Blob(BlobType::RsaAesWrap);
        for (number, (key, kek, format, objects)) in [
            (&ec, &aes_kek, Format::PKCS8, 2),
            (&ec, &rsa_kek, Format::PKCS8, 2),
            (&ec, &rsa_kek, rsa_aes, 2),
            (&ec, &rsa_kek, envelope, 2),
            (&aes, &aes_kek, Format::Raw, 1),
            (&aes, &rsa_kek, Format::Raw, 1),
            (&aes, &rsa_kek, rsa_aes, 1),
            (&aes, &rsa_kek, envelope, 1),
        ]
        .into_iter()
        .enumerate()
        {
            let before = seen(&provider);
            let algorithm = (objects == 1).then_some(Algorithm::AES);
            let exported = key.export_to(&[kek], format, &ExportParameters::default()).expect("an export");
            assert_eq!(seen(&provider), before, "{number}: an export");
            let refused = match kek.label() {
                "kek" => ExportParameters { scheme: Some(Scheme::Gcm), ..ExportParameters::default() },
                _ => ExportParameters { hash: Some(Hash::Sha256), ..ExportParameters::default() },
            };
            key.export_to(&[kek], format, &refused).expect_err("a refusal");
            assert_eq!(seen(&provider), before, "{number}: a refused export");
            let name = Some(KeyName::new("x").expect("a name"));
            let parameters = ImportParameters { name, algorithm, ..ImportParameters::default() };
            let mut changed = exported.bytes.to_vec();
            let at = changed.len() - 20;
            changed[at] ^= 1;
            provider.import_wrapped(kek, format, &parameters, &changed, Flags::NONE).expect_err("a refusal");
            assert_eq!(seen(&provider), before, "{number}: a refused import");
            let key = provider.import_wrapped(kek, format, &parameters, &exported.bytes, Flags::NONE);
            let key = key.expect("an import");
            let (on_token, session, hidden) = seen(&provider);
            assert_eq!((on_token, hidden), (before.0 + objects, 0), "{number}: an import");
            assert_eq!(session, before.1 + objects - 1, "{number}: an import");
            drop(key);
            provider.delete_key("x").expect("a deletion");
            assert_eq!(seen(&provider), (before.0, session, 0), "{number}: a deletion");
        }
    });
}
