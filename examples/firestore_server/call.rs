//! One call, and what all calls share.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Status};

use crate::args::Args;
use crate::billing::Billing;
use crate::connection::Cut;
use crate::faults::{Fault, Kind, Script};
use crate::proto::Timestamp;
use crate::read_time;
use crate::store::{Snapshot, Store};

/// The server's state.
#[derive(Debug)]
pub struct App {
    /// How it was started.
    pub args: Args,
    /// The documents.
    pub store: Store,
    /// The counters.
    pub billing: Billing,
    /// The faults to come.
    pub faults: Arc<Script>,
}

impl App {
    /// An empty server; reads the faults' file.
    pub fn new(args: Args) -> Result<Self, String> {
        let faults = Arc::new(Script::new(args.seed));
        if let Some(path) = &args.faults {
            let json = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            faults.replace(&json).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(Self { args, store: Store::default(), billing: Billing::default(), faults })
    }
}

/// A call that came in.
#[derive(Clone)]
pub struct Call {
    /// The server.
    pub app: Arc<App>,
    cut: Cut,
}

impl Call {
    /// The call of a request.
    pub fn new<T>(app: Arc<App>, request: &Request<T>) -> Self {
        Self { app, cut: request.extensions().get::<Cut>().cloned().unwrap_or_default() }
    }

    /// Counts the call of a streaming method. Returns the fault that its stream gets, or the one that it is.
    pub async fn begin(&self, method: &'static str, collection: Option<&str>) -> Result<Option<Fault>, Status> {
        self.app.billing.call(method);
        match self.app.faults.pick(method, collection) {
            Some(mut fault) if fault.after.is_none() && !matches!(fault.kind, Kind::NoAdvance | Kind::EndEarly) => {
                self.suffer(&mut fault).await?;
                Ok(None)
            }
            fault => Ok(fault),
        }
    }

    /// Counts the call of a method with one answer. Returns whether the request's cursor is to be ignored.
    pub async fn begin_unary(&self, method: &'static str, collection: Option<&str>) -> Result<bool, Status> {
        match self.begin(method, collection).await? {
            None => Ok(false),
            Some(mut fault) => {
                self.suffer(&mut fault).await?;
                Ok(matches!(fault.kind, Kind::NoAdvance))
            }
        }
    }

    /// Lets a fault happen, as far as it does not concern the content of the answer.
    pub async fn suffer(&self, fault: &mut Fault) -> Result<(), Status> {
        self.app.billing.fault(fault.happens());
        match &fault.kind {
            Kind::Status(status) => Err(status.clone()),
            Kind::Wait(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
                Ok(())
            }
            Kind::Cut => {
                // What was sent before must get out of the buffers first.
                tokio::time::sleep(Duration::from_millis(20)).await;
                self.cut.cut();
                Err(Status::unavailable("the connection was cut"))
            }
            Kind::EndEarly | Kind::NoAdvance => Ok(()),
        }
    }

    /// A database as of a read time, or as of now.
    pub fn snapshot(&self, database: &str, read_time: Option<&Timestamp>) -> Result<Snapshot, Status> {
        read_time::snapshot(&self.app.store, &self.app.args, database, read_time)
    }
}
