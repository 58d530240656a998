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

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::support::wrapping::{
    KEK, RSA_KEK, algorithm_of, assert_is_the_key, assert_signs, bare_type, hex, kek_of, key_file, openssl_unwraps,
    python_unwraps, python_wraps,
};
use cng_pkcs11::Status;
use cng_pkcs11::blob::BlobType;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, Curve, KeyUsage};
use cng_pkcs11::provider::{
    Authenticated, ChainingMode, CipherPadding, Flags, ImportParameters, KeyName, StorageProvider, Verified,
};

use self::support::{Run, TestToken, on_this_token, openssl, softhsm_module, vector, vector_text};
use self::support::{matrix, set_up};

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
    /// The private keys that land on it and work.
    private: &'static [&'static str],
    /// What it answers to every key that is imported, where it takes none.
    takes_none: Option<&'static str>,
    /// The scheme under which a key that is in the clear here is unwrapped there.
    best: &'static str,
    /// The policy with which a wrapped key may leave and comes back: on a token that makes everything readable that it unwraps no other is to be had.
    travels: &'static str,
    /// Whether padding that makes no sense is an error to it in CBC mode.
    checks_padding: bool,
    /// The pairs that it makes.
    makes: &'static [&'static [&'static str]],
    /// What it does not make, what it answers, and with which code that ends.
    makes_not: &'static [(&'static [&'static str], &'static str, i32)],
}

impl Kind {
    /// Whether what it unwraps has the policy that is asked for.
    fn honours(&self) -> bool {
        self.travels != "plaintext"
    }
}

const RSA_PAIR: &[&str] = &["--algorithm", "RSA", "--bits", "2048"];
const EC_PAIR: &[&str] = &["--algorithm", "ECDSA_P256"];

/// What most tokens do.
const USUAL: Kind = Kind {
    name: "",
    set_up: |_| {},
    route: "copy",
    unwraps: true,
    schemes: &[],
    hashes: &[],
    labels: false,
    beside: &[],
    lacks: None,
    private: PRIVATE,
    takes_none: None,
    best: "kwp",
    travels: "encrypted",
    checks_padding: true,
    makes: &[RSA_PAIR, EC_PAIR],
    makes_not: &[],
};

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
        lacks: Some(("ec-curve25519", "CKR_")),
        ..USUAL
    },
    // Kryoptic 1.5.4, 2026-11.
    Kind {
        name: "kryoptic",
        set_up: set_up::kryoptic,
        route: "copy",
        unwraps: true,
        schemes: &["kw", "kwp", "kw-pkcs7", "cbc-pad", "gcm", "rsa-oaep", "rsa-aes"],
        hashes: &["sha1", "sha256", "sha384", "sha512"],
        labels: true,
        beside: &[],
        lacks: Some(("ec-secP256k1", "CKR_")),
        ..USUAL
    },
    // NSS 3.87 of Debian 12, 2026-11. Its 0x210A is what others call CKM_AES_KEY_WRAP_PKCS7.
    Kind {
        name: "nss",
        set_up: set_up::nss,
        route: "copy",
        unwraps: true,
        schemes: &["kw", "kwp", "kw-pkcs7", "cbc-pad", "rsa-oaep", "rsa-aes"],
        hashes: &["sha1", "sha256", "sha384", "sha512"],
        labels: true,
        beside: &["--id", "c0ffee"],
        lacks: Some(("ec-secP256k1", "CKR_")),
        ..USUAL
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
        ..USUAL
    },
    // openCryptoki 3.8.1 of Debian 12, its soft token, 2026-11: no mechanism of elliptic keys, no AES key wrap; what it unwraps can be read and may leave.
    Kind {
        name: "opencryptoki",
        set_up: opencryptoki,
        schemes: &["cbc-pad", "rsa-oaep"],
        private: &["rsa2048-e65537", "rsa3072-e17", "rsa4096-e65537"],
        best: "cbc-pad",
        travels: "plaintext",
        checks_padding: false,
        makes: &[RSA_PAIR],
        makes_not: &[(EC_PAIR, "CKR_MECHANISM_INVALID", 3)],
        ..USUAL
    },
    // tpm2-pkcs11 1.9.0 of Debian 12 on swtpm 0.7, 2026-11: what is on it was made there, or brought by its own tool.
    Kind {
        name: "tpm2-pkcs11",
        set_up: tpm,
        unwraps: false,
        private: &[],
        takes_none: Some("CKR_ATTRIBUTE_VALUE_INVALID"),
        makes: &[
            RSA_PAIR,
            EC_PAIR,
            &["--algorithm", "RSA", "--bits", "2048", "--usage", "sign,decrypt"],
            &["--algorithm", "ECDSA_P384"],
        ],
        makes_not: &[
            (&["--algorithm", "RSA", "--bits", "4096"], "CKR_ATTRIBUTE_VALUE_INVALID", 3),
            (&["--algorithm", "RSA", "--export-policy", "encrypted"], "CKR_ATTRIBUTE_VALUE_INVALID", 3),
            (&["--algorithm", "AES", "--bits", "256"], "CKR_FUNCTION_NOT_SUPPORTED", 3),
            (&["--algorithm", "HMAC", "--bits", "256"], "CKR_FUNCTION_NOT_SUPPORTED", 3),
            // It signs by decrypting, and that is known before.
            (&["--algorithm", "RSA", "--usage", "sign"], "", 3),
            // It does not say more.
            (&["--algorithm", "RSA", "--usage", "wrap"], "CKR_GENERAL_ERROR", 1),
            (&["--algorithm", "ECDH_P256"], "CKR_GENERAL_ERROR", 1),
        ],
        ..USUAL
    },
];

