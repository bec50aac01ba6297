//! Chat sessions as a small program kept them: a JSON file per workspace, named by a hash.

use std::path::Path;

use serde_json::{Value, json};

use crate::people::START;
use crate::random::Random;
use crate::typed::time;
use crate::words::{NAMES, SENTENCES, TRICKY};

const WORKSPACES: &[&str] = &[
    "/home/anna/lessons/deutsch-a1",
    "/home/anna/lessons/deutsch-b2",
    "/srv/класс/слова",
    "/srv/教室/単語",
    "C:\\Users\\José\\Vokabeln & Übungen",
    "/home/ليلى/دروس",
    "/tmp/no sessions yet",
];

/// Writes the folder and, beside it, the lookup from hash to workspace.
pub fn write(fixtures: &Path) -> std::io::Result<usize> {
    let mut random = Random::new("sessions");
    let folder = fixtures.join("sessions");
    crate::empty_folder(&folder)?;
    let mut lookup = serde_json::Map::new();
    let mut count = 0;
    for (number, workspace) in WORKSPACES.iter().enumerate() {
        let hash = format!("{:016x}", random.next());
        let sessions: Vec<Value> = if number + 1 == WORKSPACES.len() {
            Vec::new()
        } else {
            (0..10 + 7 * number).map(|index| session(index, &mut random)).collect()
        };
        count += sessions.len();
        let text = serde_json::to_string_pretty(&sessions)?;
        std::fs::write(folder.join(format!("{hash}.json")), text + "\n")?;
        lookup.insert(hash, Value::from(*workspace));
    }
    let text = serde_json::to_string_pretty(&Value::Object(lookup))?;
    std::fs::write(fixtures.join("sessions.workspaces.json"), text + "\n")?;
    Ok(count)
}

fn session(index: usize, random: &mut Random) -> Value {
    let started = START + random.between(0, 31_536_000_000) * 1_000;
    let messages: Vec<Value> = (0..index % 5).map(|number| message(number, started, random)).collect();
    json!({
        "id": random.id(),
        "title": SENTENCES[random.below(SENTENCES.len())],
        "owner": NAMES[random.below(NAMES.len())],
        "startedAt": time(started),
        "endedAt": if random.chance(80) { json!(started / 1_000 + random.between(1_000, 7_200_000)) } else { Value::Null },
        "tokens": random.between(0, 9_007_199_254_740_993),
        "temperature": random.unit(),
        "archived": random.chance(20),
        "metadata": { "client": "classroom-desk", "note": TRICKY[random.below(TRICKY.len())], "window": [1280, 800.5] },
        "messages": messages,
    })
}

fn message(number: usize, started: i64, random: &mut Random) -> Value {
    let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
    let at = started + (number as i64 + 1) * 4_000_000;
    json!({ "role": role, "content": SENTENCES[random.below(SENTENCES.len())], "at": time(at) })
}
