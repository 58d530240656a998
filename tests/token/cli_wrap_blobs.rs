//! Containers of wrapped keys: CNG's blob of RSA-AES, that of RFC 3565, and the CMS EnvelopedData, against openssl and Python.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is not as expected fails the test"
)]

use serde_json::json;

use crate::support::wrapping::{
    RSA_KEK, algorithm_of, assert_is_the_key, assert_signs, key_file, openssl_unwraps, openssl_wraps, python_unwraps,
    python_wraps, token_with_keks,
};
use crate::support::{TestToken, openssl, vector, vector_path, vector_text};

const BLOB: &str = "PKCS11RsaAesWrapBlob";
const OPENED_HERE: &str =
    "the envelope was opened on this host, where the key was in the clear: the token does not unwrap its content";
/// The other recipient, which has no certificate.
const OTHER: &str = "rsa2048-e65537";

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

fn utf16(name: &str) -> Vec<u8> {
    name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A blob put together by hand.
fn blob(wrapped: &[u8], hash: &str, label: &[u8]) -> Vec<u8> {
    let name = utf16(hash);
    let sizes =
        [wrapped.len(), name.len(), label.len()].map(|len| u32::try_from(len).expect("a short blob").to_le_bytes());
    [b"RAPW", &sizes.concat()[..], wrapped, &name, label].concat()
}

/// The wrapped data of a blob without a label, taken out by hand.
#[track_caller]
fn take_apart(bytes: &[u8]) -> &[u8] {
    let len = word(bytes, 4);
    assert_eq!((&bytes[..4], word(bytes, 8), word(bytes, 12)), (&b"RAPW"[..], 10, 0));
    assert_eq!(bytes[16 + len..], utf16("SHA1"), "the hash, and no label");
    &bytes[16..16 + len]
}

fn import_passenger(token: &TestToken, key: &str, policy: &str) {
    let algorithm = algorithm_of(key);
    token.import(&key_file(key), key, &[algorithm, &["--export-policy", policy]].concat());
}

#[test]
fn the_blob_that_the_token_makes_is_opened_by_openssl_and_python() {
    let token = token_with_keks();
    let certificate = vector_text(&format!("{RSA_KEK}.cert.bin"));
    for key in ["rsa2048-e17", "ec-nistP256", "ec-nistP521", "aes256"] {
        import_passenger(&token, key, "encrypted");
        for to in [["--wrap-key", "rsa kek"], ["--wrap-to", &certificate]] {
            let path = token.path_text("blob");
            let export = [&["export", key, "--type", BLOB, "-o", &path, "--force"], &to[..]].concat();
            let document = token.json(&export);
            assert_eq!((&document["scheme"], &document["oaep_hash"]), (&json!("rsa-aes"), &json!("SHA1")), "{key}");
            let padded = (!key.starts_with("aes")).then_some(&json!(true)) == document.get("zero_padded");
            assert!(padded, "{key}: {document}");
            let bytes = token.read("blob");
            let wrapped = take_apart(&bytes);
            assert_is_the_key(key, &openssl_unwraps("rsa-aes", wrapped), key);
            assert_is_the_key(key, &python_unwraps("rsa-aes", wrapped), key);
        }
    }
}

#[test]
fn blobs_that_python_made_with_sha1_are_working_keys() {
    let token = token_with_keks();
    token.import("more/rsa4096.PKCS8_PRIVATEKEY.bin", "large kek", &["--usage", "wrap"]);
    for (key, recipient, kek) in [
        ("nistP256", "rsa2048", "rsa kek"),
        ("nistP521", "rsa2048", "rsa kek"),
        ("rsa1024", "rsa2048", "rsa kek"),
        ("aes128-more", "rsa2048", "rsa kek"),
        ("aes256-more", "rsa2048", "rsa kek"),
        ("aes256-more", "rsa4096", "large kek"),
    ] {
        let name = format!("{key} to {recipient}");
        let file = format!("more/{key}.{recipient}-sha1.{BLOB}.bin");
        let algorithm = algorithm_of(key);
        let more = [&["--unwrap-key", kek, "--oaep-hash", "sha1", "--export-policy", "plaintext"], algorithm].concat();
        let document = token.import(&file, &name, &more);
        assert_eq!((&document["route"], &document["warnings"]), (&json!("unwrap"), &json!([])), "{name}");
        if key.starts_with("aes") {
            let exported = token.export(&name, "raw", &["--allow-plaintext"]);
            assert!(exported == vector(&format!("more/{key}.raw.bin")), "{name}");
        } else {
            assert_eq!(document["verified"], "signature", "{name}");
            assert_signs(&token, &name, &format!("more/{key}"));
        }
    }
}

#[test]
fn a_blob_made_by_hand_is_a_working_key_and_a_broken_one_creates_nothing() {
    let token = token_with_keks();
    let pkcs8 = vector("ec-nistP384.PKCS8_PRIVATEKEY.bin");
    for (maker, wrapped) in
        [("openssl", openssl_wraps("rsa-aes", &pkcs8)), ("python", python_wraps("rsa-aes", &[], &pkcs8))]
    {
        let path = token.file("blob", blob(&wrapped, "SHA1", b""));
        token.json(&["import", &path, "--name", maker, "--unwrap-key", "rsa kek", "--type", BLOB]);
        assert_signs(&token, maker, "ec-nistP384");
    }
    let good = blob(&openssl_wraps("rsa-aes", &pkcs8), "SHA1", b"");
    let before = token.contents();
    let mut bad = vec![good[..good.len() - 1].to_vec(), [&good[..], b"x"].concat(), good[..20].to_vec()];
    for at in [4, 8, 12, 16, 16 + 255, 16 + 256, good.len() - 11, good.len() - 10] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        bad.push(changed);
    }
    for (number, bytes) in bad.iter().enumerate() {
        let path = token.file("bad", bytes);
        let error = token.json_error(&["import", &path, "--name", "x", "--unwrap-key", "rsa kek", "--type", BLOB], 1);
        assert!(error["hint"].is_string(), "{number}: {error}");
        assert_eq!(token.contents(), before, "{number}: {error}");
    }
}

