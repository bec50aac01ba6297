//! Child rows from arrays and maps.

use super::*;
use fireferry::domain::mapping::ChildMapping;

fn with_child(each: &str, columns: &[(&str, &str)], key: Vec<usize>) -> Mapping {
    let mut mapping = mapping(vec![column("id", "$id", ColumnType::Text)]);
    mapping.children.push(ChildMapping {
        table: "tags".into(),
        each: FieldPath::parse(each).unwrap(),
        columns: columns.iter().map(|(name, from)| column(name, from, ColumnType::Any)).collect(),
        key,
        link: vec![(0, 0)],
    });
    mapping
}

fn tags() -> Mapping {
    with_child("profile.tags", &[("user_id", "$id"), ("position", "$index"), ("tag", "$item")], vec![0, 1])
}

#[test]
fn an_array_gives_a_row_per_element_with_its_position() {
    let mapped = rows(&tags(), r#"{"profile":{"tags":["a","a",null]}}"#);
    let expected = [
        row([text("alice"), SqlValue::Integer(0), text("a")]),
        row([text("alice"), SqlValue::Integer(1), text("a")]),
        row([text("alice"), SqlValue::Integer(2), SqlValue::Null]),
    ];
    assert_eq!(mapped.children, [expected]);
}

#[test]
fn a_map_gives_a_row_per_field_sorted_by_key() {
    let mapped = rows(&tags(), r#"{"profile":{"tags":{"b":1,"a":{"x":2}}}}"#);
    let expected =
        [row([text("alice"), text("a"), text(r#"{"x":2}"#)]), row([text("alice"), text("b"), SqlValue::Integer(1)])];
    assert_eq!(mapped.children, [expected]);
}

#[test]
fn fields_of_elements_are_reached_by_item() {
    let columns = [("user_id", "$id"), ("id", "$item.id"), ("body", "$item.body.text"), ("name", "name")];
    let mapping = with_child("messages", &columns, vec![0, 1]);
    let mapped = rows(&mapping, r#"{"name":"A","messages":[{"id":"m1","body":{"text":"hi"}},{"id":"m2"}]}"#);
    let expected = [
        row([text("alice"), text("m1"), text("hi"), text("A")]),
        row([text("alice"), text("m2"), SqlValue::Null, text("A")]),
    ];
    assert_eq!(mapped.children, [expected]);
    let (code, reason, _) = rejected(&mapping, r#"{"messages":["hi"]}"#);
    assert_eq!(code, RejectCode::WrongType);
    let expected = "column `tags.id` from `$item.id`: `$item` is string \"hi\", expected a map with `id` \
                    (element 0 of `messages`)";
    assert_eq!(reason, expected);
}

#[test]
fn missing_and_null_give_no_rows_and_another_type_is_refused() {
    for fields in ["{}", r#"{"profile":null}"#, r#"{"profile":{"tags":null}}"#, r#"{"profile":{"tags":[]}}"#] {
        assert_eq!(rows(&tags(), fields).children, [Vec::<Row>::new()], "{fields}");
    }
    let (code, reason, key) = rejected(&tags(), r#"{"profile":{"tags":"a"}}"#);
    assert_eq!((code, key.as_deref()), (RejectCode::WrongType, Some(r#"["alice"]"#)));
    assert_eq!(reason, "rows of `tags` from `profile.tags`: found string \"a\", expected an array or a map");
}

#[test]
fn two_elements_with_one_key_are_refused() {
    let by_tag = with_child("tags", &[("user_id", "$id"), ("tag", "$item")], vec![0, 1]);
    let (code, reason, _) = rejected(&by_tag, r#"{"tags":["c","a","b","a"]}"#);
    assert_eq!(code, RejectCode::DuplicateKey);
    assert_eq!(reason, "`tags`: element 1 and element 3 have the same key [\"alice\",\"a\"] in `tags`");
    let (code, _, _) = rejected(&by_tag, r#"{"tags":[1,1.0]}"#);
    assert_eq!(code, RejectCode::DuplicateKey, "a unique index takes 1 and 1.0 for equal");
    assert_eq!(rows(&by_tag, r#"{"tags":[1,"1",{"$bytes":"MQ=="}]}"#).children[0].len(), 3);
}

#[test]
fn a_childs_key_is_never_null() {
    let by_tag = with_child("tags", &[("user_id", "$id"), ("tag", "$item")], vec![0, 1]);
    let (code, reason, _) = rejected(&by_tag, r#"{"tags":["a",null]}"#);
    assert_eq!(code, RejectCode::MissingField);
    assert_eq!(reason, "column `tags.tag` from `$item`: a key cannot be NULL (element 1 of `tags`)");
}
