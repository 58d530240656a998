//! Whether a key that is on the token is the one that somebody has here, and the proof of a key that is there.
//!
//! A pair is its public half, whatever it is called; a symmetric key is what it does: a block, a wrapped key or a code that comes out as with the same key in software. What the
//! two may differ in besides is what was asked for: policy, usage, CKA_ID, certificate. A key that was opened is proven by the same uses as one that was written.

use hmac::{Hmac, KeyInit, Mac};

use super::pending::{Material, Pending};
use super::proof::{self, Terms, Verified};
use super::{Error, Key, KeyName, Ready, StorageProvider, added, lookup};
use crate::asn1;
use crate::blob::Decoded;
use crate::hex;
use crate::key::{Algorithm, ExportPolicy, KeyMaterial, KeyUsage, PublicKey, SymmetricAlgorithm, SymmetricKey};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::attribute::CKA_ALWAYS_AUTHENTICATE;
use crate::template::get::Class;
use crate::template::put::{self, Attributes};
use crate::template::{Addition, Additions, AttributeType, shape};
use crate::token::mechanism::{CKM_SHA_1_HMAC, CKM_SHA256_HMAC, Mechanism};
use crate::token::{self, Handle, refusal};
use crate::wrap;

/// What a key is to be, besides that it is this one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// What may leave.
    pub policy: ExportPolicy,
    /// What it may do; without it, what an import would give it.
    pub usage: Option<KeyUsage>,
    /// CKA_ID; without it, of a pair, the one that follows from its public half.
    pub id: Option<&'a [u8]>,
    /// Its certificate in DER; without one nothing is said of certificates.
    pub certificate: Option<&'a [u8]>,
}

/// How a key on the token compares with one here.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sameness {
    /// The same, and all that was asked.
    Identical,
    /// The same key with other attributes: which, in words.
    Differs(Vec<String>),
    /// Another key.
    Another,
    /// Nothing that the key may do shows which one it is: why, in words.
    Unknown(String),
}

impl StorageProvider {
    /// Compares a key of the token with one that is here, and with what was asked for it. Of a pair the public half alone is needed here, and no call is made but for a certificate,
    /// or where an elliptic key has no public object; a symmetric key is used once.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` for a key that is not finalized; what the token says.
    pub fn compare(&self, key: &Key, decoded: &Decoded, asked: &Asked<'_>) -> Result<Sameness, crate::Error> {
        let ready = key.finalized()?;
        let told = match &decoded.key {
            KeyMaterial::Public(public) => key.is_pair_of(ready, public)?,
            KeyMaterial::Private(private) => match private.public() {
                Some(public) => key.is_pair_of(ready, &public)?,
                None => Told::Unknown("the public half of the key here is not known".to_owned()),
            },
            KeyMaterial::Secret(secret) => key.is_secret(ready, secret)?,
        };
        match told {
            Told::Another => Ok(Sameness::Another),
            Told::Unknown(why) => Ok(Sameness::Unknown(why)),
            Told::Same => {
                let differences = key.differences(ready, decoded, asked)?;
                Ok(if differences.is_empty() { Sameness::Identical } else { Sameness::Differs(differences) })
            }
        }
    }

    /// Whether a pair stands under a name with both its objects, and a certificate if it is to have one. Of an RSA key no attribute shows whether its private numbers are there:
    /// with `is_proven` a use of it does.
    ///
    /// # Errors
    /// What the token says, but that there is no such key, or no whole one.
    pub(crate) fn has_whole_pair(
        &self,
        name: &KeyName,
        is_certified: bool,
        is_proven: bool,
    ) -> Result<bool, crate::Error> {
        let key = match self.open_key(name.as_str()) {
            Err(crate::Error::Provider(Error::NoSuchKey { .. } | Error::Torn { .. } | Error::Ambiguous { .. })) => {
                return Ok(false);
            }
            opened => opened?,
        };
        let ready = key.finalized()?;
        let stands =
            ready.private_object.is_some() && ready.public_object.is_some() && (!is_certified || key.has_certificate());
        if !stands || !is_proven || ready.algorithm != Some(Algorithm::RSA) {
            return Ok(stands);
        }
        match key.prove() {
            Err(crate::Error::Provider(error @ Error::Unproven { .. })) => {
                let error = error.into();
                if self.has_lost(&error) { Err(error) } else { Ok(false) }
            }
            proven => proven.map(|_| true),
        }
    }
}

