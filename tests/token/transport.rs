//! `OpaqueTransport`: the examples of scripts/vectors-transport, a second implementation in another language, read, changed, opened in software and on a token; keys between two tokens; forgeries.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

use std::path::Path;

use cng_pkcs11::asn1::spki;
use cng_pkcs11::asn1::transport::{self, Recipient, Subject, Transport, TransportInfo};
use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::{self, Hash};
use cng_pkcs11::key::{ExportPolicy, KeyMaterial, KeyUsage, PrivateKey, PublicKey, SymmetricAlgorithm, Validation};
use cng_pkcs11::provider::{ExportParameters, Flags, ImportParameters, Key, KeyName, StorageProvider};
use cng_pkcs11::status::Status;
use cng_pkcs11::wrap::{kw, oaep};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::der::repeated;
use crate::support::{TestToken, on_a_token, openssl, vector, vector_path, vector_text};

const TRANSPORT: Format = Format::Blob(BlobType::OpaqueTransport);
const EXAMPLES: [&str; 2] = ["aes256.aes", "p256.rsa-sha256"];

fn read(name: &str) -> Vec<u8> {
    vector(&format!("transport/{name}.bin"))
}

fn container(name: &str) -> Vec<u8> {
    read(&format!("{name}.OpaqueTransport"))
}

fn path(name: &str) -> String {
    vector_text(&format!("transport/{name}.bin"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes as the examples have them.
fn count(first: u8, length: u8) -> Vec<u8> {
    (first..=first + (length - 1)).collect()
}

/// The containers of the manifest: file, content, name, policy, usage, identifier, recipients.
fn manifest() -> Vec<[String; 7]> {
    let text = String::from_utf8(vector("transport/manifest.tsv")).unwrap();
    let row = |line: &str| -> [String; 7] {
        line.split('\t').take(7).map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
    };
    let rows: Vec<_> = text.lines().skip(1).map(row).filter(|row| row[1] != "-").collect();
    assert_eq!(rows.len(), 7);
    rows
}

// ---- a receiver in software ------------------------------------------------------------------------------

fn recipient() -> rsa::PrivateKey {
    let key = read("recipient.PKCS8_PRIVATEKEY");
    match format::decode(&key, Format::PKCS8, &Hints::default()).unwrap().key {
        KeyMaterial::Private(PrivateKey::Rsa(key)) => key,
        other => panic!("{other:?}"),
    }
}

fn code(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut code = Hmac::<Sha256>::new_from_slice(key).unwrap();
    code.update(data);
    code.finalize().into_bytes().into()
}

/// Why a container does not open.
#[derive(Debug, Eq, PartialEq)]
enum Refused {
    Structure,
    Recipient,
    MacKey,
    Code,
    Key,
}

/// By the page: all that can be done without a token.
fn open(bytes: &[u8], private: &rsa::PrivateKey) -> Result<(TransportInfo, Vec<u8>), Refused> {
    let Transport { info, signed, mac } = transport::decode(bytes).map_err(|_| Refused::Structure)?;
    let own = spki::key_id(&PublicKey::Rsa(private.public().clone())).unwrap();
    let opened = info.recipients.iter().find_map(|recipient| match recipient {
        Recipient::Aes(key) => kw::kw_unwrap(&count(0, 32), key).ok(),
        Recipient::Rsa { key_id, hash, key } if *key_id == own => oaep::unwrap(private, *hash, &[], key).ok(),
        Recipient::Rsa { .. } => None,
    });
    let transport_key = opened.ok_or(Refused::Recipient)?;
    let mac_key = kw::kw_unwrap(&transport_key, &info.mac_key).map_err(|_| Refused::MacKey)?;
    if code(&mac_key, &signed) != mac {
        return Err(Refused::Code);
    }
    let plain = kw::kwp_unwrap(&transport_key, &info.key).map_err(|_| Refused::Key)?;
    Ok((info, plain.to_vec()))
}

#[test]
fn the_examples_say_what_their_manifest_says_and_are_written_as_they_are() {
    let private = recipient();
    for [file, holds, name, policy, usage, id, recipients] in manifest() {
        let bytes = vector(&format!("transport/{file}"));
        let read_back = transport::decode(&bytes).unwrap();
        let info = &read_back.info;
        assert_eq!((info.name.as_str(), hex(&info.id)), (name.as_str(), id), "{file}");
        assert_eq!(info.policy, ExportPolicy::from_bits(policy.parse().unwrap()), "{file}");
        assert_eq!(info.usage, KeyUsage::from_bits(usage.parse().unwrap()), "{file}");
        let found: Vec<String> = info.recipients.iter().map(recipient_text).collect();
        assert_eq!(found.join(" "), recipients, "{file}");
        let mut expected = if holds == "aes256" {
            let subject = Subject::Secret { algorithm: SymmetricAlgorithm::Aes, bits: 256 };
            assert_eq!(info.subject, subject, "{file}");
            read("aes256.raw")
        } else {
            let public = spki::decode(&read("p256.spki"), Validation::Full).unwrap();
            assert_eq!(info.subject, Subject::Private(public), "{file}");
            read("p256.PKCS8_PRIVATEKEY")
        };
        let certificates = if file.contains("certificate") { vec![read("p256.cert")] } else { vec![] };
        assert_eq!(info.certificates, certificates, "{file}");

        assert_eq!(info.to_der().unwrap(), read_back.signed, "{file}");
        assert_eq!(transport::encode(&read_back.signed, &read_back.mac).unwrap(), bytes, "{file}");
        assert!(transport::is_transport(&bytes));
        assert_eq!(format::sniff(&bytes).unwrap(), TRANSPORT, "{file}");

        let (_, plain) = open(&bytes, &private).unwrap_or_else(|error| panic!("{file}: {error:?}"));
        if file.contains("zeros") {
            expected.resize(expected.len().next_multiple_of(8), 0);
        }
        assert!(plain == expected, "{file}");
    }
}

fn recipient_text(recipient: &Recipient) -> String {
    match recipient {
        Recipient::Aes(_) => "aes".to_owned(),
        Recipient::Rsa { hash, .. } => format!("rsa-{}", hash.name()),
    }
}

#[test]
fn the_page_has_the_examples() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/opaque-transport.md")).unwrap();
    let digits: String = page.split_whitespace().collect();
    for example in EXAMPLES {
        assert!(digits.contains(&hex(&container(example))), "{example}");
    }
}

#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    let private = recipient();
    for example in EXAMPLES {
        let bytes = container(example);
        for length in 0..bytes.len() {
            assert!(transport::decode(&bytes[..length]).is_err(), "{example}: {length}");
        }
        assert!(transport::decode(&[&bytes[..], &[0]].concat()).is_err(), "{example}: one more");
        let mut seen = Vec::new();
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                let refused = open(&changed, &private).map(|_| ()).unwrap_err();
                if !seen.contains(&refused) {
                    seen.push(refused);
                }
            }
        }
        // What the code protects never comes as far as the key.
        for expected in [Refused::Structure, Refused::Recipient, Refused::MacKey, Refused::Code] {
            assert!(seen.contains(&expected), "{example}: {expected:?} in {seen:?}");
        }
        assert!(!seen.contains(&Refused::Key), "{example}");
    }
}

