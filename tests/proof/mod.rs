//! Proofs of the promises through the real program and real files: nothing lost, nothing changed, whatever happens.
//!
//! The crash tests have a small form, which is the default, and a large one:
//!
//! ```text
//! FIREFERRY_TEST_CRASHES=50 FIREFERRY_TEST_DOCUMENTS=200000 cargo test --release proof::crash -- --nocapture
//! FIREFERRY_TEST_POWER_LOSSES=100 cargo test --release proof::power_loss -- --nocapture
//! FIREFERRY_TEST_DISK_FAULTS=1000000 cargo test --release proof::disk_faults -- --nocapture
//! ```
//!
//! `FIREFERRY_TEST_POWER_LOSS_DOCUMENTS` makes the second load larger, `FIREFERRY_TEST_SEED` chooses other moments;
//! seeds and moments are printed, so that a failure can be repeated.

mod bad_input;
mod classroom;
mod comparison;
mod crash;
pub mod crossings;
mod disk_faults;
mod dry_run;
pub mod interrupt;
mod power_loss;
pub mod program;
mod random;
mod readers;
mod restore;
mod resume;
mod retire;
mod rollback;
pub mod seams;
pub mod types;
mod values;

/// A number from the environment, or the default.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}