enum Told {
    Same,
    Another,
    Unknown(String),
}

impl Key {
    /// Proves a key that is on the token by one of its uses: a pair against its own public half. A symmetric key, and one that may not be used, leaves nothing to be compared with:
    /// [`Verified::Attributes`], after it was used if it can be.
    ///
    /// # Errors
    /// [`Error::Unproven`]; `NTE_BAD_KEY_STATE` for a key that is not finalized; what the token says.
    pub fn prove(&self) -> Result<Verified, crate::Error> {
        self.prove_one_use().map_err(|error| match error {
            crate::Error::Provider(Error::ProofFailed { how, ckr }) => {
                Error::Unproven { name: self.label().to_owned(), how, ckr }.into()
            }
            error => error,
        })
    }

    fn prove_one_use(&self) -> Result<Verified, crate::Error> {
        let ready = self.finalized()?;
        match (ready.private_object, ready.secret_object) {
            (Some(private), _) => match &ready.public {
                Some(public) => self.prove_by(ready, (private, true), |additions| {
                    let terms = Terms { usage: ready.usage, additions, pin: self.held.pin.as_ref(), private: None };
                    proof::prove_pair(&self.token, private, ready.public_object, public, terms)
                }),
                None => match self.public_key() {
                    // Two signatures that verify under one point.
                    Ok(_) => Ok(Verified::Signature),
                    Err(crate::Error::Provider(Error::NoPublic { .. } | Error::PinNeeded { .. })) => {
                        Ok(Verified::Attributes)
                    }
                    Err(error) => Err(error),
                },
            },
            (None, Some(object)) => self.prove_secret(ready, object, None),
            (None, None) => Ok(Verified::Attributes),
        }
    }

    fn prove_secret(
        &self,
        ready: &Ready,
        object: Handle,
        secret: Option<&SymmetricKey>,
    ) -> Result<Verified, crate::Error> {
        let Some(algorithm) = ready.algorithm.and_then(|algorithm| algorithm.family.as_symmetric()) else {
            return Ok(Verified::Attributes);
        };
        self.prove_by(ready, (object, secret.is_some()), |additions| {
            proof::prove_secret(&self.token, object, algorithm, secret, (ready.usage, additions))
        })
    }

    /// What stands on a key that may be in the way of a proof takes calls to find out, and few keys have such: it is asked for once a proof does not go.
    fn prove_by(
        &self,
        ready: &Ready,
        (object, is_to_show): (Handle, bool),
        prove: impl Fn(&Additions) -> Result<Verified, crate::Error>,
    ) -> Result<Verified, crate::Error> {
        let pin = ready.always_authenticates;
        let usual = pin.then(|| Addition::of_object(AttributeType(CKA_ALWAYS_AUTHENTICATE), &[1]));
        match prove(&Additions::standing(usual.into_iter().collect())) {
            // A mechanism that the key is not allowed is one that it does not have.
            Ok(Verified::Attributes) if is_to_show => {}
            Err(crate::Error::Provider(Error::ProofFailed { .. })) => {}
            Err(crate::Error::Token(error)) if error.ckr().is_some_and(refusal::is_refusal) => {}
            outcome => return outcome,
        }
        prove(&added::standing_on(&self.token, object))
    }

