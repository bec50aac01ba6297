//! What `check` and `plan` say of a live source, and what nobody says: secrets.

use serde_json::json;

use super::live::{Live, billed, items, reported};
use crate::proof::program::Workspace;
use crate::support::Sandbox;

fn check(workspace: &Workspace) -> crate::support::Outcome {
    workspace.finish(workspace.command(&["check", workspace.pipeline.to_str().unwrap()]))
}

#[test]
fn check_says_which_database_is_read_with_which_credentials() {
    let folder = Sandbox::new();
    let live = Live::new(items(&folder, "", ""), &["--generate", "items:10"]);
    let outcome = check(&live.workspace).exits(0);
    let expected = format!(
        "connected to projects/demo/databases/(default) with no credentials, the server {}",
        live.server.address()
    );
    assert!(outcome.stdout.contains(&expected), "{}", outcome.stdout);
    assert!(!live.workspace.destination().exists());
}

#[test]
fn a_server_that_is_not_there_or_wants_other_credentials_is_a_failed_check() {
    let folder = Sandbox::new();
    let pipeline = items(&folder, "", "");
    let live = Live::new(pipeline.clone(), &["--generate", "items:10", "--token", "another"]);
    let refused = check(&live.workspace).exits(3);
    assert!(refused.stdout.contains("source_unauthenticated"), "{}", refused.stdout);
    let mut nobody = Workspace::new(pipeline, "firestore:demo");
    nobody.server = Some("127.0.0.1:9".to_owned());
    let refused = check(&nobody).exits(3);
    assert!(refused.stdout.contains("source_unreachable"), "{}", refused.stdout);
}

#[test]
fn a_service_account_is_named_by_its_file_and_never_shown() {
    let folder = Sandbox::new();
    // Without `client_email` it is refused before anybody is asked.
    let key = json!({
        "type": "service_account", "project_id": "demo", "private_key_id": "k",
        "client_id": "1", "token_uri": "http://127.0.0.1:9/token",
        "private_key": "-----BEGIN PRIVATE KEY-----\nplantedsecret\n-----END PRIVATE KEY-----\n",
    });
    folder.write("key.json", key.to_string());
    let workspace = Workspace::new(items(&folder, ", credentials: key.json", ""), "firestore:demo");
    let refused = check(&workspace).exits(3);
    assert!(refused.stdout.contains("key.json"), "{}", refused.stdout);
    for (name, content) in workspace.sandbox.files() {
        assert!(!String::from_utf8_lossy(&content).contains("plantedsecret"), "{name}");
    }
    assert!(!refused.stdout.contains("plantedsecret") && !refused.stderr.contains("plantedsecret"));
}

const GROUP: &str = r#"version: 1
name: group
source: { kind: firestore, project: demo SOURCE }
destination: { url: "file:group.db" }
schema: schema
backup: never
collections:
  "users/*/notes":
    table: notes
    key: [user_id, id]
    where: { kind: a }
    columns: { user_id: $parent.id, id: $id, kind: kind }
"#;

#[test]
fn a_missing_index_is_named_with_its_link_and_can_be_done_without() {
    let folder = Sandbox::new();
    let table =
        "CREATE TABLE notes (user_id TEXT, id TEXT, kind TEXT, PRIMARY KEY (user_id, id)) STRICT, WITHOUT ROWID;";
    folder.write("schema/0001_notes.up.sql", table);
    folder.write("schema/0001_notes.down.sql", "DROP TABLE notes;");
    let mut live = Live::new(folder.write("group.yaml", GROUP.replace("SOURCE", "")), &[]);
    live.server.put("users/a/notes/1", &json!({ "kind": "a" }));
    live.server.put("users/a/notes/2", &json!({ "kind": "b" }));
    let refused = check(&live.workspace).exits(3);
    assert!(
        refused.stdout.contains("index_missing") && refused.stdout.contains("https://console."),
        "{}",
        refused.stdout
    );
    assert!(refused.stdout.contains("push_down: false"), "{}", refused.stdout);
    folder.write("group.yaml", GROUP.replace("SOURCE", ", push_down: false"));
    let checked = check(&live.workspace).exits(0);
    assert!(checked.stdout.contains("where_evaluated_here"), "{}", checked.stdout);
    let report = live.workspace.run(&[]).exits(0).json();
    assert_eq!((&report["totals"]["inserted"], &report["totals"]["skipped"]), (&json!(1), &json!(1)));
}

#[test]
fn a_plan_tells_the_price_that_the_run_then_has() {
    let folder = Sandbox::new();
    let pipeline = items(&folder, ", price_per_100k_reads: 30", ", batch_size: 100");
    let mut live = Live::new(pipeline, &["--generate", "items:20000"]);
    let verb = ["plan", live.workspace.pipeline.to_str().unwrap(), "--json"];
    let plan = live.workspace.finish(live.workspace.command(&verb)).exits(0).json();
    let planning = plan["reads"]["plan"].as_u64().unwrap();
    assert!((20..500).contains(&planning) && planning >= billed(&mut live.server), "{planning}");
    let report = live.workspace.run(&[]).exits(0).json();
    let (planned, used) = (plan["reads"]["billed"].as_u64().unwrap(), reported(&report));
    assert!(used.abs_diff(planned) * 50 <= planned, "planned {planned}, used {used}");
    let price = report["reads"]["price"].as_f64().unwrap();
    assert!((price - used as f64 * 30.0 / 100_000.0).abs() < 1e-9);
    let text = live.workspace.finish(live.workspace.command(&verb[..2])).exits(0);
    assert!(text.stdout.contains("Billed reads: about 20,"), "{}", text.stdout);
}
