//! `convert FILE --to T`: a key file into another format. No token.

use std::sync::Arc;

use cng_pkcs11::asn1::{Encryption, certificate};
use cng_pkcs11::blob::{self, Decoded};
use cng_pkcs11::format::{self, Entry, Format, Writing};
use cng_pkcs11::hex;
use cng_pkcs11::key::{Algorithm, KeyMaterial, Validation};
use cng_pkcs11::secret::SecretBytes;
use serde_json::{Map, Value, json};

use crate::args::ConvertArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::reading::{self, Reading};

pub(crate) fn run(context: &Context, args: &ConvertArgs) -> Result<u8, Failure> {
    file::check_target(args.output.as_deref(), true, !args.to.is_text(), context.output.is_json())?;
    check_options(args)?;
    let certificates = certificates(args)?;
    let validation = if args.no_validate { Validation::Skip } else { Validation::Full };
    let reading = Reading::new(context, &args.reading, validation)?;
    let bytes = file::read(&args.file)?;
    let format = reading.recognise(&bytes, args.reading.kind)?;
    let mut entry = reading.one(&bytes, format)?;
    entry.decoded.algorithm = output_algorithm(&entry.decoded, args.reading.algorithm)?;
    if let Some(usage) = args.usage {
        entry.decoded.algorithm.usage(usage).map_err(cng_pkcs11::Error::from)?;
    }
    if !certificates.is_empty() {
        check_certificate(&entry, &certificates)?;
        entry.certificates = certificates;
    }
    entry.name = args.name.clone().or(entry.name);
    if args.public {
        entry.decoded.key = KeyMaterial::Public(entry.decoded.key.public().ok_or_else(|| {
            Failure::usage(format!("{} has no public half", entry.decoded.key.describe()), "leave --public out")
        })?);
    }
    let password = out_password(context, args, &reading, entry.encrypted)?;
    let encrypts = password.is_some();
    let defaults = Encryption::default();
    let writing = Writing {
        usage: args.usage.or(entry.decoded.usage),
        password: password.as_ref(),
        encryption: Encryption {
            scheme: args.encryption.unwrap_or(defaults.scheme),
            iterations: args.iterations.unwrap_or(defaults.iterations),
        },
        certificates: &entry.certificates,
        name: entry.name.as_deref(),
        dnssec_algorithm: entry.dnssec_algorithm,
        explicit_parameters: args.explicit_parameters,
    };
    let key = &entry.decoded.key;
    let written = format::encode_with(key, entry.decoded.algorithm, args.to, &writing)?;
    let private = !args.to.is_public() && !matches!(key, KeyMaterial::Public(_));
    let losses: Vec<String> = format::losses(&entry, args.to, &writing).iter().map(ToString::to_string).collect();
    for loss in &losses {
        context.output.warning(&format!("lost: {loss}"));
    }
    let report = Report { from: format, losses, encrypted: encrypts };
    deliver(context, args, &entry, &written, private, &report)?;
    Ok(0)
}

/// The algorithm that the output is for: an elliptic-curve key may change its family, as the first four bytes of its blob say it.
fn output_algorithm(decoded: &Decoded, asked: Option<Algorithm>) -> Result<Algorithm, Failure> {
    let (Some(asked), Some(curve)) = (asked, decoded.key.curve()) else { return Ok(decoded.algorithm) };
    let algorithm = Algorithm::elliptic(asked.family, curve);
    let fits = asked.family.is_elliptic() && asked.curve.is_none_or(|named| named == curve);
    if fits && algorithm.family == asked.family {
        return Ok(algorithm);
    }
    let found = format!("{} on {}", decoded.key.describe(), curve.name);
    Err(blob::Error::Algorithm { given: asked.name(), found }.into())
}

fn certificates(args: &ConvertArgs) -> Result<Vec<Arc<[u8]>>, Failure> {
    let read = |path: &std::path::PathBuf| Ok(certificate::decode(&file::read(path)?)?.der.into());
    args.cert.iter().map(read).collect()
}

/// The first certificate is the key's own: with another one the output would be of no use to anyone.
fn check_certificate(entry: &Entry, certificates: &[Arc<[u8]>]) -> Result<(), Failure> {
    let Some(leaf) = certificates.first() else { return Ok(()) };
    if Some(certificate::decode(leaf)?.public) == entry.decoded.key.public() {
        return Ok(());
    }
    Err(Failure::usage("the first certificate is not for this key", "name the key's own certificate first"))
}

/// Refuses what makes no sense whatever is in the file.
fn check_options(args: &ConvertArgs) -> Result<(), Failure> {
    if args.out_password_source.is_some() && !args.to.holds_pkcs8() {
        return Err(Failure::usage(
            format!("a {} is not encrypted", args.to.name()),
            "leave --out-password-source out, or choose pkcs8, pkcs8-pem or pkcs12",
        ));
    }
    let has_password = args.out_password_source.is_some() || args.reading.password_source.is_some();
    if args.to == Format::Pkcs12 && !has_password {
        return Err(Failure::usage("a PKCS#12 file is encrypted", "name the password with --out-password-source"));
    }
    check_encryption(args, has_password && args.to.holds_pkcs8())
}

fn check_encryption(args: &ConvertArgs, encrypts: bool) -> Result<(), Failure> {
    if !encrypts && (args.encryption.is_some() || args.iterations.is_some()) {
        return Err(Failure::usage(
            "there is no password to encrypt with",
            "name it with --out-password-source, or leave --encryption and --iterations out",
        ));
    }
    Ok(())
}

/// The password of the output. One that the input did not need is meant for the output.
fn out_password(
    context: &Context,
    args: &ConvertArgs,
    reading: &Reading,
    was_encrypted: bool,
) -> Result<Option<SecretBytes>, Failure> {
    let given = context.new_password(args.out_password_source.as_deref(), "--out-password-source")?;
    let spare = reading.password().filter(|_| args.to == Format::Pkcs12 || (args.to.holds_pkcs8() && !was_encrypted));
    let password = given.or_else(|| spare.cloned());
    check_encryption(args, password.is_some())?;
    Ok(password)
}

/// What became of the key besides its bytes.
struct Report {
    from: Format,
    losses: Vec<String>,
    encrypted: bool,
}

fn deliver(
    context: &Context,
    args: &ConvertArgs,
    entry: &Entry,
    written: &SecretBytes,
    private: bool,
    report: &Report,
) -> Result<(), Failure> {
    let output = context.output;
    let to_file = file::named(args.output.as_deref());
    let mut document = Map::new();
    document.insert("from".to_owned(), json!(report.from.name()));
    document.insert("type".to_owned(), json!(args.to.name()));
    reading::describe_key(&mut document, entry);
    document.insert("private".to_owned(), json!(private));
    document.insert("encrypted".to_owned(), json!(report.encrypted));
    document.insert("length".to_owned(), json!(written.len()));
    document.insert("losses".to_owned(), json!(report.losses));
    match to_file {
        Some(path) => {
            file::write(output, Some(path), written, private, true)?;
            document.insert("output".to_owned(), json!(path.display().to_string()));
            output.result(Value::Object(document), || {
                format!("converted {} to {} in {}\n", report.from.name(), args.to.name(), path.display())
            });
        }
        // On stdout the data is the result; inside a JSON document it stands as hexadecimal.
        None if output.is_json() => {
            document.insert("data".to_owned(), json!(hex::encode(written)));
            output.result(Value::Object(document), String::new);
        }
        None => output.data(written),
    }
    Ok(())
}
