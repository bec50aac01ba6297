//! The integration tests: one binary, one module per behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod destination;
mod examples;
mod explain;
mod export;
mod firestore;
mod fuzz;
mod init;
mod layering;
mod mapping;
mod migrations;
mod pipeline;
mod proof;
mod remote;
mod source;
mod support;
mod sync;
mod verify;
