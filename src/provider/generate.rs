//! A pending key without material: generated on the token, in the session, and copied onto it like an imported one; a pair at once on the token, under a mark, where the
//! token makes none in the session.

use super::archive::no_archiving;
use super::finalize::Finalizer;
use super::import::check_algorithm;
use super::lookup::{Entry, Stage};
use super::persist::{Route, destroy_all, not_removed};
use super::source::{Source, no_copy};
use super::way::Way;
use super::{Error, Ready};
use crate::key::{Algorithm, Family, KeyUsage, SymmetricAlgorithm};
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::{
    CKA_EC_PARAMS, CKA_ID, CKA_LABEL, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_TOKEN, CKA_VALUE_LEN,
};
use crate::template::put::{self, PrivateKind};
use crate::template::shape;
use crate::token::mechanism::{
    CKM_AES_KEY_GEN, CKM_DES3_KEY_GEN, CKM_EC_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_GENERIC_SECRET_KEY_GEN,
    CKM_RSA_PKCS_KEY_PAIR_GEN, Mechanism,
};
use crate::token::{self, Handle, Token, refusal};
use crate::wrap::{self, Temporary};

impl Finalizer<'_> {
    pub(super) fn generate(&self) -> Result<Ready, crate::Error> {
        let algorithm = self.pending.algorithm().ok_or_else(|| Error::Contradiction {
            what: "no algorithm was said for the key to be generated".to_owned(),
        })?;
        check_algorithm(algorithm)?;
        let usage = self.pending.usage_for(algorithm, None)?;
        match algorithm.family {
            Family::Symmetric(symmetric) => self.generate_secret(symmetric, usage),
            _ => self.generate_pair(algorithm, usage),
        }
    }

    fn generate_secret(&self, algorithm: SymmetricAlgorithm, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let bits = self.pending.length.unwrap_or(if algorithm == SymmetricAlgorithm::TripleDes { 192 } else { 256 });
        if !bits.is_multiple_of(8) || !algorithm.accepts(bits as usize / 8) {
            let what = format!("an {} key cannot have {bits} bits", algorithm.name());
            return Err(Error::Contradiction { what }.into());
        }
        let mechanism = Mechanism::Plain(match algorithm {
            SymmetricAlgorithm::Aes => CKM_AES_KEY_GEN,
            SymmetricAlgorithm::Hmac => CKM_GENERIC_SECRET_KEY_GEN,
            SymmetricAlgorithm::TripleDes => CKM_DES3_KEY_GEN,
        });
        let id = self.secret_id(algorithm, bits)?;
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let template = put::secret_shell(algorithm, &self.attributes(id, token, usage));
            let template = match algorithm {
                SymmetricAlgorithm::TripleDes => template,
                _ => template.ulong(CKA_VALUE_LEN, u64::from(bits) / 8),
            };
            let made = self.token.generate(&mechanism, &template);
            if let (Err(error), false) = (&made, token) {
                let again = |template: &Template| Ok(self.token.generate(&mechanism, template)?);
                self.find_fault("C_GenerateKey", &template, error.ckr(), again);
            }
            made.map_err(|error| self.not_made(error, Algorithm::symmetric(algorithm), bits))
        };
        let old = self.room_for_secret()?;
        self.check_id(&id, old.as_deref())?;
        let main = Source::new(make(&id, false)?, Box::new(move |id| make(id, true)));
        self.finish_secret(main, &id, usage, old.as_deref(), Way::of(Route::Generate), (algorithm, None))
    }

    fn generate_pair(&self, algorithm: Algorithm, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let kind = PrivateKind::of(algorithm.curve)?;
        let (numbers, bits) = match (algorithm.family, algorithm.curve) {
            (Family::Rsa, _) => {
                let bits = self.pending.length.unwrap_or(2048);
                let modulus = Template::new().ulong(CKA_MODULUS_BITS, bits.into());
                (modulus.bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]), bits)
            }
            (_, Some(curve)) => {
                self.pending.check_said(algorithm, curve.field_bits)?;
                (Template::new().bytes(CKA_EC_PARAMS, &put::ec_params(curve)?), curve.field_bits)
            }
            (_, None) => {
                let what = format!("{algorithm} needs a curve (ECCCurveName)");
                return Err(Error::Contradiction { what }.into());
            }
        };
        let unusable = self.token.profile().rsa_signs_by_decrypting
            && kind == PrivateKind::Rsa
            && usage.contains(KeyUsage::SIGN)
            && !usage.contains(KeyUsage::DECRYPT);
        if unusable {
            let token = &self.token.info().label;
            let what = format!("token `{token}` signs with an RSA key only if it may decrypt as well: ask for both");
            return Err(Error::Unsupported { what, ckr: None }.into());
        }
        let old = self.room_for_new()?;
        let pair = self.make_pair(kind, &numbers, usage, old.as_deref());
        let Pair { public: public_object, private, placed } = pair.map_err(|error| match error {
            crate::Error::Token(error) => self.not_made(error, algorithm, bits),
            other => other,
        })?;
        let public = self.token.read(public_object.handle)?.public;
        let public = public.ok_or_else(|| Error::NoPublic { name: self.label() })?;
        let id = self.pair_id(&public)?;
        self.check_id(&id, old.as_deref())?;
        let beside = if placed {
            Some(public_object.keep())
        } else {
            self.token.destroy(public_object.keep())?;
            None
        };
        let main = match placed {
            true => Source::placed(private.keep(), Box::new(no_copy)),
            false => Source::new(private.keep(), Box::new(no_copy)),
        };
        self.finish_pair((main, beside), (public, None), &id, usage, old.as_deref(), Way::of(Route::Generate))
    }

    /// A pair in the session, or, where the token makes none there, on the token under a mark: until the mark comes off, it is as the leftover of an import.
    fn make_pair(
        &self,
        kind: PrivateKind,
        numbers: &Template,
        usage: KeyUsage,
        old: Option<&Entry>,
    ) -> Result<Pair<'_>, crate::Error> {
        let token: &Token = self.token;
        let mark = Stage::staged(b"");
        let make = |placed: bool| {
            let attributes = self.attributes(&mark, placed, usage);
            let public = numbers
                .iter()
                .fold(put::public_shell(kind, &attributes), |template, (kind, value)| template.bytes(kind.0, value));
            let (public, later) = shape::counterparts(public, token.profile());
            let private = put::private_shell(kind, &attributes);
            let mechanism = Mechanism::Plain(pair_mechanism(kind));
            let made = wrap::generate_pair(token, &mechanism, &public, &private);
            if let (Err(error), false) = (&made, placed) {
                self.find_fault("C_GenerateKeyPair", &private, error.ckr(), |private| {
                    let (public, private) = wrap::generate_pair(token, &mechanism, &public, private)?;
                    drop(Temporary::new(token, public));
                    Ok(private)
                });
            }
            let made = made?;
            let (public, private) = (Temporary::new(token, made.0), Temporary::new(token, made.1));
            later.map_or(Ok(()), |uses| token.set(public.handle, &uses))?;
            Ok::<_, token::Error>(Pair { public, private, placed })
        };
        let on_token = || {
            if self.is_archived() {
                return Err(no_archiving("a pair that this token makes in no session").into());
            }
            if !self.token.sets() {
                let what = "this token makes key pairs only to keep them, and does not let their CKA_ID be changed: a pair could not be told from a finished one before it is proven";
                return Err(Error::Unsupported { what: what.to_owned(), ckr: None }.into());
            }
            if let Some(old) = old {
                old.check_replaceable()?;
            }
            self.token.writes(&self.label());
            make(true).map_err(|error| {
                // It may have made them all the same; the mark shows what is ours.
                let label = self.label();
                let ours =
                    Template::new().flag(CKA_TOKEN, true).bytes(CKA_LABEL, label.as_bytes()).bytes(CKA_ID, &mark);
                let removed = token.find(&ours).and_then(|made| destroy_all(token, made));
                removed.err().map_or_else(|| error.clone().into(), |left| not_removed(&error.clone().into(), &left))
            })
        };
        let is_named = self.pending.name.is_some();
        if token.profile().pairs_on_token {
            if is_named {
                return on_token();
            }
            let what = "this token makes key pairs only to keep them: a key without a name cannot be made".to_owned();
            return Err(Error::Unsupported { what, ckr: None }.into());
        }
        match make(false) {
            // That the object is to be one of the session may be what is wrong; not where keys are known to be that, nor where something was added that may be wrong itself: SoftHSM
            // keeps half an object of what it refuses to make on the token.
            Err(error)
                if is_named
                    && token.profile().session_objects != Some(true)
                    && self.pending.additions.is_empty()
                    && error.ckr().is_some_and(may_be_the_place) =>
            {
                on_token()
            }
            outcome => Ok(outcome?),
        }
    }

    /// A refusal to make a key of this kind, with what was asked for: which of it is refused the token does not say.
    fn not_made(&self, error: token::Error, algorithm: Algorithm, bits: u32) -> crate::Error {
        // What was added may be why; it is named then.
        match self.blame(self.explain(error, algorithm)) {
            crate::Error::Token(error) if error.ckr().is_some_and(refusal::is_refusal) => {
                let words = |words: &[&str]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
                let usage = self.pending.usage_for(algorithm, None).unwrap_or_default();
                let what = format!(
                    "token `{}` makes no such key ({algorithm}, {bits} bits, usage {}, export policy {}): {error}",
                    self.token.info().label,
                    words(&usage.words().collect::<Vec<_>>()),
                    words(self.policy().words()),
                );
                Error::Unsupported { what, ckr: error.ckr() }.into()
            }
            other => other,
        }
    }
}

/// A pair that the token made.
struct Pair<'t> {
    public: Temporary<'t>,
    private: Temporary<'t>,
    /// Whether it stands on the token.
    placed: bool,
}

fn may_be_the_place(ckr: Ckr) -> bool {
    ckr == Ckr::ATTRIBUTE_VALUE_INVALID || refusal::is_about_shape(ckr)
}

/// What makes a pair of this kind on a token; a token without it has no such keys.
pub(super) fn pair_mechanism(kind: PrivateKind) -> u64 {
    match kind {
        PrivateKind::Rsa => CKM_RSA_PKCS_KEY_PAIR_GEN,
        PrivateKind::Ec => CKM_EC_KEY_PAIR_GEN,
        PrivateKind::Montgomery => CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
    }
}
