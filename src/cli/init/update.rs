//! `init --update`: what has come to the source of a pipeline since it was written, as a diff, or written on demand.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::domain::mapping::Mapping;
use crate::domain::schema::Schema;
use crate::engine::Context;
use crate::engine::migrate::{made, rehearse_next};
use crate::error::{Error, ErrorKind, Result};
use crate::infer::{self, Addition, AdditionKind, additions};
use crate::ledger::files::private_new;
use crate::pipeline::edit::{Edit, Insertion, Place, insert};
use crate::pipeline::resolved::{Pipeline, arguments};
use crate::report::text;
use crate::report::update::{FileChange, UpdateReport};
use crate::schema::{Migration, check_name};

use super::super::App;
use super::super::args::InitArgs;
use super::super::connect::{Access, Retries, connect, open_source, overrides};
use super::super::exit::Exit;
use super::{look_below, options, read};

/// The name of a migration that nobody gave one.
const NAME: &str = "follow_source";

/// Compares, proposes, and writes if it was asked to.
pub async fn update(app: &App, args: &InitArgs, file: &Path) -> Result<Exit> {
    let name = args.name.as_deref().unwrap_or(NAME);
    check_name(name)?;
    let mut connected = connect(app, file, Access::Read)?;
    let report = propose(app, args, file, name, &mut connected.context).await;
    connected.close();
    let mut report = report?;
    if args.write && !report.files.is_empty() {
        write(&report.files)?;
        report.written = true;
    }
    app.output.answer(&report, || text::update(&report))?;
    Ok(Exit::Clean)
}

async fn propose(app: &App, args: &InitArgs, file: &Path, name: &str, ctx: &mut Context) -> Result<UpdateReport> {
    let (schema, version) = made(ctx).await?;
    let mappings = bound(&ctx.pipeline, &schema, &["required_column_unmapped"])?;
    let max_reads = args.max_reads.or(ctx.pipeline.settings.max_reads);
    // Sub-collections that are new are looked for below more documents than a run does.
    let source = open_source(&ctx.pipeline.source, Retries::of(&ctx.pipeline), look_below(max_reads))?;
    let found = read(app, source, options(args, max_reads)).await?;
    let update = infer::update(&found, &mappings, &schema);
    let migration = infer::next(&update.draft, &ctx.pipeline.name)
        .map(|up| Migration::new(version, name, up, infer::down(&update.draft)));
    let additions = additions(&update.draft);
    let edit = insert(file, &insertions(&additions), &overrides(app), &|name| std::env::var(name).ok())?;
    let schema = match &migration {
        Some(migration) => rehearse_next(ctx, migration).await?,
        None => schema,
    };
    if edit.refused.is_empty() {
        bound(&edit.pipeline, &schema, &[])?;
    }
    let files = changes(ctx, migration.as_ref(), &edit);
    let by_hand = edit.refused.iter().filter_map(|index| additions.get(*index).cloned()).collect();
    let pipeline = arguments(file, ctx.pipeline.environment.as_deref());
    Ok(UpdateReport::new(pipeline, &found, update, migration.map(|migration| migration.file_name()), files, by_hand))
}

/// The mappings as the tables need them. What does not fit is for `check` to tell in full; `tolerated` may be mended.
fn bound(pipeline: &Pipeline, schema: &Schema, tolerated: &[&str]) -> Result<Vec<Mapping>> {
    let mut mappings = Vec::with_capacity(pipeline.collections.len());
    for collection in &pipeline.collections {
        let (mapping, problems) = collection.mapping.bind(schema);
        if let Some(problem) =
            problems.into_iter().find(|problem| !problem.warning && !tolerated.contains(&problem.code))
        {
            return Err(Error::new(ErrorKind::Preflight, problem.code, problem.message)
                .collection(mapping.collection.as_str())
                .hint(problem.hint));
        }
        mappings.push(mapping);
    }
    Ok(mappings)
}

fn insertions(additions: &[Addition]) -> Vec<Insertion> {
    let place = |addition: &Addition| {
        let collection = addition.collection.clone();
        match &addition.kind {
            AdditionKind::Collection => Place::Collections,
            AdditionKind::Columns => Place::Columns(collection),
            AdditionKind::Child => Place::Children(collection),
            AdditionKind::ChildColumns(table) => Place::ChildColumns(collection, table.clone()),
        }
    };
    additions.iter().map(|addition| Insertion { place: place(addition), lines: addition.lines.clone() }).collect()
}

/// Everything that would be written: new files first, so that a pipeline never maps what no migration makes.
fn changes(ctx: &Context, migration: Option<&Migration>, edit: &Edit) -> Vec<FileChange> {
    let mut files = Vec::new();
    if let (Some(migration), Some(folder)) = (migration, &ctx.pipeline.schema) {
        let halves = [(migration.file_name(), &migration.up), (migration.down_file_name(), &migration.down)];
        files.extend(halves.map(|(name, text)| FileChange::new(&near(&folder.join(name)), None, text)));
    }
    files.extend(edit.files.iter().map(|file| FileChange::new(&near(&file.path), Some(&file.before), &file.after)));
    files
}

/// A path as seen from the working directory, where it is below that.
fn near(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}

fn write(files: &[FileChange]) -> Result<()> {
    for file in files {
        let path = Path::new(&file.path);
        let written = match &file.before {
            // Evidence quotes documents.
            None => private_new(path).and_then(|mut new| new.write_all(file.text.as_bytes())),
            Some(before) => replace(path, before, &file.text)?,
        };
        written.map_err(|error| {
            Error::new(ErrorKind::Config, "file_unwritable", "a file cannot be written").file(path).caused_by(error)
        })?;
    }
    Ok(())
}

/// Replaces a file as a whole, if it still is what was read.
fn replace(path: &Path, before: &str, after: &str) -> Result<std::io::Result<()>> {
    if !std::fs::read_to_string(path).is_ok_and(|text| text == before) {
        return Err(Error::new(ErrorKind::Config, "file_changed", "the file was changed meanwhile")
            .file(path)
            .hint("start again; the migration that was written before it is to be deleted first"));
    }
    let swap = || {
        // A link stays a link.
        let path = fs_err::canonicalize(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = path.with_file_name(format!(".{name}.new"));
        let mut file = private_new(&temporary)?;
        file.write_all(after.as_bytes())?;
        file.set_permissions(fs_err::metadata(&path)?.permissions())?;
        file.sync_all()?;
        fs_err::rename(&temporary, &path)
    };
    Ok(swap())
}
