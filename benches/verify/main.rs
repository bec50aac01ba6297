//! The measured promise of a comparison: `cargo bench --bench verify [-- DOCUMENTS] [--rounds N]`.
//!
//! `verify --contents` of documents that are all there, against the `run` that loaded them: it may cost no more CPU, and no
//! more than 200 MB of memory. Then 10 rows are damaged at random: exactly those must be found.
#![allow(clippy::print_stdout, reason = "this is the benchmark's report")]

#[path = "../load/documents.rs"]
mod documents;
#[path = "../load/measure.rs"]
mod measure;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libsql::Builder;
use measure::Cost;

/// Bytes of resident memory.
const MOST_MEMORY: u64 = 200_000_000;
/// Rows that are damaged.
const DAMAGED: u64 = 10;

struct Bench {
    root: PathBuf,
    scratch: PathBuf,
    source: PathBuf,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut documents, mut rounds) = (1_000_000, 2);
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or("--rounds needs a number")?.parse::<u32>()?,
            number => documents = number.parse().map_err(|_| format!("no number of documents: {number}"))?,
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let scratch = root.join("target/bench");
    std::fs::create_dir_all(&scratch)?;
    let bench = Bench { source: documents::folder(&scratch, documents)?, root, scratch };
    let mut best: Option<(Cost, Cost)> = None;
    for _ in 0..rounds.max(1) {
        let (load, verify) = bench.round()?;
        println!(
            "load {:.2} CPU s, {:.2} s; verify {:.2} CPU s, {:.2} s",
            load.cpu, load.wall, verify.cpu, verify.wall
        );
        best = Some(match best {
            Some((old_load, old_verify)) => (cheaper(old_load, load), cheaper(old_verify, verify)),
            None => (load, verify),
        });
    }
    let found = bench.damage(documents)?;
    let Some((load, verify)) = best else { return Ok(ExitCode::FAILURE) };
    let verdicts = [
        (verify.cpu <= load.cpu, format!("{:.2} of the load's CPU (at most 1)", verify.cpu / load.cpu)),
        (
            verify.memory <= MOST_MEMORY,
            format!("{:.1} MB of memory (at most {})", verify.memory as f64 / 1e6, MOST_MEMORY / 1_000_000),
        ),
        (found, format!("exactly {DAMAGED} differences hidden at random were found")),
    ];
    for (kept, what) in &verdicts {
        println!("{} {what}", if *kept { "kept:  " } else { "BROKEN:" });
    }
    Ok(if verdicts.iter().all(|(kept, _)| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The cheaper one; the memory is the highest seen.
fn cheaper(one: Cost, other: Cost) -> Cost {
    let memory = one.memory.max(other.memory);
    Cost { memory, ..if other.cpu < one.cpu { other } else { one } }
}

impl Bench {
    fn database(&self) -> PathBuf {
        self.scratch.join("verify.db")
    }

    fn command(&self, verb: &str) -> Command {
        let program = std::env::var_os("FIREFERRY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_fireferry").into());
        let mut command = Command::new(program);
        command.arg(verb).arg(self.root.join("benches/pipelines/load.yaml")).arg("--source").arg(&self.source);
        command.arg("--destination").arg(format!("file:{}", self.database().display()));
        command.arg("--state-dir").arg(self.scratch.join("verify-state")).arg("--json");
        command
    }

    fn round(&self) -> std::io::Result<(Cost, Cost)> {
        measure::remove(&self.database())?;
        let log = self.scratch.join("verify.log");
        let load = measure::run(&mut self.command("run"), &log)?;
        let verify = measure::run(self.command("verify").arg("--contents"), &log)?;
        Ok((load, verify))
    }

    /// Whether damage is found, all of it and nothing else.
    fn damage(&self, documents: u64) -> Result<bool, Box<dyn Error>> {
        let damaged = damage(&self.database(), documents)?;
        let output = self.command("verify").arg("--contents").output()?;
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let totals = &report["totals"];
        let named: Vec<&str> = report["collections"][0]["differences"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|found| found["document"].as_str())
            .collect();
        let all = damaged.iter().all(|id| named.contains(&format!("users/{id}").as_str()));
        let changed = totals["changed"].as_u64() == Some(DAMAGED) && totals["missing"].as_u64() == Some(0);
        Ok(all && changed && totals["extra"].as_u64() == Some(0) && output.status.code() == Some(5))
    }
}

/// Changes one bit in the text of some rows that chance chooses; their ids.
fn damage(database: &Path, documents: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let connection = Builder::new_local(database).build().await?.connect()?;
        let sql = "SELECT id FROM users WHERE rowid IN (SELECT 1 + abs(random() % ?1) FROM users LIMIT 100) LIMIT ?2";
        let mut rows = connection.query(sql, [i64::try_from(documents)?, i64::try_from(DAMAGED)?]).await?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next().await? {
            ids.push(row.get::<String>(0)?);
        }
        for id in &ids {
            let flip = "UPDATE users SET name = char(unicode(name) ^ 1) || substr(name, 2) WHERE id = ?1";
            let flip = flip.replace("unicode(name) ^ 1", "(unicode(name) | 1) - (unicode(name) & 1)");
            connection.execute(&flip, [id.as_str()]).await?;
        }
        Ok(ids)
    })
}
