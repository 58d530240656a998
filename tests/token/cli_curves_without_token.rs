//! Keys on curves that no token key is made on: refused before the token is asked for anything.
#![cfg(feature = "cli")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

use cng_pkcs11::asn1::pkcs8;
use cng_pkcs11::blob::{self, BlobType};
use cng_pkcs11::key::{self, Algorithm, Curve, Family, KeyMaterial, PrivateKey, Validation, ec};

use crate::support::TestToken;

#[test]
fn a_key_on_a_curve_that_tokens_do_not_have_is_refused_and_leaves_nothing() {
    let token = TestToken::new();
    let before = token.contents();
    for name in ["Ed25519", "numsP256t1", "numsP384t1", "numsP512t1"] {
        let curve = Curve::by_name(name).unwrap();
        let key = if curve.has_arithmetic() {
            ec::PrivateKey::generate(curve).unwrap()
        } else {
            let point = ec::PublicKey::new(curve, curve.parameters.gx, curve.parameters.gy, Validation::Full).unwrap();
            ec::PrivateKey::new(curve, &[1], Some(point), Validation::Full).unwrap()
        };
        let key = PrivateKey::Ec(key);
        let bytes = if curve.is_cng() {
            let algorithm = Algorithm::elliptic(Family::Ecdsa, curve);
            blob::encode(&KeyMaterial::Private(key), algorithm, BlobType::EccPrivate).unwrap()
        } else {
            pkcs8::encode(&key).unwrap()
        };
        let file = token.file(name, &*bytes);
        let mut arguments = vec!["import", &file, "--name", "x"];
        if curve.is_cng() {
            arguments.extend(["--curve", name]);
        }
        let error = token.json_error(&arguments, 3);
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{name}: {error}");
        assert!(error.to_string().contains(&key::Error::NotOnToken { what: curve.name }.to_string()), "{error}");
        assert_eq!(token.contents(), before, "{name}");
    }
}

#[test]
fn a_key_on_a_curve_that_tokens_do_not_have_is_not_generated() {
    let token = TestToken::new();
    let before = token.contents();
    for (algorithm, name) in [("ECDH", "X448"), ("EDDSA", "Ed25519"), ("EDDSA", "Ed448"), ("ECDSA", "numsP256t1")] {
        let error = token.json_error(&["generate", "x", "--algorithm", algorithm, "--curve", name], 3);
        assert_eq!(error["status"], "NTE_NOT_SUPPORTED", "{name}: {error}");
        assert_eq!(token.contents(), before, "{name}");
    }
}
