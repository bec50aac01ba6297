//! Keeps secrets that somebody wrote into the pipeline file out of every snippet.
//!
//! Works on the text, not on the parsed file: a snippet of a syntax error needs it too.

/// The text with every literal token and every password of a URL replaced by `*`, character by character, so that
/// positions stay the same. `${VARIABLES}` stay readable: they are names, not values.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut token_block: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        match token_block {
            Some(parent) if indent > parent || line.trim().is_empty() => {
                push_masked(&mut out, line);
                continue;
            }
            _ => token_block = None,
        }
        let start = out.len();
        match token_value(line) {
            Some((from, to)) => {
                out.push_str(&line[..from]);
                push_masked(&mut out, &line[from..to]);
                out.push_str(&line[to..]);
                if line[from..].starts_with(['|', '>']) || line[from..].trim().is_empty() {
                    token_block = Some(indent);
                }
            }
            None => out.push_str(line),
        }
        let masked = mask_url_secrets(&out[start..]);
        out.replace_range(start.., &masked);
    }
    out
}

/// Byte range of the value after `auth_token:` in a line.
fn token_value(line: &str) -> Option<(usize, usize)> {
    let name = line.find("auth_token")?;
    let colon = name + line[name..].find(':')?;
    let from = colon + 1 + (line[colon + 1..].len() - line[colon + 1..].trim_start_matches(' ').len());
    let rest = &line[from..];
    let end = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map(|at| at + 2),
        _ => plain_end(rest),
    };
    Some((from, from + end.unwrap_or(rest.trim_end().len())))
}

/// Where a value without quotes ends in a flow map or at the end of the line; `${…}` is part of it.
fn plain_end(text: &str) -> Option<usize> {
    let mut inside = false;
    let mut previous = ' ';
    for (index, char) in text.char_indices() {
        match char {
            '{' if previous == '$' => inside = true,
            '}' if inside => inside = false,
            ',' | '}' if !inside => return Some(index),
            '\n' | '\r' => return Some(index),
            _ => {}
        }
        previous = char;
    }
    None
}

/// Appends the text with everything starred out but white space, quotes and `${…}`.
fn push_masked(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let end = rest[start..].find('}').map_or(rest.len(), |at| start + at + 1);
        out.extend(rest[..start].chars().map(star_of));
        out.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    out.extend(rest.chars().map(star_of));
}

fn star_of(char: char) -> char {
    if char.is_whitespace() || "\"'|>".contains(char) { char } else { '*' }
}

/// Stars out `user:password@` and `authToken=…` of URLs.
fn mask_url_secrets(line: &str) -> String {
    let mut line = line.to_owned();
    let mut at = 0;
    while let Some(found) = line[at..].find("://") {
        let start = at + found + 3;
        let end = start + line[start..].find(['/', '"', '\'', ' ', '?', ',', '\n']).unwrap_or(line[start..].len());
        if let Some(user) = line[start..end].rfind('@') {
            star(&mut line, start, start + user);
        }
        at = start;
    }
    for name in ["authToken=", "auth_token="] {
        if let Some(found) = line.find(name) {
            let start = found + name.len();
            let end = start + line[start..].find(['&', '"', '\'', ' ', ',', '}', '\n']).unwrap_or(line[start..].len());
            star(&mut line, start, end);
        }
    }
    line
}

fn star(line: &mut String, from: usize, to: usize) {
    if !line[from..to].contains("${") {
        let stars = "*".repeat(line[from..to].chars().count());
        line.replace_range(from..to, &stars);
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn literal_tokens_are_masked_wherever_they_stand() {
        for (text, masked) in [
            ("  auth_token: abc.def # mine", "  auth_token: ******* * ****"),
            ("d: { url: x, auth_token: \"ab,c\" }", "d: { url: x, auth_token: \"****\" }"),
            ("d: { auth_token: abc, url: x }", "d: { auth_token: ***, url: x }"),
            ("auth_token: abc${X}def", "auth_token: ***${X}***"),
            ("auth_token: >-\n  abc\nname: x", "auth_token: >*\n  ***\nname: x"),
            ("auth_token:\n  abc\nname: x", "auth_token:\n  ***\nname: x"),
            ("url: https://me:pw@host/db", "url: https://*****@host/db"),
            ("url: libsql://h?authToken=abc&x=1", "url: libsql://h?authToken=***&x=1"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn variables_and_everything_else_stay_readable() {
        for text in [
            "auth_token: ${TOKEN:-}",
            "auth_token: ${TOKEN}\n",
            "d: { auth_token: \"${TOKEN:-}\" }\n",
            "url: https://${USER}@host/db\n",
            "name: x\r\ncolumns: { id: $id }\n",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
