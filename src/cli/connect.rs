//! The one place that wires pipelines, adapters and the engine together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;

use crate::destination::Destination;
use crate::destination::libsql::{LibsqlFile, Mode, RemoteDatabase, RemoteOptions, TokenSource};
use crate::engine::Context;
use crate::engine::stage::Stage;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::resolved::{DestinationUrl, FirestoreSpec, JsonSpec, Pipeline, SnapshotSpec, SourceSpec};
use crate::pipeline::{self, Overrides};
use crate::source::Source;
use crate::source::firestore::{FirestoreOptions, FirestoreSource, SnapshotPolicy};
use crate::source::json::{JsonOptions, JsonSource, Shape};

use super::App;
use super::progress::Shown;
use super::state::StateFolder;

/// What a verb is allowed to do to the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Not one byte of it changes.
    Read,
    /// It may be written, but must be there.
    Write,
    /// It may be written, and is made if it is missing.
    Create,
    /// It is replaced whole, whatever is there.
    Replace,
}

/// A connected pipeline: what the engine works with, and what the command line keeps of it. The state folder is
/// dropped last, when nothing can be put into it any more.
pub struct Connected {
    /// For the engine.
    pub context: Context,
    /// For the end.
    pub progress: Arc<Shown>,
    /// The state folder.
    pub state: StateFolder,
    /// The destination's file.
    pub fresh: FreshFile,
}

impl Connected {
    /// Everything is over: connections are closed, bars and an unused state folder go away.
    pub fn close(self) {
        self.progress.close();
    }
}

/// What the command line says otherwise than the pipeline file.
pub fn overrides(app: &App) -> Overrides {
    Overrides {
        source: app.settings.source.clone(),
        destination: app.settings.destination.clone(),
        environment: app.settings.environment.clone(),
        ..Overrides::default()
    }
}

/// Reads and validates the pipeline file. From here on its secrets are never shown.
pub fn load(app: &App, file: &Path) -> Result<Pipeline> {
    load_in(app, file, app.settings.environment.as_deref(), None)
}

/// The same in an environment, and with a destination where no option names one.
pub fn load_in(app: &App, file: &Path, environment: Option<&str>, destination: Option<&str>) -> Result<Pipeline> {
    for url in [&app.settings.destination, &app.settings.source].into_iter().flatten() {
        app.output.secrets().hide_url(url);
    }
    let overrides = Overrides {
        destination: app.settings.destination.clone().or_else(|| destination.map(str::to_owned)),
        environment: environment.map(str::to_owned),
        ..overrides(app)
    };
    let pipeline = pipeline::load(file, &overrides, &|name| std::env::var(name).ok())?;
    if let Some(token) = &pipeline.destination.auth_token {
        app.output.secrets().hide(token.expose_secret());
    }
    Ok(pipeline)
}

/// Loads the pipeline and opens both ends.
pub fn connect(app: &App, file: &Path, access: Access) -> Result<Connected> {
    let pipeline = load(app, file)?;
    connect_pipeline(app, pipeline, StateFolder::open(&app.settings.state)?, access)
}

/// Opens both ends of a pipeline.
pub fn connect_pipeline(app: &App, pipeline: Pipeline, state: StateFolder, access: Access) -> Result<Connected> {
    let source = open_source(&pipeline.source, Retries::of(&pipeline), LOOK_BELOW).map_err(Error::refused)?;
    let fresh = FreshFile::of(&pipeline.destination.url);
    let destination = open_destination(&pipeline, access).map_err(Error::refused)?;
    let progress = Shown::new(&app.settings, &app.output);
    let context = Context {
        pipeline,
        source,
        destination,
        state: state.path().to_owned(),
        progress: progress.clone(),
        stop: app.stop.clone(),
        initiated_by: initiated_by(),
        stage: None,
    };
    Ok(Connected { context, progress, state, fresh })
}

/// How stubborn a live source is.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// Retries of one operation.
    pub most: usize,
    /// Longest time spent on them.
    pub time: Duration,
}

/// Sub-collections that the pipeline knows are not looked for: a few documents may tell of others.
const LOOK_BELOW: u32 = 3;

impl Retries {
    /// Those of a pipeline.
    pub fn of(pipeline: &Pipeline) -> Self {
        Self { most: pipeline.settings.max_retries, time: pipeline.settings.max_retry_time }
    }
}

impl Default for Retries {
    /// As in a pipeline that says nothing else.
    fn default() -> Self {
        Self { most: 10, time: Duration::from_secs(60) }
    }
}

/// Opens a source.
pub fn open_source(spec: &SourceSpec, retries: Retries, look_below: u32) -> Result<Arc<dyn Source>> {
    match spec {
        SourceSpec::Json(JsonSpec { path, shape, id_field, collection, rename_migrated }) => {
            let options = JsonOptions {
                path: path.clone(),
                shape: shape.as_deref().map(shape_named).transpose()?,
                id_field: id_field.clone(),
                collection: collection.clone(),
                rename_migrated: *rename_migrated,
            };
            Ok(Arc::new(JsonSource::open(options)?))
        }
        SourceSpec::Firestore(spec) => Ok(Arc::new(FirestoreSource::new(firestore_options(spec, retries, look_below)))),
    }
}

