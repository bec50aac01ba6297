//! Transforms and lookups.

use super::*;
use fireferry::domain::mapping::{Lookup, LookupMissing, NegativeZero, Transform};
use std::sync::Arc;

fn transformed(transforms: &[Transform], json: &str) -> Result<SqlValue, RejectCode> {
    stored(|column| column.transforms = transforms.to_vec(), &format!("{{\"v\":{json}}}")).map_err(|(code, _)| code)
}

#[test]
fn null_passes_every_transform() {
    for transform in Transform::ALL {
        assert_eq!(transformed(&[*transform], "null"), Ok(SqlValue::Null), "{transform:?}");
    }
}

#[test]
fn texts_are_trimmed_and_change_case() {
    use Transform::{EmptyToNull, Lowercase, Trim, Uppercase};
    assert_eq!(transformed(&[Trim, Lowercase], "\"\u{a0} ÀÉ@X.org \\n\""), Ok(text("àé@x.org")));
    assert_eq!(transformed(&[Uppercase], "\"straße\""), Ok(text("STRASSE")));
    assert_eq!(transformed(&[Trim, EmptyToNull], "\"  \""), Ok(SqlValue::Null));
    for transform in [Trim, Lowercase, Uppercase, EmptyToNull] {
        assert_eq!(transformed(&[transform], "1"), Err(RejectCode::WrongType));
    }
}

