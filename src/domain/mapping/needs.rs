//! What a mapping needs to know of a document.

use super::{ColumnMapping, Input, Mapping, UnknownFields};
use crate::domain::field_path::FieldPath;

impl Mapping {
    /// The fields that rows are made of, shortest paths only; `None` when every field matters.
    pub fn fields_needed(&self) -> Option<Vec<FieldPath>> {
        if self.unknown_fields != UnknownFields::Ignore {
            return None;
        }
        let of = |columns: &[ColumnMapping]| {
            let fields = columns.iter().filter_map(|column| match &column.input {
                Input::Field(path) => Some(path.clone()),
                _ => None,
            });
            fields.collect::<Vec<_>>()
        };
        let mut paths = of(&self.columns);
        for child in &self.children {
            paths.push(child.each.clone());
            paths.extend(of(&child.columns));
        }
        paths.extend(self.filter.conditions.iter().map(|condition| condition.field.clone()));
        paths.sort_by(|a, b| a.segments().cmp(b.segments()));
        // A path is followed by those below it.
        let mut shortest: Vec<FieldPath> = Vec::new();
        for path in paths {
            if !shortest.last().is_some_and(|last| path.segments().starts_with(last.segments())) {
                shortest.push(path);
            }
        }
        Some(shortest)
    }

    /// Whether two documents can never have one key: it holds the whole path.
    pub fn key_is_path(&self) -> bool {
        let depth = self.collection.as_str().split('/').count() / 2 + 1;
        let untouched = self.key.iter().filter_map(|index| self.columns.get(*index));
        let untouched = untouched.filter(|column| column.transforms.is_empty() && column.lookup.is_none());
        let inputs: Vec<&Input> = untouched.map(|column| &column.input).collect();
        let holds = |input: Input| inputs.contains(&&input);
        holds(Input::Path) || (holds(Input::Id) && (depth == 1 || (depth == 2 && holds(Input::ParentId))))
    }
}
