//! The pipeline file: what it accepts and how it complains.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod environments;
mod errors;
mod included;
mod json_schema;
mod own_tests;
mod properties;
mod reference;
mod schema_file;
pub mod support;
mod valid;
