//! Each command by itself: what it does, the JSON that programs read, and where options, variables and files are taken from.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use serde_json::{Value, json};

use crate::support::{Run, TestToken, manifest, number, tool, vector, vector_text};

#[track_caller]
fn names_of(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap_or_else(|| panic!("{object} is no object"));
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

const KEY_FIELDS: &[&str] = &[
    "algorithm",
    "bits",
    "certificate",
    "export_policy",
    "fingerprint_sha256",
    "id",
    "name",
    "private",
    "public",
    "unique_name",
    "usage",
];

/// The fields of a key object, with what else is in the document.
fn key_fields<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut fields: Vec<&str> = KEY_FIELDS.iter().copied().chain(more.iter().copied()).collect();
    fields.sort_unstable();
    fields
}

#[test]
fn a_token_is_initialised_once_under_a_label() {
    let token = TestToken::blank();
    let before = token.json(&["token", "list"]);
    assert_eq!(before["tokens"][0]["initialized"], false, "{before}");
    assert_eq!(names_of(&token.json(&["token", "init", "--label", "one"])), ["initialized", "label", "schema"]);
    let error = token.json_error(&["token", "init", "--label", "one"], 1);
    assert!(error["hint"].is_string(), "{error}");

    // The SO PIN from a source, the user's from the usual one.
    let so_pin = token.file("so-pin", TestToken::SO_PIN);
    token.cng11(&["token", "init", "--label", "two", "--so-pin-source", &format!("file:{so_pin}")]).ok();
    let document = token.json(&["token", "list"]);
    let tokens = document["tokens"].as_array().expect("tokens are an array");
    for label in ["one", "two"] {
        let found = tokens.iter().find(|token| token["label"] == label).expect("the token is listed");
        assert_eq!((&found["initialized"], &found["user_pin_set"]), (&true.into(), &true.into()), "{found}");
        let uri = found["uri"].as_str().expect("a URI");
        token.cng11(&["list", "--token", uri]).ok();
        token.cng11(&["list", "--token", label]).ok();
    }
    let text = token.cng11(&["token", "list"]).ok().text();
    assert!(text.contains("one") && text.contains("two") && text.contains("ready"), "{text}");
    // Without either PIN nothing is asked, and nothing is made.
    for missing in ["CNG11_PIN", "CNG11_SO_PIN"] {
        let run = token.cng11_with(&["token", "init", "--label", "three"], None, |command| {
            command.env_remove(missing);
        });
        run.code(4).says("hint: ");
    }
    assert!(!token.cng11(&["token", "list"]).ok().text().contains("three"));
}

#[test]
fn the_json_of_import_list_and_show_is_as_documented() {
    let token = TestToken::new();
    assert_eq!(token.json(&["list"]), json!({ "schema": "cng11/1", "keys": [] }));
    let ec = token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &[]);
    assert_eq!(names_of(&ec), key_fields(&["curve", "route", "schema", "verified", "warnings"]));
    let rsa = token.import("rsa2048-e65537.RSAPRIVATEBLOB.bin", "rsa", &["--export-policy", "encrypted"]);
    assert_eq!(names_of(&rsa), key_fields(&["route", "schema", "verified", "warnings"]));
    let aes =
        token.import("aes256.KeyDataBlob.bin", "aes", &["--export-policy", "plaintext", "--usage", "decrypt,wrap"]);
    let fields = key_fields(&["route", "schema", "verified", "warnings"]);
    let fields: Vec<_> = fields.into_iter().filter(|field| *field != "fingerprint_sha256").collect();
    assert_eq!(names_of(&aes), fields);

    for (document, route, verified) in [(&ec, "copy", "signature"), (&rsa, "copy", "signature"), (&aes, "copy", "kcv")]
    {
        assert_eq!(document["route"], route, "{document}");
        assert_eq!(document["verified"], verified, "{document}");
    }
    let list = token.json(&["list"]);
    assert_eq!(names_of(&list), ["keys", "schema"]);
    assert_eq!(names_of(&token.json(&["list", "--all"])), ["keys", "public_only", "schema", "torn", "unfinished"]);
    let keys = list["keys"].as_array().expect("keys are an array");
    assert_eq!(keys.len(), 3, "{list}");
    for (listed, made) in keys.iter().zip([&aes, &ec, &rsa]) {
        for field in names_of(listed) {
            assert_eq!(listed[field], made[field], "{field}");
        }
        let shown = token.json(&["show", made["name"].as_str().expect("a name")]);
        for field in names_of(listed) {
            assert_eq!(listed[field], shown[field], "{field}");
        }
        assert!(shown["properties"]["Length"].is_number(), "{shown}");
        assert_eq!(shown["certificate"], false, "{shown}");
    }
    assert_eq!(ec["algorithm"], "ECDSA_P256");
    assert_eq!(ec["curve"], "nistP256");
    assert_eq!(ec["bits"], 256);
    assert_eq!((&ec["private"], &ec["public"]), (&true.into(), &true.into()));
    assert_eq!((&aes["private"], &aes["public"]), (&true.into(), &false.into()));
    assert_eq!(rsa["export_policy"], json!(["encrypted"]));
    assert_eq!(aes["export_policy"], json!(["encrypted", "plaintext"]));
    assert_eq!(aes["usage"], json!(["decrypt", "wrap"]));
    // Words for people: a header and a line a key.
    let text = token.cng11(&["list"]).ok().text();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("NAME") && lines.len() == 4, "{text}");
    assert!(lines[1].starts_with("aes") && lines[2].contains("ECDSA_P256") && lines[3].contains("encrypted"), "{text}");
    assert!(token.cng11(&["show", "ec"]).ok().text().contains("private key, public key"));
}

