//! Properties of a key, set.

use crate::provider::ChainingMode;
use zeroize::Zeroizing;

use super::super::archive::archiving;
use super::super::{Call, Error, Flags, Key, Ready, State};
use super::{
    Access, MAX_PROPERTY_DATA, check_name, invalid, is_of_a_tpm, lengths, misplaced, names, property, provider, row,
    ui, unknown,
};
use crate::blob::{BlobType, dh_parameters, ecc_parameters};
use crate::key::{Curve, ExportPolicy, Family, KeyUsage, ParameterSet, SymmetricAlgorithm, Validation};
use crate::status::Status;
use crate::template::attribute::{CKA_EXTRACTABLE, CKA_SENSITIVE, USAGES};
use crate::template::{Additions, Template};
use crate::token::SecretString;
use crate::wide;

impl Key {
    /// Sets a property from its bytes (`NCryptSetProperty`). A blob type as the name imports the blob into a pending key.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a property that cannot be set, `NTE_INVALID_PARAMETER` for a value that is none, `NTE_BAD_KEY_STATE` for one that must be
    /// set before finalize.
    pub fn set_property(&mut self, name: &str, value: &[u8]) -> Result<(), crate::Error> {
        self.set_property_with(name, value, Flags::NONE)
    }

    /// The same with flags: by [`Flags::PERSIST`] a name that is not built in, by [`Flags::PERSIST_ONLY`] any name, is a property of the caller's own, kept with the key; of a key
    /// without a name, with its handle.
    ///
    /// # Errors
    /// As [`Key::set_property`]; `NTE_BAD_FLAGS`.
    pub fn set_property_with(&mut self, name: &str, value: &[u8], flags: Flags) -> Result<(), crate::Error> {
        // The flags of a security descriptor are its own.
        if name != names::SECURITY_DESCR {
            flags.check(Call::SetProperty)?;
        }
        if value.len() > MAX_PROPERTY_DATA {
            return Err(invalid(name).into());
        }
        if flags.contains(Flags::PERSIST_ONLY) && name != names::SECURITY_DESCR {
            check_name(name)?;
            // A PIN that is meant for the handle does not come to stand on the token.
            if row(name).is_some_and(|row| row.key == Access::Set) {
                return Err(property(name, "not kept: it is said to a handle", Status::NTE_NOT_SUPPORTED).into());
            }
            return self.set_custom(name, value);
        }
        if let Some(blob_type) = BlobType::by_name(name).filter(|_| row(name).is_none()) {
            return self.pending_mut()?.set_blob(blob_type, value);
        }
        match row(name) {
            Some(row) => {
                row.key.check_set(name, self.is_finalized())?;
                self.set_built_in(row.name, value)
            }
            None if is_of_a_tpm(name) || !flags.contains(Flags::PERSIST) => Err(unknown(name).into()),
            None => {
                check_name(name)?;
                self.set_custom(name, value)
            }
        }
    }

