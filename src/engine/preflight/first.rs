//! The first documents of every collection against their mapping: what a `check` can tell before a run does.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::Examination;
use crate::domain::mapping::{KnownFields, Mapped, UnknownFields};
use crate::engine::steps::Step;
use crate::engine::{Context, RunOptions};
use crate::error::Result;
use crate::report::finding::{Finding, Severity};
use crate::source::Record;

/// Documents looked at per collection.
const MOST: usize = 200;
/// The same where reading costs money.
const MOST_BILLED: usize = 20;
/// Findings of one kind per collection.
const SHOWN: usize = 5;

/// What was seen, with the number of documents and one of them.
type Seen = BTreeMap<String, (usize, String)>;

/// Reads a few documents of every collection and maps them. What cannot be read is the run's matter.
pub(super) async fn examine(ctx: &Context, options: &RunOptions, found: &mut Examination) {
    for (index, step) in found.steps.clone().iter().enumerate() {
        let Some(partition) = found.partitions.get(index).and_then(|partitions| partitions.first()).cloned() else {
            continue;
        };
        match first_page(ctx, options, step, &partition).await {
            Ok(records) => look(ctx, step, records, found),
            Err(error) => found.findings.push(Finding::of_error(&error.collection(step.name()))),
        }
    }
}

async fn first_page(
    ctx: &Context,
    options: &RunOptions,
    step: &Step,
    partition: &crate::domain::cursor::Partition,
) -> Result<Vec<Record>> {
    let mut request = step.request(ctx, options);
    request.brief = true;
    request.page_documents = if ctx.source.capabilities().billed { MOST_BILLED } else { MOST };
    let mut pages = ctx.source.read(&request, partition, None).await?;
    let Some(page) = pages.next().await else { return Ok(Vec::new()) };
    Ok(page?.records)
}

/// What to do about what no column maps.
fn proposing(ctx: &Context) -> String {
    format!(
        "`fireferry init --update {}` proposes columns and a migration, or leave it behind on purpose",
        ctx.pipeline.arguments()
    )
}

fn look(ctx: &Context, step: &Step, records: Vec<Record>, found: &mut Examination) {
    let (mut rejected, mut misfit, mut unmapped) = (Seen::new(), Seen::new(), Seen::new());
    let known = (step.mapping.unknown_fields == UnknownFields::Ignore).then(|| KnownFields::of(step.mapping.clone()));
    let all = records.len();
    for record in records {
        let document = match record {
            Record::Document(document) => document,
            Record::Malformed(record) => {
                let place = record.document.unwrap_or_else(|| record.origin.to_string());
                add(&mut rejected, record.rejection.reason, place);
                continue;
            }
        };
        let path = document.path.to_string();
        let mut misfits = Vec::new();
        match step.mapping.map_noting(document, &mut misfits) {
            Mapped::Rows(mapped) => {
                let fields = known.iter().flat_map(|known| known.unknown(&mapped.document));
                fields.for_each(|field| add(&mut unmapped, format!("no column maps `{field}`"), path.clone()));
            }
            Mapped::Filtered => {}
            Mapped::Rejected { rejection, .. } => add(&mut rejected, rejection.reason, path.clone()),
        }
        for fitted in misfits {
            let what = format!("{} cannot hold {} ({})", fitted.column, fitted.found, fitted.rule.as_str());
            add(&mut misfit, what, path.clone());
        }
    }
    let kinds = [
        (Severity::Warning, "documents_rejected", "would be rejected: ", rejected, None),
        (Severity::Info, "documents_misfit", "do not fit: ", misfit, None),
        (Severity::Info, "fields_unmapped", "have more: ", unmapped, Some(proposing(ctx))),
    ];
    for (severity, code, what, seen, mut hint) in kinds {
        for (why, (documents, example)) in seen.into_iter().take(SHOWN) {
            let message =
                format!("{documents} of the first {all} documents of {} {what}{why}, e.g. {example}", step.name());
            let finding = Finding::new(severity, code, message);
            found.findings.push(Finding { hint: hint.take(), ..finding });
        }
    }
}

fn add(seen: &mut Seen, what: String, example: String) {
    seen.entry(what).or_insert((0, example)).0 += 1;
}
