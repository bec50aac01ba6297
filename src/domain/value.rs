//! Field values: every Firestore type, exactly.

pub use super::timestamp::Timestamp;

/// One field value. Keeps what the source said: integers and doubles are different, so are missing
/// (absent from its [`Map`]) and null.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An explicit null.
    Null,
    /// true or false.
    Boolean(bool),
    /// A 64-bit integer, exact.
    Integer(i64),
    /// A double, exact by bits; NaN and infinities are values here.
    Double(f64),
    /// A point in time, to the nanosecond.
    Timestamp(Timestamp),
    /// Text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A reference to a document, as its path relative to the database root (`users/alice`), or the full
    /// `projects/…/documents/…` name when it points into another database.
    Reference(String),
    /// A place on Earth.
    GeoPoint(GeoPoint),
    /// A list.
    Array(Vec<Value>),
    /// A vector embedding.
    Vector(Vec<f64>),
    /// A nested map.
    Map(Map),
    /// A value the source holds that no Firestore type can: it is a reject where it is mapped, and does no harm
    /// where it is not.
    Invalid(Box<InvalidValue>),
}

/// Latitude and longitude in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeoPoint {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// A value that cannot be represented, with the text that stood in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// Why, e.g. [`super::reject::RejectCode::IntegerOverflow`].
    pub code: super::reject::RejectCode,
    /// What stood there, as text.
    pub text: String,
}

impl Value {
    /// The name of the type as users write it (`integer`, `timestamp`, …).
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Double(_) => "double",
            Self::Timestamp(_) => "timestamp",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Reference(_) => "reference",
            Self::GeoPoint(_) => "geopoint",
            Self::Array(_) => "array",
            Self::Vector(_) => "vector",
            Self::Map(_) => "map",
            Self::Invalid(_) => "invalid",
        }
    }

    /// A value that no type can hold, with the text that stood in the source.
    pub fn invalid(code: super::reject::RejectCode, text: impl Into<String>) -> Self {
        Self::Invalid(Box::new(InvalidValue { code, text: text.into() }))
    }
}

/// Fields by name, in the order of the source. Names are unique.
///
/// A vector, not a tree: documents have few fields, and building is on the hot path.
#[derive(Debug, Clone, Default)]
pub struct Map(Vec<(FieldName, Value)>);

/// Short ones, nearly all, are kept in place.
pub type FieldName = compact_str::CompactString;

/// Maps up to this size look for duplicates by walking; larger ones check once at the end.
const SMALL: usize = 24;

impl Map {
    /// An empty map.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An empty map with room for `capacity` fields.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// The value of a field; `None` when it is missing.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Adds or replaces a field.
    pub fn insert(&mut self, name: impl Into<FieldName>, value: Value) {
        let name = name.into();
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let index = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(index).1)
    }

    /// Builds a map from fields in source order, or gives back the name that occurs twice.
    pub fn from_fields(mut fields: Vec<(FieldName, Value)>) -> Result<Self, FieldName> {
        if fields.len() <= SMALL {
            for (index, (name, _)) in fields.iter().enumerate() {
                if fields[..index].iter().any(|(earlier, _)| earlier == name) {
                    return Err(name.clone());
                }
            }
        } else {
            let mut seen = std::collections::HashSet::with_capacity(fields.len());
            if let Some((name, _)) = fields.iter().find(|(name, _)| !seen.insert(name.as_str())) {
                return Err(name.clone());
            }
        }
        // Whoever collects them does not know how many there will be.
        if fields.len() <= fields.capacity() / 2 {
            fields.shrink_to_fit();
        }
        Ok(Self(fields))
    }

    /// Fields in source order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Map {
    /// Order does not matter, as in Firestore.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl IntoIterator for Map {
    type Item = (FieldName, Value);
    type IntoIter = std::vec::IntoIter<(FieldName, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<N: Into<FieldName>> FromIterator<(N, Value)> for Map {
    /// Later fields replace earlier ones of the same name.
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(fields: I) -> Self {
        let mut map = Self::new();
        for (name, value) in fields {
            map.insert(name, value);
        }
        map
    }
}
