//! The measured promise of a load: `cargo bench --bench load [-- DOCUMENTS…] [--rounds N]`.
//!
//! fireferry with everything on, against `benches/baseline`, a loader written by hand for exactly these documents.
//! Both read the same NDJSON into the same empty table, each in a process of its own, in turn. Fails when a promise
//! is not kept: half of the baseline's documents per CPU-second, at most 200 MB of memory, and memory that does not
//! grow with the number of documents.
#![allow(clippy::print_stdout, reason = "this is the benchmark's report")]

mod compare;
mod documents;
mod measure;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use measure::Cost;

/// Of the baseline's documents per CPU-second.
const LEAST_RATIO: f64 = 0.5;
/// Bytes of resident memory, for any number of documents.
const MOST_MEMORY: u64 = 200_000_000;
/// Memory for the most documents, relative to that for the fewest.
const MOST_GROWTH: f64 = 1.25;

struct Settings {
    sizes: Vec<u64>,
    rounds: usize,
    /// Everything that is written: `target/bench`.
    scratch: PathBuf,
    root: PathBuf,
}

/// The cheapest round of both, for one number of documents.
struct Comparison {
    documents: u64,
    baseline: Cost,
    fireferry: Cost,
}

impl Comparison {
    fn per_second(&self, cost: &Cost) -> f64 {
        self.documents as f64 / cost.cpu
    }

    fn ratio(&self) -> f64 {
        self.baseline.cpu / self.fireferry.cpu
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let settings = settings()?;
    std::fs::create_dir_all(&settings.scratch)?;
    let baseline = build_baseline(&settings)?;
    let mut results = Vec::new();
    for &documents in &settings.sizes {
        results.push(measure_size(&settings, &baseline, documents)?);
    }
    // Only now: what a process starts with counts towards the memory of its children.
    for (index, &documents) in settings.sizes.iter().enumerate() {
        let [ours, theirs] = ["fireferry", "baseline"].map(|loader| database(&settings, loader, documents));
        compare::compare(&ours, &theirs, documents, index == 0)?;
    }
    print_table(&results);
    Ok(if promises_kept(&results) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut settings = Settings { sizes: Vec::new(), rounds: 2, scratch: root.join("target/bench"), root };
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => settings.rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?,
            number => settings.sizes.push(number.parse().map_err(|_| format!("no number of documents: {number}"))?),
        }
    }
    if settings.sizes.is_empty() {
        settings.sizes = vec![100_000, 1_000_000];
    }
    settings.sizes.sort_unstable();
    Ok(settings)
}

fn build_baseline(settings: &Settings) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = settings.root.join("target/baseline");
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(settings.root.join("benches/baseline/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err("the baseline does not build".into());
    }
    Ok(target.join("release/baseline"))
}

fn measure_size(settings: &Settings, baseline: &Path, documents: u64) -> std::io::Result<Comparison> {
    let folder = documents::folder(&settings.scratch, documents)?;
    let file = folder.join("users.ndjson");
    let bytes = std::fs::metadata(&file)?.len();
    println!("{documents} documents of {} bytes, {} rounds", bytes / documents, settings.rounds);
    let mut best: Option<Comparison> = None;
    for _ in 0..settings.rounds.max(1) {
        let by_hand = run_baseline(settings, baseline, &file, documents)?;
        let fireferry = run_fireferry(settings, &folder, documents)?;
        let round = Comparison { documents, baseline: by_hand, fireferry };
        best = Some(match best {
            Some(best) => Comparison { documents, ..best.cheaper(round) },
            None => round,
        });
    }
    best.ok_or_else(|| std::io::Error::other("no round was run"))
}

impl Comparison {
    /// The cheaper one of each; the memory is the highest seen.
    fn cheaper(self, other: Self) -> Self {
        let pick = |a: Cost, b: Cost| {
            let memory = a.memory.max(b.memory);
            Cost { memory, ..if b.cpu < a.cpu { b } else { a } }
        };
        Self {
            documents: self.documents,
            baseline: pick(self.baseline, other.baseline),
            fireferry: pick(self.fireferry, other.fireferry),
        }
    }
}

fn run_baseline(settings: &Settings, baseline: &Path, file: &Path, documents: u64) -> std::io::Result<Cost> {
    let database = database(settings, "baseline", documents);
    measure::remove(&database)?;
    let schema = settings.root.join("benches/schemas/load/0001_users.up.sql");
    let mut command = Command::new(baseline);
    command.arg(file).arg(schema).arg(database);
    measure::run(&mut command, &settings.scratch.join("baseline.log"))
}

/// The program that `cargo bench` built, or another one named by FIREFERRY_BIN.
fn run_fireferry(settings: &Settings, folder: &Path, documents: u64) -> std::io::Result<Cost> {
    let database = database(settings, "fireferry", documents);
    measure::remove(&database)?;
    let state = settings.scratch.join("state");
    if state.exists() {
        std::fs::remove_dir_all(&state)?;
    }
    let program = std::env::var_os("FIREFERRY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_fireferry").into());
    let mut command = Command::new(program);
    command.arg("run").arg(settings.root.join("benches/pipelines/load.yaml"));
    command.arg("--source").arg(folder);
    command.arg("--destination").arg(format!("file:{}", database.display()));
    command.arg("--state-dir").arg(state).arg("--json");
    measure::run(&mut command, &settings.scratch.join("fireferry.log"))
}

fn database(settings: &Settings, loader: &str, documents: u64) -> PathBuf {
    settings.scratch.join(format!("{loader}-{documents}.db"))
}

fn print_table(results: &[Comparison]) {
    println!(
        "\n{:>10}  {:<9}  {:>9}  {:>9}  {:>13}  {:>10}",
        "documents", "loader", "CPU s", "wall s", "docs/CPU-s", "memory MB"
    );
    for result in results {
        for (name, cost) in [("baseline", &result.baseline), ("fireferry", &result.fireferry)] {
            println!(
                "{:>10}  {name:<9}  {:>9.2}  {:>9.2}  {:>13.0}  {:>10.1}",
                result.documents,
                cost.cpu,
                cost.wall,
                result.per_second(cost),
                cost.memory as f64 / 1e6
            );
        }
    }
    println!();
}

/// Says of each promise whether it is kept.
fn promises_kept(results: &[Comparison]) -> bool {
    let (Some(fewest), Some(most)) = (results.first(), results.last()) else { return true };
    let growth = most.fireferry.memory as f64 / fewest.fireferry.memory as f64;
    let verdicts = [
        (
            most.ratio() >= LEAST_RATIO,
            format!("{:.2} of the baseline's documents per CPU-second (at least {LEAST_RATIO})", most.ratio()),
        ),
        (
            most.fireferry.memory <= MOST_MEMORY,
            format!("{:.1} MB of memory (at most {})", most.fireferry.memory as f64 / 1e6, MOST_MEMORY / 1_000_000),
        ),
        (
            growth <= MOST_GROWTH,
            format!(
                "{growth:.2} times the memory for {} times the documents (at most {MOST_GROWTH})",
                most.documents / fewest.documents
            ),
        ),
    ];
    for (kept, text) in &verdicts {
        println!("{}  {text}", if *kept { "kept  " } else { "BROKEN" });
    }
    verdicts.iter().all(|(kept, _)| *kept)
}
