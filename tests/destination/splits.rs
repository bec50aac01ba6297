//! The same documents give the same tables, counts and rejects, however they are cut into commits and wherever the
//! process is interrupted in between.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::libsql::LibsqlFile;
use fireferry::destination::{Destination, OnConflict, RejectQuery, Target};
use fireferry::domain::cursor::Counts;
use fireferry::domain::row::{MappedDocument, Row, SqlValue};
use proptest::prelude::*;

use super::support::*;

const SCHEMA: &str = "
CREATE TABLE nodes (id TEXT PRIMARY KEY, parent TEXT REFERENCES nodes (id), email TEXT COLLATE NOCASE UNIQUE,
                    n INTEGER NOT NULL CHECK (n < 8)) STRICT;
CREATE TABLE tags (node TEXT NOT NULL REFERENCES nodes (id), tag INTEGER CHECK (tag < 5), UNIQUE (node, tag)) STRICT;";

const OLD_ROWS: &str = "
INSERT INTO nodes VALUES ('n0', NULL, 'E0', 1), ('n1', 'n0', 'e9', 2), ('n2', NULL, NULL, 3);
INSERT INTO tags VALUES ('n0', 1), ('n0', 2), ('n2', 0);";

#[derive(Debug, Clone)]
struct Node {
    id: u8,
    parent: Option<u8>,
    email: Option<u8>,
    n: i64,
    tags: Vec<i64>,
}

fn node() -> impl Strategy<Value = Node> {
    let parent = proptest::option::of(0..6_u8);
    let email = proptest::option::of(0..5_u8);
    (0..6_u8, parent, email, 0..9_i64, proptest::collection::vec(0..6_i64, 0..3))
        .prop_map(|(id, parent, email, n, tags)| Node { id, parent, email, n, tags })
}

/// The line of a document is its number: a reject keeps no rows, they are made again from the document.
fn mapped(node: &Node, number: usize, waiting: Option<i64>) -> MappedDocument {
    let id = format!("n{}", node.id);
    let optional = |value: Option<String>| value.map_or(SqlValue::Null, |value| text(&value));
    let email = node.email.map(|email| format!("{}{email}", if node.n % 2 == 0 { 'e' } else { 'E' }));
    let row = vec![text(&id), optional(node.parent.map(|parent| format!("n{parent}"))), optional(email), int(node.n)];
    let tags: Vec<Row> = node.tags.iter().map(|tag| vec![text(&id), int(*tag)]).collect();
    let mut mapped = with_children(document("nodes", row), vec![tags]);
    mapped.document.origin.line = number as u64;
    MappedDocument { waiting, ..mapped }
}

fn nodes(empty: bool, on_conflict: &OnConflict) -> Target {
    let mut target = target("nodes", &["id", "parent", "email", "n"]);
    target.children = vec![child("tags", &["node", "tag"], &[(0, 0)])];
    target.on_conflict = on_conflict.clone();
    if empty { target } else { filled(target) }
}

/// Loads in commits of these sizes, opening the database anew before each, then settles what waits.
async fn load(
    documents: &[Node],
    sizes: &[usize],
    empty: bool,
    on_conflict: &OnConflict,
) -> (String, Counts, Vec<String>) {
    let schema = if empty { SCHEMA.to_owned() } else { format!("{SCHEMA}{OLD_ROWS}") };
    let (place, mut db) = with_schema(&schema).await;
    let mut run = Run::start(&mut db, "r", vec![nodes(empty, on_conflict)]).await;
    let mut rest: Vec<MappedDocument> =
        documents.iter().enumerate().map(|(number, node)| mapped(node, number, None)).collect();
    for size in sizes.iter().copied().chain([documents.len()]) {
        let later = rest.split_off(size.min(rest.len()));
        let now = std::mem::replace(&mut rest, later);
        drop(db);
        db = open(&place.file);
        db.prepare("r", &run.targets).await.unwrap();
        run.write(&mut db, 0, now).await;
    }
    settle(&mut db, &mut run, documents).await;
    let rows = query(&place.file, "SELECT * FROM nodes ORDER BY id").await;
    let tags = query(&place.file, "SELECT * FROM tags ORDER BY 1, 2").await;
    assert_eq!(db.foreign_key_check(&["nodes".into(), "tags".into()], 9).await.unwrap(), []);
    (format!("{rows}\n{tags}"), db.counts("r").await.unwrap()[0].1, reasons(&mut db).await)
}

/// Tries waiting documents until a pass changes nothing, then for the last time.
async fn settle(db: &mut LibsqlFile, run: &mut Run, documents: &[Node]) {
    for finalize in [false, true] {
        loop {
            let waiting = RejectQuery { waiting: Some(true), limit: 1000, ..RejectQuery::default() };
            let tries = db.rejects(&waiting).await.unwrap();
            let again = tries
                .iter()
                .map(|stored| {
                    let number = stored.reject.origin.line as usize;
                    mapped(&documents[number], number, Some(stored.id))
                })
                .collect();
            let receipt = run.retry(db, 0, again, finalize).await;
            if receipt.counts.waiting == 0 || finalize {
                break;
            }
        }
    }
}

fn check(documents: Vec<Node>, sizes: Vec<usize>, empty: bool, on_conflict: OnConflict) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let whole = runtime.block_on(load(&documents, &[], empty, &on_conflict));
    let cut = runtime.block_on(load(&documents, &sizes, empty, &on_conflict));
    assert_eq!(whole, cut);
    assert_eq!(whole.1.waiting, 0);
    assert_eq!(whole.1.read, documents.len() as i64);
    assert!(whole.1.adds_up());
    assert_eq!(whole.2.len() as i64, whole.1.rejected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commits_can_be_cut_anywhere(
        documents in proptest::collection::vec(node(), 0..24),
        sizes in proptest::collection::vec(0..8_usize, 0..4),
        empty in any::<bool>(),
        on_conflict in prop_oneof![
            Just(OnConflict::Replace),
            Just(OnConflict::Skip),
            Just(OnConflict::Fail),
            Just(OnConflict::Merge),
            Just(OnConflict::KeepNewest("n".to_owned())),
            Just(OnConflict::KeepOldest("n".to_owned())),
        ],
    ) {
        check(documents, sizes, empty, on_conflict);
    }
}
