//! Token profiles in a file: `[[profile]]` tables of TOML to profiles, and back.
//!
//! A table says which tokens it is about, which row it starts from (`like`), and what differs. The names of the settings are the library's.

use std::sync::{Mutex, PoisonError};

use toml::{Table, Value};

use crate::template::AttributeType;
use crate::template::profile::Profile;
use crate::template::profile::saying::Saying;
use crate::template::profile::setting::{FIELDS, Field, SAYING_NAMES, Setting};

/// Reads every profile of a configuration. What is wrong is said with the name of the setting. They live as long as the process, and what was read once is not read again.
pub(super) fn read(value: Value) -> Result<Vec<&'static Profile>, String> {
    static READ: Mutex<Vec<(Value, Vec<&'static Profile>)>> = Mutex::new(Vec::new());
    let mut known = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, profiles)) = known.iter().find(|(text, _)| *text == value) {
        return Ok(profiles.clone());
    }
    let profiles = read_anew(value.clone())?;
    known.push((value, profiles.clone()));
    Ok(profiles)
}

fn read_anew(value: Value) -> Result<Vec<&'static Profile>, String> {
    let Value::Array(tables) = value else {
        return Err("`profile` is not a list of tables: each begins with [[profile]]".to_owned());
    };
    let mut profiles: Vec<&'static Profile> = Vec::new();
    for table in tables {
        let Value::Table(table) = table else {
            return Err("`profile` is not a list of tables: each begins with [[profile]]".to_owned());
        };
        let profile = one(table, &profiles)?.keep();
        profiles.push(profile);
    }
    Ok(profiles)
}

/// One profile out of what [`write()`] wrote.
pub fn parse(text: &str) -> Option<&'static Profile> {
    let mut table: Table = text.parse().ok()?;
    read(table.remove("profile")?).ok()?.pop()
}

fn one(mut table: Table, before: &[&'static Profile]) -> Result<Profile, String> {
    let base = match table.remove("like") {
        None => &Profile::UNKNOWN,
        Some(Value::String(like)) => {
            let own = before.iter().copied().find(|profile| profile.name == like);
            own.or_else(|| Profile::by_name(&like)).ok_or_else(|| {
                let known: Vec<_> = Profile::ROWS.iter().map(|row| row.name).collect();
                format!("profile.like: there is no profile `{like}`; there are {}", known.join(", "))
            })?
        }
        Some(_) => return Err("profile.like is not a text".to_owned()),
    };
    // What it is about is said anew.
    let mut profile = *base;
    (profile.manufacturer, profile.model, profile.label, profile.library, profile.firmware) = ("", "", "", "", None);
    let says = |name: &str| matches!(table.get(name), Some(Value::String(text)) if !text.is_empty());
    if !says("name") {
        return Err("a profile needs `name`".to_owned());
    }
    // One for every token there is would be about none.
    if !["manufacturer", "model", "label", "library"].into_iter().any(says) {
        return Err("a profile needs `manufacturer`, or else `model`, `label` or `library`".to_owned());
    }
    let sayings = table.remove("says");
    for (key, value) in table {
        let field = Field::by_name(&key).ok_or_else(|| {
            let known: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
            format!("profile.{key} is not known; a profile knows: like, {}, says", known.join(", "))
        })?;
        let value = setting(value).ok_or_else(|| format!("profile.{key} is a value of a kind that no profile has"))?;
        field.set(&mut profile, value).map_err(|expected| format!("profile.{key}: expected {expected}"))?;
    }
    match sayings {
        None => Ok(profile),
        Some(Value::Array(sayings)) => {
            let sayings: Result<Vec<_>, _> = sayings.into_iter().map(saying).collect();
            Ok(profile.with_sayings(sayings?))
        }
        Some(_) => Err("profile.says is not a list of tables: each begins with [[profile.says]]".to_owned()),
    }
}

fn setting(value: Value) -> Option<Setting> {
    match value {
        Value::Boolean(flag) => Some(Setting::Flag(flag)),
        Value::String(text) => Some(Setting::Text(text)),
        Value::Array(values) => {
            let texts = values.into_iter().map(|value| match value {
                Value::String(text) => Some(text),
                _ => None,
            });
            texts.collect::<Option<_>>().map(Setting::Texts)
        }
        _ => None,
    }
}

fn saying(value: Value) -> Result<Saying, String> {
    let Value::Table(mut table) = value else {
        return Err("profile.says is not a list of tables".to_owned());
    };
    let mut text = |name: &str| match table.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("profile.says.{name} is not a text")),
    };
    let [ckr, attribute, means, cure] = SAYING_NAMES.map(&mut text);
    let needed =
        |part: Result<Option<String>, String>, name: &str| part?.ok_or_else(|| format!("profile.says needs `{name}`"));
    let (ckr, means, cure) = (needed(ckr, "ckr")?, needed(means, "means")?, needed(cure, "cure")?);
    let attribute = attribute?;
    if let Some(unknown) = table.keys().next() {
        return Err(format!("profile.says.{unknown} is not known; it knows: {}", SAYING_NAMES.join(", ")));
    }
    Saying::of_texts(&ckr, attribute.as_deref(), means, cure)
        .map_err(|expected| format!("profile.says: expected {expected}"))
}

