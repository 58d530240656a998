//! Kinds of keys: created, unwrapped, put to use, and out again.

use super::{Answer, Prober, Row, Verdict, attributes, judge};
use crate::Error;
use crate::asn1::{self, pkcs8};
use crate::key::{Curve, ExportPolicy, KeyUsage, PrivateKey, SymmetricAlgorithm, SymmetricKey, Validation, ec};
use crate::provider::proof::{self, Verified};
use crate::provider::way::Clear;
use crate::secret::SecretBytes;
use crate::template::Additions;
use crate::template::attribute::{CKA_PRIVATE_EXPONENT, CKA_VALUE};
use crate::template::shape::Making;
use crate::token::{Handle, Token};
use crate::wrap::{Brought, Ephemeral, Scheme, in_shape, private_capacity};

/// Made by OpenSSL 3.0 for this, and for nothing else.
const RSA: [(&str, &[u8]); 3] = [
    ("RSA-2048", include_bytes!("rsa-2048.der")),
    ("RSA-3072", include_bytes!("rsa-3072.der")),
    ("RSA-4096", include_bytes!("rsa-4096.der")),
];

const CURVES: [(&str, &str); 5] = [
    ("P-256", "nistP256"),
    ("P-384", "nistP384"),
    ("P-521", "nistP521"),
    ("secp256k1", "secP256k1"),
    ("X25519", "curve25519"),
];

const SECRETS: [(&str, SymmetricAlgorithm, usize); 5] = [
    ("AES-128", SymmetricAlgorithm::Aes, 16),
    ("AES-256", SymmetricAlgorithm::Aes, 32),
    ("3DES", SymmetricAlgorithm::TripleDes, 24),
    ("HMAC-256", SymmetricAlgorithm::Hmac, 32),
    // No whole number of blocks of eight.
    ("HMAC-160", SymmetricAlgorithm::Hmac, 20),
];

/// A key of the probe's.
pub(super) enum Sample {
    Private(PrivateKey),
    Secret(SymmetricKey),
}

impl Sample {
    pub(super) fn clear(&self) -> Clear<'_> {
        match self {
            Self::Private(key) => Clear::Private(key),
            Self::Secret(key) => Clear::Secret(key),
        }
    }

    /// What can be put to the proof.
    fn usage(&self) -> KeyUsage {
        match self {
            Self::Private(PrivateKey::Rsa(_)) => KeyUsage::SIGN,
            Self::Private(PrivateKey::Ec(key)) if key.curve().has_arithmetic() && key.curve().name != "curve25519" => {
                KeyUsage::SIGN
            }
            Self::Private(_) => KeyUsage::AGREE,
            Self::Secret(key) if key.algorithm() == SymmetricAlgorithm::Hmac => KeyUsage::SIGN,
            Self::Secret(_) => KeyUsage::DECRYPT,
        }
    }

    /// Bytes that hold it.
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Private(key) => private_capacity(key.public().as_ref(), width(key)),
            Self::Secret(key) => key.key().len(),
        }
    }

    /// The attribute that is read where the key may be seen, and its value.
    fn value(&self) -> Option<(u64, &SecretBytes)> {
        match self {
            Self::Private(PrivateKey::Rsa(key)) => Some((CKA_PRIVATE_EXPONENT, &key.numbers().d)),
            Self::Private(PrivateKey::Ec(key)) => Some((CKA_VALUE, key.d())),
            Self::Private(_) => None,
            Self::Secret(key) => Some((CKA_VALUE, key.key())),
        }
    }
}

pub(super) fn rsa() -> Result<PrivateKey, Error> {
    let [(_, der), ..] = RSA;
    decode(der)
}

pub(super) fn p256() -> Option<PrivateKey> {
    ec::PrivateKey::generate(Curve::nist(256)?).map(PrivateKey::Ec)
}

pub(super) fn aes() -> Result<SymmetricKey, Error> {
    secret(SymmetricAlgorithm::Aes, 32)
}

