#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::report::run::samples_for_tests::{dirty, empty};
use crate::report::run::{RejectReport, RunReport, Status};

const FIRST: &str = "0197a1c2-0000-7000-8000-000000000001";
const SECOND: &str = "0197a1c2-ffff-7000-8000-000000000002";

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/ledger.db");
    (folder, path)
}

fn start(id: &str, started_at: &str) -> RunStart {
    RunStart {
        id: id.to_owned(),
        pipeline: "classroom".to_owned(),
        pipeline_file: "/p/classroom.yaml".to_owned(),
        destination: "local file classroom.db".to_owned(),
        destination_url: "file:/p/classroom.db".to_owned(),
        initiated_by: "ada@lovelace".to_owned(),
        started_at: started_at.to_owned(),
        rolls_back: None,
    }
}

fn reject(number: usize) -> RejectReport {
    RejectReport {
        collection: if number.is_multiple_of(2) { "users" } else { "tasks" }.to_owned(),
        document: format!("users/{number}"),
        code: "required_missing".to_owned(),
        reason: "no email".to_owned(),
        origin: format!("users.ndjson:{number}"),
        data: serde_json::json!({ "id": number, "name": "名前🙂" }),
    }
}

async fn pretend_process(ledger: &Ledger, host: &str, pid: i64, started: i64) {
    let sql = "UPDATE runs SET host = ?1, pid = ?2, pid_started = ?3";
    ledger.execute(sql, libsql::params![host, pid, started]).await.unwrap();
}

#[tokio::test]
async fn a_run_is_recorded_from_its_start_to_its_report() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    let (entry, report) = ledger.get("latest").await.unwrap();
    assert_eq!((entry.state, entry.status.as_str(), report), (RunState::Active, "running", None));
    let mut done = dirty();
    done.samples.clear();
    ledger.run_finished(&done).await.unwrap();
    let (entry, report) = ledger.get(FIRST).await.unwrap();
    assert_eq!((entry.state, entry.status.as_str()), (RunState::Ended, "completed_with_rejects"));
    assert_eq!((entry.read, entry.rejected), (Some(1_000), Some(12)));
    assert_eq!(report, Some(done));
}

#[tokio::test]
async fn what_is_recorded_is_there_after_opening_again() {
    let (_folder, path) = place();
    assert!(Ledger::open_existing(&path).await.unwrap().is_none());
    assert!(!path.exists(), "asking for a ledger does not make one");
    Ledger::open(&path).await.unwrap().run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    let ledger = Ledger::open_existing(&path).await.unwrap().unwrap();
    assert_eq!(ledger.list(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_found_by_the_beginning_of_their_id() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start(SECOND, "2025-06-02T00:00:00Z")).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T00:00:00Z")).await.unwrap();
    let ids: Vec<String> = ledger.list(10).await.unwrap().into_iter().map(|entry| entry.run_id).collect();
    assert_eq!(ids, [SECOND, FIRST]);
    assert_eq!(ledger.list(1).await.unwrap().len(), 1);
    assert_eq!(ledger.get("latest").await.unwrap().0.run_id, SECOND);
    assert_eq!(ledger.get("0197a1c2-f").await.unwrap().0.run_id, SECOND);
    let code = async |selector: &str| ledger.get(selector).await.unwrap_err().code();
    assert_eq!(code("0197a1c2").await, "run_ambiguous");
    assert_eq!(code("019").await, "run_unknown");
    assert_eq!(code("0197a1c_").await, "run_unknown", "an underscore is no wildcard");
    assert_eq!(code("").await, "run_unknown");
}

#[tokio::test]
async fn a_run_that_goes_on_is_the_latest_again() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    for (id, at) in [(FIRST, "2025-06-01T00:00:00Z"), (SECOND, "2025-06-02T00:00:00Z"), (FIRST, "2025-06-03T00:00:00Z")]
    {
        ledger.run_started(&start(id, at)).await.unwrap();
    }
    let (entry, _) = ledger.get("latest").await.unwrap();
    assert_eq!((entry.run_id.as_str(), entry.started_at.as_str()), (FIRST, "2025-06-01T00:00:00Z"));
    assert_eq!(ledger.list(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_empty_ledger_says_that_there_is_no_run() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    assert_eq!(ledger.get("latest").await.unwrap_err().code(), "run_unknown");
    assert_eq!(ledger.run_finished(&empty()).await.unwrap_err().code(), "run_unknown");
}

#[tokio::test]
async fn a_run_whose_process_died_here_shows_as_interrupted_and_one_elsewhere_as_it_said() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    pretend_process(&ledger, &host(), i64::MAX, 0).await;
    let (entry, _) = ledger.get("latest").await.unwrap();
    assert_eq!((entry.state, entry.status.as_str()), (RunState::Died, Status::Interrupted.as_str()));
    pretend_process(&ledger, "another-host", i64::MAX, 0).await;
    let (entry, _) = ledger.get("latest").await.unwrap();
    assert_eq!((entry.state, entry.status.as_str()), (RunState::Active, "running"));
}

#[tokio::test]
async fn a_cancel_is_seen_by_the_run_and_forgotten_when_it_goes_on() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    let run = start(FIRST, "2025-06-01T20:00:00Z");
    ledger.run_started(&run).await.unwrap();
    assert!(!ledger.cancel_requested(FIRST).await.unwrap());
    Ledger::open(&path).await.unwrap().request_cancel(FIRST).await.unwrap();
    assert!(ledger.cancel_requested(FIRST).await.unwrap());
    assert!(!ledger.cancel_requested("unknown").await.unwrap());
    ledger.run_started(&run).await.unwrap();
    assert!(!ledger.cancel_requested(FIRST).await.unwrap());
}

