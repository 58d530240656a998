//! The command line, as clap reads it. The words are a contract: programs call them.

pub(crate) mod many;
mod values;

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use cng_pkcs11::asn1::{Limits, Scheme as Encryption};
use cng_pkcs11::bulk::words;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, Curve, ExportPolicy, KeyUsage};
use cng_pkcs11::provider::{Cloud, Routing};
use cng_pkcs11::template::Additions;
use cng_pkcs11::wrap::Scheme;

use self::many::{BulkCommand, MigrateArgs};
use crate::failure::Failure;

/// Windows CNG key blobs onto PKCS#11 tokens and back.
#[derive(Parser)]
#[command(name = "cng11", version, about, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cng11 import key.blob --name web --type RSAFULLPRIVATEBLOB
  cng11 list
  cng11 export web --type RSAPUBLICBLOB -o web.pub
  cng11 export web --type PKCS8_PRIVATEKEY --wrap-key kek -o web.kwp
  cng11 inspect key.blob
  cng11 convert key.blob --to pkcs8-pem -o key.pem
  cng11 bulk import keys.csv --journal keys.journal --resume
  cng11 softhsm run -- sh -c 'cng11 token list'

Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy or by the token, 4 authentication, 5 some of many failed.";

// No `Debug`: a URI may carry a PIN.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// PKCS#11 library [default: the URI's module-path, else SoftHSM2's in the usual places]
    #[arg(long, global = true, value_name = "PATH", env = "CNG11_MODULE", hide_env_values = true, value_parser = maybe_empty_path())]
    pub(crate) module: Option<PathBuf>,
    /// What the PKCS#11 library is to be initialised with, where it wants to be told something: NSS its folder (README, Tokens)
    #[arg(long, global = true, value_name = "TEXT", env = "CNG11_MODULE_INIT", hide_env_values = true)]
    pub(crate) module_init: Option<String>,
    /// Token: a pkcs11: URI or a label [default: the only one present]
    #[arg(long, global = true, value_name = "URI-OR-LABEL", env = "CNG11_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Where the PIN comes from: prompt, env:NAME, file:PATH or fd:N
    #[arg(long, global = true, value_name = "SRC", env = "CNG11_PIN_SOURCE", hide_env_values = true)]
    pub(crate) pin_source: Option<String>,
    /// As whom to log in: user, or so, the security officer, where a token lets only that one import (README, Tokens) [default: user]
    #[arg(long, global = true, value_name = "WHO", env = "CNG11_LOGIN", hide_env_values = true)]
    pub(crate) login: Option<String>,
    /// One JSON document on stdout; an error as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing that is not a result or an error
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr (-vv: still more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// TOML file with defaults [default: $XDG_CONFIG_HOME/cng11/config.toml if present]
    #[arg(long, global = true, value_name = "PATH", env = "CNG11_CONFIG", hide_env_values = true, value_parser = maybe_empty_path())]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Many keys at once
    #[command(subcommand)]
    Bulk(BulkCommand),
    /// Turn a key file into another format, without a token
    Convert(ConvertArgs),
    /// Write shell completions to stdout
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Decrypt a file that was encrypted to an RSA key
    Decrypt(DecryptArgs),
    /// Delete a key
    Delete(DeleteArgs),
    /// Take a key off the token
    Export(ExportArgs),
    /// Make a key on the token
    Generate(GenerateArgs),
    /// Read a property of a key
    Get(GetArgs),
    /// Put a key onto the token
    Import(ImportArgs),
    /// Show a key file field by field, without a token
    Inspect(InspectArgs),
    /// List the keys of the token
    List(ListArgs),
    /// Move keys from one token to another, wrapped the whole way
    Migrate(MigrateArgs),
    /// Find out what the token really can do, by doing it on session objects
    Probe(ProbeArgs),
    /// Wrap a wrapped key anew, for other keys, on the token
    Rewrap(RewrapArgs),
    /// Give a key another name
    Rename(RenameArgs),
    /// Set a property of a key
    Set(SetArgs),
    /// Show one key with all properties and objects
    Show(ShowArgs),
    /// Sign a file
    Sign(SignArgs),
    /// Throwaway SoftHSM2 tokens
    #[command(subcommand)]
    Softhsm(SofthsmCommand),
    /// Tokens and slots
    #[command(subcommand)]
    Token(TokenCommand),
    /// Verify a signature over a file
    Verify(VerifyArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SofthsmCommand {
    /// Make a throwaway token and print its environment for `eval`
    Env,
    /// Run a command with a throwaway token in its environment, and remove the token afterwards
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
        command: Vec<std::ffi::OsString>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Initialise a blank token and set its user PIN
    Init(TokenInitArgs),
    /// List tokens and slots
    List,
    /// Change the user's PIN, or set a new one as the security officer
    Pin(TokenPinArgs),
}

#[derive(Args, Debug)]
pub(crate) struct TokenPinArgs {
    /// Where the new PIN comes from: prompt, env:NAME, file:PATH or fd:N [default: CNG11_NEW_PIN, else a prompt]
    #[arg(long, value_name = "SRC")]
    pub(crate) new_pin_source: Option<String>,
    /// Give the user a new PIN as the security officer: the old one may be forgotten or locked
    #[arg(long, conflicts_with = "so")]
    pub(crate) unblock: bool,
    /// Change the security officer's own PIN
    #[arg(long)]
    pub(crate) so: bool,
    /// Where the security officer's PIN comes from: prompt, env:NAME, file:PATH or fd:N [default: CNG11_SO_PIN, else a prompt]
    #[arg(long, value_name = "SRC")]
    pub(crate) so_pin_source: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TokenInitArgs {
    /// The token's label, at most 32 bytes
    #[arg(long)]
    pub(crate) label: String,
    /// Where the security officer's PIN comes from: prompt, env:NAME, file:PATH or fd:N [default: CNG11_SO_PIN, else a prompt]
    #[arg(long, value_name = "SRC")]
    pub(crate) so_pin_source: Option<String>,
}

/// What a new key will be.
#[derive(Args, Debug)]
pub(crate) struct PolicyArgs {
    /// In which form the key may leave the token: none, encrypted or plaintext [default: none, or what an OpaqueTransport says]
    #[arg(long, value_name = "POLICY", value_parser = words::export_policy)]
    pub(crate) export_policy: Option<ExportPolicy>,
    /// What the key may do: sign, decrypt, agree, wrap (with commas between) or all [default: what its algorithm is for]
    #[arg(long, value_name = "USES", value_parser = words::key_usage)]
    pub(crate) usage: Option<KeyUsage>,
    /// CKA_ID in hexadecimal [default: SHA-1 of the public key, RFC 5280; of a symmetric key a random one]
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) id: Option<Bytes>,
    /// Another attribute of the private or secret key, as in CKA_WRAP_WITH_TRUSTED=true or 0x80001234=hex:00ff. Repeat it for several
    #[arg(long, value_name = "NAME=VALUE", long_help = values::attribute())]
    pub(crate) attribute: Vec<String>,
    /// Replace a key of the same name, once the new one is complete and proven
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Where the token refuses the key, find the attribute at fault by tries on session objects, and say what the answer means on this token
    #[arg(long)]
    pub(crate) explain: bool,
}

impl PolicyArgs {
    pub(crate) fn additions(&self) -> Result<Additions, Failure> {
        Ok(Additions::parse(&self.attribute)?)
    }
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The key file, or - for stdin
    pub(crate) file: PathBuf,
    /// The key's name [default: the one in the file: friendlyName of PKCS#12, kid of a JWK, the name in an OpaqueTransport or in a file of p11wrap or p11sak]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the file is; auto: it is recognised from its bytes
    #[arg(long = "type", value_name = "TYPE", default_value = "auto", value_parser = input_type, long_help = values::input())]
    pub(crate) kind: InputType,
    /// CNG algorithm, such as RSA, ECDSA_P256, ECDH, AES
    #[arg(long, value_parser = words::algorithm, long_help = values::algorithm())]
    pub(crate) algorithm: Option<Algorithm>,
    /// CNG curve name, for a blob that does not name its curve
    #[arg(long, value_parser = words::curve, long_help = values::curve())]
    pub(crate) curve: Option<&'static Curve>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// A certificate to put beside the key, DER or PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Do not check the key's mathematics (its lengths always are)
    #[arg(long)]
    pub(crate) no_validate: bool,
    /// Which way the key goes onto the token
    #[arg(long, value_enum, default_value_t = RouteArg::Auto)]
    pub(crate) route: RouteArg,
    /// The key on the token that opens a wrapped file
    #[arg(long, value_name = "NAME")]
    pub(crate) unwrap_key: Option<String>,
    /// How the file is wrapped: kw, kwp, kw-pkcs7, cbc-pad, gcm, rsa-oaep or rsa-aes [default: what the type, the key and the length imply]
    #[arg(long, value_parser = words::scheme, requires = "unwrap_key")]
    pub(crate) scheme: Option<Scheme>,
    #[command(flatten)]
    pub(crate) oaep: OaepArgs,
    /// Where the password of an encrypted PKCS#8 or PKCS#12 comes from: prompt, env:NAME, file:PATH or fd:N
    #[arg(long, value_name = "SRC")]
    pub(crate) password_source: Option<String>,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// Check everything and write nothing; what is wrapped is opened into session objects
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RouteArg {
    /// Whichever the token takes
    Auto,
    /// A session object that is copied onto the token, or an object made there
    Create,
    /// Unwrapped on the token: a file wrapped under --unwrap-key (in a manifest, unwrap_key); an encrypted PKCS#8 with --password-source; or a file in the clear, wrapped here under
    /// the RSA key --unwrap-key, or under a key that is made for it
    Unwrap,
}

impl RouteArg {
    pub(crate) fn routing(self) -> Routing {
        match self {
            Self::Auto => Routing::Any,
            Self::Create => Routing::Create,
            Self::Unwrap => Routing::Unwrap,
        }
    }
}

/// The keys that a key is wrapped under.
#[derive(Args, Debug)]
pub(crate) struct WrappingArgs {
    /// A key on the token that wraps the private or secret key: an AES key, or an RSA key. Repeat it where the type has several recipients
    #[arg(long, value_name = "NAME")]
    pub(crate) wrap_key: Vec<String>,
    /// A file with the RSA public key, or certificate, that it is wrapped to: PEM, DER, JWK or a blob. Repeat it where the type has several recipients
    #[arg(long, value_name = "FILE")]
    pub(crate) wrap_to: Vec<PathBuf>,
}

impl WrappingArgs {
    pub(crate) fn is_empty(&self) -> bool {
        self.wrap_key.is_empty() && self.wrap_to.is_empty()
    }
}

/// What RSA-OAEP can be told.
#[derive(Args, Debug)]
pub(crate) struct OaepArgs {
    /// The hash of RSA-OAEP: sha1, sha256, sha384 or sha512 [default: sha256, or sha1 on a token that is known to have nothing else; to unwrap, each in turn]
    #[arg(long, value_name = "H", value_parser = words::hash)]
    pub(crate) oaep_hash: Option<Hash>,
    /// The label of RSA-OAEP in hexadecimal [default: none]
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) oaep_label: Option<Bytes>,
}

impl OaepArgs {
    pub(crate) fn label(&self) -> Vec<u8> {
        self.oaep_label.as_ref().map(|label| label.0.clone()).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.oaep_hash.is_none() && self.oaep_label.is_none()
    }
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    /// What the output shall be
    #[arg(long = "type", value_name = "TYPE", value_parser = words::format, long_help = values::output(), required_unless_present = "byok", conflicts_with = "byok")]
    pub(crate) kind: Option<Format>,
    /// The output file, or - for stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wrapping: WrappingArgs,
    /// Make what the key import of a cloud takes: aws, gcp or azure. The cloud's wrapping key goes with --wrap-to
    #[arg(long, value_name = "CLOUD", value_parser = cloud)]
    pub(crate) byok: Option<Cloud>,
    /// The identifier of azure's wrapping key, a URL [default: the kid of its JWK]
    #[arg(long, value_name = "URL", requires = "byok")]
    pub(crate) kid: Option<String>,
    /// How it is wrapped: kw, kwp, kw-pkcs7, cbc-pad, gcm, rsa-oaep or rsa-aes [default: what the type implies, else kwp under an AES key, rsa-aes or rsa-oaep under an RSA key]
    #[arg(long, value_parser = words::scheme)]
    pub(crate) scheme: Option<Scheme>,
    #[command(flatten)]
    pub(crate) oaep: OaepArgs,
    /// Where the password that encrypts a PKCS#8 or PKCS#12 comes from: prompt, env:NAME, file:PATH or fd:N
    #[arg(long, value_name = "SRC", conflicts_with_all = ["wrap_key", "wrap_to"])]
    pub(crate) password_source: Option<String>,
    /// Let a private key leave in the clear, if its policy allows that
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
    /// Overwrite an existing file; wrap under a key that may also decrypt
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RewrapArgs {
    /// The wrapped key, or - for stdin
    pub(crate) file: PathBuf,
    /// The key on the token that opens it
    #[arg(long, value_name = "NAME")]
    pub(crate) unwrap_key: String,
    /// What is inside, or what carries it; auto: containers show themselves, else a private key is tried, then a symmetric one
    #[arg(long = "type", value_name = "TYPE", default_value = "auto", value_parser = input_type, long_help = values::input())]
    pub(crate) kind: InputType,
    /// How it is wrapped: kw, kwp, kw-pkcs7, cbc-pad, gcm, rsa-oaep or rsa-aes [default: what the type, the key and the length imply]
    #[arg(long, value_parser = words::scheme)]
    pub(crate) scheme: Option<Scheme>,
    /// The algorithm of a symmetric key
    #[arg(long, value_parser = words::algorithm, long_help = values::algorithm())]
    pub(crate) algorithm: Option<Algorithm>,
    #[command(flatten)]
    pub(crate) oaep: OaepArgs,
    #[command(flatten)]
    pub(crate) wrapping: WrappingArgs,
    /// What the output shall be [default: what the input is]
    #[arg(long, value_name = "TYPE", value_parser = words::format, long_help = values::output())]
    pub(crate) to: Option<Format>,
    /// How it is wrapped anew [default: by the --scheme that is given, under a key of the same kind; else what the type and the key imply]
    #[arg(long, value_name = "SCHEME", value_parser = words::scheme)]
    pub(crate) to_scheme: Option<Scheme>,
    /// The hash of RSA-OAEP in the output [default: sha256, or sha1 on a token that is known to have nothing else]
    #[arg(long, value_name = "H", value_parser = words::hash)]
    pub(crate) to_oaep_hash: Option<Hash>,
    /// The label of RSA-OAEP in the output, in hexadecimal [default: none]
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) to_oaep_label: Option<Bytes>,
    /// The output file, or - for stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite an existing file; wrap under a key that may also decrypt
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Also public keys without a private one, and what interrupted writes left
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ProbeArgs {
    /// Ask the token again, whatever is kept of an earlier probe
    #[arg(long)]
    pub(crate) refresh: bool,
    /// Write the token's profile with what was found out, for the configuration file
    #[arg(long)]
    pub(crate) profile: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    /// The key's name
    pub(crate) name: String,
    /// CNG algorithm, such as RSA, ECDSA_P256, ECDH, AES
    #[arg(long, value_parser = words::algorithm, long_help = values::algorithm())]
    pub(crate) algorithm: Algorithm,
    /// Size in bits
    #[arg(long)]
    pub(crate) bits: Option<u32>,
    /// CNG curve name, for ECDSA and ECDH
    #[arg(long, value_parser = words::curve, long_help = values::curve())]
    pub(crate) curve: Option<&'static Curve>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    /// Really delete it
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RenameArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    /// Its new name
    pub(crate) new: String,
}

#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    /// The property, such as `Export Policy` or `Length`
    pub(crate) property: String,
}

#[derive(Args, Debug)]
pub(crate) struct SetArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    /// The property: `Export Policy` or `Key Usage` (both can only be narrowed), `Name`, `SmartCardKeyCertificate`, `Start Date` or `End Date`
    pub(crate) property: String,
    /// Its new value: a number, or words as --export-policy and --usage take them; a date as YYYY-MM-DD, or none; of a certificate its file
    pub(crate) value: String,
    /// A property of your own, of any name, kept with the key; its value is text, or hex:00ff
    #[arg(long)]
    pub(crate) custom: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SigningArgs {
    /// The hash
    #[arg(long, default_value = "SHA256", value_parser = words::hash)]
    pub(crate) hash: Hash,
    /// RSA padding
    #[arg(long, value_enum)]
    pub(crate) padding: Option<PaddingArg>,
    /// ECDSA signatures as r‖s or as DER
    #[arg(long, value_enum, default_value_t = SignatureFormat::Cng)]
    pub(crate) format: SignatureFormat,
}

#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
    /// The file to sign, or - for stdin
    pub(crate) file: PathBuf,
    /// The signature file, or - for stdout
    #[arg(long, short, value_name = "SIG")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DecryptArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    /// RSA padding
    #[arg(long, value_enum, default_value_t = CipherPaddingArg::Oaep)]
    pub(crate) padding: CipherPaddingArg,
    /// The hash of RSA-OAEP: sha1, sha256, sha384 or sha512 [default: sha256, or sha1 on a token that is known to have nothing else]
    #[arg(long, value_name = "H", value_parser = words::hash)]
    pub(crate) oaep_hash: Option<Hash>,
    /// The label of RSA-OAEP in hexadecimal [default: none]
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) oaep_label: Option<Bytes>,
    /// The encrypted file, or - for stdin
    pub(crate) file: PathBuf,
    /// The decrypted file, or - for stdout; an existing one is overwritten
    #[arg(long, short, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CipherPaddingArg {
    /// RSAES-OAEP
    Oaep,
    /// RSAES-PKCS1-v1_5
    Pkcs1,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The key's name or pkcs11: URI
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
    /// The signed file, or - for stdin
    pub(crate) file: PathBuf,
    /// The signature file
    pub(crate) signature: PathBuf,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum PaddingArg {
    /// RSASSA-PKCS1-v1_5
    Pkcs1,
    /// RSASSA-PSS, salt as long as the hash
    Pss,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SignatureFormat {
    /// r‖s, as CNG and PKCS#11 have it
    Cng,
    /// ECDSA-Sig-Value, as X.509 and OpenSSL have it
    Der,
}

/// Which key of a file, and what opening it may cost.
#[derive(Args, Debug)]
pub(crate) struct ChoiceArgs {
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Which key of a file with several: its name, its number (from 1), or its CKA_ID or fingerprint in hexadecimal
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

impl ChoiceArgs {
    pub(crate) fn limits(&self) -> Limits {
        self.limits.limits()
    }
}

/// How much work an encrypted file may ask for.
#[derive(Args, Debug)]
pub(crate) struct LimitArgs {
    /// Refuse an encrypted file that asks for more PBKDF2 iterations than this
    #[arg(long, value_name = "N", default_value_t = Limits::default().iterations, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_iterations: u32,
    /// Refuse an encrypted file whose scrypt asks for more memory than this, in MiB
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().scrypt_memory >> 20, value_parser = clap::value_parser!(u64).range(1..=65536))]
    pub(crate) max_scrypt_memory: u64,
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> Limits {
        let defaults = Limits::default();
        // scrypt's work goes with its memory: what may take twice as much may take twice as long.
        let scrypt_memory = self.max_scrypt_memory << 20;
        let scrypt_work = defaults.scrypt_work.max(defaults.scrypt_work * (scrypt_memory / defaults.scrypt_memory));
        Limits { iterations: self.max_iterations, scrypt_memory, scrypt_work }
    }
}

/// What is said of a key file that is read without a token.
#[derive(Args, Debug)]
pub(crate) struct ReadingArgs {
    /// What the file is; auto: it is recognised from its bytes
    #[arg(long = "type", value_name = "TYPE", default_value = "auto", value_parser = input_type, long_help = values::input())]
    pub(crate) kind: InputType,
    /// CNG algorithm, such as ECDSA_P256, ECDH or AES, where the file does not say it
    #[arg(long, value_parser = words::algorithm, long_help = values::algorithm())]
    pub(crate) algorithm: Option<Algorithm>,
    /// CNG curve name, for a blob that does not name its curve
    #[arg(long, value_parser = words::curve, long_help = values::curve())]
    pub(crate) curve: Option<&'static Curve>,
    /// Where the password of an encrypted file comes from: prompt, env:NAME, file:PATH or fd:N
    #[arg(long, value_name = "SRC")]
    pub(crate) password_source: Option<String>,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The key file, or - for stdin
    pub(crate) file: PathBuf,
    /// A second key file: tell whether both hold the same key
    pub(crate) other: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// What the second file is; auto: it is recognised from its bytes
    #[arg(long, value_name = "TYPE", default_value = "auto", value_parser = input_type, requires = "other")]
    pub(crate) other_type: InputType,
    /// Which key of the second file with several: as --key
    #[arg(long, value_name = "KEY", requires = "other")]
    pub(crate) other_key: Option<String>,
    /// Where the password of the second file comes from [default: it is that of the first]
    #[arg(long, value_name = "SRC", requires = "other")]
    pub(crate) other_password_source: Option<String>,
    /// Show private values too
    #[arg(long)]
    pub(crate) show_private: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    /// The key file, or - for stdin
    pub(crate) file: PathBuf,
    /// What the output shall be: a CNG blob type, pkcs8, pkcs8-pem, pkcs1, sec1, spki, jwk, pkcs12, bind, raw …
    #[arg(long, value_name = "TYPE", value_parser = words::format, long_help = values::output())]
    pub(crate) to: Format,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// The output file, or - for stdout; an existing one is overwritten
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Where the password that encrypts the output comes from: prompt, env:NAME, file:PATH or fd:N [default for pkcs12, and for PKCS#8
    /// out of a file that is not encrypted: --password-source]
    #[arg(long, value_name = "SRC")]
    pub(crate) out_password_source: Option<String>,
    /// How the output is encrypted
    #[arg(long, value_name = "SCHEME", value_parser = encryption, long_help = values::encryption())]
    pub(crate) encryption: Option<Encryption>,
    /// PBKDF2 iterations of the output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) iterations: Option<u32>,
    /// Write the public half alone
    #[arg(long)]
    pub(crate) public: bool,
    /// What the key may do, where the output can say it: sign, decrypt, agree, wrap (with commas between) or all
    #[arg(long, value_name = "USES", value_parser = words::key_usage)]
    pub(crate) usage: Option<KeyUsage>,
    /// The key's name in the output, where it has a place for one [default: the one in the input]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A certificate for the output, DER or PEM: the key's own first, then those above it
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Vec<PathBuf>,
    /// Write the curve's parameters instead of its name, in DER
    #[arg(long)]
    pub(crate) explicit_parameters: bool,
    /// Do not check the key's mathematics (its lengths always are)
    #[arg(long)]
    pub(crate) no_validate: bool,
    /// Accepted, and not needed: a file that is converted is in the clear already
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
}

/// `--type` of an input: a format, or recognised.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InputType {
    Auto,
    Is(Format),
}

/// Bytes given in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// A path that may be empty: a variable that is set to nothing is as good as one that is not set.
fn maybe_empty_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn input_type(text: &str) -> Result<InputType, String> {
    Ok(words::input_type(text)?.map_or(InputType::Auto, InputType::Is))
}

fn encryption(text: &str) -> Result<Encryption, String> {
    Encryption::by_name(text).ok_or_else(|| words::unknown("encryption", text, Encryption::names))
}

fn cloud(text: &str) -> Result<Cloud, String> {
    Cloud::by_name(text).ok_or_else(|| words::unknown("cloud", text, || Cloud::ALL.into_iter().map(Cloud::name)))
}

fn hex(text: &str) -> Result<Bytes, String> {
    words::bytes(text).map(Bytes)
}
