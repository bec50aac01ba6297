//! A source whose calls and pages go through a script.

use std::sync::Arc;

use async_trait::async_trait;
use fireferry::domain::cursor::{Cursor, Partition};
use fireferry::domain::value::Timestamp;
use fireferry::domain::watermark::Since;
use fireferry::error::Result;
use fireferry::source::{FoundCollection, PageStream, ReadRequest, Source, SourceCapabilities};
use futures::{StreamExt, stream};

use super::script::{Fault, Script, through};

pub struct Scripted {
    pub inner: Arc<dyn Source>,
    pub script: Arc<Script>,
}

#[async_trait]
impl Source for Scripted {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn capabilities(&self) -> SourceCapabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<Vec<String>> {
        through!(self.script, "source.check", self.inner.check())
    }

    async fn collections(&self) -> Result<Vec<FoundCollection>> {
        through!(self.script, "source.collections", self.inner.collections())
    }

    async fn count(&self, request: &ReadRequest) -> Result<u64> {
        through!(self.script, "source.count", self.inner.count(request))
    }

    fn read_at(&self) -> Option<Timestamp> {
        self.inner.read_at()
    }

    async fn count_since(&self, request: &ReadRequest, since: &Since) -> Result<u64> {
        through!(self.script, "source.count_since", self.inner.count_since(request, since))
    }

    async fn partitions(&self, request: &ReadRequest) -> Result<Vec<Partition>> {
        through!(self.script, "source.partitions", self.inner.partitions(request))
    }

    async fn read(&self, request: &ReadRequest, partition: &Partition, after: Option<&Cursor>) -> Result<PageStream> {
        let pages = through!(self.script, "source.read", self.inner.read(request, partition, after))?;
        Ok(scripted(pages, Arc::clone(&self.script)))
    }

    fn fetch(self: Arc<Self>, request: ReadRequest, paths: Arc<[String]>) -> PageStream {
        Arc::clone(&self.inner).fetch(request, paths)
    }

    async fn fingerprint(&self, partition: &Partition, cursor: Option<&Cursor>) -> Result<String> {
        through!(self.script, "source.fingerprint", self.inner.fingerprint(partition, cursor))
    }

    async fn retire(&self, partitions: &[Partition]) -> Result<Vec<String>> {
        through!(self.script, "source.retire", self.inner.retire(partitions))
    }

    async fn retired(&self) -> Result<Vec<String>> {
        through!(self.script, "source.retired", self.inner.retired())
    }
}

/// The pages, disturbed.
fn scripted(pages: PageStream, script: Arc<Script>) -> PageStream {
    let next = move |(mut pages, queued, over): (PageStream, Vec<_>, bool)| {
        let script = Arc::clone(&script);
        async move {
            let mut queued: Vec<Result<fireferry::source::Page>> = queued;
            if let Some(page) = queued.pop() {
                return Some((page, (pages, queued, over)));
            }
            if over {
                return None;
            }
            let fault = script.pass("source.page").await;
            match fault {
                None => pages.next().await.map(|page| (page, (pages, queued, false))),
                Some(Fault::ShortRead) => None,
                Some(Fault::FailAfter) => {
                    queued.push(Err(Fault::FailBefore.error()));
                    pages.next().await.map(|page| (page, (pages, queued, true)))
                }
                Some(Fault::DuplicatePage) => match pages.next().await {
                    Some(Ok(page)) => {
                        queued.push(Ok(page.clone()));
                        Some((Ok(page), (pages, queued, false)))
                    }
                    other => other.map(|page| (page, (pages, queued, false))),
                },
                Some(fault) => Some((Err(fault.error()), (pages, queued, true))),
            }
        }
    };
    stream::unfold((pages, Vec::new(), false), next).boxed()
}
