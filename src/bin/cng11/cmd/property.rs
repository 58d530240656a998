//! `get NAME PROPERTY` and `set NAME PROPERTY VALUE`

use std::path::Path;

use cng_pkcs11::bulk::words;
use cng_pkcs11::key::{ExportPolicy, KeyUsage};
use cng_pkcs11::provider::Error;
use cng_pkcs11::provider::{Flags, KeyDate, KeyName, names, property};
use cng_pkcs11::token::Access;
use cng_pkcs11::{Status, wide};
use serde_json::json;

use crate::args::{GetArgs, SetArgs};
use crate::cmd::show::{property_json, property_text};
use crate::context::Context;
use crate::failure::Failure;
use crate::file;
use crate::output::printable;

pub(crate) fn get(context: &Context, args: &GetArgs) -> Result<u8, Failure> {
    let key = context.provider(Access::ReadOnly)?.open_key(&args.name)?;
    let property = spelled(&args.property);
    if let Some(which) = date(property) {
        let found = key.date(which)?.ok_or_else(|| Error::Property {
            name: property.to_owned(),
            problem: "absent",
            status: Status::NTE_NOT_FOUND,
        })?;
        let document = json!({ "name": key.label(), "property": property, "value": found });
        context.output.result(document, || format!("{found}\n"));
        return Ok(0);
    }
    let value = key.property(property)?;
    let document = json!({ "name": key.label(), "property": property, "value": property_json(&value) });
    context.output.result(document, || format!("{}\n", property_text(&value)));
    Ok(0)
}

/// Any bytes under any name.
fn set_custom(context: &Context, args: &SetArgs) -> Result<u8, Failure> {
    let bytes = match args.value.strip_prefix("hex:") {
        Some("") => Vec::new(),
        Some(digits) => words::bytes(digits).map_err(|_| {
            Failure::usage(format!("`{}` is not hexadecimal", args.value), "give two digits for each byte")
        })?,
        None => wide::encode_nul(&args.value),
    };
    let mut key = context.provider(Access::ReadWrite)?.open_key(&args.name)?;
    key.set_property_with(&args.property, &bytes, Flags::PERSIST_ONLY)?;
    let value = key.property_with(&args.property, Flags::PERSIST_ONLY)?;
    let document = json!({ "name": key.label(), "property": args.property, "value": property_json(&value) });
    context.output.result(document, || format!("{}\n", property_text(&value)));
    Ok(0)
}

pub(crate) fn set(context: &Context, args: &SetArgs) -> Result<u8, Failure> {
    let property = spelled(&args.property);
    if property == names::PIN {
        return Err(Failure::usage(
            "a PIN is not given on the command line".to_owned(),
            "it belongs to a handle and is forgotten with it",
        ));
    }
    if args.custom {
        return set_custom(context, args);
    }
    let misfit = |problem: String| {
        Failure::usage(
            format!("`{}` is no value for {property}: {problem}", args.value),
            "give a number, or words as --export-policy and --usage take them",
        )
    };
    if property == names::CERTIFICATE {
        let certificate = file::read(Path::new(&args.value))?;
        let mut key = context.provider(Access::ReadWrite)?.open_key(&args.name)?;
        key.set_certificate(&certificate)?;
        let chain = key.certificate_chain()?.len();
        let document = json!({ "name": key.label(), "property": property, "certificates": chain });
        context.output.result(document, || format!("{chain} certificates\n"));
        return Ok(0);
    }
    if property == names::NAME {
        let new = KeyName::new(&args.value)?;
        context.provider(Access::ReadWrite)?.rename_key(&args.name, &new)?;
        let document = json!({ "name": new.as_str(), "property": property, "value": new.as_str() });
        context.output.result(document, || format!("{}\n", printable(new.as_str())));
        return Ok(0);
    }
    if let Some(which) = date(property) {
        let value = Some(args.value.as_str()).filter(|value| *value != "none");
        context.provider(Access::ReadWrite)?.open_key(&args.name)?.set_date(which, value)?;
        let document = json!({ "name": args.name, "property": property, "value": value });
        context.output.result(document, || format!("{}\n", value.unwrap_or("none")));
        return Ok(0);
    }
    // Wrong words are told before the token is opened.
    let number = |word: &dyn Fn(&str) -> Result<u32, String>| match parse_number(&args.value) {
        Some(number) => Ok(number),
        None => word(&args.value).map_err(misfit),
    };
    let value = match property {
        names::EXPORT_POLICY => {
            number(&|text| words::export_policy(text).map(ExportPolicy::bits))?.to_le_bytes().to_vec()
        }
        names::KEY_USAGE => number(&|text| words::key_usage(text).map(KeyUsage::bits))?.to_le_bytes().to_vec(),
        names::LENGTH => number(&|_| Err("it is not a number".to_owned()))?.to_le_bytes().to_vec(),
        _ => wide::encode_nul(&args.value),
    };
    let mut key = context.provider(Access::ReadWrite)?.open_key(&args.name)?;
    key.set_property(property, &value)?;
    let value = key.property(property)?;
    let document = json!({ "name": key.label(), "property": property, "value": property_json(&value) });
    context.output.result(document, || format!("{}\n", property_text(&value)));
    Ok(0)
}

/// The property's own spelling, if it is known in another case.
fn spelled(name: &str) -> &str {
    let dates = KeyDate::ALL.map(KeyDate::name);
    let mut known = property::TABLE.iter().map(|row| row.name).chain(dates);
    known.find(|known| known.eq_ignore_ascii_case(name)).unwrap_or(name)
}

fn date(property: &str) -> Option<KeyDate> {
    KeyDate::ALL.into_iter().find(|which| which.name() == property)
}

fn parse_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
