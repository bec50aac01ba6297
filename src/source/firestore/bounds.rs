//! What is stored of a partition, and of a place in it.

use serde::{Deserialize, Serialize};

use super::names;
use super::scope::Range;
use crate::domain::cursor::{Cursor, Partition};
use crate::domain::field_path::FieldPath;
use crate::domain::json;
use crate::domain::value::Value;
use crate::domain::watermark::Since;
use crate::error::{Error, ErrorKind, Result};

/// A partition: a range of names, and where in it stretches begin that can be read ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bounds {
    /// The range.
    pub range: Range,
    /// Names within it, ascending.
    #[serde(default)]
    pub splits: Vec<String>,
    /// Instead of a range: what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<StoredSince>,
    /// Instead of a range: these documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
}

/// A field and a value, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredSince {
    field: String,
    from: String,
}

impl Bounds {
    /// All of a range, without splits.
    pub fn new(range: Range, splits: Vec<String>) -> Self {
        Self { range, splits, ..Self::default() }
    }

    /// What changed.
    pub fn changed(since: &Since) -> Self {
        let stored = StoredSince { field: since.field.to_string(), from: json::encode_lossless(&since.from) };
        Self { changed: Some(stored), ..Self::default() }
    }

    /// These documents.
    pub fn paths(paths: &[String]) -> Self {
        Self { paths: Some(paths.to_vec()), ..Self::default() }
    }

    /// What changed, if that is what the partition is.
    pub fn since(&self) -> Result<Option<Since>> {
        let Some(stored) = &self.changed else { return Ok(None) };
        let damaged = |_| not_understood(&stored.from);
        let field = FieldPath::parse(&stored.field).map_err(damaged)?;
        Ok(Some(Since { field, from: json::decode(&stored.from).map_err(damaged)? }))
    }

    /// As stored. The number makes ids sort in reading order.
    pub fn to_partition(&self, number: usize) -> Partition {
        // Names are texts, so this always serialises.
        Partition { id: format!("p{number:06}"), bounds: serde_json::to_string(self).unwrap_or_default() }
    }

    /// From the destination.
    pub fn of(partition: &Partition) -> Result<Self> {
        serde_json::from_str(&partition.bounds).map_err(|error| not_understood(&partition.bounds).caused_by(error))
    }

    /// The stretches that are left after a document.
    pub fn stretches(&self, after: Option<&str>) -> Vec<Range> {
        let mut from = self.range.from.clone();
        let mut stretches = Vec::new();
        for split in &self.splits {
            if after.is_some_and(|after| names::compare(split, after).is_le()) {
                from = Some(split.clone());
                continue;
            }
            stretches.push(Range { from: from.replace(split.clone()), to: Some(split.clone()) });
        }
        stretches.push(Range { from, to: self.range.to.clone() });
        stretches
    }
}

/// The document that reading stands behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its path; `None` before the first.
    pub after: Option<String>,
    /// Where documents come in the order of a field: its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Documents of other collections that came along up to there.
    #[serde(default)]
    pub passed_over: u64,
}

impl Place {
    /// The document itself, with its value.
    pub fn mark(&self) -> Result<Option<Mark>> {
        let Some(path) = self.after.clone() else { return Ok(None) };
        let value = self.value.as_deref().map(json::decode).transpose();
        Ok(Some(Mark { path, value: value.map_err(|_| not_understood(&path_of(self)))? }))
    }

    /// Goes on to a document.
    pub fn advance(&mut self, mark: Mark) {
        self.after = Some(mark.path);
        self.value = mark.value.as_ref().map(json::encode_lossless);
    }

    /// As stored.
    pub fn to_cursor(&self) -> Cursor {
        // A path is a text, so this always serialises.
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// From the destination.
    pub fn of(cursor: Option<&Cursor>) -> Result<Self> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        serde_json::from_str(&cursor.0).map_err(|error| not_understood(&cursor.0).caused_by(error))
    }
}

/// A document that reading passed, with the value that it was found by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// Its path.
    pub path: String,
    /// The value, where documents come in the order of a field.
    pub value: Option<Value>,
}

fn path_of(place: &Place) -> String {
    place.after.clone().unwrap_or_default()
}

fn not_understood(text: &str) -> Error {
    Error::new(
        ErrorKind::Source,
        "cursor_not_understood",
        format!("the stored place {text} is none of a Firestore source"),
    )
    .hint("start the run again without --resume; rows that are already there will count as unchanged")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn range(from: Option<&str>, to: Option<&str>) -> Range {
        Range { from: from.map(str::to_owned), to: to.map(str::to_owned) }
    }

    #[test]
    fn stretches_cover_the_partition_and_begin_again_where_reading_stands() {
        let bounds = Bounds::new(range(None, Some("users/t")), vec!["users/d".to_owned(), "users/m".to_owned()]);
        let all = [
            range(None, Some("users/d")),
            range(Some("users/d"), Some("users/m")),
            range(Some("users/m"), Some("users/t")),
        ];
        assert_eq!(bounds.stretches(None), all);
        assert_eq!(bounds.stretches(Some("users/a")), all);
        assert_eq!(bounds.stretches(Some("users/d")), all[1..]);
        assert_eq!(bounds.stretches(Some("users/dd")), all[1..]);
        assert_eq!(bounds.stretches(Some("users/s")), all[2..]);
    }

    #[test]
    fn bounds_and_places_survive_being_stored() {
        let bounds = Bounds::new(range(Some("users/\"é\0"), None), vec![]);
        assert_eq!(Bounds::of(&bounds.to_partition(3)).unwrap(), bounds);
        assert_eq!(bounds.to_partition(3).id, "p000003");
        let place = Place { after: Some("users/😀".to_owned()), value: None, passed_over: 3 };
        assert_eq!(Place::of(Some(&place.to_cursor())).unwrap(), place);
        assert_eq!(Place::of(None).unwrap(), Place::default());
        assert!(Place::of(Some(&Cursor("{".to_owned()))).is_err());
    }
}
