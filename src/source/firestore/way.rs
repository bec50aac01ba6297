//! In which order a stretch is read, and where it stands: by names within a range, or by the field that says what changed.

use firestore::gcloud_sdk::google::firestore::v1 as proto;

use super::bounds::Mark;
use super::names;
use super::scope::{Range, Scope};
use super::stretch::stuck;
use super::value;
use crate::domain::order;
use crate::domain::value::Value;
use crate::domain::watermark::Since;
use crate::error::Result;

/// The documents of a stretch and their order.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// All of a range, by name.
    Names(Range),
    /// Those that changed, by the field that says when, then by name.
    Changes(Since),
}

impl Way {
    /// The query for what comes next.
    pub fn query(&self, scope: &Scope, after: Option<&Mark>, limit: usize) -> proto::StructuredQuery {
        match self {
            Self::Names(range) => scope.query(range, after.map(|mark| mark.path.as_str()), Some(limit)),
            Self::Changes(since) => scope.changes(since, after, Some(limit)),
        }
    }

    /// Where the next document stands; fails unless that is behind the last one and on the way.
    pub fn advance(&self, scope: &Scope, after: Option<&Mark>, document: &proto::Document) -> Result<Mark> {
        let path = names::relative(scope.documents(), &document.name).unwrap_or(&document.name);
        let value = match self {
            Self::Names(_) => None,
            Self::Changes(since) => value::at(scope.documents(), document, &since.field),
        };
        let mark = Mark { path: path.to_owned(), value };
        if self.leads_to(after, &mark) {
            return Ok(mark);
        }
        let start = match self {
            Self::Names(range) => range.from.as_deref(),
            Self::Changes(_) => None,
        };
        let from = after.map(|mark| mark.path.as_str()).or(start).unwrap_or("the beginning");
        Err(stuck(scope, from, path))
    }

    fn leads_to(&self, after: Option<&Mark>, next: &Mark) -> bool {
        match (self, after) {
            (Self::Names(range), Some(after)) => {
                names::compare(&after.path, &next.path).is_lt() && range.ends_after(&next.path)
            }
            (Self::Names(range), None) => range.contains(&next.path),
            (Self::Changes(since), after) => {
                let Some(value) = &next.value else { return false };
                let fits = order::type_rank(value) == order::type_rank(&since.from);
                let begun = fits && order::compare(&since.from, value).is_le();
                begun && after.is_none_or(|after| behind(after, value, &next.path))
            }
        }
    }
}

/// Whether a value and a path come after a document.
fn behind(after: &Mark, value: &Value, path: &str) -> bool {
    let by_value = after.value.as_ref().map(|last| order::compare(last, value));
    by_value.is_none_or(|order| order.then_with(|| names::compare(&after.path, path)).is_lt())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::field_path::FieldPath;

    fn mark(path: &str, value: i64) -> Mark {
        Mark { path: path.to_owned(), value: Some(Value::Integer(value)) }
    }

    #[test]
    fn changes_come_by_value_and_then_by_name() {
        let since = Since { field: FieldPath::parse("at").unwrap(), from: Value::Integer(5) };
        let way = Way::Changes(since);
        assert!(!way.leads_to(None, &mark("u/a", 4)), "before the watermark");
        assert!(way.leads_to(None, &mark("u/a", 5)));
        assert!(way.leads_to(Some(&mark("u/a", 5)), &mark("u/b", 5)), "a tie is broken by the name");
        assert!(!way.leads_to(Some(&mark("u/b", 5)), &mark("u/a", 5)));
        assert!(way.leads_to(Some(&mark("u/b", 5)), &mark("u/a", 6)));
        let text = Mark { path: "u/z".to_owned(), value: Some(Value::String("x".to_owned())) };
        assert!(!way.leads_to(None, &text), "another type is not what was asked for");
    }
}
