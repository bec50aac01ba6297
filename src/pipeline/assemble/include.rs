//! `include`: collections and defaults in files of their own.
//!
//! Collections are put together; one that is defined twice is a mistake. Of `defaults`, the including file wins over
//! what it includes; two included files that say different things of one key are a mistake. A file that several others
//! include counts once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::is_written;
use crate::pipeline::compile::normal;
use crate::pipeline::decode::{Decode, OneOrMany, Problems};
use crate::pipeline::interpolate::{Environment, interpolate};
use crate::pipeline::load;
use crate::pipeline::mark::{At, Mark};
use crate::pipeline::model::parts::check_included;
use crate::pipeline::yaml::{Key, Kind, Node};

/// The sections that files can share.
const SHARED: [&str; 2] = ["collections", "defaults"];

/// Puts what the included files say into the tree of the pipeline file. The answer is whether all could be read.
pub(super) fn include(root: &mut Node, env: Environment<'_>, problems: &mut Problems<'_>) -> bool {
    let main = problems.sources().path(Mark::START);
    let identity = std::fs::canonicalize(&main).unwrap_or(main);
    let mut including = Including { env, problems, open: vec![identity], seen: BTreeSet::new(), unread: false };
    including.complete(root);
    !including.unread
}

struct Including<'a, 'p> {
    env: Environment<'a>,
    problems: &'a mut Problems<'p>,
    /// The files that are being read, each included by the one before.
    open: Vec<PathBuf>,
    /// Files that were read.
    seen: BTreeSet<PathBuf>,
    /// One could not be read.
    unread: bool,
}

/// The entries of one section, put together.
type Section = Vec<(Key, Node)>;

impl Including<'_, '_> {
    /// Adds what a file includes to what it says itself.
    fn complete(&mut self, node: &mut Node) {
        let mut sections: [Section; 2] = Default::default();
        let paths = self.paths(node);
        for path in &paths {
            let Some(mut included) = self.read(path) else { continue };
            check_included(&included, self.problems);
            self.complete(&mut included);
            self.open.pop();
            for (name, section) in SHARED.iter().zip(&mut sections) {
                let own = node.entry(name).filter(|_| *name == "defaults");
                let theirs = included.entry_mut(name).and_then(Node::entries_mut).map(std::mem::take);
                self.join(name, section, theirs.unwrap_or_default(), own);
            }
        }
        if let Some(first) = paths.first() {
            let mark = first.mark;
            SHARED.iter().zip(sections).for_each(|(name, section)| self.put(node, name, section, mark));
        }
    }

    /// The files that a file includes.
    fn paths(&mut self, node: &Node) -> Vec<At<String>> {
        let Some(mut list) = node.entry("include").filter(|node| is_written(node)).cloned() else { return Vec::new() };
        interpolate(&mut list, self.env, self.problems);
        OneOrMany::decode(&list, self.problems).map(|paths| paths.0).unwrap_or_default()
    }

    /// Reads an included file, which is then open; `None` where there is nothing to be had of it.
    fn read(&mut self, written: &At<String>) -> Option<Node> {
        let from = self.problems.sources().path(written.mark);
        let path = normal(&from.parent().unwrap_or(Path::new("")).join(&written.value));
        let Ok(identity) = std::fs::canonicalize(&path) else {
            let message = format!("the included file `{}` does not exist", written.value);
            let hint = "paths are relative to the file they stand in";
            self.problems.add_with_hint("include_not_found", written.mark, message, hint);
            self.unread = true;
            return None;
        };
        if let Some(start) = self.open.iter().position(|open| *open == identity) {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let circle: Vec<String> = self.open[start..].iter().chain([&identity]).map(name).collect();
            let message = format!("files include each other in a circle: {}", circle.join(" → "));
            self.problems.add_with_hint("include_cycle", written.mark, message, "remove one of the `include`s");
            self.unread = true;
            return None;
        }
        if !self.seen.insert(identity.clone()) {
            return None;
        }
        match load::parsed(&path, self.problems.sources()) {
            Ok(node) if node.kind == Kind::Null => None,
            Ok(node) => {
                self.open.push(identity);
                Some(node)
            }
            Err(error) => {
                self.problems.extend(vec![error]);
                self.unread = true;
                None
            }
        }
    }

    /// Adds the entries of an included file to those of the others. What the including file says itself (`own`) is
    /// not compared.
    fn join(&mut self, name: &str, section: &mut Section, theirs: Section, own: Option<&Node>) {
        for (key, node) in theirs {
            let first = section.iter().find(|(other, _)| other.text == key.text).map(|(other, _)| other.mark);
            match first {
                Some(first) if own.is_none_or(|own| own.entry(&key.text).is_none()) => self.twice(name, &key, first),
                Some(_) => {}
                None => section.push((key, node)),
            }
        }
    }

    fn twice(&mut self, name: &str, key: &Key, first: Mark) {
        let place = self.problems.sources().place(first);
        let (code, message, hint) = if name == "defaults" {
            let hint = "keep one of them, or decide it in the file that includes both";
            ("duplicate_default", format!("`{}` is said in {place} already", key.text), hint)
        } else {
            let hint = "keep one of them";
            ("duplicate_collection", format!("collection `{}` is defined in {place} already", key.text), hint)
        };
        self.problems.add_with_hint(code, key.mark, message, hint);
    }

    /// Puts the section of the included files before the file's own entries.
    fn put(&mut self, node: &mut Node, name: &'static str, mut section: Section, mark: Mark) {
        if section.is_empty() {
            return;
        }
        let own = node.entry_mut(name).filter(|own| is_written(own));
        let Some(own) = own else {
            let whole = Node { mark, kind: Kind::Map(section), written: None };
            let Some(entries) = node.entries_mut() else { return };
            entries.retain(|(key, _)| key.text != name);
            entries.push((Key { text: name.to_owned(), mark }, whole));
            return;
        };
        // A section of another kind is left for the decoder to refuse.
        let Some(entries) = own.entries_mut() else { return };
        for (key, node) in std::mem::take(entries) {
            match section.iter().position(|(other, _)| other.text == key.text) {
                Some(at) if name == "defaults" => section[at] = (key, node),
                Some(at) => {
                    let first = section[at].0.mark;
                    self.twice(name, &key, first);
                }
                None => section.push((key, node)),
            }
        }
        *entries = section;
    }
}
