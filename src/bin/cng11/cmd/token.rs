//! `token list` and `token init`

use cng_pkcs11::token::{self, TokenInfo};
use serde_json::json;

use crate::args::TokenInitArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{columns, printable};
use crate::pin::{self, Wanted};

pub(crate) fn list(context: &Context) -> Result<u8, Failure> {
    let module = context.module()?;
    let tokens = module.tokens()?;
    let documents: Vec<_> = tokens
        .iter()
        .map(|info| {
            json!({
                "slot": info.slot, "label": info.label, "manufacturer": info.manufacturer, "model": info.model,
                "serial": info.serial, "firmware": format!("{}.{}", info.firmware.0, info.firmware.1),
                "initialized": info.initialised, "user_pin_set": info.user_pin_set,
                "login_required": info.login_required, "protected_authentication_path": info.protected_path,
                "uri": info.uri().to_string(),
            })
        })
        .collect();
    let document = json!({ "module": module.path().display().to_string(), "tokens": documents });
    context.output.result(document, || {
        let mut rows = vec![["SLOT", "LABEL", "STATE", "MANUFACTURER", "MODEL", "SERIAL"].map(str::to_owned).to_vec()];
        rows.extend(tokens.iter().map(|info| {
            vec![
                info.slot.to_string(),
                printable(&info.label),
                state(info).to_owned(),
                printable(&info.manufacturer),
                printable(&info.model),
                printable(&info.serial),
            ]
        }));
        columns(&rows)
    });
    Ok(0)
}

pub(crate) fn init(context: &Context, args: &TokenInitArgs) -> Result<u8, Failure> {
    if args.label.is_empty() || args.label.len() > 32 || args.label.contains('\0') {
        return Err(Failure::usage("a token label has 1 to 32 bytes and no NUL", "choose another --label"));
    }
    let module = context.module()?;
    let tokens = module.tokens()?;
    if tokens.iter().any(|info| info.initialised && info.label == args.label) {
        return Err(Failure::Other {
            message: format!("a token labelled `{}` is present already", args.label),
            hint: Some("choose another --label: labels are how tokens are found".to_owned()),
        });
    }
    let blank = tokens.iter().find(|info| !info.initialised).ok_or(token::Error::NoBlankToken)?;
    let wanted = Wanted {
        what: "security officer's PIN",
        option: "--so-pin-source",
        variable: Some("CNG11_SO_PIN"),
        is_new: true,
    };
    let so_pin = match &args.so_pin_source {
        Some(source) => pin::read(source, wanted)?,
        None if std::env::var_os("CNG11_SO_PIN").is_some() => pin::read("env:CNG11_SO_PIN", wanted)?,
        None => pin::prompt(wanted)?,
    };
    let user_pin = context.user_pin("new user PIN", true)?;
    token::initialise(&module, blank.slot, &args.label, &so_pin, &user_pin)?;
    context.output.result(json!({ "label": args.label, "initialized": true }), || {
        format!("initialised token `{}`\n", printable(&args.label))
    });
    Ok(0)
}

fn state(info: &TokenInfo) -> &'static str {
    match (info.initialised, info.user_pin_set) {
        (false, _) => "blank",
        (true, false) => "no user PIN",
        (true, true) => "ready",
    }
}
