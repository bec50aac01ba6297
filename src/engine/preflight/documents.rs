//! Checks of the source: reachable, not empty, and holding what the pipeline expects.

use super::Examination;
use crate::engine::steps::Step;
use crate::engine::{Context, RunOptions, incremental};
use crate::error::{Error, ErrorKind, Result};
use crate::report::finding::{Finding, Severity};
use crate::source::Bill;

/// Whether the source can be read at all; fixes the point in time that everything is read at.
pub(super) async fn reachable(ctx: &Context, options: &RunOptions, found: &mut Examination) -> bool {
    let checked = async {
        for note in ctx.source.check().await? {
            found.findings.push(Finding::new(Severity::Info, "source_checked", note));
        }
        if let Some(what) = ctx.source.pin_waits_for().filter(|_| options.read_time.is_none()) {
            ctx.progress.message(&format!("waiting for {what}, which the snapshot is taken at"));
        }
        found.snapshot = ctx.source.pin(options.read_time.as_deref()).await?;
        Result::<()>::Ok(())
    };
    match checked.await {
        Ok(()) => true,
        Err(error) => {
            found.findings.push(Finding::of_error(&too_low(error)));
            false
        }
    }
}

/// Counts every collection and compares with what the pipeline expects.
pub(super) async fn examine(ctx: &Context, options: &RunOptions, found: &mut Examination) -> Result<()> {
    if found.only_changes() {
        for step in found.steps.clone() {
            changes(ctx, options, &step, found).await;
        }
        return Ok(());
    }
    let present = match ctx.source.collections().await {
        Ok(present) => present,
        Err(error) if error.code() == "source_lacks" => {
            let message = "the source cannot list its collections: those that no definition covers are not found";
            found.findings.push(Finding::new(Severity::Warning, "collections_unlisted", message));
            Vec::new()
        }
        Err(error) => {
            found.findings.push(Finding::of_error(&too_low(error)));
            return Ok(());
        }
    };
    let retired = ctx.source.retired().await?;
    found.nothing_left = present.is_empty() && !retired.is_empty();
    for step in found.steps.clone() {
        if step.reach.is_some() {
            changes(ctx, options, &step, found).await;
            continue;
        }
        count(ctx, options, &step, found).await;
        if options.incremental {
            examine_watermark(ctx, options, &step, found).await;
        }
    }
    let covered = |name: &str| ctx.pipeline.collections.iter().any(|c| c.mapping.collection.as_str() == name);
    found.uncovered = present.iter().map(|c| c.collection.to_string()).filter(|name| !covered(name)).collect();
    for name in &found.uncovered {
        found.findings.push(
            Finding::new(
                Severity::Warning,
                "collection_uncovered",
                format!("the source holds collection {name}, which the pipeline does not define"),
            )
            .hint(format!(
                "`fireferry init --update {}` proposes a definition and a migration, or leave it behind on purpose",
                ctx.pipeline.arguments()
            )),
        );
    }
    Ok(())
}

/// What changed is not counted: no change is normal, and a count would cost as much as reading.
async fn changes(ctx: &Context, options: &RunOptions, step: &Step, found: &mut Examination) {
    match ctx.source.partitions(&step.request(ctx, options)).await {
        Ok(partitions) => found.partitions.push(partitions),
        Err(error) => {
            found.findings.push(Finding::of_error(&too_low(error).collection(step.name())));
            found.partitions.push(Vec::new());
        }
    }
    found.counts.push(0);
}

/// Whether incremental runs will see every change.
pub(super) async fn examine_watermark(ctx: &Context, options: &RunOptions, step: &Step, found: &mut Examination) {
    match incremental::examine(ctx, options, step).await {
        Ok(findings) => found.findings.extend(findings),
        Err(error) => found.findings.push(Finding::of_error(&too_low(error).collection(step.name()))),
    }
}

/// A limit that does not even suffice for the checks is no limit of a run.
fn too_low(error: Error) -> Error {
    if error.kind() != ErrorKind::Budget {
        return error;
    }
    let message = format!("{}, and nothing but counting was done", error.message());
    Error::new(ErrorKind::Preflight, "max_reads_too_low", message)
        .hint("counts and checks are paid first: allow more reads (`fireferry plan` tells how many a run needs)")
}

async fn count(ctx: &Context, options: &RunOptions, step: &Step, found: &mut Examination) {
    let request = step.request(ctx, options);
    let counted = async {
        let partitions = ctx.source.partitions(&request).await?;
        let documents = if partitions.is_empty() { 0 } else { ctx.source.count(&request).await? };
        Result::<_>::Ok((partitions, documents))
    };
    let counted = counted.await;
    let failed = counted.is_err();
    let (partitions, documents) = match counted {
        Ok(counted) => counted,
        Err(error) => {
            found.findings.push(Finding::of_error(&too_low(error).collection(step.name())));
            (Vec::new(), 0)
        }
    };
    if documents == 0 && step.collection.expect_documents && !found.nothing_left && !failed {
        found.findings.push(
            Finding::new(
                Severity::Error,
                "collection_empty",
                format!("the source has no document of collection {}", step.name()),
            )
            .hint(
                "check where the source is and the collection's name, or say `expect_documents: false` in its definition",
            ),
        );
    }
    found.bill = match (found.bill, ctx.source.bill(documents, &request)) {
        (Some(sum), Some(one)) => Some(Bill { reads: sum.reads + one.reads, price: sum.price + one.price }),
        (sum, one) => sum.or(one),
    };
    let here = ctx.source.left_here(&request);
    if !here.is_empty() && ctx.source.capabilities().billed {
        found.findings.push(Finding::new(
            Severity::Info,
            "where_evaluated_here",
            format!(
                "collection {}: the conditions on {} are evaluated here, so the documents that they leave out are read too",
                step.name(),
                here.join(", ")
            ),
        ));
    }
    found.partitions.push(partitions);
    found.counts.push(documents);
}
