//! libSQL databases: local files, and servers over the network (Turso among them).
//!
//! What does not depend on how a database is reached is pure and shared: `statement` (a statement and its answer as
//! plain data), `failure` (what SQLite says when it refuses), `sql` and `tokens` (SQL texts, made and read), `comparing`
//! (the one equality), `copied` (whole tables, page by page), `declarations` (a schema as its statements), `records`
//! (fireferry's own tables), `undo` (what a run changed, and taking it back), `tables` and `refusal` (why a
//! document was refused). An adapter adds the way there: `file` uses the `libsql` crate, `remote` speaks Hrana over HTTP.
//! `remote` knows `file`: shadows and backups of a server are local files.

mod comparing;
mod copied;
mod declarations;
mod existing;
mod failure;
mod file;
mod records;
mod refusal;
mod remote;
mod removing;
mod sql;
mod statement;
mod tables;
mod undo;

pub use file::{LibsqlFile, Mode};
pub use remote::{RemoteDatabase, RemoteOptions, TokenSource};
