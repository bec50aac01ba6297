//! The pipeline file: from YAML text to a validated [`resolved::Pipeline`].
//!
//! `yaml` (a tree with positions) → `interpolate` (variables) → `model` (keys as written, read by `decode`) →
//! `compile` (names resolved, defaults filled in) → `resolved`. Every stage reports mistakes at their place in the
//! file. `graph` orders the collections, `tests` runs the pipeline's own tests.

mod compile;
mod decode;
mod fingerprint;
pub mod graph;
mod interpolate;
mod load;
mod mark;
mod model;
pub mod resolved;
mod secrets;
pub mod tests;
mod units;
mod yaml;

pub use compile::{Overrides, source_named};
pub use load::load;
pub use units::{duration, reject_limit, size};
