//! Named places between two steps, at which a test can end the process as a crash would.
//!
//! They are in the shipped program on purpose: what the tests prove is then proven of that very program. Without the
//! variable, a crossing is one load from memory; there is none per document.
//!
//! - `FIREFERRY_CROSSINGS=record:FILE` appends the name of every place to a file when it is crossed.
//! - `FIREFERRY_CROSSINGS=crash:NUMBER:NAME` ends the process, without any cleaning up, when NAME is crossed for that time.

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

const VARIABLE: &str = "FIREFERRY_CROSSINGS";

enum Plan {
    Record(PathBuf),
    Crash { name: String, left: AtomicU64 },
}

static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

/// The process is between two steps.
pub fn crossing(name: &'static str) {
    if let Some(plan) = PLAN.get_or_init(|| plan(&std::env::var(VARIABLE).ok()?)) {
        plan.crossed(name);
    }
}

fn plan(text: &str) -> Option<Plan> {
    if let Some(file) = text.strip_prefix("record:") {
        return Some(Plan::Record(file.into()));
    }
    let (number, name) = text.strip_prefix("crash:")?.split_once(':')?;
    Some(Plan::Crash { name: name.to_owned(), left: AtomicU64::new(number.parse().ok()?) })
}

impl Plan {
    fn crossed(&self, name: &str) {
        match self {
            Self::Record(file) => {
                let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
                // A test that finds too little in the file fails.
                let _ = opened.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
            }
            Self::Crash { name: wanted, left } if wanted == name => {
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    std::process::abort();
                }
            }
            Self::Crash { .. } => {}
        }
    }
}
