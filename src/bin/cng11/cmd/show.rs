//! `show NAME`: one key with all properties and objects.

use cng_pkcs11::hex;
use cng_pkcs11::key::Family;
use cng_pkcs11::provider::{Key, PropertyValue, names};
use cng_pkcs11::template::{Addition, Additions, Value as AttributeValue, mechanism_name};
use cng_pkcs11::token::Access;
use serde_json::{Map, Value, json};

use crate::args::ShowArgs;
use crate::cmd::{fingerprint, key_json, policy_text, usage_text};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{columns, printable};

pub(crate) fn run(context: &Context, args: &ShowArgs) -> Result<u8, Failure> {
    let key = context.provider(Access::ReadOnly)?.open_key(&args.name)?;
    let properties: Vec<(&str, PropertyValue)> =
        names::ALL.iter().filter_map(|name| key.property(name).ok().map(|value| (*name, value))).collect();
    // For an EC key without its public object this costs two signatures.
    let fingerprint = key.public_key().ok().as_ref().and_then(fingerprint);
    let mut document = key_json(&key);
    if let Some(fingerprint) = &fingerprint {
        document.insert("fingerprint_sha256".to_owned(), json!(fingerprint));
    }
    let values: Map<_, _> = properties.iter().map(|(name, value)| ((*name).to_owned(), property_json(value))).collect();
    document.insert("properties".to_owned(), Value::Object(values));
    let own = key.custom_properties()?;
    let values: Map<_, _> = own.iter().map(|(name, value)| (name.clone(), json!(hex::encode(value)))).collect();
    document.insert("custom_properties".to_owned(), Value::Object(values));
    let additions = key.additions()?;
    document.insert("attributes".to_owned(), attributes_json(&mut additions.iter()));
    context.output.result(Value::Object(document), || text(&key, &properties, &own, &additions, fingerprint));
    Ok(0)
}

/// Attributes by their names.
fn attributes_json(attributes: &mut dyn Iterator<Item = &Addition>) -> Value {
    let value = |attribute: &Addition| match attribute.value() {
        AttributeValue::Flag(flag) => json!(flag),
        AttributeValue::Mechanisms(numbers) => {
            json!(numbers.iter().map(|number| mechanism_name(*number)).collect::<Vec<_>>())
        }
        AttributeValue::Nested(inside) => attributes_json(&mut inside.iter()),
        AttributeValue::Number(number) => json!(number),
        AttributeValue::Bytes(bytes) => json!(hex::encode(bytes)),
        _ => json!(attribute.text()),
    };
    attributes.map(|attribute| (attribute.kind().to_string(), value(attribute))).collect::<Map<_, _>>().into()
}

fn text(
    key: &Key,
    properties: &[(&str, PropertyValue)],
    own: &[(String, Vec<u8>)],
    additions: &Additions,
    fingerprint: Option<String>,
) -> String {
    let mut rows: Vec<Vec<String>> = properties
        .iter()
        .map(|(name, value)| {
            let words = match *name {
                names::EXPORT_POLICY => format!("  ({})", policy_text(key)),
                names::KEY_USAGE => format!("  ({})", usage_text(key)),
                _ => String::new(),
            };
            vec![format!("{name}:"), format!("{}{words}", property_text(value))]
        })
        .collect();
    rows.extend(own.iter().map(|(name, value)| vec![format!("{}:", printable(name)), bytes_text(value)]));
    rows.push(vec!["CKA_ID:".to_owned(), hex::encode(key.id())]);
    rows.extend(additions.iter().map(|addition| vec![format!("{}:", addition.kind()), printable(&addition.text())]));
    let mut objects = Vec::new();
    if key.has_private() {
        let symmetric = matches!(key.algorithm().map(|algorithm| algorithm.family), Some(Family::Symmetric(_)));
        objects.push(if symmetric { "secret key" } else { "private key" });
    }
    if key.has_public_object() {
        objects.push("public key");
    }
    if key.has_certificate() {
        objects.push("certificate");
    }
    rows.push(vec!["Objects:".to_owned(), objects.join(", ")]);
    rows.extend(fingerprint.map(|fingerprint| vec!["SPKI SHA-256:".to_owned(), fingerprint]));
    columns(&rows)
}

pub(crate) fn property_json(value: &PropertyValue) -> Value {
    match value {
        PropertyValue::Lengths(lengths) => json!({
            "min": lengths.min, "max": lengths.max, "increment": lengths.increment, "default": lengths.default
        }),
        PropertyValue::Number(number) => json!(number),
        PropertyValue::Text(text) => json!(text),
        PropertyValue::Bytes(bytes) => json!(hex::encode(bytes)),
        PropertyValue::Texts(texts) => json!(texts),
        PropertyValue::TagLengths(lengths) => {
            json!({ "min": lengths.min, "max": lengths.max, "increment": lengths.increment })
        }
        _ => Value::Null,
    }
}

/// Text as text, if it is some and ends as CNG's strings do; anything else in hexadecimal.
fn bytes_text(bytes: &[u8]) -> String {
    let text = cng_pkcs11::wide::decode(bytes).ok().filter(|text| bytes.ends_with(&[0, 0]) && !text.is_empty());
    text.map_or_else(|| hex::encode(bytes), |text| printable(&text))
}

pub(crate) fn property_text(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Lengths(lengths) => {
            format!("{} to {}, step {}, default {}", lengths.min, lengths.max, lengths.increment, lengths.default)
        }
        PropertyValue::Number(number) => number.to_string(),
        PropertyValue::Text(text) => printable(text),
        PropertyValue::Bytes(bytes) => bytes_text(bytes),
        PropertyValue::Texts(texts) => texts.iter().map(|text| printable(text)).collect::<Vec<_>>().join(", "),
        PropertyValue::TagLengths(lengths) => {
            format!("{} to {}, step {}", lengths.min, lengths.max, lengths.increment)
        }
        _ => String::new(),
    }
}
