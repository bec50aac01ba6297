//! Vocabulary, flashcards and how far users got with them.

use crate::people::START;
use crate::random::Random;
use crate::typed::{Document, Fields, Value, time};
use crate::words::{LANGUAGES, SENTENCES, WORDS};

const DAY: i64 = 86_400_000_000;

/// Words with their translations.
pub fn vocabulary(count: usize) -> Vec<Document> {
    let mut random = Random::new("vocabulary");
    (0..count).map(|number| word(number, &mut random)).collect()
}

fn word(number: usize, random: &mut Random) -> Document {
    let (language, lemma, part) = WORDS[number % WORDS.len()];
    let created = START - random.between(0, 700 * DAY);
    let fields = Fields::new()
        .with("lemma", Value::text(lemma))
        .with("language", Value::text(language))
        .with("sense", Value::Integer((number / WORDS.len()) as i64))
        .with("partOfSpeech", Value::text(part))
        .with("translations", translations(language, random))
        .with("frequency", Value::Double(random.unit() / 1_000.0))
        .maybe("embedding", number.is_multiple_of(4).then(|| embedding(random)))
        .maybe("examples", random.chance(50).then(|| Value::Array(vec![Value::text(*random.pick(SENTENCES))])))
        .maybe("audio", number.is_multiple_of(12).then(|| Value::Bytes(random.bytes(24))));
    Document { path: format!("vocabulary/{}", random.id()), fields, created, updated: created }
}

fn translations(own: &str, random: &mut Random) -> Value {
    let mut fields = Fields::new();
    let count = random.below(4);
    for index in random.distinct(count, WORDS.len()) {
        let (language, word, _) = WORDS[index];
        if language != own && fields.0.iter().all(|(known, _)| known != language) {
            fields = fields.with(language, Value::text(word));
        }
    }
    Value::Map(fields)
}

/// Components that 32 bits hold exactly.
fn embedding(random: &mut Random) -> Value {
    Value::Vector((0..8).map(|_| random.between(-128, 128) as f64 / 128.0).collect())
}

/// Cards, written by several generations of an app that never agreed on types.
pub fn flashcards(count: usize, words: &[Document]) -> Vec<Document> {
    let mut random = Random::new("flashcards");
    (0..count)
        .map(|number| {
            let word = &words[(number * 7) % words.len()].path;
            flashcard(number, word, &mut random)
        })
        .collect()
}

fn flashcard(number: usize, word: &str, random: &mut Random) -> Document {
    let created = START + random.between(0, 200 * DAY);
    let (language, front, _) = WORDS[number % WORDS.len()];
    let back = LANGUAGES.iter().find(|(code, _)| *code == language).map_or(language, |(_, name)| name);
    let fields = Fields::new()
        .with("word", Value::Reference(word.to_owned()))
        .with("front", Value::text(front))
        .with("back", Value::text(back))
        .with("difficulty", Value::Double(random.unit()))
        .maybe("hint", hint(number))
        .maybe("suspended", random.chance(15).then_some(Value::Boolean(true)))
        .with("seed", Value::Double(random.between(0, 1 << 52) as f64))
        .with("legacyId", Value::Text(random.between(1, i64::MAX - 1).to_string()))
        .with("editedAt", Value::Text(time(created + random.between(0, 50 * DAY))))
        .maybe("importedAt", number.is_multiple_of(3).then_some(Value::Integer(created / 1_000)));
    Document { path: format!("flashcards/{}", random.id()), fields, created, updated: created + 1 }
}

/// An empty hint means none.
fn hint(number: usize) -> Option<Value> {
    match number % 5 {
        0 => Some(Value::text("")),
        1 => Some(Value::text("  think of a place  ")),
        2 => Some(Value::Null),
        _ => None,
    }
}

/// One document for a user and a card, at most.
pub fn flashcard_progress(count: usize, users: &[String], cards: &[Document]) -> Vec<Document> {
    let mut random = Random::new("flashcard_progress");
    (0..count)
        .map(|number| {
            let user = &users[number % users.len()];
            let card = &cards[(number / users.len() * 53 + number * 13) % cards.len()].path;
            review_state(number, user, card, &mut random)
        })
        .collect()
}

fn review_state(number: usize, user: &str, card: &str, random: &mut Random) -> Document {
    let created = START + random.between(0, 100 * DAY);
    let ease = match number % 20 {
        0 => Value::Double(f64::NAN), // NULL by a rule that the pipeline names
        1 => Value::Double(f64::INFINITY),
        _ => Value::Double(1.3 + random.unit() * 1.7),
    };
    let fields = Fields::new()
        .with("user", Value::Reference(user.to_owned()))
        .with("card", Value::Reference(card.to_owned()))
        .with("dueAt", Value::Time(created + random.between(1, 90) * DAY))
        .with("ease", ease)
        .with("interval", Value::Integer(random.between(0, 365)))
        .with("history", history(number % 3, created, random));
    Document { path: format!("flashcard_progress/{}", random.id()), fields, created, updated: created + DAY }
}

fn history(count: usize, created: i64, random: &mut Random) -> Value {
    let review = |index: usize, random: &mut Random| {
        let fields = Fields::new()
            .with("at", Value::Time(created + index as i64 * DAY))
            .with("rating", Value::Integer(random.between(1, 4)))
            .with("tookMs", Value::Integer(random.between(200, 60_000)));
        Value::Map(fields)
    };
    Value::Array((0..count).map(|index| review(index, random)).collect())
}
