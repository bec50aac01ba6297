//! The shipped examples, run as a newcomer runs them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod classroom;
mod deploy;
mod fixtures;
mod program;
mod readme;
mod runbook;
mod sessions;
mod tables;
