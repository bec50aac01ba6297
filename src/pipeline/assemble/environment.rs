//! `environments`: what differs between dev and prod, laid over the rest of the file.
//!
//! They stand in the pipeline file, not in files of their own: what differs is a handful of keys, and whoever reads the
//! file sees at once where else it can write to.

use super::is_written;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::decode::{Problems, entries, nearest};
use crate::pipeline::model::parts::{check_environment, is_of_environment};
use crate::pipeline::yaml::{Key, Kind, Node};

/// Sections that an environment changes key by key; everything else it replaces.
const SECTIONS: [&str; 3] = ["source", "destination", "defaults"];

/// Lays the chosen environment over the file. The others are only checked.
pub(super) fn choose(root: &mut Node, chosen: Option<&str>, problems: &mut Problems<'_>) -> Result<()> {
    let written = root.entry("environments").filter(|node| is_written(node)).cloned();
    let list = match &written {
        Some(node) => entries(node, "a map of environments", problems).unwrap_or_default(),
        None => &[],
    };
    for (key, node) in list {
        check_name(key, problems);
        check_environment(node, Some(key.text.as_str()) != chosen, problems);
    }
    let Some(chosen) = chosen else { return refuse_without(root, list) };
    let Some((key, node)) = list.iter().find(|(key, _)| key.text == chosen) else {
        return Err(unknown(chosen, list, problems));
    };
    if let Kind::Map(changes) = &node.kind {
        lay_over(root, changes);
    }
    rename(root, node, &key.text);
    Ok(())
}

/// Backups and the history of runs go by the pipeline's name: those of dev must not be taken for those of prod.
fn rename(root: &mut Node, environment: &Node, name: &str) {
    let own = environment.entry("name").is_some_and(is_written);
    if let (false, Some(Kind::Text(text))) = (own, root.entry_mut("name").map(|node| &mut node.kind)) {
        text.push('.');
        text.push_str(name);
    }
}

/// An environment's name becomes a part of the pipeline's.
fn check_name(key: &Key, problems: &mut Problems<'_>) {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    if key.text.is_empty() || !key.text.chars().all(allowed) {
        let message = format!("an environment's name has letters, digits, `-`, `_` and `.`, not `{}`", key.text);
        problems.add("invalid_name", key.mark, message);
    }
}

fn unknown(chosen: &str, list: &[(Key, Node)], problems: &Problems<'_>) -> Error {
    let file = problems.sources().path(crate::pipeline::mark::Mark::START);
    let error = Error::new(ErrorKind::Usage, "environment_unknown", format!("there is no environment `{chosen}`"));
    let known = list.iter().map(|(key, _)| key.text.as_str());
    let hint = match (list, nearest(chosen, known.clone())) {
        ([], _) => "the pipeline has no `environments`; leave --env (or FIREFERRY_ENV) out".to_owned(),
        (_, Some(near)) => format!("did you mean `{near}`? Known are: {}", known.collect::<Vec<_>>().join(", ")),
        (_, None) => format!("known are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    error.file(file).hint(hint)
}

/// A file whose ends are only in its environments needs one of them.
fn refuse_without(root: &Node, list: &[(Key, Node)]) -> Result<()> {
    let has = |node: &Node, key: &str| node.entry(key).is_some_and(is_written);
    let absent = ["source", "destination"].into_iter().find(|key| !has(root, key));
    let Some(key) = absent.filter(|key| list.iter().any(|(_, node)| has(node, key))) else { return Ok(()) };
    let message = format!("the pipeline has its `{key}` in its environments: one must be chosen");
    let known: Vec<String> = list.iter().map(|(key, _)| format!("--env {}", key.text)).collect();
    Err(Error::new(ErrorKind::Usage, "environment_missing", message).hint(format!("say {}", known.join(" or "))))
}

fn lay_over(root: &mut Node, changes: &[(Key, Node)]) {
    let Some(base) = root.entries_mut() else { return };
    for (key, change) in changes.iter().filter(|(key, node)| is_of_environment(&key.text) && is_written(node)) {
        match base.iter_mut().find(|(own, _)| own.text == key.text) {
            Some((own, node)) => match (&mut node.kind, &change.kind) {
                (Kind::Map(under), Kind::Map(over)) if SECTIONS.contains(&key.text.as_str()) => {
                    give_way(&key.text, under, over);
                    over.iter().filter(|(_, node)| is_written(node)).for_each(|entry| replace(under, entry));
                }
                _ => (*own, *node) = (key.clone(), change.clone()),
            },
            None => base.push((key.clone(), change.clone())),
        }
    }
}

/// What cannot stay beside a change: the settings of another kind of source, and a token, which is never sent to
/// another address than the one it was written for.
fn give_way(section: &str, under: &mut Vec<(Key, Node)>, over: &[(Key, Node)]) {
    let changes = |wanted: &str| over.iter().any(|(key, node)| key.text == wanted && is_written(node));
    match section {
        "source" if changes("kind") => under.clear(),
        "destination" if changes("url") || changes("auth_token") || changes("auth_token_file") => {
            under.retain(|(key, _)| !matches!(key.text.as_str(), "auth_token" | "auth_token_file"));
        }
        _ => {}
    }
}

fn replace(entries: &mut Vec<(Key, Node)>, entry: &(Key, Node)) {
    match entries.iter_mut().find(|(own, _)| own.text == entry.0.text) {
        Some(own) => *own = entry.clone(),
        None => entries.push(entry.clone()),
    }
}
