//! The findings of preflight.

use std::fmt::Write;

use super::format::clean;
use crate::report::finding::{CheckReport, Finding, Severity};

/// All findings, the worst first, each with what to do, and the verdict at the end.
pub fn check(report: &CheckReport) -> String {
    let mut findings: Vec<&Finding> = report.issues.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut text = String::new();
    for finding in findings {
        let _ = writeln!(text, "{}[{}]: {}", severity(finding.severity), finding.code, clean(&finding.message));
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "  hint: {}", clean(hint));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text + &verdict(report) + "\n"
}

/// A severity in one word.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn verdict(report: &CheckReport) -> String {
    let number = |wanted: Severity| report.issues.iter().filter(|finding| finding.severity == wanted).count();
    let warnings = match number(Severity::Warning) {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        many => format!(", {many} warnings"),
    };
    match (report.safe, number(Severity::Error)) {
        (true, _) => format!("Safe to run{warnings}."),
        (false, 1) => format!("Not safe to run: 1 error{warnings}."),
        (false, many) => format!("Not safe to run: {many} errors{warnings}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_comes_first_and_the_verdict_last() {
        let report = CheckReport {
            safe: false,
            issues: vec![
                Finding::new(Severity::Info, "trigger", "users has the trigger audit"),
                Finding::new(Severity::Warning, "index_missing", "submissions.user_id has no index")
                    .hint("CREATE INDEX submissions_user ON submissions(user_id)"),
                Finding::new(Severity::Error, "table_missing", "there is no table users")
                    .hint("fireferry schema up p.yaml"),
            ],
        };
        insta::assert_snapshot!(check(&report));
    }

    #[test]
    fn nothing_found_is_safe() {
        assert_eq!(check(&CheckReport { safe: true, issues: Vec::new() }), "Safe to run.\n");
    }
}
