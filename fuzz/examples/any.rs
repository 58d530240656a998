//! All fuzz targets in one program: `CNG11_FUZZ_TARGET` names the one to run.
//!
//! With `CNG11_FUZZ_SEEDS=DIR` it writes the seeds of every target into a folder of its name there instead, from the vectors.

#![no_main]

use std::sync::OnceLock;

use cng_pkcs11_fuzz::{Target, seeds};

static TARGET: OnceLock<Target> = OnceLock::new();

fn choose() {
    if let Some(folder) = std::env::var_os("CNG11_FUZZ_SEEDS") {
        seeds::write(folder.as_ref());
        std::process::exit(0);
    }
    let name = std::env::var("CNG11_FUZZ_TARGET").expect("CNG11_FUZZ_TARGET names no target");
    TARGET.set(Target::named(&name)).expect("chosen once");
}

libfuzzer_sys::fuzz_target!(init: choose(), |data: &[u8]| {
    TARGET.get().expect("chosen").run(data);
});
