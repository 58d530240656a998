//! Keys against the curves' own implementations, and against RFC 8032.

use super::*;

fn computable() -> impl Iterator<Item = &'static Curve> {
    crate::key::curve::CURVES.iter().filter(|curve| curve.has_arithmetic())
}

#[test]
fn a_generated_key_is_consistent_and_another_point_is_refused() {
    for curve in computable() {
        let key = PrivateKey::generate(curve).unwrap();
        let other = PrivateKey::generate(curve).unwrap();
        assert!(PrivateKey::new(curve, key.d(), key.public().cloned(), Validation::Full).is_ok());
        assert_eq!(
            PrivateKey::new(curve, key.d(), other.public().cloned(), Validation::Full).unwrap_err(),
            Error::Inconsistent { what: "the public point is not d·G" }
        );
    }
}

#[test]
fn agreement_is_symmetric_on_every_curve_with_arithmetic() {
    for curve in computable().filter(|curve| curve.form != Form::Edwards) {
        let (a, b) = (PrivateKey::generate(curve).unwrap(), PrivateKey::generate(curve).unwrap());
        let (ab, ba) = (a.agree(b.public().unwrap()).unwrap(), b.agree(a.public().unwrap()).unwrap());
        assert_eq!(ab, ba);
        assert_eq!(ab.len(), curve.width());
    }
}

#[test]
fn a_scalar_of_zero_or_beyond_the_order_is_refused() {
    for curve in computable().filter(|curve| curve.form == Form::Weierstrass) {
        assert!(PrivateKey::new(curve, &vec![0; curve.width()], None, Validation::Full).is_err());
        assert!(PrivateKey::new(curve, &vec![0xFF; curve.width()], None, Validation::Full).is_err());
    }
}

#[test]
fn a_short_digest_verifies_on_a_wide_curve() {
    use ecdsa::signature::hazmat::PrehashSigner;
    let curve = Curve::nist(521).unwrap();
    let key = PrivateKey::generate(curve).unwrap();
    let signer = p521::ecdsa::SigningKey::from_slice(key.d()).unwrap();
    let digest = [7; 20];
    let signature: p521::ecdsa::Signature = signer.sign_prehash(&widened(&digest, 66)).unwrap();
    let public = key.public().unwrap();
    assert_eq!(public.verify(&digest, &signature.to_bytes()), Some(true));
    assert_eq!(public.verify(&[8; 20], &signature.to_bytes()), Some(false));
    assert!(PublicKey::recover(curve, &digest, &signature.to_bytes()).contains(public));
}

fn sign<C>(d: &[u8], drawn: &[u8], digest: &[u8]) -> Vec<u8>
where
    C: CurveArithmetic + ecdsa::EcdsaCurve,
{
    let scalar = |bytes: &[u8]| NonZeroScalar::<C>::try_from(bytes).unwrap();
    let (signature, _) = ecdsa::hazmat::sign_prehashed::<C>(&scalar(d), &scalar(drawn), digest).unwrap();
    let (r, s) = signature.split_bytes();
    [r, s].concat()
}

#[test]
fn a_private_key_says_of_a_signature_what_its_public_half_says() {
    for curve in computable().filter(|curve| curve.form == Form::Weierstrass) {
        let arithmetic = curve.arithmetic.unwrap();
        let [key, other, drawn] = [(); 3].map(|()| PrivateKey::generate(curve).unwrap());
        let public = key.public().unwrap();
        let check = |digest: &[u8], signature: &[u8], expected: bool| {
            let what = format!("{}, {} bytes", curve.name, digest.len());
            assert_eq!(public.verify(digest, signature), Some(expected), "{what}");
            assert_eq!(key.verify(digest, signature), Some(expected), "{what}");
        };
        for len in [1, 20, 32, 48, 64, curve.width(), curve.width() + 9] {
            let mut digest: Vec<u8> = (1..=255_u8).map(|i| i.wrapping_mul(0xF3)).take(len).collect();
            let widened = widened(&digest, curve.width());
            let signature = with_curve!(arithmetic, C => sign::<C>(key.d(), drawn.d(), &widened));
            check(&digest, &signature, true);
            assert_eq!(other.verify(&digest, &signature), Some(false), "{}", curve.name);
            for at in [0, signature.len() / 2 - 1, signature.len() / 2, signature.len() - 1] {
                let mut broken = signature.clone();
                broken[at] ^= 1;
                check(&digest, &broken, false);
            }
            check(&digest, &signature[1..], false);
            check(&digest, &vec![0; signature.len()], false);
            digest[len.min(16) / 2] ^= 1;
            check(&digest, &signature, false);
        }
        // What was not checked says nothing.
        let unchecked = PrivateKey::new(curve, key.d(), other.public().cloned(), Validation::Skip).unwrap();
        assert_eq!(unchecked.verify(&[7; 32], &vec![7; 2 * curve.width()]), None);
    }
    let edwards = PrivateKey::generate(Curve::by_name("Ed25519").unwrap()).unwrap();
    assert_eq!(edwards.verify(&[7; 32], &[7; 64]), None);
}

#[test]
fn a_secret_is_compared_with_the_order_as_a_number() {
    for (secret, limit, below) in [
        (&[0, 0][..], &[0][..], false),
        (&[0, 1], &[2], true),
        (&[1, 0], &[2], false),
        (&[2], &[1, 0], true),
        (&[1, 2, 3], &[1, 2, 3], false),
        (&[1, 2, 2], &[1, 2, 3], true),
        (&[1, 2, 0xFF], &[1, 3, 0], true),
        (&[2, 0, 0], &[1, 0xFF, 0xFF], false),
        (&[0xFF], &[0], false),
    ] {
        assert_eq!(is_below(secret, limit), below, "{secret:?} {limit:?}");
    }
}

