//! Which document a row is of.

use crate::domain::document::{CollectionPattern, DocumentPath};
use crate::domain::mapping::{ColumnType, Input, Mapping};
use crate::domain::row::{Row, SqlValue};
use crate::domain::schema::Affinity;

/// The columns that say it, as places.
#[derive(Debug, Clone, Copy)]
pub(super) enum Identity {
    /// The path.
    Path(usize),
    /// The id, and in a sub-collection the parent's.
    Ids { parent: Option<usize>, id: usize },
}

impl Identity {
    /// Those of a mapping.
    pub fn of(mapping: &Mapping) -> Result<Self, String> {
        let place = |input: &Input| {
            mapping.columns.iter().position(|column| {
                let kind = matches!(
                    column.kind,
                    ColumnType::Auto
                        | ColumnType::Any
                        | ColumnType::Text
                        | ColumnType::Natural(Affinity::Text | Affinity::Blob)
                );
                column.input == *input && kind && column.transforms.is_empty() && column.lookup.is_none()
            })
        };
        let (path, id, parent) = (place(&Input::Path), place(&Input::Id), place(&Input::ParentId));
        let levels = mapping.collection.as_str().split('/').count();
        match (path, id, parent) {
            (Some(path), _, _) => Ok(Self::Path(path)),
            (None, Some(id), _) if levels == 1 => Ok(Self::Ids { parent: None, id }),
            (None, Some(id), Some(parent)) if levels == 3 => Ok(Self::Ids { parent: Some(parent), id }),
            _ => Err(format!(
                "no column of `{}` says which document a row is of: map {}",
                mapping.table,
                match levels {
                    1 => "`$id` or `$path`",
                    3 => "`$path`, or `$parent.id` and `$id`",
                    _ => "`$path`",
                }
            )),
        }
    }

    /// The document's path; where the row holds it, it may be one of another collection.
    pub fn path(self, row: &Row, collection: &CollectionPattern) -> Result<DocumentPath, String> {
        let text = |index: usize| match row.get(index) {
            Some(SqlValue::Text(text)) if !text.is_empty() => Ok(text.as_str()),
            _ => Err("the row has no text where its document is named".to_owned()),
        };
        match self {
            Self::Path(index) => {
                let text = text(index)?;
                DocumentPath::parse(text).ok_or_else(|| "the row's path names no document".to_owned())
            }
            Self::Ids { parent, id } => {
                let id = segment(text(id)?)?;
                let own = match parent {
                    Some(parent) => collection.as_str().replacen('*', segment(text(parent)?)?, 1),
                    None => collection.as_str().to_owned(),
                };
                Ok(DocumentPath::new(own, id))
            }
        }
    }
}

fn segment(id: &str) -> Result<&str, String> {
    if id.contains('/') { Err("the row's id holds a `/`, which no document's does".to_owned()) } else { Ok(id) }
}