#[test]
fn keys_are_generated_on_the_token_with_policy_and_usage() {
    let token = TestToken::new();
    let data = token.file("data", "what is signed");
    let signature = token.path_text("signature");
    for (name, options, algorithm, bits, curve, usage) in [
        ("rsa", &["--algorithm", "RSA"][..], "RSA", 2048, None, json!(["sign", "decrypt"])),
        ("rsa3072", &["--algorithm", "rsa", "--bits", "3072"], "RSA", 3072, None, json!(["sign", "decrypt"])),
        ("p256", &["--algorithm", "ECDSA_P256"], "ECDSA_P256", 256, Some("nistP256"), json!(["sign"])),
        ("p384", &["--algorithm", "ECDSA_P384"], "ECDSA_P384", 384, Some("nistP384"), json!(["sign"])),
        ("p521", &["--algorithm", "ECDSA_P521"], "ECDSA_P521", 521, Some("nistP521"), json!(["sign"])),
        (
            "generic",
            &["--algorithm", "ECDSA", "--curve", "nistP384"],
            "ECDSA_P384",
            384,
            Some("nistP384"),
            json!(["sign"]),
        ),
        ("k1", &["--algorithm", "ECDSA", "--curve", "secp256k1"], "ECDSA", 256, Some("secP256k1"), json!(["sign"])),
        ("ecdh", &["--algorithm", "ECDH_P256"], "ECDH_P256", 256, Some("nistP256"), json!(["agree"])),
        ("aes", &["--algorithm", "AES"], "AES", 256, None, json!(["decrypt"])),
        ("aes128", &["--algorithm", "AES", "--bits", "128", "--usage", "wrap"], "AES", 128, None, json!(["wrap"])),
    ] {
        let document = token.json(&[&["generate", name], options].concat());
        assert_eq!(document["algorithm"], algorithm, "{name}");
        assert_eq!(document["bits"], bits, "{name}");
        assert_eq!(document["curve"].as_str(), curve, "{name}");
        assert_eq!(document["usage"], usage, "{name}");
        assert_eq!(document["export_policy"], json!([]), "{name}");
        assert_eq!(document["route"], "generate", "{name}");
        if usage.as_array().is_some_and(|usage| usage.contains(&"sign".into())) {
            assert_eq!(document["verified"], "signature", "{name}");
            token.cng11(&["sign", name, &data, "-o", &signature]).ok();
            token.cng11(&["verify", name, &data, &signature]).ok();
        }
        token.cng11(&["generate", name, "--algorithm", "AES"]).code(1).says("exists already");
    }
    assert_eq!(token.names().len(), 10);
    assert_eq!(token.object_files(), 18, "a pair is two objects, a secret key is one");
    // Replaced by a key of another kind, which may leave.
    let made = ["generate", "rsa", "--algorithm", "AES", "--overwrite", "--export-policy", "plaintext", "--id", "0a0b"];
    assert_eq!(token.json(&made)["id"], "0a0b");
    assert_eq!(token.export("rsa", "raw", &["--allow-plaintext"]).len(), 32);
    assert_eq!(token.object_files(), 17);
}

#[test]
fn a_key_is_renamed_unless_the_name_is_taken() {
    let token = TestToken::new();
    let made = token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "one", &["--export-policy", "plaintext"]);
    token.import("aes256.KeyDataBlob.bin", "two", &[]);
    let renamed = token.json(&["rename", "one", "three"]);
    assert_eq!(renamed["name"], "three");
    for field in KEY_FIELDS.iter().filter(|field| !["name", "unique_name"].contains(*field)) {
        assert_eq!(renamed[*field], made[*field], "{field}");
    }
    assert_eq!(token.names(), ["three", "two"]);
    assert_eq!(token.json_error(&["rename", "three", "two"], 1)["status"], "NTE_EXISTS");
    assert_eq!(token.names(), ["three", "two"]);
    // By URI, and as a property.
    token.cng11(&["rename", "pkcs11:object=three", "four"]).ok();
    token.cng11(&["set", "two", "Name", "five"]).ok();
    assert_eq!(token.names(), ["five", "four"]);
    assert!(
        token.export("four", "ECCPRIVATEBLOB", &["--allow-plaintext"])
            == vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin")
    );
}

