//! Pages of records, made on a thread of their own and handed over through a short queue.

use futures::StreamExt;
use futures::stream;
use tokio::sync::mpsc;

use super::bounds;
use super::reader::{Reader, Taken};
use super::split::Mark;
use crate::domain::document::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Page, PageStream, ReadRequest, Record};

/// Pages that may wait.
const QUEUE: usize = 2;
/// After so many bytes of other collections' records an empty page tells where reading stands.
const PASSED: u64 = 64 << 20;

/// Opens the reader on the new thread (with the question whether to stop) and streams its pages.
pub(super) fn stream(
    request: &ReadRequest,
    from: Mark,
    open: impl FnOnce(&Mark, Box<dyn Fn() -> bool + Send>) -> Result<Reader> + Send + 'static,
) -> Result<PageStream> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let limits = Limits { documents: request.page_documents.max(1), bytes: request.page_bytes.max(1) as u64 };
    let work = move || {
        let listener = sender.clone();
        let result = open(&from, Box::new(move || listener.is_closed()))
            .and_then(|reader| Pager { reader, limits, start: from.position.offset }.run(&sender));
        if let Err(error) = result {
            // Nobody listens any more: then nobody needs the error.
            let _ = sender.blocking_send(Err(error));
        }
    };
    std::thread::Builder::new().name("json-reader".to_owned()).spawn(work).map_err(|error| {
        Error::new(ErrorKind::Source, "thread_not_started", "no thread could be started to read the file")
            .hint("too many threads or too little memory; read fewer collections at the same time")
            .caused_by(error)
    })?;
    let next = |mut receiver: mpsc::Receiver<_>| async move { receiver.recv().await.map(|page| (page, receiver)) };
    Ok(stream::unfold(receiver, next).boxed())
}

struct Limits {
    documents: usize,
    bytes: u64,
}

struct Pager {
    reader: Reader,
    limits: Limits,
    /// Where the page being filled begins.
    start: u64,
}

impl Pager {
    /// Fills and sends pages until the file ends or nobody listens. What was read before an error is sent first.
    fn run(mut self, sender: &mpsc::Sender<Result<Page>>) -> Result<()> {
        loop {
            let mut records = Vec::new();
            let filled = self.fill(&mut records);
            let last = matches!(filled, Ok(true));
            if filled.is_ok() || !records.is_empty() {
                let page = self.page(records, last)?;
                if sender.blocking_send(Ok(page)).is_err() {
                    return Ok(());
                }
            }
            if filled? {
                return Ok(());
            }
        }
    }

    /// Fills a page; true at the end of the file.
    fn fill(&mut self, records: &mut Vec<Record>) -> Result<bool> {
        let mut bytes = 0;
        while records.len() < self.limits.documents && bytes < self.limits.bytes {
            match self.reader.next()? {
                Taken::End => return Ok(true),
                Taken::Passed if self.reader.mark().position.offset - self.start > PASSED => return Ok(false),
                Taken::Passed => {}
                Taken::Record(record) => {
                    bytes += origin(&record).length;
                    if records.capacity() == 0 {
                        records.reserve(self.limits.documents.min(1024));
                    }
                    records.push(record);
                }
            }
        }
        Ok(false)
    }

    fn page(&mut self, records: Vec<Record>, last: bool) -> Result<Page> {
        let mark = self.reader.mark();
        let bytes = mark.position.offset - self.start;
        self.start = mark.position.offset;
        Ok(Page { records, cursor: bounds::to_cursor(&mark)?, bytes, last })
    }
}

fn origin(record: &Record) -> &Origin {
    match record {
        Record::Document(document) => &document.origin,
        Record::Malformed(malformed) => &malformed.origin,
    }
}
