//! PKCS#12: files of five other programs, what is written here opened by three of them, and files that are wrong.

#![cfg(feature = "pfx")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use cng_pkcs11::asn1::pfx::{self, MacAlgorithm, MacInfo, Pfx, PfxCertificate, PfxKey, Protection};
use cng_pkcs11::asn1::{self, Encryption, Error, Hash, Limits, Opening, Scheme};
use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Entry, Format};
use cng_pkcs11::key::{KeyMaterial, PrivateKey, Validation};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::status::Status;

/// One line of the manifest.
struct Vector {
    file: String,
    password: Option<SecretBytes>,
    keys: Vec<String>,
    certificates: Vec<String>,
    mac: String,
    outcome: String,
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        read(&self.file)
    }

    fn opening(&self) -> Opening<'_> {
        Opening { password: self.password.as_ref(), ..Opening::default() }
    }

    fn open(&self) -> Result<Pfx, Error> {
        pfx::decode(&self.bytes(), self.opening())
    }
}

#[test]
fn every_file_of_another_program_gives_its_keys_and_certificates_or_is_refused_by_name() {
    let vectors = manifest("p12");
    assert!(vectors.len() > 40, "only {}", vectors.len());
    for vector in &vectors {
        let file = &vector.file;
        let pfx = match vector.open() {
            Ok(pfx) if vector.outcome == "opens" => pfx,
            Ok(_) => panic!("{file}: opened, not refused with `{}`", vector.outcome),
            Err(error) if vector.outcome == "opens" => panic!("{file}: {error}"),
            Err(error) => {
                assert!(error.to_string().contains(&vector.outcome), "{file}: {error}");
                continue;
            }
        };
        let mac = match pfx.mac {
            MacInfo::Absent => "-",
            MacInfo::Verified { algorithm: MacAlgorithm::Pkcs12(hash), .. } => hash.name(),
            MacInfo::Verified { algorithm: MacAlgorithm::Pbmac1 { .. }, .. } => "PBMAC1",
        };
        assert_eq!(mac, vector.mac, "{file}");
        assert_eq!(pfx.keys.len(), vector.keys.len(), "{file}");
        assert_eq!(pfx.certificates.len(), vector.certificates.len(), "{file}");
        for expected in vector.keys.iter().filter(|name| *name != "?") {
            let expected = read(&format!("{expected}.pkcs8.bin"));
            assert!(pfx.keys.iter().any(|key| canonical(&key.pkcs8) == expected), "{file}");
        }
        let mut found: Vec<_> = pfx.certificates.iter().map(|certificate| certificate.der.clone()).collect();
        for expected in vector.certificates.iter().filter(|name| *name != "?") {
            let expected = read(&format!("{expected}.crt.bin"));
            let at = found.iter().position(|der| *der == expected);
            found.swap_remove(at.unwrap_or_else(|| panic!("{file}: a certificate is missing")));
        }
    }
}

#[test]
fn every_key_finds_its_certificate_and_the_chain_above_it() {
    let mut checked = 0;
    for vector in
        manifest("p12").iter().filter(|vector| vector.outcome == "opens" && vector.file != "openssl-nocerts.p12")
    {
        let hints = Hints { password: vector.password.as_ref(), ..Hints::default() };
        let entries = format::decode_all(&vector.bytes(), Format::Pkcs12, &hints).unwrap();
        for name in ["ec", "rsa"] {
            let public = public_of(&read(&format!("{name}.pkcs8.bin")));
            let is_it = |entry: &&Entry| {
                let found = entry.decoded.key.public().and_then(|public| asn1::spki::encode(&public).ok());
                matches!(entry.decoded.key, KeyMaterial::Private(_)) && found.as_ref() == Some(&public)
            };
            let Some(entry) = entries.iter().find(is_it) else { continue };
            let expected = [name, "issuing", "root"].map(|name| read(&format!("{name}.crt.bin")));
            let complete = if vector.file.starts_with("certtool") { 2 } else { 3 };
            let found: Vec<&[u8]> = entry.certificates.iter().map(|der| &**der).collect();
            assert_eq!(found, expected[..complete].iter().map(Vec::as_slice).collect::<Vec<_>>(), "{}", vector.file);
            checked += 1;
        }
    }
    assert!(checked > 25, "only {checked}");
}

