//! The command line, seen from outside.

mod arguments;
mod conflicts;
mod environments;
mod retry;
mod runs;
pub mod shop;
mod state;
mod stopping;
mod verbs;
