//! What came through a proxy, and the script that it follows.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::script::{Fault, Script};
use crate::support::http::Head;

/// One request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Bytes of its body.
    pub bytes: usize,
    /// The body, if the script keeps it.
    pub body: Option<Vec<u8>>,
    /// Its number in its script, if it counts.
    pub number: Option<usize>,
    pub fault: Option<Fault>,
    /// What the client is answered with; nothing as long as it waits, and if the connection is cut.
    pub status: Option<u16>,
    /// Whether nothing happens to it any more; a moment after the client has read its answer.
    pub over: bool,
}

/// Shared by the proxy and its connections.
pub struct Record {
    inner: Mutex<Inner>,
    changed: Condvar,
    cut: watch::Sender<()>,
}

struct Inner {
    script: Script,
    counted: usize,
    requests: Vec<Request>,
}

/// What to do with a request.
pub struct Plan {
    /// Its place in the record.
    pub index: usize,
    pub fault: Option<Fault>,
    pub round_trip: Duration,
}

impl Record {
    pub fn new(script: Script) -> Self {
        let inner = Inner { script, counted: 0, requests: Vec::new() };
        Self { inner: Mutex::new(inner), changed: Condvar::new(), cut: watch::Sender::new(()) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn set_script(&self, script: Script) {
        let mut inner = self.inner();
        inner.script = script;
        inner.counted = 0;
    }

    pub fn requests(&self) -> Vec<Request> {
        self.inner().requests.clone()
    }

    /// Whether the requests became so within a minute.
    pub fn wait(&self, condition: impl Fn(&[Request]) -> bool) -> bool {
        let unlike = |inner: &mut Inner| !condition(&inner.requests);
        let waited = self.changed.wait_timeout_while(self.inner(), Duration::from_secs(60), unlike);
        !waited.unwrap().1.timed_out()
    }

    /// Ends what subscribes.
    pub fn cut_all(&self) {
        self.cut.send_replace(());
    }

    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.cut.subscribe()
    }

    /// A request came, with its content.
    pub fn came(&self, head: &Head, body: &[u8]) -> Plan {
        let mut inner = self.inner();
        let counts = inner.script.gets || head.word(0) != "GET";
        inner.counted += usize::from(counts);
        let number = counts.then_some(inner.counted);
        let fault = number.and_then(|number| inner.script.fault(number, body));
        let kept = inner.script.keep_bodies.then(|| body.to_vec());
        inner.requests.push(Request {
            method: head.word(0).to_owned(),
            path: head.word(1).to_owned(),
            bytes: body.len(),
            body: kept,
            number,
            fault: fault.clone(),
            status: None,
            over: false,
        });
        self.changed.notify_all();
        Plan { index: inner.requests.len() - 1, fault, round_trip: inner.script.round_trip }
    }

    /// The client is about to get its answer.
    pub fn answered(&self, index: usize, status: u16) {
        self.inner().requests[index].status = Some(status);
        self.changed.notify_all();
    }

    /// Nothing happens to a request any more.
    pub fn over(&self, index: usize) {
        self.inner().requests[index].over = true;
        self.changed.notify_all();
    }
}
