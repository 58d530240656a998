use super::*;
use crate::template::Template;

fn value(text: &str) -> Value {
    Addition::parse(text).unwrap().value().clone()
}

fn problem(text: &str) -> String {
    Addition::parse(text).unwrap_err().to_string()
}

#[test]
fn each_form_is_read_in_each_of_its_ways() {
    for (text, expected) in [
        ("CKA_WRAP_WITH_TRUSTED=true", Value::Flag(true)),
        ("wrap_with_trusted=False", Value::Flag(false)),
        ("0x210=bool:TRUE", Value::Flag(true)),
        ("cka_end_date = 2024-02-29 ", Value::Date(*b"20240229")),
        ("ALLOWED_MECHANISMS=CKM_ECDSA, 0x1043,rsa_pkcs", Value::Mechanisms(vec![0x1041, 0x1043, 1])),
        ("SUBJECT=hex:30:00", Value::Bytes(vec![0x30, 0])),
        ("Subject=text: a b ", Value::Bytes(b" a b ".to_vec())),
        ("0x80001234=hex:", Value::Bytes(Vec::new())),
        ("0X80001234=ulong:0xfF", Value::Number(255)),
        ("0x80001234=ulong:4711", Value::Number(4711)),
        ("0x80001234=bool:false", Value::Flag(false)),
        ("0x80001234=text:=;}{", Value::Bytes(b"=;}{".to_vec())),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    let Value::Nested(inside) =
        value("UNWRAP_TEMPLATE={ SENSITIVE=true; CLASS=CKO_SECRET_KEY;key_type=aes ;0x80000001=hex:01}")
    else {
        panic!("no template");
    };
    let texts: Vec<_> = inside.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["CKA_SENSITIVE=true", "CKA_CLASS=CKO_SECRET_KEY", "CKA_KEY_TYPE=CKK_AES", "0x80000001=hex:01"]);
}

