//! Mappings against schemas.

use super::*;
use fireferry::domain::mapping::{BindProblem, ChildMapping, Transform};
use fireferry::domain::schema::{Affinity, Column, Schema, Table};

fn declared(name: &str, declared_type: &str) -> Column {
    Column { name: name.into(), declared_type: declared_type.into(), ..Column::default() }
}

/// A table whose first column is a primary key.
fn table(name: &str, strict: bool, columns: &[(&str, &str)]) -> Table {
    let columns: Vec<Column> = columns.iter().map(|(name, kind)| declared(name, kind)).collect();
    let key = vec![columns[0].name.clone()];
    Table { name: name.into(), strict, primary_key: key.clone(), unique: vec![key], columns, ..Table::default() }
}

fn schema(tables: Vec<Table>) -> Schema {
    Schema { tables, ..Schema::default() }
}

fn users(strict: bool, declared_type: &str) -> Schema {
    schema(vec![table("users", strict, &[("id", "TEXT"), ("v", declared_type)])])
}

fn two_columns(kind: ColumnType) -> Mapping {
    mapping(vec![column("id", "$id", ColumnType::Text), column("v", "v", kind)])
}

fn codes(problems: &[BindProblem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code).collect()
}

/// The type that `Auto` becomes for a declared one.
fn automatic(strict: bool, declared_type: &str) -> ColumnType {
    let (bound, problems) = two_columns(ColumnType::Auto).bind(&users(strict, declared_type));
    assert_eq!(codes(&problems), [""; 0], "{declared_type}");
    bound.columns[1].kind
}

#[test]
fn the_declared_type_decides_where_the_pipeline_does_not() {
    for strict in [true, false] {
        assert_eq!(automatic(strict, "TEXT"), ColumnType::Natural(Affinity::Text));
        assert_eq!(automatic(strict, "INTEGER"), ColumnType::Natural(Affinity::Integer));
        assert_eq!(automatic(strict, "REAL"), ColumnType::Natural(Affinity::Real));
        assert_eq!(automatic(strict, "BLOB"), ColumnType::Bytes);
    }
    assert_eq!(automatic(true, "ANY"), ColumnType::Any);
    assert_eq!(automatic(false, "ANY"), ColumnType::Natural(Affinity::Numeric), "only STRICT tables know ANY");
    assert_eq!(automatic(false, ""), ColumnType::Any);
    assert_eq!(automatic(false, "VARCHAR(20)"), ColumnType::Natural(Affinity::Text));
    assert_eq!(automatic(false, "DATETIME"), ColumnType::Natural(Affinity::Numeric));
    assert_eq!(automatic(false, "F32_BLOB(3)"), ColumnType::Vector32);
    assert_eq!(automatic(false, "FLOAT64(3)"), ColumnType::Vector64);
}

#[test]
fn a_type_that_the_column_would_change_is_a_problem() {
    let problem = |kind, strict, declared_type: &str| {
        let (bound, problems) = two_columns(kind).bind(&users(strict, declared_type));
        assert!(problems.is_empty() || bound.columns[1].kind == kind, "the type stays where it does not fit");
        problems.into_iter().next().map(|problem| problem.message)
    };
    assert_eq!(problem(ColumnType::Text, true, "TEXT"), None);
    assert_eq!(
        problem(ColumnType::Text, true, "INTEGER").as_deref(),
        Some("`users.v` (INTEGER in a STRICT table): `text` stores TEXT, which the column would change or refuse")
    );
    assert!(problem(ColumnType::Integer, false, "TEXT").is_some());
    assert!(problem(ColumnType::Integer, false, "REAL").is_some(), "1 would become 1.0");
    assert!(problem(ColumnType::Double, false, "INTEGER").is_some(), "1.0 would become 1");
    assert!(problem(ColumnType::Double, false, "NUMERIC").is_some());
    assert!(problem(ColumnType::Json, false, "JSON").is_some(), "the JSON text `1` would become a number");
    assert!(problem(ColumnType::Any, true, "BLOB").is_some());
    assert!(problem(ColumnType::Any, false, "TEXT").is_some());
    assert_eq!(problem(ColumnType::Any, false, "BLOB"), None);
    assert_eq!(problem(ColumnType::Bytes, false, "TEXT"), None, "affinities leave blobs alone");
    assert!(problem(ColumnType::Bytes, true, "TEXT").is_some());
}

