//! Putting the documents of rejects where a run reads them: as they were kept, or as the source has them now.

use std::collections::HashMap;
use std::path::Path;

use futures::StreamExt;

use super::RetryRequest;
use super::kept::Keeping;
use crate::destination::{RejectQuery, StoredReject};
use crate::domain::document::CollectionPattern;
use crate::domain::filter::Filter;
use crate::domain::json;
use crate::domain::reject::{RejectCode, RejectData};
use crate::engine::Context;
use crate::error::Result;
use crate::ledger::files::private_create;
use crate::source::{ReadRequest, Record};

/// Rejects looked at together.
const PAGE: usize = 500;
/// Names asked of the source in one pass: they are held in memory.
const NAMES: usize = 20_000;

/// What was put there.
pub(super) struct Staged {
    /// The collections that have documents.
    pub collections: Vec<CollectionPattern>,
    /// What stays on the list, one sentence each.
    pub left: Vec<String>,
}

/// Rejects that stay where they are, and why.
#[derive(Default)]
struct Left {
    duplicates: usize,
    undecoded: usize,
    nameless: usize,
    gone: usize,
    broken: usize,
}

/// Puts the documents there in the order of the list. `later`: another run wrote after this one, so what was kept may be
/// stale.
pub(super) async fn stage(ctx: &mut Context, request: &RetryRequest, folder: &Path, later: bool) -> Result<Staged> {
    let again = request.from_source || later;
    if again {
        if !request.from_source {
            ctx.progress.message("the pipeline ran since: the documents are read from the source again");
        }
        ctx.source.check().await?;
        ctx.source.pin(None).await?;
    }
    let mut staging = Staging { keeping: Keeping::new(folder, private_create), left: Left::default(), again };
    let names: Vec<CollectionPattern> = ctx.pipeline.collections.iter().map(|c| c.mapping.collection.clone()).collect();
    for collection in names {
        if request.collections.is_empty() || request.collections.contains(&collection) {
            staging.collection(ctx, &request.run, &collection).await?;
        }
    }
    let left = staging.left.sentences();
    Ok(Staged { collections: staging.keeping.finish()?, left })
}

struct Staging {
    keeping: Keeping,
    left: Left,
    /// The source is read again.
    again: bool,
}

impl Staging {
    async fn collection(&mut self, ctx: &mut Context, run: &str, collection: &CollectionPattern) -> Result<()> {
        let mut query = RejectQuery {
            run: Some(run.to_owned()),
            collection: Some(collection.to_string()),
            waiting: Some(false),
            limit: PAGE,
            ..RejectQuery::default()
        };
        let mut names = HashMap::new();
        loop {
            let page = ctx.destination.rejects(&query).await?;
            let Some(last) = page.last() else { break };
            query.after = Some(last.id);
            for stored in &page {
                self.reject(stored, &mut names)?;
            }
            if names.len() >= NAMES {
                self.fetch(ctx, collection, std::mem::take(&mut names)).await?;
            }
        }
        self.fetch(ctx, collection, names).await
    }

    fn reject(&mut self, stored: &StoredReject, names: &mut HashMap<String, i64>) -> Result<()> {
        let reject = &stored.reject;
        // Its key is another document's, which was written: it must not take that one's place.
        if reject.rejection.code == RejectCode::DuplicateKey {
            self.left.duplicates += 1;
            return Ok(());
        }
        match (self.again, &reject.document, &reject.data) {
            (false, _, RejectData::Document(document)) => self.keeping.add(&reject.collection, stored.id, document)?,
            (false, ..) => self.left.undecoded += 1,
            (true, None, _) => self.left.nameless += 1,
            // Of two rejects with one path, the first: the source gives one document.
            (true, Some(path), _) => drop(names.entry(path.clone()).or_insert(stored.id)),
        }
        Ok(())
    }

    async fn fetch(
        &mut self,
        ctx: &Context,
        collection: &CollectionPattern,
        mut names: HashMap<String, i64>,
    ) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let paths: Vec<String> = names.keys().cloned().collect();
        let mut pages = ctx.source.clone().fetch(read_request(ctx, collection), paths.into());
        while let Some(page) = pages.next().await {
            for record in page.map_err(|error| error.collection(collection.as_str()))?.records {
                let Some(id) = record.path().and_then(|path| names.remove(&path)) else { continue };
                match record {
                    Record::Document(document) => {
                        self.keeping.add(collection, id, &json::encode_document(&document))?;
                    }
                    Record::Malformed(_) => self.left.broken += 1,
                }
            }
        }
        self.left.gone += names.len();
        Ok(())
    }
}

fn read_request(ctx: &Context, collection: &CollectionPattern) -> ReadRequest {
    let settings = &ctx.pipeline.settings;
    ReadRequest {
        collection: collection.clone(),
        page_documents: PAGE,
        page_bytes: settings.batch_bytes,
        max_document_bytes: settings.max_document_bytes,
        filter: Filter::default(),
        fields: None,
        only: None,
        changed: None,
        brief: false,
    }
}

impl Left {
    fn sentences(&self) -> Vec<String> {
        let stay = |number: usize, why: &str| match number {
            0 => None,
            1 => Some(format!("1 reject stays: {why}")),
            number => Some(format!("{number} rejects stay: {why}")),
        };
        [
            stay(
                self.duplicates,
                "another document has the same key (`duplicate_key`); remove one of them at the source",
            ),
            stay(self.undecoded, "what was kept is no document; mend it at the source and use --from-source"),
            stay(self.nameless, "it has no name by which the source could be asked for it; run the pipeline again"),
            stay(self.gone, "the source does not have the document any more"),
            stay(self.broken, "the source still has no document there that can be read"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