#[tokio::test]
async fn rejects_are_kept_in_order_and_filtered() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    let all: Vec<RejectReport> = (1..=5).map(reject).collect();
    assert_eq!(ledger.add_rejects(FIRST, &all[..3]).await.unwrap(), 3);
    assert_eq!(ledger.add_rejects(FIRST, &all[3..]).await.unwrap(), 2);
    let found = async |filter: RejectFilter| -> Vec<RejectReport> {
        ledger.rejects(FIRST, &filter).await.unwrap().into_iter().map(|found| found.reject).collect()
    };
    let everything = RejectFilter { limit: 100, ..RejectFilter::default() };
    assert_eq!(found(everything.clone()).await, all);
    assert_eq!(found(RejectFilter { after: 4, ..everything.clone() }).await, all[4..]);
    assert_eq!(found(RejectFilter { collection: Some("users".to_owned()), ..everything.clone() }).await.len(), 2);
    assert_eq!(found(RejectFilter { code: Some("other".to_owned()), ..everything.clone() }).await, []);
    ledger.clear_rejects(FIRST).await.unwrap();
    assert_eq!(found(everything).await, []);
}

#[tokio::test]
async fn a_document_that_is_too_large_is_left_out_but_its_reject_is_not() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    let large = RejectReport { data: "x".repeat(MOST_DATA_BYTES).into(), ..reject(1) };
    ledger.add_rejects(FIRST, &[large]).await.unwrap();
    let filter = RejectFilter { limit: 1, ..RejectFilter::default() };
    let found = ledger.rejects(FIRST, &filter).await.unwrap();
    assert_eq!((found[0].reject.data.is_null(), found[0].reject.reason.as_str()), (true, "no email"));
}

#[tokio::test]
async fn old_runs_are_forgotten_with_their_rejects_but_never_one_that_goes_on() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start("0000-active", "2024-01-01T00:00:00Z")).await.unwrap();
    ledger.run_started(&start("0000-done", "2024-01-02T00:00:00Z")).await.unwrap();
    ledger.add_rejects("0000-done", &[reject(1)]).await.unwrap();
    ledger.run_finished(&RunReport { run_id: "0000-done".to_owned(), ..empty() }).await.unwrap();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
               INSERT INTO runs SELECT printf('1111-%05d', i), 'p', 'f', 'd', 'u', 'completed', 'b',
               '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', 'h', 1, 0, 0, NULL, NULL FROM n";
    ledger.execute(sql, [i64::try_from(MOST_RUNS).unwrap()]).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    assert_eq!(ledger.get("0000-done").await.unwrap_err().code(), "run_unknown");
    assert_eq!(ledger.get("0000-active").await.unwrap().0.run_id, "0000-active");
    let rows = ledger.query("SELECT count(*) FROM rejects", ()).await.unwrap();
    assert_eq!(rows[0].number(0), 0);
}

#[tokio::test]
async fn a_damaged_ledger_is_a_clear_error_with_the_way_out() {
    let (_folder, path) = place();
    drop(Ledger::open(&path).await.unwrap());
    fs_err::write(&path, "this is no database, whatever its name says. ".repeat(100)).unwrap();
    let error = Ledger::open(&path).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("ledger_damaged", ErrorKind::Ledger));
    assert!(error.hint_text().unwrap().starts_with("move it away"));
}

#[tokio::test]
async fn a_ledger_with_a_damaged_page_is_told_apart_from_a_busy_one() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    for number in 0..200 {
        ledger.run_started(&start(&format!("run-{number}"), "2025-06-01T20:00:00Z")).await.unwrap();
    }
    ledger.query("PRAGMA wal_checkpoint(TRUNCATE)", ()).await.unwrap();
    drop(ledger);
    let mut bytes = fs_err::read(&path).unwrap();
    bytes[4096..].fill(0xab);
    fs_err::write(&path, bytes).unwrap();
    let error = match Ledger::open(&path).await {
        Ok(ledger) => ledger.list(1000).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.code(), "ledger_damaged");
}

#[tokio::test]
async fn another_programs_database_and_a_newer_ledger_are_refused_and_left_as_they_are() {
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.connection.execute_batch("PRAGMA user_version = 99").await.unwrap();
    assert_eq!(Ledger::open(&path).await.err().unwrap().code(), "ledger_newer");
    let sql = "PRAGMA application_id = 0; PRAGMA user_version = 0;";
    ledger.connection.execute_batch(sql).await.unwrap();
    assert_eq!(Ledger::open(&path).await.err().unwrap().code(), "ledger_foreign");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_may_open_a_new_ledger_at_the_same_time() {
    let (_folder, path) = place();
    let open = |number: usize| {
        let path = path.clone();
        tokio::spawn(async move {
            let ledger = Ledger::open(&path).await?;
            ledger.run_started(&start(&format!("run-{number}"), "2025-06-01T20:00:00Z")).await
        })
    };
    for task in (0..8).map(open).collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    assert_eq!(Ledger::open(&path).await.unwrap().list(100).await.unwrap().len(), 8);
}

#[tokio::test]
#[cfg(unix)]
async fn the_files_of_the_ledger_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.run_started(&start(FIRST, "2025-06-01T20:00:00Z")).await.unwrap();
    for file in fs_err::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
}
