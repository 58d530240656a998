//! `list [--all]`

use cng_pkcs11::hex;
use cng_pkcs11::provider::{Key, Listing};
use cng_pkcs11::token::Access;
use serde_json::{Map, Value, json};

use crate::args::ListArgs;
use crate::cmd::{algorithm_text, bits_text, key_json, policy_text, usage_text};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{columns, printable};

pub(crate) fn run(context: &Context, args: &ListArgs) -> Result<u8, Failure> {
    let mut listing = context.provider(Access::ReadOnly)?.list()?;
    // A token lists in an order of its own, which may change from one start to the next.
    listing.keys.sort_by(|a, b| a.label().cmp(b.label()).then_with(|| a.id().cmp(b.id())));
    for uri in &listing.torn {
        context.output.warning(&format!(
            "{uri} is incomplete: a write to the token was cut short; remove it with `cng11 delete '{uri}' --yes`"
        ));
    }
    for uri in listing.unfinished.iter().filter(|_| args.all) {
        context
            .output
            .note(&format!("{uri} belongs to an interrupted import; the next import of its name deals with it"));
    }
    context.output.result_of(|| Value::Object(document(&listing, args.all)), || text(&listing, args.all));
    Ok(0)
}

fn document(listing: &Listing, all: bool) -> Map<String, Value> {
    let keys = |keys: &[Key]| keys.iter().map(|key| Value::Object(key_json(key))).collect::<Vec<_>>();
    let uris = |uris: &[cng_pkcs11::token::Uri]| uris.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut document = Map::new();
    document.insert("keys".to_owned(), json!(keys(&listing.keys)));
    if all {
        document.insert("public_only".to_owned(), json!(keys(&listing.public_only)));
        document.insert("unfinished".to_owned(), json!(uris(&listing.unfinished)));
    }
    if all || !listing.torn.is_empty() {
        document.insert("torn".to_owned(), json!(uris(&listing.torn)));
    }
    document
}

fn text(listing: &Listing, all: bool) -> String {
    let header = ["NAME", "ALGORITHM", "BITS", "EXPORT", "USAGE", "ID"].map(str::to_owned).to_vec();
    let row = |key: &Key, note: &str| {
        vec![
            format!("{}{note}", printable(key.label())),
            algorithm_text(key),
            bits_text(key),
            policy_text(key).to_owned(),
            usage_text(key),
            hex::encode(key.id()),
        ]
    };
    let mut rows = vec![header];
    rows.extend(listing.keys.iter().map(|key| row(key, "")));
    if all {
        rows.extend(listing.public_only.iter().map(|key| row(key, " (public only)")));
    }
    columns(&rows)
}
