//! Which documents a collection pattern means, and the queries that read them.

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use proto::structured_query::{
    CollectionSelector, Direction, FieldReference, Filter as FilterMessage, Order, Projection,
};
use proto::value::ValueType;

use super::bounds::Mark;
use super::{filter, names, value};
use crate::domain::document::CollectionPattern;
use crate::domain::field_path::FieldPath;
use crate::domain::watermark::Since;

/// The name of a document as a field.
pub(super) const NAME: &str = "__name__";

/// A stretch of document paths, in Firestore's order. `None` is the end of the collection on that side.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Range {
    /// The first path that belongs to it.
    pub from: Option<String>,
    /// The first path that no longer does.
    pub to: Option<String>,
}

impl Range {
    /// Whether the path lies in it.
    pub fn contains(&self, path: &str) -> bool {
        let begun = self.from.as_ref().is_none_or(|from| names::compare(path, from).is_ge());
        begun && self.ends_after(path)
    }

    /// Whether the path does not lie behind it.
    pub fn ends_after(&self, path: &str) -> bool {
        self.to.as_ref().is_none_or(|to| names::compare(path, to).is_lt())
    }
}

/// How to ask for the documents of one collection.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// `projects/P/databases/D/documents`.
    documents: String,
    pattern: CollectionPattern,
    filter: Option<FilterMessage>,
    mask: Option<Vec<String>>,
}

impl Scope {
    /// The documents of `pattern` that satisfy `filter`, with the fields of `mask`.
    pub fn new(
        documents: &str,
        pattern: CollectionPattern,
        filter: Option<FilterMessage>,
        fields: Option<&[FieldPath]>,
    ) -> Self {
        let names_only = || vec![NAME.to_owned()];
        let mask = fields.map(|fields| match fields {
            [] => names_only(),
            fields => fields.iter().map(quoted).collect(),
        });
        Self { documents: documents.to_owned(), pattern, filter, mask }
    }

    /// `projects/P/databases/D/documents`.
    pub fn documents(&self) -> &str {
        &self.documents
    }

    /// The collection's pattern.
    pub fn pattern(&self) -> &CollectionPattern {
        &self.pattern
    }

    /// Whether a document belongs to the collection: collection groups bring along those of other paths.
    pub fn wants(&self, collection: &str) -> bool {
        self.pattern.matches(collection)
    }

    /// The fields to read, for requests that are no queries.
    pub fn mask(&self) -> Option<proto::DocumentMask> {
        self.mask.clone().map(|field_paths| proto::DocumentMask { field_paths })
    }

    /// The same documents without conditions and mask.
    pub fn unfiltered(&self) -> Self {
        Self { filter: None, mask: None, ..self.clone() }
    }

    /// The whole stretch of paths that can hold the collection.
    pub fn whole(&self) -> Range {
        if self.pattern.is_root() {
            return Range::default();
        }
        let root = self.pattern.as_str().split('/').next().unwrap_or_default();
        Range { from: Some(names::start_of_root(root)), to: Some(names::after_root(root)) }
    }

    /// All documents of a range after `after`, ordered by name.
    pub fn query(&self, range: &Range, after: Option<&str>, limit: Option<usize>) -> proto::StructuredQuery {
        let start_at = match (after, &range.from) {
            (Some(after), _) => Some(self.cursor(after, false)),
            (None, Some(from)) => Some(self.cursor(from, true)),
            (None, None) => None,
        };
        proto::StructuredQuery {
            select: self.mask.as_ref().map(|mask| Projection { fields: mask.iter().map(|path| field(path)).collect() }),
            start_at,
            end_at: range.to.as_ref().map(|to| self.cursor(to, true)),
            limit: limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
            ..self.selection()
        }
    }

