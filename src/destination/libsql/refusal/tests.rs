//! Reasons from made-up answers; the real ones are asked for in the tests of the destination.

use super::*;
use crate::destination::OnConflict;
use crate::domain::document::{CollectionPattern, Document, DocumentPath, Origin};
use crate::domain::schema::{Column, ForeignKey};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn table(name: &str, columns: &[&str]) -> Table {
    let columns = columns.iter().map(|name| Column { name: (*name).to_owned(), ..Column::default() }).collect();
    Table { name: name.to_owned(), columns, ..Table::default() }
}

fn references(column: &str, parent: &str) -> ForeignKey {
    let (columns, parent_columns) = (names(&[column]), names(&["id"]));
    ForeignKey { columns, parent: parent.to_owned(), parent_columns, ..ForeignKey::default() }
}

fn target(name: &str, columns: &[&str], children: Vec<ChildTarget>) -> Target {
    Target {
        collection: CollectionPattern::of(name),
        table: name.to_owned(),
        columns: names(columns),
        key: vec![0],
        children,
        on_conflict: OnConflict::Replace,
        json: vec![],
        empty_at_start: true,
        remember_keys: false,
    }
}

/// Orders that refer to users, to another order and to shops, with tags in a child table.
struct World {
    orders: Target,
    users: Target,
    table: Table,
    tags: Table,
    document: MappedDocument,
}

const COLUMNS: [&str; 4] = ["id", "user", "before", "shop"];

fn world(row: [SqlValue; 4]) -> World {
    let child = ChildTarget { table: "tags".into(), columns: names(&["order", "tag"]), link: vec![(0, 0)] };
    let mut table = table("orders", &COLUMNS);
    table.foreign_keys = vec![references("user", "users"), references("before", "orders"), references("shop", "shops")];
    let document = Document {
        path: DocumentPath::new("orders", "o1"),
        fields: Default::default(),
        created: None,
        updated: None,
        origin: Origin { file: None, offset: 0, length: 0, line: 0 },
    };
    let tags = vec![vec!["o1".into(), "a".into()]];
    World {
        orders: target("orders", &COLUMNS, vec![child]),
        users: target("users", &["id"], vec![]),
        table,
        tags: self::table("tags", &["order", "tag"]),
        document: MappedDocument { document, row: row.into(), children: vec![tags], waiting: None },
    }
}

