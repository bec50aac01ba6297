//! The tests' own questions to a server, straight or through the proxy: Hrana over HTTP, in JSON.
// Not every test module uses every helper.
#![allow(dead_code)]

use std::io;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::support::database::Cell;
use crate::support::dump::{Dump, dump};
use crate::support::http::{self, Reply};

/// Rows asked for at once; fewer when the answer would be too large.
const PAGE: usize = 2000;

/// Asks one server, every question on a connection and a stream of its own.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub token: Option<String>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, token: None }
    }

    /// The same with this token.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Posts a body; fails when no whole reply comes.
    pub fn post(&self, path: &str, body: &[u8]) -> io::Result<Reply> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        http::ask(self.address, &format!("POST {path}"), &headers, body)
    }

    /// One pipeline of requests.
    pub fn pipeline(&self, baton: Option<&str>, requests: &Value) -> io::Result<Reply> {
        self.post("/v3/pipeline", json!({ "baton": baton, "requests": requests }).to_string().as_bytes())
    }

    /// One statement on a stream of its own: its result, or the error as the server words it.
    pub fn try_execute(&self, sql: &str) -> Result<Value, Value> {
        let requests = json!([{ "type": "execute", "stmt": { "sql": sql } }, { "type": "close" }]);
        let reply = self.pipeline(None, &requests).map_err(|error| json!({ "message": error.to_string() }))?;
        if reply.status() != 200 {
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            return Err(json!({ "status": reply.status(), "body": body }));
        }
        let mut answer = reply.json();
        match answer["results"][0]["type"].as_str() {
            Some("ok") => Ok(answer["results"][0]["response"]["result"].take()),
            _ => Err(answer["results"][0]["error"].take()),
        }
    }

    /// One statement that must succeed.
    #[track_caller]
    pub fn execute(&self, sql: &str) -> Value {
        self.try_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Several statements that must succeed.
    #[track_caller]
    pub fn execute_all(&self, sql: &str) {
        let requests = json!([{ "type": "sequence", "sql": sql }, { "type": "close" }]);
        let answer = self.pipeline(None, &requests).unwrap().json();
        assert_eq!(answer["results"][0]["type"], "ok", "{sql}: {answer}");
    }

    /// Every row of a query, exactly.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Vec<Cell>> {
        rows(&self.execute(sql))
    }

    /// The only value of a query, an integer.
    #[track_caller]
    pub fn integer(&self, sql: &str) -> i64 {
        self.query(sql)[0][0].integer()
    }

    /// Everything that a user has there and the rejects, as `Database::dump` gives it for a file.
    pub fn dump(&self) -> Dump {
        dump(&|sql| self.query(sql), &|sql| self.pages(sql))
    }

    /// The rows of an ordered SELECT, as many at once as fit into an answer.
    fn pages(&self, sql: &str) -> Vec<Vec<Cell>> {
        let (mut found, mut page) = (Vec::new(), PAGE);
        loop {
            match self.try_execute(&format!("{sql} LIMIT {page} OFFSET {}", found.len())) {
                Ok(result) => {
                    let rows = rows(&result);
                    let last = rows.len() < page;
                    found.extend(rows);
                    if last {
                        return found;
                    }
                }
                Err(error) if error["code"] == "RESPONSE_TOO_LARGE" && page > 1 => page = page.div_ceil(2),
                Err(error) => panic!("{sql}: {error}"),
            }
        }
    }
}

/// The rows of a result.
pub fn rows(result: &Value) -> Vec<Vec<Cell>> {
    let rows = result["rows"].as_array().unwrap_or_else(|| panic!("no rows: {result}"));
    rows.iter().map(|row| row.as_array().unwrap().iter().map(cell).collect()).collect()
}

fn cell(value: &Value) -> Cell {
    let text = |name: &str| value[name].as_str().unwrap_or_else(|| panic!("{value}"));
    match text("type") {
        "null" => Cell::Null,
        "integer" => Cell::Integer(text("value").parse().unwrap()),
        // An infinity comes as null: `typeof` and comparisons tell.
        "float" => Cell::Real(value["value"].as_f64().unwrap_or_else(|| panic!("{value}")).to_bits()),
        "text" => Cell::Text(text("value").as_bytes().to_vec()),
        "blob" => Cell::Blob(STANDARD_NO_PAD.decode(text("base64").trim_end_matches('=')).unwrap()),
        _ => panic!("{value}"),
    }
}
