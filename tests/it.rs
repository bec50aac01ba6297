//! The integration tests: one binary, one module per behaviour.

mod cli;
mod destination;
mod examples;
mod layering;
mod mapping;
mod pipeline;
mod support;