#[test]
fn what_no_container_says_is_neither_read_nor_written() {
    let good = transport::decode(&container("p256-certificate.two")).unwrap().info;
    let aes = transport::decode(&container("aes256.aes")).unwrap().info;
    let with = |base: &TransportInfo, change: &dyn Fn(&mut TransportInfo)| {
        let mut info = base.clone();
        change(&mut info);
        info
    };
    let several = |info: &mut TransportInfo, number: usize| info.recipients = vec![info.recipients[1].clone(); number];
    for (what, info) in [
        ("no name", with(&good, &|info| info.name.clear())),
        ("a long name", with(&good, &|info| info.name = "🔑".repeat(257))),
        ("a NUL", with(&good, &|info| info.name.push('\0'))),
        ("no identifier", with(&good, &|info| info.id.clear())),
        ("a long identifier", with(&good, &|info| info.id = vec![1; 201])),
        ("no recipient", with(&good, &|info| info.recipients.clear())),
        ("a short MAC key", with(&good, &|info| info.mac_key.truncate(24))),
        ("a long MAC key", with(&good, &|info| info.mac_key.resize(48, 0))),
        ("no key", with(&good, &|info| info.key.clear())),
        ("part of a block", with(&good, &|info| info.key.push(0))),
        ("a longer secret", with(&aes, &|info| info.key.resize(48, 0))),
        ("a shorter secret", with(&aes, &|info| info.key.truncate(32))),
        ("a certificate for a secret", with(&aes, &|info| info.certificates.clone_from(&good.certificates))),
    ] {
        assert!(info.to_der().is_err(), "{what}");
    }
    // These are written, as they are no mistakes of the writer's own, and not read.
    for (what, info) in [
        ("no usage", with(&good, &|info| info.usage = KeyUsage::default())),
        ("an unknown usage", with(&good, &|info| info.usage = KeyUsage::from_bits(0x12))),
        ("policy 0", with(&good, &|info| info.policy = ExportPolicy::NONE)),
        ("policy 2", with(&good, &|info| info.policy = ExportPolicy::PLAINTEXT)),
        ("policy 5", with(&good, &|info| info.policy = ExportPolicy::from_bits(5))),
        ("a bare text for a certificate", with(&good, &|info| info.certificates[0] = vec![0x0C, 1, b'x'])),
        ("a short transport key", with(&good, &|info| info.recipients[1] = Recipient::Aes(vec![0; 32]))),
        (
            "a size that AES does not have",
            with(&aes, &|info| {
                info.subject = Subject::Secret { algorithm: SymmetricAlgorithm::Aes, bits: 264 };
                info.key.resize(48, 0);
            }),
        ),
    ] {
        let written = transport::encode(&info.to_der().unwrap(), &[0; 32]).unwrap();
        assert!(transport::decode(&written).is_err(), "{what}");
    }
    // The most of each is written and read; one more is neither.
    type Fill<'a> = &'a dyn Fn(&mut TransportInfo, usize);
    let copies =
        |info: &mut TransportInfo, number: usize| info.certificates = vec![info.certificates[0].clone(); number];
    let (recipients, certificates): (Fill<'_>, Fill<'_>) = (&several, &copies);
    for (fill, most, path) in
        [(recipients, transport::MAX_RECIPIENTS, [0, 8, 0]), (certificates, transport::MAX_CERTIFICATES, [0, 7, 0])]
    {
        let info = with(&good, &|info| fill(info, most));
        let written = transport::encode(&info.to_der().unwrap(), &[0; 32]).unwrap();
        assert_eq!(transport::decode(&written).unwrap().info, info);
        let error = transport::decode(&repeated(&written, &path)).unwrap_err();
        assert!(error.to_string().contains("too many"), "{error}");
        assert!(with(&good, &|info| fill(info, most + 1)).to_der().unwrap_err().to_string().contains("too many"));
    }
    // Another version, another provider.
    let bytes = container("aes256.aes");
    let at = bytes.windows(3).position(|part| part == [2, 1, 1]).unwrap();
    let mut later = bytes.clone();
    later[at + 2] = 2;
    assert!(transport::decode(&later).unwrap_err().to_string().contains("version"));
    let mut other = bytes;
    other[at - 1] = b'x';
    assert!(transport::decode(&other).unwrap_err().to_string().contains("another provider's"));
    // What is read is held to the same: 192 bits, beside the wrapped key of 256.
    let mut shorter = container("aes256.aes");
    let at = shorter.windows(4).position(|part| part == [2, 2, 1, 0]).unwrap();
    shorter[at + 2..at + 4].copy_from_slice(&[0, 0xC0]);
    assert!(transport::decode(&shorter).unwrap_err().to_string().contains("does not have the length"));
}

