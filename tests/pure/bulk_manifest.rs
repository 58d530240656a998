//! Manifests of bulk imports: both forms, folders, everything that is refused, and the bounds.

use std::fmt::Write as _;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use cng_pkcs11::bulk::manifest::{Entry, Form, Manifest, PasswordSource};
use cng_pkcs11::bulk::{Error, MAX_ENTRIES};
use cng_pkcs11::format::Format;
use cng_pkcs11::key::{ExportPolicy, KeyUsage};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn manifest(name: &str, text: impl AsRef<[u8]>) -> Manifest {
    let path = Path::new("keys").join(name);
    Manifest::read(Cursor::new(text.as_ref().to_vec()), &path, Form::of_name(&path)).unwrap()
}

fn json(text: impl AsRef<[u8]>) -> Manifest {
    manifest("m.jsonl", text)
}

fn csv(text: impl AsRef<[u8]>) -> Manifest {
    manifest("m.csv", text)
}

fn entries(manifest: Manifest) -> Vec<Entry> {
    manifest.collect::<Result<_, _>>().unwrap()
}

fn errors(manifest: Manifest) -> Vec<String> {
    manifest.filter_map(Result::err).map(|error| error.to_string()).collect()
}

/// Reads all of it, and gives the digest.
fn digest(mut manifest: Manifest) -> Option<[u8; 32]> {
    manifest.by_ref().for_each(drop);
    manifest.digest()
}

const EVERYTHING: [(&str, &str); 14] = [
    ("file", "sub/web.key"),
    ("type", "PKCS8_PRIVATEKEY"),
    ("name", "web, \"the\" ключ"),
    ("algorithm", "ECDSA_P256"),
    ("curve", "nistP256"),
    ("export_policy", "encrypted"),
    ("usage", "sign,agree"),
    ("id", "00ff10"),
    ("password_source", "env:WEB_PASSWORD"),
    ("certificate", "web.crt"),
    ("key", "2"),
    ("unwrap_key", "kek"),
    ("scheme", "rsa-oaep"),
    ("oaep_hash", "SHA256"),
];

/// What goes together of everything: a file under a password, or one under a key.
fn in_the_clear() -> Vec<(&'static str, &'static str)> {
    EVERYTHING.into_iter().filter(|(name, _)| !["unwrap_key", "scheme", "oaep_hash"].contains(name)).collect()
}

fn wrapped() -> Vec<(&'static str, &'static str)> {
    EVERYTHING.into_iter().filter(|(name, _)| !["password_source", "key"].contains(name)).collect()
}

fn as_json(members: &[(&str, &str)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("\"{name}\":{}", serde_json::Value::from(*value))).collect();
    format!("{{{}}}\n", members.join(","))
}

fn as_csv(members: &[(&str, &str)]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = members.iter().map(|(_, value)| quoted(value)).collect();
    format!("{}\r\n{}\r\n", names.join(","), values.join(","))
}

#[test]
fn both_forms_say_the_same_with_the_same_names() {
    for members in [in_the_clear(), wrapped()] {
        let mut backwards = members.clone();
        backwards.reverse();
        let [one, other] = [json(as_json(&members)), csv(as_csv(&backwards))].map(entries);
        let ([one], [other]) = (one.as_slice(), other.as_slice()) else { panic!("{one:?} {other:?}") };
        assert_eq!(one.to_json(), other.to_json());
        // What an entry writes is what was written, so it is a manifest again.
        assert_eq!(format!("{}\n", one.to_json()), as_json(&members));
        assert_eq!((one.line, other.line, one.number), (1, 2, 0));
        assert_eq!(one.format, Some(Format::PKCS8));
        assert_eq!(one.name.as_ref().unwrap().as_str(), "web, \"the\" ключ");
        assert_eq!(one.algorithm.unwrap().name(), "ECDSA_P256");
        assert_eq!(one.curve.unwrap().name, "nistP256");
        assert_eq!(one.export_policy, Some(ExportPolicy::ENCRYPTED));
        assert_eq!(one.usage, Some(KeyUsage::SIGN | KeyUsage::AGREE));
        assert_eq!(one.id.as_deref(), Some(&[0, 0xFF, 0x10][..]));
        assert_eq!(one.file_path(), Path::new("keys/sub/web.key"));
        assert_eq!(one.certificate_path().as_deref(), Some(Path::new("keys/web.crt")));
        assert!(!one.is_named_by_file);
    }
    let clear = entries(json(as_json(&in_the_clear())));
    assert_eq!(clear[0].password_source, Some(PasswordSource::Variable("WEB_PASSWORD".to_owned())));
    assert_eq!(clear[0].key.as_deref(), Some("2"));
    let wrapped = entries(json(as_json(&wrapped())));
    assert_eq!(wrapped[0].unwrap_key.as_deref(), Some("kek"));
    assert_eq!(wrapped[0].scheme.unwrap().name(), "rsa-oaep");
    assert_eq!(wrapped[0].oaep_hash.unwrap().name(), "SHA256");
}

