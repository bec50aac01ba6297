//! Fixtures: JSON of every shape that fireferry reads.

use fireferry::domain::document::Document;
use fireferry::source::json::{JsonOptions, JsonSource};
use fireferry::source::{ReadRequest, Record, Source};
use futures::StreamExt;

use crate::call::App;
use crate::control::say;
use crate::convert::Conversion;
use crate::name::{check_writable, full};
use crate::store::Clock;
use crate::write::content;

/// Firestore's own limit.
const LARGEST_DOCUMENT: usize = 1 << 20;

/// Warnings so far, and documents taken in.
#[derive(Default)]
struct Tally {
    documents: u64,
    warnings: u64,
}

impl Tally {
    fn warn(&mut self, place: &str, why: &str) {
        self.warnings += 1;
        say(&format!("warning: {place}: {why}; skipped"));
    }
}

/// Loads every `--fixtures`.
pub async fn fixtures(app: &App) -> fireferry::error::Result<()> {
    let mut tally = Tally::default();
    for path in &app.args.fixtures {
        let source = JsonSource::open(JsonOptions::new(path))?;
        for found in source.collections().await? {
            let request = ReadRequest {
                collection: found.collection,
                page_documents: 1_000,
                page_bytes: 8 << 20,
                max_document_bytes: 8 * LARGEST_DOCUMENT,
                filter: Default::default(),
                fields: None,
                only: None,
                changed: None,
                brief: false,
            };
            for partition in source.partitions(&request).await? {
                let mut pages = source.read(&request, &partition, None).await?;
                while let Some(page) = pages.next().await {
                    page?.records.into_iter().for_each(|record| take(app, record, &mut tally));
                }
            }
        }
    }
    if !app.args.fixtures.is_empty() {
        say(&format!("{} documents loaded, {} warnings", tally.documents, tally.warnings));
    }
    Ok(())
}

fn take(app: &App, record: Record, tally: &mut Tally) {
    match record {
        Record::Document(document) => put(app, &document, tally),
        Record::Malformed(record) => {
            let rejection = &record.rejection;
            tally.warn(&record.origin.to_string(), &format!("{}: {}", rejection.code, rejection.reason));
        }
    }
}

/// Where documents compete for a name, the first one stays, as in a migration.
fn put(app: &App, document: &Document, tally: &mut Tally) {
    let (path, database) = (document.path.to_string(), app.args.database_name());
    let shown: String = path.chars().take(60).collect();
    let place = format!("{} ({shown})", document.origin);
    if let Err(why) = check_writable(&path) {
        return tally.warn(&place, &why);
    }
    let shared = app.store.database(&database);
    let mut locked = shared.write();
    if locked.knows(&path) {
        return tally.warn(&place, "the document is there already");
    }
    let mut conversion = Conversion { database: &database, lenient: app.args.lenient, refused: Vec::new() };
    let fields = conversion.fields(&document.fields);
    conversion.refused.iter().for_each(|why| tally.warn(&place, why));
    let loaded = loaded_at(app);
    let updated = document.updated.map_or(loaded, |time| time.as_microsecond());
    let created = document.created.map_or(updated, |time| time.as_microsecond());
    let content = content(full(&database, &path), fields, created, updated);
    if content.bytes.len() > LARGEST_DOCUMENT {
        tally.warn(&place, "larger than 1 MiB, which the real service would not take; kept");
    }
    locked.put(&path, updated.min(loaded), Some(content));
    tally.documents += 1;
}

/// When everything loaded came to be.
pub fn loaded_at(app: &App) -> i64 {
    app.args.loaded_at.map_or_else(Clock::wall, |time| time.as_microsecond())
}
