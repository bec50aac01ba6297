//! The parser against serde_json, and where they differ on purpose.

use super::*;
use proptest::prelude::*;

fn accepts(text: &str) -> bool {
    let mut parser = Parser::new(text);
    parser.skip().and_then(|()| parser.end()).is_ok()
}

/// Any JSON, with strings that need escapes.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[a-z\"\\\\\n\u{1}é\u{1f600}]{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(".{0,12}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn same(value: &Value, other: &serde_json::Value) -> bool {
    match (value, other) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Boolean(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Integer(a), serde_json::Value::Number(b)) => Some(*a) == b.as_i64(),
        (Value::Double(a), serde_json::Value::Number(b)) => b.as_f64().is_some_and(|b| a.to_bits() == b.to_bits()),
        (Value::String(a), serde_json::Value::String(b)) => a == b,
        (Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn every_value_is_read_as_serde_json_reads_it(json in json(), pretty in any::<bool>()) {
        let text = if pretty { format!("{json:#}") } else { json.to_string() };
        let mut parser = Parser::new(&text);
        let value = crate::source::json::value::value(&mut parser, crate::source::json::value::Style::Json);
        prop_assert!(value.is_ok_and(|value| same(&value, &json)), "{text}");
        prop_assert!(parser.end().is_ok());
    }

    #[test]
    fn damaged_text_is_refused_exactly_where_serde_json_refuses_it(
        json in json(), at in any::<prop::sample::Index>(), byte in "[ -~\n\u{1}]", cut in any::<bool>(),
    ) {
        let mut text = json.to_string();
        let mut at = at.index(text.len());
        while !text.is_char_boundary(at) { at -= 1; }
        if cut { text.truncate(at); } else { text.insert_str(at, &byte); }
        // serde_json refuses two things as syntax that are values to be rejected here.
        let theirs: Result<&serde_json::value::RawValue, _> = serde_json::from_str(&text);
        let beyond = matches!(&theirs, Err(error) if error.to_string().contains("surrogate")
            || error.to_string().contains("out of range"));
        prop_assume!(!beyond);
        let mut parser = Parser::new(&text);
        let ours = parser.skip().and_then(|()| parser.end());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, text);
    }

    #[test]
    fn the_end_of_plain_text_is_found_at_every_place(text in "[a-z \"\\\\\u{1}\u{7f}é\u{1f600}]{0,40}", start in 0usize..8) {
        let bytes = text.as_bytes();
        let start = start.min(bytes.len());
        let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
        let expected = bytes[start..].iter().position(special).map_or(bytes.len(), |at| start + at);
        prop_assert_eq!(plain_end(bytes, start), expected);
    }
}

#[test]
fn json_is_read_strictly() {
    for text in ["0", "-0", "1e5", "-1.5E-7", r#""\ud83d\ude00\u0000""#, "[ ]", "{ }", " [1 , {\"a\" : null}]\r\n"] {
        assert!(accepts(text), "{text}");
    }
    for text in [
        "",
        " ",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "--1",
        "tru",
        "nul",
        "True",
        "'a'",
        "\"a",
        "\"\t\"",
        r#""\x""#,
        r#""\u12g4""#,
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "[",
        "{]",
        "1 2",
        "NaN",
        "Infinity",
        "\u{feff}1",
    ] {
        assert!(!accepts(text), "{text}");
    }
}

#[test]
fn half_a_character_and_endless_nesting_are_rejects_not_syntax_errors() {
    for text in [r#""\ud800""#, r#""\ud800\u0041""#, r#""\udc00""#] {
        let rejected = Parser::new(text).skip();
        assert!(matches!(rejected, Err(Fault::Reject(r)) if r.code == RejectCode::InvalidUtf8), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(Parser::new(&deep).skip(), Err(Fault::Reject(_))));
}

#[test]
fn syntax_errors_say_where_and_what() {
    let mut parser = Parser::new(r#"{"a": 1, "é": tru }"#);
    let Err(Fault::Syntax { at, message }) = parser.skip() else { panic!("it is broken") };
    assert_eq!((at, message.as_str()), (15, "expected a JSON value, found `t`"));
}
