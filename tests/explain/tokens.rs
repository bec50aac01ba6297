//! A small lexer for Rust, good enough to find string literals in calls; tests in the source are left out.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

impl Token {
    pub fn is(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }

    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// A token and its line.
pub type Placed = (Token, usize);

/// The tokens of a file, without comments and without what stands behind `#[cfg(test)]`.
pub fn tokens(source: &str) -> Vec<Placed> {
    without_tests(lex(source))
}

fn lex(source: &str) -> Vec<Placed> {
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let start = at;
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => at = end_of_line(&chars, at),
            'r' if matches!(chars.get(at + 1), Some('"' | '#')) && raw_end(&chars, at).is_some() => {
                let (from, to, end) = raw_end(&chars, at).unwrap();
                found.push((Token::Text(chars[from..to].iter().collect()), line));
                at = end;
            }
            '"' => {
                at = text_end(&chars, at);
                found.push((Token::Text(chars[start + 1..at - 1].iter().collect()), line));
            }
            '\'' => at = quote_end(&chars, at),
            char if char.is_alphanumeric() || char == '_' => {
                while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                    at += 1;
                }
                found.push((Token::Word(chars[start..at].iter().collect()), line));
            }
            char => {
                if !char.is_whitespace() {
                    found.push((Token::Sign(char), line));
                }
                at += 1;
            }
        }
        line += chars[start..at].iter().filter(|char| **char == '\n').count();
    }
    found
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|char| *char == '\n').map_or(chars.len(), |length| at + length)
}

/// Behind the closing quote of the text that opens at `at`.
fn text_end(chars: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while chars[end] != '"' {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    end + 1
}

/// Content and end of `r#"…"#`.
fn raw_end(chars: &[char], at: usize) -> Option<(usize, usize, usize)> {
    let hashes = chars[at + 1..].iter().take_while(|char| **char == '#').count();
    let from = at + 1 + hashes;
    (chars.get(from) == Some(&'"')).then_some(())?;
    let closes = |end: &usize| chars[*end] == '"' && chars[end + 1..].iter().take(hashes).all(|char| *char == '#');
    let to = (from + 1..chars.len()).find(closes)?;
    Some((from + 1, to, to + 1 + hashes))
}

/// Behind a character in quotes, or behind the quote of a lifetime.
fn quote_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => chars[at + 3..].iter().position(|char| *char == '\'').map_or(at + 1, |end| at + 4 + end),
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// Leaves out the item behind each `#[cfg(test)]`.
fn without_tests(tokens: Vec<Placed>) -> Vec<Placed> {
    let marks = |window: &[Placed]| {
        let words: Vec<&str> = window.iter().filter_map(|(token, _)| token.word()).collect();
        window[0].0.is('#') && words == ["cfg", "test"]
    };
    let (mut out, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens.get(at..at + 7).is_some_and(marks) {
            at = item_end(&tokens, at + 7);
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
    }
    out
}

/// Behind the `;` or the closing brace that ends the item.
fn item_end(tokens: &[Placed], from: usize) -> usize {
    let mut depth = 0usize;
    for (index, (token, _)) in tokens.iter().enumerate().skip(from) {
        match token {
            Token::Sign('{' | '(' | '[') => depth += 1,
            Token::Sign('}') if depth == 1 => return index + 1,
            Token::Sign('}' | ')' | ']') => depth -= 1,
            Token::Sign(';') if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}