#[test]
fn what_is_not_said_is_absent() {
    let texts = [
        json("{\"file\":\"a\"}"),
        json("{\"file\":\"a\",\"type\":\"auto\",\"name\":null}"),
        csv("file\na"),
        csv("file,type,name,usage\na,,,\n"),
    ];
    for manifest in texts {
        let entries = entries(manifest);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].to_json(), "{\"file\":\"a\"}");
        assert!(entries[0].format.is_none() && entries[0].name.is_none() && entries[0].usage.is_none());
    }
}

#[test]
fn all_usages_and_no_policy_are_written_as_they_are_read() {
    let text = "{\"file\":\"a\",\"export_policy\":\"none\",\"usage\":\"all\"}";
    assert_eq!(entries(json(text))[0].to_json(), text);
    let text = "{\"file\":\"a\",\"export_policy\":\"plaintext\",\"usage\":\"sign\"}";
    assert_eq!(entries(json(text))[0].to_json(), text);
}

#[test]
fn the_digest_is_of_what_is_meant_and_of_its_order() {
    let one = "{\"file\":\"a\",\"type\":\"pfx\",\"id\":\"AB:cd\"}\n{\"file\":\"b\"}\n";
    let same = "\u{FEFF}\n{ \"id\": \"abCD\", \"type\": \"PKCS12\", \"file\": \"\\u0061\" }\r\n\r\n{\"file\":\"b\",\"key\":null}";
    let table = "\u{FEFF}id,file,type\r\nabcd,a,pkcs12\r\n\r\n,b,auto\r\n";
    let known = digest(json(one)).unwrap();
    assert_eq!(digest(json(same)), Some(known));
    assert_eq!(digest(csv(table)), Some(known));
    // printf '%s\n' '{"file":"a","type":"pkcs12","id":"abcd"}' '{"file":"b"}' | sha256sum
    let hex: String = known.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "91dc7080a0f42880f35b235c20e6584af48ec4f6afc689ed1924ae381101517c");
    let others = ["{\"file\":\"b\"}\n{\"file\":\"a\",\"type\":\"pfx\",\"id\":\"abcd\"}\n", "{\"file\":\"b\"}\n", ""];
    for other in others {
        assert_ne!(digest(json(other)).unwrap(), known, "{other}");
    }
    // Not before its end, and never of one that is wrong.
    let mut manifest = json(one);
    manifest.next();
    assert_eq!((manifest.digest(), manifest.entries()), (None, 1));
    assert_eq!(digest(json("{\"file\":\"a\"}\n{\"fil\":\"b\"}\n")), None);
}

#[test]
fn csv_is_read_as_rfc_4180_has_it() {
    let names = |text: &str| -> Vec<String> {
        entries(csv(text))
            .iter()
            .map(|entry| entry.name.as_ref().map(ToString::to_string).unwrap_or_default())
            .collect()
    };
    assert_eq!(names("file,name\na,x\r\nb,y"), ["x", "y"]);
    assert_eq!(names("file,name\r\na,\"x,y\"\r\n"), ["x,y"]);
    assert_eq!(names("\"file\",\"name\"\na,\"x\"\"y\"\n"), ["x\"y"]);
    assert_eq!(names("file,name\na,\"\"\"\"\n"), ["\""]);
    assert_eq!(names("file,name\na,\"\"\nb,y\n"), ["", "y"]);
    assert_eq!(names("file,name\na,\"one\r\ntwo\nthree\"\r\nb,y\r\n"), ["one\r\ntwo\nthree", "y"]);
    assert_eq!(names("name,file\n\"x\",a\n\n,\n y ,b\n"), ["x", " y "]);
    // Lines are counted in the text, not by records.
    let lines: Vec<u64> = entries(csv("file,name\n\na,\"1\n2\n3\"\n\nb,y\n")).iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [3, 7]);
}

