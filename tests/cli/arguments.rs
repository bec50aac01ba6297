//! Help, versions and mistakes.

use crate::support::Sandbox;

#[test]
fn help_lists_the_verbs_and_the_exit_codes() {
    insta::assert_snapshot!(Sandbox::new().run(&["--help"]).exits(0).seen());
}

#[test]
fn no_arguments_show_the_help_and_are_a_usage_error() {
    let outcome = Sandbox::new().run(&[]).exits(2);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("Usage: fireferry"), "{}", outcome.stderr);
}

#[test]
fn the_version_is_one_line() {
    let outcome = Sandbox::new().run(&["--version"]).exits(0);
    assert_eq!(outcome.stdout, format!("fireferry {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_of_every_verb_says_what_it_changes() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("help_run", sandbox.run(&["run", "--help"]).exits(0).seen());
    let verbs: &[&[&str]] = &[
        &["check"],
        &["test"],
        &["plan"],
        &["verify"],
        &["backup", "create"],
        &["backup", "list"],
        &["backup", "restore"],
        &["schema", "new"],
        &["schema", "up"],
        &["schema", "down"],
        &["schema", "validate"],
        &["schema", "test"],
        &["schema", "adopt"],
        &["schema", "status"],
        &["clear"],
        &["stats"],
        &["export"],
        &["runs", "list"],
        &["runs", "show"],
        &["runs", "logs"],
        &["runs", "rejects"],
        &["runs", "cancel"],
        &["pipeline-schema"],
        &["explain"],
    ];
    let mut seen = String::new();
    for verb in verbs {
        let help = sandbox.run(&[verb, &["--help"][..]].concat()).exits(0).stdout;
        let (about, rest) = help.split_once("\n\n").unwrap();
        let (own, global) = rest.split_once("Global options:").unwrap();
        assert!(global.contains("FIREFERRY_STATE_DIR"));
        seen.push_str(&format!("{}: {about}\n\n{own}\n", verb.join(" ")));
    }
    insta::assert_snapshot!("help_verbs", seen);
}

#[test]
fn mistakes_name_what_was_meant() {
    let sandbox = Sandbox::new();
    let mistakes: &[&[&str]] = &[
        &["chek", "p.yaml"],
        &["mirror", "p.yaml"],
        &["run", "p.yaml", "--dry-rum"],
        &["run"],
        &["run", "p.yaml", "--max-time", "soon"],
        &["run", "p.yaml", "--max-rejects", "101%"],
        &["run", "p.yaml", "--only", "users/alice"],
        &["run", "p.yaml", "--on-conflict", "keep_newest"],
        &["run", "p.yaml", "--dry-run", "--resume"],
        &["backup"],
        &["runs", "show", "--format", "xml"],
        &["check", "p.yaml", "-v", "-q"],
        &["runs", "list", "--ledger", "libsql://host"],
    ];
    let mut seen = String::new();
    for arguments in mistakes {
        let outcome = sandbox.run(arguments).exits(2);
        assert_eq!(outcome.stdout, "");
        seen.push_str(&format!("$ fireferry {}\n{}\n", arguments.join(" "), outcome.stderr));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn with_json_a_mistake_is_one_document_on_stdout_and_nothing_else() {
    let sandbox = Sandbox::new();
    for arguments in [&["--json", "chek"][..], &["run", "--json"]] {
        let outcome = sandbox.run(arguments).exits(2);
        assert_eq!(outcome.json()["error"]["exit_code"], 2);
        assert_eq!(outcome.stderr, "");
    }
    let outcome = sandbox.run_with(&["chek"], &[("FIREFERRY_JSON", "1")]).exits(2);
    assert_eq!(outcome.json()["error"]["code"], "verb_unknown");
    insta::assert_snapshot!(sandbox.run(&["--json", "chek"]).seen());
}

#[test]
fn options_come_from_the_environment_too() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run_with(&["runs", "list"], &[("FIREFERRY_JSON", "true"), ("FIREFERRY_YES", "0")]).exits(0);
    assert_eq!(outcome.json()["runs"], serde_json::json!([]));
    let outcome = sandbox.run_with(&["runs", "list"], &[("FIREFERRY_PROGRESS", "sometimes")]).exits(2);
    assert!(outcome.stderr.contains("sometimes"), "{}", outcome.stderr);
}

#[test]
fn secrets_in_overrides_are_never_repeated() {
    let sandbox = Sandbox::new();
    let url = "libsql://me:passw0rd@host/db?authToken=t0kent0ken";
    for arguments in [&["check", "missing.yaml"][..], &["--help"], &["chek"], &["run"]] {
        for json in ["0", "1"] {
            let environment = [("FIREFERRY_DESTINATION", url), ("FIREFERRY_LEDGER", url), ("FIREFERRY_JSON", json)];
            let outcome = sandbox.run_with(arguments, &environment);
            for secret in ["passw0rd", "t0kent0ken"] {
                assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
            }
        }
    }
}
