//! Requests that are ready to be sent, and what must have come of them.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::http::{Connection, Reply, block_on};

const PIPELINE: &str = "POST /v3/pipeline";

/// A request that commits.
pub struct Commit {
    pub body: Vec<u8>,
    /// The step that must succeed.
    step: usize,
}

impl Commit {
    /// Finds the step; none where the request commits nothing.
    pub fn new(body: Vec<u8>) -> Result<Option<Self>, Box<dyn Error>> {
        let request: Value = serde_json::from_slice(&body)?;
        let steps = request["requests"][0]["batch"]["steps"].as_array();
        let step = steps.and_then(|steps| steps.iter().position(|step| step["stmt"]["sql"] == "COMMIT"));
        Ok(step.map(|step| Self { body, step }))
    }

    fn check(&self, reply: &Reply) -> Result<(), Box<dyn Error>> {
        let result = &reply.json()["results"][0]["response"]["result"];
        match result["step_results"][self.step] {
            Value::Object(_) => Ok(()),
            _ => Err(format!("not committed: {}", String::from_utf8_lossy(&reply.body)).into()),
        }
    }
}

/// Sends `before` untimed and then the commits, one after another over one connection: how long the commits took. Fails
/// unless every one was applied.
pub fn send(to: SocketAddr, before: &[Vec<u8>], commits: &[Commit]) -> Result<Duration, Box<dyn Error>> {
    let work = async {
        let mut connection = Connection::open(to).await?;
        for body in before {
            ask(&mut connection, body).await?;
        }
        let mut replies = Vec::with_capacity(commits.len());
        let began = Instant::now();
        for commit in commits {
            replies.push(ask(&mut connection, &commit.body).await?);
        }
        Ok::<_, std::io::Error>((began.elapsed(), replies))
    };
    let (took, replies) = block_on(work)?;
    for (commit, reply) in commits.iter().zip(&replies) {
        commit.check(reply)?;
    }
    Ok(took)
}

async fn ask(connection: &mut Connection, body: &[u8]) -> std::io::Result<Reply> {
    connection.ask(PIPELINE, &[("content-type", "application/json")], body).await
}
