//! `inspect FILE`: a key file field by field. No token.

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::blob::aes_wrap::AesWrapBlob;
use cng_pkcs11::blob::{Decoded, Hints};
use cng_pkcs11::format::{self, Field, Format, Value as FieldValue};
use cng_pkcs11::key::{Consistency, Validation};
use cng_pkcs11::{Error, key};
use serde_json::{Map, Value, json};

use crate::args::{InputType, InspectArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::{columns, hex};

/// What was found out about a key.
struct Verdict {
    decoded: Option<Decoded>,
    consistent: Option<bool>,
    problem: Option<String>,
}

pub(crate) fn run(context: &Context, args: &InspectArgs) -> Result<u8, Failure> {
    let bytes = file::read(&args.file)?;
    let format = match args.kind {
        InputType::Is(format) => format,
        InputType::Auto => format::sniff(&bytes)?,
    };
    let password = context.password(args.password_source.as_deref())?;
    let hints = |validation| Hints { curve: args.curve, password: password.as_ref(), validation, ..Hints::default() };
    if format == Format::Blob(BlobType::AesWrap) {
        return wrapped(context, &bytes);
    }

    let (fields, outcome) = format::inspect(&bytes, format, &hints(Validation::Full));
    let verdict = match outcome {
        Ok(entries) => {
            let Some(decoded) = entries.into_iter().next().map(|entry| entry.decoded) else {
                return Err(Failure::Library(
                    format::Error::NoKey { format: format.name(), problem: "there is no key in it".into() }.into(),
                ));
            };
            let consistent = match decoded.key.consistency() {
                Consistency::Checked => Some(true),
                Consistency::Unchecked => None,
            };
            let problem = None;
            Verdict { decoded: Some(decoded), consistent, problem }
        }
        Err(error) => {
            let error = Error::from(error);
            let Some(problem) = inconsistency(&error) else {
                // What was read of it still helps to see where it stops making sense. What is not of this type at all may be a bare key,
                // whose first bytes are not for a terminal.
                let foreign =
                    matches!(error, Error::Format(format::Error::Blob(cng_pkcs11::blob::Error::Magic { .. })));
                if !foreign && !context.output.is_json() {
                    context.output.note(field_table(&fields).trim_end());
                }
                return Err(Failure::Library(error));
            };
            let decoded = format::decode(&bytes, format, &hints(Validation::Skip)).ok();
            Verdict { decoded, consistent: Some(false), problem: Some(problem) }
        }
    };
    let document = document(format, &fields, &verdict);
    context.output.result(Value::Object(document), || text(format, &fields, &verdict));
    Ok(u8::from(verdict.consistent == Some(false)))
}

/// A wrapped blob has no fields to show: only its length says something.
fn wrapped(context: &Context, bytes: &[u8]) -> Result<u8, Failure> {
    let blob = AesWrapBlob::decode(bytes).map_err(Error::from)?;
    let bits = blob.key_len() * 8;
    let document = json!({
        "type": BlobType::AesWrap.name(), "algorithm": null, "bits": bits,
        // Its length is all that tells a wrapped key from a bare one, so its bytes are not shown.
        "fields": [{ "name": "wrapped", "offset": 0, "length": bytes.len() }],
        "consistent": null,
    });
    context.output.result(document, || {
        format!("type:        {}\nholds:       a wrapped key of {bits} bits\nconsistent:  cannot be told without the key that wrapped it\n", BlobType::AesWrap.name())
    });
    Ok(0)
}

/// The text of an error that is about the key's numbers and not about its encoding.
fn inconsistency(error: &Error) -> Option<String> {
    let key_error = match error {
        Error::Format(format::Error::Key(error)) => error,
        Error::Format(format::Error::Blob(cng_pkcs11::blob::Error::Key(error))) => error,
        Error::Format(
            format::Error::Asn1(cng_pkcs11::asn1::Error::Key(error))
            | format::Error::Blob(cng_pkcs11::blob::Error::Asn1(cng_pkcs11::asn1::Error::Key(error))),
        ) => error,
        _ => return None,
    };
    matches!(key_error, key::Error::Inconsistent { .. } | key::Error::OutOfRange { .. }).then(|| key_error.to_string())
}

fn document(format: Format, fields: &[Field], verdict: &Verdict) -> Map<String, Value> {
    let mut document = Map::new();
    let decoded = verdict.decoded.as_ref();
    document.insert("type".to_owned(), json!(format.name()));
    document.insert("algorithm".to_owned(), json!(decoded.map(|decoded| decoded.algorithm.name())));
    if let Some(curve) = decoded.and_then(|decoded| decoded.key.curve()) {
        document.insert("curve".to_owned(), json!(curve.name));
    }
    document.insert("bits".to_owned(), json!(decoded.map(|decoded| decoded.key.bits())));
    let fields = fields.iter().map(|field| {
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(field.name));
        object.insert("offset".to_owned(), json!(field.offset));
        object.insert("length".to_owned(), json!(field.length));
        match &field.value {
            FieldValue::Number(number) => object.insert("value".to_owned(), json!(number)),
            FieldValue::Public(bytes) => object.insert("value".to_owned(), json!(hex(bytes))),
            FieldValue::Text(text) => object.insert("value".to_owned(), json!(text)),
            _ => None,
        };
        Value::Object(object)
    });
    document.insert("fields".to_owned(), Value::Array(fields.collect()));
    document.insert("consistent".to_owned(), json!(verdict.consistent));
    if let Some(problem) = &verdict.problem {
        document.insert("problem".to_owned(), json!(problem));
    }
    document
}

fn text(format: Format, fields: &[Field], verdict: &Verdict) -> String {
    let decoded = verdict.decoded.as_ref();
    let mut rows = vec![vec!["type:".to_owned(), format.name().to_owned()]];
    if let Some(decoded) = decoded {
        let curve = decoded.key.curve().map(|curve| format!(" on {}", curve.name)).unwrap_or_default();
        rows.push(vec!["algorithm:".to_owned(), format!("{}{curve}", decoded.algorithm)]);
        rows.push(vec!["bits:".to_owned(), decoded.key.bits().to_string()]);
    }
    let consistent = match (verdict.consistent, &verdict.problem) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), Some(problem)) => format!("no: {problem}"),
        (Some(false), None) => "no".to_owned(),
        (None, _) => "not checkable".to_owned(),
    };
    rows.push(vec!["consistent:".to_owned(), consistent]);
    format!("{}\n{}", columns(&rows), field_table(fields))
}

fn field_table(fields: &[Field]) -> String {
    let mut rows = vec![["OFFSET", "LENGTH", "FIELD", "VALUE"].map(str::to_owned).to_vec()];
    for field in fields {
        let value = match &field.value {
            FieldValue::Number(number) if field.name.ends_with("agic") => {
                let ascii: String =
                    number.to_le_bytes().iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
                format!("0x{number:08x} ({ascii})")
            }
            FieldValue::Number(number) => number.to_string(),
            FieldValue::Public(bytes) => hex(bytes),
            FieldValue::Text(text) => text.clone(),
            FieldValue::Private(_) => "(private)".to_owned(),
            _ => String::new(),
        };
        rows.push(vec![
            field.offset.to_string(),
            field.length.to_string(),
            format!("{}{}", "  ".repeat(field.depth), field.name),
            value,
        ]);
    }
    columns(&rows)
}
