//! Windows' serialized certificate store: what `CertSaveStore` writes, `CERT_STORE_PROV_SERIALIZED` opens, and `NCRYPTBUFFER_CERT_BLOB` carries.
//!
//! Owns the container and takes the certificates out of it; what is in these is [`asn1::certificate`]'s. Numbers are little-endian
//! (MS-OSHARED §2.3.2.5 and §2.3.9.1; Wine's `crypt32` reads and writes the same):
//!
//! | what | bytes |
//! |---|---|
//! | header | version 0, then `CERT`: four bytes each |
//! | an element | its property id, encoding type 1, the length of what follows: four bytes each; then that |
//! | the end | twelve zero bytes |
//!
//! Property id 32 is a certificate, 33 a revocation list, 34 a list of trusted certificates; any other is a property of the one that comes next, such as
//! its friendly name or where its private key is. Properties are passed over, and not written: where somebody's key is, is no one else's business. A single
//! bare certificate in DER is taken for a store that holds it. An empty file is refused, though Windows takes it for an empty store; a store with no
//! certificate is read.

use super::Error;
use crate::asn1;

/// More certificates than anyone encrypts a key for.
pub const MAX_CERTIFICATES: usize = 1000;

const VERSION: u32 = 0;
/// `CERT`.
const MAGIC: u32 = 0x5452_4543;
const X509_ASN_ENCODING: u32 = 1;

/// Property ids that wincrypt.h calls reserved.
const END: u32 = 0;
const CERTIFICATE: u32 = 32;
const CRL: u32 = 33;
const CTL: u32 = 34;

/// What a store holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CertStore<'a> {
    /// The certificates in DER, in the order of the file.
    pub certificates: Vec<&'a [u8]>,
    /// How many lists were passed over, of revoked and of trusted certificates.
    pub lists: usize,
}

/// Reads a store, or a single certificate in DER.
///
/// # Errors
/// [`Error::CertStore`] with what is wrong and where, [`Error::Empty`].
pub fn read(bytes: &[u8]) -> Result<CertStore<'_>, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    if is_certificate(bytes) {
        return Ok(CertStore { certificates: vec![bytes], lists: 0 });
    }
    let mut reader = Reader { bytes, at: 0 };
    if reader.number("its version")? != VERSION {
        return Err(wrong("its version", 0, "it is not 0, and the file is no certificate in DER either"));
    }
    if reader.number("its magic")? != MAGIC {
        return Err(wrong("its magic", 4, "it is not CERT"));
    }
    let mut store = CertStore::default();
    loop {
        let start = reader.at;
        let id = reader.number("the property id of an element")?;
        let encoding_at = reader.at;
        let encoding = reader.number("the encoding type of an element")?;
        let length = reader.number("the length of an element")?;
        if id == END {
            if (encoding, length) != (0, 0) {
                return Err(wrong("the end element", start, "it is not zero throughout"));
            }
            break;
        }
        if encoding != X509_ASN_ENCODING {
            return Err(wrong("the encoding type of an element", encoding_at, "it is not 1"));
        }
        let at = reader.at;
        let data = reader.take("an element", usize::try_from(length).unwrap_or(usize::MAX))?;
        match id {
            CERTIFICATE if !is_certificate(data) => return Err(wrong("a certificate", at, "it is none, in DER")),
            CERTIFICATE if store.certificates.len() == MAX_CERTIFICATES => {
                return Err(wrong("a certificate", at, "there are more than 1000"));
            }
            CERTIFICATE => store.certificates.push(data),
            CRL | CTL => store.lists += 1,
            _ => {}
        }
    }
    if reader.at != bytes.len() {
        return Err(wrong("the end element", reader.at, "something stands behind it"));
    }
    Ok(store)
}

/// Writes a store of certificates in DER, without properties.
///
/// # Errors
/// [`Error::CertStore`] for something that is no certificate in DER, with where it would have stood.
pub fn write<C: AsRef<[u8]>>(certificates: &[C]) -> Result<Vec<u8>, Error> {
    let mut out = [VERSION, MAGIC].map(u32::to_le_bytes).concat();
    for der in certificates.iter().map(AsRef::as_ref) {
        let length = u32::try_from(der.len()).ok().filter(|_| is_certificate(der));
        let length = length.ok_or_else(|| wrong("a certificate", out.len() + 12, "it is none, in DER"))?;
        out.extend([CERTIFICATE, X509_ASN_ENCODING, length].map(u32::to_le_bytes).concat());
        out.extend_from_slice(der);
    }
    out.extend([0; 12]);
    Ok(out)
}

/// Whether this is one certificate and nothing else, as far as it is looked into.
fn is_certificate(der: &[u8]) -> bool {
    asn1::outer_length(der) == Some(der.len()) && asn1::certificate::names(der).is_some()
}

fn wrong(field: &'static str, offset: usize, problem: &'static str) -> Error {
    Error::CertStore { field, offset, problem }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| wrong(field, self.at, "the file is cut short"))?;
        self.at += length;
        Ok(taken)
    }

    fn number(&mut self, field: &'static str) -> Result<u32, Error> {
        let at = self.at;
        let bytes = self.take(field, 4)?;
        let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| wrong(field, at, "the file is cut short"))?;
        Ok(u32::from_le_bytes(bytes))
    }
}
