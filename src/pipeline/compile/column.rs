//! One column: where its value comes from, and what it is stored as.

use super::Scope;
use super::lookup::lookup;
use super::value::value_of;
use crate::domain::document::CollectionPattern;
use crate::domain::field_path::FieldPath;
use crate::domain::mapping::{ColumnMapping, ColumnType, DoubleRules, Input, Mismatch};
use crate::pipeline::decode::{Problems, nearest};
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::model::{ColumnModel, ReferencePart, TypeName};

/// Where a column stands.
#[derive(Clone, Copy)]
pub(super) struct Position<'a> {
    /// The collection.
    pub collection: &'a CollectionPattern,
    /// Whether it is a column of a child table, which alone has `$index` and `$item`.
    pub child: bool,
}

/// Compiles a column; `None` after a problem was added.
pub(super) fn column(model: &ColumnModel, position: Position<'_>, scope: &mut Scope<'_, '_>) -> Option<ColumnMapping> {
    if model.name.value.is_empty() {
        scope.problems.add("invalid_name", model.name.mark, "a column has no name");
    }
    let input = model.from.as_ref().and_then(|from| input(from, position, scope.problems));
    let kind = column_type(model, scope.problems);
    let default = model.default.as_ref().map(|node| value_of(node, scope.problems));
    let lookup = model.lookup.as_ref().map(|model| lookup(model, scope));
    Some(ColumnMapping {
        name: model.name.value.clone(),
        input: input?,
        kind: kind?,
        required: model.required.unwrap_or(false),
        default: default.map_or(Some(None), |value| value.map(Some))?,
        transforms: model.transforms.clone(),
        lookup: lookup.map_or(Some(None), |lookup| lookup.map(Some))?,
        doubles: DoubleRules {
            non_finite: model.non_finite.map(|rule| rule.value).unwrap_or_default(),
            negative_zero: model.negative_zero.map(|rule| rule.value).unwrap_or_default(),
        },
        mismatch: mismatch(model, position, scope.problems),
    })
}

/// What becomes of misfits, where the column can bear it.
fn mismatch(model: &ColumnModel, position: Position<'_>, problems: &mut Problems<'_>) -> Mismatch {
    let Some(rule) = model.mismatch else { return Mismatch::Reject };
    let misplaced = match rule.value {
        Mismatch::Null | Mismatch::Keep if model.required == Some(true) => "a required column cannot be NULL",
        Mismatch::Keep if position.child => "a child table keeps no other fields",
        Mismatch::Keep if model.from.as_ref().is_some_and(|from| from.value.starts_with('$')) => {
            "only a field of the document can be kept"
        }
        _ => return rule.value,
    };
    let message = format!("`mismatch: {}` does not fit: {misplaced}", rule.value.as_str());
    problems.add_with_hint("key_does_not_fit", rule.mark, message, "use `coerce` or `reject`");
    Mismatch::Reject
}

const SPECIAL: &[&str] = &["$id", "$path", "$parent.id", "$created", "$updated", "$file.stem", "$index", "$item"];

/// What `from` names.
fn input(from: &At<String>, position: Position<'_>, problems: &mut Problems<'_>) -> Option<Input> {
    let special = match from.value.as_str() {
        "$id" => Input::Id,
        "$path" => Input::Path,
        "$parent.id" if position.collection.is_root() => {
            let message = format!("`{}` is a root collection: its documents have no parent", position.collection);
            problems.add_with_hint("misplaced_input", from.mark, message, "use `$id` or `$path`");
            return None;
        }
        "$parent.id" => Input::ParentId,
        "$created" => Input::Created,
        "$updated" => Input::Updated,
        "$file.stem" => Input::FileStem,
        "$index" => Input::Index,
        "$item" => Input::Item(FieldPath::root()),
        text => return path_input(text, from.mark, position, problems),
    };
    in_place(special, from, position, problems)
}

