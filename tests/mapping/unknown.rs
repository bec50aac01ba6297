//! Fields that no column maps.

use super::*;
use fireferry::domain::filter::{Condition, Operator};
use fireferry::domain::mapping::ChildMapping;

/// Maps `name`, `profile.city`, the elements of `tags`, filters by `meta.active`.
fn with_policy(policy: UnknownFields) -> Mapping {
    let mut mapping = mapping(vec![
        column("id", "$id", ColumnType::Text),
        column("name", "name", ColumnType::Any),
        column("city", "profile.city", ColumnType::Any),
        column("rest", "$unknown", ColumnType::Json),
    ]);
    mapping.unknown_fields = policy;
    let columns = vec![column("id", "$id", ColumnType::Text), column("label", "$item.label", ColumnType::Any)];
    let each = FieldPath::parse("tags").unwrap();
    mapping.children.push(ChildMapping { table: "tags".into(), each, columns, key: vec![], link: vec![(0, 0)] });
    let field = FieldPath::parse("meta.active").unwrap();
    mapping.filter.conditions.push(Condition { field, operator: Operator::Exists, value: Value::Boolean(true) });
    mapping
}

const KNOWN: &str = r#"{"name":"A","profile":{"city":"B"},"tags":[{"label":1,"more":2}],"meta":{"active":true}}"#;
const MORE: &str =
    r#"{"name":{"x":1},"profile":{"city":"B","zip":8000,"geo":{"a":1}},"meta":{"active":1,"by":"c"},"z":null}"#;

#[test]
fn known_fields_are_columns_children_and_filters() {
    assert!(matches!(with_policy(UnknownFields::Reject).map(document(KNOWN)), Mapped::Rows(_)));
    assert_eq!(rows(&with_policy(UnknownFields::Keep), KNOWN).row[3], SqlValue::Null);
    assert_eq!(rows(&with_policy(UnknownFields::Ignore), MORE).row[3], SqlValue::Null);
}

#[test]
fn a_map_of_which_parts_are_mapped_is_searched() {
    let (code, reason, key) = rejected(&with_policy(UnknownFields::Reject), MORE);
    assert_eq!((code, key.as_deref()), (RejectCode::UnknownField, Some(r#"["alice"]"#)));
    assert_eq!(reason, "no column maps `meta.by`, `profile.geo`, `profile.zip`, `z`");
}

#[test]
fn kept_fields_have_the_structure_they_had() {
    let kept = &rows(&with_policy(UnknownFields::Keep), MORE).row[3];
    assert_eq!(*kept, text(r#"{"meta":{"by":"c"},"profile":{"geo":{"a":1},"zip":8000},"z":null}"#));
}

#[test]
fn a_long_list_of_unknown_fields_is_cut() {
    let (_, reason, _) = rejected(
        &with_policy(UnknownFields::Reject),
        r#"{"meta":{"active":1},"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}"#,
    );
    assert_eq!(reason, "no column maps `a`, `b`, `c`, `d`, `e` and 2 more fields");
}

#[test]
fn a_null_where_fields_are_mapped_inside_is_nothing_unknown() {
    let fields = r#"{"profile":null,"meta":{"active":1}}"#;
    assert!(matches!(with_policy(UnknownFields::Reject).map(document(fields)), Mapped::Rows(_)));
}

#[test]
fn the_field_that_repeats_the_id_is_not_unknown() {
    let with_id_field = |json: &str| {
        let mut mapping = with_policy(UnknownFields::Reject);
        mapping.id_field = Some("ref".to_owned());
        mapping.map(document(json))
    };
    let body = KNOWN.trim_start_matches('{');
    assert!(matches!(with_id_field(&format!(r#"{{"ref":"alice",{body}"#)), Mapped::Rows(_)));
    assert!(matches!(with_id_field(&format!(r#"{{"ref":"bob",{body}"#)), Mapped::Rejected { .. }));
}