#[test]
fn a_key_is_deleted_with_all_its_objects_and_only_when_asked_twice() {
    let token = TestToken::new();
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &[]);
    token.import("aes256.KeyDataBlob.bin", "aes", &[]);
    let before = token.contents();
    token.cng11(&["delete", "ec"]).code(2).says("--yes");
    assert_eq!(token.contents(), before);
    assert_eq!(token.json(&["delete", "ec", "--yes"]), json!({ "schema": "cng11/1", "deleted": "ec" }));
    assert_eq!((token.names(), token.object_files()), (vec!["aes".to_owned()], 1));
    token.cng11(&["delete", "ec", "--yes"]).code(1).says("no key named");
    token.cng11(&["delete", "pkcs11:object=aes;type=secret-key", "--yes"]).ok();
    assert_eq!(token.object_files(), 0);
}

#[test]
fn properties_are_read_and_set_by_their_cng_names() {
    let token = TestToken::new();
    token.import("ec-secP256k1.PKCS8_PRIVATEKEY.bin", "ec", &["--usage", "sign,agree"]);
    token.import("rsa2047-e3.RSAPRIVATEBLOB.bin", "rsa", &[]);
    for (name, property, value) in [
        ("ec", "Name", json!("ec")),
        ("ec", "Algorithm Name", json!("ECDSA")),
        ("ec", "Algorithm Group", json!("ECDSA")),
        ("ec", "ECCCurveName", json!("secP256k1")),
        ("ec", "Length", json!(256)),
        ("ec", "PublicKeyLength", json!(256)),
        ("ec", "SignatureLength", json!(64)),
        ("ec", "Export Policy", json!(0)),
        ("ec", "Key Usage", json!(6)),
        ("ec", "Key Type", json!(0)),
        ("rsa", "Algorithm Name", json!("RSA")),
        ("rsa", "Length", json!(2047)),
        ("rsa", "SignatureLength", json!(256)),
        ("rsa", "Key Usage", json!(3)),
    ] {
        let document = token.json(&["get", name, property]);
        assert_eq!(document, json!({ "schema": "cng11/1", "name": name, "property": property, "value": value }));
        let text = token.cng11(&["get", name, &property.to_lowercase()]).ok().text();
        let expected = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(text.trim_end(), expected, "{name} {property}");
    }
    let lengths = token.json(&["get", "rsa", "Lengths"]);
    assert_eq!(names_of(&lengths["value"]), ["default", "increment", "max", "min"]);
    for (name, property, code, status) in
        [("rsa", "ECCCurveName", 1, "NTE_NOT_FOUND"), ("rsa", "No Such Property", 1, "NTE_NOT_SUPPORTED")]
    {
        assert_eq!(token.json_error(&["get", name, property], code)["status"], status, "{property}");
    }
    for (property, value, code, status) in [
        ("Algorithm Name", "RSA", 3, "NTE_NOT_SUPPORTED"),
        ("Length", "1024", 1, "NTE_BAD_KEY_STATE"),
        ("ECCCurveName", "nistP256", 1, "NTE_BAD_KEY_STATE"),
        ("RSAPRIVATEBLOB", "x", 1, "NTE_BAD_KEY_STATE"),
        ("No Such Property", "x", 1, "NTE_NOT_SUPPORTED"),
    ] {
        assert_eq!(token.json_error(&["set", "rsa", property, value], code)["status"], status, "{property}");
    }
}

