//! What is fuzzed, and what must hold.

use fireferry::domain::field_path::FieldPath;
use fireferry::domain::json;
use fireferry::domain::sql_text::{normal_form, statements};
use fireferry::error::Error;
use fireferry::source::Source;
use fireferry::source::json::{JsonOptions, JsonSource};

use super::corpus::{Input, files};
use super::fuzz;
use crate::pipeline::support::Case;
use crate::source::support::{folder, pages, request};

#[test]
fn documents_in_files() {
    let corpus = files(&["tests/shapes", "tests/fuzz/corpus/documents"], &["json", "ndjson"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    fuzz(&corpus, 1_500, |input| runtime.block_on(read_everything(input)));
}

/// Everything that the file holds is read as often as it is counted, or an error says why not.
async fn read_everything(input: &Input) {
    let folder = folder(&[(&input.name, &input.bytes)]);
    let source = match JsonSource::open(JsonOptions::new(folder.path())) {
        Ok(source) => source,
        Err(error) => return complete(&error),
    };
    if let Err(error) = source.check().await {
        return complete(&error);
    }
    let found = match source.collections().await {
        Ok(found) => found,
        Err(error) => return complete(&error),
    };
    for collection in found {
        let request = request(collection.collection.as_str());
        let partitions = match source.partitions(&request).await {
            Ok(partitions) => partitions,
            Err(error) => return complete(&error),
        };
        let mut read = 0;
        let mut failed = None;
        for partition in &partitions {
            let (pages, error) = pages(&source, &request, partition, None).await;
            read += pages.iter().map(|page| page.records.len() as u64).sum::<u64>();
            // What passed over belongs to other collections, which the count cannot always tell apart.
            read += pages.last().map_or(0, |page| source.passed_over(&page.cursor));
            failed = failed.or(error);
        }
        match (source.count(&request).await, failed) {
            (Ok(count), None) => assert_eq!(count, read, "{} of {}", collection.collection, input.name),
            (Err(error), _) | (Ok(_), Some(error)) => complete(&error),
        }
    }
}

/// An error that helps: a code that is explained, and a text.
fn complete(error: &Error) {
    assert!(!fireferry::explain::find(error.code()).is_empty(), "{} is not explained", error.code());
    assert!(!error.to_string().is_empty());
}

#[test]
fn pipeline_files() {
    let corpus = files(&["pipelines", "benches/pipelines", "tests/fuzz/corpus/pipelines"], &["yaml"]);
    fuzz(&corpus, 1_500, |input| {
        if let Err(error) = Case::bytes(&input.bytes).load() {
            complete(&error);
        }
    });
}

#[test]
fn field_paths() {
    let corpus = files(&["tests/fuzz/corpus/paths"], &["txt"]);
    fuzz(&corpus, 20_000, |input| {
        let text = String::from_utf8_lossy(&input.bytes);
        if let Ok(path) = FieldPath::parse(&text) {
            assert_eq!(FieldPath::parse(&path.to_string()), Ok(path));
        }
    });
}

#[test]
fn canonical_values() {
    let corpus = files(&["tests/shapes", "tests/fuzz/corpus/documents"], &["json", "ndjson"]);
    fuzz(&corpus, 10_000, |input| {
        let text = String::from_utf8_lossy(&input.bytes);
        if let Ok(value) = json::decode(&text) {
            let again = json::encode_lossless(&value);
            assert_eq!(json::decode(&again).map(|value| json::encode_lossless(&value)), Ok(again));
        }
    });
}

#[test]
fn statements_of_migrations() {
    let corpus = files(&["schemas", "tests/fuzz/corpus/sql"], &["sql"]);
    fuzz(&corpus, 10_000, |input| {
        let text = String::from_utf8_lossy(&input.bytes);
        let found = statements(&text);
        let mut rest = text.as_ref();
        for statement in &found {
            // In order, and nothing of them twice.
            let at = rest.find(statement.text).expect("a statement is a part of the text");
            rest = &rest[at + statement.text.len()..];
            let _ = (statement.transaction_control(), statement.row_change(), normal_form(statement.text));
        }
    });
}
