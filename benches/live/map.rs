//! From the stream to mapped rows: fireferry's source and mapping, without a destination.

use std::error::Error;
use std::path::Path;

use fireferry::destination::Destination;
use fireferry::destination::libsql::{LibsqlFile, Mode};
use fireferry::domain::mapping::{Mapped, Mapping};
use fireferry::pipeline::resolved::{Pipeline, SourceSpec};
use fireferry::pipeline::{self, Overrides};
use fireferry::schema::Migrations;
use fireferry::source::firestore::{FirestoreOptions, FirestoreSource, SnapshotPolicy};
use fireferry::source::{ReadRequest, Record, Source};
use futures::StreamExt;

/// Reads and maps the pipeline's first collection; gives the number of rows.
pub async fn count(file: &Path, scratch: &Path) -> Result<u64, Box<dyn Error>> {
    let pipeline = pipeline::load(file, &Overrides::default(), &|_| None)?;
    let mapping = bound(&pipeline, scratch).await?;
    let source = FirestoreSource::new(options(&pipeline)?);
    source.pin(None).await?;
    let request = request(&pipeline, &mapping);
    let mut rows = 0;
    for partition in source.partitions(&request).await? {
        let mut pages = source.read(&request, &partition, None).await?;
        while let Some(page) = pages.next().await {
            for record in page?.records {
                let Record::Document(document) = record else { return Err("a document was not understood".into()) };
                match mapping.map(document) {
                    Mapped::Rows(_) => rows += 1,
                    other => return Err(format!("not mapped: {other:?}").into()),
                }
            }
        }
    }
    Ok(rows)
}

/// The mapping, bound to the schema that its migrations make.
async fn bound(pipeline: &Pipeline, scratch: &Path) -> Result<Mapping, Box<dyn Error>> {
    let mut database = LibsqlFile::open(scratch, Mode::ReadWrite { create: true })?;
    let folder = pipeline.schema.as_deref().ok_or("the pipeline has no schema")?;
    for step in Migrations::load(folder)?.pending(&[])? {
        database.migrate(&step).await?;
    }
    let collection = pipeline.collections.first().ok_or("the pipeline has no collection")?;
    let (mapping, problems) = collection.mapping.bind(&database.inspect().await?);
    if problems.is_empty() { Ok(mapping) } else { Err(format!("{problems:?}").into()) }
}

fn options(pipeline: &Pipeline) -> Result<FirestoreOptions, Box<dyn Error>> {
    let SourceSpec::Firestore(spec) = &pipeline.source else { return Err("the source is no Firestore".into()) };
    Ok(FirestoreOptions {
        project: spec.project.clone(),
        database: spec.database.clone(),
        credentials: None,
        snapshot: SnapshotPolicy::Now,
        partitions: spec.partitions,
        concurrency: spec.concurrency,
        push_down: spec.push_down,
        price_per_100k_reads: spec.price_per_100k_reads,
        max_retries: pipeline.settings.max_retries,
        max_retry_time: pipeline.settings.max_retry_time,
        look_below: 3,
    })
}

/// As a run would ask.
fn request(pipeline: &Pipeline, mapping: &Mapping) -> ReadRequest {
    let settings = &pipeline.settings;
    ReadRequest {
        collection: mapping.collection.clone(),
        page_documents: super::PAGE,
        page_bytes: settings.batch_bytes,
        max_document_bytes: settings.max_document_bytes,
        filter: mapping.filter.clone(),
        fields: None,
        only: None,
        changed: None,
        brief: false,
    }
}
