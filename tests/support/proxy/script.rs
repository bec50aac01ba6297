//! What a proxy does to which request.

use std::time::Duration;

use crate::support::documents::Random;

/// Something that goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends; the server never sees the request.
    CutBefore,
    /// The server does it and answers; the connection ends without a byte of the answer.
    CutAfterApplied,
    /// The connection ends after half of the answer.
    CutMidReply,
    /// The connection ends at once, and the server sees the request so much later.
    Late(Duration),
    /// This answer; the server never sees the request.
    Status { code: u16, headers: Vec<(String, String)>, body: String },
    /// The server closed the stream, with its transaction: HTTP 400, code `STREAM_EXPIRED`, as sqld says it.
    StreamExpired,
    /// The same, as HTTP 200 with the error in every result.
    StreamExpiredInside,
    /// The same, as HTTP 404 `{"error":"stream not found: …"}`.
    StreamNotFound,
    /// Somebody else took the lock and the transaction is rolled back: error `TRANSACTION_TIMEOUT` of the first request
    /// that runs SQL. The stream goes on, and with it what comes after that request, without a transaction.
    TransactionTimeout,
    /// The first statement found the database locked: error `SQLITE_BUSY`. What depends on it is skipped.
    Busy,
    /// HTTP 403, code `BLOCKED`: the quota is used up.
    Blocked,
    /// The request is kept back for so long, then sent.
    Hold(Duration),
    /// The answer is kept back for so long.
    HoldReply(Duration),
}

impl Fault {
    /// This HTTP status without having done anything.
    pub fn status(code: u16, body: &str) -> Self {
        Self::Status { code, headers: Vec::new(), body: body.to_owned() }
    }

    /// HTTP 429 or 503 that says when to come back.
    pub fn retry_after(code: u16, seconds: u64) -> Self {
        let headers = vec![("retry-after".to_owned(), seconds.to_string())];
        Self::Status { code, headers, body: r#"{"error":"too many requests"}"#.to_owned() }
    }
}

/// Which requests a fault is for.
#[derive(Debug, Clone)]
enum When {
    /// These of the counted ones, from 1.
    Numbers(std::ops::RangeInclusive<usize>),
    /// The first so many whose body contains a text.
    Contains(String, usize),
}

/// What happens to the requests from now on.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) round_trip: Duration,
    pub(super) keep_bodies: bool,
    pub(super) gets: bool,
    rules: Vec<(When, Fault)>,
    chance: Option<(Random, usize, Vec<Fault>)>,
}

impl Script {
    /// Everything passes; GET requests are not counted and no fault is for them.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a message and its answer are on the way together, however large they are.
    pub fn round_trip(mut self, time: Duration) -> Self {
        self.round_trip = time;
        self
    }

    /// Records the bodies of the requests, too.
    pub fn keep_bodies(mut self) -> Self {
        self.keep_bodies = true;
        self
    }

    /// GET requests count, too.
    pub fn count_gets(mut self) -> Self {
        self.gets = true;
        self
    }

    /// A fault for the request with this number, from 1, counted from when the script was set.
    pub fn at(self, number: usize, fault: Fault) -> Self {
        self.during(number..=number, fault)
    }

    /// A fault for each of these requests. Of several rules, the one given first holds.
    pub fn during(mut self, numbers: std::ops::RangeInclusive<usize>, fault: Fault) -> Self {
        self.rules.push((When::Numbers(numbers), fault));
        self
    }

    /// A fault for every request.
    pub fn always(self, fault: Fault) -> Self {
        self.during(1..=usize::MAX, fault)
    }

    /// A fault for the first so many requests whose body contains this text.
    pub fn containing(mut self, text: &str, times: usize, fault: Fault) -> Self {
        self.rules.push((When::Contains(text.to_owned(), times), fault));
        self
    }

    /// One of these faults for so many in a thousand of the other requests. The same seed, the same choice by number.
    pub fn sometimes(mut self, seed: u64, per_mille: usize, faults: &[Fault]) -> Self {
        self.chance = Some((Random::new(seed), per_mille, faults.to_vec()));
        self
    }

    /// The fault for the next counted request.
    pub(super) fn fault(&mut self, number: usize, body: &[u8]) -> Option<Fault> {
        let holds = |when: &mut When| match when {
            When::Numbers(numbers) => numbers.contains(&number),
            When::Contains(_, 0) => false,
            When::Contains(text, times) => {
                let found = memchr::memmem::find(body, text.as_bytes()).is_some();
                *times -= usize::from(found);
                found
            }
        };
        // Drawn for every request: which others have a rule does not change the choice.
        let chosen = self.chance.as_mut().and_then(|(random, per_mille, faults)| {
            let (hit, fault) = (random.per_mille(*per_mille), random.below(faults.len()));
            hit.then(|| faults[fault].clone())
        });
        let ruled = self.rules.iter_mut().find_map(|(when, fault)| holds(when).then(|| fault.clone()));
        ruled.or(chosen)
    }
}
