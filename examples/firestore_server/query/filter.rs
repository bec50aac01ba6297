//! Which documents a query wants.

use std::cell::OnceCell;
use std::ops::Bound;

use tonic::Status;

use super::field_path::FieldPath;
use crate::name::Name;
use crate::proto::structured_query::composite_filter::Operator as Composite;
use crate::proto::structured_query::field_filter::Operator as Op;
use crate::proto::structured_query::filter::FilterType;
use crate::proto::structured_query::unary_filter::{OperandType, Operator as Unary};
use crate::proto::structured_query::{FieldReference, Filter as Proto};
use crate::proto::{Bytes, Document, Message, Value, ValueType, value};
use crate::store::{Bounds, encode_path, tighter};
use crate::value::{comparable, compare, rank};

/// A filter, ready to be applied.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// One of them.
    Or(Vec<Filter>),
    /// A comparison.
    Is(Condition),
}

/// A comparison of a field with one or several values.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The field.
    pub path: FieldPath,
    /// How to compare.
    pub op: Op,
    /// With what; several for `IN` and its kind.
    pub values: Vec<Value>,
    /// For the document's name: the same as keys.
    pub keys: Vec<Vec<u8>>,
}

/// A document that may match; decoded only where a field is asked for.
pub struct Candidate<'a> {
    key: &'a [u8],
    bytes: &'a Bytes,
    document: OnceCell<Document>,
}

impl<'a> Candidate<'a> {
    /// A stored document.
    pub fn new(key: &'a [u8], bytes: &'a Bytes) -> Self {
        Self { key, bytes, document: OnceCell::new() }
    }

    /// Its fields.
    pub fn document(&self) -> &Document {
        self.document.get_or_init(|| Document::decode(self.bytes.clone()).unwrap_or_default())
    }
}

fn invalid(message: impl Into<String>) -> Status {
    Status::invalid_argument(message)
}

impl Filter {
    /// Checks a filter of a query on a database.
    pub fn parse(filter: &Proto, database: &str) -> Result<Self, Status> {
        match filter.filter_type.as_ref().ok_or_else(|| invalid("filter type is not set"))? {
            FilterType::CompositeFilter(composite) => {
                let parts: Result<Vec<_>, _> =
                    composite.filters.iter().map(|part| Self::parse(part, database)).collect();
                match (parts?, composite.op()) {
                    (parts, _) if parts.is_empty() => Err(invalid("composite filter without filters")),
                    (parts, Composite::And) => Ok(Self::And(parts)),
                    (parts, Composite::Or) => Ok(Self::Or(parts)),
                    (_, Composite::Unspecified) => Err(invalid("composite filter operator is not set")),
                }
            }
            FilterType::FieldFilter(filter) => {
                let path = field(filter.field.as_ref())?;
                let value = filter.value.as_ref().ok_or_else(|| invalid("filter without a value"))?;
                Condition::new(path, filter.op(), value, database).map(Self::Is)
            }
            FilterType::UnaryFilter(filter) => {
                let Some(OperandType::Field(operand)) = &filter.operand_type else {
                    return Err(invalid("unary filter without a field"));
                };
                let nan = value(ValueType::DoubleValue(f64::NAN));
                let null = value(ValueType::NullValue(0));
                let (op, value) = match filter.op() {
                    Unary::IsNan => (Op::Equal, nan),
                    Unary::IsNotNan => (Op::NotEqual, nan),
                    Unary::IsNull => (Op::Equal, null),
                    Unary::IsNotNull => (Op::NotEqual, null),
                    Unary::Unspecified => return Err(invalid("unary filter operator is not set")),
                };
                Condition::new(field(Some(operand))?, op, &value, database).map(Self::Is)
            }
        }
    }

    /// Whether a document is wanted.
    pub fn matches(&self, candidate: &Candidate<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(candidate)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(candidate)),
            Self::Is(condition) if condition.path.is_name() => condition.name_matches(candidate.key),
            Self::Is(condition) => {
                condition.path.find(candidate.document()).is_some_and(|value| condition.matches(value))
            }
        }
    }

    /// All conditions, wherever they stand.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::conditions).collect(),
            Self::Is(condition) => vec![condition],
        }
    }

    /// The names between which every match must be.
    pub fn name_bounds(&self) -> Bounds {
        match self {
            Self::And(parts) => parts
                .iter()
                .map(Self::name_bounds)
                .fold((Bound::Unbounded, Bound::Unbounded), |(lower, upper), (from, to)| {
                    (tighter(lower, from, true), tighter(upper, to, false))
                }),
            Self::Is(Condition { op, keys, .. }) if keys.len() == 1 => {
                let key = keys[0].clone();
                match op {
                    Op::LessThan => (Bound::Unbounded, Bound::Excluded(key)),
                    Op::LessThanOrEqual => (Bound::Unbounded, Bound::Included(key)),
                    Op::GreaterThan => (Bound::Excluded(key), Bound::Unbounded),
                    Op::GreaterThanOrEqual => (Bound::Included(key), Bound::Unbounded),
                    Op::Equal => (Bound::Included(key.clone()), Bound::Included(key)),
                    _ => (Bound::Unbounded, Bound::Unbounded),
                }
            }
            Self::Is(_) | Self::Or(_) => (Bound::Unbounded, Bound::Unbounded),
        }
    }
}

