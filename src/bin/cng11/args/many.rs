//! `bulk …` and `migrate`: the options of what works on many keys.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cng_pkcs11::bulk::select::Filter;
use cng_pkcs11::bulk::{Collision, words};
use cng_pkcs11::format::Format;
use cng_pkcs11::key::{Algorithm, ExportPolicy, KeyUsage};
use cng_pkcs11::wrap::Scheme;

use super::{LimitArgs, OaepArgs, RouteArg, WrappingArgs, values};

#[derive(Debug, Subcommand)]
pub(crate) enum BulkCommand {
    /// Put the keys of a manifest or of a folder onto the token
    Import(BulkImportArgs),
    /// Take keys off the token, a file each
    Export(BulkExportArgs),
}

/// How a run goes about it.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// How many sessions work side by side [default: what suits the token and this machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// Keep a journal in this file, so that a run that is cut short can go on: new, unless --resume is given
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Go on with the journal where the last run stopped, or start it where there is none [default journal: the manifest's or folder's name with .journal behind]
    #[arg(long)]
    pub(crate) resume: bool,
    /// Say what would be done, key by key, and why what would be refused; write nothing
    #[arg(long, conflicts_with_all = ["journal", "resume", "jobs"])]
    pub(crate) dry_run: bool,
    /// Write what became of each key to this file, a line of JSON each
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) report: Option<PathBuf>,
}

/// What is done where another key has the name.
#[derive(Args, Debug)]
pub(crate) struct CollisionArgs {
    /// Where another key has the name: refuse, skip (leave it), rename (the new one, to NAME-2) or overwrite. The same key with all that was asked counts as done
    #[arg(long, value_name = "WHAT", default_value = "refuse", value_parser = collision)]
    pub(crate) on_collision: Collision,
    /// Whether each key is proven by a use of it, against the public half that it came with: on, or off
    #[arg(long, value_name = "SWITCH", value_enum, default_value_t = Switch::On, num_args = 0..=1, default_missing_value = "on", require_equals = true)]
    pub(crate) verify: Switch,
    /// The same as --verify=off
    #[arg(long, conflicts_with = "verify")]
    pub(crate) no_verify: bool,
}

impl CollisionArgs {
    pub(crate) fn is_proven(&self) -> bool {
        self.verify == Switch::On && !self.no_verify
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Which keys are meant.
#[derive(Args, Debug)]
pub(crate) struct FilterArgs {
    /// Only keys whose name fits the pattern: * stands for any characters, ? for one
    #[arg(long, value_name = "PATTERN")]
    pub(crate) name: Option<String>,
    /// Only keys of this CNG algorithm
    #[arg(long, value_parser = words::algorithm, long_help = values::algorithm())]
    pub(crate) algorithm: Option<Algorithm>,
    /// Only keys that may do all of this: sign, decrypt, agree, wrap (with commas between)
    #[arg(long, value_name = "USES", value_parser = words::key_usage)]
    pub(crate) usage: Option<KeyUsage>,
}

impl FilterArgs {
    pub(crate) fn filter(&self) -> Filter {
        Filter { name: self.name.clone(), algorithm: self.algorithm, usage: self.usage, ..Filter::default() }
    }
}

#[derive(Args, Debug)]
pub(crate) struct BulkImportArgs {
    /// A manifest (JSON lines or CSV), or a folder: every file in it, named by its stem
    #[arg(value_name = "MANIFEST|DIR")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) collision: CollisionArgs,
    /// In which form a key may leave the token, where the manifest does not say it: none, encrypted or plaintext [default: none]
    #[arg(long, value_name = "POLICY", value_parser = words::export_policy)]
    pub(crate) export_policy: Option<ExportPolicy>,
    /// What a key may do, where the manifest does not say it: sign, decrypt, agree, wrap (with commas between) or all [default: what its algorithm is for]
    #[arg(long, value_name = "USES", value_parser = words::key_usage)]
    pub(crate) usage: Option<KeyUsage>,
    /// Where the password of encrypted files comes from, where the manifest does not say it: prompt, env:NAME, file:PATH or fd:N
    #[arg(long, value_name = "SRC")]
    pub(crate) password_source: Option<String>,
    /// Which way the keys go onto the token
    #[arg(long, value_enum, default_value_t = RouteArg::Auto)]
    pub(crate) route: RouteArg,
    /// Do not check the keys' mathematics (their lengths always are)
    #[arg(long)]
    pub(crate) no_validate: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Args, Debug)]
pub(crate) struct BulkExportArgs {
    /// The folder that the files go to
    #[arg(value_name = "DIR", required_unless_present = "output")]
    pub(crate) folder: Option<PathBuf>,
    /// The same
    #[arg(long, short, value_name = "DIR", conflicts_with = "folder")]
    pub(crate) output: Option<PathBuf>,
    /// What is written: a blob or a file format; of what is wrapped, what is inside or what carries it
    #[arg(long = "type", value_name = "TYPE", value_parser = words::format, long_help = values::output())]
    pub(crate) kind: Format,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) wrapping: WrappingArgs,
    /// How the keys are wrapped [default: what the type implies, else kwp]
    #[arg(long, value_parser = words::scheme)]
    pub(crate) scheme: Option<Scheme>,
    #[command(flatten)]
    pub(crate) oaep: OaepArgs,
    /// Where the password comes from under which a PKCS#8 or PKCS#12 is encrypted: prompt, env:NAME, file:PATH or fd:N
    #[arg(long, value_name = "SRC")]
    pub(crate) password_source: Option<String>,
    /// Write private keys in the clear, as far as their policy lets them leave so
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
    /// Replace files that are there
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl BulkExportArgs {
    pub(crate) fn target(&self) -> Option<&PathBuf> {
        self.folder.as_ref().or(self.output.as_ref())
    }
}

/// A token as the command line names it. Its URI may carry a PIN.
#[derive(Clone)]
pub(crate) struct TokenName(pub(crate) String);

impl From<String> for TokenName {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenName(…)")
    }
}

#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    /// The token that the keys come from: a pkcs11: URI, which may name its module (module-path) and the source of its PIN (pin-source), or a label
    #[arg(long, value_name = "URI")]
    pub(crate) from: TokenName,
    /// The token that they go to
    #[arg(long, value_name = "URI")]
    pub(crate) to: TokenName,
    /// Where the PIN of the first comes from [default: its URI's pin-source, else as --pin-source]
    #[arg(long, value_name = "SRC")]
    pub(crate) from_pin_source: Option<String>,
    /// Where the PIN of the second comes from [default: its URI's pin-source, else as --pin-source]
    #[arg(long, value_name = "SRC")]
    pub(crate) to_pin_source: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) collision: CollisionArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

fn collision(text: &str) -> Result<Collision, String> {
    Collision::ALL
        .into_iter()
        .find(|collision| collision.word() == text)
        .ok_or_else(|| "it is one of refuse, skip, rename, overwrite".to_owned())
}
