//! What the README says exists.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::program::root;

/// The lines of the README's shell blocks that call fireferry, without the program's name and comments.
fn calls(readme: &str) -> Vec<Vec<String>> {
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let inline = readme.split('`').filter(|text| text.starts_with("fireferry ") || text.starts_with("cargo run"));
    let lines = blocks.flat_map(str::lines).chain(inline);
    lines.filter_map(call).collect()
}

fn call(line: &str) -> Option<Vec<String>> {
    let line = line.split(" #").next()?.trim();
    let arguments = line.strip_prefix("fireferry ").or_else(|| line.strip_prefix("cargo run --release -- "))?;
    Some(arguments.split_whitespace().map(str::to_owned).collect())
}

/// The help of the verb that the arguments name.
fn help(arguments: &[String]) -> (String, bool) {
    let is_group = matches!(arguments[0].as_str(), "runs" | "backup" | "schema");
    let verb = &arguments[..if is_group { 2 } else { 1 }];
    let output = Command::new(env!("CARGO_BIN_EXE_fireferry")).args(verb).arg("--help").output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

#[test]
fn every_command_of_the_readme_exists_with_its_options() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let calls = calls(&readme);
    assert!(calls.len() > 15, "{calls:?}");
    for arguments in calls {
        let (help, success) = help(&arguments);
        assert!(success, "{arguments:?} is no command");
        for option in arguments.iter().filter(|argument| argument.starts_with("--")) {
            let option = option.split('=').next().unwrap();
            assert!(help.contains(option), "{arguments:?}: {option} is no option");
        }
    }
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut paths: BTreeSet<&str> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://"))
        .collect();
    let words = readme.split(|char: char| char.is_whitespace() || char == '`');
    let ours = ["pipelines/", "schemas/", "fixtures/", "scripts/", "benches/"];
    // The database appears with the first run.
    paths.extend(words.filter(|word| ours.iter().any(|folder| word.starts_with(folder)) && !word.ends_with(".db")));
    let missing: Vec<&str> = paths.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_two_commands_for_newcomers_are_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["cargo run --release -- run pipelines/classroom.yaml\n", "scripts/test\n"] {
        assert!(readme.contains(&format!("```sh\n{command}```")), "{command}");
    }
}
