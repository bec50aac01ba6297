//! A folder of migrations against the record of a destination.

use serde::Serialize;

use super::{Migration, Migrations};
use crate::destination::{AppliedMigration, MigrationStep};
use crate::error::{Error, ErrorKind, Result};

/// How a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// Applied, and its file is the same.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied, but its up file was edited afterwards.
    Edited,
    /// Applied under another name.
    Renamed,
    /// Applied, but its file is gone.
    Missing,
    /// Not applied, although a later one is.
    Skipped,
    /// Left half applied by another tool.
    Dirty,
}

/// One migration of the folder or of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// Version.
    pub version: u64,
    /// Name in the folder; in the record, where the file is gone.
    pub name: String,
    /// How it stands.
    pub state: MigrationState,
    /// RFC 3339.
    pub applied_at: Option<String>,
}

impl Migrations {
    /// How every migration stands, by version. Never fails: [`Self::pending`] is what refuses.
    pub fn status(&self, applied: &[AppliedMigration]) -> Vec<MigrationStatus> {
        let newest = applied.iter().map(|record| record.version).max().unwrap_or(0);
        let mut status: Vec<MigrationStatus> = self
            .all()
            .iter()
            .map(|file| {
                let record = applied.iter().find(|record| record.version == file.version);
                MigrationStatus {
                    version: file.version,
                    name: file.name.clone(),
                    state: state(file, record, newest),
                    applied_at: record.map(|record| record.applied_at.clone()),
                }
            })
            .collect();
        let gone = applied.iter().filter(|record| !self.all().iter().any(|file| file.version == record.version));
        status.extend(gone.map(|record| MigrationStatus {
            version: record.version,
            name: record.name.clone(),
            state: MigrationState::Missing,
            applied_at: Some(record.applied_at.clone()),
        }));
        status.sort_by_key(|status| status.version);
        status
    }

    /// The steps that bring the destination to the newest version.
    ///
    /// # Errors
    /// Kind `Config`, naming the file, when what was applied is not what the folder holds: edited, renamed, missing,
    /// or added below an applied version.
    pub fn pending(&self, applied: &[AppliedMigration]) -> Result<Vec<MigrationStep>> {
        let status = self.status(applied);
        if let Some(wrong) = status.iter().find_map(|status| self.refusal(status, applied)) {
            return Err(wrong);
        }
        let pending = |file: &&Migration| !applied.iter().any(|record| record.version == file.version);
        Ok(self.all().iter().filter(pending).map(|file| file.step(true)).collect())
    }

    fn refusal(&self, status: &MigrationStatus, applied: &[AppliedMigration]) -> Option<Error> {
        let file = format!("{:04}_{}.up.sql", status.version, status.name);
        let (code, what, hint) = match status.state {
            MigrationState::Applied | MigrationState::Pending => return None,
            MigrationState::Edited => (
                "migration_edited",
                format!("migration {file} was edited after it was applied"),
                "put the file back as it was, and write the change as a new migration",
            ),
            MigrationState::Renamed => {
                let old = applied.iter().find(|record| record.version == status.version)?;
                (
                    "migration_renamed",
                    format!("migration {file} was applied as {:04}_{}.up.sql", old.version, old.name),
                    "give the files their old name back",
                )
            }
            MigrationState::Missing => (
                "migration_missing",
                format!("migration {file} was applied, but the file is gone"),
                "put the file back, or use the newer version of the folder that has it",
            ),
            MigrationState::Dirty => (
                "migration_dirty",
                format!("migration {file} was left half applied by another tool"),
                "finish or undo it by hand, then set `dirty` to 0 in its row of schema_migrations (or delete the row)",
            ),
            MigrationState::Skipped => (
                "migration_out_of_order",
                format!("migration {file} was not applied, but a later one was"),
                "give it the next free number",
            ),
        };
        Some(Error::new(ErrorKind::Config, code, what).file(self.path(&file)).hint(hint))
    }
}

fn state(file: &Migration, record: Option<&AppliedMigration>, newest: u64) -> MigrationState {
    match record {
        None if file.version < newest => MigrationState::Skipped,
        None => MigrationState::Pending,
        Some(record) if record.dirty => MigrationState::Dirty,
        Some(record) if record.name != file.name => MigrationState::Renamed,
        Some(record) if record.checksum != file.checksum => MigrationState::Edited,
        Some(_) => MigrationState::Applied,
    }
}
