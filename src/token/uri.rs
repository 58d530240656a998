//! `pkcs11:` URIs (RFC 7512): read, written, matched.
//!
//! Owns the percent-encoding of §2.3 and the matching rules of §2.5 for tokens and objects. Refuses attributes given twice, unknown attributes
//! that are not `x-` vendor ones, bad percent-encoding and text that is not UTF-8, each with the place.

use std::fmt;
use std::str::FromStr;

use super::Error;
use super::module::TokenInfo;
use crate::secret::SecretBytes;
use crate::template::get::{Class, ObjectRecord};

/// A parsed `pkcs11:` URI. An attribute that is `None` matches anything.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Uri {
    /// `token`: the token's label.
    pub token: Option<String>,
    /// `manufacturer`
    pub manufacturer: Option<String>,
    /// `model`
    pub model: Option<String>,
    /// `serial`
    pub serial: Option<String>,
    /// `slot-id`
    pub slot_id: Option<u64>,
    /// `object`: CKA_LABEL.
    pub object: Option<String>,
    /// `id`: CKA_ID.
    pub id: Option<Vec<u8>>,
    /// `type`
    pub class: Option<Class>,
    /// `module-path`
    pub module_path: Option<String>,
    /// `module-name`
    pub module_name: Option<String>,
    /// `pin-source`
    pub pin_source: Option<String>,
    /// `pin-value`
    pub pin_value: Option<SecretBytes>,
}

impl Uri {
    /// Whether text is meant as a URI.
    pub fn is_uri(text: &str) -> bool {
        text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"))
    }

    /// A URI that selects a token by its label.
    pub fn of_token(label: &str) -> Self {
        Self { token: Some(label.to_owned()), ..Self::default() }
    }

    /// Whether a token fits.
    pub fn matches_token(&self, info: &TokenInfo) -> bool {
        let fits = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        fits(&self.token, &info.label)
            && fits(&self.manufacturer, &info.manufacturer)
            && fits(&self.model, &info.model)
            && fits(&self.serial, &info.serial)
            && self.slot_id.is_none_or(|id| id == info.slot)
    }

    /// Whether an object fits.
    pub fn matches_object(&self, object: &ObjectRecord) -> bool {
        self.object.as_deref().is_none_or(|label| label == object.label)
            && self.id.as_deref().is_none_or(|id| id == object.id)
            && self.class.is_none_or(|class| class == object.class)
    }

    /// Whether it selects a token at all.
    pub fn selects_token(&self) -> bool {
        self.token.is_some()
            || self.manufacturer.is_some()
            || self.model.is_some()
            || self.serial.is_some()
            || self.slot_id.is_some()
    }

