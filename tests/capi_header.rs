//! The C headers say what Windows says: every constant and every structure of them is compiled into a small program, and what it prints is compared with
//! the `windows-sys` crate. A name that the crate does not have is listed with its value in `capi/sdk_values.rs`, so none is left out by oversight.
//!
//! `scripts/capi headers` compares with the headers of mingw-w64 besides.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may panic"
)]
#![allow(clippy::print_stderr, reason = "what is left out is said")]
#![cfg(all(unix, target_pointer_width = "64"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "capi/sdk_values.rs"]
mod sdk_values;
#[path = "capi/windows_values.rs"]
mod windows_values;

/// A slot of the function table of version 1.0; the crate has those of version 3.0 as well.
const SLOTS_OF_1_0: usize = 26;

const COMPILERS: &[(&str, &[&str])] = &[
    ("cc", &["-std=c11"]),
    ("gcc", &["-std=c11"]),
    ("gcc", &["-std=c17"]),
    ("clang", &["-std=c11"]),
    ("c++", &["-x", "c++", "-std=c++17"]),
    ("g++", &["-x", "c++", "-std=c++11"]),
    ("clang++", &["-x", "c++", "-std=c++17"]),
];

/// Names of the headers' own.
fn is_ours(name: &str) -> bool {
    name.starts_with("CNG11_")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include/cng11")
}

fn headers() -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(found.iter().all(|path| path.extension().is_some_and(|extension| extension == "h")), "{found:?}");
    found
}

/// The text of all headers, each line that goes on in the next joined with it.
fn text() -> String {
    headers().iter().map(|path| fs::read_to_string(path).unwrap().replace("\\\n", " ")).collect()
}

/// The names of the constants: of `#define` without parameters and with a value, and of enumerations.
fn constants(text: &str) -> BTreeSet<&str> {
    let defined = text.lines().filter_map(|line| line.strip_prefix("#define ")).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, value) = rest.split_at(end);
        (!value.starts_with('(') && !is_ours(name)).then_some(name)
    });
    let enumerated = text.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("  ")?.split_once(" = ")?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_name && value.trim_end_matches(',').parse::<u32>().is_ok()).then_some(name)
    });
    defined.chain(enumerated).collect()
}

/// The structures and their fields, bit fields apart: those have no offset.
fn structures(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let typedefs = text.split("\ntypedef ").filter(|text| text.starts_with("struct _") || text.starts_with("union _"));
    typedefs
        .map(|typedef| {
            let (head, rest) = typedef.split_once(" {\n").unwrap();
            let (body, _) = rest.split_once("\n}").unwrap();
            let fields = body
                .lines()
                .filter(|line| !line.contains(" : ") && !line.starts_with("    "))
                .filter_map(|line| line.trim_start_matches([' ', '}']).strip_suffix(';'))
                .map(|field| field.split('[').next().unwrap())
                .map(|field| field.rsplit([' ', '*']).next().unwrap())
                .collect();
            (head.split_once(" _").unwrap().1, fields)
        })
        .collect()
}

