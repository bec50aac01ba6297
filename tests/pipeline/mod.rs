//! The pipeline file: what it accepts and how it complains.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod errors;
mod own_tests;
mod properties;
mod reference;
mod support;
mod valid;
