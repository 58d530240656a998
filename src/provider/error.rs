//! What CNG semantics refuse.

use crate::status::{Ckr, Status};

/// Why the provider does not do what was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that no key can have.
    #[error("the key name is not valid: {problem}")]
    Name {
        /// What is wrong.
        problem: String,
    },
    /// The name is taken.
    #[error("a key named `{name}` exists already ({held})")]
    NameTaken {
        /// The name.
        name: String,
        /// What holds it.
        held: String,
    },
    /// The token keeps one object of a class and CKA_ID, and has one of another key.
    #[error("the CKA_ID {id} is taken by {held}: this token may keep only one")]
    IdTaken {
        /// The CKA_ID in hexadecimal.
        id: String,
        /// What has it.
        held: String,
    },
    /// No key has the name.
    #[error("there is no key named `{name}`")]
    NoSuchKey {
        /// The name, or the URI.
        name: String,
    },
    /// Several keys have the name.
    #[error("`{name}` stands for several keys: {}", .uris.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// Their URIs.
        uris: Vec<String>,
    },
    /// The export policy forbids it.
    #[error("the export policy of `{name}` does not let it leave {form} (policy: {policy})")]
    PolicyForbids {
        /// The key.
        name: String,
        /// In which form it was asked for.
        form: &'static str,
        /// The policy.
        policy: String,
    },
    /// The key's usage forbids it.
    #[error("the usage of `{name}` does not allow it to {operation}")]
    UsageForbids {
        /// The key.
        name: String,
        /// What was asked.
        operation: &'static str,
    },
    /// A key that wraps could also decrypt what it wraps.
    #[error("`{name}` may decrypt as well as wrap: whoever may use it could read every key that it wraps")]
    DangerousKek {
        /// The wrapping key.
        name: String,
    },
    /// A wrapped key would come back with rights that it does not have on this token.
    #[error(
        "the wrapped key is on the token already and may not {gained} there ({held}): it gains no right by being unwrapped"
    )]
    GainsRights {
        /// The key on the token.
        held: String,
        /// What it would gain.
        gained: String,
    },
    /// A container with rights of its own would be exceeded.
    #[error("the OpaqueTransport does not let the key {gained}: it gains no right by being moved")]
    ContainerForbids {
        /// What it would gain.
        gained: String,
    },
    /// A public key cannot have a name.
    #[error("a public key alone is not persisted: it has no private half to keep")]
    PublicNotPersisted,
    /// What the token kept differs from what was asked; everything was removed again.
    #[error("the token did not keep what was asked: {what}; the new objects were removed")]
    NotHonoured {
        /// What differs.
        what: String,
    },
    /// An added attribute that the token did not keep, or does not tell.
    #[error(
        "the token did not keep what was asked: {attribute} {} {asked}; the new objects were removed",
        kept_text(.found.as_deref(), *.ckr)
    )]
    AttributeNotKept {
        /// The attribute.
        attribute: String,
        /// What was asked.
        asked: String,
        /// What the token has; `None` where it does not tell.
        found: Option<String>,
        /// What the token said, if it does not tell.
        ckr: Option<Ckr>,
    },
    /// An object with added attributes was refused.
    #[error("the token refused the key, and the added attributes may be why ({attributes}): {cause}")]
    AttributesRefused {
        /// Their names.
        attributes: String,
        /// The refusal.
        cause: String,
        /// What the token said.
        ckr: Option<Ckr>,
    },
    /// The key on the token does not work like the one that was imported; everything was removed again.
    #[error("the key on the token failed its proof ({how}{}); the new objects were removed", .ckr.map(|ckr| format!(": {ckr}")).unwrap_or_default())]
    ProofFailed {
        /// Which proof.
        how: &'static str,
        /// What the token said, if it was the token that failed.
        ckr: Option<Ckr>,
    },
    /// A key that is on the token does not work like its public half, or not at all: it is damaged. Nothing was changed.
    #[error("`{name}`, which is on the token, fails its proof ({how}{}); it was left as it is", .ckr.map(|ckr| format!(": {ckr}")).unwrap_or_default())]
    Unproven {
        /// The key.
        name: String,
        /// Which proof.
        how: &'static str,
        /// What the token said, if it was the token that failed.
        ckr: Option<Ckr>,
    },
    /// New objects could not be removed after a failure.
    #[error("{cause}; and what had been written could not be removed again: {leftover}")]
    NotRemoved {
        /// Why the import failed.
        cause: String,
        /// What is left and why.
        leftover: String,
        /// What the token said.
        ckr: Option<Ckr>,
    },
    /// The token says that a key is there, and shows none, or another one.
    #[error("the token said that the key is there, and then {problem}")]
    NotSeen {
        /// What it shows.
        problem: String,
    },
    /// A key was replaced, and what was left to do after that failed.
    #[error("`{name}` is the new key, complete and proven, but its replacement was not finished: {cause}")]
    NotTidied {
        /// The name.
        name: String,
        /// Why.
        cause: String,
        /// What the token said.
        ckr: Option<Ckr>,
    },
    /// Unknown flag bits.
    #[error("the flags 0x{unknown:X} are not known to this call")]
    BadFlags {
        /// The bits.
        unknown: u32,
    },
    /// A flag that is known, and asks for what cannot be done here.
    #[error("{flag} is not possible: {reason}")]
    ImpossibleFlag {
        /// Its name.
        flag: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The key is pending.
    #[error("the key is not finalized")]
    NotFinalized,
    /// The key is finalized already.
    #[error("the key is finalized already")]
    Finalized,
    /// A property that this key does not have, or that cannot be set so.
    #[error("the property `{name}` is {problem}")]
    Property {
        /// The property.
        name: String,
        /// What is wrong.
        problem: &'static str,
        /// What a CNG caller gets.
        status: Status,
    },
    /// A property that is not known here.
    #[error("the property `{name}` is not known")]
    UnknownProperty {
        /// The property.
        name: String,
    },
    /// Two things that were said contradict each other.
    #[error("{what}")]
    Contradiction {
        /// How.
        what: String,
    },
    /// Not possible with this key or on this token.
    #[error("{what}")]
    Unsupported {
        /// What is not possible.
        what: String,
        /// What the token said, if it was asked.
        ckr: Option<Ckr>,
    },
    /// The public half is not on the token and cannot be found out.
    #[error("the public half of `{name}` is not on the token and cannot be recovered")]
    NoPublic {
        /// The key.
        name: String,
    },
    /// What BCrypt answers otherwise than NCrypt would.
    #[error("{what}")]
    Primitive {
        /// What is wrong.
        what: String,
        /// An `NTSTATUS`, or `NTE_BAD_DATA`, which Windows lets through.
        status: Status,
    },
    /// A signature that does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// A ciphertext that does not decrypt.
    #[error("`{name}` does not decrypt the data{}", .ckr.map(|ckr| format!(": {ckr}")).unwrap_or_default())]
    Decryption {
        /// The key.
        name: String,
        /// What was found wrong.
        fault: Fault,
        /// What the token said, if it was the token that failed.
        ckr: Option<Ckr>,
    },
    /// Data of a length that the operation does not take.
    #[error("{what}")]
    Length {
        /// Which length, and which there may be.
        what: String,
    },
    /// A key that wants a PIN at every use.
    #[error("`{name}` wants its PIN at every use (CKA_ALWAYS_AUTHENTICATE), and none was given for it")]
    PinNeeded {
        /// The key.
        name: String,
    },
    /// An object that lacks what every object of its kind has.
    #[error("the object {uri} is incomplete: a write to the token was cut short")]
    Torn {
        /// The object.
        uri: String,
    },
}