#[test]
fn every_vector_is_inspected_field_by_field_without_its_private_values() {
    let token = TestToken::new();
    let secret_fields = ["d", "p", "q", "dp", "dq", "qinv", "k"];
    let mut keys = Vec::new();
    for row in manifest() {
        if row.kind.ends_with("kwp") || row.kind.ends_with("encrypted-pkcs8") {
            continue;
        }
        if !keys.contains(&row.key) {
            keys.push(row.key.clone());
            let table = String::from_utf8(vector("numbers.tsv")).expect("UTF-8");
            for field in secret_fields.iter().filter(|field| table.contains(&format!("\n{}\t{field}\t", row.key))) {
                token.keep_secret(&number(&row.key, field));
            }
        }
        let file = vector_text(&row.file);
        let mut arguments = vec!["inspect", &file];
        if row.format() == "raw" || row.format() == "Rfc3565KeyWrapBlob" {
            arguments.extend(["--type", row.format()]);
        }
        let curve = row.curve.clone().unwrap_or_default();
        if row.kind.starts_with("GENERIC") {
            arguments.extend(["--curve", &curve]);
        }
        let document = token.json(&arguments);
        assert_eq!(document["type"], row.format(), "{}", row.file);
        assert_eq!(document["bits"], row.bits, "{}", row.file);
        // The bytes of a symmetric key contradict nothing; for brainpoolP512r1 there is no arithmetic beyond a point's equation.
        let public = ["ECCPUBLICBLOB", "spki"].contains(&row.format());
        let unchecked = row.algorithm == "AES" || (curve == "brainpoolP512r1" && !public);
        let expected = if unchecked { Value::Null } else { Value::Bool(true) };
        assert_eq!(document["consistent"], expected, "{}", row.file);
        match row.algorithm.as_str() {
            "EC" => assert_eq!(document["curve"], curve, "{}", row.file),
            _ if row.format() == "Rfc3565KeyWrapBlob" => {}
            // A generic magic on a curve that has an algorithm of its own is called by that.
            generic if row.kind.starts_with("GENERIC") => {
                assert!(document["algorithm"].as_str().is_some_and(|name| name.starts_with(generic)), "{}", row.file);
            }
            algorithm => assert_eq!(document["algorithm"], algorithm, "{}", row.file),
        }
        // Of nested fields the outermost are the whole file, but for the text around PEM.
        let fields = document["fields"].as_array().expect("fields are an array");
        let mut end = 0;
        for field in fields.iter().filter(|field| field["depth"].is_null()) {
            assert!(field["name"].is_string(), "{}: {field}", row.file);
            assert_eq!(field["offset"], end, "{}: {field}", row.file);
            end += field["length"].as_u64().expect("a length");
        }
        let file_end = vector(&row.file).trim_ascii_end().len() as u64;
        let whole = vector(&row.file).len() as u64;
        assert!(end == whole || (end == file_end && row.kind.ends_with("pem")), "{}: {end} of {whole}", row.file);
        token.cng11(&arguments).ok();
    }
}

#[test]
fn an_inconsistent_key_is_inspected_with_exit_code_1_and_the_problem() {
    let token = TestToken::blank();
    for (name, from_end) in [
        ("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin", 0),
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", 0),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", 0),
        ("ec-nistP384.ECDSA.ECCPUBLICBLOB.bin", 0),
    ] {
        let mut bytes = vector(name);
        let at = bytes.len() - 1 - from_end;
        bytes[at] ^= 1;
        let file = token.file("bad", &bytes);
        let document = token.cng11(&["inspect", &file, "--json"]).code(1).json();
        assert_eq!(document["consistent"], false, "{name}: {document}");
        assert!(document["problem"].is_string(), "{name}: {document}");
        assert!(document["fields"].as_array().is_some_and(|fields| fields.len() >= 4), "{name}: {document}");
        let text = token.cng11(&["inspect", &file]).code(1).text();
        assert!(text.contains("consistent:") && text.contains("no: "), "{name}: {text}");
    }
    // What is no blob has nothing to be consistent: an error, and no document.
    let file = token.file("cut", &vector("rsa2048-e65537.RSAPRIVATEBLOB.bin")[..100]);
    assert_eq!(token.json_error(&["inspect", &file], 1)["status"], "NTE_BAD_DATA");
}

#[test]
fn pem_files_are_read_with_what_other_programs_write_around_them() {
    let token = TestToken::new();
    let pem = String::from_utf8(vector("ec-nistP256.pkcs8-pem.pem")).expect("UTF-8");
    let public = String::from_utf8(vector("ec-nistP256.spki-pem.pem")).expect("UTF-8");
    for (number, around) in [
        "Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n@@",
        "\n\n@@\n\n",
        "@@trailing text\n",
        "@@@@",
    ]
    .into_iter()
    .chain(["CRLF"])
    .enumerate()
    {
        let dress = |pem: &str| match around {
            "CRLF" => pem.replace('\n', "\r\n"),
            _ => around.replace("@@", pem),
        };
        let name = format!("key {number}");
        let file = token.file("key.pem", dress(&pem));
        token.cng11(&["import", &file, "--name", &name, "--export-policy", "plaintext"]).ok();
        assert!(token.export(&name, "pkcs8-pem", &["--allow-plaintext"]) == pem.as_bytes(), "{around:?}");
        let file = token.file("public.pem", dress(&public));
        assert_eq!(token.json(&["inspect", &file])["consistent"], true, "{around:?}");
    }
    for bad in [pem.replace("-----END", "----END"), pem.replace('M', "!"), pem[..60].to_owned()] {
        let file = token.file("bad.pem", bad);
        assert_eq!(token.json_error(&["import", &file, "--name", "x"], 1)["status"], "NTE_BAD_DATA");
    }
}

