//! Random values, documents and mappings.

use super::*;
use fireferry::domain::mapping::{ChildMapping, Mismatch, NegativeZero, NonFinite, Transform};
use fireferry::domain::schema::Affinity;
use fireferry::domain::value::{GeoPoint, Map, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

/// A failure prints its smallest case; no files of earlier failures are kept.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Names that documents and mappings share, so that they meet, and nasty ones.
pub const NAMES: &[&str] = &["a", "b", "c", "list", "$id", "$timestamp", "$$", "x.y", "", "ключ", "😀", "a\"\\\n", "`"];

/// Texts of many scripts, with quotes, controls, `$`, characters beyond the first plane, and things that look like
/// something else.
pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        any::<String>(),
        proptest::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter),
        select(vec!["12", "-0", "1e5", "NaN", " x ", "2024-05-01T12:00:00Z", "{\"a\":1}", "users/alice", "null", "\0"])
            .prop_map(str::to_owned),
    ]
}

pub fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(NAMES).prop_map(str::to_owned), 1 => any_text()]
}

/// Every kind of double: random bits, round numbers, borders.
pub fn any_double() -> impl Strategy<Value = f64> {
    let borders = vec![0.0, -0.0, 1.0, 0.1, 1e15, 1e16, 9_007_199_254_740_992.0, 9_223_372_036_854_775_808.0, 5e-324];
    let special = vec![f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<i32>().prop_map(f64::from),
        any::<f32>().prop_map(f64::from),
        select(borders),
        select(special),
    ]
}

pub fn any_integer() -> impl Strategy<Value = i64> {
    let borders = vec![0, 1, -1, i64::MIN, i64::MAX, (1 << 53) + 1, 1 << 53, 1 << 62];
    prop_oneof![any::<i64>(), any::<i16>().prop_map(i64::from), select(borders)]
}

pub fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    let seconds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    let nanos = prop_oneof![
        Just(0),
        (0..1_000).prop_map(|n| n * 1_000_000),
        (0..1_000_000).prop_map(|n| n * 1_000),
        0..1_000_000_000
    ];
    let border = select(vec![Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH]);
    prop_oneof![4 => (seconds, nanos).prop_map(|(s, n)| Timestamp::new(s, n).unwrap()), 1 => border]
}

fn any_reference() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["users/alice", "users/alice/orders/7", "users", "", "projects/p/databases/d/documents/users/bob"])
            .prop_map(str::to_owned),
        any_text(),
    ]
}

fn any_leaf(valid: bool) -> BoxedStrategy<Value> {
    let geo = (any_double(), any_double());
    let invalid = (select(RejectCode::ALL), any_text()).prop_map(|(code, text)| Value::invalid(code, text));
    let fine = prop_oneof![
        2 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::Boolean),
        4 => any_integer().prop_map(Value::Integer),
        4 => any_double().prop_map(Value::Double),
        3 => any_timestamp().prop_map(Value::Timestamp),
        4 => any_text().prop_map(Value::String),
        2 => proptest::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        2 => any_reference().prop_map(Value::Reference),
        2 => geo.prop_map(|(latitude, longitude)| Value::GeoPoint(GeoPoint { latitude, longitude })),
        2 => proptest::collection::vec(any_double(), 0..5).prop_map(Value::Vector),
    ];
    if valid { fine.boxed() } else { prop_oneof![30 => fine, 1 => invalid].boxed() }
}

fn value_with(valid: bool) -> BoxedStrategy<Value> {
    let nested = |inner: BoxedStrategy<Value>| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((any_name(), inner), 0..5)
                .prop_map(|fields| Value::Map(fields.into_iter().collect())),
        ]
    };
    any_leaf(valid).prop_recursive(5, 40, 5, nested).boxed()
}

/// Any value that Firestore can hold.
pub fn any_value() -> BoxedStrategy<Value> {
    value_with(true)
}

fn any_fields() -> impl Strategy<Value = Map> {
    let value = prop_oneof![3 => any_leaf(false), 2 => value_with(false)];
    proptest::collection::vec((any_name(), value), 0..10).prop_map(Map::from_iter)
}

