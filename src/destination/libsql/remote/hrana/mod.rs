//! A small typed client of Hrana 3 over HTTP, the protocol of libSQL servers and Turso.
//!
//! The clients that exist cannot send a batch of statements with arguments, which is what one commit is. HTTP and TLS
//! are `reqwest`'s; here are the messages (`body`, `wire`, `value`), batches whose steps depend on each other (`batch`), one
//! exchange with timeout and token (`client`, `token`), and what its failures mean (`trouble`).

pub mod batch;
mod body;
mod client;
mod token;
mod trouble;
mod value;
mod wire;

pub use client::{Answer, Client, Stream};
pub use token::TokenSource;
pub use trouble::{Trouble, failure_of};
pub use wire::{Batch, BatchAnswer, Request, Response, Step, Stmt, StmtAnswer};
