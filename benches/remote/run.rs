//! The whole program, in a process of its own, into an empty database.

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use crate::Settings;
use crate::measure::{self, Cost};
use crate::remote::server::Sqld;
use crate::support::proxy::{Proxy, Request, Script};

/// What a run cost.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The program.
    pub cost: Cost,
    /// CPU seconds of the server.
    pub server: f64,
    /// Seconds that the run was said to take, from and to.
    pub estimate: Option<(f64, f64)>,
}

/// Straight to the server.
pub fn direct(settings: &Settings) -> Result<Run, Box<dyn Error>> {
    let server = start()?;
    run(settings, &server, &server.url())
}

/// Through a proxy that makes the way so long; also the requests, with their bodies if they are kept.
pub fn behind(settings: &Settings, way: Duration, keep: bool) -> Result<(Run, Vec<Request>), Box<dyn Error>> {
    let server = start()?;
    let script = Script::new().round_trip(way);
    let proxy = Proxy::start(server.address(), if keep { script.keep_bodies() } else { script });
    let run = run(settings, &server, &proxy.url())?;
    Ok((run, proxy.requests()))
}

/// An empty server.
pub fn start() -> Result<Sqld, Box<dyn Error>> {
    Sqld::start().ok_or_else(|| "the server is gone".into())
}

/// Fails unless the server holds so many users.
pub fn check_rows(server: &Sqld, documents: u64) -> Result<(), Box<dyn Error>> {
    match server.integer("SELECT count(*) FROM users") {
        rows if u64::try_from(rows)? == documents => Ok(()),
        rows => Err(format!("{documents} documents, but {rows} rows").into()),
    }
}

/// The program that `cargo bench` built, or another one named by FIREFERRY_BIN.
fn run(settings: &Settings, server: &Sqld, url: &str) -> Result<Run, Box<dyn Error>> {
    let state = settings.scratch.join("state");
    if state.exists() {
        std::fs::remove_dir_all(&state)?;
    }
    let program = std::env::var_os("FIREFERRY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_fireferry").into());
    let mut command = Command::new(program);
    command.arg("run").arg(settings.root.join("benches/pipelines/remote.yaml"));
    command.arg("--source").arg(&settings.source).args(["--destination", url]);
    command.arg("--state-dir").arg(state).arg("--json");
    let log = settings.scratch.join("remote.log");
    let before = server.usage().cpu_seconds;
    let cost = measure::run(&mut command, &log)?;
    let used = server.usage().cpu_seconds - before;
    check_rows(server, settings.documents)?;
    Ok(Run { cost, server: used, estimate: estimate(&std::fs::read_to_string(log)?) })
}

/// The report is the last thing that is said, after what goes to stderr.
fn estimate(said: &str) -> Option<(f64, f64)> {
    let report: serde_json::Value = serde_json::from_str(&said[said.find("\n{").map_or(0, |at| at + 1)..]).ok()?;
    let estimate = &report["estimate"];
    Some((estimate["seconds_low"].as_f64()?, estimate["seconds_high"].as_f64()?))
}
