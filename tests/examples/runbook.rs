//! The runbook's commands, run in their order.

use crate::support::Sandbox;

/// The commands of the shell blocks, each with the exit codes it may end with.
fn commands(text: &str) -> Vec<(Vec<String>, Vec<i32>)> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let command = |line: &str| {
        let (command, note) = line.split_once(" # exits ").unwrap_or((line, "0:"));
        let codes = note.split(':').next().unwrap().split(' ').map(|code| code.parse().unwrap()).collect();
        let words = command.strip_prefix("fireferry ").expect("only this program").split_whitespace();
        (words.map(str::to_owned).collect(), codes)
    };
    blocks.flat_map(str::lines).map(command).collect()
}

#[test]
fn every_command_of_the_runbook_does_what_it_says() {
    let text = std::fs::read_to_string(crate::support::repository("docs/runbook.md")).unwrap();
    let commands = commands(&text);
    assert!(commands.len() > 15, "{commands:?}");
    let sandbox = Sandbox::new();
    for folder in ["pipelines", "schemas", "fixtures"] {
        sandbox.bring(folder);
    }
    for (words, codes) in commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = sandbox.run(&words);
        assert!(codes.contains(&outcome.code), "{words:?}: {outcome:?}");
    }
}
