//! Room for what is read ahead of its turn: a stretch may hold so many full pieces and many small ones, so that looking for
//! its end never has to wait.

use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::bounds::Mark;
use crate::error::Result;
use crate::source::Record;

/// A full piece.
const FULL: usize = 1_000;
/// Full pieces of a stretch in memory: two that wait for their turn, and one in the making.
pub(super) const PIECES: usize = 3;
/// All the room of a stretch: the rest is for small pieces, of which each takes at least one part.
const ALL: usize = FULL * PIECES + FULL / 2;
/// Places of the channel: more than pieces can have room.
pub(super) const PLACES: usize = ALL + 1;

/// Consecutive records of a stretch.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// In the order of names.
    pub records: Vec<Record>,
    /// The last document seen, those passed over included; `None` before the first.
    pub after: Option<Mark>,
    /// Bytes of documents.
    pub bytes: u64,
    /// Documents of other collections that the group brought along.
    pub passed_over: u64,
    /// The stretch's last.
    pub end: bool,
    /// Given back when the piece has had its turn.
    _room: Option<OwnedSemaphorePermit>,
}

/// Where the pieces go.
pub(super) type Out = Sender<Result<Piece>>;

/// A piece in the making, and its room.
pub(super) struct Building {
    /// What is there so far.
    pub piece: Piece,
    out: Out,
    /// Documents and bytes of a full piece.
    limits: (usize, u64),
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    /// One for every piece that is asked for, where nothing is to be read ahead.
    tickets: Option<Arc<Semaphore>>,
}

impl Building {
    /// Nothing yet, and no room.
    pub fn new(out: Out, limits: (usize, u64), tickets: Option<Arc<Semaphore>>) -> Self {
        let all = Arc::new(Semaphore::new(ALL));
        Self { piece: Piece::default(), out, limits, all, held: None, tickets }
    }

    /// Whether it is a page.
    pub fn is_full(&self) -> bool {
        self.piece.records.len() >= self.limits.0 || self.piece.bytes >= self.limits.1
    }

    /// What it can still take; never nothing.
    pub fn left(&self) -> (usize, u64) {
        let documents = self.limits.0.saturating_sub(self.piece.records.len()).max(1);
        (documents, self.limits.1.saturating_sub(self.piece.bytes))
    }

    /// Sends the piece, if it has room; keeps of that what it needs.
    pub fn send(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        drop(held.split(FULL - self.share()));
        let piece = Piece { _room: Some(held), ..std::mem::take(&mut self.piece) };
        // There are more places than pieces with room, so this fails only when nobody listens any more.
        drop(self.out.try_send(Ok(piece)));
    }

    /// The part of a full piece that this one is.
    fn share(&self) -> usize {
        let part =
            |size: u64, full: u64| usize::try_from(size.saturating_mul(FULL as u64) / full.max(1)).unwrap_or(FULL);
        let (documents, bytes) = self.limits;
        part(self.piece.bytes, bytes).max(part(self.piece.records.len() as u64, documents as u64)).clamp(1, FULL)
    }

    /// Takes room that is there.
    pub fn try_room(&mut self) {
        if self.held.is_none() && self.tickets.is_none() {
            self.held = Arc::clone(&self.all).try_acquire_many_owned(FULL as u32).ok();
        }
    }

    /// Waits for room, with no stream open, and sends a piece that is full already. False when nobody listens any more.
    pub async fn find_room(&mut self) -> bool {
        loop {
            if self.out.is_closed() || (self.held.is_none() && !self.wait().await) {
                return false;
            }
            if !self.is_full() {
                return true;
            }
            self.send();
        }
    }

    async fn wait(&mut self) -> bool {
        if let Some(tickets) = &self.tickets {
            let Ok(ticket) = tickets.acquire().await else { return false };
            ticket.forget();
        }
        self.held = tokio::select! {
            () = self.out.closed() => None,
            room = Arc::clone(&self.all).acquire_many_owned(FULL as u32) => room.ok(),
        };
        self.held.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn full_pieces_take_all_the_room_and_small_ones_hardly_any() {
        let (out, mut pieces) = mpsc::channel(PLACES);
        let mut building = Building::new(out, (10, 1_000), None);
        for _ in 0..PIECES {
            assert!(building.find_room().await);
            building.piece.bytes = 5_000;
            building.send();
        }
        building.try_room();
        assert!(building.held.is_none(), "{PIECES} full ones are all there may be");
        drop(pieces.recv().await.unwrap());
        for _ in 0..200 {
            assert!(building.find_room().await, "one full piece left, and many small ones");
            building.send();
        }
        drop(pieces);
        assert!(!building.find_room().await, "nobody listens any more");
    }
}
