//! The shipped examples, run as a newcomer runs them.

mod classroom;
mod fixtures;
mod program;
mod readme;
mod sessions;
mod tables;
