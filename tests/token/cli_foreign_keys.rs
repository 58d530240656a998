//! Keys that other programs wrote are keys: listed, opened by name and by URI, exported, used.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support::{TestToken, openssl, vector, vector_text};

/// Writes a vector with pkcs11-tool.
fn write(token: &TestToken, vector: &str, class: &str, id: &str, label: &str) {
    let file = vector_text(vector);
    token.pkcs11_tool(&["--write-object", &file, "--type", class, "--id", id, "--label", label]).ok();
}

fn key_of<'a>(listing: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let keys = listing["keys"].as_array().expect("keys are an array");
    keys.iter().find(|key| key["name"] == name).unwrap_or_else(|| panic!("`{name}` is not in {listing}"))
}

#[test]
fn keys_of_pkcs11_tool_are_listed_opened_by_name_and_by_uri_and_exported() {
    let token = TestToken::new();
    let rows = [
        ("rsa2048-e65537", "01", "RSA", 2048, "RSAPUBLICBLOB", "rsa2048-e65537.RSAPUBLICBLOB.bin"),
        ("rsa3072-e17", "02", "RSA", 3072, "RSAPUBLICBLOB", "rsa3072-e17.RSAPUBLICBLOB.bin"),
        ("ec-nistP256", "03", "ECDSA_P256", 256, "ECCPUBLICBLOB", "ec-nistP256.ECDSA.ECCPUBLICBLOB.bin"),
        ("ec-nistP521", "a0b1", "ECDSA_P521", 521, "ECCPUBLICBLOB", "ec-nistP521.ECDSA.ECCPUBLICBLOB.bin"),
        ("ec-secP256k1", "05", "ECDSA", 256, "ECCPUBLICBLOB", "ec-secP256k1.GENERIC-ECDSA.ECCPUBLICBLOB.bin"),
    ];
    for (key, id, ..) in rows {
        write(&token, &format!("{key}.PKCS8_PRIVATEKEY.bin"), "privkey", id, key);
        write(&token, &format!("{key}.spki.bin"), "pubkey", id, key);
    }
    let listing = token.json(&["list"]);
    for (key, id, algorithm, bits, kind, expected) in rows {
        let listed = key_of(&listing, key);
        assert_eq!(listed["algorithm"], algorithm, "{key}");
        assert_eq!(listed["bits"], bits, "{key}");
        assert_eq!(listed["id"], id, "{key}");
        assert_eq!(listed["private"], true, "{key}");
        assert_eq!(listed["public"], true, "{key}");
        assert_eq!(listed["export_policy"], serde_json::json!([]), "{key}");
        let digest = openssl(&["dgst", "-sha256", "-r", &vector_text(&format!("{key}.spki.bin"))], None);
        let digest = String::from_utf8_lossy(&digest).split(' ').next().unwrap_or_default().to_owned();
        assert_eq!(listed["fingerprint_sha256"], digest, "{key}");
        let uri = listed["unique_name"].as_str().expect("a URI is text");
        let by_id = format!(
            "pkcs11:id=%{}",
            id.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join("%")
        );
        for name in [key, uri, &format!("pkcs11:object={key}"), &by_id, &format!("{by_id};type=private")] {
            assert!(token.export(name, kind, &[]) == vector(expected), "{key} as {name}");
            assert_eq!(token.json(&["show", name])["name"], key, "{key} as {name}");
        }
        let error = token.json_error(&["export", key, "--type", "PKCS8_PRIVATEKEY", "--allow-plaintext"], 3);
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{key}");
    }
}