/// The path of a field reference.
pub fn field(reference: Option<&FieldReference>) -> Result<FieldPath, Status> {
    FieldPath::parse(&reference.ok_or_else(|| invalid("a field is not set"))?.field_path)
}

impl Condition {
    fn new(path: FieldPath, op: Op, value: &Value, database: &str) -> Result<Self, Status> {
        let most = match op {
            Op::In | Op::ArrayContainsAny => 30,
            Op::NotIn => 10,
            Op::Unspecified => return Err(invalid("filter operator is not set")),
            _ => 0,
        };
        let values = match &value.value_type {
            Some(ValueType::ArrayValue(array)) if most > 0 => array.values.clone(),
            _ if most > 0 => return Err(invalid(format!("'{}' requires an ArrayValue.", op.as_str_name()))),
            _ => vec![value.clone()],
        };
        if most > 0 && !(1..=most).contains(&values.len()) {
            return Err(invalid(format!("'{}' requires 1 to {most} values.", op.as_str_name())));
        }
        let mut keys = Vec::new();
        if path.is_name() {
            if matches!(op, Op::ArrayContains | Op::ArrayContainsAny) {
                return Err(invalid("__key__ is no array"));
            }
            keys = values.iter().map(|value| key(value, database)).collect::<Result<_, _>>()?;
        }
        Ok(Self { path, op, values, keys })
    }

    /// Whether it leaves a range rather than single values.
    pub fn is_inequality(&self) -> bool {
        !matches!(self.op, Op::Equal | Op::In | Op::ArrayContains | Op::ArrayContainsAny)
    }

    fn name_matches(&self, found: &[u8]) -> bool {
        let any = |test: fn(std::cmp::Ordering) -> bool| self.keys.iter().any(|key| test(found.cmp(key.as_slice())));
        match self.op {
            Op::LessThan => any(std::cmp::Ordering::is_lt),
            Op::LessThanOrEqual => any(std::cmp::Ordering::is_le),
            Op::GreaterThan => any(std::cmp::Ordering::is_gt),
            Op::GreaterThanOrEqual => any(std::cmp::Ordering::is_ge),
            Op::Equal | Op::In => any(std::cmp::Ordering::is_eq),
            _ => !any(std::cmp::Ordering::is_eq),
        }
    }

    fn matches(&self, found: &Value) -> bool {
        let wanted = &self.values[0];
        let among = |value: &Value| self.values.iter().any(|wanted| compare(value, wanted).is_eq());
        let in_range = |test: fn(std::cmp::Ordering) -> bool| comparable(found, wanted) && test(compare(found, wanted));
        let elements = match &found.value_type {
            Some(ValueType::ArrayValue(array)) => array.values.as_slice(),
            _ => &[],
        };
        match self.op {
            Op::LessThan => in_range(std::cmp::Ordering::is_lt),
            Op::LessThanOrEqual => in_range(std::cmp::Ordering::is_le),
            Op::GreaterThan => in_range(std::cmp::Ordering::is_gt),
            Op::GreaterThanOrEqual => in_range(std::cmp::Ordering::is_ge),
            Op::Equal | Op::In => among(found),
            // Null is neither equal nor unequal to anything; a null in the list leaves nothing.
            Op::NotEqual => rank(found) != 0 && !among(found),
            Op::NotIn => rank(found) != 0 && !among(found) && self.values.iter().all(|value| rank(value) != 0),
            Op::ArrayContains | Op::ArrayContainsAny => elements.iter().any(among),
            Op::Unspecified => false,
        }
    }
}

/// The key of a reference value in this database. The document need not exist.
pub fn key(value: &Value, database: &str) -> Result<Vec<u8>, Status> {
    match &value.value_type {
        Some(ValueType::ReferenceValue(name)) => Ok(encode_path(&Name::document_in(database, name)?.path)),
        _ => Err(invalid("__key__ filter value must be a Key")),
    }
}