#[test]
fn a_scalar_beyond_the_order_is_refused_on_a_curve_without_arithmetic() {
    for curve in crate::key::curve::CURVES.iter().filter(|curve| !curve.has_arithmetic() && curve.form.is_affine()) {
        let public = PublicKey::new(curve, curve.parameters.gx, curve.parameters.gy, Validation::Full).unwrap();
        assert_eq!(public.consistency(), Consistency::Checked);
        let new = |d: &[u8]| PrivateKey::new(curve, d, Some(public.clone()), Validation::Full);
        assert_eq!(new(&[1]).unwrap().consistency(), Consistency::Unchecked, "{}", curve.name);
        let order = curve.parameters.n;
        assert!(new(order).is_err() && new(&[0]).is_err(), "{}", curve.name);
        let mut last = order.to_vec();
        *last.last_mut().unwrap() -= 1;
        // Where the order is longer than the field, some scalars do not fit a blob.
        assert_eq!(new(&last).is_ok(), order.len() == curve.width(), "{}", curve.name);
        assert_eq!(
            PrivateKey::new(curve, &[1], None, Validation::Full).unwrap_err(),
            Error::Missing { field: "the public point", why: "there is no arithmetic for this curve here" }
        );
    }
}

#[test]
fn an_ed25519_key_is_the_one_of_rfc_8032() {
    // RFC 8032 §7.1, TEST 1.
    let unhex =
        |text: &str| -> Vec<u8> { (0..32).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect() };
    let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let point = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let curve = Curve::by_name("Ed25519").unwrap();
    let key = PrivateKey::new(curve, &seed, None, Validation::Full).unwrap();
    assert_eq!((key.public().unwrap().x(), key.public().unwrap().y()), (point.as_slice(), &[][..]));
    assert_eq!((key.d().len(), key.consistency()), (32, Consistency::Checked));
    assert!(key.agree(key.public().unwrap()).is_none() && key.public().unwrap().verify(&[7; 32], &[7; 64]).is_none());
}

#[test]
fn the_checks_of_a_point_agree_with_the_curves_own_implementation() {
    for curve in computable() {
        for i in 0..8 {
            let key = PrivateKey::generate(curve).unwrap();
            let mut public = key.public().unwrap().clone();
            for flip in [0, 1 << i] {
                if curve.form.is_affine() {
                    public.y[i] ^= flip;
                    assert_eq!(curve.has_affine_point(&public.x, &public.y), public.is_on_curve(), "{}", curve.name);
                } else if curve.form == Form::Edwards {
                    public.x[i] ^= flip;
                    let dalek = ed25519_dalek::VerifyingKey::from_bytes(&public.x.clone().try_into().unwrap());
                    assert_eq!(public.is_on_curve(), dalek.is_ok());
                }
            }
        }
    }
}

#[test]
fn montgomery_coordinates_must_be_reduced() {
    let mut u = [0xFF; 32];
    u[31] = 0x7F;
    let is_reduced = |u: [u8; 32]| Curve::by_name("curve25519").unwrap().has_encoded_point(&u);
    assert!(!is_reduced(u));
    u[0] = 0xEC;
    assert!(is_reduced(u));
    u[31] = 0xFF;
    assert!(!is_reduced(u));
}

/// RFC 7748 §6.1 has the check that these evade: what is agreed on with one of them is zero whatever the private value.
#[test]
fn points_of_small_order_are_no_public_keys() {
    let eight = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let mut points = vec![[0; 32], [0; 32], [0xFF; 32]];
    points[1][0] = 1;
    (points[2][0], points[2][31]) = (0xEC, 0x7F);
    points.extend(eight.map(|text| {
        std::array::from_fn(|index| u8::from_str_radix(text.get(2 * index..2 * index + 2).unwrap(), 16).unwrap())
    }));
    let curve = Curve::by_name("curve25519").unwrap();
    let secret = x25519_dalek::StaticSecret::from([0x55; 32]);
    let refused = |curve, x: &[u8], y: &[u8]| {
        let taken = PublicKey::new(curve, x, y, Validation::Skip).unwrap();
        let refused = PublicKey::new(curve, x, y, Validation::Full).is_err();
        assert_eq!(refused, taken.consistency() == Consistency::Unchecked);
        assert!(taken.is_on_curve());
        refused
    };
    for point in &points {
        assert_eq!(secret.diffie_hellman(&(*point).into()).as_bytes(), &[0; 32]);
        assert!(refused(curve, point, &[]), "{point:02x?}");
    }
    // Other points of the curve and its twist.
    for u in 2..100 {
        let mut point = [0; 32];
        point[0] = u;
        assert!(!refused(curve, &point, &[]), "{u}");
    }
    let curve = Curve::by_name("X448").unwrap();
    let mut last = curve.parameters.p.to_vec();
    last.reverse();
    last[0] -= 1;
    for (low, small) in [(0, true), (1, true), (2, false), (5, false)] {
        let mut point = [0; 56];
        point[0] = low;
        assert_eq!(refused(curve, &point, &[]), small, "{low}");
    }
    assert!(refused(curve, &last, &[]));
    for name in ["numsP256t1", "numsP384t1", "numsP512t1"] {
        let curve = Curve::by_name(name).unwrap();
        let wide = |number: &[u8]| [vec![0; curve.width() - number.len()].as_slice(), number].concat();
        let mut minus_one = wide(curve.parameters.p);
        *minus_one.last_mut().unwrap() -= 1;
        assert!(refused(curve, &vec![0; curve.width()], &minus_one), "{name}");
        assert!(!refused(curve, &wide(curve.parameters.gx), &wide(curve.parameters.gy)), "{name}");
    }
}
