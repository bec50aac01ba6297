//! The measured promises of a remote destination: `cargo bench --bench remote`.
//!
//! The whole program, from NDJSON to a real server (installed by `scripts/test`) that is 20 or 200 ms away, everything
//! included. It is compared with a flood of its own requests, made beforehand and sent without a thought, and with what
//! scripts do: batches of 100 rows. Of everything, the best of several rounds counts; the rounds go through all of it, so
//! that a busy moment of the machine hits every side. Fails when a promise is not kept.
//!
//! `FIREFERRY_BENCH_DOCUMENTS` (400000) and `FIREFERRY_BENCH_ROUNDS` (3) set the size.
#![allow(clippy::print_stdout, reason = "this is the benchmark's report")]

#[path = "../load/documents.rs"]
mod documents;
mod flood;
#[path = "../load/measure.rs"]
#[expect(dead_code, reason = "there is no database file to remove")]
mod measure;
mod promises;
#[path = "../../tests/remote"]
#[allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "the tests' own")]
mod remote {
    pub mod client;
    pub mod server;
    pub mod token;
}
mod requests;
mod run;
mod scripts;
#[path = "../../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "the tests' own")]
mod support;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use flood::Flood;
use promises::{Measured, Round};
use scripts::Scripts;

/// A server in the same region as the program, and one far away.
const NEAR: Duration = Duration::from_millis(20);
const FAR: Duration = Duration::from_millis(200);

struct Settings {
    documents: u64,
    rounds: u64,
    /// Everything that is written: `target/bench`.
    scratch: PathBuf,
    /// Where `users.ndjson` is.
    source: PathBuf,
    root: PathBuf,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let scratch = root.join("target/bench");
    let documents = setting("FIREFERRY_BENCH_DOCUMENTS", 400_000)?;
    let source = documents::folder(&scratch, documents)?;
    let settings = Settings { documents, rounds: setting("FIREFERRY_BENCH_ROUNDS", 3)?, scratch, source, root };
    if !remote::server::available() {
        return Err("there is no server to measure with".into());
    }
    let scripts = Scripts::prepare(&settings)?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds {
        println!("round {number} of {}: {documents} documents", settings.rounds);
        rounds.push(round(&settings, &scripts)?);
    }
    let measured = Measured { documents, rounds };
    measured.print();
    Ok(if measured.promises_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn setting(name: &str, default: u64) -> Result<u64, Box<dyn Error>> {
    let Ok(text) = std::env::var(name) else { return Ok(default) };
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("{name}: no positive number: {text}").into())
}

/// Everything once. The requests of this round's near run are those of its flood.
fn round(settings: &Settings, scripts: &Scripts) -> Result<Round, Box<dyn Error>> {
    let here = run::direct(settings)?;
    let far = run::behind(settings, FAR, false)?.0;
    let (near, requests) = run::behind(settings, NEAR, true)?;
    let flood = Flood::prepare(requests)?;
    let trips = flood.trips;
    let commits = flood.commits();
    let flood = flood.send(NEAR, settings.documents)?;
    Ok(Round { here, near, far, trips, commits, flood, scripts: scripts.send(NEAR)? })
}
