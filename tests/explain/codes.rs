//! Which codes the source can produce, read from the source itself.
//!
//! A code is a literal in the place of a parameter named `code` (of `Error::new`, `Finding::new`, and of every helper
//! function or closure that has such a parameter), a field `code: "…"`, or a `const CODE`. Where `Error::new` gets a
//! code from a table beside it, the literals of that function count that stand where a code can stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fireferry::domain::reject::RejectCode;
use fireferry::explain::{REJECTS, all};

use super::tokens::{Placed, Token, tokens};
use crate::support::repository;

/// Helpers with a parameter `code`, and which one it is.
type Helpers = BTreeMap<String, BTreeSet<usize>>;

/// Codes, each with the first place that produces it.
type Codes = BTreeMap<String, String>;

#[test]
fn every_code_is_explained_and_every_explanation_has_its_code() {
    let (codes, unread) = produced(&files());
    assert!(unread.is_empty(), "the code cannot be read from the source here:\n{}\n", unread.join("\n"));
    assert!(codes.len() > 200, "{}", codes.len());
    let explained = |rejects: bool| all().iter().filter(move |entry| (entry.family == REJECTS) == rejects);
    let known: BTreeSet<&str> = explained(false).map(|entry| entry.code).collect();
    let missing: Vec<String> = codes
        .iter()
        .filter(|(code, _)| !known.contains(code.as_str()))
        .map(|(code, place)| format!("{place}: {code}"))
        .collect();
    assert!(missing.is_empty(), "add to src/explain/:\n{}\n", missing.join("\n"));
    let unknown: Vec<&str> = known.into_iter().filter(|code| !codes.contains_key(*code)).collect();
    assert!(unknown.is_empty(), "explained, but produced nowhere: {}", unknown.join(", "));
    let rejects: BTreeSet<&str> = explained(true).map(|entry| entry.code).collect();
    let produced: BTreeSet<&str> = RejectCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(rejects, produced, "src/explain/rejects.md and RejectCode");
}

