//! Which shape and layout a file has, from its first bytes.

use std::path::Path;

use super::peek::{End, Outline};
use super::rest::split_name;
use super::scan;
use super::shape::{Layout, Shape};
use super::value::is_document_path;
use crate::error::{Error, ErrorKind, Result};

/// Looked at of a file.
const HEAD: usize = 256 * 1024;
/// Records looked at.
const RECORDS: usize = 16;

/// What detection found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detected {
    pub(super) shape: Shape,
    pub(super) layout: Layout,
}

/// The shape of a file, unless it was named, and its layout.
pub(super) fn detect(path: &Path, named: Option<Shape>, id_field: &str) -> Result<Detected> {
    let (head, whole) = scan::head(path, HEAD)?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        let message = "the file is UTF-16, not UTF-8";
        return Err(Error::new(ErrorKind::Source, "not_utf8", message)
            .file(path)
            .hint("convert it, e.g. with `iconv -f UTF-16 -t UTF-8`"));
    }
    let text = String::from_utf8_lossy(&head);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Head { path, text, whole, id_field }.detect(named)
}

struct Head<'a> {
    path: &'a Path,
    text: &'a str,
    whole: bool,
    id_field: &'a str,
}

impl Head<'_> {
    fn detect(&self, named: Option<Shape>) -> Result<Detected> {
        if self.whole && self.text.trim().is_empty() && !self.is_lines_by_name() {
            let message = "the file is empty: not even `[]` stands in it";
            return Err(Error::new(ErrorKind::Source, "source_empty", message)
                .file(self.path)
                .hint("export the documents again, or move the file away"));
        }
        let layout = self.layout();
        let (root, _, _) = Outline::of(self.text);
        if let Some(shape) = named {
            return self.named(shape, layout, &root);
        }
        let mut candidates = if layout == Layout::Array { Vec::new() } else { self.by_root(&root) };
        for shape in self.by_records(layout, &root)? {
            if !candidates.iter().any(|found| found.shape == shape) {
                candidates.push(Detected { shape, layout });
            }
        }
        match candidates.as_slice() {
            [] => Ok(Detected { shape: Shape::Plain, layout }),
            [one] => Ok(*one),
            several => Err(self.ambiguous(&several.iter().map(|found| found.shape).collect::<Vec<_>>())),
        }
    }

    /// How records of the shapes without a frame of their own lie in the file.
    fn layout(&self) -> Layout {
        let start = self.text.trim_start();
        let lines_by_name = self.is_lines_by_name();
        if start.starts_with('[') && !(lines_by_name && line_is_array(start)) {
            return Layout::Array;
        }
        let line = start.split_once('\n').map(|(line, _)| line);
        match (lines_by_name, line.or_else(|| self.whole.then_some(start))) {
            (true, _) => Layout::Lines,
            // A value that does not end with its line is written over several.
            (false, Some(line)) if Outline::of(line).1 == End::Cut && !line.trim().is_empty() => Layout::Values,
            (false, Some(_)) => Layout::Lines,
            (false, None) => Layout::Values,
        }
    }

    /// Whether the file is named as one of lines, in which nothing else is a record.
    fn is_lines_by_name(&self) -> bool {
        let name = self.path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        name.ends_with(".ndjson") || name.ends_with(".jsonl")
    }

    fn named(&self, shape: Shape, layout: Layout, root: &Outline) -> Result<Detected> {
        let array = layout == Layout::Array;
        let layout = match shape {
            Shape::FirestoreExportImport if !array => Layout::Collections,
            Shape::NodeFirestoreImportExport if !array => {
                if root.get("__collections__").is_some() {
                    Layout::Database
                } else {
                    Layout::Collection
                }
            }
            Shape::FirestoreExportImport | Shape::NodeFirestoreImportExport => {
                let message = format!("the file is an array, which the shape {shape} never is");
                return Err(Error::new(ErrorKind::Source, "wrong_shape", message)
                    .file(self.path)
                    .hint("leave `shape` out to have it detected, or name another one"));
            }
            Shape::FirestoreRest if !array && matches!(root.get("documents"), Some(Outline::Array(_))) => {
                Layout::Documents
            }
            Shape::FirebaseAuthExport if !array && matches!(root.get("users"), Some(Outline::Array(_))) => {
                Layout::Users
            }
            _ => layout,
        };
        Ok(Detected { shape, layout })
    }

    /// Shapes with a frame of their own.
    fn by_root(&self, root: &Outline) -> Vec<Detected> {
        let members = root.members();
        let only = |allowed: &[&str]| members.iter().all(|(name, _)| allowed.contains(&name.as_str()));
        let mut found = Vec::new();
        let mut add = |shape, layout| found.push(Detected { shape, layout });
        if root.get("__collections__").is_some_and(Outline::may_be_object) {
            add(Shape::NodeFirestoreImportExport, Layout::Database);
            return found;
        }
        match root.get("users") {
            Some(Outline::Array(users)) if only(&["users"]) && users.iter().all(is_account) => {
                add(Shape::FirebaseAuthExport, Layout::Users);
            }
            _ => {}
        }
        match root.get("documents") {
            Some(Outline::Array(documents))
                if only(&["documents", "nextPageToken"])
                    && documents.iter().all(|document| is_rest(document) || *document == Outline::Cut) =>
            {
                add(Shape::FirestoreRest, Layout::Documents);
            }
            _ => {}
        }
        if let Some(shape) = by_tree(members) {
            let layout = if shape == Shape::FirestoreExportImport { Layout::Collections } else { Layout::Collection };
            add(shape, layout);
        }
        found
    }

    /// Shapes that the first records agree on. Records that no shape would write say nothing.
    fn by_records(&self, layout: Layout, root: &Outline) -> Result<Vec<Shape>> {
        let records = match (layout, root) {
            (Layout::Array, Outline::Array(elements)) => elements.clone(),
            (Layout::Lines, _) => {
                let lines = self.text.lines().filter(|line| !line.trim().is_empty());
                let complete = lines.map(Outline::of).filter(|(_, end, _)| *end == End::Complete);
                let mut records: Vec<_> = complete.map(|(outline, _, _)| outline).take(RECORDS).collect();
                // A first line that is longer than what was looked at.
                if records.is_empty() && !self.text.contains('\n') {
                    records.push(root.clone());
                }
                records
            }
            _ => vec![root.clone()],
        };
        let mut agreed: Option<Vec<Shape>> = None;
        for record in records {
            let shapes = self.by_record(&record);
            match &mut agreed {
                _ if shapes.is_empty() => {}
                None => agreed = Some(shapes),
                Some(agreed) => {
                    let mut all = agreed.clone();
                    agreed.retain(|shape| shapes.contains(shape));
                    if agreed.is_empty() {
                        all.extend(shapes);
                        return Err(self.ambiguous(&all));
                    }
                }
            }
        }
        Ok(agreed.unwrap_or_default())
    }

    fn by_record(&self, record: &Outline) -> Vec<Shape> {
        let mut shapes = Vec::new();
        if matches!(record.get(self.id_field), Some(Outline::Text(_) | Outline::Integer))
            || record.get(super::decode::PATH_FIELD).is_some()
        {
            shapes.push(Shape::Plain);
        }
        if is_rest(record) {
            shapes.push(Shape::FirestoreRest);
        }
        if is_backfire(record) {
            shapes.push(Shape::FirestoreBackfire);
        }
        if matches!(record.get("firestore_id"), Some(Outline::Text(_))) {
            shapes.push(Shape::FirebaseToSupabase);
        }
        shapes
    }

    fn ambiguous(&self, candidates: &[Shape]) -> Error {
        let mut names: Vec<&str> = candidates.iter().map(|shape| shape.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let message = format!("the file may have one of several shapes: {}", names.join(", "));
        let hint = format!("name the right one: `source: {{ kind: json, shape: {}, … }}`", names[0]);
        Error::new(ErrorKind::Source, "ambiguous_shape", message).file(self.path).hint(hint)
    }
}

