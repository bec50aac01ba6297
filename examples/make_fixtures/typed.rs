//! Firestore values as the REST interface writes them: every value wrapped in an object that names its type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What every document's name starts with.
pub const ROOT: &str = "projects/classroom/databases/(default)/documents/";

/// A value.
#[derive(Clone)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    /// Microseconds since 1970.
    Time(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// Path of the document, `users/a`.
    Reference(String),
    GeoPoint(f64, f64),
    Array(Vec<Value>),
    Vector(Vec<f64>),
    Map(Fields),
    /// Whatever a broken exporter might write in the place of a value.
    Raw(String),
}

/// Fields in the order in which they are written.
#[derive(Clone, Default)]
pub struct Fields(pub Vec<(String, Value)>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.push((name.to_owned(), value));
        self
    }

    /// Adds a field, or leaves it missing.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Replaces a field.
    #[must_use]
    pub fn changed(mut self, name: &str, value: Value) -> Self {
        for (field, old) in &mut self.0 {
            if field == name {
                *old = value.clone();
            }
        }
        self
    }

    /// Takes a field out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(field, _)| field != name);
        self
    }

    fn json(&self) -> String {
        let fields: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}:{}", quote(name), value.json())).collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// A document, ready to be written as a line.
#[derive(Clone)]
pub struct Document {
    /// `users/a`.
    pub path: String,
    pub fields: Fields,
    /// Microseconds since 1970.
    pub created: i64,
    /// Microseconds since 1970.
    pub updated: i64,
}

impl Document {
    /// One line of the file, without its end.
    pub fn line(&self) -> String {
        format!(
            r#"{{"name":{},"fields":{},"createTime":"{}","updateTime":"{}"}}"#,
            quote(&format!("{ROOT}{}", self.path)),
            self.fields.json(),
            time(self.created),
            time(self.updated)
        )
    }
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn json(&self) -> String {
        match self {
            Self::Null => r#"{"nullValue":null}"#.to_owned(),
            Self::Boolean(value) => format!(r#"{{"booleanValue":{value}}}"#),
            Self::Integer(value) => format!(r#"{{"integerValue":"{value}"}}"#),
            Self::Double(value) => format!(r#"{{"doubleValue":{}}}"#, double(*value)),
            Self::Time(micros) => format!(r#"{{"timestampValue":"{}"}}"#, time(*micros)),
            Self::Text(text) => format!(r#"{{"stringValue":{}}}"#, quote(text)),
            Self::Bytes(bytes) => format!(r#"{{"bytesValue":"{}"}}"#, STANDARD.encode(bytes)),
            Self::Reference(path) => format!(r#"{{"referenceValue":{}}}"#, quote(&format!("{ROOT}{path}"))),
            Self::GeoPoint(latitude, longitude) => {
                format!(
                    r#"{{"geoPointValue":{{"latitude":{},"longitude":{}}}}}"#,
                    double(*latitude),
                    double(*longitude)
                )
            }
            Self::Array(items) => array(items),
            Self::Vector(numbers) => {
                let items: Vec<Self> = numbers.iter().map(|number| Self::Double(*number)).collect();
                let kind = Self::text("__vector__").json();
                format!(r#"{{"mapValue":{{"fields":{{"__type__":{kind},"value":{}}}}}}}"#, array(&items))
            }
            // An empty map or array has no inner key at all, as the real service writes it.
            Self::Map(fields) if fields.0.is_empty() => r#"{"mapValue":{}}"#.to_owned(),
            Self::Map(fields) => format!(r#"{{"mapValue":{{"fields":{}}}}}"#, fields.json()),
            Self::Raw(json) => json.clone(),
        }
    }
}

fn array(items: &[Value]) -> String {
    if items.is_empty() {
        return r#"{"arrayValue":{}}"#.to_owned();
    }
    let items: Vec<String> = items.iter().map(Value::json).collect();
    format!(r#"{{"arrayValue":{{"values":[{}]}}}}"#, items.join(","))
}

/// Text as a JSON string.
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whole doubles have no fraction, and what JSON cannot say is a string: both as the real service writes them.
fn double(value: f64) -> String {
    if value.is_nan() {
        return r#""NaN""#.to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { r#""Infinity""# } else { r#""-Infinity""# }.to_owned();
    }
    let text = serde_json::Value::from(value).to_string();
    match text.strip_suffix(".0") {
        Some(whole) if whole != "-0" => whole.to_owned(),
        _ => text,
    }
}

/// RFC 3339 with no, three or six digits after the second.
pub fn time(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let fraction = match micros.rem_euclid(1_000_000) {
        0 => String::new(),
        fraction if fraction % 1_000 == 0 => format!(".{:03}", fraction / 1_000),
        fraction => format!(".{fraction:06}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// The date so many days after 1970-01-01: libraries stop some hours short of the end of the year 9999.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // from 1 March of the year 0
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153; // from March
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next_year, month, day)
}