    fn set_built_in(&mut self, name: &'static str, value: &[u8]) -> Result<(), crate::Error> {
        let invalid = || invalid(name);
        let number = || <[u8; 4]>::try_from(value).map(u32::from_le_bytes).map_err(|_| invalid());
        let text = || wide::decode(value).map_err(|_| invalid());
        let family = self.algorithm().map(|algorithm| algorithm.family);
        match name {
            names::EXPORT_POLICY => self.set_export_policy(ExportPolicy::from_bits(number()?))?,
            names::KEY_USAGE => self.set_usage(KeyUsage::from_bits(number()?))?,
            names::LENGTH => self.set_length(number()?)?,
            names::ECC_CURVE_NAME | names::ECC_PARAMETERS if family.is_some_and(|family| !family.is_elliptic()) => {
                return Err(misplaced(name).into());
            }
            names::ECC_CURVE_NAME => self.set_curve(Curve::by_name(&text()?)?)?,
            names::ECC_PARAMETERS => {
                let curve = ecc_parameters::decode(value).map_err(|_| invalid())?;
                self.set_curve(curve)?;
            }
            names::DH_PARAMETERS => {
                if family != Some(Family::Dh) {
                    return Err(misplaced(name).into());
                }
                let parameters = dh_parameters::decode(value, Validation::Full).map_err(|_| invalid())?;
                let bits = u32::try_from(8 * parameters.p().len()).map_err(|_| invalid())?;
                self.set_length(bits)?;
            }
            names::PARAMETER_SET_NAME => {
                let family = family.filter(|family| matches!(family, Family::MlDsa | Family::MlKem | Family::SlhDsa));
                let family = family.ok_or_else(|| misplaced(name))?;
                let set = ParameterSet::by_name(family, &text()?).ok_or_else(invalid)?;
                self.held.parameter_set = Some(set);
            }
            names::CHAINING_MODE => {
                let mode = lengths::mode(self.block_cipher(name)?, &text()?).ok_or_else(invalid)?;
                self.held.chaining_mode = Some(mode);
            }
            names::INITIALIZATION_VECTOR => {
                let block = self.block_cipher(name)?.block_len().unwrap_or(0);
                let authenticates = self.chaining_mode().is_some_and(ChainingMode::is_authenticated);
                if value.is_empty() || (value.len() != block && !authenticates) {
                    return Err(invalid().into());
                }
                self.held.iv = Some(value.to_vec());
            }
            names::UI_POLICY => {
                ui::check(value)?;
                self.held.ui_policy = Some(value.to_vec());
            }
            names::WINDOW_HANDLE => self.held.window = Some(provider::window(value)?),
            names::USE_CONTEXT => self.held.use_context = Some(text()?),
            names::CERTIFICATE => self.set_certificate(value)?,
            names::PIN => {
                let pin = Zeroizing::new(text()?);
                // A copy of its exact length, so that nothing is left of it where it was read.
                let copy = || SecretString::from(Box::<str>::from(pin.as_str()));
                self.set_pin((!pin.is_empty()).then(copy));
            }
            _ => return Err(unknown(name).into()),
        }
        Ok(())
    }

    /// The cipher of a key that has blocks.
    fn block_cipher(&self, name: &str) -> Result<SymmetricAlgorithm, Error> {
        let cipher = self.algorithm().and_then(|algorithm| algorithm.family.as_symmetric());
        cipher.filter(|cipher| cipher.block_len().is_some()).ok_or_else(|| misplaced(name))
    }

    /// Sets what may leave. Of a finalized key it can only be narrowed; of one without a name widened as well, until it is used.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when a finalized key's policy would widen, or for flags that are not known.
    pub fn set_export_policy(&mut self, policy: ExportPolicy) -> Result<(), crate::Error> {
        let known = ExportPolicy::ANY | archiving(policy);
        if !known.contains(policy) {
            return Err(property(
                names::EXPORT_POLICY,
                "given flags that are not supported",
                Status::NTE_NOT_SUPPORTED,
            )
            .into());
        }
        let ready = match &mut self.state {
            State::Pending(pending) => {
                pending.policy = policy;
                return Ok(());
            }
            State::Ready(ready) => ready,
        };
        let widens = (policy.allows_plaintext() && !ready.policy.allows_plaintext())
            || (policy.allows_export() && !ready.policy.allows_export());
        let (is_ephemeral, had) = (ready.ephemeral, ready.policy);
        if widens || !self.archiving_left().contains(archiving(policy)) {
            return if is_ephemeral { self.widen(policy) } else { Err(fixed(names::EXPORT_POLICY).into()) };
        }
        let mut changes = Template::new();
        if !policy.allows_plaintext() && had.allows_plaintext() {
            changes = changes.flag(CKA_SENSITIVE, true);
        }
        if !policy.allows_export() && had.allows_export() {
            changes = changes.flag(CKA_EXTRACTABLE, false);
        }
        self.narrow(&changes, None)?;
        self.narrow_archiving(policy);
        self.note_in_origin(|pending| pending.policy = policy);
        let kept = matches!(&self.state, State::Ready(ready) if ready.policy == policy.effective());
        self.check_narrowed(names::EXPORT_POLICY, kept)
    }