#[test]
fn what_is_written_out_is_read_again_as_the_same() {
    for text in [
        "CKA_ALLOWED_MECHANISMS=CKM_ECDSA,0x80000007",
        "CKA_START_DATE=2026-01-31",
        "CKA_UNWRAP_TEMPLATE={CKA_EXTRACTABLE=false;CKA_VALUE_LEN=32;CKA_ALLOWED_MECHANISMS=CKM_AES_GCM,CKM_AES_CBC}",
        "CKA_SUBJECT=hex:3000",
    ] {
        assert_eq!(Addition::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_is_wrong_is_said_with_where() {
    for (text, expected) in [
        ("WRAP_WITH_TRUSTED", "`WRAP_WITH_TRUSTED` has no `=` with a value behind it"),
        ("NONSENSE=1", "`NONSENSE` is no attribute of keys that is known here"),
        ("0xZZ=hex:00", "`0xZZ` is no attribute of keys that is known here"),
        ("0x1FFFFFFFFFFFFFFFF=hex:00", "`0x1FFFFFFFFFFFFFFFF` is no attribute of keys that is known here"),
        ("COPYABLE=yes", "the value of CKA_COPYABLE is not valid at offset 9: `yes` is neither true nor false"),
        (
            "END_DATE=2026-02-29",
            "the value of CKA_END_DATE is not valid at offset 9: `2026-02-29` is no day, as in 2026-12-31",
        ),
        (
            "END_DATE=2026-13-01",
            "the value of CKA_END_DATE is not valid at offset 9: `2026-13-01` is no day, as in 2026-12-31",
        ),
        ("END_DATE=", "the value of CKA_END_DATE is not valid at offset 9: `` is no day, as in 2026-12-31"),
        (
            "ALLOWED_MECHANISMS=CKM_ECDSA,CKM_NONE",
            "the value of CKA_ALLOWED_MECHANISMS is not valid at offset 29: `CKM_NONE` is no number of 64 bits, decimal or 0x…, and no name such as CKM_AES_CBC",
        ),
        (
            "ALLOWED_MECHANISMS=CKM_ECDSA,0x1041",
            "the value of CKA_ALLOWED_MECHANISMS is not valid at offset 29: CKM_ECDSA stands there twice",
        ),
        ("SUBJECT=3000", "the value of CKA_SUBJECT is not valid at offset 8: bytes are written hex:… or text:…"),
        ("SUBJECT=hex:0g", "the value of CKA_SUBJECT is not valid at offset 13: `g` is no hexadecimal digit"),
        ("SUBJECT=hex:000", "the value of CKA_SUBJECT is not valid at offset 15: an odd number of hexadecimal digits"),
        (
            "0x80001234=17",
            "the value of 0x80001234 is not valid at offset 11: the attribute is not known here, so its value says what it is: hex:…, text:…, ulong:… or bool:…",
        ),
        (
            "0x80001234=ulong:+1",
            "the value of 0x80001234 is not valid at offset 17: `+1` is no number of 64 bits, decimal or 0x…",
        ),
        (
            "0x80001234=ulong:0x10000000000000000",
            "the value of 0x80001234 is not valid at offset 17: `0x10000000000000000` is no number of 64 bits, decimal or 0x…",
        ),
        (
            "UNWRAP_TEMPLATE=SENSITIVE=true",
            "the value of CKA_UNWRAP_TEMPLATE is not valid at offset 16: attributes inside stand in braces: {NAME=VALUE;NAME=VALUE}",
        ),
        (
            "UNWRAP_TEMPLATE={}",
            "the value of CKA_UNWRAP_TEMPLATE is not valid at offset 17: the braces name no attribute",
        ),
        ("UNWRAP_TEMPLATE={SENSITIVE=true;}", "`` has no `=` with a value behind it"),
        ("UNWRAP_TEMPLATE={SIGN=true;CKA_SIGN=false}", "CKA_SIGN is given twice"),
        (
            "UNWRAP_TEMPLATE={SIGN=true; DERIVE=1}",
            "the value of CKA_DERIVE is not valid at offset 35: `1` is neither true nor false",
        ),
        (
            "UNWRAP_TEMPLATE={WRAP_TEMPLATE={SIGN=true}}",
            "the value of CKA_WRAP_TEMPLATE is not valid at offset 31: attributes inside an attribute have none inside themselves",
        ),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
}

#[test]
fn everything_is_bounded() {
    assert!(matches!(Addition::parse(&format!("SUBJECT=text:{}", "x".repeat(20_000))), Err(Error::TooLong { .. })));
    let many: Vec<_> = (0..65).map(|number: u32| format!("0x8000{number:04X}=bool:true")).collect();
    assert_eq!(Additions::parse(&many).unwrap_err(), Error::TooMany { most: 64 });
    assert_eq!(Additions::parse(&many[..64]).map(|all| all.iter().count()), Ok(64));
    let inside = format!("UNWRAP_TEMPLATE={{{}}}", many.join(";"));
    assert_eq!(Addition::parse(&inside).unwrap_err(), Error::TooMany { most: 64 });
    let numbers: Vec<_> = (0..65).map(|number| number.to_string()).collect();
    let list = format!("ALLOWED_MECHANISMS={}", numbers.join(","));
    assert!(problem(&list).ends_with("more than 64 mechanisms"), "{}", problem(&list));
    // A text that is said back is short.
    assert!(problem(&format!("COPYABLE={}", "y".repeat(10_000))).len() < 200);
}

#[test]
fn what_something_else_says_is_refused_by_name_and_by_number() {
    for (text, owner) in [
        ("LABEL=text:x", "--name"),
        ("0x3=text:x", "--name"),
        ("ID=hex:01", "--id"),
        ("SENSITIVE=true", "--export-policy"),
        ("EXTRACTABLE=true", "--export-policy"),
        ("SIGN=true", "--usage"),
        ("0x108=bool:true", "--usage"),
        ("VALUE=hex:00", "the key itself"),
        ("EC_PARAMS=hex:00", "the key itself"),
        ("0xD5A0DB00=hex:00", "the key itself"),
        ("CLASS=CKO_SECRET_KEY", "--algorithm"),
        ("KEY_TYPE=aes", "--algorithm"),
        ("TOKEN=true", "always"),
        ("PRIVATE=false", "always"),
        ("LOCAL=true", "the token"),
        ("DESTROYABLE=false", "taken back"),
    ] {
        let error = Additions::parse(&[text]).unwrap_err();
        assert!(matches!(error, Error::Owned { .. }), "{text}: {error:?}");
        assert!(error.to_string().contains(owner), "{text}: {error}");
    }
    // Of a list of attributes that has no name here, bytes would be taken for pointers.
    assert!(matches!(Addition::parse("0x40000999=hex:00").unwrap_err(), Error::Value { .. }));
    assert!(Addition::parse("0xCE534351=hex:00").is_ok());
    let twice = Additions::parse(&["COPYABLE=true", "0x17=bool:false", "CKA_COPYABLE=false"]).unwrap_err();
    assert_eq!(twice.to_string(), "CKA_COPYABLE is given twice");
    // Inside, each may stand: it is about another key.
    assert!(Additions::parse(&["UNWRAP_TEMPLATE={LABEL=text:x;SIGN=true;TOKEN=true}"]).is_ok());
}

#[test]
fn what_an_object_has_is_compared_as_what_it_is() {
    let asked = Addition::parse("ALLOWED_MECHANISMS=1,2").unwrap();
    let ulongs =
        |numbers: &[cryptoki_sys::CK_ULONG]| numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<_>>();
    assert!(asked.equals(&asked.with_bytes(&ulongs(&[2, 1]))));
    assert!(!asked.equals(&asked.with_bytes(&ulongs(&[1]))));
    assert!(!asked.equals(&asked.with_bytes(&ulongs(&[1, 2, 3]))));
    assert!(!asked.equals(&asked.with_bytes(b"123")));
    assert_eq!(asked.with_bytes(b"123").text(), "hex:313233");
    let asked = Addition::parse("UNWRAP_TEMPLATE={SIGN=true;DERIVE=false}").unwrap();
    let inside = |texts: &[&str]| {
        let inside = texts.iter().map(|text| Addition::parse(text).unwrap()).collect();
        Addition::nesting(asked.kind(), inside)
    };
    assert!(asked.equals(&inside(&["DERIVE=false", "SIGN=true"])));
    assert!(!asked.equals(&inside(&["DERIVE=false"])));
    assert!(!asked.equals(&inside(&["DERIVE=true", "SIGN=true"])));
}

#[test]
fn a_template_has_them_with_what_is_inside() {
    let additions = Additions::parse(&["COPYABLE=false", "WRAP_TEMPLATE={SIGN=true;VALUE_LEN=16}"]).unwrap();
    let template = additions.added_to(Template::new().flag(CKA_SIGN, false));
    assert_eq!(format!("{template:?}"), "[CKA_SIGN, CKA_COPYABLE, CKA_WRAP_TEMPLATE]");
    let inside: Vec<_> = template.iter_nested().map(|(_, inside)| format!("{inside:?}")).collect();
    assert_eq!(inside, ["[CKA_SIGN, CKA_VALUE_LEN]"]);
}
