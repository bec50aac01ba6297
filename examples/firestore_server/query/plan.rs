//! A structured query, checked, and the documents that it finds.

use std::ops::Bound;

use tonic::Status;

use super::filter::{Candidate, Filter};
use super::mask::Mask;
use super::order::{Cursor, Order, Place, compare_places, complete, places};
use crate::args::Indexes;
use crate::call::App;
use crate::name::Name;
use crate::proto::StructuredQuery;
use crate::rules;
use crate::store::{Found, Range, Scan, Snapshot, encode_path, push_segment, tighter};

/// What to find.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Below what.
    pub parent: Name,
    /// In which collections; `None` for all.
    pub collection_id: Option<String>,
    /// At any depth.
    pub all_descendants: bool,
    /// Which documents.
    pub filter: Option<Filter>,
    /// In which order; ends with the name.
    pub orders: Vec<Order>,
    /// From where.
    pub start: Option<Cursor>,
    /// To where.
    pub end: Option<Cursor>,
    /// Only these fields.
    pub mask: Option<Mask>,
    /// Left out at the start.
    pub offset: u64,
    /// At most so many.
    pub limit: Option<u64>,
}

/// Documents as they are found.
pub type Rows = Box<dyn Iterator<Item = Result<Found, Status>> + Send>;

impl Plan {
    /// Checks a query, and whether it has an index.
    pub fn new(app: &App, parent: &str, query: &StructuredQuery) -> Result<Self, Status> {
        let parent = Name::parent(parent)?;
        let selector = match query.from.as_slice() {
            [] => Default::default(),
            [one] => one.clone(),
            _ => return Err(Status::invalid_argument("A query can only have one collection selector.")),
        };
        if query.find_nearest.is_some() {
            return Err(Status::unimplemented("vector search is not part of this server"));
        }
        let filter = query.r#where.as_ref().map(|filter| Filter::parse(filter, &parent.database)).transpose()?;
        let orders = complete(&query.order_by, filter.as_ref())?;
        let limit = query.limit.map(u64::try_from).transpose();
        let (Ok(limit), Ok(offset)) = (limit, u64::try_from(query.offset)) else {
            return Err(Status::invalid_argument("limit and offset must not be negative."));
        };
        let plan = Self {
            start: Cursor::parse(query.start_at.as_ref(), &orders, &parent.database)?,
            end: Cursor::parse(query.end_at.as_ref(), &orders, &parent.database)?,
            collection_id: Some(selector.collection_id).filter(|id| !id.is_empty()),
            all_descendants: selector.all_descendants,
            mask: Mask::of_query(query.select.as_ref())?,
            parent,
            filter,
            orders,
            offset,
            limit,
        };
        if app.args.indexes == Indexes::Automatic {
            rules::check(&plan)?;
        }
        if plan.offset > 0 {
            app.billing.offset();
        }
        Ok(plan)
    }

    /// Everything that it finds at a time, with `offset` and `limit` not yet applied.
    pub fn rows(&self, snapshot: Snapshot) -> Rows {
        let scan = Scan::new(snapshot, self.range());
        let filter = self.filter.clone();
        let matching = scan.filter(move |found| match (found, &filter) {
            (Ok(found), Some(filter)) => filter.matches(&Candidate::new(&found.key, &found.content.bytes)),
            _ => true,
        });
        if self.by_name() { Box::new(matching) } else { self.sorted(matching) }
    }

    /// Whether the order of the store is the order of the query.
    fn by_name(&self) -> bool {
        self.orders.first().is_some_and(|order| order.path.is_name())
    }

    /// Holds references to everything in memory: it is small beside the documents themselves.
    fn sorted(&self, matching: impl Iterator<Item = Result<Found, Status>>) -> Rows {
        let mut rows = Vec::new();
        for found in matching {
            let found = match found {
                Ok(found) => found,
                Err(status) => return Box::new(std::iter::once(Err(status))),
            };
            let Some(places) = places(&self.orders, &found.key, &Candidate::new(&found.key, &found.content.bytes))
            else {
                continue;
            };
            let inside = self.start.as_ref().is_none_or(|start| start.starts(&self.orders, &places))
                && self.end.as_ref().is_none_or(|end| end.ends(&self.orders, &places));
            if inside {
                rows.push((places, found));
            }
        }
        rows.sort_unstable_by(|(a, _), (b, _)| compare_places(&self.orders, a, b));
        Box::new(rows.into_iter().map(|(_, found)| Ok(found)))
    }

    /// The names to look at.
    fn range(&self) -> Range {
        let mut prefix = encode_path(&self.parent.path);
        let mut collection_length = None;
        if let (Some(id), false) = (&self.collection_id, self.all_descendants) {
            push_segment(&mut prefix, id);
            collection_length = Some(prefix.len());
        }
        let (mut lower, mut upper) = (Bound::Unbounded, Bound::Unbounded);
        if let Some(filter) = &self.filter {
            (lower, upper) = filter.name_bounds();
        }
        let descending = self.by_name() && self.orders.first().is_some_and(|order| order.descending);
        if self.by_name() {
            let start = self.start.as_ref().and_then(|start| bound(start, start.before));
            let end = self.end.as_ref().and_then(|end| bound(end, !end.before));
            let (from, to) = if descending { (end, start) } else { (start, end) };
            lower = tighter(lower, from.unwrap_or(Bound::Unbounded), true);
            upper = tighter(upper, to.unwrap_or(Bound::Unbounded), false);
        }
        let grandchildren = self.collection_id.is_none() && !self.all_descendants;
        let collection_id = self.collection_id.clone();
        Range { collection_id, prefix, collection_length, grandchildren, lower, upper, descending }
    }
}

fn bound(cursor: &Cursor, inclusive: bool) -> Option<Bound<Vec<u8>>> {
    match cursor.places.first()? {
        Place::Key(key) if inclusive => Some(Bound::Included(key.clone())),
        Place::Key(key) => Some(Bound::Excluded(key.clone())),
        Place::Value(_) => None,
    }
}
