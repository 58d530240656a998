//! `inspect FILE [OTHER]`: a key file field by field, or whether two files hold the same key. No token.

use std::path::Path;

use cng_pkcs11::Error;
use cng_pkcs11::asn1;
use cng_pkcs11::blob::{self, BlobType, aes_wrap::AesWrapBlob};
use cng_pkcs11::format::{self, Entry, Field, Format, Value as FieldValue};
use cng_pkcs11::hex;
use cng_pkcs11::key::{self, Consistency, KeyMaterial, Validation};
use serde_json::{Map, Value, json};

use crate::args::{InputType, InspectArgs};
use crate::cmd::fingerprint;
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::{columns, printable};
use crate::reading::{Reading, describe_key};

/// What was found out about a file.
struct Inspected {
    format: Format,
    fields: Vec<Field>,
    entries: Vec<Entry>,
    /// What the file holds instead of a key.
    instead: Option<String>,
    consistent: Option<bool>,
    problem: Option<String>,
}

pub(crate) fn run(context: &Context, args: &InspectArgs) -> Result<u8, Failure> {
    let reading = Reading::new(context, &args.reading, Validation::Full)?.for_inspect();
    if let Some(other) = &args.other {
        let password = context.password(args.other_password_source.as_deref(), "--other-password-source")?;
        let of_other = reading.of_other(args.other_key.as_deref(), password);
        return compare(context, (&reading, &args.file, args.reading.kind), (&of_other, other, args.other_type));
    }
    let bytes = file::read(&args.file)?;
    let format = reading.recognise(&bytes, args.reading.kind)?;
    if format == Format::Blob(BlobType::AesWrap) {
        return wrapped(context, &bytes);
    }
    let inspected = inspect(context, &reading, &bytes, format)?;
    let document = document(&inspected, args.show_private);
    context.output.result(Value::Object(document), || text(&inspected, args.show_private));
    Ok(u8::from(inspected.consistent == Some(false)))
}

