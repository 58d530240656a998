//! Who may know whom: the layers of `ARCHITECTURE.md`, held against every path in the sources.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

/// From top to bottom. A module may use those beside it and below it.
const ROWS: &[&[&str]] = &[
    &["capi", "bin"],
    &["bulk"],
    &["provider", "error"],
    &["config"],
    &["wrap"],
    &["token"],
    &["template"],
    &["format"],
    &["blob", "asn1"],
    &["key"],
    &["status", "secret", "wide", "hex"],
];

/// Where `blob` may use `asn1`, its neighbour: some blob types are DER, and so are their errors. Never the other way.
const BLOB_TO_ASN1: &[&str] = &["src/blob.rs", "src/blob/error.rs", "src/blob/pkcs8.rs"];

/// Crates whose types must not leave some modules, so that their next version is not a breaking change of this one.
const CRYPTOKI: &[&str] = &["cryptoki", "cryptoki_sys"];
const CRYPTOKI_MODULES: &[&str] = &["token", "template"];

/// What `lib.rs` offers at the root of the crate, and the module that it comes from.
const ROOT: &[(&str, &str)] = &[("Error", "error"), ("Status", "status")];

const UNSAFE_FILES: &[&str] = &["src/token/raw.rs"];
const UNSAFE_MODULES: &[&str] = &["capi"];

