//! One file a command, and what several of them share.

pub(crate) mod bulk;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod decrypt;
pub(crate) mod delete;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod migrate;
pub(crate) mod probe;
pub(crate) mod property;
pub(crate) mod recipients;
pub(crate) mod rename;
pub(crate) mod rewrap;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod softhsm;
pub(crate) mod token;
pub(crate) mod watch;

use cng_pkcs11::asn1::spki;
use cng_pkcs11::hex;
use cng_pkcs11::key::PublicKey;
use cng_pkcs11::provider::{Explanation, Key};
use cng_pkcs11::wrap::{Scheme, Tried};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output::{Output, ckr_name, explanation_json, printable};

/// A key as every JSON document shows it.
pub(crate) fn key_json(key: &Key) -> Map<String, Value> {
    let mut object = Map::new();
    let algorithm = key.algorithm();
    object.insert("name".to_owned(), json!(key.label()));
    object.insert("algorithm".to_owned(), json!(algorithm.map(|algorithm| algorithm.name())));
    object.insert("bits".to_owned(), json!(key.bits()));
    if let Some(curve) = algorithm.and_then(|algorithm| algorithm.curve) {
        object.insert("curve".to_owned(), json!(curve.name));
    }
    object.insert("id".to_owned(), json!(hex::encode(key.id())));
    object.insert("unique_name".to_owned(), json!(key.uri().to_string()));
    object.insert("export_policy".to_owned(), json!(key.export_policy().words()));
    object.insert("usage".to_owned(), json!(key.usage().words().collect::<Vec<_>>()));
    object.insert("private".to_owned(), json!(key.has_private()));
    object.insert("public".to_owned(), json!(key.has_public_object()));
    object.insert("certificate".to_owned(), json!(key.has_certificate()));
    // A list makes no signatures: a private EC key of another program, without its public object, shows no fingerprint there.
    if let Some(fingerprint) = key.known_public_key().and_then(fingerprint) {
        object.insert("fingerprint_sha256".to_owned(), json!(fingerprint));
    }
    object
}

/// SHA-256 over the SubjectPublicKeyInfo.
pub(crate) fn fingerprint(public: &PublicKey) -> Option<String> {
    spki::fingerprint(public).ok().map(hex::encode)
}

/// The words for a policy in text output.
pub(crate) fn policy_text(key: &Key) -> &'static str {
    match key.export_policy().words() {
        [] => "none",
        ["encrypted"] => "encrypted",
        _ => "plaintext",
    }
}

pub(crate) fn usage_text(key: &Key) -> String {
    let words: Vec<_> = key.usage().words().collect();
    if words.is_empty() { "-".to_owned() } else { words.join(",") }
}

pub(crate) fn algorithm_text(key: &Key) -> String {
    let Some(algorithm) = key.algorithm() else { return "?".to_owned() };
    match algorithm.curve.filter(|curve| curve.nist_bits().is_none()) {
        Some(curve) => format!("{algorithm} {}", curve.name),
        None => algorithm.name(),
    }
}

pub(crate) fn bits_text(key: &Key) -> String {
    key.bits().map_or_else(|| "?".to_owned(), |bits| bits.to_string())
}

/// By which scheme a key is wrapped here, and what did not go, where there is something to say.
pub(crate) fn how_json(object: &mut Map<String, Value>, scheme: Option<Scheme>, tried: &[Tried]) {
    if let Some(scheme) = scheme {
        object.insert("scheme".to_owned(), json!(scheme.name()));
    }
    if !tried.is_empty() {
        let tried: Vec<_> = tried
            .iter()
            .map(|Tried { what, why, ckr }| {
                let mut object = Map::from_iter([("what".to_owned(), json!(what)), ("why".to_owned(), json!(why))]);
                if let Some(ckr) = ckr {
                    object.insert("ckr".to_owned(), json!(ckr_name(*ckr)));
                }
                object
            })
            .collect();
        object.insert("tried".to_owned(), json!(tried));
    }
}

/// The same in words.
pub(crate) fn how_text(route: &str, scheme: Option<Scheme>, tried: &[Tried]) -> String {
    let by = scheme.map(|scheme| format!(" by {}", scheme.name())).unwrap_or_default();
    let tried: String =
        tried.iter().map(|Tried { what, why, .. }| format!("; not {what}: {}", printable(why))).collect();
    format!("{route}{by}{tried}")
}

/// Does something with a pending key; with --explain, why the token refuses what it refuses is found out as well.
pub(crate) fn explaining<T>(
    explains: bool,
    key: &mut Key,
    run: impl FnOnce(&mut Key) -> Result<T, cng_pkcs11::Error>,
) -> Result<T, Failure> {
    if explains {
        key.explain_refusals()?;
    }
    run(key).map_err(|error| match key.explanations() {
        none if none.is_empty() => error.into(),
        explanations => Failure::Explained { error, explanations },
    })
}

/// Why the token refused something on the way to where the key is: in the document, and in words.
pub(crate) fn report_explanations(output: Output, object: &mut Map<String, Value>, explanations: &[Explanation]) {
    if !explanations.is_empty() {
        let all: Vec<_> = explanations.iter().map(explanation_json).collect();
        object.insert("explanations".to_owned(), json!(all));
        explanations.iter().for_each(|why| output.note(&format!("why: {}", printable(&why.text()))));
    }
}

/// What an import or a generation came to, as JSON and as a line of text.
pub(crate) fn report_made(output: Output, key: &Key, verb: &str, more: &[String]) {
    let mut object = key_json(key);
    let mut how = String::new();
    if let Some(outcome) = key.outcome() {
        object.insert("route".to_owned(), json!(outcome.route.name()));
        how_json(&mut object, outcome.scheme, &outcome.tried);
        report_explanations(output, &mut object, &outcome.explanations);
        object.insert("verified".to_owned(), json!(outcome.verified.name()));
        let warnings: Vec<&String> = more.iter().chain(&outcome.warnings).collect();
        object.insert("warnings".to_owned(), json!(warnings));
        let route = how_text(outcome.route.name(), outcome.scheme, &outcome.tried);
        how = format!(" (route: {route}, verified: {})", outcome.verified.name());
        for warning in warnings {
            output.warning(warning);
        }
    }
    output.result(Value::Object(object), || {
        format!("{verb} `{}`: {}, {} bits{how}\n", printable(key.label()), algorithm_text(key), bits_text(key))
    });
}
