//! The keys that others are wrapped under, as `--wrap-key` and `--wrap-to` name them.

use std::path::Path;

use cng_pkcs11::blob::Hints;
use cng_pkcs11::format;
use cng_pkcs11::key::KeyMaterial;
use cng_pkcs11::provider::{Key, StorageProvider};

use crate::args::WrappingArgs;
use crate::failure::Failure;
use crate::file;

/// Opens every wrapping key: those on the token by name, those in files.
pub(crate) fn open(provider: &StorageProvider, args: &WrappingArgs) -> Result<Vec<Key>, Failure> {
    let named = args.wrap_key.iter().map(|name| Ok(provider.open_key(name)?));
    let files = args.wrap_to.iter().map(|path| from_file(provider, path));
    named.chain(files).collect()
}

/// A public key in a file. What holds a private one is taken for a mistake.
fn from_file(provider: &StorageProvider, path: &Path) -> Result<Key, Failure> {
    let bytes = file::read(path)?;
    let unreadable = |error: format::Error| Failure::Other {
        message: format!("{}: {error}", path.display()),
        hint: Some("--wrap-to takes one public key or certificate: PEM, DER or JWK".to_owned()),
    };
    let format = format::sniff(&bytes).map_err(unreadable)?;
    let entry = format::decode_one(&bytes, format, &Hints::default(), None).map_err(unreadable)?;
    if !matches!(entry.decoded.key, KeyMaterial::Public(_)) {
        return Err(Failure::usage(
            format!("{} holds a private or secret key, not a public one", path.display()),
            "keys are wrapped to the public key of who is to open them: `cng11 convert --public` takes it out",
        ));
    }
    Ok(provider.import_public(entry)?)
}
