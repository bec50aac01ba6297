//! Tasks, submissions and progress.

use crate::people::START;
use crate::random::Random;
use crate::typed::{Document, Fields, Value};
use crate::words::{SENTENCES, TRICKY};

const HOUR: i64 = 3_600_000_000;

/// Tasks, each following another one that may come later in the file.
pub fn tasks(count: usize, batches: &[Document]) -> Vec<Document> {
    let mut random = Random::new("tasks");
    let ids: Vec<String> = (0..count).map(|_| random.id()).collect();
    (0..count)
        .map(|number| {
            // The first dozen is one chain told backwards: each waits for the next.
            let follows = (number < 12 || number % 3 != 2).then(|| (number + 1) % count).filter(|next| *next > 0);
            let follows = follows.map(|target| Value::Reference(format!("tasks/{}", ids[target])));
            let batch = &batches[random.below(batches.len())].path;
            task(number, &ids[number], batch, follows, &mut random)
        })
        .collect()
}

fn task(number: usize, id: &str, batch: &str, follows: Option<Value>, random: &mut Random) -> Document {
    let created = START + random.between(0, 2_000 * HOUR);
    let published = created / 1_000 * 1_000;
    let fields = Fields::new()
        .with("batch", Value::Reference(batch.to_owned()))
        .with("title", Value::Text(format!("{}. {}", number + 1, SENTENCES[number % SENTENCES.len()])))
        .with("kind", Value::text(*random.pick(&["reading", "listening", "writing", "speaking", "quiz"])))
        .maybe("points", (!number.is_multiple_of(3)).then(|| Value::Integer(random.between(1, 100))))
        .maybe("dueAt", random.chance(80).then(|| Value::Time(created + random.between(24 * HOUR, 900 * HOUR))))
        .with("publishedAt", Value::Time(published))
        .maybe("follows", follows)
        .maybe("weights", number.is_multiple_of(2).then(|| Value::Vector((0..3).map(|_| random.unit()).collect())))
        .with("attachments", attachments(number, random))
        .maybe("instructions", (number % 4 == 1).then(|| instructions(number)));
    Document { path: format!("tasks/{id}"), fields, created, updated: published }
}

fn attachments(number: usize, random: &mut Random) -> Value {
    let attachment = |index: usize, random: &mut Random| {
        let fields = Fields::new()
            .with("name", Value::Text(format!("übung_{number}_{index}.pdf")))
            .with("size", Value::Integer(random.between(1, 5_000_000_000)))
            .maybe("digest", random.chance(60).then(|| Value::Bytes(random.bytes(16))));
        Value::Map(fields)
    };
    Value::Array((0..number % 3).map(|index| attachment(index, random)).collect())
}

fn instructions(number: usize) -> Value {
    let steps = (0..2).map(|step| Value::text(SENTENCES[(number + step) % SENTENCES.len()])).collect();
    let fields = Fields::new()
        .with("steps", Value::Array(steps))
        .with("note", Value::text(TRICKY[number % TRICKY.len()]))
        .with("opens", Value::Time(START + 1));
    Value::Map(fields)
}

/// Submissions: one attempt of one user at one task at most once.
pub fn submissions(count: usize, tasks: &[Document], users: &[String]) -> Vec<Document> {
    let mut random = Random::new("submissions");
    (0..count)
        .map(|number| {
            // Number → (user, task) without repeats: a walk through the grid of users and tasks.
            let user = &users[number % users.len()];
            let task = &tasks[(number / users.len() * 37 + number * 11) % tasks.len()].path;
            submission(number, task, user, &mut random)
        })
        .collect()
}

fn submission(number: usize, task: &str, user: &str, random: &mut Random) -> Document {
    let at = START + random.between(0, 6_000 * HOUR);
    let status = *random.pick(&["draft", "submitted", "graded"]);
    let words = SENTENCES[random.below(SENTENCES.len())].repeat(1 + number % 2);
    let answers = (0..number % 4).map(|_| Value::Boolean(random.chance(50))).collect();
    let fields = Fields::new()
        .with("task", Value::Reference(task.to_owned()))
        .with("user", Value::Reference(user.to_owned()))
        .maybe("attempt", number.is_multiple_of(3).then_some(Value::Integer(1)))
        .with("status", Value::text(status))
        .with("text", Value::Text(words))
        .with("submittedAt", Value::Time(at))
        .maybe("grade", (status == "graded").then(|| Value::Double(random.unit() * 10.0)))
        .maybe("late", random.chance(20).then_some(Value::Boolean(true)))
        .maybe("checksum", number.is_multiple_of(4).then(|| Value::Bytes(random.bytes(8))))
        .with("revision", Value::Integer(random.next() as i64))
        .with("answers", Value::Array(answers));
    Document { path: format!("submissions/{}", random.id()), fields, created: at, updated: at + 17 }
}

/// What a user did on a day.
pub fn progress(count: usize, users: &[String]) -> Vec<Document> {
    let mut random = Random::new("progress");
    (0..count)
        .map(|number| {
            let day = 1 + number / users.len();
            day_of_user(&users[number % users.len()], day, number, &mut random)
        })
        .collect()
}

fn day_of_user(user: &str, day: usize, number: usize, random: &mut Random) -> Document {
    let at = START + day as i64 * 24 * HOUR;
    let accuracy = match number % 10 {
        0 => Value::Double(-0.0), // becomes 0.0 by a rule that the pipeline names
        1 => Value::Integer(1),
        2 => Value::Null,
        _ => Value::Double(random.unit()),
    };
    let fields = Fields::new()
        .with("user", Value::Reference(user.to_owned()))
        .with("day", Value::Text(format!("2024-01-{day:02}")))
        .with("minutes", Value::Integer(random.between(0, 240)))
        .maybe("streak", random.chance(60).then(|| Value::Integer(random.between(0, 365))))
        .with("accuracy", accuracy)
        .maybe("mood", random.chance(40).then(|| Value::text(*random.pick(&["🙂", "😴", "🤩", "😵‍💫"]))));
    Document { path: format!("progress/{}", random.id()), fields, created: at, updated: at + 20 * HOUR + 5 }
}
