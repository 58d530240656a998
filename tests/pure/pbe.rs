//! Password-based encryption of PKCS#8: every scheme that is written, opened by the openssl program and by ourselves.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use cng_pkcs11::asn1::{self, Encryption, Opening, Scheme};
use cng_pkcs11::key::{PrivateKey, Validation};
use cng_pkcs11::secret::SecretBytes;

use crate::vectors::named;

#[test]
fn openssl_opens_what_is_written_in_every_scheme_and_so_do_we() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.der"), folder.path().join("out.der"));
    let plain = named("ec-nistP256.PKCS8_PRIVATEKEY.bin").bytes();
    for text in ["correct horse", "pässwörd-€", ""] {
        let password = SecretBytes::from(text.as_bytes());
        for name in Scheme::names() {
            let encryption = Encryption { iterations: 2048, ..Encryption::by_name(name).unwrap() };
            let encrypted = asn1::encrypt(&plain, &password, encryption).unwrap();
            let opening = Opening { password: Some(&password), ..Opening::default() };
            let (key, _) = asn1::pkcs8::decode(&encrypted, opening, Validation::Full).unwrap();
            assert_eq!(&*asn1::pkcs8::encode(&key).unwrap(), plain.as_slice(), "{name}");

            std::fs::write(&input, &*encrypted).unwrap();
            let openssl = Command::new("openssl")
                .args(["pkcs8", "-inform", "DER", "-outform", "DER", "-passin"])
                .arg(format!("pass:{text}"))
                .arg("-in")
                .arg(&input)
                .arg("-out")
                .arg(&output)
                .output()
                .unwrap_or_else(|error| panic!("openssl ({error}); Debian, Ubuntu: apt-get install openssl"));
            assert!(openssl.status.success(), "{name}: {}", String::from_utf8_lossy(&openssl.stderr));
            // `openssl pkcs8` writes an elliptic-curve key as SEC 1 in DER.
            let opened = std::fs::read(&output).unwrap();
            let key = PrivateKey::Ec(asn1::sec1::decode(&opened, None, Validation::Full).unwrap());
            assert_eq!(&*asn1::pkcs8::encode(&key).unwrap(), plain.as_slice(), "{name}, through openssl");
        }
    }
}
