//! What the pipeline file can say.

use std::path::Path;
use std::time::Duration;

use fireferry::destination::OnConflict;
use fireferry::domain::filter::Operator;
use fireferry::domain::mapping::{ColumnType, Input, LookupMissing, NegativeZero, NonFinite, Transform, UnknownFields};
use fireferry::domain::row::SqlValue;
use fireferry::domain::value::Value;
use fireferry::pipeline::resolved::{BackupPolicy, DestinationUrl, Expectation, Pipeline, RejectLimit, SourceSpec};
use secrecy::ExposeSecret;

use super::support::{Case, HEAD};

const SMALL: &str = "collections: { users: { key: id, columns: { id: $id } } }\n";

fn loaded(case: &Case) -> Pipeline {
    case.load().unwrap_or_else(|error| panic!("{}", case.shown(&error)))
}

#[test]
fn a_small_pipeline_gets_every_default() {
    let case = Case::with_head(SMALL);
    let pipeline = loaded(&case);
    assert_eq!(pipeline.name, "demo");
    assert_eq!(pipeline.file, case.path("pipeline.yaml"));
    let SourceSpec::Json(source) = &pipeline.source else { panic!("not files") };
    assert_eq!(source.path, case.path("data"));
    assert_eq!((source.shape.as_deref(), source.id_field.as_str()), (None, "id"));
    assert!(source.collection.is_none() && !source.rename_migrated);
    assert_eq!(pipeline.destination.url, DestinationUrl::File(case.path("demo.db")));
    assert_eq!((pipeline.backup, pipeline.backup_keep, pipeline.schema), (BackupPolicy::EveryRun, 5, None));
    let settings = &pipeline.settings;
    assert_eq!((settings.commit_documents, settings.commit_bytes), (50_000, 64 << 20));
    assert_eq!((settings.batch_bytes, settings.queue_batches, settings.readers), (1 << 20, 4, 2));
    assert_eq!((settings.max_document_bytes, settings.max_rejects), (16 << 20, None));
    assert_eq!((settings.max_lock_time, settings.max_retry_time), (Duration::from_secs(5), Duration::from_secs(60)));
    assert_eq!((settings.max_time, settings.max_bytes, settings.time_limit), (None, None, None));
    assert_eq!((settings.max_retries, settings.ledger_required), (10, true));
    let [users] = pipeline.collections.as_slice() else { panic!("one collection") };
    assert_eq!((users.mapping.table.as_str(), users.batch_size), ("users", 500));
    assert_eq!((users.on_conflict.clone(), users.expect_documents), (OnConflict::Replace, true));
    assert_eq!(users.mapping.unknown_fields, UnknownFields::Ignore);
    assert_eq!(users.mapping.max_value_bytes, 16 << 20);
    assert!(users.mapping.columns[0].required, "a key column is required");
    assert!(pipeline.warnings.is_empty() && pipeline.tests.is_empty());
}

