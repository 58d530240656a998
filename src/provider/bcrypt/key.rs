//! `BCRYPT_KEY_HANDLE`: a session object of a token, or a public key here.
//!
//! A pair that is to be generated is pending until it is finalized; every use of it before, and finalizing it again, is `STATUS_INVALID_HANDLE`. Duplicates share what is on the
//! token, which is destroyed with the last of them; chaining mode and initialisation vector are each one's own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::algorithm::{AlgorithmProvider, Cipher, Kind, Row, chaining_mode, cipher_property};
use super::property::{self, KeyLengths, Value, names};
use super::{Tokens, invalid, only, refused, unsupported};
use crate::blob::ecc_parameters;
use crate::key::{Algorithm, Curve, ExportPolicy, Family, KeyUsage, PublicKey};
use crate::provider::property::lengths::lengths;
use crate::provider::{ChainingMode, Flags, Key};
use crate::status::Status;
use crate::token::refusal;

/// A key. Several threads may use one.
#[derive(Debug)]
pub struct BcryptKey {
    row: &'static Row,
    state: Mutex<State>,
    vector: Mutex<Vector>,
    /// What verifies in place of a public key for which there is no arithmetic here.
    verifier: Option<Arc<Key>>,
}

#[derive(Debug)]
enum State {
    Pending(Pending),
    Ready(Arc<Material>),
}

/// What a pair is to be.
#[derive(Clone, Copy, Debug)]
struct Pending {
    bits: u32,
    curve: Option<&'static Curve>,
}

/// What there is of a key.
#[derive(Debug)]
pub(super) enum Material {
    /// On the token.
    Token(Key),
    /// A public key, which needs none.
    Public(PublicKey),
}

/// How blocks are chained, and where the chain stands.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    pub(super) mode: ChainingMode,
    /// The last block of what was encrypted or decrypted, at first zero.
    pub(super) iv: Vec<u8>,
}

impl BcryptKey {
    pub(super) fn new(algorithm: &AlgorithmProvider, material: Material) -> Self {
        Self::with(algorithm, State::Ready(Arc::new(material)))
    }

    fn with(algorithm: &AlgorithmProvider, state: State) -> Self {
        let row = algorithm.row();
        let iv = vec![0; row.cipher().map_or(0, Cipher::block)];
        let vector = Vector { mode: algorithm.settings().mode, iv };
        Self { row, state: Mutex::new(state), vector: Mutex::new(vector), verifier: None }
    }

    pub(super) fn with_verifier(self, verifier: Option<Key>) -> Self {
        Self { verifier: verifier.map(Arc::new), ..self }
    }

    pub(super) fn verifier(&self) -> Option<&Key> {
        self.verifier.as_deref()
    }

    /// A pair that is to be generated (`BCryptGenerateKeyPair`), of so many bits; 0 for an elliptic-curve key, whose curve says it. It is pending.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a size that the algorithm does not have, `STATUS_NOT_SUPPORTED` for an algorithm whose keys are not made on tokens here.
    pub fn generate_pair(algorithm: &AlgorithmProvider, bits: u32, flags: u32) -> Result<Self, crate::Error> {
        only(flags, 0)?;
        let row = algorithm.row();
        let family = row.family().ok_or_else(|| unsupported(format!("{} has no key pairs", row.id)))?;
        if !matches!(family, Family::Rsa | Family::Ecdsa | Family::Ecdh) {
            return Err(unsupported(format!("keys of {} are not made on tokens here", row.id)));
        }
        let pending = Pending { bits, curve: algorithm.settings().curve };
        if !row.is_generic() || pending.curve.is_some() {
            pending.check(row)?;
        }
        Ok(Self::with(algorithm, State::Pending(pending)))
    }

    /// Makes a pending pair on the token (`BCryptFinalizeKeyPair`).
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` for a key that is finalized or was imported, `STATUS_INVALID_PARAMETER` for a generic algorithm without a curve, what the token says.
    pub fn finalize(&self, tokens: &Tokens<'_>, flags: u32) -> Result<(), crate::Error> {
        only(flags, 0)?;
        let mut state = self.state();
        let State::Pending(pending) = *state else {
            return Err(refused(Status::STATUS_INVALID_HANDLE, "the key is finalized already"));
        };
        let algorithm = pending.check(self.row)?;
        let provider = tokens()?;
        let key = on_token(self.row, || {
            let mut key = provider.create_persisted_key(algorithm, None, Flags::NONE)?;
            if algorithm.family == Family::Rsa {
                key.set_length(pending.bits)?;
            }
            Ok(key)
        })?;
        *state = State::Ready(Arc::new(Material::Token(key)));
        Ok(())
    }

    /// The same key with a chain of its own (`BCryptDuplicateKey`).
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` before it is finalized.
    pub fn duplicate(&self) -> Result<Self, crate::Error> {
        let state = State::Ready(self.material()?);
        let (vector, verifier) = (Mutex::new(self.vector().clone()), self.verifier.clone());
        Ok(Self { row: self.row, state: Mutex::new(state), vector, verifier })
    }

