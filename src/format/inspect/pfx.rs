//! What is inside a PKCS#12 file, once it is open.

use super::{Field, Value, der};
use crate::asn1::pfx::Pfx;
use crate::format::{Format, entry};

/// The keys and certificates of a file that the password opens. Each stands in the decrypted contents, so its offset is 0.
pub(super) fn bags(fields: &mut Vec<Field>, pfx: &Pfx) {
    let remark = "offsets below count from the start of what was decrypted";
    for (key, number) in pfx.keys.iter().zip(1..) {
        let name = format!("key {number}");
        fields.push(Field::new(name, 0, key.pkcs8.len(), 0, Value::Text(remark.to_owned())));
        names(fields, key.friendly_name.as_deref(), key.local_key_id.as_deref());
        let _ = der::walk(fields, &key.pkcs8, Format::PKCS8, 1, der::Trust::of(&key.pkcs8, Format::PKCS8));
    }
    for (certificate, number) in pfx.certificates.iter().zip(1..) {
        let name = format!("certificate {number}");
        fields.push(Field::new(name, 0, certificate.der.len(), 0, Value::Text(remark.to_owned())));
        names(fields, certificate.friendly_name.as_deref(), certificate.local_key_id.as_deref());
        let _ = der::walk(fields, &certificate.der, Format::Cert, 1, der::Trust::of(&certificate.der, Format::Cert));
    }
}

fn names(fields: &mut Vec<Field>, friendly_name: Option<&str>, local_key_id: Option<&[u8]>) {
    if let Some(name) = friendly_name {
        fields.push(Field::new("friendlyName", 0, name.len(), 1, Value::Text(entry::printable(name))));
    }
    if let Some(id) = local_key_id {
        fields.push(Field::new("localKeyId", 0, id.len(), 1, Value::Public(id.to_vec())));
    }
}