#[test]
fn an_aes_key_of_pkcs11_tool_is_a_key_and_exportable_if_it_was_made_so() {
    let token = TestToken::new();
    let file = vector_text("aes256.raw.bin");
    let write = ["--write-object", &file, "--type", "secrkey", "--key-type", "AES:32"];
    token.pkcs11_tool(&[&write[..], &["--id", "11", "--label", "kept"]].concat()).ok();
    token.pkcs11_tool(&[&write[..], &["--id", "12", "--label", "free", "--extractable"]].concat()).ok();
    let listing = token.json(&["list"]);
    for (name, policy) in [("kept", serde_json::json!([])), ("free", serde_json::json!(["encrypted", "plaintext"]))] {
        let key = key_of(&listing, name);
        assert_eq!(key["algorithm"], "AES");
        assert_eq!(key["bits"], 256);
        assert_eq!(key["export_policy"], policy, "{key}");
        assert!(key.get("fingerprint_sha256").is_none(), "{key}");
    }
    assert!(token.export("free", "KeyDataBlob", &["--allow-plaintext"]) == vector("aes256.KeyDataBlob.bin"));
    token.cng11(&["export", "kept", "--type", "KeyDataBlob", "--allow-plaintext"]).code(3);
}

#[test]
fn keys_of_p11tool_without_a_public_object_still_have_their_public_half() {
    let token = TestToken::new();
    let url = format!("pkcs11:token={}", TestToken::LABEL.replace(' ', "%20"));
    let rows = [
        ("ec-nistP256", "ECCPUBLICBLOB", "ec-nistP256.ECDSA.ECCPUBLICBLOB.bin"),
        ("ec-nistP384", "ECCPUBLICBLOB", "ec-nistP384.ECDSA.ECCPUBLICBLOB.bin"),
        ("ec-nistP521-shortd", "ECCPUBLICBLOB", "ec-nistP521-shortd.ECDSA.ECCPUBLICBLOB.bin"),
        ("ec-nistP256-shortx", "ECCPUBLICBLOB", "ec-nistP256-shortx.ECDSA.ECCPUBLICBLOB.bin"),
        ("rsa2048-e3", "RSAPUBLICBLOB", "rsa2048-e3.RSAPUBLICBLOB.bin"),
    ];
    for (key, ..) in rows {
        let file = vector_text(&format!("{key}.PKCS8_PRIVATEKEY.bin"));
        token.p11tool(&["--write", "--load-privkey", &file, "--inder", "--label", key, &url]).ok();
    }
    let data = token.file("data", "what is signed");
    let signature = token.path_text("signature");
    let before = token.object_files();
    let listing = token.json(&["list"]);
    for (key, kind, expected) in rows {
        let listed = key_of(&listing, key);
        assert_eq!(listed["private"], true, "{key}");
        assert_eq!(listed["public"], false, "{key}");
        // A list makes no signatures, so it does not find the point out; show does.
        let shown = token.json(&["show", key]);
        assert!(shown["fingerprint_sha256"].is_string(), "{shown}");
        assert!(token.export(key, kind, &[]) == vector(expected), "{key}");
        assert!(token.export(key, "spki", &[]) == vector(&format!("{key}.spki.bin")), "{key}");
        token.cng11(&["sign", key, &data, "-o", &signature]).ok();
        token.cng11(&["verify", key, &data, &signature]).ok();
    }
    assert_eq!(token.object_files(), before, "looking at keys writes nothing");
}

#[test]
fn one_label_for_two_keys_is_an_error_that_lists_uris_which_work() {
    let token = TestToken::new();
    for (key, id) in [("ec-nistP256", "01"), ("ec-nistP384", "02")] {
        write(&token, &format!("{key}.PKCS8_PRIVATEKEY.bin"), "privkey", id, "twins");
        write(&token, &format!("{key}.spki.bin"), "pubkey", id, "twins");
    }
    let before = token.contents();
    let error = token.json_error(&["show", "twins"], 1);
    let message = error["message"].as_str().expect("a message is text");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("URI")), "{error}");
    let uris: Vec<&str> = message.split([' ', ',']).filter(|word| word.starts_with("pkcs11:")).collect();
    assert_eq!(uris.len(), 2, "{message}");
    let mut bits = Vec::new();
    for uri in &uris {
        bits.push(token.json(&["show", uri])["bits"].as_u64());
        let kind = token.export(uri, "ECCPUBLICBLOB", &[]);
        assert!(!kind.is_empty());
    }
    bits.sort_unstable();
    assert_eq!(bits, [Some(256), Some(384)]);

    // Nothing is deleted, renamed or overwritten while it is not clear which.
    let file = vector_text("ec-nistP521.ECDSA.ECCPRIVATEBLOB.bin");
    for arguments in [
        &["delete", "twins", "--yes"][..],
        &["rename", "twins", "other"],
        &["set", "twins", "Key Usage", "sign"],
        &["import", &file, "--name", "twins", "--overwrite"],
        &["import", &file, "--name", "twins"],
    ] {
        token.json_error(arguments, 1);
        assert_eq!(token.contents(), before, "{arguments:?}");
    }
    token.cng11(&["rename", uris[0], "one"]).ok();
    token.cng11(&["delete", uris[1], "--yes"]).ok();
    assert_eq!(token.names(), ["one"]);
    assert_eq!(token.object_files(), 2);
}

