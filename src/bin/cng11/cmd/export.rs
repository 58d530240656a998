//! `export NAME --type T …`

use std::path::Path;

use cng_pkcs11::format::Format;
use cng_pkcs11::hex;
use cng_pkcs11::provider::{Cloud, ExportParameters, Exported, Key};
use cng_pkcs11::token::Access;
use serde_json::{Map, Value, json};

use crate::args::ExportArgs;
use crate::cmd::recipients;
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::printable;

pub(crate) fn run(context: &Context, args: &ExportArgs) -> Result<u8, Failure> {
    if let Some(cloud) = args.byok {
        return byok(context, args, cloud);
    }
    // clap asks for one of the two.
    let Some(kind) = args.kind else { return Err(Failure::usage("no type is given", "say it with --type")) };
    let public = kind.is_public();
    let wrapped = !args.wrapping.is_empty();
    Asked {
        kind,
        is_wrapped: wrapped,
        says_how: args.scheme.is_some() || !args.oaep.is_empty(),
        has_password: args.password_source.is_some(),
        allows_plaintext: args.allow_plaintext,
    }
    .check()?;
    file::check_target(args.output.as_deref(), args.force, !kind.is_text(), context.output.is_json())?;
    let parameters = ExportParameters {
        password: context.new_password(args.password_source.as_deref(), "--password-source")?,
        ..parameters(args)
    };

    let provider = context.provider(Access::ReadOnly)?;
    let key = provider.open_key(&args.name)?;
    let recipients = recipients::open(&provider, &args.wrapping)?;
    let exported = if wrapped {
        key.export_to(&recipients.iter().collect::<Vec<_>>(), kind, &parameters)?
    } else if public || parameters.password.is_some() {
        key.export(None, kind, &parameters)?
    } else {
        key.danger_export_plaintext(kind)?
    };
    let warnings = warn(context, &recipients, &exported, &[]);
    let what = Delivery {
        name: Some(key.label()),
        kind: kind.name(),
        exported: &exported,
        public,
        variant: None,
        warnings: &warnings,
    };
    deliver(context, args.output.as_deref(), args.force, &what)?;
    Ok(0)
}

fn parameters(args: &ExportArgs) -> ExportParameters {
    ExportParameters {
        scheme: args.scheme,
        hash: args.oaep.oaep_hash,
        label: args.oaep.label(),
        force: args.force,
        ..ExportParameters::default()
    }
}

/// What a cloud imports.
fn byok(context: &Context, args: &ExportArgs, cloud: Cloud) -> Result<u8, Failure> {
    if args.password_source.is_some() || args.wrapping.wrap_key.len() + args.wrapping.wrap_to.len() != 1 {
        return Err(Failure::usage(
            format!("{} wraps to one key, which it gives out", cloud.name()),
            "name the file of that key with --wrap-to, and nothing else",
        ));
    }
    let is_text = cloud == Cloud::Azure;
    file::check_target(args.output.as_deref(), args.force, !is_text, context.output.is_json())?;
    let provider = context.provider(Access::ReadOnly)?;
    let key = provider.open_key(&args.name)?;
    let recipients = recipients::open(&provider, &args.wrapping)?;
    let Some(wrapping_key) = recipients.first() else { return Ok(1) };
    let made = key.export_byok(cloud, wrapping_key, args.kid.as_deref(), &parameters(args))?;
    let warnings = warn(context, &recipients, &made.exported, &made.warnings);
    let variant = Some((cloud.name(), made.variant.as_str()));
    let kind = if key.algorithm().is_some_and(|algorithm| algorithm.family.as_symmetric().is_some()) {
        Format::Raw
    } else {
        Format::PKCS8
    };
    let what = Delivery {
        name: Some(key.label()),
        kind: kind.name(),
        exported: &made.exported,
        public: false,
        variant,
        warnings: &warnings,
    };
    deliver(context, args.output.as_deref(), args.force, &what)?;
    Ok(0)
}

/// What is asked of an export, as far as it can be told to be wrong before the token is asked.
pub(super) struct Asked {
    pub(super) kind: Format,
    pub(super) is_wrapped: bool,
    /// Whether something is said about how.
    pub(super) says_how: bool,
    pub(super) has_password: bool,
    pub(super) allows_plaintext: bool,
}

