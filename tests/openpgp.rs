//! The smartcard path: an OpenPGP card in software (`tests/tokens/openpgp`) behind vpcd, pcscd and OpenSC's module.
//!
//! A card takes a key from its security officer alone, into a place, and removes none: so the suite of `tests/tokens.rs` does not fit it. Not part of `cargo test`: `scripts/tokens`
//! sets up what it needs, with the module in `CNG11_TEST_MODULE` and the card's program in `CNG11_TEST_CARD`, and `scripts/test` runs it.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

mod support;

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::support::matrix::{self, NO, Row, YES};
use self::support::wrapping::{algorithm_of, key_file};
use self::support::{Run, TestToken, openssl, vector_text};

/// The tokens that OpenSC makes of the card, one for each PIN of its user.
const CARD: &str = "OpenPGP card (User PIN)";
const SIGNING: &str = "OpenPGP card (User PIN (sig))";
const PIN: &str = "123456";
const ADMIN_PIN: &str = "12345678";
/// The port of vpcd's first reader.
const PORT: &str = "35963";

/// There is one reader.
static READER: Mutex<()> = Mutex::new(());

/// A card that nobody has used, in the reader.
struct Card {
    token: TestToken,
    _reader: MutexGuard<'static, ()>,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; `scripts/tokens openpgp` sets it"))
}

impl Card {
    fn new() -> Self {
        // A test that failed has taken its card out all the same.
        let reader = READER.lock().unwrap_or_else(PoisonError::into_inner);
        let mut token = TestToken::blank().with_module(variable("CNG11_TEST_MODULE"));
        token.set("USER_PIN", PIN);
        token.set("ADMIN_PIN", ADMIN_PIN);
        token.keep_secret(ADMIN_PIN.as_bytes());
        // The card before it is gone when the reader says so.
        wait("the reader is not empty", || labels(&token).is_empty());
        let mut card = Command::new(variable("CNG11_TEST_CARD"));
        card.arg(PORT);
        token.serve(card);
        wait("the card does not come up; is vpcd's reader there?", || labels(&token) == [CARD, SIGNING]);
        Self { token, _reader: reader }
    }

    fn user(&self, label: &str, arguments: &[&str]) -> Run {
        let login = ["--json", "--token", label, "--pin-source", "env:USER_PIN"];
        self.token.cng11(&[&login[..], arguments].concat())
    }

    fn officer(&self, arguments: &[&str]) -> Run {
        let login = ["--json", "--token", CARD, "--login", "so", "--pin-source", "env:ADMIN_PIN"];
        self.token.cng11(&[&login[..], arguments].concat())
    }

    /// What the user sees of both tokens.
    fn contents(&self) -> Vec<Value> {
        [CARD, SIGNING].iter().map(|label| self.user(label, &["list", "--all"]).ok().json()).collect()
    }
}

fn labels(token: &TestToken) -> Vec<String> {
    let document = token.json(&["token", "list"]);
    let tokens = document["tokens"].as_array().expect("an array");
    tokens.iter().map(|token| token["label"].as_str().expect("a label").to_owned()).collect()
}