    fn set(&mut self, name: &str, value: Vec<u8>, at: usize, query: bool) -> Result<(), Error> {
        let wrong = |problem| Error::Uri { problem, at };
        let text = |value: Vec<u8>| String::from_utf8(value).map_err(|_| wrong("the value is not UTF-8"));
        fn once<T>(place: &mut Option<T>, value: T, at: usize) -> Result<(), Error> {
            match place.replace(value) {
                None => Ok(()),
                Some(_) => Err(Error::Uri { problem: "an attribute stands twice", at }),
            }
        }
        match (query, name) {
            (false, "token") => once(&mut self.token, text(value)?, at),
            (false, "manufacturer") => once(&mut self.manufacturer, text(value)?, at),
            (false, "model") => once(&mut self.model, text(value)?, at),
            (false, "serial") => once(&mut self.serial, text(value)?, at),
            (false, "object") => once(&mut self.object, text(value)?, at),
            (false, "id") => once(&mut self.id, value, at),
            (false, "slot-id") => {
                let number = text(value)?.parse().map_err(|_| wrong("slot-id is not a number"))?;
                once(&mut self.slot_id, number, at)
            }
            (false, "type") => {
                let class = match text(value)?.as_str() {
                    "cert" => Class::Certificate,
                    "private" => Class::Private,
                    "public" => Class::Public,
                    "secret-key" => Class::Secret,
                    "data" => Class::Data,
                    _ => return Err(wrong("the type is none of public, private, cert, secret-key, data")),
                };
                once(&mut self.class, class, at)
            }
            // Attributes of the module and the slot select neither token nor object here.
            (
                false,
                "library-manufacturer"
                | "library-description"
                | "library-version"
                | "slot-manufacturer"
                | "slot-description",
            ) => text(value).map(drop),
            (true, "module-path") => once(&mut self.module_path, text(value)?, at),
            (true, "module-name") => once(&mut self.module_name, text(value)?, at),
            (true, "pin-source") => once(&mut self.pin_source, text(value)?, at),
            (true, "pin-value") => once(&mut self.pin_value, SecretBytes::from(value), at),
            // RFC 7512 §2.3: vendor attributes may be ignored; older ones carry no prefix in the query.
            (_, name) if name.starts_with("x-") => Ok(()),
            (true, _) => Ok(()),
            (false, _) => Err(wrong("the attribute is not known")),
        }
    }
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if !Self::is_uri(text) {
            return Err(Error::Uri { problem: "it does not begin with `pkcs11:`", at: 0 });
        }
        let (mut uri, scheme) = (Self::default(), 7);
        let rest = text.get(scheme..).unwrap_or_default();
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let parts = [(path, ';', scheme, false)];
        let query = query.map(|query| (query, '&', scheme + path.len() + 1, true));
        for (part, separator, start, is_query) in parts.into_iter().chain(query) {
            let mut at = start;
            for attribute in part.split(separator) {
                if !attribute.is_empty() {
                    let (name, value) =
                        attribute.split_once('=').ok_or(Error::Uri { problem: "an attribute has no value", at })?;
                    let value = percent_decode(value, at + name.len() + 1)?;
                    uri.set(name, value, at, is_query)?;
                } else if part.len() > 1 {
                    return Err(Error::Uri { problem: "an attribute is empty", at });
                }
                at += attribute.len() + 1;
            }
        }
        Ok(uri)
    }
}

impl fmt::Display for Uri {
    /// Without `pin-value`, which never leaves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = Vec::new();
        for (name, value) in [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("object", &self.object),
        ] {
            path.extend(
                value.as_ref().map(|value| format!("{name}={}", percent_encode(value.as_bytes(), is_path_char))),
            );
        }
        path.extend(self.id.as_ref().map(|id| format!("id={}", percent_encode(id, |_| false))));
        path.extend(self.class.and_then(Class::uri_word).map(|word| format!("type={word}")));
        path.extend(self.slot_id.map(|id| format!("slot-id={id}")));
        write!(f, "pkcs11:{}", path.join(";"))?;
        let mut query = Vec::new();
        for (name, value) in
            [("module-path", &self.module_path), ("module-name", &self.module_name), ("pin-source", &self.pin_source)]
        {
            query.extend(
                value.as_ref().map(|value| format!("{name}={}", percent_encode(value.as_bytes(), is_query_char))),
            );
        }
        if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) }
    }
}

/// `pk11-pchar` of RFC 7512 §2.3 without percent-encoding: unreserved characters and those allowed in a path value.
fn is_path_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:[]@!$'()*+,=&".contains(&byte)
}

/// `pk11-qchar`: as in a path, with `/`, `?` and `|` in place of `&`.
fn is_query_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:[]@!$'()*+,=/?|".contains(&byte)
}