fn secret(algorithm: SymmetricAlgorithm, len: usize) -> Result<SymmetricKey, Error> {
    let value = SecretBytes::random(len).map_err(crate::token::Error::from)?;
    Ok(SymmetricKey::new(algorithm, value)?)
}

fn decode(der: &[u8]) -> Result<PrivateKey, Error> {
    Ok(pkcs8::read(der, asn1::Opening::default(), Validation::Skip)?.key)
}

impl<'t> Prober<'t> {
    pub(super) fn keys(&mut self) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        let (mut plain_private, mut plain_secret) = (false, false);
        for (name, der) in RSA {
            plain_private |= self.key(name, &Sample::Private(decode(der)?), &mut rows)?;
        }
        for (name, curve) in CURVES {
            // One without arithmetic here could not be put to the proof.
            if let Some(key) = ec::PrivateKey::generate(Curve::by_name(curve)?) {
                plain_private |= self.key(name, &Sample::Private(PrivateKey::Ec(key)), &mut rows)?;
            }
        }
        for (name, algorithm, len) in SECRETS {
            plain_secret |= self.key(name, &Sample::Secret(secret(algorithm, len)?), &mut rows)?;
        }
        let came = |row: &Row| row.answers.iter().take(2).any(|(_, answer)| answer.is_yes());
        if rows.iter().any(came) {
            (self.learned.plain_private, self.learned.plain_secret) = (plain_private, plain_secret);
        } else {
            self.warn("no key could be made in the session: what the token does with keys that it keeps was not tried");
        }
        Ok(rows)
    }

    /// The row of one key; whether it could be created.
    fn key(&mut self, name: &str, sample: &Sample, rows: &mut Vec<Row>) -> Result<bool, Error> {
        let created = self.create(sample)?;
        let guard = created.as_ref().ok().map(|(handle, _)| self.temporary(*handle));
        let unwrapped = self.unwrap(sample)?;
        let guards = (guard, unwrapped.as_ref().ok().map(|(handle, _)| self.temporary(*handle)));
        let handle = created.as_ref().or(unwrapped.as_ref()).ok().map(|(handle, _)| *handle);
        let (mut works, mut plain, mut wrapped) = (untried(), untried(), untried());
        if let Some(handle) = handle {
            works = self.works(sample, handle)?;
            plain = self.read(sample, handle)?;
            wrapped = self.wrap_out(sample, handle)?;
        }
        let is_created = created.is_ok();
        drop(guards);
        let answer = |made: Result<(Handle, String), Answer>| made.map_or_else(|no| no, |(_, note)| Answer::yes(note));
        rows.push(Row {
            subject: name.to_owned(),
            answers: vec![
                ("create", answer(created)),
                ("unwrap", answer(unwrapped)),
                ("works", works),
                ("plaintext out", plain),
                ("wrapped out", wrapped),
            ],
        });
        Ok(is_created)
    }

    /// A session object by C_CreateObject: readable where the token has that.
    pub(super) fn create(&self, sample: &Sample) -> Result<Result<(Handle, String), Answer>, Error> {
        let token: &Token = self.token;
        let mut first = None;
        for (policy, note) in [(ExportPolicy::ANY, ""), (ExportPolicy::ENCRYPTED, "only if it cannot be read")] {
            let shapes = sample.clear().shapes(token, Making::Create, &attributes(policy, sample.usage()));
            let shapes = match judge(shapes)? {
                Ok(shapes) => shapes,
                Err(answer) => return Ok(Err(answer)),
            };
            match judge(in_shape(&shapes, |shape| Ok(token.create(shape)?)))? {
                Ok((handle, place)) => {
                    let note = if place > 0 { "with an attribute more or less" } else { note };
                    return Ok(Ok((handle, note.to_owned())));
                }
                Err(answer) => {
                    first.get_or_insert(answer);
                }
            }
        }
        Ok(Err(first.unwrap_or_else(untried)))
    }

    /// A session object by C_UnwrapKey.
    fn unwrap(&self, sample: &Sample) -> Result<Result<(Handle, String), Answer>, Error> {
        let token: &Token = self.token;
        let kek = match &self.kek {
            Ok(kek) => kek,
            Err(answer) => return Ok(Err(answer.clone())),
        };
        let bytes = sample.clear().bytes()?;
        let policy = if matches!(sample, Sample::Private(_)) { ExportPolicy::ENCRYPTED } else { ExportPolicy::ANY };
        let shapes = match judge(sample.clear().shapes(token, Making::Unwrap, &attributes(policy, sample.usage())))? {
            Ok(shapes) => shapes,
            Err(answer) => return Ok(Err(answer)),
        };
        Ok(judge(kek.bring(token, &bytes, &shapes))?
            .map(|Brought { object, scheme, .. }| (object, scheme.name().to_owned())))
    }

    /// Whether it does what such a key does.
    fn works(&self, sample: &Sample, handle: Handle) -> Result<Answer, Error> {
        let token: &Token = self.token;
        let proof = match sample {
            Sample::Private(key) => match key.public() {
                Some(public) => proof::prove_pair(token, handle, None, &public, (sample.usage(), Additions::NONE)),
                None => return Ok(untried()),
            },
            Sample::Secret(key) => {
                proof::prove_secret(token, handle, key.algorithm(), Some(key), (sample.usage(), Additions::NONE))
            }
        };
        Ok(match judge(proof)? {
            Ok(Verified::Attributes) => Answer::unknown("no mechanism to put it to the proof"),
            Ok(verified) => Answer::yes(verified.name()),
            Err(answer) => answer,
        })
    }

    /// Whether what may be read is read as it is.
    fn read(&self, sample: &Sample, handle: Handle) -> Result<Answer, Error> {
        let Some((kind, value)) = sample.value() else { return Ok(untried()) };
        match judge(self.token.read(handle))? {
            Ok(record) if record.policy.allows_plaintext() => {}
            Ok(_) => return Ok(Answer::no("it is made sensitive")),
            Err(answer) => return Ok(answer),
        }
        let found = judge(self.token.attributes(handle, &[(kind, value.len())]))?;
        Ok(match found.map(|values| values.into_iter().next().flatten()) {
            Ok(Some(found)) if is_same(&found, value) => Answer::yes(""),
            Ok(Some(_)) => Answer::no("what is read is not the key"),
            Ok(None) => Answer::no("its value is not given"),
            Err(answer) => answer,
        })
    }

    /// By which schemes it leaves wrapped.
    fn wrap_out(&self, sample: &Sample, handle: Handle) -> Result<Answer, Error> {
        let token: &Token = self.token;
        let kek = match judge(Ephemeral::generate(token))? {
            Ok(kek) => kek,
            Err(answer) => return Ok(answer),
        };
        let (mut by, mut first) = (Vec::new(), None);
        for scheme in [Scheme::Kwp, Scheme::Kw, Scheme::KwPkcs7, Scheme::CbcPad, Scheme::Gcm] {
            if !token.claims_wrapping(scheme.mechanism(token.profile()))?.0 {
                continue;
            }
            match judge(kek.wrap(scheme, handle, sample.capacity()))? {
                Ok(_) => by.push(scheme.name()),
                Err(answer) => {
                    first.get_or_insert(answer);
                }
            }
        }
        if by.is_empty() {
            return Ok(first.unwrap_or_else(|| Answer::no("no mechanism wraps under an AES key")));
        }
        Ok(Answer::yes(by.join(" ")))
    }
}

fn untried() -> Answer {
    Answer { verdict: Verdict::Unknown, note: String::new(), ckr: None }
}

/// Some tokens leave the zeros in front of a number away.
fn is_same(found: &SecretBytes, value: &SecretBytes) -> bool {
    let missing = value.len().saturating_sub(found.len());
    value.iter().take(missing).all(|byte| *byte == 0) && found.iter().eq(value.iter().skip(missing))
}

/// Bits of the modulus or the field.
fn width(key: &PrivateKey) -> u32 {
    match key {
        PrivateKey::Rsa(key) => key.public().bits(),
        PrivateKey::Ec(key) => key.curve().field_bits,
        _ => 0,
    }
}