#[test]
fn a_key_is_called_encrypted_if_the_file_has_it_encrypted() {
    for (file, expected) in [("openssl-default.p12", true), ("openssl-plain.p12", false)] {
        let pfx = named(file).open().unwrap();
        assert!(pfx.keys.iter().all(|key| key.encrypted == expected), "{file}");
        // That a password is at hand says nothing.
        let password = SecretBytes::from(&b"correct horse"[..]);
        let password = named(file).password.clone().unwrap_or(password);
        let hints = Hints { password: Some(&password), ..Hints::default() };
        let entries = format::decode_all(&read(file), Format::Pkcs12, &hints).unwrap();
        assert!(!entries.is_empty() && entries.iter().all(|entry| entry.encrypted == expected), "{file}");
    }
}

#[test]
fn names_and_what_was_passed_over_are_told() {
    let pfx = named("openssl-default.p12").open().unwrap();
    assert_eq!(pfx.keys[0].friendly_name.as_deref(), Some("Ein Schlüssel"));
    assert_eq!(pfx.keys[0].local_key_id.as_ref().map(Vec::len), Some(20));
    assert_eq!(pfx.certificates[0].local_key_id, pfx.keys[0].local_key_id);
    assert_eq!(pfx.certificates[1].friendly_name, None);
    // A character outside the basic plane.
    let pfx = named("python-pbesv2.p12").open().unwrap();
    assert_eq!(pfx.keys[0].friendly_name.as_deref(), Some("\u{1F511} name"));
    assert_eq!(named("java-two-keys.p12").open().unwrap().ignored.secrets, 1);
}

#[test]
fn only_the_right_password_opens_and_none_is_not_the_empty_one() {
    for vector in manifest("p12").iter().filter(|vector| vector.outcome == "opens") {
        let (file, bytes) = (&vector.file, vector.bytes());
        let open = |password: Option<&[u8]>| {
            let password = password.map(SecretBytes::from);
            pfx::decode(&bytes, Opening { password: password.as_ref(), ..Opening::default() }).map(|_| ())
        };
        if file == "openssl-plain-nomac.p12" {
            assert_eq!(open(None), Ok(()));
            continue;
        }
        assert_eq!(open(None), Err(Error::PasswordMissing), "{file}");
        assert_eq!(Error::PasswordMissing.status(), Status::NTE_INCORRECT_PASSWORD);
        // HMAC and the PKCS#12 derivation fill up with zeros: one NUL is the empty password to them.
        let nul = if vector.password.as_ref().is_some_and(|password| password.is_empty()) { &b"0"[..] } else { b"\0" };
        for wrong in [&b"correct horse "[..], b"Correct horse", nul, &[0xFF, 0xFE]] {
            assert_eq!(open(Some(wrong)), Err(Error::PasswordWrong), "{file}");
        }
    }
}

#[test]
fn every_encrypted_pkcs8_of_openssl_opens_or_is_refused_by_name() {
    let vectors = manifest("p8");
    assert!(vectors.len() > 25, "only {}", vectors.len());
    for vector in &vectors {
        match asn1::pkcs8::decode(&vector.bytes(), vector.opening(), Validation::Full) {
            Ok((key, _)) if vector.outcome == "opens" => {
                assert_eq!(&*asn1::pkcs8::encode(&key).unwrap(), read("ec.pkcs8.bin"), "{}", vector.file);
            }
            Ok(_) => panic!("{}: opened", vector.file),
            Err(error) => assert!(error.to_string().contains(&vector.outcome), "{}: {error}", vector.file),
        }
    }
}

