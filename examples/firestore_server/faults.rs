//! Scripted faults: which call fails, when, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use tonic::{Code, Status};

use crate::proto::{Any, Duration, Message};
use firestore::gcloud_sdk::google::rpc;

/// One line of the script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `RunQuery`, …, or `*`.
    pub method: String,
    /// Only calls for this collection id.
    pub collection: Option<String>,
    /// A gRPC status such as `UNAVAILABLE`, or `cut`, `end_early`, `no_advance`, `hang`, `delay`.
    pub kind: String,
    /// In the stream, after so many documents; `[lo, hi]` takes a number between them.
    pub after_documents: Option<After>,
    /// After the headers and before the first document.
    #[serde(default)]
    pub headers: bool,
    /// Leaves the first matching calls alone.
    #[serde(default)]
    pub skip: u64,
    /// How often at most. Default 1; without end for a rule with a probability.
    pub times: Option<u64>,
    /// Instead of `skip`: each call with this probability.
    pub probability: Option<f64>,
    /// The status' message.
    pub message: Option<String>,
    /// A `RetryInfo` in the status' details.
    pub retry_after_ms: Option<u64>,
    /// How long `hang` and `delay` take.
    #[serde(default)]
    pub ms: u64,
}

/// Where in a stream.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub enum After {
    /// After exactly so many documents.
    Exactly(u64),
    /// After so many at least and at most.
    Between(u64, u64),
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The call ends with this status.
    Status(Status),
    /// The TCP connection is closed.
    Cut,
    /// The stream ends, as if it were complete.
    EndEarly,
    /// The cursor of the request is ignored.
    NoAdvance,
    /// Nothing happens for so many milliseconds; then it goes on.
    Wait(u64),
}

/// A fault that a call got.
#[derive(Debug)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// In a stream: after so many documents. `None`: before anything is answered.
    pub after: Option<u64>,
    name: String,
    rule: usize,
    generation: u64,
    script: Arc<Script>,
    happened: bool,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<(Rule, u64, u64)>,
    dice: u64,
    generation: u64,
}

/// The rules with their counters.
#[derive(Debug, Default)]
pub struct Script(Mutex<State>);

impl Script {
    /// An empty script.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(State { dice: seed, ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces all rules.
    pub fn replace(&self, json: &str) -> Result<usize, String> {
        let rules: Vec<Rule> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        rules.iter().try_for_each(|rule| kind(rule).map(drop))?;
        let mut state = self.state();
        state.rules = rules.into_iter().map(|rule| (rule, 0, 0)).collect();
        state.generation += 1;
        Ok(state.rules.len())
    }

    /// The fault of this call, if it gets one: the first rule that fits and is not used up.
    pub fn pick(self: &Arc<Self>, method: &str, collection: Option<&str>) -> Option<Fault> {
        let mut state = self.state();
        let State { rules, dice, generation } = &mut *state;
        for (index, (rule, seen, used)) in rules.iter_mut().enumerate() {
            let fits = (rule.method == "*" || rule.method == method)
                && rule.collection.as_deref().is_none_or(|wanted| collection == Some(wanted));
            if !fits {
                continue;
            }
            *seen += 1;
            let times = rule.times.unwrap_or(if rule.probability.is_some() { u64::MAX } else { 1 });
            let now = match rule.probability {
                Some(probability) => roll(dice) < probability,
                None => *seen > rule.skip,
            };
            if now && *used < times {
                *used += 1;
                let after = match rule.after_documents {
                    Some(After::Exactly(count)) => Some(count),
                    Some(After::Between(low, high)) => {
                        Some(low + (roll(dice) * (high.saturating_sub(low) + 1) as f64) as u64)
                    }
                    None => rule.headers.then_some(0),
                };
                let (name, generation) = (rule.kind.clone(), *generation);
                let kind = kind(rule).ok()?;
                return Some(Fault {
                    kind,
                    after,
                    name,
                    rule: index,
                    generation,
                    script: self.clone(),
                    happened: false,
                });
            }
        }
        None
    }
}

impl Fault {
    /// It happens now. Returns the name to count it under.
    pub fn happens(&mut self) -> &str {
        self.happened = true;
        &self.name
    }
}

impl Drop for Fault {
    /// A stream that was shorter than planned had no fault: the rule is still to be used.
    fn drop(&mut self) {
        let mut state = self.script.state();
        if !self.happened
            && state.generation == self.generation
            && let Some((_, _, used)) = state.rules.get_mut(self.rule)
        {
            *used = used.saturating_sub(1);
        }
    }
}

fn kind(rule: &Rule) -> Result<Kind, String> {
    Ok(match rule.kind.as_str() {
        "cut" => Kind::Cut,
        "end_early" => Kind::EndEarly,
        "no_advance" => Kind::NoAdvance,
        "hang" | "delay" => Kind::Wait(rule.ms),
        name => Kind::Status(status(name, rule).ok_or_else(|| format!("`{name}` is no kind of fault"))?),
    })
}

fn status(name: &str, rule: &Rule) -> Option<Status> {
    let code = (1..=16).find(|code| rpc::Code::try_from(*code).is_ok_and(|code| code.as_str_name() == name))?;
    let message = rule.message.clone().unwrap_or_else(|| format!("scripted {name}"));
    let Some(wait) = rule.retry_after_ms else { return Some(Status::new(Code::from_i32(code), message)) };
    let delay = Duration { seconds: (wait / 1_000) as i64, nanos: (wait % 1_000) as i32 * 1_000_000 };
    let info = rpc::RetryInfo { retry_delay: Some(delay) };
    let info = Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(), value: info.encode_to_vec() };
    let details = rpc::Status { code, message: message.clone(), details: vec![info] };
    Some(Status::with_details(Code::from_i32(code), message, details.encode_to_vec().into()))
}

/// The next number of a seeded sequence (SplitMix64), from 0 to below 1.
fn roll(dice: &mut u64) -> f64 {
    *dice = dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
    (mix(*dice) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Scatters the bits of a number.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
