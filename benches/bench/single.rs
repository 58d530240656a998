//! What one key costs.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use cng_pkcs11::blob::ecc::EccBlob;
use cng_pkcs11::blob::key_data::KeyDataBlob;
use cng_pkcs11::blob::rsa::RsaBlob;
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::key::rsa::PrivateKey as RsaKey;
use cng_pkcs11::key::{KeyMaterial, PrivateKey, Validation};
use cng_pkcs11::secret::SecretBytes;

use crate::measure::{Goal, Table, free, in_batches};
use crate::stage::{Asked, Copied, Stage, hex, installed, manifest_dir, vector};
use crate::{Fallible, RSA};

/// Blobs into structures and back, beside a copy of the same bytes.
pub(crate) fn codec_rows(table: &mut Table) -> Fallible<()> {
    let rsa = format!("{RSA}.RSAFULLPRIVATEBLOB.bin");
    let goals = [Goal::AtMost(2.0), Goal::AtMost(4.0)];
    blob_rows(table, "a full RSA-2048 blob", &rsa, BlobType::RsaFullPrivate, goals, |bytes| {
        black_box(&RsaBlob::decode(bytes));
    })?;
    // Copies of a few ten bytes take a nanosecond or two: these ratios are for comparing runs.
    let ec = "ec-nistP256.ECDSA.ECCPRIVATEBLOB.bin";
    blob_rows(table, "an ECCPRIVATEBLOB on P-256", ec, BlobType::EccPrivate, [Goal::None; 2], |bytes| {
        black_box(&EccBlob::decode(bytes));
    })?;
    let aes = "aes256.KeyDataBlob.bin";
    blob_rows(table, "a KeyDataBlob of AES-256", aes, BlobType::KeyData, [Goal::None; 2], |bytes| {
        black_box(&KeyDataBlob::decode(bytes));
    })
}

pub(crate) fn blob_rows(
    table: &mut Table,
    words: &str,
    file: &str,
    blob_type: BlobType,
    [decode_goal, encode_goal]: [Goal; 2],
    decode: impl Fn(&[u8]),
) -> Fallible<()> {
    let bytes = vector(file)?;
    let decoded = blob::decode(&bytes, blob_type, &Hints::default())?;
    let (mut copy, mut buffer) = (vec![0; bytes.len()], vec![0; bytes.len()]);
    // All of this stays in the nearest cache, on both sides. Neither side knows its lengths when it is compiled.
    let mut memcpy = free(|| {
        copy.copy_from_slice(black_box(&bytes));
        black_box(&mut copy);
    });
    table.row(
        &format!("decode {words} / memcpy"),
        decode_goal,
        &mut free(|| decode(black_box(&bytes))),
        &mut memcpy,
    )?;
    let mut encode = free(|| {
        black_box(&blob::encode_into(black_box(&decoded.key), decoded.algorithm, blob_type, &mut buffer));
        black_box(&mut buffer);
    });
    table.row(
        &format!("encode {words} into a buffer that is there / memcpy"),
        encode_goal,
        &mut encode,
        &mut memcpy,
    )?;
    table.row(
        &format!("encode {words} into a new wiped one / memcpy into a new wiped one"),
        encode_goal,
        &mut free(|| black_box(blob::encode(black_box(&decoded.key), decoded.algorithm, blob_type)).is_ok()),
        &mut free(|| black_box(SecretBytes::from(black_box(bytes.as_slice()))).len()),
    )
}

/// What a key's numbers cost, beside OpenSSL's.
pub(crate) fn arithmetic_rows(table: &mut Table, stage: &Stage) -> Fallible<()> {
    let bytes = vector(&format!("{RSA}.RSAFULLPRIVATEBLOB.bin"))?;
    let decoded = blob::decode(&bytes, BlobType::RsaFullPrivate, &Hints::default())?;
    let KeyMaterial::Private(PrivateKey::Rsa(key)) = &decoded.key else { return Err("no RSA key".into()) };
    let (public, numbers) = (key.public(), key.numbers());

    let values = [
        ("n", public.n()),
        ("e", public.e()),
        ("d", &*numbers.d),
        ("p", &*numbers.p),
        ("q", &*numbers.q),
        ("dp", &*numbers.dp),
        ("dq", &*numbers.dq),
        ("qinv", &*numbers.qinv),
    ];
    let file = stage.path("numbers");
    fs::write(&file, values.map(|(name, value)| format!("{name} {}\n", hex(value))).concat())?;
    let openssl = match stage.compile("openssl_bn", ["-lcrypto"]) {
        Ok(program) => program,
        Err(problem) => {
            println!(
                "LEFT OUT: check and completion against OpenSSL's BIGNUM, because openssl_bn.c does not compile: {problem}"
            );
            return Ok(());
        }
    };
    let openssl = &mut Asked::start(Command::new(openssl).arg(&file))?;
    let mut check = in_batches(
        || (public.clone(), numbers.clone()),
        |(public, numbers)| RsaKey::from_numbers(public, numbers, Validation::Full),
    );
    table.row(
        "check a full RSA-2048 key / OpenSSL BN, constant time",
        Goal::AtMost(3.0),
        &mut check,
        &mut |count| openssl.time("check", count),
    )?;
    let mut complete =
        in_batches(|| public.clone(), |public| RsaKey::from_primes(public, &numbers.p, &numbers.q, Validation::Full));
    table.row(
        "complete p, q, e of RSA-2048 / OpenSSL BN, constant time, d mod (p-1)(q-1)",
        Goal::AtMost(2.0),
        &mut complete,
        &mut |count| openssl.time("complete", count),
    )?;
    table.row(
        "complete p, q, e of RSA-2048 / OpenSSL BN, constant time, d mod lcm, as ours",
        Goal::None,
        &mut complete,
        &mut |count| openssl.time("complete-lcm", count),
    )
}

