//! Documents that must be rejected, each for another reason, and the list of what is expected.

use std::fmt::Write as _;

use crate::World;
use crate::people::START;
use crate::typed::{Document, Fields, ROOT, Value, quote};

/// A line that must be rejected.
pub struct Dirty {
    /// The collection that it belongs to.
    pub collection: &'static str,
    /// The line, without its end.
    pub line: Vec<u8>,
    /// The document's path; `None` where the line is too broken to have one.
    pub document: Option<String>,
    /// The code that the reject must have.
    pub code: &'static str,
    /// What is wrong.
    pub why: &'static str,
}

impl Dirty {
    fn document(document: Document, code: &'static str, why: &'static str) -> Self {
        let collection = COLLECTIONS.iter().find(|name| document.path.starts_with(&format!("{name}/")));
        let collection = collection.copied().unwrap_or_default();
        Self { collection, line: document.line().into_bytes(), document: Some(document.path), code, why }
    }

    fn line(collection: &'static str, line: impl Into<Vec<u8>>, code: &'static str, why: &'static str) -> Self {
        Self { collection, line: line.into(), document: None, code, why }
    }

    /// Broken as it is, the line still says which document it should have been.
    fn named(self, document: &str) -> Self {
        Self { document: Some(document.to_owned()), ..self }
    }
}

/// A user without a mentor, so one that waits for nobody: its row is there before its competitors come.
const WINNER: usize = 3;

/// The collections, in the order of the pipeline.
pub const COLLECTIONS: &[&str] =
    &["users", "batches", "tasks", "submissions", "progress", "vocabulary", "flashcards", "flashcard_progress"];

/// All of them.
pub fn dirty(world: &World) -> Vec<Dirty> {
    let mut all = broken_lines(world);
    all.extend(broken_values());
    all.extend(broken_rules(world));
    all.extend(broken_families(world));
    all
}

fn of(collection: &str, id: &str, fields: Fields) -> Document {
    Document { path: format!("{collection}/{id}"), fields, created: START, updated: START }
}

fn reference(path: &str) -> Value {
    Value::Reference(path.to_owned())
}

/// A user that would be fine.
fn user(id: &str) -> Document {
    let fields = Fields::new()
        .with("email", Value::Text(format!("{id}@dirty.example")))
        .with("displayName", Value::text("Dirty Dirk"))
        .with("active", Value::Boolean(true))
        .with("role", Value::text("student"))
        .with("createdAt", Value::Time(START))
        .with("points", Value::Integer(1))
        .with("score", Value::Double(0.5))
        .with("profile", Value::Map(Fields::new()));
    of("users", id, fields)
}

fn user_with(id: &str, field: &str, value: Value) -> Document {
    let mut user = user(id);
    user.fields = user.fields.without(field).with(field, value);
    user
}

/// A submission that would be fine.
fn submission(id: &str, task: &str, user: &str, attempt: i64) -> Document {
    let fields = Fields::new()
        .with("task", reference(task))
        .with("user", reference(user))
        .with("attempt", Value::Integer(attempt))
        .with("status", Value::text("draft"))
        .with("text", Value::text("…"))
        .with("submittedAt", Value::Time(START))
        .with("revision", Value::Integer(1));
    of("submissions", id, fields)
}

/// What is not even a document.
fn broken_lines(world: &World) -> Vec<Dirty> {
    let whole = user("cut").line();
    let cut = &whole[..whole.len() - 60];
    let mut invalid = user("invalid-utf8").line().into_bytes();
    let at = invalid.windows(5).position(|window| window == b"Dirty").unwrap_or(0);
    invalid[at] = 0xff;
    let twice =
        user("twice").line().replacen("\"role\":", "\"email\":{\"stringValue\":\"b@dirty.example\"},\"role\":", 1);
    let nameless =
        user("nameless").line().replacen(&format!("\"name\":{},", quote(&format!("{ROOT}users/nameless"))), "", 1);
    let slash = user("no-id").line().replacen("users/no-id", "users/", 1);
    let long = world.tasks[0].path.clone();
    let oversized = submission("oversized-document", &long, &world.active[0], 9);
    let answers = (0..2_500).map(|number| Value::Text(format!("answer {number}"))).collect();
    let oversized = Document { fields: oversized.fields.with("answers", Value::Array(answers)), ..oversized };
    vec![
        Dirty::line("users", cut, "malformed_record", "the line is cut off").named("users/cut"),
        Dirty::line("users", invalid, "invalid_utf8", "byte 0xff in displayName").named("users/invalid-utf8"),
        Dirty::line("users", twice, "duplicate_field", "email twice in one document").named("users/twice"),
        Dirty::line("users", nameless, "missing_id", "no name, so no id"),
        Dirty::line("users", slash, "invalid_id", "the name ends with users/, the id is empty"),
        Dirty::line("progress", "[\"an\", \"array\"]", "malformed_record", "JSON, but not an object"),
        Dirty::document(oversized, "oversized_document", "above max_document_bytes"),
    ]
}

