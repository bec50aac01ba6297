//! `gates`: when it is safe to go.

use std::time::Duration;

use crate::pipeline::decode::{Decode, Fields, Form, Positive, Problems};
use crate::pipeline::mark::At;
use crate::pipeline::resolved::{RejectLimit, Severity};
use crate::pipeline::yaml::{Kind, Node};

/// `gates`
#[derive(Debug, Default)]
pub struct GatesModel {
    /// `consistency_rate`
    pub consistency_rate: Option<GateModel<RejectLimit>>,
    /// `reject_rate`
    pub reject_rate: Option<GateModel<RejectLimit>>,
    /// `lag`
    pub lag: Option<GateModel<Duration>>,
    /// `clean_verifies`
    pub clean_verifies: Option<GateModel<Positive>>,
}

/// One gate: its limit, or a map.
#[derive(Debug)]
pub struct GateModel<T> {
    /// `limit`
    pub limit: At<T>,
    /// `for`
    pub window: Option<Duration>,
    /// `severity`
    pub severity: Option<Severity>,
}

impl crate::pipeline::decode::Choice for Severity {
    const WHAT: &'static str = "a severity";
    const NAMES: &'static [(&'static str, Self)] = &[("warn", Self::Warn), ("stop", Self::Stop)];
}

impl<T: Decode> Decode for GateModel<T> {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        if !matches!(node.kind, Kind::Map(_)) {
            let limit = At { value: T::decode(node, problems)?, mark: node.mark };
            return Some(Self { limit, window: None, severity: None });
        }
        let mut fields = Fields::of(node, "a gate", problems)?;
        let limit = fields.required_at("limit", problems);
        let window = fields.optional("for", problems);
        let severity = fields.choice("severity", problems);
        fields.finish(problems);
        Some(Self { limit: limit?, window, severity })
    }

    fn form() -> Form {
        Form::Either(vec![T::form(), Form::of(Self::decode)])
    }
}

impl Decode for GatesModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, "`gates`", problems)?;
        let model = Self {
            consistency_rate: fields.optional("consistency_rate", problems),
            reject_rate: fields.optional("reject_rate", problems),
            lag: fields.optional("lag", problems),
            clean_verifies: fields.optional("clean_verifies", problems),
        };
        fields.finish(problems);
        Some(model)
    }

    fn form() -> Form {
        Form::of(Self::decode)
    }
}
