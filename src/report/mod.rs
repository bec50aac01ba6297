//! What happened, as plain data with stable field names, and its renderers.

pub mod finding;
pub mod plan;
pub mod run;