pub fn any_document() -> impl Strategy<Value = Document> {
    let id = "[^/\\x00]{1,8}";
    let origin = (proptest::option::of("[a-z/.]{1,12}"), any::<u64>(), any::<u64>(), any::<u64>())
        .prop_map(|(file, offset, length, line)| Origin { file: file.map(Into::into), offset, length, line });
    let time = || proptest::option::of(any_timestamp());
    (id, any::<bool>(), any_fields(), time(), time(), origin).prop_map(
        |(id, root, fields, created, updated, origin)| {
            let collection = if root { "users" } else { "teams/t 1/users" };
            Document { path: DocumentPath::new(collection, id), fields, created, updated, origin }
        },
    )
}

const AFFINITIES: [Affinity; 5] =
    [Affinity::Text, Affinity::Integer, Affinity::Real, Affinity::Numeric, Affinity::Blob];

pub fn any_type() -> impl Strategy<Value = ColumnType> {
    use ColumnType as T;
    let mut types = vec![
        T::Auto,
        T::Any,
        T::Text,
        T::Integer,
        T::Double,
        T::Boolean,
        T::Bytes,
        T::Timestamp { digits: 3 },
        T::Timestamp { digits: 6 },
        T::Timestamp { digits: 9 },
        T::TimestampMillis,
        T::TimestampMicros,
        T::ReferenceId,
        T::ReferencePath,
        T::Latitude,
        T::Longitude,
        T::Json,
        T::Vector32,
        T::Vector64,
    ];
    types.extend(AFFINITIES.map(T::Natural));
    select(types)
}

pub fn any_rules() -> impl Strategy<Value = DoubleRules> {
    (any::<bool>(), any::<bool>()).prop_map(|(null, zero)| DoubleRules {
        non_finite: if null { NonFinite::Null } else { NonFinite::Reject },
        negative_zero: if zero { NegativeZero::Zero } else { NegativeZero::Reject },
    })
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

fn any_input() -> impl Strategy<Value = Input> {
    let named: Vec<&str> = NAMES.iter().copied().filter(|name| !name.is_empty()).collect();
    let path = proptest::collection::vec(select(named).prop_map(quoted), 1..3)
        .prop_map(|names| FieldPath::parse(&names.join(".")).unwrap());
    let special = ["$id", "$path", "$parent.id", "$created", "$updated", "$file.stem", "$index", "$item", "$unknown"];
    prop_oneof![
        4 => path.clone().prop_map(Input::Field),
        1 => path.prop_map(Input::Item),
        2 => select(special.to_vec()).prop_map(input),
    ]
}

fn any_column() -> impl Strategy<Value = ColumnMapping> {
    // Mostly what takes any value: else nearly every document would be a reject, and no row be compared.
    let kind = prop_oneof![3 => select(vec![ColumnType::Any, ColumnType::Json]), 1 => any_type()];
    let required = proptest::bool::weighted(0.1);
    let transforms = prop_oneof![4 => Just(Vec::new()), 1 => proptest::collection::vec(select(Transform::ALL), 1..3)];
    let default = proptest::option::weighted(0.3, any_leaf(true));
    (any_input(), kind, required, default, transforms, any_rules()).prop_map(
        |(input, kind, required, default, transforms, doubles)| ColumnMapping {
            name: "v".into(),
            input,
            kind,
            required,
            default,
            transforms,
            lookup: None,
            doubles,
            mismatch: Mismatch::Reject,
        },
    )
}

pub fn any_mapping() -> impl Strategy<Value = Mapping> {
    let policy = select(vec![UnknownFields::Ignore, UnknownFields::Reject, UnknownFields::Keep]);
    let columns = || proptest::collection::vec(any_column(), 1..5);
    let child = (columns(), select(vec!["list", "a", "b.list"]), proptest::collection::vec(0..5_usize, 0..3)).prop_map(
        |(columns, each, key)| ChildMapping {
            table: "children".into(),
            each: FieldPath::parse(each).unwrap(),
            key: key.into_iter().filter(|index| *index < columns.len()).collect(),
            columns,
            link: vec![(0, 0)],
        },
    );
    (columns(), proptest::collection::vec(child, 0..2), policy, 20..2_000_usize).prop_map(
        |(mut columns, children, unknown_fields, max_value_bytes)| Mapping {
            columns: {
                columns.insert(0, column("id", "$id", ColumnType::Text));
                columns
            },
            children,
            unknown_fields,
            max_value_bytes,
            ..mapping(Vec::new())
        },
    )
}