#[test]
fn a_dry_run_checks_everything_and_writes_nothing() {
    let token = TestToken::new();
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    let before = token.contents();
    for (vector, options, algorithm) in [
        ("rsa2048-e65537.RSAPRIVATEBLOB.bin", &[][..], json!("RSA")),
        ("ec-nistP256.ECDH.ECCPRIVATEBLOB.bin", &["--usage", "all"], json!("ECDH_P256")),
        ("aes256.KeyDataBlob.bin", &[], json!("AES")),
        (
            "aes256.kek256.Rfc3565KeyWrapBlob.bin",
            &["--type", "Rfc3565KeyWrapBlob", "--unwrap-key", "kek"],
            json!("AES"),
        ),
        ("ec-nistP256.kek256.kwp.bin", &["--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"], json!("ECDSA_P256")),
        ("aes256.KeyDataBlob.bin", &["--overwrite"], json!("AES")),
    ] {
        let name = if options.contains(&"--overwrite") { "kek" } else { "new" };
        let document = token.import(vector, name, &[options, &["--dry-run"]].concat());
        assert_eq!(document["dry_run"], true, "{vector}");
        assert_eq!(document["algorithm"], algorithm, "{vector}: {document}");
        assert_eq!(token.contents(), before, "{vector}");
    }
    let file = vector_text("aes256.KeyDataBlob.bin");
    let text = token.cng11(&["import", &file, "--name", "new", "--dry-run"]).ok().text();
    assert!(text.contains("would import") && text.contains("nothing was written"), "{text}");
}

#[test]
fn overwriting_replaces_a_key_by_another_and_by_itself_with_another_policy() {
    let token = TestToken::new();
    let ec = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
    token.import("rsa2048-e65537.RSAPRIVATEBLOB.bin", "bystander", &[]);
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "key", &["--export-policy", "plaintext"]);
    for (vector, more, bits, policy, files) in [
        // Another key; back again; the same with another policy; with another usage; another kind; another pair.
        ("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin", &[][..], 384, json!([]), 2),
        (
            "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
            &["--export-policy", "plaintext"],
            256,
            json!(["encrypted", "plaintext"]),
            2,
        ),
        ("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", &["--export-policy", "encrypted"], 256, json!(["encrypted"]), 2),
        (
            "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
            &["--export-policy", "encrypted", "--usage", "agree"],
            256,
            json!(["encrypted"]),
            2,
        ),
        (
            "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
            &["--export-policy", "plaintext", "--id", "77"],
            256,
            json!(["encrypted", "plaintext"]),
            2,
        ),
        ("aes256.KeyDataBlob.bin", &["--export-policy", "encrypted"], 256, json!(["encrypted"]), 1),
        ("aes128.KeyDataBlob.bin", &[], 128, json!([]), 1),
        (
            "rsa2048-e65537.RSAPRIVATEBLOB.bin",
            &["--export-policy", "plaintext"],
            2048,
            json!(["encrypted", "plaintext"]),
            2,
        ),
        (
            "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin",
            &["--export-policy", "plaintext"],
            256,
            json!(["encrypted", "plaintext"]),
            2,
        ),
    ] {
        let made = token.import(vector, "key", &[&["--overwrite"], more].concat());
        assert_eq!(made["bits"], bits, "{vector} {more:?}");
        assert_eq!(made["export_policy"], policy, "{vector} {more:?}");
        let shown = token.json(&["show", "key"]);
        for field in ["id", "bits", "algorithm", "export_policy", "usage", "public"] {
            assert_eq!(shown[field], made[field], "{vector} {more:?}: {field}");
        }
        assert_eq!(token.names(), ["bystander", "key"], "{vector} {more:?}");
        assert_eq!(token.object_files(), 2 + files, "{vector} {more:?}: nothing of the old key is left");
    }
    assert!(token.export("key", "ECCPRIVATEBLOB", &["--allow-plaintext"]) == ec);
    // A failed replacement leaves the old key.
    let before = token.contents();
    let mut bad = vector("ec-nistP384.ECDSA.ECCPRIVATEBLOB.bin");
    *bad.last_mut().expect("bytes") ^= 1;
    let file = token.file("bad", bad);
    token.cng11(&["import", &file, "--name", "key", "--overwrite"]).code(1);
    token.cng11(&["import", &file, "--name", "key", "--overwrite", "--no-validate"]).code(1);
    assert_eq!(token.contents(), before);
    // Where there is nothing to replace it is an import like any other.
    token.import("aes256.KeyDataBlob.bin", "new", &["--overwrite"]);
}

