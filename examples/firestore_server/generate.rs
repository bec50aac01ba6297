//! Documents out of nothing, for measuring: the same ones every time.

use std::collections::HashMap;

use crate::call::App;
use crate::faults::mix;
use crate::load::loaded_at;
use crate::name::full;
use crate::proto::{ArrayValue, LatLng, MapValue, Timestamp, Value, ValueType, value};
use crate::write::{automatic_id, content};

/// Makes what every `--generate` asks for.
pub fn all(app: &App) -> Result<(), String> {
    for order in &app.args.generate {
        let wrong = || format!("--generate {order}: must be COLLECTION:COUNT[:BYTES]");
        let mut parts = order.split(':');
        let collection = parts.next().filter(|path| path.split('/').count() % 2 == 1).ok_or_else(wrong)?;
        let count: u64 = parts.next().and_then(|count| count.parse().ok()).ok_or_else(wrong)?;
        let bytes: usize = parts.next().map_or(Ok(400), str::parse).map_err(|_| wrong())?;
        generate(app, collection, count, bytes);
    }
    Ok(())
}

fn generate(app: &App, collection: &str, count: u64, bytes: usize) {
    let database = app.args.database_name();
    let shared = app.store.database(&database);
    let mut locked = shared.write();
    let at = loaded_at(app);
    for index in 0..count {
        let path = format!("{collection}/{}", automatic_id(index));
        let name = full(&database, &path);
        let mut document = content(name.clone(), fields(index, &database, 0), at, at);
        let missing = bytes.saturating_sub(document.bytes.len());
        if missing > 0 {
            document = content(name, fields(index, &database, missing), at, at);
        }
        locked.put(&path, at, Some(document));
    }
}

/// Ten fields of mixed types, and so many letters more.
fn fields(index: u64, database: &str, filler: usize) -> HashMap<String, Value> {
    let dice = mix(index);
    let text = |text: String| value(ValueType::StringValue(text));
    let integer = |number: u64| value(ValueType::IntegerValue(number as i64));
    let time =
        Timestamp { seconds: 1_700_000_000 + (dice % 10_000_000) as i64, nanos: (dice % 1_000_000) as i32 * 1_000 };
    let place = LatLng { latitude: (dice % 180) as f64 - 90.0, longitude: (dice % 360) as f64 - 180.0 };
    let city = text(["Łódź", "Köln", "Київ", "Porto"][(dice % 4) as usize].to_owned());
    let address =
        MapValue { fields: HashMap::from([("city".to_owned(), city), ("zip".to_owned(), integer(dice % 99_999))]) };
    let tags = (0..dice % 4).map(|tag| text(format!("tag{tag}"))).collect();
    let filler: String = (0..filler).map(|at| char::from(b'a' + ((index + at as u64) % 26) as u8)).collect();
    [
        ("index", integer(index)),
        ("title", text(format!("Document {index}{filler}"))),
        ("email", text(format!("user{index}@example.com"))),
        ("active", value(ValueType::BooleanValue(dice.is_multiple_of(2)))),
        ("score", value(ValueType::DoubleValue((dice % 100_000) as f64 / 7.0))),
        ("created_at", value(ValueType::TimestampValue(time))),
        ("owner", value(ValueType::ReferenceValue(full(database, &format!("users/{}", automatic_id(dice)))))),
        ("place", value(ValueType::GeoPointValue(place))),
        ("address", value(ValueType::MapValue(address))),
        ("tags", value(ValueType::ArrayValue(ArrayValue { values: tags }))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
