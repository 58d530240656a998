//! The curves that are not in SEC 2, X9.62 or RFC 5639: WAPI's, NUMS, and those of RFC 7748 and RFC 8032.
//!
//! For each of them, with an independent program: p and n are prime, G is on the curve, n·G = O, and n·h lies in Hasse's interval.

use super::parameters::{Parameters, parameters};

// GB 15629.11-2003/XG1-2006, the Chinese WAPI; Bouncy Castle has it as `wapi192v1`.

pub(super) static EC192WAPI: Parameters = parameters! {
    p: "bdb6f4fe3e8b1d9e0da8c0d46f4c318cefe4afe3b6b8551f",
    a: "bb8e5e8fbc115e139fe6a814fe48aaa6f0ada1aa5df91985",
    b: "1854bebdc31b21b7aefc80ab0ecd10d5b1b3308e6dbf11c1",
    gx: "4ad5f7048de709ad51236de65e4d4b482c836dc6e4106640",
    gy: "02bb3a02d4aaadacae24817a4ca3a1b014b5270432db27d2",
    n: "bdb6f4fe3e8b1d9e0da8c0d40fc962195dfae76f56564677",
    h: 1,
    seed: "",
};

// draft-black-numscurves: twisted Edwards, a·x² + y² = 1 + d·x²·y², with d in the place of b. The numbers are those of SymCrypt,
// which is what Windows computes with.

pub(super) static NUMS_P256T1: Parameters = parameters! {
    p: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff43",
    a: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff42",
    b: "0000000000000000000000000000000000000000000000000000000000003bee",
    gx: "000000000000000000000000000000000000000000000000000000000000000d",
    gy: "7d0ab41e2a1276dba3d330b39fa046bfbe2a6d63824d303f707f6fb5331cadba",
    n: "3fffffffffffffffffffffffffffffffbe6aa55ad0a6bc64e5b84e6f1122b4ad",
    h: 4,
    seed: "",
};

pub(super) static NUMS_P384T1: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec3",
    a: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec2",
    b: "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005158a",
    gx: "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000008",
    gy: "749cdaba136ce9b65bd4471794aa619daa5c7b4c930bff8ebd798a8ae753c6d72f003860febabad534a4acf5fa7f5bee",
    n: "3fffffffffffffffffffffffffffffffffffffffffffffffecd7d11ed5a259a25a13a0458e39f4e451d6d71f70426e25",
    h: 4,
    seed: "",
};

pub(super) static NUMS_P512T1: Parameters = parameters! {
    p: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffdc7",
    a: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffdc6",
    b: "0000000000000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000000000000009baa8",
    gx: "0000000000000000000000000000000000000000000000000000000000000000\
        0000000000000000000000000000000000000000000000000000000000000020",
    gy: "7d67e841dc4c467b605091d80869212f9ceb124bf726973f9ff048779e1d614e\
        62ae2ece5057b5dad96b7a897c1d72799261134638750f4f0cb91027543b1c5e",
    n: "3fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        a7e50809efdabbb9a624784f449545f0dcea5ff0cb800f894e78d1cb0b5f0189",
    h: 4,
    seed: "",
};

// RFC 7748 §4.1 and §4.2: Montgomery, b·v² = u³ + a·u² + u with b = 1.

pub(super) static CURVE25519: Parameters = parameters! {
    p: "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
    a: "0000000000000000000000000000000000000000000000000000000000076d06",
    b: "0000000000000000000000000000000000000000000000000000000000000001",
    gx: "0000000000000000000000000000000000000000000000000000000000000009",
    gy: "20ae19a1b8a086b4e01edd2c7748d14c923d4d7e6d7c61b229e9c5a27eced3d9",
    n: "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
    h: 8,
    seed: "",
};

pub(super) static X448: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    a: "00000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000000262a6",
    b: "00000000000000000000000000000000000000000000000000000000\
        00000000000000000000000000000000000000000000000000000001",
    gx: "00000000000000000000000000000000000000000000000000000000\
        00000000000000000000000000000000000000000000000000000005",
    gy: "7d235d1295f5b1f66c98ab6e58326fcecbae5d34f55545d060f75dc2\
        8df3f6edb8027e2346430d211312c4b150677af76fd7223d457b5b1a",
    n: "3fffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        7cca23e9c44edb49aed63690216cc2728dc58f552378c292ab5844f3",
    h: 4,
    seed: "",
};

// RFC 8032 §5.1 and §5.2: (twisted) Edwards, a·x² + y² = 1 + d·x²·y², with d in the place of b.

pub(super) static ED25519: Parameters = parameters! {
    p: "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
    a: "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
    b: "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3",
    gx: "216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a",
    gy: "6666666666666666666666666666666666666666666666666666666666666658",
    n: "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
    h: 8,
    seed: "",
};

pub(super) static ED448: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    a: "00000000000000000000000000000000000000000000000000000000\
        00000000000000000000000000000000000000000000000000000001",
    b: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
        ffffffffffffffffffffffffffffffffffffffffffffffffffff6756",
    gx: "4f1970c66bed0ded221d15a622bf36da9e146570470f1767ea6de324\
        a3d3a46412ae1af72ab66511433b80e18b00938e2626a82bc70cc05e",
    gy: "693f46716eb6bc248876203756c9c7624bea73736ca3984087789c1e\
        05a0c2d73ad3ff1ce67c39c4fdbd132c4ed7c8ad9808795bf230fa14",
    n: "3fffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        7cca23e9c44edb49aed63690216cc2728dc58f552378c292ab5844f3",
    h: 4,
    seed: "",
};
