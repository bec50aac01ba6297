//! Progress as users see it. Only here is indicatif known.

mod bars;
mod json;
mod meter;
mod plain;

use std::sync::Arc;

use tracing::{debug, info, warn};

use crate::engine::progress::{CollectionProgress, Progress};
use crate::report::text::clean_lines;

use super::args::ProgressKind;
use super::logging::SAID;
use super::output::Output;
use super::settings::Settings;

/// One way to show progress.
trait View: Send + Sync {
    /// A phase starts.
    fn phase(&self, name: &str);
    /// A collection starts.
    fn started(&self, progress: &CollectionProgress);
    /// More of it is durable.
    fn committed(&self, progress: &CollectionProgress);
    /// It is complete.
    fn finished(&self, progress: &CollectionProgress);
    /// Everything is over: leave a clean terminal.
    fn close(&self) {}
}

/// Shows nothing.
struct Nothing;

impl View for Nothing {
    fn phase(&self, _name: &str) {}
    fn started(&self, _progress: &CollectionProgress) {}
    fn committed(&self, _progress: &CollectionProgress) {}
    fn finished(&self, _progress: &CollectionProgress) {}
}

/// Logs what happens, and shows it.
pub struct Shown {
    view: Box<dyn View>,
    output: Output,
}

impl Shown {
    /// The progress that the settings ask for.
    pub fn new(settings: &Settings, output: &Output) -> Arc<Self> {
        let view: Box<dyn View> = match kind(settings, output.can_draw()) {
            ProgressKind::Bars => Box::new(bars::Bars::new(output.clone())),
            ProgressKind::Json => Box::new(json::JsonLines::new(output.clone())),
            ProgressKind::None => Box::new(Nothing),
            ProgressKind::Plain | ProgressKind::Auto => Box::new(plain::Plain::new(output.clone())),
        };
        Arc::new(Self { view, output: output.clone() })
    }

    /// Everything is over: bars go away, so that the report stands on a clean terminal.
    pub fn close(&self) {
        self.view.close();
    }
}

/// What `auto` means here. `-q` shows nothing, unless progress is asked for.
fn kind(settings: &Settings, terminal: bool) -> ProgressKind {
    match settings.progress {
        ProgressKind::Auto if settings.quiet => ProgressKind::None,
        ProgressKind::Auto if terminal => ProgressKind::Bars,
        ProgressKind::Auto => ProgressKind::Plain,
        asked => asked,
    }
}

impl Progress for Shown {
    fn phase(&self, name: &str) {
        info!(target: SAID, phase = name, "phase");
        self.view.phase(name);
    }

    fn collection_started(&self, progress: &CollectionProgress) {
        info!(target: SAID, collection = progress.collection, total = progress.total, "collection started");
        self.view.started(progress);
    }

    fn committed(&self, progress: &CollectionProgress) {
        debug!(
            target: SAID,
            collection = progress.collection,
            current = progress.current,
            rejected = progress.rejected,
            "committed"
        );
        self.view.committed(progress);
    }

    fn collection_finished(&self, progress: &CollectionProgress) {
        info!(
            target: SAID,
            collection = progress.collection,
            current = progress.current,
            rejected = progress.rejected,
            "collection finished"
        );
        self.view.finished(progress);
    }

    fn message(&self, text: &str) {
        // Messages may name documents, and those may be called anything.
        let text = &clean_lines(text);
        match text.strip_prefix("warning: ") {
            Some(warning) => {
                warn!(target: SAID, "{warning}");
                self.output.warn(warning);
            }
            None => {
                info!(target: SAID, "{text}");
                self.output.note(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use clap::Parser;

    fn chosen(arguments: &[&str], terminal: bool) -> ProgressKind {
        let line = ["fireferry", "runs", "list"].iter().chain(arguments);
        let cli = crate::cli::args::Cli::try_parse_from(line).unwrap();
        kind(&Settings::new(&cli.global).unwrap(), terminal)
    }

    #[test]
    fn auto_means_bars_on_a_terminal_lines_elsewhere_and_nothing_when_quiet() {
        assert_eq!(chosen(&[], true), ProgressKind::Bars);
        assert_eq!(chosen(&[], false), ProgressKind::Plain);
        assert_eq!(chosen(&["-q"], true), ProgressKind::None);
        assert_eq!(chosen(&["-q", "--progress", "json"], true), ProgressKind::Json);
    }
}
