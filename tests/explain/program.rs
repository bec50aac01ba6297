//! `fireferry explain`, as a user sees it.

use fireferry::explain::all;

use crate::support::Sandbox;

#[test]
fn a_code_is_explained() {
    let sandbox = Sandbox::new();
    let explained = sandbox.run(&["explain", "destination_busy"]).exits(0);
    insta::assert_snapshot!(explained.seen());
    for typed in ["error[destination_busy]:", "Destination-Busy", " destination_busy "] {
        assert_eq!(sandbox.run(&["explain", typed]).exits(0).stdout, explained.stdout, "{typed}");
    }
    assert_eq!(sandbox.files().len(), 0, "nothing is left behind");
}

#[test]
fn an_error_and_a_reject_of_one_name_are_both_explained() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["explain", "duplicate_key"]).exits(0).seen());
    let both = sandbox.run(&["explain", "duplicate_key", "--json"]).exits(0).json();
    let families: Vec<_> = both["explanations"].as_array().unwrap().iter().map(|one| &one["family"]).collect();
    assert_eq!(families, ["the pipeline file", "rejects"]);
}

#[test]
fn without_a_code_all_are_listed() {
    let sandbox = Sandbox::new();
    let listed = sandbox.run(&["explain"]).exits(0).stdout;
    let document = sandbox.run(&["explain", "--json"]).exits(0).json();
    assert_eq!(document["explanations"].as_array().unwrap().len(), all().len());
    for entry in all() {
        let line = listed.lines().find(|line| line.trim_start().starts_with(&format!("{} ", entry.code)));
        assert!(line.is_some_and(|line| line.ends_with('.')), "{}", entry.code);
    }
    assert!(listed.starts_with("the command line:\n"), "{listed}");
    assert!(
        document["explanations"].as_array().unwrap().iter().all(|one| !one["why"].as_str().unwrap().contains('\n'))
    );
}

#[test]
fn an_unknown_code_is_an_error_that_names_the_nearest() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["explain", "destination_bussy"]).exits(2).seen());
    let nothing = sandbox.run(&["explain", "wholly_unlike_anything", "--json"]).exits(2).json();
    assert_eq!(nothing["error"]["code"], "code_unknown");
    assert_eq!(nothing["error"]["hint"], "`fireferry explain` lists all codes");
}

#[test]
fn the_code_of_every_error_that_is_shown_can_be_explained() {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", "version: 1\nname: a b\n");
    for arguments in [&["check", "p.yaml"][..], &["check", "missing.yaml"], &["runs", "show"], &["chek"]] {
        let failed = sandbox.run(arguments).exits(2);
        let code = failed.stderr.split_once("error[").unwrap().1.split(']').next().unwrap().to_owned();
        sandbox.run(&["explain", &code]).exits(0);
    }
}