#[test]
fn everything_that_has_a_text_becomes_it() {
    let to_text = |json| transformed(&[Transform::ToText], json);
    assert_eq!(to_text("-7"), Ok(text("-7")));
    assert_eq!(to_text("7.0"), Ok(text("7.0")));
    assert_eq!(to_text("true"), Ok(text("true")));
    assert_eq!(to_text(r#"{"$double":"NaN"}"#), Ok(text("NaN")));
    assert_eq!(to_text(r#"{"$timestamp":"2024-01-01T00:00:00Z"}"#), Ok(text("2024-01-01T00:00:00.000000Z")));
    assert_eq!(to_text("\"as it is\""), Ok(text("as it is")));
    assert_eq!(to_text("[]"), Err(RejectCode::WrongType));
}

#[test]
fn numbers_are_parsed_exactly_or_not_at_all() {
    let integer = |json| transformed(&[Transform::ParseInteger], json);
    assert_eq!(integer("\"-9223372036854775808\""), Ok(SqlValue::Integer(i64::MIN)));
    assert_eq!(integer("\"007\""), Ok(SqlValue::Integer(7)));
    assert_eq!(integer("7"), Ok(SqlValue::Integer(7)));
    assert_eq!(integer("\"9223372036854775808\""), Err(RejectCode::IntegerOverflow));
    for none in ["\"\"", "\"1.0\"", "\" 1\"", "\"0x1\"", "\"-\"", "\"１\""] {
        assert_eq!(integer(none), Err(RejectCode::InvalidValue), "{none}");
    }
    assert_eq!(integer("1.0"), Err(RejectCode::WrongType));
    let double = |json| transformed(&[Transform::ParseDouble], json);
    assert_eq!(double("\"0.1\""), Ok(SqlValue::Real(0.1)));
    assert_eq!(double("\"1e3\""), Ok(SqlValue::Real(1000.0)));
    assert_eq!(double("2.5"), Ok(SqlValue::Real(2.5)));
    for none in ["\"inf\"", "\"NaN\"", "\"1e999\"", "\"\"", "\"1,5\""] {
        assert_eq!(double(none), Err(RejectCode::InvalidValue), "{none}");
    }
}

#[test]
fn times_are_made_from_texts_and_counts() {
    let time = |transform, json| transformed(&[transform], json);
    let expected = Ok(text("2024-05-01T12:00:00.000000Z"));
    assert_eq!(time(Transform::ParseTimestamp, "\"2024-05-01T14:00:00+02:00\""), expected);
    assert_eq!(time(Transform::FromUnixSeconds, "1714564800"), expected);
    assert_eq!(time(Transform::FromUnixMillis, "1714564800000"), expected);
    assert_eq!(time(Transform::FromUnixMillis, r#"{"$timestamp":"2024-05-01T12:00:00Z"}"#), expected);
    assert_eq!(time(Transform::ParseTimestamp, "\"1 May 2024\""), Err(RejectCode::InvalidTimestamp));
    assert_eq!(
        time(Transform::ParseTimestamp, "\"2024-05-01T12:00:00.0000000001Z\""),
        Err(RejectCode::TimestampPrecision)
    );
    assert_eq!(time(Transform::FromUnixSeconds, "9223372036854775807"), Err(RejectCode::InvalidTimestamp));
    assert_eq!(time(Transform::FromUnixSeconds, "1.5"), Err(RejectCode::WrongType));
}

#[test]
fn times_are_cut_only_when_asked() {
    let fine = r#"{"$timestamp":"1969-12-31T23:59:59.999999999Z"}"#;
    assert_eq!(transformed(&[], fine), Err(RejectCode::TimestampPrecision));
    assert_eq!(transformed(&[Transform::TruncateMicros], fine), Ok(text("1969-12-31T23:59:59.999999Z")));
    assert_eq!(transformed(&[Transform::TruncateMillis], fine), Ok(text("1969-12-31T23:59:59.999000Z")));
    assert_eq!(transformed(&[Transform::TruncateMillis], "1"), Err(RejectCode::WrongType));
}

#[test]
fn whole_doubles_become_integers() {
    let whole = |json| transformed(&[Transform::WholeToInteger], json);
    assert_eq!(whole("4611686018427387904.0"), Ok(SqlValue::Integer(1 << 62)));
    assert_eq!(whole("5"), Ok(SqlValue::Integer(5)));
    assert_eq!(whole("1e300"), Err(RejectCode::IntegerOverflow));
    assert_eq!(whole("1.5"), Err(RejectCode::WrongType));
    assert_eq!(whole("-0.0"), Err(RejectCode::NegativeZero));
    assert_eq!(whole(r#"{"$double":"NaN"}"#), Err(RejectCode::NonFiniteDouble));
    let zero = |column: &mut ColumnMapping| {
        column.transforms = vec![Transform::WholeToInteger];
        column.doubles.negative_zero = NegativeZero::Zero;
    };
    assert_eq!(stored(zero, r#"{"v":-0.0}"#), Ok(SqlValue::Integer(0)));
}

#[test]
fn json_in_a_string_becomes_the_value_it_describes() {
    let json = |text: &str| transformed(&[Transform::ParseJson], text);
    assert_eq!(json(r#""{\"b\": 1.0, \"a\": [true]}""#), Ok(text(r#"{"a":[true],"b":1.0}"#)));
    assert_eq!(json(r#""{\"$bytes\": \"AA==\"}""#), Ok(text(r#"{"$$bytes":"AA=="}"#)), "plain JSON has no `$` types");
    assert_eq!(json("\"{\""), Err(RejectCode::InvalidValue));
    assert_eq!(json(r#""{\"a\":1,\"a\":2}""#), Err(RejectCode::DuplicateField));
    assert_eq!(json(r#""[18446744073709551616]""#), Err(RejectCode::IntegerOverflow));
    assert_eq!(json("{}"), Err(RejectCode::WrongType));
}

#[test]
fn a_default_goes_the_way_of_the_field() {
    let change = |column: &mut ColumnMapping| {
        column.default = Some(Value::String(" A ".into()));
        column.transforms = vec![Transform::Trim, Transform::Lowercase];
    };
    assert_eq!(stored(change, "{}"), Ok(text("a")));
}

#[test]
fn a_lookup_translates_or_does_what_the_pipeline_says() {
    let looked_up = |missing, json: &str| {
        let entries = [("a1".to_owned(), Value::String("/srv/x".into())), ("gone".to_owned(), Value::Null)];
        let lookup = Lookup { name: "paths.json".into(), entries: entries.into_iter().collect(), missing };
        stored(|column| column.lookup = Some(Arc::new(lookup)), &format!("{{\"v\":{json}}}"))
    };
    let code = |result: Result<SqlValue, (RejectCode, String)>| result.map_err(|(code, _)| code);
    for missing in [LookupMissing::Reject, LookupMissing::Null, LookupMissing::Keep] {
        assert_eq!(looked_up(missing, "\"a1\""), Ok(text("/srv/x")));
        assert_eq!(looked_up(missing, "\"gone\""), Ok(SqlValue::Null));
        assert_eq!(looked_up(missing, "null"), Ok(SqlValue::Null));
    }
    assert_eq!(looked_up(LookupMissing::Null, "\"b2\""), Ok(SqlValue::Null));
    assert_eq!(looked_up(LookupMissing::Keep, "\"b2\""), Ok(text("b2")));
    let (reject, reason) = looked_up(LookupMissing::Reject, "\"b2\"").unwrap_err();
    assert_eq!(reject, RejectCode::LookupMissing);
    assert_eq!(reason, "column `users.v` from `v`: the lookup `paths.json` has no entry for \"b2\"");
    assert_eq!(code(looked_up(LookupMissing::Reject, "1")), Err(RejectCode::WrongType));
    assert_eq!(looked_up(LookupMissing::Keep, "1"), Ok(SqlValue::Integer(1)));
}
