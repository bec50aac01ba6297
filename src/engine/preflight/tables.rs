//! Checks of the schema: tables and columns fit the mappings, and nothing in it can change other rows.

use super::Examination;
use crate::domain::schema::{Schema, Table};
use crate::engine::steps::{self, FutureSchema, Step};
use crate::engine::{Context, RunOptions, incremental};
use crate::error::Result;
use crate::pipeline::conflict_misfit;
use crate::report::finding::{Finding, Severity};

/// Violations shown at most.
const SHOWN: usize = 10;

/// Binds the mappings to the schema and judges it.
pub(super) async fn examine(
    ctx: &mut Context,
    options: &RunOptions,
    future: FutureSchema,
    found: &mut Examination,
) -> Result<()> {
    pending(ctx, options, &future, found);
    let (mut steps, order, problems) = match steps::plan_steps(ctx, options, &future.schema) {
        Ok(planned) => planned,
        Err(error) => {
            found.findings.push(Finding::of_error(&error));
            return Ok(());
        }
    };
    for problem in problems {
        let severity = if problem.warning { Severity::Warning } else { Severity::Error };
        found.findings.push(Finding {
            code: problem.code,
            severity,
            message: problem.message,
            hint: Some(problem.hint),
        });
    }
    for cycle in &order.cycles {
        found.findings.push(Finding::new(
            Severity::Warning,
            "dependency_cycle",
            format!("{} is a cycle: documents wait until their parents are there", cycle.join(" → ")),
        ));
    }
    for parent in &order.missing_parents {
        found.findings.push(Finding::new(
            Severity::Warning,
            "parent_pulled_in",
            format!("{} runs too, because {} needs it ({})", parent.collection, parent.needed_by, parent.why),
        ));
    }
    for step in &steps {
        if let Some(misfit) = conflict_misfit(step.on_conflict(options), &step.mapping) {
            let finding = Finding::new(Severity::Error, "conflict_column_unfit", misfit.message);
            found.findings.push(finding.hint(misfit.hint));
        }
        for table in step.tables().filter_map(|name| future.schema.table(name)) {
            judge(table, found);
        }
        cascades(step, &future.schema, found);
    }
    let decided = incremental::decide(ctx, options, &mut steps).await?;
    found.findings.extend(decided.findings);
    (found.closes, found.deletes_due) = (decided.closes, decided.deletes_due);
    let whole: Vec<Step> = steps.iter().filter(|step| step.reach.is_none()).cloned().collect();
    violations(ctx, &future.schema, &whole, found).await?;
    count_rows(ctx, &whole, found).await?;
    found.steps = steps;
    found.future = Some(future);
    Ok(())
}

fn pending(ctx: &Context, options: &RunOptions, future: &FutureSchema, found: &mut Examination) {
    if future.pending.is_empty() {
        return;
    }
    let names: Vec<String> = future.pending.iter().map(|step| format!("{:04}_{}", step.version, step.name)).collect();
    let list = names.join(", ");
    let finding = if options.migrate || future.empty {
        Finding::new(Severity::Info, "migrations_pending", format!("the run applies migrations {list} first"))
    } else {
        Finding::new(Severity::Error, "migrations_pending", format!("the destination lacks migrations {list}"))
            .hint(format!("`fireferry schema up {}`, or run with `--migrate`", ctx.pipeline.arguments()))
    };
    found.findings.push(finding);
}

/// Rows of a child table are replaced as a set; what goes with them is neither counted nor in the undo log.
fn cascades(step: &Step, schema: &Schema, found: &mut Examination) {
    let acts = |action: &str| action != "NO ACTION" && action != "RESTRICT";
    let own = |name: &str| step.tables().any(|own| own.eq_ignore_ascii_case(name));
    for table in schema.tables.iter().filter(|table| !own(&table.name)) {
        for child in step.tables().skip(1) {
            let mut keys = table.foreign_keys.iter();
            if !keys.any(|key| key.parent.eq_ignore_ascii_case(child) && acts(&key.on_delete)) {
                continue;
            }
            let name = &table.name;
            let message = format!(
                "rows of {name} go or change with those of {child}, which are replaced whenever their document changes"
            );
            let hint = format!("a rollback does not bring them back; let {name} refer to the document's own row");
            found.findings.push(Finding::new(Severity::Warning, "child_cascade", message).hint(hint));
        }
    }
}

fn judge(table: &Table, found: &mut Examination) {
    let name = &table.name;
    for clause in &table.conflict_clauses {
        found.findings.push(
            Finding::new(
                Severity::Error,
                "conflict_clause",
                format!("table {name} declares {clause}, which can delete or skip rows without a word"),
            )
            .hint("remove the clause by a migration; fireferry decides conflicts itself (`on_conflict`)"),
        );
    }
    for trigger in &table.triggers {
        found.findings.push(Finding::new(
            Severity::Warning,
            "trigger",
            format!("table {name} has trigger {trigger}, which may change rows that fireferry does not know of"),
        ));
    }
    for key in &table.foreign_keys {
        let columns = key.columns.join(", ");
        if key.deferred {
            found.findings.push(
                Finding::new(
                    Severity::Error,
                    "foreign_key_deferred",
                    format!("foreign key {name}({columns}) is deferred: its violations would fail a whole commit without naming a row"),
                )
                .hint("declare it without INITIALLY DEFERRED"),
            );
        }
        let indexed = table.indexes.iter().any(|index| {
            index.len() >= key.columns.len()
                && index.iter().zip(&key.columns).all(|(own, column)| own.eq_ignore_ascii_case(column))
        });
        if !indexed {
            found.findings.push(
                Finding::new(
                    Severity::Warning,
                    "foreign_key_unindexed",
                    format!(
                        "foreign key {name}({columns}) has no index: deleting or changing parents reads the whole table"
                    ),
                )
                .hint(format!("CREATE INDEX {name}_{} ON {name}({columns})", key.columns.join("_"))),
            );
        }
    }
}

async fn violations(ctx: &mut Context, schema: &Schema, steps: &[Step], found: &mut Examination) -> Result<()> {
    let current = ctx.destination.inspect().await?;
    let tables: Vec<String> = steps
        .iter()
        .flat_map(Step::tables)
        .filter(|name| schema.table(name).is_some() && current.table(name).is_some())
        .map(str::to_owned)
        .collect();
    for violation in ctx.destination.foreign_key_check(&tables, SHOWN).await?.into_iter().take(SHOWN) {
        let row = violation.rowid.map_or_else(|| "a row".to_owned(), |rowid| format!("row {rowid}"));
        found.findings.push(
            Finding::new(
                Severity::Error,
                "foreign_key_violated",
                format!("{row} of table {} has no parent in {}", violation.table, violation.parent),
            )
            .hint("mend or delete it: `PRAGMA foreign_key_check` lists all of them"),
        );
    }
    Ok(())
}

async fn count_rows(ctx: &mut Context, steps: &[Step], found: &mut Examination) -> Result<()> {
    let current = ctx.destination.inspect().await?;
    let names: Vec<String> =
        steps.iter().flat_map(Step::tables).filter(|name| current.table(name).is_some()).map(str::to_owned).collect();
    let rows = ctx.destination.count(&names).await?;
    found.rows = names.into_iter().zip(rows).collect();
    Ok(())
}
