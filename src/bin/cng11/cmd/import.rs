//! `import FILE [--name NAME] …`

use cng_pkcs11::asn1;
use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::bulk::import::recognise;
use cng_pkcs11::format::{self, Format, wrapped_file};
use cng_pkcs11::key::{KeyMaterial, Validation};
use cng_pkcs11::provider::{Error, Flags, ImportParameters, Key, KeyName, Rehearsal, StorageProvider, check_algorithm};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::token::Access;
use serde_json::json;

use crate::args::{ImportArgs, InputType, RouteArg};
use crate::cmd::{explaining, how_json, how_text, report_explanations, report_made};
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::printable;

pub(crate) fn run(context: &Context, args: &ImportArgs) -> Result<u8, Failure> {
    let additions = args.policy.additions()?;
    let given = args.name.as_deref().map(KeyName::new).transpose()?;
    if args.route == RouteArg::Create && args.unwrap_key.is_some() {
        return Err(Failure::usage(
            "a wrapped file cannot go by the route `create`",
            "leave --route or --unwrap-key out",
        ));
    }
    if args.unwrap_key.is_none() && !args.oaep.is_empty() {
        return Err(Failure::usage(
            "--oaep-hash and --oaep-label are about a wrapped file",
            "name the key that opens it with --unwrap-key",
        ));
    }
    if args.unwrap_key.is_some() && (args.password_source.is_some() || args.choice.key.is_some()) {
        return Err(Failure::usage(
            "--password-source and --key are about a file that no other key wraps",
            "leave them out, or --unwrap-key",
        ));
    }
    let bytes = file::read(&args.file)?;
    let certificate = args.cert.as_deref().map(file::read).transpose()?;
    let mut parameters = ImportParameters {
        name: given,
        algorithm: args.algorithm,
        curve: args.curve,
        password: context.password(args.password_source.as_deref(), "--password-source")?,
        scheme: args.scheme,
        hash: args.oaep.oaep_hash,
        label: args.oaep.label(),
        routing: args.route.routing(),
        ..ImportParameters::default()
    };
    let mut flags = Flags::DO_NOT_FINALIZE | Flags::SILENT;
    if args.policy.overwrite {
        flags |= Flags::OVERWRITE_KEY;
    }
    if args.no_validate {
        flags |= Flags::NO_KEY_VALIDATION;
    }
    let mut warnings = Vec::new();
    let mut key = match &args.unwrap_key {
        None => clear(context, args, &mut parameters, &bytes, flags, &mut warnings)?,
        Some(_) if is_clear(args, &bytes) => clear(context, args, &mut parameters, &bytes, flags, &mut warnings)?,
        Some(unwrap_key) => wrapped(context, args, unwrap_key, &parameters, &bytes, flags)?,
    };
    if let Some(policy) = args.policy.export_policy {
        key.set_export_policy(policy)?;
    }
    if let Some(usage) = args.policy.usage {
        key.set_usage(usage)?;
    }
    if let Some(id) = &args.policy.id {
        key.set_id(&id.0)?;
    }
    key.set_additions(additions)?;
    if let Some(certificate) = &certificate {
        key.set_certificate(certificate)?;
    }
    if args.dry_run {
        let name = key.name().cloned().ok_or_else(nameless)?;
        return rehearse(context, args.policy.explain, &mut key, &name, &warnings);
    }
    context.authorize(&mut key)?;
    explaining(args.policy.explain, &mut key, |key| key.finalize(Flags::NONE))?;
    report_made(context.output, &key, "imported", &warnings);
    Ok(0)
}

/// Whether a file that goes by way of --unwrap-key is in the clear: it is wrapped here then. Wrapped bytes look like no key.
fn is_clear(args: &ImportArgs, bytes: &SecretBytes) -> bool {
    let is_one = |format: Format| !format.is_wrapped() && !format.is_public() && format != Format::Raw;
    let sniffed = || format::sniff(bytes).is_ok_and(is_one) && !wrapped_file::is_wrapped_file(bytes);
    args.route == RouteArg::Unwrap
        && match args.kind {
            InputType::Auto | InputType::Is(Format::PKCS8) => sniffed(),
            InputType::Is(format) => is_one(format),
        }
}

