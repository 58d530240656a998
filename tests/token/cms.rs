//! CMS EnvelopedData and serialized certificate stores: files of other programs and some that scripts/vectors-cms assembles (the manifest says which), what is written here opened by openssl, and files that are wrong.

#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::time::{Duration, Instant};

use crate::support::der::repeated;
use crate::support::{openssl, vector, vector_text};
use cng_pkcs11::asn1::certificate::{self, CertificateParts, subject_key_identifier};
use cng_pkcs11::asn1::cms::{
    self, ContentCipher, EnvelopedData, Identity, MAX_RECIPIENTS, Recipient, RecipientId, Transport,
};
use cng_pkcs11::asn1::{Cipher, Error, Opening, pkcs8, spki};
use cng_pkcs11::format::{self, cert_store};
use cng_pkcs11::key::{PrivateKey, PublicKey, Validation, rsa};
use cng_pkcs11::status::Status;

/// One line of the manifest.
struct Vector {
    file: String,
    recipients: Vec<String>,
    transport: String,
    cipher: String,
    others: usize,
    der: String,
    outcome: String,
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        read(&self.file)
    }
}

fn read(file: &str) -> Vec<u8> {
    vector(&format!("cms/{file}"))
}

/// The lines of the files with this ending.
fn manifest(ending: &str) -> Vec<Vector> {
    let text = String::from_utf8(read("manifest.tsv")).unwrap();
    let line = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        Vector {
            file: cells[0].to_owned(),
            recipients: cells[1].split(',').filter(|name| *name != "-").map(str::to_owned).collect(),
            transport: cells[2].to_owned(),
            cipher: cells[3].to_owned(),
            others: cells[4].parse().unwrap(),
            der: cells[5].to_owned(),
            outcome: cells[6].to_owned(),
        }
    };
    text.lines().skip(1).map(line).filter(|vector| vector.file.ends_with(ending)).collect()
}

fn certificate_of(name: &str) -> CertificateParts {
    certificate::decode(&read(&format!("{name}.crt.bin"))).unwrap()
}

fn key(name: &str) -> rsa::PrivateKey {
    let name = if name == "carol" { "bob" } else { name };
    let der = read(&format!("{name}.pkcs8.bin"));
    match pkcs8::decode(&der, Opening::default(), Validation::Full).unwrap() {
        (PrivateKey::Rsa(key), _) => key,
        other => panic!("{other:?}"),
    }
}

/// A key transport in the words of the manifest.
fn words(transport: &Transport) -> String {
    match transport {
        Transport::Pkcs1 => "PKCS1".to_owned(),
        Transport::Oaep { hash, mgf1, label } => {
            let label: String = label.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("OAEP {} {} {label}", hash.name(), mgf1.name()).trim_end().to_owned()
        }
        Transport::Unknown(name) => name.clone(),
    }
}

/// As whom a recipient of the manifest is named.
fn id(name: &str) -> RecipientId {
    match name.strip_prefix('#') {
        Some(name) => RecipientId::key_id(&certificate_of(name)).unwrap(),
        None => RecipientId::issuer_and_serial(&certificate_of(name)),
    }
}

