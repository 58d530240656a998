//! A profile as settings with names: what a user's own profile may say, and what is written of one.
//!
//! Owns the names, and how each value is said. A profile that a user writes starts from another row and says what differs. Refuses names that are not known and
//! values that are not of the setting's kind. How the settings stand in a file is the caller's.

use std::sync::{Mutex, PoisonError};

use cryptoki_sys::{CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE};

use super::saying::Saying;
use super::{Place, Profile};
use crate::key::KeyUsage;
use crate::key::rsa::Hash;
use crate::status::Ckr;
use crate::template::{AttributeType, mechanism_by_name, mechanism_name};

/// The value of a setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Setting {
    /// Yes or no.
    Flag(bool),
    /// A name, a version or a number.
    Text(String),
    /// Several names.
    Texts(Vec<String>),
}

/// A setting.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    get: fn(&Profile) -> Option<Setting>,
    set: fn(&mut Profile, Setting) -> Result<(), String>,
}

impl Field {
    /// Finds one by its name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }

    /// What a profile says; `None` where it says nothing.
    pub fn get(&self, profile: &Profile) -> Option<Setting> {
        (self.get)(profile)
    }

    /// Sets it.
    ///
    /// # Errors
    /// What was expected.
    pub fn set(&self, profile: &mut Profile, value: Setting) -> Result<(), String> {
        (self.set)(profile, value)
    }
}

macro_rules! flag {
    ($name:literal, $field:ident, $about:literal) => {
        Field {
            name: $name,
            about: $about,
            get: |profile| Some(Setting::Flag(profile.$field)),
            set: |profile, value| match value {
                Setting::Flag(value) => {
                    profile.$field = value;
                    Ok(())
                }
                _ => Err("true or false".to_owned()),
            },
        }
    };
}

/// A flag of which it may not be known.
macro_rules! known_flag {
    ($name:literal, $field:ident, $about:literal) => {
        Field {
            name: $name,
            about: $about,
            get: |profile| profile.$field.map(Setting::Flag),
            set: |profile, value| match value {
                Setting::Flag(value) => {
                    profile.$field = Some(value);
                    Ok(())
                }
                _ => Err("true or false".to_owned()),
            },
        }
    };
}

macro_rules! text {
    ($name:literal, $field:ident, $about:literal) => {
        Field {
            name: $name,
            about: $about,
            get: |profile| Some(Setting::Text(profile.$field.to_owned())),
            set: |profile, value| {
                profile.$field = kept(text(value)?);
                Ok(())
            },
        }
    };
}

macro_rules! mechanism {
    ($name:literal, $field:ident, $about:literal) => {
        Field {
            name: $name,
            about: $about,
            get: |profile| Some(Setting::Text(mechanism_name(profile.$field))),
            set: |profile, value| {
                profile.$field = mechanism(&text(value)?)?;
                Ok(())
            },
        }
    };
}

macro_rules! attributes {
    ($name:literal, $field:ident, $about:literal) => {
        Field {
            name: $name,
            about: $about,
            get: |profile| {
                Some(Setting::Texts(profile.$field.iter().map(|kind| format!("{:?}", AttributeType(*kind))).collect()))
            },
            set: |profile, value| {
                let kinds: Result<Vec<_>, _> = texts(value)?.iter().map(|name| attribute(name)).collect();
                profile.$field = kinds?.leak();
                Ok(())
            },
        }
    };
}