#[test]
fn a_blob_with_another_hash_or_a_label_is_refused_by_the_token() {
    let token = token_with_keks();
    let before = token.contents();
    let names = std::fs::read_dir(vector_path("more"))
        .expect("the vectors")
        .map(|entry| entry.expect("a vector").file_name().into_string().expect("a name in UTF-8"));
    let missing: Vec<_> =
        names.filter(|name| name.contains(".rsa2048-sha") && !name.contains("-sha1.") && name.contains(BLOB)).collect();
    assert_eq!(missing.len(), 23);
    for name in &missing {
        let file = vector_text(&format!("more/{name}"));
        let algorithm = algorithm_of(name);
        let import = [&["import", &file, "--name", "x", "--unwrap-key", "rsa kek"], algorithm].concat();
        let error = token.json_error(&import, 3);
        assert_eq!((&error["layer"], &error["ckr"]), (&json!("wrap"), &json!("CKR_ARGUMENTS_BAD")), "{name}: {error}");
        let with_label = error["message"].as_str().is_some_and(|message| message.contains("and a label"));
        assert_eq!(with_label, name.contains("-label"), "{name}: {error}");
    }
    let file = vector_text(&format!("more/nistP256.rsa2048-sha1.{BLOB}.bin"));
    for hash in ["sha256", "sha384", "sha512"] {
        let import = ["import", &file, "--name", "x", "--unwrap-key", "rsa kek", "--oaep-hash", hash];
        assert_eq!(token.json_error(&import, 2)["message"], "the blob says SHA1, not another hash");
    }
    assert_eq!(token.contents(), before);
}

