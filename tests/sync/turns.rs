//! `sync`: turn after turn.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::place::{PIPELINE, Place};
use crate::support::servers::listen;

fn sync(place: &Place, options: &[&str]) -> Command {
    let mut command = place.workspace.command(&["sync", place.workspace.pipeline.to_str().unwrap(), "--json"]);
    command.args(options);
    command
}

/// A process that stays, and the lines that it says; killed when it is dropped.
struct Daemon {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Daemon {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next turn's line.
    #[track_caller]
    fn turn(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Turns until one of them has written so many rows.
    #[track_caller]
    fn until(&mut self, inserted: u64) {
        let mut all = 0;
        while all < inserted {
            all += self.turn()["inserted"].as_u64().unwrap();
        }
        assert_eq!(all, inserted);
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_turn_ends_with_the_exit_code_of_its_run() {
    let mut place = Place::new();
    place.person("a", "a");
    let line = place.workspace.finish(sync(&place, &[])).exits(0).json();
    assert_eq!((line["status"].as_str(), line["inserted"].as_u64()), (Some("completed"), Some(1)), "{line}");
    place.note("orphan", "nobody", "x");
    place.workspace.finish(sync(&place, &[])).exits(4);
    place.workspace.finish(sync(&place, &["--tolerate", "3,4"])).exits(0);
    place.workspace.finish(sync(&place, &["--cron", "nonsense"])).exits(2);
    place.workspace.finish(sync(&place, &["--cron", "* * * * *", "--timezone", "Mars/Olympus"])).exits(2);
}

#[test]
fn an_unfinished_run_is_gone_on_with_at_the_next_turn() {
    let small =
        PIPELINE.replace("expect_documents: false", "expect_documents: false, batch_size: 5, max_unsaved_documents: 5");
    let mut place = Place::with(&small, &[]);
    for number in 0..60 {
        place.person(&format!("p{number}"), "x");
    }
    let first = place.workspace.finish(sync(&place, &["--max-reads", "40"])).exits(7).json();
    let second = place.workspace.finish(sync(&place, &[])).exits(0).json();
    assert_eq!(first["run_id"], second["run_id"], "{first} {second}");
    place.assert_equal();
    // What cannot go on begins anew.
    place.person("later", "x");
    place.workspace.finish(sync(&place, &["--max-reads", "4"]));
    place.rewrite(&small.replace("name: name }", "name: { from: name, transform: [trim] } }"));
    place.workspace.finish(sync(&place, &[])).exits(0);
    place.assert_equal();
}

#[test]
fn a_daemon_follows_the_source_says_how_it_is_and_ends_cleanly() {
    let mut place = Place::new();
    place.person("a", "a");
    let port = listen().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut daemon = Daemon::start(sync(&place, &["--every", "100ms", "--metrics-listen", &address]));
    daemon.until(1);
    place.person("b", "b");
    place.note("n", "b", "x");
    daemon.until(2);
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(get("/readyz").starts_with("HTTP/1.1 200"));
    let metrics = get("/metrics");
    let inserted = "fireferry_documents_total{pipeline=\"notes\",collection=\"people\",outcome=\"inserted\"} 2";
    assert!(metrics.contains(inserted), "{metrics}");
    assert!(metrics.contains("fireferry_failures_in_a_row 0") && metrics.trim_end().ends_with("# EOF"), "{metrics}");
    daemon.signal("-TERM");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    place.assert_equal();
}

#[test]
fn two_daemons_never_work_at_once_and_one_takes_over() {
    let mut place = Place::new();
    place.person("a", "a");
    let mut first = Daemon::start(sync(&place, &["--every", "50ms"]));
    first.until(1);
    let second = Daemon::start(sync(&place, &["--every", "50ms", "--max-failures", "1"]));
    for number in 0..10 {
        place.person(&format!("p{number}"), "x");
        std::thread::sleep(Duration::from_millis(30));
    }
    // Killed in the middle of something; what it held is free.
    first.signal("-KILL");
    drop(first);
    place.person("after", "x");
    let mut second = second;
    while place.database().integer("SELECT count(*) FROM people") < 12 {
        second.turn();
    }
    second.signal("-TERM");
    assert_eq!(second.child.wait().unwrap().code(), Some(0), "a turn that was skipped is no failure");
    place.assert_equal();
}

#[test]
fn failures_are_told_signed_until_it_goes_well_again() {
    let mut place = Place::new();
    place.person("a", "a");
    place.note("orphan", "nobody", "x");
    let receiver = listen();
    let url = format!("http://{}/hook", receiver.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = receiver.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(read) = stream.read(&mut buffer) {
            request.extend_from_slice(&buffer[..read]);
            if read == 0 || String::from_utf8_lossy(&request).contains("\"at\"") {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    // The schema is gone: the turn fails.
    std::fs::rename(place.folder.path("schema"), place.folder.path("elsewhere")).unwrap();
    let mut command = sync(&place, &["--webhook", &url]);
    command.env("FIREFERRY_WEBHOOK_SECRET", "a secret of ours");
    let outcome = place.workspace.finish(command);
    assert_ne!(outcome.code, 0);
    assert!(!outcome.stdout.contains("a secret of ours") && !outcome.stderr.contains("a secret of ours"));
    let request = heard.join().unwrap();
    assert!(request.starts_with("POST /hook") && request.contains("x-fireferry-signature: sha256="), "{request}");
    assert!(request.contains("\"event\":\"failed\"") && request.contains("\"pipeline\":\"notes\""), "{request}");
}
