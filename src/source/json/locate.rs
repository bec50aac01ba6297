//! Finding out which document a record is, without decoding it and even if it is damaged further on.

use super::parser::{Fault, Parsed, Parser};
use super::rest::split_name;
use super::shape::Shape;
use super::value::is_document_path;

/// Where a record says that it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Located {
    /// The path of a document.
    Path(String),
    /// Something that should be the path of a document and is none.
    Invalid(String),
    /// It does not say.
    Unknown,
    /// It is no document and does not claim to be one (the end of a `runQuery` answer).
    Nothing,
}

/// Looks into a record of a shape whose records carry their paths.
pub(super) fn locate(shape: Shape, raw: &[u8]) -> Located {
    match shape {
        Shape::FirestoreBackfire => match text_member(raw, &["path"]) {
            Some(path) if is_document_path(&path) => Located::Path(path),
            Some(path) => Located::Invalid(path),
            None => Located::Unknown,
        },
        Shape::FirestoreRest => rest(raw),
        _ => Located::Unknown,
    }
}

fn rest(raw: &[u8]) -> Located {
    if let Some(name) = rest_name(raw) {
        return match split_name(&name) {
            Some((_, path)) => Located::Path(path.to_owned()),
            None => Located::Invalid(name),
        };
    }
    let mut document = false;
    let mut answer = false;
    let walked = members(raw, |parser, key| {
        document |= matches!(key, "name" | "fields" | "createTime" | "updateTime" | "document" | "found");
        answer |= matches!(key, "readTime" | "missing" | "transaction" | "skippedResults" | "done" | "explainMetrics");
        parser.skip().map(|()| false)
    });
    if walked.is_ok() && answer && !document { Located::Nothing } else { Located::Unknown }
}

/// The full name of a REST document, bare or inside of an answer.
fn rest_name(raw: &[u8]) -> Option<String> {
    let mut found = None;
    let _ = members(raw, |parser, key| match (key, parser.peek()?) {
        ("name", b'"') => {
            found = Some(parser.string()?.into_owned());
            Ok(true)
        }
        ("document" | "found", b'{') => {
            found = text_member(parser.rest().as_bytes(), &["name"]);
            Ok(true)
        }
        _ => parser.skip().map(|()| false),
    });
    found
}

/// The database of a REST document, as the prefix of its name.
pub(super) fn database(raw: &[u8]) -> Option<String> {
    split_name(&rest_name(raw)?).map(|(database, _)| database.to_owned())
}

/// The text (or number as text) of the first member with one of these names.
pub(super) fn text_member(raw: &[u8], names: &[&str]) -> Option<String> {
    let mut found = None;
    // Whatever is wrong with the rest of the record is found out when it is decoded.
    let _ = members(raw, |parser, key| {
        if !names.contains(&key) {
            return parser.skip().map(|()| false);
        }
        match parser.peek()? {
            b'"' => found = Some(parser.string()?.into_owned()),
            b'-' | b'0'..=b'9' => found = Some(parser.number()?.0.to_owned()),
            _ => parser.skip()?,
        }
        Ok(true)
    });
    found
}

/// Visits the members of an object until told that it is enough, or until it is damaged.
fn members(raw: &[u8], mut each: impl FnMut(&mut Parser<'_>, &str) -> Parsed<bool>) -> Parsed<()> {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(error) => raw.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or(""),
    };
    let mut enough = false;
    let walked = Parser::new(text).object(|parser, key| {
        enough = each(parser, &key)?;
        // The way out of the walk; nobody sees this fault.
        if enough { Err(Fault::Syntax { at: 0, message: String::new() }) } else { Ok(()) }
    });
    if enough { Ok(()) } else { walked }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_even_in_damaged_records() {
        let raw = b"{\"path\":\"users/a\",\"data\":{\"x\":\"\xff";
        assert_eq!(locate(Shape::FirestoreBackfire, raw), Located::Path("users/a".to_owned()));
        let raw = br#"{"data":{"path":"no"},"path":"users/a"}"#;
        assert_eq!(locate(Shape::FirestoreBackfire, raw), Located::Path("users/a".to_owned()));
        assert_eq!(locate(Shape::FirestoreBackfire, b"[1"), Located::Unknown);
    }

    #[test]
    fn rest_documents_are_found_bare_and_in_answers() {
        let name = r#"{"name":"projects/p/databases/(default)/documents/users/a"}"#;
        let path = Located::Path("users/a".to_owned());
        assert_eq!(locate(Shape::FirestoreRest, name.as_bytes()), path);
        let answer = format!(r#"{{"readTime":"x","document":{name}}}"#);
        assert_eq!(locate(Shape::FirestoreRest, answer.as_bytes()), path);
        assert_eq!(locate(Shape::FirestoreRest, br#"{"readTime":"x"}"#), Located::Nothing);
        assert_eq!(locate(Shape::FirestoreRest, br#"{"missing":"projects/..."}"#), Located::Nothing);
        assert_eq!(locate(Shape::FirestoreRest, br#"{"name":"a/b"}"#), Located::Invalid("a/b".to_owned()));
        assert_eq!(locate(Shape::FirestoreRest, b"{}"), Located::Unknown);
    }
}