#[test]
fn what_is_written_opens_here_and_in_openssl_gnutls_and_python() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.p12");
    let keys = [key("ec"), key("rsa")];
    let certificates = ["ec", "rsa", "issuing", "root"].map(certificate);
    let fast = |encryption: &str, mac| {
        let encryption = Encryption { iterations: 2048, ..Encryption::by_name(encryption).unwrap() };
        Protection { encryption, mac, mac_iterations: 2048 }
    };
    let mut protections: Vec<_> = Scheme::names().map(|name| fast(name, MacAlgorithm::Pkcs12(Hash::Sha256))).collect();
    for hash in [Hash::Sha1, Hash::Sha224, Hash::Sha384, Hash::Sha512] {
        protections.push(fast("aes256-sha256", MacAlgorithm::Pkcs12(hash)));
    }
    protections.push(old_windows());
    for text in ["correct horse", "pässwörd-€", ""] {
        let password = SecretBytes::from(text.as_bytes());
        for protection in &protections {
            for (keys, certificates) in [(&keys[..], &certificates[..]), (&keys[..1], &[]), (&[], &certificates[..1])] {
                let bytes = pfx::encode(keys, certificates, &password, protection).unwrap();
                let again = pfx::decode(&bytes, Opening { password: Some(&password), ..Opening::default() }).unwrap();
                assert_eq!(again.certificates, certificates);
                assert_eq!(again.keys.len(), keys.len());
                for (one, other) in keys.iter().zip(&again.keys) {
                    assert_eq!((&one.pkcs8, &one.friendly_name), (&other.pkcs8, &other.friendly_name));
                }
                std::fs::write(&path, &bytes).unwrap();
                let pem = run("openssl", &["pkcs12", "-nodes", "-passin", &format!("pass:{text}"), "-in"], &path);
                assert_eq!(pem.matches("BEGIN PRIVATE KEY").count(), keys.len(), "{protection:?}");
                assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), certificates.len(), "{protection:?}");
            }
        }
        let protections = [fast("aes256-sha256", MacAlgorithm::Pkcs12(Hash::Sha256)), old_windows()];
        for protection in protections.iter().filter(|_| !text.is_empty()) {
            let bytes = pfx::encode(&keys[..1], &certificates, &password, protection).unwrap();
            std::fs::write(&path, &bytes).unwrap();
            let info = run("certtool", &["--p12-info", "--inder", "--password", text, "--infile"], &path);
            assert!(info.contains("BEGIN CERTIFICATE") && info.contains("PRIVATE KEY"), "{info}");
            let script = "import sys; from cryptography.hazmat.primitives.serialization import pkcs12 as p; \
                a = p.load_pkcs12(open(sys.argv[2], 'rb').read(), sys.argv[1].encode()); \
                print(a.cert.friendly_name.decode(), len(a.additional_certs), a.key.curve.name)";
            assert_eq!(run("python3", &["-c", script, text], &path).trim(), "the name of ec 3 secp256r1");
        }
    }
}

#[test]
fn pbmac1_is_written_and_verified() {
    let password = SecretBytes::from(&b"1234"[..]);
    for (kdf, mac) in [(Hash::Sha256, Hash::Sha256), (Hash::Sha1, Hash::Sha512), (Hash::Sha512, Hash::Sha1)] {
        let protection = Protection { mac: MacAlgorithm::Pbmac1 { kdf, mac }, mac_iterations: 2048, ..cheap() };
        let bytes = pfx::encode(&[key("ec")], &[], &password, &protection).unwrap();
        let pfx = pfx::decode(&bytes, Opening { password: Some(&password), ..Opening::default() }).unwrap();
        assert_eq!(pfx.mac, MacInfo::Verified { algorithm: protection.mac, iterations: 2048 });
    }
}

