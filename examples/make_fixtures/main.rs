//! Writes the documents under `fixtures/` that belong to the shipped pipelines:
//! `cargo run --release --example make_fixtures [FOLDER]`. Deterministic: the same bytes everywhere and always.

mod cards;
mod dirty;
mod people;
mod random;
mod sessions;
mod typed;
mod words;
mod work;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dirty::{COLLECTIONS, Dirty};
use typed::{Document, Fields, Value};

/// Everything of the clean set that dirty documents refer to.
pub struct World {
    users: Vec<Document>,
    /// Paths of users that the pipeline's `where` lets through.
    active: Vec<String>,
    /// The path of one that it does not.
    inactive: String,
    batches: Vec<Document>,
    tasks: Vec<Document>,
    submissions: Vec<Document>,
    progress: Vec<Document>,
    vocabulary: Vec<Document>,
    flashcards: Vec<Document>,
    flashcard_progress: Vec<Document>,
}

impl World {
    fn new() -> Self {
        let (users, active) = people::users(300);
        let batches = people::batches(40, &active);
        let tasks = work::tasks(260, &batches);
        let submissions = work::submissions(1_500, &tasks, &active);
        let progress = work::progress(600, &active);
        let vocabulary = cards::vocabulary(1_100);
        let flashcards = cards::flashcards(800, &vocabulary);
        let flashcard_progress = cards::flashcard_progress(900, &active, &flashcards);
        let inactive = users.iter().map(|user| &user.path).find(|path| !active.contains(path)).cloned();
        let inactive = inactive.unwrap_or_default();
        Self {
            users,
            active,
            inactive,
            batches,
            tasks,
            submissions,
            progress,
            vocabulary,
            flashcards,
            flashcard_progress,
        }
    }

    fn documents(&self, collection: &str) -> &[Document] {
        match collection {
            "users" => &self.users,
            "batches" => &self.batches,
            "tasks" => &self.tasks,
            "submissions" => &self.submissions,
            "progress" => &self.progress,
            "vocabulary" => &self.vocabulary,
            "flashcards" => &self.flashcards,
            _ => &self.flashcard_progress,
        }
    }

    fn email_of(&self, user: usize) -> &str {
        match self.users[user].fields.get("email") {
            Some(Value::Text(email)) => email.trim(),
            _ => "",
        }
    }
}

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    fn reference(&self, name: &str) -> String {
        match self.get(name) {
            Some(Value::Reference(path)) => path.clone(),
            _ => String::new(),
        }
    }
}

fn main() -> io::Result<()> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let fixtures = std::env::args_os().nth(1).map_or(default, PathBuf::from);
    let world = World::new();
    write_clean(&fixtures, &world)?;
    write_dirty(&fixtures, &world)?;
    let languages: serde_json::Map<_, _> =
        words::LANGUAGES.iter().map(|(code, name)| ((*code).to_owned(), serde_json::Value::from(*name))).collect();
    let languages = serde_json::to_string_pretty(&serde_json::Value::Object(languages))?;
    fs::write(fixtures.join("classroom.languages.json"), languages + "\n")?;
    sessions::write(&fixtures)?;
    Ok(())
}

/// A file per collection.
fn write_clean(fixtures: &Path, world: &World) -> io::Result<()> {
    let folder = fixtures.join("classroom");
    empty_folder(&folder)?;
    for collection in COLLECTIONS {
        let lines: Vec<String> = world.documents(collection).iter().map(Document::line).collect();
        fs::write(folder.join(format!("{collection}.ndjson")), lines.join("\n") + "\n")?;
    }
    Ok(())
}

/// A folder per collection: its clean file, unchanged, and beside it the dirty one that a reader can take in. Only
/// `progress` is one file with the dirty lines in the midst of clean ones.
fn write_dirty(fixtures: &Path, world: &World) -> io::Result<()> {
    let folder = fixtures.join("classroom_dirty");
    empty_folder(&folder)?;
    let dirty = dirty::dirty(world);
    let mut placed = Vec::new();
    for collection in COLLECTIONS {
        let own: Vec<&Dirty> = dirty.iter().filter(|dirty| dirty.collection == *collection).collect();
        let clean = world.documents(collection).iter().map(|document| document.line().into_bytes());
        if *collection == "progress" {
            let mut lines: Vec<Vec<u8>> = clean.collect();
            let file = format!("{collection}.ndjson");
            for (index, dirty) in own.into_iter().enumerate() {
                let at = 100 + 200 * index;
                lines.insert(at, dirty.line.clone());
                placed.push((file.clone(), at + 1, dirty));
            }
            write_lines(&folder.join(file), &lines)?;
            continue;
        }
        fs::create_dir(folder.join(collection))?;
        write_lines(&folder.join(collection).join("clean.ndjson"), &clean.collect::<Vec<_>>())?;
        if !own.is_empty() {
            let file = format!("{collection}/dirty.ndjson");
            let lines: Vec<Vec<u8>> = own.iter().map(|dirty| dirty.line.clone()).collect();
            write_lines(&folder.join(&file), &lines)?;
            placed.extend(own.into_iter().enumerate().map(|(index, dirty)| (file.clone(), index + 1, dirty)));
        }
    }
    fs::write(fixtures.join("classroom_dirty.expected.json"), dirty::expected(&placed))
}

fn write_lines(path: &Path, lines: &[Vec<u8>]) -> io::Result<()> {
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    fs::write(path, bytes)
}

/// An empty folder; what stood there before is gone.
pub fn empty_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)
}
