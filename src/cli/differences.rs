//! `runs differences`: what comparisons of contents found, listed one by one, exported, or accepted.

use serde_json::json;

use crate::error::Result;
use crate::ledger::{DifferenceFilter, Ledger, LedgerDifference, VerificationEntry};
use crate::report::text::{self, count};
use crate::report::verify::DifferenceKind;

use super::App;
use super::args::{DifferencesArgs, ListFormat};

/// Differences read at once.
const PAGE: u64 = 200;
/// Differences shown to people unless they ask for more.
const SHOWN: u64 = 100;

/// Lists or accepts.
pub async fn differences(app: &App, ledger: &Ledger, args: DifferencesArgs) -> Result<()> {
    let entry = ledger.verification(&args.verification).await?;
    let filter = DifferenceFilter { collection: args.collection, kind: args.kind, after: 0, limit: 0 };
    match args.accept {
        Some(reason) => accept(app, ledger, &entry, &filter, &reason).await,
        None => list(app, ledger, &entry, filter, args.format, args.limit).await,
    }
}

async fn list(
    app: &App,
    ledger: &Ledger,
    entry: &VerificationEntry,
    mut filter: DifferenceFilter,
    format: ListFormat,
    limit: Option<u64>,
) -> Result<()> {
    if entry.state.is_some() {
        app.output.warn("this comparison did not come to its end; listed is what it found so far");
    }
    let format = if app.output.is_json() && format == ListFormat::Text { ListFormat::Json } else { format };
    let most = limit.unwrap_or(if format == ListFormat::Text { SHOWN } else { u64::MAX });
    begin(app, entry, format)?;
    let mut shown = 0;
    while shown < most {
        filter.limit = PAGE.min(most - shown);
        let page = ledger.differences(&entry.start.id, &filter).await?;
        let Some(last) = page.last() else { break };
        filter.after = last.number;
        let lines = page.iter().enumerate().map(|(place, found)| line(found, format, shown == 0 && place == 0));
        app.output.data(&lines.collect::<String>())?;
        shown += page.len() as u64;
    }
    filter.limit = 1;
    let more = !ledger.differences(&entry.start.id, &filter).await?.is_empty();
    match format {
        ListFormat::Json => app.output.data("\n]}\n"),
        ListFormat::Text if shown == 0 => {
            app.output.data(&format!("Comparison {} found no such difference.\n", entry.start.id))
        }
        ListFormat::Text if more => {
            app.output.note(&format!("{} shown; --limit N shows more, --format ndjson all", count(shown)));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn begin(app: &App, entry: &VerificationEntry, format: ListFormat) -> Result<()> {
    match format {
        ListFormat::Json => {
            let head = json!({ "verification": entry.start.id, "run": entry.start.run, "status": entry.status });
            app.output.data(&format!("{},\"differences\":[", head.to_string().trim_end_matches('}')))
        }
        ListFormat::Csv => {
            app.output.data("number,kind,collection,table,document,key,column,source,destination,accepted\n")
        }
        ListFormat::Text | ListFormat::Ndjson => Ok(()),
    }
}

fn line(found: &LedgerDifference, format: ListFormat, first: bool) -> String {
    // Strings, numbers and JSON values always serialise.
    let json = || serde_json::to_string(found).unwrap_or_default();
    match format {
        ListFormat::Text => text::difference(&found.difference),
        ListFormat::Json => format!("{}\n{}", if first { "" } else { "," }, json()),
        ListFormat::Ndjson => json() + "\n",
        ListFormat::Csv => csv(found),
    }
}

/// A line per column that differs, and per child table; one line for what has neither.
fn csv(found: &LedgerDifference) -> String {
    let own = &found.difference;
    let columns = own
        .columns
        .iter()
        .map(|column| (column.column.clone(), column.source.to_string(), column.destination.to_string()));
    let children = own
        .children
        .iter()
        .map(|child| (child.table.clone(), format!("{} missing", child.missing), format!("{} extra", child.extra)));
    let mut lines: Vec<(String, String, String)> = columns.chain(children).collect();
    if lines.is_empty() {
        lines.push((String::new(), own.message.clone().unwrap_or_default(), String::new()));
    }
    let line = |(column, source, destination): (String, String, String)| {
        let fields = [
            found.number.to_string(),
            own.kind.as_str().to_owned(),
            own.collection.clone(),
            own.table.clone(),
            own.document.clone().unwrap_or_default(),
            own.key.to_string(),
            column,
            source,
            destination,
            own.accepted.clone().unwrap_or_default(),
        ];
        fields.map(|field| quoted(&field)).join(",") + "\n"
    };
    lines.into_iter().map(line).collect()
}

/// A field as RFC 4180 wants it; one that a spreadsheet would take for a formula is made text.
fn quoted(field: &str) -> String {
    let formula =
        field.starts_with(['=', '+', '@', '\t', '\r']) || (field.starts_with('-') && field.parse::<f64>().is_err());
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

async fn accept(
    app: &App,
    ledger: &Ledger,
    entry: &VerificationEntry,
    filter: &DifferenceFilter,
    reason: &str,
) -> Result<()> {
    let by = super::connect::initiated_by();
    let accepted = ledger.accept(entry, filter, reason, &by).await?;
    let kind = filter.kind.map(DifferenceKind::as_str);
    let answer =
        json!({ "verification": entry.start.id, "accepted": accepted, "kind": kind, "collection": filter.collection });
    app.output.answer(&answer, || {
        format!(
            "{} differences of comparison {} are accepted: {}\nThe same ones fail no later comparison, and no repair touches them.\n",
            count(accepted),
            entry.start.id,
            text::clean(reason)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_are_no_formulas() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("-5"), "-5");
        assert_eq!(quoted("-cmd"), "'-cmd");
    }
}