fn percent_encode(bytes: &[u8], plain: impl Fn(u8) -> bool) -> String {
    bytes.iter().map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn percent_decode(text: &str, at: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let place = at + text.len() - rest.len() - 1;
        let wrong = Error::Uri { problem: "a percent sign is not followed by two hexadecimal digits", at: place };
        let Some((digits, after)) = rest.split_at_checked(2) else { return Err(wrong) };
        let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(wrong)?;
        out.push(value);
        rest = after;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7512 §3, as they stand there.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let read = |text: &str| text.parse::<Uri>().unwrap();
        assert!(read("pkcs11:").token.is_none());
        let uri = read("pkcs11:object=my-pubkey;type=public");
        assert_eq!((uri.object.as_deref(), uri.class), (Some("my-pubkey"), Some(Class::Public)));
        let uri = read("pkcs11:object=my-key;type=private?pin-source=file:/etc/token");
        assert_eq!(uri.pin_source.as_deref(), Some("file:/etc/token"));
        let uri = read(
            "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;\
             manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;\
             id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
        );
        assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Softtoken"));
        assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
        assert_eq!(uri.serial.as_deref(), Some(""));
        assert_eq!(uri.id.as_deref(), Some(&[0x69, 0x95, 0x3E, 0x5C, 0xF4, 0xBD, 0xEC, 0x91][..]));
        let uri = read("pkcs11:object=my-sign-key;type=private?module-name=mypkcs11");
        assert_eq!(uri.module_name.as_deref(), Some("mypkcs11"));
        let uri = read("pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1");
        assert_eq!(uri.module_path.as_deref(), Some("/mnt/libmypkcs11.so.1"));
        let uri =
            read("pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin");
        assert_eq!(uri.pin_value.as_deref(), Some(&b"the-pin"[..]));
        let uri = read("pkcs11:slot-description=Sun%20Metaslot");
        assert!(!uri.selects_token());
        assert!(read("pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23").object.is_none());
        assert!(
            read("pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert")
                .token
                .as_deref()
                == Some("A name with a substring %;")
        );
        assert_eq!(
            read("pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert")
                .token
                .as_deref(),
            Some("Name with a small A with acute: á")
        );
        assert!(read("pkcs11:token=my-token;object=my-certificate;type=cert;x-vend-aaa=value-a?pin-source=file:/etc/token_pin&x-vend-bbb=value-b").pin_source.is_some());
    }

    #[test]
    fn faults_are_refused_with_their_place() {
        for (text, problem, at) in [
            ("pkcs12:token=a", "it does not begin with `pkcs11:`", 0),
            ("pkcs11:token=a;token=b", "an attribute stands twice", 15),
            ("pkcs11:tokem=a", "the attribute is not known", 7),
            ("pkcs11:token", "an attribute has no value", 7),
            ("pkcs11:object=a%2", "a percent sign is not followed by two hexadecimal digits", 15),
            ("pkcs11:object=%20%zz", "a percent sign is not followed by two hexadecimal digits", 17),
            ("pkcs11:object=a%+1", "a percent sign is not followed by two hexadecimal digits", 15),
            ("pkcs11:object=%FF", "the value is not UTF-8", 7),
            ("pkcs11:slot-id=x", "slot-id is not a number", 7),
            ("pkcs11:type=key", "the type is none of public, private, cert, secret-key, data", 7),
            ("pkcs11:token=a;;object=b", "an attribute is empty", 15),
        ] {
            match text.parse::<Uri>() {
                Err(Error::Uri { problem: found, at: place }) => assert_eq!((found, place), (problem, at), "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_written_reads_back_and_hides_the_pin() {
        let uri = Uri {
            object: Some("a;b?c/d=e é%".to_owned()),
            id: Some(vec![0, 255]),
            pin_value: Some(SecretBytes::from(&b"1234"[..])),
            module_path: Some("/a b&c".to_owned()),
            ..Uri::of_token("my token")
        };
        let text = uri.to_string();
        assert!(!text.contains("1234") && !format!("{uri:?}").contains("1234"));
        let back: Uri = text.parse().unwrap();
        assert_eq!(back.object, uri.object);
        assert_eq!(back.id, uri.id);
        assert_eq!(back.module_path, uri.module_path);
    }
}
