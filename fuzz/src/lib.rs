//! The fuzz targets of `cng-pkcs11`: one for each decoder, and some over all of them.
//!
//! Owns the list of targets ([`Target::all`], made from the library's own list of formats: a new decoder has a target the moment it has a name)
//! and what must hold for every input ([`check`]). The input of a target is the file itself, with nothing around it: a crashing input
//! goes into `cng11 inspect` as it is, and a vector is a seed as it is ([`seeds`]).
//!
//! | target | what runs |
//! |---|---|
//! | `blob_…`, `format_…` | one decoder, and the encoder on what it read |
//! | `sniff` | recognition, and the decoder of what was recognised |
//! | `inspect` | the fields of every format |
//! | `convert` | whatever the input is, into every format that can hold it, and back |
//! | `encrypted` | password-based encryption, with small limits of work |
//! | `wrap_unwrap` | the wrapping schemes in software, under fixed keys; here the first byte is the scheme, and what is wrapped comes behind it |
//! | `wrapped_file` | the wrapped-key files of other PKCS#11 tools |
//! | `der` | the small decoders of DER: lengths, certificates, signatures, names |
//! | `cms` | EnvelopedData, and the encoder on what was read |
//! | `manifest_…` | manifests of bulk imports: an entry that was read is written, and the same when that is read |
//! | `journal` | journals: the input as a file, and its lines as records with check digits that fit |
//! | `transport` | `OpaqueTransport`: what is read is written as it was |
//! | `cert_store` | serialized certificate stores, and the writer on what was read |

pub mod check;
pub mod memory;
pub mod seeds;
mod target;

#[doc(hidden)]
pub use libfuzzer_sys;

pub use target::Target;

/// A `cargo fuzz` program: the target that has the program's name.
#[macro_export]
macro_rules! target {
    () => {
        #![no_main]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::Target::named(env!("CARGO_BIN_NAME")).run(data));
    };
}