#[test]
fn what_csv_has_no_rule_for_ends_the_reading_and_says_where() {
    for (text, expected) in [
        ("file,name\na,x\"y\"\n", "line 2: a quotation mark stands in a field that does not begin with one"),
        ("file,name\na,\"x\"y\n", "line 2: text stands behind a closing quotation mark"),
        ("file,name\nb,\"x\ny\"\na,\"x\ny\n", "line 4: a field in quotation marks does not end"),
        ("file,name\ra,x\r", "line 1: a carriage return stands without a line feed"),
        ("", "line 1: there is no header"),
        ("name\nx\n", "line 1, `file`: the column is missing"),
        ("file,file\na,b\n", "line 1, `file`: the column stands there twice"),
        ("file;name\na;x\n", "line 1, `file;name`: unknown column"),
        // A password, and a key: nothing of them is told.
        ("correct horse, battery\n", "line 1: the first line names no column of a manifest"),
        ("profile of a horse, battery\n", "line 1: the first line names no column of a manifest"),
        ("-----BEGIN PRIVATE KEY-----\nMC4C\n", "line 1: the first line names no column of a manifest"),
        (
            "file,File\na,x\n",
            "line 1, `File`: unknown column; did you mean file?; known are file, type, name, algorithm",
        ),
    ] {
        let mut manifest = csv(text);
        let errors: Vec<_> = manifest.by_ref().filter_map(Result::err).map(|error| error.to_string()).collect();
        assert!(errors.len() == 1 && errors[0].contains(expected), "{text:?}: {errors:?}");
        assert!(errors[0].starts_with("keys/m.csv, "), "{errors:?}");
        assert!(manifest.digest().is_none() && manifest.next().is_none());
    }
    // Fields that are too many or too few are the fault of one record.
    assert_eq!(
        errors(csv("file,name\na\nb,x,y\nc,z\n")),
        [
            "keys/m.csv, line 2: it has 1 fields, and the header has 2",
            "keys/m.csv, line 3: it has 3 fields, and the header has 2"
        ]
    );
}

#[test]
fn every_wrong_value_is_told_with_its_line_and_its_member() {
    for (member, value, expected) in [
        ("file", "", "it is empty"),
        ("file", "-", "standard input"),
        ("file", "a\u{0}b", "NUL"),
        ("type", "pkcs8pem", "did you mean pkcs8-pem?"),
        ("type", "pem", "PEM is an encoding"),
        ("name", "", "it is empty"),
        ("name", "a\u{0}b", "NUL"),
        ("name", "pkcs11:object=a", "URI"),
        ("algorithm", "RSAA", "did you mean RSA?"),
        ("curve", "nistP257", "did you mean nistP256?"),
        ("export_policy", "all", "none, encrypted, plaintext"),
        ("usage", "sign,fly", "`fly` is none of"),
        ("id", "abc", "not hexadecimal"),
        ("id", "", "not hexadecimal"),
        ("certificate", "", "it is empty"),
        ("key", "", "it is empty"),
        ("unwrap_key", "", "it is empty"),
        ("scheme", "kwpp", "did you mean kwp?"),
        ("oaep_hash", "MD5", "unknown hash"),
    ] {
        let mut members = vec![("file", "f")];
        members.retain(|(name, _)| *name != member);
        members.push((member, value));
        let wrong = format!("{{\"file\":\"first\"}}\n{}{{\"file\":\"last\"}}\n", as_json(&members));
        let outcomes: Vec<_> = json(wrong).collect();
        let [Ok(_), Err(error), Ok(last)] = outcomes.as_slice() else { panic!("{member}: {outcomes:?}") };
        assert!(error.to_string().starts_with(&format!("keys/m.jsonl, line 2, `{member}`: ")), "{error}");
        assert!(error.to_string().contains(expected), "{member}: {error}");
        assert!(error.hint().is_some());
        assert_eq!((last.number, last.line), (2, 3));
        if !value.is_empty() {
            let table = errors(csv(as_csv(&members)));
            assert!(table.len() == 1 && table[0].contains(expected) && table[0].contains(", line 2, "), "{table:?}");
        }
    }
    let long = format!("{{\"file\":\"f\",\"id\":\"{}\"}}", "ab".repeat(201));
    assert!(errors(json(long))[0].contains("201 bytes"));
}

