//! What was measured, and whether it is what was promised.

use crate::measure::Cost;

/// CPU from stream to row, relative to decoding alone.
const MOST_CPU: f64 = 2.5;
/// Memory of a run of four times the documents, relative to that of one.
const MOST_GROWTH: f64 = 1.25;
/// Bytes of resident memory with documents of 1 MB.
const MOST_MEMORY: u64 = 150_000_000;
/// Microseconds of the server's CPU per document.
const MOST_SERVER: f64 = 30.0;

/// Everything that was measured.
pub struct Measured {
    /// Documents that were decoded, mapped and, at first, loaded.
    pub documents: u64,
    /// Documents of 1 MB.
    pub large_documents: u64,
    /// Decoding alone and from stream to row, pair after pair.
    pub pairs: Vec<(Cost, Cost)>,
    /// A run.
    pub few: Cost,
    /// A run with four times the documents.
    pub many: Cost,
    /// A run of large documents.
    pub large: Cost,
    /// The server's CPU seconds, and the documents it sent for them.
    pub server: (f64, u64),
}

impl Measured {
    /// One line for everything that ran.
    pub fn print_table(&self) {
        println!("\n{:>10}  {:<16}  {:>8}  {:>8}  {:>9}  {:>9}", "documents", "", "CPU s", "wall s", "µs/doc", "MB");
        let line = |documents: u64, what: &str, cost: &Cost| {
            let each = cost.cpu * 1e6 / documents as f64;
            let memory = cost.memory as f64 / 1e6;
            println!("{documents:>10}  {what:<16}  {:>8.2}  {:>8.2}  {each:>9.2}  {memory:>9.1}", cost.cpu, cost.wall);
        };
        for (decode, map) in &self.pairs {
            line(self.documents, "decoding alone", decode);
            line(self.documents, "stream to row", map);
        }
        line(self.documents, "run", &self.few);
        line(self.documents * 4, "run", &self.many);
        line(self.large_documents, "run of 1 MB each", &self.large);
        let (cpu, sent) = self.server;
        println!("{sent:>10}  {:<16}  {cpu:>8.2}  {:>8}  {:>9.2}\n", "example server", "", self.server_micros());
    }

    /// Says of each promise whether it is kept.
    pub fn promises_kept(&self) -> bool {
        let growth = self.many.memory as f64 / self.few.memory as f64;
        let ratios = self.ratios();
        let ratio = ratios[ratios.len() / 2];
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        let verdicts = [
            (
                ratio <= MOST_CPU,
                format!(
                    "{ratio:.2} times the CPU of decoding alone from stream to row, median of {least:.2} to {most:.2} \
                     (at most {MOST_CPU})"
                ),
            ),
            (
                growth <= MOST_GROWTH,
                format!("{growth:.2} times the memory for 4 times the documents (at most {MOST_GROWTH})"),
            ),
            (
                self.large.memory <= MOST_MEMORY,
                format!(
                    "{:.1} MB of memory with documents of 1 MB (at most {})",
                    self.large.memory as f64 / 1e6,
                    MOST_MEMORY / 1_000_000
                ),
            ),
            (
                self.server_micros() <= MOST_SERVER,
                format!("{:.1} µs of the server's CPU per document (at most {MOST_SERVER})", self.server_micros()),
            ),
        ];
        for (kept, text) in &verdicts {
            println!("{}  {text}", if *kept { "kept  " } else { "BROKEN" });
        }
        verdicts.iter().all(|(kept, _)| *kept)
    }

    /// Of the pairs, ascending.
    fn ratios(&self) -> Vec<f64> {
        let mut ratios: Vec<f64> = self.pairs.iter().map(|(decode, map)| map.cpu / decode.cpu).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    fn server_micros(&self) -> f64 {
        self.server.0 * 1e6 / self.server.1.max(1) as f64
    }
}
