//! What `p11wrap` of Mastercard's pkcs11-tools writes and `p11unwrap` reads: its grammar up to version 2.3 (`lib/wrappedkey_lexer.l` and
//! `lib/wrappedkey_parser.y` of version 3.0; `lib/pkcs11_wrapoutput.c` for what is written).
//!
//! ```text
//! # a comment, from a mark at the beginning of a line to its end
//! Content-Type: application/pkcs11-tools
//! Grammar-Version: 2.3
//! Wrapping-Key: "label of the key-encryption key"
//! Wrapping-Algorithm: rfc5649/1.0
//! CKA_LABEL: "name"          a string, or 0x… hexadecimal; so for CKA_ID, CKA_SUBJECT, CKA_EC_PARAMS, CKA_CHECK_VALUE
//! CKA_CLASS: CKO_SECRET_KEY
//! CKA_KEY_TYPE: CKK_AES
//! CKA_DECRYPT: true          true, yes, 1, CK_TRUE, and their opposites
//! CKA_END_DATE: "20361231"   also without quotation marks
//! CKA_UNWRAP_TEMPLATE: { CKA_SIGN: true }
//! CKA_ALLOWED_MECHANISMS: { CKM_AES_CBC }
//! -----BEGIN WRAPPED KEY-----  base64; with `envelope`, INNER and OUTER ones in any order
//! -----END WRAPPED KEY-----
//! CKA_CLASS: CKO_PUBLIC_KEY  of a private key: attributes and SubjectPublicKeyInfo of its public half
//! -----BEGIN PUBLIC KEY-----
//! -----END PUBLIC KEY-----
//! ```
//!
//! | `Wrapping-Algorithm` | parameters, with their defaults | read as |
//! |---|---|---|
//! | `pkcs1` | | RSAES-PKCS1-v1_5 |
//! | `oaep` | `hash=CKM_SHA_1`, `mgf=CKG_MGF1_SHA1`, `label=""` | RSAES-OAEP |
//! | `cbcpad` | `iv`, which must be there to unwrap | AES-CBC; an IV of eight bytes is DES and refused |
//! | `rfc3394` | | AES key wrap |
//! | `rfc5649` | `flavour`: `kwp`, `pad`, `luna` or their mechanisms' names; `nss` is not RFC 5649 and refused | AES key wrap with padding |
//! | `envelope` | `outer=oaep`, `inner=cbcpad` | an AES key under RSA and the key under it |
//!
//! White space and line ends mean nothing, words are the same in any case, and a name may have a version (`oaep/1.0`), of which 1.x is
//! read. Stricter than the tool: a line that stands there twice is refused, of which the tool would take the first; class, key type and public
//! half must fit each other; what was wrapped must have a length that its algorithm makes.

use super::{Class, KeyType, Oaep, Part, Scheme, Source, WrappedFile, Wrapping, check_length, class_of};
use crate::asn1::{ec_parameters, pem, spki};
use crate::format::Error;
use crate::format::entry::unhex;
use crate::key::rsa::Hash;
use crate::key::{Curve, Family, KeyUsage, Kind, PublicKey, Validation};

const TOOL: &str = "pkcs11-tools";
const FORMAT: &str = "pkcs11-tools wrapped key";
const CONTENT_TYPE: &str = "Content-Type";
const GRAMMAR_VERSION: &str = "Grammar-Version";
const WRAPPING_ALGORITHM: &str = "Wrapping-Algorithm";
const WRAPPING_KEY: &str = "Wrapping-Key";
/// The highest version of the grammar that is known.
const HIGHEST: (u32, u32) = (2, 3);

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Value {
    Bool,
    Bytes,
    Class,
    Date,
    KeyType,
    Mechanisms,
    Template,
}