fn inspect(context: &Context, reading: &Reading, bytes: &[u8], format: Format) -> Result<Inspected, Failure> {
    let (fields, mut outcome) = format::inspect(bytes, format, &reading.hints(format, Validation::Full));
    if reading.key().is_some() {
        outcome = reading.all(bytes, format, Validation::Full);
    }
    let mut inspected =
        Inspected { format, fields, entries: Vec::new(), instead: None, consistent: None, problem: None };
    match outcome {
        Ok(entries) => {
            inspected.entries = entries;
            let checked = |entry: &Entry| entry.decoded.key.consistency() == Consistency::Checked;
            inspected.consistent = inspected.entries.iter().all(checked).then_some(true);
        }
        Err(format::Error::Blob(
            error @ (blob::Error::NotAKey { .. } | blob::Error::Sealed { .. } | blob::Error::Wrapped { .. }),
        )) => inspected.instead = Some(error.to_string()),
        // One of several keys is bad: the others are shown.
        Err(error @ format::Error::Entry { .. }) if reading.key().is_none() && inconsistency(&error).is_none() => {
            inspected.entries = reading.readable(bytes, format);
            inspected.consistent = Some(false);
            inspected.problem = Some(error.to_string());
        }
        Err(error) => {
            let Some(problem) = inconsistency(&error) else {
                // What was read of it still helps to see where it stops making sense. What is not of this type at all may be a bare key,
                // whose first bytes are not for a terminal.
                let foreign =
                    matches!(error, format::Error::Blob(blob::Error::Magic { .. } | blob::Error::Foreign { .. }));
                if !foreign && !context.output.is_json() {
                    context.output.note(field_table(&inspected.fields, false).trim_end());
                }
                return Err(reading.refused(error, bytes, format));
            };
            inspected.entries = reading.all(bytes, format, Validation::Skip).unwrap_or_default();
            inspected.consistent = Some(false);
            inspected.problem = Some(problem);
        }
    }
    Ok(inspected)
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

/// Whether two files hold the same key, whatever else they hold: exit code 0 if they do, 1 if they do not.
fn compare(
    context: &Context,
    first: (&Reading, &Path, InputType),
    second: (&Reading, &Path, InputType),
) -> Result<u8, Failure> {
    let read = |(reading, path, kind): (&Reading, &Path, InputType)| -> Result<(Format, Entry), Failure> {
        let bytes = file::read(path)?;
        let format = reading.recognise(&bytes, kind)?;
        Ok((format, reading.one(&bytes, format)?))
    };
    let (first, second) = (read(first)?, read(second)?);
    let same = first.1.decoded.key.is_same_key(&second.1.decoded.key).ok_or_else(|| Failure::Other {
        message: "the files cannot be compared: one has a public key only, and the other's cannot be computed"
            .to_owned(),
        hint: Some("compare two files with the public half in both".to_owned()),
    })?;
    let describe = |(format, entry): &(Format, Entry)| {
        let mut document = Map::new();
        document.insert("type".to_owned(), json!(format.name()));
        describe_key(&mut document, entry);
        document.insert("private".to_owned(), json!(!matches!(entry.decoded.key, KeyMaterial::Public(_))));
        Value::Object(document)
    };
    let document = json!({ "same_key": same, "files": [describe(&first), describe(&second)] });
    context.output.result(document, || {
        let line = |(format, entry): &(Format, Entry)| format!("{}: {}", format.name(), key_text(entry));
        let verdict = if same { "the same key" } else { "not the same key" };
        format!("{verdict}\n  {}\n  {}\n", line(&first), line(&second))
    });
    Ok(u8::from(!same))
}

/// The text of an error that is about the key's numbers and not about its encoding.
fn inconsistency(error: &format::Error) -> Option<String> {
    match error.innermost() {
        format::Error::Key(error)
        | format::Error::Blob(blob::Error::Key(error) | blob::Error::Asn1(asn1::Error::Key(error)))
        | format::Error::Asn1(asn1::Error::Key(error)) => {
            let about_numbers = matches!(error, key::Error::Inconsistent { .. } | key::Error::OutOfRange { .. });
            about_numbers.then(|| error.to_string())
        }
        _ => None,
    }
}

fn document(inspected: &Inspected, show_private: bool) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("type".to_owned(), json!(inspected.format.name()));
    match inspected.entries.as_slice() {
        [entry] => describe_entry(&mut document, entry),
        entries => {
            document.insert("algorithm".to_owned(), Value::Null);
            document.insert("bits".to_owned(), Value::Null);
            if !entries.is_empty() {
                let keys = entries.iter().map(|entry| {
                    let mut key = Map::new();
                    describe_entry(&mut key, entry);
                    Value::Object(key)
                });
                document.insert("keys".to_owned(), Value::Array(keys.collect()));
            }
        }
    }
    if let Some(instead) = &inspected.instead {
        document.insert("holds".to_owned(), json!(instead));
    }
    let fields = inspected.fields.iter().map(|field| field_json(field, show_private));
    document.insert("fields".to_owned(), Value::Array(fields.collect()));
    document.insert("consistent".to_owned(), json!(inspected.consistent));
    if let Some(problem) = &inspected.problem {
        document.insert("problem".to_owned(), json!(problem));
    }
    document
}

fn describe_entry(document: &mut Map<String, Value>, entry: &Entry) {
    describe_key(document, entry);
    document.insert("private".to_owned(), json!(!matches!(entry.decoded.key, KeyMaterial::Public(_))));
    if let Some(name) = &entry.name {
        document.insert("name".to_owned(), json!(name));
    }
    if let Some(usage) = entry.decoded.usage {
        document.insert("usage".to_owned(), json!(usage.words().collect::<Vec<_>>()));
    }
    if !entry.certificates.is_empty() {
        document.insert("certificates".to_owned(), json!(entry.certificates.len()));
    }
    let Some(public) = entry.decoded.key.public() else { return };
    if let Some(fingerprint) = fingerprint(&public) {
        document.insert("fingerprint_sha256".to_owned(), json!(fingerprint));
    }
    let ids = asn1::identifiers(&public, entry.name.as_deref()).unwrap_or_default();
    let ids: Map<String, Value> = ids.iter().map(|id| (id.tool.to_owned(), json!(hex::encode(&id.id)))).collect();
    if !ids.is_empty() {
        document.insert("ids".to_owned(), Value::Object(ids));
    }
}

