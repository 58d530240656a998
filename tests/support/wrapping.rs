//! Wrapping and unwrapping by the programs of others: openssl, and Python's `cryptography`.

use std::path::Path;

use super::{Run, TestToken, install_hint, openssl, tool, vector, vector_text};

/// The AES key that wraps.
pub(crate) const KEK: &str = "kek256.raw.bin";
/// The RSA key that wraps, without what its files are.
pub(crate) const RSA_KEK: &str = "more/rsa2048";
/// Bytes of its modulus.
pub(crate) const MODULUS: usize = 256;

/// A token with `kek` and `rsa kek`, which only wrap.
pub(crate) fn token_with_keks() -> TestToken {
    let token = TestToken::new();
    token.keep_secret(&vector(KEK));
    token.import(KEK, "kek", &["--algorithm", "AES", "--usage", "wrap"]);
    token.import(&format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"), "rsa kek", &["--usage", "wrap"]);
    token
}

/// The wrapping key of a scheme, as [`token_with_keks`] names it.
pub(crate) fn kek_of(scheme: &str) -> &'static str {
    if scheme.starts_with("rsa") { "rsa kek" } else { "kek" }
}

/// The type that a bare wrapped key has: a private key's PKCS#8, or the bytes of a secret one.
pub(crate) fn bare_type(key: &str) -> &'static str {
    if key.starts_with("aes") { "raw" } else { "PKCS8_PRIVATEKEY" }
}

/// The vector of a key.
pub(crate) fn key_file(key: &str) -> String {
    if key.starts_with("aes") { format!("{key}.raw.bin") } else { format!("{key}.PKCS8_PRIVATEKEY.bin") }
}

