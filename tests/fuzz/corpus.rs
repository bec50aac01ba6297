//! Where inputs come from.

use std::path::Path;

use crate::support::repository;

/// The content of a file, and its name, which decides how it is read.
#[derive(Debug, Clone)]
pub struct Input {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// All files below these folders of the repository that end in one of these ways.
pub fn files(folders: &[&str], ends: &[&str]) -> Vec<Input> {
    let mut found = Vec::new();
    for folder in folders {
        below(&repository(folder), ends, &mut found);
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn below(folder: &Path, ends: &[&str], found: &mut Vec<Input>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, ends, found);
        } else if ends.iter().any(|end| path.extension().is_some_and(|own| own == *end)) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.push(Input { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
}
