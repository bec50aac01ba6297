//! The command line, seen from outside.

mod arguments;
mod environments;
mod runs;
mod shop;
mod state;
mod stopping;
mod verbs;
