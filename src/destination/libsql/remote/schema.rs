//! The server's schema, read by giving its declarations to an empty database in memory.

use super::RemoteDatabase;
use super::records::unreadable;
use crate::destination::libsql::LibsqlFile;
use crate::destination::libsql::declarations::{self, Declaration};
use crate::domain::schema::Schema;
use crate::error::Result;

impl RemoteDatabase {
    /// The statements that make the server's schema, in the order of their creation.
    pub(super) async fn declarations(&self) -> Result<Vec<Declaration>> {
        let mut answers = self.connection.queries(declarations::select("main").to_vec()).await?.into_iter();
        let (served, entries) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
        declarations::decode(&served, &entries).map_err(unreadable)
    }

    /// Tables, columns, keys and everything else that preflight wants to know.
    pub(super) async fn schema(&self) -> Result<Schema> {
        let declarations = self.declarations().await?;
        LibsqlFile::in_memory(declarations.iter().filter(|declaration| !declaration.is_internal()))?.schema_now()
    }
}
