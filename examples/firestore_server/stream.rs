//! Streams of replies: produced as the client takes them, billed as they are sent, broken as scripted.

use std::pin::Pin;

use futures::Stream;
use futures::stream::unfold;
use tonic::Status;

use crate::call::Call;
use crate::faults::{Fault, Kind};

/// A reply on its way.
pub struct Item<T> {
    /// The message.
    pub reply: T,
    /// How many documents are in it.
    pub documents: u64,
    /// How many reads it costs.
    pub reads: u64,
}

/// Replies, made one by one.
pub type Items<T> = Box<dyn Iterator<Item = Result<Item<T>, Status>> + Send>;

/// What tonic sends.
pub type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A stream under way.
struct Sending<T> {
    items: Items<T>,
    fault: Option<Fault>,
    meter: Meter,
    ended: bool,
}

/// Bills a stream, whichever way it ends.
struct Meter {
    call: Call,
    documents: u64,
    reads: u64,
    closed: bool,
}

/// The stream of these replies.
pub fn replies<T: Send + 'static>(call: Call, items: Items<T>, fault: Option<Fault>) -> Replies<T> {
    call.app.billing.stream_began();
    let meter = Meter { call, documents: 0, reads: 0, closed: false };
    let sending = Sending { items, fault, meter, ended: false };
    Box::pin(unfold(sending, |mut sending| async {
        let next = sending.next().await?;
        Some((next, sending))
    }))
}

impl<T> Sending<T> {
    async fn next(&mut self) -> Option<Result<T, Status>> {
        if self.ended {
            return None;
        }
        if self.fault.as_ref().is_some_and(|fault| self.meter.documents >= fault.after.unwrap_or(0))
            && let Some(mut fault) = self.fault.take()
        {
            let suffered = self.meter.call.suffer(&mut fault).await;
            if suffered.is_err() || matches!(fault.kind, Kind::EndEarly) {
                self.end();
                return suffered.err().map(Err);
            }
        }
        match self.items.next() {
            Some(Ok(item)) => {
                self.meter.sent(&item);
                Some(Ok(item.reply))
            }
            Some(Err(status)) => {
                self.end();
                Some(Err(status))
            }
            None => {
                self.end();
                None
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.meter.close();
    }
}

impl Meter {
    fn sent<T>(&mut self, item: &Item<T>) {
        self.documents += item.documents;
        self.reads += item.reads;
        self.call.app.billing.sent(item.documents, item.reads);
    }

    fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            if self.reads == 0 {
                self.call.app.billing.minimum();
            }
            self.call.app.billing.stream_ended();
        }
    }
}

impl Drop for Meter {
    /// The client went away.
    fn drop(&mut self) {
        self.close();
    }
}
