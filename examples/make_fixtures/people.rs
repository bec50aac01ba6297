//! Users and batches (classes).

use crate::random::Random;
use crate::typed::{Document, Fields, Value};
use crate::words::{CITIES, LANGUAGES, NAMES, SENTENCES, TAGS, TRICKY};

/// 2024-01-01T00:00:00Z in microseconds.
pub const START: i64 = 1_704_067_200_000_000;
const DAY: i64 = 86_400_000_000;

/// Ids that programs like to normalise, trim, split or cut. Firestore allows them all.
const ODD_IDS: &[&str] = &[
    "José",
    "Jose\u{301}",
    "anna",
    "Anna",
    " leading and trailing space ",
    "dots.in.the.id",
    "50%2Foff",
    "quote'\"`back\\slash",
    "🦊👩‍🏫",
    "用户-七",
    "مستخدم",
    "0",
    "00",
    "null",
    "-1",
    "a?b#c&d=e",
];

/// All users, and the paths of those that are active (the only ones anybody refers to).
pub fn users(count: usize) -> (Vec<Document>, Vec<String>) {
    let mut random = Random::new("users");
    let ids: Vec<String> = (0..count).map(|number| user_id(number, &mut random)).collect();
    let active: Vec<bool> = (0..count).map(|number| number % 25 != 24).collect();
    let users: Vec<Document> = (0..count)
        .map(|number| {
            let mentor = mentor(number, &ids, &active, &mut random);
            user(number, &ids[number], active[number], mentor, &mut random)
        })
        .collect();
    let paths = users.iter().zip(&active).filter(|(_, active)| **active).map(|(user, _)| user.path.clone()).collect();
    (users, paths)
}

fn user_id(number: usize, random: &mut Random) -> String {
    let random_id = random.id();
    match ODD_IDS.get(number) {
        Some(odd) => (*odd).to_owned(),
        None if number == ODD_IDS.len() => "long-".repeat(280), // close to Firestore's 1,500 bytes
        None => random_id,
    }
}

/// Mentors come later in the file than most of their students, in chains: documents have to wait for others.
fn mentor(number: usize, ids: &[String], active: &[bool], random: &mut Random) -> Option<Value> {
    let target = match number % 5 {
        0 => number + 7,             // later in the file: waits
        1 => number + 4,             // a document that waits itself
        2 => number / 2 / 5 * 5 + 3, // one that has no mentor, so that nobody waits in a circle
        3 => return random.chance(50).then_some(Value::Null),
        _ => return None,
    };
    let target = target % ids.len();
    (target != number && active[target]).then(|| Value::Reference(format!("users/{}", ids[target])))
}

fn user(number: usize, id: &str, active: bool, mentor: Option<Value>, random: &mut Random) -> Document {
    let created = START + random.between(0, 300 * DAY);
    let fields = Fields::new()
        .with("email", Value::Text(email(number, random)))
        .with("displayName", Value::text(NAMES[number % NAMES.len()]))
        .with("active", Value::Boolean(active))
        .maybe("role", role(number))
        .with("createdAt", Value::Time(created))
        .maybe("lastSeenAt", last_seen(number, created, random))
        .with("points", Value::Integer(points(number, random)))
        .maybe("score", score(number, random))
        .maybe("mentor", mentor)
        .with("profile", profile(number, random))
        .maybe("settings", (number % 4 != 3).then(|| settings(number, random)))
        .maybe("legacyFlags", random.chance(10).then(|| Value::Array(vec![Value::Integer(1), Value::Null])));
    Document { path: format!("users/{id}"), fields, created, updated: created + random.between(0, 90 * DAY) }
}

/// Unique once trimmed and in lower case, which they are not all to begin with.
fn email(number: usize, random: &mut Random) -> String {
    let domain = random.pick(&["example.org", "example.com", "Example.NET", "classroom.example"]);
    match number % 6 {
        0 => format!("  Student.{number}@{domain} "),
        1 => format!("STUDENT.{number}@{domain}"),
        _ => format!("student.{number}@{domain}"),
    }
}

/// Missing ones are students by the pipeline's default.
fn role(number: usize) -> Option<Value> {
    match number % 10 {
        0 => Some(Value::text("teacher")),
        1..=3 => None,
        4 if number % 20 == 4 => Some(Value::text("admin")),
        _ => Some(Value::text("student")),
    }
}