/// Waits for something that a program is about to do.
fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One at a time: its daemon, its objects and its shared memory are the machine's.
fn opencryptoki(token: &mut TestToken) {
    static TURN: Mutex<()> = Mutex::new(());
    const STATE: &str = "/var/lib/opencryptoki";
    token.take_turn(&TURN);
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("there is a list of mounts");
    let is_apart = mounts.lines().any(|line| line.starts_with(&format!("tmpfs {STATE} ")));
    assert!(is_apart, "{STATE} is the machine's own: only `scripts/tokens opencryptoki` keeps the tests away from it");
    for left in ["/run/pkcsslotd.pid", "/run/pkcsslotd.socket", "/dev/shm/var.lib.opencryptoki.swtok"] {
        let _ = std::fs::remove_file(left);
    }
    for left in [&format!("{STATE}/swtok"), "/run/lock/opencryptoki"] {
        let _ = std::fs::remove_dir_all(left);
    }
    for folder in [&format!("{STATE}/swtok/TOK_OBJ"), "/run/lock/opencryptoki/swtok"] {
        std::fs::create_dir_all(folder).expect("a folder can be made");
    }
    // Four to eight characters; the second is what a blank one has.
    token.set_pins("87651234", "87654321");
    let mut daemon = token.command("/usr/sbin/pkcsslotd");
    daemon.arg("-f");
    token.serve_quietly(daemon);
    wait_for("pkcsslotd", || Path::new("/run/pkcsslotd.socket").exists());
    token.cng11(&["token", "init", "--label", TestToken::LABEL]).ok();
}

/// A TPM in software, and the resource manager without which the module has no room for its sessions.
fn tpm(token: &mut TestToken) {
    for folder in ["state", "store"] {
        std::fs::create_dir(token.path(folder)).expect("a folder can be made");
    }
    let bus = token.path("bus");
    token.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
    token.set("TPM2_PKCS11_TCTI", "tabrmd:bus_type=session");
    token.set("TPM2TOOLS_TCTI", "tabrmd:bus_type=session");
    token.set("TPM2_PKCS11_STORE", token.path("store"));
    token.set("TSS2_LOG", "all+NONE");
    // Nothing silences its errors.
    token.set("TPM2_PKCS11_LOG_LEVEL", "0");
    token.ignore_chatter(&["ERROR: "]);
    let mut daemon = token.command("dbus-daemon");
    daemon.args(["--session", "--nofork", "--address"]).arg(format!("unix:path={}", bus.display()));
    token.serve_quietly(daemon);
    let port = two_ports();
    let address = |kind: &str, port: u16| format!("type=tcp,port={port},bindaddr=127.0.0.1{kind}");
    let mut swtpm = token.command("swtpm");
    swtpm.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"]);
    swtpm.arg(format!("dir={}", token.path("state").display()));
    swtpm.args(["--server", &address("", port), "--ctrl", &address("", port + 1)]);
    token.serve_quietly(swtpm);
    wait_for("dbus-daemon", || bus.exists());
    wait_for("swtpm", || TcpStream::connect(("127.0.0.1", port + 1)).is_ok());
    let manager = ["/usr/sbin/tpm2-abrmd", "/usr/bin/tpm2-abrmd"].into_iter().find(|path| Path::new(path).is_file());
    let mut manager = token.command(manager.expect("scripts/tokens installs tpm2-abrmd"));
    manager.args(["--session", "--allow-root"]).arg(format!("--tcti=swtpm:host=127.0.0.1,port={port}"));
    token.serve_quietly(manager);
    wait_for("tpm2-abrmd", || {
        let listed = token.cng11(&["token", "list"]);
        listed.code == 0 && listed.text().contains("blank")
    });
    token.cng11(&["token", "init", "--label", TestToken::LABEL]).ok();
}

/// A port that nobody listens on, nor on the one behind it: swtpm's commands and its control.
fn two_ports() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).ok();
    let pair = (0..100).find_map(|_| {
        let first = free(0)?;
        let port = first.local_addr().ok()?.port();
        free(port.checked_add(1)?).map(|_| port)
    });
    pair.expect("two ports are free")
}

fn kind() -> &'static Kind {
    let name = std::env::var("CNG11_TEST_TOKEN").expect(
        "CNG11_TEST_TOKEN names the kind of token; `scripts/test` sets it, and `scripts/tokens` sets the token up",
    );
    KINDS.iter().find(|kind| kind.name == name).unwrap_or_else(|| panic!("no kind of token is called {name}"))
}

/// A fresh token of this kind.
fn bare_token() -> TestToken {
    let module = std::env::var_os("CNG11_TEST_MODULE").expect("CNG11_TEST_MODULE names the token's module");
    let mut token = TestToken::blank().with_module(module);
    (kind().set_up)(&mut token);
    token
}

/// The same with the wrapping keys of [`support::wrapping`]. Of a token that takes no key it is shown instead that it takes none, and that this is said.
fn token() -> Option<TestToken> {
    let token = bare_token();
    if let Some(ckr) = kind().takes_none {
        nothing_comes_in(&token, ckr, &["ec-nistP256", "aes256"]);
        return None;
    }
    token.keep_secret(&vector(KEK));
    token.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token.import(&format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"), "rsa kek", &["--usage", "wrap"]);
    Some(token)
}

/// Every way in is refused with what the token answered, and with what does bring a key there; nothing is left.
fn nothing_comes_in(token: &TestToken, ckr: &str, keys: &[&str]) {
    token.cng11(&[&["generate", "made"][..], RSA_PAIR].concat()).ok();
    let before = (token.contents(), objects(token));
    for key in keys {
        let file = vector_text(&key_file(key));
        let import = [&["import", &file, "--name", key][..], algorithm_of(key)].concat();
        for more in [&[][..], &["--dry-run"], &["--route", "create"], &["--overwrite", "--export-policy", "plaintext"]]
        {
            let error = token.json_error(&[&import[..], more].concat(), 3);
            assert_eq!((&error["ckr"], &error["status"]), (&json!(ckr), &json!("NTE_NOT_SUPPORTED")), "{key}: {error}");
            assert!(error["message"].as_str().is_some_and(|message| message.contains(ckr)), "{key}: {error}");
            assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("tpm2_ptool import")), "{key}: {error}");
        }
        let error = token.json_error(&[&import[..], &["--route", "unwrap"]].concat(), 3);
        assert!(error["message"].as_str().is_some_and(|message| message.contains("C_UnwrapKey")), "{key}: {error}");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("tpm2_ptool import")), "{key}: {error}");
        // Nor wrapped under what it has, nor out again.
        let wrapped = token.file("wrapped", [7; 256]);
        let by_key = ["import", &wrapped, "--name", key, "--unwrap-key", "made", "--type", bare_type(key)];
        token.json_error(&[&by_key[..], algorithm_of(key)].concat(), 3);
        assert_eq!((token.contents(), objects(token)), before, "{key}");
    }
    let out = token.path_text("out");
    for how in [
        &["PKCS8_PRIVATEKEY", "--wrap-key", "made"][..],
        &["PKCS8_PRIVATEKEY", "--allow-plaintext"],
        &["RSAFULLPRIVATEBLOB", "--allow-plaintext"],
    ] {
        let export = ["export", "made", "-o", &out, "--type"];
        assert_eq!(token.json_error(&[&export[..], how].concat(), 3)["status"], "NTE_NOT_SUPPORTED", "{how:?}");
        assert!(!token.path("out").exists());
    }
}

