//! A token is nowhere but where the user put it.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::program::{Place, finish, run};
use super::server::Sqld;
use super::token::Access;
use crate::proof::interrupt::{halt_at, signal};
use crate::proof::program::Workspace;
use crate::support::documents::{Load, LoadFiles};
use crate::support::{Outcome, Sandbox};

/// Where the user put the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Environment,
    File,
    Pipeline,
}

struct Planted {
    token: String,
    workspace: Workspace,
    /// The only file that may hold it.
    home: Option<PathBuf>,
}

fn plant(url: &str, given: Given, token: &str, folder: &Sandbox, files: &LoadFiles) -> Planted {
    let place = Place::new(url).settings(", lease_time: 1h").defaults(", max_retries: 1");
    let (workspace, home) = match given {
        Given::Environment => (place.with_token(token).load(&folder.path(""), files), None),
        Given::File => {
            let file = folder.write("token", token);
            let settings = format!("{}, auth_token_file: {}", place.settings, file.display());
            (place.settings(&settings).load(&folder.path(""), files), Some(file))
        }
        Given::Pipeline => {
            let settings = format!("{}, auth_token: {token}", place.settings);
            let workspace = place.settings(&settings).load(&folder.path(""), files);
            let home = workspace.pipeline.clone();
            (workspace, Some(home))
        }
    };
    Planted { token: token.to_owned(), workspace, home }
}

impl Planted {
    /// Parts of the token that would give it away.
    fn parts(&self) -> [&str; 2] {
        let signature = self.token.rsplit('.').next().unwrap();
        [&self.token, &signature[..20.min(signature.len())]]
    }

    #[track_caller]
    fn assert_absent(&self, bytes: &[u8], what: &str) {
        let lower = bytes.to_ascii_lowercase();
        for part in self.parts() {
            let hex: String = part.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(memchr::memmem::find(bytes, part.as_bytes()).is_none(), "the token is in {what}");
            assert!(memchr::memmem::find(&lower, hex.as_bytes()).is_none(), "the token is in {what}, in hexadecimal");
        }
    }

    #[track_caller]
    fn assert_unsaid(&self, outcome: &Outcome) {
        self.assert_absent(outcome.stdout.as_bytes(), "stdout");
        self.assert_absent(outcome.stderr.as_bytes(), "stderr");
    }

    /// Everything that a program left on this machine, and what other programs see of it now.
    fn assert_unwritten(&self, folder: &Sandbox) {
        for sandbox in [folder, &self.workspace.sandbox] {
            for (name, content) in sandbox.files() {
                let path = sandbox.path(&name);
                if self.home.as_deref().is_none_or(|home| !is_same(home, &path)) {
                    self.assert_absent(&content, &name);
                }
            }
        }
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            for name in ["cmdline", "comm"] {
                let content = std::fs::read(entry.path().join(name)).unwrap_or_default();
                self.assert_absent(&content, &format!("/proc/{}/{name}", entry.file_name().display()));
            }
        }
    }

    fn verbose(&self, options: &[&str]) -> std::process::Command {
        let pipeline = self.workspace.pipeline.to_str().unwrap();
        let mut command = self.workspace.command(&["run", pipeline, "-vv", "--progress", "plain"]);
        command.args(options);
        command
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok() == other.canonicalize().ok()
}

#[test]
fn a_token_is_nowhere_but_where_the_user_put_it() {
    let Some(server) = Sqld::with_tokens() else { return };
    for (given, seconds) in [(Given::Environment, 601), (Given::File, 602), (Given::Pipeline, 603)] {
        let folder = Sandbox::new();
        let files = Load { documents: 200, seed: 3, commit_documents: 50, later: false }.write(&folder.path(""));
        server.empty();
        let planted = plant(&server.url(), given, &server.token(Access::Write, seconds), &folder, &files);

        // While it runs, and killed in the middle.
        let mut child = halt_at(&planted.workspace, "people");
        planted.assert_unwritten(&folder);
        child.kill().unwrap();
        child.wait().unwrap();
        let outcome = run(&planted.workspace, planted.verbose(&["--resume"]));
        planted.assert_unsaid(&outcome);
        let warned = format!("{}{}", outcome.stdout, outcome.stderr).contains("holds the token");
        assert_eq!(warned, given == Given::Pipeline, "{given:?}: {}", outcome.stderr);
        outcome.exits(4);
        for verb in [["stats", "-vv"], ["check", "-vv"], ["plan", "--json"]] {
            let mut command = planted.workspace.command(&verb);
            command.arg(&planted.workspace.pipeline);
            planted.assert_unsaid(&run(&planted.workspace, command).exits(0));
        }
        planted.assert_unwritten(&folder);
        planted.assert_absent(server.everything().join("\n").as_bytes(), "the database");
        assert!(server.everything().iter().any(|line| line.starts_with("_fireferry_runs: ")));
    }
}

#[test]
fn a_token_that_is_refused_is_not_repeated() {
    let Some(server) = Sqld::with_tokens() else { return };
    let folder = Sandbox::new();
    let files = Load { documents: 40, seed: 3, commit_documents: 50, later: false }.write(&folder.path(""));
    for given in [Given::Environment, Given::File, Given::Pipeline] {
        for token in [
            server.token(Access::Write, -600),
            server.foreign_token(),
            "this-is-no.token-of-any.server-at-all-1".into(),
        ] {
            let planted = plant(&server.url(), given, &token, &folder, &files);
            planted.assert_unsaid(&run(&planted.workspace, planted.verbose(&[])).exits(3));
            planted.assert_unsaid(&run(&planted.workspace, planted.verbose(&["--json"])).exits(3));
            for (name, content) in planted.workspace.sandbox.files() {
                planted.assert_absent(&content, &name);
            }
        }
        std::fs::remove_file(folder.path("token")).ok();
    }
}

#[test]
fn a_run_that_is_stopped_by_a_signal_says_no_token() {
    let Some(server) = Sqld::with_tokens() else { return };
    let folder = Sandbox::new();
    let files = Load { documents: 200, seed: 3, commit_documents: 50, later: false }.write(&folder.path(""));
    let planted = plant(&server.url(), Given::Environment, &server.token(Access::Write, 604), &folder, &files);
    let child = halt_at(&planted.workspace, "people");
    signal(&child, Signal::TERM);
    signal(&child, Signal::CONT);
    planted.assert_unsaid(&finish(&planted.workspace, child).exits(6));
    planted.assert_unwritten(&folder);
}
