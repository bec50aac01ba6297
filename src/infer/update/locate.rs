//! Where a mapped path leads in a profile.

use crate::profile::FieldProfile;
use crate::profile::model::MapKind;

/// What stands at a path.
pub(super) enum Found<'a> {
    /// A field.
    Field(&'a FieldProfile),
    /// In no document.
    Absent,
    /// Inside of something whose names were not told apart.
    Unknown,
}

/// The field at a path below fields.
pub(super) fn at<'a>(fields: &'a [FieldProfile], path: &[String]) -> Found<'a> {
    let Some((first, rest)) = path.split_first() else { return Found::Unknown };
    let Some(field) = fields.iter().find(|field| field.name == *first) else { return Found::Absent };
    if rest.is_empty() {
        return Found::Field(field);
    }
    match &field.map {
        Some(map) if map.kind == MapKind::Stable => at(&map.fields, rest),
        Some(_) => Found::Unknown,
        None if field.count("map") > 0 => Found::Unknown,
        None => Found::Absent,
    }
}

/// The elements of an array, or the values of a dictionary.
pub(super) fn elements(field: &FieldProfile) -> Option<(&FieldProfile, u64)> {
    match (&field.array, &field.map) {
        (Some(array), _) => Some((&array.items, array.total)),
        (None, Some(map)) => map.values.as_deref().map(|values| (values, map.entries)),
        (None, None) => None,
    }
}
