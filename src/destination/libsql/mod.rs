//! libSQL databases: local files.
//!
//! What does not depend on how a database is reached is pure and shared: `statement` (a statement and its answer as
//! plain data), `failure` (what SQLite says when it refuses), `sql` and `tokens` (SQL texts, made and read), `encode`
//! (values as bytes), `records` (fireferry's own tables) and `refusal` (why a document was refused). An adapter adds
//! the way there: `file` uses the `libsql` crate.

mod encode;
mod failure;
mod file;
mod records;
mod refusal;
mod sql;
mod statement;
mod tokens;

pub use file::{LibsqlFile, Mode};
