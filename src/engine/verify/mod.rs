//! `verify`: is what the destination holds what the source says?
//!
//! [`counts`] adds up numbers. [`contents`] reads and maps every document again and has the destination compare
//! (`documents`), then looks for rows that no document explains (`search`, `extras`) by the hashes of all keys (`hashes`). It never
//! writes to the destination; where it stands is kept in the ledger, so that it can go on after an interruption
//! (`state`). [`repair`] writes again what differs, and deletes what nothing explains if it is told to.

mod begin;
mod contents;
mod counts;
mod describe;
mod documents;
mod extras;
pub(super) mod hashes;
mod repair;
mod rewrite;
mod scope;
mod search;
mod state;
mod strategy;

pub(in crate::engine) use contents::panicked;
pub use contents::{ContentsOptions, contents};
pub use counts::{CollectionCounts, CountsReport, counts};
pub use repair::{RepairOptions, Repaired, repair};
