//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use fireferry::domain::timestamp::Timestamp;

/// An in-memory Firestore for tests.
#[derive(Debug, Parser)]
#[command(name = "firestore_server")]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8181")]
    pub listen: String,
    /// A file or folder of JSON in any shape that fireferry reads; may be repeated
    #[arg(long)]
    pub fixtures: Vec<PathBuf>,
    /// Makes documents: COLLECTION:COUNT[:BYTES]; may be repeated
    #[arg(long)]
    pub generate: Vec<String>,
    /// The project that fixtures and generated documents go to
    #[arg(long, default_value = "demo")]
    pub project: String,
    /// The database that they go to
    #[arg(long, default_value = "(default)")]
    pub database: String,
    /// When fixtures and generated documents came to be, unless they say so themselves; now by default
    #[arg(long)]
    pub loaded_at: Option<Timestamp>,
    /// Fixtures keep field names that Firestore would refuse (empty ones)
    #[arg(long)]
    pub lenient: bool,
    /// How many seconds back a read time may lie
    #[arg(long, default_value_t = 3600)]
    pub retention: u64,
    /// Point-in-time recovery: whole minutes of the last seven days are readable too
    #[arg(long)]
    pub pitr: bool,
    /// `automatic`: as the real service, only single-field indexes of collections; `any`: every query has its index
    #[arg(long, value_enum, default_value_t = Indexes::Automatic)]
    pub indexes: Indexes,
    /// The last response of a query says `done`
    #[arg(long)]
    pub done: bool,
    /// Refuses every other bearer token
    #[arg(long)]
    pub token: Option<String>,
    /// A file of scripted faults
    #[arg(long)]
    pub faults: Option<PathBuf>,
    /// Where the dice of faults with a probability start
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Ends when standard input does, so that it outlives no test
    #[arg(long)]
    pub until_stdin_closes: bool,
}

/// Which indexes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Indexes {
    /// Those that Firestore makes by itself.
    Automatic,
    /// All that could be needed.
    Any,
}

impl Args {
    /// `projects/P/databases/D` of everything loaded.
    pub fn database_name(&self) -> String {
        format!("projects/{}/databases/{}", self.project, self.database)
    }
}
