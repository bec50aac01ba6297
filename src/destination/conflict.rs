//! What to do with a row that is there already.

use std::fmt;
use std::str::FromStr;

/// Makes a strategy of the column that decides.
pub type OfColumn = fn(String) -> OnConflict;

/// What to do when a row with the document's key exists and was not written by this run. The outcomes are listed in
/// `docs/pipeline-file.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnConflict {
    /// Make the mapped columns and child rows equal to the document's.
    Replace,
    /// Leave the row and its child rows as they are; the document counts as skipped.
    Skip,
    /// An equal row is unchanged; a different one makes the document a `row_exists` reject.
    Fail,
    /// As `Replace` where the document's value in this column is greater than the row's, else as `Skip`.
    KeepNewest(String),
    /// As `Replace` where the document's value in this column is less than the row's, else as `Skip`.
    KeepOldest(String),
    /// Fill what is NULL in the row, keys that its JSON objects lack, and child tables without a row of the document.
    Merge,
}

impl OnConflict {
    /// The strategies that are a word alone.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("replace", Self::Replace), ("skip", Self::Skip), ("fail", Self::Fail), ("merge", Self::Merge)];
    /// The strategies that name the column that decides.
    pub const BY_COLUMN: &'static [(&'static str, OfColumn)] =
        &[("keep_newest", Self::KeepNewest), ("keep_oldest", Self::KeepOldest)];

    /// The column that decides which of row and document stays.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::KeepNewest(column) | Self::KeepOldest(column) => Some(column),
            Self::Replace | Self::Skip | Self::Fail | Self::Merge => None,
        }
    }
}

/// As on the command line: `replace`, `keep_newest=updated_at`.
impl fmt::Display for OnConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replace => f.write_str("replace"),
            Self::Skip => f.write_str("skip"),
            Self::Fail => f.write_str("fail"),
            Self::KeepNewest(column) => write!(f, "keep_newest={column}"),
            Self::KeepOldest(column) => write!(f, "keep_oldest={column}"),
            Self::Merge => f.write_str("merge"),
        }
    }
}

impl FromStr for OnConflict {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, column) = text.split_once('=').map_or((text, None), |(name, column)| (name, Some(column)));
        let word = Self::WORDS.iter().find(|(word, _)| *word == name).map(|(_, strategy)| strategy.clone());
        let by_column = Self::BY_COLUMN.iter().find(|(word, _)| *word == name).map(|(_, make)| make);
        match (word, by_column, column) {
            (Some(strategy), _, None) => Ok(strategy),
            (Some(_), _, Some(_)) => Err(format!("{name} takes no column")),
            (None, Some(make), Some(column)) if !column.is_empty() => Ok(make(column.to_owned())),
            (None, Some(_), _) => Err(format!("{name} needs the column that decides: {name}=COLUMN")),
            (None, None, _) => {
                Err("must be replace, skip, fail, merge, keep_newest=COLUMN or keep_oldest=COLUMN".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_strategy_is_read_back_from_its_text() {
        let by_column = OnConflict::BY_COLUMN.iter().map(|(_, make)| make("updated=at".to_owned()));
        for strategy in OnConflict::WORDS.iter().map(|(_, word)| word.clone()).chain(by_column) {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
    }

    #[test]
    fn what_is_no_strategy_says_what_is() {
        let error = |text: &str| text.parse::<OnConflict>().unwrap_err();
        assert_eq!(error("keep_newest"), "keep_newest needs the column that decides: keep_newest=COLUMN");
        assert_eq!(error("keep_oldest="), "keep_oldest needs the column that decides: keep_oldest=COLUMN");
        assert_eq!(error("merge=x"), "merge takes no column");
        assert!(error("newest").starts_with("must be replace, skip"));
    }
}
