//! Whatever key is wrapped comes back, in a length that the scheme says; whatever is changed is noticed where the scheme promises that.
#![cfg(feature = "token")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::vectors;
use std::sync::LazyLock;

use cng_pkcs11::Status;
use cng_pkcs11::blob::Hints;
use cng_pkcs11::format::{self, Format};
use cng_pkcs11::key::rsa::{Hash, PrivateKey, PrivateNumbers, PublicKey};
use cng_pkcs11::key::{self, KeyMaterial, Validation};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::wrap::{Error, cbc_pad, gcm, kw, oaep, rsa_aes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Wrap = fn(&[u8], &[u8]) -> Result<Vec<u8>, Error>;
type Unwrap = fn(&[u8], &[u8]) -> Result<SecretBytes, Error>;

/// A scheme under an AES key: which keys it takes, and how long they come out.
#[derive(Clone, Copy, Debug)]
struct Scheme {
    name: &'static str,
    wrap: Wrap,
    unwrap: Unwrap,
    takes: fn(usize) -> bool,
    wrapped: fn(usize) -> usize,
    /// Whether every change is noticed.
    integrity: bool,
}

const SCHEMES: [Scheme; 5] = [
    Scheme {
        name: "kw",
        wrap: kw::kw_wrap,
        unwrap: kw::kw_unwrap,
        takes: |len| len >= 16 && len % 8 == 0,
        wrapped: |len| len + 8,
        integrity: true,
    },
    Scheme {
        name: "kwp",
        wrap: kw::kwp_wrap,
        unwrap: kw::kwp_unwrap,
        takes: |len| len > 0,
        wrapped: |len| len.next_multiple_of(8) + 8,
        integrity: true,
    },
    Scheme {
        name: "kw-pkcs7",
        wrap: kw::kw_pkcs7_wrap,
        unwrap: kw::kw_pkcs7_unwrap,
        takes: |len| len >= 8,
        wrapped: |len| len / 8 * 8 + 16,
        integrity: true,
    },
    Scheme {
        name: "cbc-pad",
        wrap: cbc_pad::wrap,
        unwrap: cbc_pad::unwrap,
        takes: |len| len > 0,
        wrapped: |len| len / 16 * 16 + 32,
        integrity: false,
    },
    Scheme {
        name: "gcm",
        wrap: gcm::wrap,
        unwrap: gcm::unwrap,
        takes: |len| len > 0,
        wrapped: |len| len + 28,
        integrity: true,
    },
];

const HASHES: [Hash; 4] = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];

fn rsa_key(name: &str) -> PrivateKey {
    let der = std::fs::read(vectors::folder().join(format!("{name}.PKCS8_PRIVATEKEY.bin"))).unwrap();
    match format::decode(&der, Format::PKCS8, &Hints::default()).unwrap().key {
        KeyMaterial::Private(key::PrivateKey::Rsa(key)) => key,
        other => panic!("{other:?}"),
    }
}

static RSA: LazyLock<PrivateKey> = LazyLock::new(|| rsa_key("rsa2048-e65537"));

fn kek() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 16), vec(any::<u8>(), 24), vec(any::<u8>(), 32)]
}

