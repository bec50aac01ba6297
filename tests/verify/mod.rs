//! `verify --contents` and `--repair` against real files and the real server: what is damaged is found, all of it and nothing
//! else, repaired, and found to be clean.
//!
//! ```text
//! FIREFERRY_TEST_DAMAGES=100 cargo test --release verify::random -- --nocapture
//! FIREFERRY_TEST_REMOTE_DAMAGES=100 cargo test --release verify::random -- --nocapture
//! ```
//!
//! `FIREFERRY_TEST_SEED` chooses other damage; seeds are printed.

mod damage;
mod explained;
mod going_on;
mod lists;
mod random;
mod traffic;
