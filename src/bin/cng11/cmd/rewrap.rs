//! `rewrap FILE --unwrap-key A --wrap-key B`

use cng_pkcs11::Error;
use cng_pkcs11::format::{self, Format, wrapped_file};
use cng_pkcs11::key::Algorithm;
use cng_pkcs11::provider::{ExportParameters, ImportParameters, Incoming, Key, StorageProvider};
use cng_pkcs11::token::Access;
use cng_pkcs11::wrap::{self, Scheme};

use crate::args::{InputType, RewrapArgs};
use crate::cmd::export::{Delivery, deliver, warn};
use crate::cmd::recipients;
use crate::context::Context;
use crate::failure::Failure;
use crate::file;

pub(crate) fn run(context: &Context, args: &RewrapArgs) -> Result<u8, Failure> {
    if args.wrapping.is_empty() {
        return Err(Failure::usage(
            "there is no key to wrap it under",
            "name it with --wrap-key, or the file of a public key with --wrap-to",
        ));
    }
    let bytes = file::read(&args.file)?;
    if matches!(args.kind, InputType::Auto) && wrapped_file::is_wrapped_file(&bytes) {
        return Err(Failure::usage(
            "a file of p11wrap or p11sak tells name and rights, which would be lost",
            "import it first, and export it wrapped",
        ));
    }
    // Each that it may be, in the order in which they are tried.
    let formats = match args.kind {
        InputType::Is(format) if format.is_wrapped() || matches!(format, Format::PKCS8 | Format::Raw) => vec![format],
        InputType::Is(other) => {
            return Err(Failure::usage(
                format!("a wrapped file does not hold a {}", other.name()),
                "--type says what is inside, or what carries it: PKCS8_PRIVATEKEY, raw, or a container",
            ));
        }
        InputType::Auto => match format::sniff(&bytes).ok().filter(|format| format.is_wrapped()) {
            Some(container) => vec![container],
            None => match args.algorithm {
                Some(algorithm) if algorithm.family.as_symmetric().is_some() => vec![Format::Raw],
                Some(_) => vec![Format::PKCS8],
                None => vec![Format::PKCS8, Format::Raw],
            },
        },
    };
    file::check_target(args.output.as_deref(), args.force, true, context.output.is_json())?;
    let incoming = ImportParameters {
        algorithm: args.algorithm,
        scheme: args.scheme,
        hash: args.oaep.oaep_hash,
        label: args.oaep.label(),
        ..ImportParameters::default()
    };
    let outgoing = ExportParameters {
        scheme: args.to_scheme,
        hash: args.to_oaep_hash,
        label: args.to_oaep_label.as_ref().map(|label| label.0.clone()).unwrap_or_default(),
        force: args.force,
        ..ExportParameters::default()
    };

    let provider: StorageProvider = context.provider(Access::ReadOnly)?;
    let unwrap_key = provider.open_key(&args.unwrap_key)?;
    let keys = recipients::open(&provider, &args.wrapping)?;
    let recipients: Vec<&Key> = keys.iter().collect();
    // What is not said stays as it was, under a key of the same kind.
    let fits = |scheme: &Scheme| keys.iter().all(|key| (key.algorithm() == Some(Algorithm::RSA)) == scheme.is_rsa());
    let kept = args.scheme.filter(|scheme| args.to.is_none_or(|to| !to.is_wrapped()) && fits(scheme));
    let outgoing = ExportParameters { scheme: outgoing.scheme.or(kept), ..outgoing };
    let mut outcome = None;
    for format in formats {
        let to = args.to.unwrap_or(format);
        let incoming = Incoming { key: &unwrap_key, format, parameters: &incoming, data: &bytes };
        let tried = provider.rewrap(incoming, &recipients, to, &outgoing);
        let goes_on = matches!(tried, Err(Error::Wrap(wrap::Error::Unwrap { .. } | wrap::Error::Length { .. })));
        // Of several failures the first says most: it is of what such a file usually holds.
        if outcome.is_none() || tried.is_ok() {
            outcome = Some((to, tried));
        }
        if !goes_on {
            break;
        }
    }
    let Some((to, rewrapped)) = outcome else {
        return Err(Failure::usage("the file was read as nothing", "say with --type what it holds"));
    };
    let rewrapped = rewrapped?;
    let warnings = warn(context, &keys, &rewrapped, &[]);
    let what = Delivery {
        name: None,
        kind: to.name(),
        exported: &rewrapped,
        public: false,
        variant: None,
        warnings: &warnings,
    };
    deliver(context, args.output.as_deref(), args.force, &what)?;
    Ok(0)
}
