//! The curve table against what openssl says of the same curves.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;

use cng_pkcs11::key::curve::{CURVES, ExplicitParameters, Form, Ordinate};
use cng_pkcs11::key::{Consistency, Curve, Validation, ec};

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
    unhex(&format!("{}{number}", if number.len() % 2 == 0 { "" } else { "0" }))
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
