//! Key files that are read without a token: `inspect` and `convert`.

use cng_pkcs11::Error;
use cng_pkcs11::asn1::Limits;
use cng_pkcs11::blob::{BlobType, Hints};
use cng_pkcs11::format::{self, Entry, Format};
use cng_pkcs11::key::{Algorithm, Curve, Validation};
use cng_pkcs11::secret::SecretBytes;
use serde_json::{Map, Value, json};

use crate::args::{InputType, ReadingArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

/// What is said beside the file.
pub(crate) struct Reading {
    algorithm: Option<Algorithm>,
    curve: Option<&'static Curve>,
    password: Option<SecretBytes>,
    limits: Limits,
    key: Option<String>,
    validation: Validation,
    output: Output,
}

impl Reading {
    pub(crate) fn new(context: &Context, args: &ReadingArgs, validation: Validation) -> Result<Self, Failure> {
        Ok(Self {
            algorithm: args.algorithm,
            curve: args.curve.or_else(|| args.algorithm.and_then(|algorithm| algorithm.curve)),
            password: context.password(args.password_source.as_deref())?,
            limits: args.choice.limits(),
            key: args.choice.key.clone(),
            validation,
            output: context.output,
        })
    }

    pub(crate) fn password(&self) -> Option<&SecretBytes> {
        self.password.as_ref()
    }

    /// The hints for a file of this format. An ECC blob says its family itself.
    pub(crate) fn hints(&self, format: Format, validation: Validation) -> Hints<'_> {
        let says_its_family = matches!(
            format,
            Format::Blob(
                BlobType::EccPrivate
                    | BlobType::EccFullPrivate
                    | BlobType::EccFullPublic
                    | BlobType::EccPublic
                    | BlobType::Private
                    | BlobType::Public
            )
        );
        Hints {
            algorithm: self.algorithm.filter(|algorithm| !(says_its_family && algorithm.family.is_elliptic())),
            curve: self.curve,
            password: self.password.as_ref(),
            limits: self.limits,
            validation,
        }
    }

    /// What the file is.
    pub(crate) fn recognise(&self, bytes: &[u8], kind: InputType) -> Result<Format, Failure> {
        if let InputType::Is(format) = kind {
            return Ok(format);
        }
        format::sniff(bytes).map_err(|error| self.unreadable(error.into(), bytes))
    }

    /// The one key of a file, or the one that was asked for.
    pub(crate) fn one(&self, bytes: &[u8], format: Format) -> Result<Entry, Failure> {
        Ok(format::only(self.all(bytes, format, self.validation)?)?)
    }

    /// Every key of a file that can be read, or the one that was asked for. Of the others it is said why they cannot.
    pub(crate) fn all(&self, bytes: &[u8], format: Format, validation: Validation) -> Result<Vec<Entry>, Failure> {
        let unreadable = |error: format::Error| self.unreadable_as(error.into(), bytes, Some(format));
        let outcomes = format::decode_each(bytes, format, &self.hints(format, validation)).map_err(unreadable)?;
        if let Some(wanted) = &self.key {
            return match format::select_each(outcomes, wanted) {
                Ok(entry) => Ok(vec![entry]),
                Err(error @ format::Error::NoSuchKey { .. }) => Err(error.into()),
                Err(error) => Err(unreadable(error)),
            };
        }
        let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        if good.is_empty() {
            return match bad.into_iter().find_map(Result::err) {
                Some(error) => Err(unreadable(error)),
                None => Ok(Vec::new()),
            };
        }
        for error in bad.into_iter().filter_map(Result::err) {
            self.output.warning(&format!("passed over: {error}"));
        }
        Ok(good.into_iter().flatten().collect())
    }

    /// The key that was asked for, or all of them.
    pub(crate) fn choose(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, Failure> {
        match &self.key {
            Some(wanted) => Ok(vec![format::select(entries, wanted)?]),
            None => Ok(entries),
        }
    }

    /// Whether one key was asked for.
    pub(crate) fn is_choosing(&self) -> bool {
        self.key.is_some()
    }

    /// Whether the file opens only with a password.
    pub(crate) fn needs_password(&self, bytes: &[u8], format: Format) -> bool {
        let hints = Hints { password: None, ..self.hints(format, Validation::Skip) };
        format::decode_all(bytes, format, &hints).is_err()
    }

    /// A failure that says what the file looks like, and where that stops making sense.
    pub(crate) fn unreadable(&self, error: Error, bytes: &[u8]) -> Failure {
        self.unreadable_as(error, bytes, None)
    }

    /// The same of a file that was said to be of a format, or recognised.
    pub(crate) fn unreadable_as(&self, error: Error, bytes: &[u8], said: Option<Format>) -> Failure {
        let hints = Hints { algorithm: self.algorithm, ..self.hints(Format::Raw, Validation::Full) };
        Failure::Unreadable { error, guesses: format::diagnose_as(bytes, said, &hints) }
    }
}

/// What a key is, for a JSON document.
pub(crate) fn describe_key(document: &mut Map<String, Value>, entry: &Entry) {
    let key = &entry.decoded.key;
    document.insert("algorithm".to_owned(), json!(entry.decoded.algorithm.name()));
    if let Some(curve) = key.curve() {
        document.insert("curve".to_owned(), json!(curve.name));
    }
    if let Some(set) = key.kind().parameter_set() {
        document.insert("parameter_set".to_owned(), json!(set.name()));
    }
    document.insert("bits".to_owned(), json!(key.bits()));
}
