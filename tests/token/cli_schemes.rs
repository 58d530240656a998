//! Every scheme, both ways, against openssl and Python; what the token cannot do; and what was changed on the way.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use crate::support::wrapping::{
    MODULUS, RSA_KEK, algorithm_of, assert_is_the_key, assert_signs, bare_type, kek_of, key_file, openssl_unwraps,
    openssl_unwraps_with, openssl_wraps, python_unwraps, python_wraps, token_with_keks,
};
use crate::support::{TestToken, openssl, vector, vector_text};

const KEYS: &[&str] = &[
    "rsa2048-e65537",
    "rsa3072-e65537",
    "rsa4096-e65537",
    "ec-nistP256",
    "ec-nistP384",
    "ec-nistP521",
    "aes128",
    "aes256",
];
const SCHEMES: &[&str] = &["kw", "kwp", "rsa-oaep", "rsa-aes"];
/// Schemes that SoftHSM 2.6 does not wrap by, and their mechanisms.
const MISSING: &[(&str, &str)] =
    &[("kw-pkcs7", "CKM_AES_KEY_WRAP_PKCS7"), ("cbc-pad", "CKM_AES_CBC_PAD"), ("gcm", "CKM_AES_GCM")];
/// Parameters of RSA-OAEP that it does not have: as `cng11` takes them, and as Python does.
const MISSING_OAEP: &[(&[&str], &[&str])] = &[
    (&["--oaep-hash", "sha256"], &["sha256"]),
    (&["--oaep-hash", "sha384"], &["sha384"]),
    (&["--oaep-hash", "sha512"], &["sha512"]),
    (&["--oaep-label", "0102"], &["sha1", "0102"]),
    (&["--oaep-hash", "sha1", "--oaep-label", "ff"], &["sha1", "ff"]),
    (&["--oaep-hash", "sha256", "--oaep-label", "00"], &["sha256", "00"]),
];

/// Whether a scheme carries a key on this token: RSA-OAEP does private keys of no kind.
fn carries(scheme: &str, key: &str) -> bool {
    scheme != "rsa-oaep" || key.starts_with("aes")
}

fn import_passenger(token: &TestToken, key: &str, policy: &str) {
    let algorithm = algorithm_of(key);
    token.import(&key_file(key), key, &[algorithm, &["--export-policy", policy]].concat());
}

/// The arguments of an export of a bare wrapped key.
fn export<'a>(key: &'a str, scheme: &'a str, path: &'a str) -> Vec<&'a str> {
    let kind = bare_type(key);
    vec!["export", key, "--type", kind, "--wrap-key", kek_of(scheme), "--scheme", scheme, "-o", path]
}

/// The arguments of an import of one.
fn import<'a>(key: &'a str, scheme: &'a str, path: &'a str) -> Vec<&'a str> {
    let kind = bare_type(key);
    vec!["import", path, "--name", "x", "--type", kind, "--unwrap-key", kek_of(scheme), "--scheme", scheme]
}

#[test]
fn what_the_token_wraps_is_the_same_key_to_openssl_and_to_python() {
    let token = token_with_keks();
    for key in KEYS {
        import_passenger(&token, key, "encrypted");
        for scheme in SCHEMES.iter().filter(|scheme| carries(scheme, key)) {
            let why = format!("{key} by {scheme}");
            let name = format!("{key}.{scheme}");
            let document = token.json(&export(key, scheme, &token.path_text(&name)));
            assert_eq!(document["scheme"], *scheme, "{why}");
            let rsa = scheme.starts_with("rsa");
            assert_eq!(document.get("oaep_hash").and_then(|hash| hash.as_str()), rsa.then_some("SHA1"), "{why}");
            let pads = !key.starts_with("aes");
            assert_eq!(document.get("zero_padded").map(|padded| padded == true), pads.then_some(true), "{why}");
            let wrapped = token.read(&name);
            assert_eq!(document["length"], wrapped.len(), "{why}");
            assert_is_the_key(key, &openssl_unwraps(scheme, &wrapped), &why);
            if ["ec-nistP256", "aes256"].contains(key) {
                assert_is_the_key(key, &python_unwraps(scheme, &wrapped), &format!("{why}, to Python"));
            }
        }
    }
}

