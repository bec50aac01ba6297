//! The arrows of the architecture point inward. This test reads the source and fails on a wrong one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod paths;

use std::fs;
use std::path::{Path, PathBuf};

use paths::{called, named};

/// What each part of the crate may name besides itself. A longer entry allows only what is below it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("error", &[]),
    ("explain", &[]),
    ("pipeline", &["domain", "error", "destination::OnConflict"]),
    ("crossing", &[]),
    ("source", &["domain", "error", "crossing"]),
    ("destination", &["domain", "error", "crossing"]),
    ("profile", &["domain", "error"]),
    ("infer", &["domain", "error", "profile"]),
    ("report", &["domain", "error", "profile", "infer"]),
    ("schema", &["domain", "error", "destination", "report"]),
    ("ledger", &["domain", "error", "report", "crossing"]),
    (
        "engine",
        &["domain", "error", "pipeline", "source", "destination", "schema", "ledger", "report", "profile", "crossing"],
    ),
    (
        "cli",
        &[
            "domain",
            "error",
            "pipeline",
            "source",
            "destination",
            "schema",
            "ledger",
            "report",
            "engine",
            "profile",
            "infer",
            "explain",
            "crossing",
        ],
    ),
];

/// Only the adapter itself and the command line, which wires everything, know that an adapter exists.
const ADAPTER_USERS: &[&str] = &["cli"];

/// Other people's crates that only some parts may know.
const CRATES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("comfy_table", &["cli", "report"]),
    ("libsql", &["destination::libsql::file", "ledger"]),
    ("serde_saphyr", &["pipeline"]),
    ("firestore", &["source::firestore"]),
    ("rustls", &["source::firestore", "destination::libsql::remote::hrana"]),
    ("reqwest", &["destination::libsql::remote::hrana", "cli::sync::notify"]),
    ("ring", &["cli::sync::notify"]),
    ("axum", &["cli::sync::serve"]),
    ("prometheus_client", &["cli::sync::metrics"]),
    ("croner", &["engine::schedule"]),
    ("bytes", &["destination::libsql::remote"]),
    ("flate2", &["source::json"]),
    ("zstd", &["source::json"]),
];

/// What the pure core does without: I/O, clocks, other threads.
const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "tracing",
    "fs_err",
    "rustix",
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// Prints.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// The one file that prints.
const PRINTER: &str = "src/cli/output.rs";

/// Gets hold of what prints. The command line may ask these whether they are terminals.
const HANDLES: &[&str] = &["stdout", "stderr"];

/// Past this many lines a file has more than one purpose.
const MOST_LINES: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the repository, sorted, without built ones.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string().replace('\\', "/")
}

/// `["destination", "libsql"]` for `src/destination/libsql/mod.rs`.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    path.trim_end_matches("/mod").split('/').filter(|name| !matches!(*name, "lib" | "main")).collect()
}

/// `source::json`, `destination::libsql`: the folders below the two seams.
fn adapters() -> Vec<String> {
    let below = |seam: &str| {
        let entries = fs::read_dir(root().join("src").join(seam)).into_iter().flatten().flatten();
        let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
        let names = folders.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        names.map(|name| format!("{seam}::{name}")).collect::<Vec<_>>()
    };
    [below("source"), below("destination")].concat()
}

fn is_below(path: &str, prefix: &str) -> bool {
    path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"))
}

/// Why the module may not name the path (without `crate::`), if it may not.
fn wrong_arrow(module: &[&str], path: &str, adapters: &[String]) -> Option<String> {
    let own = module.first()?;
    let here = module.join("::");
    let target = path.split("::").next()?;
    let adapter = adapters.iter().find(|adapter| is_below(path, adapter));
    if let Some(adapter) = adapter.filter(|adapter| !is_below(&here, adapter)) {
        return (!ADAPTER_USERS.contains(own)).then(|| format!("{here} names the adapter {adapter}"));
    }
    let Some((_, allowed)) = MAY_NAME.iter().find(|(part, _)| part == own) else {
        return Some(format!("{own} has no rule in MAY_NAME"));
    };
    let known = MAY_NAME.iter().any(|(part, _)| *part == target);
    let fine = !known || target == *own || allowed.iter().any(|prefix| is_below(path, prefix));
    (!fine).then(|| format!("{own} must not name {path}"))
}

