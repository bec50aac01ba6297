//! A profile as a page to read: Markdown.

use std::fmt::Write;

use super::text::{bytes, clean, count, price, seconds};
use crate::infer::{Doubt, Draft, Readiness};
use crate::profile::model::{MapKind, Resolved};
use crate::profile::{CollectionProfile, FieldProfile, Profile};

/// Values of an enumeration that are listed.
const LISTED: usize = 12;

/// The page.
pub fn page(name: &str, profile: &Profile, draft: &Draft, readiness: &Readiness) -> String {
    let mut text = format!("# Profile of {}\n\n", cell(name));
    let _ = writeln!(text, "- source: {}", cell(&profile.source));
    if let Some(snapshot) = &profile.snapshot {
        let _ = writeln!(text, "- as of: {}", cell(snapshot));
    }
    let read = if profile.complete { "every document" } else { "a part: constraints are proposals only" };
    let _ = writeln!(text, "- read: {read}");
    verdict(&mut text, readiness);
    doubts(&mut text, &draft.doubts);
    watermarks(&mut text, draft);
    for collection in &profile.collections {
        self::collection(&mut text, collection, draft);
    }
    text
}

fn verdict(text: &mut String, readiness: &Readiness) {
    let _ = writeln!(text, "\n## Readiness: {} of 100\n", readiness.score);
    readiness.reasons.iter().for_each(|reason| text.push_str(&format!("- {}\n", cell(reason))));
    numbered(text, "Blockers", &readiness.blockers);
    numbered(text, "Warnings", &readiness.warnings);
    let estimate = &readiness.estimate;
    let (least, most) = estimate.destination_bytes;
    text.push_str("\n### What it takes, by rules of thumb\n\n| | |\n| --- | --- |\n");
    let mut row = |what: &str, much: String| text.push_str(&format!("| {what} | {much} |\n"));
    row("documents", count(estimate.documents));
    row("rows", count(estimate.rows));
    row("source", bytes(estimate.source_bytes));
    row("destination", format!("{} to {}", bytes(least), bytes(most)));
    if let (Some(reads), Some(cost)) = (estimate.reads, estimate.price) {
        row("billed reads of a run", format!("about {} ({})", count(reads), price(cost)));
    }
    row("reading", seconds(estimate.reading_seconds.0, estimate.reading_seconds.1));
    row("writing a local file", seconds(estimate.local_seconds.0, estimate.local_seconds.1));
    row("writing into a server", seconds(estimate.server_seconds.0, estimate.server_seconds.1));
    text.push_str("\n`fireferry plan` measures instead.\n");
}

fn numbered(text: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = writeln!(text, "\n### {title}\n");
        for (index, item) in items.iter().enumerate() {
            let _ = writeln!(text, "{}. {}", index + 1, cell(item));
        }
    }
}

fn doubts(text: &mut String, doubts: &[Doubt]) {
    if doubts.is_empty() {
        return;
    }
    text.push_str(
        "\n## To decide\n\n| # | where | found | what the draft does | instead |\n| --: | --- | --- | --- | --- |\n",
    );
    for (index, doubt) in doubts.iter().enumerate() {
        let field = doubt.field.as_ref().map(|field| format!(" {}", code(field))).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {}{field} | {} | {} | {} |",
            index + 1,
            cell(&doubt.collection),
            cell(&doubt.found),
            cell(&doubt.chosen),
            cell(&doubt.instead)
        );
    }
}

fn watermarks(text: &mut String, draft: &Draft) {
    if !draft.watermarks.is_empty() {
        text.push_str("\n## Fit for a watermark\n\n");
        for found in &draft.watermarks {
            let _ = writeln!(text, "- {} {}: {}", cell(&found.collection), code(&found.field), cell(&found.because));
        }
    }
}

