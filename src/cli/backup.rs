//! `backup create|list|restore`.

use std::path::{Path, PathBuf};

use crate::engine::backup::{self, BackupEntry};
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::{Column, bytes, clean, moment, table};

use super::App;
use super::args::{BackupVerb, PipelineArg};
use super::connect::{Access, connect, connect_pipeline, load};
use super::exit::Exit;
use super::state::StateFolder;

/// Dispatches.
pub async fn backup(app: &App, verb: BackupVerb) -> Result<Exit> {
    match verb {
        BackupVerb::Create(args) => create(app, &args).await,
        BackupVerb::List(args) => list(app, &args),
        BackupVerb::Restore { pipeline, backup } => restore(app, &pipeline, &backup).await,
    }
}

/// A backup, said on stderr.
pub async fn create_quietly(app: &App, args: &PipelineArg) -> Result<()> {
    let mut connected = connect(app, &args.file, Access::Write)?;
    let result = backup::create(&mut connected.context).await;
    connected.close();
    app.output.note(&format!("Backed up {}", described(&result?)));
    Ok(())
}

async fn create(app: &App, args: &PipelineArg) -> Result<Exit> {
    let mut connected = connect(app, &args.file, Access::Write)?;
    let result = backup::create(&mut connected.context).await;
    connected.close();
    let entry = result?;
    app.output.answer(&entry, || format!("Backed up {}\n", described(&entry)))?;
    Ok(Exit::Clean)
}

fn list(app: &App, args: &PipelineArg) -> Result<Exit> {
    let pipeline = load(app, &args.file)?;
    let entries = backup::list(&app.settings.state, &pipeline.name)?;
    app.output.answer(&Listed { backups: &entries }, || text(&pipeline.name, &entries))?;
    Ok(Exit::Clean)
}

/// The answer of `backup list --json`.
#[derive(serde::Serialize)]
struct Listed<'a> {
    backups: &'a [BackupEntry],
}

fn text(pipeline: &str, entries: &[BackupEntry]) -> String {
    if entries.is_empty() {
        return format!("There is no backup for pipeline {}.\n", clean(pipeline));
    }
    let columns = [
        Column::Text("created at"),
        Column::Text("why"),
        Column::Number("size"),
        Column::Text("of"),
        Column::Text("file"),
    ];
    let rows = entries.iter().map(|entry| {
        let BackupEntry { path, destination, created_at, bytes: size, reason, .. } = entry;
        vec![moment(created_at), reason.clone(), bytes(*size), destination.clone(), path.display().to_string()]
    });
    table(&columns, rows)
}

async fn restore(app: &App, args: &PipelineArg, wanted: &Path) -> Result<Exit> {
    let pipeline = load(app, &args.file)?;
    let path = choose(app, &pipeline.name, wanted)?;
    if !app.settings.yes {
        let question = format!(
            "This replaces the whole destination {}\nby the backup {}",
            clean(&super::connect::shown_url(&pipeline.destination.url)),
            clean(&path.display().to_string()),
        );
        app.output.confirm(&question, &pipeline.name)?;
    }
    let mut connected = connect_pipeline(app, pipeline, StateFolder::open(&app.settings.state)?, Access::Replace)?;
    let result = backup::restore(&mut connected.context, &path).await;
    connected.close();
    let entry = result?;
    app.output.answer(&entry, || format!("Restored {}\n", described(&entry)))?;
    Ok(Exit::Clean)
}

/// `latest`, or the file as named. What a restore itself put aside is not the latest: asked again, it would be taken back.
fn choose(app: &App, pipeline: &str, wanted: &Path) -> Result<PathBuf> {
    if wanted != Path::new("latest") {
        return Ok(wanted.to_owned());
    }
    let newest = backup::list(&app.settings.state, pipeline)?.into_iter().rfind(|entry| entry.reason != "restore");
    newest.map(|entry| entry.path).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "backup_unknown", format!("there is no backup for pipeline {pipeline}"))
            .hint("`--state-dir` names the folder where backups are looked for")
    })
}

fn described(entry: &BackupEntry) -> String {
    let path = clean(&entry.path.display().to_string());
    let hash: String = entry.hash.chars().take(16).collect();
    format!("{}\n  file:   {path}\n  size:   {}\n  blake3: {hash}…", clean(&entry.destination), bytes(entry.bytes))
}
