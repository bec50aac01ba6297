//! A destination that is damaged, in each way that there is, is what its backup holds after a restore.

use std::path::Path;

use super::program::{Workspace, assert_adds_up};
use crate::support::Outcome;
use crate::support::database::{Database, Program, assert_same, beside, change};
use crate::support::documents::Load;

fn verb(workspace: &Workspace, words: &[&str]) -> Outcome {
    let pipeline = workspace.pipeline.to_str().unwrap();
    let mut all = words.to_vec();
    all.insert(2, pipeline);
    workspace.finish(workspace.command(&all))
}

fn cut(file: &Path, length: u64) {
    std::fs::File::options().write(true).open(file).unwrap().set_len(length).unwrap();
}

fn overwrite(file: &Path, from: usize, length: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    let end = bytes.len().min(from + length);
    bytes[from..end].fill(0xa5);
    std::fs::write(file, bytes).unwrap();
}

fn size(file: &Path) -> usize {
    usize::try_from(file.metadata().unwrap().len()).unwrap()
}

/// Changes rows, some of them in the file and some in a WAL that then goes, as a careless copy leaves them.
fn lose_wal(file: &Path) {
    let kept = tempfile::tempdir().unwrap();
    let program = Program::start(
        file,
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE people SET points = -points;
         PRAGMA wal_checkpoint(PASSIVE); DELETE FROM order_items WHERE rowid % 2; UPDATE notes SET text = 'lost'",
    );
    assert!(size(&beside(file, "-wal")) > 0);
    std::fs::copy(file, kept.path().join("data.db")).unwrap();
    drop(program);
    for suffix in ["-wal", "-shm"] {
        drop(std::fs::remove_file(beside(file, suffix)));
    }
    std::fs::copy(kept.path().join("data.db"), file).unwrap();
}

/// A WAL of another database, left beside this one.
fn foreign_wal(file: &Path) {
    std::fs::write(beside(file, "-wal"), vec![0x5a; 64 << 10]).unwrap();
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: &[Damage] = &[
    ("rows deleted", |file| change(file, "PRAGMA foreign_keys = OFF; DELETE FROM people WHERE rowid % 3 = 0")),
    ("rows changed", |file| {
        change(file, "UPDATE orders SET total = 1.25 WHERE rowid % 2; UPDATE people SET points = points + 1")
    }),
    ("rows added", |file| change(file, "INSERT INTO teams (id, name) VALUES ('extra', 'extra')")),
    ("a table dropped", |file| change(file, "PRAGMA foreign_keys = OFF; DROP TABLE orders")),
    ("a column renamed", |file| change(file, "ALTER TABLE people RENAME COLUMN points TO marks")),
    ("fireferry's own tables dropped", |file| {
        change(file, "DROP TABLE _fireferry_runs; DROP TABLE _fireferry_checkpoints; DROP TABLE _fireferry_meta")
    }),
    ("the file cut in the middle", |file| cut(file, size(file) as u64 / 2)),
    ("the file cut within a page", |file| cut(file, size(file) as u64 - 777)),
    ("the file emptied", |file| cut(file, 0)),
    ("pages overwritten", |file| overwrite(file, size(file) / 2, 3 * 4096)),
    ("the first page overwritten", |file| overwrite(file, 100, 3000)),
    ("the header overwritten", |file| overwrite(file, 0, 100)),
    ("another file in its place", |file| std::fs::write(file, "a list of things to do\n".repeat(400)).unwrap()),
    ("the file missing", |file| std::fs::remove_file(file).unwrap()),
    ("its WAL missing", lose_wal),
    ("a WAL that is not its own", foreign_wal),
];

#[test]
fn a_destination_that_is_damaged_in_any_way_is_restored_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let load = Load { documents: 2_000, seed: 5, commit_documents: 200, later: false };
    let files = load.write(folder.path());
    let whole = Workspace::new(&files.pipeline, &files.documents);
    let report = whole.run(&[]).exits(4).json();
    assert_adds_up(&report);
    for (name, damage) in DAMAGES {
        let workspace = Workspace::new(&files.pipeline, &files.documents).onto(&whole.destination());
        let taken = verb(&workspace, &["backup", "create", "--json"]).exits(0).json();
        damage(&workspace.destination());
        let restored = verb(&workspace, &["backup", "restore", "latest", "--yes", "--json"]);
        assert_eq!(restored.code, 0, "{name}: {restored:?}");
        assert_eq!(restored.json()["hash"], taken["hash"], "{name}");
        assert_same(&workspace.destination(), &whole.destination(), name);
        let database = Database::open(&workspace.destination());
        database.assert_sound();
        let own = |database: &Database| {
            ["_fireferry_runs", "_fireferry_checkpoints", "_fireferry_rejects", "_fireferry_meta"]
                .map(|table| database.integer(&format!("SELECT count(*) FROM {table}")))
        };
        assert_eq!(own(&database), own(&Database::open(&whole.destination())), "{name}");
        // And it is a destination as before: the same run changes nothing.
        let again = workspace.run(&[]).exits(4).json();
        assert_adds_up(&again);
        assert_eq!(again["totals"]["inserted"], 0, "{name}: {again:#}");
        assert_same(&workspace.destination(), &whole.destination(), name);
        println!("restored after: {name}");
    }
}

/// The backup itself may be damaged: then nothing is changed.
#[test]
fn a_damaged_backup_is_refused_and_changes_nothing() {
    let workspace = Workspace::classroom("classroom");
    workspace.run(&[]).exits(0);
    let taken = verb(&workspace, &["backup", "create", "--json"]).exits(0).json();
    let backup = Path::new(taken["path"].as_str().unwrap()).to_owned();
    let before = std::fs::read(workspace.destination()).unwrap();
    let middle = size(&backup) / 2;
    overwrite(&backup, middle, 1);
    let outcome = verb(&workspace, &["backup", "restore", "latest", "--yes"]).exits(3);
    assert!(outcome.stderr.contains("error[backup_damaged]"), "{outcome:?}");
    assert!(std::fs::read(workspace.destination()).unwrap() == before);
}

/// What could not be backed up is not overwritten either.
#[test]
fn what_is_damaged_is_put_aside_by_a_restore() {
    let workspace = Workspace::classroom("classroom");
    workspace.run(&[]).exits(0);
    verb(&workspace, &["backup", "create"]).exits(0);
    let file = workspace.destination();
    for (number, name) in ["data.db.damaged", "data.db.damaged-2"].iter().enumerate() {
        let mine = format!("my own notes, number {number}\n").repeat(200);
        std::fs::write(&file, &mine).unwrap();
        // Nothing but a restore touches it.
        workspace.run(&[]).exits(3);
        let restored = verb(&workspace, &["backup", "restore", "latest", "--yes"]).exits(0);
        assert!(
            restored.stderr.contains(&format!("put aside as {}", workspace.disk().join(name).display())),
            "{restored:?}"
        );
        assert_eq!(std::fs::read_to_string(workspace.disk().join(name)).unwrap(), mine);
    }
    let sound = workspace.disk().join("data.db.damaged-3");
    verb(&workspace, &["backup", "restore", "latest", "--yes"]).exits(0);
    assert!(!sound.exists(), "a sound database is backed up, not put aside");
}
