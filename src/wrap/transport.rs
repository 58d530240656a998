//! `OpaqueTransport` on the token: a key leaves for another machine with everything that is said of it, and nothing of that can be changed on the way.
//!
//! The token makes two keys for each key that travels: a transport key (AES-256), and a MAC key (32 bytes). The MAC key and the travelling key are wrapped under the
//! transport key, that under the key of each recipient, and the MAC key signs all that is said, wrapped keys and all (HMAC-SHA-256). To change a byte one would
//! have to know the MAC key or put another in its place, and for that one would have to know the transport key: who may only wrap to the recipient, as anyone may
//! to an RSA key, can do neither. A recipient's token opens the transport key, then the MAC key, compares the code, and only then opens the key.
//!
//! Neither key, nor the travelling one, is ever in the clear on either host. The structure is [`asn1::transport`](crate::asn1::transport)'s.

use subtle::ConstantTimeEq;

use super::error::Error;
use super::open::open_secret;
use super::opening::Opening;
use super::seal::Ephemeral;
use super::temporary::Temporary;
use super::{Kek, KekKind, Parameters, Scheme, usual_hash};
use crate::asn1::transport::{self, MAC_LEN, Recipient, Subject, Transport, TransportInfo};
use crate::key::rsa::Hash;
use crate::key::{ExportPolicy, KeyUsage, SymmetricAlgorithm};
use crate::template::shape;
use crate::template::temporary::{Rights, generated, secret};
use crate::token::mechanism::{CKM_GENERIC_SECRET_KEY_GEN, CKM_SHA256_HMAC, Mechanism};
use crate::token::{Handle, Token, refusal};

/// Who a transport is for.
#[derive(Clone, Debug)]
pub(crate) struct To {
    pub(crate) kek: Kek,
    /// Of an RSA key, its identifier.
    pub(crate) key_id: Option<[u8; 20]>,
}

/// What is said of a travelling key.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) policy: ExportPolicy,
    pub(crate) usage: KeyUsage,
    pub(crate) id: Vec<u8>,
    pub(crate) subject: Subject,
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// Sends a key.
///
/// # Errors
/// [`Error`] as the token answers; a mechanism or a parameter that it does not have is named.
pub(crate) fn send(
    token: &Token,
    said: Said,
    to: &[To],
    hash: Option<Hash>,
    key: Handle,
    capacity: usize,
) -> Result<Vec<u8>, Error> {
    let transport = Ephemeral::generate(token)?;
    let rights = Rights { sign: true, extractable: true, ..Rights::default() };
    let template = generated(SymmetricAlgorithm::Hmac, MAC_LEN as u64, rights);
    let mac_key = token.generate(&Mechanism::Plain(CKM_GENERIC_SECRET_KEY_GEN), &template)?;
    let mac_key = Temporary::new(token, mac_key);
    let info = TransportInfo {
        name: said.name,
        policy: said.policy,
        usage: said.usage,
        id: said.id,
        subject: said.subject,
        certificates: said.certificates,
        recipients: address(token, &transport, to, hash)?,
        mac_key: transport.wrap(Scheme::Kw, mac_key.handle, MAC_LEN)?,
        key: transport.wrap(Scheme::Kwp, key, capacity)?,
    };
    finish(token, &info, mac_key.handle)
}

/// The transport key under each recipient's key.
fn address(token: &Token, transport: &Ephemeral<'_>, to: &[To], hash: Option<Hash>) -> Result<Vec<Recipient>, Error> {
    let hash = hash.unwrap_or_else(|| usual_hash(token.profile()));
    to.iter()
        .map(|to| match (to.kek.kind, to.key_id) {
            (KekKind::Rsa { .. }, Some(key_id)) => {
                Ok(Recipient::Rsa { key_id, hash, key: transport.wrapped_under(to.kek, hash, &[])? })
            }
            _ => Ok(Recipient::Aes(transport.wrapped_by(&Parameters::new(Scheme::Kw), to.kek)?)),
        })
        .collect()
}

fn finish(token: &Token, info: &TransportInfo, mac_key: Handle) -> Result<Vec<u8>, Error> {
    let container =
        |error: crate::asn1::Error| Error::Container { what: "OpaqueTransport", problem: error.to_string() };
    let signed = info.to_der().map_err(container)?;
    transport::encode(&signed, &code(token, mac_key, &signed)?).map_err(container)
}

fn code(token: &Token, mac_key: Handle, signed: &[u8]) -> Result<[u8; MAC_LEN], Error> {
    let code = token.sign(&Mechanism::Plain(CKM_SHA256_HMAC), mac_key, signed, MAC_LEN)?;
    code.try_into().map_err(|_| Error::Container {
        what: "OpaqueTransport",
        problem: "the token's HMAC-SHA-256 does not have 32 bytes".to_owned(),
    })
}

