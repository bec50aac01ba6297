//! Asks a file why it refused a document.

use super::super::failure::Failure;
use super::super::refusal::{self, Around, Refusal, Spot};
use super::super::statement::Statement;
use super::write::Commit;
use crate::destination::Target;
use crate::domain::row::{MappedDocument, SqlValue};
use crate::error::Result;

impl Commit<'_> {
    /// The refusal behind a failed statement. Called after the document was undone.
    pub(super) fn classify(&self, document: &MappedDocument, failure: &Failure, spot: Spot) -> Result<Refusal> {
        let targets = self.targets();
        let around = self.around(&targets);
        let answers = self.answers(&refusal::questions(&around, document, failure, spot));
        let refusal = answers.and_then(|answers| refusal::explain(&around, document, failure, spot, &answers));
        refusal.map_err(|failure| self.lost(failure))
    }

    /// The key is there already, but not in a row with exactly this key.
    pub(super) fn other_key(&self, document: &MappedDocument) -> Result<Refusal, Failure> {
        let targets = self.targets();
        let around = self.around(&targets);
        let answers = self.answers(&refusal::other_key_questions(&around, document))?;
        refusal::explain_other_key(&around, document, &answers)
    }

    fn targets(&self) -> Vec<&Target> {
        self.session.targets.iter().map(|plan| &plan.target).collect()
    }

    fn around<'a>(&'a self, targets: &'a [&'a Target]) -> Around<'a> {
        let plan = self.plan();
        Around {
            run: &self.session.run,
            finalize: self.header.finalize,
            target: &plan.target,
            table: &plan.table,
            children: plan.children.iter().map(|child| (&child.child, &child.table)).collect(),
            targets,
        }
    }

    fn answers(&self, questions: &[Statement]) -> Result<Vec<Vec<Vec<SqlValue>>>, Failure> {
        questions.iter().map(|question| self.database.try_rows(question)).collect()
    }
}
