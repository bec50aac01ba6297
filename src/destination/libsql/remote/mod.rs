//! libSQL servers over the network: Turso, or a server of one's own.
//!
//! [`RemoteDatabase`] implements [`Destination`](super::super::Destination) over Hrana (`hrana`). Every commit is one
//! request (`write`); everything else that writes is a transaction that is applied once, whatever happens to its reply
//! (`transaction`); the lease is a row that both check (`lease`). What a server says of itself is asked once (`survey`), and
//! what a local file does better, reading a schema, is done by one.

mod checks;
mod compare;
mod connection;
mod copy;
mod delete;
mod destination;
mod encode;
mod hrana;
mod lease;
mod migrate;
mod options;
mod place;
mod records;
mod shadow;
mod snapshot;
mod survey;
mod transaction;
mod undo;
mod write;

pub use hrana::TokenSource;
pub use options::RemoteOptions;

use compare::Comparing;
use connection::Connection;
use hrana::Client;
use lease::Lease;
use survey::Survey;
use write::{Flights, FreshRun, Session, Sizing};

use crate::error::Result;

/// A libSQL server.
pub struct RemoteDatabase {
    connection: Connection,
    options: RemoteOptions,
    /// `None` before it was asked for, and when something here changed what it tells.
    survey: Option<Survey>,
    lease: Option<Lease>,
    session: Option<Session>,
    /// The run that was stored just now.
    fresh: Option<FreshRun>,
    /// While documents are compared.
    comparing: Option<Comparing>,
    flights: Flights,
    sizing: Sizing,
    /// Commits to be sent one by one, because the last one was refused.
    careful: usize,
    /// Commits that were refused so far.
    refused: usize,
}

impl RemoteDatabase {
    /// A destination on a server. Connects to nothing yet.
    ///
    /// # Errors
    /// Kind `Config`: plain HTTP to another machine, or a token file that cannot be read.
    pub fn new(mut options: RemoteOptions) -> Result<Self> {
        options.commit_documents = options.commit_documents.min(options::MOST_DOCUMENTS);
        options.commit_bytes = options.commit_bytes.min(options::MOST_BYTES);
        let base = options::base_of(&options)?;
        let client = Client::new(&base, options.token.clone(), options.request_timeout)?;
        Ok(Self {
            connection: Connection::new(client, options.max_retries, options.max_retry_time),
            sizing: Sizing::new(options.commit_documents, options.commit_bytes, options.max_lock_time),
            options,
            survey: None,
            lease: None,
            session: None,
            fresh: None,
            comparing: None,
            flights: Flights::default(),
            careful: 0,
            refused: 0,
        })
    }
}