#[test]
fn a_file_cut_short_or_with_one_bit_flipped_never_opens() {
    let password = SecretBytes::from(&b"x"[..]);
    let opening = Opening { password: Some(&password), ..Opening::default() };
    let pbmac1 = MacAlgorithm::Pbmac1 { kdf: Hash::Sha256, mac: Hash::Sha256 };
    for protection in [cheap(), Protection { mac: pbmac1, ..cheap() }] {
        let whole = pfx::encode(&[key("ec")], &[certificate("ec")], &password, &protection).unwrap();
        assert!(pfx::decode(&whole, opening).is_ok());
        for length in 0..whole.len() {
            assert!(pfx::decode(&whole[..length], opening).is_err(), "{length} bytes");
        }
        assert!(pfx::decode(&[&whole[..], &[0]].concat(), opening).is_err());
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                // The salt of MacData means nothing beside PBMAC1.
                let unused = whole.windows(8).position(|window| window == b"NOT USED");
                if unused.is_some_and(|start| (start..start + 8).contains(&at)) {
                    continue;
                }
                assert!(pfx::decode(&flipped, opening).is_err(), "bit {bit} of byte {at} of {}", whole.len());
            }
        }
    }
    // Files of NSS are in BER. Their iterations are many: a sample.
    for vector in manifest("p12").iter().filter(|vector| vector.file.starts_with("nss-3des")) {
        let whole = vector.bytes();
        for at in (0..whole.len()).step_by(13) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x20;
            let limits = Limits { iterations: 1_000_000, ..Limits::DEFAULT };
            let _ = pfx::decode(&flipped, Opening { limits, ..vector.opening() });
            assert!(pfx::decode(&whole[..at], vector.opening()).is_err(), "{at} bytes");
        }
    }
}

#[test]
fn too_many_iterations_are_refused_at_once_and_all_parts_count_together() {
    let password = SecretBytes::from(&b"x"[..]);
    let open = |bytes: &[u8], iterations| {
        let limits = Limits { iterations, ..Limits::DEFAULT };
        pfx::decode(bytes, Opening { password: Some(&password), limits }).map(|_| ())
    };
    // The iterations of the MAC are the last number in the file: 4097 is 02 02 10 01.
    let bytes =
        pfx::encode(&[key("ec")], &[certificate("ec")], &password, &Protection { mac_iterations: 4097, ..cheap() });
    let bytes = bytes.unwrap();
    for iterations in [10_000_001_u32, i32::MAX.unsigned_abs(), u32::MAX] {
        let altered = with_mac_iterations(&bytes, iterations);
        let start = Instant::now();
        let refused = open(&altered, Limits::DEFAULT.iterations);
        assert!(start.elapsed() < Duration::from_millis(100));
        let found = u64::from(iterations);
        assert_eq!(refused, Err(Error::Work { what: "iterations", found, limit: 10_000_000 }));
        assert!(refused.unwrap_err().to_string().contains(&found.to_string()));
    }
    // MAC 4097, certificates 1, key 1.
    assert_eq!(open(&bytes, 4099), Ok(()));
    assert_eq!(open(&bytes, 4098), Err(Error::Work { what: "iterations", found: 4099, limit: 4098 }));
    assert_eq!(open(&bytes, 4096), Err(Error::Work { what: "iterations", found: 4097, limit: 4096 }));
}

#[test]
fn a_pile_of_nested_headers_is_answered_at_once() {
    let start = Instant::now();
    for unit in [&[0x30, 0x80][..], &[0x24, 0x80], &[0x30, 0x00], &[0xA0, 0x84, 0x00, 0x10, 0x00, 0x00]] {
        assert!(pfx::decode(&unit.repeat(1 << 20), Opening::default()).is_err());
    }
    assert!(start.elapsed() < Duration::from_secs(2));
}

fn cheap() -> Protection {
    let encryption = Encryption { iterations: 1, ..Encryption::default() };
    Protection { encryption, mac_iterations: 1, ..Protection::default() }
}

