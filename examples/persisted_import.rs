//! A key that exists already goes onto the token under a name, step by step: the way that CNG has for it.
//!
//!     scripts/softhsm -- cargo run --example persisted_import
//!
//! Which token comes from CNG11_MODULE and CNG11_TOKEN, and the PIN from CNG11_PIN. The key is the one of RFC 6979, A.2.5, which everybody has: it is
//! deleted at the end.

#![allow(clippy::print_stdout, reason = "it tells what it does")]

use std::error::Error;

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage, rsa::Hash};
use cng_pkcs11::provider::{ExportParameters, Flags, KeyName, Padding, StorageProvider};
use cng_pkcs11::token::{Access, Module, Pin, SecretString, Token, Uri};

/// An `ECCPRIVATEBLOB`: eight bytes of `BCRYPT_ECCKEY_BLOB` (ECDSA_P256, 32), then X, Y and d.
const PRIVATE_BLOB: [u8; 8 + 3 * 32] = [
    0x45, 0x43, 0x53, 0x32, 0x20, 0x00, 0x00, 0x00, // ECS2, 32
    0x60, 0xFE, 0xD4, 0xBA, 0x25, 0x5A, 0x9D, 0x31, 0xC9, 0x61, 0xEB, 0x74, 0xC6, 0x35, 0x6D, 0x68, 0xC0, 0x49, 0xB8,
    0x92, 0x3B, 0x61, 0xFA, 0x6C, 0xE6, 0x69, 0x62, 0x2E, 0x60, 0xF2, 0x9F, 0xB6, 0x79, 0x03, 0xFE, 0x10, 0x08, 0xB8,
    0xBC, 0x99, 0xA4, 0x1A, 0xE9, 0xE9, 0x56, 0x28, 0xBC, 0x64, 0xF2, 0xF1, 0xB2, 0x0C, 0x2D, 0x7E, 0x9F, 0x51, 0x77,
    0xA3, 0xC2, 0x94, 0xD4, 0x46, 0x22, 0x99, 0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57,
    0x67, 0xB1, 0xD6, 0x93, 0x4E, 0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B, 0x12, 0x0F, 0x67,
    0x21,
];

fn main() -> Result<(), Box<dyn Error>> {
    let module = Module::load(std::env::var("CNG11_MODULE")?.as_ref())?;
    let info = module.select(std::env::var("CNG11_TOKEN").ok().map(|label| Uri::of_token(&label)).as_ref())?;
    let token = Token::open(module, info, Access::ReadWrite)?;
    token.login(&Pin::from(SecretString::from(std::env::var("CNG11_PIN")?)))?;
    let provider = StorageProvider::new(token);
    println!("0. the token");

    let name = KeyName::new("example-persisted-import")?;
    let mut key = provider.create_persisted_key(Algorithm::by_name("ECDSA_P256")?, Some(&name), Flags::NONE)?;
    println!("1. a key with a name and nothing in it");
    key.set_export_policy(ExportPolicy::ENCRYPTED)?;
    println!("2. it may leave wrapped, and never in the clear");
    key.set_usage(KeyUsage::SIGN)?;
    println!("3. it may sign, and do nothing else");
    key.set_property(BlobType::EccPrivate.name(), &PRIVATE_BLOB)?;
    println!("4. its blob, as the property that is named like the blob's type");
    key.finalize(Flags::NONE)?;
    println!("5. onto the token");
    drop(key);
    println!("6. the handle goes, the key stays");

    let key = provider.open_key(name.as_str())?;
    println!("7. found by its name");
    let digest = Hash::Sha256.digest(b"sample");
    println!("8. a digest");
    let signature = key.sign_hash(Padding::None, &digest)?;
    println!("9. signed on the token");
    key.verify_signature(Padding::None, &digest, &signature)?;
    println!("10. and verified");
    let refused = key.danger_export_plaintext(Format::Blob(BlobType::EccPrivate)).map(|_| ());
    println!("11. in the clear it does not leave: {}", refused.err().ok_or("it left in the clear")?);
    let public = key.export(None, Format::Blob(BlobType::EccPublic), &ExportParameters::default())?;
    println!("12. its public half does: {} bytes", public.bytes.len());
    drop(key);
    provider.delete_key(name.as_str())?;
    println!("13. deleted");
    Ok(())
}