    /// The identifier of its algorithm.
    pub fn id(&self) -> &'static str {
        self.row.id
    }

    pub(super) fn row(&self) -> &'static Row {
        self.row
    }

    /// Whether it can be used.
    pub fn is_finalized(&self) -> bool {
        matches!(*self.state(), State::Ready(_))
    }

    /// Runs something with the key on the token: for `hImportKey` and `hExportKey`.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` before it is finalized, `STATUS_INVALID_PARAMETER` for a public key, what `run` says.
    pub fn with_token_key<T>(&self, run: impl FnOnce(&Key) -> Result<T, crate::Error>) -> Result<T, crate::Error> {
        match &*self.material()? {
            Material::Token(key) => run(key),
            Material::Public(_) => Err(invalid("a public key opens and wraps nothing here")),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn vector(&self) -> MutexGuard<'_, Vector> {
        self.vector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn material(&self) -> Result<Arc<Material>, crate::Error> {
        match &*self.state() {
            State::Ready(material) => Ok(Arc::clone(material)),
            State::Pending(_) => Err(refused(Status::STATUS_INVALID_HANDLE, "the key is not finalized")),
        }
    }

    /// The same of a key that is for signing.
    pub(super) fn signing_material(&self) -> Result<Arc<Material>, crate::Error> {
        let material = self.material()?;
        if self.row.signs() { Ok(material) } else { Err(unsupported(format!("{} makes no signatures", self.row.id))) }
    }

    /// Reads a property (`BCryptGetProperty`).
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for a property that the key does not have, `STATUS_INVALID_HANDLE` for one that it does not have yet.
    pub fn property(&self, name: &str) -> Result<Value, crate::Error> {
        if name == names::ALGORITHM_NAME {
            return Ok(Value::Text(self.row.id.to_owned()));
        }
        let value = match self.row.kind {
            Kind::Cipher(cipher) => self.cipher_property(cipher, name),
            _ => self.pair_property(name)?,
        };
        value.ok_or_else(|| unsupported(format!("a key of {} has no property `{name}`", self.row.id)))
    }

    fn cipher_property(&self, cipher: Cipher, name: &str) -> Option<Value> {
        let bits = || match self.bits() {
            // On the token it has its third part twice.
            Some(_) if cipher == Cipher::TripleDes112 => Some(128),
            bits => bits,
        };
        let vector = self.vector();
        match name {
            names::KEY_LENGTH => bits().map(Value::Number),
            // Of each byte of a DES key a bit is parity.
            names::KEY_STRENGTH if cipher != Cipher::Aes => bits().map(|bits| Value::Number(bits / 8 * 7)),
            names::KEY_STRENGTH => bits().map(Value::Number),
            names::INITIALIZATION_VECTOR if vector.mode == ChainingMode::Cbc => Some(Value::Bytes(vector.iv.clone())),
            // Windows tells it of the algorithm alone.
            names::AUTH_TAG_LENGTH => None,
            _ => cipher_property(cipher, vector.mode, name),
        }
    }

    fn pair_property(&self, name: &str) -> Result<Option<Value>, crate::Error> {
        if let (State::Pending(pending), names::KEY_LENGTH) = (&*self.state(), name) {
            let bits = pending.curve.map_or(pending.bits, |curve| curve.field_bits);
            return Ok(Some(Value::Number(bits)));
        }
        let material = self.material()?;
        let is_rsa = self.row.family() == Some(Family::Rsa);
        Ok(match name {
            names::KEY_LENGTH | names::KEY_STRENGTH | names::PUBLIC_KEY_LENGTH => self.bits().map(Value::Number),
            names::BLOCK_LENGTH if is_rsa => self.bits().map(|bits| Value::Number(bits.div_ceil(8))),
            names::SIGNATURE_LENGTH if self.row.signs() => {
                Some(Value::Number(u32::try_from(self.signature_length()?).unwrap_or(u32::MAX)))
            }
            names::PADDING_SCHEMES => self.row.padding_schemes().map(Value::Number),
            names::KEY_LENGTHS => self.row.algorithm().map(|algorithm| Value::Lengths(lengths(algorithm).into())),
            names::ECC_CURVE_NAME => material.curve().map(|curve| Value::Text(curve.name.to_owned())),
            names::ECC_PARAMETERS => match material.curve() {
                Some(curve) => Some(Value::Bytes(ecc_parameters::encode(curve)?.to_vec())),
                None => None,
            },
            names::PARAMETER_SET_NAME => match &*material {
                Material::Public(PublicKey::Pq(key)) => Some(Value::Text(key.set().name().to_owned())),
                _ => None,
            },
            _ => None,
        })
    }

    /// Sets a property (`BCryptSetProperty`): `KeyLength`, `ECCCurveName` and `ECCParameters` of a pair that is pending, `ChainingMode` and `IV` of a symmetric key.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for another property or a mode that the cipher does not have; `STATUS_INVALID_PARAMETER` for a value that is none; `STATUS_INVALID_HANDLE` once the
    /// pair is finalized.
    pub fn set_property(&self, name: &str, value: &[u8]) -> Result<(), crate::Error> {
        let late = || {
            refused(Status::STATUS_INVALID_HANDLE, format!("the property `{name}` is set before the key is finalized"))
        };
        match (self.row.kind, name) {
            (Kind::Cipher(cipher), names::CHAINING_MODE) => {
                let mode = chaining_mode(cipher, value)?;
                *self.vector() = Vector { mode, iv: vec![0; cipher.block()] };
                Ok(())
            }
            (Kind::Cipher(cipher), names::INITIALIZATION_VECTOR) => {
                if value.len() != cipher.block() {
                    return Err(invalid(format!("an initialisation vector has {} bytes", cipher.block())));
                }
                self.vector().iv = value.to_vec();
                Ok(())
            }
            (Kind::Pair(_) | Kind::PairOn(..), names::KEY_LENGTH) => {
                let bits = property::number(value).ok_or_else(|| invalid("KeyLength is a number of four bytes"))?;
                match &mut *self.state() {
                    State::Pending(pending) => {
                        let changed = Pending { bits, ..*pending };
                        changed.check(self.row)?;
                        *pending = changed;
                        Ok(())
                    }
                    // Windows takes what is so already.
                    State::Ready(material) if material.bits() == Some(bits) => Ok(()),
                    State::Ready(_) => Err(late()),
                }
            }
            (Kind::Pair(_) | Kind::PairOn(..), names::ECC_CURVE_NAME | names::ECC_PARAMETERS) => {
                let curve = self.row.curve(name, value)?;
                match &mut *self.state() {
                    State::Pending(pending) => {
                        let changed = Pending { curve: Some(curve), ..*pending };
                        changed.check(self.row)?;
                        *pending = changed;
                        Ok(())
                    }
                    State::Ready(_) => Err(late()),
                }
            }
            _ => Err(unsupported(format!("the property `{name}` of a key of {} cannot be set", self.row.id))),
        }
    }

    fn bits(&self) -> Option<u32> {
        self.material().ok()?.bits()
    }
}

impl Material {
    fn bits(&self) -> Option<u32> {
        match self {
            Self::Token(key) => key.bits(),
            Self::Public(public) => Some(public.bits()),
        }
    }

    fn curve(&self) -> Option<&'static Curve> {
        match self {
            Self::Token(key) => key.algorithm()?.curve,
            Self::Public(public) => public.curve(),
        }
    }
}

