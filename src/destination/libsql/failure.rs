//! What SQLite says when it refuses.

use crate::error::{Error, ErrorKind};

/// A failed call: SQLite's result code and its message.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Extended result code (a server may know only the primary one); negative for failures on this side of SQLite.
    pub(super) code: i32,
    /// SQLite's own message.
    pub(super) message: String,
}

/// Primary result codes that mean something here.
pub(super) mod primary {
    pub const ERROR: i32 = 1;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const READONLY: i32 = 8;
    pub const IOERR: i32 = 10;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const TOOBIG: i32 = 18;
    pub const CONSTRAINT: i32 = 19;
    pub const MISMATCH: i32 = 20;
    pub const NOTADB: i32 = 26;
}

/// Extended result codes that mean something here.
pub(super) mod extended {
    pub const CONSTRAINT_CHECK: i32 = 275;
    pub const CONSTRAINT_FOREIGN_KEY: i32 = 787;
    pub const IOERR_FSYNC: i32 = 1034;
    pub const IOERR_DIR_FSYNC: i32 = 1290;
    pub const CONSTRAINT_NOT_NULL: i32 = 1299;
    pub const CONSTRAINT_PRIMARY_KEY: i32 = 1555;
    pub const CONSTRAINT_TRIGGER: i32 = 1811;
    pub const CONSTRAINT_UNIQUE: i32 = 2067;
    pub const CONSTRAINT_ROWID: i32 = 2579;
    pub const CONSTRAINT_DATATYPE: i32 = 3091;
}

/// Failures on this side of SQLite.
pub(super) const INTERNAL: i32 = -1;

/// Which sort of constraint refused a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constraint {
    /// UNIQUE, PRIMARY KEY or rowid.
    Unique,
    /// FOREIGN KEY.
    ForeignKey,
    /// CHECK.
    Check,
    /// NOT NULL.
    NotNull,
    /// The type of a column of a STRICT table.
    Datatype,
    /// RAISE in a trigger.
    Trigger,
    /// Another one.
    Other,
}

impl Failure {
    /// A failure on this side of SQLite.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self { code: INTERNAL, message: message.into() }
    }

    /// A value longer than SQLite stores.
    pub(super) fn too_big() -> Self {
        Self { code: primary::TOOBIG, message: "string or blob too big".into() }
    }

    /// The primary result code.
    pub(super) fn primary(&self) -> i32 {
        if self.code < 0 { self.code } else { self.code & 0xff }
    }

    /// Someone else holds a lock; nothing happened.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.primary(), primary::BUSY | primary::LOCKED)
    }

    /// Refusals of the row itself. `ERROR` while running a statement that was prepared means that an expression of a
    /// CHECK, a generated column or a trigger failed on the values.
    pub(super) fn is_about_the_row(&self) -> bool {
        matches!(self.primary(), primary::CONSTRAINT | primary::TOOBIG | primary::MISMATCH | primary::ERROR)
    }

    /// The constraint that refused, if one did. Where only the primary code is known, the message tells.
    pub(super) fn constraint(&self) -> Option<Constraint> {
        if self.primary() != primary::CONSTRAINT {
            return None;
        }
        Some(match self.code {
            extended::CONSTRAINT_UNIQUE | extended::CONSTRAINT_PRIMARY_KEY | extended::CONSTRAINT_ROWID => {
                Constraint::Unique
            }
            extended::CONSTRAINT_FOREIGN_KEY => Constraint::ForeignKey,
            extended::CONSTRAINT_CHECK => Constraint::Check,
            extended::CONSTRAINT_NOT_NULL => Constraint::NotNull,
            extended::CONSTRAINT_DATATYPE => Constraint::Datatype,
            extended::CONSTRAINT_TRIGGER => Constraint::Trigger,
            primary::CONSTRAINT => named(&self.message),
            _ => Constraint::Other,
        })
    }

    /// What the message says after its first colon: `users.email` of `UNIQUE constraint failed: users.email`.
    pub(super) fn detail(&self) -> &str {
        self.message.split_once(": ").map_or(self.message.as_str(), |(_, detail)| detail)
    }

    /// The error of an answer that cannot be: no database says this, so none is named.
    pub(super) fn unexpected(self) -> Error {
        Error::new(ErrorKind::Internal, "destination_internal", self.message)
    }
}