#[test]
fn a_password_is_no_source_and_stands_in_no_message() {
    for source in
        ["hunter2", "pass:hunter2", "HUNTER2:x", "env:", "file:", "fd:3", "prompt", "-", "env:A=hunter2", "env"]
    {
        let found = json(format!("{{\"file\":\"f\",\"password_source\":\"{source}\"}}")).next().unwrap();
        let error = found.unwrap_err();
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(text.contains("`password_source`") && text.contains("env:NAME or file:PATH"), "{source}: {text}");
        assert!(!text.to_lowercase().contains("hunter2"), "{source}: {text}");
    }
    let entry = entries(json("{\"file\":\"f\",\"password_source\":\"file:pw.txt\"}")).remove(0);
    let source = entry.password_source.unwrap();
    assert_eq!(source.path(&entry.folder).unwrap(), Path::new("keys/pw.txt"));
}

#[test]
fn passwords_are_read_beside_the_manifest() {
    use secrecy::ExposeSecret;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pw.txt"), "correct horse\nanother line\n").unwrap();
    std::fs::write(folder.path().join("m.jsonl"), "{\"file\":\"f\",\"password_source\":\"file:pw.txt\"}\n").unwrap();
    let entry = Manifest::open(&folder.path().join("m.jsonl")).unwrap().next().unwrap().unwrap();
    let password = entry.password_source.unwrap().read(&entry.folder, "password of f").unwrap();
    assert_eq!(password.expose_secret(), "correct horse");
    let missing = PasswordSource::Variable("CNG11_TEST_NOT_SET".to_owned()).read(&entry.folder, "password of f");
    assert!(missing.unwrap_err().to_string().contains("the variable CNG11_TEST_NOT_SET is not set"));
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (members, member) in [
        ("\"scheme\":\"kwp\"", "scheme"),
        ("\"oaep_hash\":\"sha1\"", "oaep_hash"),
        ("\"unwrap_key\":\"kek\",\"key\":\"1\"", "key"),
        ("\"unwrap_key\":\"kek\",\"password_source\":\"env:P\"", "password_source"),
    ] {
        let found = errors(json(format!("{{\"file\":\"f\",{members}}}")));
        assert!(found.len() == 1 && found[0].contains(&format!("line 1, `{member}`")), "{found:?}");
    }
    assert!(errors(json("{\"name\":\"a\"}"))[0].contains("line 1, `file`: it is missing"));
}