#[test]
fn a_blob_under_a_key_of_the_other_kind_or_with_another_scheme_is_a_usage_error() {
    let token = token_with_keks();
    import_passenger(&token, "aes256", "encrypted");
    let before = token.contents();
    let rfc3565 = vector_text("aes256.kek256.Rfc3565KeyWrapBlob.bin");
    let rsa_aes = vector_text(&format!("more/nistP256.rsa2048-sha1.{BLOB}.bin"));
    let envelope = vector_text("cms/oaep-sha1.cms.bin");
    let public = vector_text(&format!("{RSA_KEK}.spki.bin"));
    let out = token.path_text("out");
    fn exports<'a>(out: &'a str, kind: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["export", "aes256", "--type", kind, "-o", out], more].concat()
    }
    fn import<'a>(file: &'a str, kind: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["import", file, "--name", "x", "--type", kind], more].concat()
    }
    for arguments in [
        exports(&out, "Rfc3565KeyWrapBlob", &["--wrap-key", "rsa kek"]),
        exports(&out, "Rfc3565KeyWrapBlob", &["--wrap-to", &public]),
        exports(&out, "Rfc3565KeyWrapBlob", &["--wrap-key", "kek", "--scheme", "kwp"]),
        exports(&out, BLOB, &["--wrap-key", "kek"]),
        exports(&out, BLOB, &["--wrap-key", "rsa kek", "--scheme", "rsa-oaep"]),
        exports(&out, BLOB, &["--wrap-key", "rsa kek", "--wrap-to", &public]),
        exports(&out, BLOB, &[]),
        exports(&out, "PKCS7_ENVELOPE", &["--wrap-key", "kek"]),
        exports(&out, "PKCS7_ENVELOPE", &["--wrap-key", "rsa kek", "--scheme", "kw"]),
        import(&rfc3565, "Rfc3565KeyWrapBlob", &["--unwrap-key", "rsa kek"]),
        import(&rsa_aes, BLOB, &["--unwrap-key", "kek"]),
        import(&rsa_aes, BLOB, &["--unwrap-key", "rsa kek", "--scheme", "rsa-oaep"]),
        import(&envelope, "PKCS7_ENVELOPE", &["--unwrap-key", "kek"]),
    ] {
        let error = token.json_error(&arguments, 2);
        assert!(error["hint"].is_string(), "{arguments:?}: {error}");
        assert!(!token.path("out").exists(), "{arguments:?}");
    }
    assert_eq!(token.contents(), before);
}

/// What openssl finds in an envelope, with the key of a vector and the certificate that names it, if it has one.
#[track_caller]
fn openssl_opens(path: &str, private: &str, certificate: Option<&str>) -> Vec<u8> {
    let key = vector_text(private);
    let mut arguments = vec!["cms", "-decrypt", "-inform", "DER", "-in", path, "-keyform", "DER", "-inkey", &key];
    let certificate = certificate.map(vector_text);
    if let Some(certificate) = &certificate {
        arguments.extend(["-recip", certificate]);
    }
    openssl(&arguments, None)
}