fn last_seen(number: usize, created: i64, random: &mut Random) -> Option<Value> {
    match number % 8 {
        0 => None,
        1 => Some(Value::Null),
        2 if number == 2 => Some(Value::Time(-62_135_596_800_000_000)), // 0001-01-01T00:00:00Z
        2 if number == 10 => Some(Value::Time(253_402_300_799_999_999)), // 9999-12-31T23:59:59.999999Z
        2 if number == 18 => Some(Value::Time(-1)),                     // a microsecond before 1970
        3 => Some(Value::Time(created / 1_000_000 * 1_000_000)),
        4 => Some(Value::Time(created / 1_000 * 1_000)),
        _ => Some(Value::Time(created + random.between(0, 30 * DAY))),
    }
}

fn points(number: usize, random: &mut Random) -> i64 {
    const EDGES: &[i64] = &[
        i64::MAX,
        i64::MIN,
        i64::MAX - 1,
        i64::MIN + 1,
        9_007_199_254_740_993, // 2^53 + 1: a double would make it …992
        -9_007_199_254_740_993,
        9_223_372_036_854_774_784, // the last one that a double holds
        0,
        -1,
        4_294_967_296,
    ];
    EDGES.get(number).copied().unwrap_or_else(|| random.between(0, 100_000))
}

fn score(number: usize, random: &mut Random) -> Option<Value> {
    const EDGES: &[f64] = &[
        0.1 + 0.2,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -1.797_693_134_862_315_7e308,
        1.0,
        0.0,
        100_000_000_000_000_000_000.0,
        1e300,
        2.225_073_858_507_201e-308,
        9_007_199_254_740_991.0,
        1.000_000_000_000_000_2,
    ];
    match (EDGES.get(number), number % 9) {
        (Some(edge), _) => Some(Value::Double(*edge)),
        (_, 0) => None,
        (_, 1) => Some(Value::Null),
        (_, 2) => Some(Value::Integer(random.between(0, 100))), // Firestore keeps whole numbers as it got them
        _ => Some(Value::Double(random.unit() * 100.0)),
    }
}

fn profile(number: usize, random: &mut Random) -> Value {
    let tags = random.distinct(random_count(number), TAGS.len());
    let tags = tags.into_iter().map(|tag| Value::text(TAGS[tag])).collect();
    let bio = TRICKY.get(number).or_else(|| SENTENCES.get(number % (2 * SENTENCES.len()))).copied();
    let fields = Fields::new()
        .maybe("city", random.chance(80).then(|| Value::text(*random.pick(CITIES))))
        .maybe("bio", bio.map(Value::text))
        .with("timezone", Value::text(*random.pick(&["Europe/Berlin", "Asia/Tokyo", "America/New_York", "UTC"])))
        .maybe("tags", (number % 7 != 6).then_some(Value::Array(tags)))
        .maybe("languages", (number % 6 != 5).then(|| languages(number, random)))
        .maybe("avatar", (number % 3 != 2).then(|| Value::Bytes(random.bytes(number % 49))))
        .maybe("location", location(number, random));
    Value::Map(fields)
}

/// None, one, two or three.
fn random_count(number: usize) -> usize {
    number % 4
}

fn languages(number: usize, random: &mut Random) -> Value {
    let mut fields = Fields::new();
    for index in random.distinct(number % 3, LANGUAGES.len()) {
        let level = *random.pick(&["A1", "A2", "B1", "B2", "C1", "C2"]);
        let entry = Fields::new()
            .with("level", Value::text(level))
            .with("certified", Value::Boolean(random.chance(30)))
            .maybe("since", random.chance(70).then(|| Value::Time(START - random.between(0, 3_000) * DAY)));
        fields = fields.with(LANGUAGES[index].0, Value::Map(entry));
    }
    Value::Map(fields)
}