fn firestore_options(spec: &FirestoreSpec, retries: Retries, look_below: u32) -> FirestoreOptions {
    FirestoreOptions {
        project: spec.project.clone(),
        database: spec.database.clone(),
        credentials: spec.credentials.clone(),
        snapshot: match spec.snapshot {
            SnapshotSpec::Now => SnapshotPolicy::Now,
            SnapshotSpec::Minute => SnapshotPolicy::Minute,
            SnapshotSpec::Off => SnapshotPolicy::Off,
        },
        partitions: spec.partitions,
        concurrency: spec.concurrency,
        push_down: spec.push_down,
        price_per_100k_reads: spec.price_per_100k_reads,
        max_retries: retries.most,
        max_retry_time: retries.time,
        look_below,
    }
}

fn shape_named(name: &str) -> Result<Shape> {
    Shape::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Shape::ALL.iter().map(|shape| shape.as_str()).collect();
        Error::new(ErrorKind::Config, "shape_unknown", format!("there is no file shape {name}"))
            .hint(format!("shapes are {}", known.join(", ")))
    })
}

fn open_destination(pipeline: &Pipeline, access: Access) -> Result<Box<dyn Destination>> {
    match &pipeline.destination.url {
        DestinationUrl::File(path) => {
            let mode = match access {
                Access::Read => Mode::ReadOnly,
                Access::Write => Mode::ReadWrite { create: false },
                Access::Create => Mode::ReadWrite { create: true },
                Access::Replace => Mode::Replace,
            };
            Ok(Box::new(LibsqlFile::open(path, mode)?))
        }
        DestinationUrl::Remote(url) => Ok(Box::new(RemoteDatabase::new(remote_options(pipeline, url))?)),
    }
}

/// A staged run: its file is a local one.
pub fn stage() -> Stage {
    Stage::new(Box::new(|path| Ok(Box::new(LibsqlFile::open(path, Mode::ReadWrite { create: false })?))))
}

fn remote_options(pipeline: &Pipeline, url: &str) -> RemoteOptions {
    let (spec, settings) = (&pipeline.destination, &pipeline.settings);
    RemoteOptions {
        url: url.to_owned(),
        token: match (&spec.auth_token, &spec.auth_token_file) {
            (Some(token), _) => TokenSource::Given(token.clone()),
            (None, Some(file)) => TokenSource::File(file.clone()),
            (None, None) => TokenSource::None,
        },
        plain_http_to: spec.plain_http_to.clone(),
        request_timeout: spec.request_timeout,
        lease_time: spec.lease_time,
        commits_in_flight: spec.concurrency,
        max_lock_time: settings.max_lock_time,
        commit_documents: settings.commit_documents,
        commit_bytes: settings.commit_bytes,
        max_retries: settings.max_retries,
        max_retry_time: settings.max_retry_time,
    }
}

/// A database file that is not there yet. Dropped, it removes the file that was made if nothing was ever written to
/// it: a run that was refused leaves nothing.
pub struct FreshFile(Option<PathBuf>);

impl FreshFile {
    fn of(url: &DestinationUrl) -> Self {
        match url {
            DestinationUrl::File(path) if !path.exists() => Self(Some(path.clone())),
            _ => Self(None),
        }
    }
}

impl Drop for FreshFile {
    fn drop(&mut self) {
        let Some(path) = &self.0 else { return };
        let unwritten = fs_err::metadata(path).is_ok_and(|file| file.len() == 0);
        let wal = PathBuf::from(format!("{}-wal", path.display()));
        if unwritten && !wal.exists() {
            // What cannot be removed does no harm.
            drop(fs_err::remove_file(path));
        }
    }
}

/// The address of a destination without secrets: no user, password or query.
pub fn shown_url(url: &DestinationUrl) -> String {
    match url {
        DestinationUrl::File(path) => format!("file:{}", path.display()),
        DestinationUrl::Remote(url) => {
            let plain = url.split(['?', '#']).next().unwrap_or_default();
            match plain.split_once("://") {
                Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
                None => plain.to_owned(),
            }
        }
    }
}

/// `user@host`.
pub fn initiated_by() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let uid = rustix::process::getuid().as_raw().to_string();
    let user = named.or_else(|| user_of(&fs_err::read_to_string("/etc/passwd").ok()?, &uid)).unwrap_or(uid);
    format!("{user}@{}", crate::ledger::host())
}

/// The name that `/etc/passwd` has for a user id.
fn user_of(passwd: &str, uid: &str) -> Option<String> {
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.get(2) == Some(&uid)).and_then(|fields| fields.first().map(|name| (*name).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:\nbroken";
        assert_eq!((user_of(passwd, "1000").as_deref(), user_of(passwd, "7")), (Some("ada"), None));
    }

    #[test]
    fn a_shown_url_has_no_secrets() {
        let shown = |url: &str| shown_url(&DestinationUrl::Remote(url.to_owned()));
        assert_eq!(shown("libsql://db.turso.io?authToken=abc"), "libsql://db.turso.io");
        assert_eq!(shown("https://me:pw@host:8080/x#y"), "https://host:8080/x");
    }
}
