//! The pipeline file: what it accepts and how it complains.

mod errors;
mod support;
mod valid;
