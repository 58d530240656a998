//! `delete NAME --yes`

use cng_pkcs11::token::Access;
use serde_json::json;

use crate::args::DeleteArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::printable;

pub(crate) fn run(context: &Context, args: &DeleteArgs) -> Result<u8, Failure> {
    if !args.yes {
        return Err(Failure::usage(
            format!("`{}` was not deleted: --yes was not given", args.name),
            "a deleted key cannot be brought back; add --yes to delete it",
        ));
    }
    context.provider(Access::ReadWrite)?.delete_key(&args.name)?;
    context.output.result(json!({ "deleted": args.name }), || format!("deleted `{}`\n", printable(&args.name)));
    Ok(0)
}
