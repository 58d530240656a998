//! The containers of wrapped keys: `OpaqueTransport`, and the CMS EnvelopedData that CNG calls `PKCS7_ENVELOPE` (RFC 5652).
//!
//! What is in them is public, or encrypted. A file that is none of them may hold anything, and shows no values.

use super::der::{
    ALGORITHM, ANY, CERTIFICATE, Element, INTEGER, Inside, OCTET_STRING, OID, SEQUENCE, SPKI, Stop, Trust, element,
    version, walk_as,
};
use super::{Field, Value};
use crate::asn1::cms;
use crate::blob::BlobType;

const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0C;

/// `asn1::transport`.
const TRANSPORT: &[Element] = &[
    element(
        "info",
        SEQUENCE,
        Inside::Elements(&[
            element("magic", UTF8_STRING, Inside::Public),
            version(&[1]),
            element("name", UTF8_STRING, Inside::Public),
            element("exportPolicy", INTEGER, Inside::Public),
            element("keyUsage", INTEGER, Inside::Public),
            element("id", OCTET_STRING, Inside::Public),
            element(
                "subject",
                ANY,
                Inside::Choice(&[
                    element(
                        "subject (private)",
                        0xA0,
                        Inside::Elements(&[element("subjectPublicKeyInfo", SEQUENCE, Inside::Elements(SPKI))]),
                    ),
                    element(
                        "subject (secret)",
                        0xA1,
                        Inside::Elements(&[
                            element("algorithm", UTF8_STRING, Inside::Public),
                            element("bits", INTEGER, Inside::Public),
                        ]),
                    ),
                ]),
            ),
            element(
                "certificates",
                SEQUENCE,
                Inside::Each(&[element("certificate", SEQUENCE, Inside::Elements(CERTIFICATE))]),
            ),
            element(
                "recipients",
                SEQUENCE,
                Inside::Each(&[
                    element(
                        "rsa",
                        0xA0,
                        Inside::Elements(&[
                            element("keyId", OCTET_STRING, Inside::Public),
                            element("oaepHash", UTF8_STRING, Inside::Public),
                            element("key", OCTET_STRING, Inside::Public),
                        ]),
                    ),
                    element("aes", 0x81, Inside::Public),
                ]),
            ),
            element("macKey", OCTET_STRING, Inside::Public),
            element("key", OCTET_STRING, Inside::Public),
        ]),
    ),
    element("mac", OCTET_STRING, Inside::Public),
];

/// RFC 5652 §6.1, §6.2. Of the recipients that are not read the tags are told.
const ENVELOPED_DATA: &[Element] = &[
    version(&[0, 2, 3, 4]),
    element("originatorInfo", 0xA0, Inside::Public),
    element(
        "recipientInfos",
        SET,
        Inside::Each(&[
            element(
                "ktri",
                SEQUENCE,
                Inside::Elements(&[
                    version(&[0, 2]),
                    element(
                        "rid",
                        ANY,
                        Inside::Choice(&[
                            element(
                                "issuerAndSerialNumber",
                                SEQUENCE,
                                Inside::Elements(&[
                                    element("issuer", SEQUENCE, Inside::Public),
                                    element("serialNumber", INTEGER, Inside::Public),
                                ]),
                            ),
                            element("subjectKeyIdentifier", 0x80, Inside::Public),
                        ]),
                    ),
                    element("keyEncryptionAlgorithm", SEQUENCE, Inside::Elements(ALGORITHM)),
                    element("encryptedKey", OCTET_STRING, Inside::Public),
                ]),
            ),
            element("kari", 0xA1, Inside::Public),
            element("kekri", 0xA2, Inside::Public),
            element("pwri", 0xA3, Inside::Public),
            element("ori", 0xA4, Inside::Public),
        ]),
    ),
    element(
        "encryptedContentInfo",
        SEQUENCE,
        Inside::Elements(&[
            element("contentType", OID, Inside::Public),
            element("contentEncryptionAlgorithm", SEQUENCE, Inside::Elements(ALGORITHM)),
            element(
                "encryptedContent",
                ANY,
                Inside::Choice(&[
                    element("encryptedContent", 0x80, Inside::Public),
                    element("encryptedContent", 0xA0, Inside::Public),
                ]),
            ),
        ]),
    ),
    element("unprotectedAttrs", 0xA1, Inside::Public),
];
/// RFC 5652 §3.
const CONTENT_INFO: &[Element] = &[
    element("contentType", OID, Inside::Public),
    element("content", 0xA0, Inside::Elements(&[element("EnvelopedData", SEQUENCE, Inside::Elements(ENVELOPED_DATA))])),
];

/// Whether this is a container of a wrapped key that is DER, and so is told element by element.
pub(in crate::format) fn is_container(blob_type: BlobType) -> bool {
    matches!(blob_type, BlobType::OpaqueTransport | BlobType::Pkcs7Envelope)
}

/// Tells the elements of a container, up to where it stops making sense.
pub(in crate::format) fn walk(
    fields: &mut Vec<Field>,
    bytes: &[u8],
    blob_type: BlobType,
    trust: Trust,
) -> Result<(), Stop> {
    if blob_type == BlobType::OpaqueTransport {
        return walk_as(fields, bytes, ("OpaqueTransport", TRANSPORT), 0, trust);
    }
    let armoured = cms::in_pem(bytes);
    let binary = armoured.as_deref().unwrap_or(bytes);
    let converted = cms::to_der(binary);
    let der = converted.as_deref().unwrap_or(binary);
    let mut depth = 0;
    for (name, differs) in [("PEM", armoured.is_some()), ("BER", converted.is_some())] {
        if differs {
            let remark = "offsets below count from the start of the DER that it becomes";
            fields.push(Field::new(name, 0, bytes.len(), 0, Value::Text(remark.to_owned())));
            depth = 1;
        }
    }
    // A ContentInfo begins with its type, an EnvelopedData with its version.
    let structure = match cms::has_content_info(der) {
        true => ("ContentInfo", CONTENT_INFO),
        false => ("EnvelopedData", ENVELOPED_DATA),
    };
    walk_as(fields, der, structure, depth, trust)
}