#[test]
fn codes_are_found_wherever_they_can_stand() {
    let text = r#"
        fn plain() { Error::new(ErrorKind::Usage, "in_new", "x"); Finding::new(Severity::Info, "in_finding", "y") }
        fn helper(place: &Path, code: &'static str) -> Error { Error::new(ErrorKind::Usage, code, "x") }
        fn caller() { helper(at(1, 2), "in_helper"); let made = |code, what: &str| f(code); made("in_closure", "a b") }
        fn table() { let (kind, code) = match x { 1 => (A, "in_table", "what") }; Error::new(kind, code, "x") }
        fn arms(kind: K) -> &'static str { match kind { A => "in_arm", _ => "other_arm" } }
        fn by_call() { Error::new(ErrorKind::Usage, arms(kind), "x") }
        fn helped() { let (code, hint) = if x { ("for_helper", y) } else { z }; helper(place, code) }
        fn named() { Error::new(ErrorKind::Usage, NAMED, "x") }
        const NAMED: &str = "in_const"; const CODE: Code = "in_choice";
        fn field() { Problem { code: "in_field", message } } // Error::new(x, "in_comment", "y")
        fn foreign() { std::io::Error::new(kind, "some words"); let code: RejectCode = x; }
        #[cfg(test)] mod tests { fn t() { Error::new(ErrorKind::Usage, "in_test", "x"); } }
    "#;
    let (codes, unread) = produced(&[("a.rs".to_owned(), tokens(text))]);
    let expected =
        "for_helper in_arm in_choice in_closure in_const in_field in_finding in_helper in_new in_table other_arm";
    assert_eq!(codes.keys().cloned().collect::<Vec<_>>().join(" "), expected);
    assert_eq!((codes["in_new"].as_str(), unread.len()), ("a.rs:2", 0));
    let (_, unread) = produced(&[("b.rs".to_owned(), tokens("fn f() { Error::new(kind, made_up(), \"x\") }"))]);
    assert_eq!(unread, ["b.rs:1"]);
}

fn files() -> Vec<(String, Vec<Placed>)> {
    let mut found = Vec::new();
    let mut folders = vec![repository("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let name = path.strip_prefix(repository("")).unwrap().display().to_string();
                found.push((name, tokens(&fs::read_to_string(&path).unwrap())));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// `tests.rs` of a module that says `#[cfg(test)] mod tests;`.
fn is_test(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let parents: [PathBuf; 2] = [folder.join("mod.rs"), folder.with_extension("rs")];
    let declares =
        |parent: &PathBuf| fs::read_to_string(parent).is_ok_and(|text| text.contains("#[cfg(test)]\nmod tests;"));
    path.ends_with("tests.rs") && parents.iter().any(declares)
}

/// All codes, and the places where one cannot be read.
fn produced(files: &[(String, Vec<Placed>)]) -> (Codes, Vec<String>) {
    let (mut codes, mut unread) = (Codes::new(), Vec::new());
    let shared: Helpers = files.iter().fold(Helpers::new(), |mut all, (_, tokens)| {
        functions(tokens, &mut all);
        all
    });
    let constants: BTreeMap<&str, &Placed> = files.iter().flat_map(|(_, tokens)| constants(tokens)).collect();
    for (name, tokens) in files {
        let mut add = |(token, line): &Placed| match token {
            Token::Text(text) if is_code(text) => drop(codes.entry(text.clone()).or_insert(format!("{name}:{line}"))),
            _ => {}
        };
        let mut helpers = shared.clone();
        closures(tokens, &mut helpers);
        for window in tokens.windows(3).filter(|window| window[0].0.word() == Some("code") && window[1].0.is(':')) {
            add(&window[2]);
        }
        constants_named_code(tokens).for_each(&mut add);
        for (at, arguments) in calls(tokens) {
            let callee = tokens[at].0.word().unwrap();
            let of_new =
                callee == "new" && made_by(tokens, at).is_some_and(|kind| ["Error", "Finding"].contains(&kind));
            let places: Vec<usize> = match helpers.get(callee) {
                Some(places) if callee != "new" => places.iter().copied().collect(),
                _ if of_new => vec![1],
                _ => continue,
            };
            for argument in places.iter().filter_map(|place| arguments.get(*place)).filter(|_| arguments.len() > 1) {
                if let [only] = argument
                    && matches!(only.0, Token::Text(_))
                {
                    add(only);
                } else if (of_new || is_word(argument, "code")) && !passed_on(tokens, at, argument, &helpers) {
                    let beside = elsewhere(tokens, at, argument, &constants);
                    if of_new && beside.is_empty() {
                        unread.push(format!("{name}:{}", tokens[at].1));
                    }
                    beside.into_iter().for_each(&mut add);
                }
            }
        }
    }
    (codes, unread)
}

fn is_code(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_lowercase())
        && text.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
}

/// Indexes of the names of calls, with their arguments.
fn calls(tokens: &[Placed]) -> Vec<(usize, Vec<&[Placed]>)> {
    let is_call = |at: &usize| {
        let defined = *at > 0 && tokens[at - 1].0.word() == Some("fn");
        tokens[*at].0.word().is_some() && tokens.get(at + 1).is_some_and(|next| next.0.is('(')) && !defined
    };
    (0..tokens.len()).filter(is_call).map(|at| (at, arguments(tokens, at + 1))).collect()
}

/// What stands between the commas of the brackets that open at `open`.
fn arguments(tokens: &[Placed], open: usize) -> Vec<&[Placed]> {
    let (mut depth, mut start, mut found) = (0usize, open + 1, Vec::new());
    for (at, (token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            Token::Sign(',') if depth == 1 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            found.push(&tokens[start..at]);
            break;
        }
    }
    found.retain(|argument| !argument.is_empty());
    found
}

/// `Error` of `Error::new`, but not of `io::Error::new`.
fn made_by(tokens: &[Placed], at: usize) -> Option<&str> {
    let path = tokens.get(at.checked_sub(3)?..at)?;
    let foreign = at >= 4 && tokens[at - 4].0.is(':');
    (path[1].0.is(':') && path[2].0.is(':') && !foreign).then(|| path[0].0.word()).flatten()
}

/// Whether a parameter is `code: &'static str`, `code: Code` or just `code`.
fn takes_code(parameter: &[Placed]) -> bool {
    let words: Vec<&str> = parameter.iter().filter_map(|(token, _)| token.word()).collect();
    matches!(words.as_slice(), ["code"] | ["code", "Code"] | ["code", "static", "str"] | ["code", "str"])
}

fn functions(tokens: &[Placed], helpers: &mut Helpers) {
    for at in (0..tokens.len()).filter(|at| tokens[*at].0.word() == Some("fn")) {
        let Some(name) = tokens.get(at + 1).and_then(|(token, _)| token.word()) else { continue };
        let Some(open) = (at..tokens.len()).find(|at| tokens[*at].0.is('(')) else { continue };
        let own = |parameter: &&[Placed]| parameter.iter().all(|(token, _)| token.word() != Some("self"));
        let parameters = arguments(tokens, open).into_iter().filter(own).enumerate();
        for (place, _) in parameters.filter(|(_, parameter)| takes_code(parameter)) {
            helpers.entry(name.to_owned()).or_default().insert(place);
        }
    }
}

/// `let failed = |code, what: &str| …`
fn closures(tokens: &[Placed], helpers: &mut Helpers) {
    for at in (0..tokens.len()).filter(|at| tokens[*at].0.word() == Some("let")) {
        let [(Token::Word(name), _), (Token::Sign('='), _), (Token::Sign('|'), _), rest @ ..] = &tokens[at + 1..]
        else {
            continue;
        };
        let Some(end) = rest.iter().position(|(token, _)| token.is('|')) else { continue };
        for (place, _) in rest[..end].split(|(token, _)| token.is(',')).enumerate().filter(|(_, one)| takes_code(one)) {
            helpers.entry(name.clone()).or_default().insert(place);
        }
    }
}

fn is_word(argument: &[Placed], word: &str) -> bool {
    matches!(argument, [(Token::Word(own), _)] if own == word)
}

/// Whether the code comes from somebody who counts already: the parameter of a helper, a field, a constant of a type.
fn passed_on(tokens: &[Placed], at: usize, argument: &[Placed], helpers: &Helpers) -> bool {
    let copied =
        argument.len() > 1 && argument.last().is_some_and(|(token, _)| matches!(token.word(), Some("code" | "CODE")));
    let function = function_around(tokens, at);
    let by_name =
        tokens.get(function + 1).and_then(|(token, _)| token.word()).is_some_and(|name| helpers.contains_key(name));
    let in_closure = tokens[function..at].windows(2).any(|pair| pair[0].0.is('|') && pair[1].0.word() == Some("code"));
    copied || (is_word(argument, "code") && (by_name || in_closure))
}

/// Literals that the code may come from: a constant, the arms of a function, a table in the same function.
fn elsewhere<'t>(
    tokens: &'t [Placed],
    at: usize,
    argument: &[Placed],
    constants: &BTreeMap<&str, &'t Placed>,
) -> Vec<&'t Placed> {
    match argument {
        [(Token::Word(name), _)] if name == "code" => literals(&tokens[function_around(tokens, at)..at]),
        [(Token::Word(name), _)] => constants.get(name.as_str()).into_iter().copied().collect(),
        [(Token::Word(name), _), (Token::Sign('('), _), ..] => {
            let named = |at: &usize| tokens[*at].0.word() == Some("fn") && tokens[at + 1].0.word() == Some(name);
            let Some(start) = (0..tokens.len() - 1).find(named) else { return Vec::new() };
            let end = (start + 1..tokens.len()).find(|at| tokens[*at].0.word() == Some("fn")).unwrap_or(tokens.len());
            literals(&tokens[start..end])
        }
        _ => Vec::new(),
    }
}

fn function_around(tokens: &[Placed], at: usize) -> usize {
    (0..at).rev().find(|at| tokens[*at].0.word() == Some("fn")).unwrap_or(0)
}

/// Literals that look like a code, behind `(`, `,` or `=>`, before `,` or a closing brace.
fn literals(tokens: &[Placed]) -> Vec<&Placed> {
    let stands = |window: &[Placed]| {
        matches!(window[0].0, Token::Sign('(' | ',' | '>')) && matches!(window[2].0, Token::Sign(',' | '}'))
    };
    let coded = |placed: &&Placed| matches!(&placed.0, Token::Text(text) if is_code(text));
    tokens.windows(3).filter(|window| stands(window)).map(|window| &window[1]).filter(coded).collect()
}

/// `const NAME: … = "…"`
fn constants(tokens: &[Placed]) -> Vec<(&str, &Placed)> {
    let starts = (0..tokens.len().saturating_sub(1)).filter(|at| tokens[*at].0.word() == Some("const"));
    let value = |at: usize| {
        let equals = (at..(at + 10).min(tokens.len())).find(|at| tokens[*at].0.is('='))?;
        Some((tokens[at + 1].0.word()?, tokens.get(equals + 1)?))
    };
    starts.filter_map(value).filter(|(_, (token, _))| matches!(token, Token::Text(_))).collect()
}

fn constants_named_code(tokens: &[Placed]) -> impl Iterator<Item = &Placed> {
    constants(tokens).into_iter().filter(|(name, _)| *name == "CODE").map(|(_, value)| value)
}
