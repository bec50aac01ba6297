//! The server and the proxy that other tests rely on do what they say.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, rows};
use super::server::Sqld;
use super::token::Access;
use crate::support::Sandbox;
use crate::support::database::{Cell, Database, change};
use crate::support::http::{Connection, Reply, block_on};
use crate::support::proxy::{Fault, Proxy, Script};

/// Longer than any test runs: what is held for so long goes on only when it is cut.
const HELD: Duration = Duration::from_secs(60 * 60);

/// A server, and a proxy in front of it.
fn behind(script: Script) -> Option<(Sqld, Proxy, Client)> {
    let server = Sqld::start()?;
    let proxy = Proxy::start(server.address(), script);
    let client = Client::new(proxy.address());
    Some((server, proxy, client))
}

/// A pipeline that gives back a parameter, and its only value.
fn echo(text: &str) -> Vec<u8> {
    let arguments = json!([{ "type": "text", "value": text }]);
    let execute = json!({ "type": "execute", "stmt": { "sql": "SELECT ?", "args": arguments } });
    json!({ "requests": [execute, { "type": "close" }] }).to_string().into_bytes()
}

fn echoed(reply: &Reply) -> String {
    rows(&reply.json()["results"][0]["response"]["result"]).remove(0).remove(0).text()
}

#[test]
fn values_come_back_exactly() {
    let Some(server) = Sqld::start() else { return };
    let sql = "SELECT NULL, -9223372036854775808, 0.1, -0.0, 5e-324, 'x' || char(0) || 'ü', x'00ff10', zeroblob(0)";
    let real = |value: f64| Cell::Real(value.to_bits());
    let expected = vec![
        Cell::Null,
        Cell::Integer(i64::MIN),
        real(0.1),
        real(-0.0),
        real(5e-324),
        Cell::Text("x\0ü".into()),
        Cell::Blob(vec![0, 255, 16]),
        Cell::Blob(Vec::new()),
    ];
    assert_eq!(server.query(sql), [expected]);
    let error = server.try_execute("SELECT * FROM no_table").unwrap_err();
    assert_eq!(error["message"], "SQLite error: no such table: no_table");
}

#[test]
fn a_token_decides_what_its_holder_may_do() {
    let Some(server) = Sqld::with_tokens() else { return };
    server.execute_all("CREATE TABLE t (a)");
    let status = |token: Option<String>, sql: &str| {
        let client = Client { address: server.address(), token };
        client.try_execute(sql).map_or_else(|error| error["status"].as_u64().unwrap(), |_| 200)
    };
    let (write, read) = ("INSERT INTO t VALUES (1)", "SELECT * FROM t");
    assert_eq!(status(None, read), 401);
    assert_eq!(status(Some("nonsense".to_owned()), read), 401);
    assert_eq!(status(Some(server.foreign_token()), read), 401);
    assert_eq!(status(Some(server.token(Access::Write, -3600)), read), 401);
    assert_eq!(status(Some(server.token(Access::Read, 3600)), read), 200);
    assert_eq!(status(Some(server.token(Access::Read, 3600)), write), 403);
    assert_eq!(status(Some(server.token(Access::Write, 3600)), write), 200);
    assert_eq!(server.integer("SELECT count(*) FROM t"), 1);
}

#[test]
fn a_killed_server_comes_back_with_what_was_committed() {
    let Some(mut server) = Sqld::start() else { return };
    server.execute_all("CREATE TABLE t (a); INSERT INTO t VALUES ('committed')");
    let open = json!([
        { "type": "execute", "stmt": { "sql": "BEGIN IMMEDIATE" } },
        { "type": "execute", "stmt": { "sql": "INSERT INTO t VALUES ('open')" } },
    ]);
    let stream = server.pipeline(None, &open).unwrap().json();
    server.stop();
    assert!(server.try_execute("SELECT 1").is_err());
    server.restart();
    assert_eq!(server.query("SELECT a FROM t"), [[Cell::Text("committed".into())]]);
    assert_eq!(server.pipeline(stream["baton"].as_str(), &json!([])).unwrap().status(), 400);
}

