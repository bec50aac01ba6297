//! Lines put into pipeline files. Everything that is written there stays as it is: text, comments, order.
//!
//! Where lines belong is found in the tree, which knows where everything stands; what came of it is read again and
//! compared, and lines that did not do what they should are given back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::assemble::assemble;
use super::compile::Overrides;
use super::decode::Problems;
use super::interpolate::Environment;
use super::load::{load_instead, parsed};
use super::mark::{Mark, Sources};
use super::resolved::Pipeline;
use super::yaml::{Key, Kind, Node};
use crate::error::Result;

/// Lines and where they belong. They begin at the left; what is inside of something is further to the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// Where.
    pub place: Place,
    /// The lines, without line breaks.
    pub lines: Vec<String>,
}

/// Where lines belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Behind the last collection.
    Collections,
    /// Behind the last column of a collection.
    Columns(String),
    /// Behind the last child table of a collection.
    Children(String),
    /// Behind the last column of a child table: collection, table.
    ChildColumns(String, String),
}

/// What became of it.
#[derive(Debug)]
pub struct Edit {
    /// Files with their text before and after; only those that change.
    pub files: Vec<EditedFile>,
    /// Insertions by their place in the list that could not be made.
    pub refused: Vec<usize>,
    /// The pipeline as it will be.
    pub pipeline: Pipeline,
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Which.
    pub path: PathBuf,
    /// What it is now.
    pub before: String,
    /// What it will be.
    pub after: String,
}

/// A place in a text: behind this line (from 0), what is written there, so far to the right.
struct Slot {
    file: PathBuf,
    line: usize,
    /// Of several at one line: columns come before what follows them.
    rank: u8,
    indent: usize,
    /// A line above all that is put there.
    heading: Option<String>,
}

/// Puts lines into a pipeline's files. Writes nothing.
///
/// # Errors
/// As loading the pipeline.
pub fn insert(file: &Path, insertions: &[Insertion], overrides: &Overrides, env: Environment<'_>) -> Result<Edit> {
    let sources = Sources::default();
    let mut root = parsed(file, &sources)?;
    let mut problems = Problems::new(&sources);
    assemble(&mut root, overrides.environment.as_deref(), env, &mut problems)?;
    let mut texts = Texts::default();
    let mut pipeline = load_instead(file, overrides, env, BTreeMap::new())?;
    let (mut accepted, mut refused): (Vec<(&Insertion, Slot)>, Vec<usize>) = (Vec::new(), Vec::new());
    for (index, insertion) in insertions.iter().enumerate() {
        let Some(slot) = slot(&root, file, &insertion.place, &sources, &mut texts) else {
            refused.push(index);
            continue;
        };
        accepted.push((insertion, slot));
        let edited = texts.with(&accepted);
        let instead = edited.iter().map(|file| (file.path.clone(), file.after.clone())).collect();
        match load_instead(file, overrides, env, instead) {
            Ok(after) if did(&pipeline, &after, &insertion.place) => pipeline = after,
            _ => {
                accepted.pop();
                refused.push(index);
            }
        }
    }
    Ok(Edit { files: texts.with(&accepted), refused, pipeline })
}

/// Whether lines did what they should, and nothing else.
fn did(before: &Pipeline, after: &Pipeline, place: &Place) -> bool {
    let added = after.collections.len().checked_sub(before.collections.len());
    if added != Some(usize::from(*place == Place::Collections)) {
        return false;
    }
    before.collections.iter().zip(&after.collections).all(|(old, new)| {
        let (old, new) = (&old.mapping, &new.mapping);
        let own = |name: &String| name == old.collection.as_str();
        let more = |wanted: bool, old: usize, new: usize| if wanted { new > old } else { new == old };
        let columns = more(matches!(place, Place::Columns(name) if own(name)), old.columns.len(), new.columns.len());
        let children =
            more(matches!(place, Place::Children(name) if own(name)), old.children.len(), new.children.len());
        let inside = old.children.iter().zip(&new.children).all(|(old, new)| {
            let wanted = matches!(place, Place::ChildColumns(name, table) if own(name) && *table == old.table);
            old.table == new.table && more(wanted, old.columns.len(), new.columns.len())
        });
        old.collection == new.collection && old.table == new.table && columns && children && inside
    })
}

