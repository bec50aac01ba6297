//! `test`: the pipeline's own tests; reads only the pipeline file.

use serde_json::json;

use crate::error::Result;
use crate::pipeline::tests::{TestOutcome, run_tests};
use crate::report::text::{clean, clean_lines};

use super::App;
use super::args::PipelineArg;
use super::connect::load;
use super::exit::Exit;

/// Exit code 1 when a test fails.
pub fn test(app: &App, args: &PipelineArg) -> Result<Exit> {
    let pipeline = load(app, &args.file)?;
    let outcomes = run_tests(&pipeline, None);
    let passed = outcomes.iter().all(TestOutcome::passed);
    let tests: Vec<_> = outcomes.iter().map(document).collect();
    let file = args.file.display().to_string();
    app.output.answer(&json!({ "passed": passed, "tests": tests }), || text(&outcomes, &file))?;
    Ok(if passed { Exit::Clean } else { Exit::Failed })
}

fn document(outcome: &TestOutcome) -> serde_json::Value {
    json!({
        "name": outcome.name,
        "collection": outcome.collection,
        "line": outcome.line,
        "passed": outcome.passed(),
        "difference": outcome.difference,
    })
}

fn text(outcomes: &[TestOutcome], file: &str) -> String {
    if outcomes.is_empty() {
        return format!("{file} has no tests.\n");
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    let verdict = match failed {
        0 => format!("\n{} passed.\n", counted(outcomes.len())),
        failed => format!("\n{failed} of {} FAILED (- expected, + found).\n", counted(outcomes.len())),
    };
    outcomes.iter().map(|outcome| line(outcome, file)).collect::<String>() + &verdict
}

fn counted(number: usize) -> String {
    if number == 1 { "1 test".to_owned() } else { format!("{number} tests") }
}

/// One test; one that failed with its place and what differs.
fn line(outcome: &TestOutcome, file: &str) -> String {
    let name = clean(&outcome.name);
    let Some(difference) = &outcome.difference else { return format!("ok      {name}\n") };
    let place = outcome.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
    let difference = clean_lines(difference).replace('\n', "\n    ");
    format!("FAILED  {name} ({})\n  --> {place}\n    {difference}\n", clean(&outcome.collection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_shows_where_and_what_differs() {
        let outcome = |name: &str, difference: Option<&str>| TestOutcome {
            name: name.to_owned(),
            line: Some(12),
            collection: "users".to_owned(),
            difference: difference.map(str::to_owned),
        };
        let outcomes = [
            outcome("a user with a city", None),
            outcome("an e-mail is lowercased", Some("users[0].email\n- 'ada@b.c'\n+ 'Ada@b.c'")),
        ];
        insta::assert_snapshot!(text(&outcomes, "p.yaml"));
        assert_eq!(text(&outcomes[..1], "p.yaml"), "ok      a user with a city\n\n1 test passed.\n");
        assert_eq!(text(&[], "p.yaml"), "p.yaml has no tests.\n");
    }
}
