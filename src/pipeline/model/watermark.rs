//! `watermark` of a collection.

use std::time::Duration;

use super::collection::choice_at;
use crate::domain::watermark::TimeUnit;
use crate::pipeline::decode::{Choice, Decode, Fields, Form, Problems};
use crate::pipeline::mark::At;
use crate::pipeline::yaml::{Kind, Node};

/// `watermark`: a field path, or a map.
#[derive(Debug)]
pub struct WatermarkModel {
    /// `field`
    pub field: At<String>,
    /// `type`
    pub unit: Option<TimeUnit>,
    /// `overlap`
    pub overlap: Option<Duration>,
}

impl Choice for TimeUnit {
    const WHAT: &'static str = "a type of a watermark";
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[("date", "timestamp"), ("datetime", "timestamp")];
    const NAMES: &'static [(&'static str, Self)] = &[
        ("timestamp", Self::Timestamp),
        ("seconds", Self::Seconds),
        ("millis", Self::Millis),
        ("micros", Self::Micros),
    ];
}

impl Decode for WatermarkModel {
    fn decode(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        if let Kind::Text(field) = &node.kind {
            let field = At { value: field.clone(), mark: node.mark };
            return Some(Self { field, unit: None, overlap: None });
        }
        let mut fields = Fields::of(node, "a watermark", problems)?;
        let field = fields.required_at("field", problems);
        let unit = choice_at(&mut fields, "type", problems).map(|unit| unit.value);
        let overlap = fields.optional("overlap", problems);
        fields.finish(problems);
        Some(Self { field: field?, unit, overlap })
    }

    fn form() -> Form {
        Form::Either(vec![Form::Text, Form::of(Self::decode)])
    }
}
