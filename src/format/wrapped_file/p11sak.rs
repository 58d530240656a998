//! What `p11sak wrap-key` of IBM openCryptoki writes: PEM with the label `P11SAK WRAPPED KEY` and headers (the manual page `p11sak.1`, and
//! `usr/sbin/p11sak/p11sak.h` and `p11sak_keywrap.c` of version 3.27 for the names and values).
//!
//! | header | value | of |
//! |---|---|---|
//! | `KEY-TYPE` | `AES`, `3DES`, `GENERIC`, `SHA256-HMAC` …, `RSA`, `EC`, `DSA`, `DH`, `EC-Edwards`, `EC-Montgomery`, `ML-DSA`, `ML-KEM` | all |
//! | `WRAP-ALG` | `AES-CBC-PAD`, `AESKW-KWP`, `AESKW-PKCS7`, `RSA-PKCS`, `RSA-OAEP`, `RSA-AESKW` | all |
//! | `IV` | hexadecimal, or `[default]` | the first three; without it: zeros, default, default |
//! | `HASH-ALG`, `MGF-ALG` | `SHA-1`, `SHA256`, `SHA384`, `SHA512` | `RSA-OAEP`, `RSA-AESKW`; each by default as the other, or SHA-256 |
//! | `SOURCE-DATA` | the OAEP label in hexadecimal, or `[none]` | the same |
//! | `AES-KEY-SIZE` | 128, 192, 256 (the default) | `RSA-AESKW` |
//!
//! Names of headers are exact, values are the same in any case. The file tells no label, no identifier, no usage and not the name of the
//! key-encryption key. Refused by name: the wrappings by ECDH, SHA-224 and SHA-3, initial values other than the standard's, headers
//! that are not known or that belong to another algorithm. Other PEM sections of the file are passed over, as the tool does.

use super::{KeyType, MAX_KEYS, Oaep, Part, Scheme, Source, WrappedFile, Wrapping, check_length, class_of};
use crate::asn1::pem::{self, Section};
use crate::format::Error;
use crate::format::entry::unhex;
use crate::key::Family;
use crate::key::rsa::Hash;

const TOOL: &str = "p11sak";
const FORMAT: &str = "p11sak wrapped key";
const LABEL: &str = "P11SAK WRAPPED KEY";
const BEGIN: &[u8] = b"-----BEGIN P11SAK WRAPPED KEY-----";

const KEY_TYPE: &str = "KEY-TYPE";
const WRAP_ALG: &str = "WRAP-ALG";
const IV: &str = "IV";
const HASH_ALG: &str = "HASH-ALG";
const MGF_ALG: &str = "MGF-ALG";
const SOURCE_DATA: &str = "SOURCE-DATA";
const AES_KEY_SIZE: &str = "AES-KEY-SIZE";
/// Of the wrappings by ECDH, which are refused for what they are and not for these.
const ECDH: [&str; 2] = ["KDF-ALG", "SHARED-DATA"];

const KEY_TYPES: &[(&str, KeyType)] = &[
    ("AES", KeyType::AES),
    ("3DES", KeyType::TRIPLE_DES),
    ("GENERIC", KeyType::HMAC),
    ("SHA-1-HMAC", KeyType::HMAC),
    ("SHA224-HMAC", KeyType::HMAC),
    ("SHA256-HMAC", KeyType::HMAC),
    ("SHA384-HMAC", KeyType::HMAC),
    ("SHA512-HMAC", KeyType::HMAC),
    ("SHA512/224-HMAC", KeyType::HMAC),
    ("SHA512/256-HMAC", KeyType::HMAC),
    ("SHA3-224-HMAC", KeyType::HMAC),
    ("SHA3-256-HMAC", KeyType::HMAC),
    ("SHA3-384-HMAC", KeyType::HMAC),
    ("SHA3-512-HMAC", KeyType::HMAC),
    ("RSA", KeyType::Known(Family::Rsa)),
    ("DH", KeyType::Known(Family::Dh)),
    ("DSA", KeyType::Known(Family::Dsa)),
    ("EC", KeyType::Known(Family::Ecdsa)),
    ("EC-Edwards", KeyType::Known(Family::Eddsa)),
    ("EC-Montgomery", KeyType::Known(Family::Ecdh)),
    ("ML-DSA", KeyType::Known(Family::MlDsa)),
    ("ML-KEM", KeyType::Known(Family::MlKem)),
    ("DES", KeyType::Foreign),
    ("AES-XTS", KeyType::Foreign),
    ("IBM-Dilithium", KeyType::Foreign),
    ("IBM-Kyber", KeyType::Foreign),
    ("IBM-ML-DSA", KeyType::Foreign),
    ("IBM-ML-KEM", KeyType::Foreign),
];