fn compiles(compiler: &str, arguments: &[&str], source: &Path) -> Result<(), String> {
    let output = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic"])
        .args(arguments)
        .arg("-I")
        .arg(folder())
        .arg(source)
        .output()
        .map_err(|error| format!("{compiler}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{compiler} {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn is_there(compiler: &str) -> bool {
    Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What the headers say, by a program that is compiled with them: `NAME=value`, `STRUCTURE=size`, `STRUCTURE.field=offset, size`.
fn said() -> BTreeMap<String, String> {
    let text = text();
    let mut program = String::from(
        "#include <inttypes.h>\n#include <stdio.h>\n#include <windows.h>\n#include <ncrypt.h>\n\
         static void number(const char *name, uint64_t value) { printf(\"%s=0x%08\" PRIX32 \"\\n\", name, (uint32_t)value); }\n\
         static void handle(const char *name, const void *value) { printf(\"%s=handle 0x%\" PRIXPTR \"\\n\", name, (uintptr_t)value); }\n\
         static void narrow(const char *name, const char *value) { printf(\"%s=narrow %s\\n\", name, value); }\n\
         static void wide(const char *name, const char16_t *value) {\n\
         \x20 printf(\"%s=wide \", name);\n  for (; *value != 0; value++) putchar(*value < 0x7F ? (int)*value : '?');\n  putchar('\\n');\n}\n\
         #define SHOW(X) _Generic((X), char16_t *: wide, const char16_t *: wide, char *: narrow, const char *: narrow, void *: handle, default: number)(#X, X)\n\
         int main(void) {\n",
    );
    for name in constants(&text).iter().filter(|name| !sdk_values::WORDS.contains(name)) {
        writeln!(program, "  SHOW({name});").unwrap();
    }
    for (name, fields) in structures(&text) {
        writeln!(program, "  printf(\"{name}=%zu\\n\", sizeof({name}));").unwrap();
        for field in fields {
            let what = format!("offsetof({name}, {field}), sizeof((({name} *)0)->{field})");
            writeln!(program, "  printf(\"{name}.{field}=%zu, %zu\\n\", {what});").unwrap();
        }
    }
    program.push_str("  return 0;\n}\n");

    let build = tempfile::tempdir().unwrap();
    let (source, binary) = (build.path().join("said.c"), build.path().join("said"));
    fs::write(&source, &program).unwrap();
    compiles("cc", &["-std=c11", "-o", binary.to_str().unwrap()], &source).unwrap();
    let output = Command::new(&binary).output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn every_constant_is_the_one_of_windows() {
    let said = said();
    let mut expected: BTreeMap<_, _> = windows_values::constants().into_iter().collect();
    for (name, value) in sdk_values::SDK.iter().chain(sdk_values::MEMORY) {
        assert_eq!(
            expected.insert(name, (*value).to_owned()),
            None,
            "windows-sys has {name} by now: take it from there"
        );
    }
    let text = text();
    let names = constants(&text);
    let left_out: Vec<_> =
        names.iter().filter(|name| !expected.contains_key(**name) && !sdk_values::WORDS.contains(name)).collect();
    assert!(left_out.is_empty(), "nothing to compare these with: {left_out:?}");
    for (name, value) in &expected {
        assert_eq!(said.get(*name), Some(value), "{name}");
    }
    assert!(expected.len() > 700, "{}", expected.len());
}

#[test]
fn every_structure_is_laid_out_as_on_windows() {
    let said = said();
    let text = text();
    let written = structures(&text);
    let mut expected = windows_values::structures();
    expected.extend(sdk_values::STRUCTURES.iter().map(|(name, size, fields)| (*name, *size, fields.to_vec())));
    let names: BTreeSet<_> = expected.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, written.keys().copied().collect());
    for (name, size, fields) in expected {
        let size = if name == "NCRYPT_KEY_STORAGE_FUNCTION_TABLE" { 8 + SLOTS_OF_1_0 * 8 } else { size };
        assert_eq!(said[name], size.to_string(), "{name}");
        assert_eq!(written[name], fields.iter().map(|(field, ..)| *field).collect::<Vec<_>>(), "{name}");
        for (field, offset, takes) in fields {
            assert_eq!(said[&format!("{name}.{field}")], format!("{offset}, {takes}"), "{name}.{field}");
        }
    }
}

/// What programs for Windows do with macros and with memory.
#[test]
fn the_macros_do_what_those_of_windows_do() {
    let build = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/capi/headers/idioms.c");
    let mut used = 0;
    for (compiler, arguments) in COMPILERS.iter().filter(|(compiler, _)| is_there(compiler)) {
        let binary = build.path().join("idioms");
        compiles(compiler, &[arguments, &["-o", binary.to_str().unwrap()][..]].concat(), &source).unwrap();
        assert_eq!(Command::new(&binary).status().unwrap().code(), Some(0), "{compiler} {arguments:?}");
        used += 1;
    }
    assert!(used > 0, "no compiler");
}

/// Alone, twice, and all together; and the programs that are written for them.
#[test]
fn every_header_compiles_as_c_and_as_cpp() {
    let build = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    let mut all = String::new();
    for header in headers() {
        let name = header.file_name().unwrap().to_str().unwrap().to_owned();
        let include = format!("#include <{name}>\n");
        let source = build.path().join(format!("{name}.c"));
        fs::write(&source, format!("{include}{include}")).unwrap();
        sources.push(source);
        all.insert_str(0, &include);
    }
    let together = build.path().join("all.c");
    fs::write(&together, format!("{all}#include <stdio.h>\n")).unwrap();
    sources.push(together);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    sources.extend(examples.filter(|path| path.extension().is_some_and(|extension| extension == "c")));
    sources.push(root.join("tests/capi/windows_program.c"));
    let mut used = 0;
    for (compiler, arguments) in COMPILERS {
        if !is_there(compiler) {
            eprintln!("LEFT OUT: {compiler} is not installed");
            continue;
        }
        used += 1;
        for source in &sources {
            compiles(compiler, &[arguments, &["-fsyntax-only"][..]].concat(), source).unwrap();
        }
    }
    assert!(used > 0, "no compiler");
}

/// The numbers of each status in `docs/coming-from-windows.md` are the library's, and what it says of each flag and property is what the library does.
#[cfg(feature = "token")]
mod document {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use cng_pkcs11::Status;
    use cng_pkcs11::provider::property::{Access, TABLE};
    use cng_pkcs11::provider::{Call, Flags, Treatment};

    /// The rows of the tables in a section, cell by cell, without the marks of code.
    fn rows(section: &str) -> Vec<Vec<String>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coming-from-windows.md");
        let text = fs::read_to_string(path).unwrap();
        let (_, rest) = text.split_once(&format!("\n## {section}\n")).unwrap();
        let section = rest.split("\n## ").next().unwrap();
        let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("|-");
        let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        section.lines().filter(is_row).map(cells).collect()
    }

    #[test]
    fn every_status_has_its_row() {
        let mut rows: BTreeMap<_, _> = rows("Statuses").into_iter().map(|row| (row[0].clone(), row)).collect();
        for (status, name) in Status::TABLE.iter().filter(|(_, name)| !name.starts_with("STATUS_")) {
            let row = rows.remove(*name).unwrap_or_else(|| panic!("{name} is not in the document"));
            assert_eq!(row[1], format!("0x{:08X}", status.0), "{name}");
            let answer = match status.ntstatus() {
                Status::ERROR_SUCCESS => "STATUS_SUCCESS",
                other => other.name(),
            };
            assert_eq!(row[2], answer, "{name}");
            assert!(!row[3].is_empty(), "{name}");
        }
        let is_status = |name: &&String| ["NTE_", "SCARD_", "RPC_"].iter().any(|prefix| name.starts_with(prefix));
        let left: Vec<_> = rows.keys().filter(is_status).collect();
        assert!(left.is_empty(), "no such status: {left:?}");
    }

    #[test]
    fn every_flag_has_its_row() {
        let function = |call: &Call| match call {
            Call::OpenProvider => "NCryptOpenStorageProvider",
            Call::IsAlgorithmSupported => "NCryptIsAlgSupported",
            Call::EnumerateAlgorithms => "NCryptEnumAlgorithms",
            Call::EnumerateKeys => "NCryptEnumKeys",
            Call::Create => "NCryptCreatePersistedKey",
            Call::Open => "NCryptOpenKey",
            Call::Import => "NCryptImportKey",
            Call::Export => "NCryptExportKey",
            Call::Finalize => "NCryptFinalizeKey",
            Call::Delete => "NCryptDeleteKey",
            Call::GetProperty => "NCryptGetProperty",
            Call::SetProperty => "NCryptSetProperty",
            Call::Sign => "NCryptSignHash",
            Call::Verify => "NCryptVerifySignature",
            Call::Encrypt => "NCryptEncrypt",
            Call::Decrypt => "NCryptDecrypt",
            Call::SecretAgreement => "NCryptSecretAgreement",
            Call::Derive => "NCryptDeriveKey",
            Call::KeyDerivation => "NCryptKeyDerivation",
            Call::Notify => "NCryptNotifyChangeKey",
            other => panic!("{other:?} has no function here"),
        };
        let mut written = BTreeMap::new();
        for row in rows("Flags").iter().skip(1) {
            for call in row[0].split(", ") {
                written.insert((call.to_owned(), row[1].clone()), (row[2].clone(), row[3].clone()));
            }
        }
        for call in Call::ALL {
            let own = Flags::of(*call).filter(|(flag, ..)| ![Flags::SILENT, Flags::EXTENDED_ERRORS].contains(flag));
            for (_, flag, treatment) in own {
                let row = written.remove(&(function(call).to_owned(), flag.to_owned()));
                let (answer, note) = row.unwrap_or_else(|| panic!("{call:?}: {flag} is not in the document"));
                let expected = match treatment {
                    // The token of the machine is a matter of the C layer: the safe one has one token.
                    Treatment::Harmless if *call == Call::EnumerateKeys => "taken",
                    Treatment::Harmless => "passed over",
                    Treatment::Impossible(reason) => {
                        assert_eq!(note, reason, "{call:?}: {flag}");
                        "refused"
                    }
                    _ => "taken",
                };
                assert_eq!(answer, expected, "{call:?}: {flag}");
            }
        }
        assert!(written.is_empty(), "not flags of these calls: {written:?}");
    }

    #[test]
    fn every_property_has_its_row() {
        let mut written: BTreeMap<_, _> =
            rows("Properties").into_iter().skip(1).map(|row| (row[0].clone(), row)).collect();
        for property in TABLE {
            let row = written.remove(property.name).unwrap_or_else(|| panic!("{} is not there", property.name));
            for (said, access) in [(&row[1], property.key), (&row[2], property.provider)] {
                let expected = match access {
                    Access::Read => "read",
                    Access::ReadSet => "read, set",
                    Access::ReadSetBefore => "read, set before finalize",
                    Access::Set => "set",
                    Access::SetBefore => "set before finalize",
                    // Handles and logins are a matter of the C layer.
                    Access::Never(_) if property.name == "Provider Handle" && said == "read" => "read",
                    Access::Never(_) if property.name == "SmartCardPin" && said == "set" => "set",
                    _ => "–",
                };
                assert_eq!(said, expected, "{}", property.name);
            }
        }
        assert!(written.is_empty(), "not properties: {written:?}");
    }
}
