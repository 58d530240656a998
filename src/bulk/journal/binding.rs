//! Which run a journal is of: its first line.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::super::Collision;
use crate::hex;
use crate::token::TokenInfo;

/// What every journal begins with.
pub(super) const MAGIC: &[u8] = b"{\"journal\":\"cng11\",";

const VERSION: u64 = 1;

/// What is done to the keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Job {
    /// Files onto a token.
    Import,
    /// From a token into files.
    Export,
    /// From one token to another.
    Migrate,
}

impl Job {
    const ALL: [Self; 3] = [Self::Import, Self::Export, Self::Migrate];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Export => "export",
            Self::Migrate => "migrate",
        }
    }

    /// What its plan is made of.
    fn plan(self) -> &'static str {
        match self {
            Self::Import => "the manifest",
            Self::Export | Self::Migrate => "the selection of keys",
        }
    }
}

/// What makes a token this token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenIdentity {
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Its label.
    pub label: String,
}

impl TokenIdentity {
    fn to_json(&self) -> Value {
        let Self { manufacturer, model, serial, label } = self;
        json!({ "manufacturer": manufacturer, "model": model, "serial": serial, "label": label })
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            manufacturer: text("manufacturer")?,
            model: text("model")?,
            serial: text("serial")?,
            label: text("label")?,
        })
    }
}

impl From<&TokenInfo> for TokenIdentity {
    fn from(info: &TokenInfo) -> Self {
        Self {
            manufacturer: info.manufacturer.clone(),
            model: info.model.clone(),
            serial: info.serial.clone(),
            label: info.label.clone(),
        }
    }
}

impl fmt::Display for TokenIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manufacturer, model, serial, label } = self;
        write!(f, "`{label}` ({manufacturer} {model}, serial number {serial})")
    }
}

/// Which run it is. A journal is gone on with by the same run alone, since entries are known by their numbers and what was done is not done again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    /// What is done.
    pub job: Job,
    /// The token; to migrate, the one that keys come from and the one that they go to.
    pub tokens: Vec<TokenIdentity>,
    /// A digest of what is to be done: of a manifest, or of the list of keys.
    pub plan: [u8; 32],
    /// The options that decide about results, by their names. No secret is among them.
    pub options: BTreeMap<String, String>,
}

impl Binding {
    /// The option that says what is done where a name is taken: the one whose value is read here too.
    pub const ON_COLLISION: &str = "on_collision";

    /// Whether the run puts keys in the place of others.
    pub(super) fn overwrites(&self) -> bool {
        self.options.get(Self::ON_COLLISION).is_some_and(|word| word == Collision::Overwrite.word())
    }

    /// The first line. The same run always has the same.
    pub(super) fn to_json(&self) -> String {
        let tokens: Vec<String> = self.tokens.iter().map(|token| token.to_json().to_string()).collect();
        format!(
            "{{\"journal\":\"cng11\",\"version\":{VERSION},\"job\":\"{}\",\"tokens\":[{}],\"plan\":\"{}\",\"options\":{}}}",
            self.job.word(),
            tokens.join(","),
            hex::encode(self.plan),
            json!(self.options)
        )
    }

    /// In what this run is another one than the one that was recorded.
    pub(super) fn differences(&self, recorded: &Self) -> Vec<String> {
        if self.job != recorded.job {
            return vec![format!("its job is `{}`, and this one's `{}`", recorded.job.word(), self.job.word())];
        }
        let mut differences = Vec::new();
        let of = |tokens: &[TokenIdentity]| tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" to ");
        if self.tokens != recorded.tokens {
            let (this, its) = (of(&self.tokens), of(&recorded.tokens));
            differences.push(format!("another token: it is of {its}, and this run is of {this}"));
        }
        if self.plan != recorded.plan {
            differences.push(format!("{} is another one, or was changed", self.job.plan()));
        }
        let names: std::collections::BTreeSet<&String> = self.options.keys().chain(recorded.options.keys()).collect();
        for name in names {
            let of = |binding: &Self| {
                binding.options.get(name).map_or_else(|| "not given".to_owned(), |value| format!("`{value}`"))
            };
            if self.options.get(name) != recorded.options.get(name) {
                differences.push(format!("{name} was {}, and is {}", of(recorded), of(self)));
            }
        }
        differences
    }
}

/// What a first line says.
pub(super) enum Header {
    Binding(Binding),
    /// A version that is not this one.
    Version(u64),
    Wrong,
}

pub(super) fn read(json: &[u8]) -> Header {
    let Ok(value) = serde_json::from_slice::<Value>(json) else { return Header::Wrong };
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => binding(&value).map_or(Header::Wrong, Header::Binding),
        Some(other) => Header::Version(other),
        None => Header::Wrong,
    }
}

fn binding(value: &Value) -> Option<Binding> {
    let job = value.get("job")?.as_str()?;
    let options = value.get("options")?.as_object()?.iter();
    Some(Binding {
        job: Job::ALL.into_iter().find(|known| known.word() == job)?,
        tokens: value.get("tokens")?.as_array()?.iter().map(TokenIdentity::read).collect::<Option<_>>()?,
        plan: hex::decode(value.get("plan")?.as_str()?)?.try_into().ok()?,
        options: options
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect::<Option<_>>()?,
    })
}