fn slot(root: &Node, main: &Path, place: &Place, sources: &Sources, texts: &mut Texts) -> Option<Slot> {
    let collections = root.entry("collections")?;
    let entry = |name: &str| entries(collections)?.iter().find(|(key, _)| key.text == name).map(|(_, node)| node);
    let last = |node: &Node| entries(node)?.last().map(|(key, _)| key.mark);
    match place {
        Place::Collections => {
            let own = |entry: &&(Key, Node)| sources.path(entry.0.mark) == main;
            let mark = entries(collections)?.iter().rfind(own)?.0.mark;
            texts.behind(sources, mark, 2)
        }
        Place::Columns(name) => texts.behind(sources, last(entry(name)?.entry("columns")?)?, 0),
        Place::ChildColumns(name, table) => {
            let child = children(entry(name)?)?.iter().find(|child| has_table(child, table))?;
            texts.behind(sources, last(child.entry("columns")?)?, 0)
        }
        Place::Children(name) => match children(entry(name)?) {
            Some(list) => {
                let first = entries(list.last()?)?.first()?.0.mark;
                texts.behind(sources, first, 1)
            }
            None => {
                let slot = texts.behind(sources, last(entry(name)?)?, 1)?;
                let heading = Some(format!("{:indent$}children:", "", indent = slot.indent));
                Some(Slot { indent: slot.indent + 2, heading, ..slot })
            }
        },
    }
}

fn entries(node: &Node) -> Option<&[(Key, Node)]> {
    match &node.kind {
        Kind::Map(entries) => Some(entries),
        _ => None,
    }
}

fn children(collection: &Node) -> Option<&[Node]> {
    match &collection.entry("children")?.kind {
        Kind::List(items) if !items.is_empty() => Some(items),
        _ => None,
    }
}

fn has_table(child: &Node, table: &str) -> bool {
    matches!(child.entry("table").map(|node| &node.kind), Some(Kind::Text(text)) if text.eq_ignore_ascii_case(table))
}

/// The texts of files, as they are.
#[derive(Default)]
struct Texts(BTreeMap<PathBuf, String>);

impl Texts {
    /// Behind an entry that begins at a mark, and all that belongs to it. In a list, the mark is that of the first key
    /// of an item.
    fn behind(&mut self, sources: &Sources, mark: Mark, rank: u8) -> Option<Slot> {
        let file = sources.path(mark);
        let text = match self.0.get(&file) {
            Some(text) => text,
            None => {
                let text = std::fs::read_to_string(&file).ok()?;
                self.0.entry(file.clone()).or_insert(text)
            }
        };
        let lines: Vec<&str> = text.lines().collect();
        let start = usize::try_from(mark.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(mark.column).ok()?.checked_sub(1)?;
        let indent = indent(lines.get(start)?);
        let item = lines.get(start)?.trim_start().starts_with("- ");
        // A key that does not begin its line stands in braces.
        let begins = column == indent || (item && column > indent);
        if !begins {
            return None;
        }
        let mut last = start;
        for (index, line) in lines.iter().enumerate().skip(start + 1) {
            let bare = line.trim_start();
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let own_list = !item && self::indent(line) == indent && bare.starts_with("- ");
            if self::indent(line) <= indent && !own_list {
                break;
            }
            last = index;
        }
        Some(Slot { file, line: last, rank, indent, heading: None })
    }

    /// The files with lines put into them.
    fn with(&self, insertions: &[(&Insertion, Slot)]) -> Vec<EditedFile> {
        let mut files = Vec::new();
        for (path, before) in &self.0 {
            let mut own: Vec<&(&Insertion, Slot)> = insertions.iter().filter(|(_, slot)| slot.file == *path).collect();
            if own.is_empty() {
                continue;
            }
            own.sort_by_key(|(_, slot)| (slot.line, slot.rank));
            let end = if before.contains("\r\n") { "\r\n" } else { "\n" };
            let mut after = String::with_capacity(before.len() * 2);
            for (index, line) in before.split_inclusive('\n').enumerate() {
                after.push_str(line);
                let mut here: Vec<String> = Vec::new();
                for (insertion, slot) in own.iter().filter(|(_, slot)| slot.line == index) {
                    let heading = slot.heading.iter().filter(|heading| !here.contains(heading)).cloned();
                    let lines =
                        insertion.lines.iter().map(|line| format!("{:indent$}{line}", "", indent = slot.indent));
                    let lines: Vec<String> = heading.chain(lines).collect();
                    here.extend(lines);
                }
                if !here.is_empty() && !line.ends_with('\n') {
                    after.push_str(end);
                }
                here.iter().for_each(|line| after.extend([line.as_str(), end]));
            }
            files.push(EditedFile { path: path.clone(), before: before.clone(), after });
        }
        files
    }
}

/// Spaces at the beginning.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