#[test]
fn every_file_of_the_manifest_is_read_field_by_field_or_refused_by_name() {
    let vectors = manifest(".cms.bin");
    assert!(vectors.len() > 20, "only {}", vectors.len());
    for vector in &vectors {
        let file = &vector.file;
        let data = match cms::decode(&vector.bytes()) {
            Ok(data) => data,
            Err(error) => {
                assert!(error.to_string().contains(&vector.outcome), "{file}: {error}");
                continue;
            }
        };
        assert_eq!(data.content.cipher.name(), vector.cipher, "{file}");
        assert_eq!(data.content.iv.len(), data.content.cipher.iv_length(), "{file}");
        assert_eq!(data.others.count(), vector.others, "{file}");
        let expected = if file == "key-package.cms.bin" { "2.16.840.1.101.2.1.2.78.5" } else { EnvelopedData::DATA };
        assert_eq!(data.content_type, expected, "{file}");
        assert_eq!(data.recipients.len(), vector.recipients.len(), "{file}");
        for name in &vector.recipients {
            let found: Vec<_> = data.recipients.iter().filter(|recipient| recipient.id == id(name)).collect();
            let [recipient] = found.as_slice() else { panic!("{file}: {} for {name}", found.len()) };
            assert_eq!(words(&recipient.transport), vector.transport, "{file}");
            assert_eq!(recipient.encrypted_key.len(), 256, "{file}");
        }
        if !matches!(vector.outcome.as_str(), "opens" | "SHA-224") {
            let error = data.recipients_for(&Identity::of_certificate(&certificate_of("alice")).unwrap()).unwrap_err();
            assert!(error.to_string().contains(&vector.outcome), "{file}: {error}");
        }
    }
}

#[test]
fn what_is_in_der_is_written_again_as_it_was() {
    let mut same = 0;
    for vector in manifest(".cms.bin") {
        let bytes = vector.bytes();
        let Ok(data) = cms::decode(&bytes) else { continue };
        let written = data.to_der();
        if vector.der == "yes" {
            assert_eq!(written.unwrap(), bytes, "{}", vector.file);
        } else {
            assert_ne!(written.ok(), Some(bytes), "{}", vector.file);
        }
        same += usize::from(vector.der == "yes");
    }
    assert!(same > 12, "only {same}");
    // What is not written is said, not left out.
    assert!(cms::decode(&read("others.cms.bin")).unwrap().to_der().unwrap_err().to_string().contains("not written"));
    assert!(cms::decode(&read("key-package.cms.bin")).unwrap().to_der().unwrap_err().to_string().contains("id-data"));
    assert!(cms::decode(&read("oaep-sha224.cms.bin")).unwrap().to_der().unwrap_err().to_string().contains("SHA-224"));
    // Streamed or bare, the same message comes out in its canonical form.
    assert_eq!(cms::decode(&read("bare.cms.bin")).unwrap(), cms::decode(&read("oaep-sha256.cms.bin")).unwrap());
    for file in
        ["streamed.cms.bin", "nss.cms.bin", "attributes.cms.bin", "oaep-label.cms.bin", "oaep-mgf1-sha1.cms.bin"]
    {
        let data = cms::decode(&read(file)).unwrap();
        assert_eq!(cms::decode(&data.to_der().unwrap()).unwrap(), data, "{file}");
    }
}

#[test]
fn each_recipient_opens_it_and_nobody_else() {
    let content = read("content.bin");
    let mut opened = 0;
    for vector in manifest(".cms.bin").iter().filter(|vector| vector.outcome == "opens") {
        let (file, bytes) = (&vector.file, vector.bytes());
        for name in ["alice", "bob", "carol"] {
            let identity = Identity::of_certificate(&certificate_of(name)).unwrap();
            let outcome = cms::open(&bytes, &key(name), &identity);
            let by_key_id = vector.recipients.contains(&format!("#{name}"));
            if !by_key_id && !vector.recipients.iter().any(|recipient| recipient == name) {
                assert!(matches!(outcome, Err(Error::Recipient { .. })), "{file}: {name}");
                continue;
            }
            let other = if name == "alice" { "bob" } else { "alice" };
            let wrong = cms::open(&bytes, &key(other), &identity);
            if vector.transport == "PKCS1" {
                assert!(matches!(outcome, Err(Error::Unsupported { .. })), "{file}");
                assert_eq!(outcome.unwrap_err().status(), Status::NTE_NOT_SUPPORTED);
                continue;
            }
            if file == "oaep-mgf1-sha1.cms.bin" {
                assert!(matches!(outcome, Err(Error::Encryption { .. })), "{file}");
                continue;
            }
            assert_eq!(&*outcome.unwrap(), content, "{file}");
            assert_eq!(wrong, Err(Error::Envelope), "{file}");
            assert_eq!(Error::Envelope.status(), Status::NTE_BAD_DATA);
            opened += 1;
        }
    }
    assert!(opened > 14, "only {opened}");
}

