//! Key files that are read without a token: `inspect` and `convert`.

use cng_pkcs11::Error;
use cng_pkcs11::asn1::{self, Limits};
use cng_pkcs11::blob::{self, BlobType, Hints};
use cng_pkcs11::format::{self, Entry, Format};
use cng_pkcs11::key::{Algorithm, Curve, Validation};
use cng_pkcs11::secret::SecretBytes;
use serde_json::{Map, Value, json};

use crate::args::{InputType, ReadingArgs};
use crate::context::Context;
use crate::failure::{Failure, is_password};

/// What is said beside the file.
pub(crate) struct Reading {
    algorithm: Option<Algorithm>,
    curve: Option<&'static Curve>,
    password: Option<SecretBytes>,
    limits: Limits,
    key: Option<String>,
    validation: Validation,
    /// Whether the command is `inspect`.
    inspects: bool,
}

impl Reading {
    pub(crate) fn new(context: &Context, args: &ReadingArgs, validation: Validation) -> Result<Self, Failure> {
        Ok(Self {
            algorithm: args.algorithm,
            curve: args.curve.or_else(|| args.algorithm.and_then(|algorithm| algorithm.curve)),
            password: context.password(args.password_source.as_deref(), "--password-source")?,
            limits: args.choice.limits(),
            key: args.choice.key.clone(),
            validation,
            inspects: false,
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
        format::sniff(bytes).map_err(|error| self.unreadable(error.into(), bytes, None))
    }

    /// The same for the second of two files, of which another key and another password may be named.
    pub(crate) fn of_other(&self, key: Option<&str>, password: Option<SecretBytes>) -> Self {
        Self {
            algorithm: self.algorithm,
            curve: self.curve,
            password: password.or_else(|| self.password.clone()),
            limits: self.limits,
            key: key.map(str::to_owned),
            validation: self.validation,
            inspects: self.inspects,
        }
    }

    /// The same, for the command `inspect`, which is no hint for itself.
    pub(crate) fn for_inspect(self) -> Self {
        Self { inspects: true, ..self }
    }

    /// The name of the key that was asked for.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The one key of a file, or the one that was asked for.
    pub(crate) fn one(&self, bytes: &[u8], format: Format) -> Result<Entry, Failure> {
        let entry = format::decode_one(bytes, format, &self.hints(format, self.validation), self.key());
        entry.map_err(|error| self.refused(error, bytes, format))
    }

    /// Every key of a file, or the one that was asked for.
    pub(crate) fn all(
        &self,
        bytes: &[u8],
        format: Format,
        validation: Validation,
    ) -> Result<Vec<Entry>, format::Error> {
        let hints = self.hints(format, validation);
        match self.key() {
            Some(wanted) => Ok(vec![format::decode_one(bytes, format, &hints, Some(wanted))?]),
            None => format::decode_all(bytes, format, &hints),
        }
    }

    /// The keys of a file that can be read, where one of them cannot.
    pub(crate) fn readable(&self, bytes: &[u8], format: Format) -> Vec<Entry> {
        let each = format::decode_each(bytes, format, &self.hints(format, self.validation));
        each.into_iter().flatten().flatten().collect()
    }

    /// The failure of a file of a format that is known. About a choice that was not made well, a guess says nothing.
    pub(crate) fn refused(&self, error: format::Error, bytes: &[u8], format: Format) -> Failure {
        match error {
            format::Error::SeveralKeys { .. } | format::Error::NoSuchKey { .. } => error.into(),
            error => self.unreadable(error.into(), bytes, Some(format)),
        }
    }

    /// A failure that says what the file looks like, and where that stops making sense.
    fn unreadable(&self, error: Error, bytes: &[u8], tried: Option<Format>) -> Failure {
        // Of a file that is understood but for its password, or that is called by its name, there is nothing to guess.
        if is_password(&error) || is_option(&error) || is_named(&error) {
            return Failure::Unreadable { error, tried, guesses: Vec::new(), inspects: self.inspects };
        }
        let hints = Hints { algorithm: self.algorithm, ..self.hints(Format::Raw, Validation::Full) };
        Failure::Unreadable {
            error,
            tried,
            guesses: format::diagnose_as(bytes, tried, &hints),
            inspects: self.inspects,
        }
    }
}

/// Whether the fault is that of --algorithm or --curve.
fn is_option(error: &Error) -> bool {
    matches!(error, Error::Format(error) if matches!(error.innermost(), format::Error::Blob(blob::Error::Algorithm { .. })))
}

/// Whether the file was told for what it is, and is nothing that is read.
fn is_named(error: &Error) -> bool {
    let Error::Format(error) = error else { return false };
    matches!(
        error.innermost(),
        format::Error::Empty | format::Error::Foreign { .. } | format::Error::Asn1(asn1::Error::Unsupported { .. })
    )
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
