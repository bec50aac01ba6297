//! Notes of people on the example server, and a pipeline that follows them.
// Not every test module uses every helper.
#![allow(dead_code)]

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::firestore::server::Server;
use crate::proof::program::Workspace;
use crate::support::Sandbox;
use crate::support::database::Database;

pub const SCHEMA: &str = "CREATE TABLE people (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, person_id TEXT NOT NULL REFERENCES people(id), text TEXT) STRICT;
CREATE INDEX notes_person ON notes(person_id);
CREATE TABLE note_tags (note_id TEXT NOT NULL REFERENCES notes(id) ON DELETE CASCADE, position INTEGER NOT NULL, tag TEXT NOT NULL,
  PRIMARY KEY (note_id, position)) STRICT, WITHOUT ROWID;";

pub const PIPELINE: &str = r#"version: 1
name: notes
source: { kind: firestore, project: demo }
destination: { url: "file:notes.db" }
schema: schema
backup: never
defaults: { expect_documents: false }
collections:
  people:
    key: id
    watermark: { field: updatedAt, overlap: 1ms }
    columns: { id: $id, name: name }
  notes:
    key: id
    watermark: { field: updatedAt, overlap: 1ms }
    columns: { id: $id, person_id: person, text: text }
    children:
      - { table: note_tags, each: tags, columns: { note_id: $id, position: $index, tag: $item } }
"#;

/// A server, and a workspace whose source it is.
pub struct Place {
    pub server: Server,
    pub workspace: Workspace,
    pub folder: Sandbox,
}

impl Place {
    /// The pipeline above.
    pub fn new() -> Self {
        Self::with(PIPELINE, &[])
    }

    pub fn with(pipeline: &str, arguments: &[&str]) -> Self {
        let folder = Sandbox::new();
        folder.write("schema/0001_notes.up.sql", SCHEMA);
        folder.write("schema/0001_notes.down.sql", "DROP TABLE note_tags; DROP TABLE notes; DROP TABLE people;");
        let pipeline = folder.write("notes.yaml", pipeline);
        let server = Server::start(arguments);
        let mut workspace = Workspace::new(pipeline, "firestore:demo");
        workspace.server = Some(server.address().to_owned());
        Self { server, workspace, folder }
    }

    /// The same pipeline into a server, here for the tests.
    pub fn into_server(url: &str, deletes: &str) -> Self {
        let pipeline = PIPELINE
            .replace("file:notes.db", url)
            .replace("    key: id\n", &format!("    key: id\n    deletes: {deletes}\n"));
        let mut place = Self::with(&pipeline, &[]);
        place.workspace.own_destination = true;
        place
    }

    /// The pipeline file is another one from now on.
    pub fn rewrite(&self, pipeline: &str) -> PathBuf {
        self.folder.write("notes.yaml", pipeline)
    }

    pub fn person(&mut self, id: &str, name: &str) {
        self.server.put(&format!("people/{id}"), &json!({ "name": name, "updatedAt": { "$now": 0 } }));
    }

    pub fn note(&mut self, id: &str, person: &str, text: &str) {
        let fields = json!({ "person": person, "text": text, "tags": ["a", text], "updatedAt": { "$now": 0 } });
        self.server.put(&format!("notes/{id}"), &fields);
    }

    /// `run --incremental`; the report.
    #[track_caller]
    pub fn tick(&self, exit: i32) -> Value {
        self.workspace.run(&["--incremental"]).exits(exit).json()
    }

    /// Reads that the server bills for what is done.
    pub fn billed<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> (T, u64) {
        let before = crate::firestore::live::billed(&mut self.server);
        let done = work(self);
        (done, crate::firestore::live::billed(&mut self.server) - before)
    }

    pub fn database(&self) -> Database {
        Database::open(&self.workspace.destination())
    }

    /// Fails unless every document is stored as it is.
    #[track_caller]
    pub fn assert_equal(&self) {
        let mut command = self.workspace.command(&["verify", self.workspace.pipeline.to_str().unwrap()]);
        command.args(["--contents", "--json"]);
        self.workspace.finish(command).exits(0);
    }
}

/// Counts of the totals that matter.
pub fn counts(report: &Value) -> [u64; 5] {
    ["read", "inserted", "updated", "unchanged", "rejected"]
        .map(|name| report["totals"][name].as_u64().unwrap_or_else(|| panic!("{report:#}")))
}