/// What says to `import` that a bare key is an AES key.
pub(crate) fn algorithm_of(key: &str) -> &'static [&'static str] {
    if key.starts_with("aes") { &["--algorithm", "AES"] } else { &[] }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A program of others, found and run: its failure says how to install what it may miss.
#[track_caller]
fn python(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/wrapping.py");
    let mut command = tool("python3");
    command.arg(script).args(arguments);
    let run = Run::of(command, Some(input));
    let missing = run.stderr.contains("ModuleNotFoundError");
    assert!(!missing, "Python's `cryptography` is not installed; {}\n{}", install_hint(), run.stderr);
    run.ok().stdout
}

/// What Python wraps, by any scheme, with the hash and label in `oaep`.
#[track_caller]
pub(crate) fn python_wraps(scheme: &str, oaep: &[&str], plain: &[u8]) -> Vec<u8> {
    let key = vector_text(&if scheme.starts_with("rsa") { format!("{RSA_KEK}.spki.bin") } else { KEK.to_owned() });
    python(&[&["wrap", scheme, &key], oaep].concat(), plain)
}

/// What Python finds in a wrapped key.
#[track_caller]
pub(crate) fn python_unwraps(scheme: &str, wrapped: &[u8]) -> Vec<u8> {
    let rsa = format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin");
    let key = vector_text(if scheme.starts_with("rsa") { &rsa } else { KEK });
    python(&["unwrap", scheme, &key], wrapped)
}

#[track_caller]
fn openssl_enc(direction: &str, padded: bool, kek: &[u8], input: &[u8]) -> Vec<u8> {
    let (cipher, iv) =
        if padded { ("-id-aes256-wrap-pad", "A65959A6") } else { ("-id-aes256-wrap", "A6A6A6A6A6A6A6A6") };
    openssl(&["enc", direction, cipher, "-K", &hex(kek), "-iv", iv], Some(input))
}

/// RSA-OAEP with SHA-1 by openssl, under the key of a vector.
#[track_caller]
pub(crate) fn openssl_oaep_opens(pkcs8: &str, input: &[u8]) -> Vec<u8> {
    let key = vector_text(pkcs8);
    let arguments = ["pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", &key];
    openssl(&[&arguments[..], &["-pkeyopt", "rsa_padding_mode:oaep"]].concat(), Some(input))
}

#[track_caller]
fn openssl_oaep(input: &[u8]) -> Vec<u8> {
    let key = vector_text(&format!("{RSA_KEK}.spki.bin"));
    let arguments = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", &key];
    openssl(&[&arguments[..], &["-pkeyopt", "rsa_padding_mode:oaep"]].concat(), Some(input))
}

/// What openssl wraps. RFC 3394 takes whole blocks: zero bytes stand behind what is none.
#[track_caller]
pub(crate) fn openssl_wraps(scheme: &str, plain: &[u8]) -> Vec<u8> {
    match scheme {
        "kw" => {
            let mut blocks = plain.to_vec();
            blocks.resize(plain.len().next_multiple_of(8), 0);
            openssl_enc("-e", false, &vector(KEK), &blocks)
        }
        "kwp" => openssl_enc("-e", true, &vector(KEK), plain),
        "rsa-oaep" => openssl_oaep(plain),
        "rsa-aes" => {
            let ephemeral = *b"an AES key that openssl uses now";
            [openssl_oaep(&ephemeral), openssl_enc("-e", true, &ephemeral, plain)].concat()
        }
        other => panic!("openssl has no {other}"),
    }
}

/// What openssl finds in a wrapped key.
#[track_caller]
pub(crate) fn openssl_unwraps(scheme: &str, wrapped: &[u8]) -> Vec<u8> {
    openssl_unwraps_with(scheme, &format!("{RSA_KEK}.PKCS8_PRIVATEKEY.bin"), wrapped)
}

/// The same with another RSA key of [`MODULUS`] bytes.
#[track_caller]
pub(crate) fn openssl_unwraps_with(scheme: &str, pkcs8: &str, wrapped: &[u8]) -> Vec<u8> {
    match scheme {
        "kw" => openssl_enc("-d", false, &vector(KEK), wrapped),
        "kwp" => openssl_enc("-d", true, &vector(KEK), wrapped),
        "rsa-oaep" => openssl_oaep_opens(pkcs8, wrapped),
        "rsa-aes" => {
            let (first, second) = wrapped.split_at(MODULUS);
            let ephemeral = openssl_oaep_opens(pkcs8, first);
            assert_eq!(ephemeral.len(), 32, "the key between is AES-256");
            openssl_enc("-d", true, &ephemeral, second)
        }
        other => panic!("openssl has no {other}"),
    }
}

/// Holds what came out of a wrapped key against the vector. Behind a PKCS#8 up to seven zero bytes may stand, and one of an EC key may leave the point out:
/// openssl computes it.
#[track_caller]
pub(crate) fn assert_is_the_key(key: &str, plain: &[u8], why: &str) {
    if key.starts_with("aes") {
        assert!(plain == vector(&key_file(key)), "{why}");
        return;
    }
    let (header, len) = match plain[1] {
        0x82 => (4, usize::from(plain[2]) * 256 + usize::from(plain[3])),
        0x81 => (3, usize::from(plain[2])),
        short => (2, usize::from(short)),
    };
    let behind = &plain[header + len..];
    assert!(plain[0] == 0x30 && behind.len() < 8 && behind.iter().all(|byte| *byte == 0), "{why}: {behind:?} behind");
    if key.contains("rsa") {
        let normal = openssl(&["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], Some(plain));
        assert!(normal == vector(&key_file(key)), "{why}");
    }
    let public = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], Some(plain));
    assert!(public == vector(&format!("{key}.spki.bin")), "{why}");
}

/// Signs by `cng11`, and lets openssl verify with the known public key.
#[track_caller]
pub(crate) fn assert_signs(token: &TestToken, name: &str, key: &str) {
    let data = token.file("data", "what is signed");
    let signature = token.path_text("signature");
    token.cng11(&["sign", name, "--format", "der", &data, "-o", &signature]).ok();
    let public = vector_text(&format!("{key}.spki.bin"));
    openssl(&["dgst", "-sha256", "-keyform", "DER", "-verify", &public, "-signature", &signature, &data], None);
}
