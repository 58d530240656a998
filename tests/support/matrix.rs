//! What a token does with keys of each kind, measured: a row a kind, which `scripts/matrix` makes the README's table of.
//!
//! Rows go to a file of the token in the folder that `CNG11_MATRIX_DIR` names; without the variable they are measured and thrown away. A row says what was seen, so it fails where a
//! key that came out is another one, or where something is neither done nor refused.

use std::io::Write as _;

use serde_json::Value;

use super::wrapping::{
    algorithm_of, assert_is_the_key, assert_signs, bare_type, kek_of, key_file, openssl_unwraps, python_unwraps,
};
use super::{Run, TestToken, vector_text};

/// The kinds of key, and a vector of each.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("RSA-2048", "rsa2048-e65537"),
    ("RSA-3072", "rsa3072-e17"),
    ("RSA-4096", "rsa4096-e65537"),
    ("P-256", "ec-nistP256"),
    ("P-384", "ec-nistP384"),
    ("P-521", "ec-nistP521"),
    ("secP256k1", "ec-secP256k1"),
    ("brainpoolP256r1", "ec-brainpoolP256r1"),
    ("curve25519", "ec-curve25519"),
    ("AES-128", "aes128"),
    ("AES-256", "aes256"),
];

const SCHEMES: &[&str] = &["kw", "kwp", "kw-pkcs7", "cbc-pad", "gcm", "rsa-oaep", "rsa-aes"];

pub(crate) const YES: &str = "yes";
pub(crate) const NO: &str = "no";

/// What was seen of one kind of key.
pub(crate) struct Row {
    pub(crate) key: &'static str,
    /// By C_CreateObject.
    pub(crate) create: String,
    /// Wrapped here and unwrapped there.
    pub(crate) unwrap: String,
    pub(crate) plaintext: String,
    /// The schemes that carry it out.
    pub(crate) wrapped: String,
    /// What it was seen to do there.
    pub(crate) works: String,
}

impl Row {
    /// Nothing of it is done, as far as is known.
    pub(crate) fn of(key: &'static str) -> Self {
        let no = || NO.to_owned();
        Self { key, create: no(), unwrap: no(), plaintext: no(), wrapped: no(), works: no() }
    }
}

/// Writes the rows of a token.
pub(crate) fn record(token: &str, rows: &[Row]) {
    let Some(folder) = std::env::var_os("CNG11_MATRIX_DIR").filter(|folder| !folder.is_empty()) else { return };
    let lines: String = rows
        .iter()
        .map(|row| {
            let Row { key, create, unwrap, plaintext, wrapped, works } = row;
            format!("{token}\t{key}\t{create}\t{unwrap}\t{plaintext}\t{wrapped}\t{works}\n")
        })
        .collect();
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let path = std::path::Path::new(&folder).join(format!("{token}.tsv"));
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("the rows can be written");
}

/// Every kind of key on a token that may hold the wrapping keys of [`super::wrapping`].
pub(crate) fn measure(token: &TestToken) -> Vec<Row> {
    let keks = token.names();
    KEYS.iter().map(|(kind, key)| row(token, &keks, kind, key)).collect()
}

fn row(token: &TestToken, keks: &[String], kind: &'static str, key: &str) -> Row {
    let mut row = Row::of(kind);
    for route in ["create", "unwrap"] {
        let Some(document) = imported(token, key, route) else { continue };
        match route {
            "create" => row.create = YES.to_owned(),
            _ => row.unwrap = document["scheme"].as_str().expect("the scheme is told").to_owned(),
        }
        if row.works == NO {
            row.works = works(token, key, &document);
            row.plaintext = if leaves_in_the_clear(token, key) { YES } else { NO }.to_owned();
            row.wrapped = schemes_out(token, keks, key);
        }
        token.cng11(&["delete", key, "--yes"]).ok();
    }
    row
}

/// Whether it was done; refused otherwise, and nothing else.
#[track_caller]
fn is_done(run: &Run) -> bool {
    // NSS says so of any private key that it does not wrap by a mechanism; for the command that is an error like others.
    if run.code != 0 && !run.stderr.contains("C_WrapKey failed: CKR_KEY_TYPE_INCONSISTENT") {
        run.clone().code(3);
    }
    run.code == 0
}

/// The more a key may, the more there is to see: one that may leave in the clear, or else wrapped.
fn imported(token: &TestToken, key: &str, route: &str) -> Option<Value> {
    let file = vector_text(&key_file(key));
    let import = ["--json", "import", &file, "--name", key, "--route", route, "--export-policy"];
    ["plaintext", "encrypted"].iter().find_map(|policy| {
        let run = token.cng11(&[&import[..], &[policy], algorithm_of(key)].concat());
        is_done(&run).then(|| run.json())
    })
}

fn leaves_in_the_clear(token: &TestToken, key: &str) -> bool {
    let run = token.cng11(&["export", key, "--type", bare_type(key), "--allow-plaintext"]);
    let leaves = is_done(&run);
    if leaves {
        assert_is_the_key(key, &run.stdout, "in the clear");
    }
    leaves
}

fn schemes_out(token: &TestToken, keks: &[String], key: &str) -> String {
    let path = token.path_text("wrapped out");
    let carries = |scheme: &&&str| {
        let kek = kek_of(scheme);
        let export = ["export", key, "--type", bare_type(key), "--wrap-key", kek, "--scheme", scheme, "--force"];
        let hash: &[&str] = if scheme.starts_with("rsa") { &["--oaep-hash", "sha1"] } else { &[] };
        let done = keks.iter().any(|known| known == kek)
            && is_done(&token.cng11(&[&export[..], &["-o", &path], hash].concat()));
        if done {
            let opened = match **scheme {
                "kw" | "kwp" | "rsa-oaep" | "rsa-aes" => openssl_unwraps(scheme, &token.read("wrapped out")),
                other => python_unwraps(other, &token.read("wrapped out")),
            };
            assert_is_the_key(key, &opened, &format!("{key} by {scheme}"));
        }
        done
    };
    let schemes: Vec<&str> = SCHEMES.iter().filter(carries).copied().collect();
    if schemes.is_empty() { NO.to_owned() } else { schemes.join(" ") }
}

fn works(token: &TestToken, key: &str, document: &Value) -> String {
    if !key.starts_with("aes") && document["usage"].as_array().is_some_and(|uses| uses.contains(&"sign".into())) {
        // openCryptoki's soft token keeps elliptic keys, and has no mechanism for them.
        let tried = token.cng11(&["sign", key, &token.file("message", "m"), "-o", &token.path_text("tried")]);
        if tried.code == 3 && tried.stderr.contains("CKR_MECHANISM_INVALID") {
            return NO.to_owned();
        }
        assert_signs(token, key, key);
        return "sign".to_owned();
    }
    match document["verified"].as_str() {
        Some("agreement") => "agree",
        Some("kcv") => "encrypt",
        _ => "not proven",
    }
    .to_owned()
}
