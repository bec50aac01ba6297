//! Opening and reading sources in tests.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use fireferry::domain::cursor::{Cursor, Partition};
use fireferry::domain::document::{CollectionPattern, Document};
use fireferry::error::Error;
use fireferry::source::json::{JsonOptions, JsonSource, Shape};
use fireferry::source::{MalformedRecord, Page, ReadRequest, Record, Source};
use futures::StreamExt;

/// The hand-written files.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes").join(name)
}

/// A source over a path, everything detected.
pub fn open(path: impl Into<PathBuf>) -> JsonSource {
    JsonSource::open(JsonOptions::new(path)).unwrap()
}

/// A source over a path with a shape named.
pub fn open_as(path: impl Into<PathBuf>, shape: Shape) -> JsonSource {
    JsonSource::open(JsonOptions { shape: Some(shape), ..JsonOptions::new(path) }).unwrap()
}

/// A folder of its own with files.
pub fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(&folder.path().join(name), content);
    }
    folder
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn zstandard(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

pub fn request(collection: &str) -> ReadRequest {
    ReadRequest {
        collection: CollectionPattern::parse(collection).unwrap(),
        page_documents: 500,
        page_bytes: 1 << 20,
        max_document_bytes: 1 << 20,
        filter: fireferry::domain::filter::Filter::default(),
        fields: None,
        only: None,
        changed: None,
        brief: false,
    }
}

/// All pages after a cursor, and the error that ended them.
pub async fn pages(
    source: &JsonSource,
    request: &ReadRequest,
    partition: &Partition,
    after: Option<&Cursor>,
) -> (Vec<Page>, Option<Error>) {
    let mut stream = source.read(request, partition, after).await.unwrap();
    let mut pages: Vec<Page> = Vec::new();
    while let Some(page) = stream.next().await {
        match page {
            Ok(page) => pages.push(page),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                assert!(!pages.iter().any(|page| page.last));
                return (pages, Some(error));
            }
        }
    }
    assert!(pages.last().is_some_and(|page| page.last), "the last page says so");
    assert_eq!(pages.iter().filter(|page| page.last).count(), 1);
    (pages, None)
}

/// Every record of a collection, and the first error.
pub async fn read(source: &JsonSource, request: &ReadRequest) -> (Vec<Record>, Option<Error>) {
    let mut records = Vec::new();
    for partition in source.partitions(request).await.unwrap() {
        let (pages, error) = pages(source, request, &partition, None).await;
        records.extend(pages.into_iter().flat_map(|page| page.records));
        if error.is_some() {
            return (records, error);
        }
    }
    (records, None)
}

/// Every record of a collection whose files are sound; the independent count must agree.
pub async fn records(source: &JsonSource, collection: &str) -> Vec<Record> {
    let request = request(collection);
    let (records, error) = read(source, &request).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(source.count(&request).await.unwrap(), records.len() as u64, "count of {collection}");
    records
}

/// Every document of a collection by path; nothing may be malformed.
pub async fn documents(source: &JsonSource, collection: &str) -> BTreeMap<String, Document> {
    let documents = records(source, collection).await.into_iter().map(|record| match record {
        Record::Document(document) => (document.path.to_string(), document),
        Record::Malformed(malformed) => panic!("{malformed:?}"),
    });
    documents.collect()
}

/// The malformed records among others.
pub fn malformed(records: &[Record]) -> Vec<&MalformedRecord> {
    let malformed = records.iter().filter_map(|record| match record {
        Record::Malformed(malformed) => Some(malformed),
        Record::Document(_) => None,
    });
    malformed.collect()
}

/// The paths of the documents among others, in order.
pub fn paths(records: &[Record]) -> Vec<String> {
    let paths = records.iter().filter_map(|record| match record {
        Record::Document(document) => Some(document.path.to_string()),
        Record::Malformed(_) => None,
    });
    paths.collect()
}

/// Names of the collections of a source.
pub async fn collections(source: &JsonSource) -> Vec<String> {
    let found = source.collections().await.unwrap();
    found.into_iter().map(|found| found.collection.to_string()).collect()
}
