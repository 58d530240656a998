//! What was found out of a token, kept between runs: a file for each token under `$XDG_CACHE_HOME/cng11`, named by a digest of what the token is.
//!
//! Nothing in it is secret. One of another version of this program is not read; one that is damaged is as good as none.

use std::path::PathBuf;

use cng_pkcs11::template::profile::Profile;
use cng_pkcs11::token::TokenInfo;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::config::profile;
use crate::failure::Failure;
use crate::file;
use crate::output::{Output, hex};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The form of the file: to be counted up when it changes.
const FORM: u64 = 1;

/// No report is longer.
const MOST: u64 = 1 << 20;

fn path(info: &TokenInfo) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let mut digest = Sha256::new();
    let (major, minor) = info.firmware;
    for part in [&info.manufacturer, &info.model, &format!("{major}.{minor}"), &info.serial] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let name = hex(digest.finalize().get(..16)?);
    Some(base.join("cng11").join(format!("probe-{name}.json")))
}

/// What is kept of a token.
pub(crate) fn read(info: &TokenInfo) -> Option<Map<String, Value>> {
    let path = path(info)?;
    if std::fs::metadata(&path).ok()?.len() > MOST {
        return None;
    }
    let Ok(Value::Object(mut document)) = serde_json::from_slice(&std::fs::read(path).ok()?) else { return None };
    let kept = document.remove("kept")?;
    (kept == json!({ "version": VERSION, "form": FORM })).then_some(document)
}

/// The profile that was learned of a token.
pub(crate) fn learned(info: &TokenInfo) -> Option<&'static Profile> {
    let document = read(info)?;
    let text = document.get("profile_text")?.as_str()?;
    profile::parse(text)
}

/// Keeps what was found out.
pub(crate) fn write(output: Output, info: &TokenInfo, document: &Map<String, Value>) -> Result<(), Failure> {
    let hint = "set XDG_CACHE_HOME to an absolute path";
    let path = path(info).ok_or_else(|| Failure::usage("neither XDG_CACHE_HOME nor HOME says where", hint))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    let mut whole = document.clone();
    whole.insert("kept".to_owned(), json!({ "version": VERSION, "form": FORM }));
    file::write(output, Some(&path), format!("{:#}\n", Value::Object(whole)).as_bytes(), true, true)
}
