//! Keys of RFC 8410 (X25519, X448, Ed25519, Ed448) in PKCS#8 and SubjectPublicKeyInfo.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use cng_pkcs11::asn1::{self, Opening, pkcs8, spki};
use cng_pkcs11::key::{self, Consistency, Curve, PrivateKey, PublicKey, Validation};

use crate::vectors::{hex, unhex};

/// Throw-away keys from `openssl genpkey -algorithm X -outform DER` and `openssl pkey -pubout` (3.0.19): curve, PKCS#8, SPKI, and how many
/// bytes the private and the public string at their ends have.
const KEYS: [(&str, &str, &str, usize, usize); 4] = [
    (
        "curve25519",
        "302e020100300506032b656e0422042090214b973f1f3cd891c21597e41d5be205abb03f3dd1356129fa990930103152",
        "302a300506032b656e032100c41e6373a93648f581a3b7ea62dc7e7cb28fc3de825b222434bc67bede506d37",
        32,
        32,
    ),
    (
        "Ed25519",
        "302e020100300506032b657004220420d178b52e5a0bde6b8413c39c7961320a63ff7062cb88cff651e58334ee11d6ae",
        "302a300506032b6570032100daf42a4a547e608f5dc34b47f577239f83577e6e8af2fce46d3834861708f14a",
        32,
        32,
    ),
    (
        "X448",
        "3046020100300506032b656f043a0438783417b859b944cd85028c5fbf59be889ba05a2596eb2168abfcf00395568bc4a802\
         8dbae91a48b9b9daf24eced2448c2a80bb711a1b3acf",
        "3042300506032b656f0339004e7c05d069091e0ee48099ba6710e3365b023ad238d0b71a8d74c606e0b0e5ccf86c6a074805\
         b9c9eea6905ab80d2987bff49c60c4f7d173",
        56,
        56,
    ),
    (
        "Ed448",
        "3047020100300506032b6571043b0439860a87c6dbabe510ae5cef1ac3752e680195efa920b62d7b4a494768bc0903c90285\
         9ad370338071930d75445d495fe206aeb29a3b99e2e7ad",
        "3043300506032b6571033a00224764f005af7918fd2a312d81f432915a3f0014fff5535e2214a93072bfad8a994b341a7f33\
         8aede2cccdd25bf7ad942db10884d352333200",
        57,
        57,
    ),
];

#[test]
fn public_keys_are_read_checked_and_written_as_openssl_writes_them() {
    for (name, _, der, _, len) in KEYS {
        let der = unhex(der);
        let public = spki::decode(&der, Validation::Full).unwrap();
        assert_eq!(hex(&spki::encode(&public).unwrap()), hex(&der), "{name}");
        let PublicKey::Ec(key) = public else { panic!("{name}") };
        assert_eq!(key.curve(), Curve::by_name(name).unwrap());
        assert_eq!((key.x(), key.y().len()), (&der[der.len() - len..], 0), "{name}");
        assert_eq!(key.consistency(), Consistency::Checked, "{name}");
    }
}

