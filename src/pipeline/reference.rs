//! `docs/pipeline-file.md`, the reference of the pipeline file, as descriptions for editors.

use super::decode::Object;

const REFERENCE: &str = include_str!("../../docs/pipeline-file.md");

/// The headings in the reference under which the keys of a map are explained.
fn headings(object: &Object) -> &'static [&'static str] {
    match object.what {
        "a pipeline" | "an included file" | "an environment" => &["## Top level"],
        "`source`" => &["## source", "### source: firestore"],
        "`destination`" => &["## destination"],
        "`defaults`" => &["## defaults"],
        "`gates`" | "a gate" => &["## gates"],
        "a collection" => &["## collections"],
        "a column" => &["### columns"],
        "a child table" => &["### children"],
        "a test" => &["## tests"],
        _ => &[],
    }
}

/// What the reference says of a key: its meaning, and its default where it has one.
pub fn description(object: &Object, key: &str) -> Option<String> {
    let mut rows = headings(object).iter().flat_map(|heading| rows(heading));
    let (default, meaning) = rows.find_map(|(keys, default, meaning)| {
        let named = keys.split('`').any(|name| name == key || name.starts_with(&format!("{key}:")));
        named.then_some((default, meaning))
    })?;
    let meaning = without_links(meaning);
    Some(match default {
        "" | "required" | "none" => meaning,
        default => format!("{meaning} (default: {})", without_links(default)),
    })
}

/// The cells of the rows of three columns between a heading and the next one.
fn rows(heading: &str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let heading = format!("{heading}\n");
    let section = REFERENCE.split_once(&format!("\n{heading}")).map_or("", |(_, rest)| rest);
    let lines = section.lines().take_while(|line| !line.starts_with("## ") && !line.starts_with("### "));
    lines.filter_map(|line| {
        let cells = line.strip_prefix("| ")?.strip_suffix('|')?;
        let mut cells = cells.splitn(3, '|').map(str::trim);
        let row = (cells.next()?, cells.next()?, cells.next()?);
        row.0.starts_with('`').then_some(row)
    })
}

/// `[text](target)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        match link.split_once("](").and_then(|(name, target)| Some((name, target.split_once(')')?.1))) {
            Some((name, after)) if !name.contains('[') => {
                out.push_str(name);
                rest = after;
            }
            _ => {
                out.push('[');
                rest = link;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::super::decode::Form;
    use super::super::json_schema::objects;
    use super::*;

    #[test]
    fn every_key_is_explained_in_the_reference() {
        let objects = objects();
        assert!(objects.len() >= 8, "{objects:?}");
        for object in objects.iter().filter(|object| !headings(object).is_empty()) {
            for declared in &object.keys {
                assert!(description(object, declared.key).is_some(), "{} of {}", declared.key, object.what);
                assert!(!matches!((declared.form)(), Form::Object(object) if object.keys.is_empty()));
            }
        }
    }

    #[test]
    fn links_become_their_text() {
        assert_eq!(without_links("[types](#types) of `[a]` and [b]"), "types of `[a]` and [b]");
    }
}
