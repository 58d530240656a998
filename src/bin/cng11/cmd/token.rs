//! `token list`, `token init` and `token pin`

use cng_pkcs11::token::{self, Access, Pin, TokenInfo, User};
use serde_json::json;

use crate::args::{TokenInitArgs, TokenPinArgs};
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

pub(crate) fn pin(context: &Context, args: &TokenPinArgs) -> Result<u8, Failure> {
    if args.so_pin_source.is_some() && !args.so && !args.unblock {
        return Err(Failure::usage(
            "the user's own PIN is changed without the security officer's",
            "leave --so-pin-source out, or give --unblock or --so",
        ));
    }
    let module = context.module()?;
    let info = context.token_info(&module)?;
    if info.protected_path && (args.so_pin_source.is_some() || args.new_pin_source.is_some()) {
        return Err(Failure::usage(
            format!("token `{}` asks for PINs on a pad of its own", printable(&info.label)),
            "leave --so-pin-source and --new-pin-source out",
        ));
    }
    let so_pin = || context.so_pin(&info, args.so_pin_source.as_deref());
    let whose = if args.so { "security officer's PIN" } else { "user PIN" };
    let old = match (args.so || args.unblock, info.protected_path) {
        (_, true) => Pin::ProtectedPath,
        (true, false) => Pin::Secret(so_pin()?),
        (false, false) => Pin::Secret(context.user_pin(&format!("PIN of token `{}`", info.label), false)?),
    };
    let new = if info.protected_path {
        Pin::ProtectedPath
    } else {
        let what = format!("new {whose}");
        let wanted = Wanted { what: &what, option: "--new-pin-source", variable: Some("CNG11_NEW_PIN"), is_new: true };
        Pin::Secret(match &args.new_pin_source {
            Some(source) => pin::read(source, wanted)?,
            None if std::env::var_os("CNG11_NEW_PIN").is_some() => pin::read("env:CNG11_NEW_PIN", wanted)?,
            None => pin::prompt(wanted)?,
        })
    };
    let token = token::Token::open(module, info, Access::ReadWrite)?;
    match (args.unblock, args.so) {
        (true, _) => token.unblock(&old, &new)?,
        (false, true) => token.change_pin(User::SecurityOfficer, &old, &new)?,
        (false, false) => token.change_pin(User::User, &old, &new)?,
    }
    let label = &token.info().label;
    let document = json!({ "label": label, "changed": if args.so { "so" } else { "user" } });
    context.output.result(document, || format!("token `{}` has a new {whose}\n", printable(label)));
    Ok(0)
}

fn state(info: &TokenInfo) -> &'static str {
    match (info.initialised, info.user_pin_set) {
        (false, _) => "blank",
        (true, false) => "no user PIN",
        (true, true) => "ready",
    }
}