impl Asked {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Self { kind, is_wrapped, .. } = *self;
        let public = kind.is_public();
        if is_wrapped && public {
            return Err(Failure::usage("a public key is not wrapped", "leave --wrap-key and --wrap-to out"));
        }
        if !is_wrapped && kind.is_wrapped() {
            return Err(Failure::usage(
                format!("a file of the type {} is wrapped", kind.name()),
                "name the key that wraps it with --wrap-key, or the file of a public key with --wrap-to",
            ));
        }
        if !is_wrapped && self.says_how {
            return Err(Failure::usage(
                "--scheme, --oaep-hash and --oaep-label say how a key is wrapped",
                "name the key that wraps it with --wrap-key or --wrap-to",
            ));
        }
        if self.has_password && !kind.holds_pkcs8() {
            return Err(Failure::usage(
                format!("a {} is not encrypted under a password", kind.name()),
                "leave --password-source out, or take --type PKCS8_PRIVATEKEY or pkcs12",
            ));
        }
        if !public && !is_wrapped && !self.has_password && !self.allows_plaintext {
            return Err(Failure::usage(
                format!("a {} holds the key in the clear", kind.name()),
                "wrap it with --type PKCS8_PRIVATEKEY (raw for a symmetric key) and --wrap-key NAME, or allow it with --allow-plaintext",
            ));
        }
        Ok(())
    }
}

/// Says what the user should know, and gives it back for the document.
pub(super) fn warn(context: &Context, recipients: &[Key], exported: &Exported, also: &[String]) -> Vec<String> {
    let mut warnings = also.to_vec();
    if exported.zero_padded {
        let padded = "this token puts zero bytes behind a PKCS#8 before it wraps it; the token takes them off again when it unwraps and `openssl pkey` ignores them, stricter readers may not";
        warnings.push(padded.to_owned());
    }
    for recipient in recipients.iter().filter(|recipient| recipient.wraps_and_decrypts()) {
        warnings.push(format!(
            "`{}` may decrypt as well as wrap: whoever may use it can read what it wrapped",
            printable(recipient.label())
        ));
    }
    warnings.iter().for_each(|warning| context.output.warning(warning));
    warnings
}

/// What is delivered, and how it is called.
pub(super) struct Delivery<'a> {
    /// The key's name; none of a key that has none here.
    pub(super) name: Option<&'a str>,
    pub(super) kind: &'static str,
    pub(super) exported: &'a Exported,
    pub(super) public: bool,
    /// A cloud, and what it calls it.
    pub(super) variant: Option<(&'static str, &'a str)>,
    /// What the user should know.
    pub(super) warnings: &'a [String],
}

impl Delivery<'_> {
    fn document(&self) -> Map<String, Value> {
        let exported = self.exported;
        let mut document = Map::new();
        if let Some(name) = self.name {
            document.insert("name".to_owned(), json!(name));
        }
        document.insert("type".to_owned(), json!(self.kind));
        document.insert("length".to_owned(), json!(exported.bytes.len()));
        if exported.zero_padded {
            document.insert("zero_padded".to_owned(), json!(true));
        }
        if let Some(scheme) = exported.scheme {
            document.insert("scheme".to_owned(), json!(scheme.name()));
        }
        if let Some(hash) = exported.hash {
            document.insert("oaep_hash".to_owned(), json!(hash.name()));
        }
        if let Some((cloud, variant)) = self.variant {
            document.insert("byok".to_owned(), json!(cloud));
            document.insert("variant".to_owned(), json!(variant));
        }
        if !self.warnings.is_empty() {
            document.insert("warnings".to_owned(), json!(self.warnings));
        }
        document
    }

    /// How it was done, in a few words.
    fn how(&self) -> String {
        match (self.variant, self.exported.scheme) {
            (Some((cloud, variant)), _) => format!(" for {cloud} ({variant})"),
            (None, Some(scheme)) => match self.exported.hash {
                Some(hash) => format!(" ({}, {})", scheme.name(), hash.name()),
                None => format!(" ({})", scheme.name()),
            },
            (None, None) => String::new(),
        }
    }
}

pub(super) fn deliver(
    context: &Context,
    target: Option<&Path>,
    force: bool,
    what: &Delivery<'_>,
) -> Result<(), Failure> {
    let output = context.output;
    let mut document = what.document();
    match file::named(target) {
        Some(path) => {
            file::write(output, Some(path), &what.exported.bytes, !what.public, force)?;
            document.insert("output".to_owned(), json!(path.display().to_string()));
            output.result(Value::Object(document), || {
                let done = match what.name {
                    Some(name) => format!("exported `{}`", printable(name)),
                    None => "wrapped the key anew".to_owned(),
                };
                format!("{done} as {}{} to {}\n", what.kind, what.how(), path.display())
            });
        }
        // On stdout the data is the result; inside a JSON document it stands as hexadecimal.
        None if output.is_json() => {
            document.insert("data".to_owned(), json!(hex::encode(&what.exported.bytes)));
            output.result(Value::Object(document), String::new);
        }
        None => output.data(&what.exported.bytes),
    }
    Ok(())
}