    /// The documents whose field is at a value or behind it, after a document, ordered by that field and then by name.
    pub fn changes(&self, since: &Since, after: Option<&Mark>, limit: Option<usize>) -> proto::StructuredQuery {
        let path = quoted(&since.field);
        let order = |path: &str| Order { field: Some(field(path)), direction: Direction::Ascending as i32 };
        let place = |mark: &Mark| {
            let value = value::message(&self.documents, mark.value.as_ref()?)?;
            let name = ValueType::ReferenceValue(format!("{}/{}", self.documents, mark.path));
            Some(proto::Cursor { values: vec![value, proto::Value { value_type: Some(name) }], before: false })
        };
        let select = self.mask.as_ref().map(|mask| {
            let held = mask.iter().any(|one| path == *one || path.starts_with(&format!("{one}.")));
            let fields = mask.iter().chain((!held).then_some(&path)).map(|path| field(path)).collect();
            Projection { fields }
        });
        proto::StructuredQuery {
            select,
            r#where: Some(filter::at_least(&self.documents, since)),
            order_by: vec![order(&path), order(NAME)],
            start_at: after.and_then(place),
            limit: limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
            ..self.selection()
        }
    }

    /// As [`Self::query`], but names only.
    pub fn names(&self, range: &Range, after: Option<&str>, limit: usize) -> proto::StructuredQuery {
        let select = Some(Projection { fields: vec![field(NAME)] });
        proto::StructuredQuery { select, ..self.query(range, after, Some(limit)) }
    }

    /// The collection group without any bound, as PartitionQuery demands it.
    pub fn group(&self) -> proto::StructuredQuery {
        let mut query = self.unfiltered().selection();
        query.from.iter_mut().for_each(|from| from.all_descendants = true);
        query
    }

    fn selection(&self) -> proto::StructuredQuery {
        let from = CollectionSelector {
            collection_id: self.pattern.leaf().to_owned(),
            all_descendants: !self.pattern.is_root(),
        };
        proto::StructuredQuery {
            from: vec![from],
            r#where: self.filter.clone(),
            order_by: vec![Order { field: Some(field(NAME)), direction: Direction::Ascending as i32 }],
            ..proto::StructuredQuery::default()
        }
    }

    fn cursor(&self, path: &str, before: bool) -> proto::Cursor {
        let name = ValueType::ReferenceValue(format!("{}/{path}", self.documents));
        proto::Cursor { values: vec![proto::Value { value_type: Some(name) }], before }
    }
}

/// A field by its path as Firestore writes it.
pub(super) fn field(path: &str) -> FieldReference {
    FieldReference { field_path: path.to_owned() }
}

/// A field path as Firestore writes it: backticks around every segment that is not a plain name.
pub(super) fn quoted(path: &FieldPath) -> String {
    let segments = path.segments().iter().map(|segment| {
        let plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if segment.chars().all(plain) && !segment.starts_with(|char: char| char.is_ascii_digit()) {
            segment.clone()
        } else {
            format!("`{}`", segment.replace('\\', "\\\\").replace('`', "\\`"))
        }
    });
    segments.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn scope(pattern: &str) -> Scope {
        Scope::new("projects/p/databases/d/documents", CollectionPattern::parse(pattern).unwrap(), None, None)
    }

    #[test]
    fn field_paths_are_quoted_as_firestore_wants_them() {
        let quoted = |text: &str| quoted(&FieldPath::parse(text).unwrap());
        assert_eq!(quoted("a.b_1"), "a.b_1");
        assert_eq!(quoted("`a.b`.c"), "`a.b`.c");
        assert_eq!(quoted("`a\\`b`.😀.1x"), "`a\\`b`.`😀`.`1x`");
    }

    #[test]
    fn a_sub_collection_is_a_group_within_its_root() {
        let scope = scope("users/*/orders");
        let query = scope.query(&scope.whole(), None, Some(5));
        assert!(query.from[0].all_descendants);
        assert!(query.start_at.unwrap().before && query.end_at.unwrap().before);
        assert!(scope.wants("users/a/orders") && !scope.wants("users/a/x/y/orders"));
    }

    #[test]
    fn a_page_after_a_document_does_not_repeat_it() {
        let query = scope("users").query(&Range::default(), Some("users/a"), Some(5));
        assert!(!query.start_at.unwrap().before);
        assert_eq!((query.offset, query.limit, query.from[0].all_descendants), (0, Some(5), false));
    }
}