/// A file in the clear: everything that can be wrong with it is told before the token is touched.
fn clear(
    context: &Context,
    args: &ImportArgs,
    parameters: &mut ImportParameters,
    bytes: &SecretBytes,
    flags: Flags,
    warnings: &mut Vec<String>,
) -> Result<Key, Failure> {
    let format = match args.kind {
        InputType::Is(format) => format,
        InputType::Auto => recognise(bytes, args.algorithm)?,
    };
    // The PIN is asked for once.
    let mut opened = None;
    if let Some(key) = by_the_token(context, args, parameters, bytes, format, flags, &mut opened)? {
        return Ok(key);
    }
    let hints = Hints {
        algorithm: parameters.algorithm,
        curve: parameters.curve,
        password: parameters.password.as_ref(),
        validation: if args.no_validate { Validation::Skip } else { Validation::Full },
        limits: args.choice.limits(),
    };
    let entry = format::decode_one(bytes, format, &hints, args.choice.key.as_deref()).map_err(|error| {
        let is_asked = args.route == RouteArg::Unwrap && args.unwrap_key.is_none() && parameters.password.is_none();
        if is_asked && format::sniff(bytes).is_err() {
            Failure::usage(
                format!("for the route `unwrap` the file is no key in the clear: {error}"),
                "if it is wrapped, name the key that opens it with --unwrap-key",
            )
        } else {
            error.into()
        }
    })?;
    if parameters.name.is_none() {
        parameters.name = Some(KeyName::new(&entry.name.ok_or_else(nameless)?)?);
    }
    let decoded = entry.decoded;
    check_algorithm(decoded.algorithm)?;
    if matches!(decoded.key, KeyMaterial::Public(_)) {
        return Err(Error::PublicNotPersisted.into());
    }
    if let Some(usage) = args.policy.usage {
        decoded.algorithm.usage(usage)?;
    }
    // The key's own certificate comes first; another one that is named goes before it.
    let (own, above) = match entry.certificates.split_first() {
        Some((own, above)) if args.cert.is_none() => (Some(own), above.len()),
        _ => (None, entry.certificates.len()),
    };
    if above > 0 {
        warnings.push(format!("{above} more certificates of the file are not put on the token"));
    }
    let provider = match opened {
        Some(provider) => provider,
        None => context.provider(Access::ReadWrite)?,
    };
    let mut key = match &args.unwrap_key {
        None => provider.import_decoded(decoded, parameters, flags)?,
        Some(name) => {
            if let Some(scheme) = parameters.scheme {
                return Err(Failure::usage(
                    format!("--scheme {} is about a file that is wrapped already", scheme.name()),
                    "leave it out: the token says what it can unwrap",
                ));
            }
            provider.import_by_key(&provider.open_key(name)?, decoded, parameters, flags)?
        }
    };
    if let Some(certificate) = own {
        key.set_certificate(certificate)?;
    }
    Ok(key)
}

/// An encrypted PKCS#8 that the token opens by itself, if it can.
fn by_the_token(
    context: &Context,
    args: &ImportArgs,
    parameters: &ImportParameters,
    bytes: &SecretBytes,
    format: Format,
    flags: Flags,
    opened: &mut Option<StorageProvider>,
) -> Result<Option<Key>, Failure> {
    let only = args.route == RouteArg::Unwrap && args.unwrap_key.is_none() && parameters.password.is_some();
    let is_one = matches!(format, Format::PKCS8 | Format::Pkcs8Pem) && args.choice.key.is_none();
    let is_wanted = (only || args.route == RouteArg::Auto) && !args.no_validate;
    if !is_one || !is_wanted || parameters.password.is_none() || parameters.name.is_none() {
        if only {
            return Err(Failure::usage(
                "with a password the route `unwrap` is for one encrypted PKCS#8, imported under a --name and validated",
                "leave --route out, or --key and --no-validate, and give a --name",
            ));
        }
        return Ok(None);
    }
    let provider = opened.insert(context.provider(Access::ReadWrite)?);
    let key = provider.import_encrypted(bytes, args.choice.limits(), parameters, flags)?;
    if key.is_none() && only {
        return Err(if provider.opens_encrypted(bytes, args.choice.limits())? {
            asn1::Error::PasswordWrong.into()
        } else {
            let what = "the token does not open this encrypted file by itself".to_owned();
            Error::Unsupported { what, ckr: None }.into()
        });
    }
    Ok(key)
}

