//! The JSON Schema of the pipeline file, for editors: made of what the decoders ask for, explained by the reference.

use serde_json::{Map, Value, json};

use super::decode::{Form, Needed, Object};
use super::model::{KEYS_OF_KIND, PipelineModel, parts};
use super::reference::description;

/// The schema of a pipeline file.
pub fn json_schema() -> Value {
    document("A fireferry pipeline", &PipelineModel::form())
}

/// The schema of a file that a pipeline includes.
pub fn json_schema_of_included() -> Value {
    document("A part of a fireferry pipeline", &parts::included())
}

fn document(title: &str, form: &Form) -> Value {
    let mut definitions = Definitions::default();
    let root = match form {
        Form::Object(object) => definitions.object(object),
        other => definitions.value(other),
    };
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!(title));
    schema.extend(root.as_object().cloned().unwrap_or_default());
    definitions.0.insert("variable".to_owned(), variable());
    schema.insert("definitions".to_owned(), Value::Object(definitions.0));
    Value::Object(schema)
}

/// `${NAME}` may stand for every scalar.
fn variable() -> Value {
    json!({
        "type": "string",
        "pattern": "\\$\\{[A-Za-z_]",
        "description": "An environment variable: `${NAME}`, or `${NAME:-default}` where it may be unset",
    })
}

/// Maps with given keys, by name: each is written once and referred to.
#[derive(Default)]
struct Definitions(Map<String, Value>);

impl Definitions {
    fn value(&mut self, form: &Form) -> Value {
        match form {
            Form::Any => json!({}),
            Form::Scalar => json!({ "type": ["string", "number", "boolean", "null"] }),
            Form::Typed => json!({
                "type": "object",
                "minProperties": 1,
                "patternProperties": { "^\\$": {} },
                "additionalProperties": false,
            }),
            Form::Text => json!({ "type": "string" }),
            Form::Boolean => or_variable(json!({ "type": "boolean" })),
            Form::Number { whole, least } => {
                or_variable(json!({ "type": if *whole { "integer" } else { "number" }, "minimum": least }))
            }
            Form::Written { pattern, number } => {
                let text = json!({ "type": "string", "pattern": pattern });
                let number = number.map(|least| json!({ "type": "integer", "minimum": least }));
                any_of([Some(text), number, Some(reference("variable"))].into_iter().flatten())
            }
            Form::Constant(number) => or_variable(json!({ "const": number })),
            Form::Names(names) => or_variable(json!({ "enum": choices(names) })),
            Form::List(item) => json!({ "type": "array", "items": self.value(item) }),
            Form::Map(value) => json!({ "type": "object", "additionalProperties": self.value(value) }),
            Form::Either(forms) => any_of(forms.iter().map(|form| self.value(form)).collect::<Vec<_>>()),
            Form::Object(object) => {
                let name = name_of(object);
                if !self.0.contains_key(&name) {
                    // Holds the place, so that a map that contains itself would end.
                    self.0.insert(name.clone(), Value::Null);
                    let definition = self.object(object);
                    self.0.insert(name.clone(), definition);
                }
                reference(&name)
            }
        }
    }

    fn object(&mut self, object: &Object) -> Value {
        let mut properties = Map::new();
        for declared in &object.keys {
            let mut schema = self.value(&(declared.form)());
            if let Some(text) = description(object, declared.key) {
                schema = explained(schema, &text);
            }
            properties.insert(declared.key.to_owned(), schema);
        }
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        let needed = |wanted: Needed| object.keys.iter().filter(move |key| key.needed == wanted).map(|key| key.key);
        let required: Vec<&str> = needed(Needed::Yes).collect();
        let alternatives = object.keys.iter().filter_map(|declared| match declared.needed {
            Needed::Unless(other) => {
                Some(json!({ "anyOf": [{ "required": [declared.key] }, { "required": [other] }] }))
            }
            _ => None,
        });
        let alternatives: Vec<Value> = alternatives.collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if !alternatives.is_empty() {
            schema["allOf"] = json!(alternatives);
        }
        if object.what == SOURCE {
            schema["anyOf"] = json!(kinds_of_source());
        }
        schema
    }
}

/// What the decoder of the source calls it.
const SOURCE: &str = "`source`";

/// A source with the keys of one kind, or one whose kind is a variable.
fn kinds_of_source() -> Vec<Value> {
    let of_kind = |(kind, keys): (&str, &[&str])| {
        let mut properties: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
        properties.insert("kind".to_owned(), json!({ "enum": [kind] }));
        json!({ "properties": properties, "additionalProperties": false })
    };
    let variable = json!({ "properties": { "kind": reference("variable") }, "required": ["kind"] });
    KEYS_OF_KIND.into_iter().map(of_kind).chain([variable]).collect()
}

/// `child_table` for `a child table`, `source` for `` `source` ``.
fn name_of(object: &Object) -> String {
    let plain = object.what.replace('`', "");
    let plain = ["a ", "an "].iter().find_map(|article| plain.strip_prefix(article)).unwrap_or(&plain);
    plain.replace(' ', "_") + if object.part { "_part" } else { "" }
}

/// YAML takes the bare word `null` for nothing; where it is a name, both are meant.
fn choices(names: &[&'static str]) -> Vec<Value> {
    let null = names.contains(&"null").then_some(Value::Null);
    names.iter().map(|name| json!(name)).chain(null).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn or_variable(schema: Value) -> Value {
    any_of([schema, reference("variable")])
}

/// Any of these; alternatives inside of alternatives are laid out flat.
fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    let mut flat: Vec<Value> = Vec::new();
    for schema in schemas {
        let inner = schema.get("anyOf").and_then(Value::as_array).cloned();
        for schema in inner.unwrap_or_else(|| vec![schema]) {
            if !flat.contains(&schema) {
                flat.push(schema);
            }
        }
    }
    json!({ "anyOf": flat })
}

/// With a description; beside a `$ref` older readers would not see it.
fn explained(schema: Value, text: &str) -> Value {
    let mut schema = match schema {
        Value::Object(schema) if !schema.contains_key("$ref") => schema,
        reference => Map::from_iter([("allOf".to_owned(), json!([reference]))]),
    };
    schema.insert("description".to_owned(), json!(text));
    Value::Object(schema)
}

/// Every map with given keys there is.
#[cfg(test)]
pub fn objects() -> Vec<Object> {
    fn collect(form: &Form, into: &mut Vec<Object>) {
        match form {
            Form::Object(object) if !into.contains(object) => {
                into.push(object.clone());
                object.keys.iter().for_each(|declared| collect(&(declared.form)(), into));
            }
            Form::List(inner) | Form::Map(inner) => collect(inner, into),
            Form::Either(forms) => forms.iter().for_each(|form| collect(form, into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&PipelineModel::form(), &mut found);
    collect(&parts::included(), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_source_is_of_one_kind() {
        let source = objects().into_iter().find(|object| object.what == SOURCE);
        let keys = source.iter().flat_map(|source| &source.keys).map(|declared| declared.key);
        let mut keys: Vec<&str> = keys.filter(|key| *key != "kind").collect();
        let mut of_kinds: Vec<&str> = KEYS_OF_KIND.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
        keys.sort_unstable();
        of_kinds.sort_unstable();
        assert_eq!(keys, of_kinds);
    }
}
