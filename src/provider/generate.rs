//! A pending key without material: generated on the token, in the session, and copied onto it like an imported one.

use super::finalize::Finalizer;
use super::import::check_algorithm;
use super::lookup::Stage;
use super::persist::Route;
use super::source::Source;
use super::way::Way;
use super::{Error, Ready};
use crate::key::{Algorithm, Family, KeyUsage, SymmetricAlgorithm};
use crate::template::Template;
use crate::template::attribute::{CKA_EC_PARAMS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_VALUE_LEN};
use crate::template::put::{self, PrivateKind};
use crate::token::Handle;
use crate::token::mechanism::{
    CKM_AES_KEY_GEN, CKM_DES3_KEY_GEN, CKM_EC_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_GENERIC_SECRET_KEY_GEN,
    CKM_RSA_PKCS_KEY_PAIR_GEN, Mechanism,
};
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
            made.map_err(|error| self.blame(self.explain(error, Algorithm::symmetric(algorithm))))
        };
        let old = self.room_for_secret()?;
        self.check_id(&id, old.as_deref())?;
        let main = Source::new(make(&id, false)?, Box::new(move |id| make(id, true)));
        self.finish_secret(main, &id, usage, old.as_deref(), Way::of(Route::Generate), (algorithm, None))
    }

    fn generate_pair(&self, algorithm: Algorithm, usage: KeyUsage) -> Result<Ready, crate::Error> {
        let kind = PrivateKind::of(algorithm.curve)?;
        let placeholder = Stage::staged(b"");
        let attributes = self.attributes(&placeholder, false, usage);
        let public = put::public_shell(kind, &attributes);
        let public = match (algorithm.family, algorithm.curve) {
            (Family::Rsa, _) => {
                let bits = self.pending.length.unwrap_or(2048);
                public.ulong(CKA_MODULUS_BITS, bits.into()).bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])
            }
            (_, Some(curve)) => {
                self.pending.check_said(algorithm, curve.field_bits)?;
                public.bytes(CKA_EC_PARAMS, &put::ec_params(curve)?)
            }
            (_, None) => {
                let what = format!("{algorithm} needs a curve (ECCCurveName)");
                return Err(Error::Contradiction { what }.into());
            }
        };
        let old = self.room_for_new()?;
        let private = put::private_shell(kind, &attributes);
        let mechanism = Mechanism::Plain(pair_mechanism(kind));
        let made = wrap::generate_pair(self.token, &mechanism, &public, &private);
        if let Err(error) = &made {
            self.find_fault("C_GenerateKeyPair", &private, error.ckr(), |private| {
                let (public, private) = wrap::generate_pair(self.token, &mechanism, &public, private)?;
                drop(Temporary::new(self.token, public));
                Ok(private)
            });
        }
        let (public_session, session) = made.map_err(|error| self.blame(self.explain(error, algorithm)))?;
        let public = self.token.read(public_session)?.public;
        let public = public.ok_or_else(|| Error::NoPublic { name: self.label() })?;
        self.token.destroy(public_session)?;
        let id = self.pair_id(&public)?;
        self.check_id(&id, old.as_deref())?;
        let no_copy = |_: &[u8]| -> Result<Handle, crate::Error> {
            let what = "the token does not copy a key that it generated in a session".to_owned();
            Err(Error::Unsupported { what, ckr: None }.into())
        };
        self.finish_pair(
            Source::new(session, Box::new(no_copy)),
            public,
            &id,
            usage,
            old.as_deref(),
            Way::of(Route::Generate),
        )
    }
}

/// What makes a pair of this kind on a token; a token without it has no such keys.
pub(super) fn pair_mechanism(kind: PrivateKind) -> u64 {
    match kind {
        PrivateKind::Rsa => CKM_RSA_PKCS_KEY_PAIR_GEN,
        PrivateKind::Ec => CKM_EC_KEY_PAIR_GEN,
        PrivateKind::Montgomery => CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
    }
}
