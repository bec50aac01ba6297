//! The local destination against real files.

pub mod support;

mod children;
mod conflicts;
mod copies;
mod crash;
mod inspecting;
mod keys;
mod load;
mod opening;
mod splits;
mod values;