/// Imports in one process and one session.
pub(crate) fn import_rows(table: &mut Table, stage: &Stage, place: &(String, PathBuf), pairs: u32) -> Fallible<()> {
    let name = &place.0;
    let (our_token, raw_token) = (stage.token(place, "import")?, stage.token(place, "raw")?);
    let (ours, raw) = (&mut our_token.worker()?, &mut stage.raw(&raw_token)?);
    for (kind, words) in [("rsa", "RSA-2048"), ("ec", "P-256")] {
        let mut references = ["create", "copy", "proven"].map(|way| format!("{way}-{kind}"));
        let (job, mut raws) = (format!("import-{kind}"), Vec::new());
        let mut ours_times = Vec::new();
        for round in 0..=table.rounds {
            let mut measured = [Duration::ZERO; 4];
            // Each goes first in its turn.
            for at in 0..4 {
                let at = (at + round) % 4;
                let (worker, job): (&mut Asked, &str) = match at.checked_sub(1).and_then(|at| references.get_mut(at)) {
                    None => (ours, &job),
                    Some(reference) => (raw, reference),
                };
                let elapsed = worker.time(job, pairs)?;
                if let Some(place) = measured.get_mut(at) {
                    *place = elapsed / pairs;
                }
            }
            // The first round warms caches and the disk's journal.
            if round > 0 {
                let [ours, others @ ..] = measured;
                ours_times.push(ours);
                raws.push(others);
            }
        }
        let goals = [
            ("C_CreateObject in a loop", Goal::AtLeast(3.5)),
            ("session object + C_CopyObject in a loop, unproven", Goal::AtLeast(0.92)),
            ("the same calls in a loop: search, copy, read back, sign", Goal::AtLeast(0.92)),
        ];
        for (at, (reference, goal)) in goals.into_iter().enumerate() {
            let reference_times: Vec<_> = raws.iter().filter_map(|times| times.get(at).copied()).collect();
            let row = format!("import {words} pairs, {name}, a pair / {reference}");
            table.add(&row, goal, &ours_times, &reference_times);
        }
    }
    Ok(())
}

/// Signing and wrapping with keys that are on the token.
pub(crate) fn use_rows(table: &mut Table, stage: &Stage, place: &(String, PathBuf)) -> Fallible<()> {
    let token = stage.token(place, "use")?;
    let ours = &mut token.worker()?;
    ours.time("prepare-all", 1)?;
    // Only now: a process reads the token when it starts.
    let raw = &mut stage.raw(&token)?;
    for (job, words, goal) in [
        ("wrap-rsa", "export RSA-2048 wrapped (kwp) / C_WrapKey in a loop", 0.92),
        ("wrap-ec", "export P-256 wrapped (kwp) / C_WrapKey in a loop", 0.92),
        ("sign-rsa", "sign with RSA-2048, 1 thread / C_SignInit + C_Sign in a loop", 0.95),
        ("sign-ec", "sign with P-256, 1 thread / C_SignInit + C_Sign in a loop", 0.95),
    ] {
        table.row_of(
            words,
            Goal::AtLeast(goal),
            Duration::from_millis(80),
            2 * table.rounds,
            &mut |count| ours.time(job, count),
            &mut |count| raw.time(job, count),
        )?;
    }
    c_rows(table, stage, &token, raw)
}

/// The C library with the same keys.
pub(crate) fn c_rows(table: &mut Table, stage: &Stage, token: &Copied, raw: &mut Asked) -> Fallible<()> {
    let Some(c) = &mut stage.c_library(token)? else {
        println!("LEFT OUT: the rows of the C library, because CNG11_CAPI names no folder where it is installed");
        return Ok(());
    };
    for (job, words) in [
        ("sign-rsa", "NCryptSignHash with RSA-2048, 1 thread / C_SignInit + C_Sign in a loop"),
        ("sign-ec", "NCryptSignHash with P-256, 1 thread / C_SignInit + C_Sign in a loop"),
        ("signtwo-rsa", "NCryptSignHash with RSA-2048, 2 threads, one handle / C_Sign in two sessions"),
        ("signtwo-ec", "NCryptSignHash with P-256, 2 threads, one handle / C_Sign in two sessions"),
    ] {
        table.row_of(
            words,
            Goal::AtLeast(0.95),
            Duration::from_millis(80),
            2 * table.rounds,
            &mut |count| c.time(job, count),
            &mut |count| raw.time(job, count),
        )?;
    }
    let other = &mut stage.c_library(token)?.ok_or("the C library is gone")?;
    for (job, words) in [
        ("call-property", "NCryptGetProperty of a length / a call that does nothing"),
        ("call-size", "NCryptSignHash asked for its size / a call that does nothing"),
        ("call-handle", "NCryptIsKeyHandle / a call that does nothing"),
    ] {
        table.row(words, Goal::AtMost(20.0), &mut |count| c.time(job, count), &mut |count| {
            other.time("call-empty", count)
        })?;
    }
    Ok(())
}

