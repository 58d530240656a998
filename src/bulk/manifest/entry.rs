//! One entry of a manifest, and the one table of what may stand in it.

use std::path::PathBuf;

use crate::format::Format;
use crate::hex;
use crate::key::identity::MAX_ID;
use crate::key::rsa::Hash;
use crate::key::{Algorithm, Curve, ExportPolicy, KeyUsage};
use crate::provider::{self, KeyName};
use crate::wrap::Scheme;

use super::super::words;
use super::password::PasswordSource;

/// A key that is to be imported, and what it is to be on the token.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Which one it is, from 0.
    pub number: u32,
    /// Where it stands in the manifest, from 1; 0 in a folder.
    pub line: u64,
    /// What relative paths are relative to.
    pub folder: PathBuf,
    /// The key file, as the manifest says it.
    pub file: String,
    /// What the file is; `None`: it is recognised from its bytes.
    pub format: Option<Format>,
    /// The key's name; `None`: the one in the file.
    pub name: Option<KeyName>,
    /// Whether [`Self::name`] is nothing but the file's own name, since nobody has said one.
    pub is_named_by_file: bool,
    /// CNG algorithm, where the file does not say it.
    pub algorithm: Option<Algorithm>,
    /// CNG curve, where the file does not say it.
    pub curve: Option<&'static Curve>,
    /// In which form the key may leave the token.
    pub export_policy: Option<ExportPolicy>,
    /// What it may do.
    pub usage: Option<KeyUsage>,
    /// CKA_ID.
    pub id: Option<Vec<u8>>,
    /// Where the password of an encrypted file comes from.
    pub password_source: Option<PasswordSource>,
    /// The file of a certificate to put beside the key, as the manifest says it.
    pub certificate: Option<String>,
    /// Which key of a file with several.
    pub key: Option<String>,
    /// The name of the key on the token that opens a wrapped file.
    pub unwrap_key: Option<String>,
    /// How the file is wrapped.
    pub scheme: Option<Scheme>,
    /// The hash of RSA-OAEP.
    pub oaep_hash: Option<Hash>,
}

impl Entry {
    /// The key file.
    pub fn file_path(&self) -> PathBuf {
        self.folder.join(&self.file)
    }

    /// The file of the certificate.
    pub fn certificate_path(&self) -> Option<PathBuf> {
        Some(self.folder.join(self.certificate.as_ref()?))
    }

    /// The entry as a line of a manifest, without its line feed: members that are not there left out, values in their own spelling, the order that of the
    /// table. Two entries that mean the same have the same line.
    pub fn to_json(&self) -> String {
        let members = COLUMNS.iter().filter_map(|column| Some((column.name, (column.get)(self)?)));
        let mut line = String::from("{");
        for (name, value) in members {
            if line.len() > 1 {
                line.push(',');
            }
            line.push_str(&format!("\"{name}\":{}", serde_json::Value::from(value)));
        }
        line.push('}');
        line
    }

    /// What no entry may lack, and what does not go together: as the command has it for one key.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str, &'static str)> {
        let is_wrapped = self.unwrap_key.is_some();
        Err(match self {
            _ if self.file.is_empty() => ("file", "it is missing", "every entry names its key file"),
            Self { scheme: Some(_), .. } if !is_wrapped => ("scheme", UNWRAPPED, NAME_THE_KEY),
            Self { oaep_hash: Some(_), .. } if !is_wrapped => ("oaep_hash", UNWRAPPED, NAME_THE_KEY),
            Self { password_source: Some(_), .. } if is_wrapped => ("password_source", WRAPPED, LEAVE_IT_OUT),
            Self { key: Some(_), .. } if is_wrapped => ("key", WRAPPED, LEAVE_IT_OUT),
            _ => return Ok(()),
        })
    }
}

const UNWRAPPED: &str = "it is about a wrapped file";
const NAME_THE_KEY: &str = "name the key that opens it as `unwrap_key`";
const WRAPPED: &str = "it is about a file that no other key wraps";
const LEAVE_IT_OUT: &str = "leave it out, or `unwrap_key`";

/// What a value does to an entry; or what is wrong with it.
type Set = fn(&mut Entry, &str) -> Result<(), String>;

/// A member of a line of JSON, or a column of a CSV.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) set: Set,
    get: fn(&Entry) -> Option<String>,
    pub(super) hint: &'static str,
}