#[test]
fn lines_that_are_no_entries_are_told_and_passed_over() {
    let text = "{\"file\":\"a\",\"fil\":\"b\"}\n[{\"file\":\"a\"}]\n{\n{\"file\":\"a\"} {\"file\":\"b\"}\n{\"file\":\"a\",\"file\":\"b\"}\n\
                {\"file\":1}\n{\"file\":\"a\",\"usage\":[\"sign\"]}\nfile,name\n";
    let found: Vec<_> = json(text).map(|outcome| outcome.unwrap_err()).collect();
    let texts: Vec<_> = found.iter().map(|error| error.to_string().replace("keys/m.jsonl, ", "")).collect();
    let known = "file, type, name, algorithm, curve, export_policy, usage, id, password_source, certificate, key, unwrap_key, scheme, oaep_hash";
    assert_eq!(texts.len(), 8, "{texts:?}");
    assert_eq!(texts[0], format!("line 1, `fil`: unknown member; did you mean file?; known are {known}"));
    assert_eq!(texts[1], "line 2: it is not an object, at byte 1 of the line");
    assert!(texts[2].starts_with("line 3: a member has no name"), "{texts:?}");
    assert!(found[2].hint().unwrap().contains("jq -c ."), "{found:?}");
    assert!(texts[3].starts_with("line 4: something follows the value"), "{texts:?}");
    assert!(texts[4].starts_with("line 5: its name stands there twice"), "{texts:?}");
    assert_eq!(texts[5..7], ["line 6, `file`: it is not a string", "line 7, `usage`: it is not a string"]);
    assert!(texts[7].starts_with("line 8: it is no JSON value"), "{texts:?}");
    let long = format!("{{\"{}\":1}}", "x".repeat(60_000));
    assert!(errors(json(long))[0].len() < 500);
}

#[test]
fn one_name_twice_is_told_with_both_lines() {
    let found = errors(json(
        "{\"file\":\"a\",\"name\":\"web\"}\n\n{\"file\":\"b\"}\n{\"file\":\"c\"}\n{\"file\":\"d\",\"name\":\"web\"}\n",
    ));
    assert_eq!(found, ["keys/m.jsonl, line 5, `name`: line 1 has the name `web` already"]);
    let found = errors(csv("file,name\na,web\nb,Web\nc,web\n"));
    assert_eq!(found, ["keys/m.csv, line 4, `name`: line 2 has the name `web` already"]);
}

#[test]
fn an_entry_of_64_kib_is_the_longest() {
    let entry = |length: usize| {
        let rest = "{\"file\":\"\"}".len();
        format!("{{\"file\":\"{}\"}}", "x".repeat(length - rest))
    };
    assert_eq!(entries(json(entry(65536))).len(), 1);
    assert_eq!(entries(json(format!("{}\n{{\"file\":\"b\"}}", entry(65536)))).len(), 2);
    // The next line is read all the same.
    let outcomes: Vec<_> = json(format!("{}\n{{\"file\":\"b\"}}\n", entry(65537))).collect();
    let [Err(error), Ok(entry)] = outcomes.as_slice() else { panic!() };
    assert!(error.to_string().ends_with("line 1: it is longer than 64 KiB"), "{error}");
    assert_eq!(entry.line, 2);
    // A quotation mark that is not closed does not take in the rest of a large file.
    let found = errors(csv(format!("file,name\na,\"{}", "x\n".repeat(100_000))));
    assert_eq!(found, ["keys/m.csv, line 2: it is longer than 64 KiB"]);
}

#[test]
fn what_is_not_utf_8_is_refused() {
    assert_eq!(
        errors(json(b"{\"file\":\"a\"}\n{\"file\":\"\xFF\"}\n{\"file\":\"b\"}\n")),
        ["keys/m.jsonl, line 2: it is not UTF-8"]
    );
    assert_eq!(errors(csv(b"file\na\n\xE9\n")), ["keys/m.csv, line 3: it is not UTF-8"]);
    // As Windows writes "Unicode".
    let utf_16: Vec<u8> =
        [0xFEFF_u16].into_iter().chain("file\r\na\r\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(errors(csv(utf_16)), ["keys/m.csv, line 1: it is not UTF-8"]);
}

#[test]
fn the_form_is_told_by_the_name_and_else_by_the_text() {
    for (name, text, form) in [
        ("m.jsonl", "", Form::JsonLines),
        ("m.NDJSON", "", Form::JsonLines),
        ("m.json", "file", Form::JsonLines),
        ("m.csv", "{", Form::Csv),
        ("m", "\u{FEFF} \r\n\t{\"file\":\"a\"}", Form::JsonLines),
        ("m.txt", "file\na", Form::Csv),
        ("m.txt", "", Form::Csv),
    ] {
        assert_eq!(manifest(name, text).form(), form, "{name} {text:?}");
    }
    // The mark that the recognition has seen is still passed over.
    assert_eq!(entries(manifest("m", "\u{FEFF} \r\n\t{\"file\":\"a\"}")).len(), 1);
    assert_eq!(entries(manifest("m", "\u{FEFF}file\na\n")).len(), 1);
}

fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::write(folder.path().join(file), b"x").unwrap();
    }
    folder
}

