//! Generated loads: any number of documents in four collections that refer to each other, as NDJSON, with their
//! pipeline and schema. The same numbers give the same bytes.
//!
//! What makes them hard: children and child tables, people whose mentor comes later (they wait, in chains), teams whose
//! captain is in a later collection (a cycle), people who compete for one e-mail address while they wait, rejects of
//! many kinds, the same id twice, broken lines.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// Deterministic pseudo-random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        random.next();
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// From 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so many times in a thousand.
    pub fn per_mille(&mut self, times: usize) -> bool {
        self.below(1000) < times
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Any finite double except -0.0.
    pub fn double(&mut self) -> f64 {
        loop {
            let double = f64::from_bits(self.next());
            if double.is_finite() && !(double == 0.0 && double.is_sign_negative()) {
                return double;
            }
        }
    }
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct Load {
    /// Lines in all files together, about.
    pub documents: usize,
    /// Other seeds, other documents.
    pub seed: u64,
    /// `commit_documents` of the pipeline.
    pub commit_documents: usize,
    /// Documents as they are later: changed, removed, added, e-mail addresses handed on.
    pub later: bool,
}

/// One team in so many has a captain.
const CAPTAINED: usize = 5;

const WORDS: &[&str] = &[
    "alpha",
    "Übung",
    "naïve",
    "日本語",
    "Ελλάδα",
    "мир",
    "🦊",
    "👩‍👩‍👧",
    "e\u{301}",
    "ß",
    "سلام",
    "नमस्ते",
    "\u{0}",
    "\t",
    "\"",
    "zz",
];

/// Where a load's files are.
#[derive(Debug, Clone)]
pub struct LoadFiles {
    pub pipeline: PathBuf,
    pub documents: PathBuf,
    pub schema: PathBuf,
}

impl Load {
    /// Writes pipeline, schema and documents below `folder`.
    pub fn write(&self, folder: &Path) -> LoadFiles {
        let files = LoadFiles {
            pipeline: folder.join("load.yaml"),
            documents: folder.join("documents"),
            schema: folder.join("schema"),
        };
        fs::create_dir_all(&files.documents).unwrap();
        fs::create_dir_all(&files.schema).unwrap();
        fs::write(&files.pipeline, self.pipeline()).unwrap();
        fs::write(files.schema.join("0001_load.up.sql"), SCHEMA).unwrap();
        fs::write(files.schema.join("0001_load.down.sql"), SCHEMA_DOWN).unwrap();
        for (name, lines) in
            [("teams", self.teams()), ("people", self.people()), ("orders", self.orders()), ("notes", self.notes())]
        {
            fs::write(files.documents.join(format!("{name}.ndjson")), lines).unwrap();
        }
        files
    }

    fn pipeline(&self) -> String {
        PIPELINE.replace("COMMIT_DOCUMENTS", &self.commit_documents.to_string())
    }

    fn count(&self, per_mille: usize) -> usize {
        (self.documents * per_mille / 1000).max(10)
    }

    fn team_count(&self) -> usize {
        self.count(10)
    }

    fn people_count(&self) -> usize {
        self.count(340)
    }

    fn order_count(&self) -> usize {
        self.count(400)
    }

    /// Numbers of this document, the same in the earlier and the later load.
    fn random(&self, collection: u64, index: usize) -> Random {
        Random::new(self.seed.wrapping_mul(1_000_003) ^ (collection << 56) ^ index as u64)
    }

    /// Whether this document is another one in the later load.
    fn changed(&self, random: &mut Random, per_mille: usize) -> bool {
        random.per_mille(per_mille) && self.later
    }

    fn teams(&self) -> String {
        let mut lines = Lines::default();
        for index in 0..self.team_count() {
            let mut random = self.random(1, index);
            let captain = match index % CAPTAINED {
                0 => json!(person(random.below(self.people_count()))),
                _ => Value::Null,
            };
            let name = if self.changed(&mut random, 200) { "renamed" } else { "team" };
            lines.add(json!({ "id": team(index), "name": format!("{name} {index}"), "captain": captain }));
        }
        lines.0
    }

    fn people(&self) -> String {
        let mut lines = Lines::default();
        let count = self.people_count();
        for index in 0..count + if self.later { count / 20 } else { 0 } {
            let mut random = self.random(2, index);
            if self.changed(&mut random, 30) {
                continue;
            }
            let mut document = self.person(index, &mut random);
            self.spoil_person(&mut document, &mut random);
            lines.add(Value::Object(document));
            if random.per_mille(3) {
                lines
                    .add(json!({ "id": person(index), "email": format!("twice{index}@example.org"), "points": index }));
            }
            if random.per_mille(2) {
                lines.0.push_str("{\"id\": \"cut off\n");
            }
        }
        lines.0
    }

    fn person(&self, index: usize, random: &mut Random) -> Map<String, Value> {
        let tags: Vec<&str> = (0..random.below(4)).map(|_| *random.pick(WORDS)).collect();
        let mut tags: Vec<String> = tags.into_iter().enumerate().map(|(place, tag)| format!("{tag}{place}")).collect();
        if self.changed(random, 100) {
            tags.truncate(1);
            tags.push("later".to_owned());
        }
        let document = json!({
            "id": person(index),
            "email": self.email(index, random),
            "team": self.team_of(random),
            "mentor": self.mentor(index, random),
            "points": random.next() as i64,
            "score": random.double(),
            "joined": format!("20{:02}-0{}-1{}T{:02}:00:00.{:06}Z", random.below(25), 1 + random.below(9), random.below(10), random.below(24), random.below(1_000_000)),
            "tags": tags,
            "profile": { "city": *random.pick(WORDS), "zip": random.below(100_000), "ratio": random.fraction(), "nested": { "b": [1, 2.5, null, true], "a": *random.pick(WORDS) } },
            "note": if self.changed(random, 150) { "changed" } else { "as it was" },
        });
        let Value::Object(document) = document else { unreachable!() };
        document
    }

    /// Hardly anyone is in a team that waits for its captain.
    fn team_of(&self, random: &mut Random) -> String {
        let teams = self.team_count();
        match random.below(1000) {
            0..5 => "t-none".to_owned(),
            5..10 => team(random.below(teams)),
            _ => team(random.below(teams / CAPTAINED) * CAPTAINED + 1 + random.below(CAPTAINED - 1)),
        }
    }

    /// Every tenth waits for someone later, in chains of up to a few; others compete for an address while they wait.
    fn mentor(&self, index: usize, random: &mut Random) -> Value {
        let count = self.people_count();
        match random.below(1000) {
            0..600 => Value::Null,
            600..890 => json!(person(random.below(index.max(1)))),
            890..990 => json!(person((index + 1 + random.below(40)).min(count - 1))),
            990..995 => json!("p-none"),
            _ => json!(person(random.below(count))),
        }
    }

    /// Some hold the address that a neighbour has, too; in the later load some hand theirs on.
    fn email(&self, index: usize, random: &mut Random) -> String {
        let own = |index: usize| format!("P{index}@Example.ORG");
        let near = (index + 60 - random.below(120).min(index)).min(self.people_count() - 1);
        match random.below(1000) {
            0..15 => own(near),
            15..40 if self.later => format!("moved{index}@example.org"),
            40..60 if self.later => own(index + 1),
            60..64 if self.later => own(index ^ 1),
            _ => own(index),
        }
    }

    fn spoil_person(&self, document: &mut Map<String, Value>, random: &mut Random) {
        let (field, value) = match random.below(1000) {
            0 => ("points", json!("many")),
            1 => ("points", json!(18_446_744_073_709_551_615_u64)),
            2 => ("points", json!(1.5)),
            3 => ("email", Value::Null),
            4 => ("email", json!("nobody")),
            5 => ("joined", json!("2024-02-30T00:00:00Z")),
            6 => ("tags", json!("none")),
            7 => ("tags", json!(["a", ""])),
            8 => ("surprise", json!(true)),
            _ => return,
        };
        document.insert(field.to_owned(), value);
    }

    fn orders(&self) -> String {
        let mut lines = Lines::default();
        for index in 0..self.order_count() {
            let mut random = self.random(3, index);
            let person = match random.below(1000) {
                0..3 => "p-none".to_owned(),
                _ => person(random.below(self.people_count())),
            };
            let number = if random.per_mille(4) { random.below(index.max(1)) } else { index };
            let items: Vec<Value> = (0..random.below(4))
                .map(|_| {
                    let quantity = if random.per_mille(2) { 0 } else { 1 + random.below(9) };
                    json!({ "sku": *random.pick(WORDS), "quantity": quantity, "price": random.below(10_000) as f64 / 100.0 })
                })
                .collect();
            let total = if self.changed(&mut random, 100) { random.fraction() } else { 0.1 + index as f64 };
            lines
                .add(json!({ "id": order(index), "person": person, "number": number, "items": items, "total": total }));
        }
        lines.0
    }

    fn notes(&self) -> String {
        let mut lines = Lines::default();
        for index in 0..self.count(250) {
            let mut random = self.random(4, index);
            let mut text = String::new();
            for _ in 0..random.below(60) {
                let _ = write!(text, "{} ", random.pick(WORDS));
            }
            if self.changed(&mut random, 100) {
                text.push_str("later");
            }
            let about = if random.below(3) == 0 { Value::Null } else { json!(order(random.below(self.order_count()))) };
            let mut note = json!({ "id": format!("n{:x}-{index}", random.next()), "about": about, "text": text, "starred": random.below(2) == 1 });
            if random.per_mille(100) {
                note["extra field"] = json!({ "z": random.double(), "a": [*random.pick(WORDS)] });
            }
            lines.add(note);
        }
        lines.0
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, document: Value) {
        let _ = writeln!(self.0, "{document}");
    }
}

fn team(index: usize) -> String {
    format!("t{index}")
}

/// Ids in an order that is not the file's.
fn person(index: usize) -> String {
    format!("p{:06x}", (index as u64).wrapping_mul(0x9e_3779) & 0xff_ffff)
}

fn order(index: usize) -> String {
    format!("o{:08x}", (index as u64).wrapping_mul(0x9e37_79b1) & 0xffff_ffff)
}

const PIPELINE: &str = r#"version: 1
name: load
source: { kind: json, path: documents, shape: plain }
destination: { url: "file:load.db" }
schema: schema
backup: every_run
defaults: { batch_size: 50, commit_documents: COMMIT_DOCUMENTS, max_rejects: 50% }
collections:
  teams:
    table: teams
    key: id
    columns: { id: $id, name: name, captain_id: captain }
  people:
    table: people
    key: id
    unknown_fields: reject
    columns:
      id:      $id
      email:   { from: email, required: true, transform: [trim, lowercase] }
      team_id: team
      mentor_id: mentor
      points:  { from: points, type: integer, required: true }
      score:   { from: score, type: double }
      joined:  { from: joined, type: timestamp, transform: [parse_timestamp] }
      profile: { from: profile, type: json }
      note:    note
    children:
      - { table: people_tags, each: tags, columns: { person_id: $id, position: $index, tag: $item } }
  orders:
    table: orders
    key: id
    columns:
      id:        $id
      person_id: { from: person, required: true }
      number:    number
      total:     { from: total, type: double }
    children:
      - table: order_items
        each: items
        columns: { order_id: $id, position: $index, sku: $item.sku, quantity: $item.quantity, price: { from: $item.price, type: double } }
  notes:
    table: notes
    key: path
    unknown_fields: { keep: extra }
    columns:
      path:     $path
      order_id: about
      text:     text
      starred:  { from: starred, type: boolean }
"#;

const SCHEMA: &str = "
CREATE TABLE teams (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  captain_id TEXT REFERENCES people (id)
) STRICT;
CREATE INDEX teams_by_captain ON teams (captain_id);

CREATE TABLE people (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL UNIQUE CHECK (email LIKE '_%@_%'),
  team_id TEXT REFERENCES teams (id),
  mentor_id TEXT REFERENCES people (id),
  points INTEGER NOT NULL,
  score REAL,
  joined TEXT,
  profile TEXT CHECK (json_valid(profile)),
  note TEXT
) STRICT;
CREATE INDEX people_by_team ON people (team_id);
CREATE INDEX people_by_mentor ON people (mentor_id);

CREATE TABLE people_tags (
  person_id TEXT NOT NULL REFERENCES people (id),
  position INTEGER NOT NULL,
  tag TEXT NOT NULL CHECK (tag <> ''),
  PRIMARY KEY (person_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES people (id),
  number INTEGER NOT NULL UNIQUE,
  total REAL
) STRICT;
CREATE INDEX orders_by_person ON orders (person_id);

CREATE TABLE order_items (
  order_id TEXT NOT NULL REFERENCES orders (id),
  position INTEGER NOT NULL,
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  price REAL NOT NULL,
  PRIMARY KEY (order_id, position)
) STRICT;

CREATE TABLE notes (
  path TEXT NOT NULL PRIMARY KEY,
  order_id TEXT REFERENCES orders (id),
  text TEXT NOT NULL,
  starred INTEGER NOT NULL CHECK (starred IN (0, 1)),
  extra TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX notes_by_order ON notes (order_id);
";

const SCHEMA_DOWN: &str = "
DROP TABLE notes; DROP TABLE order_items; DROP TABLE orders; DROP TABLE people_tags; DROP TABLE people; DROP TABLE teams;
";
