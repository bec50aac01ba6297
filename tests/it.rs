//! The integration tests: one binary, one module per behaviour.

mod destination;
mod examples;
mod layering;
mod mapping;
mod pipeline;
