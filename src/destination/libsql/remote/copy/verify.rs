//! What was imported is read back, and compared with the file.

use super::is_copied;
use super::source::{Digest, Source};
use crate::destination::libsql::copied::{Copied, Position};
use crate::destination::libsql::file::{Extras, has_sequences, orphans};
use crate::destination::libsql::remote::RemoteDatabase;
use crate::destination::libsql::remote::hrana::Trouble;
use crate::destination::libsql::remote::records::unreadable;
use crate::destination::libsql::remote::snapshot::Snapshot;
use crate::error::Result;

/// Differences told at most.
const SHOWN: usize = 10;

impl RemoteDatabase {
    /// In what the server differs from the file; empty when it is equal.
    pub(super) async fn differences(&mut self, source: &Source) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for table in &source.tables {
            let (here, there) = (source.digest(table)?, self.digest(table).await?);
            if here.rows != there.rows {
                found.push(format!("{} has {} rows, expected {}", table.table, there.rows, here.rows));
            } else if !here.same(&there) {
                found.push(format!("rows of {} differ", table.table));
            }
        }
        if self.connection.query(orphans()).await? != source.file.orphans()? {
            found.push("rows without a parent differ".to_owned());
        }
        self.compare_schema(source, &mut found).await?;
        self.compare_extras(source, &mut found).await?;
        found.truncate(SHOWN);
        Ok(found)
    }

    /// Reads a whole table at one moment.
    async fn digest(&self, table: &Copied) -> Result<Digest> {
        let mut pauses = self.connection.pauses();
        loop {
            match digest(self, table).await {
                Ok(digest) => return Ok(digest),
                Err(trouble) => pauses.next(trouble, self.connection.host()).await?,
            }
        }
    }

    async fn compare_schema(&mut self, source: &Source, found: &mut Vec<String>) -> Result<()> {
        let there: Vec<_> = self.declarations().await?.into_iter().filter(is_copied).collect();
        let missing = source.declarations.iter().filter(|declaration| !there.contains(declaration));
        found.extend(missing.map(|declaration| format!("{} {} is missing", declaration.kind, declaration.name)));
        let more = there.iter().filter(|declaration| !source.declarations.contains(declaration));
        found.extend(more.map(|declaration| format!("{} {} should not be there", declaration.kind, declaration.name)));
        Ok(())
    }

    async fn compare_extras(&self, source: &Source, found: &mut Vec<String>) -> Result<()> {
        let with_sequences = !self.connection.query(has_sequences()).await?.is_empty();
        let answers = self.connection.queries(Extras::select(with_sequences)).await?;
        let there = Extras::decode(&answers).map_err(unreadable)?;
        if with_sequences && there.sequences != source.extras.sequences {
            found.push("AUTOINCREMENT does not go on where it stood".to_owned());
        }
        if there.user_version != source.extras.user_version {
            found.push("user_version differs".to_owned());
        }
        if there.application_id != source.extras.application_id {
            // Servers let nobody set it, and nothing depends on it.
            tracing::warn!("application_id is {}, not {}", there.application_id, source.extras.application_id);
        }
        Ok(())
    }
}

async fn digest(remote: &RemoteDatabase, table: &Copied) -> Result<Digest, Trouble> {
    let mut snapshot = Snapshot::begin(&remote.connection).await?;
    let (mut digest, mut position) = (Digest::default(), Position::default());
    loop {
        let rows = snapshot.page(table, &mut position).await?;
        if rows.is_empty() {
            snapshot.close().await;
            return Ok(digest);
        }
        digest.add(&rows);
    }
}
