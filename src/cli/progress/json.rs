//! One JSON object per line on stderr, for machines.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::progress::CollectionProgress;

use super::View;
use super::meter::Meter;
use crate::cli::output::Output;

/// Lines of one collection are at least so far apart, but for the first and the last.
const PAUSE: Duration = Duration::from_millis(250);

struct Watched {
    meter: Meter,
    started: Instant,
    written: Instant,
}

pub(super) struct JsonLines {
    output: Output,
    collections: Mutex<HashMap<String, Watched>>,
}

impl JsonLines {
    pub fn new(output: Output) -> Self {
        Self { output, collections: Mutex::default() }
    }

    fn write(&self, progress: &CollectionProgress, always: bool) {
        let now = Instant::now();
        let mut collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = collections.entry(progress.collection.clone()).or_insert_with(|| Watched {
            meter: Meter::new(progress),
            started: now,
            written: now,
        });
        watched.meter.update(progress);
        if always || now.duration_since(watched.written) >= PAUSE {
            watched.written = now;
            // A struct of strings and finite numbers always serialises.
            let line = serde_json::to_string(&watched.meter.line(now.duration_since(watched.started)));
            self.output.raw(&(line.unwrap_or_default() + "\n"));
        }
    }
}

impl View for JsonLines {
    fn phase(&self, _name: &str) {}

    fn started(&self, progress: &CollectionProgress) {
        self.write(progress, true);
    }

    fn committed(&self, progress: &CollectionProgress) {
        self.write(progress, false);
    }

    fn finished(&self, progress: &CollectionProgress) {
        self.write(progress, true);
    }
}
