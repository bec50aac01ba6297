//! A validator for the part of JSON Schema that `pipeline-schema` uses; any other keyword is a failure.

use regex::Regex;
use serde_json::{Map, Value};

/// The YAML as JSON, with the booleans of YAML 1.2, as the program and editors read it.
pub fn parsed(yaml: &str) -> Option<Value> {
    serde_saphyr::from_str_with_options(yaml, serde_saphyr::options! { strict_booleans: true }).ok()
}

/// What is wrong with the value, with its place; `None` when it is valid.
pub fn complaint(schema: &Value, value: &Value) -> Option<String> {
    Validator { root: schema }.check(schema, value, "")
}

struct Validator<'s> {
    root: &'s Value,
}

impl Validator<'_> {
    fn check(&self, schema: &Value, value: &Value, place: &str) -> Option<String> {
        let schema = schema.as_object().expect("a schema is a map");
        schema.iter().find_map(|(keyword, rule)| self.keyword(schema, keyword, rule, value, place))
    }

    fn keyword(
        &self,
        schema: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
        place: &str,
    ) -> Option<String> {
        let wrong = |holds: bool| (!holds).then(|| format!("{place}: {value} is not {keyword} {rule}"));
        match keyword {
            "$schema" | "title" | "description" | "definitions" => None,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
                self.check(&self.root["definitions"][name], value, place)
            }
            "type" => {
                let names = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                wrong(names.iter().any(|name| is_type(name.as_str().unwrap(), value)))
            }
            "enum" => wrong(rule.as_array().unwrap().contains(value)),
            "const" => wrong(rule == value),
            "minimum" => wrong(value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap())),
            "pattern" => {
                wrong(value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)))
            }
            "minProperties" => wrong(value.as_object().is_none_or(|map| map.len() as u64 >= rule.as_u64().unwrap())),
            "required" => {
                wrong(value.as_object().is_none_or(|map| {
                    rule.as_array().unwrap().iter().all(|key| map.contains_key(key.as_str().unwrap()))
                }))
            }
            "anyOf" => {
                let all: Vec<Option<String>> =
                    rule.as_array().unwrap().iter().map(|one| self.check(one, value, place)).collect();
                let deepest = all.iter().flatten().max_by_key(|why| why.find(':')).cloned();
                if all.iter().any(Option::is_none) { None } else { deepest }
            }
            "allOf" => rule.as_array().unwrap().iter().find_map(|one| self.check(one, value, place)),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.into_iter().find_map(|(index, item)| self.check(rule, item, &format!("{place}/{index}")))
            }
            "properties" => self.each(value, place, |key| rule.get(key).cloned()),
            "patternProperties" => self.each(value, place, |key| by_pattern(rule, key)),
            "additionalProperties" => {
                let known = |key: &str| {
                    let listed = schema.get("properties").is_some_and(|known| known.get(key).is_some());
                    listed || schema.get("patternProperties").is_some_and(|known| by_pattern(known, key).is_some())
                };
                if *rule == Value::Bool(false) {
                    let unknown = value.as_object().into_iter().flatten().find(|(key, _)| !known(key));
                    return unknown.map(|(key, _)| format!("{place}/{key}: unknown key"));
                }
                self.each(value, place, |key| (!known(key)).then(|| rule.clone()))
            }
            other => panic!("the validator does not know {other}"),
        }
    }

    /// Checks each entry of a map for which there is a schema.
    fn each(&self, value: &Value, place: &str, schema: impl Fn(&str) -> Option<Value>) -> Option<String> {
        let entries = value.as_object().into_iter().flatten();
        entries.into_iter().find_map(|(key, value)| self.check(&schema(key)?, value, &format!("{place}/{key}")))
    }
}

fn by_pattern(patterns: &Value, key: &str) -> Option<Value> {
    let patterns = patterns.as_object().unwrap();
    patterns.iter().find(|(pattern, _)| Regex::new(pattern).unwrap().is_match(key)).map(|(_, schema)| schema.clone())
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("no type {other}"),
    }
}
