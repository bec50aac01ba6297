//! How an error looks: for people and as JSON.

use serde::Serialize;

use crate::error::{Error, Place};
use crate::report::failure::Failure;
use crate::report::text::{clean, clean_lines};

use super::exit::Exit;

/// The error for people: what, where, the lines, the cause, and after a blank line what to do; then other problems
/// found at the same time. Ends with a line break. `mark` decorates the first word.
pub fn text(error: &Error, mark: &dyn Fn(&str) -> String) -> String {
    let head = mark(&format!("error[{}]:", error.code()));
    let mut lines = vec![format!("{head} {}", clean_lines(error.message()))];
    lines.extend(place_lines(error.place()));
    lines.extend(error.snippet_text().map(clean_lines));
    if let Some(cause) = error.cause() {
        lines.push(format!("  cause: {}", clean_lines(&cause).replace('\n', "\n         ")));
    }
    lines.extend(hint_lines(error.hint_text(), mark));
    let others = error.others().iter().map(|other| "\n".to_owned() + &text(other, mark));
    lines.join("\n") + "\n" + &others.collect::<String>()
}

/// What stopped a run, in the same form.
pub fn failure(failure: &Failure, mark: &dyn Fn(&str) -> String) -> String {
    let head = mark(&format!("error[{}]:", failure.code));
    let mut lines = vec![format!("{head} {}", clean_lines(&failure.message))];
    lines.extend(hint_lines(failure.hint.as_deref(), mark));
    lines.join("\n") + "\n"
}

fn hint_lines(hint: Option<&str>, mark: &dyn Fn(&str) -> String) -> Vec<String> {
    let Some(hint) = hint else { return Vec::new() };
    vec![String::new(), format!("{} {}", mark("hint:"), clean_lines(hint).replace('\n', "\n      "))]
}

fn place_lines(place: &Place) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(file) = &place.file {
        let mut line = format!("  --> {}", clean(&file.display().to_string()));
        for number in [place.line, place.column].into_iter().flatten() {
            line.push_str(&format!(":{number}"));
        }
        lines.push(line);
    }
    match (&place.document, &place.collection) {
        (Some(document), _) => lines.push(format!("  document: {}", clean(document))),
        (None, Some(collection)) => lines.push(format!("  collection: {}", clean(collection))),
        (None, None) => {}
    }
    lines
}

/// The one document of `--json` when an error ended everything.
#[derive(Debug, Serialize)]
pub struct Document {
    error: View,
}

/// An error with stable field names; what is not known is left out.
#[derive(Debug, Serialize)]
struct View {
    code: &'static str,
    message: String,
    #[serde(flatten)]
    place: PlaceView,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<View>,
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct PlaceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

/// The error as a document.
pub fn document(error: &Error) -> Document {
    Document { error: view(error) }
}

fn view(error: &Error) -> View {
    let Place { collection, document, file, line, column } = error.place().clone();
    let file = file.map(|file| file.display().to_string());
    View {
        code: error.code(),
        message: error.message().to_owned(),
        place: PlaceView { collection, document, file, line, column },
        snippet: error.snippet_text().map(str::to_owned),
        cause: error.cause(),
        hint: error.hint_text().map(str::to_owned),
        others: error.others().iter().map(view).collect(),
        exit_code: Exit::from(error).code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn example() -> Error {
        Error::new(ErrorKind::Config, "unknown_key", "unknown key `tabel` in collection users")
            .collection("users")
            .file("pipelines/classroom.yaml")
            .position(12, Some(5))
            .snippet("12 |     tabel: users\n   |     ^^^^^\n")
            .caused_by("one\ntwo\u{1b}[2J")
            .hint("did you mean `table`?\nkeys are written in small letters")
            .and_others(vec![Error::new(ErrorKind::Config, "key_missing", "collection users has no key")])
    }

    #[test]
    fn an_error_says_what_where_why_and_what_next() {
        insta::assert_snapshot!(text(&example(), &str::to_owned));
    }

    #[test]
    fn an_error_is_one_json_document() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&document(&example())).unwrap_or_default());
        let small = serde_json::to_string(&document(&Error::new(ErrorKind::Usage, "x", "y"))).unwrap_or_default();
        assert_eq!(small, r#"{"error":{"code":"x","message":"y","exit_code":2}}"#);
    }
}