fn location(number: usize, random: &mut Random) -> Option<Value> {
    match number {
        0 => Some(Value::GeoPoint(90.0, 180.0)),
        1 => Some(Value::GeoPoint(-90.0, -180.0)),
        2 => Some(Value::GeoPoint(0.0, 0.0)),
        _ if number % 5 == 4 => None,
        _ if number % 5 == 3 => Some(Value::Null),
        _ => Some(Value::GeoPoint(random.unit() * 180.0 - 90.0, random.unit() * 360.0 - 180.0)),
    }
}

/// Kept as JSON: every type, nested, and keys that look like the JSON form's own.
fn settings(number: usize, random: &mut Random) -> Value {
    let notifications = Fields::new()
        .with("email", Value::Boolean(random.chance(50)))
        .with("push", Value::Null)
        .with("quietHours", Value::Array(vec![Value::Integer(22), Value::Integer(7)]));
    let fields = Fields::new()
        .with("theme", Value::text(*random.pick(&["dark", "light", "système"])))
        .with("fontScale", Value::Double(1.0))
        .with("notifications", Value::Map(notifications));
    Value::Map(if number.is_multiple_of(16) { every_type(fields) } else { fields })
}

fn every_type(fields: Fields) -> Fields {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e16, 1e-7];
    let deep = (0..12).fold(Value::text("bottom"), |inner, _| Value::Map(Fields::new().with("in", inner)));
    fields
        .with("doubles", Value::Array(special.iter().map(|value| Value::Double(*value)).collect()))
        .with("integer", Value::Integer(i64::MAX))
        .with("at", Value::Time(START + 123_456))
        .with("blob", Value::Bytes(vec![0, 1, 254, 255]))
        .with("ref", Value::Reference("users/anna/private/settings".to_owned()))
        .with("place", Value::GeoPoint(52.520_006_599_999_99, 13.404_954))
        .with("vector", Value::Vector(vec![0.1, -1.0, 0.0]))
        .with("emptyMap", Value::Map(Fields::new()))
        .with("emptyArray", Value::Array(Vec::new()))
        .with("$timestamp", Value::text("a key that looks like a type"))
        .with(" ", Value::text("a key that is a space"))
        .with("ключ 🔑", Value::text("nul \u{0} and \u{1f}"))
        .with("deep", deep)
}

/// Classes.
pub fn batches(count: usize, users: &[String]) -> Vec<Document> {
    let mut random = Random::new("batches");
    (0..count).map(|number| batch(number, users, &mut random)).collect()
}

fn batch(number: usize, users: &[String], random: &mut Random) -> Document {
    let created = START + random.between(0, 100 * DAY);
    let starts = created + random.between(5, 30) * DAY;
    let members = random.distinct(number % 9, users.len());
    let members = members.into_iter().map(|user| Value::Reference(users[user].clone())).collect();
    let language = LANGUAGES[number % LANGUAGES.len()];
    let fields = Fields::new()
        .with("name", Value::Text(format!("{} {}", language.1, 1 + number / LANGUAGES.len())))
        .with("teacher", Value::Reference(users[random.below(users.len())].clone()))
        .with("startsAt", Value::Time(starts))
        .maybe("endsAt", random.chance(70).then(|| Value::Time(starts + random.between(30, 120) * DAY)))
        .with("capacity", Value::Integer(random.between(9, 30)))
        .with("price", Value::Double(random.between(0, 40_000) as f64 / 100.0))
        .with("room", Value::GeoPoint(random.unit() * 90.0, random.unit() * 90.0))
        .with("members", Value::Array(members))
        .maybe("schedule", (number % 5 != 4).then(|| schedule(number, random)))
        .maybe("sponsor", random.chance(20).then(|| Value::text("Λέσχη Φίλων 🏛")))
        .maybe("importedFrom", random.chance(20).then(|| Value::Reference("legacy/archive/classes/17".to_owned())));
    Document { path: format!("batches/{}", random.id()), fields, created, updated: created + 3_000_001 }
}

fn schedule(number: usize, random: &mut Random) -> Value {
    let mut fields = Fields::new();
    for day in random.distinct(number % 4, 7) {
        let day = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"][day];
        let hour = random.between(8, 19);
        let entry = Fields::new()
            .with("from", Value::Text(format!("{hour:02}:00")))
            .with("to", Value::Text(format!("{:02}:30", hour + 1)));
        fields = fields.with(day, Value::Map(entry));
    }
    Value::Map(fields)
}
