//! Files with something wrong in them: what is lost, what goes on, and what the user is told.

use fireferry::domain::reject::RejectCode;
use fireferry::error::{Error, ErrorKind};
use fireferry::source::json::Shape;
use fireferry::source::{ReadRequest, Record, Source};

use super::support::*;

/// Reads `users` from one file.
async fn read_file(name: &str, content: &[u8]) -> (Vec<Record>, Option<Error>) {
    let folder = folder(&[(name, content)]);
    read(&open(folder.path()), &request("users")).await
}

fn codes(records: &[Record]) -> Vec<&'static str> {
    malformed(records).iter().map(|record| record.rejection.code.as_str()).collect()
}

#[tokio::test]
async fn a_bad_line_is_a_reject_with_its_place_and_bytes_and_reading_goes_on() {
    let content = b"{\"id\":\"a\"}\n\n  \r\n{\"id\":\"b\",}\n{\"id\":\"c\"}\r\n{\"id\":\"d\"} x\n{\"id\":\"e\"}";
    let (records, error) = read_file("users.ndjson", content).await;
    assert!(error.is_none());
    assert_eq!(paths(&records), ["users/a", "users/c", "users/e"]);
    let bad = malformed(&records);
    assert_eq!(bad.len(), 2);
    assert_eq!(bad[0].rejection.code, RejectCode::MalformedRecord);
    assert_eq!(
        bad[0].rejection.reason,
        "not valid JSON: expected a field name in double quotes, found `}`, at byte 11 of the line"
    );
    assert_eq!(bad[0].origin.to_string(), "users.ndjson:4");
    assert_eq!(bad[0].raw.as_deref(), Some(b"{\"id\":\"b\",}".as_slice()));
    assert_eq!(bad[0].document.as_deref(), Some("users/b"));
    assert_eq!((bad[0].origin.offset, bad[0].origin.length), (16, 11));
    assert_eq!(bad[1].origin.line, 6);
}

