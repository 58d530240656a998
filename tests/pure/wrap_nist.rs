//! AES key wrap in software against NIST's own vectors for SP 800-38F (`tests/vectors/nist-kw/README.md`).
#![cfg(feature = "token")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::nist_kw;
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::wrap::{Error, kw};

type Wrap = fn(&[u8], &[u8]) -> Result<Vec<u8>, Error>;
type Unwrap = fn(&[u8], &[u8]) -> Result<SecretBytes, Error>;

fn run(scheme: &str, wrap: Wrap, unwrap: Unwrap, lengths: &[usize]) {
    for bits in [128, 192, 256] {
        for (operation, failures) in [("AE", 0), ("AD", 84)] {
            let file = format!("{scheme}_{operation}_{bits}.txt");
            let (mut good, mut refused, mut seen) = (0, 0, Vec::new());
            for (at, (length, case)) in nist_kw::cases(&file).into_iter().enumerate() {
                assert_eq!(case.kek.len() * 8, bits, "{file} {at}");
                if seen.last() != Some(&length) {
                    seen.push(length);
                }
                let outcome = unwrap(&case.kek, &case.wrapped);
                if let Some(plain) = case.plain {
                    assert_eq!(plain.len() * 8, length, "{file} {at}");
                    assert_eq!(&*outcome.unwrap(), plain, "{file} {at}");
                    assert_eq!(wrap(&case.kek, &plain).unwrap(), case.wrapped, "{file} {at}");
                    good += 1;
                } else {
                    assert!(matches!(outcome, Err(Error::Integrity)), "{file} {at}");
                    refused += 1;
                }
            }
            assert_eq!((good, refused), (420 - failures, failures), "{file}");
            assert_eq!(seen, lengths, "{file}");
        }
    }
}

#[test]
fn kw() {
    run("KW", kw::kw_wrap, kw::kw_unwrap, &[128, 256, 192, 320, 4096]);
}

#[test]
fn kwp() {
    run("KWP", kw::kwp_wrap, kw::kwp_unwrap, &[8, 64, 72, 248, 4096]);
}
