//! The requests of a run, sent again as fast as one connection carries them: what nothing that is made of these commits
//! can beat.
//!
//! Every id in them was made by the client, so that another empty server takes them as the first one did.

use std::error::Error;
use std::time::Duration;

use crate::promises::Commits;
use crate::requests::{self, Commit};
use crate::run::{check_rows, start};
use crate::support::proxy::{Proxy, Request, Script};

/// What only a commit of documents does.
const COMMITS: &str = "INSERT INTO _fireferry_checkpoints";

/// The requests of a run.
pub struct Flood {
    before: Vec<Vec<u8>>,
    commits: Vec<Commit>,
    /// Requests before the first commit, besides commits between the first and the last, and after the last.
    pub trips: [usize; 3],
}

impl Flood {
    /// Divides what a proxy recorded.
    pub fn prepare(requests: Vec<Request>) -> Result<Self, Box<dyn Error>> {
        let is_commit = |request: &Request| {
            memchr::memmem::find(request.body.as_deref().unwrap_or_default(), COMMITS.as_bytes()).is_some()
        };
        let first = requests.iter().position(is_commit).ok_or("the run committed nothing")?;
        let last = requests.iter().rposition(is_commit).unwrap_or(first);
        let all = requests.len();
        let (mut before, mut commits) = (Vec::new(), Vec::new());
        for (index, request) in requests.into_iter().enumerate() {
            let commit = is_commit(&request);
            let body = request.body.ok_or("a request without its body")?;
            if commit {
                commits.push(Commit::new(body)?.ok_or("a commit without COMMIT")?);
            } else if index < first {
                before.push(body);
            }
        }
        let trips = [first, last + 1 - first - commits.len(), all - last - 1];
        Ok(Self { before, commits, trips })
    }

    /// How many commits, and how large.
    pub fn commits(&self) -> Commits {
        let sizes = || self.commits.iter().map(|commit| commit.body.len());
        Commits { count: self.commits.len(), bytes: sizes().sum(), largest: sizes().max().unwrap_or(0) }
    }

    /// Sends them to an empty server that is so far away: how long the commits took.
    pub fn send(&self, way: Duration, documents: u64) -> Result<Duration, Box<dyn Error>> {
        let server = start()?;
        let proxy = Proxy::start(server.address(), Script::new().round_trip(way));
        let took = requests::send(proxy.address(), &self.before, &self.commits)?;
        check_rows(&server, documents)?;
        match server.integer("SELECT count(*) FROM _fireferry_checkpoints") {
            commits if usize::try_from(commits)? == self.commits.len() => Ok(took),
            commits => Err(format!("{} commits were sent, {commits} applied", self.commits.len()).into()),
        }
    }
}
