//! Runs the program with `tests/support/powerloss.c` loaded and reads what that recorded.

use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::shim::compiled;

/// Something that happened below the watched folder, or on the terminal.
#[derive(Debug, Clone)]
pub enum Operation {
    /// An existing file was opened.
    Opened {
        path: PathBuf,
        inode: u64,
    },
    Created {
        path: PathBuf,
        inode: u64,
    },
    Written {
        inode: u64,
        offset: usize,
        data: Vec<u8>,
    },
    Truncated {
        inode: u64,
        size: usize,
    },
    Synced {
        inode: u64,
    },
    DirSynced {
        path: PathBuf,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Unlinked {
        path: PathBuf,
    },
    MadeDir {
        path: PathBuf,
    },
    /// On stdout or stderr.
    Printed {
        data: Vec<u8>,
    },
}

/// Makes `command` record what it does below `folder` in `log`.
pub fn watch(command: &mut Command, folder: &Path, log: &Path) {
    command.env("LD_PRELOAD", compiled("powerloss"));
    command.env("FIREFERRY_TEST_POWERLOSS_FOLDER", folder).env("FIREFERRY_TEST_POWERLOSS_LOG", log);
}

/// What was recorded, in order.
pub fn read(log: &Path) -> Vec<Operation> {
    let bytes = std::fs::read(log).expect("the shim was loaded and wrote its record");
    let mut rest = &bytes[..];
    let mut operations = Vec::new();
    while !rest.is_empty() {
        operations.push(operation(&mut rest));
    }
    operations
}

fn operation(rest: &mut &[u8]) -> Operation {
    let head = take(rest, 32);
    let number = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().unwrap());
    let path_length = u32::from_ne_bytes(head[4..8].try_into().unwrap());
    let (inode, offset) = (number(16), usize::try_from(number(24)).unwrap());
    let path = path(take(rest, path_length as usize));
    let data = take(rest, usize::try_from(number(8)).unwrap());
    match head[0] {
        b'O' => Operation::Opened { path, inode },
        b'C' => Operation::Created { path, inode },
        b'W' => Operation::Written { inode, offset, data: data.to_vec() },
        b'T' => Operation::Truncated { inode, size: offset },
        b'S' => Operation::Synced { inode },
        b'D' => Operation::DirSynced { path },
        b'R' => Operation::Renamed { from: path, to: self::path(data) },
        b'U' => Operation::Unlinked { path },
        b'M' => Operation::MadeDir { path },
        b'P' => Operation::Printed { data: data.to_vec() },
        kind => panic!("the shim cannot follow what happened to {} ({})", path.display(), char::from(kind)),
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, after) = rest.split_at(length);
    *rest = after;
    taken
}

fn path(bytes: &[u8]) -> PathBuf {
    std::ffi::OsString::from_vec(bytes.to_vec()).into()
}
