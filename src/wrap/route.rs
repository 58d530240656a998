//! How a key that is in the clear here comes onto a token that takes none in the clear: wrapped in software under a key that the token holds, and unwrapped there.
//!
//! Owns the making of that key ([`ImportKek`]), the choice of scheme, and the meaning of a refusal. The key is an AES key of which the value is known here; it is a session
//! object that unwraps and does nothing else. It comes about in one of these ways, tried in this order, or it is an RSA key of the caller's own:
//!
//! | way | calls | needs |
//! |---|---|---|
//! | given | C_CreateObject | a token that takes secret keys in the clear |
//! | moved in | C_GenerateKeyPair, C_UnwrapKey, C_DestroyObject twice | RSA keys made there, RSA-OAEP |
//! | fetched | C_GenerateKey, C_CreateObject of a public key, C_WrapKey, C_SetAttributeValue, C_DestroyObject | RSA-OAEP |
//!
//! Where RSA-OAEP does not bring an AES key in, the private half of the pair that was made stays and opens RSA-AES key wrap, if the token lists that mechanism.
//!
//! A return value that means "refused" or "in another shape" goes on to the next try; one that means a wrong PIN, a full token or one that is gone ends it.

use super::error::Error;
use super::open::Sealed;
use super::temporary::{Temporary, create_public, generate_pair};
use super::{Kek, KekKind, Parameters, Scheme, oaep, possible_hashes, rsa_aes};
use crate::key::rsa::{self, Hash};
use crate::key::{ExportPolicy, KeyUsage, PublicKey, SymmetricAlgorithm};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::attribute::{CKA_EXTRACTABLE, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT};
use crate::template::put::{self, Attributes, PrivateKind};
use crate::template::shape;
use crate::template::temporary::{Rights, generated, given, secret, wrapping_public};
use crate::template::{Additions, Template};
use crate::token::mechanism::{CKM_AES_KEY_GEN, CKM_RSA_AES_KEY_WRAP, CKM_RSA_PKCS_KEY_PAIR_GEN, Mechanism};
use crate::token::{self, Handle, Token, refusal};

/// Bits of an RSA key that lives as long as it takes to move an AES key.
const RSA_BITS: u32 = 2048;

/// Bytes of the AES key.
const AES_LEN: usize = 32;

/// Of a token that cannot open what is wrapped here.
const UNWRAPS_NOTHING: &str = "the token lists no mechanism that unwraps such a key";

/// Something that was tried and did not go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tried {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
    /// What the token answered, if it was the token.
    pub ckr: Option<Ckr>,
}

impl Tried {
    pub(crate) fn new(what: &str, error: &Error) -> Self {
        Self { what: what.to_owned(), why: error.to_string(), ckr: error.ckr() }
    }

    pub(crate) fn lacking(what: &str, why: &str) -> Self {
        Self { what: what.to_owned(), why: why.to_owned(), ckr: None }
    }
}

/// What is known here of the key that opens.
#[derive(Debug)]
enum Known {
    Aes(SecretBytes),
    Rsa(rsa::PublicKey),
}

/// A key on the token under which keys are wrapped here.
#[derive(Debug)]
pub(crate) struct ImportKek {
    kek: Kek,
    known: Known,
    /// Whether it is a session object that was made for this.
    own: bool,
    /// The schemes that the token claims to unwrap with under an AES key, the best first: asked once.
    schemes: Vec<Scheme>,
}

/// A key that came in.
pub(crate) struct Brought {
    pub(crate) object: Handle,
    pub(crate) scheme: Scheme,
    /// The wrapped key, to be unwrapped again.
    pub(crate) sealed: Sealed,
    /// Which shape of the template it was.
    pub(crate) shape: usize,
    /// The schemes that were tried before.
    pub(crate) tried: Vec<Tried>,
}

