//! A proxy between a program and an HTTP/1.1 server: time on the way, and what goes wrong there.
//!
//! ```ignore
//! let proxy = Proxy::start(sqld.address(), Script::new().at(3, Fault::CutAfterApplied));
//! … proxy.url() …
//! assert_eq!(proxy.faults().len(), 1);
//! ```
//!
//! It runs in a thread of its own. A connection has one request at a time, and a connection to the server of its own
//! that ends when it ends, as if there were no proxy.
// Not every test module uses every helper.
#![allow(dead_code, unused_imports)]

mod connection;
mod hrana;
mod record;
mod script;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::servers;
use record::Record;
pub use record::Request;
pub use script::{Fault, Script};

/// The proxy on a free port; gone, with its connections, when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    record: Arc<Record>,
    commands: Option<UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// To listen or not, and where to say that it is done.
struct Command {
    refuse: bool,
    done: mpsc::Sender<()>,
}

impl Proxy {
    /// Starts one in front of a server, which need not run yet.
    pub fn start(to: SocketAddr, script: Script) -> Self {
        let listener = servers::listen();
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Record::new(script));
        let (commands, receiver) = unbounded_channel();
        let shared = Arc::clone(&record);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            listener.set_nonblocking(true).unwrap();
            runtime.block_on(async {
                accept(TcpListener::from_std(listener).unwrap(), to, shared, receiver).await;
            });
        });
        Self { address, record, commands: Some(commands), thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another script from the next request on; its numbers begin at 1 again.
    pub fn set_script(&self, script: Script) {
        self.record.set_script(script);
    }

    /// Every request so far, GET requests, too, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.record.requests()
    }

    /// How many requests counted so far, whatever their script.
    pub fn count(&self) -> usize {
        self.record.requests().iter().filter(|request| request.number.is_some()).count()
    }

    /// The faults so far, each with the number of its request.
    pub fn faults(&self) -> Vec<(usize, Fault)> {
        let requests = self.record.requests();
        requests.into_iter().filter_map(|request| Some((request.number?, request.fault?))).collect()
    }

    /// Waits until the requests so far are as they should be; fails after a minute.
    #[track_caller]
    pub fn wait(&self, condition: impl Fn(&[Request]) -> bool) {
        assert!(self.record.wait(condition), "this did not happen in a minute: {:#?}", self.requests());
    }

    /// Ends every connection, with what is on the way.
    pub fn cut_all(&self) {
        self.record.cut_all();
    }

    /// Stops listening, or listens again on the same port. Connections that are open stay open.
    pub fn refuse(&self, refuse: bool) {
        let (done, wait) = mpsc::channel();
        self.commands.as_ref().unwrap().send(Command { refuse, done }).unwrap();
        wait.recv().unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Accepts until nobody can command any more.
async fn accept(listener: TcpListener, to: SocketAddr, record: Arc<Record>, mut commands: UnboundedReceiver<Command>) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    loop {
        let next = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = commands.recv() => match command {
                None => return,
                Some(Command { refuse, done }) => {
                    if refuse {
                        listener = None;
                    } else if listener.is_none() {
                        listener = Some(TcpListener::bind(address).await.unwrap());
                    }
                    let _ = done.send(());
                }
            },
            accepted = next => if let Ok((client, _)) = accepted {
                tokio::spawn(connection::serve(client, to, Arc::clone(&record)));
            },
        }
    }
}
