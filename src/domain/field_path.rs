//! Paths to fields inside a document: `profile.city`, with backticks around segments that hold dots or start with `$`.

use std::fmt;

use super::value::{Map, Value};

/// A path of one or more field names; empty only as the rest of `$item`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Parses `a.b`, `` `a.b`.c `` (backticks quote a segment; a backslash escapes a backtick or itself in it).
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let (segment, after) = if rest.starts_with('`') { quoted(rest)? } else { plain(rest) };
            if segment.is_empty() {
                return Err(format!("field path `{text}` has an empty segment"));
            }
            segments.push(segment);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(Self(segments)),
                None => {
                    return Err(format!("field path `{text}`: expected `.` before `{after}`"));
                }
            }
        }
    }

    /// The empty path: the value itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The segments.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The value at this path below a map; `None` when missing. The empty path has no value in a map.
    pub fn get<'a>(&self, map: &'a Map) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(map.get(first)?, |value, name| match value {
            Value::Map(inner) => inner.get(name),
            _ => None,
        })
    }

    /// The value at this path below a value; the empty path gives the value itself.
    pub fn get_in<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, |value, name| match value {
            Value::Map(inner) => inner.get(name),
            _ => None,
        })
    }
}

fn plain(text: &str) -> (String, &str) {
    let end = text.find('.').unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut segment = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((index, char)) = chars.next() {
        match char {
            '\\' => segment.extend(chars.next().map(|(_, escaped)| escaped)),
            '`' => return Ok((segment, &text[index + 1..])),
            other => segment.push(other),
        }
    }
    Err(format!("field path `{text}`: the backtick is not closed"))
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            if segment.contains(['.', '`', '\\']) || segment.starts_with('$') {
                let escaped = segment.replace('\\', "\\\\").replace('`', "\\`");
                write!(f, "{dot}`{escaped}`")?;
            } else {
                write!(f, "{dot}{segment}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_survives_its_text() {
        for text in ["a", "a.b.c", "`a.b`.c", "`$id`", "`a\\`b\\\\`", "ключ.😀", "`$item`.x"] {
            assert_eq!(FieldPath::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(FieldPath::parse("`a.b`.c").unwrap().segments(), ["a.b", "c"]);
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "`a", "``", "`a`b", "`a\\`"] {
            assert!(FieldPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_maps_are_walked() {
        let inner: Map = [("b".to_owned(), Value::Integer(1))].into_iter().collect();
        let map: Map =
            [("a".to_owned(), Value::Map(inner.clone())), ("n".to_owned(), Value::Null)].into_iter().collect();
        assert_eq!(FieldPath::parse("a.b").unwrap().get(&map), Some(&Value::Integer(1)));
        assert_eq!(FieldPath::parse("n.b").unwrap().get(&map), None);
        assert_eq!(FieldPath::root().get(&map), None);
        assert_eq!(FieldPath::root().get_in(&Value::Map(inner.clone())), Some(&Value::Map(inner)));
    }
}
