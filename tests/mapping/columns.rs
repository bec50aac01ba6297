//! Inputs, defaults, requirements, and what each column type stores.

use super::*;
use fireferry::domain::filter::{Condition, Operator};
use fireferry::domain::mapping::{NegativeZero, NonFinite};
use fireferry::domain::schema::Affinity;

fn kind(kind: ColumnType) -> impl FnOnce(&mut ColumnMapping) {
    move |column| column.kind = kind
}

fn stored_as(column_type: ColumnType, json: &str) -> Result<SqlValue, RejectCode> {
    stored(kind(column_type), &format!("{{\"v\":{json}}}")).map_err(|(code, _)| code)
}

#[test]
fn inputs_beside_the_fields() {
    let inputs = ["$id", "$path", "$parent.id", "$created", "$updated", "$file.stem", "a.b", "`x.y`"];
    let mapping = mapping(inputs.iter().map(|from| column(from, from, ColumnType::Any)).collect());
    let mut document = document(r#"{"a":{"b":1},"x.y":2}"#);
    document.path = DocumentPath::parse("users/alice/orders/7").unwrap();
    document.created = Some("2024-01-01T00:00:00Z".parse().unwrap());
    let Mapped::Rows(mapped) = mapping.map(document) else { panic!() };
    let expected = [
        text("7"),
        text("users/alice/orders/7"),
        text("alice"),
        text("2024-01-01T00:00:00.000000Z"),
        SqlValue::Null,
        text("users"),
        SqlValue::Integer(1),
        SqlValue::Integer(2),
    ];
    assert_eq!(mapped.row, expected);
    assert_eq!(mapping.key_text(&mapped.row), r#"["7"]"#);
}

#[test]
fn missing_null_and_default_are_three_things() {
    let default = |column: &mut ColumnMapping| column.default = Some(Value::Integer(7));
    assert_eq!(stored(default, "{}"), Ok(SqlValue::Integer(7)));
    assert_eq!(stored(default, r#"{"v":null}"#), Ok(SqlValue::Null));
    assert_eq!(stored(|_| (), "{}"), Ok(SqlValue::Null));
}

#[test]
fn required_refuses_missing_null_and_what_becomes_null() {
    let required = |column: &mut ColumnMapping| column.required = true;
    let missing = (RejectCode::MissingField, "column `users.v` from `v`: the value is required, but is missing".into());
    assert_eq!(stored(required, "{}"), Err(missing));
    let null = (RejectCode::MissingField, "column `users.v` from `v`: the value is required, but is null".into());
    assert_eq!(stored(required, r#"{"v":null}"#), Err(null));
    let nan_to_null = |column: &mut ColumnMapping| {
        column.required = true;
        column.doubles.non_finite = NonFinite::Null;
    };
    let code = stored(nan_to_null, r#"{"v":{"$double":"NaN"}}"#).map_err(|(code, _)| code);
    assert_eq!(code, Err(RejectCode::MissingField));
}

#[test]
fn a_field_inside_something_that_is_no_map_is_not_just_missing() {
    let city = |fields| {
        let mapping =
            mapping(vec![column("id", "$id", ColumnType::Text), column("city", "a.b.city", ColumnType::Text)]);
        match mapping.map(document(fields)) {
            Mapped::Rows(rows) => Ok(rows.row[1].clone()),
            Mapped::Rejected { rejection, .. } => Err(rejection.reason),
            Mapped::Filtered => panic!(),
        }
    };
    assert_eq!(city(r#"{"a":{"b":{"city":"Zürich"}}}"#), Ok(text("Zürich")));
    for fields in ["{}", r#"{"a":null}"#, r#"{"a":{"b":null}}"#, r#"{"a":{"b":{}}}"#] {
        assert_eq!(city(fields), Ok(SqlValue::Null), "{fields}");
    }
    let reason = city(r#"{"a":{"b":"Zürich"}}"#).unwrap_err();
    assert_eq!(reason, "column `users.city` from `a.b.city`: `b` is string \"Zürich\", expected a map with `city`");
}

#[test]
fn integers_are_exact_or_refused() {
    use ColumnType::Integer;
    assert_eq!(stored_as(Integer, "9223372036854775807"), Ok(SqlValue::Integer(i64::MAX)));
    assert_eq!(stored_as(Integer, "3.0"), Ok(SqlValue::Integer(3)));
    assert_eq!(stored_as(Integer, "-9007199254740992.0"), Ok(SqlValue::Integer(-9_007_199_254_740_992)));
    assert_eq!(stored_as(Integer, "9007199254740994.0"), Err(RejectCode::WrongType));
    assert_eq!(stored_as(Integer, "3.5"), Err(RejectCode::WrongType));
    assert_eq!(stored_as(Integer, "-0.0"), Err(RejectCode::NegativeZero));
    assert_eq!(stored_as(Integer, r#"{"$double":"Infinity"}"#), Err(RejectCode::NonFiniteDouble));
    assert_eq!(stored_as(Integer, "9223372036854775808"), Err(RejectCode::IntegerOverflow));
    assert_eq!(stored_as(Integer, "\"12\""), Err(RejectCode::WrongType));
    assert_eq!(stored_as(Integer, "true"), Err(RejectCode::WrongType));
}

#[test]
fn doubles_are_exact_or_refused_or_follow_a_named_rule() {
    use ColumnType::{Any, Double};
    assert_eq!(stored_as(Double, "0.1"), Ok(SqlValue::Real(0.1)));
    assert_eq!(stored_as(Double, "9007199254740992"), Ok(SqlValue::Real(9_007_199_254_740_992.0)));
    assert_eq!(stored_as(Double, "9007199254740993"), Err(RejectCode::WrongType));
    for column_type in [Double, Any] {
        assert_eq!(stored_as(column_type, r#"{"$double":"NaN"}"#), Err(RejectCode::NonFiniteDouble));
        assert_eq!(stored_as(column_type, "-0.0"), Err(RejectCode::NegativeZero));
        let lenient = |column: &mut ColumnMapping| {
            column.kind = column_type;
            column.doubles = DoubleRules { non_finite: NonFinite::Null, negative_zero: NegativeZero::Zero };
        };
        assert_eq!(stored(lenient, r#"{"v":{"$double":"NaN"}}"#), Ok(SqlValue::Null));
        let Ok(SqlValue::Real(zero)) = stored(lenient, r#"{"v":-0.0}"#) else { panic!() };
        assert_eq!(zero.to_bits(), 0);
    }
    let json = r#"[-0.0,{"$double":"NaN"}]"#;
    assert_eq!(stored_as(ColumnType::Json, json), Ok(text(json)), "JSON carries what REAL cannot");
}

#[test]
fn a_reason_names_column_field_value_and_expectation() {
    let (_, reason) = stored(kind(ColumnType::Integer), r#"{"v":"12"}"#).unwrap_err();
    let advice = "(the transform `parse_integer` makes one)";
    assert_eq!(reason, format!("column `users.v` from `v`: found string \"12\", expected an integer {advice}"));
    let long = format!(r#"{{"v":"{}"}}"#, "é".repeat(500));
    let (_, reason) = stored(kind(ColumnType::Boolean), &long).unwrap_err();
    assert!(reason.ends_with(&format!("found string \"{}…\", expected true or false", "é".repeat(60))), "{reason}");
}

#[test]
fn timestamps_have_a_fixed_width_and_lose_no_digit() {
    let time = r#"{"$timestamp":"2024-05-01T12:00:00.123456Z"}"#;
    assert_eq!(stored_as(ColumnType::Timestamp { digits: 6 }, time), Ok(text("2024-05-01T12:00:00.123456Z")));
    assert_eq!(stored_as(ColumnType::Timestamp { digits: 9 }, time), Ok(text("2024-05-01T12:00:00.123456000Z")));
    assert_eq!(stored_as(ColumnType::Timestamp { digits: 3 }, time), Err(RejectCode::TimestampPrecision));
    assert_eq!(stored_as(ColumnType::TimestampMicros, time), Ok(SqlValue::Integer(1_714_564_800_123_456)));
    assert_eq!(stored_as(ColumnType::TimestampMillis, time), Err(RejectCode::TimestampPrecision));
    let before_1970 = r#"{"$timestamp":"1969-12-31T23:59:59.999Z"}"#;
    assert_eq!(stored_as(ColumnType::TimestampMillis, before_1970), Ok(SqlValue::Integer(-1)));
    let never = r#"{"$timestamp":"9999-12-31T23:59:59.999999Z"}"#;
    assert_eq!(stored_as(ColumnType::Timestamp { digits: 6 }, never), Ok(text("9999-12-31T23:59:59.999999Z")));
    let (_, reason) = stored(kind(ColumnType::TimestampMillis), r#"{"v":"2024-05-01T12:00:00Z"}"#).unwrap_err();
    assert!(reason.contains("`parse_timestamp`"), "{reason}");
}

#[test]
fn references_become_an_id_or_a_path() {
    let reference = r#"{"$reference":"users/alice/orders/7"}"#;
    assert_eq!(stored_as(ColumnType::ReferenceId, reference), Ok(text("7")));
    assert_eq!(stored_as(ColumnType::ReferencePath, reference), Ok(text("users/alice/orders/7")));
    let elsewhere = r#"{"$reference":"projects/p/databases/(default)/documents/users/alice"}"#;
    assert_eq!(stored_as(ColumnType::ReferenceId, elsewhere), Err(RejectCode::InvalidValue));
    assert!(stored_as(ColumnType::ReferencePath, elsewhere).is_ok());
    assert_eq!(stored_as(ColumnType::ReferenceId, r#"{"$reference":"users"}"#), Err(RejectCode::InvalidValue));
    assert_eq!(stored_as(ColumnType::ReferenceId, "\"users/alice\""), Err(RejectCode::WrongType));
}

#[test]
fn geopoints_become_coordinates_or_json() {
    let point = r#"{"$geopoint":[47.5,-8.25]}"#;
    assert_eq!(stored_as(ColumnType::Latitude, point), Ok(SqlValue::Real(47.5)));
    assert_eq!(stored_as(ColumnType::Longitude, point), Ok(SqlValue::Real(-8.25)));
    assert_eq!(stored_as(ColumnType::Json, point), Ok(text(point)));
    assert_eq!(stored_as(ColumnType::Latitude, r#"{"$geopoint":[-0.0,1.0]}"#), Err(RejectCode::NegativeZero));
    assert_eq!(stored_as(ColumnType::Latitude, r#"{"$geopoint":[91.0,1.0]}"#), Err(RejectCode::InvalidValue));
}

#[test]
fn vectors_become_blobs_in_libsqls_own_format() {
    let vector = r#"{"$vector":[1.0,-0.5]}"#;
    let f32s = [1.0_f32.to_le_bytes(), (-0.5_f32).to_le_bytes()].concat();
    assert_eq!(stored_as(ColumnType::Vector32, vector), Ok(SqlValue::Blob(f32s.clone())));
    assert_eq!(stored_as(ColumnType::Vector32, "[1,-0.5]"), Ok(SqlValue::Blob(f32s)));
    let f64s = [&1.0_f64.to_le_bytes()[..], &(-0.5_f64).to_le_bytes(), &[2]].concat();
    assert_eq!(stored_as(ColumnType::Vector64, vector), Ok(SqlValue::Blob(f64s)));
    assert_eq!(stored_as(ColumnType::Vector32, r#"{"$vector":[0.1]}"#), Err(RejectCode::InvalidValue));
    assert_eq!(stored_as(ColumnType::Vector32, r#"{"$vector":[1e300]}"#), Err(RejectCode::InvalidValue));
    assert_eq!(stored_as(ColumnType::Vector64, r#"{"$vector":[{"$double":"NaN"}]}"#), Err(RejectCode::NonFiniteDouble));
    assert_eq!(stored_as(ColumnType::Vector64, "[\"1\"]"), Err(RejectCode::WrongType));
}

#[test]
fn untyped_columns_store_what_their_affinity_keeps() {
    use Affinity::{Blob, Integer, Numeric, Real, Text};
    let natural = |affinity, json: &str| stored_as(ColumnType::Natural(affinity), json);
    assert_eq!(natural(Text, "\"12\""), Ok(text("12")));
    assert_eq!(natural(Text, r#"{"$reference":"users/bob"}"#), Ok(text("bob")));
    assert_eq!(natural(Text, "12"), Err(RejectCode::WrongType));
    assert_eq!(natural(Text, "{}"), Err(RejectCode::WrongType));
    assert_eq!(natural(Integer, "true"), Ok(SqlValue::Integer(1)));
    assert_eq!(natural(Integer, "\"12\""), Err(RejectCode::WrongType));
    assert_eq!(natural(Real, "2"), Ok(SqlValue::Real(2.0)));
    assert_eq!(natural(Numeric, "2.0"), Ok(SqlValue::Integer(2)), "as SQLite would");
    assert_eq!(natural(Numeric, "2.5"), Ok(SqlValue::Real(2.5)));
    assert_eq!(natural(Numeric, "1e300"), Ok(SqlValue::Real(1e300)));
    assert_eq!(natural(Numeric, "\"2\""), Err(RejectCode::WrongType));
    assert_eq!(natural(Blob, r#"{"b":[1,null],"a":"x"}"#), Ok(text(r#"{"a":"x","b":[1,null]}"#)));
    assert_eq!(natural(Blob, r#"{"$bytes":"AP8="}"#), Ok(SqlValue::Blob(vec![0, 255])));
}

#[test]
fn a_value_over_the_limit_is_refused() {
    let mut mapping = mapping(vec![column("id", "$id", ColumnType::Text), column("v", "v", ColumnType::Json)]);
    mapping.max_value_bytes = 8;
    assert_eq!(rows(&mapping, r#"{"v":"123456"}"#).row[1], text("\"123456\""));
    let (code, reason, _) = rejected(&mapping, r#"{"v":"1234567"}"#);
    assert_eq!(code, RejectCode::OversizedValue);
    assert_eq!(reason, "column `users.v` from `v`: the value has 9 bytes, `max_value_bytes` is 8");
}

#[test]
fn a_value_no_type_holds_harms_only_where_it_is_mapped() {
    let fields = r#"{"v":{"deep":[9223372036854775808]},"other":9223372036854775808}"#;
    let code = |result: Result<SqlValue, (RejectCode, String)>| result.map_err(|(code, _)| code);
    assert_eq!(code(stored(kind(ColumnType::Json), fields)), Err(RejectCode::IntegerOverflow));
    let only_other = r#"{"v":1,"other":9223372036854775808}"#;
    assert_eq!(stored(kind(ColumnType::Integer), only_other), Ok(SqlValue::Integer(1)));
    let through = |column: &mut ColumnMapping| column.input = input("other.inner");
    assert_eq!(code(stored(through, only_other)), Err(RejectCode::IntegerOverflow));
}

#[test]
fn a_key_is_never_null() {
    let mapping = mapping(vec![column("email", "email", ColumnType::Text)]);
    let (code, reason, key) = rejected(&mapping, "{}");
    assert_eq!((code, key), (RejectCode::MissingField, None));
    assert_eq!(reason, "column `users.email` from `email`: a key cannot be NULL");
}

#[test]
fn documents_not_wanted_are_filtered_and_undecidable_ones_refused() {
    let mut mapping = mapping(vec![column("id", "$id", ColumnType::Text)]);
    let field = FieldPath::parse("level").unwrap();
    mapping.filter.conditions.push(Condition { field, operator: Operator::Greater, value: Value::Integer(2) });
    assert_eq!(rows(&mapping, r#"{"level":3}"#).row, [text("alice")]);
    assert!(matches!(mapping.map(document(r#"{"level":2}"#)), Mapped::Filtered));
    let (code, _, key) = rejected(&mapping, r#"{"level":9223372036854775808}"#);
    assert_eq!((code, key.as_deref()), (RejectCode::IntegerOverflow, Some(r#"["alice"]"#)));
}
