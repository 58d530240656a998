//! The C library out of the library that the tests have compiled already: `scripts/capi --dev` takes it from here. What is installed is built by `scripts/capi build`.

// What is exported is in there; nothing of it is named here.
extern crate cng_pkcs11 as _;
