//! Which keys were seen, in bounded memory: 16 bytes for each in a scratch file, sorted once all are there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::domain::encode::encode;
use crate::domain::row::SqlValue;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::files::{private_append, private_create, private_dir};

/// Bytes of one hash.
const SIZE: usize = 16;
/// Hashes that are sorted in memory at once, and kept there (32 MiB).
const MOST: usize = 2 << 20;

/// 16 bytes that stand for values: two different ones with the same are not to be expected (birthday bound 2⁶⁴).
pub(in crate::engine) fn hash<'a>(values: impl IntoIterator<Item = &'a SqlValue>) -> u128 {
    hash_bytes(&encode(values))
}

/// The same of any bytes.
pub(in crate::engine) fn hash_bytes(bytes: &[u8]) -> u128 {
    let mut first = [0; SIZE];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..SIZE]);
    u128::from_be_bytes(first)
}

/// The scratch folder of a comparison: files of hashes that are only ever added to. It stays until it is removed.
pub(in crate::engine) struct Scratch {
    folder: PathBuf,
    open: BTreeMap<String, (BufWriter<File>, u64)>,
}

impl Scratch {
    /// Opens the folder. Files are cut to what is known of them; `false` when one is shorter than that, or gone.
    pub fn open(folder: PathBuf, known: &BTreeMap<String, u64>) -> Result<(Self, bool)> {
        private_dir(&folder).map_err(|error| failed(&folder, error))?;
        let mut scratch = Self { folder, open: BTreeMap::new() };
        for (name, hashes) in known {
            let path = scratch.path(name);
            let file = private_append(&path).map_err(|error| failed(&path, error))?;
            let bytes = file.metadata().map_err(|error| failed(&path, error))?.len();
            if bytes < hashes * SIZE as u64 {
                return Ok((scratch, false));
            }
            file.set_len(hashes * SIZE as u64).map_err(|error| failed(&path, error))?;
            scratch.open.insert(name.clone(), (BufWriter::new(file), *hashes));
        }
        Ok((scratch, true))
    }

    /// Adds a hash to a file.
    pub fn add(&mut self, name: &str, hash: u128) -> Result<()> {
        if !self.open.contains_key(name) {
            let path = self.path(name);
            let file = private_append(&path).map_err(|error| failed(&path, error))?;
            self.open.insert(name.to_owned(), (BufWriter::with_capacity(1 << 16, file), 0));
        }
        let Some((file, hashes)) = self.open.get_mut(name) else { return Ok(()) };
        *hashes += 1;
        file.write_all(&hash.to_be_bytes()).map_err(|error| failed(&self.folder, error))
    }

    /// How many hashes each file holds; all of them are in the files.
    pub fn flush(&mut self) -> Result<BTreeMap<String, u64>> {
        let folder = &self.folder;
        let flushed = self.open.iter_mut().map(|(name, (file, hashes))| {
            file.flush().map_err(|error| failed(folder, error))?;
            Ok((name.clone(), *hashes))
        });
        flushed.collect()
    }

    /// The distinct hashes of some files together.
    pub fn distinct(&mut self, names: &[String]) -> Result<Distinct> {
        self.flush()?;
        let files: Vec<PathBuf> = names.iter().map(|name| self.path(name)).filter(|path| path.exists()).collect();
        let sorted = self.path(&format!("sorted-{}", names.join("+")));
        Distinct::of(&files, &sorted, MOST).map_err(|error| failed(&self.folder, error))
    }

