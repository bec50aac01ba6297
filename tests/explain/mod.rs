//! Every code has its explanation, and every explanation its code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod codes;
mod program;
pub mod tokens;
