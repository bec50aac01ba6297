//! Files and folders: which are read, which are refused, which are put away.

use std::fs;

use fireferry::error::ErrorKind;
use fireferry::source::Source;
use fireferry::source::json::{JsonOptions, JsonSource, Shape};

use super::support::*;

fn retiring(path: &std::path::Path) -> JsonSource {
    JsonSource::open(JsonOptions { rename_migrated: true, ..JsonOptions::new(path) }).unwrap()
}

#[tokio::test]
async fn files_and_folders_give_collections_in_the_order_of_their_names() {
    let folder = folder(&[
        ("users/b.json", br#"[{"id":"3"}]"#),
        ("users/a.ndjson", b"{\"id\":\"1\"}\n{\"id\":\"2\"}\n"),
        ("batches.json", br#"[{"id":"1"}]"#),
        ("notes.txt", b"not read"),
        (".hidden.json", b"not read"),
        ("old.json.migrated", b"not read"),
    ]);
    let source = open(folder.path());
    source.check().await.unwrap();
    let found = source.collections().await.unwrap();
    let found: Vec<_> = found.iter().map(|found| (found.collection.as_str(), found.place.as_str())).collect();
    assert_eq!(found, [("batches", "batches.json"), ("users", "users/a.ndjson and 1 more")]);
    assert_eq!(paths(&records(&source, "users").await), ["users/1", "users/2", "users/3"]);
    let partitions = source.partitions(&request("users")).await.unwrap();
    assert_eq!(partitions.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["users/a.ndjson", "users/b.json"]);
    assert!(source.partitions(&request("unknown")).await.unwrap().is_empty());
    assert_eq!(source.count(&request("unknown")).await.unwrap(), 0);
    assert_eq!(source.retired().await.unwrap(), ["old.json.migrated"]);
}

#[tokio::test]
async fn odd_names_are_only_names() {
    let names = ["a b.json", "..json", "'; drop table users; --.json", "%2e%2e.json", "päth 😀.json", "-rf.json"];
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, br#"[{"id":"1"}]"#.as_slice())).collect();
    let folder = folder(&files);
    let source = open(folder.path());
    source.check().await.unwrap();
    // A name that starts with a dot is hidden.
    let found = collections(&source).await;
    assert_eq!(found, ["%2e%2e", "'; drop table users; --", "-rf", "a b", "päth 😀"]);
    for collection in &found {
        assert_eq!(records(&source, collection).await.len(), 1);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed_but_never_in_circles() {
    let folder = folder(&[("users/a.json", br#"[{"id":"1"}]"#)]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("users/circle")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("users/a.json"), folder.path().join("batches.json")).unwrap();
    assert_eq!(collections(&open(folder.path())).await, ["batches", "users"]);
}

#[tokio::test]
async fn a_single_file_is_a_source() {
    let folder = folder(&[("users.v1.json", br#"[{"id":"1"}]"#)]);
    let source = open(folder.path().join("users.v1.json"));
    source.check().await.unwrap();
    assert_eq!(collections(&source).await, ["users.v1"]);
    assert_eq!(records(&source, "users.v1").await.len(), 1);
    assert!(source.describe().starts_with("json file "));
}

/// What `check` says of a path: code, message and hint.
async fn refusal(path: impl Into<std::path::PathBuf>) -> (&'static str, String, String) {
    let error = open(path).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    (error.code(), error.to_string(), error.hint_text().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_missing_path_names_the_nearest_that_exists() {
    let folder = folder(&[("classroom/users.json", b"[]")]);
    let (code, message, hint) = refusal(folder.path().join("clasroom")).await;
    assert_eq!(code, "source_not_found");
    assert!(message.contains("clasroom"));
    assert!(hint.starts_with("did you mean `") && hint.ends_with("classroom`?"), "{hint}");
    let (_, _, hint) = refusal(folder.path().join("clasroom/users.json")).await;
    assert!(hint.ends_with("classroom`?"), "{hint}");
    let (_, _, hint) = refusal(folder.path().join("zzz")).await;
    assert!(hint.contains("exists; check what follows it"), "{hint}");
}

#[tokio::test]
async fn empty_things_are_refused_with_what_was_found() {
    let folder = folder(&[
        ("empty.json", b""),
        ("data/readme.md", b"x"),
        ("data/a.csv", b"x"),
        ("some/a.ndjson", b""),
        ("some/b.ndjson", b"{\"id\":1}"),
    ]);
    assert_eq!(refusal(folder.path().join("empty.json")).await.0, "source_empty");
    let (code, message, hint) = refusal(folder.path().join("data")).await;
    assert_eq!(code, "source_empty");
    assert!(message.contains("it only has a.csv, readme.md"), "{message}");
    assert!(hint.contains("*.ndjson"));
    fs::create_dir(folder.path().join("bare")).unwrap();
    assert!(refusal(folder.path().join("bare")).await.1.contains("it is empty"));
    // One empty file of lines among others is a collection without documents.
    let source = open(folder.path().join("some"));
    source.check().await.unwrap();
    assert!(records(&source, "a").await.is_empty());
}

#[tokio::test]
async fn an_empty_array_is_a_collection_without_documents_and_an_empty_json_file_is_nothing() {
    let folder = folder(&[("a.json", b"[]"), ("c.json", b"[{\"id\":1}]")]);
    let source = open(folder.path());
    source.check().await.unwrap();
    assert!(records(&source, "a").await.is_empty());
    for (name, content) in [("b.json", b" \n".to_vec()), ("b.json.gz", gzip(b""))] {
        write(&folder.path().join(name), &content);
        let (code, message, _) = refusal(folder.path()).await;
        assert_eq!(code, "source_empty");
        assert!(message.contains(name), "{message}");
        fs::remove_file(folder.path().join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_folder_with_the_name_of_a_file_is_refused() {
    let folder = folder(&[("data/users.json/part.json", b"[]")]);
    assert_eq!(refusal(folder.path().join("data")).await.0, "folder_for_file");
    assert_eq!(refusal(folder.path().join("data/users.json")).await.0, "folder_for_file");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("users.json", b"[]")]);
    let path = folder.path().join("users.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        return; // root may read everything
    }
    let (code, _, hint) = refusal(&path).await;
    assert_eq!((code, hint.as_str()), ("source_unreadable", "allow this user to read the file"));
}

#[tokio::test]
async fn utf_16_is_named_as_what_it_is() {
    let folder = folder(&[("users.json", b"\xff\xfe[\0]\0")]);
    let (code, _, hint) = refusal(folder.path()).await;
    assert_eq!(code, "not_utf8");
    assert!(hint.contains("iconv"));
}

#[tokio::test]
async fn a_file_of_two_possible_shapes_must_be_named() {
    let content = br#"[{"id":"own","firestore_id":"alice"}]"#;
    let folder = folder(&[("users.json", content)]);
    let (code, message, hint) = refusal(folder.path()).await;
    assert_eq!(code, "ambiguous_shape");
    assert!(message.contains("firebase_to_supabase, plain") && message.contains("users.json"), "{message}");
    assert!(hint.contains("shape: "), "{hint}");
    let named = open_as(folder.path(), Shape::FirebaseToSupabase);
    assert_eq!(paths(&records(&named, "users").await), ["users/alice"]);
    let named = open_as(folder.path(), Shape::Plain);
    assert_eq!(paths(&records(&named, "users").await), ["users/own"]);
}

#[tokio::test]
async fn migrated_files_are_renamed_once_and_never_replaced() {
    let folder = folder(&[("ab.json", br#"[{"id":"1"}]"#), ("cd.json", br#"[{"id":"2"}]"#)]);
    let source = retiring(folder.path());
    assert!(source.capabilities().retire);
    let mut partitions = source.partitions(&request("ab")).await.unwrap();
    partitions.extend(source.partitions(&request("cd")).await.unwrap());
    assert_eq!(source.retire(&partitions[..1]).await.unwrap(), ["ab.json.migrated"]);
    // A crash in between: finishing it later does the rest, and twice is fine.
    for _ in 0..2 {
        assert_eq!(source.retire(&partitions).await.unwrap(), ["ab.json.migrated", "cd.json.migrated"]);
    }
    assert_eq!(source.retired().await.unwrap(), ["ab.json.migrated", "cd.json.migrated"]);
    assert!(source.collections().await.unwrap().is_empty());
    source.check().await.unwrap();

    // The name comes again, with something new in it.
    write(&folder.path().join("ab.json"), br#"[{"id":"1"},{"id":"3"}]"#);
    assert_eq!(source.retire(&partitions[..1]).await.unwrap(), ["ab.json.migrated"]);
    assert!(folder.path().join("ab.json").exists(), "what was never read is never put away");
    let again = source.partitions(&request("ab")).await.unwrap();
    assert_eq!(source.retire(&again).await.unwrap(), ["ab.json.2.migrated"]);
    assert_eq!(fs::read(folder.path().join("ab.json.migrated")).unwrap(), br#"[{"id":"1"}]"#);
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_read_is_not_put_away() {
    let folder = folder(&[("ab.json", br#"[{"id":"1"}]"#)]);
    let source = retiring(folder.path());
    let partitions = source.partitions(&request("ab")).await.unwrap();
    write(&folder.path().join("ab.json"), br#"[{"id":"1"},{"id":"2"}]"#);
    assert_eq!(source.retire(&partitions).await.unwrap_err().code(), "source_changed");
    fs::remove_file(folder.path().join("ab.json")).unwrap();
    assert!(source.retire(&partitions).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_single_migrated_file_is_nothing_left_to_do() {
    let folder = folder(&[("ab.json", br#"[{"id":"1"}]"#)]);
    let source = retiring(&folder.path().join("ab.json"));
    let partitions = source.partitions(&request("ab")).await.unwrap();
    assert_eq!(source.retire(&partitions).await.unwrap(), ["ab.json.migrated"]);
    source.check().await.unwrap();
    assert_eq!(source.retired().await.unwrap(), ["ab.json.migrated"]);
    assert!(source.collections().await.unwrap().is_empty());
}

#[tokio::test]
async fn fingerprints_notice_every_change() {
    let line = |id: u32| format!("{{\"id\":{id},\"x\":\"{}\"}}\n", "y".repeat(400));
    let content: String = (0..100).map(line).collect();
    let folder = folder(&[("users.ndjson", content.as_bytes())]);
    let path = folder.path().join("users.ndjson");
    let source = open(folder.path());
    let request = fireferry::source::ReadRequest { page_documents: 50, ..request("users") };
    let partition = source.partitions(&request).await.unwrap().remove(0);
    let (pages, _) = pages(&source, &request, &partition, None).await;
    let cursor = Some(&pages[0].cursor);
    let before = source.fingerprint(&partition, cursor).await.unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let middle = pages[0].bytes as usize;
    for at in [0, middle - 10, content.len() - 10] {
        let mut changed = content.clone().into_bytes();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_ne!(source.fingerprint(&partition, cursor).await.unwrap(), before, "byte {at}");
    }
    fs::write(&path, &content).unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(source.fingerprint(&partition, cursor).await.unwrap(), before);
    file.set_modified(modified + std::time::Duration::from_secs(1)).unwrap();
    assert_ne!(source.fingerprint(&partition, cursor).await.unwrap(), before);
}
