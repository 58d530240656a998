//! `export NAME --type T …`

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::format::Format;
use cng_pkcs11::provider::{ExportParameters, Exported};
use cng_pkcs11::token::Access;
use serde_json::{Map, Value, json};

use crate::args::ExportArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::{hex, printable};

pub(crate) fn run(context: &Context, args: &ExportArgs) -> Result<u8, Failure> {
    let public = args.kind.is_public();
    let protected = args.wrap_key.is_some() || args.password_source.is_some();
    if args.wrap_key.is_some() && public {
        return Err(Failure::usage("a public key is not wrapped", "leave --wrap-key out"));
    }
    if args.kind == Format::Blob(BlobType::AesWrap) && args.wrap_key.is_none() {
        return Err(Failure::usage("a Rfc3565KeyWrapBlob is wrapped", "name the key that wraps it with --wrap-key"));
    }
    if !public && !protected && !args.allow_plaintext {
        return Err(Failure::usage(
            format!("a {} holds the key in the clear", args.kind.name()),
            "wrap it with --wrap-key NAME, or allow it with --allow-plaintext",
        ));
    }
    file::check_target(args.output.as_deref(), args.force, !args.kind.is_text(), context.output.is_json())?;
    let parameters = ExportParameters {
        scheme: args.scheme,
        password: context.new_password(args.password_source.as_deref(), "--password-source")?,
    };

    let provider = context.provider(Access::ReadOnly)?;
    let key = provider.open_key(&args.name)?;
    let wrap_key = args.wrap_key.as_deref().map(|name| provider.open_key(name)).transpose()?;
    let exported = if public || protected {
        key.export(wrap_key.as_ref(), args.kind, &parameters)?
    } else {
        key.danger_export_plaintext(args.kind)?
    };
    if exported.zero_padded {
        context.output.warning(
            "this token puts zero bytes behind a PKCS#8 before it wraps it; the token takes them off again when it unwraps and `openssl pkey` ignores them, stricter readers may not",
        );
    }
    deliver(context, args, key.label(), &exported, public)?;
    Ok(0)
}

fn deliver(context: &Context, args: &ExportArgs, name: &str, exported: &Exported, public: bool) -> Result<(), Failure> {
    let output = context.output;
    let to_file = file::named(args.output.as_deref());
    let mut document = Map::new();
    document.insert("name".to_owned(), json!(name));
    document.insert("type".to_owned(), json!(args.kind.name()));
    document.insert("length".to_owned(), json!(exported.bytes.len()));
    if exported.zero_padded {
        document.insert("zero_padded".to_owned(), json!(true));
    }
    match to_file {
        Some(path) => {
            file::write(output, Some(path), &exported.bytes, !public, args.force)?;
            document.insert("output".to_owned(), json!(path.display().to_string()));
            output.result(Value::Object(document), || {
                format!("exported `{}` as {} to {}\n", printable(name), args.kind.name(), path.display())
            });
        }
        // On stdout the data is the result; inside a JSON document it stands as hexadecimal.
        None if output.is_json() => {
            document.insert("data".to_owned(), json!(hex(&exported.bytes)));
            output.result(Value::Object(document), String::new);
        }
        None => output.data(&exported.bytes),
    }
    Ok(())
}