/// Replaces `02 02 10 01` at the end by another number, and mends the two lengths around it.
fn with_mac_iterations(bytes: &[u8], iterations: u32) -> Vec<u8> {
    let (body, old) = bytes.split_at(bytes.len() - 4);
    assert_eq!(old, [2, 2, 0x10, 1]);
    let mut number = iterations.to_be_bytes().to_vec();
    if number[0] & 0x80 != 0 {
        number.insert(0, 0);
    }
    while number[0] == 0 && number[1] & 0x80 == 0 {
        number.remove(0);
    }
    let mut body = body.to_vec();
    let more = number.len() - 2;
    // The outer length takes two bytes; MacData's is one, and stands where the lengths add up.
    let length = u16::from_be_bytes([body[2], body[3]]) + u16::try_from(more).unwrap();
    body[2..4].copy_from_slice(&length.to_be_bytes());
    let mac =
        (0..body.len() - 2).rev().find(|at| body[*at] == 0x30 && usize::from(body[at + 1]) + at + 2 == bytes.len());
    body[mac.unwrap() + 1] += u8::try_from(more).unwrap();
    [&body[..], &[2, u8::try_from(number.len()).unwrap()], &number].concat()
}

/// What Windows before 10 version 1709 reads, with the iterations that it writes itself.
fn old_windows() -> Protection {
    Protection::with(Encryption { scheme: Scheme::Pkcs12TripleDes, iterations: 2000 })
}

fn key(name: &str) -> PfxKey {
    PfxKey {
        pkcs8: SecretBytes::from(read(&format!("{name}.pkcs8.bin"))),
        encrypted: true,
        friendly_name: Some(format!("the name of {name}")),
        local_key_id: Some(name.as_bytes().to_vec()),
    }
}

fn certificate(name: &str) -> PfxCertificate {
    let is_leaf = ["ec", "rsa"].contains(&name);
    PfxCertificate {
        der: read(&format!("{name}.crt.bin")),
        friendly_name: is_leaf.then(|| format!("the name of {name}")),
        local_key_id: is_leaf.then(|| name.as_bytes().to_vec()),
    }
}

/// A private key as we write it ourselves: programs differ on whether the public key stands in it.
fn canonical(pkcs8: &[u8]) -> Vec<u8> {
    let (key, _) = asn1::pkcs8::decode(pkcs8, Opening::default(), Validation::Full).unwrap();
    asn1::pkcs8::encode(&key).unwrap().to_vec()
}

fn public_of(pkcs8: &[u8]) -> Vec<u8> {
    let (key, _) = asn1::pkcs8::decode(pkcs8, Opening::default(), Validation::Full).unwrap();
    asn1::spki::encode(&PrivateKey::public(&key).unwrap()).unwrap()
}

fn run(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| {
        panic!("{program}: {error}; Debian, Ubuntu: apt-get install openssl gnutls-bin python3-cryptography")
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {err}{out}");
    out.into_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/pfx")
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn named(file: &str) -> Vector {
    manifest("p12").into_iter().find(|vector| vector.file == file).unwrap()
}

fn manifest(extension: &str) -> Vec<Vector> {
    let text = std::fs::read_to_string(folder().join("manifest.tsv")).unwrap();
    let names = |list: &str| list.split(',').filter(|name| *name != "-").map(str::to_owned).collect();
    let rows = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let vectors = rows.map(|row| Vector {
        file: row[0].to_owned(),
        password: match row[1] {
            "-" => None,
            "empty" => Some(SecretBytes::default()),
            text => Some(SecretBytes::from(text.as_bytes())),
        },
        keys: names(row[2]),
        certificates: names(row[3]),
        mac: row[4].to_owned(),
        outcome: row[5].to_owned(),
    });
    vectors.filter(|vector| vector.file.ends_with(&format!(".{extension}"))).collect()
}
