//! One entry of `tests`.

use crate::pipeline::decode::{Decode, Fields, Form, Problems, entries};
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::yaml::{Key, Node};

/// A test.
#[derive(Debug)]
pub struct TestModel {
    /// `name`
    pub name: Option<String>,
    /// `collection`
    pub collection: Option<At<String>>,
    /// `id`
    pub id: Option<At<String>>,
    /// `path`
    pub path: Option<At<String>>,
    /// `file`
    pub file: Option<String>,
    /// `created`
    pub created: Option<At<String>>,
    /// `updated`
    pub updated: Option<At<String>>,
    /// `document`
    pub document: Option<Node>,
    /// `rows`, `skipped` or `rejected`
    pub expect: Option<ExpectModel>,
    /// The entry.
    pub mark: Mark,
}

/// What must come out.
#[derive(Debug)]
pub enum ExpectModel {
    /// `rows`: table to rows.
    Rows(Vec<(Key, Node)>),
    /// `skipped: true`
    Skipped,
    /// `rejected: code`
    Rejected(At<String>),
}

impl Decode for TestModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "a test", problems)?;
        let model = Self {
            mark: fields.mark(),
            name: fields.optional("name", problems),
            collection: fields.required_at("collection", problems),
            id: fields.optional_at("id", problems),
            path: fields.optional_at("path", problems),
            file: fields.optional("file", problems),
            created: fields.optional_at("created", problems),
            updated: fields.optional_at("updated", problems),
            document: fields.required_node("document", || Form::Any.map()).cloned(),
            expect: expectation(&mut fields, problems),
        };
        fields.finish(problems);
        Some(model)
    }

    fn form() -> Form {
        Form::of(Self::decode)
    }
}

/// Exactly one of the three must be there.
fn expectation(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<ExpectModel> {
    let mark = fields.mark();
    let rows = fields.node("rows", || Form::Any.map().list().map());
    let skipped = fields.optional::<bool>("skipped", problems).filter(|skipped| *skipped);
    let rejected = fields.optional_at::<String>("rejected", problems);
    if usize::from(rows.is_some()) + usize::from(skipped.is_some()) + usize::from(rejected.is_some()) != 1 {
        let hint = "say `rows: { TABLE: [ … ] }`, `skipped: true` or `rejected: CODE`";
        problems.add_with_hint("invalid_test", mark, "a test expects exactly one outcome", hint);
        return None;
    }
    match (rows, rejected) {
        (Some(rows), _) => entries(rows, "a map of tables", problems).map(|list| ExpectModel::Rows(list.to_vec())),
        (None, Some(code)) => Some(ExpectModel::Rejected(code)),
        (None, None) => Some(ExpectModel::Skipped),
    }
}