/// Whole processes, one a key.
pub(crate) fn process_rows(table: &mut Table, stage: &Stage, place: &(String, PathBuf)) -> Fallible<()> {
    let blank = stage.token(place, "process")?;
    let ours = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
        command
            .args(["--quiet", "import", "--name", "bench", "--type", "RSAFULLPRIVATEBLOB"])
            .arg(file("RSAFULLPRIVATEBLOB.bin"));
        vec![command]
    };
    let others = tools(stage);
    for (program, words, commands) in &others {
        if !installed(program) {
            println!("LEFT OUT: cng11 import against {program}, because that is not installed");
            continue;
        }
        let row = format!("cng11 import, one process a pair, empty token / {words}");
        let run = |commands: Vec<Command>| -> Fallible<Duration> {
            blank.restore()?;
            let elapsed = blank.run(commands)?;
            match blank.objects()? {
                2 => Ok(elapsed),
                found => Err(format!("{row}: it left {found} objects on the token, not 2").into()),
            }
        };
        table.row_of(&row, Goal::None, Duration::ZERO, table.rounds, &mut |_| run(ours()), &mut |_| run(commands()))?;
    }

    if installed("pkcs11-tool") {
        let full = stage.token(place, "list")?;
        full.worker()?.time("fill-rsa", 100)?;
        let list = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cng11"));
            command.arg("list");
            vec![command]
        };
        table.row_of(
            "cng11 list, 200 objects, one process / pkcs11-tool -O",
            Goal::AtLeast(4.0),
            Duration::ZERO,
            table.rounds,
            &mut |_| full.run(list()),
            &mut |_| {
                full.run({
                    let mut command = pkcs11_tool(stage);
                    command.arg("-O");
                    vec![command]
                })
            },
        )?;
    } else {
        println!("LEFT OUT: cng11 list against pkcs11-tool -O, because that is not installed");
    }
    Ok(())
}

/// What makes the commands of another tool.
pub(crate) type Commands<'a> = Box<dyn Fn() -> Vec<Command> + 'a>;

pub(crate) fn pkcs11_tool(stage: &Stage) -> Command {
    let environment = &stage.environment;
    let mut command = Command::new("pkcs11-tool");
    command.args([
        "--module",
        &environment.module,
        "--token-label",
        &environment.token,
        "--login",
        "--pin",
        "env:CNG11_PIN",
    ]);
    command
}

/// Other tools, each with the commands that put one RSA pair onto the token.
pub(crate) fn tools(stage: &Stage) -> Vec<(&'static str, &'static str, Commands<'_>)> {
    let environment = &stage.environment;
    let url = format!("pkcs11:token={}", environment.token);
    let p11tool = move |load: &str, path| {
        let mut command = Command::new("p11tool");
        command.env("GNUTLS_PIN", &environment.pin).args([
            "--provider",
            &environment.module,
            "--batch",
            "--login",
            "--write",
            "--inder",
        ]);
        command.args(["--label", "bench", "--id", "01", load]).arg(path).arg(&url);
        command
    };
    vec![
        (
            "pkcs11-tool",
            "pkcs11-tool --write-object, twice",
            Box::new(move || {
                let mut commands = Vec::new();
                for (kind, name) in [("privkey", "PKCS8_PRIVATEKEY.bin"), ("pubkey", "spki.bin")] {
                    let mut command = pkcs11_tool(stage);
                    command.args(["--type", kind, "--id", "01", "--label", "bench", "--usage-sign", "--write-object"]);
                    command.arg(file(name));
                    commands.push(command);
                }
                commands
            }),
        ),
        (
            "p11tool",
            "p11tool --write, twice",
            Box::new(move || {
                vec![
                    p11tool("--load-privkey", file("PKCS8_PRIVATEKEY.bin")),
                    p11tool("--load-pubkey", file("spki.bin")),
                ]
            }),
        ),
        (
            "softhsm2-util",
            "softhsm2-util --import",
            Box::new(move || {
                let mut command = Command::new("softhsm2-util");
                command.args([
                    "--module",
                    &environment.module,
                    "--token",
                    &environment.token,
                    "--pin",
                    &environment.pin,
                ]);
                command.args(["--label", "bench", "--id", "01", "--import"]).arg(file("pkcs8-pem.pem"));
                vec![command]
            }),
        ),
    ]
}

/// A file of the RSA key.
fn file(name: &str) -> std::ffi::OsString {
    manifest_dir().join("tests/vectors").join(format!("{RSA}.{name}")).into_os_string()
}
