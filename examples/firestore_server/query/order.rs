//! In which order a query's results come, and where cursors stand in it.

use std::cmp::Ordering;

use tonic::Status;

use super::field_path::FieldPath;
use super::filter::{Candidate, Filter, field, key};
use crate::proto::structured_query::{Direction, Order as Proto};
use crate::proto::{Cursor as ProtoCursor, Value};
use crate::value::compare;

/// One key of the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The field; `__name__` for the document's name.
    pub path: FieldPath,
    /// From large to small.
    pub descending: bool,
}

/// The order with everything that goes without saying: fields of inequalities, then the name.
pub fn complete(orders: &[Proto], filter: Option<&Filter>) -> Result<Vec<Order>, Status> {
    let mut complete = Vec::new();
    for order in orders {
        let descending = order.direction() == Direction::Descending;
        complete.push(Order { path: field(order.field.as_ref())?, descending });
    }
    let descending = complete.last().is_some_and(|order| order.descending);
    let mut unequal: Vec<FieldPath> = filter
        .map(Filter::conditions)
        .unwrap_or_default()
        .into_iter()
        .filter(|condition| condition.is_inequality() && !condition.path.is_name())
        .map(|condition| condition.path.clone())
        .collect();
    unequal.sort();
    unequal.push(FieldPath(vec!["__name__".to_owned()]));
    for path in unequal {
        if !complete.iter().any(|order| order.path == path) {
            complete.push(Order { path, descending });
        }
    }
    // Names are unique: what is ordered after them changes nothing.
    let name = complete.iter().position(|order| order.path.is_name());
    name.inspect(|name| complete.truncate(name + 1));
    Ok(complete)
}

/// The place of a document in an order.
#[derive(Debug, Clone)]
pub enum Place {
    /// A field's value.
    Value(Value),
    /// The name.
    Key(Vec<u8>),
}

impl Place {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(a), Self::Value(b)) => compare(a, b),
            (Self::Key(a), Self::Key(b)) => a.cmp(b),
            (Self::Value(_), Self::Key(_)) => Ordering::Less,
            (Self::Key(_), Self::Value(_)) => Ordering::Greater,
        }
    }
}

/// Where a document stands; `None` when it lacks a field, and with it its place in the results.
pub fn places(orders: &[Order], found: &[u8], candidate: &Candidate<'_>) -> Option<Vec<Place>> {
    let place = |order: &Order| {
        if order.path.is_name() {
            Some(Place::Key(found.to_vec()))
        } else {
            order.path.find(candidate.document()).cloned().map(Place::Value)
        }
    };
    orders.iter().map(place).collect()
}

/// Compares as far as both reach: a cursor may have fewer values than the order has keys.
pub fn compare_places(orders: &[Order], a: &[Place], b: &[Place]) -> Ordering {
    let each = orders.iter().zip(a.iter().zip(b)).map(|(order, (a, b))| {
        let ordering = a.compare(b);
        if order.descending { ordering.reverse() } else { ordering }
    });
    each.fold(Ordering::Equal, Ordering::then)
}

/// A start or an end.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// Where.
    pub places: Vec<Place>,
    /// Just before everything that stands there, rather than just after.
    pub before: bool,
}

impl Cursor {
    /// Checks a cursor; without values it is none.
    pub fn parse(cursor: Option<&ProtoCursor>, orders: &[Order], database: &str) -> Result<Option<Self>, Status> {
        let Some(cursor) = cursor.filter(|cursor| !cursor.values.is_empty()) else { return Ok(None) };
        if cursor.values.len() > orders.len() {
            return Err(Status::invalid_argument("Cursor has too many values."));
        }
        let place = |(value, order): (&Value, &Order)| {
            if order.path.is_name() { key(value, database).map(Place::Key) } else { Ok(Place::Value(value.clone())) }
        };
        let places: Result<_, _> = cursor.values.iter().zip(orders).map(place).collect();
        Ok(Some(Self { places: places?, before: cursor.before }))
    }

    /// Whether results that start here hold a document.
    pub fn starts(&self, orders: &[Order], places: &[Place]) -> bool {
        let ordering = compare_places(orders, places, &self.places);
        ordering.is_gt() || (self.before && ordering.is_eq())
    }

    /// Whether results that end here hold a document.
    pub fn ends(&self, orders: &[Order], places: &[Place]) -> bool {
        let ordering = compare_places(orders, places, &self.places);
        ordering.is_lt() || (!self.before && ordering.is_eq())
    }
}
