//! What the documents say about a field, in one line.

use crate::domain::number::count as number;
use crate::profile::FieldProfile;

/// `41,197 integers, 3 strings`.
pub(super) fn types(field: &FieldProfile) -> String {
    if field.types.is_empty() {
        return "only null".to_owned();
    }
    let each = field.types.iter().map(|found| {
        let plural = match found.name {
            "bytes" | "invalid" => "",
            _ if found.count == 1 => "",
            _ => "s",
        };
        format!("{} {}{plural}", number(found.count), found.name)
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The types, how often nothing is there, and what else matters.
pub(super) fn line(field: &FieldProfile, rows: u64) -> String {
    let mut parts = vec![types(field)];
    let lacking = rows.saturating_sub(field.present);
    match (lacking, field.null) {
        (0, 0) => parts[0] += " in all rows",
        (0, null) => parts.push(format!("null in {}", number(null))),
        (lacking, 0) => parts.push(format!("missing in {}", number(lacking))),
        (lacking, null) => parts.push(format!("missing in {}, null in {}", number(lacking), number(null))),
    }
    if field.unique == Some(true) && field.filled() > 1 {
        parts.push("all different".to_owned());
    } else if let Some(distinct) = field.distinct.filter(|distinct| distinct.count > 0) {
        let about = if distinct.exact { "" } else { "about " };
        parts.push(format!("{about}{} different", number(distinct.count)));
    }
    if let Some(texts) = field.texts.as_ref().filter(|_| field.count("string") > 0) {
        parts.push(format!("at most {} bytes", number(texts.longest)));
    }
    parts.extend(field.ranges());
    parts.join("; ")
}

/// The types that are not the most frequent one, each with an example and a document.
pub(super) fn minority(field: &FieldProfile) -> String {
    let each = field.types.iter().skip(1).map(|found| {
        let example = found.examples.first().map(|example| format!(", e.g. {example}")).unwrap_or_default();
        let document = found.document.as_ref().map(|path| format!(" in {path}")).unwrap_or_default();
        format!("{} {}{example}{document}", number(found.count), found.name)
    });
    each.collect::<Vec<_>>().join("; ")
}
