//! What a libSQL server answers when a stream, a transaction or a lock is lost, as sqld 0.24 and Turso word it.
//!
//! The server is brought into the state that the answer tells of: it is sent something else instead of the request, so
//! that no transaction stays open behind the client's back, and what must fail fails by the server's own rules.

use std::io;

use serde_json::{Value, json};

use super::connection::Asked;
use super::script::Fault;

/// Turso's answer when a quota is used up.
pub const BLOCKED: &str =
    r#"{"error":"Operation was blocked: SQL write operations are forbidden (quota exceeded)","code":"BLOCKED"}"#;

/// A table that does not exist: a statement that reads it fails.
const NO_TABLE: &str = "fault of the proxy";
const LOCKED: &str = r#"{"message":"SQLite error: database is locked","code":"SQLITE_BUSY"}"#;

/// A request for the server instead of the client's.
pub struct Instead {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

/// What the server is sent when this fault happens to a request.
pub fn instead(asked: &Asked, fault: &Fault) -> io::Result<Instead> {
    let mut body: Value = serde_json::from_slice(&asked.body)?;
    let path = asked.head.word(1);
    if *fault == Fault::Busy {
        fail_first_statement(&mut body);
        return Ok(request(asked, path, &body));
    }
    let requests = match fault {
        Fault::TransactionTimeout => without_transaction(&body),
        _ => json!([{ "type": "close" }]),
    };
    let body = json!({ "baton": body["baton"], "requests": requests });
    Ok(request(asked, &path.replace("/cursor", "/pipeline"), &body))
}

/// The client's head around another body.
fn request(asked: &Asked, path: &str, body: &Value) -> Instead {
    let body = body.to_string().into_bytes();
    let other = ["content-length", "transfer-encoding", "expect", "accept-encoding"];
    let kept = asked.head.headers.iter().filter(|(name, _)| !other.contains(&name.as_str()));
    let headers: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.1\r\n{headers}content-length: {}\r\n\r\n", body.len());
    Instead { head: head.into_bytes(), body }
}

fn fail_first_statement(body: &mut Value) {
    let sql = format!("SELECT * FROM \"{NO_TABLE}\"");
    let request = match first_statement(body) {
        Some(index) => &mut body["requests"][index],
        None => body,
    };
    if request["type"] == "sequence" {
        request["sql"] = json!(sql);
    } else if request["type"] == "execute" {
        request["stmt"] = json!({ "sql": sql });
    } else if let Some(step) = request["batch"]["steps"].get_mut(0) {
        step["stmt"] = json!({ "sql": sql });
    }
}

/// The first request that runs SQL ends the transaction instead; those after it run without one, as they really do.
fn without_transaction(body: &Value) -> Value {
    let rollback = json!({ "type": "execute", "stmt": { "sql": "ROLLBACK" } });
    let Some(index) = first_statement(body) else { return json!([rollback]) };
    let mut requests = body["requests"].clone();
    requests[index] = rollback;
    requests
}

fn first_statement(body: &Value) -> Option<usize> {
    let runs = |request: &Value| matches!(request["type"].as_str(), Some("execute" | "batch" | "sequence"));
    body["requests"].as_array()?.iter().position(runs)
}

/// Status and body for the client, once the server has answered what it was sent instead.
pub fn answer(asked: &Asked, fault: &Fault, reply: &[u8]) -> io::Result<(u16, String)> {
    let expired = json!({ "message": "The stream has expired due to inactivity", "code": "STREAM_EXPIRED" });
    match fault {
        Fault::StreamExpired => Ok((400, expired.to_string())),
        Fault::StreamNotFound => Ok((404, json!({ "error": "stream not found: 1:2" }).to_string())),
        Fault::StreamExpiredInside => {
            let body: Value = serde_json::from_slice(&asked.body)?;
            let requests = body["requests"].as_array().map_or(1, Vec::len);
            let results = vec![json!({ "type": "error", "error": expired }); requests];
            Ok((200, json!({ "baton": null, "base_url": null, "results": results }).to_string()))
        }
        Fault::TransactionTimeout => Ok((200, timed_out(asked, reply)?)),
        _ => {
            let error = format!(r#"{{"message":"SQLite error: no such table: {NO_TABLE}","code":"SQLITE_UNKNOWN"}}"#);
            Ok((200, String::from_utf8_lossy(reply).replace(&error, LOCKED)))
        }
    }
}

/// The error is that of the first request that runs SQL, and of every step of a batch, whatever its condition.
fn timed_out(asked: &Asked, reply: &[u8]) -> io::Result<String> {
    let error = json!({ "message": "Transaction timed out", "code": "TRANSACTION_TIMEOUT" });
    let (body, mut reply): (Value, Value) = (serde_json::from_slice(&asked.body)?, serde_json::from_slice(reply)?);
    let steps = |request: &Value| request["batch"]["steps"].as_array().map(Vec::len);
    if asked.head.word(1).ends_with("/cursor") {
        let first = json!({ "baton": reply["baton"], "base_url": null }).to_string();
        let errors =
            (0..steps(&body).unwrap_or(0)).map(|step| json!({ "type": "step_error", "step": step, "error": error }));
        return Ok(std::iter::once(first).chain(errors.map(|line| line.to_string())).map(|line| line + "\n").collect());
    }
    if let Some(index) = first_statement(&body) {
        reply["results"][index] = match steps(&body["requests"][index]) {
            Some(steps) => {
                let result = json!({ "step_results": vec![Value::Null; steps], "step_errors": vec![error; steps] });
                json!({ "type": "ok", "response": { "type": "batch", "result": result } })
            }
            None => json!({ "type": "error", "error": error }),
        };
    }
    Ok(reply.to_string())
}
