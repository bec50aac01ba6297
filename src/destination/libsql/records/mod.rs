//! fireferry's own tables, as statements and what is read from their rows. Nothing here reaches a database.

pub mod checkpoints;
pub mod claims;
pub mod clear;
pub mod migrations;
pub mod rejects;
pub mod runs;
pub mod seen;
pub mod state;
pub mod watermarks;
