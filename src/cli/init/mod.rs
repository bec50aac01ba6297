//! `init`: a source nobody has described yet becomes a pipeline with its tables. Writes new files only.

mod update;

use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::engine::init::{InitOptions, MEMORY, profile};
use crate::error::{Error, ErrorKind, Result};
use crate::infer::{PipelineSource, down, draft, pipeline, readiness, up};
use crate::ledger::files::private_create;
use crate::pipeline::resolved::SourceSpec;
use crate::pipeline::{self, Overrides};
use crate::profile::Profile;
use crate::report::init::{InitReport, ProfileDocument};
use crate::report::profile::page;
use crate::report::text;
use crate::source::Source;

use super::App;
use super::args::InitArgs;
use super::connect::{Retries, open_source};
use super::exit::Exit;
use super::progress::Shown;

/// Longest name of a pipeline.
const LONGEST_NAME: usize = 64;

/// Where the files go.
struct Files {
    pipeline: PathBuf,
    up: PathBuf,
    down: PathBuf,
    json: PathBuf,
    page: PathBuf,
}

impl Files {
    fn new(out: &Path, name: &str) -> Self {
        let schema = out.join("schemas").join(name);
        Self {
            pipeline: out.join("pipelines").join(format!("{name}.yaml")),
            up: schema.join("0001_create_tables.up.sql"),
            down: schema.join("0001_create_tables.down.sql"),
            json: out.join(format!("{name}.profile.json")),
            page: out.join(format!("{name}.profile.md")),
        }
    }

    fn all(&self) -> [&PathBuf; 5] {
        [&self.pipeline, &self.up, &self.down, &self.json, &self.page]
    }

    /// Before anything is read: reading may cost money.
    fn refuse_existing(&self) -> Result<()> {
        match self.all().into_iter().find(|file| file.exists()) {
            None => Ok(()),
            Some(file) => Err(Error::new(ErrorKind::Usage, "file_exists", "a file that would be written exists")
                .file(file)
                .hint("choose another --name or --out, or overwrite it with --force")),
        }
    }
}

/// Profiles, drafts, writes.
pub async fn init(app: &App, args: &InitArgs) -> Result<Exit> {
    match (&args.update, &args.from) {
        (Some(file), _) => update::update(app, args, file).await,
        (None, from) => draft_of(app, args, from.as_deref().unwrap_or_default()).await,
    }
}

async fn draft_of(app: &App, args: &InitArgs, from: &str) -> Result<Exit> {
    refuse_overrides(app)?;
    if args.write {
        let message = "--write belongs to --update; a new draft is written anyway";
        return Err(Error::new(ErrorKind::Usage, "options_conflict", message).hint("leave --write out"));
    }
    let spec = pipeline::source_named(from, args.shape.as_deref(), args.id_field.as_deref())?;
    let name = match &args.name {
        Some(name) => checked(name)?,
        None => name_of(&spec),
    };
    // Files are told as `pipelines/NAME.yaml`, without a dot before.
    let out = if args.out == Path::new(".") { Path::new("") } else { &args.out };
    let files = Files::new(out, &name);
    if !args.force {
        files.refuse_existing()?;
    }
    let source = open_source(&spec, Retries::default(), look_below(args.max_reads))?;
    let found = read(app, source, options(args, args.max_reads)).await?;
    let draft = draft(&found);
    let readiness = readiness(&found, &draft);
    let document = ProfileDocument {
        name: &name,
        readiness: &readiness,
        doubts: &draft.doubts,
        watermarks: &draft.watermarks,
        tables: &draft.tables,
        profile: &found,
    };
    write(&files.json, &json(&document)?)?;
    write(&files.page, &page(&name, &found, &draft, &readiness))?;
    if draft.tables.is_empty() {
        return Err(Error::new(
            ErrorKind::Source,
            "nothing_to_draft",
            "no document was read, so that no table can be drafted",
        )
        .file(&files.page)
        .hint("the page tells what was found; allow more --max-reads, or correct the source"));
    }
    let source = described(&spec, from, args, &name, &found, &files.pipeline)?;
    write(&files.up, &up(&draft, &source.described))?;
    write(&files.down, &down(&draft))?;
    write(&files.pipeline, &pipeline(&draft, &source))?;
    // What was written must be what `run` can read.
    pipeline::load(&files.pipeline, &Overrides::default(), &|_| None)?;
    let written = files.all().iter().map(|file| file.display().to_string()).collect();
    let report = InitReport::new(&name, &found, &draft, &readiness, written);
    app.output.answer(&report, || text::init(&report))?;
    Ok(Exit::Clean)
}

/// What would change a pipeline has no meaning where there is none yet.
fn refuse_overrides(app: &App) -> Result<()> {
    let given = [
        (app.settings.source.is_some(), "--source (or FIREFERRY_SOURCE)", "name the source as `fireferry init SOURCE`"),
        (
            app.settings.destination.is_some(),
            "--destination (or FIREFERRY_DESTINATION)",
            "leave it out here; `run` and the others take it, and the drafted pipeline reads TURSO_DATABASE_URL",
        ),
        (app.settings.environment.is_some(), "--env (or FIREFERRY_ENV)", "leave it out: a draft has no environments"),
    ];
    match given.into_iter().find(|(given, ..)| *given) {
        None => Ok(()),
        Some((_, what, hint)) => {
            let message = format!("{what} changes an existing pipeline; `init` drafts a new one");
            Err(Error::new(ErrorKind::Usage, "override_without_pipeline", message).hint(hint))
        }
    }
}