#[test]
fn an_input_that_can_never_fit_is_a_problem() {
    let problem = |from: &str, declared_type: &str, transforms: &[Transform]| {
        let mut mapping = two_columns(ColumnType::Auto);
        mapping.columns[1].input = input(from);
        mapping.columns[1].transforms = transforms.to_vec();
        mapping.bind(&users(true, declared_type)).1.into_iter().next().map(|problem| problem.message)
    };
    let expected = "`users.v` (INTEGER in a STRICT table): `$path` is text, which `auto for INTEGER` refuses";
    assert_eq!(problem("$path", "INTEGER", &[]).as_deref(), Some(expected));
    assert_eq!(problem("$path", "INTEGER", &[Transform::ParseInteger]), None);
    assert!(problem("$created", "REAL", &[]).is_some());
    assert_eq!(problem("$created", "TEXT", &[]), None);
    assert_eq!(problem("$unknown", "TEXT", &[]), None, "unknown fields are kept as JSON");
}

#[test]
fn what_the_schema_lacks_is_named() {
    let mapping = two_columns(ColumnType::Text);
    let (_, problems) = mapping.bind(&schema(vec![]));
    assert_eq!(codes(&problems), ["table_missing"]);
    let mut view = schema(vec![]);
    view.views.push("Users".into());
    assert!(mapping.bind(&view).1[0].message.contains("is a view"));
    let (_, problems) = mapping.bind(&schema(vec![table("USERS", true, &[("ID", "TEXT"), ("w", "TEXT")])]));
    assert_eq!(codes(&problems), ["column_missing"]);
    assert_eq!(problems[0].message, "the table `USERS` has no column `v`");
    assert_eq!(problems[0].hint, "it has: ID, w");
    let mut generated = users(true, "TEXT");
    generated.tables[0].columns[1].generated = true;
    assert_eq!(codes(&mapping.bind(&generated).1), ["column_generated"]);
}

#[test]
fn a_not_null_column_needs_a_value() {
    let mut table = table("users", true, &[("id", "TEXT"), ("v", "TEXT"), ("w", "TEXT")]);
    table.columns[2].not_null = true;
    let problems = |table: &Table| codes(&two_columns(ColumnType::Text).bind(&schema(vec![table.clone()])).1).len();
    assert_eq!(problems(&table), 1);
    table.columns[2].default = Some("NULL".into());
    assert_eq!(problems(&table), 1);
    table.columns[2].default = Some("''".into());
    assert_eq!(problems(&table), 0);
    table.columns[2] = Column { not_null: true, generated: true, ..declared("w", "TEXT") };
    assert_eq!(problems(&table), 0);
}

#[test]
fn a_row_id_fills_itself() {
    let mut table = table("users", true, &[("n", "INTEGER"), ("id", "TEXT"), ("v", "TEXT")]);
    table.unique.push(vec!["id".into()]);
    let problems = |table: &Table| two_columns(ColumnType::Text).bind(&schema(vec![table.clone()])).1;
    assert_eq!(codes(&problems(&table)), [""; 0]);
    table.columns[0].declared_type = "INT".into();
    assert_eq!(codes(&problems(&table)), ["required_column_unmapped"]);
}

#[test]
fn a_key_is_unique_in_the_schema() {
    let mut mapping = two_columns(ColumnType::Text);
    mapping.key = vec![0, 1];
    let (_, problems) = mapping.bind(&users(true, "TEXT"));
    assert_eq!(codes(&problems), ["key_not_unique"]);
    assert!(problems[0].hint.contains("CREATE UNIQUE INDEX … ON \"users\" (\"id\", \"v\")"), "{}", problems[0].hint);
    mapping.key = vec![];
    assert_eq!(codes(&mapping.bind(&users(true, "TEXT")).1), ["key_missing"]);
}

#[test]
fn a_key_determines_the_document() {
    let judged = |collection: &str, inputs: &[&str], key: &[usize]| {
        let mut mapping = mapping(inputs.iter().map(|from| column(from, from, ColumnType::Text)).collect());
        mapping.collection = CollectionPattern::parse(collection).unwrap();
        mapping.key = key.to_vec();
        let names: Vec<(&str, &str)> = inputs.iter().map(|name| (*name, "TEXT")).collect();
        let mut table = table("users", true, &names);
        table.unique = vec![key.iter().map(|index| inputs[*index].to_owned()).collect()];
        let problems = mapping.bind(&schema(vec![table])).1;
        problems.first().map(|problem| (problem.code, problem.warning))
    };
    let error = Some(("key_not_determining", false));
    let warning = Some(("key_not_determining", true));
    assert_eq!(judged("users", &["$id"], &[0]), None);
    assert_eq!(judged("users", &["$path"], &[0]), None);
    assert_eq!(judged("users", &["email"], &[0]), error);
    assert_eq!(judged("users", &["email", "$path"], &[0]), warning);
    assert_eq!(judged("users/*/orders", &["$id"], &[0]), error);
    assert_eq!(judged("users/*/orders", &["$id", "$parent.id"], &[0, 1]), None);
    assert_eq!(judged("users/*/orders/*/lines", &["$id", "$parent.id"], &[0, 1]), error);
    assert_eq!(judged("users/*/orders/*/lines", &["$id", "$path"], &[1]), None);
}

