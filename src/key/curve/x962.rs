//! The curves of ANSI X9.62 appendix J.5 that SEC 2 does not have, and WAP-261-WTLS curve 9, as `openssl ecparam -param_enc explicit`
//! writes them.

use super::parameters::{Parameters, parameters};

pub(super) static X962P192V2: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffeffffffffffffffff",
    a: "fffffffffffffffffffffffffffffffefffffffffffffffc",
    b: "cc22d6dfb95c6b25e49c0d6364a4e5980c393aa21668d953",
    gx: "eea2bae7e1497842f2de7769cfe9c989c072ad696f48034a",
    gy: "6574d11d69b6ec7a672bb82a083df2f2b0847de970b2de15",
    n: "fffffffffffffffffffffffe5fb1a724dc80418648d8dd31",
    h: 1,
    seed: "31a92ee2029fd10d901b113e990710f0d21ac6b6",
};

pub(super) static X962P192V3: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffeffffffffffffffff",
    a: "fffffffffffffffffffffffffffffffefffffffffffffffc",
    b: "22123dc2395a05caa7423daeccc94760a7d462256bd56916",
    gx: "7d29778100c65a1da1783716588dce2b8b4aee8e228f1896",
    gy: "38a90f22637337334b49dcb66a6dc8f9978aca7648a943b0",
    n: "ffffffffffffffffffffffff7a62d031c83f4294f640ec13",
    h: 1,
    seed: "c469684435deb378c4b65ca9591e2a5763059a2e",
};

pub(super) static X962P239V1: Parameters = parameters! {
    p: "7fffffffffffffffffffffff7fffffffffff8000000000007fffffffffff",
    a: "7fffffffffffffffffffffff7fffffffffff8000000000007ffffffffffc",
    b: "6b016c3bdcf18941d0d654921475ca71a9db2fb27d1d37796185c2942c0a",
    gx: "0ffa963cdca8816ccc33b8642bedf905c3d358573d3f27fbbd3b3cb9aaaf",
    gy: "7debe8e4e90a5dae6e4054ca530ba04654b36818ce226b39fccb7b02f1ae",
    n: "7fffffffffffffffffffffff7fffff9e5e9a9f5d9071fbd1522688909d0b",
    h: 1,
    seed: "e43bb460f0b80cc0c0b075798e948060f8321b7d",
};

pub(super) static X962P239V2: Parameters = parameters! {
    p: "7fffffffffffffffffffffff7fffffffffff8000000000007fffffffffff",
    a: "7fffffffffffffffffffffff7fffffffffff8000000000007ffffffffffc",
    b: "617fab6832576cbbfed50d99f0249c3fee58b94ba0038c7ae84c8c832f2c",
    gx: "38af09d98727705120c921bb5e9e26296a3cdcf2f35757a0eafd87b830e7",
    gy: "5b0125e4dbea0ec7206da0fc01d9b081329fb555de6ef460237dff8be4ba",
    n: "7fffffffffffffffffffffff800000cfa7e8594377d414c03821bc582063",
    h: 1,
    seed: "e8b4011604095303ca3b8099982be09fcb9ae616",
};

pub(super) static X962P239V3: Parameters = parameters! {
    p: "7fffffffffffffffffffffff7fffffffffff8000000000007fffffffffff",
    a: "7fffffffffffffffffffffff7fffffffffff8000000000007ffffffffffc",
    b: "255705fa2a306654b1f4cb03d6a750a30c250102d4988717d9ba15ab6d3e",
    gx: "6768ae8e18bb92cfcf005c949aa2c6d94853d0e660bbf854b1c9505fe95a",
    gy: "1607e6898f390c06bc1d552bad226f3b6fcfe48b6e818499af18e3ed6cf3",
    n: "7fffffffffffffffffffffff7fffff975deb41b3a6057c3c432146526551",
    h: 1,
    seed: "7d7374168ffe3471b60a857686a19475d3bfa2ff",
};

pub(super) static WTLS9: Parameters = parameters! {
    p: "fffffffffffffffffffffffffffffffffffc808f",
    a: "0000000000000000000000000000000000000000",
    b: "0000000000000000000000000000000000000003",
    gx: "0000000000000000000000000000000000000001",
    gy: "0000000000000000000000000000000000000002",
    n: "0100000000000000000001cdc98ae0e2de574abf33",
    h: 1,
    seed: "",
};
