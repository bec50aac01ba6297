//! `schema up|status`: migrations of the destination.

use serde_json::json;

use crate::engine::migrate::{self, MigrationStatus};
use crate::error::Result;
use crate::pipeline::resolved::arguments;
use crate::report::text::{Column, clean, moment, table};

use super::App;
use super::args::{PipelineArg, SchemaVerb};
use super::connect::{Access, connect};
use super::exit::Exit;

/// Dispatches.
pub async fn schema(app: &App, verb: SchemaVerb) -> Result<Exit> {
    match verb {
        SchemaVerb::Up { pipeline, to } => up(app, &pipeline, to).await,
        SchemaVerb::Status(args) => status(app, &args).await,
    }
}

async fn up(app: &App, args: &PipelineArg, to: Option<u64>) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Create)?;
    let result = migrate::up(&mut connected.context, to).await;
    connected.close();
    let applied = result?;
    app.output.answer(&json!({ "applied": applied }), || match applied.as_slice() {
        [] => "Nothing to apply: the destination is at its version.\n".to_owned(),
        names => names.iter().fold(String::new(), |text, name| text + "applied " + &clean(name) + "\n"),
    })?;
    Ok(Exit::Clean)
}

async fn status(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Read)?;
    let result = app.interruptible(migrate::status(&mut connected.context)).await;
    connected.close();
    let found = result?;
    app.output.answer(&found, || text(&found, &arguments(&args.file, app.settings.environment.as_deref())))?;
    Ok(Exit::Clean)
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