impl Pending {
    /// The algorithm, if its keys have this size.
    fn check(self, row: &Row) -> Result<Algorithm, crate::Error> {
        let family = row.family().ok_or_else(|| unsupported(format!("{} has no key pairs", row.id)))?;
        let algorithm = match (family, self.curve) {
            (Family::Rsa, _) => Algorithm::RSA,
            (family, Some(curve)) => Algorithm { family, curve: Some(curve) },
            (_, None) => return Err(invalid(format!("{} needs a curve (ECCCurveName)", row.id))),
        };
        let sizes = KeyLengths::from(lengths(algorithm));
        if sizes.contains(self.bits) || (self.bits == 0 && algorithm.curve.is_some()) {
            return Ok(algorithm);
        }
        Err(invalid(format!("a key of {} cannot have {} bits", row.id, self.bits)))
    }
}

/// Puts a pending key into the session with the rights that BCrypt's keys have: to leave in the clear, or where the token makes none that may, wrapped, or not at all.
pub(super) fn on_token(row: &Row, make: impl Fn() -> Result<Key, crate::Error>) -> Result<Key, crate::Error> {
    let usage = match row.kind {
        // A key of BCrypt wraps and encrypts: it is one of the session, and its owner has seen it or may see it.
        Kind::Cipher(_) => KeyUsage::DECRYPT | KeyUsage::WRAP,
        _ if row.family() == Some(Family::Rsa) && !row.encrypts() => KeyUsage::SIGN,
        _ => row.family().map(Family::default_usage).unwrap_or_default(),
    };
    let attempt = |policy: ExportPolicy| {
        let mut key = make()?;
        key.set_export_policy(policy)?;
        key.set_usage(usage)?;
        key.finalize(Flags::NONE)?;
        Ok(key)
    };
    let may_be_the_policy = |error: &crate::Error| {
        error.status() == Status::NTE_VALIDATION_FAILED || error.ckr().is_some_and(refusal::is_refusal)
    };
    let mut outcome = attempt(ExportPolicy::ANY);
    for policy in [ExportPolicy::ENCRYPTED, ExportPolicy::NONE] {
        match outcome {
            Err(error) if may_be_the_policy(&error) => outcome = attempt(policy).map_err(|_| error),
            other => return other,
        }
    }
    outcome
}
