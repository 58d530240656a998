//! The command answers files made to hurt within seconds and within 50 MB, and by an exit code, not by a signal. No token.
//!
//! How memory is measured: the command runs under a limit of its address space (`ulimit -v`), in which every allocation counts, touched or not. The
//! limit is what it takes to look at a small key, found by trying, and 50 MB.
#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Kilobytes beyond the baseline.
const ALLOWED: usize = 50_000;
/// Kilobytes between two tries for the baseline.
const STEP: usize = 4_000;
/// Of a build without optimisation on a busy machine; a release takes less than a second.
const SOON: Duration = Duration::from_secs(30);

fn vector(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file)
}

/// Runs the command in so many kilobytes of address space.
fn run(kilobytes: usize, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "sh"]).arg(kilobytes.to_string());
    command.arg(env!("CARGO_BIN_EXE_cng11")).args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CNG11_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).output().expect("sh runs")
}

/// What it takes to look at a small key.
static BASELINE: LazyLock<usize> = LazyLock::new(|| {
    let key = vector("aes128.KeyDataBlob.bin");
    let arguments = ["inspect", key.to_str().unwrap()];
    let enough = (1..250).map(|count| count * STEP).find(|kilobytes| run(*kilobytes, &arguments).status.success());
    enough.expect("a gigabyte is enough to look at a key")
});

/// Looks at a file and converts it, which may or may not succeed.
#[track_caller]
fn answered(folder: &TempDir, name: &str, bytes: &[u8]) -> Output {
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let file = file.to_str().unwrap();
    let out = folder.path().join(format!("{name}.out"));
    let mut outputs = Vec::new();
    for arguments in [
        &["inspect", file][..],
        &["inspect", file, "--json"],
        &["convert", file, "--to", "pkcs8", "--output", out.to_str().unwrap()],
    ] {
        let start = Instant::now();
        let output = run(*BASELINE + ALLOWED, arguments);
        let time = start.elapsed();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(time < SOON, "{name}: {arguments:?} took {time:?}");
        // Out of memory is a signal, a panic is 101, and 2 a command that was not understood.
        let code = output.status.code();
        assert!(code.is_some_and(|code| code <= 10 && code != 2), "{name}: {arguments:?}: {code:?}: {text}");
        assert!(output.stdout.len() + output.stderr.len() < 5_000_000, "{name}: {arguments:?} says too much");
        outputs.push(output);
    }
    outputs.swap_remove(0)
}

/// Bytes without a pattern, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn ten_megabytes_of_random_bytes() {
    let folder = TempDir::new().unwrap();
    let output = answered(&folder, "noise", &noise(10_000_000));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("hint: "), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_length_of_four_gibibytes() {
    let folder = TempDir::new().unwrap();
    for (name, file) in [("rsa", "rsa1024-e3.RSAPRIVATEBLOB.bin"), ("ecc", "ec-nistP256.ECDSA.ECCPUBLICBLOB.bin")] {
        let mut bytes = std::fs::read(vector(file)).unwrap();
        bytes.splice(if name == "rsa" { 12..16 } else { 4..8 }, [0xFF; 4]);
        assert!(!answered(&folder, name, &bytes).status.success());
    }
    assert!(!answered(&folder, "der", &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 2, 1, 0]).status.success());
}

#[test]
fn a_pem_with_ten_thousand_blocks() {
    let folder = TempDir::new().unwrap();
    let key = std::fs::read(vector("ec-nistP256.pkcs8-pem.pem")).unwrap();
    answered(&folder, "keys.pem", &key.repeat(10_000));
    let block = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(!answered(&folder, "nonsense.pem", block.repeat(10_000).as_bytes()).status.success());
}

#[test]
fn a_key_set_of_a_hundred_thousand_keys_and_json_without_an_end() {
    let folder = TempDir::new().unwrap();
    let key = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA"}"#;
    let set = format!(r#"{{"keys":[{}]}}"#, vec![key; 100_000].join(","));
    assert!(!answered(&folder, "set.json", set.as_bytes()).status.success());
    assert!(!answered(&folder, "deep.json", "{\"a\":[".repeat(1_000_000).as_bytes()).status.success());
}

#[test]
fn der_of_five_million_elements() {
    let folder = TempDir::new().unwrap();
    let mut bytes = [0x30, 0x00].repeat(5_000_000);
    bytes.splice(0..0, [0x30, 0x84, 0x00, 0x98, 0x96, 0x80]);
    assert!(!answered(&folder, "flat.der", &bytes).status.success());
    let indefinite = [0x30, 0x80].repeat(5_000_000);
    assert!(!answered(&folder, "deep.der", &indefinite).status.success());
}