#[cfg(target_os = "linux")]
#[test]
fn the_work_of_the_server_is_seen() {
    let Some(server) = Sqld::start() else { return };
    let before = server.usage();
    let slow = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 300000) SELECT max(i) FROM r";
    while server.usage().cpu_seconds <= before.cpu_seconds {
        server.execute(slow);
    }
    assert!(server.usage().memory_bytes > 1 << 20 && server.usage().peak_memory_bytes > 1 << 20);
}

const CONTENT: &str = "
CREATE TABLE things (id TEXT PRIMARY KEY, value ANY, made TEXT DEFAULT CURRENT_TIMESTAMP) STRICT;
CREATE TABLE pairs (a INTEGER, b TEXT, c BLOB, PRIMARY KEY (b, a)) WITHOUT ROWID;
CREATE TABLE \"no \"\"key\" (x);
CREATE TABLE schema_migrations (version);
CREATE TABLE _fireferry_rejects (id INTEGER PRIMARY KEY, run, collection, document, key, code, reason, state, data ANY);
CREATE TABLE _fireferry_runs (run);
INSERT INTO things (id, value) VALUES ('a', 1), ('A', 1.0), ('b', 0.1), ('c', 'x' || char(0) || 'y'), ('d', x'00ff'),
  ('e', NULL), ('f', 9e999), ('g', -9e999), ('h', -0.0), ('i', ''), ('j', zeroblob(0)), ('k', 9223372036854775807);
INSERT INTO pairs VALUES (1, 'z', x'01'), (2, 'ü', NULL), (1, 'ü', x'');
INSERT INTO \"no \"\"key\" VALUES (2), ('2'), (NULL), (2);
INSERT INTO schema_migrations VALUES (1);
INSERT INTO _fireferry_rejects VALUES (7, 'run', 'people', 'p1', 'p1', 'E100', 'why', 'rejected', '{}');
";

#[test]
fn a_server_is_dumped_as_a_file_is() {
    let Some(server) = Sqld::start() else { return };
    let sandbox = Sandbox::new();
    let file = sandbox.path("data.db");
    change(&file, CONTENT);
    server.execute_all(CONTENT);
    let dump = Database::open(&file).dump();
    assert_eq!(dump.rows.values().map(Vec::len).sum::<usize>(), 12 + 3 + 4);
    assert_eq!(dump.rejects.len(), 1);
    assert_eq!(server.dump(), dump);
    // Ids of rejects and of runs are nobody's business; everything else is.
    server.execute("UPDATE _fireferry_rejects SET id = 8, run = 'other'");
    assert_eq!(server.dump(), dump);
    for change in
        ["UPDATE _fireferry_rejects SET data = CAST('{}' AS BLOB)", "UPDATE things SET value = 9e998 WHERE id = 'g'"]
    {
        server.execute(change);
        assert_ne!(server.dump(), dump, "{change}");
    }
}

#[test]
fn a_dump_is_larger_than_any_answer() {
    let Some(server) = Sqld::start() else { return };
    server.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)";
    server.execute(&format!(
        "INSERT INTO t {numbers} SELECT i, replace(hex(zeroblob(300000)), '0', char(96 + i % 20)) FROM n"
    ));
    let dump = server.dump();
    let rows = &dump.rows["t"];
    assert_eq!(rows.iter().map(|row| row[0].integer()).collect::<Vec<_>>(), (1..=30).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| matches!(&row[1], Cell::Text(text) if text.len() == 600_000)));
}

#[test]
fn the_way_takes_its_time() {
    let way = Duration::from_millis(50);
    let Some((_server, proxy, client)) = behind(Script::new().round_trip(way)) else { return };
    let began = Instant::now();
    assert_eq!(client.integer("SELECT 1"), 1);
    assert!(began.elapsed() >= way);
    assert_eq!(proxy.count(), 1);
}

#[test]
fn large_bodies_pass_unchanged_on_one_connection() {
    let Some((_server, proxy, _)) = behind(Script::new().keep_bodies().round_trip(Duration::from_millis(2))) else {
        return;
    };
    let texts: Vec<String> = [3_000_000, 1, 4_900_000]
        .map(|size| "0123456789ü".chars().cycle().skip(size % 7).take(size * 10 / 11).collect())
        .to_vec();
    let replies = block_on(async {
        let mut connection = Connection::open(proxy.address()).await.unwrap();
        let mut replies = Vec::new();
        for text in &texts {
            replies.push(connection.ask("POST /v3/pipeline", &[], &echo(text)).await.unwrap());
        }
        replies
    });
    for ((text, reply), request) in texts.iter().zip(&replies).zip(proxy.requests()) {
        assert!(echoed(reply) == *text, "the answer is another one");
        assert!(request.body.unwrap() == echo(text), "the request is another one");
        assert_eq!(request.status, Some(200));
    }
    assert_eq!(proxy.count(), 3);
}