/// Documents of each collection below which sub-collections are looked for: two reads each.
fn look_below(max_reads: Option<u64>) -> u32 {
    let affordable = |reads: u64| u32::try_from(reads / 500).unwrap_or(u32::MAX);
    max_reads.map_or(20, |reads| affordable(reads).clamp(3, 20))
}

fn options(args: &InitArgs, max_reads: Option<u64>) -> InitOptions {
    let memory = args.memory.map_or(MEMORY, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    InitOptions { sample: args.sample, max_reads, memory }
}

async fn read(app: &App, source: Arc<dyn Source>, options: InitOptions) -> Result<Profile> {
    let progress = Shown::new(&app.settings, &app.output);
    let found = app.interruptible(profile(source, options, progress.as_ref(), &app.stop)).await;
    progress.close();
    found
}

/// The source section of the pipeline file.
fn described(
    spec: &SourceSpec,
    from: &str,
    args: &InitArgs,
    name: &str,
    found: &Profile,
    file: &Path,
) -> Result<PipelineSource> {
    let mut keys = Vec::new();
    match spec {
        SourceSpec::Json(json) => {
            keys.push(("kind", "json".to_owned()));
            keys.push(("path", relative(&json.path, file)?));
            keys.extend(args.shape.iter().map(|shape| ("shape", shape.clone())));
            keys.extend(args.id_field.iter().map(|field| ("id_field", field.clone())));
        }
        SourceSpec::Firestore(firestore) => {
            keys.push(("kind", "firestore".to_owned()));
            keys.push(("project", firestore.project.clone()));
            keys.push(("database", firestore.database.clone()));
        }
    }
    let described = match spec {
        // The path may be one of this machine only.
        SourceSpec::Json(_) => from.to_owned(),
        SourceSpec::Firestore(_) => found.source.clone(),
    };
    Ok(PipelineSource { name: name.to_owned(), keys, schema: format!("../schemas/{name}"), described })
}

/// A path as seen from the folder of a file; absolute where they have nothing in common.
fn relative(path: &Path, file: &Path) -> Result<String> {
    let absolute = |path: &Path| {
        let path = fs_err::canonicalize(path).or_else(|_| std::path::absolute(path));
        path.map_err(|error| {
            Error::new(ErrorKind::Usage, "invalid_source", "the source is not a path").caused_by(error)
        })
    };
    let target = absolute(path)?;
    let folder = absolute(file.parent().unwrap_or(file))?;
    let common = target.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let only_root = target.components().take(common).all(|part| !matches!(part, Component::Normal(_)));
    let relative = if only_root {
        target.clone()
    } else {
        let up = folder.components().skip(common).map(|_| Component::ParentDir);
        up.chain(target.components().skip(common)).collect()
    };
    relative.to_str().map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "invalid_source", "the source's path is not UTF-8, which a pipeline file must be")
            .file(path)
    })
}

/// A name that a pipeline may have.
fn checked(name: &str) -> Result<String> {
    if name == safe(name) {
        return Ok(name.to_owned());
    }
    Err(Error::new(
        ErrorKind::Usage,
        "invalid_name",
        "--name has letters, digits, `-`, `_` and `.`, a letter or digit first",
    )
    .hint(format!("for example --name {}", safe(name))))
}

/// The name of a file without its extensions, of a folder, or of a project.
fn name_of(spec: &SourceSpec) -> String {
    match spec {
        SourceSpec::Firestore(firestore) => safe(&firestore.project),
        SourceSpec::Json(json) => {
            let path = fs_err::canonicalize(&json.path).unwrap_or_else(|_| json.path.clone());
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            safe(name.split('.').find(|part| !part.is_empty()).unwrap_or_default())
        }
    }
}

fn safe(name: &str) -> String {
    let fits = |char: char| if char.is_ascii_alphanumeric() || "-_.".contains(char) { char } else { '_' };
    let name: String = name.chars().map(fits).take(LONGEST_NAME).collect();
    let name = name.trim_start_matches(|char: char| !char.is_ascii_alphanumeric());
    if name.is_empty() { "migration".to_owned() } else { name.to_owned() }
}

fn json(document: &ProfileDocument<'_>) -> Result<String> {
    serde_json::to_string_pretty(document).map(|text| text + "\n").map_err(|error| {
        Error::new(ErrorKind::Internal, "profile_unwritable", "the profile cannot be written as JSON").caused_by(error)
    })
}

/// Writes a file that only its owner may read: pages quote documents.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Config, "file_unwritable", "a file cannot be written").file(path).caused_by(error)
    };
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = private_create(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_pipelines() {
        assert_eq!(safe("my app/1"), "my_app_1");
        assert_eq!(safe("__x"), "x");
        assert_eq!(safe("страна"), "migration");
        assert!(checked("a b").is_err());
    }
}
