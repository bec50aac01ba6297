//! The integration tests: one binary, one module per behaviour.

mod layering;
mod mapping;
mod pipeline;