    /// Everything goes.
    pub fn remove(self) {
        drop(self.open);
        // What cannot be removed does no harm.
        let _ = fs_err::remove_dir_all(&self.folder);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Distinct hashes that can be looked up.
pub(in crate::engine) enum Distinct {
    /// Few enough for memory, sorted.
    Few(Vec<u128>),
    /// In a sorted file.
    Many(File, u64),
}

impl Distinct {
    /// Sorts the files' hashes, in portions of at most about `most`: hashes are spread evenly, so those that begin alike
    /// are as many in every portion.
    fn of(files: &[PathBuf], sorted: &Path, most: usize) -> std::io::Result<Self> {
        let mut all: u64 = 0;
        for file in files {
            all += fs_err::metadata(file)?.len() / SIZE as u64;
        }
        if all <= most as u64 {
            let mut few = Vec::with_capacity(usize::try_from(all).unwrap_or_default());
            each(files, |hash| {
                few.push(hash);
                Ok(())
            })?;
            return Ok(Self::Few(in_order(few)));
        }
        let portions = all.div_ceil(most as u64 / 2);
        let names: Vec<PathBuf> = (0..portions).map(|number| sorted.with_extension(format!("part{number}"))).collect();
        let mut parts =
            names.iter().map(|name| Ok(BufWriter::new(private_create(name)?))).collect::<std::io::Result<Vec<_>>>()?;
        each(files, |hash| {
            let portion = u64::try_from(((hash >> 64) * u128::from(portions)) >> 64).unwrap_or_default();
            match parts.get_mut(usize::try_from(portion).unwrap_or_default()) {
                Some(part) => part.write_all(&hash.to_be_bytes()),
                None => Ok(()),
            }
        })?;
        parts.iter_mut().try_for_each(Write::flush)?;
        drop(parts);
        let mut whole = BufWriter::new(private_create(sorted)?);
        let mut distinct = 0;
        for name in names {
            let mut portion = Vec::new();
            each(std::slice::from_ref(&name), |hash| {
                portion.push(hash);
                Ok(())
            })?;
            for hash in in_order(portion) {
                distinct += 1;
                whole.write_all(&hash.to_be_bytes())?;
            }
            fs_err::remove_file(&name)?;
        }
        whole.flush()?;
        Ok(Self::Many(File::open(sorted)?, distinct))
    }

    /// How many.
    pub fn len(&self) -> u64 {
        match self {
            Self::Few(few) => few.len() as u64,
            Self::Many(_, distinct) => *distinct,
        }
    }

    /// Whether it is one of them.
    pub fn contains(&mut self, hash: u128) -> Result<bool> {
        match self {
            Self::Few(few) => Ok(few.binary_search(&hash).is_ok()),
            Self::Many(file, distinct) => {
                search(file, *distinct, hash).map_err(|error| failed(Path::new("scratch"), error))
            }
        }
    }
}

fn search(file: &mut File, distinct: u64, hash: u128) -> std::io::Result<bool> {
    let (mut low, mut high) = (0, distinct);
    let mut bytes = [0; SIZE];
    while low < high {
        let middle = u64::midpoint(low, high);
        file.seek(SeekFrom::Start(middle * SIZE as u64))?;
        file.read_exact(&mut bytes)?;
        match u128::from_be_bytes(bytes).cmp(&hash) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(false)
}

fn in_order(mut hashes: Vec<u128>) -> Vec<u128> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn each(files: &[PathBuf], mut take: impl FnMut(u128) -> std::io::Result<()>) -> std::io::Result<()> {
    for file in files {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(file)?);
        let mut bytes = [0; SIZE];
        loop {
            match reader.read_exact(&mut bytes) {
                Ok(()) => take(u128::from_be_bytes(bytes))?,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Ledger, "verify_scratch_failed", "the comparison's scratch files cannot be used")
        .file(path)
        .hint("check space and permissions, or choose another --state-dir")
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_is_sorted_in_portions_is_what_is_sorted_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let (mut scratch, whole) = Scratch::open(folder.path().join("s"), &BTreeMap::new()).unwrap();
        assert!(whole);
        for number in 0..3_000_i64 {
            scratch.add(if number % 3 == 0 { "a" } else { "b" }, hash(&[SqlValue::Integer(number % 2_000)])).unwrap();
        }
        scratch.flush().unwrap();
        let files = ["a", "b"].map(|name| scratch.path(name));
        let mut few = Distinct::of(&files, &scratch.path("few"), 3_000).unwrap();
        let mut many = Distinct::of(&files, &scratch.path("many"), 100).unwrap();
        assert!(matches!((&few, &many), (Distinct::Few(_), Distinct::Many(..))));
        assert_eq!((few.len(), many.len()), (2_000, 2_000));
        for number in 0..4_000_i64 {
            let hash = hash(&[SqlValue::Integer(number)]);
            assert_eq!(few.contains(hash).unwrap(), number < 2_000);
            assert_eq!(many.contains(hash).unwrap(), number < 2_000, "{number}");
        }
    }

    #[test]
    fn files_are_cut_to_what_is_known_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (mut scratch, _) = Scratch::open(path.clone(), &BTreeMap::new()).unwrap();
        (0..10).for_each(|number| scratch.add("a", number).unwrap());
        scratch.flush().unwrap();
        drop(scratch);
        let known = BTreeMap::from([("a".to_owned(), 4)]);
        let (mut scratch, whole) = Scratch::open(path.clone(), &known).unwrap();
        scratch.add("a", 100).unwrap();
        assert!(whole);
        assert_eq!(scratch.distinct(&["a".to_owned()]).unwrap().len(), 5);
        let (_, whole) = Scratch::open(path, &BTreeMap::from([("a".to_owned(), 6)])).unwrap();
        assert!(!whole);
    }
}
