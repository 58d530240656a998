//! The curve table against what openssl says of the same curves.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;

use cng_pkcs11::asn1;
use cng_pkcs11::key::curve::{CURVES, ExplicitParameters, Form, Ordinate};
use cng_pkcs11::key::{Consistency, Curve, PrivateKey, Validation, ec};

#[path = "common/vectors.rs"]
mod vectors;

use vectors::{hex, unhex};

/// One line of `tests/vectors/curves/openssl.tsv`.
struct Row {
    oid: String,
    name: String,
    /// p a b gx gy n h
    numbers: [String; 7],
    seed: String,
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/curves/openssl.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let seed = cells[9].replace('-', "");
        Row { oid: cells[0].clone(), name: cells[1].clone(), numbers: cells[2..9].to_vec().try_into().unwrap(), seed }
    };
    text.lines().skip(1).map(row).collect()
}

/// Hexadecimal of a number without leading zeros, as openssl's are in the table.
fn bare(number: &[u8]) -> String {
    let text = hex(number);
    let trimmed = text.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

/// The bytes of a number of the table.
fn bytes(number: &str) -> Vec<u8> {
    unhex(&format!("{}{number}", if number.len().is_multiple_of(2) { "" } else { "0" }))
}

#[test]
fn every_curve_has_the_parameters_that_openssl_knows_it_by() {
    let mut seen = HashSet::new();
    for row in rows() {
        let curve = Curve::by_oid(&row.oid).unwrap();
        let ours = curve.parameters;
        let numbers = [ours.p, ours.a, ours.b, ours.gx, ours.gy, ours.n, ours.h].map(bare);
        assert_eq!(numbers, row.numbers, "{}", row.name);
        assert_eq!(hex(ours.seed), row.seed, "{}", row.name);
        seen.insert(curve.name);
        // openssl's name is read too, but for its long one of the WTLS curve.
        if !row.name.starts_with("wap-") {
            assert_eq!(Curve::by_name(&row.name).unwrap(), curve, "{}", row.name);
        }
    }
    // These openssl has not: WAPI's curve is not in it, the others it does not describe by parameters.
    let missing: Vec<_> = CURVES.iter().map(|curve| curve.name).filter(|name| !seen.contains(name)).collect();
    let expected = ["curve25519", "ec192wapi", "numsP256t1", "numsP384t1", "numsP512t1", "X448", "Ed25519", "Ed448"];
    assert_eq!(missing, expected);
}

#[test]
fn every_curve_is_recognised_by_the_parameters_that_openssl_writes() {
    for row in rows() {
        let [p, a, b, gx, gy, n, h] = row.numbers.each_ref().map(|number| bytes(number));
        let given = ExplicitParameters {
            form: Form::Weierstrass,
            p: &p,
            a: &a,
            b: &b,
            gx: &gx,
            gy: Ordinate::Value(&gy),
            order: &n,
            cofactor: Some(&h),
        };
        assert_eq!(Curve::by_parameters(&given), Some(Curve::by_oid(&row.oid).unwrap()), "{}", row.name);
        let odd = ExplicitParameters { gy: Ordinate::Odd(gy.last().unwrap() & 1 == 1), cofactor: None, ..given };
        assert_eq!(Curve::by_parameters(&odd), Some(Curve::by_oid(&row.oid).unwrap()), "{}", row.name);
    }
}

#[test]
fn a_public_key_is_checked_on_every_curve_with_coordinates() {
    for curve in CURVES.iter().filter(|curve| curve.form.is_affine()) {
        let (x, y) = (curve.parameters.gx, curve.parameters.gy);
        let point = ec::PublicKey::new(curve, x, y, Validation::Full).unwrap();
        assert_eq!(point.consistency(), Consistency::Checked, "{}", curve.name);
        let mut wrong = y.to_vec();
        *wrong.last_mut().unwrap() ^= 1;
        assert!(ec::PublicKey::new(curve, x, &wrong, Validation::Full).is_err(), "{}", curve.name);
        let taken = ec::PublicKey::new(curve, x, &wrong, Validation::Skip).unwrap();
        assert_eq!(taken.consistency(), Consistency::Unchecked, "{}", curve.name);
    }
}

/// Throw-away keys from `openssl genpkey -algorithm EC` (3.0.19), as `openssl pkcs8 -topk8` makes PKCS#8 of them and as they are. The first two curves have orders
/// that are longer than their fields, which is how wide a scalar is in DER (RFC 5915 §3).
const KEYS: [(&str, &str, &str); 3] = [
    (
        "secp160r1",
        "3061020100301006072a8648ce3d020106052b81040008044a30480201010415003d0d63c83dec1a431f484deb4652fe7221\
         b1ec78a12c032a000494e6e6bae2dfd22416883a0044900a4f02124ce087140ab4aa291c5dea5fe7c76f08a40c0586007c",
        "30510201010415003d0d63c83dec1a431f484deb4652fe7221b1ec78a00706052b81040008a12c032a000494e6e6bae2dfd2\
         2416883a0044900a4f02124ce087140ab4aa291c5dea5fe7c76f08a40c0586007c",
    ),
    (
        "secp224k1",
        "3079020100301006072a8648ce3d020106052b8104002004623060020101041d003f49ae9f0e337bae24a29b97d935934a4b\
         5e210d9c55b1a8aeddadaca13c033a0004afa35e97045c4a9ef04f69eaf5503291f468900a40bb45d3e3998717a1708a69ab\
         3f559262b1a2431bdb42c0652e812506c293403bd50bf6",
        "3069020101041d003f49ae9f0e337bae24a29b97d935934a4b5e210d9c55b1a8aeddadaca00706052b81040020a13c033a00\
         04afa35e97045c4a9ef04f69eaf5503291f468900a40bb45d3e3998717a1708a69ab3f559262b1a2431bdb42c0652e812506\
         c293403bd50bf6",
    ),
    (
        "prime239v3",
        "308181020100301306072a8648ce3d020106082a8648ce3d03010604673065020101041e09c135faae49919eac4246a99468\
         2d7c6dbc120bcb909ef41d14154b52e5a140033e000407e9570ccc061776edb028c0914666ec350b60dfaa2271e08514c549\
         e9232208b8093716f17004d57209a293c9787f768b5e5929f173c64c1178da31",
        "3071020101041e09c135faae49919eac4246a994682d7c6dbc120bcb909ef41d14154b52e5a00a06082a8648ce3d030106a1\
         40033e000407e9570ccc061776edb028c0914666ec350b60dfaa2271e08514c549e9232208b8093716f17004d57209a293c9\
         787f768b5e5929f173c64c1178da31",
    ),
];

#[test]
fn keys_on_curves_of_odd_sizes_are_written_as_openssl_writes_them() {
    for (name, pkcs8, sec1) in KEYS {
        let (key, _) = asn1::pkcs8::decode(&unhex(pkcs8), asn1::Opening::default(), Validation::Full).unwrap();
        assert_eq!(key.consistency(), Consistency::Unchecked, "{name}");
        assert_eq!(hex(&asn1::pkcs8::encode(&key).unwrap()), pkcs8, "{name}");
        let PrivateKey::Ec(key) = key else { panic!("{name}") };
        assert_eq!((key.curve(), key.d().len()), (Curve::by_name(name).unwrap(), key.curve().width()));
        assert_eq!(hex(&asn1::sec1::encode(&key, true).unwrap()), sec1, "{name}");
    }
}