/// Every attribute that the grammar knows.
const ATTRIBUTES: &[(&str, Value)] = &[
    ("CKA_ALLOWED_MECHANISMS", Value::Mechanisms),
    ("CKA_CHECK_VALUE", Value::Bytes),
    ("CKA_CLASS", Value::Class),
    ("CKA_DECAPSULATE", Value::Bool),
    ("CKA_DECAPSULATE_TEMPLATE", Value::Template),
    ("CKA_DECRYPT", Value::Bool),
    ("CKA_DERIVE", Value::Bool),
    ("CKA_DERIVE_TEMPLATE", Value::Template),
    ("CKA_EC_PARAMS", Value::Bytes),
    ("CKA_ENCAPSULATE", Value::Bool),
    ("CKA_ENCAPSULATE_TEMPLATE", Value::Template),
    ("CKA_ENCRYPT", Value::Bool),
    ("CKA_END_DATE", Value::Date),
    ("CKA_EXTRACTABLE", Value::Bool),
    ("CKA_ID", Value::Bytes),
    ("CKA_KEY_TYPE", Value::KeyType),
    ("CKA_LABEL", Value::Bytes),
    ("CKA_MODIFIABLE", Value::Bool),
    ("CKA_PRIVATE", Value::Bool),
    ("CKA_SENSITIVE", Value::Bool),
    ("CKA_SIGN", Value::Bool),
    ("CKA_SIGN_RECOVER", Value::Bool),
    ("CKA_START_DATE", Value::Date),
    ("CKA_SUBJECT", Value::Bytes),
    ("CKA_TOKEN", Value::Bool),
    ("CKA_TRUSTED", Value::Bool),
    ("CKA_UNWRAP", Value::Bool),
    ("CKA_UNWRAP_TEMPLATE", Value::Template),
    ("CKA_VERIFY", Value::Bool),
    ("CKA_VERIFY_RECOVER", Value::Bool),
    ("CKA_WRAP", Value::Bool),
    ("CKA_WRAP_TEMPLATE", Value::Template),
    ("CKA_WRAP_WITH_TRUSTED", Value::Bool),
];

/// What an attribute lets a key of either class do.
const USAGES: &[(&str, KeyUsage)] = &[
    ("CKA_DECRYPT", KeyUsage::DECRYPT),
    ("CKA_ENCRYPT", KeyUsage::DECRYPT),
    ("CKA_SIGN", KeyUsage::SIGN),
    ("CKA_SIGN_RECOVER", KeyUsage::SIGN),
    ("CKA_VERIFY", KeyUsage::SIGN),
    ("CKA_DERIVE", KeyUsage::AGREE),
    ("CKA_DECAPSULATE", KeyUsage::AGREE),
    ("CKA_UNWRAP", KeyUsage::WRAP),
    ("CKA_WRAP", KeyUsage::WRAP),
];

const KEY_TYPES: &[(&str, KeyType)] = &[
    ("CKK_AES", KeyType::AES),
    ("CKK_DES3", KeyType::TRIPLE_DES),
    ("CKK_GENERIC_SECRET", KeyType::HMAC),
    ("CKK_MD5_HMAC", KeyType::HMAC),
    ("CKK_RIPEMD128_HMAC", KeyType::HMAC),
    ("CKK_RIPEMD160_HMAC", KeyType::HMAC),
    ("CKK_SHA_1_HMAC", KeyType::HMAC),
    ("CKK_SHA224_HMAC", KeyType::HMAC),
    ("CKK_SHA256_HMAC", KeyType::HMAC),
    ("CKK_SHA384_HMAC", KeyType::HMAC),
    ("CKK_SHA512_HMAC", KeyType::HMAC),
    ("CKK_RSA", KeyType::Known(Family::Rsa)),
    ("CKK_DH", KeyType::Known(Family::Dh)),
    ("CKK_DSA", KeyType::Known(Family::Dsa)),
    ("CKK_EC", KeyType::Known(Family::Ecdsa)),
    ("CKK_EC_EDWARDS", KeyType::Known(Family::Eddsa)),
    ("CKK_ML_DSA", KeyType::Known(Family::MlDsa)),
    ("CKK_ML_KEM", KeyType::Known(Family::MlKem)),
    ("CKK_SLH_DSA", KeyType::Known(Family::SlhDsa)),
    ("CKK_DES", KeyType::Foreign),
    ("CKK_DES2", KeyType::Foreign),
    ("CKK_YUBICO_AES128_CCM_WRAP", KeyType::Foreign),
    ("CKK_YUBICO_AES192_CCM_WRAP", KeyType::Foreign),
    ("CKK_YUBICO_AES256_CCM_WRAP", KeyType::Foreign),
];

/// The blocks of a file, by their labels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Block {
    Inner,
    Outer,
    Public,
}

impl Block {
    fn by_label(label: &str) -> Option<Self> {
        match label {
            "WRAPPED KEY" | "INNER WRAPPED KEY" => Some(Self::Inner),
            "OUTER WRAPPED KEY" => Some(Self::Outer),
            "PUBLIC KEY" => Some(Self::Public),
            _ => None,
        }
    }
}

/// Recognises the first line that is neither empty nor a comment.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let Some(first) = lines.find(|line| !line.is_empty() && line.first() != Some(&b'#')) else { return false };
    let Some(colon) = first.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = first.split_at(colon);
    let name = name.trim_ascii();
    name.eq_ignore_ascii_case(GRAMMAR_VERSION.as_bytes())
        || name.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes())
            && value
                .trim_ascii_start()
                .get(1..)
                .is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"application/pkcs11-tools"))
}