/// What OpenSC sees on the token.
fn objects(token: &TestToken) -> String {
    token.pkcs11_tool(&["--list-objects"]).ok().text()
}

/// Two private keys that work on this token.
fn two_keys() -> [&'static str; 2] {
    if kind().private.contains(&"ec-nistP256") {
        ["ec-nistP256", "ec-nistP384"]
    } else {
        ["rsa2048-e65537", "rsa3072-e17"]
    }
}

/// Whether a key is of a kind that works on this token.
fn works(key: &&str) -> bool {
    SECRET.contains(key) || kind().private.contains(key)
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
    let token = token().unwrap_or_else(bare_token);
    let before = token.contents();
    matrix::record(kind().name, &matrix::measure(&token));
    assert_eq!(token.contents(), before);
}

#[test]
fn every_key_lands_works_and_goes_again() {
    if let Some(ckr) = kind().takes_none {
        return nothing_comes_in(&bare_token(), ckr, &[PRIVATE, SECRET].concat());
    }
    let Some(token) = token() else { return };
    let before = token.contents();
    for key in kind().private.iter().chain(SECRET) {
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
        let by_unwrap = ["--route", "unwrap"];
        let by_unwrap = if kind().honours() {
            by_unwrap.to_vec()
        } else {
            [&by_unwrap[..], &["--export-policy", kind().travels]].concat()
        };
        let document = import(&token, key, key, &by_unwrap);
        assert_eq!(
            (&document["route"], &document["scheme"]),
            (&json!("unwrap"), &json!(kind().best)),
            "{key}: {document}"
        );
        assert_works(&token, key, key, &document);
        token.cng11(&["delete", key, "--yes"]).ok();
    }
    assert_eq!(token.contents(), before);
}

#[test]
fn what_the_token_wraps_is_the_same_key_elsewhere_and_comes_back() {
    let Some(token) = token() else { return };
    for key in kind().private.iter().chain(SECRET) {
        import(&token, key, key, &["--export-policy", kind().travels]);
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
            let may = ["--unwrap-key", kek_of(scheme), "--export-policy", kind().travels];
            token.json(&[&back[..], &may, kind().beside].concat());
            assert_is_whole(&token, key, "back");
            token.cng11(&["delete", "back", "--yes"]).ok();
        }
    }
}

#[test]
fn what_others_wrap_is_a_working_key() {
    let Some(token) = token() else { return };
    for key in ["rsa2048-e65537", "ec-nistP256", "ec-nistP384", "aes256"].into_iter().filter(works) {
        let plain = vector(&key_file(key));
        for scheme in kind().schemes.iter().filter(|scheme| carries(scheme, key, plain.len())) {
            if *scheme == "rsa-oaep" && !key.starts_with("aes") {
                continue;
            }
            let path = token.file("wrapped", python_wraps(scheme, &[], &plain));
            let import = ["import", &path, "--name", "x", "--type", bare_type(key), "--scheme", scheme];
            let may = ["--unwrap-key", kek_of(scheme), "--export-policy", kind().travels];
            let document = token.json(&[&import[..], &may].concat());
            assert_eq!(document["route"], "unwrap", "{key} by {scheme}");
            assert_is_whole(&token, key, "x");
            token.cng11(&["delete", "x", "--yes"]).ok();
            // One bit of it, and nothing is there.
            let mut damaged = token.read("wrapped");
            match (kind().checks_padding || *scheme != "cbc-pad", key.starts_with("aes")) {
                (true, _) => damaged.iter_mut().last().into_iter().for_each(|last| *last ^= 1),
                // Padding that makes no sense is taken for the key: what shows for certain is another first byte, or that there is too much.
                (false, false) => damaged[0] ^= 1,
                (false, true) => damaged.extend([0; 16]),
            }
            let before = token.contents();
            let path = token.file("damaged", damaged);
            let import = ["import", &path, "--name", "x", "--type", bare_type(key), "--scheme", scheme];
            token.cng11(&[&import[..], &may].concat()).code(1);
            assert_eq!(token.contents(), before, "{key} by {scheme}");
        }
    }
}

