//! Random schemas, targets and documents, small enough that keys, unique values and parents collide all the time.

use std::collections::HashSet;

use fireferry::destination::{ChildTarget, OnConflict, Target};
use fireferry::domain::document::{CollectionPattern, Document, DocumentPath, Origin};
use fireferry::domain::row::{MappedDocument, Row, SqlValue};
use fireferry::domain::value::Map;
use proptest::collection::vec;
use proptest::prelude::*;

/// How the tables are declared.
#[derive(Debug, Clone)]
pub struct Shape {
    pub strict: bool,
    pub without_rowid: bool,
    pub nocase_key: bool,
    /// 0 none, 1 a column, 2 a column without case, 3 a pair, 4 an expression, 5 partial, 6 two of them, 7 generated.
    pub unique: u8,
    pub checked: bool,
    pub required: bool,
    /// `mentor` refers to the table itself.
    pub itself: bool,
    /// Groups: 0 are not referred to, 1 come before users, 2 come after them, 3 are referred to and refer back.
    pub groups: u8,
    /// Tags: 0 plain, 1 unique over all users, 2 refer to groups, 3 are checked, 4 have no primary key.
    pub tags: u8,
    /// Which of [`TRIGGERS`].
    pub trigger: u8,
    /// Rows that are there before the first run.
    pub prefilled: bool,
}

/// One document of `users`, as small numbers.
#[derive(Debug, Clone)]
pub struct User {
    pub key: u8,
    pub email: u8,
    pub n: i8,
    pub mentor: u8,
    pub group: u8,
    pub extra: u8,
    pub tags: Vec<u8>,
    pub broken: bool,
}

/// One document of `groups`.
#[derive(Debug, Clone)]
pub struct Group {
    pub key: u8,
    pub name: u8,
    pub leader: u8,
}

/// The documents of one run, and how they are written.
#[derive(Debug, Clone)]
pub struct Load {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    pub on_conflict: u8,
    /// No path occurs twice, and nobody needs to remember keys.
    pub unique_paths: bool,
    /// Sizes of batches, and how many of them make a commit.
    pub batches: Vec<usize>,
    pub commits: Vec<usize>,
    /// The most documents that the server gets at once, and the commits under way.
    pub at_once: usize,
    pub in_flight: usize,
    /// Waiting documents tried in one commit.
    pub page: usize,
}

/// A document, or a record that is none.
#[derive(Debug, Clone)]
pub struct Record {
    pub document: MappedDocument,
    pub broken: bool,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    pub shape: Shape,
    pub loads: Vec<Load>,
}

/// The trigger that depends on what is there already.
const COUNTING: u8 = 9;

const TRIGGERS: &[&str] = &[
    "",
    "",
    "CREATE TRIGGER g BEFORE INSERT ON users WHEN NEW.n = 7 BEGIN SELECT RAISE(ABORT, 'no sevens'); END;",
    "CREATE TRIGGER g BEFORE INSERT ON users WHEN NEW.n = 7 BEGIN SELECT RAISE(IGNORE); END;",
    "CREATE TRIGGER g BEFORE UPDATE ON users WHEN NEW.n = 7 BEGIN SELECT RAISE(ABORT, 'no sevens'); END;",
    "CREATE TRIGGER g BEFORE UPDATE ON users WHEN NEW.n = 7 BEGIN SELECT RAISE(IGNORE); END;",
    "CREATE TRIGGER g AFTER INSERT ON users BEGIN UPDATE users SET n = n + 1 WHERE id = NEW.id; END;",
    "CREATE TRIGGER g AFTER INSERT ON users BEGIN INSERT INTO log VALUES (NEW.id, NEW.n); END;",
    "CREATE TRIGGER g AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (NEW.id, NEW.n); END;",
    "CREATE TRIGGER g BEFORE INSERT ON users WHEN (SELECT count(*) FROM users WHERE n IS NEW.n) >= 2
       BEGIN SELECT RAISE(ABORT, 'no more of these'); END;",
    "CREATE TRIGGER g BEFORE INSERT ON user_tags WHEN NEW.tag = 't1' BEGIN SELECT RAISE(ABORT, 'no ones'); END;",
    "CREATE TRIGGER g BEFORE INSERT ON user_tags WHEN NEW.tag = 't1' BEGIN SELECT RAISE(IGNORE); END;",
    "CREATE TRIGGER g BEFORE DELETE ON user_tags WHEN OLD.tag = 't1' BEGIN SELECT RAISE(ABORT, 'ones stay'); END;",
    "CREATE TRIGGER g BEFORE DELETE ON user_tags WHEN OLD.tag = 't1' BEGIN SELECT RAISE(IGNORE); END;",
    "CREATE TRIGGER g AFTER INSERT ON user_tags BEGIN INSERT INTO log VALUES (NEW.user, NEW.position); END;",
    "CREATE TRIGGER g BEFORE INSERT ON users WHEN NEW.n = 7 BEGIN SELECT abs(-9223372036854775807 - 1); END;",
];