/// RFC 3394 §2.2.3.1 and RFC 5649 §3.
const KW_IV: [u8; 8] = [0xA6; 8];
const KWP_IV: [u8; 4] = [0xA6, 0x59, 0x59, 0xA6];

/// Finds the first line of a section, at the beginning of a line.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(BEGIN))
}

/// Reads every wrapped key.
pub(super) fn decode_all(bytes: &[u8]) -> Result<Vec<WrappedFile>, Error> {
    let source = Source { format: FORMAT, bytes };
    let mut all = Vec::new();
    for section in pem::sections(bytes) {
        let section = section?;
        if section.label != LABEL {
            continue;
        }
        if all.len() == MAX_KEYS {
            return Err(source.error("the section", section.offset, "there are more keys than are read"));
        }
        all.push(decode(source, &section)?);
    }
    // It was recognised by its first line, which need not be the beginning of a whole section.
    if all.is_empty() { Err(source.error("the section", 0, "there is none")) } else { Ok(all) }
}

fn decode(source: Source<'_>, section: &Section<'_>) -> Result<WrappedFile, Error> {
    let mut headers = Headers::read(source, section)?;
    let key_type = headers.require(KEY_TYPE)?;
    let family = KeyType::by_name(KEY_TYPES, key_type.value)
        .map_err(|problem| source.error(key_type.value, key_type.offset, problem))?;
    let wrap_alg = headers.require(WRAP_ALG)?;
    let scheme = scheme(&mut headers, wrap_alg)?;
    if let Some(left) = headers.left.first() {
        let problem = "this header does not belong to the algorithm";
        return Err(source.error(left.name, left.offset, problem));
    }
    let wrong = |problem| source.error("the wrapped key", section.offset, problem);
    let bytes = section.decode().map_err(|_| wrong("its base64 is not right"))?.to_vec();
    check_length(&scheme, bytes.len()).map_err(wrong)?;
    Ok(WrappedFile {
        tool: TOOL,
        class: class_of(family),
        algorithm: Some(super::algorithm(family, None, None)),
        label: None,
        id: None,
        kek_label: None,
        usage: None,
        sensitive: None,
        extractable: None,
        public: None,
        wrapping: Wrapping::Direct(Part { scheme, bytes }),
        extras: Vec::new(),
    })
}

fn scheme(headers: &mut Headers<'_>, wrap_alg: Header<'_>) -> Result<Scheme, Error> {
    let is = |name: &str| wrap_alg.value.eq_ignore_ascii_case(name);
    if is("AES-CBC-PAD") {
        let iv = match headers.iv()? {
            // The tool has no default for it but the zeros that it writes out.
            Iv::Absent => [0; 16],
            Iv::Bytes(iv, header) => {
                <[u8; 16]>::try_from(iv).map_err(|_| headers.error(header, "it is not 16 bytes"))?
            }
            Iv::Default(header) => return Err(headers.error(header, "this algorithm has no default")),
        };
        return Ok(Scheme::AesCbcPad { iv });
    }
    if is("AESKW-KWP") {
        headers.default_iv(&KWP_IV)?;
        return Ok(Scheme::AesKwp);
    }
    if is("AESKW-PKCS7") {
        headers.default_iv(&KW_IV)?;
        return Ok(Scheme::AesKwPkcs7);
    }
    if is("RSA-PKCS") {
        return Ok(Scheme::RsaPkcs1);
    }
    if is("RSA-OAEP") {
        return headers.oaep().map(Scheme::RsaOaep);
    }
    if is("RSA-AESKW") {
        let aes_bits = match headers.take(AES_KEY_SIZE) {
            None => 256,
            Some(header) => match header.value {
                "128" => 128,
                "192" => 192,
                "256" => 256,
                _ => return Err(headers.error(header, "an AES key has 128, 192 or 256 bits")),
            },
        };
        return Ok(Scheme::RsaAesKeyWrap { aes_bits, oaep: headers.oaep()? });
    }
    if ["ECDH-AESKW", "ECDH-COF-AESKW", "ECDH-X-AESKW"].into_iter().any(is) {
        return Err(headers.error(wrap_alg, "keys wrapped by ECDH are not read here"));
    }
    Err(headers.error(wrap_alg, "this wrapping algorithm is not known"))
}

