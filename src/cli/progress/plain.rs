//! A line every few seconds, also when nothing moves: silence would look like a hang.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::progress::CollectionProgress;
use crate::report::text::duration;

use super::View;
use super::meter::Meter;
use crate::cli::output::Output;

const PAUSE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    phase: Option<(String, Instant)>,
    active: BTreeMap<String, (Meter, Instant)>,
}

impl State {
    /// What to say now.
    fn lines(&self, now: Instant) -> Vec<String> {
        let active = self.active.values().map(|(meter, started)| meter.line(now.duration_since(*started)).text());
        let lines: Vec<String> = active.collect();
        match &self.phase {
            Some((phase, since)) if lines.is_empty() => {
                vec![format!("{phase}: {} so far", duration(now.duration_since(*since).as_secs_f64()))]
            }
            _ => lines,
        }
    }
}

pub(super) struct Plain {
    output: Output,
    state: Arc<Mutex<State>>,
    /// Dropped, it ends the thread.
    _alive: Sender<()>,
}

impl Plain {
    pub fn new(output: Output) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (alive, closed) = channel::<()>();
        let (watched, printer) = (state.clone(), output.clone());
        std::thread::spawn(move || {
            while closed.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let lines = watched.lock().unwrap_or_else(PoisonError::into_inner).lines(Instant::now());
                lines.iter().for_each(|line| printer.note(line));
            }
        });
        Self { output, state, _alive: alive }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl View for Plain {
    fn phase(&self, name: &str) {
        self.with(|state| state.phase = Some((name.to_owned(), Instant::now())));
    }

    fn started(&self, progress: &CollectionProgress) {
        let begun = (Meter::new(progress), Instant::now());
        self.with(|state| state.active.insert(progress.collection.clone(), begun));
    }

    fn committed(&self, progress: &CollectionProgress) {
        self.with(|state| {
            if let Some((meter, _)) = state.active.get_mut(&progress.collection) {
                meter.update(progress);
            }
        });
    }

    fn finished(&self, progress: &CollectionProgress) {
        if let Some((mut meter, started)) = self.with(|state| state.active.remove(&progress.collection)) {
            meter.update(progress);
            self.output.note(&meter.line(started.elapsed()).text());
        }
    }

    fn close(&self) {
        self.with(|state| *state = State::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_is_told_until_a_collection_is_active() {
        let now = Instant::now();
        let mut state = State { phase: Some(("preflight".to_owned(), now)), ..State::default() };
        assert_eq!(state.lines(now + Duration::from_secs(5)), ["preflight: 5.0 s so far"]);
        let progress = CollectionProgress { collection: "users".to_owned(), current: 0, total: Some(10), rejected: 0 };
        state.active.insert("users".to_owned(), (Meter::new(&progress), now));
        assert_eq!(state.lines(now), ["users: 0 of 10 (0 %)"]);
    }
}
