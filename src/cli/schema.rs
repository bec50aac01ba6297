//! `schema`: migrations of the destination.

use serde_json::json;

use crate::engine::migrate::{self, MigrationPlan, MigrationStatus, Options, Outcome, RehearsalReport, SchemaReport};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::resolved::arguments;
use crate::report::finding::{Finding, Severity};
use crate::report::text::{Column, clean, clean_lines, moment, table};
use crate::schema::Migrations;

use super::App;
use super::args::{MigrateArgs, PipelineArg, SchemaVerb};
use super::connect::{Access, connect, load};
use super::exit::Exit;

/// Dispatches.
pub async fn schema(app: &App, verb: SchemaVerb) -> Result<Exit> {
    match verb {
        SchemaVerb::New { pipeline, name } => new(app, &pipeline, &name),
        SchemaVerb::Up(args) if args.dry_run => plan(app, &args, true).await,
        SchemaVerb::Down(args) if args.dry_run => plan(app, &args, false).await,
        SchemaVerb::Up(args) => up(app, &args).await,
        SchemaVerb::Down(args) => down(app, &args).await,
        SchemaVerb::Status(args) => status(app, &args).await,
        SchemaVerb::Validate(args) => validate(app, &args).await,
        SchemaVerb::Test(args) => test(app, &args).await,
        SchemaVerb::Adopt { pipeline, version } => adopt(app, &pipeline, version).await,
    }
}

fn new(app: &App, args: &PipelineArg, name: &str) -> Result<Exit> {
    let pipeline = load(app, &args.file)?;
    let folder = pipeline.schema.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Config, "no_schema", "the pipeline names no folder of migrations")
            .file(&args.file)
            .hint("add `schema: ../schemas/NAME` to the pipeline")
    })?;
    let files = Migrations::create(folder, name)?.map(|path| path.display().to_string());
    app.output.answer(&json!({ "files": files }), || files.iter().map(|file| clean(file) + "\n").collect())?;
    Ok(Exit::Clean)
}

async fn planned(app: &App, args: &MigrateArgs, upwards: bool) -> Result<MigrationPlan> {
    let mut connected = connect(app, &args.pipeline.file, Access::Read)?;
    let context = &mut connected.context;
    let found = match upwards {
        true => app.interruptible(migrate::plan_up(context, args.to)).await,
        false => app.interruptible(migrate::plan_down(context, args.to)).await,
    };
    connected.close();
    found
}

/// The SQL is data; what it would take away is said beside it.
async fn plan(app: &App, args: &MigrateArgs, upwards: bool) -> Result<Exit> {
    let found = planned(app, args, upwards).await?;
    for danger in found.dangers() {
        app.output.warn(&clean(&danger));
    }
    app.output.answer(&found, || match found.steps.as_slice() {
        [] => "Nothing to do: the destination is at that version.\n".to_owned(),
        steps => steps.iter().map(|step| format!("-- {}\n{}\n", step.file, step.sql.trim_end())).collect(),
    })?;
    Ok(Exit::Clean)
}

async fn up(app: &App, args: &MigrateArgs) -> Result<Exit> {
    let mut connected = connect(app, &args.pipeline.file, Access::Create)?;
    let result = migrate::up(&mut connected.context, Options { to: args.to, no_backup: args.no_backup }).await;
    connected.close();
    let outcome = result?;
    done(app, &outcome, "applied", "Nothing to apply: the destination is at its version.")
}

async fn down(app: &App, args: &MigrateArgs) -> Result<Exit> {
    if !app.settings.yes {
        let found = planned(app, args, false).await?;
        if !found.steps.is_empty() {
            ask(app, args, &found)?;
        }
    }
    let mut connected = connect(app, &args.pipeline.file, Access::Write)?;
    let result = migrate::down(&mut connected.context, Options { to: args.to, no_backup: args.no_backup }).await;
    connected.close();
    let outcome = result?;
    done(app, &outcome, "took back", "Nothing to take back: the destination is at that version.")
}

fn ask(app: &App, args: &MigrateArgs, found: &MigrationPlan) -> Result<()> {
    let steps: String = found.steps.iter().map(|step| format!("  {}\n", step.file)).collect();
    let dangers: String = found.dangers().iter().map(|danger| format!("  - {danger}\n")).collect();
    let dangers = if dangers.is_empty() { "  - no table and no column goes\n".to_owned() } else { dangers };
    let backup = if args.no_backup { "No backup is taken." } else { "A backup is taken first." };
    let question = format!("This takes migrations back in {}:\n{steps}{dangers}{backup}", found.destination);
    app.output.confirm(&clean_lines(&question), "down")
}

