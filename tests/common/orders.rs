//! The orders of the Weierstrass curves that have arithmetic here, from SEC 2 version 2 and RFC 5639.

#![allow(dead_code, reason = "no test binary uses all of it")]

const ORDERS: [(&str, &str); 6] = [
    ("nistP256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    ("nistP384", "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
    (
        "nistP521",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa
         51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
    ("secP256k1", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
    ("brainpoolP256r1", "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
    (
        "brainpoolP384r1",
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
    ),
];

/// The curves, by CNG's names.
pub(crate) fn curves() -> impl Iterator<Item = &'static str> {
    ORDERS.iter().map(|(name, _)| *name)
}

/// The order n of a curve, as wide as its field.
pub(crate) fn order(curve: &str) -> Vec<u8> {
    let (_, order) = ORDERS.iter().find(|(name, _)| *name == curve).unwrap();
    crate::vectors::unhex(order)
}