/// Reads a file.
pub(super) fn decode(bytes: &[u8]) -> Result<WrappedFile, Error> {
    let source = Source { format: FORMAT, bytes };
    let mut parser = Parser { source, at: 0 };
    let mut file = File::default();
    loop {
        let token = parser.next()?;
        match token.kind {
            TokenKind::End => return file.finish(source, token.offset),
            TokenKind::Word(name) => file.statement(&mut parser, name, token.offset)?,
            TokenKind::Block(block, content) => file.block(source, block, content, token.offset)?,
            _ => return Err(source.error("the statement", token.offset, "it does not begin with a name")),
        }
    }
}

// ---- words ---------------------------------------------------------------------------------------

struct Token<'a> {
    kind: TokenKind<'a>,
    offset: usize,
}

enum TokenKind<'a> {
    Block(Block, Vec<u8>),
    End,
    /// In quotation marks.
    Quoted(&'a [u8]),
    Symbol,
    Word(&'a str),
}

struct Parser<'a> {
    source: Source<'a>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, field: &str, offset: usize, problem: &'static str) -> Error {
        self.source.error(field, offset, problem)
    }

    /// Goes behind white space and comments; whether a line begins there.
    fn skip(&mut self) -> bool {
        loop {
            let rest = self.source.from(self.at);
            let starts_line = self.at == 0 || self.source.bytes.get(self.at - 1) == Some(&b'\n');
            match rest.first() {
                Some(b'#') if starts_line => {
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                _ => return starts_line,
            }
        }
    }

    fn next(&mut self) -> Result<Token<'a>, Error> {
        let starts_line = self.skip();
        let offset = self.at;
        let rest = self.source.from(offset);
        let kind = match rest.first() {
            None => TokenKind::End,
            Some(b'"') => {
                let text = rest.get(1..).unwrap_or_default();
                let len = text.iter().position(|byte| *byte == b'"');
                let len = len.ok_or_else(|| self.error("the string", offset, "it has no end"))?;
                self.at += len + 2;
                TokenKind::Quoted(text.get(..len).unwrap_or_default())
            }
            Some(b':' | b'=' | b'(' | b')' | b',' | b'{' | b'}' | b'/') => {
                self.at += 1;
                TokenKind::Symbol
            }
            Some(_) if starts_line && rest.starts_with(b"-----BEGIN ") => self.block(rest, offset)?,
            Some(_) => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
                let len = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
                let word = rest.get(..len).and_then(|word| str::from_utf8(word).ok()).filter(|word| !word.is_empty());
                let word = word.ok_or_else(|| self.error("the text", offset, "this character has no meaning there"))?;
                self.at += len;
                TokenKind::Word(word)
            }
        };
        Ok(Token { kind, offset })
    }

    fn block(&mut self, rest: &'a [u8], offset: usize) -> Result<TokenKind<'a>, Error> {
        let problem = "the block has no whole first and last line";
        let section = pem::sections(rest).next().and_then(Result::ok);
        let section = section.ok_or_else(|| self.error("the block", offset, problem))?;
        let block = Block::by_label(section.label)
            .ok_or_else(|| self.error(section.label, offset, "a block with this label has no meaning there"))?;
        let content = section.decode().map_err(|_| self.error(section.label, offset, "its base64 is not right"))?;
        self.at = offset + section.end;
        Ok(TokenKind::Block(block, content.to_vec()))
    }

    /// Whether the next character is this one; goes behind it if so.
    fn takes(&mut self, symbol: u8) -> bool {
        self.skip();
        let found = self.source.from(self.at).first() == Some(&symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: u8, field: &str, problem: &'static str) -> Result<(), Error> {
        if self.takes(symbol) { Ok(()) } else { Err(self.error(field, self.at, problem)) }
    }

    fn word(&mut self, field: &str) -> Result<(&'a str, usize), Error> {
        match self.next()? {
            Token { kind: TokenKind::Word(word), offset } => Ok((word, offset)),
            other => Err(self.error(field, other.offset, "there is no word")),
        }
    }

    /// A string in quotation marks or in hexadecimal.
    fn bytes(&mut self, field: &str) -> Result<(Vec<u8>, usize), Error> {
        let token = self.next()?;
        let bytes = match token.kind {
            TokenKind::Quoted(text) => Some(text.to_vec()),
            TokenKind::Word(word) => hex_word(word),
            _ => None,
        };
        let problem = "it is neither a string in quotation marks nor 0x and hexadecimal";
        let bytes = bytes.ok_or_else(|| self.error(field, token.offset, problem))?;
        Ok((bytes, token.offset))
    }

    /// Goes behind `/1.0`, if it is there. The tool looks at no version; another major one can mean anything.
    fn version(&mut self, field: &str) -> Result<(), Error> {
        if !self.takes(b'/') {
            return Ok(());
        }
        let (version, offset) = self.word(field)?;
        match dotted(version) {
            Some((1, _)) => Ok(()),
            _ => Err(self.error(field, offset, "version 1 of the algorithm is handled")),
        }
    }
}

fn hex_word(word: &str) -> Option<Vec<u8>> {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"))?;
    unhex(digits).filter(|bytes| !bytes.is_empty())
}

fn dotted(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

// ---- algorithms ----------------------------------------------------------------------------------

enum Algorithm {
    Direct(Scheme),
    Envelope { outer: Scheme, inner: Scheme },
}

/// Reads an algorithm. Only at the top there may be an envelope, whose two parts are each of one kind.
fn algorithm(parser: &mut Parser<'_>) -> Result<Algorithm, Error> {
    let (name, offset) = parser.word(WRAPPING_ALGORITHM)?;
    if !name.eq_ignore_ascii_case("envelope") {
        return scheme(parser, name, offset).map(Algorithm::Direct);
    }
    parser.version(name)?;
    let (mut outer, mut inner) = (None, None);
    parameters(parser, name, |parser, parameter, offset| {
        let is_outer = parameter.eq_ignore_ascii_case("outer");
        if !is_outer && !parameter.eq_ignore_ascii_case("inner") {
            return Err(parser.error(parameter, offset, "this parameter is not known"));
        }
        let (name, offset) = parser.word(parameter)?;
        let scheme = scheme(parser, name, offset)?;
        if is_outer != matches!(scheme, Scheme::RsaOaep(_) | Scheme::RsaPkcs1) {
            return Err(parser.error(name, offset, "outside is an RSA algorithm, inside an AES one"));
        }
        let place = if is_outer { &mut outer } else { &mut inner };
        let twice = place.replace(scheme).is_some();
        if twice { Err(parser.error(parameter, offset, "it stands there twice")) } else { Ok(()) }
    })?;
    // Inside, the default is cbcpad without an IV, and nothing can be unwrapped with that.
    let inner = inner.ok_or_else(|| parser.error(name, offset, "it says no inner algorithm with its IV"))?;
    Ok(Algorithm::Envelope { outer: outer.unwrap_or_else(|| Scheme::RsaOaep(default_oaep())), inner })
}

fn default_oaep() -> Oaep {
    Oaep { hash: Hash::Sha1, mgf_hash: Hash::Sha1, label: Vec::new() }
}

fn scheme(parser: &mut Parser<'_>, name: &str, offset: usize) -> Result<Scheme, Error> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let mut seen = [false; 3];
    let mut once = |parser: &Parser<'_>, at: usize, parameter: &str, offset: usize| {
        let twice = seen.get_mut(at).is_some_and(|seen| std::mem::replace(seen, true));
        if twice { Err(parser.error(parameter, offset, "it stands there twice")) } else { Ok(()) }
    };
    let unknown = |parser: &Parser<'_>, parameter: &str, offset: usize| {
        Err(parser.error(parameter, offset, "this parameter is not known"))
    };
    if is("pkcs1") {
        parser.version(name)?;
        return Ok(Scheme::RsaPkcs1);
    }
    if is("rfc3394") {
        parser.version(name)?;
        if parser.takes(b'(') {
            parser.expect(b')', name, "this algorithm has no parameters")?;
        }
        return Ok(Scheme::AesKw);
    }
    if is("oaep") {
        parser.version(name)?;
        let mut oaep = default_oaep();
        parameters(parser, name, |parser, parameter, offset| {
            match parameter.to_ascii_lowercase().as_str() {
                "hash" => {
                    once(parser, 0, parameter, offset)?;
                    oaep.hash = hash(parser, parameter, "CKM_SHA_1", "CKM_SHA")?;
                }
                "mgf" => {
                    once(parser, 1, parameter, offset)?;
                    oaep.mgf_hash = hash(parser, parameter, "CKG_MGF1_SHA1", "CKG_MGF1_SHA")?;
                }
                "label" => {
                    once(parser, 2, parameter, offset)?;
                    oaep.label = parser.bytes(parameter)?.0;
                }
                _ => return unknown(parser, parameter, offset),
            }
            Ok(())
        })?;
        return Ok(Scheme::RsaOaep(oaep));
    }
    if is("cbcpad") {
        parser.version(name)?;
        let mut iv = None;
        parameters(parser, name, |parser, parameter, offset| {
            if !parameter.eq_ignore_ascii_case("iv") {
                return unknown(parser, parameter, offset);
            }
            once(parser, 0, parameter, offset)?;
            let (bytes, offset) = parser.bytes(parameter)?;
            if bytes.len() == 8 {
                return Err(parser.error(
                    parameter,
                    offset,
                    "eight bytes are for a DES key, with which nothing is unwrapped here",
                ));
            }
            let wrong = |_| parser.error(parameter, offset, "it is not 16 bytes");
            iv = Some(<[u8; 16]>::try_from(bytes).map_err(wrong)?);
            Ok(())
        })?;
        let iv = iv.ok_or_else(|| parser.error(name, offset, "it says no IV"))?;
        return Ok(Scheme::AesCbcPad { iv });
    }
    if is("rfc5649") {
        parser.version(name)?;
        parameters(parser, name, |parser, parameter, offset| {
            if !parameter.eq_ignore_ascii_case("flavour") && !parameter.eq_ignore_ascii_case("flavor") {
                return unknown(parser, parameter, offset);
            }
            once(parser, 0, parameter, offset)?;
            let (flavour, offset) = parser.word(parameter)?;
            match flavour.to_ascii_lowercase().as_str() {
                "kwp" | "pad" | "luna" | "ckm_aes_key_wrap_kwp" | "ckm_aes_key_wrap_pad" | "ckm_luna_aes_kwp" => Ok(()),
                "nss" | "ckm_nss_aes_key_wrap_pad" => {
                    Err(parser.error(flavour, offset, "what NSS wraps so is not as RFC 5649 has it"))
                }
                _ => Err(parser.error(flavour, offset, "this flavour of RFC 5649 is not known")),
            }
        })?;
        return Ok(Scheme::AesKwp);
    }
    let problem = if is("envelope") { "an envelope has no place in another" } else { "this algorithm is not known" };
    Err(parser.error(name, offset, problem))
}

