//! What goes wrong at a seam, and when: the so manyth call at a place.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use fireferry::error::{Error, ErrorKind};
use tokio_util::sync::CancellationToken;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused for good; nothing was done.
    Reject,
    /// Failed, and may succeed a moment later; nothing was done.
    FailBefore,
    /// Done, but the answer is lost.
    FailAfter,
    /// Held for a while, during which the run is asked to stop.
    Hold,
    /// Late.
    Slow,
    /// A stream that ends before its end marker.
    ShortRead,
    /// A page that comes twice.
    DuplicatePage,
}

impl Fault {
    pub const OF_CALLS: [Self; 5] = [Self::Reject, Self::FailBefore, Self::FailAfter, Self::Hold, Self::Slow];
    pub const OF_PAGES: [Self; 7] =
        [Self::Reject, Self::FailBefore, Self::FailAfter, Self::Hold, Self::Slow, Self::ShortRead, Self::DuplicatePage];

    pub fn error(self) -> Error {
        let kind = match self {
            Self::FailBefore => ErrorKind::Transient,
            Self::FailAfter => ErrorKind::Unknown,
            _ => ErrorKind::Destination,
        };
        Error::new(kind, "scripted", "what the script says").hint("go on with `--resume`")
    }
}

/// Where and when, and how often each place was passed.
pub struct Script {
    fault: Option<(Fault, &'static str, usize)>,
    passed: Mutex<(BTreeMap<&'static str, usize>, bool)>,
    stop: CancellationToken,
}

const WHILE: Duration = Duration::from_millis(15);

impl Script {
    pub fn new(fault: Option<(Fault, &'static str, usize)>, stop: CancellationToken) -> Self {
        Self { fault, passed: Mutex::default(), stop }
    }

    /// Passes a place: the fault that is to happen now. One that only takes time has happened.
    pub async fn pass(&self, place: &'static str) -> Option<Fault> {
        let fault = {
            let mut passed = self.passed.lock().unwrap();
            let number = passed.0.entry(place).or_default();
            *number += 1;
            let now = self.fault.filter(|(_, own, nth)| *own == place && nth == number).map(|(fault, ..)| fault);
            passed.1 |= now.is_some();
            now
        };
        match fault {
            Some(Fault::Hold) => {
                self.stop.cancel();
                tokio::time::sleep(WHILE).await;
                None
            }
            Some(Fault::Slow) => {
                tokio::time::sleep(WHILE).await;
                None
            }
            other => other,
        }
    }

    /// How often each place was passed.
    pub fn passed(&self) -> BTreeMap<&'static str, usize> {
        self.passed.lock().unwrap().0.clone()
    }

    /// Whether the fault happened.
    pub fn happened(&self) -> bool {
        self.passed.lock().unwrap().1
    }
}

/// Makes a call through a script.
macro_rules! through {
    ($script:expr, $place:literal, $call:expr) => {
        match $script.pass($place).await {
            None => $call.await,
            Some(fault @ crate::proof::seams::script::Fault::FailAfter) => match $call.await {
                Ok(_) => Err(fault.error()),
                Err(error) => Err(error),
            },
            Some(fault) => Err(fault.error()),
        }
    };
}
pub(super) use through;
