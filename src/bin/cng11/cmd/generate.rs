//! `generate NAME --algorithm A …`

use cng_pkcs11::key::{Algorithm, Family};
use cng_pkcs11::provider::{Flags, KeyName};
use cng_pkcs11::token::Access;

use crate::args::GenerateArgs;
use crate::cmd::{explaining, report_made};
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(context: &Context, args: &GenerateArgs) -> Result<u8, Failure> {
    let name = KeyName::new(&args.name)?;
    let algorithm = algorithm(args)?;
    let additions = args.policy.additions()?;
    let flags = if args.policy.overwrite { Flags::OVERWRITE_KEY } else { Flags::NONE };
    let mut key = context.provider(Access::ReadWrite)?.create_persisted_key(algorithm, Some(&name), flags)?;
    if let Some(policy) = args.policy.export_policy {
        key.set_export_policy(policy)?;
    }
    if let Some(usage) = args.policy.usage {
        key.set_usage(usage)?;
    }
    if let Some(bits) = args.bits {
        key.set_length(bits)?;
    }
    if let Some(id) = &args.policy.id {
        key.set_id(&id.0)?;
    }
    key.set_additions(additions)?;
    context.authorize(&mut key)?;
    explaining(args.policy.explain, &mut key, |key| key.finalize(Flags::NONE))?;
    report_made(context.output, &key, "generated", &[]);
    Ok(0)
}

/// The algorithm with its curve; what cannot be is told before the token is opened.
fn algorithm(args: &GenerateArgs) -> Result<Algorithm, Failure> {
    let Algorithm { family, curve } = args.algorithm;
    match (family.is_elliptic(), curve, args.curve) {
        (false, _, Some(_)) => Err(Failure::usage(format!("{} has no curve", args.algorithm), "leave --curve out")),
        (true, Some(named), Some(given)) if named != given => Err(Failure::usage(
            format!("{} is not on {}", args.algorithm, given.name),
            "leave --curve out, or use ECDSA or ECDH with it",
        )),
        (true, None, None) => Err(Failure::usage(
            format!("{} needs a curve", args.algorithm),
            "for instance --curve secP256k1, or an algorithm like ECDSA_P256",
        )),
        (true, named, given) => {
            let curve = named.or(given);
            let algorithm = curve.map_or(args.algorithm, |curve| Algorithm::elliptic(family, curve));
            if algorithm.family != family {
                let message = format!("{family:?} is not possible on {}", curve.map_or("", |curve| curve.name));
                return Err(Failure::usage(message, format!("use {} with this curve", algorithm.family.group())));
            }
            Ok(algorithm)
        }
        (false, ..) => match (family, args.bits) {
            (Family::Rsa, Some(bits)) if !(512..=16384).contains(&bits) => {
                Err(Failure::usage(format!("an RSA key of {bits} bits is not possible"), "512 to 16384 bits are"))
            }
            (Family::Symmetric(symmetric), Some(bits)) if bits % 8 != 0 || !symmetric.accepts(bits as usize / 8) => {
                Err(Failure::usage(
                    format!("an {} key of {bits} bits is not possible", symmetric.name()),
                    "AES has 128, 192 or 256",
                ))
            }
            _ => Ok(args.algorithm),
        },
    }
}
