//! Wrapped-key files of other PKCS#11 tools onto the token.
//!
//! Name, CKA_ID, usage and public half come from the file, where it tells them and nothing else is asked for. Its CKA_SENSITIVE and CKA_EXTRACTABLE do not count: the export
//! policy is the importer's to say, and none by default.

use super::pending::{Material, Target};
use super::{Flags, ImportParameters, Key, KeyName, StorageProvider, kek, sealed};
use crate::asn1::cms;
use crate::format::wrapped_file::{self, Class, Oaep, Part, WrappedFile, Wrapping};
use crate::wrap::{self, Kek, Parameters, Scheme, Sealed, cbc_pad};

impl StorageProvider {
    /// Imports a wrapped-key file, which [`wrapped_file::decode`] has read, with the key of the token that opens it.
    ///
    /// # Errors
    /// As [`StorageProvider::import_wrapped`].
    pub fn import_wrapped_file(
        &self,
        import_key: &Key,
        file: &WrappedFile,
        parameters: &ImportParameters,
        flags: Flags,
    ) -> Result<Key, crate::Error> {
        kek::check_opens_alone(parameters)?;
        kek::check_says_itself("the wrapped-key file", parameters)?;
        let kek = import_key.unwrapping_kek()?;
        let sealed = opened_by(kek, import_key.label(), &file.wrapping)?;
        let algorithm = parameters.algorithm.or(file.algorithm);
        let target = match file.class {
            Class::Private => Target::Private(file.public.clone()),
            Class::Secret => Target::Secret { algorithm: sealed::secret_algorithm(algorithm)?, bits: None },
        };
        let name = match (&parameters.name, &file.label) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(label)) => Some(KeyName::new(label)?),
            (None, None) => None,
        };
        let parameters = ImportParameters { name, algorithm, ..parameters.clone() };
        let material = Material::Wrapped { sealed, target };
        self.import_prepared(material, &parameters, flags, |pending| {
            if let Some(id) = file.id.as_ref().filter(|id| !id.is_empty()) {
                pending.set_id(id)?;
            }
            pending.usage = file.usage.filter(|usage| !usage.is_empty());
            if file.usage.is_some() && pending.usage.is_none() {
                pending.warnings.push("the file lets the key do nothing: it has its algorithm's usual uses".to_owned());
            }
            if !file.extras.is_empty() {
                pending.warnings.push(format!("the file also says: {}", file.extras.join(", ")));
            }
            Ok(())
        })
    }
}

fn opened_by(kek: Kek, name: &str, wrapping: &Wrapping) -> Result<Sealed, crate::Error> {
    match wrapping {
        Wrapping::Direct(part) => match &part.scheme {
            wrapped_file::Scheme::RsaPkcs1 => {
                kek::check_kind(kek, name, Scheme::RsaOaep)?;
                Ok(Sealed::Pkcs1 { kek, bytes: part.bytes.clone() })
            }
            _ => {
                let (parameters, bytes) = bare(part)?;
                kek::check_kind(kek, name, parameters.scheme)?;
                Ok(Sealed::Bare { kek, parameters, bytes })
            }
        },
        Wrapping::Envelope { outer, inner } => {
            kek::check_kind(kek, name, Scheme::RsaOaep)?;
            let transport = match &outer.scheme {
                wrapped_file::Scheme::RsaPkcs1 => cms::Transport::Pkcs1,
                wrapped_file::Scheme::RsaOaep(Oaep { hash, mgf_hash, label }) => {
                    cms::Transport::Oaep { hash: *hash, mgf1: *mgf_hash, label: label.clone() }
                }
                _ => return Err(unsupported("an envelope whose outer part is no RSA encryption")),
            };
            let (parameters, bytes) = bare(inner)?;
            Ok(Sealed::Nested { kek, transport, encrypted_key: outer.bytes.clone(), parameters, bytes })
        }
    }
}

/// A part as this crate's scheme of the same bytes.
fn bare(part: &Part) -> Result<(Parameters, Vec<u8>), crate::Error> {
    let plain = |scheme| (Parameters::new(scheme), part.bytes.clone());
    let with = |scheme, oaep: &Oaep| {
        if oaep.hash != oaep.mgf_hash {
            return Err(unsupported("RSA-OAEP with another hash in MGF1"));
        }
        let parameters = Parameters { scheme, hash: Some(oaep.hash), label: oaep.label.clone() };
        Ok((parameters, part.bytes.clone()))
    };
    match &part.scheme {
        wrapped_file::Scheme::AesCbcPad { iv } => Ok((Parameters::new(Scheme::CbcPad), cbc_pad::join(iv, &part.bytes))),
        wrapped_file::Scheme::AesKw => Ok(plain(Scheme::Kw)),
        wrapped_file::Scheme::AesKwp => Ok(plain(Scheme::Kwp)),
        wrapped_file::Scheme::AesKwPkcs7 => Ok(plain(Scheme::KwPkcs7)),
        wrapped_file::Scheme::RsaAesKeyWrap { oaep, .. } => with(Scheme::RsaAes, oaep),
        wrapped_file::Scheme::RsaOaep(oaep) => with(Scheme::RsaOaep, oaep),
        _ => Err(unsupported("a wrapping of this kind inside another")),
    }
}

fn unsupported(problem: &str) -> crate::Error {
    wrap::Error::Container { what: "the wrapped-key file", problem: problem.to_owned() }.into()
}
