//! The documents of the benchmark: deterministic, about 440 bytes, many scripts, ids in random order.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[path = "../../examples/make_fixtures/random.rs"]
#[expect(dead_code, reason = "the benchmark needs only some of it")]
mod random;

use random::Random;

const NAMES: &[&str] = &["Anna Kowalska", "José Ångström", "Иван Щукин", "ليلى الأنصاري", "佐藤 さくら", "अनन्या शर्मा"];
const CITIES: &[&str] = &["Berlin", "Kraków", "Київ", "القاهرة", "東京", "मुंबई", "São Paulo"];
const WORDS: &[&str] = &[
    "learns",
    "every",
    "evening",
    "über",
    "words",
    "szkoła",
    "grammar",
    "and",
    "\\\"quotes\\\"",
    "🎉",
    "практика",
    "often",
    "slowly",
    "with",
    "a",
    "friend",
    "日本語",
    "then",
    "rests",
    "again",
];

/// The folder with `users.ndjson` of so many documents; written when it is not there yet.
pub fn folder(base: &Path, count: u64) -> io::Result<PathBuf> {
    let folder = base.join(count.to_string());
    let file = folder.join("users.ndjson");
    if !file.exists() {
        fs::create_dir_all(&folder)?;
        let unfinished = folder.join("unfinished");
        write(&unfinished, count)?;
        fs::rename(unfinished, file)?;
    }
    Ok(folder)
}

fn write(file: &Path, count: u64) -> io::Result<()> {
    let mut random = Random::new("load");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    for number in 0..count {
        writeln!(out, "{}", document(number, &mut random))?;
    }
    out.flush()
}

/// Values are such that nothing has to be converted: the baseline may take them as they stand.
fn document(number: u64, random: &mut Random) -> String {
    let (name, city) = (random.pick(NAMES), random.pick(CITIES));
    let role = random.pick(&["student", "student", "student", "teacher", "admin"]);
    let words: Vec<&str> = (0..14).map(|_| *random.pick(WORDS)).collect();
    let (day, second, micros) = (random.between(1, 28), random.between(0, 59), random.between(0, 999_999));
    let settings = format!(
        r#"{{"fontScale":{:.2},"language":"de","notifications":{{"email":{},"push":false}},"theme":"dark"}}"#,
        1.05 + random.below(9) as f64 / 10.0,
        random.chance(50)
    );
    format!(
        r#"{{"id":"{}","email":"user.{number}@example.org","name":"{name}","active":{},"role":"{role}","points":{},"score":{},"createdAt":"2024-03-{day:02}T10:20:{second:02}.{micros:06}Z","city":"{city}","bio":"{}","settings":{settings}}}"#,
        random.id(),
        random.chance(90),
        random.between(0, 1 << 60),
        random.unit() * 99.0 + 0.5,
        words.join(" ")
    )
}
