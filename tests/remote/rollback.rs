//! A run into a server that is taken back leaves everything as it was, also when the rollback is killed on its way or its
//! requests go wrong.
//!
//! ```text
//! FIREFERRY_TEST_REMOTE_ROLLBACKS=50 cargo test --release remote::rollback -- --nocapture
//! ```

use std::time::Duration;

use super::program::{Place, run};
use super::server::Sqld;
use crate::proof::program::Workspace;
use crate::proof::setting;
use crate::support::Sandbox;
use crate::support::documents::{Load, Random};
use crate::support::proxy::{Fault, Proxy, Script};

/// fireferry's own records, as far as they are the business of a run.
const RECORDS: [&str; 3] = [
    "SELECT run, status, details FROM _fireferry_runs ORDER BY id",
    "SELECT run, collection, partition FROM _fireferry_partitions ORDER BY id",
    "SELECT * FROM _fireferry_checkpoints ORDER BY 1, 2, 3, 4",
];

fn rollback(workspace: &Workspace, name: &str) -> crate::support::Outcome {
    run(workspace, workspace.command(&["rollback", name, "--yes", "--json", "--no-backup"]))
}

/// Kills rollbacks at random moments; how many left the run half taken back.
fn kill(server: &Sqld, workspace: &Workspace, name: &str, random: &mut Random) -> usize {
    let mut halfway = 0;
    for _ in 0..3 {
        let mut child = workspace.start(workspace.command(&["rollback", name, "--yes", "--no-backup"]));
        std::thread::sleep(Duration::from_millis(20 + random.below(300) as u64));
        // It may be over already.
        let _ = child.kill();
        child.wait().unwrap();
        if server.integer("SELECT count(*) FROM _fireferry_runs WHERE status = 'rolling_back'") == 1 {
            halfway += 1;
            let error = run(workspace, workspace.run_command(&[])).exits(3).stdout;
            assert!(error.contains("rollback_unfinished") || error.contains("lease_held"), "{error}");
        }
    }
    halfway
}

#[test]
fn a_run_into_a_server_that_is_taken_back_leaves_everything_as_it_was() {
    let Some(server) = Sqld::start() else { return };
    let cases = setting("FIREFERRY_TEST_REMOTE_ROLLBACKS", 3);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64 * 1_000;
    let proxy = Proxy::start(server.address(), Script::new());
    let mut halfway = 0;
    for case in 0..cases as u64 {
        let what = format!("case {case} of seed {seed}");
        let mut random = Random::new(seed + case);
        proxy.set_script(Script::new());
        server.empty();
        let folder = Sandbox::new();
        let load = Load { documents: 300, seed: seed + case, commit_documents: 40, later: false };
        let files = load.write(&folder.path("first"));
        let later = Load { later: true, ..load }.write(&folder.path("later"));
        let mut place = Place::new(proxy.url()).settings(", lease_time: 5s, request_timeout: 5s");
        place.token.clone_from(&server.token);
        let mut workspace = place.load(&folder.path("first"), &files);
        run(&workspace, workspace.run_command(&[])).exits(4);
        let (before, records) = (server.dump(), RECORDS.map(|sql| server.query(sql)));
        workspace.source = later.documents;
        let name = run(&workspace, workspace.run_command(&[])).exits(4).json()["run_id"].as_str().unwrap().to_owned();
        assert_ne!(server.dump(), before, "{what}: nothing changed");
        match case % 3 {
            0 => drop(rollback(&workspace, &name).exits(0)),
            1 => {
                halfway += kill(&server, &workspace, &name, &mut random);
                let outcome = rollback(&workspace, &name);
                // One that was killed may have come to its end.
                assert!(outcome.code == 0 || outcome.stdout.contains("run_rolled_back"), "{what}: {outcome:?}");
            }
            _ => {
                let faults = [Fault::CutBefore, Fault::CutAfterApplied, Fault::CutMidReply, Fault::status(503, "")];
                proxy.set_script(Script::new().sometimes(seed + case, 100, &faults));
                rollback(&workspace, &name).exits(0);
                proxy.set_script(Script::new());
            }
        }
        assert_eq!(server.dump(), before, "{what}");
        assert_eq!(RECORDS.map(|sql| server.query(sql)), records, "{what}: records");
    }
    println!("{halfway} kills left a rollback half done");
}