/// The constraint that SQLite's message names; every other message is a trigger's own.
fn named(message: &str) -> Constraint {
    const FAILED: [(&str, Constraint); 4] = [
        ("UNIQUE constraint failed: ", Constraint::Unique),
        ("NOT NULL constraint failed: ", Constraint::NotNull),
        ("CHECK constraint failed: ", Constraint::Check),
        ("FOREIGN KEY constraint failed", Constraint::ForeignKey),
    ];
    match FAILED.iter().find(|(start, _)| message.starts_with(start)) {
        Some((_, constraint)) => *constraint,
        None if is_about_a_type(message) => Constraint::Datatype,
        None => Constraint::Trigger,
    }
}

/// `cannot store TEXT value in INTEGER column t.b`.
fn is_about_a_type(message: &str) -> bool {
    let rest = message.strip_prefix("cannot store ").and_then(|rest| rest.split_once(" value in "));
    rest.is_some_and(|(_, rest)| rest.contains(" column "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(code: i32, message: &str) -> Option<Constraint> {
        Failure { code, message: message.into() }.constraint()
    }

    #[test]
    fn an_extended_code_names_the_constraint_whatever_the_message_says() {
        let codes = [
            (275, Constraint::Check),
            (787, Constraint::ForeignKey),
            (1043, Constraint::Other),
            (1299, Constraint::NotNull),
            (1555, Constraint::Unique),
            (1811, Constraint::Trigger),
            (2067, Constraint::Unique),
            (2579, Constraint::Unique),
            (3091, Constraint::Datatype),
        ];
        for (code, expected) in codes {
            assert_eq!(constraint(code, "FOREIGN KEY constraint failed"), Some(expected), "{code}");
        }
    }

    #[test]
    fn where_only_the_primary_code_is_known_the_message_names_the_constraint() {
        let messages = [
            ("UNIQUE constraint failed: t.a, t.b", Constraint::Unique),
            ("UNIQUE constraint failed: index 'i'", Constraint::Unique),
            ("NOT NULL constraint failed: t.a", Constraint::NotNull),
            ("CHECK constraint failed: a > 0", Constraint::Check),
            ("FOREIGN KEY constraint failed", Constraint::ForeignKey),
            ("cannot store TEXT value in INTEGER column t.b", Constraint::Datatype),
            ("cannot store this", Constraint::Trigger),
            ("no users on sundays", Constraint::Trigger),
            ("constraint failed", Constraint::Trigger),
        ];
        for (message, expected) in messages {
            assert_eq!(constraint(19, message), Some(expected), "{message}");
        }
    }

    #[test]
    fn other_failures_are_no_constraints() {
        for code in [-1, 1, 5, 18, 20, 1034] {
            assert_eq!(constraint(code, "UNIQUE constraint failed: t.a"), None, "{code}");
        }
    }

    #[test]
    fn an_extended_code_counts_as_its_primary_code() {
        let failure = |code| Failure { code, message: String::new() };
        assert_eq!(failure(778).primary(), primary::IOERR);
        assert!(failure(5 | (2 << 8)).is_busy() && failure(6).is_busy() && !failure(1).is_busy());
        assert!(failure(787).is_about_the_row() && !failure(-1).is_about_the_row() && !failure(13).is_about_the_row());
    }

    #[test]
    fn the_detail_is_what_comes_after_the_first_colon() {
        let detail = |message: &str| Failure { code: 19, message: message.into() }.detail().to_owned();
        assert_eq!(detail("UNIQUE constraint failed: t.a, t.b"), "t.a, t.b");
        assert_eq!(detail("no colon"), "no colon");
    }
}
