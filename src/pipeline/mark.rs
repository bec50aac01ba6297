//! The texts of a pipeline's files, positions in them, and errors that show them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::secrets::mask;
use crate::error::{Code, Error, ErrorKind};

/// Where something stands: file, line and column from 1, and its width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Which file of [`Sources`]; 0 is the pipeline file itself.
    pub file: usize,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// Characters to underline; at least 1.
    pub width: u64,
}

impl Mark {
    /// The beginning of the pipeline file.
    pub const START: Self = Self { file: 0, line: 1, column: 1, width: 1 };
}

/// A value and where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub mark: Mark,
}

/// The pipeline file and those that it includes, in the order in which they were read.
#[derive(Debug, Default)]
pub struct Sources {
    files: RefCell<Vec<SourceText>>,
    instead: BTreeMap<PathBuf, String>,
}

impl Sources {
    /// Files of these paths are read as if they had these texts.
    pub fn instead(instead: BTreeMap<PathBuf, String>) -> Self {
        Self { instead, ..Self::default() }
    }

    /// The text that a file is taken to have, whatever is in it.
    pub fn text_instead(&self, path: &Path) -> Option<&str> {
        self.instead.get(path).map(String::as_str)
    }

    /// Adds a file; the answer is its number.
    pub fn add(&self, source: SourceText) -> usize {
        let mut files = self.files.borrow_mut();
        files.push(source);
        files.len() - 1
    }

    /// A configuration error at a place of one of the files.
    pub fn error(&self, code: Code, mark: Mark, message: impl Into<String>) -> Error {
        match self.files.borrow().get(mark.file) {
            Some(source) => source.error(code, mark, message),
            None => Error::new(ErrorKind::Config, code, message),
        }
    }

    /// The file that a place is in, as it was named.
    pub fn path(&self, mark: Mark) -> PathBuf {
        self.files.borrow().get(mark.file).map(|source| source.path.clone()).unwrap_or_default()
    }

    /// The folder that relative paths at a place start from, absolute.
    pub fn folder(&self, mark: Mark) -> PathBuf {
        let path = self.path(mark);
        let absolute = std::path::absolute(&path).unwrap_or(path);
        absolute.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// `file:line`, for a message about another place.
    pub fn place(&self, mark: Mark) -> String {
        format!("{}:{}", self.path(mark).display(), mark.line)
    }

    /// The number of a file, by which errors are sorted.
    pub fn number(&self, path: Option<&PathBuf>) -> Option<usize> {
        self.files.borrow().iter().position(|source| Some(&source.path) == path)
    }
}

/// A file as read, with secrets masked for display.
#[derive(Debug, Clone)]
pub struct SourceText {
    path: PathBuf,
    masked: String,
}

/// Longest part of a line that a snippet shows, in characters.
const SNIPPET_WIDTH: usize = 120;

impl SourceText {
    /// Keeps the text for snippets.
    pub fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), masked: mask(text) }
    }

    /// A configuration error at a place of this file.
    pub fn error(&self, code: Code, mark: Mark, message: impl Into<String>) -> Error {
        let mark = self.inside(mark);
        Error::new(ErrorKind::Config, code, message)
            .file(&self.path)
            .position(mark.line, Some(mark.column))
            .snippet(self.snippet(mark))
    }

    /// A mark behind the last line (an open quote) moves to its end.
    fn inside(&self, mark: Mark) -> Mark {
        let lines = self.masked.lines().count() as u64;
        if mark.line <= lines.max(1) {
            return mark;
        }
        let last = self.masked.lines().next_back().unwrap_or_default();
        Mark { line: lines.max(1), column: last.chars().count() as u64 + 1, width: 1, ..mark }
    }

    /// The line of the mark and the one before it, with line numbers and carets.
    fn snippet(&self, mark: Mark) -> String {
        let index = usize::try_from(mark.line).unwrap_or(1).saturating_sub(1);
        let column = usize::try_from(mark.column).unwrap_or(1).saturating_sub(1);
        let skipped = if column + 20 > SNIPPET_WIDTH { column.saturating_sub(SNIPPET_WIDTH / 2) } else { 0 };
        let digits = mark.line.to_string().len();
        let mut out = String::new();
        for (number, line) in self.masked.lines().enumerate().skip(index.saturating_sub(1)).take(index.min(1) + 1) {
            let shown = printable(line, skipped);
            out.push_str(format!("{:>digits$} | {shown}", number + 1).trim_end());
            out.push('\n');
        }
        let width = usize::try_from(mark.width).unwrap_or(1).clamp(1, SNIPPET_WIDTH / 2);
        out.push_str(&format!("{:>digits$} | {}{}", "", " ".repeat(column - skipped), "^".repeat(width)));
        out
    }
}

/// A part of a line without anything that could move the cursor of a terminal.
fn printable(line: &str, skipped: usize) -> String {
    let visible = |char: char| match char {
        '\t' => ' ',
        other if other.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    line.chars().skip(skipped).take(SNIPPET_WIDTH).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, line: u64, column: u64, width: u64) -> String {
        let source = SourceText::new(Path::new("p.yaml"), text);
        let error = source.error("code", Mark { file: 0, line, column, width }, "message");
        error.snippet_text().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_snippet_shows_the_line_before_and_carets_below() {
        assert_eq!(shown("a: 1\nbb: 2\nc: 3\n", 2, 1, 2), "1 | a: 1\n2 | bb: 2\n  | ^^");
        assert_eq!(shown("a: 1\n", 1, 4, 1), "1 | a: 1\n  |    ^");
    }

    #[test]
    fn a_snippet_of_a_long_line_shows_the_part_that_matters() {
        let text = format!("{}x: bad", " ".repeat(500));
        let snippet = shown(&text, 1, 504, 3);
        assert!(snippet.contains("x: bad") && snippet.lines().all(|line| line.len() < 140), "{snippet}");
    }

    #[test]
    fn a_snippet_sends_no_control_characters_to_the_terminal() {
        assert!(!shown("a: \u{1b}[31m\n", 1, 4, 1).contains('\u{1b}'));
    }
}