#[test]
fn every_key_of_the_file_is_understood() {
    let case = Case::new(
        r#"
version: 1
name: every-key
source:
  kind: json
  path: ./in/../data
  shape: firestore_rest
  id_field: uid
  collection: users
  on_success: rename_migrated
destination: { url: "libsql://db.example.org", auth_token: "${TOKEN}" }
schema: ../schemas/demo
backup: first_run
backup_keep: 9
ledger: best_effort
defaults:
  batch_size: 100
  on_conflict: skip
  unknown_fields: reject
  expect_documents: false
  max_rejects: 1.5%
  max_document_bytes: 1MB
  max_value_bytes: 64KiB
  commit_documents: 1000
  commit_bytes: 1MiB
  max_lock_time: 2s
  batch_bytes: 65536
  queue_batches: 2
  readers: 3
  max_time: 10m
  max_bytes: 1GB
  time_limit: 60s
  max_retries: 0
  max_retry_time: 1m 30s
collections:
  users: { key: id, columns: { id: $id } }
  users/*/orders:
    table: orders
    key: [user, id]
    depends_on: users
    batch_size: 7
    on_conflict: fail
    unknown_fields: { keep: rest }
    expect_documents: true
    columns: { id: $id, user: $parent.id }
"#,
    )
    .variable("TOKEN", "t0ken");
    let pipeline = loaded(&case);
    let SourceSpec::Json(source) = &pipeline.source else { panic!("not files") };
    assert_eq!(source.path, case.path("data"));
    assert_eq!((source.shape.as_deref(), source.id_field.as_str()), (Some("firestore_rest"), "uid"));
    assert_eq!(source.collection.as_ref().map(|pattern| pattern.as_str()), Some("users"));
    assert!(source.rename_migrated);
    assert_eq!(pipeline.destination.url, DestinationUrl::Remote("libsql://db.example.org".into()));
    assert_eq!(pipeline.destination.auth_token.as_ref().unwrap().expose_secret(), "t0ken");
    assert_eq!(
        pipeline.schema.as_deref(),
        Some(case.path("..").parent().unwrap().parent().unwrap().join("schemas/demo").as_path())
    );
    assert_eq!((pipeline.backup, pipeline.backup_keep), (BackupPolicy::FirstRun, 9));
    let settings = &pipeline.settings;
    assert_eq!(settings.max_rejects, Some(RejectLimit::Percent(1.5)));
    assert_eq!((settings.max_document_bytes, settings.commit_documents), (1_000_000, 1000));
    assert_eq!((settings.commit_bytes, settings.batch_bytes), (1 << 20, 65536));
    assert_eq!((settings.queue_batches, settings.readers, settings.max_retries), (2, 3, 0));
    assert_eq!((settings.max_lock_time, settings.max_retry_time), (Duration::from_secs(2), Duration::from_secs(90)));
    assert_eq!(
        (settings.max_time, settings.time_limit),
        (Some(Duration::from_secs(600)), Some(Duration::from_secs(60)))
    );
    assert_eq!((settings.max_bytes, settings.ledger_required), (Some(1_000_000_000), false));
    let [users, orders] = pipeline.collections.as_slice() else { panic!("two collections") };
    assert_eq!((users.batch_size, users.on_conflict.clone(), users.expect_documents), (100, OnConflict::Skip, false));
    assert_eq!((users.mapping.unknown_fields, users.mapping.max_value_bytes), (UnknownFields::Reject, 65536));
    assert_eq!((orders.batch_size, orders.on_conflict.clone(), orders.expect_documents), (7, OnConflict::Fail, true));
    assert_eq!((orders.mapping.table.as_str(), orders.mapping.key.as_slice()), ("orders", &[1, 0][..]));
    assert_eq!(orders.depends_on.iter().map(ToString::to_string).collect::<Vec<_>>(), ["users"]);
    assert_eq!(orders.mapping.unknown_fields, UnknownFields::Keep);
    let rest = orders.mapping.columns.last().unwrap();
    assert_eq!((rest.name.as_str(), &rest.input, rest.kind), ("rest", &Input::Unknown, ColumnType::Json));
}

#[test]
fn columns_have_a_short_and_a_long_form() {
    let case = Case::with_head(
        r#"
collections:
  users/*/posts:
    table: posts
    key: path
    columns:
      path:     $path
      id:       $id
      author:   $parent.id
      created:  $created
      updated:  { from: $updated, type: timestamp_millis }
      origin:   $file.stem
      city:     profile.city
      dotted:   "`a.b`.c"
      title:    { from: title, type: text, required: true, transform: [trim, lowercase], default: none }
      slug:     { from: slug, transform: empty_to_null }
      at:       { from: at, type: timestamp, digits: 3 }
      editor:   { from: editor, type: reference, reference: path }
      owner:    { from: owner, type: reference }
      score:    { from: score, type: double, non_finite: null, negative_zero: zero }
      language: { from: lang, lookup: { file: languages.json, missing: keep } }
      country:  { from: country, lookup: languages.json }
      level:    { from: level, default: { $timestamp: "2024-05-01T00:00:00Z" } }
"#,
    )
    .file("languages.json", r#"{"en": "English", "xx": null, "n": 1}"#);
    let pipeline = loaded(&case);
    let mapping = &pipeline.collections[0].mapping;
    let column = |name: &str| mapping.columns.iter().find(|column| column.name == name).unwrap();
    assert_eq!(column("path").input, Input::Path);
    assert_eq!(column("id").input, Input::Id);
    assert_eq!(column("author").input, Input::ParentId);
    assert_eq!(column("created").input, Input::Created);
    assert_eq!((&column("updated").input, column("updated").kind), (&Input::Updated, ColumnType::TimestampMillis));
    assert_eq!(column("origin").input, Input::FileStem);
    let field = |name: &str| match &column(name).input {
        Input::Field(path) => path.segments().to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(field("city"), ["profile", "city"]);
    assert_eq!(field("dotted"), ["a.b", "c"]);
    assert_eq!(column("city").kind, ColumnType::Auto);
    assert!(column("title").required && !column("city").required);
    assert_eq!(column("title").transforms, [Transform::Trim, Transform::Lowercase]);
    assert_eq!(column("title").default, Some(Value::String("none".into())));
    assert_eq!(column("slug").transforms, [Transform::EmptyToNull]);
    assert_eq!(column("at").kind, ColumnType::Timestamp { digits: 3 });
    assert_eq!((column("editor").kind, column("owner").kind), (ColumnType::ReferencePath, ColumnType::ReferenceId));
    let doubles = column("score").doubles;
    assert_eq!((doubles.non_finite, doubles.negative_zero), (NonFinite::Null, NegativeZero::Zero));
    let lookup = column("language").lookup.as_ref().unwrap();
    assert_eq!((lookup.missing, lookup.entries.len()), (LookupMissing::Keep, 3));
    assert_eq!(lookup.entries["en"], Value::String("English".into()));
    assert_eq!(column("country").lookup.as_ref().unwrap().missing, LookupMissing::Reject);
    assert!(matches!(column("level").default, Some(Value::Timestamp(_))));
}

#[test]
fn child_tables_are_linked_to_the_key_of_their_document() {
    let case = Case::with_head(
        r#"
collections:
  users:
    key: id
    columns: { id: { from: $id, transform: trim }, email: email }
    children:
      - { table: tags, each: profile.tags, columns: { user_id: { from: $id, transform: [trim] }, position: $index, tag: $item } }
      - table: languages
        each: profile.languages
        key: [user_id, name]
        columns: { name: $index, level: $item.level.now, user_id: { from: $id, transform: trim }, email: email }
"#,
    );
    let pipeline = loaded(&case);
    let [tags, languages] = pipeline.collections[0].mapping.children.as_slice() else { panic!("two children") };
    assert_eq!((tags.key.as_slice(), tags.link.as_slice()), (&[0, 1][..], &[(0, 0)][..]));
    assert_eq!((languages.key.as_slice(), languages.link.as_slice()), (&[2, 0][..], &[(2, 0)][..]));
    assert!(matches!(&tags.columns[2].input, Input::Item(path) if path.segments().is_empty()));
    assert!(matches!(&languages.columns[1].input, Input::Item(path) if path.segments() == ["level", "now"]));
}

#[test]
fn where_has_equality_and_operators() {
    let case = Case::with_head(
        r#"
collections:
  users:
    key: id
    columns: { id: $id }
    where:
      active: true
      profile.age: { gte: 18, lt: 65.5 }
      role: { in: [teacher, admin] }
      deleted: { exists: false }
      left: null
      joined: { gt: { $timestamp: "2024-01-01T00:00:00Z" } }
      home: { $reference: cities/oslo }
      name: { ne: "" }
"#,
    );
    let conditions = &loaded(&case).collections[0].mapping.filter.conditions;
    let shown: Vec<String> =
        conditions.iter().map(|one| format!("{} {} {:?}", one.field, one.operator, one.value)).collect();
    assert_eq!(
        &shown[..6],
        [
            "active == Boolean(true)",
            "profile.age >= Integer(18)",
            "profile.age < Double(65.5)",
            "role in Array([String(\"teacher\"), String(\"admin\")])",
            "deleted exists Boolean(false)",
            "left == Null",
        ]
    );
    assert!(matches!((conditions[6].operator, &conditions[6].value), (Operator::Greater, Value::Timestamp(_))));
    assert_eq!(conditions[7].value, Value::Reference("cities/oslo".into()));
    assert_eq!(conditions[8].operator, Operator::NotEqual);
}

#[test]
fn a_text_that_looks_like_a_timestamp_in_where_draws_a_warning() {
    let case = Case::with_head(
        "collections: { users: { key: id, columns: { id: $id }, where: { at: { gt: \"2024-01-01T00:00:00Z\" } } } }",
    );
    let warnings = loaded(&case).warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("$timestamp"), "{warnings:?}");
}

#[test]
fn variables_are_substituted_in_values_of_every_style_and_type() {
    let case = Case::new(
        r#"
version: ${V}
name: "${NAME:-demo}-x"
source: { kind: json, path: '${DATA}/in' }
destination: { url: "${URL:-file:demo.db}", auth_token: "${TOKEN:-}" }
defaults: { batch_size: "${SIZE}", max_time: "${TIME:-}", max_rejects: "${REJECTS}", expect_documents: "${FLAG}" }
collections: { users: { key: id, columns: { id: $id, price: "`$${price}`" } } }
"#,
    )
    .variable("V", "1")
    .variable("DATA", "data: [x")
    .variable("SIZE", "12")
    .variable("REJECTS", "3%")
    .variable("FLAG", "false");
    let pipeline = loaded(&case);
    assert_eq!(pipeline.name, "demo-x");
    let SourceSpec::Json(source) = &pipeline.source else { panic!("not files") };
    assert_eq!(source.path, case.path("data: [x/in"));
    assert!(pipeline.destination.auth_token.is_none() && pipeline.warnings.is_empty());
    let [users] = pipeline.collections.as_slice() else { panic!("one collection") };
    assert_eq!((users.batch_size, users.expect_documents), (12, false));
    assert_eq!((pipeline.settings.max_time, pipeline.settings.max_rejects), (None, Some(RejectLimit::Percent(3.0))));
    assert!(matches!(&users.mapping.columns[1].input, Input::Field(path) if path.segments() == ["${price}"]));
}

#[test]
fn a_variable_in_where_stays_text_whatever_it_holds() {
    let case = Case::with_head(
        "collections: { users: { key: id, columns: { id: $id }, where: { year: \"${YEAR}\", x: { eq: \"${MAP}\" } } } }",
    )
    .variable("YEAR", "2024")
    .variable("MAP", "{ $timestamp: \"2024-01-01T00:00:00Z\" }");
    let conditions = &loaded(&case).collections[0].mapping.filter.conditions;
    assert_eq!(conditions[0].value, Value::String("2024".into()));
    assert!(matches!(&conditions[1].value, Value::String(_)));
}

#[test]
fn a_token_in_the_file_draws_a_warning_that_does_not_show_it() {
    let yaml = format!("{HEAD}{SMALL}").replace("\"file:demo.db\"", "\"libsql://h\", auth_token: s3cret");
    let pipeline = loaded(&Case::new(&yaml));
    let [warning] = pipeline.warnings.as_slice() else { panic!("{:?}", pipeline.warnings) };
    assert!(warning.contains("auth_token") && !warning.contains("s3cret"), "{warning}");
    assert!(!format!("{pipeline:?}").contains("s3cret"));
}

#[test]
fn the_command_line_overrides_source_and_destination() {
    let yaml = format!("{HEAD}{SMALL}")
        .replace("path: data", "path: \"${UNSET}\", shape: plain, id_field: uid")
        .replace("\"file:demo.db\"", "\"${ALSO_UNSET}\", auth_token: \"${UNSET_TOO}\"");
    let mut case = Case::new(&yaml);
    case.overrides.source = Some("some/where".into());
    case.overrides.destination = Some("libsql://other.example.org".into());
    let pipeline = loaded(&case);
    let SourceSpec::Json(source) = &pipeline.source else { panic!("not files") };
    assert_eq!(source.path, std::env::current_dir().unwrap().join("some/where"));
    assert_eq!((source.shape.as_deref(), source.id_field.as_str()), (Some("plain"), "uid"));
    assert_eq!(pipeline.destination.url, DestinationUrl::Remote("libsql://other.example.org".into()));
    assert!(pipeline.destination.auth_token.is_none(), "a token is not sent to another host");
    assert!(pipeline.warnings.iter().any(|warning| warning.contains("token")), "{:?}", pipeline.warnings);

    case.overrides.destination = Some("file:here.db".into());
    case.overrides.auth_token = Some("mine".into());
    let pipeline = loaded(&case);
    assert_eq!(pipeline.destination.url, DestinationUrl::File(std::env::current_dir().unwrap().join("here.db")));
    assert_eq!(pipeline.destination.auth_token.unwrap().expose_secret(), "mine");
    assert!(!format!("{:?}", case.overrides).contains("mine"));
}

#[test]
fn file_urls_are_paths_too() {
    let yaml = format!("{HEAD}{SMALL}").replace("path: data", "path: \"file:data\"");
    let case = Case::new(&yaml);
    let SourceSpec::Json(source) = &loaded(&case).source else { panic!("not files") };
    assert_eq!(source.path, case.path("data"));
}

#[test]
fn anchors_and_merge_keys_share_settings() {
    let case = Case::with_head(
        "collections:
  users: &common { key: id, columns: { id: $id }, batch_size: 9 }
  teams: { <<: *common, batch_size: 3 }
",
    );
    let sizes: Vec<_> = loaded(&case).collections.iter().map(|collection| collection.batch_size).collect();
    assert_eq!(sizes, [9, 3]);
}

#[test]
fn tests_are_compiled_with_typed_values() {
    let case = Case::with_head(
        r#"
collections:
  users:
    key: id
    columns: { id: $id, at: at, settings: { from: settings, type: json }, raw: raw, ok: ok }
    children: [{ table: tags, each: tags, columns: { user_id: $id, position: $index, tag: $item } }]
  users/*/orders: { key: path, columns: { path: $path } }
tests:
  - name: typed values
    collection: users
    id: ada
    created: "2024-05-01T12:00:00Z"
    file: in/abc.json
    document:
      at: { $timestamp: "2024-05-01T12:00:00Z" }
      raw: { $bytes: "AAEC" }
      place: { $geopoint: [47, 8.5] }
      huge: 9223372036854775808
      nan: .nan
      $$odd: 1
    rows:
      users: [{ id: ada, settings: { b: 1, a: [1.5, null] }, raw: { $bytes: "AAEC" }, ok: true, at: null }]
      TAGS: []
  - { collection: users, document: { id: from-document }, skipped: true }
  - { collection: users/*/orders, path: users/eve/orders/7, document: {}, rejected: wrong_type }
  - { collection: users/*/orders, document: {}, rows: {} }
"#,
    );
    let tests = loaded(&case).tests;
    assert_eq!(
        tests.iter().map(|test| test.document.path.to_string()).collect::<Vec<_>>(),
        ["users/ada", "users/from-document", "users/eve/orders/7", "users/parent/orders/test"]
    );
    let first = &tests[0];
    assert_eq!((first.name.as_str(), first.line), ("typed values", Some(13)));
    assert_eq!(tests[1].name, "test 2 of users");
    assert_eq!(first.document.origin.file_stem(), Some("abc"));
    assert!(first.document.created.is_some() && first.document.updated.is_none());
    let field = |name: &str| first.document.fields.get(name).unwrap();
    assert!(matches!(field("at"), Value::Timestamp(_)));
    assert_eq!(field("raw"), &Value::Bytes(vec![0, 1, 2]));
    assert!(matches!(field("place"), Value::GeoPoint(point) if point.latitude == 47.0));
    assert!(matches!(field("huge"), Value::Invalid(_)));
    assert!(matches!(field("nan"), Value::Double(number) if number.is_nan()));
    assert_eq!(field("$odd"), &Value::Integer(1));
    let Expectation::Rows(rows) = &first.expect else { panic!("{:?}", first.expect) };
    assert!(rows["tags"].is_empty());
    assert_eq!(
        rows["users"][0],
        [
            ("id".to_owned(), SqlValue::Text("ada".into())),
            ("settings".to_owned(), SqlValue::Text("{\"a\":[1.5,null],\"b\":1}".into())),
            ("raw".to_owned(), SqlValue::Blob(vec![0, 1, 2])),
            ("ok".to_owned(), SqlValue::Integer(1)),
            ("at".to_owned(), SqlValue::Null),
        ]
    );
    assert!(matches!(tests[1].expect, Expectation::Skipped));
    assert!(matches!(&tests[2].expect, Expectation::Rejected(code) if code == "wrong_type"));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = format!("\u{feff}{HEAD}{SMALL}").replace('\n', "\r\n");
    assert_eq!(loaded(&Case::new(&text)).name, "demo");
}

#[test]
fn the_fingerprint_tells_what_determines_rows_from_what_does_not() {
    let print = |yaml: &str| loaded(&Case::new(yaml).file("l.json", "{}")).fingerprint;
    let base = format!(
        "{HEAD}collections:\n  a: {{ key: id, columns: {{ id: $id, x: x }} }}\n  b: {{ key: id, columns: {{ id: $id }} }}\n"
    );
    let same = [
        base.replace("demo", "other"),
        base.replace("path: data", "path: elsewhere"),
        base.replace("file:demo.db", "libsql://host"),
        base.replace(
            "collections:",
            "# comment\ndefaults: { batch_size: 3, max_rejects: 5, max_time: 1h }\ncollections:",
        ),
        format!(
            "{HEAD}collections:\n  b: {{ key: id, columns: {{ id: $id }} }}\n  a: {{ columns: {{ id: $id, x: x }}, key: id }}\n"
        ),
    ];
    for (index, yaml) in same.iter().enumerate() {
        assert_eq!(print(yaml), print(&base), "same {index}");
    }
    let different = [
        base.replace("x: x", "x: y"),
        base.replace("x: x", "x: { from: x, type: text }"),
        base.replace("x: x", "x: { from: x, lookup: l.json }"),
        base.replace("key: id, columns: { id: $id, x: x }", "key: [id, x], columns: { id: $id, x: x }"),
        base.replace("path: data", "path: data, shape: plain"),
        base.replace("path: data", "path: data, id_field: uid"),
        base.replace("collections:", "defaults: { on_conflict: skip }\ncollections:"),
        base.replace("x: x } }", "x: x }, where: { x: 1 } }"),
    ];
    for (index, yaml) in different.iter().enumerate() {
        assert_ne!(print(yaml), print(&base), "different {index}");
    }
}

#[test]
fn conflict_strategies_are_words_or_name_a_column() {
    let strategy = |head: &str, own: &str| {
        let yaml = format!(
            "{HEAD}{head}collections: {{ users: {{ key: id, {own} columns: {{ id: $id, changed_at: $updated }} }} }}\n"
        );
        loaded(&Case::new(&yaml)).collections[0].on_conflict.clone()
    };
    let newest = OnConflict::KeepNewest("changed_at".to_owned());
    let default = "defaults: { on_conflict: { keep_newest: changed_at } }\n";
    assert_eq!(strategy("", ""), OnConflict::Replace);
    assert_eq!(strategy("", "on_conflict: merge,"), OnConflict::Merge);
    assert_eq!(strategy("", "on_conflict: { keep_oldest: Changed_At },"), OnConflict::KeepOldest("Changed_At".into()));
    assert_eq!(strategy(default, ""), newest);
    assert_eq!(strategy(default, "on_conflict: skip,"), OnConflict::Skip);
}

#[test]
fn a_path_that_starts_at_the_root_stays_as_it_is() {
    let yaml = format!("{HEAD}{SMALL}").replace("path: data", "path: /srv/data");
    let SourceSpec::Json(source) = &loaded(&Case::new(&yaml)).source else { panic!("not files") };
    assert_eq!(source.path, Path::new("/srv/data"));
}
