//! Whether a conflict strategy fits a collection.

use super::decode::nearest;
use crate::destination::OnConflict;
use crate::domain::mapping::{ColumnType, Mapping};

/// Why a strategy does not fit.
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Why the column that the strategy names cannot decide between a row and a document; `None` where it can.
pub fn conflict_misfit(strategy: &OnConflict, mapping: &Mapping) -> Option<Misfit> {
    let name = strategy.column()?;
    let (collection, table) = (&mapping.collection, &mapping.table);
    let found = mapping.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let Some(index) = found else {
        let message = format!("`{name}`, which decides conflicts, is not a mapped column of `{collection}`");
        let hint = match nearest(name, mapping.columns.iter().map(|column| column.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("map it, e.g. `{name}: $updated`, or give `{collection}` an `on_conflict` of its own"),
        };
        return Some(Misfit { message, hint });
    };
    let hint = "name a column that says when the document was changed".to_owned();
    if mapping.key.contains(&index) {
        let message = format!("`{name}` is part of the key of `{table}`: it is the same wherever there is a conflict");
        return Some(Misfit { message, hint });
    }
    let kind = mapping.columns[index].kind;
    let orders = !matches!(kind, ColumnType::Json | ColumnType::Vector32 | ColumnType::Vector64);
    let message = format!("`{name}` of `{table}` is stored as {kind}, whose order says nothing about which is newer");
    (!orders).then_some(Misfit { message, hint })
}