#[test]
fn a_folder_is_its_files_by_their_names() {
    let keys = folder(&["b.key", "a.pem", "C", "web.2024.pfx", ".hidden", "a b.der"]);
    std::fs::create_dir(keys.path().join("more")).unwrap();
    std::fs::write(keys.path().join("more/d.key"), b"x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(keys.path().join("more/d.key"), keys.path().join("d")).unwrap();
    let manifest = Manifest::open(keys.path()).unwrap();
    assert_eq!((manifest.form(), manifest.folders_passed_over()), (Form::Folder, 1));
    let found = entries(manifest);
    let names: Vec<_> =
        found.iter().map(|entry| (entry.number, entry.file.as_str(), entry.name.as_ref().unwrap().as_str())).collect();
    let mut expected = vec![
        (0, "C", "C"),
        (1, "a b.der", "a b"),
        (2, "a.pem", "a"),
        (3, "b.key", "b"),
        (4, "web.2024.pfx", "web.2024"),
    ];
    if cfg!(unix) {
        expected.insert(4, (4, "d", "d"));
        expected[5].0 = 5;
    }
    assert_eq!(names, expected);
    assert!(found.iter().all(|entry| entry.is_named_by_file && entry.file_path().is_file()));
    // As a manifest says the same.
    let same: String = found.iter().map(|entry| entry.to_json() + "\n").collect();
    assert_eq!(digest(Manifest::open(keys.path()).unwrap()), digest(json(same)));
    assert_eq!(entries(Manifest::open(folder(&[]).path()).unwrap()).len(), 0);
}

#[test]
fn files_that_would_give_one_name_twice_are_named() {
    let keys = folder(&["a.pem", "a b.der", "a.key"]);
    let error = Manifest::open(keys.path()).err().unwrap();
    assert!(error.to_string().ends_with("the files `a.key` and `a.pem` would both be imported as `a`"), "{error}");
    assert!(error.hint().unwrap().contains("certificate"));
}

#[test]
fn a_manifest_in_a_folder_is_what_is_meant() {
    for (name, text) in [("manifest.jsonl", "{\"file\":\"a.pem\"}\n"), ("manifest.csv", "file\na.pem\n")] {
        let keys = folder(&["a.pem", "a.key", "b.key"]);
        std::fs::write(keys.path().join(name), text).unwrap();
        let manifest = Manifest::open(keys.path()).unwrap();
        assert_eq!(manifest.path(), keys.path().join(name));
        let found = entries(manifest);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file_path(), keys.path().join("a.pem"));
    }
    let both = folder(&["manifest.jsonl", "manifest.csv"]);
    let error = Manifest::open(both.path()).err().unwrap();
    assert!(error.to_string().ends_with("it holds both manifest.jsonl and manifest.csv"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_gives_no_name_or_leads_nowhere_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let keys = folder(&[]);
    std::fs::write(keys.path().join(std::ffi::OsStr::from_bytes(b"\xFF.key")), b"x").unwrap();
    assert!(Manifest::open(keys.path()).err().unwrap().to_string().contains("not UTF-8"));
    let keys = folder(&[]);
    std::os::unix::fs::symlink("nowhere", keys.path().join("a")).unwrap();
    let error = Manifest::open(keys.path()).err().unwrap();
    assert!(matches!(&error, Error::Manifest { path, .. } if path.ends_with("a")), "{error}");
    let error = Manifest::open(&keys.path().join("absent.csv")).err().unwrap();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
}

/// Entries that are made as they are read.
struct Endless {
    next: u32,
    count: u32,
    line: Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.line.position() == self.line.get_ref().len() as u64 && self.next < self.count {
            let mut line = String::new();
            let number = self.next;
            writeln!(line, "{{\"file\":\"keys/{number:07}.key\",\"name\":\"key {number}\",\"usage\":\"sign\"}}")
                .unwrap();
            self.line = Cursor::new(line.into_bytes());
            self.next += 1;
        }
        self.line.read(out)
    }
}

#[test]
fn a_manifest_is_read_as_a_stream_up_to_its_bound() {
    let endless = |count| {
        let text = BufReader::new(Endless { next: 0, count, line: Cursor::new(Vec::new()) });
        Manifest::read(text, Path::new("m.jsonl"), None).unwrap()
    };
    let mut manifest = endless(200_000);
    for (number, entry) in (0..).zip(manifest.by_ref()) {
        let entry = entry.unwrap();
        assert_eq!((entry.number, entry.line), (number, u64::from(number) + 1));
    }
    assert_eq!(manifest.entries(), 200_000);
    assert!(manifest.digest().is_some());
    let mut manifest = endless(u32::MAX);
    let good = manifest.by_ref().take_while(Result::is_ok).count();
    assert_eq!(good, MAX_ENTRIES as usize);
    assert!(manifest.next().is_none() && manifest.digest().is_none());
}

/// A cell as RFC 4180 lets it be written: in quotation marks where it must be, or anyway.
fn cell(text: &str, anyway: bool) -> String {
    let must = text.contains(['"', ',', '\r', '\n']);
    if must || anyway { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec!["\"", ",", "\r\n", "\n", "\r", " ", "é", "🔑", "\\", "{"]).prop_map(str::to_owned),
        "[^\0]{1,4}"
    ];
    vec(piece, 1..8).prop_map(|pieces| pieces.concat()).prop_filter("stdin", |text| text != "-")
}

