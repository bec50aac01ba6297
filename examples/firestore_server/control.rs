//! Commands on standard input, one JSON line on standard output for each.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::call::App;
use crate::convert::plain_fields;
use crate::name::full;
use crate::proto::write::Operation;
use crate::proto::{Document, Write as ProtoWrite};
use crate::write::commit_all;

/// A line for people.
pub fn say(line: &str) {
    // Nobody reads it any more: no reason to end.
    let _ = writeln!(io::stderr(), "{line}");
}

fn answer(value: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

/// Says where the server is and listens to commands. The future ends when one of them ends the server.
pub fn start(app: &Arc<App>, address: SocketAddr) -> io::Result<impl Future<Output = ()> + use<>> {
    say(&format!("Firestore for tests on {address}; for clients: export FIRESTORE_EMULATOR_HOST={address}"));
    answer(&json!({"listening": address.to_string()}));
    let (end, ended) = oneshot::channel::<()>();
    let app = app.clone();
    thread::Builder::new().name("control".to_owned()).spawn(move || {
        if obey(&app) {
            drop(end);
        } else {
            // Standard input is closed and the server stays.
            std::mem::forget(end);
        }
    })?;
    Ok(async move {
        let _ = ended.await;
    })
}

/// Works through the commands. Returns whether the server is to end.
fn obey(app: &App) -> bool {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let (command, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match command {
            "" => {}
            "quit" => {
                answer(&json!({"ok": true}));
                return true;
            }
            _ => answer(&run(app, command, rest.trim()).unwrap_or_else(|error| json!({"error": error}))),
        }
    }
    app.args.until_stdin_closes
}

fn run(app: &App, command: &str, rest: &str) -> Result<Value, String> {
    match command {
        "stats" => Ok(app.billing.snapshot()),
        "reset" => {
            app.billing.reset();
            Ok(json!({"ok": true}))
        }
        "faults" => app.faults.replace(rest).map(|rules| json!({"ok": true, "rules": rules})),
        "put" => {
            let (path, fields) = rest.split_once(" {").ok_or("put PATH {\"field\": …}")?;
            let fields = serde_json::from_str(&format!("{{{fields}")).map_err(|error| error.to_string())?;
            let name = full(&app.args.database_name(), path.trim());
            let document = Document { name, fields: plain_fields(&fields), ..Document::default() };
            write(app, Operation::Update(document))
        }
        "delete" => write(app, Operation::Delete(full(&app.args.database_name(), rest))),
        other => Err(format!("`{other}` is none of stats, reset, faults, put, delete, quit")),
    }
}

fn write(app: &App, operation: Operation) -> Result<Value, String> {
    let write = ProtoWrite { operation: Some(operation), ..ProtoWrite::default() };
    let committed = commit_all(app, &app.args.database_name(), &[write]);
    let (at, _) = committed.map_err(|status| status.message().to_owned())?;
    let time = jiff::Timestamp::from_microsecond(at).map_err(|error| error.to_string())?;
    Ok(json!({"ok": true, "commit_time": time.to_string()}))
}