impl ImportKek {
    /// An RSA key of the caller's.
    pub(crate) fn of(kek: Kek, public: rsa::PublicKey) -> Self {
        Self { kek, known: Known::Rsa(public), own: false, schemes: Vec::new() }
    }

    /// Makes one with these rights, in whichever way the token lets it come about.
    ///
    /// # Errors
    /// [`Error::NoRoute`] with everything that was tried, and what ends the tries.
    pub(crate) fn make(token: &Token, rights: Rights) -> Result<Self, Error> {
        type Way = fn(&Token, Rights) -> Result<ImportKek, Error>;
        let mut tried = Vec::new();
        let schemes = unwrapping(token)?;
        if schemes.is_empty() && !token.lists_mechanism(CKM_RSA_AES_KEY_WRAP)? {
            // A key under which nothing comes in need not be made.
            tried.push(Tried::lacking("C_UnwrapKey", UNWRAPS_NOTHING));
            return Err(no_route(token, tried));
        }
        let ways: [(&str, Way, bool); 3] = [
            ("an AES key made by C_CreateObject", given_key, token.profile().plain_secret),
            ("an AES key moved in under the token's RSA key", moved_in, true),
            ("an AES key that the token made and gave out", fetched, true),
        ];
        for (what, way, is_possible) in ways {
            if !is_possible {
                tried.push(Tried::lacking(what, "this kind of token takes no secret key in the clear"));
                continue;
            }
            match way(token, rights) {
                Ok(kek) => return Ok(Self { schemes, ..kek }),
                Err(error) if goes_on(&error) => tried.push(Tried::new(what, &error)),
                Err(error) => return Err(error),
            }
        }
        Err(no_route(token, tried))
    }

    /// The AES key: the object, and its value.
    pub(crate) fn aes(&self) -> Option<(Kek, &SecretBytes)> {
        match &self.known {
            Known::Aes(value) => Some((self.kek, value)),
            Known::Rsa(_) => None,
        }
    }

    /// Removes it, if it was made for this.
    pub(crate) fn destroy(&self, token: &Token) {
        if self.own {
            // The session's end destroys it in any case.
            let _ = token.destroy(self.kek.object);
        }
    }

    /// Wraps a key here and unwraps it there, into an object of one of these templates.
    ///
    /// # Errors
    /// [`Error::NoRoute`] with what each scheme came to, and what ends the tries.
    pub(crate) fn bring(&self, token: &Token, key: &SecretBytes, shapes: &[Template]) -> Result<Brought, Error> {
        let mut tried = Vec::new();
        for parameters in self.ways_to_wrap(token, key.len()) {
            let scheme = parameters.scheme;
            let bytes = self.wrap(&parameters, key)?;
            let sealed = Sealed::Bare { kek: self.kek, parameters, bytes };
            match unwrap_in_shape(token, &sealed, shapes) {
                Ok((object, shape)) => return Ok(Brought { object, scheme, sealed, shape, tried }),
                Err(error) if goes_on(&error) => tried.push(Tried::new(scheme.name(), &error)),
                Err(error) => return Err(error),
            }
        }
        if tried.is_empty() {
            tried.push(Tried::lacking("C_UnwrapKey", UNWRAPS_NOTHING));
        }
        Err(no_route(token, tried))
    }

    /// In which ways a key of so many bytes can be wrapped, the best first.
    fn ways_to_wrap(&self, token: &Token, len: usize) -> Vec<Parameters> {
        match &self.known {
            Known::Aes(_) => {
                // RFC 3394 carries whole blocks.
                let fits = |scheme: &&Scheme| **scheme != Scheme::Kw || (len >= 16 && len.is_multiple_of(8));
                self.schemes.iter().filter(fits).copied().map(Parameters::new).collect()
            }
            Known::Rsa(public) => {
                let mut ways = Vec::new();
                for hash in possible_hashes(token.profile()) {
                    let with = |scheme| Parameters { scheme, hash: Some(*hash), label: Vec::new() };
                    let room = public.oaep_capacity(*hash).unwrap_or(0);
                    ways.extend((room >= AES_LEN).then(|| with(Scheme::RsaAes)));
                    ways.extend((room >= len).then(|| with(Scheme::RsaOaep)));
                }
                ways
            }
        }
    }