#[test]
fn private_keys_are_completed_where_the_curve_can_be_computed_with() {
    for (name, der, public, len, _) in KEYS {
        let (der, public) = (unhex(der), spki::decode(&unhex(public), Validation::Full).unwrap());
        match (
            pkcs8::decode(&der, Opening::default(), Validation::Full),
            Curve::by_name(name).unwrap().has_arithmetic(),
        ) {
            (Ok((key, None)), true) => {
                assert_eq!((key.public(), key.consistency()), (Some(public), Consistency::Checked), "{name}");
                assert_eq!(hex(&pkcs8::encode(&key).unwrap()), hex(&der), "{name}");
                let PrivateKey::Ec(key) = key else { panic!("{name}") };
                assert_eq!(&**key.d(), &der[der.len() - len..], "{name}");
            }
            // It is kept as it is, and is not said to be consistent.
            (Ok((key, None)), false) => {
                assert_eq!((key.public(), key.consistency()), (None, Consistency::Unchecked), "{name}");
                assert_eq!(hex(&pkcs8::encode(&key).unwrap()), hex(&der), "{name}");
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

/// The same with `version` 1 and the public key in `[1]` (RFC 5958 §2), which openssl 3.0 does not write.
fn with_public_key(private: &str, point: &[u8]) -> Vec<u8> {
    let mut body = unhex(private)[2..].to_vec();
    body[2] = 1;
    body.extend([0x81, u8::try_from(point.len() + 1).unwrap(), 0]);
    body.extend(point);
    let length = u8::try_from(body.len()).unwrap();
    let head = if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
    [head, body].concat()
}

#[test]
fn a_public_key_beside_the_private_one_is_taken_and_compared() {
    for (name, private, public, _, len) in KEYS {
        let curve = Curve::by_name(name).unwrap();
        let point = unhex(public);
        let point = &point[point.len() - len..];
        let (key, _) = pkcs8::decode(&with_public_key(private, point), Opening::default(), Validation::Full).unwrap();
        let expected = if curve.has_arithmetic() { Consistency::Checked } else { Consistency::Unchecked };
        assert_eq!(key.consistency(), expected, "{name}");
        let public = key.public().unwrap();
        assert_eq!(spki::subject_public_key(&public).unwrap(), point, "{name}");
        // Written as openssl writes it, without the public key.
        assert_eq!(hex(&pkcs8::encode(&key).unwrap()), private, "{name}");

        // Another point, no point, and one that is too short.
        let mut other = point.to_vec();
        other[0] ^= 1;
        assert!(
            !curve.has_arithmetic()
                || pkcs8::decode(&with_public_key(private, &other), Opening::default(), Validation::Full).is_err()
        );
        for wrong in [&point[1..], &[], &vec![0xFF; len]] {
            let outcome = pkcs8::decode(&with_public_key(private, wrong), Opening::default(), Validation::Full);
            assert!(outcome.is_err(), "{name} {}", hex(wrong));
        }
    }
}

/// RFC 8410 §10.3: the private key with an attribute and with its public key.
#[test]
fn the_example_of_rfc_8410_is_read() {
    let text = "-----BEGIN PRIVATE KEY-----\n\
                MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
                Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                -----END PRIVATE KEY-----\n";
    let (key, usage) = pkcs8::decode_pem(text.as_bytes(), Opening::default(), Validation::Full).unwrap();
    assert_eq!((usage, key.consistency()), (None, Consistency::Checked));
    assert_eq!(key.public().unwrap().curve().unwrap().name, "Ed25519");
}

#[test]
fn damaged_points_and_wrong_lengths_are_refused() {
    for (name, private, public, _, len) in KEYS {
        let der = unhex(public);
        let mut high = der.clone();
        let at = high.len() - len;
        high[at..].fill(0xFF);
        let error = spki::decode(&high, Validation::Full).unwrap_err();
        assert!(matches!(error, asn1::Error::Key(key::Error::Inconsistent { .. })), "{name}: {error}");
        // One byte less in the string and in the three lengths around it.
        let mut short = der[..der.len() - 1].to_vec();
        (short[1], short[10]) = (short[1] - 1, short[10] - 1);
        let error = spki::decode(&short, Validation::Skip).unwrap_err();
        assert!(matches!(error, asn1::Error::Key(key::Error::Inconsistent { .. })), "{name}: {error}");
        let mut short = unhex(private);
        short.pop();
        (short[1], short[13], short[15]) = (short[1] - 1, short[13] - 1, short[15] - 1);
        let error = pkcs8::decode(&short, Opening::default(), Validation::Skip).unwrap_err();
        assert!(matches!(error, asn1::Error::Key(key::Error::OutOfRange { field: "d", .. })), "{name}: {error}");
    }
}

#[test]
fn the_curves_of_rfc_8410_are_no_parameters_of_id_ec_public_key() {
    // id-ecPublicKey with the OID of X25519 where a named curve stands.
    let der = unhex(&format!("302f300e06072a8648ce3d0201 06032b656e 0321 00{}", "09".repeat(32)).replace(' ', ""));
    let mut der = der;
    (der[1], der[3]) = (u8::try_from(der.len() - 2).unwrap(), 14);
    assert!(matches!(spki::decode(&der, Validation::Full).unwrap_err(), asn1::Error::Invalid { .. }));
}
