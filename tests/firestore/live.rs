//! The program reading from the example server.

use std::path::Path;

use serde_json::{Value, json};

use super::server::Server;
use crate::proof::program::Workspace;
use crate::support::{Sandbox, repository};

/// A server, and a workspace whose source it is.
pub struct Live {
    pub server: Server,
    pub workspace: Workspace,
}

impl Live {
    /// A pipeline on a server with these arguments.
    pub fn new(pipeline: impl Into<std::path::PathBuf>, arguments: &[&str]) -> Self {
        let server = Server::start(arguments);
        let workspace = of(pipeline.into(), &server);
        Self { server, workspace }
    }

    /// Another destination and state folder on the same server.
    pub fn fresh(&self) -> Workspace {
        of(self.workspace.pipeline.clone(), &self.server)
    }
}

fn of(pipeline: std::path::PathBuf, server: &Server) -> Workspace {
    let mut workspace = Workspace::new(pipeline, "firestore:demo");
    workspace.server = Some(server.address().to_owned());
    workspace
}

/// A pipeline of generated documents (`--generate items:N`) with these settings of the source and the defaults.
pub fn items(folder: &Sandbox, source: &str, defaults: &str) -> std::path::PathBuf {
    folder.write("schema/0001_items.up.sql", ITEMS);
    folder.write("schema/0001_items.down.sql", "DROP TABLE items;");
    let pipeline = PIPELINE.replace("SOURCE", source).replace("DEFAULTS", defaults);
    folder.write("items.yaml", pipeline)
}

const ITEMS: &str = "CREATE TABLE items (
  id TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL, title TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
  active INTEGER NOT NULL, score REAL NOT NULL, created_at TEXT NOT NULL, owner TEXT NOT NULL,
  latitude REAL, longitude REAL, address TEXT NOT NULL, tags TEXT NOT NULL
) STRICT;";

const PIPELINE: &str = r#"version: 1
name: items
source: { kind: firestore, project: demo SOURCE }
destination: { url: "file:items.db" }
schema: schema
backup: never
defaults: { max_rejects: 0 DEFAULTS }
collections:
  items:
    table: items
    key: id
    columns:
      id:         $id
      number:     index
      title:      title
      email:      email
      active:     active
      score:      score
      created_at: created_at
      owner:      owner
      latitude:   { from: place, type: latitude }
      longitude:  { from: place, type: longitude }
      address:    { from: address, type: json }
      tags:       { from: tags, type: json }
"#;

/// Billed reads by the server's own count.
pub fn billed(server: &mut Server) -> u64 {
    server.stats()["billed"]["total"].as_u64().unwrap()
}

/// What the run itself says that it was billed for.
pub fn reported(report: &Value) -> u64 {
    report["reads"]["billed"].as_u64().unwrap_or_else(|| panic!("{report:#}"))
}

/// The shipped schema, with a table for a sub-collection.
pub fn classroom_schema(folder: &Sandbox) {
    for entry in std::fs::read_dir(repository("schemas/classroom")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        folder.write(&format!("schema/{name}"), std::fs::read(&path).unwrap());
    }
    folder.write(
        "schema/0004_devices.up.sql",
        "CREATE TABLE devices (user_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, seen TEXT,
           PRIMARY KEY (user_id, id)) STRICT, WITHOUT ROWID;",
    );
    folder.write("schema/0004_devices.down.sql", "DROP TABLE devices;");
}

/// The classroom pipeline with a sub-collection, reading from `source` (as in YAML).
pub fn classroom_pipeline(folder: &Sandbox, name: &str, source: &str) -> std::path::PathBuf {
    let shipped = std::fs::read_to_string(repository("pipelines/classroom.yaml")).unwrap();
    let (before, after) = shipped.split_once("source:\n").unwrap();
    let after = after.split_once("\ndestination:").unwrap().1;
    let text = format!("{before}source: {source}\n\ndestination:{after}")
        .replace("../schemas/classroom", "schema")
        .replace("../fixtures", repository("fixtures").to_str().unwrap())
        .replace("batch_size: 500", "batch_size: 60")
        // A document's size is another one as text and on the wire.
        .replace("max_document_bytes: 65536", "max_document_bytes: 1048576")
        .replace("\ncollections:\n", &format!("\ncollections:\n{DEVICES}"));
    assert!(text.contains(DEVICES) && text.contains("batch_size: 60"));
    folder.write(name, text)
}

const DEVICES: &str = "  users/*/devices:
    table: devices
    key: [user_id, id]
    columns: { user_id: $parent.id, id: $id, name: name, seen: { from: seen, type: timestamp } }
";

/// What of the dirty classroom Firestore could hold, in the order of names, and devices of users, of users who do not
/// exist, and of others than users.
pub fn documents_that_firestore_can_hold(folder: &Sandbox) -> std::path::PathBuf {
    const NOT: [&str; 9] =
        ["cut", "invalid-utf8", "twice", "overflow", "february", "nanoseconds", "base64", "north", "Anna"];
    let mut documents: Vec<Value> = Vec::new();
    for file in files(&repository("fixtures/classroom_dirty")) {
        for line in std::fs::read(&file).unwrap().split(|byte| *byte == b'\n') {
            let Ok(Value::Object(document)) = serde_json::from_slice(line) else { continue };
            let Some(name) = document.get("name").and_then(Value::as_str) else { continue };
            let id = name.rsplit('/').next().unwrap();
            let is_dirty = file.ends_with("dirty.ndjson");
            if !(id.is_empty() || is_dirty && NOT.contains(&id)) {
                documents.push(Value::Object(document));
            }
        }
    }
    let root = documents[0]["name"].as_str().unwrap().split("/documents/").next().unwrap().to_owned();
    for number in 0..400 {
        let parent = match number % 8 {
            0 => "teams/t1".to_owned(),
            1 => format!("users/ghost{}/archive/2024", number % 5),
            2..5 => format!("users/ghost{}", number % 17),
            _ => format!("users/Anna{}", number % 23),
        };
        let fields = json!({
            "name": { "stringValue": format!("device {number}") },
            "seen": { "timestampValue": format!("2024-05-01T12:00:{:02}.{:06}Z", number % 60, number * 2_477) },
        });
        documents.push(json!({ "name": format!("{root}/documents/{parent}/devices/d{number:03}"), "fields": fields }));
    }
    documents.sort_by_key(|document| {
        document["name"].as_str().unwrap().split('/').map(|part| part.as_bytes().to_vec()).collect::<Vec<_>>()
    });
    let lines: Vec<String> = documents.iter().map(ToString::to_string).collect();
    folder.write("documents/all.ndjson", lines.join("\n"));
    folder.path("documents")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
