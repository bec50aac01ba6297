//! Load, export, load the export with the same pipeline into a new database: the same database.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::proof::program::{Workspace, assert_adds_up};
use crate::remote::program::{Place, run};
use crate::remote::scenario::same;
use crate::remote::server::Sqld;
use crate::support::database::{Database, assert_same};
use crate::support::documents::Load;
use crate::support::memory::watch_peak;
use crate::support::{Outcome, Sandbox};

fn command(workspace: &Workspace, verb: &[&str]) -> Outcome {
    let mut words = vec![verb[0], workspace.pipeline.to_str().unwrap()];
    words.extend(&verb[1..]);
    run(workspace, workspace.command(&words))
}

/// Exports into the sandbox; the report and the folder.
fn export(workspace: &Workspace, code: i32) -> (Value, PathBuf) {
    let out = workspace.sandbox.path("export");
    let report = command(workspace, &["export", "--out", out.to_str().unwrap(), "--json"]).exits(code).json();
    assert_eq!(report["complete"], true, "{report:#}");
    assert_eq!(report["shortfalls"], serde_json::json!([]), "{report:#}");
    (report, out)
}

fn sum(report: &Value, name: &str) -> u64 {
    report["collections"].as_array().unwrap().iter().map(|one| one[name].as_u64().unwrap()).sum()
}

fn assert_private(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        assert!(!path.display().to_string().ends_with(".part"), "{}", path.display());
    }
}

fn there_and_back(first: &Workspace, code: i32) {
    let report = first.run(&[]).exits(code).json();
    let (exported, folder) = export(first, code);
    assert_private(&folder);
    let rows = report["totals"]["inserted"].as_u64().unwrap();
    assert_eq!(sum(&exported, "documents"), rows, "{exported:#}");
    assert_eq!(exported["rejects"], report["totals"]["rejected"]);
    let again = Workspace::new(&first.pipeline, &folder);
    let report = again.run(&[]).exits(0).json();
    assert_adds_up(&report);
    assert_eq!(report["totals"]["inserted"], rows);
    assert_same(&again.destination(), &first.destination(), "loaded from the export");
    command(&again, &["verify", "--contents"]).exits(0);
    // And what is exported of that is the same, byte by byte.
    let (_, second) = export(&again, 0);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name();
        if name.to_string_lossy().ends_with(".ndjson") {
            let sorted = |folder: &Path| {
                let mut lines: Vec<String> =
                    std::fs::read_to_string(folder.join(&name)).unwrap().lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&folder), sorted(&second), "{name:?}");
        }
    }
}

#[test]
fn the_classroom_is_the_same_after_an_export() {
    there_and_back(&Workspace::classroom("classroom"), 0);
}

#[test]
fn the_dirty_classroom_is_exported_without_its_rejects_which_are_told() {
    there_and_back(&Workspace::classroom("classroom_dirty"), 4);
}

#[test]
fn a_generated_load_is_the_same_after_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let files = Load { documents: 3_000, seed: 77, commit_documents: 500, later: false }.write(folder.path());
    // An export has another shape.
    let text = std::fs::read_to_string(&files.pipeline).unwrap();
    let named = "path: documents, shape: plain";
    assert!(text.contains(named));
    let workspace = Workspace::new(&files.pipeline, &files.documents);
    workspace.run(&[]).exits(4);
    let out = workspace.sandbox.path("told");
    let told = command(&workspace, &["export", "--out", out.to_str().unwrap()]).exits(4).stdout;
    assert!(told.contains("the pipeline names `shape: plain`"), "{told}");
    std::fs::write(&files.pipeline, text.replace(named, "path: documents")).unwrap();
    there_and_back(&Workspace::new(&files.pipeline, &files.documents), 4);
}

#[test]
fn the_classroom_is_the_same_on_a_server_after_an_export_of_a_server() {
    let (Some(server), Some(other)) = (Sqld::start(), Sqld::start()) else { return };
    let folder = Sandbox::new();
    let first = Place::new(server.url()).classroom(&folder.path(""), "classroom_dirty");
    run(&first, first.run_command(&[])).exits(4);
    let before = server.everything();
    let (exported, out) = export(&first, 4);
    assert!(server.everything() == before, "the export changed something on the server");
    let mut again = Place::new(other.url()).classroom(&folder.path(""), "classroom");
    again.source = out.clone();
    let report = run(&again, again.run_command(&[])).exits(0).json();
    assert_adds_up(&report);
    assert_eq!(report["totals"]["inserted"], sum(&exported, "documents"));
    assert!(other.dump().rows == server.dump().rows, "the servers differ");
    command(&again, &["verify", "--contents"]).exits(0);
    // A file that is made of it is the same, too.
    let local = Workspace::new(crate::support::repository("pipelines/classroom.yaml"), out);
    local.run(&[]).exits(0);
    same(&other.dump(), &Database::open(&local.destination()).dump(), "in a file");
}

#[test]
fn memory_does_not_follow_the_size_of_the_rows() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "p.yaml",
        "version: 1\nname: p\nsource: { kind: json, path: docs }\ndestination: { url: \"file:out.db\" }\ncollections:\n  \
         pages: { table: pages, key: id, columns: { id: $id, text: { from: text, required: true } } }\n",
    );
    sandbox.write("docs/pages.ndjson", "{\"id\":\"a\",\"text\":\"b\"}\n");
    crate::support::database::change(
        &sandbox.path("out.db"),
        "CREATE TABLE pages (id TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO pages SELECT 'page ' || i, replace(hex(zeroblob(50000)), '0', 'x') FROM n;",
    );
    let child = sandbox.start(&["export", "p.yaml", "--json"]);
    let peak = watch_peak(child.id());
    let report = sandbox.finish(child).exits(0).json();
    let peak = peak.join().unwrap();
    assert_eq!(sum(&report, "documents"), 2_000);
    let size = std::fs::metadata(sandbox.path("export/p/pages.ndjson")).unwrap().len();
    println!("{size} bytes exported with {peak} bytes of memory");
    assert!(size > 200_000_000 && peak < 100 << 20, "{peak} bytes of memory");
}