#[test]
fn what_is_wrapped_anew_is_the_same_key_or_refused() {
    let Some(token) = token() else { return };
    if !kind().unwraps {
        return every_private_key_is_refused(&token);
    }
    token.cng11(&["generate", "other", "--algorithm", "AES", "--bits", "256", "--usage", "wrap"]).ok();
    let before = token.contents();
    let best = kind().best;
    for key in ["rsa2048-e65537", "ec-nistP256", "aes256"].into_iter().filter(works) {
        let (from, middle, to) = (token.path_text("from"), token.path_text(key), token.path_text("to"));
        let _ = token.file("from", python_wraps(best, &[], &vector(&key_file(key))));
        let how = ["--type", bare_type(key), "--scheme", best, "--to-scheme", best, "--force"];
        let there = ["rewrap", &from, "--unwrap-key", "kek", "--wrap-key", "other", "-o", &middle];
        let run = token.cng11(&[&there[..], &how].concat());
        if kind().name == "nss" && key.starts_with("ec") {
            // It would put a public point beside the key that is none.
            run.code(3).says("import it first");
            assert!(!token.path(key).exists());
            continue;
        }
        run.ok();
        let back = ["rewrap", &middle, "--unwrap-key", "other", "--wrap-key", "kek", "-o", &to];
        token.cng11(&[&back[..], &how].concat()).ok();
        assert_is_the_key(key, &opened(best, &token.read("to")), &format!("{key}, wrapped anew"));
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
    let Some(token) = token() else { return };
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
    let Some(token) = token() else { return };
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
    let Some(here) = token() else { return };
    let there = TestToken::new();
    if !kind().schemes.contains(&"kwp") {
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
    let Some(token) = token() else { return };
    if !kind().unwraps {
        return every_private_key_is_refused(&token);
    }
    let (best, travels) = (kind().best, kind().travels);
    for (key, usage, wider) in [
        ("rsa2048-e65537", "sign", "sign,decrypt"),
        ("aes256", "decrypt", "decrypt,wrap"),
        ("ec-nistP256", "sign", "sign,agree"),
    ] {
        if !works(&key) {
            continue;
        }
        import(&token, key, key, &["--export-policy", travels, "--usage", usage]);
        let path = token.file("wrapped", wrapped(&token, key, key, best));
        let back =
            ["import", &path, "--name", "back", "--type", bare_type(key), "--scheme", best, "--unwrap-key", "kek"];
        let refused = |policy: &str, usage: &str| {
            let before = token.contents();
            let more = ["--export-policy", policy, "--usage", usage];
            let error = token.json_error(&[&back[..], &more, kind().beside].concat(), 3);
            assert_eq!(error["status"], "NTE_PERM", "{key}: {error}");
            assert_eq!(token.contents(), before, "{key}");
        };
        if kind().honours() {
            refused("plaintext", usage);
        }
        refused(travels, wider);
        if key.starts_with("ec") {
            token.cng11(&["delete", "pkcs11:object=ec-nistP256;type=public", "--yes"]).ok();
            refused(travels, wider);
        }
        token.json(&[&back[..], &["--export-policy", travels, "--usage", usage], kind().beside].concat());
        token.cng11(&["delete", "back", "--yes"]).ok();
    }
}

#[test]
fn what_python_wrapped_with_each_hash_and_label_is_the_key() {
    let Some(token) = token() else { return };
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
    let Some(token) = token() else { return };
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
    let Some(token) = token() else { return };
    let id = ["--id", "0102"];
    let [first, other] = two_keys();
    import(&token, first, "first", &id);
    import(&token, "aes256", "secret", &["--id", "0304"]);
    let before = token.contents();
    for (key, id) in [("rsa2048-e65537", "0102"), (other, "0102"), ("aes128", "0304"), (first, "0102")] {
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
        assert_signs(&token, "first", first);
    }
    // What is replaced as it was asked is no other key.
    import(&token, other, "first", &["--id", "0102", "--overwrite"]);
    assert_signs(&token, "first", other);
    assert_eq!(token.names().len(), 4);
}

#[test]
fn what_the_token_refuses_is_refused_with_its_reason_and_leaves_nothing() {
    let Some(token) = token() else { return };
    import(&token, two_keys()[0], "closed", &[]);
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
    let noise = [&noise[..], &["--scheme", kind().best]].concat();
    token.json_error(&noise, if kind().unwraps { 1 } else { 3 });
    assert_eq!(token.contents(), before);
}

#[test]
fn an_envelope_and_an_encrypted_file_are_made_and_opened_as_openssl_does() {
    let Some(token) = token() else { return };
    let key = two_keys()[0];
    import(&token, key, key, &["--export-policy", kind().travels]);
    let path = token.path_text("file");
    if !kind().schemes.contains(&"cbc-pad") {
        let export = ["export", key, "-o", &path, "--type"];
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
    let export = ["export", key, "--type", "PKCS7_ENVELOPE", "--wrap-to", &certificate, "-o", &path];
    token.cng11(&export).ok();
    let decrypt = ["cms", "-decrypt", "-inform", "DER", "-in", &path, "-keyform", "DER", "-inkey", &rsa];
    let plain = openssl(&[&decrypt[..], &["-recip", &certificate]].concat(), None);
    assert_is_the_key(key, &plain, "in an envelope");
    let policy: &[&str] = if kind().honours() { &[] } else { &["--export-policy", kind().travels] };
    let import = ["import", &path, "--name", "opened", "--unwrap-key", "rsa kek"];
    let document = token.json(&[&import[..], policy, kind().beside].concat());
    assert_eq!(document["route"], "unwrap", "{document}");
    assert_signs(&token, "opened", key);
    token.cng11(&["delete", "opened", "--yes"]).ok();
    // Under a password, on the token both ways.
    let password = ["--password-source", "env:CNG11_PIN"];
    let export = ["export", key, "--type", "PKCS8_PRIVATEKEY", "-o", &path, "--force"];
    token.cng11(&[&export[..], &password].concat()).ok();
    let pass = format!("pass:{}", token.pin());
    let plain = openssl(&["pkcs8", "-inform", "DER", "-in", &path, "-passin", &pass, "-outform", "DER"], None);
    assert_is_the_key(key, &plain, &format!("under a password: {}", hex(&plain[..8])));
    let document =
        token.json(&[&["import", &path, "--name", "by password"][..], &password, policy, kind().beside].concat());
    assert_eq!(document["route"], "unwrap", "{document}");
    assert_signs(&token, "by password", key);
}

#[test]
fn what_is_unwrapped_has_the_policy_that_was_asked_or_is_destroyed() {
    let Some(token) = token() else { return };
    if !kind().unwraps {
        return every_private_key_is_refused(&token);
    }
    let best = kind().best;
    for key in ["rsa2048-e65537", "aes256"] {
        let clear = vector_text(&key_file(key));
        let wrapped = token.file("wrapped", python_wraps(best, &[], &vector(&key_file(key))));
        let by_route = [&["import", &clear, "--name", "x", "--route", "unwrap"][..], algorithm_of(key)].concat();
        let came =
            ["import", &wrapped, "--name", "x", "--type", bare_type(key), "--scheme", best, "--unwrap-key", "kek"];
        for import in [&by_route[..], &came] {
            for (policy, words) in [
                ("none", json!([])),
                ("encrypted", json!(["encrypted"])),
                ("plaintext", json!(["encrypted", "plaintext"])),
            ] {
                let import = [import, &["--export-policy", policy]].concat();
                if kind().honours() || policy == kind().travels {
                    let document = token.json(&import);
                    assert_eq!(
                        (&document["route"], &document["export_policy"]),
                        (&json!("unwrap"), &words),
                        "{document}"
                    );
                    assert_eq!(token.json(&["show", "x"])["export_policy"], words, "{key}, {policy}");
                    token.cng11(&["delete", "x", "--yes"]).ok();
                    continue;
                }
                let before = (token.contents(), objects(&token));
                for more in [&[][..], &["--overwrite"]] {
                    let error = token.json_error(&[&import[..], more].concat(), 3);
                    assert_eq!(error["status"], "NTE_VALIDATION_FAILED", "{key}, {policy}: {error}");
                    let message = error["message"].as_str().expect("a message is text");
                    assert!(message.contains("did not keep what was asked: export policy"), "{key}, {policy}: {error}");
                    assert_eq!((token.contents(), objects(&token)), before, "{key}, {policy}");
                }
                // Nor does it take the place of a key that stands there.
                import_and_keep(&token, key, &import);
            }
        }
    }
}

/// With `--overwrite`, an import that fails leaves the key that it was to replace.
fn import_and_keep(token: &TestToken, key: &str, import_x: &[&str]) {
    let [_, other] = two_keys();
    let other = if SECRET.contains(&key) { "aes128" } else { other };
    import(token, other, "x", &[]);
    let before = (token.contents(), objects(token));
    token.json_error(&[import_x, &["--overwrite"]].concat(), 3);
    assert_eq!((token.contents(), objects(token)), before);
    token.cng11(&["delete", "x", "--yes"]).ok();
}

#[test]
fn a_key_without_a_mechanism_is_kept_and_that_is_said() {
    let Some(token) = token() else { return };
    let document = import(&token, "ec-nistP256", "elliptic", &[]);
    let warnings = document["warnings"].as_array().expect("warnings are an array");
    let is_said = warnings.iter().any(|warning| warning.as_str().is_some_and(|text| text.contains("cannot use it")));
    assert_eq!(is_said, !works(&"ec-nistP256"), "{document}");
    assert_eq!(document["verified"], if is_said { "attributes" } else { "signature" }, "{document}");
    if is_said {
        let data = token.file("data", "what is signed");
        let error = token.json_error(&["sign", "elliptic", &data], 3);
        assert_eq!(error["ckr"], "CKR_MECHANISM_INVALID", "{error}");
    }
    // Its public half is on the token.
    let spki = token.export("elliptic", "spki", &[]);
    assert!(spki == vector("ec-nistP256.spki.bin"), "{document}");
    token.cng11(&["delete", "elliptic", "--yes"]).ok();
}

#[test]
fn what_is_made_there_works_and_goes_again() {
    let token = bare_token();
    let before = token.contents();
    for pair in kind().makes {
        let generate = [&["generate", "made"][..], pair].concat();
        let document = token.json(&generate);
        assert_eq!(
            (&document["route"], &document["verified"]),
            (&json!("generate"), &json!("signature")),
            "{document}"
        );
        assert_eq!(document["export_policy"], json!([]), "{document}");
        assert_eq!(token.names(), ["made"]);
        let shown = token.json(&["show", "made"]);
        for field in ["algorithm", "bits", "id", "usage", "export_policy", "fingerprint_sha256"] {
            assert_eq!(shown[field], document[field], "{field}: {shown}");
        }
        assert_eq!(shown["public"], true, "{shown}");
        signs_for_others(&token, "made");
        // A key of this name is there; asked to be replaced it is another one, and again the only one.
        assert_eq!(token.json_error(&generate, 1)["status"], "NTE_EXISTS");
        let replaced = token.json(&[&generate[..], &["--overwrite"]].concat());
        assert_ne!(replaced["fingerprint_sha256"], document["fingerprint_sha256"], "{replaced}");
        assert_eq!(token.names(), ["made"]);
        token.cng11(&["rename", "made", "renamed"]).ok();
        assert_eq!(token.names(), ["renamed"]);
        if kind().name == "kryoptic" {
            dates_are_set_and_taken_off(&token, "renamed");
        }
        signs_for_others(&token, "renamed");
        token.cng11(&["delete", "renamed", "--yes"]).ok();
        assert_eq!(token.contents(), before, "{pair:?}");
    }
    for (pair, ckr, code) in kind().makes_not {
        let error = token.json_error(&[&["generate", "made"][..], pair].concat(), *code);
        assert_eq!(error["ckr"].as_str().unwrap_or_default(), *ckr, "{pair:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(ckr)), "{pair:?}: {error}");
        assert_eq!(token.contents(), before, "{pair:?}");
    }
}

/// On a token that keeps dates and tells them.
fn dates_are_set_and_taken_off(token: &TestToken, name: &str) {
    let shown = |token: &TestToken| token.json(&["show", name])["attributes"].clone();
    let before = shown(token);
    for (property, attribute) in [("Start Date", "CKA_START_DATE"), ("end date", "CKA_END_DATE")] {
        token.cng11(&["get", name, property]).code(1).says("absent");
        for day in ["2026-01-31", "2028-02-29"] {
            assert_eq!(token.json(&["set", name, property, day])["value"], day);
            assert_eq!(token.json(&["get", name, property])["value"], day);
            assert_eq!(shown(token)[attribute], day);
        }
        token.cng11(&["set", name, property, "2027-02-29"]).code(2);
        assert_eq!(token.json(&["get", name, property])["value"], "2028-02-29");
        // Kryoptic makes 0000-00-00 of an empty date.
        token.cng11(&["set", name, property, "none"]).ok();
        token.cng11(&["get", name, property]).code(1).says("absent");
        assert_eq!(shown(token), before);
    }
}

/// What SoftHSM2 lacks, on a token that has it: modes of AES, RSA-OAEP with other hashes and a label, X25519.
#[test]
fn a_key_in_use_does_what_the_token_has() {
    let name = "a_key_in_use_does_what_the_token_has";
    // The child has no kind any more.
    if std::env::var_os("CNG11_TEST_TOKEN").is_some() && !["softhsm", "kryoptic"].contains(&kind().name) {
        return;
    }
    on_this_token(bare_token, name, |provider| {
        let has_more = provider.token().profile().name == "Kryoptic";
        #[track_caller]
        fn expect<T: std::fmt::Debug>(has: bool, outcome: Result<T, cng_pkcs11::Error>) -> Option<T> {
            match outcome {
                Ok(value) if has => Some(value),
                Err(error) if !has && error.status() == Status::NTE_NOT_SUPPORTED => None,
                other => panic!("{has}: {other:?}"),
            }
        }
        let import = |kind: BlobType, blob: &[u8], curve: Option<&str>, usage: KeyUsage| {
            let curve = curve.and_then(|curve| Curve::by_name(curve).ok());
            let parameters = ImportParameters {
                curve,
                algorithm: (kind == BlobType::KeyData).then_some(Algorithm::AES),
                ..Default::default()
            };
            let mut key = provider.import_key(None, kind, &parameters, blob, Flags::DO_NOT_FINALIZE)?;
            key.set_usage(usage)?;
            key.finalize(Flags::NONE).map(|()| key)
        };
        let bytes: Vec<u8> = (0x40..0x50).collect();
        let header: Vec<u8> = [0x4D42_444B_u32, 1, 16].into_iter().flat_map(u32::to_le_bytes).collect();
        let aes = import(BlobType::KeyData, &[header, bytes].concat(), None, KeyUsage::DECRYPT).expect("a key");
        // SP 800-38C, example 1.
        let beside =
            Authenticated { nonce: &[0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16], additional: &[0, 1, 2, 3, 4, 5, 6, 7] };
        let sealed = aes.seal(ChainingMode::Ccm, &beside, 4, &[0x20, 0x21, 0x22, 0x23]);
        if let Some((data, mut tag)) = expect(has_more, sealed) {
            assert_eq!((&*data, &*tag), (&[0x71, 0x62, 0x01, 0x5B][..], &[0x4D, 0xAC, 0x25, 0x5D][..]));
            let opened = aes.open(ChainingMode::Ccm, &beside, &tag, &data).expect("the tag is right");
            assert_eq!(*opened, [0x20, 0x21, 0x22, 0x23]);
            tag[0] ^= 1;
            let refused = aes.open(ChainingMode::Ccm, &beside, &tag, &data).expect_err("the tag is wrong");
            assert_eq!(refused.status(), Status::NTE_DECRYPTION_FAILURE, "{refused}");
        }
        let iv = [7; 16];
        if let Some(data) = expect(has_more, aes.encrypt_symmetric(ChainingMode::Cfb, &iv, false, b"any length")) {
            let (key, iv_hex) = ("404142434445464748494a4b4c4d4e4f", "07".repeat(16));
            let expected = openssl(&["enc", "-aes-128-cfb8", "-K", key, "-iv", &iv_hex], Some(b"any length"));
            assert_eq!(data, expected);
            let back = aes.decrypt_symmetric(ChainingMode::Cfb, &iv, false, &data).expect("it decrypts");
            assert_eq!(&*back, b"any length");
        }
        let rsa = import(BlobType::RsaPrivate, &vector("rsa2048-e65537.RSAPRIVATEBLOB.bin"), None, KeyUsage::DECRYPT);
        let rsa = rsa.expect("a key");
        for (hash, label) in
            [(Hash::Sha256, &b""[..]), (Hash::Sha384, b"label"), (Hash::Sha512, b""), (Hash::Sha1, b"label")]
        {
            let padding = CipherPadding::Oaep { hash, label };
            let encrypted = rsa.encrypt(&padding, b"to the token").expect("it encrypts");
            if let Some(plain) = expect(has_more, rsa.decrypt(&padding, &encrypted)) {
                assert_eq!(&*plain, b"to the token", "{hash:?}");
                let other = CipherPadding::Oaep { hash, label: b"another label" };
                let refused = rsa.decrypt(&other, &encrypted).expect_err("the label is another");
                assert_eq!(refused.status(), Status::NTE_DECRYPTION_FAILURE, "{refused}");
            }
        }
        // RFC 7748 §6.1: Bob's pair, Alice's public key, and what they share; the scalar as CNG takes it, with its bits set.
        let unhex = |text: &str| -> Vec<u8> {
            (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
                .collect()
        };
        let own = unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        let scalar = unhex("58ab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e06b");
        let other = unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        let shared = unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        let magic = |magic: u32| [magic.to_le_bytes(), 32_u32.to_le_bytes()].concat();
        let private = [&magic(0x564B_4345)[..], &own, &[0; 32], &scalar].concat();
        let public = [&magic(0x504B_4345)[..], &other, &[0; 32]].concat();
        let curve = Some("curve25519");
        if let Some(own) = expect(has_more, import(BlobType::EccPrivate, &private, curve, KeyUsage::AGREE)) {
            let parameters = ImportParameters { curve: Curve::by_name("curve25519").ok(), ..Default::default() };
            let peer =
                provider.import_key(None, BlobType::EccPublic, &parameters, &public, Flags::NONE).expect("a key");
            let agreement = provider.secret_agreement(&own, &peer).expect("an agreement");
            let mut raw = agreement.derive("TRUNCATE", &[], 0, None).expect("the secret").to_vec();
            raw.reverse();
            assert_eq!(raw, shared);
        }
    });
}

/// Signs by `cng11`; openssl and `cng11` verify by the public key that the token shows, and refuse another file.
fn signs_for_others(token: &TestToken, name: &str) {
    let (data, other) = (token.file("data", "what is signed"), token.file("other", "something else"));
    let (signature, public) = (token.path_text("signature"), token.file("public", token.export(name, "spki", &[])));
    token.cng11(&["sign", name, "--format", "der", &data, "-o", &signature]).ok();
    let verify = ["dgst", "-sha256", "-keyform", "DER", "-verify", &public, "-signature", &signature];
    openssl(&[&verify[..], &[&data]].concat(), None);
    let verify = |file: &str| token.cng11(&["verify", name, "--format", "der", file, &signature]);
    verify(&data).ok();
    verify(&other).code(1);
}

#[test]
fn what_the_tokens_own_tool_brings_is_used_like_any_other() {
    if kind().takes_none.is_none() {
        // What takes keys has no tool of its own here; that it takes them is shown above.
        assert!(!kind().private.is_empty() && kind().name != "tpm2-pkcs11");
        return;
    }
    let token = bare_token();
    for (key, algorithm) in [(RSA_KEK, "rsa"), ("ec-nistP256", "ecc")] {
        let clear = vector_text(&key_file(key));
        let pem = openssl(&["pkey", "-inform", "DER", "-in", &clear], None);
        let pem = token.file("key.pem", pem);
        let mut command = token.command("tpm2_ptool");
        command.args(["import", "--label", TestToken::LABEL, "--key-label", key, "--privkey", &pem]);
        command.args(["--algorithm", algorithm, "--userpin", token.pin(), "--path"]).arg(token.path("store"));
        Run::of(command, None).ok();
        assert_signs(&token, key, key);
        signs_for_others(&token, key);
        assert!(token.export(key, "spki", &[]) == vector(&format!("{key}.spki.bin")), "{key}");
    }
    // A certificate beside one belongs to it.
    let id = token.json(&["show", RSA_KEK])["id"].as_str().expect("an identifier is text").to_owned();
    let certificate = vector_text(&format!("{RSA_KEK}.cert.bin"));
    let write = ["--write-object", &certificate, "--type", "cert", "--label", RSA_KEK, "--id", &id];
    token.pkcs11_tool(&write).ok();
    assert_eq!(token.json(&["show", RSA_KEK])["certificate"], true);
    assert!(token.export(RSA_KEK, "cert", &[]) == vector(&format!("{RSA_KEK}.cert.bin")));
    for key in [RSA_KEK, "ec-nistP256"] {
        token.cng11(&["delete", key, "--yes"]).ok();
    }
    assert_eq!(token.names(), [""; 0]);
    assert!(!objects(&token).contains("Object"), "{}", objects(&token));
}

#[test]
fn what_a_probe_finds_out_is_what_the_others_show_and_nothing_is_left() {
    let token = bare_token();
    let before = token.contents();
    let document = token.json(&["probe"]);
    assert_eq!(token.contents(), before);
    let named = ["RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "AES-128", "AES-256"];
    for (key, subject) in PRIVATE.iter().chain(SECRET).zip(named) {
        let rows = document["keys"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["subject"] == subject).expect("a row");
        if let Some(ckr) = kind().takes_none {
            assert_eq!((&row["create"]["answer"], &row["create"]["ckr"]), (&json!("no"), &json!(ckr)), "{row}");
            assert_eq!(row["unwrap"]["answer"], "no", "{row}");
            continue;
        }
        assert_eq!(row["create"]["answer"], "yes", "{row}");
        if !works(key) {
            assert_ne!(row["works"]["answer"], "yes", "{row}");
            continue;
        }
        assert_eq!(row["works"]["answer"], "yes", "{row}");
        assert_eq!(row["unwrap"]["answer"], if kind().unwraps { "yes" } else { "no" }, "{row}");
        let out: Vec<&str> = row["wrapped out"]["note"].as_str().unwrap_or_default().split(' ').collect();
        if row["wrapped out"]["answer"] == "yes" {
            let known = |scheme: &&&str| kind().schemes.contains(*scheme);
            assert!(out.iter().filter(|scheme| **scheme != "kw").all(|scheme| known(&scheme)), "{row}");
        }
        if kind().schemes.contains(&kind().best) {
            assert!(out.contains(&kind().best), "{row}");
        }
    }
}

#[test]
fn a_wrap_in_one_format_is_never_read_as_the_other() {
    let Some(token) = token() else { return };
    let mut shown = 0;
    for key in ["ec-nistP256", "aes256"].into_iter().filter(works) {
        let plain = vector(&key_file(key));
        for (made, read) in [("kw-pkcs7", "kwp"), ("kwp", "kw-pkcs7")] {
            if !kind().schemes.contains(&read) {
                continue;
            }
            let path = token.file("wrapped", python_wraps(made, &[], &plain));
            let before = token.contents();
            let import = ["import", &path, "--name", "x", "--type", bare_type(key), "--scheme", read];
            let run = token.cng11(&[&import[..], &["--unwrap-key", "kek"], algorithm_of(key)].concat());
            assert_eq!(run.code, 1, "{key}, {made} as {read}: {}{}", run.text(), run.stderr);
            assert_eq!(token.contents(), before, "{key}, {made} as {read}");
            shown += 1;
        }
    }
    let has = |scheme| kind().schemes.contains(&scheme);
    assert_eq!(shown > 0, has("kwp") || has("kw-pkcs7"));
}

/// p11-kit's server over SoftHSM2, which this process starts and ends itself, with all that serves its clients.
struct Server(std::process::Child);

impl Server {
    fn start() -> Self {
        let address = std::env::var("P11_KIT_SERVER_ADDRESS").expect("an address");
        let socket = Path::new(address.strip_prefix("unix:path=").expect("a path"));
        Self::run(std::process::Command::new("p11-kit"), socket)
    }

    /// From a process that has the way to the token in a command's environment alone.
    fn run(mut command: std::process::Command, socket: &Path) -> Self {
        use std::os::unix::process::CommandExt;
        let _ = std::fs::remove_file(socket);
        command.args(["server", "--foreground", "--name"]).arg(socket).arg("--provider").arg(softhsm_module());
        command.arg(format!("pkcs11:token={}", TestToken::LABEL.replace(' ', "%20")));
        let (null, also) = (std::process::Stdio::null(), std::process::Stdio::null());
        let child = command.stdin(null).stdout(also).process_group(0).spawn().expect("p11-kit can be run");
        wait_for("p11-kit's server", || socket.exists());
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let killed = std::process::Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
        assert!(std::thread::panicking() || killed.is_ok_and(|status| status.success()), "the server was not there");
    }
}

/// A token of SoftHSM2 that is reached through a server, which is not there yet.
fn behind_a_server() -> TestToken {
    let module = std::env::var_os("CNG11_TEST_MODULE").expect("CNG11_TEST_MODULE names the token's module");
    let mut token = TestToken::blank().with_module(module);
    let softhsm = softhsm_module();
    let init = ["token", "init", "--label", TestToken::LABEL];
    let with_softhsm = |command: &mut std::process::Command| {
        command.env("CNG11_MODULE", &softhsm);
    };
    token.cng11_with(&init, None, with_softhsm).ok();
    let (socket, folder) = (token.path("socket"), token.path("tmp"));
    token.set("P11_KIT_SERVER_ADDRESS", format!("unix:path={}", socket.display()));
    token.set("XDG_RUNTIME_DIR", folder);
    token
}

#[test]
fn a_bulk_import_outlives_a_server_that_is_killed() {
    const KEYS: usize = 200;
    if std::env::var_os("CNG11_TEST_CHILD").is_some() || kind().name != "p11-kit" {
        return;
    }
    let token = behind_a_server();
    let socket = token.path("socket");
    let serve = || Server::run(token.command("p11-kit"), &socket);
    let mut manifest = String::new();
    for number in 0..KEYS {
        let mut bytes = vec![0; 32];
        getrandom::fill(&mut bytes).expect("random bytes");
        let file = token.file(&format!("{number}.bin"), &bytes);
        let entry = json!({"file": file, "type": "raw", "algorithm": "AES", "name": format!("key {number}")});
        manifest.push_str(&format!("{entry}\n"));
    }
    let manifest = token.file("manifest.jsonl", manifest);
    let journal = token.path_text("journal");
    let arguments = ["--json", "bulk", "import", &manifest, "--journal", &journal, "--resume"];
    // It is started again while the run waits, and long after it has given up.
    for gives_up in [false, true] {
        let server = serve();
        let known = std::fs::read_to_string(&journal).unwrap_or_default().lines().count();
        let mut command = token.cng11_command();
        command.args(arguments).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut run = command.spawn().expect("cng11 can be run");
        wait_for("the run", || std::fs::read_to_string(&journal).is_ok_and(|text| text.lines().count() > known + 20));
        drop(server);
        let next = if gives_up { None } else { Some(serve()) };
        let status = run.wait().expect("it ends");
        assert!(status.code().is_some_and(|code| [0, 1, 3, 4].contains(&code)), "{status}");
        drop(next);
        if gives_up || status.code() != Some(0) {
            // What the token holds is whole, and the journal can be gone on with.
            continue;
        }
        break;
    }
    let _server = serve();
    let done = token.cng11(&arguments).ok().json();
    let count = |word: &str| done[word].as_u64().unwrap_or(0);
    assert_eq!(count("done_before") + count("imported") + count("identical"), KEYS as u64, "{done}");
    let listing = token.json(&["list", "--all"]);
    assert_eq!(listing["keys"].as_array().map(Vec::len), Some(KEYS), "{listing}");
    assert_eq!((&listing["unfinished"], &listing["torn"]), (&json!([]), &json!([])));
    // A file that was being written as the server was killed may stay, of which SoftHSM2 makes no object.
    let files = token.object_files();
    assert!((KEYS..=KEYS + 2).contains(&files), "{files} files");
}

#[test]
fn a_server_that_is_killed_and_started_again_is_found_again() {
    const NAME: &str = "a_server_that_is_killed_and_started_again_is_found_again";
    let is_child = std::env::var_os("CNG11_TEST_CHILD").is_some();
    if !is_child && kind().name != "p11-kit" {
        return;
    }
    let mut server = is_child.then(Server::start);
    let token = on_this_token(behind_a_server, NAME, |provider| {
        let import = |provider: &StorageProvider, name: &str| {
            let name = Some(KeyName::new(name).expect("a name"));
            let parameters = ImportParameters { name, ..ImportParameters::default() };
            let blob = vector("ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin");
            provider.import_key(None, BlobType::EccPrivate, &parameters, &blob, Flags::NONE)
        };
        let pin = secrecy::SecretString::from(TestToken::PIN);
        provider.token().keep_pin_for_reopening(cng_pkcs11::token::Pin::from(pin));
        drop(import(&provider, "before").expect("a key"));
        provider.index().expect("an index");
        let worker = provider.another().expect("another session");
        drop(server.take());
        let error = import(&worker, "between").expect_err("the server is dead");
        assert!(worker.has_lost(&error), "{error}");
        // Nobody is there yet: it ends with an error, and can be tried again.
        let dead = worker.reopen().expect_err("the server is dead");
        println!("without a server: {dead}");
        server = Some(Server::start());
        let again = worker.reopen().expect("it is opened anew");
        drop(import(&again, "between").expect("a key"));
        let other = provider.reopen().expect("it is opened anew");
        for name in ["before", "between"] {
            let key = other.open_key(name).expect("a key");
            assert_eq!(key.prove().expect("a proof"), Verified::Signature, "{name}");
        }
        assert_eq!(other.list().expect("a list").keys.len(), 2);
    });
    if let Some(token) = token {
        assert_eq!(token.object_files(), 4);
    }
}