#[test]
fn an_envelope_of_a_key_that_may_or_may_not_be_seen_is_opened_by_each_recipient() {
    let token = token_with_keks();
    token.import(&key_file(OTHER), "other", &["--usage", "wrap"]);
    let certificate = vector_text(&format!("{RSA_KEK}.cert-pem.pem"));
    let other = vector_text(&format!("{OTHER}.spki.bin"));
    for key in ["rsa3072-e17", "ec-nistP256", "ec-nistP384", "aes128"] {
        token.keep_secret(&vector(&key_file(key)));
        for (policy, scheme, cipher) in [
            ("encrypted", "kwp", "id-aes256-wrap-pad (2.16.840.1.101.3.4.1.48)"),
            ("plaintext", "cbc-pad", "aes-256-cbc"),
        ] {
            let why = format!("{key}, {policy}");
            import_passenger(&token, key, policy);
            let before = token.contents();
            let path = token.path_text("envelope");
            let to = ["--wrap-to", &certificate, "--wrap-to", &other, "--oaep-hash", "sha1"];
            let export = ["export", key, "--type", "PKCS7_ENVELOPE", "-o", &path, "--force"];
            let document = token.json(&[&export[..], &to].concat());
            assert_eq!((&document["scheme"], &document["oaep_hash"]), (&json!(scheme), &json!("SHA1")), "{why}");
            let pads = policy == "encrypted" && !key.starts_with("aes");
            assert_eq!(document.get("zero_padded").is_some(), pads, "{why}");
            let text = String::from_utf8(openssl(&["cms", "-cmsout", "-print", "-inform", "DER", "-in", &path], None));
            let text = text.expect("openssl says ASCII");
            assert!(text.contains(cipher), "{why}: {text}");
            assert_eq!(text.matches("keyEncryptionAlgorithm").count(), 2, "{why}: {text}");
            let by_certificate = openssl_opens(
                &path,
                &format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"),
                Some(&format!("{RSA_KEK}.cert-pem.pem")),
            );
            assert_is_the_key(key, &by_certificate, &why);
            assert!(by_certificate == openssl_opens(&path, &key_file(OTHER), None), "{why}");
            assert_eq!(token.contents(), before, "{why}");

            // Both open it on the token too, and that without a word where the token unwraps it.
            token.cng11(&["delete", key, "--yes"]).ok();
            for kek in ["rsa kek", "other"] {
                let import = ["import", &path, "--name", "x", "--overwrite", "--unwrap-key", kek];
                let algorithm = algorithm_of(key);
                if scheme != "kwp" && key.starts_with("aes") {
                    // Bytes of no structure are decrypted here only under a key that decrypts.
                    token.json_error(&[&import[..], algorithm].concat(), 3);
                    continue;
                }
                let document = token.json(&[&import[..], algorithm].concat());
                let (route, warnings) =
                    if scheme == "kwp" { ("unwrap", json!([])) } else { ("copy", json!([OPENED_HERE])) };
                assert_eq!((&document["route"], &document["warnings"]), (&json!(route), &warnings), "{why} by {kek}");
                if !key.starts_with("aes") {
                    assert_signs(&token, "x", key);
                }
            }
            if scheme == "kwp" || !key.starts_with("aes") {
                token.cng11(&["delete", "x", "--yes"]).ok();
            }
        }
    }
}

/// The EnvelopedData in a ContentInfo: behind the outer header, eleven bytes of OID, and that of \[0].
fn without_content_info(der: &[u8]) -> &[u8] {
    let header = |bytes: &[u8]| if bytes[1] < 0x80 { 2 } else { 2 + usize::from(bytes[1] & 0x7F) };
    let inner = &der[header(der) + 11..];
    &inner[header(inner)..]
}

#[track_caller]
fn openssl_envelopes(content: &[u8], options: &[&str], keyopt: &[&str]) -> Vec<u8> {
    let certificate = vector_text(&format!("{RSA_KEK}.cert-pem.pem"));
    openssl(&[&["cms", "-encrypt", "-binary"], options, &["-recip", &certificate], keyopt].concat(), Some(content))
}