/// Everything in a file that breaks a rule, one line each.
fn violations(file: &str, text: &str, adapters: &[String]) -> Vec<String> {
    let module = module_of(file);
    let mut found = Vec::new();
    if module.is_empty() {
        return found; // lib.rs and main.rs only put the parts together
    }
    let here = module.join("::");
    for named in named(&module, text) {
        let path = named.path.join("::");
        let own = path.strip_prefix("crate::").and_then(|path| wrong_arrow(&module, path, adapters));
        let crates = CRATES
            .iter()
            .find(|(name, users)| is_below(&path, name) && !users.iter().any(|user| is_below(&here, user)));
        let foreign = crates.map(|(name, _)| format!("{here} must not know the crate {name}"));
        let impure = module[0] == "domain" && NOT_IN_DOMAIN.iter().any(|banned| is_below(&path, banned));
        let impure = impure.then(|| format!("domain does without {path}"));
        found.extend([own, foreign, impure].into_iter().flatten().map(|why| format!("{file}:{}: {why}", named.line)));
    }
    let banned =
        |name: &str| (PRINTING.contains(&name) && file != PRINTER) || (HANDLES.contains(&name) && module[0] != "cli");
    let prints = called(text).into_iter().filter(|(name, _)| banned(name));
    found.extend(prints.map(|(name, line)| format!("{file}:{line}: {name}: only {PRINTER} prints")));
    found
}

#[test]
fn every_arrow_points_inward() {
    let adapters = adapters();
    let wrong: Vec<String> = rust_files("src")
        .iter()
        .flat_map(|file| violations(&name(file), &fs::read_to_string(file).unwrap(), &adapters))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_wrong_use_is_noticed() {
    let adapters = ["source::json".to_owned(), "source::firestore".to_owned(), "destination::libsql".to_owned()];
    let wrong = [
        ("src/domain/row.rs", "use crate::error::Error;"),
        ("src/domain/row.rs", "use std::{fmt, fs::File};"),
        ("src/domain/row.rs", "fn now() { std::time::SystemTime::now(); }"),
        ("src/domain/mapping/mod.rs", "use super::super::super::engine::Context;"),
        ("src/pipeline/load.rs", "use crate::destination::{OnConflict, Target};"),
        ("src/source/json/mod.rs", "pub use crate::{domain::row::Row, destination::Batch};"),
        ("src/source/json/mod.rs", "fn f() -> crate::source::firestore::Client { loop {} }"),
        ("src/destination/libsql/mod.rs", "use crate::pipeline::resolved::Pipeline;"),
        ("src/destination/mod.rs", "use super::source::Source;"),
        ("src/engine/run.rs", "use crate::source::{self, json};"),
        ("src/engine/run.rs", "use crate::destination::libsql::Local;"),
        ("src/engine/run.rs", "use crate::cli::output;"),
        ("src/engine/run.rs", "use indicatif::ProgressBar;"),
        ("src/engine/run.rs", "fn f() { libsql::Builder::new_local(\"x\"); }"),
        ("src/report/text.rs", "fn f() { println!(\"x\"); }"),
        ("src/cli/run.rs", "fn f() { eprintln!(\"x\"); }"),
        ("src/engine/run.rs", "fn f() { std::io::stdout(); }"),
    ];
    for (file, text) in wrong {
        assert!(!violations(file, text, &adapters).is_empty(), "not noticed in {file}: {text}");
    }
}

#[test]
fn right_uses_are_let_through() {
    let adapters = ["source::json".to_owned(), "destination::libsql".to_owned()];
    let right = [
        ("src/domain/mapping/convert.rs", "use super::{super::value::Value, Mapping}; use crate::domain::row::Row;"),
        ("src/pipeline/resolved.rs", "use crate::destination::OnConflict;"),
        ("src/source/json/mod.rs", "use super::Source; use crate::source::json::lines; use crate::error::Result;"),
        ("src/destination/libsql/file/write.rs", "use libsql::params; use crate::domain::row::Row; // println!"),
        (
            "src/engine/run.rs",
            "use crate::{source::Source, destination::{Destination, Target}}; mod tests { use super::*; }",
        ),
        ("src/cli/run.rs", "use crate::source::json::JsonSource; use indicatif::ProgressBar;"),
        ("src/cli/run.rs", "fn f() -> bool { std::io::stdout().is_terminal() }"),
        ("src/cli/output.rs", "fn f() { println!(\"x\"); }"),
        ("src/main.rs", "fn main() { fireferry::cli::main() }"),
    ];
    for (file, text) in right {
        assert_eq!(violations(file, text, &adapters), Vec::<String>::new(), "{file}: {text}");
    }
}

#[test]
fn no_file_is_longer_than_can_be_seen_through() {
    let files = ["src", "tests", "examples", "benches"].map(rust_files).concat();
    let length = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<String> = files
        .iter()
        .filter(|file| length(file) > MOST_LINES)
        .map(|file| format!("{}: {} lines", name(file), length(file)))
        .collect();
    assert!(long.is_empty(), "look for the seam:\n{}\n", long.join("\n"));
}
