//! The formats that are text: JSON, BIND, PEM around DER.

use super::{Field, Value, der};
use crate::asn1;
use crate::format::json::{self, Kind, Node};
use crate::format::{Format, MAX_KEYS, bind, entry, jwk, pem};
use crate::secret::SecretBytes;

/// Longer values are not shown: a chain of certificates is shorter.
const LONGEST_SHOWN: usize = 256 << 10;

/// The members of a JWK, or of the keys of a set, each by the place of its value.
pub(super) fn jwk(fields: &mut Vec<Field>, bytes: &[u8]) {
    if let Ok(node) = json::read(bytes) {
        object(fields, node, 0);
    }
}

fn object(fields: &mut Vec<Field>, node: Node<'_>, depth: usize) {
    let Ok(members) = node.members() else { return };
    let kty = members.iter().find(|member| member.name == "kty").and_then(|member| member.value.string().ok());
    for member in &members {
        let (value, name) = (member.value, entry::printable(&member.name));
        if fields.len() >= der::MAX_FIELDS {
            return;
        }
        if depth == 0 && kty.is_none() && member.name == "keys" {
            fields.push(Field::new(name, value.offset(), value.len(), depth, Value::Structure));
            for (key, number) in value.elements(MAX_KEYS, "").unwrap_or_default().into_iter().zip(1..) {
                fields.push(Field::new(format!("key {number}"), key.offset(), key.len(), depth + 1, Value::Structure));
                object(fields, key, depth + 2);
            }
            continue;
        }
        let public = value.len() <= LONGEST_SHOWN && jwk::is_public(kty.as_deref(), &member.name, value);
        let shown = match value.kind() {
            _ if !public => Value::Private(SecretBytes::from(value.text().trim_matches('"').as_bytes())),
            Kind::String => Value::Text(
                value.string().map(|text| text.chars().flat_map(char::escape_debug).collect()).unwrap_or_default(),
            ),
            _ => Value::Text(value.text().chars().flat_map(char::escape_debug).collect()),
        };
        fields.push(Field::new(name, value.offset(), value.len(), depth, shown));
    }
}

/// The lines of a BIND file, each by the place of its value.
pub(super) fn bind(fields: &mut Vec<Field>, bytes: &[u8]) {
    for line in bind::lines(bytes).unwrap_or_default() {
        let value = if line.is_public() {
            Value::Text(line.value.chars().flat_map(char::escape_debug).collect())
        } else {
            Value::Private(SecretBytes::from(line.value.as_bytes()))
        };
        fields.push(Field::new(entry::printable(line.name), line.offset, line.value.len(), 0, value));
    }
}

/// The blocks of a PEM file, and what is inside them.
pub(super) fn pem(fields: &mut Vec<Field>, bytes: &[u8]) {
    for section in asn1::pem::sections(bytes).map_while(Result::ok).take(MAX_KEYS) {
        let remark = "offsets below count from the start of the DER inside";
        let name = entry::printable(section.label);
        fields.push(Field::new(name, section.offset, section.end - section.offset, 0, Value::Text(remark.to_owned())));
        let format = pem::format(&section).and_then(Format::der);
        if let (Some(format), Ok(der_bytes)) = (format, pem::contents(&section)) {
            let trust = der::Trust::of(&der_bytes, format);
            let _ = der::walk(fields, &der_bytes, format, 1, trust);
        }
        if fields.len() >= der::MAX_FIELDS {
            return;
        }
    }
}