#[test]
fn a_recipient_is_found_by_its_certificate_its_key_identifier_or_its_key() {
    let data = cms::decode(&read("keyid.cms.bin")).unwrap();
    let carol = certificate_of("carol");
    assert_eq!(subject_key_identifier(&carol.der).unwrap(), b"CAROL");
    assert_eq!(subject_key_identifier(&read("bob.crt.bin")), None);
    assert_eq!(data.recipients_for(&Identity::of_key_id(b"CAROL")).unwrap().len(), 1);
    // Alice's identifier is the hash of her key: the key alone finds it, and the private key's CKA_ID does.
    let alice = certificate_of("alice");
    assert_eq!(data.recipients_for(&Identity::of_key(&alice.public).unwrap()).unwrap().len(), 1);
    assert_eq!(subject_key_identifier(&alice.der).unwrap(), spki::key_id(&alice.public).unwrap());
    // Carol's is not.
    assert!(data.recipients_for(&Identity::of_key(&carol.public).unwrap()).is_err());
    let error = data.recipients_for(&Identity::of_certificate(&certificate_of("bob")).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "it is for others: 2 with RSA keys");
    assert_eq!(error.status(), Status::NTE_BAD_DATA);
}

#[test]
fn openssl_opens_what_is_sealed_here() {
    use Cipher::{Aes128, Aes192, Aes256, TripleDes};
    let [alice, carol] = ["alice", "carol"].map(certificate_of);
    let [alice_key, bob_key] = ["alice", "bob"].map(key);
    let recipients = [
        (RecipientId::issuer_and_serial(&alice), alice_key.public()),
        (RecipientId::key_id(&carol).unwrap(), bob_key.public()),
    ];
    let transports = [
        Transport::Pkcs1,
        Transport::oaep(rsa::Hash::Sha1),
        Transport::oaep(rsa::Hash::Sha256),
        Transport::oaep(rsa::Hash::Sha384),
        Transport::Oaep { hash: rsa::Hash::Sha512, mgf1: rsa::Hash::Sha512, label: b"label".to_vec() },
    ];
    let content = b"\x00\xFFa key, or so";
    for (at, transport) in transports.iter().enumerate() {
        let cipher = ContentCipher::Cbc([Aes128, Aes192, Aes256, TripleDes, Aes256][at]);
        for count in [1, 2] {
            let sealed = cms::seal(content, &recipients[..count], cipher, transport).unwrap();
            assert_eq!(cms::decode(&sealed).unwrap().to_der().unwrap(), sealed);
            for (name, key) in [("alice", "alice"), ("carol", "bob")].iter().take(count) {
                let certificate = vector_text(&format!("cms/{name}.crt.bin"));
                let key = vector_text(&format!("cms/{key}.pkcs8.bin"));
                let arguments =
                    ["cms", "-decrypt", "-binary", "-inform", "DER", "-recip", &certificate, "-inkey", &key];
                assert_eq!(openssl(&arguments, Some(&sealed)), content, "{name}, {transport:?}");
            }
        }
    }
}

#[test]
fn key_wrap_around_the_content_is_what_openssl_wraps() {
    let alice = key("alice");
    let identity = Identity::of_certificate(&certificate_of("alice")).unwrap();
    let recipients = [(RecipientId::issuer_and_serial(&certificate_of("alice")), alice.public())];
    for cipher in [ContentCipher::Aes128WrapPad, ContentCipher::Aes192WrapPad, ContentCipher::Aes256WrapPad] {
        for length in [1, 7, 8, 9, 16, 1000] {
            let content: Vec<u8> = (0..length).map(|at: u32| at.to_be_bytes()[3]).collect();
            let sealed = cms::seal(&content, &recipients, cipher, &Transport::oaep(rsa::Hash::Sha256)).unwrap();
            assert_eq!(&*cms::open(&sealed, &alice, &identity).unwrap(), content);
            if length != 9 {
                continue;
            }
            // The content key comes out of the message, and openssl wraps the same under it.
            let data = cms::decode(&sealed).unwrap();
            let key = alice.decrypt_oaep(rsa::Hash::Sha256, b"", &data.recipients[0].encrypted_key).unwrap();
            assert_eq!(key.len(), cipher.key_length());
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let arguments = ["enc", &format!("-{}", cipher.name()), "-e", "-K", &key, "-iv", "A65959A6"];
            assert_eq!(openssl(&arguments, Some(&content)), data.content.encrypted);
        }
        let empty = cms::seal(b"", &recipients, cipher, &Transport::oaep(rsa::Hash::Sha256));
        assert!(matches!(empty, Err(Error::Invalid { .. })));
    }
}