/// What is wrong with what does not decrypt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// It was not encrypted so under this RSA key. Which of the steps failed is not told.
    Rsa,
    /// What came out does not end as PKCS#7 padding does.
    Padding,
    /// The tag is not that of this data: it was changed, or another key, nonce or additional data made it.
    Tag,
    /// The token says so of a block cipher without padding, which anything decrypts.
    Cipher,
}

impl Error {
    /// What a CNG caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Name { .. } | Self::Contradiction { .. } => Status::NTE_INVALID_PARAMETER,
            Self::NameTaken { .. } | Self::IdTaken { .. } => Status::NTE_EXISTS,
            Self::NoSuchKey { .. } | Self::Ambiguous { .. } => Status::NTE_BAD_KEYSET,
            Self::PolicyForbids { .. }
            | Self::PublicNotPersisted
            | Self::ImpossibleFlag { .. }
            | Self::Unsupported { .. }
            | Self::NoPublic { .. } => Status::NTE_NOT_SUPPORTED,
            Self::UsageForbids { .. }
            | Self::DangerousKek { .. }
            | Self::GainsRights { .. }
            | Self::ContainerForbids { .. } => Status::NTE_PERM,
            Self::AttributesRefused { .. } => Status::NTE_NOT_SUPPORTED,
            Self::AttributeNotKept { .. }
            | Self::NotHonoured { .. }
            | Self::NotSeen { .. }
            | Self::ProofFailed { .. }
            | Self::Unproven { .. } => Status::NTE_VALIDATION_FAILED,
            Self::NotRemoved { ckr, .. } | Self::NotTidied { ckr, .. } => ckr.map_or(Status::NTE_FAIL, Ckr::status),
            Self::BadFlags { .. } => Status::NTE_BAD_FLAGS,
            Self::NotFinalized | Self::Finalized => Status::NTE_BAD_KEY_STATE,
            Self::Property { status, .. } | Self::Primitive { status, .. } => *status,
            Self::UnknownProperty { .. } => Status::NTE_NOT_SUPPORTED,
            Self::BadSignature => Status::NTE_BAD_SIGNATURE,
            Self::Decryption { fault: Fault::Padding, .. } => Status::NTE_BAD_DATA,
            Self::Decryption { .. } => Status::NTE_DECRYPTION_FAILURE,
            Self::Length { .. } => Status::NTE_BAD_LEN,
            Self::PinNeeded { .. } => Status::NTE_SILENT_CONTEXT,
            Self::Torn { .. } => Status::NTE_BAD_KEY,
        }
    }

    /// What the token said.
    pub fn ckr(&self) -> Option<Ckr> {
        match self {
            Self::NotRemoved { ckr, .. }
            | Self::NotTidied { ckr, .. }
            | Self::ProofFailed { ckr, .. }
            | Self::Unproven { ckr, .. }
            | Self::AttributeNotKept { ckr, .. }
            | Self::AttributesRefused { ckr, .. }
            | Self::Decryption { ckr, .. }
            | Self::Unsupported { ckr, .. } => *ckr,
            _ => None,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name { .. } => "a name has 1 to 512 UTF-16 code units and no NUL".into(),
            Self::IdTaken { .. } => {
                "give the new key another --id; a key that is there already under another name can be renamed".into()
            }
            Self::NameTaken { .. } => "choose another name, or replace the key with --overwrite".into(),
            Self::NoSuchKey { .. } => "`cng11 list` shows the keys of the token".into(),
            Self::Ambiguous { .. } => "use one of the URIs in place of the name".into(),
            Self::PolicyForbids { form: "in the clear", policy, .. } if policy.contains("encrypted") => {
                "it may leave wrapped: --wrap-key NAME".into()
            }
            Self::PolicyForbids { .. } => {
                "after it is made, a key's policy can be narrowed and not widened; only its public half leaves".into()
            }
            Self::DangerousKek { .. } => {
                "make a key that only wraps (--usage wrap); --force wraps under this one all the same".into()
            }
            Self::ContainerForbids { .. } => "leave --export-policy and --usage out, or narrow them".into(),
            Self::GainsRights { .. } => {
                "ask for no more than that key may: narrow --export-policy and --usage; or delete that key first".into()
            }
            Self::PublicNotPersisted => {
                "import the private key; to verify with a public key it need not be on the token".into()
            }
            Self::AttributeNotKept { attribute, .. } => format!("leave {attribute} out, or use a token that keeps it"),
            Self::AttributesRefused { .. } => {
                "try without them, then with one at a time: the token may not have such an attribute, or not on this kind of key"
                    .into()
            }
            Self::NotHonoured { .. } => "this token does not enforce the policy; choose what it can keep".into(),
            Self::Unproven { .. } => {
                "a write may have been cut short: import it once more with --on-collision overwrite (one key: --overwrite)"
                    .into()
            }
            Self::ProofFailed { .. } => "the key material may be inconsistent (was --no-validate given?)".into(),
            Self::NotRemoved { .. } => {
                "repeat the import once the token works again: it puts right what is left; `cng11 list --all` shows it"
                    .into()
            }
            Self::NotSeen { .. } => {
                "look for it as the user (`cng11 list`); the card's own program removes a key".into()
            }
            Self::NotTidied { .. } => "repeat the import: it removes what is left of the old key, and the marks".into(),
            Self::NoPublic { .. } => "put the public key on the token under the same label and CKA_ID".into(),
            Self::Torn { uri } => format!("remove it with `cng11 delete '{uri}' --yes`"),
            Self::UsageForbids { .. } => "`cng11 show` lists what the key may do".into(),
            Self::BadFlags { .. } => "the flags of each call are in the documentation of `provider::Flags`".into(),
            Self::ImpossibleFlag { .. } => "leave the flag out".into(),
            Self::NotFinalized => "finalize the key first".into(),
            Self::Finalized => "set it before the key is finalized, on a new key".into(),
            Self::Property { .. } | Self::UnknownProperty { .. } => {
                "`cng11 show` lists the key's properties; policy and usage can be narrowed".into()
            }
            Self::Contradiction { .. } => "leave out what does not fit".into(),
            Self::Unsupported { .. } => "use a key or a token that has this".into(),
            Self::Primitive { .. } => return None,
            Self::Decryption { .. } => "it was encrypted for another key, with another padding, hash or label, or was changed".into(),
            Self::Length { .. } => "give as many bytes as the algorithm takes".into(),
            Self::PinNeeded { .. } => {
                "set the PIN on the key (`SmartCardPin`, `Key::set_pin`), or give it to the token for such keys".into()
            }
            Self::BadSignature => "the file or the signature was changed, or another key or padding made it".into(),
        })
    }
}

fn kept_text(found: Option<&str>, ckr: Option<Ckr>) -> String {
    match (found, ckr) {
        (Some(""), _) => "is empty instead of".to_owned(),
        (Some(found), _) => format!("is {found} instead of"),
        (None, Some(ckr)) => format!("cannot be read back ({ckr}), and was to be"),
        (None, None) => "cannot be read back, and was to be".to_owned(),
    }
}
