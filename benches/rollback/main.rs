//! What the undo log costs, and how long taking a run back lasts: `cargo bench --bench rollback [-- DOCUMENTS]`.
//!
//! Loads documents into an empty table, overwrites every row with the undo log and without, and takes the overwriting run
//! back. Fails when the log costs more than 60 % of the CPU time of the run without it, or when the rollback lasts longer
//! than the load.
#![allow(clippy::print_stdout, reason = "this is the benchmark's report")]

#[allow(dead_code, reason = "shared with the benchmark of loads, which needs more of it")]
#[path = "../load/measure.rs"]
mod measure;

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use measure::Cost;

/// CPU time with the log, relative to that without.
const MOST_COST: f64 = 1.6;

const PIPELINE: &str = r#"version: 1
name: NAME
source: { kind: json, path: first, shape: plain }
destination: { url: "file:NAME.db" }
schema: schema
backup: never
undo: UNDO
collections:
  users:
    table: users
    key: id
    columns: { id: $id, email: email, name: name, points: points, score: { from: score, type: double }, note: note }
"#;

const SCHEMA: &str = "CREATE TABLE users (id TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,
  points INTEGER, score REAL, note TEXT) STRICT;";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let asked = std::env::args().skip(1).find(|argument| argument != "--bench");
    let documents = asked.map_or(Ok(1_000_000), |number| number.parse())?;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench/rollback");
    prepare(&folder, documents)?;
    let (load, overwrite) = both_runs(&folder, "on")?;
    let (_, without) = both_runs(&folder, "off")?;
    let rollback = fireferry(&folder, "on", &["rollback", "latest", "--yes", "--no-backup"])?;
    let relative = overwrite.cpu / without.cpu;
    println!("{documents} documents, in seconds:");
    for (name, cost) in
        [("load", load), ("overwrite, no log", without), ("overwrite", overwrite), ("rollback", rollback)]
    {
        println!("  {name:18} {:7.2} CPU {:7.2} wall  {:4} MB", cost.cpu, cost.wall, cost.memory / 1_000_000);
    }
    println!(
        "the log costs {:.0} % (at most 60), the rollback lasts {:.2} of the load (at most 1)",
        (relative - 1.0) * 100.0,
        rollback.wall / load.wall
    );
    let kept = relative <= MOST_COST && rollback.wall <= load.wall;
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Pipelines, schema, and the documents as they are at first and later.
fn prepare(folder: &Path, documents: u64) -> Result<(), Box<dyn Error>> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    for name in ["first", "later", "schema"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    std::fs::write(folder.join("schema/0001_users.up.sql"), SCHEMA)?;
    std::fs::write(folder.join("schema/0001_users.down.sql"), "DROP TABLE users;")?;
    for undo in ["on", "off"] {
        let text = PIPELINE.replace("NAME", undo).replace("UNDO", undo);
        std::fs::write(folder.join(format!("{undo}.yaml")), text)?;
    }
    for (version, name) in ["first", "later"].iter().enumerate() {
        let mut file = BufWriter::new(std::fs::File::create(folder.join(name).join("users.ndjson"))?);
        for index in 0..documents {
            let id = index.wrapping_mul(0x9e37_79b1) & 0xffff_ffff;
            writeln!(
                file,
                r#"{{"id":"u{id:08x}","email":"u{index}@example.org","name":"Name {index} {version}","points":{},"score":{}.25,"note":"{}"}}"#,
                index * 7 + version as u64,
                index % 1000,
                "lorem ipsum dolor sit amet ".repeat(5)
            )?;
        }
        file.flush()?;
    }
    Ok(())
}

/// The load and the run that overwrites every row.
fn both_runs(folder: &Path, name: &str) -> std::io::Result<(Cost, Cost)> {
    let pipeline = format!("{name}.yaml");
    let load = fireferry(folder, name, &["run", &pipeline])?;
    Ok((load, fireferry(folder, name, &["run", &pipeline, "--source", "later"])?))
}

fn fireferry(folder: &Path, state: &str, arguments: &[&str]) -> std::io::Result<Cost> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fireferry"));
    command.current_dir(folder).args(arguments).args(["-q", "--state-dir", &format!("state-{state}")]);
    measure::run(&mut command, &folder.join("last.log"))
}
