//! What a failure means for the user of a file, and what the `libsql` crate makes of one.

use std::path::Path;

use super::super::failure::{Failure, INTERNAL, primary};
use super::holder;
use crate::error::{Error, ErrorKind};

impl Failure {
    /// The error for users.
    pub(super) fn into_error(self, path: &Path) -> Error {
        let name = path.display();
        let (kind, code, message, hint) = match self.primary() {
            primary::BUSY | primary::LOCKED => (
                ErrorKind::Transient,
                "destination_busy",
                match holder::of(path) {
                    Some(holder) => format!("{name} is locked by {holder}"),
                    None => format!("{name} is locked by another connection"),
                },
                "wait until the other program has finished, or close it",
            ),
            primary::READONLY => (
                ErrorKind::Destination,
                "destination_read_only",
                format!("{name} cannot be written: it or its folder is read-only"),
                "check the permissions of the file and of its folder (SQLite writes `-wal` and `-shm` files beside it)",
            ),
            primary::FULL => (
                ErrorKind::Destination,
                "destination_full",
                format!("no space left for {name}"),
                "free some disk space, then go on with --resume; nothing that was reported as written is lost",
            ),
            primary::IOERR => (
                ErrorKind::Destination,
                "destination_io",
                format!("reading or writing {name} failed"),
                "check the disk (space, quota, health) and its mount, then go on with --resume",
            ),
            primary::CORRUPT => (
                ErrorKind::Destination,
                "destination_damaged",
                format!("{name} is damaged"),
                "restore a backup with `fireferry backup restore`",
            ),
            primary::NOTADB => (
                ErrorKind::Destination,
                "not_a_database",
                format!("{name} is not a database"),
                "give the path of a libSQL or SQLite file, or of a file that does not exist yet",
            ),
            primary::CANTOPEN => (
                ErrorKind::Destination,
                "destination_cannot_open",
                format!("{name} cannot be opened"),
                "check that its folder exists and that you may read and write both",
            ),
            INTERNAL => {
                return Error::new(ErrorKind::Internal, "destination_internal", self.message).file(path);
            }
            _ => {
                return Error::new(
                    ErrorKind::Destination,
                    "destination_sql",
                    format!("the database refused a statement: {}", self.message),
                )
                .file(path);
            }
        };
        Error::new(kind, code, message).hint(hint).caused_by(self.message)
    }
}

impl From<libsql::Error> for Failure {
    fn from(error: libsql::Error) -> Self {
        match error {
            libsql::Error::SqliteFailure(code, message) => Self { code, message },
            // The crate's message ends with the result code.
            libsql::Error::ConnectionFailed(message) => {
                let code = message.rsplit(": ").next().and_then(|code| code.parse().ok());
                Self { code: code.unwrap_or(primary::CANTOPEN), message: "unable to open database file".into() }
            }
            other => Self::internal(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> Error {
        Failure { code, message: "m".into() }.into_error(Path::new("/nowhere/a.db"))
    }

    #[test]
    fn only_a_lock_is_worth_another_try() {
        assert_eq!(error(5).kind(), ErrorKind::Transient);
        assert_eq!(error(5 | (2 << 8)).kind(), ErrorKind::Transient);
        for code in [8, 10, 11, 13, 14, 26, 1, 19] {
            assert_eq!(error(code).kind(), ErrorKind::Destination, "{code}");
        }
        assert_eq!(Failure::internal("x").into_error(Path::new("a")).kind(), ErrorKind::Internal);
    }

    #[test]
    fn extended_codes_count_as_their_primary_code() {
        assert_eq!(error(778).code(), "destination_io");
        assert_eq!(error(1032).code(), "destination_read_only");
    }

    #[test]
    fn a_failed_open_keeps_its_result_code() {
        let failed = libsql::Error::ConnectionFailed("Unable to open connection to local database /x: y.db: 14".into());
        assert_eq!(Failure::from(failed).code, 14);
    }
}
