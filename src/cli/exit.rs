//! Exit codes: one pure table.

use crate::error::{Error, ErrorKind};
use crate::report::run::{RunReport, Status};

/// What the exit code of the process says. The order of the numbers is not the order of importance:
/// see [`Exit::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything is as asked.
    Clean = 0,
    /// Something failed.
    Failed = 1,
    /// The command line or the pipeline is wrong.
    Usage = 2,
    /// A check refused, or another process holds the lease.
    Refused = 3,
    /// Finished; some documents were rejected.
    Rejects = 4,
    /// Counts or contents differ.
    Differences = 5,
    /// Interrupted; resumable.
    Interrupted = 6,
    /// A limit was reached; resumable.
    Budget = 7,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The one that counts when several hold: 1 before 7, 6, 5, 4; what prevented the work comes first.
    pub fn of(found: impl IntoIterator<Item = Self>) -> Self {
        const ORDER: [Exit; 7] = [
            Exit::Usage,
            Exit::Refused,
            Exit::Failed,
            Exit::Budget,
            Exit::Interrupted,
            Exit::Differences,
            Exit::Rejects,
        ];
        let found: Vec<Self> = found.into_iter().collect();
        ORDER.into_iter().find(|exit| found.contains(exit)).unwrap_or(Self::Clean)
    }

    /// For an error that ended everything.
    pub const fn of_error(error: ErrorKind) -> Self {
        match error {
            ErrorKind::Usage | ErrorKind::Config => Self::Usage,
            ErrorKind::Preflight | ErrorKind::LeaseHeld => Self::Refused,
            ErrorKind::Interrupted => Self::Interrupted,
            ErrorKind::Budget => Self::Budget,
            ErrorKind::Source
            | ErrorKind::Destination
            | ErrorKind::Transient
            | ErrorKind::Unknown
            | ErrorKind::Ledger
            | ErrorKind::Internal => Self::Failed,
        }
    }

    /// For a run that told what happened.
    pub fn of_report(report: &RunReport) -> Self {
        let status = match report.status {
            Status::Completed => Self::Clean,
            Status::CompletedWithRejects => Self::Rejects,
            Status::CompletedWithDifferences => Self::Differences,
            Status::Interrupted => Self::Interrupted,
            Status::BudgetReached => Self::Budget,
            // A report of a run that is still going on says that its process ended too early.
            // What it was to do, it did not.
            Status::RolledBack | Status::Failed | Status::Starting | Status::Running | Status::Verifying => {
                Self::Failed
            }
        };
        let invalid = report.collections.iter().any(|row| row.validation.as_ref().is_some_and(|found| !found.valid));
        Self::of([
            status,
            if report.error.is_some() && status == Self::Clean { Self::Failed } else { Self::Clean },
            if invalid { Self::Differences } else { Self::Clean },
            if report.total_rejects > 0 { Self::Rejects } else { Self::Clean },
        ])
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        Self::of_error(error.kind())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::report::run::samples_for_tests::{dirty, empty};

    #[test]
    fn several_at_once_give_one_before_seven_six_five_four() {
        use Exit::{Budget, Clean, Differences, Failed, Interrupted, Rejects};
        let order = [Failed, Budget, Interrupted, Differences, Rejects, Clean];
        for (index, first) in order.iter().enumerate() {
            for other in &order[index..] {
                assert_eq!(Exit::of([*other, *first]), *first);
                assert_eq!(Exit::of([*first, *other]), *first);
            }
        }
        assert_eq!(Exit::of([]), Clean);
    }

    #[test]
    fn every_status_has_its_code() {
        let code = |status| {
            let mut report = empty();
            report.status = status;
            Exit::of_report(&report).code()
        };
        assert_eq!(code(Status::Completed), 0);
        assert_eq!(code(Status::Failed), 1);
        assert_eq!(code(Status::CompletedWithRejects), 4);
        assert_eq!(code(Status::CompletedWithDifferences), 5);
        assert_eq!(code(Status::Interrupted), 6);
        assert_eq!(code(Status::BudgetReached), 7);
        assert_eq!(code(Status::Running), 1, "work cut short is never 0");
    }

    #[test]
    fn rejects_do_not_hide_worse_and_are_never_hidden() {
        let mut report = dirty();
        assert_eq!(Exit::of_report(&report), Exit::Rejects);
        report.status = Status::Completed;
        assert_eq!(Exit::of_report(&report), Exit::Rejects);
        report.status = Status::Interrupted;
        assert_eq!(Exit::of_report(&report), Exit::Interrupted);
        report.status = Status::CompletedWithRejects;
        report.collections[0].validation.as_mut().unwrap().valid = false;
        assert_eq!(Exit::of_report(&report), Exit::Differences);
    }

    #[test]
    fn errors_have_their_codes() {
        let codes = [
            (ErrorKind::Usage, 2),
            (ErrorKind::Config, 2),
            (ErrorKind::Preflight, 3),
            (ErrorKind::LeaseHeld, 3),
            (ErrorKind::Source, 1),
            (ErrorKind::Destination, 1),
            (ErrorKind::Transient, 1),
            (ErrorKind::Unknown, 1),
            (ErrorKind::Interrupted, 6),
            (ErrorKind::Budget, 7),
            (ErrorKind::Ledger, 1),
            (ErrorKind::Internal, 1),
        ];
        for (kind, code) in codes {
            assert_eq!(Exit::of_error(kind).code(), code, "{kind:?}");
        }
    }
}
