//! The pipeline file: what it accepts and how it complains.

mod errors;
mod own_tests;
mod support;
mod valid;
