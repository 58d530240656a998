//! A key that goes round: from SoftHSM2 to Kryoptic, to NSS and back to SoftHSM2, as `OpaqueTransport`, wrapped all the way.
//!
//! Not part of `cargo test`: `scripts/tokens round` sets both others up and runs this, with their modules in `CNG11_TEST_KRYOPTIC` and `CNG11_TEST_NSS`.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

mod support;

use std::collections::BTreeMap;

use serde_json::json;

use self::support::wrapping::{algorithm_of, assert_is_the_key, assert_signs, key_file};
use self::support::{Run, TestToken, openssl, set_up, softhsm_module};

/// A token behind the module that a variable names, with an RSA key under which others come in, and that key's public half in a file.
fn token(variable: &str, set_up: fn(&mut TestToken)) -> (TestToken, String) {
    let module =
        std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} names the module; run `scripts/tokens round`"));
    let mut token = TestToken::blank().with_module(module);
    set_up(&mut token);
    with_door(token)
}

fn with_door(token: TestToken) -> (TestToken, String) {
    token.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    let door = token.file("door", token.export("door", "spki", &[]));
    (token, door)
}

#[test]
fn a_key_goes_round_and_is_what_it_was() {
    let (softhsm, softhsm_door) = with_door(TestToken::new());
    let (kryoptic, kryoptic_door) = token("CNG11_TEST_KRYOPTIC", set_up::kryoptic);
    let (nss, nss_door) = token("CNG11_TEST_NSS", set_up::nss);
    for (key, usage) in [
        ("rsa2048-e65537", "sign"),
        ("rsa3072-e17", "sign,decrypt"),
        ("ec-nistP256", "sign"),
        ("ec-nistP384", "sign"),
        ("ec-nistP521", "sign"),
        ("aes128", "decrypt"),
        ("aes256", "decrypt"),
    ] {
        let more = [algorithm_of(key), &["--export-policy", "encrypted", "--usage", usage]].concat();
        let made = softhsm.import(&key_file(key), key, &more);
        let sent = softhsm.path_text("sent");
        for (from, to, door) in
            [(&softhsm, &kryoptic, &kryoptic_door), (&kryoptic, &nss, &nss_door), (&nss, &softhsm, &softhsm_door)]
        {
            // The last of them has OAEP with SHA-1 only.
            let export = ["export", key, "--type", "OpaqueTransport", "--wrap-to", door, "--oaep-hash", "sha1"];
            from.cng11(&[&export[..], &["-o", &sent, "--force"]].concat()).ok();
            from.cng11(&["delete", key, "--yes"]).ok();
            let moved = to.json(&["import", &sent, "--unwrap-key", "door"]);
            for field in ["name", "algorithm", "bits", "usage", "export_policy", "id", "curve", "fingerprint_sha256"] {
                assert_eq!(moved[field], made[field], "{key}: {field}");
            }
            assert_eq!(moved["route"], "unwrap", "{key}");
            if key.starts_with("aes") {
                // Wrapped for a key that is known outside, it is the same.
                let to_known = ["export", key, "--type", "raw", "--scheme", "rsa-oaep", "--oaep-hash", "sha1"];
                let public = support::vector_text(&format!("{}.spki.bin", support::wrapping::RSA_KEK));
                let out = to.path_text("out");
                to.cng11(&[&to_known[..], &["--wrap-to", &public, "-o", &out, "--force"]].concat()).ok();
                assert_is_the_key(key, &support::wrapping::openssl_unwraps("rsa-oaep", &to.read("out")), key);
            } else {
                assert_eq!(moved["verified"], json!("signature"), "{key}");
                assert_signs(to, key, key);
            }
        }
        softhsm.cng11(&["delete", key, "--yes"]).ok();
    }
    for token in [&softhsm, &kryoptic, &nss] {
        assert_eq!(token.names(), ["door"]);
    }
}

/// Three hundred keys of many kinds, with policies, uses and certificates of their own, as files and a manifest.
fn furnish(token: &TestToken) -> String {
    let folder = token.path("many");
    std::fs::create_dir(&folder).expect("a folder");
    let at = |file: &str| folder.join(file).to_str().expect("a path").to_owned();
    let mut manifest = String::new();
    let mut number = 0;
    let mut add = |entry: serde_json::Value| manifest.push_str(&format!("{entry}\n"));
    let mut name = |kind: &str| {
        number += 1;
        format!("{kind} {number}")
    };
    let policy = |at: usize| ["encrypted", "plaintext", "encrypted"][at % 3];
    let make = |kind: &[&str], file: &str| {
        drop(openssl(&[&["genpkey"], kind, &["-outform", "DER", "-out", file]].concat(), None));
    };
    for at_rsa in 0..20 {
        let file = at(&format!("rsa{at_rsa}.der"));
        make(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-quiet"], &file);
        let usage = ["sign", "sign,decrypt", "decrypt"][at_rsa % 3];
        add(json!({"file": file, "name": name("rsa"), "export_policy": policy(at_rsa), "usage": usage}));
    }
    for (curve, count) in [("P-256", 100), ("P-384", 50), ("P-521", 30)] {
        for number in 0..count {
            let file = at(&format!("{curve}-{number}.der"));
            make(&["-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")], &file);
            let mut entry = json!({"file": file, "name": name(curve), "export_policy": policy(number)});
            if number % 10 == 0 {
                let certificate = at(&format!("{curve}-{number}.pem"));
                let request = ["req", "-x509", "-subj", "/CN=a key", "-key", &file, "-keyform", "DER"];
                drop(openssl(&[&request[..], &["-out", &certificate]].concat(), None));
                entry["certificate"] = json!(certificate);
            }
            if number % 7 == 3 {
                entry["id"] = json!(format!("{number:04x}{:04x}", curve.len() + count));
            }
            add(entry);
        }
    }
    for (algorithm, lengths, usage, count) in [
        ("AES", &[16, 24, 32][..], "decrypt", 60),
        ("AES", &[16, 32][..], "wrap", 20),
        ("HMAC", &[32, 64][..], "sign", 20),
    ] {
        for number in 0..count {
            let mut bytes = vec![0; lengths[number % lengths.len()]];
            getrandom::fill(&mut bytes).expect("random bytes");
            let file = at(&format!("{algorithm}-{usage}-{number}.bin"));
            std::fs::write(&file, &bytes).expect("a file");
            let (policy, name) = (policy(number), name(algorithm));
            add(
                json!({"file": file, "type": "raw", "algorithm": algorithm, "name": name, "usage": usage, "export_policy": policy}),
            );
        }
    }
    token.file("many.jsonl", manifest)
}

