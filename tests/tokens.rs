//! One suite on every token: what it takes, by which route, what leaves it wrapped, and what it refuses. What is expected of each kind is a table.
//!
//! Not part of `cargo test`: `scripts/test` sets each token up with `scripts/tokens` and runs this for it, with the token's kind in `CNG11_TEST_TOKEN` and its module in `CNG11_TEST_MODULE`.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::support::matrix;
use self::support::wrapping::{
    KEK, RSA_KEK, algorithm_of, assert_is_the_key, assert_signs, bare_type, hex, kek_of, key_file, openssl_unwraps,
    python_unwraps, python_wraps,
};
use self::support::{Run, TestToken, openssl, softhsm_module, tool, vector, vector_text};

const PRIVATE: &[&str] =
    &["rsa2048-e65537", "rsa3072-e17", "rsa4096-e65537", "ec-nistP256", "ec-nistP384", "ec-nistP521"];
const SECRET: &[&str] = &["aes128", "aes256"];

/// A kind of token.
struct Kind {
    name: &'static str,
    /// Makes a token in the test's directory, and what its module finds in its environment.
    set_up: fn(&mut TestToken),
    /// How a key in the clear comes onto it.
    route: &'static str,
    /// Whether it unwraps private keys.
    unwraps: bool,
    /// By which schemes keys leave it wrapped, and come back.
    schemes: &'static [&'static str],
    /// With which hashes it does RSA-OAEP.
    hashes: &'static [&'static str],
    /// Whether also with a label.
    labels: bool,
    /// What tells a second object of a key apart, where the token keeps one of a CKA_ID.
    beside: &'static [&'static str],
    /// A curve that it does not have, and what it answers.
    lacks: Option<(&'static str, &'static str)>,
}

const KINDS: &[Kind] = &[
    // SoftHSM 2.6.1 of Debian 12, 2026-11. The rest of its tests are those of `cargo test`.
    Kind {
        name: "softhsm",
        set_up: |token| {
            token.cng11(&["token", "init", "--label", TestToken::LABEL]).ok();
        },
        route: "copy",
        unwraps: true,
        schemes: &["kw", "kwp", "rsa-oaep", "rsa-aes"],
        hashes: &["sha1"],
        labels: false,
        beside: &[],
        lacks: Some(("ec-curve25519", "CKR_")),
    },
    // Kryoptic 1.5.4, 2026-11.
    Kind {
        name: "kryoptic",
        set_up: |token| {
            let database = token.path_text("token.sql");
            let text = format!("[[slots]]\nslot = 0\ndbtype = \"sqlite\"\ndbargs = \"{database}\"\n");
            let path = token.file("kryoptic.conf", text);
            token.set("KRYOPTIC_CONF", path);
            token.cng11(&["token", "init", "--label", TestToken::LABEL]).ok();
        },
        route: "copy",
        unwraps: true,
        schemes: &["kw", "kwp", "kw-pkcs7", "cbc-pad", "gcm", "rsa-oaep", "rsa-aes"],
        hashes: &["sha1", "sha256", "sha384", "sha512"],
        labels: true,
        beside: &[],
        lacks: Some(("ec-secP256k1", "CKR_")),
    },
    // NSS 3.87 of Debian 12, 2026-11. Its 0x210A is what others call CKM_AES_KEY_WRAP_PKCS7.
    Kind {
        name: "nss",
        set_up: |token| {
            let folder = format!("sql:{}", token.path_text("nss"));
            std::fs::create_dir(token.path("nss")).expect("a folder can be made");
            let pin = token.file("pin", TestToken::PIN);
            let mut command = tool("certutil");
            command.args(["-N", "-d", &folder, "-f", &pin]);
            Run::of(command, None).ok();
            let init = format!("configdir='{folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=");
            token.set("CNG11_MODULE_INIT", init);
            token.set("CNG11_TOKEN", "NSS Certificate DB");
        },
        route: "copy",
        unwraps: true,
        schemes: &["kw", "kwp", "kw-pkcs7", "cbc-pad", "rsa-oaep", "rsa-aes"],
        hashes: &["sha1", "sha256", "sha384", "sha512"],
        labels: true,
        beside: &["--id", "c0ffee"],
        lacks: Some(("ec-secP256k1", "CKR_")),
    },
    // SoftHSM2 behind p11-kit 0.24's server, in another process: of its mechanisms those without a parameter, and RSA-OAEP.
    Kind {
        name: "p11-kit",
        set_up: |token| {
            let softhsm = softhsm_module();
            token
                .cng11_with(&["token", "init", "--label", TestToken::LABEL], None, |command| {
                    command.env("CNG11_MODULE", &softhsm);
                })
                .ok();
            let socket = token.path("socket");
            let mut command = token.command("p11-kit");
            command.args(["server", "--foreground", "--name"]).arg(&socket).arg("--provider").arg(&softhsm);
            command.arg(format!("pkcs11:token={}", TestToken::LABEL.replace(' ', "%20")));
            command.env("XDG_RUNTIME_DIR", token.path("tmp"));
            token.serve(command);
            let start = Instant::now();
            while !socket.exists() {
                assert!(start.elapsed() < Duration::from_secs(20), "p11-kit's server does not come up");
                std::thread::sleep(Duration::from_millis(20));
            }
            token.set("P11_KIT_SERVER_ADDRESS", format!("unix:path={}", socket.display()));
        },
        route: "copy",
        unwraps: false,
        schemes: &["rsa-oaep"],
        hashes: &[],
        labels: false,
        beside: &[],
        lacks: None,
    },
];

