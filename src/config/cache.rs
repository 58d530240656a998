//! What was found out of a token, kept between runs: a file for each token under `$XDG_CACHE_HOME/cng11`, named by a digest of what the token is.
//!
//! Nothing in it is secret. One of another version of this program is not read; one that is damaged is as good as none.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::profile;
use crate::hex;
use crate::template::profile::Profile;
use crate::token::TokenInfo;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The form of the file: to be counted up when it changes.
const FORM: u64 = 1;

/// No report is longer.
const MOST: u64 = 1 << 20;

/// Where it is kept; `None` where neither `XDG_CACHE_HOME` nor `HOME` says.
pub fn path(info: &TokenInfo) -> Option<PathBuf> {
    let base = super::folder("XDG_CACHE_HOME", ".cache")?;
    let mut digest = Sha256::new();
    let (major, minor) = info.firmware;
    for part in [&info.manufacturer, &info.model, &format!("{major}.{minor}"), &info.serial] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let name = hex::encode(digest.finalize().get(..16).unwrap_or_default());
    Some(base.join("cng11").join(format!("probe-{name}.json")))
}

/// What is kept of a token.
pub fn read(info: &TokenInfo) -> Option<Map<String, Value>> {
    let path = path(info)?;
    if std::fs::metadata(&path).ok()?.len() > MOST {
        return None;
    }
    let Ok(Value::Object(mut document)) = serde_json::from_slice(&std::fs::read(path).ok()?) else { return None };
    let kept = document.remove("kept")?;
    (kept == json!({ "version": VERSION, "form": FORM })).then_some(document)
}

/// The profile that was learned of a token.
pub fn learned(info: &TokenInfo) -> Option<&'static Profile> {
    let document = read(info)?;
    let text = document.get("profile_text")?.as_str()?;
    profile::parse(text)
}

/// What [`read`] takes for the same token: the document, and that it is of this version.
pub fn kept(document: &Map<String, Value>) -> Value {
    let mut whole = document.clone();
    whole.insert("kept".to_owned(), json!({ "version": VERSION, "form": FORM }));
    Value::Object(whole)
}