#[test]
fn a_body_of_20_mb_passes() {
    let Some((_server, proxy, client)) = behind(Script::new().keep_bodies()) else { return };
    let texts: Vec<Value> =
        ["a", "b", "c", "d", "e"].map(|text| json!({ "type": "text", "value": text.repeat(4_000_000) })).to_vec();
    let execute = json!({ "type": "execute", "stmt": { "sql": "SELECT length(?1 || ''), length(?5)", "args": texts } });
    let requests = json!([execute, { "type": "close" }]);
    let reply = client.pipeline(None, &requests).unwrap().json();
    assert_eq!(
        rows(&reply["results"][0]["response"]["result"]),
        [[Cell::Integer(4_000_000), Cell::Integer(4_000_000)]]
    );
    let request = proxy.requests().remove(0);
    assert!(request.bytes > 20_000_000);
    assert!(request.body.unwrap() == json!({ "baton": null, "requests": requests }).to_string().into_bytes());
}

#[test]
fn chunks_and_compressed_replies_pass() {
    let Some((_server, proxy, _)) = behind(Script::new().keep_bodies()) else { return };
    let body = echo(&"x".repeat(100_000));
    let mut chunked = Vec::new();
    for chunk in body.chunks(30_000) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let headers = [("transfer-encoding", "chunked"), ("accept-encoding", "gzip")];
    let (first, second) = block_on(async {
        let mut connection = Connection::open(proxy.address()).await.unwrap();
        connection.send("POST /v3/pipeline", &headers, &chunked).await.unwrap();
        let first = connection.reply().await.unwrap();
        (first, connection.ask("POST /v3/pipeline", &[], &echo("after it")).await.unwrap())
    });
    assert_eq!(first.head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(first.head.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(first.body.as_slice()), &mut text).unwrap();
    assert!(text.contains(&"x".repeat(100_000)));
    assert_eq!(echoed(&second), "after it");
    assert!(proxy.requests()[0].body.as_ref().unwrap() == &body);
}

#[test]
fn eight_connections_are_on_the_way_at_once() {
    let Some((server, proxy, client)) = behind(Script::new().during(1..=8, Fault::Hold(HELD))) else { return };
    server.execute("CREATE TABLE t (a)");
    std::thread::scope(|scope| {
        let ask = || client.try_execute("INSERT INTO t VALUES (1)");
        let held: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        proxy.wait(|requests| requests.len() == 8);
        assert!(proxy.requests().iter().all(|request| !request.over));
        // Another one overtakes them all.
        assert_eq!(client.integer("SELECT count(*) FROM t"), 0);
        proxy.cut_all();
        assert!(held.into_iter().all(|held| held.join().unwrap().is_err()));
    });
    assert_eq!(server.integer("SELECT count(*) FROM t"), 0);
    std::thread::scope(|scope| {
        let ask = || client.execute("INSERT INTO t VALUES (1)");
        (0..8).for_each(|_| drop(scope.spawn(ask)));
    });
    assert_eq!(server.integer("SELECT count(*) FROM t"), 8);
}

#[test]
fn a_stopped_server_ends_connections_as_if_there_were_no_proxy() {
    let Some((mut server, proxy, client)) = behind(Script::new()) else { return };
    let mut connection = block_on(Connection::open(proxy.address())).unwrap();
    drop(block_on(async { connection.ask("POST /v3/pipeline", &[], &echo("1")).await }));
    server.stop();
    assert!(client.try_execute("SELECT 1").is_err());
    server.restart();
    assert_eq!(client.integer("SELECT 1"), 1);
}

#[test]
fn nobody_listens_while_it_refuses() {
    let Some((_server, proxy, client)) = behind(Script::new()) else { return };
    for _ in 0..3 {
        proxy.refuse(true);
        let refused = client.pipeline(None, &json!([])).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        proxy.refuse(false);
        assert_eq!(client.integer("SELECT 1"), 1);
    }
}
