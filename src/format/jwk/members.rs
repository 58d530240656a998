//! The members of one JWK, taken one by one.

use std::sync::Arc;

use base64ct::{Base64, Base64UrlUnpadded};

use crate::format::json::{Kind, Member, Node, Problem};
use crate::format::{Error, Format, pem};
use crate::secret::SecretBytes;

/// No number of a key that is handled here is longer: RSA numbers have 2048 octets, ML-DSA public keys 2592.
const MAX_VALUE_LEN: usize = 8192;

/// What was taken, and where it stands.
type Placed<T> = (T, usize);

pub(super) struct Members<'a> {
    format: Format,
    offset: usize,
    left: Vec<Member<'a>>,
}

impl<'a> Members<'a> {
    pub(super) fn new(key: Node<'a>, format: Format) -> Result<Self, Error> {
        let left = key.members().map_err(|problem| Error::text(format, "the key", problem.offset, problem.what))?;
        Ok(Self { format, offset: key.offset(), left })
    }

    /// Takes a member out, if it is there.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Node<'a>> {
        let at = self.left.iter().position(|member| member.name == name)?;
        Some(self.left.swap_remove(at).value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.left.iter().any(|member| member.name == name)
    }

    /// The names of what has not been taken.
    pub(super) fn into_names(self) -> Vec<String> {
        let mut names: Vec<_> = self.left.iter().map(|member| crate::format::entry::printable(&member.name)).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn wrong(&self, name: &str, offset: usize, problem: &'static str) -> Error {
        Error::text(self.format, format!("`{name}`"), offset, problem)
    }

    fn problem(&self, name: &str) -> impl Fn(Problem) -> Error {
        move |problem| self.wrong(name, problem.offset, problem.what)
    }

    /// What is wrong with the key as a whole, seen at one member.
    pub(super) fn wrong_key(&self, name: &str, problem: &'static str) -> Error {
        self.wrong(name, self.offset, problem)
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        self.wrong_key(name, "it is missing")
    }

    /// A text that may be missing.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<(String, usize)>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.string().map_err(self.problem(name))?;
        Ok(Some((text.into_owned(), value.offset())))
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, name: &'static str) -> Result<(String, usize), Error> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// Bytes that may be missing.
    pub(super) fn bytes(&mut self, name: &'static str) -> Result<Option<SecretBytes>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        if value.len() > MAX_VALUE_LEN {
            return Err(self.wrong(name, value.offset(), "it is longer than such a number of any key"));
        }
        let text = value.plain().map_err(self.problem(name))?;
        let bytes = pem::base64::<Base64UrlUnpadded>(text.as_bytes());
        match bytes {
            Some(bytes) if !bytes.is_empty() => Ok(Some(bytes)),
            Some(_) => Err(self.wrong(name, value.offset(), "it is empty")),
            None => Err(self.wrong(name, value.offset(), "it is not base64url without padding")),
        }
    }

    /// Bytes that must be there.
    pub(super) fn required(&mut self, name: &'static str) -> Result<SecretBytes, Error> {
        self.bytes(name)?.ok_or_else(|| self.missing(name))
    }

    /// Bytes that must be there and have this length.
    pub(super) fn exact(&mut self, name: &'static str, len: usize) -> Result<SecretBytes, Error> {
        let offset =
            self.left.iter().find(|member| member.name == name).map_or(self.offset, |member| member.value.offset());
        let bytes = self.required(name)?;
        if bytes.len() == len {
            Ok(bytes)
        } else {
            Err(self.wrong(name, offset, "it does not have the length that goes with the curve or algorithm"))
        }
    }

    /// A list of texts that may be missing.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Vec<Placed<String>>, Error> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let elements = value.elements(64, "there are more than 64").map_err(self.problem(name))?;
        let text = |node: Node<'a>| Ok((node.string()?.into_owned(), node.offset()));
        elements.into_iter().map(|node| text(node).map_err(self.problem(name))).collect()
    }

    /// `x5c`: certificates in base64 with padding (RFC 7517 §4.7), each with its place.
    pub(super) fn certificates(&mut self) -> Result<Vec<Placed<Arc<[u8]>>>, Error> {
        let texts = self.texts("x5c")?;
        let decode = |(text, offset): (String, usize)| {
            let der = pem::base64::<Base64>(text.as_bytes());
            der.map(|der| (Arc::from(&*der), offset)).ok_or_else(|| self.wrong("x5c", offset, "it is not base64"))
        };
        texts.into_iter().map(decode).collect()
    }
}

/// The value of a member that is a text, for a message.
pub(super) fn peek(key: Node<'_>, name: &str) -> Option<String> {
    let members = key.members().ok()?;
    let value = members.iter().find(|member| member.name == name)?.value;
    if value.kind() != Kind::String {
        return None;
    }
    value.string().ok().map(std::borrow::Cow::into_owned)
}
