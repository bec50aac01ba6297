//! What scripts do: a request per 100 documents, with a statement per document.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Settings;
use crate::requests::{self, Commit};
use crate::run::{check_rows, start};
use crate::support::proxy::{Proxy, Script};

/// Documents in a batch.
const BATCH: usize = 100;
/// Documents that are enough to know the rate.
const DOCUMENTS: usize = 5_000;
/// As the pipeline maps them to the columns, in their order.
const FIELDS: [&str; 11] =
    ["id", "email", "name", "active", "role", "points", "score", "createdAt", "city", "bio", "settings"];
const INSERT: &str = "INSERT INTO users (id, email, name, active, role, points, score, created_at, city, bio, settings) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The batches, ready to be sent.
pub struct Scripts {
    schema: String,
    batches: Vec<Commit>,
    documents: usize,
}

impl Scripts {
    /// Reads the first documents.
    pub fn prepare(settings: &Settings) -> Result<Self, Box<dyn Error>> {
        let lines = BufReader::new(File::open(settings.source.join("users.ndjson"))?).lines();
        let rows: Vec<Value> = lines.take(DOCUMENTS).map(|line| row(&line?)).collect::<Result<_, _>>()?;
        let batches = rows.chunks(BATCH).map(|rows| Ok(Commit::new(batch(rows))?.ok_or("no COMMIT")?));
        Ok(Self {
            schema: std::fs::read_to_string(settings.root.join("benches/schemas/load/0001_users.up.sql"))?,
            batches: batches.collect::<Result<_, Box<dyn Error>>>()?,
            documents: rows.len(),
        })
    }

    /// Sends them to an empty server that is so far away: documents per second.
    pub fn send(&self, way: Duration) -> Result<f64, Box<dyn Error>> {
        let server = start()?;
        server.execute_all(&self.schema);
        let proxy = Proxy::start(server.address(), Script::new().round_trip(way));
        let took = requests::send(proxy.address(), &[], &self.batches)?;
        check_rows(&server, self.documents as u64)?;
        Ok(self.documents as f64 / took.as_secs_f64())
    }
}

/// The typed arguments of one document.
fn row(line: &str) -> Result<Value, Box<dyn Error>> {
    let document: Value = serde_json::from_str(line)?;
    let argument = |field: &&str| match &document[*field] {
        Value::Bool(value) => json!({ "type": "integer", "value": u8::from(*value).to_string() }),
        Value::Number(value) if value.is_i64() => json!({ "type": "integer", "value": value.to_string() }),
        Value::Number(value) => json!({ "type": "float", "value": value }),
        Value::String(value) => json!({ "type": "text", "value": value }),
        other => json!({ "type": "text", "value": other.to_string() }),
    };
    Ok(FIELDS.iter().map(argument).collect())
}

/// Every statement after the one before, as the client libraries send it.
fn batch(rows: &[Value]) -> Vec<u8> {
    let after = |step: usize| json!({ "type": "ok", "step": step });
    let mut steps = vec![json!({ "stmt": { "sql": "BEGIN IMMEDIATE" } })];
    for row in rows {
        let stmt = json!({ "sql": INSERT, "args": row, "want_rows": false });
        steps.push(json!({ "stmt": stmt, "condition": after(steps.len() - 1) }));
    }
    steps.push(json!({ "stmt": { "sql": "COMMIT" }, "condition": after(steps.len() - 1) }));
    let batch = json!({ "type": "batch", "batch": { "steps": steps } });
    json!({ "baton": null, "requests": [batch, { "type": "close" }] }).to_string().into_bytes()
}