fn wait(why: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{why}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn import<'a>(file: &'a str, id: &'a str) -> Vec<&'a str> {
    vec!["import", file, "--name", "web", "--id", id]
}

/// Signs on the card, and has openssl verify with the public half of the vector.
#[track_caller]
fn assert_card_signs(card: &Card, key: &str) {
    let data = card.token.file("data", "what is signed");
    let signature = card.token.path_text("signature");
    card.user(SIGNING, &["sign", "Signature key", "--format", "der", &data, "-o", &signature]).ok();
    let public = vector_text(&format!("{key}.spki.bin"));
    openssl(&["dgst", "-sha256", "-keyform", "DER", "-verify", &public, "-signature", &signature, &data], None);
}

#[test]
fn the_officer_puts_a_key_there_and_the_user_signs_with_it() {
    let card = Card::new();
    let file = vector_text("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin");
    let before = card.contents();
    let foretold = card.officer(&[&import(&file, "01")[..], &["--dry-run"]].concat()).ok().json();
    assert_eq!(foretold["route"], "create");
    assert_eq!(card.contents(), before, "a rehearsal writes nothing");
    let made = card.officer(&import(&file, "01")).ok().json();
    // The card names its keys, and nothing was done with this one: both are said.
    assert_eq!(made["name"], "Signature key", "{made}");
    assert_eq!((&made["route"], &made["verified"]), (&json!("create"), &json!("attributes")), "{made}");
    assert_eq!((&made["id"], &made["private"], &made["export_policy"]), (&json!("01"), &json!(true), &json!([])));
    let warnings = made["warnings"].to_string();
    assert!(warnings.contains("not `web`") && warnings.contains(SIGNING), "{made}");
    assert!(
        made["unique_name"].as_str().is_some_and(|uri| uri.contains("token=OpenPGP%20card%20(User%20PIN%20(sig))")),
        "{made}"
    );

    let listed = card.user(SIGNING, &["list"]).ok().json();
    let keys = listed["keys"].as_array().expect("an array");
    assert_eq!(keys.len(), 1, "{listed}");
    for (field, value) in
        [("name", json!("Signature key")), ("algorithm", json!("RSA")), ("bits", json!(2048)), ("id", json!("01"))]
    {
        assert_eq!(keys[0][field], value, "{listed}");
    }
    assert_eq!((&keys[0]["usage"], &keys[0]["export_policy"]), (&json!(["sign"]), &json!([])), "{listed}");
    assert_eq!(keys[0]["fingerprint_sha256"], made["fingerprint_sha256"]);
    assert_card_signs(&card, "rsa2048-e65537");

    // It does not leave, and nothing is said to be done that the card forgets.
    let out = card.token.path_text("out");
    card.user(SIGNING, &["export", "Signature key", "--type", "pkcs8", "--allow-plaintext", "-o", &out]).code(3);
    card.user(SIGNING, &["delete", "Signature key", "--yes"]).code(3);
    card.user(SIGNING, &["rename", "Signature key", "web"]).code(3);
    assert_card_signs(&card, "rsa2048-e65537");
}

#[test]
fn a_place_that_is_taken_keeps_its_key_and_the_others_take_theirs() {
    let card = Card::new();
    let [first, second] =
        ["rsa2048-e65537", "rsa2048-e17"].map(|key| vector_text(&format!("{key}.PKCS8_PRIVATEKEY.bin")));
    card.officer(&import(&first, "01")).ok();
    let before = card.contents();
    for more in [&[][..], &["--dry-run"]] {
        let error = card.officer(&[&import(&second, "01")[..], more].concat()).code(1).json_error();
        assert_eq!(error["status"], "NTE_EXISTS", "{error}");
    }
    let error = card.officer(&[&import(&second, "01")[..], &["--overwrite"]].concat()).code(3).json_error();
    assert!(error["message"].as_str().is_some_and(|message| message.contains("replaces no key")), "{error}");
    assert_eq!(card.contents(), before);
    assert_card_signs(&card, "rsa2048-e65537");

    for (id, name, usage) in [
        ("02", "Encryption key", json!(["decrypt", "wrap"])),
        ("03", "Authentication key", json!(["sign", "decrypt", "wrap"])),
    ] {
        let made = card.officer(&import(&second, id)).ok().json();
        assert_eq!((&made["name"], &made["usage"]), (&json!(name), &usage), "{made}");
    }
    let listed = card.user(CARD, &["list"]).ok().json();
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(2), "{listed}");
    for key in listed["keys"].as_array().into_iter().flatten() {
        assert_eq!(key["private"], true, "{listed}");
    }
    assert_card_signs(&card, "rsa2048-e65537");
}

#[test]
fn what_the_card_does_not_take_is_refused_with_its_reason_and_leaves_nothing() {
    let card = Card::new();
    let before = card.contents();
    let refused = |file: &str, more: &[&str], reason: &str| {
        let file = vector_text(file);
        let error = card.officer(&[&["import", &file, "--name", "web"][..], more].concat()).code(3).json_error();
        assert!(error["message"].as_str().is_some_and(|message| message.contains(reason)), "{reason}: {error}");
    };
    let rsa = "rsa2048-e65537.PKCS8_PRIVATEKEY.bin";
    refused("ec-nistP256.PKCS8_PRIVATEKEY.bin", &["--id", "01"], "CKR_ARGUMENTS_BAD");
    refused("aes256.raw.bin", &["--id", "01", "--algorithm", "AES"], "CKR_GENERAL_ERROR");
    refused(rsa, &["--id", "01", "--export-policy", "encrypted"], "policy");
    refused(rsa, &["--id", "02", "--usage", "sign"], "use");
    let file = vector_text(rsa);
    for id in [&[][..], &["--id", "04"], &["--id", "0101"]] {
        let arguments = [&["import", &file, "--name", "web"][..], id].concat();
        let error = card.officer(&arguments).code(2).json_error();
        assert!(error["message"].as_str().is_some_and(|message| message.contains("--id 01 (sign)")), "{error}");
    }
    card.officer(&["generate", "web", "--algorithm", "RSA"]).code(3);
    assert_eq!(card.contents(), before);
}

