//! The state folder and the ledger, seen from outside.

use crate::support::Sandbox;

#[test]
fn asking_for_runs_where_there_are_none_makes_nothing() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["runs", "list"]).exits(0).stdout, "There is no run yet.\n");
    for verb in ["show", "logs", "rejects", "cancel"] {
        let outcome = sandbox.run(&["runs", verb]).exits(2);
        assert!(outcome.stderr.contains("error[run_unknown]"), "{}", outcome.stderr);
    }
    assert!(sandbox.files().is_empty(), "{:?}", sandbox.files().keys());
}

#[test]
fn a_damaged_ledger_is_told_with_the_way_out() {
    let sandbox = Sandbox::new();
    sandbox.write(".fireferry/ledger.db", "no database at all, however long it is. ".repeat(50));
    insta::assert_snapshot!(sandbox.run(&["runs", "list"]).exits(1).seen());
}

#[test]
fn another_programs_database_is_not_taken_for_a_ledger() {
    let sandbox = Sandbox::new();
    // An SQLite header whose application id is another program's.
    let mut header = vec![0u8; 4096];
    header[..16].copy_from_slice(b"SQLite format 3\0");
    header[16..24].copy_from_slice(&[0x10, 0, 1, 1, 0, 64, 32, 32]);
    header[28..32].copy_from_slice(&1u32.to_be_bytes());
    header[44..48].copy_from_slice(&4u32.to_be_bytes());
    header[56..60].copy_from_slice(&1u32.to_be_bytes());
    header[68..72].copy_from_slice(&7u32.to_be_bytes());
    header[100] = 13;
    header[105..107].copy_from_slice(&4096u16.to_be_bytes());
    sandbox.write("other.db", &header);
    let outcome = sandbox.run(&["runs", "list", "--ledger", "file:other.db"]).exits(1);
    assert!(outcome.stderr.contains("error[ledger_foreign]"), "{}", outcome.stderr);
    assert_eq!(std::fs::read(sandbox.path("other.db")).unwrap(), header, "it is left as it is");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let sandbox = Sandbox::new();
    let mut child = sandbox.command(&["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_cannot_be_written_is_an_error() {
    use std::process::Stdio;
    let sandbox = Sandbox::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = sandbox.command(&["runs", "list"]).stdout(Stdio::from(full)).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("error[output_failed]"), "{stderr}");
}