fn field_json(field: &Field, show_private: bool) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(field.name));
    object.insert("offset".to_owned(), json!(field.offset));
    object.insert("length".to_owned(), json!(field.length));
    if field.depth > 0 {
        object.insert("depth".to_owned(), json!(field.depth));
    }
    let value = match &field.value {
        FieldValue::Number(number) => Some(json!(number)),
        FieldValue::Public(bytes) => Some(json!(hex::encode(bytes))),
        FieldValue::Text(text) => Some(json!(text)),
        FieldValue::Private(bytes) if show_private => Some(json!(hex::encode(bytes))),
        _ => None,
    };
    if let FieldValue::Private(_) = field.value {
        object.insert("private".to_owned(), json!(true));
    }
    if let Some(value) = value {
        object.insert("value".to_owned(), value);
    }
    Value::Object(object)
}

fn key_text(entry: &Entry) -> String {
    let key = &entry.decoded.key;
    let detail = match (key.curve(), key.kind().parameter_set()) {
        (Some(curve), _) => format!(" on {}", curve.name),
        (None, Some(set)) => format!(" {}", set.name()),
        (None, None) => String::new(),
    };
    let half = match key {
        KeyMaterial::Private(_) => "private",
        KeyMaterial::Public(_) => "public",
        KeyMaterial::Secret(_) => "secret",
    };
    format!("{}{detail}, {} bits, {half}", entry.decoded.algorithm, key.bits())
}

fn text(inspected: &Inspected, show_private: bool) -> String {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    row("type:", inspected.format.name().to_owned());
    if let Some(instead) = &inspected.instead {
        row("holds:", instead.clone());
    }
    for entry in &inspected.entries {
        row("key:", key_text(entry));
        if let Some(name) = &entry.name {
            row("name:", printable(name));
        }
        if let Some(usage) = entry.decoded.usage {
            row("usage:", usage.words().collect::<Vec<_>>().join(","));
        }
        if !entry.certificates.is_empty() {
            row("certificates:", entry.certificates.len().to_string());
        }
        let Some(public) = entry.decoded.key.public() else { continue };
        if let Some(fingerprint) = fingerprint(&public) {
            row("SHA-256 of SPKI:", fingerprint);
        }
        for id in asn1::identifiers(&public, entry.name.as_deref()).unwrap_or_default() {
            row(&format!("CKA_ID of {}:", id.tool), hex::encode(&id.id));
        }
    }
    let consistent = match (inspected.consistent, &inspected.problem) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), Some(problem)) => format!("no: {problem}"),
        (Some(false), None) => "no".to_owned(),
        (None, _) => "not checkable".to_owned(),
    };
    row("consistent:", consistent);
    format!("{}\n{}", columns(&rows), field_table(&inspected.fields, show_private))
}

fn field_table(fields: &[Field], show_private: bool) -> String {
    let mut rows = vec![["OFFSET", "LENGTH", "FIELD", "VALUE"].map(str::to_owned).to_vec()];
    for field in fields {
        let value = match &field.value {
            FieldValue::Number(number) if field.name.ends_with("agic") => {
                let letters = u32::try_from(*number).unwrap_or_default().to_le_bytes();
                let ascii: String =
                    letters.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
                format!("0x{number:08x} ({ascii})")
            }
            FieldValue::Number(number) => number.to_string(),
            FieldValue::Public(bytes) => hex::encode(bytes),
            FieldValue::Text(text) => printable(text),
            FieldValue::Private(bytes) if show_private => hex::encode(bytes),
            FieldValue::Private(_) => "(private)".to_owned(),
            _ => String::new(),
        };
        let name = format!("{}{}", "  ".repeat(field.depth), field.name);
        rows.push(vec![field.offset.to_string(), field.length.to_string(), name, value]);
    }
    columns(&rows)
}