/// Every setting, in the order in which they are written.
pub const FIELDS: &[Field] = &[
    text!("name", name, "what it is called in messages"),
    text!("manufacturer", manufacturer, "what the token's manufacturer begins with"),
    text!("model", model, "what its model begins with"),
    text!("label", label, "what its label begins with"),
    text!("library", library, "what C_GetInfo says who made the library, where the token says somebody else"),
    Field {
        name: "firmware",
        about: "its firmware version, if it is only about that one",
        get: |profile| profile.firmware.map(|(major, minor)| Setting::Text(format!("{major}.{minor}"))),
        set: |profile, value| {
            let text = text(value)?;
            let parts =
                text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
            profile.firmware = Some(parts.ok_or("a version: two numbers and a dot")?);
            Ok(())
        },
    },
    mechanism!(
        "kwp",
        kwp,
        "the mechanism that is RFC 5649 here: a name (CKM_AES_KEY_WRAP_KWP) or a number (0x80000171)"
    ),
    mechanism!("kw", kw, "the mechanism that is RFC 3394 here, and adds no padding"),
    mechanism!("kw-pkcs7", kw_pkcs7, "the mechanism that is RFC 3394 over PKCS#7 padding here"),
    Field {
        name: "oaep",
        about: "the hashes of RSA-OAEP, if it is known which; without a label if it is only sha1",
        get: |profile| {
            let names = |hashes: &[Hash]| hashes.iter().map(|hash| hash_text(*hash)).collect();
            profile.oaep.map(|hashes| Setting::Texts(names(hashes)))
        },
        set: |profile, value| {
            let find = |name: &String| {
                let found = super::EVERY_HASH.iter().copied().find(|hash| hash_text(*hash) == *name);
                found.ok_or_else(|| format!("sha1, sha256, sha384 or sha512, not `{name}`"))
            };
            let hashes: Result<Vec<_>, _> = texts(value)?.iter().map(find).collect();
            profile.oaep = Some(&*hashes?.leak());
            Ok(())
        },
    },
    flag!("zero-pads", zero_pads, "it pads what it wraps with zero bytes to a multiple of eight"),
    flag!("kw-fills-secrets", kw_fills_secrets, "it fills a secret key with zero bytes before an RFC 3394 wrap"),
    flag!("copies", copies, "objects are written by C_CopyObject of a session object; false: by C_CreateObject"),
    flag!("sets", sets, "C_SetAttributeValue changes a CKA_ID"),
    known_flag!("session-objects", session_objects, "keys can be session objects"),
    flag!(
        "own-publics",
        own_publics,
        "the token has public objects of its own, which come and go with the private ones"
    ),
    flag!("private-publics", private_publics, "public objects have CKA_PRIVATE true"),
    flag!("plain-private", plain_private, "C_CreateObject takes a private key in the clear"),
    flag!("plain-secret", plain_secret, "C_CreateObject takes a secret key in the clear"),
    flag!("plain-always", plain_always, "both are so in every mode of the token"),
    attributes!("create-wants", create_wants, "attributes that C_CreateObject of a key needs besides"),
    attributes!("unwrap-wants", unwrap_wants, "attributes that C_UnwrapKey needs besides"),
    flag!("recovers", recovers, "CKA_SIGN_RECOVER and CKA_VERIFY_RECOVER may stand in a template"),
    known_flag!("other-uses", other_uses, "a flag of a use that a kind of key never has may stand in its template"),
    flag!("points-travel", points_travel, "a wrapped elliptic key has the public point that its object was given"),
    flag!("adds-uses", adds_uses, "C_UnwrapKey may give uses that its template refuses"),
    flag!("unique-ids", unique_ids, "an object takes the place of another one of its class and CKA_ID"),
    Field {
        name: "places",
        about: "the places of a card, each its CKA_ID and what a key does there: 1:sign",
        get: |profile| Some(Setting::Texts(profile.places.iter().map(place_text).collect())),
        set: |profile, value| {
            let places: Result<Vec<_>, _> = texts(value)?.iter().map(|text| place(text)).collect();
            profile.places = places?.leak();
            Ok(())
        },
    },
    attributes!("frees", frees, "attributes of which C_CreateObject of a private key frees the value"),
    flag!("asks-sizes", asks_sizes, "attribute buffers need their exact size asked first"),
    flag!("pairs-on-token", pairs_on_token, "key pairs come about on the token only"),
    flag!("counterparts-later", counterparts_later, "the uses of a public object are set after its pair is made"),
    flag!("rsa-signs-by-decrypting", rsa_signs_by_decrypting, "no RSA key signs that may not decrypt"),
    flag!("unwraps-open", unwraps_open, "what C_UnwrapKey makes can be read and may leave, whatever its template says"),
    Field {
        name: "own-import",
        about: "what brings a key onto a token that takes none through PKCS#11",
        get: |profile| profile.own_import.map(|text| Setting::Text(text.to_owned())),
        set: |profile, value| {
            profile.own_import = Some(kept(text(value)?));
            Ok(())
        },
    },
    flag!("threads", threads, "several threads may use it at a time"),
    flag!("in-software", in_software, "it is a program on this machine, and not a device that is waited for"),
];

/// The names in a saying of a profile.
pub const SAYING_NAMES: [&str; 4] = ["ckr", "attribute", "means", "cure"];