/// Texts made of what means something in one form or the other.
fn nearly_a_manifest() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "\"",
        ",",
        ":",
        "\n",
        "\r\n",
        "\r",
        "file",
        "name",
        "usage",
        "key",
        "sign",
        "a",
        "\"file\":\"a\"",
        "{\"file\":\"b\"}\n",
        "file,name\n",
        "a,b\n",
        "\\u0000",
        "\0",
        "null",
        "[",
        "\u{FEFF}",
        "é",
    ];
    vec(
        prop_oneof![9 => select(words.map(|word| word.as_bytes().to_vec()).to_vec()), 1 => vec(any::<u8>(), 1..3)],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_comes_out_of_both_forms_as_it_went_in(rows in vec((any_text(), any_text(), any::<[bool; 2]>()), 1..6)) {
        let mut table = "file,key\r\n".to_owned();
        let mut lines = String::new();
        for (file, key, [one, other]) in &rows {
            write!(table, "{},{}\r\n", cell(file, *one), cell(key, *other)).unwrap();
            writeln!(lines, "{{\"key\":{},\"file\":{}}}", serde_json::Value::from(key.as_str()), serde_json::Value::from(file.as_str())).unwrap();
        }
        let (from_table, from_lines) = (entries(csv(&table)), entries(json(&lines)));
        prop_assert_eq!(from_table.len(), rows.len());
        for ((file, key, _), (one, other)) in rows.iter().zip(from_table.iter().zip(&from_lines)) {
            prop_assert_eq!((&one.file, one.key.as_ref()), (file, Some(key)));
            prop_assert_eq!((&other.file, other.key.as_ref()), (file, Some(key)));
        }
        prop_assert_eq!(digest(csv(&table)).unwrap(), digest(json(&lines)).unwrap());
    }

    #[test]
    fn whatever_is_read_ends_and_what_was_taken_is_taken_again(text in nearly_a_manifest(), form in select(vec!["m.jsonl", "m.csv", "m"])) {
        let lines = text.split(|byte| *byte == b'\n').count();
        let outcomes: Vec<_> = manifest(form, &text).collect();
        prop_assert!(outcomes.len() <= lines + 1);
        let good: Vec<&Entry> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        let again: String = good.iter().map(|entry| entry.to_json() + "\n").collect();
        let again = entries(json(again));
        prop_assert_eq!(again.len(), good.len());
        for (one, other) in good.iter().zip(&again) {
            prop_assert_eq!(one.to_json(), other.to_json());
            prop_assert!(!one.file.is_empty() && usize::try_from(one.line).unwrap() <= lines);
        }
    }
}
