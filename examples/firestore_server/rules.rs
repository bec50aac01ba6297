//! Which queries have an index: only those that Firestore makes by itself, per field and per collection.

use std::collections::BTreeSet;

use tonic::Status;

use crate::query::Plan;
use crate::query::field_path::FieldPath;
use crate::query::filter::{Condition, Filter};

/// Refuses a query that the real service would refuse without further indexes.
pub fn check(plan: &Plan) -> Result<(), Status> {
    let conditions = plan.filter.as_ref().map(Filter::conditions).unwrap_or_default();
    let fields = conditions.iter().any(|condition| !condition.path.is_name())
        || plan.orders.iter().any(|order| !order.path.is_name());
    let Some(collection) = &plan.collection_id else {
        return if fields {
            Err(Status::invalid_argument("kind is required for filter or order on anything but __name__"))
        } else {
            Ok(())
        };
    };
    let alternatives = plan.filter.as_ref().map_or_else(|| vec![vec![]], alternatives);
    let indexed = !(plan.all_descendants && fields)
        && alternatives.iter().all(|conditions| single_field_is_enough(plan, conditions));
    if indexed { Ok(()) } else { Err(refusal(&plan.parent.database, collection)) }
}

/// The filter as alternatives of conditions that hold together.
fn alternatives(filter: &Filter) -> Vec<Vec<&Condition>> {
    match filter {
        Filter::Is(condition) => vec![vec![condition]],
        Filter::Or(parts) => parts.iter().flat_map(alternatives).collect(),
        Filter::And(parts) => parts.iter().map(alternatives).fold(vec![vec![]], |all, more| {
            all.iter().flat_map(|left| more.iter().map(|right| [left.as_slice(), right].concat())).collect()
        }),
    }
}

fn single_field_is_enough(plan: &Plan, conditions: &[&Condition]) -> bool {
    let (unequal, equal): (Vec<_>, Vec<_>) = conditions.iter().partition(|condition| condition.is_inequality());
    let equal: BTreeSet<&FieldPath> = fields(&equal);
    let name_range = unequal.iter().any(|condition| condition.path.is_name());
    // An order by a field that has only one value orders nothing.
    let orders: Vec<_> = plan.orders.iter().filter(|order| !equal.contains(&order.path)).collect();
    let mut ranged = fields(&unequal);
    ranged.extend(orders.iter().map(|order| &order.path).filter(|path| !path.is_name()));
    match ranged.len() {
        // Names are kept in ascending order; the automatic index of an equal field has both directions.
        0 => !equal.is_empty() || orders.iter().all(|order| !order.descending),
        1 => {
            let same_direction = orders.iter().all(|order| order.descending == orders[0].descending);
            let name_last = orders.first().is_some_and(|order| !order.path.is_name());
            equal.iter().all(|path| ranged.contains(path)) && !name_range && same_direction && name_last
        }
        _ => false,
    }
}

fn fields<'a>(conditions: &[&&'a Condition]) -> BTreeSet<&'a FieldPath> {
    conditions.iter().map(|condition| &condition.path).filter(|path| !path.is_name()).collect()
}

fn refusal(database: &str, collection: &str) -> Status {
    let project = database.split('/').nth(1).unwrap_or_default();
    Status::failed_precondition(format!(
        "The query requires an index. You can create it here: https://console.firebase.google.com/v1/r/project/\
         {project}/firestore/indexes?create_composite={collection}"
    ))
}
