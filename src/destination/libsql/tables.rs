//! Tables that a pipeline writes must be there, with their columns.

use crate::destination::Target;
use crate::domain::schema::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// The table with these columns.
///
/// # Errors
/// Code `table_missing`, naming what is.
pub(super) fn require(schema: &Schema, name: &str, columns: &[String], target: &Target) -> Result<Table> {
    let missing = |what: String| {
        Error::new(ErrorKind::Destination, "table_missing", what)
            .collection(target.collection.as_str())
            .hint("apply the migrations with `fireferry schema up`, or correct the pipeline")
    };
    let table = schema.table(name).ok_or_else(|| missing(format!("the destination has no table {name}")))?;
    if let Some(column) = target.on_conflict.column().filter(|_| target.deciding().is_none()) {
        return Err(missing(format!("`{}` decides by column {column}, which is not mapped", target.on_conflict)));
    }
    match columns.iter().find(|column| table.column(column).is_none()) {
        Some(column) => Err(missing(format!("table {name} has no column {column}"))),
        None => Ok(table.clone()),
    }
}
