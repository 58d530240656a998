//! `decrypt NAME FILE`

use cng_pkcs11::hex;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::provider::CipherPadding;
use cng_pkcs11::token::Access;
use serde_json::{Map, Value, json};

use crate::args::{CipherPaddingArg, DecryptArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::file;

pub(crate) fn run(context: &Context, args: &DecryptArgs) -> Result<u8, Failure> {
    let is_oaep = args.padding == CipherPaddingArg::Oaep;
    if !is_oaep && (args.oaep_hash.is_some() || args.oaep_label.is_some()) {
        return Err(Failure::usage(
            "--oaep-hash and --oaep-label say how RSA-OAEP pads",
            "leave them out, or take --padding oaep",
        ));
    }
    file::check_target(args.output.as_deref(), true, true, context.output.is_json())?;
    let data = file::read(&args.file)?;
    let provider = context.provider(Access::ReadOnly)?;
    let key = context.key_to_use(&provider, &args.name)?;
    let first = || provider.token().profile().oaep.and_then(|hashes| hashes.first().copied());
    let hash = args.oaep_hash.or_else(first).unwrap_or(Hash::Sha256);
    let label = args.oaep_label.as_ref().map(|label| label.0.as_slice()).unwrap_or_default();
    let padding = if is_oaep { CipherPadding::Oaep { hash, label } } else { CipherPadding::Pkcs1 };
    let plain = key.decrypt(&padding, &data)?;
    let mut document = Map::from_iter([
        ("name".to_owned(), json!(key.label())),
        ("padding".to_owned(), json!(if is_oaep { "oaep" } else { "pkcs1" })),
        ("length".to_owned(), json!(plain.len())),
    ]);
    if is_oaep {
        document.insert("oaep_hash".to_owned(), json!(hash.name()));
    }
    match file::named(args.output.as_deref()) {
        Some(path) => {
            file::write(context.output, Some(path), &plain, true, true)?;
            document.insert("output".to_owned(), json!(path.display().to_string()));
        }
        None if context.output.is_json() => {
            document.insert("plaintext".to_owned(), json!(hex::encode(&plain)));
        }
        None => {
            context.output.data(&plain);
            return Ok(0);
        }
    }
    context.output.result(Value::Object(document), String::new);
    Ok(0)
}