fn kind() -> &'static Kind {
    let name = std::env::var("CNG11_TEST_TOKEN").expect(
        "CNG11_TEST_TOKEN names the kind of token; `scripts/test` sets it, and `scripts/tokens` sets the token up",
    );
    KINDS.iter().find(|kind| kind.name == name).unwrap_or_else(|| panic!("no kind of token is called {name}"))
}

/// A fresh token of this kind, with the wrapping keys of [`support::wrapping`].
fn token() -> TestToken {
    let module = std::env::var_os("CNG11_TEST_MODULE").expect("CNG11_TEST_MODULE names the token's module");
    let mut token = TestToken::blank().with_module(module);
    (kind().set_up)(&mut token);
    token.keep_secret(&vector(KEK));
    token.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token.import(&format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"), "rsa kek", &["--usage", "wrap"]);
    token
}

/// Imports a key of the vectors, so that it may leave wrapped.
fn import(token: &TestToken, key: &str, name: &str, more: &[&str]) -> Value {
    let algorithm = algorithm_of(key);
    token.import(&key_file(key), name, &[algorithm, more].concat())
}

/// Shows that the key of the token is the one of the vectors: a signature that openssl verifies; of a secret key that came in the clear the token's own proof against it.
fn assert_works(token: &TestToken, key: &str, name: &str, document: &Value) {
    if key.starts_with("aes") {
        assert_eq!(document["verified"], "kcv", "{document}");
    } else {
        assert_signs(token, name, key);
    }
}

/// The same of a key that came wrapped and may leave so: a secret one leaves, and others open it.
fn assert_is_whole(token: &TestToken, key: &str, name: &str) {
    if key.starts_with("aes") {
        let scheme = kind().schemes.iter().find(|scheme| carries(scheme, key, 32)).expect("a scheme");
        assert_is_the_key(key, &opened(scheme, &wrapped(token, key, name, scheme)), name);
    } else {
        assert_signs(token, name, key);
    }
}

/// A key as the token wraps it by a scheme, with the hash that openssl expects.
fn wrapped(token: &TestToken, key: &str, name: &str, scheme: &str) -> Vec<u8> {
    let path = token.path_text("wrapped again");
    let hash: &[&str] = if scheme.starts_with("rsa") { &["--oaep-hash", "sha1"] } else { &[] };
    let export = ["export", name, "--type", bare_type(key), "--wrap-key", kek_of(scheme), "--scheme", scheme];
    token.cng11(&[&export[..], &["-o", &path, "--force"], hash].concat()).ok();
    token.read("wrapped again")
}

/// What others find in it.
fn opened(scheme: &str, wrapped: &[u8]) -> Vec<u8> {
    match scheme {
        "kw" | "kwp" | "rsa-oaep" | "rsa-aes" => openssl_unwraps(scheme, wrapped),
        other => python_unwraps(other, wrapped),
    }
}

/// Whether a scheme carries a key: RFC 3394 whole blocks only, RSA-OAEP what is short.
fn carries(scheme: &str, key: &str, length: usize) -> bool {
    match scheme {
        "kw" => key.starts_with("aes") || length.is_multiple_of(8),
        "rsa-oaep" => length <= 190,
        _ => true,
    }
}

#[test]
fn what_it_does_with_each_kind_of_key_is_measured() {
    let token = token();
    let before = token.contents();
    matrix::record(kind().name, &matrix::measure(&token));
    assert_eq!(token.contents(), before);
}

#[test]
fn every_key_lands_works_and_goes_again() {
    let token = token();
    let before = token.contents();
    for key in PRIVATE.iter().chain(SECRET) {
        let foretold = import(&token, key, key, &["--dry-run"]);
        let document = import(&token, key, key, &[]);
        assert_eq!(document["route"], kind().route, "{key}: {document}");
        assert_eq!(foretold["route"], document["route"], "{key}");
        assert_works(&token, key, key, &document);
        token.cng11(&["delete", key, "--yes"]).ok();
        if !kind().unwraps {
            let algorithm = algorithm_of(key);
            let file = vector_text(&key_file(key));
            let by_unwrap = [&["import", &file, "--name", key, "--route", "unwrap"][..], algorithm].concat();
            let error = token.json_error(&by_unwrap, 3);
            assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{key}: {error}");
            // What fits RSA-OAEP comes in under an RSA key of the token, and what was tried first is told.
            if ["ec-nistP256", "ec-nistP384"].contains(key) {
                let document = import(&token, key, key, &["--route", "unwrap", "--unwrap-key", "rsa kek"]);
                assert_eq!(document["scheme"], "rsa-oaep", "{key}: {document}");
                assert_eq!(document["tried"][0]["what"], "rsa-aes", "{key}: {document}");
                assert_signs(&token, key, key);
                token.cng11(&["delete", key, "--yes"]).ok();
            }
            continue;
        }
        // By the other route it is the same key.
        let document = import(&token, key, key, &["--route", "unwrap"]);
        assert_eq!((&document["route"], &document["scheme"]), (&json!("unwrap"), &json!("kwp")), "{key}: {document}");
        assert_works(&token, key, key, &document);
        token.cng11(&["delete", key, "--yes"]).ok();
    }
    assert_eq!(token.contents(), before);
}

#[test]
fn what_the_token_wraps_is_the_same_key_elsewhere_and_comes_back() {
    let token = token();
    for key in PRIVATE.iter().chain(SECRET) {
        import(&token, key, key, &["--export-policy", "encrypted"]);
        for scheme in kind().schemes {
            let why = format!("{key} by {scheme}");
            let path = token.path_text("wrapped");
            let export = ["export", key, "--type", bare_type(key), "--wrap-key", kek_of(scheme), "--scheme", scheme];
            let export = [&export[..], &["-o", &path, "--force"]].concat();
            // A private key leaves without its public half: it may be shorter than the file, and what can carry it is the token's to say.
            let run = token.cng11(&export);
            if run.code == 3 && ["kw", "rsa-oaep"].contains(scheme) && !key.starts_with("aes") {
                continue;
            }
            run.ok();
            assert_is_the_key(key, &opened(scheme, &wrapped(&token, key, key, scheme)), &why);
            let back = ["import", &path, "--name", "back", "--type", bare_type(key), "--scheme", scheme];
            let may = ["--unwrap-key", kek_of(scheme), "--export-policy", "encrypted"];
            token.json(&[&back[..], &may, kind().beside].concat());
            assert_is_whole(&token, key, "back");
            token.cng11(&["delete", "back", "--yes"]).ok();
        }
    }
}

#[test]
fn what_others_wrap_is_a_working_key() {
    let token = token();
    for key in ["rsa2048-e65537", "ec-nistP256", "ec-nistP384", "aes256"] {
        let plain = vector(&key_file(key));
        for scheme in kind().schemes.iter().filter(|scheme| carries(scheme, key, plain.len())) {
            if *scheme == "rsa-oaep" && !key.starts_with("aes") {
                continue;
            }
            let path = token.file("wrapped", python_wraps(scheme, &[], &plain));
            let import = ["import", &path, "--name", "x", "--type", bare_type(key), "--scheme", scheme];
            let may = ["--unwrap-key", kek_of(scheme), "--export-policy", "encrypted"];
            let document = token.json(&[&import[..], &may].concat());
            assert_eq!(document["route"], "unwrap", "{key} by {scheme}");
            assert_is_whole(&token, key, "x");
            token.cng11(&["delete", "x", "--yes"]).ok();
            // One bit of it, and nothing is there.
            let mut damaged = token.read("wrapped");
            let last = damaged.len() - 1;
            damaged[last] ^= 1;
            let before = token.contents();
            let path = token.file("damaged", damaged);
            let import = ["import", &path, "--name", "x", "--type", bare_type(key), "--scheme", scheme];
            token.cng11(&[&import[..], &["--unwrap-key", kek_of(scheme)]].concat()).code(1);
            assert_eq!(token.contents(), before, "{key} by {scheme}");
        }
    }
}

#[test]
fn what_is_wrapped_anew_is_the_same_key_or_refused() {
    let token = token();
    if !kind().unwraps {
        return every_private_key_is_refused(&token);
    }
    token.cng11(&["generate", "other", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]).ok();
    let before = token.contents();
    for key in ["rsa2048-e65537", "ec-nistP256", "aes256"] {
        let (from, middle, to) = (token.path_text("from"), token.path_text(key), token.path_text("to"));
        let _ = token.file("from", python_wraps("kwp", &[], &vector(&key_file(key))));
        let kwp = ["--type", bare_type(key), "--scheme", "kwp", "--to-scheme", "kwp", "--force"];
        let there = ["rewrap", &from, "--unwrap-key", "kek", "--wrap-key", "other", "-o", &middle];
        let run = token.cng11(&[&there[..], &kwp].concat());
        if kind().name == "nss" && key.starts_with("ec") {
            // It would put a public point beside the key that is none.
            run.code(3).says("import it first");
            assert!(!token.path(key).exists());
            continue;
        }
        run.ok();
        let back = ["rewrap", &middle, "--unwrap-key", "other", "--wrap-key", "kek", "-o", &to];
        token.cng11(&[&back[..], &kwp].concat()).ok();
        assert_is_the_key(key, &opened("kwp", &token.read("to")), &format!("{key}, wrapped anew"));
    }
    assert_eq!(token.contents(), before);
}

fn every_private_key_is_refused(token: &TestToken) {
    let from = token.file("from", python_wraps("kwp", &[], &vector(&key_file("ec-nistP256"))));
    let to = token.path_text("to");
    let rewrap = ["rewrap", &from, "--unwrap-key", "kek", "--wrap-key", "rsa kek", "-o", &to, "--scheme", "kwp"];
    assert_eq!(
        token.json_error(&[&rewrap[..], &["--type", "PKCS8_PRIVATEKEY"]].concat(), 3)["ckr"],
        "CKR_MECHANISM_INVALID"
    );
    assert!(!token.path("to").exists());
}

#[test]
fn a_secret_key_that_is_no_whole_number_of_blocks_leaves_as_it_is_or_not_at_all() {
    let token = token();
    let usage = ["--usage", "sign", "--export-policy", "encrypted"];
    token.cng11(&[&["generate", "hmac", "--algorithm", "HMAC", "--bits", "160"][..], &usage].concat()).ok();
    for scheme in kind().schemes {
        let path = token.path_text("hmac out");
        let hash: &[&str] = if scheme.starts_with("rsa") { &["--oaep-hash", "sha1"] } else { &[] };
        let export = ["export", "hmac", "--type", "raw", "--wrap-key", kek_of(scheme), "--scheme", scheme, "--force"];
        let run = token.cng11(&[&export[..], &["-o", &path], hash].concat());
        // SoftHSM2 fills it with zero bytes before it wraps it by AES, whichever way.
        if *scheme == "kw" || (kind().name == "softhsm" && *scheme != "rsa-oaep") {
            run.code(3);
            assert!(!token.path("hmac out").exists());
            continue;
        }
        run.ok();
        assert_eq!(opened(scheme, &token.read("hmac out")).len(), 20, "{scheme}");
        std::fs::remove_file(token.path("hmac out")).expect("it is there");
    }
}

#[test]
fn every_hash_of_rsa_oaep_with_a_label_goes_both_ways() {
    let token = token();
    import(&token, "aes256", "aes256", &["--export-policy", "encrypted"]);
    if kind().hashes.is_empty() {
        let path = token.path_text("wrapped");
        let export = ["export", "aes256", "--type", "PKCS11RsaAesWrapBlob", "--wrap-key", "rsa kek", "-o", &path];
        assert_eq!(token.json_error(&export, 3)["ckr"], "CKR_MECHANISM_INVALID");
        assert!(!token.path("wrapped").exists());
    }
    for hash in kind().hashes {
        let path = token.path_text("wrapped");
        let oaep: &[&str] = &["--oaep-hash", hash, "--oaep-label", "c0ffee"];
        let oaep = if kind().labels { oaep } else { &oaep[..2] };
        let export =
            ["export", "aes256", "--type", "PKCS11RsaAesWrapBlob", "--wrap-key", "rsa kek", "-o", &path, "--force"];
        token.cng11(&[&export[..], oaep].concat()).ok();
        // The blob says hash and label.
        let import = ["import", &path, "--unwrap-key", "rsa kek", "--algorithm", "AES", "--name", "x"];
        token.cng11(&import).ok();
        token.cng11(&["delete", "x", "--yes"]).ok();
    }
}

#[test]
fn a_key_moves_to_softhsm_and_back_with_all_that_is_said_of_it() {
    let (here, there) = (token(), TestToken::new());
    if !kind().unwraps {
        // It has no scheme that carries a private key: the container is refused with the mechanism, and no file is there.
        import(&here, "aes256", "aes256", &["--export-policy", "encrypted"]);
        let path = here.path_text("sent");
        let export = ["export", "aes256", "--type", "OpaqueTransport", "--wrap-key", "rsa kek", "-o", &path];
        let error = here.json_error(&export, 3);
        assert_eq!(error["ckr"], "CKR_MECHANISM_INVALID", "{error}");
        assert!(!here.path("sent").exists());
        return;
    }
    there.cng11(&["generate", "door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    let door = there.file("door", there.export("door", "spki", &[]));
    here.cng11(&["generate", "own door", "--algorithm", "RSA", "--bits", "2048", "--usage", "wrap"]).ok();
    let own_door = here.file("own door", here.export("own door", "spki", &[]));
    for (key, usage) in [("rsa2048-e65537", "sign"), ("ec-nistP256", "sign"), ("aes256", "decrypt")] {
        let made = import(&here, key, key, &["--export-policy", "encrypted", "--usage", usage]);
        let sent = there.path_text("sent");
        let out = ["export", key, "--type", "OpaqueTransport", "--force", "-o", &sent];
        // SoftHSM2 has OAEP with SHA-1.
        here.cng11(&[&out[..], &["--wrap-to", &door, "--oaep-hash", "sha1"]].concat()).ok();
        let moved = there.json(&["import", &sent, "--unwrap-key", "door"]);
        here.cng11(&["delete", key, "--yes"]).ok();
        there.cng11(&[&out[..], &["--wrap-to", &own_door]].concat()).ok();
        let back = here.json(&["import", &sent, "--unwrap-key", "own door"]);
        for field in ["name", "algorithm", "usage", "export_policy", "id", "curve", "fingerprint_sha256"] {
            assert_eq!(moved[field], made[field], "{key}: {field}");
            assert_eq!(back[field], made[field], "{key}: {field} back");
        }
        assert_is_whole(&here, key, key);
    }
}

#[test]
fn what_comes_back_beside_its_original_gains_no_right() {
    let token = token();
    if !kind().unwraps {
        return every_private_key_is_refused(&token);
    }
    for (key, usage, wider) in [
        ("rsa2048-e65537", "sign", "sign,decrypt"),
        ("aes256", "decrypt", "decrypt,wrap"),
        ("ec-nistP256", "sign", "sign,agree"),
    ] {
        import(&token, key, key, &["--export-policy", "encrypted", "--usage", usage]);
        let path = token.file("wrapped", wrapped(&token, key, key, "kwp"));
        let back =
            ["import", &path, "--name", "back", "--type", bare_type(key), "--scheme", "kwp", "--unwrap-key", "kek"];
        let refused = |policy: &str, usage: &str| {
            let before = token.contents();
            let more = ["--export-policy", policy, "--usage", usage];
            let error = token.json_error(&[&back[..], &more, kind().beside].concat(), 3);
            assert_eq!(error["status"], "NTE_PERM", "{key}: {error}");
            assert_eq!(token.contents(), before, "{key}");
        };
        refused("plaintext", usage);
        refused("encrypted", wider);
        if key.starts_with("ec") {
            token.cng11(&["delete", "pkcs11:object=ec-nistP256;type=public", "--yes"]).ok();
            refused("encrypted", wider);
        }
        token.json(&[&back[..], &["--export-policy", "encrypted", "--usage", usage], kind().beside].concat());
        token.cng11(&["delete", "back", "--yes"]).ok();
    }
}

#[test]
fn what_python_wrapped_with_each_hash_and_label_is_the_key() {
    let token = token();
    for hash in ["sha1", "sha256", "sha384", "sha512"] {
        for label in ["", "-label"] {
            let file = vector_text(&format!("more/nistP256.rsa2048-{hash}{label}.PKCS11RsaAesWrapBlob.bin"));
            let import = ["import", &file, "--name", "x", "--unwrap-key", "rsa kek"];
            if !kind().hashes.contains(&hash) || !(label.is_empty() || kind().labels) {
                token.json_error(&import, 3);
                continue;
            }
            token.json(&import);
            assert_signs(&token, "x", "more/nistP256");
            token.cng11(&["delete", "x", "--yes"]).ok();
        }
    }
}

#[test]
fn a_certificate_that_is_there_already_is_not_taken_over() {
    let token = token();
    let (key, certificate) = (format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"), vector_text(&format!("{RSA_KEK}.cert.bin")));
    token.import(&key, "first", &["--cert", &certificate, "--id", "0a0b"]);
    let before = token.contents();
    let file = vector_text(&key);
    let second = ["import", &file, "--name", "second", "--cert", &certificate, "--id", "0c0d"];
    let run = token.cng11(&second);
    if kind().beside.is_empty() {
        run.ok();
        token.cng11(&["delete", "second", "--yes"]).ok();
    } else {
        run.code(2).says("take over");
    }
    assert_eq!(token.contents(), before);
    assert_eq!(token.json(&["show", "first"])["certificate"], true);
}

#[test]
fn a_second_key_of_a_cka_id_takes_no_other_keys_place() {
    let token = token();
    let id = ["--id", "0102"];
    import(&token, "ec-nistP256", "first", &id);
    import(&token, "aes256", "secret", &["--id", "0304"]);
    let before = token.contents();
    for (key, id) in [("rsa2048-e65537", "0102"), ("ec-nistP384", "0102"), ("aes128", "0304"), ("ec-nistP256", "0102")]
    {
        let algorithm = algorithm_of(key);
        let file = vector_text(&key_file(key));
        let import = [&["import", &file, "--name", "second", "--id", id][..], algorithm].concat();
        if kind().beside.is_empty() {
            token.cng11(&import).ok();
            token.cng11(&["delete", "second", "--yes"]).ok();
        } else {
            for more in [&[][..], &["--dry-run"], &["--route", "unwrap"]] {
                let error = token.json_error(&[&import[..], more].concat(), 1);
                assert_eq!(error["status"], "NTE_EXISTS", "{key}: {error}");
                assert_eq!(token.contents(), before, "{key} {more:?}");
            }
        }
        assert_signs(&token, "first", "ec-nistP256");
    }
    // What is replaced as it was asked is no other key.
    import(&token, "ec-nistP384", "first", &["--id", "0102", "--overwrite"]);
    assert_signs(&token, "first", "ec-nistP384");
    assert_eq!(token.names().len(), 4);
}

#[test]
fn what_the_token_refuses_is_refused_with_its_reason_and_leaves_nothing() {
    let token = token();
    import(&token, "ec-nistP256", "closed", &[]);
    let before = token.contents();
    if let Some((curve, reason)) = kind().lacks {
        let file = vector_text(&format!("{curve}.PKCS8_PRIVATEKEY.bin"));
        let error = token.json_error(&["import", &file, "--name", "x"], 3);
        assert!(error["message"].as_str().is_some_and(|message| message.contains(reason)), "{error}");
    }
    let out = token.path_text("out");
    token.json_error(&["export", "closed", "--type", "PKCS8_PRIVATEKEY", "--wrap-key", "kek", "-o", &out], 3);
    assert!(!token.path("out").exists());
    let file = token.file("noise", [7; 48]);
    let noise = ["import", &file, "--name", "x", "--type", "PKCS8_PRIVATEKEY", "--unwrap-key", "kek"];
    token.json_error(&noise, if kind().unwraps { 1 } else { 3 });
    assert_eq!(token.contents(), before);
}

#[test]
fn an_envelope_and_an_encrypted_file_are_made_and_opened_as_openssl_does() {
    let token = token();
    import(&token, "ec-nistP256", "ec-nistP256", &["--export-policy", "encrypted"]);
    let path = token.path_text("file");
    if !kind().schemes.contains(&"cbc-pad") {
        let export = ["export", "ec-nistP256", "-o", &path, "--type"];
        let envelope = ["PKCS7_ENVELOPE", "--wrap-key", "rsa kek"];
        let password = ["PKCS8_PRIVATEKEY", "--password-source", "env:CNG11_PIN"];
        // The content of an envelope may also be wrapped as RFC 5649 has it, which SoftHSM2 does.
        let refused = if kind().schemes.contains(&"kwp") { &[&password[..]][..] } else { &[&envelope[..], &password] };
        for how in refused {
            let error = token.json_error(&[&export[..], how].concat(), 3);
            assert_eq!(error["ckr"], "CKR_MECHANISM_INVALID", "{how:?}: {error}");
            assert!(!token.path("file").exists(), "{how:?}");
        }
        return;
    }
    let rsa = vector_text(&format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"));
    let certificate = vector_text(&format!("{RSA_KEK}.cert-pem.pem"));
    let export = ["export", "ec-nistP256", "--type", "PKCS7_ENVELOPE", "--wrap-to", &certificate, "-o", &path];
    token.cng11(&export).ok();
    let decrypt = ["cms", "-decrypt", "-inform", "DER", "-in", &path, "-keyform", "DER", "-inkey", &rsa];
    let plain = openssl(&[&decrypt[..], &["-recip", &certificate]].concat(), None);
    assert_is_the_key("ec-nistP256", &plain, "in an envelope");
    let document =
        token.json(&[&["import", &path, "--name", "opened", "--unwrap-key", "rsa kek"][..], kind().beside].concat());
    assert_eq!(document["route"], "unwrap", "{document}");
    assert_signs(&token, "opened", "ec-nistP256");
    token.cng11(&["delete", "opened", "--yes"]).ok();
    // Under a password, on the token both ways.
    let password = ["--password-source", "env:CNG11_PIN"];
    let export = ["export", "ec-nistP256", "--type", "PKCS8_PRIVATEKEY", "-o", &path, "--force"];
    token.cng11(&[&export[..], &password].concat()).ok();
    let pass = format!("pass:{}", TestToken::PIN);
    let plain = openssl(&["pkcs8", "-inform", "DER", "-in", &path, "-passin", &pass, "-outform", "DER"], None);
    assert_is_the_key("ec-nistP256", &plain, &format!("under a password: {}", hex(&plain[..8])));
    let document = token.json(&[&["import", &path, "--name", "by password"][..], &password, kind().beside].concat());
    assert_eq!(document["route"], "unwrap", "{document}");
    assert_signs(&token, "by password", "ec-nistP256");
}
