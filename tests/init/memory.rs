//! Memory stays within what was allowed, whatever documents are made of, and what did not fit is told.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::support::run;
use crate::support::Sandbox;
use crate::support::memory::watch_peak;

/// What a source that was made to be profiled badly takes beyond what is allowed: the program, pages being read, and
/// accumulators of a few documents.
const BESIDES: u64 = 110 << 20;

/// Drafts a pipeline for `x` within so many MiB; the answer and the most memory that was in use, in bytes.
fn init(sandbox: &Sandbox, mebibytes: u64) -> (Value, u64) {
    let memory = format!("{mebibytes}MiB");
    let mut command = sandbox.command(&["init", "x", "--json", "--quiet", "--force", "--memory", &memory]);
    let output = std::fs::File::create(sandbox.path("answer.json")).unwrap();
    let mut child = command.stdout(output).spawn().unwrap();
    let peak = watch_peak(child.id());
    assert!(child.wait().unwrap().success());
    (serde_json::from_str(&sandbox.read("answer.json")).unwrap(), peak.join().unwrap())
}

fn write(sandbox: &Sandbox, documents: impl Iterator<Item = Value>) {
    std::fs::create_dir_all(sandbox.path("x")).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(sandbox.path("x/a.ndjson")).unwrap());
    documents.for_each(|document| writeln!(file, "{document}").unwrap());
}

fn shortened(sandbox: &Sandbox) -> Value {
    let profile: Value = serde_json::from_str(&sandbox.read("x.profile.json")).unwrap();
    profile["profile"]["collections"][0]["shortened"].clone()
}

#[test]
fn many_fields_with_many_values_each_take_no_more_than_allowed() {
    let sandbox = Sandbox::new();
    let document = |n: usize| {
        let fields = (0..300).map(|field| (format!("f{field}Id"), json!(n * 1_000 + field)));
        Value::Object(fields.chain([("id".to_owned(), json!(format!("d{n}")))]).collect())
    };
    write(&sandbox, (0..20_000).map(document));
    // All sets together: 48 MB, and as much again while they grow.
    let (generous, free) = init(&sandbox, 1_000);
    assert_eq!(shortened(&sandbox), Value::Null);
    assert_eq!(generous["readiness"]["warnings"], json!([]));
    let (answer, used) = init(&sandbox, 8);
    println!("{} MB with 1,000 MiB allowed, {} MB with 8", free >> 20, used >> 20);
    assert!(used < (8 << 20) + BESIDES && used < free - (30 << 20), "{used} and {free} bytes");
    assert!(shortened(&sandbox)["exact_values"].as_u64().unwrap() < 20_000);
    let warnings = answer["readiness"]["warnings"].to_string();
    assert!(warnings.contains("memory did not suffice") && warnings.contains("--memory"), "{warnings}");
    run(&sandbox, "x", 20_000);
}

#[test]
fn field_paths_without_number_take_no_more_than_allowed() {
    let sandbox = Sandbox::new();
    fn nested(seed: usize, depth: usize) -> Value {
        let inner = |n: usize| (format!("n{}", (seed * 7 + n * 5) % 26), nested(seed * 31 + n * 17 + depth, depth - 1));
        if depth == 0 { json!(seed) } else { Value::Object((0..6).map(inner).collect::<Map<String, Value>>()) }
    }
    let document = |n: usize| {
        let fields = (0..20).map(|field| (format!("f{field}"), nested(n * 20 + field, 3)));
        Value::Object(fields.chain([("id".to_owned(), json!(format!("d{n}")))]).collect())
    };
    write(&sandbox, (0..400).map(document));
    let (_, free) = init(&sandbox, 4_000);
    assert_eq!(shortened(&sandbox), Value::Null);
    let (answer, used) = init(&sandbox, 8);
    println!("{} MB with 4,000 MiB allowed, {} MB with 8", free >> 20, used >> 20);
    assert!(used < (8 << 20) + BESIDES && used < free, "{used} and {free} bytes");
    assert!(shortened(&sandbox)["levels"].as_u64().unwrap() < 7, "{answer:#}");
    assert!(answer["readiness"]["warnings"].to_string().contains("only counted"), "{answer:#}");
    run(&sandbox, "x", 400);
}
