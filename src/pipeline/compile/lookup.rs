//! `lookup`: a JSON file of replacements.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

use super::{Scope, resolve};
use crate::domain::mapping::Lookup;
use crate::pipeline::model::LookupModel;

/// A lookup is held in memory for the whole run.
const MAX_BYTES: u64 = 256 << 20;

/// Reads the file of a lookup.
pub(super) fn lookup(model: &LookupModel, scope: &mut Scope<'_, '_>) -> Option<Arc<Lookup>> {
    let mark = model.file.mark;
    let path = resolve(&scope.problems.sources().folder(mark), &model.file.value);
    let mut refuse = |message: String, hint: &str| {
        scope.problems.add_with_hint("lookup_file", mark, format!("lookup file `{}` {message}", model.written), hint);
    };
    let text = match read(&path) {
        Ok(text) => text,
        Err((message, hint)) => {
            refuse(message, hint);
            return None;
        }
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match entries(&text) {
        Ok(entries) => Some(Arc::new(Lookup { name, entries, missing: model.missing })),
        Err(message) => {
            refuse(message, "write one JSON object: { \"value in the document\": \"value in the table\" }");
            None
        }
    }
}

fn read(path: &std::path::Path) -> Result<String, (String, &'static str)> {
    const RELATIVE: &str = "paths are relative to the file they stand in";
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ("does not exist".to_owned(), RELATIVE),
        _ => (format!("cannot be read: {error}"), "check its permissions"),
    })?;
    if meta.is_dir() {
        return Err(("is a directory".to_owned(), "name a JSON file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| (format!("cannot be read: {error}"), "check its permissions"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(("is larger than 256 MiB, too large to hold in memory".to_owned(), "split the collection"));
    }
    String::from_utf8(bytes).map_err(|_| ("is not valid UTF-8".to_owned(), "save it as UTF-8"))
}

fn entries(text: &str) -> Result<HashMap<String, crate::domain::value::Value>, String> {
    use crate::domain::value::Value;
    match crate::domain::json::decode(text) {
        Ok(Value::Map(map)) => Ok(map.into_iter().map(|(key, value)| (key.into(), value)).collect()),
        Ok(other) => Err(format!("holds {} {}, not one JSON object", article(other.type_name()), other.type_name())),
        Err(error) => Err(format!("is not valid JSON: {error}")),
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