/// Values that no column can hold exactly.
fn broken_values() -> Vec<Dirty> {
    let raw = |json: &str| Value::Raw(json.to_owned());
    let avatar = Fields::new().with("avatar", raw(r#"{"bytesValue":"not base64!"}"#));
    let north = Fields::new().with("location", Value::GeoPoint(91.5, 0.0));
    let tags = Fields::new().with("tags", Value::text("beginner, evening"));
    let overflow = raw(r#"{"integerValue":"9223372036854775808"}"#);
    let february = raw(r#"{"timestampValue":"2024-02-30T00:00:00Z"}"#);
    let nanoseconds = raw(r#"{"timestampValue":"2024-02-29T00:00:00.123456789Z"}"#);
    vec![
        Dirty::document(user_with("overflow", "points", overflow), "integer_overflow", "points is 2^63"),
        Dirty::document(user_with("nan", "score", Value::Double(f64::NAN)), "non_finite_double", "score is NaN"),
        Dirty::document(user_with("minus-zero", "score", Value::Double(-0.0)), "negative_zero", "score is -0.0"),
        Dirty::document(user_with("february", "createdAt", february), "invalid_timestamp", "30 February"),
        Dirty::document(user_with("nanoseconds", "createdAt", nanoseconds), "timestamp_precision", "nine digits"),
        Dirty::document(user_with("base64", "profile", Value::Map(avatar)), "invalid_value", "avatar is not base64"),
        Dirty::document(user_with("north", "profile", Value::Map(north)), "invalid_value", "latitude 91.5"),
        Dirty::document(user_with("text", "points", Value::text("12")), "wrong_type", "points is text"),
        Dirty::document(user_with("tags", "profile", Value::Map(tags)), "wrong_type", "profile.tags is no array"),
    ]
}

/// Documents that break a rule of the pipeline or of the schema.
fn broken_rules(world: &World) -> Vec<Dirty> {
    let mut no_email = user("no-email");
    no_email.fields = no_email.fields.without("email");
    let taken = user_with("taken", "email", Value::Text(format!(" {} ", world.email_of(WINNER).to_uppercase())));
    let mut again = user("again");
    again.path.clone_from(&world.users[WINNER].path);
    let ends = Fields::new()
        .with("name", Value::text("Time travel"))
        .with("teacher", reference(&world.active[0]))
        .with("startsAt", Value::Time(START + 1_000_000))
        .with("endsAt", Value::Time(START))
        .with("capacity", Value::Integer(9))
        .with("price", Value::Double(1.5));
    let long = submission("oversized-value", &world.tasks[0].path, &world.active[0], 8);
    let long = Document { fields: long.fields.changed("text", Value::Text("long ".repeat(3_500))), ..long };
    let first = &world.submissions[0].fields;
    let (task, student) = (first.reference("task"), first.reference("user"));
    let unknown = Fields::new()
        .with("user", reference(&world.active[0]))
        .with("day", Value::text("2024-06-01"))
        .with("minutes", Value::Integer(5))
        .with("surprise", Value::text("a field that nobody mapped"));
    vec![
        Dirty::document(no_email, "missing_field", "email is required"),
        Dirty::document(user_with("nobody", "displayName", Value::Null), "not_null", "name is NOT NULL"),
        Dirty::document(user_with("janitor", "role", Value::text("janitor")), "check_failed", "CHECK of role"),
        Dirty::document(taken, "unique_violation", "another user has this e-mail address"),
        Dirty::document(again, "duplicate_key", "this id came earlier, with other content"),
        Dirty::document(of("batches", "time-travel", ends), "check_failed", "ends before it starts"),
        Dirty::document(submission("again", &task, &student, 1), "unique_violation", "the same task, user, attempt"),
        Dirty::document(long, "oversized_value", "text is above max_value_bytes"),
        Dirty::document(of("progress", "surprise", unknown), "unknown_field", "surprise is mapped by no column"),
        Dirty::document(word("klingon", "tlh", "taH"), "lookup_missing", "language tlh is not in the lookup"),
        Dirty::document(word("empty", "en", ""), "check_failed", "CHECK of a child row: an empty translation"),
    ]
}

fn word(id: &str, language: &str, translation: &str) -> Document {
    let fields = Fields::new()
        .with("lemma", Value::Text(format!("{id} 🖖")))
        .with("language", Value::text(language))
        .with("sense", Value::Integer(1))
        .with("partOfSpeech", Value::text("verb"))
        .with("translations", Value::Map(Fields::new().with("de", Value::text(translation))))
        .with("frequency", Value::Double(0.5));
    of("vocabulary", id, fields)
}

/// Children of parents that do not exist, or that were rejected.
fn broken_families(world: &World) -> Vec<Dirty> {
    let batch = |id: &str, teacher: &str, members: Vec<Value>| {
        let fields = Fields::new()
            .with("name", Value::text(id))
            .with("teacher", reference(teacher))
            .with("startsAt", Value::Time(START))
            .with("capacity", Value::Integer(9))
            .with("price", Value::Double(1.5))
            .with("members", Value::Array(members));
        of("batches", id, fields)
    };
    let task = Fields::new()
        .with("batch", reference("batches/taught-by-nan"))
        .with("title", Value::text("Nobody will see this"))
        .with("kind", Value::text("quiz"))
        .with("publishedAt", Value::Time(START));
    let card = |id: &str, word: &str| {
        let fields = Fields::new()
            .with("word", reference(word))
            .with("front", Value::text("front"))
            .with("back", Value::text("back"))
            .with("difficulty", Value::Double(0.5))
            .with("seed", Value::Double(1.0))
            .with("legacyId", Value::text("1"))
            .with("editedAt", Value::text("2024-01-01T00:00:00Z"));
        of("flashcards", id, fields)
    };
    let state = Fields::new()
        .with("user", reference(&world.active[0]))
        .with("card", reference("flashcards/orphan"))
        .with("dueAt", Value::Time(START))
        .with("ease", Value::Double(2.5))
        .with("interval", Value::Integer(1));
    let members = vec![reference(&world.active[0]), reference("users/gone")];
    let pupil = user_with("pupil", "mentor", reference("users/gone"));
    let disciple = user_with("disciple", "mentor", reference("users/overflow"));
    vec![
        Dirty::document(pupil, "parent_missing", "its mentor does not exist (same table)"),
        Dirty::document(disciple, "parent_rejected", "its mentor was rejected (same table)"),
        Dirty::document(batch("ghost-member", &world.active[0], members), "parent_missing", "a child row's parent"),
        Dirty::document(batch("taught-by-nan", "users/nan", Vec::new()), "parent_rejected", "its teacher was rejected"),
        Dirty::document(of("tasks", "grandchild", task), "parent_rejected", "its batch was rejected with its teacher"),
        Dirty::document(
            submission("by-inactive", &world.tasks[0].path, &world.inactive, 1),
            "parent_missing",
            "its user is filtered out by where",
        ),
        Dirty::document(card("orphan", "vocabulary/gone"), "parent_missing", "its word does not exist"),
        Dirty::document(card("of-klingon", "vocabulary/klingon"), "parent_rejected", "its word was rejected"),
        Dirty::document(of("flashcard_progress", "on-orphan", state), "parent_rejected", "its card was rejected"),
    ]
}

/// The list of what is expected, as JSON: one entry per line, in the order of the files.
pub fn expected(placed: &[(String, usize, &Dirty)]) -> String {
    let mut json = String::from("[\n");
    for (index, (file, line, dirty)) in placed.iter().enumerate() {
        let comma = if index + 1 == placed.len() { "" } else { "," };
        let document = dirty.document.as_deref().map_or_else(|| "null".to_owned(), quote);
        let origin = quote(&format!("{file}:{line}"));
        let (collection, code, why) = (quote(dirty.collection), quote(dirty.code), quote(dirty.why));
        let _ = writeln!(
            json,
            r#"  {{"collection":{collection},"document":{document},"origin":{origin},"code":{code},"why":{why}}}{comma}"#
        );
    }
    json.push_str("]\n");
    json
}
