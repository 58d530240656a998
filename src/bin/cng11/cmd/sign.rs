//! `sign NAME FILE` and `verify NAME FILE SIG`

use cng_pkcs11::asn1::ecdsa;
use cng_pkcs11::hex;
use cng_pkcs11::key::Family;
use cng_pkcs11::provider::{Error, Key, Padding};
use cng_pkcs11::token::Access;
use serde_json::json;

use crate::args::{PaddingArg, SignArgs, SignatureFormat, SigningArgs, VerifyArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::file;

pub(crate) fn sign(context: &Context, args: &SignArgs) -> Result<u8, Failure> {
    file::check_target(args.output.as_deref(), true, true, context.output.is_json())?;
    let digest = digest(&args.signing, &args.file)?;
    let key = context.key_to_use(&context.provider(Access::ReadOnly)?, &args.name)?;
    let signature = key.sign_hash(padding(&key, &args.signing)?, &digest)?;
    let signature = match args.signing.format {
        SignatureFormat::Der if is_elliptic(&key) => ecdsa::to_der(&signature)?,
        _ => signature,
    };
    match file::named(args.output.as_deref()) {
        Some(path) => {
            file::write(context.output, Some(path), &signature, false, true)?;
            let document =
                json!({ "name": key.label(), "hash": args.signing.hash.name(), "output": path.display().to_string() });
            context.output.result(document, String::new);
        }
        None if context.output.is_json() => {
            let document =
                json!({ "name": key.label(), "hash": args.signing.hash.name(), "signature": hex::encode(&signature) });
            context.output.result(document, String::new);
        }
        None => context.output.data(&signature),
    }
    Ok(0)
}

pub(crate) fn verify(context: &Context, args: &VerifyArgs) -> Result<u8, Failure> {
    let digest = digest(&args.signing, &args.file)?;
    let signature = file::read(&args.signature)?;
    let key = context.provider(Access::ReadOnly)?.open_key(&args.name)?;
    let width = key.signature_length().unwrap_or(0) / 2;
    let signature = match args.signing.format {
        // What is no DER is no signature either.
        SignatureFormat::Der if is_elliptic(&key) => {
            ecdsa::from_der(&signature, width).map_err(|_| cng_pkcs11::Error::from(Error::BadSignature))?
        }
        _ => signature.to_vec(),
    };
    key.verify_signature(padding(&key, &args.signing)?, &digest, &signature)?;
    context.output.result(json!({ "name": key.label(), "verified": true }), || "the signature verifies\n".to_owned());
    Ok(0)
}

fn digest(args: &SigningArgs, path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    args.hash.digest_reader(&mut file::open(path)?).map_err(|error| Failure::file(path, &error))
}

fn padding(key: &Key, args: &SigningArgs) -> Result<Padding, Failure> {
    let hash = args.hash;
    match (key.algorithm().map(|algorithm| algorithm.family), args.padding) {
        (Some(Family::Rsa), None | Some(PaddingArg::Pkcs1)) => Ok(Padding::Pkcs1(Some(hash))),
        (Some(Family::Rsa), Some(PaddingArg::Pss)) => Ok(Padding::Pss { hash, salt_len: hash.length() }),
        (Some(Family::Ecdsa | Family::Ecdh), None) => Ok(Padding::None),
        (Some(Family::Ecdsa | Family::Ecdh), Some(_)) => {
            Err(Failure::usage("an elliptic-curve signature has no padding", "leave --padding out"))
        }
        _ => Err(Failure::usage("a symmetric key does not sign here", "use an RSA or elliptic-curve key")),
    }
}

fn is_elliptic(key: &Key) -> bool {
    key.algorithm().is_some_and(|algorithm| algorithm.family.is_elliptic())
}