/// Whether the first line is a complete array and something else follows: a record of a file of lines.
fn line_is_array(start: &str) -> bool {
    start.split_once('\n').is_some_and(|(line, rest)| {
        let (_, end, length) = Outline::of(line);
        let alone = line.get(length..).is_some_and(|rest| rest.trim().is_empty());
        end == End::Complete && alone && !rest.trim().is_empty()
    })
}

/// Documents nested by collection and id, as far as it can be seen.
fn by_tree(members: &[(String, Outline)]) -> Option<Shape> {
    let all_objects = |members: &[(String, Outline)]| members.iter().all(|(_, value)| value.may_be_object());
    let (_, first) = members.first()?;
    if !all_objects(members) {
        return None;
    }
    if members.iter().any(|(_, document)| document.get("__collections__").is_some_and(Outline::may_be_object)) {
        return Some(Shape::NodeFirestoreImportExport);
    }
    let documents = members.iter().flat_map(|(_, collection)| collection.members());
    let sub_collections = documents.clone().any(|(_, document)| document.get("subCollection").is_some());
    let nested = members.iter().all(|(_, collection)| all_objects(collection.members()));
    (sub_collections || nested && !first.members().is_empty()).then_some(Shape::FirestoreExportImport)
}

/// A REST document, bare or in an answer.
fn is_rest(record: &Outline) -> bool {
    let inner = record.get("document").or_else(|| record.get("found"));
    let around = ["document", "found", "readTime", "transaction", "skippedResults", "done"];
    let document = match inner {
        Some(inner) if record.members().iter().all(|(name, _)| around.contains(&name.as_str())) => inner,
        Some(_) => return false,
        None => record,
    };
    let own = ["name", "fields", "createTime", "updateTime"];
    matches!(document.get("name"), Some(Outline::Text(name)) if split_name(name).is_some())
        && document.members().iter().all(|(name, _)| own.contains(&name.as_str()))
}

