//! libSQL databases: local files.

mod file;
mod sql;
mod tokens;

pub use file::{LibsqlFile, Mode};
