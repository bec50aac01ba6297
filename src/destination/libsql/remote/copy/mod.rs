//! A server as a local file, and a local file as a server.
//!
//! `export` reads everything in one read transaction into a file: a backup. `import` makes the server equal to such a
//! file, step by step, each with its own progress in the same transaction (`progress`), because a server takes a long
//! transaction away; what is half done can only be gone on with. `acceptable` asks beforehand whether the server takes all
//! of it, `clear` makes room, `verify` reads everything back. `source` is the file that is imported.

mod acceptable;
mod clear;
mod export;
mod import;
mod progress;
mod source;
mod verify;

use crate::destination::libsql::declarations::Declaration;
pub(super) use export::extras;
use progress::TABLE;

/// The table of the lease: it belongs to the server, not to what is in it.
const LEASE: &str = "_fireferry_lease";

/// Whether it is part of a copy: everything but what SQLite makes by itself, the lease, and the progress of a restore.
fn is_copied(declaration: &Declaration) -> bool {
    let own = |name: &str| declaration.table.eq_ignore_ascii_case(name);
    !declaration.is_of_sqlite() && !own(LEASE) && !own(TABLE)
}

/// Its rows are those of the tables that serve it.
fn is_virtual(declaration: &Declaration) -> bool {
    declaration.sql.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("CREATE VIRTUAL"))
}

/// The tables whose rows are copied: ordinary ones, and those that serve virtual ones.
fn tables_with_rows(declarations: &[Declaration], serving: &[String]) -> Vec<String> {
    let own = declarations.iter().filter(|declaration| declaration.kind == "table" && !is_virtual(declaration));
    own.map(|declaration| declaration.name.clone()).chain(serving.iter().cloned()).collect()
}
