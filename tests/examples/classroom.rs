//! The README's first commands: the clean classroom, once and again, and the dirty one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fixtures::{expected, text};
use super::program::{Place, root, total};
use super::tables::{Cell, dump, query};

const PIPELINE: &str = "pipelines/classroom.yaml";
const DIRTY: &[&str] = &["--source", "fixtures/classroom_dirty"];

#[test]
fn the_first_run_is_clean_and_the_second_writes_nothing() {
    let place = Place::new();
    let first = place.run(&["run", PIPELINE, "--json"]).json(0);
    assert_eq!(first["status"], "completed");
    let read = total(&first, "read");
    assert_eq!(read, 5_500);
    assert!(total(&first, "skipped") > 0, "where left nothing out");
    assert_eq!(total(&first, "rejected"), 0);
    assert_eq!(read, total(&first, "inserted") + total(&first, "skipped"));
    for collection in first["collections"].as_array().unwrap() {
        assert_eq!(collection["validation"]["valid"], true, "{collection}");
    }
    let tables = dump(&place.database());

    let second = place.run(&["run", PIPELINE, "--json"]).json(0);
    assert_eq!(total(&second, "inserted") + total(&second, "updated") + total(&second, "rejected"), 0);
    assert_eq!(total(&second, "unchanged"), total(&first, "inserted"));
    assert!(second["backup"].is_string(), "a run over rows takes a backup first");
    assert!(dump(&place.database()) == tables, "a run without changes changed something");
}

#[test]
fn the_dirty_set_gives_exactly_the_expected_rejects_and_the_rows_of_the_clean_one() {
    let (clean, dirty) = (Place::new(), Place::new());
    clean.run(&["run", PIPELINE, "--json"]).json(0);
    let report = dirty.run(&[&["run", PIPELINE, "--json"], DIRTY].concat()).json(4);
    assert_eq!(report["status"], "completed_with_rejects");
    assert_eq!(rejects(report["rejects"].as_array().unwrap()), rejects(&expected()));
    assert_eq!(report["total_rejects"].as_u64(), Some(expected().len() as u64));
    assert!(documents(report["rejects"].as_array().unwrap()).is_superset(&documents(&expected())));
    for (table, rows) in dump(&clean.database()) {
        assert!(dump(&dirty.database())[&table] == rows, "table {table} differs");
    }
}

#[test]
fn a_dry_run_of_the_dirty_set_says_the_same_and_leaves_no_database_behind() {
    let (real, dry) = (Place::new(), Place::new());
    let dry_report = dry.run(&[&["run", PIPELINE, "--json", "--dry-run"], DIRTY].concat()).json(4);
    assert!(!dry.database().exists());
    let report = real.run(&[&["run", PIPELINE, "--json"], DIRTY].concat()).json(4);
    assert_eq!(rejects(dry_report["rejects"].as_array().unwrap()), rejects(report["rejects"].as_array().unwrap()));
    for count in ["read", "inserted", "updated", "unchanged", "skipped", "rejected"] {
        assert_eq!(total(&dry_report, count), total(&report, count), "{count}");
    }
}

#[test]
fn the_pipeline_passes_its_checks_and_its_own_tests() {
    let place = Place::new();
    let check = place.run(&["check", PIPELINE, "--json"]).json(0);
    assert_eq!(check["safe"], true, "{check}");
    assert!(!place.database().exists(), "check changes nothing");
    let tests = place.run(&["test", PIPELINE]);
    assert_eq!(tests.code, 0, "{}\n{}", tests.stdout, tests.stderr);
}

/// The documents named; the list of what is expected has none for records too broken to say who they are.
fn documents(list: &[Value]) -> BTreeSet<String> {
    list.iter().map(|entry| text(entry, "document")).filter(|document| !document.is_empty()).collect()
}

/// What must be equal of rejects.
fn rejects(list: &[Value]) -> BTreeSet<[String; 3]> {
    list.iter().map(|entry| ["collection", "origin", "code"].map(|name| text(entry, name))).collect()
}

#[test]
fn users_arrive_bit_by_bit() {
    let place = Place::new();
    place.run(&["run", PIPELINE, "--only", "users", "--json"]).json(0);
    let columns = query(&place.database(), "SELECT name FROM pragma_table_info('users')");
    let rows = dump(&place.database()).remove("users").unwrap();
    let named = |row: Vec<Cell>| columns.iter().cloned().zip(row).collect::<BTreeMap<String, Cell>>();
    let rows: BTreeMap<Vec<u8>, _> = rows.into_iter().map(named).map(|row| (row["id"].1.clone(), row)).collect();
    let documents = fs::read_to_string(root().join("fixtures/classroom/users.ndjson")).unwrap();
    let mut compared = 0;
    for document in documents.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let id = document["name"].as_str().unwrap().rsplit('/').next().unwrap().as_bytes().to_vec();
        let fields = &document["fields"];
        if fields["active"]["booleanValue"] == false {
            assert!(!rows.contains_key(&id));
            continue;
        }
        let row = &rows[&id];
        let profile = &fields["profile"]["mapValue"]["fields"];
        let place = &profile["location"]["geoPointValue"];
        let expected = [
            ("name", stored(&fields["displayName"])),
            ("points", stored(&fields["points"])),
            ("score", as_double(stored(&fields["score"]))),
            ("bio", stored(&profile["bio"])),
            ("city", stored(&profile["city"])),
            ("avatar", stored(&profile["avatar"])),
            ("latitude", double(&place["latitude"])),
            ("longitude", double(&place["longitude"])),
            ("last_seen_at", as_microseconds(stored(&fields["lastSeenAt"]))),
            ("mentor_id", stored(&fields["mentor"])),
        ];
        for (column, cell) in expected {
            assert_eq!(row[column], cell, "{column} of {}", String::from_utf8_lossy(&id));
        }
        compared += 1;
    }
    assert_eq!(compared, rows.len());
}

/// How a typed value must stand in a column of its type, worked out without fireferry.
fn stored(value: &Value) -> Cell {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return null() };
    let text = value.as_str().unwrap_or_default();
    match kind.as_str() {
        "stringValue" | "timestampValue" => ("text".to_owned(), text.as_bytes().to_vec()),
        "referenceValue" => ("text".to_owned(), text.rsplit('/').next().unwrap().as_bytes().to_vec()),
        "integerValue" => ("integer".to_owned(), text.parse::<i64>().unwrap().to_be_bytes().to_vec()),
        "bytesValue" => ("blob".to_owned(), STANDARD.decode(text).unwrap()),
        "doubleValue" => double(value),
        _ => null(),
    }
}

fn null() -> Cell {
    ("null".to_owned(), Vec::new())
}

fn double(value: &Value) -> Cell {
    value.as_f64().map_or_else(null, |number| ("real".to_owned(), number.to_bits().to_be_bytes().to_vec()))
}

/// Whole numbers of a field that is mapped to a REAL column.
fn as_double((kind, bits): Cell) -> Cell {
    if kind != "integer" {
        return (kind, bits);
    }
    let number = i64::from_be_bytes(bits.try_into().unwrap()) as f64;
    ("real".to_owned(), number.to_bits().to_be_bytes().to_vec())
}

/// The fixed width of six digits.
fn as_microseconds((kind, text): Cell) -> Cell {
    let text = String::from_utf8(text).unwrap();
    let Some((seconds, fraction)) = text.strip_suffix('Z').map(|text| text.split_once('.').unwrap_or((text, "")))
    else {
        return (kind, text.into_bytes());
    };
    (kind, format!("{seconds}.{fraction:0<6}Z").into_bytes())
}