    /// Whether another key, of this token or of another one, is this very key: of a pair by the public half, of a symmetric key by what both make of the same data. `None` where that cannot
    /// be told.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` for a key that is not finalized; what the tokens say.
    pub fn is_the_same(&self, other: &Self) -> Result<Option<bool>, crate::Error> {
        let (one, two) = (self.finalized()?, other.finalized()?);
        let (Some(here), Some(there)) = (one.secret_object, two.secret_object) else {
            if one.secret_object.is_some() || two.secret_object.is_some() {
                return Ok(Some(false));
            }
            return match other.public_key() {
                Ok(public) => Ok(match self.is_pair_of(one, &public)? {
                    Told::Same => Some(true),
                    Told::Another => Some(false),
                    Told::Unknown(_) => None,
                }),
                Err(crate::Error::Provider(Error::NoPublic { .. } | Error::PinNeeded { .. })) => Ok(None),
                Err(error) => Err(error),
            };
        };
        let bits = one.bits.zip(two.bits).is_some_and(|(one, two)| one != two);
        let Some(algorithm) = one.algorithm.filter(|found| Some(*found) == two.algorithm && !bits) else {
            return Ok(Some(false));
        };
        let Some(algorithm) = algorithm.family.as_symmetric() else { return Ok(None) };
        let both = one.usage & two.usage;
        let challenge = SecretBytes::random(32).map_err(token::Error::from)?;
        if algorithm == SymmetricAlgorithm::Hmac {
            if !both.contains(KeyUsage::SIGN) {
                return Ok(None);
            }
            for (mechanism, len) in [(CKM_SHA256_HMAC, 32), (CKM_SHA_1_HMAC, 20)] {
                let code = |key: &Self, object| key.token.sign(&Mechanism::Plain(mechanism), object, &challenge, len);
                if let Some(verdict) = same_bytes(code(self, here).map(Some), code(other, there).map(Some))? {
                    return Ok(Some(verdict));
                }
            }
            return Ok(None);
        }
        let shown = |key: &Self, object| proof::shown_by(&key.token, object, algorithm, both, &challenge);
        Ok(same_bytes(shown(self, here), shown(other, there))?)
    }