fn is_account(user: &Outline) -> bool {
    user.get("localId").is_some() || *user == Outline::Cut
}

fn is_backfire(record: &Outline) -> bool {
    let own = ["path", "data", "timestamps", "geopoints", "documents", "queries"];
    matches!(record.get("path"), Some(Outline::Text(path)) if is_document_path(path))
        && record.get("data").is_some_and(Outline::may_be_object)
        && record.members().iter().all(|(name, _)| own.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(file: &str, text: &str) -> Result<Detected> {
        Head { path: Path::new(file), text, whole: true, id_field: "id" }.detect(None)
    }

    fn shape(text: &str) -> Shape {
        found("x.json", text).unwrap().shape
    }

    const REST: &str = r#"{"name":"projects/p/databases/(default)/documents/users/a","fields":{}}"#;

    #[test]
    fn each_tool_is_recognised_by_what_only_it_writes() {
        assert_eq!(shape(r#"[{"id":"a"}]"#), Shape::Plain);
        assert_eq!(shape(REST), Shape::FirestoreRest);
        assert_eq!(shape(&format!(r#"{{"documents":[{REST}],"nextPageToken":"x"}}"#)), Shape::FirestoreRest);
        assert_eq!(shape(&format!(r#"[{{"document":{REST},"readTime":"x"}}]"#)), Shape::FirestoreRest);
        assert_eq!(shape(r#"{"users":{"a":{"n":1,"subCollection":{}}}}"#), Shape::FirestoreExportImport);
        assert_eq!(shape(r#"{"users":{"a":{"n":1}}}"#), Shape::FirestoreExportImport);
        assert_eq!(shape(r#"{"__collections__":{}}"#), Shape::NodeFirestoreImportExport);
        assert_eq!(shape(r#"{"a":{"n":{},"__collections__":{}}}"#), Shape::NodeFirestoreImportExport);
        assert_eq!(shape(r#"{"path":"users/a","data":{}}"#), Shape::FirestoreBackfire);
        assert_eq!(shape(r#"[{"n":1,"firestore_id":"a"}]"#), Shape::FirebaseToSupabase);
        assert_eq!(shape(r#"{"users":[{"localId":"a"}]}"#), Shape::FirebaseAuthExport);
        assert_eq!(shape(r#"{"id":"a","users":[{"localId":"a"}]}"#), Shape::Plain);
    }

    #[test]
    fn layouts_are_told_apart() {
        let layout = |file, text| found(file, text).unwrap().layout;
        assert_eq!(layout("x.json", "\n [\n{\"id\":1}]"), Layout::Array);
        assert_eq!(layout("x.json", "{\"id\":1}\n{\"id\":2}"), Layout::Lines);
        assert_eq!(layout("x.json", "{\n\"id\":1}\n{\"id\":2}"), Layout::Values);
        assert_eq!(layout("x.ndjson.gz", "{\n\"id\":1}"), Layout::Lines);
        assert_eq!(layout("x.JSONL", "nonsense\n{\"id\":1}"), Layout::Lines);
        assert_eq!(layout("x.ndjson", "[1]\n{\"id\":1}"), Layout::Lines);
        assert_eq!(layout("x.ndjson", ""), Layout::Lines);
    }

    #[test]
    fn damaged_records_do_not_decide() {
        let text = "{\"id\":\"a\"\nnull\n{\"no\":1}\n{\"path\":\"users/a\",\"data\":{}}\n";
        assert_eq!(found("x.ndjson", text).unwrap().shape, Shape::FirestoreBackfire);
    }

    #[test]
    fn what_fits_two_shapes_names_both() {
        let error = found("x.json", r#"[{"id":"a","firestore_id":"b"}]"#).unwrap_err();
        assert_eq!(error.code(), "ambiguous_shape");
        assert!(error.message().ends_with("firebase_to_supabase, plain"), "{}", error.message());
        assert!(error.hint_text().unwrap().contains("shape: firebase_to_supabase"));
        let mixed = format!("{REST}\n{{\"id\":\"a\"}}\n");
        assert_eq!(found("x.ndjson", &mixed).unwrap_err().code(), "ambiguous_shape");
    }

    #[test]
    fn a_head_that_ends_anywhere_still_tells_the_shape() {
        let text = r#"{"users":{"a":{"n":"xxxxxxxxxx","subCollection":{}}}}"#;
        for end in 18..text.len() {
            let head = Head { path: Path::new("x.json"), text: &text[..end], whole: false, id_field: "id" };
            assert_eq!(head.detect(None).unwrap().shape, Shape::FirestoreExportImport, "{}", &text[..end]);
        }
    }
}