#[test]
fn what_openssl_envelopes_is_imported_and_the_outcome_says_that_the_host_saw_it() {
    let token = token_with_keks();
    token.import(&format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"), "rsa both", &["--usage", "wrap,decrypt"]);
    let oaep = ["-keyopt", "rsa_padding_mode:oaep"];
    let der = ["-outform", "DER"];
    let pem = ["-outform", "PEM", "-aes256"];
    let (p256, p384, rsa, aes) = ("ec-nistP256", "ec-nistP384", "rsa2048-e17", "aes256");
    for (key, content, options, keyopt, bare) in [
        (p256, "PKCS8_PRIVATEKEY", &[&der[..], &["-aes128"]].concat()[..], &[][..], false),
        (p256, "PKCS8_PRIVATEKEY", &[&der[..], &["-aes256"]].concat(), &oaep, false),
        (rsa, "PKCS8_PRIVATEKEY", &[&der[..], &["-des3"]].concat(), &[], false),
        (rsa, "PKCS8_PRIVATEKEY", &[&der[..], &["-aes256", "-keyid"]].concat(), &oaep, true),
        (p384, "ECDSA.ECCPRIVATEBLOB", &[&der[..], &["-aes256"]].concat(), &[], false),
        (p384, "ECDSA.ECCPRIVATEBLOB", &pem, &oaep, false),
        (rsa, "RSAFULLPRIVATEBLOB", &[&der[..], &["-aes128", "-keyid"]].concat(), &[], true),
        (rsa, "RSAFULLPRIVATEBLOB", &pem, &[], false),
        (aes, "raw", &[&der[..], &["-aes256"]].concat(), &[], false),
    ] {
        let why = format!("{key} as {content}, {options:?} {keyopt:?}");
        let envelope = openssl_envelopes(&vector(&format!("{key}.{content}.bin")), options, keyopt);
        let path = token.file("envelope", if bare { without_content_info(&envelope) } else { &envelope });
        let mut import = vec!["import", &path, "--name", "x", "--unwrap-key", "rsa kek"];
        if key == aes {
            import.extend(["--algorithm", "AES", "--export-policy", "plaintext"]);
            // Bytes of no structure are decrypted here only under a key that decrypts: it would read for anyone what was wrapped for it.
            let error = token.json_error(&import, 3);
            assert_eq!(error["status"], "NTE_PERM", "{why}");
            import[5] = "rsa both";
        }
        let document = token.json(&import);
        assert_eq!((&document["route"], &document["warnings"]), (&json!("copy"), &json!([OPENED_HERE])), "{why}");
        if key == aes {
            assert!(token.export("x", "raw", &["--allow-plaintext"]) == vector("aes256.raw.bin"), "{why}");
        } else {
            assert_signs(&token, "x", key);
        }
        token.cng11(&import).code(1).says("exists already");
        token.cng11(&[&import[..], &["--overwrite", "--quiet"]].concat()).ok();
        token.cng11(&[&import[..], &["--overwrite"]].concat()).ok().says(OPENED_HERE);
        token.cng11(&["delete", "x", "--yes"]).ok();
    }
}

#[test]
fn an_envelope_for_another_key_or_one_that_was_changed_creates_nothing() {
    let token = token_with_keks();
    import_passenger(&token, "ec-nistP256", "encrypted");
    let before = token.contents();
    // One whose key is as long, one whose key is longer.
    for other in ["rsa2048-e65537", "rsa3072-e65537"] {
        let path = token.path_text(other);
        let to = vector_text(&format!("{other}.spki.bin"));
        token.json(&["export", "ec-nistP256", "--type", "PKCS7_ENVELOPE", "--wrap-to", &to, "-o", &path]);
        let error = token.json_error(&["import", &path, "--name", "x", "--unwrap-key", "rsa kek"], 1);
        assert_eq!(error["status"], "NTE_BAD_DATA", "{other}: {error}");
    }
    // In a software envelope and in one by the token: the end of the content, and of the content key in front of it.
    let by_token = token.export("ec-nistP256", "PKCS7_ENVELOPE", &["--wrap-key", "rsa kek"]);
    let by_openssl = openssl_envelopes(
        &vector("ec-nistP256.PKCS8_PRIVATEKEY.bin"),
        &["-outform", "DER", "-aes256"],
        &["-keyopt", "rsa_padding_mode:oaep"],
    );
    for (maker, good) in [("token", by_token), ("openssl", by_openssl)] {
        let mut bad = vec![good[..good.len() - 1].to_vec(), good[..good.len() - 8].to_vec()];
        for back in [1, 17, 300] {
            let mut changed = good.clone();
            changed[good.len() - back] ^= 0x80;
            bad.push(changed);
        }
        for (number, bytes) in bad.iter().enumerate() {
            let path = token.file("bad", bytes);
            let import = ["import", &path, "--name", "x", "--unwrap-key", "rsa kek", "--type", "PKCS7_ENVELOPE"];
            let error = token.json_error(&import, 1);
            assert!(error["hint"].is_string(), "{maker}, {number}: {error}");
        }
    }
    assert_eq!(token.contents(), before);
}