#[tokio::test]
async fn each_kind_of_bad_document_has_its_own_code() {
    let content = b"{\"id\":\"a\",\"x\":\"\xff\"}
{\"id\":\"b\",\"x\":1,\"x\":2}
{\"id\":\"c\",\"m\":{\"k\":1,\"k\":2}}
{\"name\":\"none\"}
{\"id\":null}
{\"id\":\"\"}
{\"id\":\"a/b\"}
{\"id\":1.5}
{\"id\":true}
{\"id\":123456789012345678901234567890}
[1]
7
{\"id\":\"d\",\"x\":\"\\ud800\"}
{\"id\":\"last\"}
{\"id\":-42}
";
    let (records, error) = read_file("users.ndjson", content).await;
    assert!(error.is_none());
    assert_eq!(paths(&records), ["users/last", "users/-42"]);
    let expected = [
        "invalid_utf8",
        "duplicate_field",
        "duplicate_field",
        "missing_id",
        "missing_id",
        "missing_id",
        "invalid_id",
        "invalid_id",
        "invalid_id",
        "invalid_id",
        "malformed_record",
        "malformed_record",
        "invalid_utf8",
    ];
    assert_eq!(codes(&records), expected);
    assert_eq!(malformed(&records)[0].document.as_deref(), Some("users/a"));
}

#[tokio::test]
async fn elements_that_are_no_documents_do_not_end_an_array() {
    let content = b"[{\"id\":\"a\"}, 5, \"x\", null, [{}], {\"id\":\"b\",\"x\":\"\xc3\"}, {\"id\":\"c\"}]";
    let (records, error) = read_file("users.json", content).await;
    assert!(error.is_none());
    assert_eq!(paths(&records), ["users/a", "users/c"]);
    let kinds = ["malformed_record"; 4].into_iter().chain(["invalid_utf8"]).collect::<Vec<_>>();
    assert_eq!(codes(&records), kinds);
}

#[tokio::test]
async fn a_syntax_error_in_an_array_ends_the_file_with_its_position_after_what_came_before() {
    for (content, line, column) in [
        ("[\n{\"id\":\"a\"},\n{\"id\":\"b\" \"x\":1},\n{\"id\":\"c\"}]", 3, 11),
        ("[\n{\"id\":\"a\"}\n{\"id\":\"b\"}]", 3, 1),
        ("[\n{\"id\":\"a\"},\n]", 3, 1),
        ("[\n{\"id\":\"a\"},\n{\"id\":[1}]}]", 3, 9),
        ("[\n{\"id\":\"a\"},\nnope]", 3, 1),
        ("[\n{\"id\":\"a\"},\n  {\"é\": 01}]", 3, 11),
    ] {
        let (records, error) = read_file("users.json", content.as_bytes()).await;
        let error = error.expect(content);
        assert_eq!(paths(&records), ["users/a"], "{content}");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Source, "json_syntax"), "{content}");
        assert_eq!((error.place().line, error.place().column), (Some(line), Some(column)), "{content} {error}");
        assert!(error.place().file.as_ref().is_some_and(|file| file.ends_with("users.json")));
        assert!(error.hint_text().is_some());
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_never_looks_complete() {
    let whole = b"[{\"id\":\"a\",\"x\":\"y\\\"]}\"},{\"id\":\"b\",\"l\":[1,2]}]";
    for length in 1..whole.len() {
        let (records, error) = read_file("users.json", &whole[..length]).await;
        let error = error.unwrap_or_else(|| panic!("{length} bytes look complete"));
        assert_eq!(error.code(), "file_cut_off", "{length}");
        assert!(paths(&records).len() == records.len() && records.len() <= 2);
    }
    assert!(read_file("users.json", whole).await.1.is_none());
}

#[tokio::test]
async fn a_nested_file_that_was_cut_off_never_looks_complete() {
    let whole = std::fs::read(fixture("firestore_export_import/backup.json")).unwrap();
    let folder = folder(&[("backup.json", &whole)]);
    for length in (1..whole.len()).step_by(7) {
        write(&folder.path().join("backup.json"), &whole[..length]);
        let source = open_as(folder.path(), Shape::FirestoreExportImport);
        match source.partitions(&request("users/*/orders")).await {
            Ok(partitions) => {
                assert_eq!(partitions.len(), 1);
                let (_, error) = read(&source, &request("users/*/orders")).await;
                assert_eq!(error.expect("it is cut off").code(), "file_cut_off", "{length}");
            }
            Err(error) => assert_eq!(error.code(), "file_cut_off", "{length}"),
        }
        assert!(source.count(&request("users")).await.is_err());
    }
}

#[tokio::test]
async fn anything_after_the_end_of_an_array_is_an_error() {
    let (records, error) = read_file("users.json", b"[{\"id\":\"a\"}]\n  {\"id\":\"b\"}").await;
    assert_eq!(paths(&records), ["users/a"]);
    let error = error.expect("something follows");
    assert_eq!(error.code(), "trailing_data");
    assert_eq!((error.place().line, error.place().column), (Some(2), Some(3)));
}

#[tokio::test]
async fn damaged_compression_is_an_error_after_what_could_be_read() {
    let lines: String = (0..20_000).map(|id| format!("{{\"id\":{id},\"x\":\"{}\"}}\n", id * 7919)).collect();
    for (name, packed) in
        [("users.ndjson.gz", gzip(lines.as_bytes())), ("users.ndjson.zst", zstandard(lines.as_bytes()))]
    {
        let (records, error) = read_file(name, &packed[..packed.len() * 3 / 4]).await;
        assert_eq!(error.expect(name).code(), "file_cut_off", "{name}");
        assert!(!records.is_empty() && records.len() < 20_000);

        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xaa);
        let (_, error) = read_file(name, &damaged).await;
        assert!(error.is_some(), "{name}");

        let mut followed = packed;
        followed.extend_from_slice(b"garbage that is no member");
        let (records, error) = read_file(name, &followed).await;
        assert_eq!(error.expect(name).code(), "decompression_failed", "{name}");
        assert!(records.len() <= 20_000);
    }
}

#[tokio::test]
async fn a_document_over_the_limit_is_never_held_but_hashed_where_it_stands() {
    let big = format!("{{\"id\":\"big\",\"x\":\"{}\"}}", "y".repeat(700_000));
    let lines = format!("{{\"id\":\"a\"}}\n{big}\n{{\"id\":\"c\"}}\n");
    let array = format!("[{{\"id\":\"a\"}},{big} ,{{\"id\":\"c\"}}]");
    for (name, content) in [("users.ndjson", &lines), ("users.json", &array)] {
        let folder = folder(&[(name, content.as_bytes())]);
        let source = open(folder.path());
        let request = ReadRequest { max_document_bytes: 10_000, ..request("users") };
        let (records, error) = read(&source, &request).await;
        assert!(error.is_none());
        assert_eq!(paths(&records), ["users/a", "users/c"], "{name}");
        let record = malformed(&records)[0];
        assert_eq!(record.rejection.code, RejectCode::OversizedDocument);
        assert_eq!(record.document.as_deref(), Some("users/big"));
        assert_eq!(record.raw, None);
        assert_eq!(record.hash.as_deref(), Some(blake3::hash(big.as_bytes()).to_hex().as_str()));
        let (offset, length) = (record.origin.offset as usize, record.origin.length as usize);
        assert_eq!(&content[offset..offset + length], big);
        assert_eq!(source.count(&request).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn only_a_documents_own_fields_count_towards_its_size() {
    let orders: String = (0..2_000).map(|id| format!("\"{id}\":{{\"n\":1,\"subCollection\":{{}}}},")).collect();
    let content = format!(
        r#"{{"users":{{"a":{{"subCollection":{{"users/a/orders":{{{}}}}},"n":1}},"b":{{"x":"{}"}}}}}}"#,
        orders.trim_end_matches(','),
        "y".repeat(20_000)
    );
    let folder = folder(&[("backup.json", content.as_bytes())]);
    let source = open(folder.path());
    let request = ReadRequest { max_document_bytes: 10_000, ..request("users") };
    let (records, error) = read(&source, &request).await;
    assert!(error.is_none());
    assert_eq!(paths(&records), ["users/a"]);
    assert_eq!(malformed(&records)[0].document.as_deref(), Some("users/b"));
    assert_eq!(records.len(), 2);
    assert_eq!(super::support::records(&source, "users/*/orders").await.len(), 2_000);
}

#[tokio::test]
async fn a_damaged_record_without_a_path_is_reported_in_every_collection_of_its_file() {
    let content = br#"{"path":"users/a","data":{}}
{"path":"orders/1","data":{}}
{"pa
{"path":"orders/2","data":{"x":
{"path":"orders","data":{}}
"#;
    let folder = folder(&[("export.ndjson", content)]);
    let source = open(folder.path());
    assert_eq!(collections(&source).await, ["orders", "users"]);
    let users = records(&source, "users").await;
    assert_eq!(codes(&users), ["malformed_record", "invalid_id"]);
    let orders = records(&source, "orders").await;
    assert_eq!(codes(&orders), ["malformed_record", "malformed_record", "invalid_id"]);
    assert_eq!(malformed(&orders)[1].document.as_deref(), Some("orders/2"));
    assert_eq!(malformed(&orders)[1].origin.line, 4);
}

#[tokio::test]
async fn errors_inside_of_nested_documents_point_into_the_file() {
    let content = "{\"users\":{\n\"a\":{\"subCollection\":{\n\"users/a/o\":{}},\n  \"x\": nope}}}";
    let folder = folder(&[("backup.json", content.as_bytes())]);
    let (records, error) = read(&open(folder.path()), &request("users")).await;
    assert!(records.is_empty());
    let error = error.expect("it is broken");
    assert_eq!((error.place().line, error.place().column), (Some(4), Some(8)), "{error}");
}

#[tokio::test]
async fn nested_files_must_hold_documents_where_documents_belong() {
    let folder = folder(&[("backup.json", br#"{"users":{"a":{"subCollection":{}},"b":7,"c":{}}}"#)]);
    let records = records(&open_as(folder.path(), Shape::FirestoreExportImport), "users").await;
    assert_eq!(paths(&records), ["users/a", "users/c"]);
    assert_eq!(malformed(&records)[0].document.as_deref(), Some("users/b"));

    for (content, code) in [
        (r#"{"users":[{"n":1}]}"#, "json_syntax"),
        (r#"{"users/a":{"x":{"n":1}}}"#, "json_syntax"),
        (r#"{"users":{"a":{"subCollection":{"people/b/orders":{"1":{}}}}}}"#, "json_syntax"),
    ] {
        write(&folder.path().join("backup.json"), content.as_bytes());
        let source = open_as(folder.path(), Shape::FirestoreExportImport);
        let error = source.count(&request("users/*/orders")).await.expect_err(content);
        assert_eq!(error.code(), code, "{content}");
    }

    write(&folder.path().join("backup.json"), b"{\"users\" {}}");
    let source = open_as(folder.path(), Shape::FirestoreExportImport);
    assert_eq!(source.collections().await.unwrap_err().code(), "json_syntax");

    write(&folder.path().join("backup.json"), br#"{"__collections__":{},"name":"x"}"#);
    let error = open(folder.path()).count(&request("users")).await.unwrap_err();
    assert_eq!(error.code(), "single_document_export");
}

#[tokio::test]
async fn numbers_beyond_their_types_are_values_that_only_hurt_where_they_are_mapped() {
    let content = br#"{"id":"a","big":9223372036854775808,"huge":1e999,"fine":9223372036854775807}"#;
    let (records, error) = read_file("users.ndjson", content).await;
    assert!(error.is_none());
    let Record::Document(document) = &records[0] else { panic!("it is a document") };
    let invalid = |code, text: &str| Some(fireferry::domain::value::Value::invalid(code, text));
    assert_eq!(document.fields.get("big").cloned(), invalid(RejectCode::IntegerOverflow, "9223372036854775808"));
    assert_eq!(document.fields.get("huge").cloned(), invalid(RejectCode::NonFiniteDouble, "1e999"));
}