    fn wrap(&self, parameters: &Parameters, key: &[u8]) -> Result<Vec<u8>, Error> {
        let hash = parameters.hash.unwrap_or(Hash::Sha256);
        match (&self.known, parameters.scheme) {
            (Known::Aes(kek), scheme) => scheme.wrap_under_aes(kek, key),
            (Known::Rsa(public), Scheme::RsaOaep) => oaep::wrap(public, hash, &[], key),
            (Known::Rsa(public), _) => rsa_aes::wrap(public, hash, &[], key),
        }
    }
}

/// Unwraps into the first of the templates that the token takes. Which one it was.
fn unwrap_in_shape(token: &Token, sealed: &Sealed, shapes: &[Template]) -> Result<(Handle, usize), Error> {
    let opening = sealed.open(token)?;
    in_shape(shapes, |shape| opening.unwrap(shape))
}

/// Tries each shape of a template, until one is not refused for its shape. Which one it was.
///
/// # Errors
/// Of several refusals the first, or that of a value where less was said than there; and at once what is not about the shape.
pub(crate) fn in_shape(
    shapes: &[Template],
    attempt: impl Fn(&Template) -> Result<Handle, Error>,
) -> Result<(Handle, usize), Error> {
    let mut first = None;
    for (place, shape) in shapes.iter().enumerate() {
        match attempt(shape) {
            Ok(object) => return Ok((object, place)),
            Err(error) if error.ckr().is_some_and(refusal::is_about_shape) => {
                first.get_or_insert(error);
            }
            // That a value is wrong may be said of an attribute that another token demands.
            Err(error) if first.is_some() && error.ckr().is_some_and(refusal::is_refusal) => {
                if shapes.first().is_some_and(|full| shape.len() < full.len()) {
                    first = Some(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or(Error::Unsuitable { scheme: "C_UnwrapKey", key: "a key without a template" }))
}

/// The end of all tries.
pub(crate) fn no_route(token: &Token, tried: Vec<Tried>) -> Error {
    Error::NoRoute { token: token.info().label.clone(), tried, instead: token.profile().own_import }
}

fn given_key(token: &Token, rights: Rights) -> Result<ImportKek, Error> {
    let value = SecretBytes::random(AES_LEN).map_err(token::Error::from)?;
    let object = token.create(&given(SymmetricAlgorithm::Aes, value.clone(), rights))?;
    Ok(of_aes(object, value))
}

/// An AES key under an RSA key that the token makes for it.
fn moved_in(token: &Token, rights: Rights) -> Result<ImportKek, Error> {
    let (policy, usage, more) = (ExportPolicy::NONE, KeyUsage::WRAP, Additions::NONE);
    let attributes = Attributes { label: "", id: b"", token: false, policy, usage, more };
    let public = put::public_shell(PrivateKind::Rsa, &attributes)
        .ulong(CKA_MODULUS_BITS, RSA_BITS.into())
        .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
    let private = put::private_shell(PrivateKind::Rsa, &attributes);
    let made = generate_pair(token, &Mechanism::Plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)?;
    let (public, private) = (Temporary::new(token, made.0), Temporary::new(token, made.1));
    let Some(PublicKey::Rsa(public)) = token.read(public.handle)?.public else {
        let problem = "the token does not show the public half of the RSA key that it made";
        return Err(Error::WrappingKey { scheme: Scheme::RsaOaep.name(), problem });
    };
    let value = SecretBytes::random(AES_LEN).map_err(token::Error::from)?;
    let mut refusal = None;
    let shapes = [secret(SymmetricAlgorithm::Aes, rights), generated(SymmetricAlgorithm::Aes, AES_LEN as u64, rights)];
    for hash in possible_hashes(token.profile()) {
        let wrapped = oaep::wrap(&public, *hash, &[], &value)?;
        let mechanism = Mechanism::Oaep { hash: *hash, label: &[] };
        let unwrap = |shape: &Template| Ok(token.unwrap_key(&mechanism, private.handle, &wrapped, shape)?);
        match in_shape(&shapes, unwrap) {
            Ok((object, _)) => return Ok(of_aes(object, value)),
            Err(error) if goes_on(&error) => {
                refusal.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    if token.lists_mechanism(CKM_RSA_AES_KEY_WRAP)? {
        let kind = KekKind::Rsa { modulus_len: public.n().len() };
        let kek = Kek { object: private.keep(), kind };
        return Ok(ImportKek { kek, known: Known::Rsa(public), own: true, schemes: Vec::new() });
    }
    Err(refusal.unwrap_or(Error::Unsuitable { scheme: Scheme::RsaOaep.name(), key: "an AES key" }))
}

/// An AES key that the token makes and gives out under an RSA key that is made here.
fn fetched(token: &Token, rights: Rights) -> Result<ImportKek, Error> {
    let rights = Rights { extractable: true, ..rights };
    let made = token
        .generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &generated(SymmetricAlgorithm::Aes, AES_LEN as u64, rights))?;
    let made = Temporary::new(token, made);
    let problem = "no RSA key could be made here";
    let own = rsa::PrivateKey::generate(RSA_BITS)
        .map_err(|_| Error::WrappingKey { scheme: Scheme::RsaOaep.name(), problem })?;
    let shapes = shape::shapes_of_public(&wrapping_public(own.public()), token.profile());
    let public = Temporary::new(token, create_public(token, &shapes)?.0);
    let mut refusal = None;
    for hash in possible_hashes(token.profile()) {
        let mechanism = Mechanism::Oaep { hash: *hash, label: &[] };
        match token.wrap(&mechanism, public.handle, made.handle, own.public().n().len()).map_err(Error::from) {
            Ok(wrapped) => {
                let value = oaep::unwrap(&own, *hash, &[], &wrapped)?;
                // It has left; where the token does not let that be changed, it is known here all the same.
                let _ = token.set(made.handle, &Template::new().flag(CKA_EXTRACTABLE, false));
                return Ok(of_aes(made.keep(), value));
            }
            Err(error) if goes_on(&error) => {
                refusal.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(refusal.unwrap_or(Error::Unsuitable { scheme: Scheme::RsaOaep.name(), key: "an AES key" }))
}

fn of_aes(object: Handle, value: SecretBytes) -> ImportKek {
    ImportKek { kek: Kek { object, kind: KekKind::Aes }, known: Known::Aes(value), own: true, schemes: Vec::new() }
}

/// The schemes that the token claims to unwrap with under an AES key.
fn unwrapping(token: &Token) -> Result<Vec<Scheme>, Error> {
    let mut schemes = Vec::new();
    for scheme in [Scheme::Kwp, Scheme::CbcPad, Scheme::KwPkcs7, Scheme::Gcm, Scheme::Kw] {
        if token.claims_wrapping(scheme.mechanism(token.profile()))?.1 {
            schemes.push(scheme);
        }
    }
    Ok(schemes)
}

/// Whether something else is worth a try after this.
fn goes_on(error: &Error) -> bool {
    match error {
        Error::Mechanism { .. } | Error::Oaep { .. } | Error::NoRoute { .. } | Error::WrappingKey { .. } => true,
        other => other.ckr().is_some_and(|ckr| {
            let is_unread = matches!(ckr, Ckr::WRAPPED_KEY_INVALID | Ckr::WRAPPED_KEY_LEN_RANGE | Ckr::KEY_SIZE_RANGE);
            is_unread || refusal::is_refusal(ckr) || refusal::is_about_parameters(ckr)
        }),
    }
}
