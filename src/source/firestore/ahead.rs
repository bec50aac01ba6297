//! The pages of a partition in order, while the stretches that come next are read already.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinSet;

use super::bounds::{Bounds, Mark, Place};
use super::room::{PIECES, PLACES, Piece};
use super::scope::Scope;
use super::session::Session;
use super::sizes::Sizes;
use super::stretch::Stretch;
use super::way::Way;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Page, PageStream, ReadRequest};

/// Bytes that all stretches of a partition may hold together; a piece's share may be smaller than a page.
const HELD: usize = 8 << 20;
/// A piece is not made smaller than this.
const SMALLEST: usize = 256 << 10;

/// What reading a partition needs.
pub(super) struct Ahead {
    pub session: Arc<Session>,
    pub scope: Scope,
    pub sizes: Arc<Sizes>,
    pub request: ReadRequest,
}

/// Stretches under way, in order.
struct Reading {
    ahead: Ahead,
    left: std::vec::IntoIter<Way>,
    under_way: VecDeque<Receiver<Result<Piece>>>,
    /// Dropping it ends them.
    tasks: JoinSet<()>,
    place: Place,
    after: Option<Mark>,
    over: bool,
    /// Of a brief reading: nothing is asked for before it is wanted.
    tickets: Option<Arc<Semaphore>>,
}

impl Ahead {
    /// The pages after a place.
    pub fn pages(self, bounds: &Bounds, place: Place) -> Result<PageStream> {
        let left = match bounds.since()? {
            Some(since) => vec![Way::Changes(since)],
            None => bounds.stretches(place.after.as_deref()).into_iter().map(Way::Names).collect(),
        };
        let (left, after) = (left.into_iter(), place.mark()?);
        let tickets = self.request.brief.then(|| Arc::new(Semaphore::new(0)));
        let (under_way, tasks) = (VecDeque::new(), JoinSet::new());
        let reading = Reading { ahead: self, left, under_way, tasks, place, after, over: false, tickets };
        Ok(stream::unfold(reading, |mut reading| async move { Some((reading.next().await?, reading)) }).boxed())
    }

    /// Stretches that are read at the same time. A limit of reads must not be spent on what comes later.
    fn width(&self) -> usize {
        if self.request.brief || self.session.meter.is_limited() { 1 } else { self.session.options.concurrency.max(1) }
    }

    fn stretch(&self, way: Way, after: Option<Mark>, tickets: Option<Arc<Semaphore>>) -> Stretch {
        let share = (HELD / (self.width() * PIECES)).max(SMALLEST);
        Stretch {
            session: Arc::clone(&self.session),
            scope: self.scope.clone(),
            way,
            after,
            sizes: Arc::clone(&self.sizes),
            page_documents: self.request.page_documents,
            page_bytes: self.request.page_bytes.min(share),
            max_document_bytes: self.request.max_document_bytes,
            tickets,
        }
    }
}

/// The error of a stretch that ended without saying so.
fn cut() -> Error {
    Error::new(ErrorKind::Internal, "engine_panicked", "reading a part of a collection ended by a defect in fireferry")
        .hint("what was committed is safe; go on with `--resume`, and please report this")
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Page>> {
        while !self.over {
            self.start();
            let Some(first) = self.under_way.front_mut() else {
                self.over = true;
                return Some(Ok(self.page(Piece::default(), true)));
            };
            if let Some(tickets) = &self.tickets {
                tickets.add_permits(1);
            }
            let received = first.recv().await;
            if received.as_ref().is_some_and(|piece| piece.as_ref().is_ok_and(|piece| piece.end)) {
                self.under_way.pop_front();
            }
            match received {
                // A stretch that only found its end.
                Some(Ok(piece)) if piece.records.is_empty() && piece.passed_over == 0 => {}
                Some(Ok(piece)) => return Some(Ok(self.page(piece, false))),
                failed => {
                    self.over = true;
                    return Some(Err(failed.and_then(Result::err).unwrap_or_else(cut)));
                }
            }
        }
        None
    }

    /// As many stretches as may be under way.
    fn start(&mut self) {
        while self.under_way.len() < self.ahead.width()
            && let Some(way) = self.left.next()
        {
            let on_it = |after: &Mark| match &way {
                Way::Names(range) => range.contains(&after.path),
                Way::Changes(_) => true,
            };
            let after = self.after.clone().filter(on_it);
            let (sender, receiver) = mpsc::channel(PLACES);
            self.tasks.spawn(self.ahead.stretch(way, after, self.tickets.clone()).read(sender));
            self.under_way.push_back(receiver);
        }
    }

    fn page(&mut self, piece: Piece, last: bool) -> Page {
        if let Some(after) = piece.after {
            self.place.advance(after.clone());
            self.after = Some(after);
        }
        self.place.passed_over += piece.passed_over;
        Page { records: piece.records, cursor: self.place.to_cursor(), bytes: piece.bytes, last }
    }
}