#[test]
fn an_id_may_be_given_and_is_otherwise_the_hash_of_the_public_key() {
    let token = TestToken::new();
    let ec = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
    for (name, id, expected) in
        [("a", "a1b2", "a1b2"), ("b", "A1:B2:03", "a1b203"), ("c", &"7f".repeat(200), &"7f".repeat(200))]
    {
        assert_eq!(token.import(ec, name, &["--id", id])["id"], expected);
        assert_eq!(token.json(&["show", name])["id"], expected);
        if expected.len() > 200 {
            // More than pkcs11-tool takes as an argument.
            continue;
        }
        let seen = token.pkcs11_tool(&["--list-objects", "--type", "privkey", "--id", expected]).ok().text();
        assert!(seen.contains(&format!("label:      {name}\n")), "{seen}");
    }
    let made = token.import(ec, "d", &[]);
    // RFC 5280 §4.2.1.2 (1): SHA-1 of the BIT STRING's value, which is the end of the SubjectPublicKeyInfo.
    let spki = vector("ec-nistP256.spki.bin");
    let digest = support::openssl(&["dgst", "-sha1", "-r"], Some(&spki[spki.len() - 65..]));
    assert_eq!(made["id"].as_str(), String::from_utf8_lossy(&digest).split(' ').next());
}