#[test]
fn every_source_file_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut problems = Vec::new();
    let files = rust_files(&root.join("src"));
    for file in &files {
        let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        problems.extend(check(&path, &std::fs::read_to_string(file).unwrap()));
    }
    assert!(files.len() > 20, "only {} files", files.len());
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn a_planted_violation_is_found() {
    for (path, text, problem) in [
        // Upwards, in all the ways a path can be written.
        ("src/key/rsa.rs", "use crate::blob::Reader;", "key uses blob"),
        ("src/key.rs", "fn f() -> crate::token::Pool {}", "key uses token"),
        ("src/secret.rs", "use crate::{status::Status, wide, key::{self, Error}};", "secret uses key"),
        ("src/secret.rs", "use crate ::\n  key;", "secret uses key"),
        ("src/status.rs", "use super::key::Error;", "status uses key"),
        ("src/key/rsa.rs", "use super::super::blob;", "key uses blob"),
        ("src/key/rsa.rs", "mod tests { use super::super::super::blob; }", "key uses blob"),
        ("src/key/rsa.rs", "mod tests { fn f() { loop {} } use super::super::super::{key, blob}; }", "key uses blob"),
        ("src/template/put.rs", "pub(in crate::token) fn f() {}", "template uses token"),
        ("src/wide.rs", "macro_rules! m { () => { $crate::secret::S; $crate::format::F } }", "wide uses format"),
        ("src/token.rs", "use crate::provider::Key;", "token uses provider"),
        ("src/provider/import.rs", "use crate::capi::Handle;", "provider uses capi"),
        ("src/wrap.rs", "use crate::*;", "wrap uses everything"),
        ("src/wrap.rs", "fn f() -> Result<(), crate::Error> {}", "wrap uses error"),
        // The two neighbours that do not know each other.
        ("src/asn1/pkcs8.rs", "use crate::blob;", "asn1 uses blob"),
        ("src/blob/rsa.rs", "use crate::asn1::Error;", "blob uses asn1"),
        ("src/blob/reader.rs", "use super::super::asn1;", "blob uses asn1"),
        // What the table does not have.
        ("src/key.rs", "use crate::helpers::f;", "key uses helpers"),
        ("src/helpers.rs", "", "helpers has no row"),
        ("src/helpers/mod.rs", "", "helpers has no row"),
        // cryptoki's types and unsafe code, outside their modules.
        ("src/wrap.rs", "use cryptoki::mechanism::Mechanism;", "cryptoki outside"),
        ("src/error.rs", "fn f(code: ::cryptoki_sys::CK_RV) {}", "cryptoki_sys outside"),
        ("src/bin/cng11/main.rs", "use cryptoki::context::Pkcs11;", "cryptoki outside"),
        ("src/token/pool.rs", "fn f() { unsafe { g() } }", "unsafe"),
        ("src/key.rs", "unsafe impl Send for Key {}", "unsafe"),
        ("src/lib.rs", "#![deny(unsafe_code)] unsafe fn f() {}", "unsafe"),
        ("src/key.rs", "const A: char = '\"'; unsafe fn f() {} const B: char = '\"';", "unsafe"),
        ("src/key.rs", "fn f<'a>(x: &'a str) { unsafe { g(x) } }", "unsafe"),
        ("src/key.rs", "/* /* */ */ unsafe fn f() {}", "unsafe"),
        ("src/key.rs", r##"const A: &str = r#"""#; unsafe fn f() {}"##, "unsafe"),
        // A binary that takes the library's files in instead of using it.
        ("src/bin/cng11/main.rs", "#[path = \"../../key.rs\"] mod key;", "takes in"),
        ("src/bin/cng11/args.rs", "include!(\"../../key.rs\");", "takes in"),
    ] {
        let found = check(path, text);
        assert!(found.iter().any(|line| line.contains(problem)), "{path}: `{text}` gives {found:?}, not `{problem}`");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (path, text) in [
        ("src/key/rsa.rs", "use crate::secret::SecretBytes; use super::Error; use super::super::status;"),
        ("src/key.rs", "mod tests { use super::*; use super::super::wide; }"),
        ("src/key/curve.rs", "mod tests { use super::super::rsa; fn f() { if true { {} } } }"),
        ("src/blob/pkcs8.rs", "use crate::asn1; use super::Reader;"),
        ("src/blob.rs", "use crate::asn1::Error; use crate::{key::Curve, secret};"),
        ("src/format.rs", "use crate::{asn1, blob::{self, pkcs8}, key};"),
        ("src/error.rs", "use crate::provider::Error; use crate::wrap;"),
        ("src/provider.rs", "use crate::error::Error; fn f() -> Result<(), crate::Error> {}"),
        ("src/token/raw.rs", "unsafe { cryptoki_sys::C_GetInfo() }"),
        ("src/template/put.rs", "use cryptoki::object::Attribute;"),
        ("src/capi.rs", "unsafe extern \"C\" fn f() {}"),
        ("src/capi/ncrypt.rs", "unsafe extern \"C\" fn f() {} use crate::provider;"),
        ("src/lib.rs", "#![deny(unsafe_code)] pub use crate::blob::BlobType; pub mod key;"),
        (
            "src/bin/cng11/main.rs",
            "use cng_pkcs11::key::Curve; mod key; use crate::key::import; fn f() { let path = 1; }",
        ),
        ("src/bin/cng11/cmd/import.rs", "use super::super::output; use crate::cmd::list;"),
        // Words in comments and strings.
        ("src/key.rs", "//! crate::blob, unsafe, cryptoki::\n/// [`wrap`](crate::wrap)\n// unsafe\nfn f() {}"),
        ("src/key.rs", "/* unsafe /* crate::token */ cryptoki:: */ const A: &str = \"unsafe \\\" crate::token\";"),
        (
            "src/key.rs",
            r##"const A: &str = r#"unsafe " crate::token"#; const B: &[u8] = br"unsafe\"; const C: u8 = b'"';"##,
        ),
        (
            "src/key.rs",
            "const A: &str = \"crate::\\\n  blob unsafe\"; const B: char = '\\''; const C: char = '\\u{22}';",
        ),
        ("src/key.rs", "#[allow(unsafe_code)] fn f(krate: u8, unsafely: u8) {}"),
        ("src/key.rs", "fn r#unsafe() {}"),
    ] {
        assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

/// Every violation in one source file, as a line of text each.
fn check(path: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let place = place(path);
    let mut problems = Vec::new();
    let mut problem = |text: String| problems.push(format!("{path}: {text}"));

    if row(&place.module).is_none() && place.module != "lib" {
        problem(format!("{} has no row in the table of layers", place.module));
    }
    if place.module == "bin" {
        // The compiler sees to the rest: `crate::` is the binary itself there, and `cng_pkcs11::` the public library.
        let is_in = |what: &[&str]| tokens.windows(what.len()).any(|window| window == what);
        if is_in(&["#", "[", "path", "="]) || is_in(&["include", "!"]) {
            problem("takes in a file by path, where it should use the library through cng_pkcs11::".to_owned());
        }
    } else if place.module != "lib" {
        for used in crate_paths(&tokens, place.depth) {
            let re_exported = ROOT.iter().find(|(name, _)| *name == used).map(|(_, module)| *module);
            let (from, to) = (place.module.as_str(), re_exported.unwrap_or(&used));
            let allowed = match (from, to) {
                _ if from == to => true,
                ("asn1", "blob") => false,
                ("blob", "asn1") => BLOB_TO_ASN1.contains(&path),
                // `use crate::*` says nothing of what it takes.
                (_, "*") => false,
                _ => row(from).zip(row(to)).is_some_and(|(from, to)| from <= to),
            };
            if !allowed {
                problem(format!("{from} uses {}", if to == "*" { "everything" } else { to }));
            }
        }
    }
    for name in CRYPTOKI.iter().filter(|_| !CRYPTOKI_MODULES.contains(&place.module.as_str())) {
        if tokens.iter().any(|token| token == name) {
            problem(format!("{name} outside {CRYPTOKI_MODULES:?}"));
        }
    }
    let may_be_unsafe = UNSAFE_FILES.contains(&path) || UNSAFE_MODULES.contains(&place.module.as_str());
    if !may_be_unsafe && tokens.iter().any(|token| token == "unsafe") {
        problem("unsafe".to_owned());
    }
    problems
}

/// Where a file stands: its top-level module, and how many modules deep it is itself.
struct Place {
    module: String,
    depth: usize,
}

fn place(path: &str) -> Place {
    let mut parts: Vec<&str> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    if let ["bin", _, inner @ ..] = parts.as_slice() {
        return Place { module: "bin".to_owned(), depth: if inner == ["main"] { 0 } else { inner.len() } };
    }
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    Place { module: parts[0].to_owned(), depth: if parts == ["lib"] { 0 } else { parts.len() } }
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// The top-level modules that the paths of a file lead to, from `crate::` and from as many `super::` as lead up to it.
fn crate_paths(tokens: &[String], depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    // The braces that are open, and whether each belongs to a module.
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => open.push(at >= 2 && tokens[at - 2] == "mod"),
            "}" => {
                open.pop();
            }
            "crate" | "super" if at == 0 || tokens[at - 1] != "::" => {
                let depth = depth + open.iter().filter(|is_module| **is_module).count();
                let mut supers = 0;
                while tokens[at] == "super" && tokens.get(at + 1).is_some_and(|next| next == "::") {
                    supers += 1;
                    if tokens.get(at + 2).is_none_or(|next| next != "super") {
                        break;
                    }
                    at += 2;
                }
                let at_root = tokens[at] == "crate" || supers == depth;
                if at_root && tokens.get(at + 1).is_some_and(|next| next == "::") {
                    found.extend(heads(&tokens[at + 2..]));
                }
            }
            _ => {}
        }
        at += 1;
    }
    // `super` that stays inside, `self` and the like are not modules at the top.
    found.retain(|name| !["self", "super"].contains(&name.as_str()));
    found
}

/// The first name of a path, or of each path in a group.
fn heads(tokens: &[String]) -> Vec<String> {
    if tokens.first().is_none_or(|first| first != "{") {
        return tokens.first().cloned().into_iter().collect();
    }
    let mut heads = Vec::new();
    let mut level = 0;
    for pair in tokens.windows(2) {
        match pair[0].as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            _ => {}
        }
        if level == 0 {
            break;
        }
        if level == 1 && (pair[0] == "{" || pair[0] == ",") && pair[1] != "}" {
            heads.push(pair[1].clone());
        }
    }
    heads
}

/// The identifiers and signs of a source text, without its comments, strings and characters.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if starts(at, "//") {
            at += chars[at..].iter().position(|c| *c == '\n').unwrap_or(chars.len() - at);
        } else if starts(at, "/*") {
            at = after_comment(&chars, at);
        } else if let Some(end) = after_raw_string(&chars, at) {
            at = end;
        } else if chars[at] == '"' {
            at = after_quoted(&chars, at);
        } else if chars[at] == '\'' {
            // A lifetime has no closing quote one character on.
            let is_char = chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'');
            at = if is_char { after_quoted(&chars, at) } else { at + 1 };
        } else if starts(at, "r#") && chars.get(at + 2).is_some_and(|c| is_word(*c)) {
            // A raw identifier is kept with its mark: it is never a keyword.
            let end = (at + 2..chars.len()).find(|i| !is_word(chars[*i])).unwrap_or(chars.len());
            out.push(chars[at..end].iter().collect());
            at = end;
        } else if is_word(chars[at]) {
            let end = (at..chars.len()).find(|i| !is_word(chars[*i])).unwrap_or(chars.len());
            out.push(chars[at..end].iter().collect());
            at = end;
        } else if starts(at, "::") {
            out.push("::".to_owned());
            at += 2;
        } else {
            if !chars[at].is_whitespace() {
                out.push(chars[at].to_string());
            }
            at += 1;
        }
    }
    out
}

fn after_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut level) = (start, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, level) = (at + 2, level + 1),
            ('*', Some('/')) => (at, level) = (at + 2, level - 1),
            _ => at += 1,
        }
        if level == 0 {
            break;
        }
    }
    at
}

/// Behind `r"…"`, `r#"…"#`, `br"…"`, if that is what begins here.
fn after_raw_string(chars: &[char], start: usize) -> Option<usize> {
    if start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_') {
        return None;
    }
    let prefix = if matches!(chars[start], 'b' | 'c') { 1 } else { 0 };
    if chars.get(start + prefix) != Some(&'r') {
        return None;
    }
    let hashes = chars[start + prefix + 1..].iter().take_while(|c| **c == '#').count();
    let quote = start + prefix + 1 + hashes;
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let closes = |at: &usize| chars[*at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    Some((quote + 1..chars.len()).find(closes).map_or(chars.len(), |at| at + 1 + hashes))
}

/// Behind a string or character that begins here, with its escapes.
fn after_quoted(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != chars[start] {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
