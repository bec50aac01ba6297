//! Replaces what differs from run to run, so that the rest can be compared.

use std::path::Path;

use serde_json::Value;

/// Fields of JSON documents whose values are measured.
const MEASURED: &[&str] = &[
    "duration_seconds",
    "seconds",
    "seconds_low",
    "seconds_high",
    "documents_per_second",
    "started_at",
    "finished_at",
    "created_at",
    "applied_at",
    "duration_ms",
    "run_id",
    "initiated_by",
    "host",
    "pid",
    "hash",
    "rate",
    "eta",
];

/// `[DIR]` for the folder, `[RUN]` for run ids, `[TIME]` for times, `[DURATION]` and `[RATE]` for what was measured.
pub fn redact_text(text: &str, folder: &Path) -> String {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut text = text.to_owned();
    for folder in [real.as_path(), folder] {
        text = text.replace(&*folder.to_string_lossy(), "[DIR]");
    }
    text.lines().map(|line| redact_line(line) + "\n").collect()
}

fn redact_line(line: &str) -> String {
    let line = replace(line, uuid, "[RUN]");
    let line = replace(&line, time, "[TIME]");
    let line = replace(&line, stamp, "[STAMP]");
    let line = replace(&line, rate, "[RATE]/s");
    let line = replace(&line, per_second, "[RATE] documents/s");
    let line = replace(&line, host, "tester@[HOST]");
    replace(&line, duration, "[DURATION]")
}

/// Replaces every place where `found` says how many bytes belong together.
fn replace(line: &str, found: fn(&str) -> Option<usize>, with: &str) -> String {
    let (mut out, mut rest, mut inside_word) = (String::new(), line, false);
    while let Some(first) = rest.chars().next() {
        match found(rest).filter(|_| !inside_word) {
            Some(length) => {
                out.push_str(with);
                rest = &rest[length..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        inside_word = first.is_alphanumeric();
    }
    out
}

fn uuid(text: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..36)?;
    let fits = bytes.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    fits.then_some(36)
}

/// `2025-06-01T20:00:00.5Z`.
fn time(text: &str) -> Option<usize> {
    until_z(text, b"0000-00-00T")
}

/// `20250601T200000.5Z`, as in names of files.
fn stamp(text: &str) -> Option<usize> {
    until_z(text, b"00000000T")
}

/// The length up to a `Z` not far away, if the text begins like the pattern (0 for any digit).
fn until_z(text: &str, pattern: &[u8]) -> Option<usize> {
    let head = text.as_bytes().get(..pattern.len())?;
    let fits = head.iter().zip(pattern).all(|(byte, like)| match like {
        b'0' => byte.is_ascii_digit(),
        like => byte == like,
    });
    let end = text.find('Z').filter(|end| *end < 40)?;
    fits.then_some(end + 1)
}

fn number(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    (end > 0 && text.starts_with(|c: char| c.is_ascii_digit())).then_some(end)
}

fn per_second(text: &str) -> Option<usize> {
    let end = number(text)?;
    text[end..].starts_with(" documents/s").then_some(end + " documents/s".len())
}

fn rate(text: &str) -> Option<usize> {
    let end = number(text)?;
    text[end..].starts_with("/s").then_some(end + 2)
}

/// `1.5 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(text: &str) -> Option<usize> {
    let mut length = 0;
    for unit in [" h", " min", " s"] {
        let rest = &text[length..];
        let rest = rest.strip_prefix(' ').filter(|_| length > 0).unwrap_or(rest);
        let start = text.len() - rest.len();
        let Some(end) = number(rest) else { continue };
        let tail = &rest[end..];
        let whole = tail.strip_prefix(unit).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()));
        if whole {
            length = start + end + unit.len();
        }
    }
    (length > 0).then_some(length)
}

fn host(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("tester@")?;
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '"' | ')')).unwrap_or(rest.len());
    Some("tester@".len() + end)
}

/// The same for a JSON document: measured fields by their names, texts by their content.
pub fn redact_json(value: &mut Value, folder: &Path) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if MEASURED.contains(&name.as_str()) && !field.is_null() {
                    *field = "[MEASURED]".into();
                } else {
                    redact_json(field, folder);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact_json(item, folder)),
        Value::String(text) => *text = redact_text(text, folder).trim_end_matches('\n').to_owned(),
        _ => {}
    }
}

#[test]
fn what_differs_is_replaced_and_the_rest_stays() {
    let text = "20250601T200000.123456Z-run.db\n\
                Run 0197a1c2-0000-7000-8000-000000000001 at 2025-06-01T20:00:00.5Z by tester@box\n\
                Took 1 min 20 s (1,667 documents/s, 3.0 KiB); 12 rows, 3 s, users: 5 of 7, 2,400/s\n/x/y/z.db";
    assert_eq!(
        redact_text(text, Path::new("/x/y")),
        "[STAMP]-run.db\n\
         Run [RUN] at [TIME] by tester@[HOST]\n\
         Took [DURATION] ([RATE] documents/s, 3.0 KiB); 12 rows, [DURATION], users: 5 of 7, [RATE]/s\n[DIR]/z.db\n"
    );
}