fn nameless() -> Failure {
    Failure::usage("the file does not name the key", "name it with --name")
}

/// A wrapped file: the type says what is inside, or which container carries it.
fn wrapped(
    context: &Context,
    args: &ImportArgs,
    unwrap_key: &str,
    parameters: &ImportParameters,
    bytes: &SecretBytes,
    flags: Flags,
) -> Result<Key, Failure> {
    if matches!(args.kind, InputType::Auto) && wrapped_file::is_wrapped_file(bytes) {
        let file = wrapped_file::decode(bytes)?;
        if parameters.name.is_none() && file.label.is_none() {
            return Err(nameless());
        }
        let provider = context.provider(Access::ReadWrite)?;
        let kek = provider.open_key(unwrap_key)?;
        return Ok(provider.import_wrapped_file(&kek, &file, parameters, flags)?);
    }
    let format = match args.kind {
        InputType::Is(format) if format.is_wrapped() || matches!(format, Format::Raw | Format::PKCS8) => format,
        InputType::Is(other) => {
            return Err(Failure::usage(
                format!("a wrapped file does not hold a {}", other.name()),
                format!("--type says what is inside, or what carries it: {WRAPPED}"),
            ));
        }
        // A container shows itself; what has none cannot.
        InputType::Auto => format::sniff(bytes).ok().filter(|format| format.is_wrapped()).ok_or_else(|| {
            Failure::usage("a wrapped file does not tell what is inside", format!("say it with --type: {WRAPPED}"))
        })?,
    };
    if parameters.name.is_none() && format != Format::Blob(BlobType::OpaqueTransport) {
        return Err(nameless());
    }
    let provider: StorageProvider = context.provider(Access::ReadWrite)?;
    let kek = provider.open_key(unwrap_key)?;
    Ok(provider.import_wrapped(&kek, format, parameters, bytes, flags)?)
}

const WRAPPED: &str =
    "PKCS8_PRIVATEKEY, raw, Rfc3565KeyWrapBlob, PKCS11RsaAesWrapBlob, PKCS7_ENVELOPE or OpaqueTransport";

fn rehearse(
    context: &Context,
    explains: bool,
    key: &mut Key,
    name: &KeyName,
    warnings: &[String],
) -> Result<u8, Failure> {
    let Rehearsal { algorithm, usage, route, scheme, tried, warnings: also, .. } =
        explaining(explains, key, |key| key.rehearse())?;
    let warnings: Vec<_> = warnings.iter().chain(&also).collect();
    warnings.iter().for_each(|warning| context.output.warning(warning));
    let algorithm_name = algorithm.map(|algorithm| algorithm.name());
    let words: Vec<_> = usage.words().collect();
    let route = route.name();
    let mut document = json!({
        "dry_run": true, "name": name.as_str(), "algorithm": algorithm_name, "bits": key.bits(),
        "export_policy": key.export_policy().words(), "usage": words, "route": route, "warnings": warnings,
    });
    if let Some(document) = document.as_object_mut() {
        how_json(document, scheme, &tried);
        report_explanations(context.output, document, &key.explanations());
    }
    let route = how_text(route, scheme, &tried);
    context.output.result(document, || {
        format!(
            "would import `{}`: {} (usage: {}, route: {route}); nothing was written\n",
            printable(name.as_str()),
            algorithm_name.unwrap_or_else(|| "a key whose kind shows when it is unwrapped".to_owned()),
            words.join(",")
        )
    });
    Ok(0)
}