    /// Writes the public object that an import puts beside a private one, where there is none; `public` must be known to be this key's ([`StorageProvider::compare`]). A token that was
    /// killed as it took the mark off such an object may have lost it. Whether there is one now that was missing: a token that takes none is left alone.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` for a key that is not finalized; what the token says.
    pub fn restore_public(&self, public: &PublicKey) -> Result<bool, crate::Error> {
        let ready = self.finalized()?;
        let profile = self.token.profile();
        let is_missing = ready.private_object.is_some() && ready.public_object.is_none() && !ready.ephemeral;
        if !is_missing || profile.own_publics || !profile.places.is_empty() {
            return Ok(false);
        }
        let attributes = Attributes {
            label: &ready.label,
            id: &ready.id,
            token: true,
            policy: ready.policy,
            usage: ready.usage,
            more: Additions::NONE,
        };
        let shapes = shape::shapes_of_public(&put::public(public, &attributes)?, profile);
        self.token.writes(&ready.label);
        let object = match wrap::create_public(&self.token, &shapes) {
            Ok((object, _)) => object,
            Err(error) if error.ckr().is_some_and(refusal::is_refusal) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if self.token.read(object)?.public.as_ref() != Some(public) {
            self.token.destroy(object)?;
            return Err(Error::ProofFailed { how: "the token keeps another public key", ckr: None }.into());
        }
        // What a full disk has kept of the one that was there is of no use to anybody.
        for entry in lookup::by_label(&self.token, &ready.label).unwrap_or_default() {
            let record = entry.record();
            if record.class == Class::Public && record.torn && record.id == ready.id {
                // `list --all` shows one that stays.
                let _ = self.token.destroy(Handle(record.handle));
            }
        }
        Ok(true)
    }

    fn is_pair_of(&self, ready: &Ready, wanted: &PublicKey) -> Result<Told, crate::Error> {
        if ready.secret_object.is_some() {
            return Ok(Told::Another);
        }
        if let (Some(found), Some(curve)) = (ready.algorithm, wanted.curve())
            && found.curve != Some(curve)
        {
            return Ok(Told::Another);
        }
        match self.public_key() {
            Ok(found) if found == *wanted => Ok(Told::Same),
            Ok(_) => Ok(Told::Another),
            Err(crate::Error::Provider(Error::NoPublic { .. })) => {
                Ok(Told::Unknown("it has no public object, and does not sign".to_owned()))
            }
            Err(crate::Error::Provider(error @ Error::PinNeeded { .. })) => Ok(Told::Unknown(error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn is_secret(&self, ready: &Ready, secret: &SymmetricKey) -> Result<Told, crate::Error> {
        let same_kind = ready.algorithm == Some(Algorithm::symmetric(secret.algorithm()));
        let Some(object) = ready.secret_object.filter(|_| same_kind) else { return Ok(Told::Another) };
        if ready.bits.is_some_and(|bits| bits != secret.bits()) {
            return Ok(Told::Another);
        }
        if secret.algorithm() == SymmetricAlgorithm::Hmac && ready.usage.contains(KeyUsage::SIGN) {
            return Ok(match self.has_code_of(object, secret) {
                Ok(true) => Told::Same,
                Ok(false) => Told::Another,
                Err(error) if error.ckr().is_some_and(is_about_code) => Told::Unknown(error.to_string()),
                Err(error) => return Err(error.into()),
            });
        }
        match self.prove_secret(ready, object, Some(secret)) {
            Ok(Verified::Attributes) => Ok(Told::Unknown("it has no use that shows which key it is".to_owned())),
            Ok(_) => Ok(Told::Same),
            Err(crate::Error::Provider(Error::ProofFailed { ckr: None, .. })) => Ok(Told::Another),
            Err(crate::Error::Provider(error @ Error::ProofFailed { .. })) => Ok(Told::Unknown(error.to_string())),
            Err(crate::Error::Token(error)) if error.ckr().is_some_and(refusal::is_refusal) => {
                Ok(Told::Unknown(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether HMAC of something random comes out as with the key that is here: with SHA-256, or, where the token or the key does not have that, with SHA-1.
    fn has_code_of(&self, object: Handle, secret: &SymmetricKey) -> Result<bool, token::Error> {
        let sent = SecretBytes::random(32)?;
        let code = |mechanism, len| self.token.sign(&Mechanism::Plain(mechanism), object, &sent, len);
        match code(CKM_SHA256_HMAC, 32) {
            Ok(code) => Ok(verifies::<Hmac<sha2::Sha256>>(secret, &sent, &code)),
            Err(error) if error.ckr().is_some_and(is_about_code) => {
                Ok(verifies::<Hmac<sha1::Sha1>>(secret, &sent, &code(CKM_SHA_1_HMAC, 20)?))
            }
            Err(error) => Err(error),
        }
    }

    fn differences(&self, ready: &Ready, decoded: &Decoded, asked: &Asked<'_>) -> Result<Vec<String>, crate::Error> {
        let mut differences = Vec::new();
        let policy = asked.policy.effective();
        if ready.policy != policy {
            let words = |policy: ExportPolicy| list(policy.words().iter().copied());
            differences.push(format!("export policy {} instead of {}", words(ready.policy), words(policy)));
        }
        let mut as_asked = Pending::new(Material::None, None, false);
        as_asked.usage = asked.usage;
        let usage = as_asked.usage_for(decoded.algorithm, decoded.usage)?;
        if ready.usage != usage {
            let words = |usage: KeyUsage| list(usage.words());
            differences.push(format!("usage {} instead of {}", words(ready.usage), words(usage)));
        }
        let usual = match decoded.key.public() {
            Some(public) => Some(asn1::spki::key_id(&public)?.to_vec()),
            None => None,
        };
        if let Some(id) = asked.id.map(<[u8]>::to_vec).or(usual)
            && ready.id != id
        {
            differences.push(format!("CKA_ID {} instead of {}", hex::encode(&ready.id), hex::encode(&id)));
        }
        if let Some(asked) = asked.certificate {
            match self.certificate_der()? {
                Some(found) if *found == *asked => {}
                Some(_) => differences.push("another certificate".to_owned()),
                None => differences.push("no certificate".to_owned()),
            }
        }
        Ok(differences)
    }
}

/// Whether two tokens have made the same of something; `None` where one of them does not do it, or pads it in a way of its own.
fn same_bytes(
    here: Result<Option<Vec<u8>>, token::Error>,
    there: Result<Option<Vec<u8>>, token::Error>,
) -> Result<Option<bool>, token::Error> {
    match (here, there) {
        (Ok(Some(here)), Ok(Some(there))) if here.len() == there.len() => Ok(Some(here == there)),
        (Err(error), _) | (_, Err(error)) if !error.ckr().is_some_and(is_about_code) => Err(error),
        _ => Ok(None),
    }
}

/// A refusal of the mechanism: SoftHSM2 takes no key that is shorter than the hash.
fn is_about_code(ckr: Ckr) -> bool {
    ckr == Ckr::KEY_SIZE_RANGE || refusal::is_refusal(ckr)
}

fn verifies<M: Mac + KeyInit>(secret: &SymmetricKey, sent: &[u8], code: &[u8]) -> bool {
    // HMAC takes a key of any length.
    <M as KeyInit>::new_from_slice(secret.key()).is_ok_and(|mac| mac.chain_update(sent).verify_slice(code).is_ok())
}

fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.into_iter().collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
