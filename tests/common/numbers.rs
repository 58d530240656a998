//! The numbers of a key, by the names that the tables of the vectors give them.

#![allow(dead_code, reason = "no test binary uses all of it")]

use cng_pkcs11::key::discrete::Evidence;
use cng_pkcs11::key::{KeyMaterial, PrivateKey, PublicKey};

pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

/// The numbers of a key by the names of `numbers.tsv`.
pub(crate) fn numbers(key: &KeyMaterial) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = Vec::new();
    let mut add = |field, number: &[u8]| found.push((field, number.to_vec()));
    match key.public() {
        Some(PublicKey::Dh(key)) => {
            let parameters = key.parameters();
            add("p", parameters.p());
            add("g", parameters.g());
            add("y", key.y());
            parameters.q().into_iter().for_each(|q| add("q", q));
            parameters.j().into_iter().for_each(|j| add("j", j));
        }
        Some(PublicKey::Dsa(key)) => {
            let parameters = key.parameters();
            add("p", parameters.p());
            add("q", parameters.q());
            add("g", parameters.g());
            add("y", key.y());
            if let Some(Evidence { seed, counter }) = parameters.evidence() {
                add("seed", seed);
                add("count", &counter.to_be_bytes());
            }
        }
        Some(PublicKey::Ec(key)) => {
            add("x", key.x());
            if !key.y().is_empty() {
                add("y", key.y());
            }
        }
        Some(PublicKey::Pq(key)) => add("public", key.as_bytes()),
        Some(PublicKey::Rsa(key)) => {
            add("n", key.n());
            add("e", key.e());
        }
        _ => {}
    }
    match key {
        KeyMaterial::Private(PrivateKey::Dh(key)) => add("x", trimmed(key.x())),
        KeyMaterial::Private(PrivateKey::Dsa(key)) => add("x", key.x()),
        KeyMaterial::Private(PrivateKey::Ec(key)) => add("d", key.d()),
        KeyMaterial::Private(PrivateKey::Pq(key)) => {
            key.seed().into_iter().for_each(|seed| add("seed", seed));
            key.expanded().into_iter().for_each(|expanded| add("private", expanded));
        }
        KeyMaterial::Private(PrivateKey::Rsa(key)) => {
            let numbers = key.numbers();
            add("d", &numbers.d);
            add("p", &numbers.p);
            add("q", &numbers.q);
            add("dp", &numbers.dp);
            add("dq", &numbers.dq);
            add("qinv", &numbers.qinv);
        }
        KeyMaterial::Secret(key) => add("k", key.key()),
        _ => {}
    }
    found
}
