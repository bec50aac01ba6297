//! Disks that are full, and folders that may not be written to.
//!
//! The tests may run as root, whom no permission stops: then the folder is mounted read-only, and the full disk is a
//! small file system in memory, both in a mount namespace of their own. Where that is not allowed either, the test
//! says so and passes.

use std::path::Path;
use std::process::Command;

use super::{assert_runs, run, sandbox};
use crate::proof::crash::Scenario;
use crate::proof::program::assert_adds_up;
use crate::support::database::{Database, assert_same};
use crate::support::documents::Load;
use crate::support::{Outcome, Sandbox, redact_text};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A shell in a mount namespace of its own; `None` where this user may not.
fn shell_with_mounts(sandbox: &Sandbox, script: &str) -> Option<Command> {
    let allowed =
        is_root() && Command::new("unshare").args(["-m", "true"]).output().is_ok_and(|tried| tried.status.success());
    if !allowed {
        eprintln!("SKIPPED: this user may not mount");
        return None;
    }
    let program = sandbox.command(&[]);
    let mut shell = Command::new("unshare");
    shell.args(["-m", "sh", "-ec", script, "sh"]).arg(program.get_program()).current_dir(sandbox.path(""));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Some(shell)
}

/// Runs with `folder` read-only.
fn run_read_only(sandbox: &Sandbox, folder: &str) -> Option<Outcome> {
    if is_root() {
        let script = format!(
            "mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}; exec \"$1\" run p.yaml --progress none"
        );
        let mut shell = shell_with_mounts(sandbox, &script)?;
        let child = shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        return Some(sandbox.finish(child));
    }
    let path = sandbox.path(folder);
    let permissions = std::fs::metadata(&path).unwrap().permissions();
    let mut read_only = permissions.clone();
    read_only.set_readonly(true);
    std::fs::set_permissions(&path, read_only).unwrap();
    let outcome = run(sandbox);
    std::fs::set_permissions(&path, permissions).unwrap();
    Some(outcome)
}

fn into_folder(sandbox: &Sandbox, folder: &str) {
    std::fs::create_dir(sandbox.path(folder)).unwrap();
    let text = sandbox.read("p.yaml").replace("out.db", &format!("{folder}/out.db"));
    sandbox.write("p.yaml", text);
}

/// What SQLite and the system call it differs; the rest must not.
#[track_caller]
fn assert_says(outcome: &Outcome, code: i32, words: &[&str]) {
    assert_eq!(outcome.code, code, "{outcome:?}");
    for word in words.iter().chain(&["hint"]) {
        assert!(outcome.stderr.contains(word), "{word} is missing in\n{}", outcome.stderr);
    }
}

#[test]
fn a_read_only_folder_for_a_new_destination() {
    let sandbox = sandbox();
    into_folder(&sandbox, "shut");
    let Some(outcome) = run_read_only(&sandbox, "shut") else { return };
    assert_says(&outcome, 3, &["error[destination_", "shut/out.db"]);
    assert!(std::fs::read_dir(sandbox.path("shut")).unwrap().next().is_none());
    run(&sandbox).exits(0);
}

#[test]
fn a_read_only_folder_with_a_destination() {
    let sandbox = sandbox();
    into_folder(&sandbox, "shut");
    run(&sandbox).exits(0);
    sandbox.write("people/people.ndjson", "{\"id\":\"d\",\"name\":\"Dora\"}\n");
    let before = std::fs::read(sandbox.path("shut/out.db")).unwrap();
    let Some(outcome) = run_read_only(&sandbox, "shut") else { return };
    assert_says(&outcome, 3, &["error[destination_", "shut/out.db"]);
    assert!(std::fs::read(sandbox.path("shut/out.db")).unwrap() == before);
    run(&sandbox).exits(0);
}

#[test]
fn a_read_only_state_folder() {
    let sandbox = sandbox();
    run(&sandbox).exits(0);
    std::fs::remove_file(sandbox.path("out.db")).unwrap();
    let Some(outcome) = run_read_only(&sandbox, ".fireferry") else { return };
    assert_says(&outcome, 1, &[".fireferry"]);
    assert!(!sandbox.path("out.db").exists());
    assert_runs(&sandbox);
}

#[test]
fn a_full_disk() {
    let load = Load { documents: 4_000, seed: 43, commit_documents: 100, later: false };
    let scenario = Scenario::new("full disk", &load, None);
    let workspace = scenario.workspace();
    let script = format!(
        "mount -t tmpfs -o size=1m none disk
         program=$1
         run() {{
           name=$1; shift; code=0
           \"$program\" run '{}' --source '{}' --destination file:disk/data.db --state-dir state --json \"$@\" \\
             > $name.json 2> $name.err || code=$?
           echo $code > $name.code
         }}
         run first
         mount -o remount,size=100m disk
         run second --resume
         cp disk/data.db* .",
        scenario.pipeline.display(),
        scenario.documents.display()
    );
    let Some(mut shell) = shell_with_mounts(&workspace.sandbox, &script) else { return };
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| workspace.sandbox.read(name);
    let shown = redact_text(&read("first.json"), Path::new("/"));
    assert_eq!(read("first.code"), "1\n", "{shown}{}", read("first.err"));
    let first: serde_json::Value = serde_json::from_str(&read("first.json")).unwrap();
    assert_eq!(first["status"], "failed", "{first:#}");
    assert!(first["error"]["message"].as_str().unwrap().contains("no space left"), "{first:#}");
    assert_eq!(read("second.code"), "4\n", "{}{}", read("second.json"), read("second.err"));
    assert_adds_up(&serde_json::from_str(&read("second.json")).unwrap());
    let result = workspace.sandbox.path("data.db");
    Database::open(&result).assert_sound();
    assert_same(&result, &scenario.undisturbed(), "after a full disk");
}

/// A quota that stops one file: what is left when mounts are not allowed.
#[test]
fn a_file_that_may_not_grow() {
    let load = Load { documents: 4_000, seed: 44, commit_documents: 100, later: false };
    let scenario = Scenario::new("file size limit", &load, None);
    let workspace = scenario.workspace();
    let program = workspace.run_command(&["--progress", "none"]);
    let mut shell = Command::new("sh");
    // Without the trap the system ends the process at once, which is a crash like any other.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "sh"]).arg(program.get_program());
    shell.args(program.get_args()).current_dir(workspace.sandbox.path(""));
    let outcome = workspace.finish(shell);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let report = outcome.json();
    assert_eq!(report["status"], "failed", "{report:#}");
    assert!(report["error"]["message"].as_str().unwrap().contains("data.db"), "{report:#}");
    scenario.resume_and_compare(&workspace, Some(&mut crate::support::documents::Random::new(2)), "after a size limit");
}