/// Writes a profile as a `[[profile]]` table that the configuration takes, each setting with what it is about.
pub fn write(profile: &Profile) -> String {
    let mut text = String::from("[[profile]]\n");
    for field in FIELDS {
        let (sign, value) = match field.get(profile) {
            Some(value) => ("", toml_of(value)),
            None => ("# ", Value::String(String::new())),
        };
        text.push_str(&format!("# {}\n{sign}{} = {value}\n", field.about, field.name));
    }
    for saying in profile.says {
        text.push_str("\n[[profile.says]]\n");
        let ckr = saying.ckr.name().map_or_else(|| format!("0x{:X}", saying.ckr.0), str::to_owned);
        let attribute = saying.attribute.map(|kind| format!("{:?}", AttributeType(kind)));
        let parts = [Some(ckr), attribute, Some(saying.means.to_owned()), Some(saying.cure.to_owned())];
        for (name, part) in SAYING_NAMES.into_iter().zip(parts) {
            if let Some(part) = part {
                text.push_str(&format!("{name} = {}\n", Value::String(part)));
            }
        }
    }
    text
}

fn toml_of(value: Setting) -> Value {
    match value {
        Setting::Flag(flag) => Value::Boolean(flag),
        Setting::Text(text) => Value::String(text),
        Setting::Texts(texts) => Value::Array(texts.into_iter().map(Value::String).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<&'static Profile>, String> {
        let mut table: Table = text.parse().unwrap();
        read(table.remove("profile").unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        for row in Profile::ROWS {
            assert_eq!(read_text(&write(row)).unwrap(), [row]);
        }
    }

    #[test]
    fn a_profile_starts_from_another_and_says_what_differs() {
        let text = r#"
            [[profile]]
            name = "Acme"
            manufacturer = "Acme Inc."
            like = "Luna"
            kwp = "CKM_AES_KEY_WRAP_KWP"
            [[profile.says]]
            ckr = "CKR_TEMPLATE_INCONSISTENT"
            means = "Acme says no"
            cure = "ask Acme"
            [[profile]]
            name = "Acme 2"
            manufacturer = "Acme Inc."
            like = "Acme"
            unwrap-wants = ["CKA_NSS_DB", "0x80000001"]
        "#;
        let [acme, second] = read_text(text).unwrap()[..] else { panic!("two profiles") };
        let luna = Profile::by_name("Luna").unwrap();
        assert_eq!((acme.plain_private, acme.unwrap_wants), (false, luna.unwrap_wants));
        assert_ne!(acme.kwp, luna.kwp);
        assert_eq!(acme.says[0].means, "Acme says no");
        assert_eq!((second.kwp, second.unwrap_wants), (acme.kwp, &[0xD5A0_DB00, 0x8000_0001][..]));
        assert!(acme.fits("Acme Inc.", "anything", "label", (0, 1)));
        assert!(!acme.fits("Thales", "Luna", "label", (0, 1)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("[profile]\nname = 'x'", "[[profile]]"),
            ("[[profile]]\nname = 'x'", "needs `manufacturer`"),
            ("[[profile]]\nmanufacturer = 'x'", "needs `name`"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\nlike = 'z'", "SoftHSM 2.6"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\ncopys = true", "copies"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\ncopies = 'yes'", "expected true or false"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\ncopies = 1", "profile.copies"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\nfirmware = '2'", "two numbers"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\noaep = ['md5']", "not `md5`"),
            ("[[profile]]\nname = 'x'\nmanufacturer = 'y'\n[[profile.says]]\nckr = 'CKR_OK'", "needs `means`"),
            (
                "[[profile]]\nname = 'x'\nmanufacturer = 'y'\n[[profile.says]]\nckr = 'NO'\nmeans = ''\ncure = ''",
                "return value",
            ),
        ] {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