/// Everything that goes along with a key, of each key by its name. A token shows no more of what came wrapped than that it may leave.
fn inventory(token: &TestToken) -> BTreeMap<String, serde_json::Value> {
    let listing = token.json(&["list"]);
    let mut keys = BTreeMap::new();
    for key in listing["keys"].as_array().expect("keys") {
        let mut shown = json!({});
        for field in ["algorithm", "bits", "curve", "id", "usage", "export_policy", "certificate", "fingerprint_sha256"]
        {
            shown[field] = key[field].clone();
        }
        let before = keys.insert(key["name"].as_str().expect("a name").to_owned(), shown);
        assert!(before.is_none(), "{key}");
    }
    keys
}

/// `migrate` between tokens behind two modules.
fn migrate(from: &TestToken, to: &TestToken, more: &[&str]) -> Run {
    let uri = |token: &TestToken| {
        let module = token.module().to_str().expect("a path");
        format!("pkcs11:token={}?module-path={module}", TestToken::LABEL.replace(' ', "%20"))
    };
    let (source, target) = (uri(from), uri(to));
    let arguments = [&["--json", "migrate", "--from", &source, "--to", &target], more].concat();
    from.cng11_with(&arguments, None, |command| {
        command.env_remove("CNG11_MODULE");
        for (name, value) in to.command("other").get_envs() {
            let is_own = ["PATH", "HOME", "TMPDIR", "LC_ALL"].iter().any(|own| name == *own);
            // Of two tokens of SoftHSM2 one configuration has the other.
            if let (false, Some(value)) = (is_own, value)
                && (name != "SOFTHSM2_CONF" || from.module() != softhsm_module())
            {
                command.env(name, value);
            }
        }
    })
}

#[test]
fn three_hundred_keys_move_to_another_token_and_back() {
    let softhsm = TestToken::new();
    let variable = "CNG11_TEST_KRYOPTIC";
    let module = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable}; run `scripts/tokens round`"));
    let mut kryoptic = TestToken::blank().with_module(module);
    set_up::kryoptic(&mut kryoptic);
    let manifest = furnish(&softhsm);
    let imported = softhsm.json(&["bulk", "import", &manifest]);
    assert_eq!((imported["imported"].as_u64(), imported["failed"].as_u64()), (Some(300), Some(0)), "{imported}");
    // One that may not leave, which nobody can move.
    softhsm.cng11(&["generate", "stays", "--algorithm", "ECDSA_P256"]).ok();
    let mut made = inventory(&softhsm);
    made.remove("stays");

    let report = softhsm.path_text("report");
    let moved = migrate(&softhsm, &kryoptic, &["--report", &report]).code(5).json();
    assert_eq!((moved["imported"].as_u64(), moved["failed"].as_u64()), (Some(300), Some(1)), "{moved}");
    assert_eq!(moved["failures"][0]["source"], json!("stays"));
    assert_eq!(inventory(&kryoptic), made);
    // Each was proven there.
    for line in String::from_utf8(softhsm.read("report")).expect("text").lines() {
        let key: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let name = key["name"].as_str().unwrap_or_default();
        let expected = match name.split(' ').next() {
            Some("AES" | "HMAC") => &["kcv"][..],
            Some("rsa") => &["signature", "decryption"][..],
            Some(_) if key["source"] != "stays" => &["signature"][..],
            _ => continue,
        };
        assert!(expected.iter().any(|word| key["verified"] == *word), "{line}");
    }
    // Once more: it is all there.
    let again = migrate(&softhsm, &kryoptic, &[]).code(5).json();
    assert_eq!((again["identical"].as_u64(), again["failed"].as_u64()), (Some(300), Some(1)), "{again}");

    let back = TestToken::new();
    let returned = migrate(&kryoptic, &back, &[]).ok().json();
    assert_eq!(returned["imported"].as_u64(), Some(300), "{returned}");
    assert_eq!(inventory(&back), made);
    // What signs there now verifies with the public halves of the beginning.
    let (data, signature) = (back.file("data", "what is signed"), back.path_text("signature"));
    for (name, key) in &made {
        let number: usize = name.split(' ').next_back().and_then(|number| number.parse().ok()).unwrap_or(0);
        if number % 20 == 1 && key["fingerprint_sha256"].is_string() && key["usage"][0] == "sign" {
            back.cng11(&["sign", name, "--format", "der", &data, "-o", &signature]).ok();
            let public = back.file("public", softhsm.export(name, "spki", &[]));
            openssl(&["dgst", "-sha256", "-keyform", "DER", "-verify", &public, "-signature", &signature, &data], None);
        }
    }
}
