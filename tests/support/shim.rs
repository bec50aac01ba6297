//! Small C libraries that are loaded into the program (`LD_PRELOAD`) to see or disturb what it does to files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

static COMPILED: LazyLock<(tempfile::TempDir, Mutex<HashMap<String, PathBuf>>)> =
    LazyLock::new(|| (tempfile::tempdir().unwrap(), Mutex::default()));

/// The library made of `tests/support/NAME.c`, compiled once.
pub fn compiled(name: &str) -> PathBuf {
    let (folder, compiled) = &*COMPILED;
    let mut compiled = compiled.lock().unwrap();
    let compile = || {
        let path = folder.path().join(format!("{name}.so"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/support/{name}.c"));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o"]).arg(&path).arg(source);
        let status = compiler.status().expect("a C compiler, as the build needs it");
        assert!(status.success(), "{compiler:?}");
        path
    };
    compiled.entry(name.to_owned()).or_insert_with(compile).clone()
}
