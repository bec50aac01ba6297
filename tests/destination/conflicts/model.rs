//! The table of outcomes in `docs/pipeline-file.md` once more, as simply as it can be said.

use std::cmp::Ordering;

use fireferry::destination::OnConflict;
use fireferry::domain::row::SqlValue;
use proptest::prelude::*;
use serde_json::Value;

/// Row and child rows, without the key.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub at: SqlValue,
    pub note: SqlValue,
    pub data: SqlValue,
    pub tags: Vec<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Inserted,
    Updated,
    Unchanged,
    Skipped,
    Rejected,
}

/// What becomes of a document, and what is stored afterwards.
pub fn resolve(strategy: &OnConflict, stored: Option<&Content>, document: &Content) -> (Outcome, Content) {
    let Some(stored) = stored else { return (Outcome::Inserted, document.clone()) };
    let sorted = |content: &Content| {
        let mut content = content.clone();
        content.tags.sort_unstable();
        content
    };
    let equal = sorted(stored) == sorted(document);
    let same_row = (&stored.at, &stored.note, &stored.data) == (&document.at, &document.note, &document.data);
    let wins = |then| match (equal, then) {
        (true, _) => (Outcome::Unchanged, stored.clone()),
        (_, true) => (Outcome::Updated, document.clone()),
        _ => (Outcome::Skipped, stored.clone()),
    };
    match strategy {
        OnConflict::Replace => wins(true),
        OnConflict::Skip => (Outcome::Skipped, stored.clone()),
        OnConflict::Fail if equal => (Outcome::Unchanged, stored.clone()),
        OnConflict::Fail => (Outcome::Rejected, stored.clone()),
        OnConflict::KeepNewest(_) | OnConflict::KeepOldest(_) => match order(&stored.at, &document.at) {
            _ if same_row => wins(false),
            Order::Incomparable => (Outcome::Rejected, stored.clone()),
            Order::Unknown => wins(false),
            Order::Known(order) => {
                let newest = matches!(strategy, OnConflict::KeepNewest(_));
                wins(order == if newest { Ordering::Less } else { Ordering::Greater })
            }
        },
        OnConflict::Merge => {
            let merged = merge(stored, document);
            if merged == *stored { wins(false) } else { (Outcome::Updated, merged) }
        }
    }
}

enum Order {
    Known(Ordering),
    /// NULL on a side.
    Unknown,
    Incomparable,
}

fn order(stored: &SqlValue, document: &SqlValue) -> Order {
    match (stored, document) {
        (SqlValue::Null, _) | (_, SqlValue::Null) => Order::Unknown,
        (SqlValue::Integer(a), SqlValue::Integer(b)) => Order::Known(a.cmp(b)),
        (SqlValue::Real(a), SqlValue::Real(b)) => Order::Known(a.partial_cmp(b).unwrap()),
        (SqlValue::Text(a), SqlValue::Text(b)) => Order::Known(a.as_bytes().cmp(b.as_bytes())),
        (SqlValue::Blob(a), SqlValue::Blob(b)) => Order::Known(a.cmp(b)),
        _ => Order::Incomparable,
    }
}

fn merge(stored: &Content, document: &Content) -> Content {
    let fill = |own: &SqlValue, other: &SqlValue| if *own == SqlValue::Null { other.clone() } else { own.clone() };
    let data = match (&stored.data, &document.data) {
        (SqlValue::Text(own), SqlValue::Text(other)) => {
            match (serde_json::from_str(own), serde_json::from_str(other)) {
                (Ok(Value::Object(own)), Ok(Value::Object(other))) => {
                    SqlValue::Text(merged(&Value::Object(own), &Value::Object(other)).to_string())
                }
                _ => stored.data.clone(),
            }
        }
        (own, other) => fill(own, other),
    };
    let tags = if stored.tags.is_empty() { document.tags.clone() } else { stored.tags.clone() };
    Content { at: fill(&stored.at, &document.at), note: fill(&stored.note, &document.note), data, tags }
}

fn is_special(object: &serde_json::Map<String, Value>) -> bool {
    object.keys().any(|key| key.starts_with('$') && !key.starts_with("$$"))
}

fn merged(own: &Value, other: &Value) -> Value {
    match (own, other) {
        (Value::Object(own), Value::Object(other)) if !is_special(own) && !is_special(other) => {
            let mut all = own.clone();
            for (key, value) in other {
                let here = own.get(key).map_or_else(|| value.clone(), |here| merged(here, value));
                all.insert(key.clone(), here);
            }
            Value::Object(all)
        }
        (own, _) => own.clone(),
    }
}

/// Few different values, so that many are equal.
fn time() -> impl Strategy<Value = SqlValue> {
    prop_oneof![
        2 => Just(SqlValue::Null),
        8 => (1..4_i64).prop_map(SqlValue::Integer),
        2 => prop_oneof![Just(1.5), Just(2.0), Just(-7.25)].prop_map(SqlValue::Real),
        6 => prop_oneof![Just("2024-05-01"), Just("2024-05-02"), Just("a"), Just("B"), Just("12"), Just("9"), Just("é")]
            .prop_map(SqlValue::from),
        1 => prop_oneof![Just(vec![]), Just(vec![1]), Just(vec![1, 0])].prop_map(SqlValue::Blob),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..3_i64).prop_map(Value::from),
        Just(Value::from("x\"é")),
        Just(serde_json::json!([1, { "a": 2 }])),
        Just(serde_json::json!({ "$bytes": "AAEC" })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        proptest::collection::vec((prop_oneof![Just("a"), Just("b"), Just("$$c")], inner), 0..3).prop_map(|entries| {
            Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        })
    })
}

fn data() -> impl Strategy<Value = SqlValue> {
    prop_oneof![
        1 => Just(SqlValue::Null),
        1 => Just(SqlValue::from("not json")),
        1 => Just(SqlValue::Blob(vec![0x7b, 0x7d])),
        8 => json().prop_map(|value| SqlValue::Text(value.to_string())),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let note = prop_oneof![Just(SqlValue::Null), Just(SqlValue::from("n")), Just(SqlValue::from("m"))];
    (time(), note, data(), proptest::collection::vec(0..3_i64, 0..3)).prop_map(|(at, note, data, tags)| Content {
        at,
        note,
        data,
        tags,
    })
}

/// What is stored, if anything, and a document that is often the same in part.
pub fn pair() -> impl Strategy<Value = (Option<Content>, Content)> {
    let stored = prop_oneof![1 => Just(None), 9 => content().prop_map(Some)];
    (stored, content(), any::<[bool; 4]>(), 0..6_u8).prop_map(|(stored, mut document, same, all)| {
        if let Some(row) = &stored {
            let same = if all == 0 { [true; 4] } else { same };
            let [at, note, data, tags] = same;
            if at {
                document.at = row.at.clone();
            }
            if note {
                document.note = row.note.clone();
            }
            if data {
                document.data = row.data.clone();
            }
            if tags {
                document.tags = row.tags.iter().rev().copied().collect();
            }
        }
        (stored, document)
    })
}
