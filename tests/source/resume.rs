//! The same cursor gives the same continuation, however the file is cut into pages.

use fireferry::domain::cursor::Cursor;
use fireferry::source::json::{JsonSource, Shape};
use fireferry::source::{ReadRequest, Record, Source};
use futures::StreamExt;
use proptest::prelude::*;

use super::support::*;

fn pretty(json: &str) -> String {
    format!("{:#}", serde_json::from_str::<serde_json::Value>(json).unwrap())
}

/// How a generated collection is written to a file.
#[derive(Debug, Clone, Copy)]
enum Form {
    Lines,
    Array,
    Pretty,
    Values,
    Rest,
    Backfire,
    Tree,
    Node,
}

/// Documents with strings that look like structure, some of them damaged where the form allows it.
fn file(form: Form, documents: &[(u32, String, bool)]) -> (String, Shape) {
    let quoted = |text: &String| serde_json::to_string(text).unwrap();
    let object = |(n, text, _): &(u32, String, bool)| format!(r#"{{"id":"{n}","t":{},"l":[{{}},[]]}}"#, quoted(text));
    let join = |texts: Vec<String>, with: &str| texts.join(with);
    match form {
        Form::Lines => {
            let lines = documents.iter().map(|document| match document.2 {
                true => format!("{}\n\n", object(document).replace(':', "")),
                false => format!("{}\r\n", object(document)),
            });
            (lines.collect(), Shape::Plain)
        }
        Form::Array => {
            let elements = documents.iter().map(|document| if document.2 { "17".to_owned() } else { object(document) });
            (format!("\u{feff}[{}]", join(elements.collect(), ",")), Shape::Plain)
        }
        Form::Pretty => {
            let elements = documents.iter().map(|document| pretty(&object(document)));
            (format!("[{}\n]\n", join(elements.collect(), " ,")), Shape::Plain)
        }
        Form::Values => {
            let values = documents.iter().map(|document| pretty(&object(document)));
            (join(values.collect(), "\n"), Shape::Plain)
        }
        Form::Rest => {
            let elements = documents.iter().map(|(n, text, other)| {
                let collection = if *other { "others" } else { "users" };
                let name = format!("projects/p/databases/d/documents/{collection}/{n}");
                format!(r#"{{"name":"{name}","fields":{{"t":{{"stringValue":{}}}}}}}"#, quoted(text))
            });
            (
                format!("{{\"documents\":[{}], \"nextPageToken\":\"\"}}", join(elements.collect(), ",\n")),
                Shape::FirestoreRest,
            )
        }
        Form::Backfire => {
            let lines = documents.iter().map(|(n, text, other)| {
                let collection = if *other { "others/x/users" } else { "users" };
                format!("{{\"path\":\"{collection}/{n}\",\"data\":{{\"t\":{}}}}}\n", quoted(text))
            });
            (lines.collect(), Shape::FirestoreBackfire)
        }
        Form::Tree => {
            let orders = documents.iter().map(|(n, text, other)| {
                let order = format!(
                    r#"{{"users/u{n}/orders":{{"1":{{"t":{0}}},"2":{{"subCollection":{{}},"t":{0}}}}}}}"#,
                    quoted(text)
                );
                let nested = if *other { "{}".to_owned() } else { order };
                format!(r#""u{n}":{{"subCollection":{nested},"t":{}}}"#, quoted(text))
            });
            (format!("{{\"users\":{{{}}},\"z\":{{}}}}", join(orders.collect(), ",")), Shape::FirestoreExportImport)
        }
        Form::Node => {
            let users = documents.iter().map(|(n, text, _)| {
                let text = quoted(text);
                format!("\n\"u{n}\":{{\"t\":{text},\"__collections__\":{{\"orders\":{{\"1\":{{\"t\":{text}}}}}}}}}")
            });
            (
                format!("{{\"__collections__\":{{\"users\":{{{}}}}}}}", join(users.collect(), ",")),
                Shape::NodeFirestoreImportExport,
            )
        }
    }
}

/// Reads with a page size, then from every page's cursor: each time exactly the rest must come.
async fn assert_resumes(source: &JsonSource, collection: &str, sizes: (usize, usize)) -> Vec<Record> {
    let request = ReadRequest { page_documents: sizes.0, page_bytes: sizes.1, ..request(collection) };
    let mut all = Vec::new();
    for partition in source.partitions(&request).await.unwrap() {
        let (whole, error) = pages(source, &request, &partition, None).await;
        assert!(error.is_none(), "{error:?}");
        let records: Vec<Record> = whole.iter().flat_map(|page| page.records.clone()).collect();
        let mut seen = 0;
        for page in &whole {
            assert!(page.records.len() <= sizes.0);
            seen += page.records.len();
            let other_size = ReadRequest { page_documents: 7, ..request.clone() };
            for request in [&request, &other_size] {
                let (rest, error) = pages(source, request, &partition, Some(&page.cursor)).await;
                assert!(error.is_none(), "{error:?}");
                let rest: Vec<Record> = rest.into_iter().flat_map(|page| page.records).collect();
                assert_eq!(rest, records[seen..], "after {}", page.cursor.0);
            }
            let before = source.fingerprint(&partition, Some(&page.cursor)).await.unwrap();
            assert_eq!(before, source.fingerprint(&partition, Some(&page.cursor)).await.unwrap());
        }
        all.extend(records);
    }
    assert_eq!(source.count(&request).await.unwrap(), all.len() as u64);
    all
}

fn form() -> impl Strategy<Value = Form> {
    prop::sample::select(vec![
        Form::Lines,
        Form::Array,
        Form::Pretty,
        Form::Values,
        Form::Rest,
        Form::Backfire,
        Form::Tree,
        Form::Node,
    ])
}

fn content() -> impl Strategy<Value = Vec<(u32, String, bool)>> {
    let text = prop_oneof!["[a\\[\\]{}\",:\\\\\n é😀]{0,24}", ".{0,200}"];
    prop::collection::vec((any::<u32>(), text, prop::bool::weighted(0.2)), 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_from_any_cursor_gives_exactly_the_rest(
        form in form(), content in content(), documents in 1usize..30, bytes in 1usize..5_000, packed in 0u8..3,
    ) {
        // Nothing at all in a file is another matter.
        prop_assume!(!(matches!(form, Form::Values) && content.is_empty()));
        let (text, shape) = file(form, &content);
        let (name, bytes_on_disk) = match packed {
            0 => ("users.json", text.clone().into_bytes()),
            1 => ("users.json.gz", gzip(text.as_bytes())),
            _ => ("users.json.zst", zstandard(text.as_bytes())),
        };
        // A file of lines is told by its name here, as its first line may be damaged.
        let name = if matches!(form, Form::Lines | Form::Backfire) { name.replace(".json", ".ndjson") } else { name.to_owned() };
        let folder = folder(&[(&name, &bytes_on_disk)]);
        let source = open_as(folder.path(), shape);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let users = assert_resumes(&source, "users", (documents, bytes)).await;
            let others = content.iter().filter(|document| document.2).count();
            match form {
                Form::Lines | Form::Array => {
                    assert_eq!(users.len(), content.len());
                    assert_eq!(malformed(&users).len(), others);
                }
                Form::Rest | Form::Backfire => assert_eq!(users.len(), content.len() - others),
                Form::Pretty | Form::Values => assert_eq!(paths(&users).len(), content.len()),
                Form::Tree => {
                    let orders = assert_resumes(&source, "users/*/orders", (documents, bytes)).await;
                    assert_eq!(paths(&orders).len(), 2 * (content.len() - others));
                }
                Form::Node => {
                    let orders = assert_resumes(&source, "users/*/orders", (documents, bytes)).await;
                    assert_eq!(paths(&orders).len(), content.len());
                }
            }
            for record in &users {
                // Every record can be found again by its origin.
                let origin = match record {
                    Record::Document(document) => &document.origin,
                    Record::Malformed(malformed) => &malformed.origin,
                };
                let (offset, length) = (origin.offset as usize, origin.length as usize);
                assert!(text.is_char_boundary(offset) && offset + length <= text.len());
                assert_eq!(origin.line, text[..offset].matches('\n').count() as u64 + 1);
                if let Record::Malformed(malformed) = record {
                    assert_eq!(malformed.raw.as_deref(), Some(&text.as_bytes()[offset..offset + length]));
                }
            }
        });
    }
}

#[tokio::test]
async fn every_fixture_resumes_at_every_page_size() {
    for name in ["plain", "firestore_rest", "firestore_rest_answers", "firestore_export_import", "firestore_backfire"] {
        let source = open(fixture(name));
        for size in 1..4 {
            for collection in ["users", "users/*/orders"] {
                assert_eq!(assert_resumes(&source, collection, (size, 1 << 20)).await.len(), 2, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn no_page_of_a_large_array_exceeds_its_limits() {
    let element = |id: u32| format!("{{\"id\":{id},\"x\":\"{}\"}},", "0123456789".repeat(40));
    let mut content = String::from("[");
    (0..120_000).for_each(|id| content.push_str(&element(id)));
    content.replace_range(content.len() - 1.., "]");
    let size = content.len() as u64;
    let folder = folder(&[("users.json", content.as_bytes())]);
    drop(content);
    let source = open(folder.path());
    let request = ReadRequest { page_documents: 1_000, page_bytes: 100_000, ..request("users") };
    let partition = source.partitions(&request).await.unwrap().remove(0);
    let mut stream = source.read(&request, &partition, None).await.unwrap();
    let (mut read, mut bytes) = (0, 0);
    while let Some(page) = stream.next().await {
        let page = page.unwrap();
        assert!(page.records.len() <= 1_000);
        assert!(page.bytes <= 100_000 + 1_000, "{}", page.bytes);
        read += page.records.len();
        bytes += page.bytes;
    }
    assert_eq!(read, 120_000);
    assert_eq!(bytes, size - 1);
    assert_eq!(source.count(&request).await.unwrap(), 120_000);
}

#[tokio::test]
async fn records_larger_than_the_window_are_found_whole() {
    let text = "{[\\\"]}".repeat(200_000);
    let content: String = (0..3).map(|id| format!("{{\"id\":{id},\"x\":{}}}\n", serde_json::json!(text))).collect();
    let folder = folder(&[
        ("users.ndjson", content.as_bytes()),
        ("orders.json", format!("[{}]", content.trim_end().replace('\n', ",")).as_bytes()),
    ]);
    let source = open(folder.path());
    for collection in ["users", "orders"] {
        let request = ReadRequest { max_document_bytes: 16 << 20, ..request(collection) };
        let (records, error) = read(&source, &request).await;
        assert!(error.is_none());
        assert_eq!(paths(&records).len(), 3);
    }
}

#[tokio::test]
async fn a_cursor_of_something_else_is_refused() {
    let source = open(fixture("plain"));
    let request = request("users");
    let partition = source.partitions(&request).await.unwrap().remove(0);
    let error = source.read(&request, &partition, Some(&Cursor("nonsense".to_owned()))).await.err().unwrap();
    assert_eq!(error.code(), "cursor_not_understood");
    let mut outside = partition.clone();
    outside.bounds = outside.bounds.replace("users.json", "../plain/users.json");
    assert!(source.read(&request, &outside, None).await.is_err());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropping_a_stream_ends_its_thread() {
    let lines: String = (0..50_000).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    let folder = folder(&[("users.ndjson", lines.as_bytes())]);
    let path = folder.path().join("users.ndjson").canonicalize().unwrap();
    // The thread holds the file open as long as it lives.
    let is_open = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file == path)
    };
    let source = open(folder.path());
    let request = ReadRequest { page_documents: 1, ..request("users") };
    let partition = source.partitions(&request).await.unwrap().remove(0);
    let mut stream = source.read(&request, &partition, None).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(is_open());
    drop(stream);
    while is_open() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
