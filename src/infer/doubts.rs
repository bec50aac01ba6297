//! What was doubtful about a field whose column is decided.

use super::ENOUGH;
use super::evidence::{minority, types};
use super::model::Doubt;
use crate::domain::number::count as number;
use crate::profile::FieldProfile;
use crate::profile::words;

/// A doubt about a field.
pub(super) fn doubt(collection: &str, field: &FieldProfile, found: String, chosen: &str, instead: String) -> Doubt {
    let field = Some(field.path.clone());
    Doubt { collection: collection.to_owned(), field, found, chosen: chosen.to_owned(), instead, serious: false }
}

/// Values of several types, of none, or of one that a column cannot hold.
pub(super) fn of_types(collection: &str, field: &FieldProfile, chosen: &str, doubts: &mut Vec<Doubt>) {
    let invalid = field.count("invalid");
    if invalid > 0 {
        let document =
            field.types.iter().find(|found| found.name == "invalid").and_then(|found| found.document.clone());
        let found =
            format!("{} values that no type can hold, e.g. in {}", number(invalid), document.unwrap_or_default());
        let instead = "correct the documents, or leave the column out".to_owned();
        let rejected = "these documents will be rejected";
        doubts.push(Doubt { serious: true, ..doubt(collection, field, found, rejected, instead) });
    }
    match field.types.as_slice() {
        [] => {
            let instead = "leave the column out if nothing will ever be there".to_owned();
            doubts.push(doubt(collection, field, "null wherever it is present".to_owned(), chosen, instead));
        }
        [_] => {}
        // A double without a fraction is often written as an integer.
        [_, _] if field.count("integer") > 0 && field.count("double") > 0 && chosen.contains("double") => {}
        [first, ..] => {
            let found = format!("{} {}; {}", number(first.count), first.name, minority(field));
            let instead = format!("if the others are mistakes, correct them and declare the column for {}", first.name);
            doubts.push(doubt(collection, field, found, chosen, instead));
        }
    }
    of_doubles(collection, field, chosen, doubts);
}

fn of_doubles(collection: &str, field: &FieldProfile, chosen: &str, doubts: &mut Vec<Doubt>) {
    let Some(numbers) = &field.numbers else { return };
    if numbers.non_finite > 0 {
        let found = format!("{} doubles that are NaN or infinite, which no SQL number is", number(numbers.non_finite));
        let instead = "`type: double` with `non_finite: \"null\"` in a REAL column stores NULL for them".to_owned();
        doubts.push(doubt(collection, field, found, chosen, instead));
    } else if numbers.negative_zeros > 0 && !chosen.contains("json") {
        let found = format!("{} times -0.0, which a REAL column cannot hold", number(numbers.negative_zeros));
        let instead = "`type: json` in a TEXT column keeps the sign".to_owned();
        doubts.push(doubt(collection, field, found, "stored as 0.0 (`negative_zero: zero`)", instead));
    }
}

/// An empty map or array makes no columns and no rows; nor does one that is missing or null.
pub(super) fn of_emptiness(collection: &str, field: &FieldProfile, flattened: bool) -> Option<Doubt> {
    let absent = field.of.saturating_sub(field.present) + field.null;
    let (what, empty) = match (&field.map, &field.array) {
        (Some(map), _) if map.empty > 0 => ("maps", format!("{} are empty", number(map.empty))),
        (_, Some(array)) if array.shortest == 0 => ("arrays", "some are empty".to_owned()),
        _ => return None,
    };
    if absent == 0 {
        return None;
    }
    let found = format!("{what} of which {empty}, while {} are missing or null", number(absent));
    let chosen = if flattened { "both make columns without values" } else { "both make no rows" };
    let instead = "`type: json` keeps the difference, if there is one".to_owned();
    Some(doubt(collection, field, found, chosen, instead))
}

/// Texts and numbers that stand for something else.
pub(super) fn of_meaning(collection: &str, field: &FieldProfile, doubts: &mut Vec<Doubt>) {
    let filled = field.filled();
    let texts = field.texts.as_ref().filter(|_| field.only_type() == Some("string"));
    if let Some(texts) = texts.filter(|texts| texts.times > 0 && texts.times + texts.empty == filled) {
        let transforms = if texts.empty > 0 { "[empty_to_null, parse_timestamp]" } else { "[parse_timestamp]" };
        let found = format!("texts that are RFC 3339 times ({} of {})", number(texts.times), number(filled));
        let instead = format!("`type: timestamp, transform: {transforms}` writes all of them in one width and zone");
        doubts.push(doubt(collection, field, found, "kept as they are", instead));
    }
    if let Some(texts) = texts.filter(|texts| texts.integers == filled && filled >= ENOUGH) {
        let found = format!("texts that are integers (all {})", number(texts.integers));
        let instead = "`type: integer, transform: [parse_integer]` in an INTEGER column".to_owned();
        doubts.push(doubt(collection, field, found, "kept as they are", instead));
    }
    if let Some(unit) = unix_unit(field) {
        let found = format!("{} that look like times in {unit} since 1970", types(field));
        let instead = format!("`type: timestamp, transform: [from_unix_{unit}]` in a TEXT column");
        doubts.push(doubt(collection, field, found, "kept as integers", instead));
    }
}

/// Integers of a field named like a time, within the years 2001 to 2100.
fn unix_unit(field: &FieldProfile) -> Option<&'static str> {
    let words = words(&field.name);
    let timely = [
        "at",
        "time",
        "date",
        "timestamp",
        "on",
        "ts",
        "until",
        "since",
        "created",
        "updated",
        "modified",
        "received",
        "expires",
        "published",
        "start",
        "end",
    ];
    let last = words.last().is_some_and(|last| timely.contains(&last.as_str()));
    let numbers = field.numbers.as_ref().filter(|_| last && field.only_type() == Some("integer"))?;
    let (least, most) = numbers.smallest_integer.zip(numbers.largest_integer)?;
    let within = |unit: i64| least >= 1_000_000_000 * unit && most <= 4_102_444_800 * unit;
    if within(1_000) { Some("millis") } else { within(1).then_some("seconds") }
}
