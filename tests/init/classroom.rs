//! The classroom without its pipeline and schema: what is found out, beside what a person wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::support::{init, run};
use crate::support::database::Database;
use crate::support::{Sandbox, repository};

/// How a person named what `init` names after the field.
const RENAMED: &[(&str, &str)] = &[
    ("batch_members.user_id", "batch_members.member_id"),
    ("batch_schedule.ends", "batch_schedule.to"),
    ("batch_schedule.starts", "batch_schedule.from"),
    ("batch_schedule.weekday", "batch_schedule.entry"),
    ("batches.room", "batches.room_latitude"),
    ("flashcard_progress.flashcard_id", "flashcard_progress.card_id"),
    ("flashcard_progress.interval_days", "flashcard_progress.interval"),
    ("flashcard_progress.path", "flashcard_progress.id"),
    ("flashcard_reviews.at", "flashcard_progress_history.at"),
    ("flashcard_reviews.position", "flashcard_progress_history.position"),
    ("flashcard_reviews.progress_path", "flashcard_progress_history.flashcard_progress_id"),
    ("flashcard_reviews.rating", "flashcard_progress_history.rating"),
    ("flashcard_reviews.took_ms", "flashcard_progress_history.took_ms"),
    ("flashcards.vocabulary_id", "flashcards.word_id"),
    ("tasks.instructions", "tasks.instructions_note"),
    ("user_languages.language", "user_languages.entry"),
    ("users.avatar", "users.profile_avatar"),
    ("users.bio", "users.profile_bio"),
    ("users.city", "users.profile_city"),
    ("users.latitude", "users.profile_location_latitude"),
    ("users.longitude", "users.profile_location_longitude"),
    ("users.name", "users.display_name"),
    ("users.timezone", "users.profile_timezone"),
    ("vocabulary_translations.language", "vocabulary_translations.entry"),
    ("vocabulary_translations.text", "vocabulary_translations.translation"),
];

/// Where both differ: the column a person wrote, its declaration, what `init` makes of the documents, and why.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    ("batches.extra", "TEXT", "-", "every field has a column: nothing is left to keep"),
    ("batches.room", "TEXT", "REAL NOT NULL", "all 40 rooms are places: two columns instead of JSON"),
    ("flashcard_progress.ease", "REAL", "TEXT NOT NULL", "90 NaN and infinities: JSON keeps them, REAL would not"),
    ("flashcard_reviews.took_ms", "INTEGER", "INTEGER NOT NULL", "no review is without it"),
    ("flashcards.imported_at", "TEXT", "INTEGER", "integers stay integers; the page proposes from_unix_millis"),
    ("flashcards.legacy_id", "INTEGER NOT NULL", "TEXT NOT NULL", "texts stay texts; the page proposes parse_integer"),
    ("flashcards.seed", "INTEGER NOT NULL", "REAL NOT NULL", "doubles stay doubles"),
    ("flashcards.suspended", "INTEGER NOT NULL", "INTEGER", "missing in 688 of 800; a person knew the default"),
    ("submissions.attempt", "INTEGER NOT NULL", "INTEGER", "missing in 1,000 of 1,500; a person knew the default"),
    ("submissions.late", "INTEGER NOT NULL", "INTEGER", "missing in 1,224 of 1,500; a person knew the default"),
    (
        "submissions.submitted_at",
        "INTEGER NOT NULL",
        "TEXT NOT NULL",
        "timestamps become text unless a person wants numbers",
    ),
    ("tasks.points", "INTEGER NOT NULL", "INTEGER", "missing in 87 of 260; a person knew the default"),
    ("tasks.published_at", "INTEGER NOT NULL", "TEXT NOT NULL", "timestamps become text unless a person wants numbers"),
    ("tasks.weights", "TEXT", "BLOB", "all 130 are vectors of one length"),
    ("user_tags.position", "INTEGER NOT NULL KEY", "-", "short arrays of texts stay JSON"),
    ("user_tags.tag", "TEXT NOT NULL", "-", "short arrays of texts stay JSON"),
    ("user_tags.user_id", "TEXT NOT NULL KEY → users(id)", "-", "short arrays of texts stay JSON"),
    ("users.role", "TEXT NOT NULL", "TEXT", "missing in 90 of 300; a person knew the default"),
    ("users.timezone", "TEXT", "TEXT NOT NULL", "no user is without it"),
    ("vocabulary.language_name", "TEXT NOT NULL", "-", "from a lookup file that only a person knows of"),
];

