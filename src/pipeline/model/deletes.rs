//! `deletes` of a collection.

use crate::pipeline::decode::{Decode, Fields, Form, Problems};
use crate::pipeline::mark::At;
use crate::pipeline::yaml::{Kind, Node};

/// What becomes of rows whose documents were deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletesModel {
    /// `ignore`: they stay.
    Ignore,
    /// `hard`: they are deleted.
    Hard,
    /// `{ soft: COLUMN }`: the column says since when.
    Soft(At<String>),
}

impl Decode for DeletesModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Text(text) if text == "ignore" => Some(Self::Ignore),
            Kind::Text(text) if text == "hard" => Some(Self::Hard),
            Kind::Map(_) => {
                let mut fields = Fields::of(node, "`deletes`", problems)?;
                let column = fields.required_at("soft", problems);
                fields.finish(problems);
                column.map(Self::Soft)
            }
            _ => {
                let message = format!("`deletes` cannot be {}", node.describe());
                problems.add_with_hint("unknown_name", node.mark, message, "valid: ignore, hard, { soft: COLUMN }");
                None
            }
        }
    }

    fn form() -> Form {
        Form::Either(vec![Form::Names(vec!["ignore", "hard"]), Form::of(Self::decode)])
    }
}
