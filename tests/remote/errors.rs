//! What the user sees when a server cannot be used, or not any longer.

use std::path::Path;

use super::program::{Place, finish, run};
use super::scenario::Scenario;
use super::server::Sqld;
use super::token::Access;
use crate::proof::interrupt::{halt_at, signal};
use crate::proof::program::Workspace;
use crate::support::documents::Load;
use crate::support::proxy::{Fault, Proxy, Script};
use crate::support::{Outcome, Sandbox, servers};
use rustix::process::Signal;

/// Who does not answer is given up soon.
const SOON: &str = ", request_timeout: 2s, lease_time: 1h";

/// What is seen, with the server's address replaced.
fn seen(outcome: &Outcome, address: &str) -> String {
    outcome.seen().replace(address, "[SERVER]")
}

/// A small load, to be written there.
fn small(folder: &Path, place: &Place) -> Workspace {
    let load = Load { documents: 40, seed: 1, commit_documents: 50, later: false };
    let place = place.clone().settings(SOON).defaults(", max_retries: 2");
    place.load(folder, &load.write(folder))
}

fn text_run(workspace: &Workspace, options: &[&str]) -> Outcome {
    let mut command = workspace.command(&["run", workspace.pipeline.to_str().unwrap(), "--progress", "none"]);
    command.args(options);
    run(workspace, command)
}

#[test]
fn a_server_that_wants_a_token_is_refused_without_a_good_one() {
    let Some(server) = Sqld::with_tokens() else { return };
    let folder = Sandbox::new();
    let address = server.address().to_string();
    let place = || Place::new(server.url());
    for (name, place) in [
        ("no_token", place()),
        ("nonsense_token", place().with_token("this.is.nonsense")),
        ("foreign_token", place().with_token(server.foreign_token())),
        ("expired_token", place().with_token(server.token(Access::Write, -600))),
    ] {
        let outcome = text_run(&small(&folder.path(""), &place), &[]);
        insta::assert_snapshot!(name, seen(&outcome, &address));
        assert_eq!(outcome.code, 3, "{name}");
    }
    assert_eq!(server.everything(), Vec::<String>::new());
}

#[test]
fn a_token_that_may_only_read_is_refused_before_anything_is_changed() {
    let Some(server) = Sqld::with_tokens() else { return };
    let folder = Sandbox::new();
    let place = Place::new(server.url()).with_token(server.token(Access::Read, 600));
    let workspace = small(&folder.path(""), &place);
    let outcome = text_run(&workspace, &[]);
    insta::assert_snapshot!("read_only_token", seen(&outcome, &server.address().to_string()));
    assert_eq!(outcome.code, 3);
    assert_eq!(server.everything(), Vec::<String>::new());
    text_run(&workspace, &["--dry-run"]).exits(0);
    assert_eq!(server.everything(), Vec::<String>::new());
}

#[test]
fn a_place_that_is_no_server_is_named() {
    let nowhere = servers::listen().local_addr().unwrap();
    let html = "<!DOCTYPE html><html><body>Welcome</body></html>";
    let proxy = |status| Proxy::start(nowhere, Script::new().always(Fault::status(status, html)));
    let (found, missing) = (proxy(200), proxy(404));
    let folder = Sandbox::new();
    for (name, url, code) in [
        ("connection_refused", format!("http://{nowhere}"), 1),
        ("unresolvable_name", "https://no-such-host.invalid".to_owned(), 1),
        ("not_encrypted", "http://db.example.com:8080".to_owned(), 2),
        ("a_page_instead", found.url(), 3),
        ("no_page", missing.url(), 3),
    ] {
        let outcome = text_run(&small(&folder.path(""), &Place::new(&url)), &[]);
        let address = url.rsplit('/').next().unwrap();
        let shown = seen(&outcome, address);
        // What a system says of a name that it cannot resolve is its own.
        let shown = match name {
            "unresolvable_name" => shown
                .lines()
                .map(|line| line.split("[SERVER]:").next().unwrap_or_default())
                .collect::<Vec<_>>()
                .join("\n"),
            _ => shown,
        };
        insta::assert_snapshot!(name, from_the_error(&shown));
        assert!(outcome.stderr.contains("error["), "{name}: {outcome:?}");
        // A server that cannot be reached may be there a moment later: that is no refusal.
        assert_eq!(outcome.code, code, "{name}: {outcome:?}");
    }
}

