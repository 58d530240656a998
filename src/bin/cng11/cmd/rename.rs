//! `rename NAME NEW`

use cng_pkcs11::provider::KeyName;
use cng_pkcs11::token::Access;
use serde_json::Value;

use crate::args::RenameArgs;
use crate::cmd::key_json;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::printable;

pub(crate) fn run(context: &Context, args: &RenameArgs) -> Result<u8, Failure> {
    let new = KeyName::new(&args.new)?;
    let provider = context.provider(Access::ReadWrite)?;
    provider.rename_key(&args.name, &new)?;
    let key = provider.open_key(new.as_str())?;
    context.output.result(Value::Object(key_json(&key)), || {
        format!("renamed `{}` to `{}`\n", printable(&args.name), printable(new.as_str()))
    });
    Ok(0)
}