impl Saying {
    /// Makes one of its parts; the attribute may be left out.
    ///
    /// # Errors
    /// What was expected.
    pub fn of_texts(ckr: &str, kind: Option<&str>, means: String, cure: String) -> Result<Self, String> {
        let known = Ckr::TABLE.iter().find(|(_, name, _)| *name == ckr).map(|(ckr, ..)| *ckr);
        let ckr = known.or_else(|| number(ckr).map(Ckr)).ok_or("a return value: its name or number")?;
        let attribute = kind.map(attribute).transpose()?;
        Ok(Self { ckr, attribute, means: kept(means), cure: kept(cure) })
    }
}

impl Profile {
    /// The row of that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        if name == Self::UNKNOWN.name {
            return Some(&Self::UNKNOWN);
        }
        Self::ROWS.iter().find(|row| row.name == name)
    }

    /// The same with more sayings, which are believed first.
    #[must_use]
    pub fn with_sayings(mut self, sayings: Vec<Saying>) -> Self {
        self.says = [sayings, self.says.to_vec()].concat().leak();
        self
    }

    /// The profile for as long as the process lives: a session wants to be free of what it came from. Equal ones are one.
    pub fn keep(self) -> &'static Self {
        static KEPT: Mutex<Vec<&Profile>> = Mutex::new(Vec::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.iter().find(|known| ***known == self) {
            return known;
        }
        let new: &'static Self = Box::leak(Box::new(self));
        kept.push(new);
        new
    }
}

// As `Profile::keep`.
fn kept(text: String) -> &'static str {
    text.leak()
}

fn text(value: Setting) -> Result<String, String> {
    match value {
        Setting::Text(text) => Ok(text),
        _ => Err("a text".to_owned()),
    }
}

fn texts(value: Setting) -> Result<Vec<String>, String> {
    match value {
        Setting::Texts(texts) => Ok(texts),
        _ => Err("a list of texts".to_owned()),
    }
}

fn number(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u64::from_str_radix(hex, 16).ok()
}

fn place_text(place: &Place) -> String {
    format!("{}:{}", place.id, place.usage.words().collect::<Vec<_>>().join("+"))
}

fn place(text: &str) -> Result<Place, String> {
    let read = || {
        let (id, uses) = text.split_once(':')?;
        let usage =
            uses.split('+').map(KeyUsage::by_word).try_fold(KeyUsage::default(), |all, one| Some(all | one?))?;
        Some(Place { id: id.parse().ok()?, usage })
    };
    read().ok_or_else(|| format!("a place, as 1:sign or 2:decrypt, not `{text}`"))
}

fn mechanism(text: &str) -> Result<CK_MECHANISM_TYPE, String> {
    let found = mechanism_by_name(text).or_else(|| number(text));
    found.ok_or_else(|| format!("the name of a mechanism that wraps, or a number 0x…, not `{text}`"))
}

fn attribute(text: &str) -> Result<CK_ATTRIBUTE_TYPE, String> {
    let found = AttributeType::by_name(text).map(|kind| kind.0).or_else(|| number(text));
    found.ok_or_else(|| format!("the name of an attribute, or a number 0x…, not `{text}`"))
}

/// As the command line has it.
fn hash_text(hash: Hash) -> String {
    hash.name().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_the_same_after_it_was_said() {
        for row in Profile::ROWS {
            let mut copy = Profile::UNKNOWN;
            for field in FIELDS {
                if let Some(value) = field.get(row) {
                    field.set(&mut copy, value).unwrap();
                }
            }
            assert_eq!(copy.with_sayings(row.says.to_vec()), *row);
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        for field in FIELDS {
            let mut copy = Profile::UNKNOWN;
            let wrong = match field.get(&Profile::UNKNOWN) {
                Some(Setting::Flag(_)) => Setting::Text("true".to_owned()),
                Some(Setting::Texts(_)) => Setting::Text("CKA_VALUE_LEN".to_owned()),
                Some(Setting::Text(_)) => Setting::Flag(true),
                None => Setting::Texts(vec!["nothing".to_owned()]),
            };
            field.set(&mut copy, wrong).unwrap_err();
            assert_eq!(copy, Profile::UNKNOWN, "{}", field.name);
        }
        let kwp = Field::by_name("kwp").unwrap();
        kwp.set(&mut Profile::UNKNOWN.clone(), Setting::Text("CKM_NO_SUCH".to_owned())).unwrap_err();
    }
}