#[test]
fn a_run_goes_on_with_the_token_that_its_file_holds_now() {
    let Some(server) = Sqld::with_tokens() else { return };
    let (first, second) = (server.token(Access::Write, 600), server.token(Access::Write, 1200));
    let Some(scenario) = Scenario::on(server, 300, SOON) else { return };
    let refused = || Fault::status(401, r#"{"error":"Unauthorized: the token has expired"}"#);
    let middle = scenario.requests / 2;
    let file = Sandbox::new();
    let path = file.write("token", format!("{first}\n"));
    let settings = format!("{SOON}, auth_token_file: {}", path.display());
    let place = Place::new(scenario.proxy.url()).settings(&settings);
    for (renewed, code) in [(true, 4), (false, 1)] {
        file.write("token", format!("{first}\n"));
        scenario.fresh("");
        let remote = scenario.at(&place);
        scenario.proxy.set_script(Script::new().at(middle, refused()));
        let before = scenario.proxy.count();
        let child = remote.start(remote.run_command(&[]));
        scenario.proxy.wait(|requests| requests.len() > before + 3);
        if renewed {
            file.write("token", format!("{second}\n"));
        }
        let outcome = finish(&remote, child).exits(code);
        let report = if renewed {
            outcome.json()
        } else {
            assert!(outcome.stdout.contains("the token is not accepted"), "{outcome:?}");
            run(&remote, remote.run_command(&["--resume"])).exits(4).json()
        };
        scenario.compare(&report, "after a 401");
    }
}

/// A run that this happens to in the middle; what is seen of it, and then it is resumed.
fn stopped(name: &str, fault: Fault) {
    let Some(scenario) = Scenario::new(300, SOON) else { return };
    let remote = scenario.fresh(SOON);
    scenario.proxy.set_script(Script::new().during(scenario.requests / 2..=usize::MAX, fault));
    let outcome = text_run(&remote, &[]);
    let shown = seen(&outcome, &scenario.proxy.address().to_string());
    insta::assert_snapshot!(name, from_the_error(&shown));
    assert_eq!(outcome.code, 1);
    scenario.proxy.set_script(Script::new());
    let report = run(&remote, remote.run_command(&["--resume"])).exits(4).json();
    scenario.compare(&report, name);
}

/// Exit code, and the error without what was done before.
fn from_the_error(shown: &str) -> String {
    let code = shown.lines().next().unwrap_or_default();
    let error = shown.lines().skip_while(|line| !line.starts_with("error["));
    std::iter::once(code).chain(error).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_token_that_is_refused_for_good_ends_the_run() {
    stopped("refused_in_the_middle", Fault::status(401, r#"{"error":"Unauthorized: the token has expired"}"#));
}

#[test]
fn a_used_up_quota_ends_the_run_at_once() {
    stopped("blocked", Fault::Blocked);
}

#[test]
fn a_server_that_stops_ends_the_run_which_is_resumed_when_it_is_back() {
    let settings = ", request_timeout: 2s, lease_time: 1h";
    let Some(mut scenario) = Scenario::new(300, settings) else { return };
    scenario.fresh(settings);
    let place = Place::new(scenario.proxy.url()).settings(settings).defaults(", max_retries: 3");
    let remote = scenario.at(&place);
    let before = scenario.proxy.requests().len();
    let mut command = remote.command(&["run", remote.pipeline.to_str().unwrap(), "--progress", "none"]);
    command.arg("--no-backup");
    let child = remote.start(command);
    let middle = before + scenario.requests / 2;
    scenario.proxy.wait(|requests| requests.len() > middle);
    scenario.server.stop();
    let stopped = scenario.proxy.requests().len();
    let outcome = finish(&remote, child);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    // The commit's tries, and no more than one more for what is noted at the end.
    let tries = scenario.proxy.requests().len() - stopped;
    assert!(tries <= 9, "{tries} tries");
    let shown = seen(&outcome, &scenario.proxy.address().to_string());
    // The system words how a connection ended.
    let error = from_the_error(&shown);
    assert!(error.contains("the reply of [SERVER] was lost"), "{error}");
    scenario.server.restart();
    let report = run(&remote, remote.run_command(&["--resume"])).exits(4).json();
    scenario.compare(&report, "after the server was back");
}

#[test]
fn a_run_that_is_refused_by_a_check_leaves_nothing_on_the_server() {
    let Some(server) = Sqld::start() else { return };
    let folder = Sandbox::new();
    let workspace = small(&folder.path(""), &Place::new(server.url()));
    for file in std::fs::read_dir(&workspace.source).unwrap() {
        std::fs::write(file.unwrap().path(), "").unwrap();
    }
    let before = server.everything();
    for options in [&[][..], &["--stage"]] {
        let outcome = text_run(&workspace, options);
        assert_eq!(outcome.code, 3, "{outcome:?}");
        assert_eq!(server.everything(), before, "{options:?}");
    }
}

#[test]
fn a_destination_in_use_is_refused_with_the_name_of_its_user() {
    let Some(scenario) = Scenario::new(300, SOON) else { return };
    let first = scenario.fresh(SOON);
    let child = halt_at(&first, "people");
    let second = scenario.again(SOON);
    let outcome = text_run(&second, &[]);
    let shown = seen(&outcome, &scenario.proxy.address().to_string());
    insta::assert_snapshot!("in_use", shown);
    assert_eq!(outcome.code, 3);
    signal(&child, Signal::CONT);
    let report = finish(&first, child).exits(4).json();
    scenario.compare(&report, "while another one asked for it");
}
