//! The list of targets.

use cng_pkcs11::bulk::manifest::Form;
use cng_pkcs11::format::Format;

use crate::check;

/// What is fuzzed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    CertStore,
    Cms,
    Convert,
    Decoder(Format),
    Der,
    Encrypted,
    Inspect,
    Journal,
    ManifestCsv,
    ManifestJsonLines,
    Sniff,
    Transport,
    WrapUnwrap,
    WrappedFile,
}

impl Target {
    /// Every target, in the order of their names.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::CertStore,
            Self::Cms,
            Self::Convert,
            Self::Der,
            Self::Encrypted,
            Self::Inspect,
            Self::Journal,
            Self::ManifestCsv,
            Self::ManifestJsonLines,
            Self::Sniff,
            Self::Transport,
            Self::WrapUnwrap,
            Self::WrappedFile,
        ];
        for format in Format::all() {
            all.push(Self::Decoder(format));
        }
        all.sort_by_key(|target| target.name());
        all
    }

    /// The target of a name.
    ///
    /// # Panics
    /// When there is none.
    pub fn named(name: &str) -> Self {
        let found = Self::all().into_iter().find(|target| target.name() == name);
        found.unwrap_or_else(|| panic!("there is no fuzz target `{name}`: scripts/fuzz --list names them"))
    }

    /// The name: that of the format in small letters, behind the module that it is read by.
    pub fn name(self) -> String {
        match self {
            Self::CertStore => "cert_store".to_owned(),
            Self::Cms => "cms".to_owned(),
            Self::Convert => "convert".to_owned(),
            Self::Decoder(format) => {
                let module = if matches!(format, Format::Blob(_)) { "blob" } else { "format" };
                format!("{module}_{}", format.name().to_ascii_lowercase().replace('-', "_"))
            }
            Self::Der => "der".to_owned(),
            Self::Encrypted => "encrypted".to_owned(),
            Self::Inspect => "inspect".to_owned(),
            Self::Journal => "journal".to_owned(),
            Self::ManifestCsv => "manifest_csv".to_owned(),
            Self::ManifestJsonLines => "manifest_jsonl".to_owned(),
            Self::Sniff => "sniff".to_owned(),
            Self::Transport => "transport".to_owned(),
            Self::WrapUnwrap => "wrap_unwrap".to_owned(),
            Self::WrappedFile => "wrapped_file".to_owned(),
        }
    }

    /// Holds an input against everything that must be true of it.
    ///
    /// # Panics
    /// When something is not: that is how a fuzz target says so.
    pub fn run(self, data: &[u8]) {
        match self {
            Self::CertStore => check::cert_store(data),
            Self::Cms => check::cms(data),
            Self::Convert => check::convert(data),
            Self::Decoder(format) => check::decoder(format, data),
            Self::Der => check::der(data),
            Self::Encrypted => check::encrypted(data),
            Self::Inspect => check::inspect(data),
            Self::Journal => check::journal(data),
            Self::ManifestCsv => check::manifest(data, Form::Csv),
            Self::ManifestJsonLines => check::manifest(data, Form::JsonLines),
            Self::Sniff => check::sniff(data),
            Self::Transport => check::transport(data),
            Self::WrapUnwrap => check::wrap_unwrap(data),
            Self::WrappedFile => check::wrapped_file(data),
        }
    }
}