#[test]
fn a_changed_id_does_not_determine_the_document() {
    let mut mapping = two_columns(ColumnType::Text);
    mapping.columns[0].transforms.push(Transform::Lowercase);
    assert_eq!(codes(&mapping.bind(&users(true, "TEXT")).1), ["key_not_determining"]);
}

fn with_tags(change: impl FnOnce(&mut ChildMapping)) -> Vec<(&'static str, bool)> {
    let mut mapping = two_columns(ColumnType::Text);
    let mut child = ChildMapping {
        table: "tags".into(),
        each: FieldPath::parse("tags").unwrap(),
        columns: vec![
            column("user_id", "$id", ColumnType::Text),
            column("position", "$index", ColumnType::Auto),
            column("tag", "$item", ColumnType::Auto),
        ],
        key: vec![0, 1],
        link: vec![(0, 0)],
    };
    change(&mut child);
    mapping.children.push(child);
    let mut tags = table("tags", true, &[("user_id", "TEXT"), ("position", "INTEGER"), ("tag", "TEXT")]);
    tags.unique = vec![vec!["user_id".into(), "position".into()], vec!["position".into()]];
    let users = table("users", true, &[("id", "TEXT"), ("v", "TEXT")]);
    let (bound, problems) = mapping.bind(&schema(vec![users, tags]));
    if problems.is_empty() {
        assert_eq!(bound.children[0].columns[1].kind, ColumnType::Natural(Affinity::Integer));
    }
    problems.iter().map(|problem| (problem.code, problem.warning)).collect()
}

#[test]
fn child_rows_are_linked_to_one_document() {
    assert_eq!(with_tags(|_| ()), []);
    assert_eq!(with_tags(|child| child.columns[0].kind = ColumnType::Auto), [], "an id is a text either way");
    assert_eq!(with_tags(|child| child.table = "labels".into()), [("table_missing", false)]);
    assert_eq!(with_tags(|child| child.key = vec![0, 2]), [("key_not_unique", false)]);
    assert_eq!(with_tags(|child| child.key = vec![]), [("key_missing", false)]);
    assert_eq!(with_tags(|child| child.link = vec![]), [("child_link_missing", false)]);
    assert_eq!(with_tags(|child| child.key = vec![1]), [("child_key_without_link", true)]);
    let other_field = |child: &mut ChildMapping| {
        child.columns[0].input = input("v");
        child.link = vec![(0, 1)];
    };
    assert_eq!(with_tags(other_field), [("child_link_not_determining", false)]);
    let changed = |child: &mut ChildMapping| child.columns[0].transforms.push(Transform::Trim);
    assert_eq!(with_tags(changed), [("child_link_differs", false)]);
}

#[test]
fn the_fingerprint_names_everything_that_determines_rows() {
    let base = two_columns(ColumnType::Text);
    let text = base.fingerprint_text();
    assert_eq!(base.clone().fingerprint_text(), text);
    let changes: [fn(&mut Mapping); 10] = [
        |mapping| mapping.table = "people".into(),
        |mapping| mapping.key = vec![1],
        |mapping| mapping.columns[1].input = Input::Id,
        |mapping| mapping.columns[1].kind = ColumnType::Timestamp { digits: 3 },
        |mapping| mapping.columns[1].required = true,
        |mapping| mapping.columns[1].default = Some(Value::Null),
        |mapping| mapping.columns[1].transforms.push(Transform::Trim),
        |mapping| mapping.columns[1].doubles.negative_zero = fireferry::domain::mapping::NegativeZero::Zero,
        |mapping| mapping.unknown_fields = UnknownFields::Reject,
        |mapping| mapping.columns.swap(0, 1),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = base.clone();
        change(&mut changed);
        assert_ne!(changed.fingerprint_text(), text, "change {number}");
    }
    let mut larger = base;
    larger.max_value_bytes += 1;
    assert_eq!(larger.fingerprint_text(), text, "a limit does not change rows");
}