impl World {
    fn with<T>(&self, finalize: bool, ask: impl FnOnce(&Around<'_>) -> T) -> T {
        let children = vec![(&self.orders.children[0], &self.tags)];
        let targets = [&self.users, &self.orders];
        let (target, table) = (&self.orders, &self.table);
        ask(&Around { run: "r", finalize, target, table, children, targets: &targets })
    }

    fn questions(&self, finalize: bool, failure: &Failure, spot: Spot) -> Vec<Statement> {
        self.with(finalize, |around| questions(around, &self.document, failure, spot))
    }

    /// Code, reason and whether it may wait.
    fn explained(
        &self,
        finalize: bool,
        failure: &Failure,
        spot: Spot,
        answers: &[Vec<Vec<SqlValue>>],
    ) -> Option<(RejectCode, String, bool)> {
        let refusal = self.with(finalize, |around| explain(around, &self.document, failure, spot, answers)).ok()?;
        Some((refusal.rejection.code, refusal.rejection.reason, refusal.may_wait))
    }
}

fn failure(code: i32, message: &str) -> Failure {
    Failure { code, message: message.into() }
}

fn one(values: &[&str]) -> Vec<Vec<SqlValue>> {
    vec![values.iter().map(|value| SqlValue::from(*value)).collect()]
}

#[test]
fn the_first_missing_parent_is_named() {
    let world = world(["o1".into(), "u1".into(), "o0".into(), SqlValue::Null]);
    for failure in [failure(787, ""), failure(19, "FOREIGN KEY constraint failed")] {
        let asked = world.questions(false, &failure, Spot::Row);
        assert_eq!(asked.len(), 2, "no parent for NULL, no rejects before the end");
        assert_eq!(asked[0].sql, r#"SELECT 1 FROM "users" WHERE "id" = ?1 LIMIT 1"#);
        let found = world.explained(false, &failure, Spot::Row, &[one(&["1"]), vec![]]);
        let expected = (RejectCode::ParentMissing, "orders.before = 'o0' has no row in orders.id".to_owned(), true);
        assert_eq!(found, Some(expected));
    }
}

#[test]
fn in_the_end_a_rejected_parent_is_named_too() {
    let world = world(["o1".into(), "u1".into(), SqlValue::Null, "s1".into()]);
    let failure = failure(787, "");
    // Users by key and by id; shops are nobody's target.
    assert_eq!(world.questions(true, &failure, Spot::Row).len(), 3 + 1);
    let by_id = [vec![], vec![], one(&["users/u1", "not_null"]), vec![]];
    let reason = "orders.user = 'u1' has no row in users.id: its document users/u1 was rejected (not_null)";
    let expected = (RejectCode::ParentRejected, reason.to_owned(), true);
    assert_eq!(world.explained(true, &failure, Spot::Row, &by_id), Some(expected));
    let none_of_users = [one(&["1"]), vec![], vec![], vec![]];
    let expected = (RejectCode::ParentMissing, "orders.shop = 's1' has no row in shops.id".to_owned(), true);
    assert_eq!(world.explained(true, &failure, Spot::Row, &none_of_users), Some(expected));
}

#[test]
fn a_document_that_refers_to_itself_has_its_parent() {
    let world = world(["o1".into(), SqlValue::Null, "o1".into(), SqlValue::Null]);
    let failure = failure(787, "");
    assert_eq!(world.questions(true, &failure, Spot::Row), []);
    let reason = "rows of other tables refer to this row of orders as it is".to_owned();
    let found = world.explained(true, &failure, Spot::Row, &[]);
    assert_eq!(found, Some((RejectCode::Constraint, reason, true)));
}

#[test]
fn who_holds_a_unique_value_is_named() {
    let world = world(["o1".into(), "u1".into(), SqlValue::Null, SqlValue::Null]);
    let failure = failure(2067, "UNIQUE constraint failed: orders.user");
    assert_eq!(world.questions(false, &failure, Spot::Row).len(), 1);
    let held = [vec![vec!["text".into(), b"o9".to_vec().into()]]];
    let reason = "orders.user = 'u1' is held already by the row with id = 'o9'".to_owned();
    let found = world.explained(false, &failure, Spot::Row, &held);
    assert_eq!(found, Some((RejectCode::UniqueViolation, reason, true)));
    assert_eq!(world.explained(false, &failure, Spot::Row, &[]), None, "not answered");
}

#[test]
fn a_value_may_occur_twice_in_one_document() {
    let world = world(["o1".into(), SqlValue::Null, SqlValue::Null, SqlValue::Null]);
    let failure = failure(19, "UNIQUE constraint failed: tags.tag");
    let found = world.explained(false, &failure, Spot::Child(0, 0), &[vec![]]);
    let reason = "tags.tag = 'a' occurs twice in the document".to_owned();
    assert_eq!(found, Some((RejectCode::UniqueViolation, reason, false)));
    let index = super::Failure { message: "UNIQUE constraint failed: index 'i'".into(), ..failure };
    assert_eq!(world.questions(false, &index, Spot::Child(0, 0)), []);
}

#[test]
fn an_unseen_key_is_equal_or_ignored() {
    let world = world(["o1".into(), SqlValue::Null, SqlValue::Null, SqlValue::Null]);
    let explained = |answers: &[Vec<Vec<SqlValue>>]| {
        let refusal = world.with(false, |around| explain_other_key(around, &world.document, answers));
        refusal.map(|refusal| refusal.rejection.reason).ok()
    };
    assert_eq!(world.with(false, |around| other_key_questions(around, &world.document)).len(), 1);
    let held = "orders.id = 'o1' is held already by the row with id = 'O1', which the table's index treats as equal";
    assert_eq!(explained(&[vec![vec!["text".into(), "O1".into()]]]).as_deref(), Some(held));
    assert_eq!(explained(&[vec![]]).as_deref(), Some("a trigger of orders ignored orders.id = 'o1'"));
}

#[test]
fn every_other_refusal_is_explained_without_a_question() {
    let world = world(["o1".into(), SqlValue::Null, SqlValue::Null, SqlValue::Null]);
    let cases = [
        (275, "CHECK constraint failed: a > 0", RejectCode::CheckFailed, "CHECK of orders failed: a > 0"),
        (1299, "NOT NULL constraint failed: orders.id", RejectCode::NotNull, "orders.id must not be NULL"),
        (3091, "cannot store", RejectCode::WrongType, "table orders: cannot store"),
        (20, "datatype mismatch", RejectCode::WrongType, "table orders: datatype mismatch"),
        (1811, "no", RejectCode::Constraint, "a trigger of orders refused it: no"),
        (19, "no", RejectCode::Constraint, "a trigger of orders refused it: no"),
        (18, "", RejectCode::OversizedValue, "a value for orders is longer than the database stores"),
        (1, "no such function", RejectCode::Constraint, "table orders refused it: no such function"),
    ];
    for (code, message, expected, reason) in cases {
        let failure = failure(code, message);
        assert_eq!(world.questions(true, &failure, Spot::Row), []);
        let found = world.explained(true, &failure, Spot::Row, &[]);
        assert_eq!(found, Some((expected, reason.to_owned(), false)), "{code}");
    }
}
