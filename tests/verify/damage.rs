//! A pipeline whose rows can be damaged in many ways, and the damage: SQL, and what must be found.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Sandbox;
use crate::support::documents::Random;

/// Documents of `things`; as many owners as below.
pub const THINGS: usize = 150;
const OWNERS: usize = 7;

const SCHEMA: &str = "
CREATE TABLE owners (id TEXT NOT NULL PRIMARY KEY, name TEXT);
CREATE TABLE things (
  id TEXT NOT NULL PRIMARY KEY,
  owner_id TEXT REFERENCES owners (id),
  number,
  ratio REAL,
  text TEXT,
  empty TEXT
);
CREATE TABLE thing_tags (
  thing_id TEXT NOT NULL REFERENCES things (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (thing_id, position)
) WITHOUT ROWID;
CREATE TABLE thing_labels (thing_id TEXT NOT NULL, label TEXT, UNIQUE (thing_id, label));
";

const PIPELINE: &str = r#"version: 1
name: damage
source: { kind: json, path: documents }
destination: { url: "URL" }
schema: schema
backup: never
collections:
  owners: { table: owners, key: id, columns: { id: $id, name: name } }
  things:
    table: things
    key: id
    HIDDEN
    columns: { id: $id, owner_id: owner, number: number, ratio: ratio, text: text, empty: empty }
    children:
      - { table: thing_tags, each: tags, columns: { thing_id: $id, position: $index, tag: $item } }
      - { table: thing_labels, each: labels, key: [thing_id, label], columns: { thing_id: $id, label: $item } }
"#;

fn id(number: usize) -> String {
    format!("t{number:05}")
}

fn text(number: usize) -> String {
    format!("thing {number} of Übung 🦊")
}

fn thing(number: usize) -> Value {
    json!({
        "id": id(number),
        "owner": format!("o{}", number % OWNERS),
        "number": number + 1,
        "ratio": number as f64 * 1.1 + 0.1,
        "text": text(number),
        "empty": "",
        "tags": (["a", "b", "c"].map(|tag| format!("{tag}{number}"))),
        "labels": ["same", &format!("own {number}")],
    })
}

/// Pipeline, schema and so many things in a folder; the destination at this address.
pub fn workspace(url: &str, things: usize, hidden: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", PIPELINE.replace("URL", url).replace("    HIDDEN\n", hidden));
    sandbox.write("schema/0001_things.up.sql", SCHEMA);
    sandbox.write(
        "schema/0001_things.down.sql",
        "DROP TABLE thing_labels; DROP TABLE thing_tags; DROP TABLE things; DROP TABLE owners;",
    );
    let owners = (0..OWNERS).map(|number| json!({ "id": format!("o{number}"), "name": format!("Owner {number}") }));
    sandbox.write("documents/owners.ndjson", lines(owners));
    sandbox.write("documents/things.ndjson", lines((0..things).map(thing)));
    sandbox
}

pub fn lines(documents: impl Iterator<Item = Value>) -> String {
    documents.map(|document| document.to_string() + "\n").collect()
}

/// SQL that damages some rows, and what must be found: `kind document` or `extra table key`.
#[derive(Debug, Default)]
pub struct Damage {
    pub sql: String,
    pub found: BTreeSet<String>,
}

impl Damage {
    /// Something else for every seed: each thing is damaged once at most.
    pub fn random(seed: u64, things: usize, most: usize) -> Self {
        let mut random = Random::new(seed);
        let mut damage = Self::default();
        let mut numbers: Vec<usize> = (0..things).collect();
        for _ in 0..1 + random.below(most) {
            let number = numbers.swap_remove(random.below(numbers.len()));
            damage.one(number, &mut random);
        }
        damage
    }

    fn add(&mut self, sql: String, found: String) {
        self.sql += &sql;
        self.sql += ";\n";
        self.found.insert(found);
    }

    fn one(&mut self, number: usize, random: &mut Random) {
        let key = id(number);
        let changed = format!("changed things/{key}");
        let set = |what: String| format!("UPDATE things SET {what} WHERE id = '{key}'");
        match random.below(14) {
            0 => self.add(
                format!(
                    "DELETE FROM thing_tags WHERE thing_id = '{key}'; DELETE FROM thing_labels WHERE thing_id = '{key}'; \
                     DELETE FROM things WHERE id = '{key}'"
                ),
                format!("missing things/{key}"),
            ),
            // Its labels stay, without a parent that the database knows of.
            1 => self.add(format!("DELETE FROM things WHERE id = '{key}'"), format!("missing things/{key}")),
            2 => {
                let bytes = flipped(&text(number), random);
                self.add(set(format!("text = CAST(x'{bytes}' AS TEXT)")), changed);
            }
            3 => self.add(set("number = CAST(number AS TEXT)".to_owned()), changed),
            4 => self.add(set("number = CAST(number AS REAL)".to_owned()), changed),
            5 => self.add(set("ratio = ratio * (1 + 2.220446049250313e-16)".to_owned()), changed),
            6 => self.add(set("empty = NULL".to_owned()), changed),
            7 => self.add(set("text = CAST(text AS BLOB)".to_owned()), changed),
            8 => {
                let position = random.below(3);
                self.add(format!("DELETE FROM thing_tags WHERE thing_id = '{key}' AND position = {position}"), changed);
            }
            9 => self.add(
                format!(
                    "UPDATE thing_tags SET position = 99 WHERE thing_id = '{key}' AND position = 0; \
                     UPDATE thing_tags SET position = 0 WHERE thing_id = '{key}' AND position = 2; \
                     UPDATE thing_tags SET position = 2 WHERE thing_id = '{key}' AND position = 99"
                ),
                changed,
            ),
            10 => {
                self.add(format!("DELETE FROM thing_labels WHERE thing_id = '{key}' AND label = 'same'"), changed);
            }
            // Rows without a label are not unique.
            11 => self.add(format!("INSERT INTO thing_labels VALUES ('{key}', NULL), ('{key}', NULL)"), changed),
            12 => self.extra(number),
            _ => {
                let key = format!("nobody's {number}");
                let found = format!(r#"extra thing_labels {{"thing_id":"{key}"}}"#);
                self.add(format!("INSERT INTO thing_labels VALUES ('{}', 'alone')", key.replace('\'', "''")), found);
            }
        }
    }

    /// A thing that no document explains, with a tag, of an owner that no document explains.
    fn extra(&mut self, number: usize) {
        let (key, owner) = (format!("extra {number}"), format!("nobody {number}"));
        self.add(format!("INSERT INTO owners VALUES ('{owner}', 'x')"), format!(r#"extra owners {{"id":"{owner}"}}"#));
        self.add(
            format!("INSERT INTO things (id, owner_id) VALUES ('{key}', '{owner}')"),
            format!(r#"extra things {{"id":"{key}"}}"#),
        );
        self.add(
            format!("INSERT INTO thing_tags VALUES ('{key}', 0, 'x')"),
            format!(r#"extra thing_tags {{"thing_id":"{key}"}}"#),
        );
    }
}

/// The bytes of a text with one bit turned around (never into a NUL), as hexadecimal digits; they may be no text any more.
fn flipped(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let place = random.below(bytes.len());
    let bit = 1 << random.below(7);
    bytes[place] ^= if bytes[place] == bit { 1 << 7 } else { bit };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All differences of the latest comparison, in the words of [`Damage::found`].
pub fn listed(sandbox: &Sandbox) -> BTreeSet<String> {
    let outcome = sandbox.run(&["runs", "differences", "--format", "ndjson"]).exits(0);
    let lines: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: BTreeSet<String> = lines.iter().map(name).collect();
    assert_eq!(found.len(), lines.len(), "a difference is listed twice\n{}", outcome.stdout);
    found
}

fn name(found: &Value) -> String {
    let kind = found["kind"].as_str().unwrap();
    match found["document"].as_str() {
        Some(document) => format!("{kind} {document}"),
        None => format!("{kind} {} {}", found["table"].as_str().unwrap(), found["key"]),
    }
}
