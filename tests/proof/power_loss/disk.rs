//! A model of a disk: what is durable, what is only on its way, and what a power loss can leave of it.
//!
//! - `fsync` of a file makes its content durable, nothing else. Whatever was written since may be there or not, in
//!   pieces of 512 or 4096 bytes, in any order; so may a change of its size.
//! - `fsync` of a folder makes its names durable: creations, renames, removals. Of those since, the first few may be
//!   there (file systems journal names in order), even where a file's content is not.
//! - A file whose name never became durable is gone, with everything in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::record::Operation;
use crate::support::documents::Random;

/// What a disk does with `fsync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Obeys.
    Honest,
    /// Says done and does nothing.
    Ignored,
}

/// A disk while a process writes to it.
#[derive(Debug, Clone)]
pub struct Disk {
    sync: Sync,
    files: Vec<File>,
    /// The file that an inode number stands for at the moment.
    inodes: BTreeMap<u64, usize>,
    names: Names,
    durable_names: Names,
    pending_names: Vec<NameChange>,
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    Resize(usize),
}

/// Names to files; `None` is a folder.
type Names = BTreeMap<PathBuf, Option<usize>>;

#[derive(Debug, Clone)]
enum NameChange {
    Add(PathBuf, Option<usize>),
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Disk {
    /// A disk that holds the files below `folder`, all of it durable.
    pub fn of(folder: &Path, sync: Sync) -> Self {
        let mut disk = Self {
            sync,
            files: Vec::new(),
            inodes: BTreeMap::new(),
            names: Names::new(),
            durable_names: Names::new(),
            pending_names: Vec::new(),
        };
        disk.read(folder);
        disk.durable_names = disk.names.clone();
        disk
    }

    fn read(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                self.names.insert(entry.path(), None);
                self.read(&entry.path());
            } else {
                self.names.insert(entry.path(), Some(self.files.len()));
                self.files.push(File { durable: fs::read(entry.path()).unwrap(), pending: Vec::new() });
            }
        }
    }

    /// One more operation happened.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Opened { path, inode } => {
                let file = self.names.get(path).copied().flatten();
                self.inodes.insert(*inode, file.unwrap_or_else(|| panic!("{} was never made", path.display())));
            }
            Operation::Created { path, inode } => {
                let file = self.files.len();
                self.files.push(File::default());
                self.inodes.insert(*inode, file);
                self.change_name(NameChange::Add(path.clone(), Some(file)));
            }
            Operation::Written { inode, offset, data } => {
                self.change_file(*inode, Change::Write { offset: *offset, data: data.clone() });
            }
            Operation::Truncated { inode, size } => self.change_file(*inode, Change::Resize(*size)),
            Operation::Synced { inode } => self.sync_file(*inode),
            Operation::DirSynced { path } => self.sync_folder(path),
            Operation::Renamed { from, to } => self.change_name(NameChange::Move(from.clone(), to.clone())),
            Operation::Unlinked { path } => self.change_name(NameChange::Remove(path.clone())),
            Operation::MadeDir { path } => self.change_name(NameChange::Add(path.clone(), None)),
            Operation::Printed { .. } => {}
        }
    }

    fn change_file(&mut self, inode: u64, change: Change) {
        let file = self.inodes[&inode];
        self.files[file].pending.push(change);
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }

    fn sync_file(&mut self, inode: u64) {
        if self.sync == Sync::Honest {
            let file = &mut self.files[self.inodes[&inode]];
            for change in std::mem::take(&mut file.pending) {
                change.apply(&mut file.durable);
            }
        }
    }

    fn sync_folder(&mut self, folder: &Path) {
        if self.sync == Sync::Honest {
            let (now, later) =
                std::mem::take(&mut self.pending_names).into_iter().partition(|change| change.is_in(folder));
            self.pending_names = later;
            let now: Vec<NameChange> = now;
            now.iter().for_each(|change| change.apply(&mut self.durable_names));
        }
    }

    /// Writes into `folder`, which is emptied first, what a power loss now leaves. Chance decides what is kept.
    pub fn lose_power(&self, folder: &Path, random: &mut Random) {
        let mut names = self.durable_names.clone();
        let kept = random.below(self.pending_names.len() + 1);
        self.pending_names[..kept].iter().for_each(|change| change.apply(&mut names));
        let keep = Keep::choose(random);
        empty(folder);
        for (path, file) in &names {
            if !path.parent().is_some_and(Path::is_dir) {
                continue; // The folder's own name was lost.
            }
            match file {
                None => fs::create_dir(path).unwrap(),
                Some(file) => fs::write(path, self.files[*file].after_loss(keep, random)).unwrap(),
            }
        }
    }
}

/// How much of what is on its way arrives.
#[derive(Debug, Clone, Copy)]
struct Keep {
    /// Bytes that arrive or not as one.
    piece: usize,
    /// In a thousand.
    per_mille: usize,
}

impl Keep {
    fn choose(random: &mut Random) -> Self {
        Self { piece: *random.pick(&[512, 4096]), per_mille: *random.pick(&[0, 100, 500, 500, 900, 1000]) }
    }
}

impl File {
    fn after_loss(&self, keep: Keep, random: &mut Random) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::Resize(_) if random.per_mille(keep.per_mille) => change.apply(&mut content),
                Change::Resize(_) => {}
                Change::Write { offset, data } => {
                    for (offset, data) in pieces(*offset, data, keep.piece) {
                        if random.per_mille(keep.per_mille) {
                            write(&mut content, offset, data);
                        }
                    }
                }
            }
        }
        content
    }
}

/// The parts of a write, cut where the disk's pieces end.
fn pieces(offset: usize, data: &[u8], size: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        at = data.len().min((offset + start) / size * size + size - offset);
        (start < data.len()).then(|| (offset + start, &data[start..at]))
    })
}

fn write(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => write(content, *offset, data),
            Self::Resize(size) => content.resize(*size, 0),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Move(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }

    fn is_in(&self, folder: &Path) -> bool {
        let (Self::Add(path, _) | Self::Move(_, path) | Self::Remove(path)) = self;
        path.parent() == Some(folder)
    }
}

fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}
