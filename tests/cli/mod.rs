//! The command line, seen from outside.

mod arguments;
mod state;
