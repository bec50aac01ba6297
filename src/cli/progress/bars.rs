//! A bar per collection on a terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::engine::progress::CollectionProgress;
use crate::report::text::{clean, count};

use super::View;
use super::meter::Meter;
use crate::cli::output::Output;

const TICK: Duration = Duration::from_millis(200);

struct Shown {
    bar: ProgressBar,
    meter: Meter,
    started: Instant,
}

pub(super) struct Bars {
    output: Output,
    all: MultiProgress,
    phase: ProgressBar,
    collections: Mutex<HashMap<String, Shown>>,
}

impl Bars {
    pub fn new(output: Output) -> Self {
        let all = output.draw();
        let phase = all.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg} {elapsed}")));
        Self { output, all, phase, collections: Mutex::default() }
    }

    fn update(&self, progress: &CollectionProgress, last: bool) {
        let mut collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shown) = collections.get_mut(&progress.collection) else { return };
        shown.meter.update(progress);
        let line = shown.meter.line(shown.started.elapsed());
        let total = progress.total.map(|total| format!(" of {}", count(total))).unwrap_or_default();
        shown.bar.set_position(progress.current);
        shown.bar.set_message(format!("{}{total}{}", count(progress.current), line.tail()));
        if last {
            shown.bar.abandon();
        }
    }
}

/// The templates are constants of this file; one with a mistake falls back to indicatif's own.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

impl View for Bars {
    fn phase(&self, name: &str) {
        self.phase.set_message(name.to_owned());
        self.phase.reset_elapsed();
        self.phase.enable_steady_tick(TICK);
    }

    fn started(&self, progress: &CollectionProgress) {
        let bar = match progress.total {
            Some(total) => ProgressBar::new(total).with_style(style("{prefix:24} [{bar:30}] {msg}")),
            None => ProgressBar::new_spinner().with_style(style("{prefix:24} {spinner} {msg}")),
        };
        let bar = self.all.insert_before(&self.phase, bar.with_prefix(clean(&progress.collection)));
        let shown = Shown { bar, meter: Meter::new(progress), started: Instant::now() };
        self.collections.lock().unwrap_or_else(PoisonError::into_inner).insert(progress.collection.clone(), shown);
        self.update(progress, false);
    }

    fn committed(&self, progress: &CollectionProgress) {
        self.update(progress, false);
    }

    fn finished(&self, progress: &CollectionProgress) {
        self.update(progress, true);
    }

    fn close(&self) {
        self.phase.finish_and_clear();
        let collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        collections.values().for_each(|shown| shown.bar.finish_and_clear());
        // A terminal that cannot be cleaned is still readable.
        drop(self.all.clear());
        self.output.stop_drawing();
    }
}
