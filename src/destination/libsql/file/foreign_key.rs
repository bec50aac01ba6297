//! Foreign key refusals. SQLite names neither key nor value: they are found by asking for each parent.

use super::super::failure::Failure;
use super::super::refusal::equation;
use super::super::sql;
use super::super::statement::text;
use super::refusal::{Refusal, Refused};
use super::write::Commit;
use crate::domain::json;
use crate::domain::reject::RejectCode;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::domain::schema::ForeignKey;

impl Commit<'_> {
    /// Which parent is missing, and, once it is final, whether the parent was rejected itself.
    pub(super) fn explain_foreign_key(
        &self,
        refused: &Refused<'_>,
        document: &MappedDocument,
    ) -> Result<Refusal, Failure> {
        let Some((key, values)) = self.missing_parent(refused, document)? else {
            return Ok(Refusal::new(
                RejectCode::Constraint,
                format!("rows of other tables refer to this row of {} as it is", refused.table.name),
                true,
            ));
        };
        let named: Vec<(&str, &SqlValue)> =
            key.columns.iter().map(String::as_str).zip(values.iter().copied()).collect();
        let what = format!("{} has no row in {}", equation(&refused.table.name, &named), parent_name(key));
        if let Some((document, code)) = self.rejected_parent(key, &values)?.filter(|_| self.header.finalize) {
            let reason = format!("{what}: its document {document} was rejected ({code})");
            return Ok(Refusal::new(RejectCode::ParentRejected, reason, true));
        }
        Ok(Refusal::new(RejectCode::ParentMissing, what, true))
    }

    /// The first foreign key without a parent row, with the row's values for it.
    fn missing_parent<'a>(
        &self,
        refused: &'a Refused<'_>,
        document: &MappedDocument,
    ) -> Result<Option<(&'a ForeignKey, Vec<&'a SqlValue>)>, Failure> {
        for key in &refused.table.foreign_keys {
            let values: Option<Vec<&SqlValue>> = key.columns.iter().map(|column| refused.value(column)).collect();
            // A key with a NULL in it is satisfied.
            let Some(values) = values.filter(|values| !values.contains(&&SqlValue::Null)) else { continue };
            if !self.is_own_row(key, &values, document) && !self.has_parent(key, &values)? {
                return Ok(Some((key, values)));
            }
        }
        Ok(None)
    }

    /// Whether the parent is the document's own row, which was undone with the rest and so is not there to be found.
    fn is_own_row(&self, key: &ForeignKey, values: &[&SqlValue], document: &MappedDocument) -> bool {
        let plan = self.plan();
        let own = |name: &String| {
            let index = plan.target.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
            document.row.get(index)
        };
        key.parent.eq_ignore_ascii_case(&plan.table.name)
            && key.parent_columns.iter().zip(values).all(|(name, value)| own(name) == Some(*value))
    }

    fn has_parent(&self, key: &ForeignKey, values: &[&SqlValue]) -> Result<bool, Failure> {
        let conditions: Vec<String> = key
            .parent_columns
            .iter()
            .enumerate()
            .map(|(index, column)| format!("{} = ?{}", sql::quote(column), index + 1))
            .collect();
        let query = format!("SELECT 1 FROM {} WHERE {}", sql::quote(&key.parent), conditions.join(" AND "));
        let bound = values.iter().map(|value| (*value).clone()).collect();
        Ok(!self.database.try_query(&format!("{query} LIMIT 1"), bound, |_| Ok(()))?.is_empty())
    }

    /// The reject of this run that would have been the parent row: its document and code.
    fn rejected_parent(&self, key: &ForeignKey, values: &[&SqlValue]) -> Result<Option<(String, String)>, Failure> {
        let parents = self.session.targets.iter().map(|plan| &plan.target);
        let Some(parent) = parents.into_iter().find(|target| target.table.eq_ignore_ascii_case(&key.parent)) else {
            return Ok(None);
        };
        let ordered: Option<Vec<&SqlValue>> = parent
            .key
            .iter()
            .map(|index| {
                let column = &parent.columns[*index];
                let position = key.parent_columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
                values.get(position).copied()
            })
            .collect();
        if let Some(ordered) = ordered.filter(|ordered| ordered.len() == key.parent_columns.len()) {
            let sql = "SELECT coalesce(CAST(document AS BLOB), key), code FROM _fireferry_rejects
                       WHERE run = ?1 AND collection = ?2 AND key = ?3 ORDER BY id LIMIT 1";
            let found = self.find_reject(sql, parent.collection.as_str(), json::encode_key(&ordered))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        // A document rejected before its key was known is found by its id.
        match values {
            [SqlValue::Text(id)] if parent.collection.is_root() => {
                let sql = "SELECT CAST(document AS BLOB), code FROM _fireferry_rejects
                           WHERE run = ?1 AND collection = ?2 AND document = ?3 ORDER BY id LIMIT 1";
                self.find_reject(sql, parent.collection.as_str(), format!("{}/{id}", parent.collection))
            }
            _ => Ok(None),
        }
    }

    fn find_reject(&self, sql: &str, collection: &str, with: String) -> Result<Option<(String, String)>, Failure> {
        let values = vec![self.session.run.as_str().into(), collection.into(), with.into()];
        Ok(self.database.try_query(sql, values, |row| Ok((text(row, 0)?, text(row, 1)?)))?.into_iter().next())
    }
}

fn parent_name(key: &ForeignKey) -> String {
    match key.parent_columns.as_slice() {
        [column] => format!("{}.{column}", key.parent),
        columns => format!("{} ({})", key.parent, columns.join(", ")),
    }
}