// ---- the examples on a token -----------------------------------------------------------------------------

fn token_of_the_recipient() -> TestToken {
    let token = TestToken::new();
    for secret in [count(0, 32), count(0x40, 32), count(1, 32), count(0x80, 32), count(0xC0, 32)] {
        token.keep_secret(&secret);
    }
    token.import("transport/kek.raw.bin", "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token.import("transport/recipient.PKCS8_PRIVATEKEY.bin", "recipient", &["--usage", "wrap"]);
    token
}

#[track_caller]
fn signs(token: &TestToken, name: &str, public: &str) {
    let data = token.file("data", "what is signed");
    let signature = token.path_text("signature");
    token.cng11(&["sign", name, "--format", "der", &data, "-o", &signature]).ok();
    openssl(&["dgst", "-sha256", "-keyform", "DER", "-verify", public, "-signature", &signature, &data], None);
    std::fs::remove_file(token.path("signature")).unwrap();
}

/// To a file: what is said on stdout is searched for secrets.
fn in_the_clear(token: &TestToken, name: &str, kind: &str) -> Vec<u8> {
    let file = token.path_text("clear");
    token.cng11(&["export", name, "--type", kind, "--allow-plaintext", "--force", "-o", &file]).ok();
    token.read("clear")
}

#[test]
fn the_examples_are_imported_with_all_that_they_say() {
    let token = token_of_the_recipient();
    for [file, holds, name, policy, usage, id, recipients] in manifest() {
        let path = vector_text(&format!("transport/{file}"));
        for (kek, word) in [("kek", "aes"), ("recipient", "rsa-SHA1"), ("recipient", "rsa-SHA256")] {
            if !recipients.split(' ').any(|recipient| recipient == word) {
                continue;
            }
            let import = ["import", &path, "--unwrap-key", kek];
            if recipients == "rsa-SHA256" {
                // SoftHSM 2.6 has OAEP with SHA-1 alone, and says so.
                let before = token.contents();
                let run = token.cng11(&import);
                if run.code != 0 {
                    run.says("SHA256").says("SHA1");
                    assert_eq!(token.contents(), before);
                    continue;
                }
            } else {
                let document = token.json(&import);
                assert_eq!((&document["name"], &document["route"]), (&json!(name), &json!("unwrap")), "{file}");
            }
            let shown = token.json(&["show", &name]);
            let words: Vec<_> = KeyUsage::from_bits(usage.parse().unwrap()).words().collect();
            assert_eq!(shown["usage"], json!(words), "{file}");
            assert_eq!(shown["id"], json!(id), "{file}");
            let policies = if policy == "3" { json!(["encrypted", "plaintext"]) } else { json!(["encrypted"]) };
            assert_eq!(shown["export_policy"], policies, "{file}");
            if holds == "p256" {
                assert!(token.export(&name, "spki", &[]) == read("p256.spki"), "{file}");
                if words.contains(&"sign") {
                    signs(&token, &name, &self::path("p256.spki"));
                }
            }
            match (policy.as_str(), holds.as_str()) {
                ("3", "aes256") => {
                    assert!(in_the_clear(&token, &name, "raw") == read("aes256.raw"), "{file}");
                }
                ("3", _) => {
                    let exported = in_the_clear(&token, &name, "sec1");
                    let expected = format::decode(&read("p256.PKCS8_PRIVATEKEY"), Format::PKCS8, &Hints::default());
                    let again = format::decode(&exported, Format::Sec1, &Hints::default()).unwrap();
                    assert_eq!(again.key.is_same_key(&expected.unwrap().key), Some(true), "{file}");
                }
                _ => drop(token.json_error(&["export", &name, "--type", "raw", "--allow-plaintext"], 3)),
            }
            if file.contains("certificate") {
                assert!(token.export(&name, "cert", &[]) == read("p256.cert"), "{file}");
            }
            token.cng11(&["delete", &name, "--yes"]).ok();
        }
    }
}

#[test]
fn the_command_shows_a_container_and_what_it_is() {
    let token = TestToken::blank();
    for [file, holds, name, ..] in manifest() {
        let path = vector_text(&format!("transport/{file}"));
        let document = token.json(&["inspect", &path]);
        assert_eq!(document["type"], "OpaqueTransport", "{file}");
        for field in ["algorithm", "bits", "consistent"] {
            assert!(document[field].is_null(), "{file}: {field}");
        }
        let fields = document["fields"].as_array().unwrap();
        assert!(fields.iter().all(|field| field.get("private").is_none()), "{file}");
        let told = fields.iter().find(|field| field["name"] == "name").unwrap();
        assert_eq!(told["value"], json!(name), "{file}");
        let subject = if holds == "p256" { "subject (private)" } else { "subject (secret)" };
        assert!(fields.iter().any(|field| field["name"] == subject), "{file}");
        let text = token.cng11(&["inspect", &path]).ok().text();
        for word in ["an OpaqueTransport is wrapped", "macKey", &name, "not checkable"] {
            assert!(text.contains(word), "{file}: {word}: {text}");
        }
    }
    let document = token.json(&["inspect", &vector_text("cms/oaep-sha256.cms.bin")]);
    assert_eq!((&document["type"], &document["consistent"]), (&json!("PKCS7_ENVELOPE"), &Value::Null));
    // Cut short it is told up to there.
    let bytes = container("aes256.aes");
    let file = token.file("cut", &bytes[..200]);
    token.cng11(&["inspect", &file]).code(1).says("OpaqueTransport").says("macKey").says("offset 200");
}

// ---- from one token to another -----------------------------------------------------------------------------

/// What is told of a key, but for where it is and how it came there.
fn told(token: &TestToken, name: &str) -> Value {
    let shown = token.json(&["show", name]);
    let fields = ["name", "id", "algorithm", "bits", "curve", "export_policy", "usage", "fingerprint_sha256"];
    fields.iter().map(|field| ((*field).to_owned(), shown[*field].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn encrypted(token: &TestToken, id: &str) -> Vec<u8> {
    let plain = token.file("plain", [7; 32]);
    let cipher = token.path_text("cipher");
    token.pkcs11_tool(&["--encrypt", "--id", id, "-m", "AES-ECB", "-i", &plain, "-o", &cipher]).ok();
    token.read("cipher")
}

#[test]
fn a_key_moves_from_token_to_token_as_it_is() {
    let (from, to) = (TestToken::new(), token_of_the_recipient());
    from.import("transport/kek.raw.bin", "kek here", &["--algorithm", "AES", "--usage", "wrap"]);
    let public = from.file("recipient.pem", to.export("recipient", "spki-pem", &[]));
    let rsa_key = vector_text("rsa2048-e65537.PKCS8_PRIVATEKEY.bin");
    let certificate =
        openssl(&["req", "-x509", "-key", &rsa_key, "-keyform", "DER", "-subj", "/CN=moved", "-outform", "DER"], None);
    let certificate_file = from.file("certificate", &certificate);
    let encrypted_only = ["--export-policy", "encrypted"];
    let with = |more: &[&'static str]| [&encrypted_only[..], more].concat();
    from.json(
        &[&["import", &rsa_key, "--name", "RSA, Schlüssel"], &with(&["--cert"])[..], &[&certificate_file]].concat(),
    );
    from.import("ec-nistP256.PKCS8_PRIVATEKEY.bin", "on P-256", &with(&["--id", "0badcafe"]));
    from.import("ec-nistP256-shortd.PKCS8_PRIVATEKEY.bin", "agrees", &with(&["--usage", "agree"]));
    from.import("aes256.raw.bin", "AES", &with(&["--algorithm", "AES"]));
    from.import("aes128.raw.bin", "wraps", &with(&["--algorithm", "AES", "--usage", "wrap"]));
    let empty = to.contents();
    for name in ["RSA, Schlüssel", "on P-256", "agrees", "AES", "wraps"] {
        for (way, value, opens) in [("--wrap-to", public.as_str(), "recipient"), ("--wrap-key", "kek here", "kek")] {
            let bytes = from.export(name, "OpaqueTransport", &[way, value]);
            assert!(transport::is_transport(&bytes), "{name}");
            let file = to.file("moved", &bytes);
            let before = told(&from, name);
            assert_eq!(before["export_policy"], json!(["encrypted"]), "{name}");
            // Nothing is written by asking what would be.
            to.json(&["import", &file, "--unwrap-key", opens, "--dry-run"]);
            assert_eq!(to.contents(), empty, "{name}");
            to.json(&["import", &file, "--unwrap-key", opens, "--type", "OpaqueTransport"]);
            assert_eq!(told(&to, name), before, "{name}");
            match name {
                "AES" => {
                    let id = before["id"].as_str().unwrap();
                    assert_eq!(encrypted(&to, id), encrypted(&from, id));
                }
                "wraps" | "agrees" => {}
                _ => {
                    let spki = from.file("spki", from.export(name, "spki", &[]));
                    signs(&to, name, &spki);
                }
            }
            if name.starts_with("RSA") {
                assert!(to.export(name, "cert", &[]) == certificate);
            }
            // It travels on from there with what it came with.
            to.export(name, "OpaqueTransport", &["--wrap-key", "kek"]);
            to.cng11(&["export", name, "--type", "raw", "--allow-plaintext"]).code(3);
            to.cng11(&["delete", name, "--yes"]).ok();
            assert_eq!(to.contents(), empty, "{name}");
        }
    }
    let error = from.json_error(&["export", "on P-256", "--type", "OpaqueTransport"], 2);
    assert!(error["message"].as_str().unwrap().contains("OpaqueTransport is wrapped"), "{error}");
}

#[test]
fn each_recipient_opens_it_and_nobody_else() {
    let (first, second) = (token_of_the_recipient(), TestToken::new());
    second.import("kek256.raw.bin", "shared", &["--algorithm", "AES", "--usage", "wrap"]);
    second.import("rsa3072-e3.PKCS8_PRIVATEKEY.bin", "other RSA", &["--usage", "wrap"]);
    second.import("kek128.raw.bin", "other AES", &["--algorithm", "AES", "--usage", "wrap"]);
    first.import("kek256.raw.bin", "shared", &["--algorithm", "AES", "--usage", "wrap"]);
    first.import("ec-nistP384.PKCS8_PRIVATEKEY.bin", "key", &["--export-policy", "encrypted"]);
    let to = ["--wrap-to", &path("recipient.spki"), "--wrap-key", "shared", "--wrap-key", "kek"];
    let bytes = first.export("key", "OpaqueTransport", &to);
    assert_eq!(transport::decode(&bytes).unwrap().info.recipients.len(), 3);
    // A hash is for an RSA key: where none is there it says nothing.
    let export = ["export", "key", "--type", "OpaqueTransport", "--oaep-hash", "sha1", "--wrap-key", "kek"];
    first.cng11(&export).code(2).says("RSA-OAEP, which alone has a hash");
    first.cng11(&[&export[..], &["--wrap-to", &path("recipient.spki"), "-o", &first.path_text("both")]].concat()).ok();
    let file = second.file("moved", &bytes);
    first.cng11(&["delete", "key", "--yes"]).ok();
    for (token, opens) in [(&first, "recipient"), (&first, "shared"), (&first, "kek"), (&second, "shared")] {
        token.json(&["import", &file, "--unwrap-key", opens]);
        signs(token, "key", &vector_text("ec-nistP384.spki.bin"));
        token.cng11(&["delete", "key", "--yes"]).ok();
    }
    let before = second.contents();
    for opens in ["other RSA", "other AES"] {
        let error = second.json_error(&["import", &file, "--unwrap-key", opens], 1);
        assert!(error["message"].as_str().unwrap().contains("it is not for this key"), "{error}");
        assert_eq!(error["status"], "NTE_BAD_DATA", "{error}");
        assert_eq!(second.contents(), before);
    }
}

#[test]
fn a_container_gives_the_rights_that_it_has_and_fewer() {
    let token = token_of_the_recipient();
    token.import(
        "rsa2048-e65537.PKCS8_PRIVATEKEY.bin",
        "rsa",
        &["--export-policy", "encrypted", "--usage", "sign,decrypt"],
    );
    token.import("aes192.raw.bin", "aes", &["--algorithm", "AES", "--export-policy", "encrypted"]);
    let mut files = Vec::new();
    for name in ["rsa", "aes"] {
        files.push(token.file(&format!("{name}.moved"), token.export(name, "OpaqueTransport", &["--wrap-key", "kek"])));
        token.cng11(&["delete", name, "--yes"]).ok();
    }
    let before = token.contents();
    for file in &files {
        let import = ["import", file, "--unwrap-key", "kek"];
        for more in [&["--export-policy", "plaintext"][..], &["--usage", "wrap"], &["--usage", "decrypt,wrap"]] {
            for dry_run in [&[][..], &["--dry-run"]] {
                let error = token.json_error(&[&import[..], more, dry_run].concat(), 3);
                assert_eq!(error["status"], "NTE_PERM", "{more:?}: {error}");
                assert!(error["message"].as_str().unwrap().contains("OpaqueTransport"), "{error}");
                assert_eq!(token.contents(), before, "{more:?}");
            }
        }
        // Another name and identifier, fewer rights.
        let less = ["--export-policy", "none", "--usage", "decrypt", "--name", "less", "--id", "01"];
        token.json(&[&import[..], &less].concat());
        let shown = token.json(&["show", "less"]);
        assert_eq!(
            (&shown["export_policy"], &shown["usage"], &shown["id"]),
            (&json!([]), &json!(["decrypt"]), &json!("01"))
        );
        token.cng11(&["delete", "less", "--yes"]).ok();
        // What it has anyway may be asked for. Nothing is asked twice under one name.
        token.json(&[&import[..], &["--export-policy", "encrypted"]].concat());
        let error = token.json_error(&import, 1);
        assert_eq!(error["status"], "NTE_EXISTS", "{error}");
        token.json(&[&import[..], &["--overwrite"]].concat());
        let name = if *file == files[0] { "rsa" } else { "aes" };
        token.cng11(&["delete", name, "--yes"]).ok();
    }
    // A key that does not leave at all does not leave like this.
    token.import("rsa2048-e65537.PKCS8_PRIVATEKEY.bin", "stays", &[]);
    token.cng11(&["export", "stays", "--type", "OpaqueTransport", "--wrap-key", "kek"]).code(3);
    token.cng11(&["delete", "stays", "--yes"]).ok();
    // A certificate for another key.
    let error = token.json_error(
        &["import", &files[0], "--unwrap-key", "kek", "--cert", &path("p256.cert"), "--name", "another"],
        2,
    );
    assert!(error["message"].as_str().unwrap().contains("certificate"), "{error}");
}

// ---- changed and forged ------------------------------------------------------------------------------------

/// How many files SoftHSM keeps for the objects of the only token of this process.
fn object_files() -> usize {
    fn count(folder: &Path) -> usize {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_object = |path: &Path| {
            path.extension().is_some_and(|extension| extension == "object")
                && path.file_name().is_none_or(|name| name != "token.object")
        };
        paths.map(|path| if path.is_dir() { count(&path) } else { is_object(&path).into() }).sum()
    }
    let configuration = std::env::var_os("SOFTHSM2_CONF").unwrap();
    count(&Path::new(&configuration).parent().unwrap().join("tokens"))
}

fn put(provider: &StorageProvider, file: &str, name: &str, policy: ExportPolicy, usage: KeyUsage) -> Key {
    let bytes = std::fs::read(vector_path(file)).unwrap();
    let format = if file.contains("raw") { Format::Raw } else { Format::PKCS8 };
    let algorithm = file.contains("raw").then_some(cng_pkcs11::key::Algorithm::AES);
    let decoded = format::decode(&bytes, format, &Hints { algorithm, ..Hints::default() }).unwrap();
    let parameters = ImportParameters { name: Some(KeyName::new(name).unwrap()), ..ImportParameters::default() };
    let mut key = provider.import_decoded(decoded, &parameters, Flags::DO_NOT_FINALIZE).unwrap();
    key.set_export_policy(policy).unwrap();
    key.set_usage(usage).unwrap();
    key.finalize(Flags::NONE).unwrap();
    key
}

fn keks(provider: &StorageProvider) -> [Key; 2] {
    [("transport/kek.raw.bin", "kek"), ("transport/recipient.PKCS8_PRIVATEKEY.bin", "recipient")]
        .map(|(file, name)| put(provider, file, name, ExportPolicy::NONE, KeyUsage::WRAP))
}

/// Refuses a container, and leaves the token as it was.
#[track_caller]
fn refuses(provider: &StorageProvider, kek: &Key, bytes: &[u8], what: &str) -> cng_pkcs11::Error {
    let before = object_files();
    let error = provider
        .import_wrapped(kek, TRANSPORT, &ImportParameters::default(), bytes, Flags::SILENT)
        .expect_err(&format!("{what} is taken"));
    assert_eq!(object_files(), before, "{what}: {error}");
    error
}

#[test]
fn no_changed_byte_gets_past_a_token() {
    on_a_token("no_changed_byte_gets_past_a_token", |provider| {
        let [kek, recipient] = keks(&provider);
        let file = "ec-nistP256.PKCS8_PRIVATEKEY.bin";
        let key = put(&provider, file, "moved", ExportPolicy::ENCRYPTED, KeyUsage::SIGN);
        let made = key.export_to(&[&recipient], TRANSPORT, &ExportParameters::default()).unwrap().bytes;
        provider.delete_key("moved").unwrap();
        assert_eq!(object_files(), 3);
        for (kek, bytes, changes) in
            [(&kek, &container("aes256.aes"), &[0x01, 0x80, 0xFF][..]), (&recipient, &made.to_vec(), &[0x40])]
        {
            for at in 0..bytes.len() {
                for change in changes {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    let error = refuses(&provider, kek, &changed, &format!("{change} at {at}"));
                    assert!(
                        matches!(
                            error.status(),
                            Status::NTE_BAD_DATA
                                | Status::NTE_NOT_SUPPORTED
                                | Status::NTE_INVALID_PARAMETER
                                | Status::NTE_BAD_KEY
                        ),
                        "{at}: {error}: {}",
                        error.status().name()
                    );
                }
            }
            // And as it was it is taken.
            let parameters = ImportParameters::default();
            provider.import_wrapped(kek, TRANSPORT, &parameters, bytes, Flags::SILENT).unwrap();
        }
        assert_eq!(object_files(), 3 + 1 + 2);
    });
}

/// A container by someone who has all the keys that are in it.
fn forged(info: &TransportInfo, mac_key: &[u8]) -> Vec<u8> {
    let signed = info.to_der().unwrap();
    transport::encode(&signed, &code(mac_key, &signed)).unwrap()
}

#[test]
fn a_forged_container_is_refused() {
    on_a_token("a_forged_container_is_refused", |provider| {
        let [kek, recipient] = keks(&provider);
        let victim = transport::decode(&container("p256.rsa-sha1")).unwrap().info;
        // What the attacker has: the public key of the recipient, and keys of his own.
        let public = self::recipient().public().clone();
        let key_id = spki::key_id(&PublicKey::Rsa(public.clone())).unwrap();
        let (own_transport, own_mac) = ([0x11; 32], [0x22; 32]);
        let to_rsa = |key: &[u8]| oaep::wrap(&public, Hash::Sha1, &[], key).unwrap();
        let own_recipient = Recipient::Rsa { key_id, hash: Hash::Sha1, key: to_rsa(&own_transport) };
        let own_mac_key = kw::kw_wrap(&own_transport, &own_mac).unwrap();
        let raised =
            TransportInfo { policy: ExportPolicy::ANY, usage: KeyUsage::SIGN | KeyUsage::AGREE, ..victim.clone() };

        // His transport and MAC keys, the victim's key: the code is right, and the key does not open.
        let both =
            TransportInfo { recipients: vec![own_recipient.clone()], mac_key: own_mac_key.clone(), ..raised.clone() };
        refuses(&provider, &recipient, &forged(&both, &own_mac), "his transport and MAC keys");
        // His MAC key, under his transport key, behind the victim's transport key.
        let mac_alone = TransportInfo { mac_key: own_mac_key.clone(), ..raised.clone() };
        refuses(&provider, &recipient, &forged(&mac_alone, &own_mac), "his MAC key");
        // Both transport keys, in either order: the code by one, the key by the other.
        for recipients in [
            vec![own_recipient.clone(), victim.recipients[0].clone()],
            vec![victim.recipients[0].clone(), own_recipient.clone()],
        ] {
            let two = TransportInfo { recipients, mac_key: own_mac_key.clone(), ..raised.clone() };
            refuses(&provider, &recipient, &forged(&two, &own_mac), "two transport keys");
        }
        // The victim's container with a code of his own, with none, and with that of the victim.
        let whole = transport::decode(&container("p256.rsa-sha1")).unwrap();
        let raised_der = raised.to_der().unwrap();
        for mac in [code(&own_mac, &raised_der), [0; 32], whole.mac] {
            let bytes = transport::encode(&raised_der, &mac).unwrap();
            let error = refuses(&provider, &recipient, &bytes, "another code");
            assert!(error.to_string().contains("integrity"), "{error}");
        }
        // A key of his own in the place of the victim's.
        let own_key = kw::kwp_wrap(&own_transport, &read("p256.PKCS8_PRIVATEKEY")).unwrap();
        refuses(
            &provider,
            &recipient,
            &forged(&TransportInfo { key: own_key.clone(), ..victim.clone() }, &own_mac),
            "his key",
        );
        // A key that he knows, wrapped beside the MAC key, for the MAC key: RFC 5649 is not RFC 3394.
        let known = transport::decode(&container("aes256.aes")).unwrap().info;
        let swapped = TransportInfo { mac_key: known.key.clone(), policy: ExportPolicy::ANY, ..known };
        refuses(&provider, &kek, &forged(&swapped, &read("aes256.raw")), "a known key as the MAC key");
        // Of two containers of one sender the parts do not mix.
        let one = transport::decode(&container("p256-zeros.aes")).unwrap();
        let other = transport::decode(&container("p256.all-hashes")).unwrap();
        let mixed = TransportInfo { key: other.info.key, name: "mixed".to_owned(), ..one.info.clone() };
        refuses(&provider, &kek, &transport::encode(&mixed.to_der().unwrap(), &one.mac).unwrap(), "mixed parts");

        // What he can do: send a key of his own. It is another one, and says nothing of the victim's.
        let mine =
            TransportInfo { recipients: vec![own_recipient], mac_key: own_mac_key, key: own_key, ..victim.clone() };
        let parameters = ImportParameters::default();
        provider.import_wrapped(&recipient, TRANSPORT, &parameters, &forged(&mine, &own_mac), Flags::SILENT).unwrap();
        assert_eq!(object_files(), 3 + 2);
        // But not under another public half.
        let other = spki::decode(&vector("ec-nistP256.spki.bin"), Validation::Full).unwrap();
        let lie = TransportInfo { subject: Subject::Private(other), name: "lie".to_owned(), ..mine };
        refuses(&provider, &recipient, &forged(&lie, &own_mac), "another public half");
        // Nor under one that nothing can show to be its own: no arithmetic for the curve here, and a private object without its point.
        let public = spki::decode(&vector("more/brainpoolP512r1.spki.bin"), Validation::Full).unwrap();
        let untested = TransportInfo {
            subject: Subject::Private(public),
            usage: KeyUsage::AGREE,
            key: kw::kwp_wrap(&own_transport, &vector("ec-brainpoolP512r1.PKCS8_PRIVATEKEY.bin")).unwrap(),
            name: "untested".to_owned(),
            ..lie
        };
        let error = refuses(&provider, &recipient, &forged(&untested, &own_mac), "a public half that nothing shows");
        assert_eq!(error.status(), Status::NTE_VALIDATION_FAILED, "{error}");
    });
}
