//! The rows of the curve table: names, OIDs, parameters, and what computes on each curve.

use super::{Arithmetic, Curve, Form, Parameters, brainpool, other, parameters, sec2, x962};

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    oid: Option<&'static str>,
    form: Form,
    parameters: &'static Parameters,
) -> Curve {
    let (field_bits, order_bits) = (parameters::bit_length(parameters.p), parameters::bit_length(parameters.n));
    Curve { name, aliases, oid, field_bits, order_bits, form, parameters, cng: true, arithmetic: None }
}

const fn weierstrass(
    name: &'static str,
    aliases: &'static [&'static str],
    oid: &'static str,
    parameters: &'static Parameters,
) -> Curve {
    row(name, aliases, Some(oid), Form::Weierstrass, parameters)
}

/// draft-black-numscurves: CNG has them by name only.
const fn nums(name: &'static str, parameters: &'static Parameters) -> Curve {
    row(name, &[], None, Form::TwistedEdwards, parameters)
}

const fn computed(curve: Curve, arithmetic: Arithmetic) -> Curve {
    Curve { arithmetic: Some(arithmetic), ..curve }
}

/// A curve that CNG does not have, and PKCS#8, certificates and JWK do.
const fn beside_cng(curve: Curve) -> Curve {
    Curve { cng: false, ..curve }
}

/// Every named curve of CNG, and the curves of RFC 7748 and RFC 8032. The three NIST curves with algorithms of their own come first.
pub static CURVES: &[Curve] = &[
    computed(
        weierstrass(
            "nistP256",
            &["secP256r1", "x962P256v1", "P-256", "prime256v1"],
            "1.2.840.10045.3.1.7",
            &sec2::NIST_P256,
        ),
        Arithmetic::P256,
    ),
    computed(weierstrass("nistP384", &["secP384r1", "P-384"], "1.3.132.0.34", &sec2::NIST_P384), Arithmetic::P384),
    computed(weierstrass("nistP521", &["secP521r1", "P-521"], "1.3.132.0.35", &sec2::NIST_P521), Arithmetic::P521),
    computed(
        row("curve25519", &["X25519"], Some("1.3.101.110"), Form::Montgomery, &other::CURVE25519),
        Arithmetic::X25519,
    ),
    computed(weierstrass("secP256k1", &[], "1.3.132.0.10", &sec2::SEC_P256K1), Arithmetic::Secp256k1),
    computed(
        weierstrass("brainpoolP256r1", &[], "1.3.36.3.3.2.8.1.1.7", &brainpool::BRAINPOOL_P256R1),
        Arithmetic::BrainpoolP256r1,
    ),
    computed(
        weierstrass("brainpoolP384r1", &[], "1.3.36.3.3.2.8.1.1.11", &brainpool::BRAINPOOL_P384R1),
        Arithmetic::BrainpoolP384r1,
    ),
    weierstrass("brainpoolP512r1", &[], "1.3.36.3.3.2.8.1.1.13", &brainpool::BRAINPOOL_P512R1),
    weierstrass("brainpoolP160r1", &[], "1.3.36.3.3.2.8.1.1.1", &brainpool::BRAINPOOL_P160R1),
    weierstrass("brainpoolP160t1", &[], "1.3.36.3.3.2.8.1.1.2", &brainpool::BRAINPOOL_P160T1),
    weierstrass("brainpoolP192r1", &[], "1.3.36.3.3.2.8.1.1.3", &brainpool::BRAINPOOL_P192R1),
    weierstrass("brainpoolP192t1", &[], "1.3.36.3.3.2.8.1.1.4", &brainpool::BRAINPOOL_P192T1),
    weierstrass("brainpoolP224r1", &[], "1.3.36.3.3.2.8.1.1.5", &brainpool::BRAINPOOL_P224R1),
    weierstrass("brainpoolP224t1", &[], "1.3.36.3.3.2.8.1.1.6", &brainpool::BRAINPOOL_P224T1),
    weierstrass("brainpoolP256t1", &[], "1.3.36.3.3.2.8.1.1.8", &brainpool::BRAINPOOL_P256T1),
    weierstrass("brainpoolP320r1", &[], "1.3.36.3.3.2.8.1.1.9", &brainpool::BRAINPOOL_P320R1),
    weierstrass("brainpoolP320t1", &[], "1.3.36.3.3.2.8.1.1.10", &brainpool::BRAINPOOL_P320T1),
    weierstrass("brainpoolP384t1", &[], "1.3.36.3.3.2.8.1.1.12", &brainpool::BRAINPOOL_P384T1),
    weierstrass("brainpoolP512t1", &[], "1.3.36.3.3.2.8.1.1.14", &brainpool::BRAINPOOL_P512T1),
    weierstrass("ec192wapi", &["wapi192v1"], "1.2.156.11235.1.1.2.1", &other::EC192WAPI),
    weierstrass(
        "nistP192",
        &["secP192r1", "x962P192v1", "P-192", "prime192v1"],
        "1.2.840.10045.3.1.1",
        &sec2::NIST_P192,
    ),
    weierstrass("nistP224", &["secP224r1", "wtls12", "P-224"], "1.3.132.0.33", &sec2::NIST_P224),
    nums("numsP256t1", &other::NUMS_P256T1),
    nums("numsP384t1", &other::NUMS_P384T1),
    nums("numsP512t1", &other::NUMS_P512T1),
    weierstrass("secP160k1", &[], "1.3.132.0.9", &sec2::SEC_P160K1),
    weierstrass("secP160r1", &[], "1.3.132.0.8", &sec2::SEC_P160R1),
    weierstrass("secP160r2", &["wtls7"], "1.3.132.0.30", &sec2::SEC_P160R2),
    weierstrass("secP192k1", &[], "1.3.132.0.31", &sec2::SEC_P192K1),
    weierstrass("secP224k1", &[], "1.3.132.0.32", &sec2::SEC_P224K1),
    weierstrass("wtls9", &[], "2.23.43.1.4.9", &x962::WTLS9),
    weierstrass("x962P192v2", &["prime192v2"], "1.2.840.10045.3.1.2", &x962::X962P192V2),
    weierstrass("x962P192v3", &["prime192v3"], "1.2.840.10045.3.1.3", &x962::X962P192V3),
    weierstrass("x962P239v1", &["prime239v1"], "1.2.840.10045.3.1.4", &x962::X962P239V1),
    weierstrass("x962P239v2", &["prime239v2"], "1.2.840.10045.3.1.5", &x962::X962P239V2),
    weierstrass("x962P239v3", &["prime239v3"], "1.2.840.10045.3.1.6", &x962::X962P239V3),
    beside_cng(row("X448", &["curve448"], Some("1.3.101.111"), Form::Montgomery, &other::X448)),
    beside_cng(computed(row("Ed25519", &[], Some("1.3.101.112"), Form::Edwards, &other::ED25519), Arithmetic::Ed25519)),
    beside_cng(row("Ed448", &[], Some("1.3.101.113"), Form::Edwards, &other::ED448)),
];