/// Type, NOT NULL, key and foreign key of every column, by `table.column`.
fn columns(database: &Database) -> BTreeMap<String, String> {
    let sql = "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk,
            (SELECT f.\"table\" || '(' || f.\"to\" || ')' FROM pragma_foreign_key_list(m.name) AS f WHERE f.\"from\" = c.name)
        FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
        WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'
          AND m.name <> 'schema_migrations'";
    let shape = |row: Vec<crate::support::database::Cell>| {
        let mut cells = row.into_iter();
        let mut text = || cells.next().unwrap();
        let (table, column, declared) = (text().text(), text().text(), text().text());
        let (not_null, key, parent) = (text().integer(), text().integer(), text().text());
        let not_null = if not_null > 0 { " NOT NULL" } else { "" };
        let key = if key > 0 { " KEY" } else { "" };
        let parent = if parent.is_empty() { String::new() } else { format!(" → {parent}") };
        (format!("{table}.{column}"), format!("{declared}{not_null}{key}{parent}"))
    };
    database.query(sql).into_iter().map(shape).collect()
}

fn written(sandbox: &Sandbox) -> Database {
    let pipeline = repository("pipelines/classroom.yaml");
    let destination = format!("file:{}", sandbox.path("written.db").display());
    sandbox.run(&["run", pipeline.to_str().unwrap(), "--destination", &destination]).exits(0);
    Database::open(Path::new(&sandbox.path("written.db")))
}

#[test]
fn every_document_of_the_classroom_moves_without_an_edit_and_the_tables_are_those_that_the_documents_prove() {
    let sandbox = Sandbox::new();
    let answer = init(&sandbox, repository("fixtures/classroom").to_str().unwrap(), &[]);
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["readiness"]["blockers"], serde_json::json!([]));
    let inferred = run(&sandbox, "classroom", 5_500);

    let (drafted, by_hand) = (columns(&inferred), columns(&written(&sandbox)));
    let renamed: BTreeMap<&str, &str> = RENAMED.iter().copied().collect();
    let mut found = BTreeSet::new();
    let mut same = 0;
    for (column, declared) in &by_hand {
        let own = renamed.get(column.as_str()).copied().unwrap_or(column);
        // Tables that differ in name are the same to a foreign key.
        let parents = |text: &str| text.replace("(path)", "(id)");
        match drafted.get(own) {
            Some(draft) if parents(draft) == parents(declared) => same += 1,
            Some(draft) => drop(found.insert((column.clone(), declared.clone(), draft.clone()))),
            None => drop(found.insert((column.clone(), declared.clone(), "-".to_owned()))),
        }
    }
    println!("{same} of {} columns have the same type, NOT NULL, key and foreign key; the others:", by_hand.len());
    for (column, declared, draft) in &found {
        println!("    (\"{column}\", \"{declared}\", \"{draft}\", \"\"),");
    }
    let expected: BTreeSet<(String, String, String)> = DIFFERENCES
        .iter()
        .map(|(column, declared, draft, _)| ((*column).to_owned(), (*declared).to_owned(), (*draft).to_owned()))
        .collect();
    let surprising: Vec<_> = found.symmetric_difference(&expected).collect();
    assert!(surprising.is_empty(), "{surprising:#?}");
}

#[test]
fn the_order_of_documents_changes_nothing() {
    let sandbox = Sandbox::new();
    let source = repository("fixtures/classroom");
    for entry in std::fs::read_dir(&source).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        sandbox.write(&format!("forward/source/{name}"), &text);
        let backward: Vec<&str> = text.lines().rev().collect();
        sandbox.write(&format!("backward/source/{name}"), backward.join("\n") + "\n");
    }
    let mut written = Vec::new();
    for order in ["forward", "backward"] {
        let mut command = sandbox.command(&["init", "source", "--name", "classroom"]);
        command.current_dir(sandbox.path(order));
        assert!(command.output().unwrap().status.success());
        let files = ["pipelines/classroom.yaml", "schemas/classroom/0001_create_tables.up.sql", "classroom.profile.md"];
        written.push(files.map(|file| sandbox.read(&format!("{order}/{file}")).replace(order, "")));
        let profile = sandbox.read(&format!("{order}/classroom.profile.json")).replace(order, "");
        written.last_mut().unwrap()[2].push_str(&profile);
    }
    assert!(written[0] == written[1], "the order of documents shows");
}

#[test]
fn documents_that_cannot_be_moved_are_told_before_they_are_rejected() {
    let sandbox = Sandbox::new();
    let answer = init(&sandbox, repository("fixtures/classroom_dirty").to_str().unwrap(), &[]);
    let warnings = answer["readiness"]["warnings"].to_string();
    for code in ["malformed_record", "duplicate_field", "invalid_id"] {
        assert!(warnings.contains(code), "{code} is not in {warnings}");
    }
    let report = sandbox.run(&["run", "pipelines/classroom_dirty.yaml", "--json"]).json();
    assert!(report["totals"]["rejected"].as_u64().unwrap() > 0);
    assert!(report["totals"]["inserted"].as_u64().unwrap() >= 5_500, "{report:#}");
}