#[test]
fn a_key_is_wrapped_to_an_rsa_public_key_in_every_form_of_file() {
    let token = token_with_keks();
    import_passenger(&token, "aes256", "encrypted");
    import_passenger(&token, "ec-nistP384", "encrypted");
    let before = token.contents();
    let more = format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin");
    for form in [
        "spki.bin",
        "spki-pem.pem",
        "pkcs1-public.bin",
        "pkcs1-public-pem.pem",
        "cert.bin",
        "cert-pem.pem",
        "public.jwk.json",
        "CAPIPUBLICBLOB.bin",
    ] {
        wraps_to(&token, &format!("{RSA_KEK}.{form}"), &more);
    }
    wraps_to(&token, "rsa2048-e65537.RSAPUBLICBLOB.bin", "rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    assert_eq!(token.contents(), before);
}

/// Without a scheme named a secret goes by RSA-OAEP and a private key by RSA-AES.
fn wraps_to(token: &TestToken, file: &str, private: &str) {
    let to = vector_text(file);
    for (key, scheme) in [("aes256", "rsa-oaep"), ("ec-nistP384", "rsa-aes")] {
        let path = token.path_text("wrapped");
        let kind = bare_type(key);
        let document = token.json(&["export", key, "--type", kind, "--wrap-to", &to, "-o", &path, "--force"]);
        assert_eq!(document["scheme"], scheme, "{file}");
        assert_is_the_key(key, &openssl_unwraps_with(scheme, private, &token.read("wrapped")), file);
    }
}

#[test]
fn what_openssl_or_python_wraps_is_a_working_key_on_the_token() {
    let token = token_with_keks();
    for key in KEYS {
        let plain = vector(&key_file(key));
        if !key.starts_with("aes") {
            token.keep_secret(&plain);
        }
        for scheme in SCHEMES.iter().filter(|scheme| carries(scheme, key)) {
            let mut made = vec![("openssl", openssl_wraps(scheme, &plain))];
            // RFC 3394 has no form for what is no whole number of blocks, and Python refuses it.
            if ["ec-nistP256", "aes256"].contains(key) && (*scheme != "kw" || plain.len().is_multiple_of(8)) {
                made.push(("python", python_wraps(scheme, &[], &plain)));
            }
            for (maker, wrapped) in made {
                let why = format!("{key} by {scheme} of {maker}");
                let path = token.file("wrapped", &wrapped);
                let import = [&import(key, scheme, &path)[..], &["--export-policy", "plaintext"]].concat();
                let document = token.json(&import);
                assert_eq!(document["route"], "unwrap", "{why}");
                if key.starts_with("aes") {
                    let exported = token.export("x", "raw", &["--allow-plaintext"]);
                    assert!(exported == plain, "{why}");
                } else {
                    assert_eq!(document["verified"], "signature", "{why}");
                    assert_signs(&token, "x", key);
                }
                token.cng11(&["delete", "x", "--yes"]).ok();
            }
        }
    }
}

#[test]
fn an_aes_key_unwrapped_from_each_scheme_encrypts_as_openssl_does() {
    let token = token_with_keks();
    let plain = token.file("plain", [7; 32]);
    let key = support::wrapping::hex(&vector("aes128.raw.bin"));
    let expected = openssl(&["enc", "-aes-128-ecb", "-nopad", "-K", &key, "-in", &plain], None);
    for scheme in SCHEMES {
        let path = token.file("wrapped", openssl_wraps(scheme, &vector("aes128.raw.bin")));
        let document = token.json(&import("aes128", scheme, &path));
        assert_eq!((&document["algorithm"], &document["bits"]), (&"AES".into(), &128.into()), "{scheme}");
        let id = document["id"].as_str().expect("an id").to_owned();
        let cipher = token.path_text("cipher");
        token.pkcs11_tool(&["--encrypt", "--id", &id, "-m", "AES-ECB", "-i", &plain, "-o", &cipher]).ok();
        assert!(token.read("cipher") == expected, "{scheme}");
        token.cng11(&["delete", "x", "--yes"]).ok();
    }
}

/// A refusal of something that the token does not have: nothing is written anywhere.
#[track_caller]
fn assert_refused(token: &TestToken, arguments: &[&str], mechanism: &str, ckr: &str, hint: &str) {
    let before = token.contents();
    let error = token.json_error(arguments, 3);
    assert_eq!(error["layer"], "wrap", "{arguments:?}: {error}");
    assert_eq!(error["ckr"], ckr, "{arguments:?}: {error}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains(mechanism)), "{arguments:?}: {error}");
    assert!(error["hint"].as_str().is_some_and(|said| said.contains(hint)), "{arguments:?}: {error}");
    assert_eq!(token.contents(), before, "{arguments:?}");
    assert!(!token.path("refused").exists(), "{arguments:?}");
}

#[test]
fn a_scheme_that_the_token_does_not_have_is_refused_by_name_both_ways() {
    let token = token_with_keks();
    for key in ["ec-nistP256", "aes256"] {
        import_passenger(&token, key, "encrypted");
    }
    let out = token.path_text("refused");
    let hint = "this token says that it can do: kw, kwp, rsa-oaep, rsa-aes";
    for (scheme, mechanism) in MISSING {
        for key in ["ec-nistP256", "aes256"] {
            assert_refused(&token, &export(key, scheme, &out), mechanism, "CKR_MECHANISM_INVALID", hint);
            let wrapped = token.file("wrapped", python_wraps(scheme, &[], &vector(&key_file(key))));
            assert_refused(&token, &import(key, scheme, &wrapped), mechanism, "CKR_MECHANISM_INVALID", hint);
        }
    }
}

#[test]
fn rsa_oaep_with_another_hash_or_a_label_is_refused_by_name_both_ways() {
    let token = token_with_keks();
    import_passenger(&token, "aes256", "encrypted");
    let out = token.path_text("refused");
    let hint = "SHA1, without a label only";
    for (options, python) in MISSING_OAEP {
        for scheme in ["rsa-oaep", "rsa-aes"] {
            let wrapped = token.file("wrapped", python_wraps(scheme, python, &vector("aes256.raw.bin")));
            for arguments in [export("aes256", scheme, &out), import("aes256", scheme, &wrapped)] {
                let arguments = [&arguments[..], options].concat();
                assert_refused(&token, &arguments, "CKM_RSA_PKCS_OAEP", "CKR_ARGUMENTS_BAD", hint);
            }
        }
    }
    // Unsaid, the hashes that the token has are tried: to it the file is damaged.
    let wrapped = token.file("wrapped", python_wraps("rsa-oaep", &["sha256"], &vector("aes256.raw.bin")));
    let before = token.contents();
    assert_eq!(token.json_error(&import("aes256", "rsa-oaep", &wrapped), 1)["status"], "NTE_BAD_DATA");
    assert_eq!(token.contents(), before);
}

#[test]
fn rsa_oaep_carries_no_private_key_here() {
    let token = token_with_keks();
    let out = token.path_text("refused");
    for key in ["ec-nistP256", "rsa2048-e65537"] {
        import_passenger(&token, key, "encrypted");
        let arguments = export(key, "rsa-oaep", &out);
        assert_refused(&token, &arguments, "CKM_RSA_PKCS_OAEP", "CKR_KEY_NOT_WRAPPABLE", "rsa-aes carry any key");
    }
}

#[test]
fn what_does_not_go_together_is_a_usage_error() {
    let token = token_with_keks();
    import_passenger(&token, "aes256", "encrypted");
    import_passenger(&token, "ec-nistP256", "encrypted");
    let out = token.path_text("out");
    let wrapped = token.file("wrapped", openssl_wraps("rsa-aes", &vector("aes256.raw.bin")));
    let public = vector_text(&format!("{RSA_KEK}.spki.bin"));
    let private = vector_text(&format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"));
    let secret = vector_text("aes128.KeyDataBlob.bin");
    let before = token.contents();
    let export = |more: &[&str]| {
        [&["export", "aes256", "--type", "raw", "-o", &out], more].concat().into_iter().map(str::to_owned).collect()
    };
    let import = |more: &[&str]| {
        let start = ["import", &wrapped, "--name", "x", "--type", "raw"];
        [&start, more].concat().into_iter().map(str::to_owned).collect()
    };
    let mut cases: Vec<(Vec<String>, &str)> = vec![
        (export(&["--scheme", "kwp"]), "how a key is wrapped"),
        (export(&["--oaep-hash", "sha1", "--allow-plaintext"]), "how a key is wrapped"),
        (export(&["--wrap-to", &private]), "holds a private or secret key, not a public one"),
        (export(&["--wrap-to", &secret]), "holds a private or secret key, not a public one"),
        (export(&["--wrap-key", "kek", "--wrap-to", &public]), "is for one recipient, not for 2"),
        (export(&["--wrap-to", &public, "--wrap-to", &public]), "is for one recipient, not for 2"),
        (export(&["--wrap-key", "kek", "--scheme", "rot13"]), "unknown scheme"),
        (import(&["--scheme", "rsa-aes"]), "--unwrap-key"),
        (import(&["--oaep-hash", "sha1"]), "are about a wrapped file"),
        (import(&["--unwrap-key", "rsa kek", "--oaep-label", "0g"]), "it is not hexadecimal"),
    ];
    for scheme in ["kw", "kwp", "kw-pkcs7", "cbc-pad", "gcm"] {
        let words = "wraps under an AES key, and";
        cases.push((export(&["--wrap-key", "rsa kek", "--scheme", scheme]), words));
        cases.push((export(&["--wrap-to", &public, "--scheme", scheme]), words));
        cases.push((import(&["--unwrap-key", "rsa kek", "--scheme", scheme]), words));
    }
    for scheme in ["rsa-oaep", "rsa-aes"] {
        let words = "wraps under an RSA key, and `kek` is an AES key";
        cases.push((export(&["--wrap-key", "kek", "--scheme", scheme]), words));
        cases.push((import(&["--unwrap-key", "kek", "--scheme", scheme]), words));
    }
    for (arguments, words) in cases {
        let error = token.json_error(&arguments, 2);
        assert!(error["message"].as_str().is_some_and(|said| said.contains(words)), "{arguments:?}: {error}");
        assert!(error["hint"].is_string(), "{arguments:?}: {error}");
        assert!(!token.path("out").exists(), "{arguments:?}");
    }
    // Not a matter of the command line: the file is a good public key, and of no kind that wraps.
    let ec = vector_text("ec-nistP256.spki.bin");
    for kind in ["raw", "PKCS7_ENVELOPE"] {
        let error = token.json_error(&["export", "aes256", "--type", kind, "-o", &out, "--wrap-to", &ec], 3);
        let words = "the public key is neither an AES nor an RSA key, so it cannot wrap others";
        assert_eq!(error["message"], words, "{kind}");
        assert!(!token.path("out").exists(), "{kind}");
    }
    assert_eq!(token.contents(), before);
}

#[test]
fn what_was_changed_or_cut_off_on_the_way_creates_nothing_by_any_scheme() {
    let token = token_with_keks();
    let before = token.contents();
    for key in ["ec-nistP256", "aes256"] {
        for scheme in SCHEMES.iter().filter(|scheme| carries(scheme, key)) {
            let good = openssl_wraps(scheme, &vector(&key_file(key)));
            let len = good.len();
            let mut bad = vec![Vec::new(), good[..len - 1].to_vec(), good[..len - 8].to_vec(), good[..8].to_vec()];
            bad.push([&good[..], &[0; 8]].concat());
            // RSA-AES has two parts, and each is changed.
            let mut places = vec![0, 9, len / 2, len - 1];
            if *scheme == "rsa-aes" {
                bad.push(good[..MODULUS].to_vec());
                bad.push(good[MODULUS..].to_vec());
                places.extend([MODULUS / 2, MODULUS - 1, MODULUS, MODULUS + 8]);
            }
            for at in places {
                let mut changed = good.clone();
                changed[at] ^= 0x10;
                bad.push(changed);
            }
            for (number, bytes) in bad.iter().enumerate() {
                let path = token.file("bad", bytes);
                let error = token.json_error(&import(key, scheme, &path), 1);
                assert_eq!(error["status"], "NTE_BAD_DATA", "{key} by {scheme}, {number}: {error}");
                assert!(error["hint"].is_string(), "{key} by {scheme}, {number}: {error}");
            }
        }
    }
    assert_eq!(token.contents(), before);
}