#[test]
fn the_wrong_one_and_a_wrong_pin_are_refused_after_one_try() {
    let card = Card::new();
    let file = vector_text("rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    // The user puts no key there.
    let error = card.user(CARD, &import(&file, "01")).code(4).json_error();
    assert_eq!(error["ckr"], "CKR_USER_NOT_LOGGED_IN", "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--login so")), "{error}");
    // A card locks after three wrong PINs: one is tried once, and two of each leave it as it was.
    for _ in 0..2 {
        let wrong = |login: &[&str]| {
            let all =
                [&["--json", "--token", CARD, "--pin-source", "env:WRONG"][..], login, &import(&file, "01")].concat();
            let error = card.token.cng11_with(&all, None, |command| {
                command.env("WRONG", "87654321");
            });
            assert_eq!(error.code(4).json_error()["ckr"], "CKR_PIN_INCORRECT");
        };
        wrong(&[]);
        wrong(&["--login", "so"]);
    }
    card.officer(&import(&file, "01")).ok();
    assert_card_signs(&card, "rsa2048-e65537");
}

#[test]
fn a_pin_source_goes_with_the_login_of_its_place() {
    let card = Card::new();
    let file = vector_text("rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    let run = |variables: &[(&str, &str)], options: &[&str], more: &[&str]| {
        card.token.cng11_with(&[options, more].concat(), None, |command| {
            command.env_remove("CNG11_PIN").env_remove("CNG11_SO_PIN").env("CNG11_TOKEN", CARD);
            command.envs(variables.iter().copied());
        })
    };
    // What is said for the user is not tried on the security officer.
    let user = ("CNG11_PIN_SOURCE", "env:USER_PIN");
    run(&[user], &["--login", "so"], &["list"]).code(4).says("there is no terminal");
    run(&[("CNG11_PIN", PIN)], &["--login", "so"], &["list"]).code(4).says("there is no terminal");
    let config = card.token.file("config", "login = \"so\"\npin-source = \"env:ADMIN_PIN\"\n");
    run(&[], &["--config", &config, "--login", "user"], &["list"]).code(4).says("there is no terminal");
    run(&[user], &["--login", "nobody"], &["list"]).code(2).says("user or so");
    // Each of these is the security officer.
    run(&[("CNG11_SO_PIN", ADMIN_PIN)], &["--login", "so"], &["list"]).ok();
    run(&[("CNG11_LOGIN", "so"), ("CNG11_PIN_SOURCE", "env:ADMIN_PIN")], &[], &["list"]).ok();
    run(&[], &["--config", &config], &import(&file, "01")).ok();
    assert_card_signs(&card, "rsa2048-e65537");
}

#[test]
fn what_it_does_with_each_kind_of_key_is_measured() {
    let mut rows = Vec::new();
    let mut card = None;
    for (kind, key) in matrix::KEYS {
        let fresh = card.take().unwrap_or_else(Card::new);
        let file = vector_text(&key_file(key));
        let mut row = Row::of(kind);
        let import = [&import(&file, "01")[..], algorithm_of(key)].concat();
        let done = |run: &Run| run.code == 0 || run.clone().code(3).code == 0;
        if done(&fresh.officer(&[&import[..], &["--route", "unwrap"]].concat())) {
            panic!("{kind}: the card has unwrapped it");
        }
        if !done(&fresh.officer(&import)) {
            card = Some(fresh);
            rows.push(row);
            continue;
        }
        // Nothing empties the place again: the next key has the next card.
        row.create = YES.to_owned();
        assert_card_signs(&fresh, key);
        row.works = "sign".to_owned();
        let (out, public) = (fresh.token.path_text("out"), vector_text("more/rsa2048.spki.bin"));
        let export = ["export", "Signature key", "--type", "PKCS8_PRIVATEKEY", "-o", &out];
        for how in [&["--allow-plaintext"][..], &["--wrap-to", &public, "--oaep-hash", "sha1"]] {
            fresh.user(SIGNING, &[&export[..], how].concat()).code(3);
        }
        rows.push(row);
    }
    assert!(rows.iter().any(|row| row.create == YES) && rows.iter().any(|row| row.create == NO));
    matrix::record("openpgp", &rows);
}
