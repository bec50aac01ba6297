//! Foreign key refusals. SQLite names neither key nor value: they are found by asking for each parent.

use super::super::failure::Failure;
use super::super::sql;
use super::super::statement::{Statement, text};
use super::text::equation;
use super::{Around, Refusal, Refused, answer};
use crate::destination::Target;
use crate::domain::json;
use crate::domain::reject::RejectCode;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::domain::schema::ForeignKey;

/// A foreign key whose parent row may be missing, with the row's values for it.
struct Reference<'a> {
    key: &'a ForeignKey,
    values: Vec<&'a SqlValue>,
}

/// Of every key whether its parent is there, and, once it is final, whether the parent was rejected itself.
pub(super) fn questions(around: &Around<'_>, refused: Refused<'_>, document: &MappedDocument) -> Vec<Statement> {
    references(around, refused, document).iter().flat_map(|reference| reference.questions(around)).collect()
}

/// The first foreign key without a parent row.
pub(super) fn explain(
    around: &Around<'_>,
    refused: Refused<'_>,
    document: &MappedDocument,
    answers: &[Vec<Vec<SqlValue>>],
) -> Result<Refusal, Failure> {
    let mut asked = 0;
    for reference in references(around, refused, document) {
        let (parent, rejects) = (asked, asked + 1);
        asked += reference.questions(around).len();
        if !answer(answers, parent)?.is_empty() {
            continue;
        }
        let what = reference.text(refused);
        for question in rejects..asked {
            if let Some(reject) = answer(answers, question)?.first() {
                let (document, code) = (text(reject, 0)?, text(reject, 1)?);
                let reason = format!("{what}: its document {document} was rejected ({code})");
                return Ok(Refusal::new(RejectCode::ParentRejected, reason, true));
            }
        }
        return Ok(Refusal::new(RejectCode::ParentMissing, what, true));
    }
    let reason = format!("rows of other tables refer to this row of {} as it is", refused.table.name);
    Ok(Refusal::new(RejectCode::Constraint, reason, true))
}

/// The keys that may have failed. One with a NULL in it is satisfied; so is one to the document's own row, which was
/// undone with the rest and so is not there to be found.
fn references<'a>(around: &Around<'_>, refused: Refused<'a>, document: &MappedDocument) -> Vec<Reference<'a>> {
    let reference = |key: &'a ForeignKey| {
        let values = key.columns.iter().map(|column| refused.value(column)).collect::<Option<Vec<&SqlValue>>>()?;
        let open = !values.contains(&&SqlValue::Null) && !is_own_row(around, key, &values, document);
        open.then_some(Reference { key, values })
    };
    refused.table.foreign_keys.iter().filter_map(reference).collect()
}

fn is_own_row(around: &Around<'_>, key: &ForeignKey, values: &[&SqlValue], document: &MappedDocument) -> bool {
    let own = |name: &String| {
        let index = around.target.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
        document.row.get(index)
    };
    key.parent.eq_ignore_ascii_case(&around.table.name)
        && key.parent_columns.iter().zip(values).all(|(name, value)| own(name) == Some(*value))
}

impl Reference<'_> {
    /// `orders.user = 'u1' has no row in users.id`.
    fn text(&self, refused: Refused<'_>) -> String {
        let named: Vec<(&str, &SqlValue)> =
            self.key.columns.iter().map(String::as_str).zip(self.values.iter().copied()).collect();
        let parent = match self.key.parent_columns.as_slice() {
            [column] => format!("{}.{column}", self.key.parent),
            columns => format!("{} ({})", self.key.parent, columns.join(", ")),
        };
        format!("{} has no row in {parent}", equation(&refused.table.name, &named))
    }

    /// First whether there is a parent; all others look for a reject that would have been it: document, code, number.
    fn questions(&self, around: &Around<'_>) -> Vec<Statement> {
        let mut questions = vec![self.has_parent()];
        let parent = around.targets.iter().find(|target| target.table.eq_ignore_ascii_case(&self.key.parent));
        if let Some(parent) = parent.filter(|_| around.finalize) {
            questions.extend(self.reject_by_key(around.run, parent));
            questions.extend(self.reject_by_id(around.run, parent));
        }
        questions
    }

    fn has_parent(&self) -> Statement {
        let conditions: Vec<String> = self
            .key
            .parent_columns
            .iter()
            .enumerate()
            .map(|(index, column)| format!("{} = ?{}", sql::quote(column), index + 1))
            .collect();
        let query =
            format!("SELECT 1 FROM {} WHERE {} LIMIT 1", sql::quote(&self.key.parent), conditions.join(" AND "));
        Statement::new(query, self.values.iter().map(|value| (*value).clone()).collect())
    }

    fn reject_by_key(&self, run: &str, parent: &Target) -> Option<Statement> {
        let value = |index: &usize| {
            let column = &parent.columns[*index];
            let position = self.key.parent_columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
            self.values.get(position).copied()
        };
        let ordered: Vec<&SqlValue> = parent.key.iter().map(value).collect::<Option<_>>()?;
        let sql = "SELECT coalesce(CAST(document AS BLOB), key), code, id FROM _fireferry_rejects
                   WHERE run = ?1 AND collection = ?2 AND key = ?3 ORDER BY id LIMIT 1";
        let key = json::encode_key(&ordered);
        let values = vec![run.into(), parent.collection.as_str().into(), key.into()];
        (ordered.len() == self.key.parent_columns.len()).then(|| Statement::new(sql, values))
    }

    /// A document rejected before its key was known is found by its id.
    fn reject_by_id(&self, run: &str, parent: &Target) -> Option<Statement> {
        let [SqlValue::Text(id)] = self.values.as_slice() else { return None };
        let sql = "SELECT CAST(document AS BLOB), code, id FROM _fireferry_rejects
                   WHERE run = ?1 AND collection = ?2 AND document = ?3 ORDER BY id LIMIT 1";
        let document = format!("{}/{id}", parent.collection);
        let values = vec![run.into(), parent.collection.as_str().into(), document.into()];
        parent.collection.is_root().then(|| Statement::new(sql, values))
    }
}
