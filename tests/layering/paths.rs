//! Reads the paths that a Rust file names: a small lexer, good enough for `use` lines and inline paths.

/// A path that starts at the crate's root (`["crate", "domain", "row"]`) or at another crate (`["libsql", "params"]`),
/// and the line it stands in.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Separator,
    Other(char),
}

/// Every path in `text` with at least two segments; `crate`, `self` and `super` resolved from `module`.
pub fn named(module: &[&str], text: &str) -> Vec<Named> {
    let tokens = lex(text);
    let mut modules: Vec<Option<String>> = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].0 {
            Token::Other('{') => modules.push(opened_module(&tokens[..at])),
            Token::Other('}') => {
                modules.pop();
            }
            Token::Word(_) if tokens.get(at + 1).is_some_and(|next| next.0 == Token::Separator) => {
                let line = tokens[at].1;
                let (paths, next) = tree(&tokens, at);
                let inner: Vec<&str> = modules.iter().flatten().map(String::as_str).collect();
                let here: Vec<&str> = module.iter().chain(&inner).copied().collect();
                found.extend(paths.into_iter().map(|path| Named { path: resolve(&here, path), line }));
                at = next;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The macros (`println`) and functions called by their last name (`stdout`), with lines.
pub fn called(text: &str) -> Vec<(String, usize)> {
    let tokens = lex(text);
    let call = |pair: &[(Token, usize)]| match (&pair[0].0, &pair[1].0) {
        (Token::Word(word), Token::Other('!' | '(')) => Some((word.clone(), pair[0].1)),
        _ => None,
    };
    tokens.windows(2).filter_map(call).collect()
}

/// `mod name` right before a brace opens a module; every other brace opens none.
fn opened_module(before: &[(Token, usize)]) -> Option<String> {
    match before {
        [.., (Token::Word(keyword), _), (Token::Word(name), _)] if keyword == "mod" => Some(name.clone()),
        _ => None,
    }
}

/// Paths of a (nested) tree that starts at `at`, and the index of the token after it.
fn tree(tokens: &[(Token, usize)], mut at: usize) -> (Vec<Vec<String>>, usize) {
    let mut path = Vec::new();
    loop {
        match tokens.get(at).map(|token| &token.0) {
            Some(Token::Word(word)) => path.push(word.clone()),
            Some(Token::Other('*')) => path.push("*".to_owned()),
            Some(Token::Other('{')) => return branches(tokens, at, &path),
            _ => return (vec![path], at),
        }
        match tokens.get(at + 1).map(|token| &token.0) {
            Some(Token::Separator) => at += 2,
            _ => return (vec![path], at + 1),
        }
    }
}

fn branches(tokens: &[(Token, usize)], open: usize, stem: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut paths = Vec::new();
    let mut at = open + 1;
    loop {
        match tokens.get(at).map(|token| &token.0) {
            None => return (paths, at),
            Some(Token::Other('}')) => return (paths, at + 1),
            Some(Token::Word(word)) if word == "as" => at += 2,
            Some(Token::Word(_) | Token::Other('*' | '{')) => {
                let (found, next) = tree(tokens, at);
                paths.extend(found.into_iter().map(|rest| [stem, &rest].concat()));
                at = next.max(at + 1);
            }
            Some(_) => at += 1,
        }
    }
}

fn resolve(here: &[&str], path: Vec<String>) -> Vec<String> {
    let root = || "crate".to_owned();
    let own = |depth: usize| here[..depth].iter().map(|name| (*name).to_owned());
    let ups = path.iter().take_while(|segment| *segment == "super").count();
    match path[0].as_str() {
        "super" => {
            let base = here.len().saturating_sub(ups);
            std::iter::once(root()).chain(own(base)).chain(path[ups..].iter().cloned()).collect()
        }
        "self" => std::iter::once(root()).chain(own(here.len())).chain(path[1..].iter().cloned()).collect(),
        _ => path,
    }
}

/// Words and signs with their lines; comments, strings and characters are left out.
fn lex(text: &str) -> Vec<(Token, usize)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let word = rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
            let (token, length) = if word > 0 {
                (Token::Word(rest[..word].to_owned()), word)
            } else if rest.starts_with("::") {
                (Token::Separator, 2)
            } else {
                (Token::Other(first), first.len_utf8())
            };
            if !first.is_whitespace() {
                tokens.push((token, line));
            }
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Length of a comment, string or character literal at the start of `rest`.
fn skipped(rest: &str) -> Option<usize> {
    let until = |start: usize, end: &str| rest[start..].find(end).map_or(rest.len(), |at| start + at + end.len());
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(until(2, "*/"));
    }
    let raw = rest.trim_start_matches(['b', 'c']).strip_prefix('r').map(|raw| raw.trim_start_matches('#'));
    if let Some(raw) = raw.filter(|raw| raw.starts_with('"')) {
        let open = rest.len() - raw.len();
        let hashes = rest[..open].matches('#').count();
        return Some(until(open + 1, &format!("\"{}", "#".repeat(hashes))));
    }
    if rest.starts_with('"') || rest.starts_with("b\"") || rest.starts_with("c\"") {
        return Some(quoted(rest, '"'));
    }
    // 'a' and '\'' are characters, 'a alone is a lifetime.
    let mut chars = rest.chars();
    let character = chars.next() == Some('\'') && (chars.next() == Some('\\') || chars.next() == Some('\''));
    character.then(|| quoted(rest, '\''))
}

fn quoted(rest: &str, end: char) -> usize {
    let open = rest.find(end).map_or(0, |at| at + 1);
    let mut escaped = false;
    for (at, char) in rest[open..].char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == end => return open + at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn nested_uses_inline_paths_and_supers_are_found_and_comments_and_strings_are_not() {
    let text = r##"
        // use crate::comment::A;
        /* crate::comment::B */
        pub use crate::{a::{B, c::*}, d as e, self};
        pub(crate) fn f<'a>(x: &'a super::other::T) -> crate::g::H<'a> { let c = '{'; "crate::text::A"; r#"crate::raw::"B""#; }
        mod tests { use super::*; use super::super::up::X; }
        use self::own::Y;
    "##;
    let paths: Vec<String> = named(&["one", "two"], text).into_iter().map(|named| named.path.join("::")).collect();
    assert_eq!(
        paths,
        [
            "crate::a::B",
            "crate::a::c::*",
            "crate::d",
            "crate::self",
            "crate::one::other::T",
            "crate::g::H",
            "crate::one::two::*",
            "crate::one::up::X",
            "crate::one::two::own::Y",
        ]
    );
}