/// All of them. `get` gives what `set` takes.
pub(super) const COLUMNS: &[Column] = &[
    Column {
        name: "file",
        set: |entry, text| path(text).map(|file| entry.file = file),
        get: |entry| Some(entry.file.clone()),
        hint: "it is the path of a file, relative to the folder of the manifest",
    },
    Column {
        name: "type",
        set: |entry, text| words::input_type(text).map(|format| entry.format = format),
        get: |entry| entry.format.map(|format| format.name().to_owned()),
        hint: "leave it out, or say auto, to have it recognised from the file",
    },
    Column {
        name: "name",
        set: |entry, text| key_name(text).map(|name| entry.name = Some(name)),
        get: |entry| entry.name.as_ref().map(ToString::to_string),
        hint: "a name has 1 to 512 UTF-16 code units and no NUL",
    },
    Column {
        name: "algorithm",
        set: |entry, text| words::algorithm(text).map(|algorithm| entry.algorithm = Some(algorithm)),
        get: |entry| entry.algorithm.map(Algorithm::name),
        hint: "leave it out where the file says it",
    },
    Column {
        name: "curve",
        set: |entry, text| words::curve(text).map(|curve| entry.curve = Some(curve)),
        get: |entry| entry.curve.map(|curve| curve.name.to_owned()),
        hint: "leave it out where the file says it",
    },
    Column {
        name: "export_policy",
        set: |entry, text| words::export_policy(text).map(|policy| entry.export_policy = Some(policy)),
        get: |entry| entry.export_policy.map(|policy| policy.words().last().unwrap_or(&"none").to_string()),
        hint: "leave it out for none",
    },
    Column {
        name: "usage",
        set: |entry, text| words::key_usage(text).map(|usage| entry.usage = Some(usage)),
        get: |entry| entry.usage.map(usage_text),
        hint: "leave it out for what the algorithm is for",
    },
    Column {
        name: "id",
        set: |entry, text| id(text).map(|id| entry.id = Some(id)),
        get: |entry| entry.id.as_ref().map(hex::encode),
        hint: "leave it out to have it made from the key",
    },
    Column {
        name: "password_source",
        set: |entry, text| PasswordSource::parse(text).map(|source| entry.password_source = Some(source)),
        get: |entry| entry.password_source.as_ref().map(ToString::to_string),
        hint: "it is env:NAME or file:PATH, and never the password itself",
    },
    Column {
        name: "certificate",
        set: |entry, text| path(text).map(|file| entry.certificate = Some(file)),
        get: |entry| entry.certificate.clone(),
        hint: "it is the path of a file, relative to the folder of the manifest",
    },
    Column {
        name: "key",
        set: |entry, text| not_empty(text).map(|key| entry.key = Some(key)),
        get: |entry| entry.key.clone(),
        hint: "it is the name, the number from 1, or the identifier in hexadecimal of a key in the file",
    },
    Column {
        name: "unwrap_key",
        set: |entry, text| not_empty(text).map(|key| entry.unwrap_key = Some(key)),
        get: |entry| entry.unwrap_key.clone(),
        hint: "it is the name of a key on the token",
    },
    Column {
        name: "scheme",
        set: |entry, text| words::scheme(text).map(|scheme| entry.scheme = Some(scheme)),
        get: |entry| entry.scheme.map(|scheme| scheme.name().to_owned()),
        hint: "leave it out for what the type, the key and the length imply",
    },
    Column {
        name: "oaep_hash",
        set: |entry, text| words::hash(text).map(|hash| entry.oaep_hash = Some(hash)),
        get: |entry| entry.oaep_hash.map(|hash| hash.name().to_owned()),
        hint: "leave it out to have each tried in turn",
    },
];

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn path(text: &str) -> Result<String, String> {
    // It would be a file of that name here, and standard input to whoever opens it.
    if text == "-" { Err("a manifest takes no key from standard input".to_owned()) } else { not_empty(text) }
}

fn key_name(text: &str) -> Result<KeyName, String> {
    KeyName::new(text).map_err(|error| match error {
        provider::Error::Name { problem } => problem,
        other => other.to_string(),
    })
}

fn id(text: &str) -> Result<Vec<u8>, String> {
    let id = words::bytes(text)?;
    if id.len() > MAX_ID { Err(format!("it has {} bytes, at most {MAX_ID} are taken", id.len())) } else { Ok(id) }
}

fn usage_text(usage: KeyUsage) -> String {
    if usage.is_all() { "all".to_owned() } else { usage.words().collect::<Vec<_>>().join(",") }
}