fn path_input(text: &str, mark: Mark, position: Position<'_>, problems: &mut Problems<'_>) -> Option<Input> {
    let (path, is_item) = match text.strip_prefix("$item.") {
        Some(path) => (path, true),
        None => (text, false),
    };
    if path.starts_with('$') {
        let hint = match nearest(text, SPECIAL.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("valid: {}; a field whose name starts with `$` goes in backticks", SPECIAL.join(", ")),
        };
        problems.add_with_hint("unknown_input", mark, format!("`{text}` is not a part of a document"), hint);
        return None;
    }
    match FieldPath::parse(path) {
        Ok(path) if is_item => in_place(Input::Item(path), &At { value: text.to_owned(), mark }, position, problems),
        Ok(path) => Some(Input::Field(path)),
        Err(message) => {
            problems.add_quoting("invalid_field_path", mark, message);
            None
        }
    }
}

/// `$index` and `$item` exist in child tables only.
fn in_place(input: Input, from: &At<String>, position: Position<'_>, problems: &mut Problems<'_>) -> Option<Input> {
    let of_child = matches!(input, Input::Index | Input::Item(_));
    if of_child && !position.child {
        let message = format!("`{}` exists only in the columns of a child table", from.value);
        problems.add_with_hint("misplaced_input", from.mark, message, "move the column into an entry of `children`");
        return None;
    }
    Some(input)
}

/// The type, refined by `digits` and `reference`; refinements of another type are contradictions.
fn column_type(model: &ColumnModel, problems: &mut Problems<'_>) -> Option<ColumnType> {
    let name = model.kind.map_or(TypeName::Auto, |kind| kind.value);
    let fits = |wanted: &[TypeName]| wanted.contains(&name);
    let mut misfit = |mark: Mark, key: &str, needs: &str| {
        let message = format!("`{key}` means something only for `type: {needs}`");
        problems.add("key_does_not_fit", mark, message);
    };
    if let Some(digits) = model.digits.filter(|_| !fits(&[TypeName::Timestamp])) {
        misfit(digits.mark, "digits", "timestamp");
    }
    if let Some(part) = model.reference.filter(|_| !fits(&[TypeName::Reference])) {
        misfit(part.mark, "reference", "reference");
    }
    if let Some(rule) = model.non_finite.filter(|_| !fits(&HOLDS_DOUBLES)) {
        misfit(rule.mark, "non_finite", "double");
    }
    if let Some(rule) = model.negative_zero.filter(|_| !fits(&HOLDS_DOUBLES)) {
        misfit(rule.mark, "negative_zero", "double");
    }
    Some(match name {
        TypeName::Auto => ColumnType::Auto,
        TypeName::Any => ColumnType::Any,
        TypeName::Text => ColumnType::Text,
        TypeName::Integer => ColumnType::Integer,
        TypeName::Double => ColumnType::Double,
        TypeName::Boolean => ColumnType::Boolean,
        TypeName::Bytes => ColumnType::Bytes,
        TypeName::Timestamp => ColumnType::Timestamp { digits: digits(model.digits, problems)? },
        TypeName::TimestampMillis => ColumnType::TimestampMillis,
        TypeName::TimestampMicros => ColumnType::TimestampMicros,
        TypeName::Reference => match model.reference.map(|part| part.value) {
            Some(ReferencePart::Path) => ColumnType::ReferencePath,
            Some(ReferencePart::Id) | None => ColumnType::ReferenceId,
        },
        TypeName::Latitude => ColumnType::Latitude,
        TypeName::Longitude => ColumnType::Longitude,
        TypeName::Json => ColumnType::Json,
        TypeName::Vector32 => ColumnType::Vector32,
        TypeName::Vector64 => ColumnType::Vector64,
    })
}

const HOLDS_DOUBLES: [TypeName; 5] =
    [TypeName::Auto, TypeName::Any, TypeName::Double, TypeName::Latitude, TypeName::Longitude];

fn digits(digits: Option<At<u64>>, problems: &mut Problems<'_>) -> Option<u8> {
    match digits.map(|digits| digits.value) {
        None | Some(6) => Some(6),
        Some(3) => Some(3),
        Some(9) => Some(9),
        Some(other) => {
            let mark = digits?.mark;
            let hint = "valid: 3, 6, 9; Firestore itself keeps 6";
            problems.add_with_hint("unknown_name", mark, format!("{other} is not a number of digits"), hint);
            None
        }
    }
}
