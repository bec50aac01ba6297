//! `${VARIABLES}` in scalar values.
//!
//! Substitution happens in the tree, after parsing: whatever a variable holds, it stays one scalar. The written
//! text is kept beside the value, so that errors can show what the file says and never what the variable holds.

use super::decode::Problems;
use super::yaml::{Kind, Node};

/// Looks up a variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Substitutes in the whole tree. Unset variables and malformed references are added to `problems`, which also learns
/// what was substituted and hides it in every later message.
pub fn interpolate(node: &mut Node, env: Environment<'_>, problems: &mut Problems<'_>) {
    match &mut node.kind {
        Kind::Text(text) if text.contains("${") => match substitute(text, env) {
            Ok(value) => {
                problems.hide(node.mark, &value, text);
                node.written = Some(std::mem::replace(text, value));
            }
            Err(problem) => {
                problems.add_with_hint(problem.code, node.mark, problem.message, problem.hint);
                // Counts as not written, so that nothing later judges half a value.
                node.written = Some(std::mem::take(text));
            }
        },
        Kind::List(items) => items.iter_mut().for_each(|item| interpolate(item, env, problems)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| interpolate(value, env, problems)),
        _ => {}
    }
}

/// Why a text could not be substituted.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    code: &'static str,
    message: String,
    hint: String,
}

/// Replaces `${NAME}` and `${NAME:-default}`; `$${` stands for `${`.
fn substitute(text: &str, env: Environment<'_>) -> Result<String, Problem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let before = &rest[..start];
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(before);
        let body = &rest[start + 2..];
        let end = closing_brace(body).ok_or_else(|| malformed(&rest[start..], "the `}` is missing"))?;
        out.push_str(&reference(&body[..end], env)?);
        rest = &body[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The value of what stands between the braces.
fn reference(body: &str, env: Environment<'_>) -> Result<String, Problem> {
    let end = body.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(body.len());
    let (name, operator) = body.split_at(end);
    if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) {
        return Err(malformed(&format!("${{{body}}}"), "a name has ASCII letters, digits and `_`, and no digit first"));
    }
    let value = env(name);
    match (operator.strip_prefix(":-"), value) {
        (Some(default), None) => substitute(default, env),
        (Some(default), Some(value)) if value.is_empty() => substitute(default, env),
        (Some(_), Some(value)) => Ok(value),
        (None, _) if !operator.is_empty() => {
            Err(malformed(&format!("${{{body}}}"), "after the name only `:-` and a default may follow"))
        }
        (None, Some(value)) => Ok(value),
        (None, None) => Err(Problem {
            code: "unset_variable",
            message: format!("the environment variable `{name}` is not set"),
            hint: format!("set it, or give a default: `${{{name}:-default}}`"),
        }),
    }
}

/// Index of the brace that closes the reference, inner references left out.
fn closing_brace(body: &str) -> Option<usize> {
    let mut depth = 0;
    let mut previous = ' ';
    for (index, char) in body.char_indices() {
        match char {
            '{' if previous == '$' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
        previous = char;
    }
    None
}

fn malformed(reference: &str, why: &str) -> Problem {
    let shown: String = reference.chars().take(40).collect();
    Problem {
        code: "invalid_variable",
        message: format!("`{shown}` is not a variable: {why}"),
        hint: "write `${NAME}`, `${NAME:-default}`, or `$${` for a literal `${`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOME" => Some("/home/ada".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("}: ${HOME} \" # [".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_defaults_and_escapes_are_substituted() {
        for (text, value) in [
            ("${HOME}/db", "/home/ada/db"),
            ("${UNSET:-file:a.db}", "file:a.db"),
            ("${EMPTY:-file:a.db}", "file:a.db"),
            ("a${EMPTY}b", "ab"),
            ("${UNSET:-}", ""),
            ("${UNSET:-${HOME}/x}", "/home/ada/x"),
            ("$${HOME} costs $5 and $$6", "${HOME} costs $5 and $$6"),
            ("$id", "$id"),
        ] {
            assert_eq!(substitute(text, &env).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_a_variable_holds_is_not_substituted_again() {
        assert_eq!(substitute("${TRICKY}", &env).as_deref(), Ok("}: ${HOME} \" # ["));
    }

    #[test]
    fn unset_and_malformed_references_are_errors() {
        for (text, code) in [
            ("${UNSET}", "unset_variable"),
            ("${UNSET:-${ALSO_UNSET}}", "unset_variable"),
            ("${HOME", "invalid_variable"),
            ("${}", "invalid_variable"),
            ("${1A}", "invalid_variable"),
            ("${HOME:?message}", "invalid_variable"),
            ("${A B}", "invalid_variable"),
        ] {
            assert_eq!(substitute(text, &env).map_err(|problem| problem.code), Err(code), "{text}");
        }
    }
}