fn done(app: &App, outcome: &Outcome, verb: &str, nothing: &str) -> Result<Exit> {
    app.output.answer(outcome, || {
        let mut text: String = outcome.migrations.iter().map(|name| format!("{verb} {}\n", clean(name))).collect();
        if outcome.migrations.is_empty() {
            text = format!("{nothing}\n");
        }
        if let Some(backup) = &outcome.backup {
            text.push_str(&format!("Backup: {}\n", clean(backup)));
        }
        text + &findings(&outcome.problems)
    })?;
    Ok(exit(&outcome.problems))
}

async fn status(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let result = app.interruptible(migrate::status(&mut connected.context)).await;
    connected.close();
    let found = result?;
    app.output.answer(&found, || text(&found, &arguments(&args.file, app.settings.environment.as_deref())))?;
    Ok(Exit::Clean)
}

async fn validate(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let result = app.interruptible(migrate::validate(&mut connected.context)).await;
    connected.close();
    let found = result?;
    app.output.answer(&found, || {
        let SchemaReport { destination, version, .. } = &found;
        let verdict = if found.valid { "is what its migrations make" } else { "is NOT what its migrations make" };
        format!("{} at version {version} {verdict}.\n{}", clean(destination), findings(&found.problems))
    })?;
    Ok(exit(&found.problems))
}

async fn test(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let result = app.interruptible(migrate::rehearse(&mut connected.context)).await;
    connected.close();
    let found = result?;
    app.output.answer(&found, || rehearsed(&found))?;
    Ok(if found.valid { Exit::Clean } else { Exit::Differences })
}

fn rehearsed(found: &RehearsalReport) -> String {
    let mut text = format!("{} migrations up, down and up again on an empty database\n", found.migrations.len());
    if !found.with_rows.is_empty() {
        text.push_str(&format!("{} on a copy with the destination's rows\n", clean(&found.with_rows.join(", "))));
    }
    text.push_str(if found.valid { "All of them go both ways.\n" } else { "\nProblems:\n" });
    text + &found.problems.iter().map(|problem| format!("  - {}\n", clean(problem))).collect::<String>()
}

async fn adopt(app: &App, args: &PipelineArg, version: u64) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Write)?;
    let result = migrate::adopt(&mut connected.context, version).await;
    connected.close();
    let report = result?;
    app.output.answer(&report, || {
        let adopted = report.adopted.iter().map(|name| format!("adopted {}\n", clean(name)));
        let differs = report.differences.iter().map(|what| format!("  - {}\n", clean(what)));
        let title = if report.differences.is_empty() { "" } else { "\nNot quite as the migrations make it:\n" };
        adopted.chain([title.to_owned()]).chain(differs).collect()
    })?;
    Ok(Exit::Clean)
}

fn findings(problems: &[Finding]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let line = |found: &Finding| {
        let severity = if found.severity == Severity::Error { "error" } else { "warning" };
        format!("  - {severity}[{}]: {}\n", found.code, clean(&found.message))
    };
    "\nProblems:\n".to_owned() + &problems.iter().map(line).collect::<String>()
}

fn exit(problems: &[Finding]) -> Exit {
    let wrong = problems.iter().any(|found| found.severity == Severity::Error);
    if wrong { Exit::Differences } else { Exit::Clean }
}

fn text(found: &MigrationStatus, file: &str) -> String {
    let applied = found
        .applied
        .iter()
        .map(|step| vec![format!("{:04}_{}", step.version, step.name), "applied".to_owned(), moment(&step.applied_at)]);
    let pending = found.pending.iter().map(|name| vec![name.clone(), "pending".to_owned(), String::new()]);
    let columns = [Column::Text("migration"), Column::Text("state"), Column::Text("applied at")];
    let mut text = format!("{}\n\n{}", clean(&found.destination), table(&columns, applied.chain(pending)));
    if !found.pending.is_empty() {
        text.push_str(&format!("\nNext:\n  - apply them: fireferry schema up {file}\n"));
    }
    text
}
