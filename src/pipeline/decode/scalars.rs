//! Texts, numbers, sizes, durations, and lists of them.

use std::time::Duration;

use super::{Decode, Form, Problems};
use crate::pipeline::mark::At;
use crate::pipeline::resolved::RejectLimit;
use crate::pipeline::units;
use crate::pipeline::yaml::{Kind, Node};

fn wrong_type<T>(node: &Node, expected: &str, problems: &mut Problems<'_>) -> Option<T> {
    problems.add("wrong_type", node.mark, format!("expected {expected}, found {}", node.describe()));
    None
}

impl Decode for String {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Bool(_) | Kind::Integer(_) | Kind::HugeInteger(_) | Kind::Float(_) => {
                let message = format!("expected text, found {}", node.describe());
                problems.add_with_hint("wrong_type", node.mark, message, "put it in quotes if text is meant");
                None
            }
            _ => wrong_type(node, "text", problems),
        }
    }

    fn form() -> Form {
        Form::Text
    }
}

impl Decode for bool {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match (&node.kind, &node.written) {
            (Kind::Bool(value), _) => Some(*value),
            (Kind::Text(text), Some(_)) if text == "true" || text == "false" => Some(text == "true"),
            _ => wrong_type(node, "`true` or `false`", problems),
        }
    }

    fn form() -> Form {
        Form::Boolean
    }
}

impl Decode for u64 {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let number = match (&node.kind, &node.written) {
            (Kind::Integer(number), _) => u64::try_from(*number).ok(),
            (Kind::Text(text), Some(_)) => text.trim().parse().ok(),
            _ => None,
        };
        number.or_else(|| wrong_type(node, "a whole number, 0 or more", problems))
    }

    fn form() -> Form {
        Form::Number { whole: true, least: 0 }
    }
}

impl Decode for usize {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        usize::try_from(u64::decode(node, problems)?).ok().or_else(|| wrong_type(node, "a smaller number", problems))
    }

    fn form() -> Form {
        u64::form()
    }
}

/// A whole number of at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positive(pub usize);

impl Decode for Positive {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match usize::decode(node, problems)? {
            0 => wrong_type(node, "a number of at least 1", problems),
            number => Some(Self(number)),
        }
    }

    fn form() -> Form {
        Form::Number { whole: true, least: 1 }
    }
}

/// A size in bytes, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Decode for Size {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let size = match &node.kind {
            Kind::Integer(number) => u64::try_from(*number).ok(),
            Kind::Text(text) => units::size(text),
            _ => None,
        };
        size.filter(|size| *size > 0)
            .map(Self)
            .or_else(|| wrong_type(node, "a size like `16MiB`, `1MB` or `1000`", problems))
    }

    fn form() -> Form {
        Form::Written { pattern: units::SIZE, number: Some(1) }
    }
}

/// An amount of money, 0 or more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price(pub f64);

impl Decode for Price {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let price = match (&node.kind, &node.written) {
            #[expect(clippy::cast_precision_loss, reason = "a price")]
            (Kind::Integer(number), _) => Some(*number as f64),
            (Kind::Float(number), _) => Some(*number),
            (Kind::Text(text), Some(_)) => text.trim().parse().ok(),
            _ => None,
        };
        price
            .filter(|price| price.is_finite() && *price >= 0.0)
            .map(Self)
            .or_else(|| wrong_type(node, "a price like `0.06`", problems))
    }

    fn form() -> Form {
        Form::Number { whole: false, least: 0 }
    }
}

impl Decode for Duration {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let duration = match &node.kind {
            Kind::Text(text) => units::duration(text),
            _ => None,
        };
        duration
            .filter(|duration| !duration.is_zero())
            .or_else(|| wrong_type(node, "a duration like `500ms`, `5s`, `10m` or `2h`", problems))
    }

    fn form() -> Form {
        Form::Written { pattern: units::DURATION, number: None }
    }
}

impl Decode for RejectLimit {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let limit = match &node.kind {
            Kind::Integer(number) => u64::try_from(*number).ok().map(Self::Count),
            Kind::Text(text) => units::reject_limit(text),
            _ => None,
        };
        limit.or_else(|| wrong_type(node, "a number of rejects like `100`, or a percentage like `1%`", problems))
    }

    fn form() -> Form {
        Form::Written { pattern: units::REJECT_LIMIT, number: Some(0) }
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(pub Vec<At<T>>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let decoded: Vec<Option<At<T>>> =
            items.iter().map(|item| T::decode(item, problems).map(|value| At { value, mark: item.mark })).collect();
        decoded.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }

    fn form() -> Form {
        Form::Either(vec![T::form(), T::form().list()])
    }
}
