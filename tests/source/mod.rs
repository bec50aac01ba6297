//! JSON files as a source: what users and tools write, and what can be wrong with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod damage;
mod fetch;
mod files;
mod resume;
mod shapes;
pub mod support;