#[test]
fn options_stand_before_or_after_the_command_and_talk_goes_to_stderr() {
    let token = TestToken::new();
    token.import("kek256.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token.import("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin", "ec", &["--export-policy", "encrypted"]);
    let expected = token.json(&["list"]);
    for arguments in [
        &["list", "--json", "--token", TestToken::LABEL][..],
        &["--json", "--token", TestToken::LABEL, "list"],
        &["--token", "pkcs11:token=test%20token", "list", "--json"],
        &["--pin-source", "env:CNG11_PIN", "list", "--json"],
        &["list", "--json", "--pin-source=env:CNG11_PIN"],
    ] {
        assert_eq!(token.cng11(arguments).ok().json(), expected, "{arguments:?}");
    }
    let export = ["export", "ec", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "-o", "-"];
    let with = |option: &[&str]| token.cng11(&[&export[..], option].concat()).ok();
    let plain = with(&[]);
    assert!(plain.stderr.starts_with("warning: "), "{}", plain.stderr);
    assert_eq!(with(&["--quiet"]).stderr, "");
    assert_eq!(with(&["-q"]).stderr, "");
    let (verbose, more) = (with(&["-v"]).stderr, with(&["-vv"]).stderr);
    assert!(verbose.contains("module: ") && verbose.contains("token: "), "{verbose}");
    assert!(more.lines().count() > verbose.lines().count(), "{more}");
    assert_eq!(with(&["-vv"]).stdout.len(), plain.stdout.len());
    // Results are not talk.
    assert_eq!(token.cng11(&["list", "--quiet"]).ok().stdout, token.cng11(&["list"]).ok().stdout);
    let document = token.cng11(&[&export[..], &["--json"]].concat()).ok();
    assert_eq!(document.json()["length"].as_u64(), Some(plain.stdout.len() as u64));
    assert_eq!(document.json()["data"].as_str().map(str::len), Some(2 * plain.stdout.len()));
}

#[test]
fn module_token_and_pin_come_from_options_variables_and_a_file_in_this_order() {
    let token = TestToken::new();
    token.cng11(&["token", "init", "--label", "second"]).ok();
    token.cng11(&["generate", "on second", "--algorithm", "AES", "--token", "second"]).ok();
    let module = token.module().to_str().expect("UTF-8").to_owned();
    let pin = token.file("pin", format!("{}\nnot this line\n", TestToken::PIN));
    let bare = |arguments: &[&str], environment: &[(&str, &str)]| -> Run {
        token.cng11_with(arguments, None, |command| {
            for name in ["CNG11_MODULE", "CNG11_PIN", "CNG11_SO_PIN"] {
                command.env_remove(name);
            }
            command.envs(environment.iter().copied());
        })
    };
    let keys = |run: Run| run.ok().json()["keys"].as_array().map(Vec::len);
    let source = format!("file:{pin}");
    let named = [("CNG11_MODULE", &module[..]), ("CNG11_TOKEN", "second"), ("CNG11_PIN_SOURCE", &source)];
    assert_eq!(keys(bare(&["list", "--json"], &named)), Some(1));
    assert_eq!(
        keys(bare(&["list", "--json", "--token", TestToken::LABEL], &named)),
        Some(0),
        "an option before a variable"
    );
    // The library is found without being named, as is a variable that is set to nothing.
    assert_eq!(keys(bare(&["list", "--json"], &named[1..])), Some(1));
    let nothing = [("CNG11_MODULE", ""), ("CNG11_CONFIG", ""), named[1], named[2]];
    assert_eq!(keys(bare(&["list", "--json"], &nothing)), Some(1));

    let config =
        token.file("config.toml", format!("module = '{module}'\ntoken = 'second'\npin-source = 'file:{pin}'\n"));
    assert_eq!(keys(bare(&["list", "--json", "--config", &config], &[])), Some(1));
    assert_eq!(keys(bare(&["--config", &config, "list", "--json"], &[])), Some(1));
    assert_eq!(keys(bare(&["list", "--json"], &[("CNG11_CONFIG", &config)])), Some(1));
    let other = [("CNG11_CONFIG", &config[..]), ("CNG11_TOKEN", TestToken::LABEL)];
    assert_eq!(keys(bare(&["list", "--json"], &other)), Some(0), "a variable before the file");
    std::fs::create_dir_all(token.path("xdg/cng11")).expect("a directory");
    std::fs::copy(&config, token.path("xdg/cng11/config.toml")).expect("a copy");
    let xdg = token.path_text("xdg");
    assert_eq!(keys(bare(&["list", "--json"], &[("XDG_CONFIG_HOME", &xdg)])), Some(1));
    std::fs::create_dir_all(token.path(".config/cng11")).expect("a directory");
    std::fs::copy(&config, token.path(".config/cng11/config.toml")).expect("a copy");
    assert_eq!(keys(bare(&["list", "--json"], &[])), Some(1), "under HOME");
    std::fs::remove_file(token.path(".config/cng11/config.toml")).expect("removed");

    for (text, problem) in [("modul = 'x'", "modul"), ("token = 7", "token"), ("token = ", ""), ("pin = '1234'", "pin")]
    {
        let config = token.file("bad.toml", text);
        let run = bare(&["list", "--config", &config], &named).code(1).says("bad.toml").says("hint: ");
        assert!(run.stderr.contains(problem) && !run.stderr.contains("1234"), "{text}: {}", run.stderr);
    }
    bare(&["list", "--config", "/nonexistent/config.toml"], &named).code(1).says("/nonexistent/config.toml");
}

#[test]
fn a_pin_comes_from_each_of_its_sources() {
    let token = TestToken::new();
    let pin = token.file("pin", TestToken::PIN);
    let wrong = token.file("wrong", "nonsense");
    let run = |arguments: &[&str], environment: &[(&str, &str)]| -> Run {
        token.cng11_with(arguments, None, |command| {
            command.env_remove("CNG11_PIN").envs(environment.iter().copied());
        })
    };
    run(&["list", "--pin-source", "env:MY_PIN"], &[("MY_PIN", TestToken::PIN)]).ok();
    run(&["list", "--pin-source", &format!("file:{pin}")], &[]).ok();
    // An option before the variable, the variable before the URI.
    run(&["list", "--pin-source", &format!("file:{pin}")], &[("CNG11_PIN", "nonsense")]).ok();
    run(&["list", "--token", &format!("pkcs11:?pin-source={wrong}")], &[("CNG11_PIN", TestToken::PIN)]).ok();
    for uri in [
        format!("pkcs11:?pin-source=file:{pin}"),
        format!("pkcs11:?pin-source={pin}"),
        format!("pkcs11:?pin-source=file://{pin}"),
    ] {
        run(&["list", "--token", &uri], &[]).ok();
    }
    let uri = format!("pkcs11:token=test%20token?pin-value={}", TestToken::PIN);
    run(&["list", "--token", &uri], &[]).ok().says("warning: ");
    // Never from the arguments, never asked for without a terminal, and not read from stdin.
    run(&["list", "--pin", TestToken::PIN], &[]).code(2);
    let asked = token.cng11_with(&["list"], Some(TestToken::PIN.as_bytes()), |command| {
        command.env_remove("CNG11_PIN");
    });
    asked.code(4).says("hint: ");
    run(&["list", "--pin-source", "prompt"], &[("CNG11_PIN", TestToken::PIN)]).code(4).says("terminal");
    let mut shell = token.command("sh");
    shell.args(["-c", "exec \"$0\" list --pin-source fd:5 5<\"$1\"", env!("CARGO_BIN_EXE_cng11"), &pin]);
    shell.env("CNG11_MODULE", token.module());
    Run::of(shell, None).ok();
}

#[test]
fn softhsm_run_gives_a_command_a_token_of_its_own_and_takes_it_away_again() {
    let token = TestToken::blank();
    let cng11 = env!("CARGO_BIN_EXE_cng11");
    let left = || std::fs::read_dir(token.path("tmp")).expect("a directory").count();
    let script = "echo \"$SOFTHSM2_CONF\" && test -f \"$SOFTHSM2_CONF\" \
                  && \"$0\" generate key --algorithm AES >/dev/null \
                  && \"$0\" list --json && test -n \"$CNG11_PIN$CNG11_SO_PIN$CNG11_MODULE$CNG11_TOKEN\"";
    let run = token.cng11(&["softhsm", "run", "--", "sh", "-c", script, cng11]).ok();
    let text = run.text();
    let (configuration, listing) = text.split_once('\n').expect("two parts");
    assert!(listing.contains("\"key\""), "{text}");
    assert!(!std::path::Path::new(configuration).exists(), "{configuration} is still there");
    assert_eq!(left(), 0);
    assert_eq!(token.object_files(), 0, "the token that was named from outside is not touched");

    for (script, code) in
        [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 1), ("exec /nonexistent", 127)]
    {
        let run = token.cng11(&["softhsm", "run", "--", "sh", "-c", script]);
        assert!(run.code == code || (script.starts_with("kill") && run.code != 0), "{script}: {}", run.code);
        assert_eq!(left(), 0, "{script}");
    }
    token.cng11(&["softhsm", "run", "--", "/nonexistent/program"]).code(1).says("/nonexistent/program");
    assert_eq!(left(), 0);
    token.cng11(&["softhsm", "run"]).code(2);
    // Arguments of the command are its own, also those that look like ours.
    let echoed = token.cng11(&["softhsm", "run", "--", "echo", "--json", "-v", "--help"]).ok().text();
    assert_eq!(echoed, "--json -v --help\n");
    token.cng11(&["softhsm", "run", "--module", "/nonexistent.so", "--", "true"]).code(1);
    assert_eq!(left(), 0);
}

