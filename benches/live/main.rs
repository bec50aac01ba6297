//! The measured promises of a live source: `cargo bench --bench live`.
//!
//! Everything is read from `examples/firestore_server` in a process of its own; what is measured runs in a process of its
//! own too. Fails when a promise is not kept: CPU from stream to row relative to decoding alone, memory that does not
//! grow with the number of documents, memory of large documents in parallel, and CPU of the server itself.
//!
//! `FIREFERRY_BENCH_DOCUMENTS` (100000; one promise takes four times as many), `FIREFERRY_BENCH_PAIRS` (5) and
//! `FIREFERRY_BENCH_LARGE` (1200 documents of 1 MB: enough for the run to measure its estimate first) set the sizes.
#![allow(clippy::print_stdout, reason = "this is the benchmark's report")]

mod decode;
mod map;
#[path = "../load/measure.rs"]
mod measure;
mod promises;
mod server;

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use measure::Cost;
use promises::Measured;
use server::Server;

/// The program's own allocator: both sides of a comparison have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Documents in a page, on both sides of the comparison.
const PAGE: usize = 500;
/// Bytes of an ordinary document.
const SMALL: u64 = 400;
/// Bytes of a large one.
const LARGE: u64 = 1_000_000;
/// Asked for in the environment of the benchmark's own children: what to measure.
const CHILD: &str = "FIREFERRY_BENCH_CHILD";

struct Settings {
    documents: u64,
    pairs: usize,
    large: u64,
    /// Everything that is written: `target/bench`.
    scratch: PathBuf,
    root: PathBuf,
    server: PathBuf,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Ok(what) = std::env::var(CHILD) {
        return child(&what);
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let settings = Settings {
        documents: setting("FIREFERRY_BENCH_DOCUMENTS", 100_000)?,
        pairs: usize::try_from(setting("FIREFERRY_BENCH_PAIRS", 5)?)?.max(1),
        large: setting("FIREFERRY_BENCH_LARGE", 1_200)?,
        scratch: root.join("target/bench"),
        server: server::build(&root)?,
        root,
    };
    std::fs::create_dir_all(&settings.scratch)?;
    let measured = measure_all(&settings)?;
    measured.print_table();
    Ok(if measured.promises_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn setting(name: &str, default: u64) -> Result<u64, Box<dyn Error>> {
    let Ok(text) = std::env::var(name) else { return Ok(default) };
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("{name}: no positive number: {text}").into())
}

fn measure_all(settings: &Settings) -> Result<Measured, Box<dyn Error>> {
    let documents = settings.documents;
    let mut server = Server::start(&settings.server, documents, SMALL)?;
    let mut pairs = Vec::new();
    for number in 0..settings.pairs {
        pairs.push(pair(settings, &server, number % 2 == 0)?);
    }
    let few = run(settings, &server, "live.yaml")?;
    let (cpu, sent) = server.served()?;
    drop(server);
    let server = Server::start(&settings.server, documents * 4, SMALL)?;
    let many = run(settings, &server, "live.yaml")?;
    drop(server);
    let server = Server::start(&settings.server, settings.large, LARGE)?;
    let large = run(settings, &server, "live_large.yaml")?;
    Ok(Measured { documents, large_documents: settings.large, pairs, few, many, large, server: (cpu, sent) })
}

/// Decoding and mapping, one after the other. What runs first may have it easier, so the order alternates.
fn pair(settings: &Settings, server: &Server, decode_first: bool) -> std::io::Result<(Cost, Cost)> {
    let mut costs = Vec::new();
    for what in if decode_first { ["decode", "map"] } else { ["map", "decode"] } {
        let database = settings.scratch.join("live-schema.db");
        measure::remove(&database)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.env(CHILD, what).env("FIRESTORE_EMULATOR_HOST", server.address());
        command.env("FIREFERRY_BENCH_DOCUMENTS", settings.documents.to_string());
        command.env("LIVE_DATABASE", database);
        costs.push(measure::run(&mut command, &settings.scratch.join("live.log"))?);
    }
    Ok(if decode_first { (costs[0], costs[1]) } else { (costs[1], costs[0]) })
}

/// What a child of `pair` does; fails unless it saw every document.
fn child(what: &str) -> Result<ExitCode, Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    // As the program itself.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let counted = runtime.block_on(async {
        match what {
            "decode" => decode::count(&std::env::var("FIRESTORE_EMULATOR_HOST")?, PAGE).await,
            _ => {
                let scratch = PathBuf::from(std::env::var_os("LIVE_DATABASE").ok_or("no LIVE_DATABASE")?);
                map::count(&root.join("benches/pipelines/live.yaml"), &scratch).await
            }
        }
    })?;
    let expected = setting("FIREFERRY_BENCH_DOCUMENTS", 0)?;
    if counted == expected { Ok(ExitCode::SUCCESS) } else { Err(format!("{counted} of {expected} documents").into()) }
}

/// The whole program, from the server into an empty database. It is the one that `cargo bench` built, or another one
/// named by FIREFERRY_BIN.
fn run(settings: &Settings, server: &Server, pipeline: &str) -> std::io::Result<Cost> {
    let database = settings.scratch.join("live.db");
    measure::remove(&database)?;
    let state = settings.scratch.join("state");
    if state.exists() {
        std::fs::remove_dir_all(&state)?;
    }
    let program = std::env::var_os("FIREFERRY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_fireferry").into());
    let mut command = Command::new(program);
    command.arg("run").arg(settings.root.join("benches/pipelines").join(pipeline));
    command.arg("--destination").arg(format!("file:{}", database.display()));
    command.arg("--state-dir").arg(state).arg("--json").env("FIRESTORE_EMULATOR_HOST", server.address());
    measure::run(&mut command, &settings.scratch.join("live.log"))
}
