//! A Firestore server for tests and for trying out:
//! `cargo run --release --example firestore_server -- --fixtures fixtures/classroom --listen 127.0.0.1:8181`.
//!
//! It speaks the real gRPC protocol of `google.firestore.v1.Firestore`, keeps everything in memory, in all versions,
//! bills as the real service does, and fails on request. Not for data that anybody wants to keep.
//!
//! The way of a call: `serve` routes it, `call` counts it and asks `faults`; the file named after the method answers it
//! from the `store`; what is streamed goes through `stream`, which bills and breaks it. `control` is the command line.

mod aggregate;
mod args;
mod billing;
mod call;
mod connection;
mod control;
mod convert;
mod faults;
mod generate;
mod get;
mod list;
mod listen;
mod load;
mod name;
mod partition;
mod proto;
mod query;
mod read_time;
mod rules;
mod serve;
mod store;
mod stream;
mod value;
mod write;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use args::Args;
use call::App;

/// Memory of many small values is handed out on both cores at once; the default allocator is much slower there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            control::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Loads, listens, and serves until it is told to end.
async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let app = Arc::new(App::new(args)?);
    load::fixtures(&app).await?;
    generate::all(&app)?;
    let listener = tokio::net::TcpListener::bind(&app.args.listen).await?;
    let address = listener.local_addr()?;
    let ended = control::start(&app, address)?;
    tokio::select! {
        served = serve::serve(app.clone(), listener) => served?,
        () = ended => {}
        _ = tokio::signal::ctrl_c() => control::say(&app.billing.snapshot().to_string()),
    }
    Ok(())
}
