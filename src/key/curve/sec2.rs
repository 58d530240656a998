//! The curves of SEC 2 (versions 1 and 2), among them NIST's (SP 800-186), as `openssl ecparam -param_enc explicit` writes them.

use super::parameters::{Parameters, parameters};

pub(super) static NIST_P192: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffeffffffffffffffff",
    a: "fffffffffffffffffffffffffffffffefffffffffffffffc",
    b: "64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1",
    gx: "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012",
    gy: "07192b95ffc8da78631011ed6b24cdd573f977a11e794811",
    n: "ffffffffffffffffffffffff99def836146bc9b1b4d22831",
    h: 1,
    seed: "3045ae6fc8422f64ed579528d38120eae12196d5",
};

pub(super) static NIST_P224: Parameters = parameters! {
    p: "ffffffffffffffffffffffffffffffff000000000000000000000001",
    a: "fffffffffffffffffffffffffffffffefffffffffffffffffffffffe",
    b: "b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4",
    gx: "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
    gy: "bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
    n: "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
    h: 1,
    seed: "bd71344799d5c7fcdc45b59fa3b9ab8f6a948bc5",
};

pub(super) static NIST_P256: Parameters = parameters! {
    p: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    a: "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
    b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    gx: "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    gy: "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    n: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    h: 1,
    seed: "c49d360886e704936a6678e1139d26b7819f7e90",
};

pub(super) static NIST_P384: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    a: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
    b: "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    gx: "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
    gy: "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    n: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    h: 1,
    seed: "a335926aa319a27a1d00896a6773a4827acdac73",
};

pub(super) static NIST_P521: Parameters = parameters! {
    p: "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    a: "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc",
    b: "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109\
        e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    gx: "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3d\
        baa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
    gy: "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e66\
        2c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
    n: "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    h: 1,
    seed: "d09e8800291cb85396cc6717393284aaa0da64ba",
};

pub(super) static SEC_P160K1: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffeffffac73",
    a: "0000000000000000000000000000000000000000",
    b: "0000000000000000000000000000000000000007",
    gx: "3b4c382ce37aa192a4019e763036f4f5dd4d7ebb",
    gy: "938cf935318fdced6bc28286531733c3f03c4fee",
    n: "0100000000000000000001b8fa16dfab9aca16b6b3",
    h: 1,
    seed: "",
};

pub(super) static SEC_P160R1: Parameters = parameters! {
    p: "ffffffffffffffffffffffffffffffff7fffffff",
    a: "ffffffffffffffffffffffffffffffff7ffffffc",
    b: "1c97befc54bd7a8b65acf89f81d4d4adc565fa45",
    gx: "4a96b5688ef573284664698968c38bb913cbfc82",
    gy: "23a628553168947d59dcc912042351377ac5fb32",
    n: "0100000000000000000001f4c8f927aed3ca752257",
    h: 1,
    seed: "1053cde42c14d696e67687561517533bf3f83345",
};

pub(super) static SEC_P160R2: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffeffffac73",
    a: "fffffffffffffffffffffffffffffffeffffac70",
    b: "b4e134d3fb59eb8bab57274904664d5af50388ba",
    gx: "52dcb034293a117e1f4ff11b30f7199d3144ce6d",
    gy: "feaffef2e331f296e071fa0df9982cfea7d43f2e",
    n: "0100000000000000000000351ee786a818f3a1a16b",
    h: 1,
    seed: "b99b99b099b323e02709a4d696e6768756151751",
};

pub(super) static SEC_P192K1: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffeffffee37",
    a: "000000000000000000000000000000000000000000000000",
    b: "000000000000000000000000000000000000000000000003",
    gx: "db4ff10ec057e9ae26b07d0280b7f4341da5d1b1eae06c7d",
    gy: "9b2f2f6d9c5628a7844163d015be86344082aa88d95e2f9d",
    n: "fffffffffffffffffffffffe26f2fc170f69466a74defd8d",
    h: 1,
    seed: "",
};

pub(super) static SEC_P224K1: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffffffffffeffffe56d",
    a: "00000000000000000000000000000000000000000000000000000000",
    b: "00000000000000000000000000000000000000000000000000000005",
    gx: "a1455b334df099df30fc28a169a467e9e47075a90f7e650eb6b7a45c",
    gy: "7e089fed7fba344282cafbd6f7e319f7c0b0bd59e2ca4bdb556d61a5",
    n: "010000000000000000000000000001dce8d2ec6184caf0a971769fb1f7",
    h: 1,
    seed: "",
};

pub(super) static SEC_P256K1: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
    a: "0000000000000000000000000000000000000000000000000000000000000000",
    b: "0000000000000000000000000000000000000000000000000000000000000007",
    gx: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    gy: "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    n: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    h: 1,
    seed: "",
};
