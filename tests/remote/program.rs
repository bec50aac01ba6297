//! The program, writing to a server: pipelines whose destination it is, bounded waiting, what is there afterwards.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::client::Client;
use crate::proof::program::Workspace;
use crate::support::documents::LoadFiles;
use crate::support::{Outcome, repository};

/// No run of these tests takes so long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Where a pipeline writes to.
#[derive(Debug, Clone)]
pub struct Place {
    pub url: String,
    pub token: Option<String>,
    /// More settings of the destination: `, lease_time: 2s`.
    pub settings: String,
    /// More defaults: `, max_retries: 2`.
    pub defaults: String,
}

impl Place {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), token: None, settings: String::new(), defaults: String::new() }
    }

    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    pub fn settings(mut self, settings: &str) -> Self {
        self.settings = settings.to_owned();
        self
    }

    pub fn defaults(mut self, defaults: &str) -> Self {
        self.defaults = defaults.to_owned();
        self
    }

    /// `{ url: … }`
    fn yaml(&self) -> String {
        let token = if self.token.is_some() { ", auth_token: \"${TURSO_AUTH_TOKEN:-}\"" } else { "" };
        format!("{{ url: \"{}\"{token}{} }}", self.url, self.settings)
    }

    fn workspace(&self, pipeline: PathBuf, documents: impl Into<PathBuf>) -> Workspace {
        let mut workspace = Workspace::new(pipeline, documents);
        workspace.own_destination = true;
        workspace.environment.extend(self.token.clone().map(|token| ("TURSO_AUTH_TOKEN", token)));
        workspace
    }

    /// The shipped classroom, with these documents.
    pub fn classroom(&self, folder: &Path, fixtures: &str) -> Workspace {
        let text = std::fs::read_to_string(repository("pipelines/classroom.yaml")).unwrap();
        let destination = section(&text, "destination:");
        let text = text
            .replace(&destination, &format!("destination: {}\n", self.yaml()))
            .replace("backup: every_run", "backup: never")
            .replace("../", &format!("{}/", repository("").display().to_string().trim_end_matches('/')));
        let pipeline = folder.join(format!("classroom-{}.yaml", blake3::hash(text.as_bytes()).to_hex()));
        std::fs::write(&pipeline, text).unwrap();
        self.workspace(pipeline, repository("fixtures").join(fixtures))
    }

    /// A generated load, whose files are there; the pipeline is put into this folder.
    pub fn load(&self, folder: &Path, files: &LoadFiles) -> Workspace {
        let text = std::fs::read_to_string(&files.pipeline).unwrap();
        let text = text
            .replace("{ url: \"file:load.db\" }", &self.yaml())
            .replace("backup: every_run", "backup: never")
            .replace("max_rejects: 50%", &format!("max_rejects: 50%, max_retry_time: 30s{}", self.defaults));
        let pipeline = folder.join(format!("load-{}.yaml", blake3::hash(text.as_bytes()).to_hex()));
        std::fs::write(&pipeline, text).unwrap();
        self.workspace(pipeline, &files.documents)
    }
}

/// A section of YAML: its line and the indented ones below.
fn section(text: &str, name: &str) -> String {
    let start = text.find(&format!("\n{name}")).unwrap() + 1;
    let lines = text[start..].split_inclusive('\n').enumerate();
    lines.take_while(|(number, line)| *number == 0 || line.starts_with(' ')).map(|(_, line)| line).collect()
}

/// Waits for a program; one that does not end is killed, and then has no exit code.
pub fn finish(workspace: &Workspace, child: Child) -> Outcome {
    let pid = Pid::from_child(&child);
    let (over, wait) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if wait.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let outcome = workspace.sandbox.finish(child);
    drop(over);
    watchdog.join().unwrap();
    outcome
}

/// Runs a command to its end, which must come.
pub fn run(workspace: &Workspace, command: Command) -> Outcome {
    finish(workspace, workspace.start(command))
}

impl Client {
    /// All that is there but the lease, fireferry's own tables included, as lines.
    pub fn everything(&self) -> Vec<String> {
        let list = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name";
        let mut lines = Vec::new();
        for row in self.query(list) {
            let (name, sql) = (row[0].clone().text(), row[1].clone().text());
            let is_table = sql.starts_with("CREATE TABLE");
            lines.push(sql);
            if is_table {
                let columns = self.query(&format!("SELECT name FROM pragma_table_info('{name}')"));
                let columns: Vec<String> =
                    columns.into_iter().map(|row| format!("hex(\"{}\")", row[0].clone().text())).collect();
                let rows = self.query(&format!("SELECT {} FROM \"{name}\" ORDER BY 1, 2", columns.join(", ")));
                lines.extend(rows.into_iter().map(|row| format!("{name}: {row:?}")));
            }
        }
        lines
    }
}