#[test]
fn nothing_is_sealed_for_nobody_or_for_a_key_that_is_too_short() {
    let certificate = certificate_of("alice");
    let cipher = ContentCipher::Cbc(Cipher::Aes256);
    assert!(matches!(cms::seal(b"x", &[], cipher, &Transport::Pkcs1), Err(Error::Invalid { .. })));
    let short = vector("rsa1024-e65537.spki.bin");
    let PublicKey::Rsa(short) = spki::decode(&short, Validation::Full).unwrap() else { panic!("an RSA key") };
    let recipients = [(RecipientId::issuer_and_serial(&certificate), &short)];
    let outcome = cms::seal(b"x", &recipients, cipher, &Transport::oaep(rsa::Hash::Sha512));
    assert!(outcome.unwrap_err().to_string().contains("too short"));
    let two = Transport::Oaep { hash: rsa::Hash::Sha256, mgf1: rsa::Hash::Sha1, label: Vec::new() };
    assert!(matches!(cms::seal(b"x", &recipients, cipher, &two), Err(Error::Encryption { .. })));
    let unknown = Transport::Unknown("something".to_owned());
    assert!(matches!(cms::seal(b"x", &recipients, cipher, &unknown), Err(Error::Encryption { .. })));
}

#[test]
fn two_messages_never_have_the_same_key_or_iv() {
    let alice = key("alice");
    let recipients = [(RecipientId::issuer_and_serial(&certificate_of("alice")), alice.public())];
    let seal = || {
        let cipher = ContentCipher::Cbc(Cipher::TripleDes);
        let sealed = cms::seal(b"x", &recipients, cipher, &Transport::oaep(rsa::Hash::Sha1)).unwrap();
        let data = cms::decode(&sealed).unwrap();
        let key = alice.decrypt_oaep(rsa::Hash::Sha1, b"", &data.recipients[0].encrypted_key).unwrap();
        assert!(key.iter().all(|byte| byte.count_ones() % 2 == 1), "odd parity");
        (key, data.content.iv)
    };
    let (one, other) = (seal(), seal());
    assert!(one.0 != other.0 && one.1 != other.1);
}

#[test]
fn an_oid_leads_to_its_cipher_and_no_other() {
    for (oid, name) in [
        ("2.16.840.1.101.3.4.1.2", "id-aes128-CBC"),
        ("2.16.840.1.101.3.4.1.22", "id-aes192-CBC"),
        ("2.16.840.1.101.3.4.1.42", "id-aes256-CBC"),
        ("1.2.840.113549.3.7", "des-ede3-cbc"),
        ("2.16.840.1.101.3.4.1.8", "id-aes128-wrap-pad"),
        ("2.16.840.1.101.3.4.1.28", "id-aes192-wrap-pad"),
        ("2.16.840.1.101.3.4.1.48", "id-aes256-wrap-pad"),
    ] {
        assert_eq!(ContentCipher::by_oid(oid).unwrap().name(), name);
    }
    for oid in ["1.2.840.113549.3.2", "2.16.840.1.101.3.4.1.5", "", "words"] {
        assert_eq!(ContentCipher::by_oid(oid), None, "{oid}");
    }
}

