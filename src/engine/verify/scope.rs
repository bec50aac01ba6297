//! What is compared with what: the run that explains the destination, its collections, and the time of the source.

use std::collections::BTreeSet;

use super::super::details::Details;
use super::super::steps::{self, Step};
use super::super::{Context, RunOptions};
use crate::destination::{OnConflict, RunRecord, Target};
use crate::domain::schema::Schema;
use crate::error::{Error, ErrorKind, Result};

/// Statuses of runs that came to their end.
const ENDED: [&str; 3] = ["completed", "completed_with_rejects", "completed_with_differences"];

/// What a comparison is about.
pub(super) struct Scope {
    /// The pipeline's newest run into the destination, if there was one.
    pub run: Option<RunRecord>,
    /// What it remembered.
    pub details: Details,
    /// The point in time that the source is read at.
    pub snapshot: Option<String>,
    /// Fingerprint of the destination's schema.
    pub schema: String,
    /// The collections.
    pub steps: Vec<Step>,
    /// Their tables, in the same order.
    pub targets: Vec<Target>,
    /// Tables, in lower case, that collections fill which are not compared.
    pub shared: BTreeSet<String>,
    /// Differences that name no document: (collection, sentence).
    pub general: Vec<(String, String)>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

impl Scope {
    /// Finds out. Changes nothing.
    pub async fn find(ctx: &mut Context) -> Result<Self> {
        ctx.source.check().await?;
        ctx.destination.check().await?;
        if let Some(most) = ctx.pipeline.settings.max_reads {
            ctx.source.limit_reads(most);
        }
        let run = ctx.destination.find_run(&ctx.pipeline.name, None).await?;
        let details = run.as_ref().map(|run| Details::load(&run.details)).transpose()?.unwrap_or_default();
        refuse_retired(ctx, &details).await?;
        let mut notes = Vec::new();
        let (snapshot, note) = pin(ctx, details.snapshot.as_deref()).await?;
        notes.extend(note);
        notes.extend(notes_of(ctx, run.as_ref(), &details));
        let schema = ctx.destination.inspect().await?;
        let (all, _, _) = steps::plan_steps(ctx, &RunOptions::default(), &schema)?;
        let ran = |step: &Step| run.is_none() || details.collections.iter().any(|name| name == step.name());
        let (own, others): (Vec<Step>, Vec<Step>) = all.into_iter().partition(ran);
        let mut general = Vec::new();
        if run.as_ref().is_some_and(|run| run.schema_fingerprint != schema.fingerprint) {
            general
                .push((String::new(), "the destination's schema is not what it was when the run started".to_owned()));
        }
        let mut steps = Vec::new();
        for step in own {
            match lacking(&schema, &step) {
                None => steps.push(step),
                Some(lacking) => general.push((step.name().to_owned(), format!("not compared: {lacking}"))),
            }
        }
        let unique = ctx.source.capabilities().unique_paths;
        // What is stored is compared; what a strategy would have done with it is judged later.
        let target = |step: &Step| Target {
            on_conflict: OnConflict::Replace,
            ..step.target(&RunOptions::default(), false, unique)
        };
        let targets = steps.iter().map(target).collect();
        let shared = others.iter().flat_map(Step::tables).map(str::to_ascii_lowercase).collect();
        let schema = schema.fingerprint;
        Ok(Self { run, details, snapshot, schema, steps, targets, shared, general, notes })
    }

    /// Whether the step's table had rows when the run started. A run that reads only changes has had others before it.
    pub fn had_rows(&self, step: &Step) -> bool {
        let before = self.details.rows_before.get(&step.mapping.table).copied().unwrap_or(0);
        before > 0 || self.details.since.contains_key(step.name())
    }

    /// The strategy that the run had for the step.
    pub fn strategy(&self, step: &Step) -> OnConflict {
        let asked = self.details.on_conflict.as_deref().and_then(|text| text.parse().ok());
        asked.unwrap_or_else(|| step.collection.on_conflict.clone())
    }
}

/// Looks at the source as the run saw it, or, when that time is not kept any more, as it is now; with what is to be told.
pub(super) async fn pin(ctx: &Context, snapshot: Option<&str>) -> Result<(Option<String>, Option<String>)> {
    match ctx.source.pin(snapshot).await {
        Err(error) if snapshot.is_some() && error.code() == "snapshot_too_old" => {
            let note = "the source no longer keeps the run's snapshot: looking at it as it is now";
            Ok((ctx.source.pin(None).await?, Some(note.to_owned())))
        }
        pinned => pinned.map(|pinned| (pinned, None)),
    }
}

/// Files that were put away cannot be read: every row would look as if nothing explained it.
async fn refuse_retired(ctx: &Context, details: &Details) -> Result<()> {
    if !details.retire {
        return Ok(());
    }
    let retired = ctx.source.retired().await?;
    let Some(first) = retired.first() else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Usage,
        "source_put_away",
        format!("the run put its source away ({first}): there is nothing to compare with"),
    )
    .hint("give the files their names back, without `.migrated`, or verify with --counts"))
}

fn notes_of(ctx: &Context, run: Option<&RunRecord>, details: &Details) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(run) = run else {
        notes.push("no run of this pipeline is known here: nothing explains what differs".to_owned());
        return notes;
    };
    if !ENDED.contains(&run.status.as_str()) {
        let status = run.status.replace('_', " ");
        notes.push(format!("run {} did not come to its end ({status}): what it did not write yet is missing", run.run));
    }
    if run.pipeline_fingerprint != ctx.pipeline.fingerprint {
        notes.push("the pipeline was changed since the run: compared is what it says now".to_owned());
    }
    if let Some(sample) = details.sample {
        notes.push(format!(
            "the run wrote a sample of {sample}: documents without a row may not belong to it, and are skipped; extra rows \
             are not looked for"
        ));
    }
    notes
}

/// The first table or column that the destination lacks.
fn lacking(schema: &Schema, step: &Step) -> Option<String> {
    let mapping = &step.mapping;
    let tables = [(&mapping.table, &mapping.columns)].into_iter();
    let mut tables = tables.chain(mapping.children.iter().map(|child| (&child.table, &child.columns)));
    tables.find_map(|(name, columns)| {
        let Some(table) = schema.table(name) else { return Some(format!("the destination has no table {name}")) };
        let column = columns.iter().find(|column| table.column(&column.name).is_none())?;
        Some(format!("table {name} has no column {}", column.name))
    })
}
