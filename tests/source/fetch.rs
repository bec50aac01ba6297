//! Documents by name out of files.

use std::sync::Arc;

use fireferry::source::{Record, Source};
use futures::StreamExt;

use super::support::*;

/// What `fetch` gives, and over how many pages that hold something.
async fn fetched(path: &std::path::Path, collection: &str, paths: &[&str], page: usize) -> (Vec<Record>, usize) {
    let source: Arc<dyn Source> = Arc::new(open(path));
    let mut wanted = request(collection);
    wanted.page_documents = page;
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let mut stream = source.fetch(wanted, paths.into());
    let (mut records, mut filled, mut ended) = (Vec::new(), 0, false);
    while let Some(page) = stream.next().await {
        let page = page.unwrap();
        assert!(!ended, "nothing follows the last page");
        ended = page.last;
        filled += usize::from(!page.records.is_empty());
        records.extend(page.records);
    }
    assert!(ended, "the last page says so");
    (records, filled)
}

fn users(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|number| format!("{{\"id\":\"u{number}\",\"n\":{number}}}\n")).collect::<String>().into_bytes()
}

#[tokio::test]
async fn only_the_documents_named_come_in_the_order_of_the_files() {
    let folder = folder(&[
        ("users/1.ndjson", &users(0, 1_000)),
        ("users/2.ndjson.gz", &gzip(&users(1_000, 2_000))),
        ("orders.ndjson", b"{\"id\":\"u7\"}\n"),
    ]);
    let wanted = ["users/u1999", "users/u7", "users/u7", "users/nobody", "orders/u7", "no path", "users/u500"];
    for page in [1, 10, 5_000] {
        let (records, _) = fetched(folder.path(), "users", &wanted, page).await;
        assert_eq!(paths(&records), ["users/u7", "users/u500", "users/u1999"]);
    }
    let (none, _) = fetched(folder.path(), "users", &[], 10).await;
    assert!(none.is_empty());
    let (nothing, _) = fetched(folder.path(), "nobodies", &["nobodies/a"], 10).await;
    assert!(nothing.is_empty());
}

#[tokio::test]
async fn of_two_records_with_one_path_the_first_comes_and_a_malformed_one_counts() {
    let lines = b"{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":99,\"n\":1}\n{\"id\":\"a\",\"n\":2}\n{\"id\":\"b\",\"n\":3}\n{broken\n";
    let folder = folder(&[("users.ndjson", lines)]);
    let (records, _) = fetched(folder.path(), "users", &["users/b", "users/a"], 10).await;
    let Record::Document(first) = &records[0] else { panic!("{records:?}") };
    assert_eq!((first.path.to_string().as_str(), first.origin.line), ("users/a", 1));
    assert_eq!(records.len(), 2);
}