proptest! {
    #[test]
    fn keys_come_back(scheme in select(&SCHEMES), kek in kek(), key in vec(any::<u8>(), 0..200)) {
        let outcome = (scheme.wrap)(&kek, &key);
        if !(scheme.takes)(key.len()) {
            let refused = matches!(outcome, Err(Error::Length { len, .. }) if len == key.len());
            prop_assert!(refused, "{} of {}", scheme.name, key.len());
            return Ok(());
        }
        let wrapped = outcome.unwrap();
        prop_assert_eq!(wrapped.len(), (scheme.wrapped)(key.len()), "{}", scheme.name);
        prop_assert_eq!(&*(scheme.unwrap)(&kek, &wrapped).unwrap(), &key, "{}", scheme.name);
    }

    #[test]
    fn a_flipped_bit_is_noticed(
        scheme in select(&SCHEMES),
        kek in kek(),
        key in vec(any::<u8>(), 1..10).prop_map(|start| start.repeat(8)),
        bit in any::<Index>(),
    ) {
        prop_assume!((scheme.takes)(key.len()));
        let mut wrapped = (scheme.wrap)(&kek, &key).unwrap();
        let bit = bit.index(wrapped.len() * 8);
        wrapped[bit / 8] ^= 1 << (bit % 8);
        let outcome = (scheme.unwrap)(&kek, &wrapped);
        if scheme.integrity {
            prop_assert!(matches!(outcome, Err(Error::Integrity)), "{} bit {bit}", scheme.name);
        } else {
            // It comes out as something else, or not at all; never as it was.
            prop_assert!(outcome.is_err() || *outcome.unwrap() != *key, "{} bit {bit}", scheme.name);
        }
    }

    #[test]
    fn another_kek_and_another_scheme_do_not_unwrap(
        scheme in select(&SCHEMES),
        other in select(&SCHEMES),
        (kek, another) in (kek(), kek()),
        key in vec(8_u8..=255, 2..9).prop_map(|start| start.repeat(8)),
    ) {
        prop_assume!(kek != another && other.integrity);
        // A key that ends in 8 times 8 has the padding of KW-PKCS7 itself.
        prop_assume!(key.last() != Some(&8));
        let wrapped = (scheme.wrap)(&kek, &key).unwrap();
        prop_assert!((other.unwrap)(&another, &wrapped).is_err(), "{} as {}", scheme.name, other.name);
        let same = (other.unwrap)(&kek, &wrapped);
        // What KW-PKCS7 wrapped is KW, padding and all.
        let kw_of_pkcs7 = (scheme.name, other.name) == ("kw-pkcs7", "kw");
        prop_assert_eq!(same.is_ok(), scheme.name == other.name || kw_of_pkcs7, "{} as {}", scheme.name, other.name);
    }

    #[test]
    fn whatever_is_unwrapped_is_answered(scheme in select(&SCHEMES), kek in vec(any::<u8>(), 0..40), data in vec(any::<u8>(), 0..120)) {
        let outcome = (scheme.unwrap)(&kek, &data);
        if ![16, 24, 32].contains(&kek.len()) {
            // The data may be of no length either.
            prop_assert!(matches!(outcome, Err(Error::WrappingKey { .. } | Error::Length { .. })), "{}", scheme.name);
        } else if let Err(error) = outcome {
            prop_assert!(matches!(error, Error::Length { .. } | Error::Integrity), "{}", scheme.name);
            prop_assert_eq!(error.status(), Status::NTE_BAD_DATA);
        }
    }

    #[test]
    fn containers_are_taken_apart_and_put_together(data in vec(any::<u8>(), 0..100), modulus in 0_usize..70) {
        match cbc_pad::split(&data) {
            Ok((iv, rest)) => {
                prop_assert_eq!(iv.len() + rest.len(), data.len());
                prop_assert!(rest.len() >= 16 && rest.len() % 16 == 0);
                prop_assert_eq!(cbc_pad::join(iv, rest), data.clone());
            }
            Err(_) => prop_assert!(data.len() < 32 || data.len() % 16 != 0),
        }
        match gcm::split(&data) {
            Ok((nonce, rest)) => prop_assert_eq!(gcm::join(nonce, rest), data.clone()),
            Err(_) => prop_assert!(data.len() < 29),
        }
        match rsa_aes::split(&data, modulus) {
            Ok((first, second)) => {
                prop_assert_eq!((first.len(), [first, second].concat()), (modulus, data.clone()));
                prop_assert!(second.len() >= 16 && second.len() % 8 == 0);
            }
            Err(_) => prop_assert!(modulus == 0 || data.len() < modulus + 16 || (data.len() - modulus) % 8 != 0),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn oaep_and_rsa_aes_bring_keys_back(
        hash in select(&HASHES),
        label in vec(any::<u8>(), 0..20),
        key in vec(any::<u8>(), 1..230),
        bit in any::<Index>(),
    ) {
        let (private, public) = (&*RSA, RSA.public());
        let max = 256 - 2 * hash.length() - 2;
        match oaep::wrap(public, hash, &label, &key) {
            Ok(wrapped) => {
                prop_assert!(key.len() <= max);
                prop_assert_eq!(wrapped.len(), 256);
                prop_assert_eq!(&*oaep::unwrap(private, hash, &label, &wrapped).unwrap(), &key);
            }
            Err(Error::TooLong { len, max: said, .. }) => prop_assert!(len == key.len() && len > max && said == max),
            Err(other) => panic!("{other}"),
        }
        let mut wrapped = rsa_aes::wrap(public, hash, &label, &key).unwrap();
        prop_assert_eq!(wrapped.len(), 256 + key.len().next_multiple_of(8) + 8);
        prop_assert_eq!(&*rsa_aes::unwrap(private, hash, &label, &wrapped).unwrap(), &key);
        let refused = rsa_aes::unwrap(private, hash, &[&*label, b"!"].concat(), &wrapped);
        prop_assert!(matches!(refused, Err(Error::Integrity)));
        let bit = bit.index(wrapped.len() * 8);
        wrapped[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(matches!(rsa_aes::unwrap(private, hash, &label, &wrapped), Err(Error::Integrity)), "bit {}", bit);
    }
}

#[test]
fn no_two_wrappings_are_the_same_where_they_are_random() {
    for scheme in SCHEMES {
        let [one, two] = [(); 2].map(|()| (scheme.wrap)(&[7; 32], &[9; 32]).unwrap());
        assert_eq!(one == two, scheme.name.starts_with("kw"), "{}", scheme.name);
    }
    let [one, two] = [(); 2].map(|()| rsa_aes::wrap(RSA.public(), Hash::Sha1, b"", &[9; 32]).unwrap());
    assert!(one[..256] != two[..256] && one[256..] != two[256..]);
}

/// Every kind of RSA key that the vectors have: e of 3 and of 64 bits, 2047 bits, primes of different lengths.
#[test]
fn oaep_under_unusual_keys() {
    for (name, usable) in [
        ("rsa1024-e3", true),
        ("rsa2047-e17", true),
        ("rsa2048-unequal-primes", true),
        ("rsa4096-e65537", true),
        ("rsa2048-bige", false),
    ] {
        let private = rsa_key(name);
        let outcome = oaep::wrap(private.public(), Hash::Sha256, b"", &[1; 32]);
        if usable {
            let wrapped = outcome.unwrap();
            assert_eq!(wrapped.len(), private.public().n().len(), "{name}");
            assert_eq!(&*oaep::unwrap(&private, Hash::Sha256, b"", &wrapped).unwrap(), [1; 32], "{name}");
        } else {
            // The crate's limit, not CNG's.
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::WrappingKey { .. }), "{name}: {error}");
            assert_eq!(error.status(), Status::NTE_BAD_KEY, "{name}");
            assert!(private.decrypt_oaep(Hash::Sha256, b"", &[1; 256]).is_none(), "{name}");
        }
    }
}

/// The largest modulus that CNG has, which is twice what the crate takes by itself; and others for which there is no room, or no arithmetic.
#[test]
fn oaep_at_the_ends_of_what_there_is() {
    let public = |bytes: usize, low: u8| {
        let mut n = vec![0xC3; bytes];
        n[bytes - 1] = low;
        PublicKey::new(&n, &[1, 0, 1], Validation::Skip).unwrap()
    };
    let largest = public(2048, 0x55);
    let wrapped = oaep::wrap(&largest, Hash::Sha512, b"label", &[5; 1918]).unwrap();
    assert_eq!((largest.bits(), wrapped.len()), (16384, 2048));
    let error = oaep::wrap(&largest, Hash::Sha512, b"label", &[5; 1919]).unwrap_err();
    assert!(matches!(error, Error::TooLong { len: 1919, max: 1918, .. }), "{error}");
    assert!(error.to_string().contains("1918"), "{error}");
    assert_eq!(error.status(), Status::NTE_BAD_LEN);

    // 512 bits have room for 22 bytes with SHA-1 and for nothing with SHA-256; not for an AES-256 key either.
    let smallest = public(64, 0x55);
    assert_eq!((smallest.oaep_capacity(Hash::Sha1), smallest.oaep_capacity(Hash::Sha256)), (Some(22), None));
    assert_eq!(oaep::wrap(&smallest, Hash::Sha1, b"", &[5; 16]).unwrap().len(), 64);
    assert!(matches!(oaep::wrap(&smallest, Hash::Sha256, b"", &[5; 16]), Err(Error::WrappingKey { .. })));
    let error = rsa_aes::wrap(&smallest, Hash::Sha1, b"", &[5; 16]).unwrap_err();
    assert!(matches!(error, Error::TooLong { scheme: "rsa-aes", len: 32, max: 22 }), "{error}");

    assert!(matches!(oaep::wrap(&public(256, 0x54), Hash::Sha1, b"", &[5; 16]), Err(Error::WrappingKey { .. })));
    assert!(matches!(oaep::wrap(&largest, Hash::Sha1, b"", &[]), Err(Error::Length { len: 0, .. })));
    assert!(matches!(oaep::unwrap(&RSA, Hash::Sha1, b"", &[0; 255]), Err(Error::Length { len: 255, .. })));
}

/// A key that nobody checked decrypts nothing, or what is right; it never panics.
#[test]
fn oaep_under_keys_whose_numbers_do_not_fit() {
    let private = rsa_key("rsa1024-e65537");
    let (public, numbers) = (private.public(), private.numbers());
    let wrapped = oaep::wrap(public, Hash::Sha1, b"", b"a key").unwrap();
    let with = |change: &dyn Fn(&mut PrivateNumbers)| {
        let mut numbers = numbers.clone();
        change(&mut numbers);
        let key = PrivateKey::from_numbers(public.clone(), numbers, Validation::Skip).unwrap();
        key.decrypt_oaep(Hash::Sha1, b"", &wrapped)
    };
    assert_eq!(with(&|_| {}).as_deref(), Some(&b"a key"[..]));
    // These are not used: they follow from the others.
    let spoil = |number: &mut SecretBytes| number.as_mut_slice()[5] ^= 1;
    assert_eq!(with(&|numbers| spoil(&mut numbers.qinv)).as_deref(), Some(&b"a key"[..]));
    assert_eq!(with(&|numbers| spoil(&mut numbers.dp)).as_deref(), Some(&b"a key"[..]));
    assert!(with(&|numbers| spoil(&mut numbers.d)).is_none());
    assert!(with(&|numbers| spoil(&mut numbers.p)).is_none());
    for p in [&[][..], &[1], &[2], &[3], &[0xFF; 64], &[0xFF; 128], &[0xFF; 129]] {
        assert!(with(&|numbers| numbers.p = SecretBytes::from(p)).is_none(), "{p:?}");
        assert!(with(&|numbers| numbers.q = SecretBytes::from(p)).is_none(), "{p:?}");
        assert!(with(&|numbers| numbers.d = SecretBytes::from(p)).is_none(), "{p:?}");
    }
    let whole = SecretBytes::from(public.n());
    let one_and_n =
        |numbers: &mut PrivateNumbers| (numbers.p, numbers.q) = (SecretBytes::from(&[1][..]), whole.clone());
    assert!(with(&one_and_n).is_none());
}

/// The mechanism lets the caller choose the AES key; nothing but an AES key is taken.
#[test]
fn rsa_aes_takes_every_aes_key_and_nothing_else() {
    for len in [16, 24, 32] {
        let aes = vec![3; len];
        let first = RSA.public().encrypt_oaep(Hash::Sha256, b"", &aes).unwrap();
        let wrapped = [first, kw::kwp_wrap(&aes, b"a key").unwrap()].concat();
        assert_eq!(&*rsa_aes::unwrap(&RSA, Hash::Sha256, b"", &wrapped).unwrap(), b"a key");
    }
    for len in [0, 1, 15, 17, 33, 64] {
        let first = RSA.public().encrypt_oaep(Hash::Sha256, b"", &vec![3; len]).unwrap();
        let wrapped = [first, kw::kwp_wrap(&[3; 16], b"a key").unwrap()].concat();
        assert!(matches!(rsa_aes::unwrap(&RSA, Hash::Sha256, b"", &wrapped), Err(Error::Integrity)), "{len}");
    }
}

/// Every padding that KW lets through and PKCS#7 does not have.
#[test]
fn wrong_paddings_of_pkcs7_are_refused() {
    let kek = [1; 16];
    for (end, key) in [
        (&[1_u8, 2, 3, 4, 5, 6, 7, 1][..], Some(15)),
        (&[1, 2, 3, 4, 5, 6, 2, 2], Some(14)),
        (&[7; 8], Some(9)),
        (&[8; 8], Some(8)),
        (&[0; 8], None),
        (&[9; 8], None),
        (&[255; 8], None),
        (&[16; 8], None),
        (&[1, 2, 3, 4, 5, 6, 3, 2], None),
        (&[7, 8, 8, 8, 8, 8, 8, 8], None),
        (&[8, 8, 8, 8, 8, 8, 8, 7], None),
        (&[3, 3, 3, 3, 3, 3, 2, 3], None),
    ] {
        let wrapped = kw::kw_wrap(&kek, &[&[5; 8], end].concat()).unwrap();
        let found = kw::kw_pkcs7_unwrap(&kek, &wrapped).ok().map(|key| key.len());
        assert_eq!(found, key, "{end:?}");
    }
}
