//! Commits over the network: each is one request, applied whole or not at all.
//!
//! - `pending`: what a commit holds, collected from the feed up to the size that `sizing` finds right.
//! - Into a table that was empty, all rows are simply inserted (`request`), several commits under way at once
//!   (`flights`); their order is kept by the checkpoint that each one demands of its predecessor.
//! - Where rows exist, or documents wait, the server is asked first (`look`), and what happens to each document is decided
//!   here, in order, as on a local file (`decide`).
//! - A commit that is refused is narrowed down: tried in parts and rolled back (`trial`), until every refused document is
//!   known with its reason; then the rest is written with the rejects in one request, like every other commit.

mod decide;
mod explain;
mod fate;
mod flights;
mod look;
mod parts;
mod pending;
mod request;
mod resolve;
mod session;
mod sizing;
pub(super) mod sql;
mod trial;
mod undo;
mod units;

pub(super) use flights::Flights;
pub(super) use session::{FreshRun, Session};
pub(super) use sizing::Sizing;