fn collection(text: &mut String, found: &CollectionProfile, draft: &Draft) {
    let _ = writeln!(text, "\n## {}\n", cell(&found.collection));
    let of = match found.total {
        Some(total) if !found.complete => format!(" of {}", count(total)),
        _ => String::new(),
    };
    let _ = write!(text, "{}{of} documents, {}", count(found.documents), bytes(found.bytes));
    if found.malformed > 0 {
        let _ = write!(text, "; {} records are none", count(found.malformed));
    }
    text.push_str(".\n\n");
    if let Some(parents) = &found.parents {
        let existing = parents.resolved.map_or_else(|| "an unknown number".to_owned(), count);
        let _ = writeln!(
            text,
            "Below {} documents of {}, of which {existing} exist.\n",
            count(parents.distinct),
            cell(&parents.collection)
        );
    }
    for table in draft.tables.iter().filter(|table| table.collection == found.collection) {
        let _ = writeln!(text, "- table {}: {}", code(&table.name), cell(&table.note));
        for proposal in &table.proposals {
            let _ = writeln!(text, "  - undecided: {}", cell(proposal));
        }
    }
    text.push_str("\n| field | types | missing | null | different | range | more |\n| --- | --- | --: | --: | --: | --- | --- |\n");
    found.fields.iter().for_each(|field| self::field(text, field));
}

/// A row for the field, and for each one inside of it.
fn field(text: &mut String, field: &FieldProfile) {
    let types: Vec<String> = field
        .types
        .iter()
        .map(|found| {
            let examples: Vec<String> = found.examples.iter().map(|example| code(example)).collect();
            let examples = if examples.is_empty() { String::new() } else { format!(", e.g. {}", examples.join(", ")) };
            format!("{} {}{examples}", count(found.count), found.name)
        })
        .collect();
    let distinct = field.distinct.map_or_else(String::new, |found| {
        let about = if found.exact { "" } else { "about " };
        format!("{about}{}{}", count(found.count), if field.unique == Some(true) { ", unique" } else { "" })
    });
    let missing = field.of.saturating_sub(field.present);
    let dash = |number: u64| if number == 0 { "-".to_owned() } else { count(number) };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {distinct} | {} | {} |",
        code(&field.path),
        types.join("<br>"),
        dash(missing),
        dash(field.null),
        cell(&range(field)),
        more(field)
    );
    field.array.iter().for_each(|array| self::field(text, &array.items));
    if let Some(map) = &field.map {
        map.fields.iter().chain(map.values.as_deref()).for_each(|inner| self::field(text, inner));
    }
}

fn range(field: &FieldProfile) -> String {
    let mut parts = field.ranges();
    if let Some(texts) = field.texts.as_ref().filter(|_| field.count("string") > 0) {
        parts.push(format!("at most {}", bytes(texts.longest)));
    }
    if let Some((_, longest)) = field.bytes {
        parts.push(format!("at most {}", bytes(longest)));
    }
    parts.join("; ")
}

fn more(field: &FieldProfile) -> String {
    let mut parts = Vec::new();
    if let Some(array) = &field.array {
        parts.push(format!("{} to {} elements, {} in all", array.shortest, array.longest, count(array.total)));
    }
    if let Some(map) = &field.map {
        let kind = if map.kind == MapKind::Stable { "record" } else { "dictionary" };
        parts.push(format!("{kind}: {}", map.because));
    }
    let leads = |found: &Resolved| {
        let resolved = found.resolved.map_or_else(|| "not known how many".to_owned(), count);
        format!(
            "{} values name {} documents of {}, {resolved} exist",
            count(found.count),
            count(found.distinct),
            found.collection
        )
    };
    parts.extend(field.references.iter().map(leads));
    parts.extend(field.resolves.iter().map(|found| format!("as ids: {}", leads(found))));
    if field.repeats_id > 0 {
        parts.push(format!("repeats the document's id {} times", count(field.repeats_id)));
    }
    if let Some(values) =
        field.values.as_ref().filter(|values| values.len() <= LISTED && field.filled() > values.len() as u64)
    {
        parts.push(
            values.iter().map(|(value, times)| format!("{value} ({})", count(*times))).collect::<Vec<_>>().join(", "),
        );
    }
    parts.iter().map(|part| cell(part)).collect::<Vec<_>>().join("<br>")
}

/// Text that stays in its cell and is no markup.
fn cell(text: &str) -> String {
    clean(text).replace('|', "\\|").replace('<', "&lt;")
}

/// Text as code; a backtick would end it.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let space = if text.contains('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", clean(text).replace('|', "\\|"))
}