#[test]
fn two_keys_that_nothing_tells_apart_are_told_of_and_left_alone() {
    let token = TestToken::new();
    for _ in 0..2 {
        write(&token, "ec-nistP256.PKCS8_PRIVATEKEY.bin", "privkey", "01", "twins");
    }
    let before = token.contents();
    for name in ["twins", "pkcs11:object=twins", "pkcs11:id=%01;type=private"] {
        for arguments in [&["show", name][..], &["delete", name, "--yes"], &["rename", name, "other"]] {
            let error = token.json_error(arguments, 1);
            let message = error["message"].as_str().expect("a message is text");
            assert!(message.matches("object=twins").count() >= 2, "{arguments:?}: {message}");
            assert_eq!(token.contents(), before, "{arguments:?}");
        }
    }
}

#[test]
fn a_key_without_a_label_is_reached_by_its_uri_and_can_be_named() {
    let token = TestToken::new();
    let file = vector_text("rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    token.pkcs11_tool(&["--write-object", &file, "--type", "privkey", "--id", "51"]).ok();
    assert_eq!(token.names(), [""]);
    let uri = token.json(&["list"])["keys"][0]["unique_name"].as_str().expect("a URI").to_owned();
    for name in [&uri[..], "pkcs11:id=%51"] {
        assert!(token.export(name, "RSAPUBLICBLOB", &[]) == vector("rsa2048-e65537.RSAPUBLICBLOB.bin"), "{name}");
    }
    token.cng11(&["rename", &uri, "named"]).ok();
    assert_eq!(token.names(), ["named"]);
}

#[test]
fn a_lone_public_object_is_not_a_key_but_is_listed_among_all() {
    let token = TestToken::new();
    write(&token, "ec-nistP256.spki.bin", "pubkey", "01", "lone");
    assert!(token.names().is_empty());
    let all = token.json(&["list", "--all"]);
    assert_eq!(all["keys"], serde_json::json!([]));
    assert_eq!(all["public_only"][0]["name"], "lone", "{all}");
    assert_eq!(all["public_only"][0]["private"], false);
    assert_eq!(token.json_error(&["show", "lone"], 1)["status"], "NTE_BAD_KEYSET");

    // Its name is free, and it is not touched when another key takes it.
    token.import("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin", "lone", &[]);
    assert_eq!(token.json(&["show", "lone"])["bits"], 384);
    token.cng11(&["delete", "lone", "--yes"]).ok();
    let all = token.json(&["list", "--all"]);
    assert_eq!(all["public_only"][0]["bits"], 256, "{all}");
}

#[test]
fn a_foreign_key_is_renamed_narrowed_and_deleted_with_its_public_object() {
    let token = TestToken::new();
    write(&token, "rsa2048-e65537.PKCS8_PRIVATEKEY.bin", "privkey", "01", "old");
    write(&token, "rsa2048-e65537.spki.bin", "pubkey", "01", "old");
    token.cng11(&["rename", "old", "new"]).ok();
    let key = token.json(&["show", "new"]);
    assert_eq!((&key["private"], &key["public"]), (&true.into(), &true.into()), "{key}");
    token.cng11(&["set", "new", "Key Usage", "sign"]).ok();
    assert_eq!(token.json(&["show", "new"])["usage"], serde_json::json!(["sign"]));
    token.cng11(&["delete", "new", "--yes"]).ok();
    assert_eq!(token.object_files(), 0);
}