#[test]
fn whatever_is_cut_short_or_longer_fails() {
    for vector in manifest(".cms.bin") {
        let mut bytes = vector.bytes();
        for length in 0..bytes.len() {
            assert!(cms::decode(&bytes[..length]).is_err(), "{}: {length}", vector.file);
        }
        bytes.push(0);
        assert!(cms::decode(&bytes).is_err(), "{}", vector.file);
    }
}

#[test]
fn a_changed_byte_never_panics_and_never_gives_another_content_under_key_wrap() {
    let alice = key("alice");
    let identity = Identity::of_certificate(&certificate_of("alice")).unwrap();
    let content = read("content.bin");
    for file in ["oaep-sha256.cms.bin", "streamed.cms.bin", "keyid.cms.bin", "others.cms.bin", "attributes.cms.bin"] {
        let bytes = read(file);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(data) = cms::decode(&changed)
                    && let Ok(written) = data.to_der()
                {
                    assert_eq!(cms::decode(&written).unwrap().content, data.content, "{file}: {at}");
                }
            }
        }
    }
    // Opening takes an RSA decryption each time: only where the file is about the content.
    let bytes = read("wrap-pad-256.cms.bin");
    let data = cms::decode(&bytes).unwrap();
    let start = bytes.len() - data.content.encrypted.len();
    for at in start..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(cms::open(&changed, &alice, &identity), Err(Error::Envelope), "{at}");
    }
    let encrypted_key = &data.recipients[0].encrypted_key;
    let at = bytes.windows(encrypted_key.len()).position(|window| window == encrypted_key).unwrap();
    let mut changed = bytes.clone();
    changed[at + 100] ^= 1;
    assert_eq!(cms::open(&changed, &alice, &identity), Err(Error::Envelope));
    assert_eq!(&*cms::open(&bytes, &alice, &identity).unwrap(), content);
}

#[test]
fn what_the_standard_forbids_is_refused_with_where_it_stands() {
    // AES with an IV of 7 bytes where triple DES had 8; the lengths around it stay.
    let des3 = read("pkcs1-des3.cms.bin");
    let at = des3.windows(10).position(|part| part == b"\x06\x08\x2A\x86\x48\x86\xF7\x0D\x03\x07").unwrap();
    let aes = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x07";
    let short = [&des3[..at], &aes[..], &des3[at + 12..at + 19], &des3[at + 20..]].concat();
    assert!(cms::decode(&short).unwrap_err().to_string().contains("wrong length"));
    let whole = read("pkcs1-aes128.cms.bin");
    // The version of the EnvelopedData, that of the recipient, and the tag of the content.
    let find = |what: &[u8]| whole.windows(what.len()).position(|window| window == what).unwrap();
    for (at, value, problem) in [
        (find(&[2, 1, 0, 0x31]) + 2, 1, "version"),
        (find(&[2, 1, 0, 0x31]) + 2, 5, "version"),
        (find(&[2, 1, 0, 0x30]) + 2, 2, "version"),
        (find(&[0x80, 0x40]), 0x81, "[0]"),
        (find(&[5, 0, 4, 0x82]), 4, "not NULL"),
    ] {
        let mut changed = whole.clone();
        changed[at] = value;
        let error = cms::decode(&changed).unwrap_err();
        assert!(error.to_string().contains(problem), "{at}: {error}");
    }
    // An offset counts from the start of the file: a serial number that is none.
    let serial = certificate_of("alice").serial;
    let at = whole.windows(serial.len()).position(|window| window == serial).unwrap();
    let mut changed = whole.clone();
    changed[at] = 0x0A;
    let error = cms::decode(&changed).unwrap_err();
    assert!(
        matches!(error, Error::Malformed { what: "IssuerAndSerialNumber", offset, .. } if offset == at as u64),
        "{error} at {at}"
    );
    // Other messages, and no message.
    for (bytes, problem) in [
        (&[0x30, 0x0D, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2, 0xA0, 0][..], "no envelopedData"),
        (&[0x31, 0], "EnvelopedData"),
        (&[0x30, 0], "EnvelopedData"),
        (&[], "EnvelopedData"),
    ] {
        assert!(cms::decode(bytes).unwrap_err().to_string().contains(problem), "{bytes:x?}");
    }
}