/// Reads `(name=value,…)`, if it is there; `each` reads a value.
fn parameters(
    parser: &mut Parser<'_>,
    field: &str,
    mut each: impl FnMut(&mut Parser<'_>, &str, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    if !parser.takes(b'(') {
        return Ok(());
    }
    loop {
        let (name, offset) = parser.word(field)?;
        parser.expect(b'=', name, "a = is missing")?;
        each(parser, name, offset)?;
        if !parser.takes(b',') {
            return parser.expect(b')', field, "its parameters have no end");
        }
    }
}

fn hash(parser: &mut Parser<'_>, field: &str, sha1: &str, prefix: &str) -> Result<Hash, Error> {
    let (name, offset) = parser.word(field)?;
    let upper = name.to_ascii_uppercase();
    if upper == sha1 {
        return Ok(Hash::Sha1);
    }
    match upper.strip_prefix(prefix) {
        Some("256") => Ok(Hash::Sha256),
        Some("384") => Ok(Hash::Sha384),
        Some("512") => Ok(Hash::Sha512),
        Some("224") => Err(parser.error(name, offset, "SHA-224 is not handled")),
        _ => Err(parser.error(name, offset, "this hash is not known")),
    }
}

// ---- the file ------------------------------------------------------------------------------------

/// The attributes of one of the two objects.
#[derive(Default)]
struct Attributes<'a> {
    seen: Vec<&'static str>,
    /// Those with a truth value.
    flags: Vec<(&'static str, bool)>,
    bytes: Vec<(&'static str, Vec<u8>, usize)>,
    class: Option<(&'a str, usize)>,
    key_type: Option<(&'a str, usize)>,
}

impl<'a> Attributes<'a> {
    fn read(&mut self, parser: &mut Parser<'a>, name: &str, offset: usize) -> Result<(), Error> {
        let Some((name, kind)) = attribute(name) else {
            return Err(parser.error(name, offset, "this name is not known"));
        };
        if self.seen.contains(&name) {
            return Err(parser.error(name, offset, "it stands there twice"));
        }
        self.seen.push(name);
        match kind {
            Value::Bool => self.flags.push((name, truth(parser, name)?)),
            Value::Bytes => {
                let (bytes, offset) = parser.bytes(name)?;
                self.bytes.push((name, bytes, offset));
            }
            Value::Class => self.class = Some(parser.word(name)?),
            Value::KeyType => self.key_type = Some(parser.word(name)?),
            Value::Date => date(parser, name)?,
            Value::Mechanisms => mechanisms(parser, name)?,
            Value::Template => template(parser, name)?,
        }
        Ok(())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.flags.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn take_bytes(&mut self, name: &str) -> Option<(Vec<u8>, usize)> {
        let at = self.bytes.iter().position(|(known, ..)| *known == name)?;
        let (_, bytes, offset) = self.bytes.remove(at);
        Some((bytes, offset))
    }
}

fn attribute(name: &str) -> Option<(&'static str, Value)> {
    ATTRIBUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).copied()
}

fn truth(parser: &mut Parser<'_>, name: &str) -> Result<bool, Error> {
    let (word, offset) = parser.word(name)?;
    match word.to_ascii_lowercase().as_str() {
        "true" | "ck_true" | "yes" | "1" => Ok(true),
        "false" | "ck_false" | "no" | "0" => Ok(false),
        _ => Err(parser.error(name, offset, "it is neither true nor false")),
    }
}

/// `YYYYMMDD`, bare, in quotation marks, or as bytes.
fn date(parser: &mut Parser<'_>, name: &str) -> Result<(), Error> {
    let token = parser.next()?;
    let is_date = match token.kind {
        TokenKind::Quoted(text) => text.len() == 8,
        TokenKind::Word(word) if word.len() == 8 => word.bytes().all(|byte| byte.is_ascii_digit()),
        TokenKind::Word(word) => hex_word(word).is_some_and(|bytes| bytes.len() == 8),
        _ => false,
    };
    if is_date { Ok(()) } else { Err(parser.error(name, token.offset, "it is no date of eight digits")) }
}

fn mechanisms(parser: &mut Parser<'_>, name: &str) -> Result<(), Error> {
    parser.expect(b'{', name, "a { is missing")?;
    while !parser.takes(b'}') {
        let (word, offset) = parser.word(name)?;
        if !word.to_ascii_uppercase().starts_with("CKM_") {
            return Err(parser.error(word, offset, "it is no mechanism"));
        }
    }
    Ok(())
}

/// Goes through a template, in which there is none.
fn template(parser: &mut Parser<'_>, name: &str) -> Result<(), Error> {
    parser.expect(b'{', name, "a { is missing")?;
    let mut inside = Attributes::default();
    while !parser.takes(b'}') {
        let (word, offset) = parser.word(name)?;
        if attribute(word).is_some_and(|(_, kind)| kind == Value::Template) {
            return Err(parser.error(word, offset, "a template has no place in another"));
        }
        parser.expect(b':', word, "a colon is missing")?;
        inside.read(parser, word, offset)?;
    }
    Ok(())
}

/// What was read so far.
#[derive(Default)]
struct File<'a> {
    has_first: bool,
    algorithm: Option<(Algorithm, usize)>,
    kek_label: Option<String>,
    key: Attributes<'a>,
    inner: Option<Vec<u8>>,
    outer: Option<Vec<u8>>,
    public_attributes: Attributes<'a>,
    public: Option<(PublicKey, usize)>,
    has_versions: [bool; 2],
}

impl<'a> File<'a> {
    fn statement(&mut self, parser: &mut Parser<'a>, name: &str, offset: usize) -> Result<(), Error> {
        if self.public.is_some() {
            return Err(parser.error(name, offset, "nothing comes behind the public key"));
        }
        parser.expect(b':', name, "a colon is missing")?;
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let is_key = self.inner.is_none() && self.outer.is_none();
        if is(CONTENT_TYPE) || is(GRAMMAR_VERSION) {
            let at = usize::from(is(CONTENT_TYPE));
            let twice = self.has_versions.get_mut(at).is_some_and(|seen| std::mem::replace(seen, true));
            if twice || !is_key {
                return Err(parser.error(name, offset, "it stands there twice, or behind the wrapped key"));
            }
            self.has_first = true;
            return if at == 1 { content_type(parser) } else { grammar_version(parser) };
        }
        if !self.has_first {
            return Err(parser.error(name, offset, "Content-Type or Grammar-Version comes first"));
        }
        if is(WRAPPING_ALGORITHM) && is_key {
            let algorithm = (algorithm(parser)?, offset);
            return match self.algorithm.replace(algorithm) {
                None => Ok(()),
                Some(_) => Err(parser.error(name, offset, "it stands there twice")),
            };
        }
        if is(WRAPPING_KEY) && is_key {
            let (bytes, offset) = parser.bytes(name)?;
            let label = text(parser.source, WRAPPING_KEY, bytes, offset)?;
            return match self.kek_label.replace(label) {
                None => Ok(()),
                Some(_) => Err(parser.error(name, offset, "it stands there twice")),
            };
        }
        if is_key { self.key.read(parser, name, offset) } else { self.public_attributes.read(parser, name, offset) }
    }

    fn block(&mut self, source: Source<'_>, block: Block, content: Vec<u8>, offset: usize) -> Result<(), Error> {
        let has_key = self.inner.is_some() || self.outer.is_some();
        match block {
            Block::Inner | Block::Outer if self.public.is_some() || !self.public_attributes.seen.is_empty() => {
                Err(source.error("the wrapped key", offset, "it stands behind the public key's attributes"))
            }
            Block::Inner | Block::Outer => {
                let place = if block == Block::Inner { &mut self.inner } else { &mut self.outer };
                match place.replace(content) {
                    None => Ok(()),
                    Some(_) => Err(source.error("the wrapped key", offset, "it stands there twice")),
                }
            }
            Block::Public if !has_key || self.public.is_some() => {
                Err(source.error("the public key", offset, "one stands behind the wrapped key, and no more than one"))
            }
            Block::Public => {
                self.public = Some((spki::decode(&content, Validation::Full)?, offset));
                Ok(())
            }
        }
    }

    fn finish(mut self, source: Source<'_>, end: usize) -> Result<WrappedFile, Error> {
        let missing = |what: &str| source.error(what, end, "it is missing");
        let (class, family) = self.kind(source, end)?;
        let (algorithm, offset) = self.algorithm.take().ok_or_else(|| missing(WRAPPING_ALGORITHM))?;
        let wrapping = match (algorithm, self.outer.take(), self.inner.take()) {
            (_, _, None) => return Err(missing("the wrapped key")),
            (Algorithm::Direct(scheme), None, Some(bytes)) => Wrapping::Direct(part(source, offset, scheme, bytes)?),
            (Algorithm::Direct(_), Some(_), _) => {
                let problem = "it is no envelope, and there is an outer block";
                return Err(source.error(WRAPPING_ALGORITHM, offset, problem));
            }
            (Algorithm::Envelope { .. }, None, _) => return Err(missing("the outer block of the envelope")),
            (Algorithm::Envelope { outer, inner }, Some(outer_bytes), Some(inner_bytes)) => Wrapping::Envelope {
                outer: part(source, offset, outer, outer_bytes)?,
                inner: part(source, offset, inner, inner_bytes)?,
            },
        };
        let public = self.check_public(source, class, family)?;
        let curve = self.curve(source, public.as_ref())?;
        let (usage, unused) = self.usage(class, family);
        let id = self.key.take_bytes("CKA_ID").map(|(id, _)| id);
        let label = self.key.take_bytes("CKA_LABEL");
        let label = label.map(|(label, offset)| text(source, "CKA_LABEL", label, offset)).transpose()?;
        let extras = self.key.seen.iter().filter(|name| is_extra(name) || unused.contains(name));
        Ok(WrappedFile {
            tool: TOOL,
            class,
            algorithm: family.map(|family| super::algorithm(family, curve, usage)),
            label,
            id,
            kek_label: self.kek_label,
            usage,
            sensitive: self.key.flag("CKA_SENSITIVE"),
            extractable: self.key.flag("CKA_EXTRACTABLE"),
            public,
            wrapping,
            extras: extras.map(|name| (*name).to_owned()).collect(),
        })
    }

    /// Class and key type, which must fit.
    fn kind(&self, source: Source<'_>, end: usize) -> Result<(Class, Option<Family>), Error> {
        let (class, offset) = self.key.class.ok_or_else(|| source.error("CKA_CLASS", end, "it is missing"))?;
        let class = match class.to_ascii_uppercase().as_str() {
            "CKO_PRIVATE_KEY" => Class::Private,
            "CKO_SECRET_KEY" => Class::Secret,
            _ => return Err(source.error("CKA_CLASS", offset, "only private and secret keys are wrapped")),
        };
        let Some((key_type, offset)) = self.key.key_type else { return Ok((class, None)) };
        let family =
            KeyType::by_name(KEY_TYPES, key_type).map_err(|problem| source.error(key_type, offset, problem))?;
        if class_of(family) != class {
            return Err(source.error("CKA_KEY_TYPE", offset, "keys of this type have another class"));
        }
        Ok((class, Some(family)))
    }

    fn check_public(
        &mut self,
        source: Source<'_>,
        class: Class,
        family: Option<Family>,
    ) -> Result<Option<PublicKey>, Error> {
        if let Some((_, offset)) =
            self.public_attributes.class.filter(|(class, _)| !class.eq_ignore_ascii_case("CKO_PUBLIC_KEY"))
        {
            return Err(source.error("CKA_CLASS", offset, "behind the wrapped key there is its public half"));
        }
        let Some((public, offset)) = self.public.take() else {
            return match self.public_attributes.seen.first() {
                None => Ok(None),
                Some(name) => {
                    Err(source.error(name, source.bytes.len(), "the public key of this attribute is missing"))
                }
            };
        };
        let fits = match (family, public.kind()) {
            (Some(Family::Ecdsa | Family::Eddsa), Kind::Ec(_)) => true,
            (Some(family), kind) => kind.family() == Some(family),
            (None, _) => true,
        };
        if class == Class::Secret || !fits {
            return Err(source.error("the public key", offset, "it does not belong to a key of this type"));
        }
        Ok(Some(public))
    }

    /// The curve, from the public half or the parameters; the tool puts a comment mark before the parameters, which are no input of unwrapping.
    fn curve(&mut self, source: Source<'_>, public: Option<&PublicKey>) -> Result<Option<&'static Curve>, Error> {
        let of_public = public.and_then(PublicKey::curve);
        let Some((der, offset)) = self.key.take_bytes("CKA_EC_PARAMS") else { return Ok(of_public) };
        let (curve, _) = ec_parameters::decode(&der)?;
        match of_public {
            Some(other) if other.name != curve.name => {
                Err(source.error("CKA_EC_PARAMS", offset, "the public key is on another curve"))
            }
            _ => Ok(Some(curve)),
        }
    }

    /// What the key may do, and the attributes that say more than keys of its family can in CNG; no usage where there is no such attribute.
    fn usage(&self, class: Class, family: Option<Family>) -> (Option<KeyUsage>, Vec<&'static str>) {
        let possible = family.map_or(KeyUsage::ALL, Family::possible_usage);
        let (mut usage, mut unused) = (None, Vec::new());
        for (name, flag) in USAGES {
            // The public half's: a private key has them not, and the tool writes none.
            if class == Class::Private && matches!(*name, "CKA_ENCRYPT" | "CKA_VERIFY" | "CKA_WRAP") {
                continue;
            }
            let Some(value) = self.key.flag(name) else { continue };
            let so_far: &mut KeyUsage = usage.get_or_insert_default();
            if value && possible.contains(*flag) {
                *so_far |= *flag;
            } else if value {
                unused.push(*name);
            }
        }
        (usage, unused)
    }
}

fn part(source: Source<'_>, offset: usize, scheme: Scheme, bytes: Vec<u8>) -> Result<Part, Error> {
    check_length(&scheme, bytes.len())
        .map_err(|problem| source.error("the wrapped key does not fit its algorithm", offset, problem))?;
    Ok(Part { scheme, bytes })
}

/// Whether an attribute says what no part of [`WrappedFile`] holds. The check value, and that the object is private or is kept on a
/// token, follow from the key and from where it goes.
fn is_extra(name: &str) -> bool {
    let by_kind = matches!(attribute(name), Some((_, Value::Date | Value::Mechanisms | Value::Template)));
    by_kind
        || matches!(
            name,
            "CKA_ENCAPSULATE"
                | "CKA_MODIFIABLE"
                | "CKA_SUBJECT"
                | "CKA_TRUSTED"
                | "CKA_VERIFY_RECOVER"
                | "CKA_WRAP_WITH_TRUSTED"
        )
}

fn text(source: Source<'_>, name: &str, bytes: Vec<u8>, offset: usize) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| source.error(name, offset, "it is not UTF-8"))
}

fn content_type(parser: &mut Parser<'_>) -> Result<(), Error> {
    let (kind, offset) = parser.word(CONTENT_TYPE)?;
    let problem = "it is not application/pkcs11-tools";
    if !kind.eq_ignore_ascii_case("application") || !parser.takes(b'/') {
        return Err(parser.error(CONTENT_TYPE, offset, problem));
    }
    let (subtype, offset) = parser.word(CONTENT_TYPE)?;
    let is_right = subtype.eq_ignore_ascii_case("pkcs11-tools");
    if is_right { Ok(()) } else { Err(parser.error(CONTENT_TYPE, offset, problem)) }
}

fn grammar_version(parser: &mut Parser<'_>) -> Result<(), Error> {
    let (version, offset) = parser.word(GRAMMAR_VERSION)?;
    match dotted(version) {
        Some(version) if version <= HIGHEST => Ok(()),
        Some(_) => Err(parser.error(GRAMMAR_VERSION, offset, "grammars up to version 2.3 are read")),
        None => Err(parser.error(GRAMMAR_VERSION, offset, "it is no version")),
    }
}
