//! What was measured, and whether it is what was promised.

use std::time::Duration;

use crate::run::Run;

/// Of the flood's documents per second, with the server near.
const LEAST_NEAR: f64 = 0.75;
/// Of the near flood's documents per second, with the server far away.
const LEAST_FAR: f64 = 0.5;
/// Times the documents per second of batches of 100.
const LEAST_SCRIPTS: f64 = 15.0;
/// CPU of the program, relative to that of the server.
const MOST_CPU: f64 = 1.0;
/// Bytes of resident memory: two commits, the larger the farther away the server is. `commit_bytes` lowers it.
const MOST_MEMORY: u64 = 350_000_000;

/// Everything that was measured.
pub struct Measured {
    pub documents: u64,
    pub rounds: Vec<Round>,
}

/// Everything once.
pub struct Round {
    /// Without a way to the server.
    pub here: Run,
    pub near: Run,
    pub far: Run,
    /// Of the near run: requests before the first commit, between commits, and after the last.
    pub trips: [usize; 3],
    pub commits: Commits,
    /// The commits of the near run, sent again.
    pub flood: Duration,
    /// Documents per second.
    pub scripts: f64,
}

/// The commits of a run.
#[derive(Debug, Clone, Copy)]
pub struct Commits {
    pub count: usize,
    pub bytes: usize,
    pub largest: usize,
}

impl Measured {
    /// One line for everything that ran.
    pub fn print(&self) {
        println!(
            "\n{:<28}  {:>7}  {:>9}  {:>7}  {:>9}  {:>7}  {:>12}",
            "", "wall s", "docs/s", "CPU s", "server s", "MB", "estimate s"
        );
        for round in &self.rounds {
            self.line("run, no way to the server", &round.here);
            self.line("run, 20 ms", &round.near);
            self.line("run, 200 ms", &round.far);
            let flood = round.flood.as_secs_f64();
            println!("{:<28}  {flood:>7.2}  {:>9.0}", "flood of its commits, 20 ms", self.documents as f64 / flood);
            println!("{:<28}  {:>7}  {:>9.0}", "batches of 100, 20 ms", "", round.scripts);
            self.print_requests(round);
        }
        println!();
    }

    fn line(&self, what: &str, run: &Run) {
        let estimate = run.estimate.map_or_else(|| "none".to_owned(), |(low, high)| format!("{low:.1}–{high:.1}"));
        println!(
            "{what:<28}  {:>7.2}  {:>9.0}  {:>7.2}  {:>9.2}  {:>7.1}  {estimate:>12}",
            run.cost.wall,
            self.documents as f64 / run.cost.wall,
            run.cost.cpu,
            run.server,
            run.cost.memory as f64 / 1e6
        );
    }

    fn print_requests(&self, round: &Round) {
        let Commits { count, bytes, largest } = round.commits;
        let [before, between, after] = round.trips;
        println!(
            "  of the run at 20 ms: {count} commits of {:.0} documents ({:.1} MB, at most {:.1} MB), {:.0} bytes per \
             document; {before} requests before them, {between} between them, {after} after them",
            self.documents as f64 / count as f64,
            bytes as f64 / count as f64 / 1e6,
            largest as f64 / 1e6,
            bytes as f64 / self.documents as f64
        );
    }

    /// Says of each promise, by the best of every kind, whether it is kept.
    pub fn promises_kept(&self) -> bool {
        let fastest = |run: fn(&Round) -> f64| self.rounds.iter().map(run).fold(f64::INFINITY, f64::min);
        let flood = fastest(|round| round.flood.as_secs_f64());
        let near = fastest(|round| round.near.cost.wall);
        let far = fastest(|round| round.far.cost.wall);
        let scripts = self.rounds.iter().map(|round| round.scripts).fold(0.0, f64::max);
        let times = self.documents as f64 / near / scripts;
        let cpu = fastest(|round| round.near.cost.cpu) / fastest(|round| round.near.server);
        let memory = self.memory() as f64 / 1e6;
        let verdicts = [
            (
                flood / near >= LEAST_NEAR,
                format!(
                    "{:.0} % of the flood's rate at 20 ms (at least {:.0})",
                    flood / near * 100.0,
                    LEAST_NEAR * 100.0
                ),
            ),
            (
                flood / far >= LEAST_FAR,
                format!(
                    "{:.0} % of the flood's rate at 20 ms with the server 200 ms away (at least {:.0})",
                    flood / far * 100.0,
                    LEAST_FAR * 100.0
                ),
            ),
            (times >= LEAST_SCRIPTS, format!("{times:.1} times the rate of batches of 100 (at least {LEAST_SCRIPTS})")),
            (cpu < MOST_CPU, format!("{cpu:.2} of the server's CPU (less than {MOST_CPU})")),
            (self.memory() <= MOST_MEMORY, format!("{memory:.1} MB of memory (at most {})", MOST_MEMORY / 1_000_000)),
        ];
        for (kept, text) in &verdicts {
            println!("{}  {text}", if *kept { "kept  " } else { "BROKEN" });
        }
        verdicts.iter().all(|(kept, _)| *kept)
    }

    /// The most of the first round's: later children start with what the benchmark holds by then.
    fn memory(&self) -> u64 {
        let first = self.rounds.first();
        first.map_or(0, |round| {
            [round.here, round.far, round.near].map(|run| run.cost.memory).into_iter().max().unwrap_or(0)
        })
    }
}
