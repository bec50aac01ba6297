//! Every fault of the proxy does what it says, to the client and to the server.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::server::Sqld;
use crate::support::http;
use crate::support::proxy::{Fault, Proxy, Script};

/// A server with a table, and a proxy in front of it.
fn behind(script: Script) -> Option<(Sqld, Proxy, Client)> {
    let server = Sqld::start()?;
    server.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let proxy = Proxy::start(server.address(), script);
    let client = Client::new(proxy.address());
    Some((server, proxy, client))
}

fn insert(id: i64) -> String {
    format!("INSERT INTO t VALUES ({id})")
}

fn execute(sql: &str) -> Value {
    json!({ "type": "execute", "stmt": { "sql": sql } })
}

fn ids(server: &Client) -> Vec<i64> {
    server.query("SELECT id FROM t ORDER BY id").iter().map(|row| row[0].integer()).collect()
}

/// A stream in a transaction that has written this row.
fn transaction(client: &Client, id: i64) -> String {
    let begun = client.pipeline(None, &json!([execute("BEGIN IMMEDIATE"), execute(&insert(id))])).unwrap().json();
    begun["baton"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_cut_was_applied_or_not() {
    let Some((server, proxy, client)) = behind(Script::new()) else { return };
    let late = Fault::Late(Duration::ZERO);
    for (id, fault) in [(1, Fault::CutBefore), (2, Fault::CutAfterApplied), (3, Fault::CutMidReply), (4, late)] {
        proxy.set_script(Script::new().at(1, fault.clone()));
        let error = client.pipeline(None, &json!([execute(&insert(id)), { "type": "close" }])).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{fault:?}");
        proxy.wait(|requests| requests.iter().all(|request| request.over && request.status.is_none()));
        assert_eq!(proxy.faults().last(), Some(&(1, fault)));
    }
    assert_eq!(ids(&server), [2, 3, 4]);
}

#[test]
fn an_answer_of_the_proxy_reaches_no_server() {
    let Some((server, proxy, client)) = behind(Script::new()) else { return };
    let faults = [
        (500, Fault::status(500, "oops")),
        (413, Fault::status(413, "")),
        (401, Fault::status(401, r#"{"error":"Unauthorized"}"#)),
        (503, Fault::retry_after(503, 2)),
        (429, Fault::retry_after(429, 1)),
        (403, Fault::Blocked),
    ];
    for (status, fault) in faults {
        proxy.set_script(Script::new().at(1, fault.clone()));
        let reply = client.pipeline(None, &json!([execute(&insert(1))])).unwrap();
        assert_eq!(reply.status(), status);
        match fault {
            Fault::Status { body, .. } => assert_eq!(reply.body, body.as_bytes()),
            _ => assert_eq!(reply.json()["code"], "BLOCKED"),
        }
        let retry = reply.head.header("retry-after");
        assert_eq!(
            retry,
            match status {
                429 => Some("1"),
                503 => Some("2"),
                _ => None,
            }
        );
    }
    assert_eq!(ids(&server), [0_i64; 0]);
    assert_eq!(client.integer("SELECT count(*) FROM t"), 0, "the script had one fault only");
}

#[test]
fn an_expired_stream_takes_its_transaction_with_it() {
    let Some((server, proxy, client)) = behind(Script::new()) else { return };
    for (id, fault) in [(1, Fault::StreamExpired), (2, Fault::StreamExpiredInside), (3, Fault::StreamNotFound)] {
        proxy.set_script(Script::new().at(2, fault.clone()));
        let baton = transaction(&client, id);
        let reply = client.pipeline(Some(&baton), &json!([execute("COMMIT"), { "type": "get_autocommit" }])).unwrap();
        let answer = reply.json();
        match fault {
            Fault::StreamExpired => assert_eq!((reply.status(), &answer["code"]), (400, &json!("STREAM_EXPIRED"))),
            Fault::StreamNotFound => {
                assert_eq!(reply.status(), 404);
                assert!(answer["error"].as_str().unwrap().starts_with("stream not found: "));
            }
            _ => {
                let error = json!({ "type": "error", "error": { "message": "The stream has expired due to inactivity", "code": "STREAM_EXPIRED" } });
                assert_eq!(answer, json!({ "baton": null, "base_url": null, "results": [error, error] }));
            }
        }
        // The lock is free, and nothing of the transaction is left.
        assert_eq!(client.pipeline(Some(&baton), &json!([])).unwrap().status(), 400);
        assert_eq!(ids(&server), [0_i64; 0]);
    }
}

/// A batch whose steps depend on the one before them, and one that runs unless everything is committed or rolled back.
fn batch(sql: &[&str]) -> Value {
    let condition = |step: usize| step.checked_sub(1).map(|before| json!({ "type": "ok", "step": before }));
    let steps =
        sql.iter().enumerate().map(|(step, sql)| json!({ "stmt": { "sql": sql }, "condition": condition(step) }));
    let rollback =
        json!({ "stmt": { "sql": "ROLLBACK" }, "condition": { "type": "not", "cond": { "type": "is_autocommit" } } });
    json!({ "type": "batch", "batch": { "steps": steps.chain([rollback]).collect::<Vec<_>>() } })
}

#[test]
fn a_transaction_that_timed_out_leaves_a_stream_without_one() {
    let Some((server, proxy, client)) = behind(Script::new().containing("VALUES (2)", 1, Fault::TransactionTimeout))
    else {
        return;
    };
    let baton = transaction(&client, 1);
    let requests =
        json!([batch(&[&insert(2), "COMMIT"]), { "type": "get_autocommit" }, execute(&insert(3)), { "type": "close" }]);
    let proxied = client.pipeline(Some(&baton), &requests).unwrap().json();
    let error = json!({ "message": "Transaction timed out", "code": "TRANSACTION_TIMEOUT" });
    let result = &proxied["results"][0]["response"]["result"];
    assert_eq!(result["step_errors"], json!([error, error, error]));
    assert_eq!(proxied["results"][1]["response"]["is_autocommit"], true);
    // The trap: what comes after it in the same pipeline is applied.
    assert_eq!(ids(&server), [3]);
    assert_eq!(proxy.faults(), [(2, Fault::TransactionTimeout)]);
}

/// The real thing, word for word: another stream waits for the lock for five seconds, and gets it.
#[test]
fn a_real_lost_lock_is_answered_as_the_proxy_does() {
    let Some((server, _proxy, client)) = behind(Script::new().containing("VALUES (2)", 1, Fault::TransactionTimeout))
    else {
        return;
    };
    let requests = json!([batch(&[&insert(2), "COMMIT"]), { "type": "get_autocommit" }, { "type": "close" }]);
    let proxied = client.pipeline(Some(&transaction(&client, 1)), &requests).unwrap().json();
    let baton = transaction(&server, 1);
    server.execute(&insert(9));
    let mut real = server.pipeline(Some(&baton), &requests).unwrap().json();
    // Only a counter of the server differs.
    real["results"][0]["response"]["result"].as_object_mut().unwrap().remove("replication_index");
    assert_eq!(proxied, real);
    assert_eq!(ids(&server), [9]);
}

#[test]
fn a_locked_database_fails_the_first_statement_and_what_depends_on_it() {
    let Some((server, proxy, client)) = behind(Script::new().always(Fault::Busy)) else { return };
    let whole = batch(&["BEGIN IMMEDIATE", &insert(1), "COMMIT"]);
    let answer = client.pipeline(None, &json!([whole, { "type": "get_autocommit" }])).unwrap().json();
    let error = json!({ "message": "SQLite error: database is locked", "code": "SQLITE_BUSY" });
    let result = &answer["results"][0]["response"]["result"];
    assert_eq!(result["step_errors"], json!([error, null, null, null]));
    assert_eq!(result["step_results"], json!([null, null, null, null]));
    assert_eq!(answer["results"][1]["response"]["is_autocommit"], true);
    assert_eq!(client.try_execute("BEGIN IMMEDIATE").unwrap_err(), error);
    // The stream is as good as before.
    proxy.set_script(Script::new());
    let again = client.pipeline(answer["baton"].as_str(), &json!([whole, { "type": "close" }])).unwrap().json();
    assert_eq!(again["results"][0]["response"]["result"]["step_errors"], json!([null, null, null, null]));
    assert_eq!(ids(&server), [1]);
}

#[test]
fn what_is_held_arrives() {
    let moment = Duration::from_millis(1);
    let script = Script::new().at(1, Fault::Hold(moment)).at(2, Fault::HoldReply(moment));
    let Some((server, proxy, client)) = behind(script) else { return };
    client.execute(&insert(1));
    client.execute(&insert(2));
    assert_eq!(ids(&server), [1, 2]);
    assert_eq!(proxy.faults().len(), 2);
    // A reply that is held is the reply to something that has happened.
    proxy.set_script(Script::new().at(1, Fault::HoldReply(Duration::from_secs(3600))));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| client.try_execute(&insert(3)));
        while ids(&server) != [1, 2, 3] {
            std::thread::sleep(Duration::from_millis(1));
        }
        proxy.cut_all();
        assert!(held.join().unwrap().is_err());
    });
}

#[test]
fn get_requests_count_only_if_asked() {
    let Some((_server, proxy, client)) = behind(Script::new().always(Fault::status(500, ""))) else { return };
    let health = || http::ask(proxy.address(), "GET /health", &[], b"").unwrap().status();
    assert_eq!(health(), 200);
    assert_eq!(client.pipeline(None, &json!([])).unwrap().status(), 500);
    proxy.set_script(Script::new().count_gets().always(Fault::status(503, "")));
    assert_eq!(health(), 503);
    let seen: Vec<_> = proxy
        .requests()
        .into_iter()
        .map(|request| (request.method, request.path, request.number, request.status))
        .collect();
    let request = |method: &str, path: &str, number, status| (method.to_owned(), path.to_owned(), number, Some(status));
    assert_eq!(
        seen,
        [
            request("GET", "/health", None, 200),
            request("POST", "/v3/pipeline", Some(1), 500),
            request("GET", "/health", Some(1), 503)
        ]
    );
    assert_eq!(proxy.count(), 2);
}

#[test]
fn chance_follows_its_seed() {
    let Some((_server, proxy, client)) = behind(Script::new()) else { return };
    let faults = [Fault::status(500, ""), Fault::status(503, ""), Fault::status(429, "")];
    let draw = |seed: u64, script: Script| {
        proxy.set_script(script.sometimes(seed, 400, &faults));
        (0..30).map(|_| client.pipeline(None, &json!([{ "type": "close" }])).unwrap().status()).collect::<Vec<u16>>()
    };
    let first = draw(7, Script::new());
    assert_eq!(BTreeSet::from_iter(first.iter().copied()), BTreeSet::from([200, 429, 500, 503]));
    assert_eq!(draw(7, Script::new()), first);
    assert_ne!(draw(8, Script::new()), first);
    // A rule takes its request out of the draw, and no other.
    let ruled = draw(7, Script::new().at(3, Fault::status(418, "")));
    assert_eq!(ruled[2], 418);
    assert_eq!((&ruled[..2], &ruled[3..]), (&first[..2], &first[3..]));
}
