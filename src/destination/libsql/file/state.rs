//! fireferry's own tables in the file.

use super::super::records::state;
use super::super::statement::text;
use super::LibsqlFile;
use crate::error::Result;

impl LibsqlFile {
    /// Creates fireferry's tables unless they exist; refuses those of a newer program.
    pub(super) fn create_state(&mut self) -> Result<()> {
        self.writable()?;
        if self.has_state()? {
            return Ok(());
        }
        let id = uuid::Uuid::now_v7().to_string();
        self.database.run_all(&state::create(&id))?;
        self.state_ready = true;
        Ok(())
    }

    /// Whether fireferry's tables exist, in a format that this program knows.
    pub(super) fn has_state(&mut self) -> Result<bool> {
        if !self.state_ready
            && let Some(format) = self.meta("format")?
        {
            state::require_known(&format, self.file.display())?;
            self.state_ready = true;
        }
        Ok(self.state_ready)
    }

    /// The destination's identity.
    pub(super) fn identity(&mut self) -> Result<Option<String>> {
        if self.has_state()? { self.meta("id") } else { Ok(None) }
    }

    fn meta(&self, name: &str) -> Result<Option<String>> {
        if self.database.row(&state::exists(), |_| Ok(()))?.is_none() {
            return Ok(None);
        }
        self.database.row(&state::meta(name), |row| text(row, 0))
    }
}
