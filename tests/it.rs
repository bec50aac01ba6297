//! The integration tests: one binary, one module per behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod layering;
mod mapping;
mod pipeline;
mod support;