impl Shape {
    /// Nothing but columns and keys.
    pub fn plain() -> Self {
        Self {
            strict: true,
            without_rowid: false,
            nocase_key: false,
            unique: 0,
            checked: false,
            required: false,
            itself: false,
            groups: 0,
            tags: 0,
            trigger: 0,
            prefilled: false,
        }
    }

    /// The statements that make the tables, and the rows that are there before.
    pub fn sql(&self) -> String {
        let when = |yes: bool, text: &'static str| if yes { text } else { "" };
        let options = match (self.strict, self.without_rowid) {
            (true, true) => "STRICT, WITHOUT ROWID",
            (true, false) => "STRICT",
            (false, true) => "WITHOUT ROWID",
            (false, false) => "",
        };
        let any = when(self.strict, "ANY");
        let strict = when(self.strict, "STRICT");
        let unique = match self.unique {
            1 => "CREATE UNIQUE INDEX u ON users (email);",
            2 => "CREATE UNIQUE INDEX u ON users (email COLLATE NOCASE);",
            3 => "CREATE UNIQUE INDEX u ON users (email, n);",
            4 => "CREATE UNIQUE INDEX u ON users (lower(email));",
            5 => "CREATE UNIQUE INDEX u ON users (email) WHERE n > 3;",
            6 => "CREATE UNIQUE INDEX u ON users (email); CREATE UNIQUE INDEX v ON users (extra);",
            7 => "CREATE UNIQUE INDEX u ON users (made);",
            _ => "",
        };
        let tag = match self.tags {
            1 => "UNIQUE",
            2 => "REFERENCES groups (name)",
            3 => "CHECK (tag <> 't3')",
            _ => "",
        };
        let key = if self.tags == 4 { "" } else { ", PRIMARY KEY (user, position)" };
        let filled = "INSERT OR IGNORE INTO groups (id, name) VALUES ('g1', 't1'), ('g9', 't0');
             INSERT OR IGNORE INTO users (id, email, n) VALUES ('k1', 'e1', 1), ('k2', 'E3', 2), ('K3', 'e4', 5);
             INSERT OR IGNORE INTO user_tags (user, position, tag) VALUES ('k1', 0, 't1'), ('k1', 1, 't0');";
        format!(
            "CREATE TABLE groups (id TEXT PRIMARY KEY, name TEXT UNIQUE, leader TEXT {}) {strict};
             CREATE TABLE users (id TEXT {} PRIMARY KEY, email TEXT {}, n INTEGER {}, mentor TEXT {}, grp TEXT {},
               extra {any}, r REAL, made TEXT GENERATED ALWAYS AS (email || '.') VIRTUAL) {options};
             {unique}
             CREATE TABLE user_tags (user TEXT NOT NULL REFERENCES users (id), position INTEGER NOT NULL,
               tag TEXT {tag} {key}) {strict};
             CREATE TABLE log (a, b);
             {}{}",
            when(self.groups == 3, "REFERENCES users (id)"),
            when(self.nocase_key, "COLLATE NOCASE"),
            when(self.required, "NOT NULL"),
            when(self.checked, "CONSTRAINT positive CHECK (n >= 0)"),
            when(self.itself, "REFERENCES users (id)"),
            when(self.groups > 0, "REFERENCES groups (id)"),
            when(self.prefilled, filled),
            TRIGGERS[usize::from(self.trigger) % TRIGGERS.len()],
        )
    }
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Case {
    /// The targets of a load, in the order in which they are written: `users` and `groups`, or the other way round.
    pub fn targets(&self, load: &Load, is_empty: impl Fn(&str) -> bool) -> Vec<Target> {
        let target = |table: &str, names: &[&str], children: Vec<ChildTarget>, own: &[&str]| {
            let empty = own.iter().all(|table| is_empty(table));
            Target {
                collection: CollectionPattern::of(table),
                table: table.to_owned(),
                columns: columns(names),
                key: vec![0],
                children,
                on_conflict: match load.on_conflict {
                    0 => OnConflict::Skip,
                    1 => OnConflict::Fail,
                    // `name` of groups is text, `n` of users a number, now and then text or NULL.
                    3 => OnConflict::KeepNewest(names[2 - usize::from(table == "groups")].to_owned()),
                    4 => OnConflict::KeepOldest(names[2 - usize::from(table == "groups")].to_owned()),
                    5 => OnConflict::Merge,
                    _ => OnConflict::Replace,
                },
                json: vec![],
                empty_at_start: empty,
                remember_keys: !(empty || load.unique_paths),
            }
        };
        let tags = ChildTarget {
            table: "user_tags".to_owned(),
            columns: columns(&["user", "position", "tag"]),
            link: vec![(0, 0)],
        };
        let users =
            target("users", &["id", "email", "n", "mentor", "grp", "extra", "r"], vec![tags], &["users", "user_tags"]);
        let groups = target("groups", &["id", "name", "leader"], vec![], &["groups"]);
        if self.groups_first() { vec![groups, users] } else { vec![users, groups] }
    }

    /// Without the one difference that is inherent. A server takes many documents in one statement, so a document may be
    /// written at once that a file lets wait, because what it needs comes later in the same commit: its parent in the
    /// same table, or the unique value of a row that is updated. In the end that is the same, except where another
    /// document may overtake a waiting one: by a unique value that is not claimed (one of a child table, or not compared
    /// by bytes), or because a trigger counts.
    fn comparable(mut self) -> Self {
        let shape = &mut self.shape;
        let unclaimed = shape.nocase_key || matches!(shape.unique, 2 | 4 | 5 | 7) || shape.tags == 1;
        if unclaimed || shape.trigger == COUNTING {
            shape.itself = false;
            self.loads.iter_mut().for_each(|load| load.on_conflict %= 2);
        }
        self
    }

    fn groups_first(&self) -> bool {
        self.shape.groups < 2
    }

    /// The documents of each target, in the order of the targets; every one has a place of its own in its file.
    pub fn documents(&self, load: &Load) -> Vec<Vec<Record>> {
        let mut users: Vec<Record> =
            load.users.iter().map(|user| Record { document: user.document(), broken: user.broken }).collect();
        let mut groups: Vec<Record> =
            load.groups.iter().map(|group| Record { document: group.document(), broken: false }).collect();
        for records in [&mut users, &mut groups] {
            if load.unique_paths {
                let mut seen = HashSet::new();
                records.retain(|record| seen.insert(record.document.document.path.to_string()));
            }
            for (index, record) in records.iter_mut().enumerate() {
                record.document.document.origin.offset = index as u64 * 10;
                record.document.document.origin.line = index as u64 + 1;
            }
        }
        if self.groups_first() { vec![groups, users] } else { vec![users, groups] }
    }
}

/// 0 is NULL; the odd ones are also there in upper case.
fn id(start: &str, number: u8) -> SqlValue {
    match number {
        0 => SqlValue::Null,
        number if number > 100 => SqlValue::Text(format!("{start}{}", number - 100).to_uppercase()),
        number => SqlValue::Text(format!("{start}{number}")),
    }
}

fn document(collection: &str, row: Row, children: Vec<Vec<Row>>) -> MappedDocument {
    let id = if let SqlValue::Text(text) = &row[0] { text.clone() } else { "null".to_owned() };
    let origin = Origin { file: Some("test.ndjson".into()), offset: 0, length: 10, line: 1 };
    let path = DocumentPath::new(collection, id);
    let document = Document { path, fields: Map::new(), created: None, updated: None, origin };
    MappedDocument { document, row, children, waiting: None }
}

impl User {
    fn document(&self) -> MappedDocument {
        let key = id("k", self.key);
        let n = match self.n {
            -2 => SqlValue::Null,
            -3 => SqlValue::Text("many".to_owned()),
            n => SqlValue::Integer(n.into()),
        };
        let (extra, r) = match self.extra {
            0 => (SqlValue::Null, SqlValue::Null),
            1 => (SqlValue::Integer(i64::MAX), SqlValue::Real(0.1)),
            2 => (SqlValue::Real(-1.5e-300), SqlValue::Real(f64::MAX)),
            3 => (SqlValue::Blob(vec![0, 255]), SqlValue::Real(5e-324)),
            4 => (SqlValue::Text("a\0b".to_owned()), SqlValue::Real(3.0)),
            5 => (SqlValue::Real(1.0), SqlValue::Null),
            6 => (SqlValue::Integer(1), SqlValue::Null),
            7 => (SqlValue::Text("1".to_owned()), SqlValue::Null),
            _ => (SqlValue::Blob(vec![]), SqlValue::Null),
        };
        let row = vec![key.clone(), id("e", self.email), n, id("k", self.mentor), id("g", self.group), extra, r];
        let tag = |(position, tag): (usize, &u8)| {
            vec![key.clone(), SqlValue::Integer(position as i64), SqlValue::Text(format!("t{tag}"))]
        };
        let tags = self.tags.iter().enumerate().map(tag).collect();
        document("users", row, vec![tags])
    }
}

impl Group {
    fn document(&self) -> MappedDocument {
        let name = if self.name == 9 { SqlValue::Null } else { SqlValue::Text(format!("t{}", self.name)) };
        document("groups", vec![id("g", self.key), name, id("k", self.leader)], vec![])
    }
}

/// Few different numbers, some of them in upper case, and now and then none.
fn key(most: u8) -> impl Strategy<Value = u8> {
    prop_oneof![1 => Just(0), 30 => 1..=most, 3 => 101..=100 + most]
}

fn user() -> impl Strategy<Value = User> {
    let n = prop_oneof![1 => Just(-3_i8), 1 => Just(-2), 2 => Just(-1), 12 => 0..9_i8];
    let mentor = prop_oneof![3 => Just(0_u8), 2 => 1..12_u8];
    let group = prop_oneof![2 => Just(0_u8), 3 => 1..7_u8];
    let email = prop_oneof![1 => Just(0_u8), 8 => 1..12_u8, 1 => 101..112_u8];
    let broken = prop::bool::weighted(0.03);
    (key(10), email, n, mentor, group, 0..9_u8, vec(0..5_u8, 0..3), broken).prop_map(
        |(key, email, n, mentor, group, extra, tags, broken)| User {
            key,
            email,
            n,
            mentor,
            group,
            extra,
            tags,
            broken,
        },
    )
}

fn group() -> impl Strategy<Value = Group> {
    let leader = prop_oneof![2 => Just(0_u8), 2 => 1..12_u8];
    (key(6), 0..10_u8, leader).prop_map(|(key, name, leader)| Group { key, name, leader })
}

fn load() -> impl Strategy<Value = Load> {
    let documents = (vec(user(), 0..60), vec(group(), 0..12));
    let sizes = (vec(1..9_usize, 1..6), vec(1..5_usize, 1..4), 1..25_usize, 1..5_usize, 1..9_usize);
    (documents, 0..8_u8, any::<bool>(), sizes).prop_map(
        |((users, groups), on_conflict, unique_paths, (batches, commits, at_once, in_flight, page))| Load {
            users,
            groups,
            on_conflict,
            unique_paths,
            batches,
            commits,
            at_once,
            in_flight,
            page,
        },
    )
}

fn shape() -> impl Strategy<Value = Shape> {
    let flags = any::<[bool; 7]>();
    (flags, 0..8_u8, 0..4_u8, 0..5_u8, 0..TRIGGERS.len() as u8).prop_map(
        |([strict, without_rowid, nocase_key, checked, required, itself, prefilled], unique, groups, tags, trigger)| {
            Shape {
                strict,
                without_rowid,
                nocase_key,
                unique,
                checked,
                required,
                itself,
                groups,
                tags,
                trigger,
                prefilled,
            }
        },
    )
}

/// Two runs over one schema.
pub fn case() -> impl Strategy<Value = Case> {
    (shape(), vec(load(), 1..3)).prop_map(|(shape, loads)| Case { shape, loads }.comparable())
}