#[derive(Clone, Copy)]
struct Header<'a> {
    name: &'static str,
    value: &'a str,
    offset: usize,
}

/// What the header of the initialisation vector says.
enum Iv<'a> {
    Absent,
    Bytes(Vec<u8>, Header<'a>),
    Default(Header<'a>),
}

/// The headers of a section, taken one by one.
struct Headers<'a> {
    source: Source<'a>,
    section: usize,
    left: Vec<Header<'a>>,
}

impl<'a> Headers<'a> {
    fn read(source: Source<'a>, section: &Section<'a>) -> Result<Self, Error> {
        const KNOWN: [&str; 9] =
            [KEY_TYPE, WRAP_ALG, IV, HASH_ALG, MGF_ALG, SOURCE_DATA, AES_KEY_SIZE, ECDH[0], ECDH[1]];
        let (headers, mut offset) = section.headers();
        let mut left: Vec<Header<'a>> = Vec::new();
        for line in headers.split_inclusive(|byte| *byte == b'\n') {
            let at = offset;
            offset += line.len();
            let text = str::from_utf8(line.trim_ascii());
            let text = text.map_err(|_| source.error("the header", at, "it is not UTF-8"))?;
            if text.is_empty() {
                continue;
            }
            let split = text.split_once(':');
            let (name, value) = split.ok_or_else(|| source.error("the header", at, "it has no name and colon"))?;
            let Some(name) = KNOWN.into_iter().find(|known| *known == name) else {
                return Err(source.error(name, at, "this header is not known"));
            };
            if left.iter().any(|other| other.name == name) {
                return Err(source.error(name, at, "it stands there twice"));
            }
            left.push(Header { name, value: value.trim(), offset: at });
        }
        Ok(Self { source, section: section.offset, left })
    }

    fn take(&mut self, name: &str) -> Option<Header<'a>> {
        let at = self.left.iter().position(|header| header.name == name)?;
        Some(self.left.remove(at))
    }

    fn require(&mut self, name: &'static str) -> Result<Header<'a>, Error> {
        let found = self.take(name);
        found.ok_or_else(|| self.source.error(name, self.section, "it is missing"))
    }

    fn error(&self, header: Header<'_>, problem: &'static str) -> Error {
        self.source.error(header.name, header.offset, problem)
    }

    fn iv(&mut self) -> Result<Iv<'a>, Error> {
        let Some(header) = self.take(IV) else { return Ok(Iv::Absent) };
        if header.value.eq_ignore_ascii_case("[default]") {
            return Ok(Iv::Default(header));
        }
        let iv = unhex(header.value).ok_or_else(|| self.error(header, "it is not hexadecimal"))?;
        Ok(Iv::Bytes(iv, header))
    }

    /// Holds the initial value to the standard's: nothing here unwraps with another.
    fn default_iv(&mut self, default: &[u8]) -> Result<(), Error> {
        match self.iv()? {
            Iv::Bytes(iv, header) if iv != default => {
                Err(self.error(header, "only the standard's initial value is handled"))
            }
            _ => Ok(()),
        }
    }

    fn oaep(&mut self) -> Result<Oaep, Error> {
        let hash = self.hash(HASH_ALG)?;
        let mgf_hash = self.hash(MGF_ALG)?;
        let label = match self.take(SOURCE_DATA) {
            None => Vec::new(),
            Some(header) if header.value.eq_ignore_ascii_case("[none]") => Vec::new(),
            Some(header) => unhex(header.value).ok_or_else(|| self.error(header, "it is not hexadecimal"))?,
        };
        Ok(Oaep {
            hash: hash.or(mgf_hash).unwrap_or(Hash::Sha256),
            mgf_hash: mgf_hash.or(hash).unwrap_or(Hash::Sha256),
            label,
        })
    }

    fn hash(&mut self, name: &str) -> Result<Option<Hash>, Error> {
        let Some(header) = self.take(name) else { return Ok(None) };
        let hash = match header.value.to_ascii_uppercase().as_str() {
            "SHA-1" => Hash::Sha1,
            "SHA256" => Hash::Sha256,
            "SHA384" => Hash::Sha384,
            "SHA512" => Hash::Sha512,
            "SHA224" | "SHA3-224" | "SHA3-256" | "SHA3-384" | "SHA3-512" => {
                return Err(self.error(header, "SHA-224 and SHA-3 are not handled"));
            }
            _ => return Err(self.error(header, "this hash is not known")),
        };
        Ok(Some(hash))
    }
}