    /// Sets what the key may do. Of a finalized key it can only be narrowed.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` when a finalized key's usage would widen.
    pub fn set_usage(&mut self, usage: KeyUsage) -> Result<(), crate::Error> {
        let ready = match &mut self.state {
            State::Pending(pending) => {
                pending.usage = Some(usage);
                return Ok(());
            }
            State::Ready(ready) => ready,
        };
        let usage = match ready.algorithm {
            Some(algorithm) => algorithm.usage(usage)?,
            None => usage,
        };
        if !ready.usage.contains(usage) {
            return Err(fixed(names::KEY_USAGE).into());
        }
        let symmetric = ready.secret_object.is_some();
        let (mut private, mut public) = (Template::new(), Template::new());
        for (flag, private_attribute, counterpart) in USAGES {
            if !ready.usage.contains(flag) || usage.contains(flag) {
                continue;
            }
            private = private.flag(private_attribute, false);
            match counterpart {
                Some(attribute) if symmetric => private = private.flag(attribute, false),
                Some(attribute) => public = public.flag(attribute, false),
                None => {}
            }
        }
        self.narrow(&private, Some(&public))?;
        self.check_narrowed(names::KEY_USAGE, self.usage() == usage)
    }

    /// Sets the size of the key to be generated, or holds an imported one to it.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize.
    pub fn set_length(&mut self, bits: u32) -> Result<(), crate::Error> {
        match &mut self.state {
            State::Pending(pending) => pending.length = Some(bits),
            State::Ready(_) => return Err(Error::Finalized.into()),
        }
        Ok(())
    }

    /// Sets the curve of a generic algorithm.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize; `NTE_INVALID_PARAMETER` when the algorithm names another curve.
    pub fn set_curve(&mut self, curve: &'static Curve) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        if let Some(named) = pending.algorithm.and_then(|algorithm| algorithm.curve)
            && named != curve
        {
            let what = format!("the algorithm is on {}, not on {}", named.name, curve.name);
            return Err(Error::Contradiction { what }.into());
        }
        pending.curve = Some(curve);
        Ok(())
    }

    /// Sets the CKA_ID that the key will have, in place of the one that follows from its public half.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize; `NTE_INVALID_PARAMETER` when it is empty, longer than 200 bytes, or holds a mark of ours.
    pub fn set_id(&mut self, id: &[u8]) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.set_id(id)
    }

    /// Adds attributes to the private or the secret object of a pending key, in place of those that were added before. Finalize reads them back: what
    /// the token does not keep as it was asked fails the import.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` after finalize.
    pub fn set_additions(&mut self, additions: Additions) -> Result<(), crate::Error> {
        let State::Pending(pending) = &mut self.state else { return Err(Error::Finalized.into()) };
        pending.additions = additions;
        Ok(())
    }

    fn check_narrowed(&self, name: &str, kept: bool) -> Result<(), crate::Error> {
        if kept {
            Ok(())
        } else {
            Err(property(name, "not kept by the token as it was set", Status::NTE_VALIDATION_FAILED).into())
        }
    }

    /// Takes rights away on the token and reads back what is left.
    fn narrow(&mut self, private: &Template, public: Option<&Template>) -> Result<(), crate::Error> {
        let State::Ready(ready) = &mut self.state else { return Err(Error::NotFinalized.into()) };
        self.token.check_changes()?;
        if let (Some(object), Some(public)) = (ready.public_object, public.filter(|public| !public.is_empty())) {
            self.token.set(object, public)?;
        }
        let Some(object) = ready.secret_part() else { return Ok(()) };
        if !private.is_empty() {
            self.token.set(object, private)?;
        }
        let record = self.token.read(object)?;
        **ready =
            Ready { policy: record.policy, usage: record.usage, algorithm: record.algorithm(), ..(**ready).clone() };
        Ok(())
    }
}

fn fixed(name: &str) -> Error {
    property(name, "fixed once the key is finalized: it can only be narrowed", Status::NTE_NOT_SUPPORTED)
}
