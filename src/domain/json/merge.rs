//! Two JSON objects into one that holds the keys of both.

use std::collections::BTreeMap;

use super::parse::members;
use super::text::string;

/// The stored object with the keys that it lacks and the other one has; objects under the same key are merged in turn, any
/// other value stays as it is written. Keys are sorted by their bytes, as in canonical JSON. `None` when nothing is added:
/// also where one of the texts is no JSON object, or stands for a special value (`{"$timestamp":…}`).
pub fn merge(stored: &str, other: &str) -> Option<String> {
    let mut members =
        object(stored)?.into_iter().map(|(key, text)| (key, Text::Kept(text))).collect::<BTreeMap<_, _>>();
    let mut added = false;
    for (key, text) in object(other)? {
        match members.get(&key) {
            None => {
                members.insert(key, Text::Kept(text));
                added = true;
            }
            Some(Text::Kept(own)) => {
                if let Some(merged) = merge(own, text) {
                    members.insert(key, Text::Made(merged));
                    added = true;
                }
            }
            Some(Text::Made(_)) => {}
        }
    }
    added.then(|| written(&members))
}

/// The text of a member: as it was, or merged.
enum Text<'a> {
    Kept(&'a str),
    Made(String),
}

/// The members of an object; `None` for everything else. A key with one `$` says that the object is one value.
fn object(text: &str) -> Option<BTreeMap<String, &str>> {
    let list = members(text)?;
    let is_special = |key: &String| key.starts_with('$') && !key.starts_with("$$");
    if list.iter().any(|(key, _)| is_special(key)) {
        return None;
    }
    let count = list.len();
    let members: BTreeMap<String, &str> = list.into_iter().collect();
    // What is there twice has no one value that could stay.
    (members.len() == count).then_some(members)
}

fn written(members: &BTreeMap<String, Text<'_>>) -> String {
    let mut out = String::from("{");
    for (number, (key, text)) in members.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        string(&mut out, key);
        out.push(':');
        out.push_str(match text {
            Text::Kept(text) => text,
            Text::Made(text) => text,
        });
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn keys_that_are_missing_are_added_and_the_others_stay_as_they_are_written() {
        for (stored, other, expected) in [
            (r#"{}"#, r#"{"a":1}"#, Some(r#"{"a":1}"#)),
            (r#"{"b":1.50,"a":null}"#, r#"{"a":2,"b":3,"c":[4]}"#, Some(r#"{"a":null,"b":1.50,"c":[4]}"#)),
            (r#" { "a" : {"x": 1e0 } } "#, r#"{"a":{"x":2,"y":3}}"#, Some(r#"{"a":{"x":1e0,"y":3}}"#)),
            (r#"{"a":{"x":1}}"#, r#"{"a":7}"#, None),
            (r#"{"a":7}"#, r#"{"a":{"x":1}}"#, None),
            (r#"{"a":[1]}"#, r#"{"a":[2,3]}"#, None),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, None),
            (r#"{"n":99999999999999999999}"#, r#"{"m":1}"#, Some(r#"{"m":1,"n":99999999999999999999}"#)),
            (r#"{"$$price":1}"#, r#"{"a":1}"#, Some(r#"{"$$price":1,"a":1}"#)),
        ] {
            assert_eq!(merge(stored, other).as_deref(), expected, "{stored} and {other}");
        }
    }

    #[test]
    fn what_is_no_object_stays() {
        for (stored, other) in [
            ("null", r#"{"a":1}"#),
            ("[1]", r#"{"a":1}"#),
            ("not json", r#"{"a":1}"#),
            (r#"{"a":1} x"#, r#"{"b":1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, "[2]"),
            (r#"{"$timestamp":"2024-05-01T12:00:00.000000Z"}"#, r#"{"a":1}"#),
            (r#"{}"#, r#"{"$bytes":"AAEC"}"#),
        ] {
            assert_eq!(merge(stored, other), None, "{stored} and {other}");
        }
    }
}