/// Opens the transport key with one of the recipients' keys, proves the code, and makes the key ready to be unwrapped. Nothing is created on the token but session
/// objects without a name.
///
/// # Errors
/// [`Error::Integrity`] if it is for another key or was changed, and as the token answers.
pub(super) fn receive<'t>(
    token: &'t Token,
    kek: Kek,
    key_id: Option<&[u8]>,
    sent: &'t Transport,
) -> Result<Opening<'t>, Error> {
    let transport = open_transport_key(token, kek, key_id, &sent.info.recipients, Rights::UNWRAP)?;
    let mac_key = open_mac_key(token, transport.handle, &sent.info.mac_key)?;
    check(token, mac_key.handle, sent)?;
    let mechanisms = vec![Mechanism::Plain(Scheme::Kwp.mechanism(token.profile()))];
    Ok(Opening::new(token, Scheme::Kwp, transport.handle, mechanisms, &sent.info.key).holding(transport))
}

/// Sends on to other recipients what one of them has: the travelling key stays wrapped as it is.
///
/// # Errors
/// As [`receive`] and [`send`].
pub(crate) fn forward(
    token: &Token,
    kek: Kek,
    key_id: Option<&[u8]>,
    sent: &Transport,
    to: &[To],
    hash: Option<Hash>,
) -> Result<Vec<u8>, Error> {
    // It must be unwrapped so that it may leave again.
    let rights = Rights { extractable: true, ..Rights::UNWRAP };
    let transport = open_transport_key(token, kek, key_id, &sent.info.recipients, rights)?;
    let mac_key = open_mac_key(token, transport.handle, &sent.info.mac_key)?;
    check(token, mac_key.handle, sent)?;
    let recipients = address(token, &Ephemeral::of(token, transport), to, hash)?;
    finish(token, &TransportInfo { recipients, ..sent.info.clone() }, mac_key.handle)
}

fn check(token: &Token, mac_key: Handle, sent: &Transport) -> Result<(), Error> {
    let code = code(token, mac_key, &sent.signed)?;
    if bool::from(code.ct_eq(&sent.mac)) { Ok(()) } else { Err(Error::Integrity) }
}

fn open_transport_key<'t>(
    token: &'t Token,
    kek: Kek,
    key_id: Option<&[u8]>,
    recipients: &[Recipient],
    rights: Rights,
) -> Result<Temporary<'t>, Error> {
    let not_for_this = |problem: &str| Error::Container { what: "OpaqueTransport", problem: problem.to_owned() };
    let mut outcome = Err(not_for_this("it is not for this key: none of its recipients is it"));
    for recipient in recipients {
        let opened = match (recipient, kek.kind) {
            (Recipient::Rsa { key_id: id, hash, key }, KekKind::Rsa { .. }) if key_id == Some(&id[..]) => {
                open_secret(token, kek, &[*hash], &[], key, rights)
            }
            // RFC 3394 tells whether it is the right key.
            (Recipient::Aes(key), KekKind::Aes) => open_kw(token, kek, key, SymmetricAlgorithm::Aes, rights),
            _ => continue,
        };
        match opened {
            Ok(opened) => return Ok(opened),
            // An AES recipient does not say which key it means.
            Err(error) if is_no_answer(&error) => {
                outcome = Err(not_for_this("it is not for this key, or it was changed: none of its recipients opens"));
            }
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// Whether the token says that the bytes were not wrapped under this key.
fn is_no_answer(error: &Error) -> bool {
    match error {
        Error::Token(source) | Error::Unwrap { source, .. } => source.ckr().is_some_and(refusal::is_about_data),
        _ => false,
    }
}

/// Opens a key of 32 bytes that is wrapped by RFC 3394.
fn open_kw<'t>(
    token: &'t Token,
    kek: Kek,
    wrapped: &[u8],
    algorithm: SymmetricAlgorithm,
    rights: Rights,
) -> Result<Temporary<'t>, Error> {
    let parameters = Parameters::new(Scheme::Kw);
    let opening = super::open::open_bare(token, kek, &parameters, wrapped)?;
    let bits = u32::try_from(MAC_LEN * 8).ok();
    let template = shape::with_length(secret(algorithm, rights), bits, token.profile());
    Ok(Temporary::new(token, opening.unwrap(&template)?))
}

fn open_mac_key<'t>(token: &'t Token, transport: Handle, wrapped: &[u8]) -> Result<Temporary<'t>, Error> {
    let kek = Kek { object: transport, kind: KekKind::Aes };
    let rights = Rights { sign: true, ..Rights::default() };
    let opened = open_kw(token, kek, wrapped, SymmetricAlgorithm::Hmac, rights);
    opened.map_err(|error| if is_no_answer(&error) { Error::Integrity } else { error })
}