#[test]
fn a_thousand_recipients_are_read_and_one_more_is_refused_quickly() {
    let mut data = cms::decode(&read("oaep-sha256.cms.bin")).unwrap();
    let one = data.recipients[0].clone();
    let numbered = |number: usize| Recipient { id: RecipientId::KeyId(number.to_be_bytes().to_vec()), ..one.clone() };
    data.recipients = (0..MAX_RECIPIENTS).map(numbered).collect();
    let start = Instant::now();
    let der = data.to_der().unwrap();
    assert_eq!(cms::decode(&der).unwrap().recipients.len(), MAX_RECIPIENTS);
    // The content of ContentInfo, EnvelopedData, RecipientInfos, the first.
    let error = cms::decode(&repeated(&der, &[1, 0, 1, 0])).unwrap_err();
    assert!(error.to_string().contains("more than 1000"), "{error}");
    data.recipients.push(one);
    assert!(data.to_der().unwrap_err().to_string().contains("more than 1000"));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn stores_give_their_certificates_in_order() {
    let stores = manifest(".certstore.bin");
    assert_eq!(stores.len(), 5);
    for vector in stores {
        let (file, bytes) = (&vector.file, vector.bytes());
        let store = cert_store::read(&bytes).unwrap();
        let expected: Vec<Vec<u8>> = vector.recipients.iter().map(|name| read(&format!("{name}.crt.bin"))).collect();
        assert_eq!(store.certificates, expected, "{file}");
        assert_eq!(store.lists, vector.others, "{file}");
        let written = cert_store::write(&store.certificates).unwrap();
        assert_eq!(written == bytes, vector.der == "yes", "{file}");
        assert_eq!(cert_store::read(&written).unwrap().certificates, expected, "{file}");
        for length in 0..bytes.len() {
            assert!(cert_store::read(&bytes[..length]).is_err(), "{file}: {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            let _ = cert_store::read(&changed);
        }
    }
    // A certificate alone.
    let alice = read("alice.crt.bin");
    assert_eq!(cert_store::read(&alice).unwrap().certificates, [&alice[..]]);
}

#[test]
fn a_store_that_is_wrong_says_where() {
    let two = read("two.certstore.bin");
    let with = |at: usize, value: u8| {
        let mut changed = two.clone();
        changed[at] = value;
        changed
    };
    let end = two.len() - 12;
    for (bytes, offset, problem) in [
        (with(0, 1), 0, "not 0"),
        (with(4, b'c'), 4, "not CERT"),
        (with(12, 2), 12, "not 1"),
        (with(19, 0xFF), 20, "cut short"),
        (with(20, 0x31), 20, "it is none"),
        (with(end + 4, 1), end, "not zero"),
        (two[..end].to_vec(), end, "cut short"),
        ([&two[..], &[0]].concat(), two.len(), "behind it"),
    ] {
        match cert_store::read(&bytes).unwrap_err() {
            format::Error::CertStore { offset: found, problem: what, .. } => {
                assert_eq!(found, offset, "{problem}");
                assert!(what.contains(problem), "{what}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(cert_store::read(b""), Err(format::Error::Empty));
    assert!(cert_store::write(&[b"no certificate"]).is_err());
    // As many as are allowed, and one more.
    let alice = read("alice.crt.bin");
    let many = cert_store::write(&vec![&alice; cert_store::MAX_CERTIFICATES]).unwrap();
    assert_eq!(cert_store::read(&many).unwrap().certificates.len(), cert_store::MAX_CERTIFICATES);
    let more = cert_store::write(&vec![&alice; cert_store::MAX_CERTIFICATES + 1]).unwrap();
    assert!(cert_store::read(&more).unwrap_err().to_string().contains("more than 1000"));
}