#[cfg(unix)]
#[test]
fn softhsm_run_cleans_up_when_it_is_interrupted_or_ended() {
    for signal in ["INT", "TERM", "HUP"] {
        interrupt(signal);
    }
}

/// Sends a signal to `cng11` alone, which passes it on and cleans up after its command.
#[cfg(unix)]
fn interrupt(signal: &str) {
    let token = TestToken::blank();
    let ready = token.path("ready");
    let script = format!("echo $$ > '{0}.new' && mv '{0}.new' '{0}' && exec sleep 60", ready.display());
    let mut command = token.cng11_command();
    command.args(["softhsm", "run", "--", "sh", "-c", &script]).stdin(std::process::Stdio::null());
    let mut child = command.spawn().expect("cng11 runs");
    while !ready.exists() {
        assert!(child.try_wait().expect("a state").is_none(), "cng11 ended before its command began");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut kill = tool("sh");
    kill.args(["-c", "kill -\"$0\" \"$1\"", signal, &child.id().to_string()]);
    Run::of(kill, None).ok();
    let status = child.wait().expect("cng11 ends");
    assert_ne!(status.code(), Some(0), "{signal}");
    assert_eq!(std::fs::read_dir(token.path("tmp")).expect("a directory").count(), 0);
}

#[test]
fn softhsm_env_makes_a_token_for_a_shell() {
    let token = TestToken::blank();
    let cng11 = env!("CARGO_BIN_EXE_cng11");
    let script =
        "eval \"$(\"$0\" softhsm env)\" && \"$0\" generate key --algorithm ECDSA_P256 && \"$0\" show key --json";
    let mut shell = token.command("sh");
    shell.args(["-c", script, cng11]).env("CNG11_MODULE", token.module());
    let text = Run::of(shell, None).ok().text();
    assert!(text.contains("generated `key`") && text.contains("ECDSA_P256"), "{text}");
    let document = token.json(&["softhsm", "env"]);
    let names = names_of(&document["environment"]);
    assert_eq!(
        names,
        ["CNG11_MODULE", "CNG11_PIN", "CNG11_PIN_SOURCE", "CNG11_SO_PIN", "CNG11_TOKEN", "SOFTHSM2_CONF"]
    );
    assert_eq!(
        std::fs::read_dir(token.path("tmp")).expect("a directory").count(),
        2,
        "they stay until they are removed"
    );
}

#[test]
fn completions_help_and_version_are_written_for_every_shell_without_a_token() {
    let token = TestToken::blank();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = token.cng11(&["completions", shell]).ok().text();
        assert!(script.contains("cng11") && script.contains("export-policy"), "{shell}");
    }
    token.cng11(&["completions", "nosuch"]).code(2);
    let bash = token.file("completions.bash", token.cng11(&["completions", "bash"]).ok().stdout);
    let mut check = tool("bash");
    check.args(["-n", &bash]);
    Run::of(check, None).ok();
    for arguments in [&["--help"][..], &["help"], &["help", "import"], &["import", "--help"], &["--version"], &["-V"]] {
        let run = token.cng11(arguments).ok();
        assert!(run.stderr.is_empty() && !run.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(token.cng11(&["--version"]).text().trim_end(), format!("cng11 {}", env!("CARGO_PKG_VERSION")));
    token.cng11::<&str>(&[]).code(2);
}
