//! Which folders are accepted, and what a destination's record must be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fireferry::destination::AppliedMigration;
use fireferry::error::ErrorKind;
use fireferry::schema::{MigrationState, Migrations};

/// Names and texts of files.
type Files<'a> = &'a [(&'a str, &'a str)];

fn folder(files: Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn good() -> tempfile::TempDir {
    folder(&[
        ("0001_a.up.sql", "CREATE TABLE a (x)"),
        ("0001_a.down.sql", "DROP TABLE a"),
        ("0002_b-c.up.sql", "CREATE TABLE b (x)"),
        ("0002_b-c.down.sql", "DROP TABLE b"),
        ("README.md", "not a migration"),
    ])
}

fn applied(migrations: &Migrations, count: usize) -> Vec<AppliedMigration> {
    let record = |file: &fireferry::schema::Migration| AppliedMigration {
        version: file.version,
        name: file.name.clone(),
        checksum: file.checksum.clone(),
        applied_at: "2026-01-01T00:00:00Z".into(),
        duration_ms: 1,
        dirty: false,
    };
    migrations.all().iter().take(count).map(record).collect()
}

#[test]
fn what_is_not_applied_yet_is_pending_in_order() {
    let folder = good();
    let migrations = Migrations::load(folder.path()).unwrap();
    let versions = |count| -> Vec<u64> {
        migrations.pending(&applied(&migrations, count)).unwrap().iter().map(|step| step.version).collect()
    };
    assert_eq!((versions(0), versions(1), versions(2)), (vec![1, 2], vec![2], vec![]));
    let step = &migrations.pending(&[]).unwrap()[1];
    assert_eq!((step.name.as_str(), step.sql.as_str(), step.up), ("b-c", "CREATE TABLE b (x)", true));
    assert_eq!(step.checksum, blake3::hash(b"CREATE TABLE b (x)").to_hex().to_string());
}

#[test]
fn a_folder_that_is_not_whole_is_refused_with_the_file_at_fault() {
    let up = ("0001_a.up.sql", "");
    let down = ("0001_a.down.sql", "");
    let cases: &[(Files, &str, &str)] = &[
        (&[up], "migration_half_missing", "migration 0001_a.up.sql: 0001_a.down.sql is missing beside it"),
        (&[down], "migration_half_missing", "migration 0001_a.down.sql: its `.up.sql` is missing beside it"),
        (
            &[("0002_a.up.sql", ""), ("0002_a.down.sql", "")],
            "migration_gap",
            "migration 0002_a.up.sql: migration 0001 is missing before it",
        ),
        (
            &[up, down, ("0001_b.up.sql", "")],
            "migration_twice",
            "migration 0001_b.up.sql: 0001_a.up.sql has version 0001 too",
        ),
        (
            &[up, down, ("2_b.up.sql", "")],
            "migration_name",
            "migration 2_b.up.sql: its name is not NNNN_name.up.sql or NNNN_name.down.sql",
        ),
        (
            &[up, down, ("0002_b.sql", "")],
            "migration_name",
            "migration 0002_b.sql: its name is not NNNN_name.up.sql or NNNN_name.down.sql",
        ),
        (
            &[up, ("0001_other.down.sql", "")],
            "migration_half_missing",
            "migration 0001_a.up.sql: 0001_a.down.sql is missing beside it",
        ),
    ];
    for (files, code, message) in cases {
        let folder = folder(files);
        let error = Migrations::load(folder.path()).unwrap_err();
        assert_eq!((error.kind(), error.code(), error.message()), (ErrorKind::Config, *code, *message));
        assert!(error.place().file.is_some());
    }
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let error = Migrations::load(std::path::Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "migrations_unreadable"));
}

#[test]
fn a_record_that_does_not_fit_the_folder_is_refused_with_the_file_at_fault() {
    let folder = good();
    let migrations = Migrations::load(folder.path()).unwrap();
    let record = applied(&migrations, 2);

    let mut edited = record.clone();
    edited[0].checksum = "0".into();
    let mut renamed = record.clone();
    renamed[1].name = "old".into();
    let mut missing = record.clone();
    missing.push(AppliedMigration { version: 3, name: "gone".into(), ..record[0].clone() });
    let skipped = vec![record[1].clone()];
    for (record, code, message, state) in [
        (
            edited,
            "migration_edited",
            "migration 0001_a.up.sql was edited after it was applied",
            [MigrationState::Edited, MigrationState::Applied].as_slice(),
        ),
        (
            renamed,
            "migration_renamed",
            "migration 0002_b-c.up.sql was applied as 0002_old.up.sql",
            &[MigrationState::Applied, MigrationState::Renamed],
        ),
        (
            missing,
            "migration_missing",
            "migration 0003_gone.up.sql was applied, but the file is gone",
            &[MigrationState::Applied, MigrationState::Applied, MigrationState::Missing],
        ),
        (
            skipped,
            "migration_out_of_order",
            "migration 0001_a.up.sql was not applied, but a later one was",
            &[MigrationState::Skipped, MigrationState::Applied],
        ),
    ] {
        let error = migrations.pending(&record).unwrap_err();
        assert_eq!((error.kind(), error.code(), error.message()), (ErrorKind::Config, code, message));
        let states: Vec<MigrationState> = migrations.status(&record).iter().map(|status| status.state).collect();
        assert_eq!(states, state);
    }
}
