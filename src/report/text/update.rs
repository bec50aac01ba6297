//! What `init --update` proposes. The diff comes last: programs that apply one skip what stands before it.

use std::fmt::Write;

use super::format::{clean, clean_lines, count};
use crate::infer::Doubt;
use crate::infer::model::Table;
use crate::report::update::UpdateReport;

/// The proposal.
pub fn update(report: &UpdateReport) -> String {
    let part = if report.complete { "" } else { " (in part)" };
    let mut text = format!("Compared {} documents of {}{part}\n", count(report.documents), clean(&report.source));
    let _ = writeln!(text, "with {}", clean(&report.pipeline));
    if report.up_to_date {
        text.push_str("\nNothing to propose: the pipeline maps every field that was found.\n");
    } else {
        text.push_str("\nNew:\n");
        report.update.draft.tables.iter().for_each(|table| self::table(&mut text, table));
    }
    let (serious, others): (Vec<&Doubt>, Vec<&Doubt>) =
        report.update.draft.doubts.iter().partition(|doubt| doubt.serious);
    doubts(&mut text, "Documents do not fit the tables any more", &serious);
    doubts(&mut text, "To decide", &others);
    gone(&mut text, report);
    by_hand(&mut text, report);
    if report.written {
        text.push_str("\nWritten:\n");
        report.files.iter().for_each(|file| text.push_str(&format!("  {}\n", clean(&file.path))));
        next(&mut text, report);
    } else if !report.files.is_empty() {
        let _ = writeln!(text, "\nNext: fireferry init --update {} --write", clean(&report.pipeline));
        let _ =
            write!(text, "      (or save the diff and apply it with `git apply` or `patch -p1`)\n\n{}", report.diff);
    }
    text
}

fn table(text: &mut String, table: &Table) {
    let what = if table.extends { String::new() } else { format!(" (new table): {}", clean(&table.note)) };
    let _ = writeln!(text, "  {}{what}", clean(&table.name));
    for column in table.columns.iter().filter(|_| table.extends) {
        let there = if column.there { " (the table has it already)" } else { "" };
        let (name, declared, evidence) = (clean(&column.name), column.stored.declared, clean(&column.evidence));
        let _ = writeln!(text, "    {name} {declared}{there}: {evidence}");
    }
    for proposal in &table.proposals {
        let _ = writeln!(text, "    undecided: {}", clean(proposal));
    }
}

fn doubts(text: &mut String, title: &str, doubts: &[&Doubt]) {
    if doubts.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for (index, doubt) in doubts.iter().enumerate() {
        let field = doubt.field.as_ref().map(|field| format!(" `{field}`")).unwrap_or_default();
        let line = format!("{}{field}: {}; {}", doubt.collection, doubt.found, doubt.chosen);
        let _ = writeln!(text, "  {}. {}", index + 1, clean(&line));
        let _ = writeln!(text, "     {}", clean(&doubt.instead));
    }
}

fn gone(text: &mut String, report: &UpdateReport) {
    if report.update.gone.is_empty() {
        return;
    }
    text.push_str("\nMapped, but in no document (nothing is dropped):\n");
    for gone in &report.update.gone {
        let field = gone.field.as_ref().map(|field| format!(" `{field}`")).unwrap_or_default();
        let fills = gone.fills.as_ref().map(|fills| format!(" → {fills}")).unwrap_or_default();
        let _ = writeln!(text, "  - {}", clean(&format!("{}{field}{fills}", gone.collection)));
    }
}

fn by_hand(text: &mut String, report: &UpdateReport) {
    for addition in &report.by_hand {
        let _ = writeln!(
            text,
            "\nThe pipeline file is written in a way that these lines of {} cannot be put into it. Add them by hand:",
            clean(&addition.collection)
        );
        let _ = writeln!(text, "{}", clean_lines(&addition.lines.join("\n")));
    }
}

fn next(text: &mut String, report: &UpdateReport) {
    let pipeline = clean(&report.pipeline);
    text.push_str("\nNext:\n");
    if report.migration.is_some() {
        let _ = writeln!(text, "  - try the migration: fireferry schema test {pipeline}");
        let _ = writeln!(text, "  - see what would happen: fireferry run {pipeline} --migrate --dry-run");
    } else {
        let _ = writeln!(text, "  - see what would happen: fireferry run {pipeline} --dry-run");
    }
}
