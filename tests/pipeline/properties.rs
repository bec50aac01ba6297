//! What holds for any text and any value.

use fireferry::domain::json::encode_lossless;
use fireferry::domain::value::{GeoPoint, Map, Value};
use proptest::prelude::*;

use super::support::Case;

/// Field values of every type, as canonical JSON can write them.
fn value() -> impl Strategy<Value = Value> {
    let double = prop_oneof![any::<f64>(), Just(f64::NAN), Just(-0.0), Just(f64::INFINITY)];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        double.clone().prop_map(Value::Double),
        any::<String>().prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
        "[a-z]{1,4}/[a-z]{1,4}".prop_map(Value::Reference),
        (-90.0..=90.0, -180.0..=180.0)
            .prop_map(|(latitude, longitude)| Value::GeoPoint(GeoPoint { latitude, longitude })),
        prop::collection::vec(double, 0..3).prop_map(Value::Vector),
        Just("2024-05-01T12:00:00.123456789Z").prop_map(|text| Value::Timestamp(text.parse().unwrap())),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Map(fields.into_iter().collect::<Map>())),
        ]
    })
}

/// The default of a column, written like this in the file.
fn default_of(written: &str, variable: Option<&'static str>) -> Value {
    let column = format!("{{ from: x, default: {written} }}");
    let yaml = format!("collections: {{ users: {{ key: id, columns: {{ id: $id, x: {column} }} }} }}\n");
    let case = Case::with_head(&yaml);
    let case = match variable {
        Some(value) => case.variable("X", value),
        None => case,
    };
    let pipeline = case.load().unwrap_or_else(|error| panic!("{}", case.shown(&error)));
    pipeline.collections[0].mapping.columns[1].default.clone().unwrap_or(Value::Null)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn canonical_json_in_the_file_is_the_value_itself(value in value()) {
        let text = encode_lossless(&value);
        // `${` would be a variable, and NUL is no character of YAML.
        prop_assume!(!text.contains("${"));
        prop_assert_eq!(encode_lossless(&default_of(&text, None)), text);
    }

    #[test]
    fn whatever_a_variable_holds_it_stays_one_text(text in "\\PC{1,40}|[-:{}\\[\\]#&*!|>'\"%@`,? \n\t]{1,12}|true|null|~|1|1.5|\\$\\{X\\}") {
        let text: &'static str = text.leak();
        prop_assert_eq!(default_of("\"${X}\"", Some(text)), Value::String(text.to_owned()));
    }
}
