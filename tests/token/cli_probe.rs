//! `probe`, and what becomes of it: the cache, the profile, the configuration.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use crate::support;
use serde_json::{Value, json};

use crate::support::TestToken;
use crate::support::wrapping::{assert_signs, key_file};

/// The row of a section.
#[track_caller]
fn row<'d>(document: &'d Value, section: &str, subject: &str) -> &'d Value {
    let rows = document[section].as_array().unwrap_or_else(|| panic!("no `{section}`: {document}"));
    rows.iter().find(|row| row["subject"] == subject).unwrap_or_else(|| panic!("no {subject}: {document}"))
}

#[track_caller]
fn assert_answers(document: &Value, section: &str, subject: &str, answers: &[(&str, &str)]) {
    for (question, answer) in answers {
        let found = &row(document, section, subject)[*question];
        assert_eq!(found["answer"], *answer, "{subject}, {question}: {found}");
    }
}

#[test]
fn softhsm_is_found_to_be_what_it_was_measured_to_be_and_nothing_on_it_changes() {
    let token = TestToken::new();
    token.import(&key_file("rsa2048-e65537"), "mine", &["--export-policy", "encrypted"]);
    let before = token.contents();
    let document = token.json(&["probe"]);
    assert_eq!(token.contents(), before);
    assert_signs(&token, "mine", "rsa2048-e65537");
    assert_eq!(document["cached"], false);
    assert_eq!(document["profile"], "SoftHSM 2.6");

    for key in ["RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "AES-128", "AES-256"] {
        let yes = ["create", "unwrap", "works", "plaintext out", "wrapped out"].map(|question| (question, "yes"));
        assert_answers(&document, "keys", key, &yes);
    }
    assert_answers(&document, "keys", "X25519", &[("create", "no"), ("unwrap", "no")]);
    assert_eq!(row(&document, "keys", "X25519")["create"]["ckr"], "CKR_ATTRIBUTE_VALUE_INVALID");
    let both = [("wraps a secret key", "yes"), ("unwraps a secret key", "yes"), ("unwraps a private key", "yes")];
    assert_answers(&document, "schemes", "kwp", &both);
    assert_answers(&document, "schemes", "rsa-oaep SHA1", &both[..2]);
    let sha256 = row(&document, "schemes", "rsa-oaep SHA256");
    assert_eq!(sha256["wraps a secret key"]["ckr"], "CKR_ARGUMENTS_BAD", "{sha256}");
    assert_answers(&document, "schemes", "cbc-pad", &[("wraps a secret key", "no"), ("unwraps a secret key", "no")]);
    // 0x210A is RFC 5649 here, and nothing else.
    let pad = "CKM_AES_KEY_WRAP_PAD (0x210A)";
    assert_answers(&document, "formats", pad, &[("RFC 5649", "yes"), ("RFC 3394 over PKCS#7 padding", "no")]);
    for honoured in [
        "CKA_SENSITIVE, created",
        "CKA_SENSITIVE, unwrapped",
        "CKA_EXTRACTABLE, created",
        "CKA_EXTRACTABLE, unwrapped",
        "uses, created",
        "uses, unwrapped",
        "CKA_WRAP_WITH_TRUSTED",
        "CKA_TRUSTED, refused to the user",
        "CKA_ALLOWED_MECHANISMS",
        "CKA_UNWRAP_TEMPLATE",
    ] {
        assert_answers(&document, "policy", honoured, &[("honoured", "yes")]);
    }
    // Which of them is faster is not for a test to say; that both were timed is.
    let times = &row(&document, "objects", "C_CopyObject of a session object writes faster")["answer"];
    assert_ne!(times["answer"], "unknown", "{times}");
    assert!(times["note"].as_str().is_some_and(|note| note.matches(" ms").count() == 2), "{times}");
    let warnings = document["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|warning| warning.as_str().is_some_and(|text| text.contains("zero bytes"))));
}

#[test]
fn what_was_found_out_is_kept_and_asked_again_only_if_it_is_to_be() {
    let token = TestToken::new();
    let first = token.json(&["probe"]);
    // Kept: no PIN is needed, and nothing is asked.
    let without_pin = |arguments: &[&str]| {
        token.cng11_with(arguments, None, |command| {
            command.env_remove("CNG11_PIN");
        })
    };
    let mut kept = without_pin(&["--json", "probe"]).ok().json();
    assert_eq!(kept["cached"], true);
    kept["cached"] = json!(false);
    assert_eq!(kept, first);
    without_pin(&["probe", "--refresh"]).code(4);
    assert_eq!(token.json(&["probe", "--refresh"])["cached"], false);
    // Another token of the same kind is another token.
    let other = TestToken::new();
    std::fs::create_dir_all(other.path(".cache")).expect("a directory can be made");
    let copied =
        std::process::Command::new("cp").arg("-r").arg(token.path(".cache/cng11")).arg(other.path(".cache")).status();
    assert!(copied.expect("cp runs").success());
    assert_eq!(other.json(&["probe"])["cached"], false);
    // A file that is damaged is none.
    let folder = std::fs::read_dir(token.path(".cache/cng11")).expect("the cache is there");
    for file in folder {
        std::fs::write(file.expect("an entry").path(), "{\"kept\"").expect("a file can be written");
    }
    assert_eq!(token.json(&["probe"])["cached"], false);
    // Where there is no place for it, it is said and not fatal.
    let run = token.cng11_with(&["probe"], None, |command| {
        command.env("XDG_CACHE_HOME", token.path("softhsm2.conf"));
    });
    run.ok().says("not kept");
}

#[test]
fn what_a_token_leaves_of_a_killed_probe_is_removed_by_the_next() {
    let token = TestToken::new();
    let before = token.contents();
    let key = token.file("key", [7; 16]);
    token
        .pkcs11_tool(&[
            "--write-object",
            &key,
            "--type",
            "secrkey",
            "--key-type",
            "AES:16",
            "--label",
            "cng11 probe",
            "--id",
            "636e6731312070726f6265",
        ])
        .ok();
    // Another object of that label is somebody else's.
    token
        .pkcs11_tool(&[
            "--write-object",
            &key,
            "--type",
            "secrkey",
            "--key-type",
            "AES:16",
            "--label",
            "cng11 probe",
            "--id",
            "01",
        ])
        .ok();
    token.json(&["probe"]);
    let (listed, files) = token.contents();
    assert_eq!((listed["keys"].as_array().map(Vec::len), files), (Some(1), before.1 + 1), "{listed}");
    assert_eq!(listed["keys"][0]["id"], "01");
}

#[test]
fn a_profile_is_learned_written_and_taken() {
    // Of a kind that nobody knows: it takes no private key in the clear, and copies nothing.
    let strict = TestToken::strict("no-plain-private");
    let document = strict.json(&["probe"]);
    assert_eq!(document["profile"], "unknown token");
    assert_answers(
        &document,
        "keys",
        "P-256",
        &[("create", "no"), ("unwrap", "yes"), ("works", "yes"), ("wrapped out", "yes")],
    );
    assert_eq!(row(&document, "keys", "P-256")["create"]["ckr"], "CKR_TEMPLATE_INCONSISTENT");
    assert_answers(&document, "keys", "AES-256", &[("create", "yes"), ("unwrap", "yes")]);
    assert_answers(&document, "formats", "CKM_AES_KEY_WRAP_KWP (0x210B)", &[("RFC 5649", "yes")]);
    let text = strict.cng11(&["probe", "--profile"]).ok().text();
    for line in [
        "plain-private = false",
        "plain-secret = true",
        "copies = false",
        "kwp = \"CKM_AES_KEY_WRAP_KWP\"",
        "zero-pads = true",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    // What is kept is believed of a token that has no row: C_CreateObject is not asked first.
    let imported = strict.import(&key_file("ec-nistP256"), "learned", &[]);
    assert_eq!(imported["route"], "unwrap");
    assert_eq!(imported["tried"][0]["ckr"], Value::Null, "{imported}");
    // Without it the token is asked, unless the configuration says what was written.
    std::fs::remove_dir_all(strict.path(".cache")).expect("the cache can be removed");
    let asked = strict.import(&key_file("ec-nistP384"), "asked", &[]);
    assert_eq!(asked["tried"][0]["ckr"], "CKR_TEMPLATE_INCONSISTENT", "{asked}");
    let configuration = strict.file("config.toml", &text);
    let file = support::vector_text(&key_file("ec-nistP521"));
    let told = strict.json(&["--config", &configuration, "import", &file, "--name", "told"]);
    assert_eq!(told["tried"][0]["ckr"], Value::Null, "{told}");
    strict.cng11(&["-vv", "--config", &configuration, "list"]).ok().says("profile: simulated no plain private");
    assert_signs(&strict, "told", "ec-nistP521");
}

#[test]
fn a_users_profile_goes_before_the_row_and_a_wrong_one_is_refused_with_its_place() {
    let token = TestToken::new();
    let profile = "[[profile]]\nname = \"mine\"\nmanufacturer = \"SoftHSM\"\nlike = \"SoftHSM 2.6\"\ncopies = false\n";
    let configuration = token.file("config.toml", profile);
    let file = support::vector_text(&key_file("ec-nistP256"));
    let made = token.json(&["--config", &configuration, "import", &file, "--name", "created"]);
    assert_eq!(made["route"], "create");
    assert_eq!(token.import(&key_file("ec-nistP384"), "copied", &[])["route"], "copy");
    let wrong = token.file("wrong.toml", profile.replace("copies = false", "copies = 3"));
    let error = token.json_error(&["--config", &wrong, "list"], 1);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("profile.copies")), "{error}");
}

#[test]
fn a_token_that_ignores_what_it_is_told_is_warned_of() {
    let token = TestToken::strict("generous");
    let document = token.json(&["probe"]);
    assert_answers(&document, "policy", "CKA_EXTRACTABLE, created", &[("honoured", "no")]);
    let warnings = document["warnings"].as_array().expect("warnings");
    assert!(
        warnings.iter().any(|warning| warning.as_str().is_some_and(|text| text.contains("not extractable"))),
        "{warnings:?}"
    );
    token.cng11(&["probe"]).ok().says("warning: a key that is created leaves wrapped");
}
