//! Mistakes on the command line, told like every other error.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapKind};

use crate::error::{Error, ErrorKind};

use super::args::Cli;

/// What became of arguments that are no command.
pub enum Misparse {
    /// `--help` or `--version`: text for stdout.
    Asked(String),
    /// No verb: help for stderr, and a usage error.
    Nothing(String, Error),
    /// A mistake.
    Wrong(Error),
}

/// Makes sense of what clap refused.
pub fn explain(error: &clap::Error, arguments: &[OsString]) -> Misparse {
    let text = error.render().to_string();
    match error.kind() {
        ClapKind::DisplayHelp | ClapKind::DisplayVersion => Misparse::Asked(text),
        ClapKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let nothing = Error::new(ErrorKind::Usage, "verb_missing", "no verb was given")
                .hint("`fireferry --help` lists the verbs");
            Misparse::Nothing(text, nothing)
        }
        kind => Misparse::Wrong(
            Error::new(ErrorKind::Usage, code(kind), message(&text)).hint(hint(error, &text, arguments)),
        ),
    }
}

const fn code(kind: ClapKind) -> &'static str {
    match kind {
        ClapKind::InvalidSubcommand => "verb_unknown",
        ClapKind::UnknownArgument => "option_unknown",
        ClapKind::InvalidValue | ClapKind::ValueValidation | ClapKind::InvalidUtf8 => "value_invalid",
        ClapKind::ArgumentConflict => "options_conflict",
        ClapKind::MissingRequiredArgument | ClapKind::MissingSubcommand => "argument_missing",
        _ => "usage",
    }
}

/// clap's message: all lines before the first blank one, as one line.
fn message(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}

/// clap's tips, the usage line, and where to read more.
fn hint(error: &clap::Error, text: &str, arguments: &[OsString]) -> String {
    let mut hints: Vec<String> = Vec::new();
    let suggested = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    for value in suggested.into_iter().filter_map(|kind| error.get(kind)) {
        match value {
            ContextValue::String(name) => hints.push(format!("did you mean `{name}`?")),
            ContextValue::Strings(names) if !names.is_empty() => {
                // clap puts the most similar one last.
                let names: Vec<&str> = names.iter().rev().map(String::as_str).collect();
                hints.push(format!("did you mean `{}`?", names.join("` or `")));
            }
            _ => {}
        }
    }
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    if let Some(usage) = usage.filter(|_| hints.is_empty()) {
        hints.push(format!("usage: {usage}"));
    }
    hints.push(format!("`{} --help` says more", verb_of(arguments)));
    hints.join("\n")
}

/// `fireferry backup list`, as far as the arguments name verbs that exist.
fn verb_of(arguments: &[OsString]) -> String {
    let mut command = Cli::command();
    let mut path = command.get_name().to_owned();
    for word in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(found) = command.find_subcommand(word).cloned() {
            path = format!("{path} {word}");
            command = found;
        }
    }
    path
}

/// Whether the user wants JSON, also when the arguments make no sense otherwise.
pub fn wants_json(arguments: &[OsString]) -> bool {
    let before_end = arguments.iter().take_while(|argument| *argument != "--");
    let asked = before_end.into_iter().any(|argument| argument == "--json");
    asked || std::env::var("FIREFERRY_JSON").is_ok_and(|value| matches!(value.as_str(), "1" | "true" | "yes" | "on"))
}
