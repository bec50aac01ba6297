//! The examples of `deploy/` call the program as it is.

use crate::support::{Sandbox, repository};

/// The words of every call of the program in a file, whatever its syntax.
fn calls(text: &str) -> Vec<Vec<String>> {
    let plain = text.replace(['[', ']', ',', '"'], " ").replace("\n            - ", " ");
    let lines = plain.lines().filter_map(|line| {
        let (_, words) = line.split_once(" sync ")?;
        let words = words.split(['>', '&', '|']).next()?.split_whitespace();
        Some(words.map(str::to_owned).collect())
    });
    lines.collect()
}

#[test]
fn every_option_of_the_examples_is_one_of_sync() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["sync", "--help"]).exits(0).stdout;
    let mut options = 0;
    for name in ["fireferry.service", "crontab", "cronjob.yaml", "deployment.yaml", "github-actions.yml"] {
        let text = std::fs::read_to_string(repository("deploy").join(name)).unwrap();
        let calls = calls(&text);
        assert_eq!(calls.len(), 1, "{name}: {calls:?}");
        for option in calls[0].iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")), "{name}: {option}");
            options += 1;
        }
    }
    assert!(options > 10, "{options}");
}
