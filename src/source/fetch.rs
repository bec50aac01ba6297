//! Documents by name, from a source that can only be read through.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures::{StreamExt, stream};

use super::{Page, PageStream, ReadRequest, Record, Source};
use crate::domain::cursor::{Cursor, Partition};
use crate::error::{Error, ErrorKind, Result};

/// One pass over the collection that keeps the first record of each path and ends once all were found. See the contract of
/// [`Source::fetch`].
pub fn by_reading(source: Arc<dyn Source>, request: ReadRequest, paths: &[String]) -> PageStream {
    let wanted = paths.iter().cloned().collect();
    let reading = Reading { source, request, wanted, partitions: None, open: None, over: false };
    stream::unfold(reading, |mut reading| async move { Some((reading.next().await?, reading)) }).boxed()
}

struct Reading {
    source: Arc<dyn Source>,
    request: ReadRequest,
    /// Paths not found yet.
    wanted: HashSet<String>,
    /// What is left to be read; `None` before it was asked for.
    partitions: Option<VecDeque<Partition>>,
    open: Option<PageStream>,
    over: bool,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Page>> {
        if self.over {
            return None;
        }
        let page = self.found().await;
        self.over = page.as_ref().map_or(true, |page| page.last);
        Some(page)
    }

    /// The next page that holds something, or the last one.
    async fn found(&mut self) -> Result<Page> {
        while !self.wanted.is_empty() {
            let Some(stream) = self.stream().await? else { break };
            let Some(page) = stream.next().await.transpose()? else {
                let message = "the source ended without its end marker";
                return Err(Error::new(ErrorKind::Source, "source_cut", message)
                    .collection(self.request.collection.as_str())
                    .hint("try again: what was found so far is safe"));
            };
            let mut page = page;
            page.records.retain(|record| record.path().is_some_and(|path| self.wanted.remove(&path)));
            if page.last {
                self.open = None;
            }
            if !page.records.is_empty() {
                return Ok(Page { last: self.wanted.is_empty(), ..page });
            }
        }
        Ok(Page { records: Vec::new(), cursor: Cursor(String::new()), bytes: 0, last: true })
    }

    /// The partition being read, or the next one.
    async fn stream(&mut self) -> Result<Option<&mut PageStream>> {
        if self.partitions.is_none() {
            self.partitions = Some(self.source.partitions(&self.request).await?.into());
        }
        if self.open.is_none() {
            let Some(next) = self.partitions.as_mut().and_then(VecDeque::pop_front) else { return Ok(None) };
            self.open = Some(self.source.read(&self.request, &next, None).await?);
        }
        Ok(self.open.as_mut())
    }
}

impl Record {
    /// The document's path, where it is known.
    pub fn path(&self) -> Option<String> {
        match self {
            Self::Document(document) => Some(document.path.to_string()),
            Self::Malformed(malformed) => malformed.document.clone(),
        }
    }
}
