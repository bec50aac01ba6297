//! Documents that were kept when they were rejected, as a source: one file per collection, one document a line. It is no
//! adapter: what it reads is the engine's own.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::failed;
use crate::domain::cursor::{Cursor, Partition};
use crate::domain::document::{CollectionPattern, Document};
use crate::domain::json;
use crate::error::{Error, Result};
use crate::source::{
    FoundCollection, Page, PageStream, ReadRequest, Record, Source, SourceCapabilities, Usage, by_reading,
};

/// A folder of kept documents.
pub(super) struct KeptSource {
    folder: PathBuf,
    /// Where they came from once; what it cost to read some of them again is its to tell.
    origin: Arc<dyn Source>,
}

/// Fills the folder. Files are private: they hold documents.
pub(super) struct Keeping {
    folder: PathBuf,
    files: Vec<(CollectionPattern, std::io::BufWriter<std::fs::File>)>,
    create: fn(&Path) -> std::io::Result<std::fs::File>,
}

impl Keeping {
    /// Begins in an empty folder that is there. `create` makes a private file.
    pub fn new(folder: &Path, create: fn(&Path) -> std::io::Result<std::fs::File>) -> Self {
        Self { folder: folder.to_owned(), files: Vec::new(), create }
    }

    /// Adds a document under a number of the caller's.
    pub fn add(&mut self, collection: &CollectionPattern, number: i64, document: &str) -> Result<()> {
        let path = file_of(&self.folder, collection);
        if !self.files.iter().any(|(own, _)| own == collection) {
            let file = (self.create)(&path).map_err(|error| failed(&path, error))?;
            self.files.push((collection.clone(), std::io::BufWriter::new(file)));
        }
        let Some((_, file)) = self.files.iter_mut().find(|(own, _)| own == collection) else { return Ok(()) };
        writeln!(file, "{number}\t{document}").map_err(|error| failed(&path, error))
    }

    /// The collections that have documents.
    pub fn finish(mut self) -> Result<Vec<CollectionPattern>> {
        for (_, file) in &mut self.files {
            file.flush().map_err(|error| failed(&self.folder, error))?;
        }
        Ok(self.files.into_iter().map(|(collection, _)| collection).collect())
    }
}

impl KeptSource {
    /// The documents in a folder that [`Keeping`] filled.
    pub fn new(folder: &Path, origin: Arc<dyn Source>) -> Self {
        Self { folder: folder.to_owned(), origin }
    }

    /// The numbers of the documents of a collection, for as long as `take` wants them, in pieces.
    pub fn numbers(&self, collection: &CollectionPattern) -> Result<impl Iterator<Item = Result<i64>> + use<>> {
        let path = file_of(&self.folder, collection);
        let reader = BufReader::new(std::fs::File::open(&path).map_err(|error| failed(&path, error))?);
        Ok(reader.split(b'\n').map(move |line| {
            let line = line.map_err(|error| failed(&path, error))?;
            split(&line).map(|(number, _)| number).ok_or_else(|| damaged(&path))
        }))
    }

    /// Whether documents of the collection were kept.
    pub fn holds(&self, collection: &CollectionPattern) -> bool {
        file_of(&self.folder, collection).exists()
    }

    fn found(&self) -> Result<Vec<(CollectionPattern, PathBuf)>> {
        let entries = std::fs::read_dir(&self.folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = entries.map_err(|error| failed(&self.folder, error))?;
        let named = |path: PathBuf| {
            let stem = path.file_name()?.to_str()?.strip_suffix(END)?.replace('.', "/*/");
            Some((CollectionPattern::parse(&stem).ok()?, path))
        };
        let mut found: Vec<_> = entries.into_iter().filter_map(|entry| named(entry.path())).collect();
        found.sort();
        Ok(found)
    }
}

const END: &str = ".kept.ndjson";

/// `*` and `/` are no good in file names: `users/*/orders` becomes `users.orders`.
fn file_of(folder: &Path, collection: &CollectionPattern) -> PathBuf {
    folder.join(collection.as_str().replace("/*/", ".") + END)
}

fn damaged(path: &Path) -> Error {
    failed(path, std::io::ErrorKind::InvalidData.into())
}

fn split(line: &[u8]) -> Option<(i64, &str)> {
    let (number, document) = std::str::from_utf8(line).ok()?.split_once('\t')?;
    Some((number.parse().ok()?, document))
}

fn decoded(path: &Path, line: &[u8]) -> Result<Document> {
    let document = split(line).and_then(|(_, document)| json::decode_document(document).ok());
    document.ok_or_else(|| damaged(path))
}

/// A file being read.
struct Reading {
    path: PathBuf,
    lines: BufReader<std::fs::File>,
    at: u64,
    documents: usize,
    bytes: u64,
    over: bool,
}

impl Reading {
    fn page(&mut self) -> Result<Page> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < self.documents && bytes < self.bytes {
            let mut line = Vec::new();
            let read = self.lines.read_until(b'\n', &mut line).map_err(|error| failed(&self.path, error))?;
            if read == 0 {
                self.over = true;
                break;
            }
            bytes += read as u64;
            records.push(Record::Document(decoded(&self.path, line.trim_ascii_end())?));
        }
        self.at += bytes;
        Ok(Page { records, cursor: Cursor(self.at.to_string()), bytes, last: self.over })
    }
}

#[async_trait]
impl Source for KeptSource {
    fn describe(&self) -> String {
        format!("rejected documents of {}", self.origin.describe())
    }

    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            cheap_count: true,
            snapshot: false,
            parallel_partitions: false,
            unique_paths: false,
            incremental: false,
            retire: false,
            billed: false,
        }
    }

    async fn check(&self) -> Result<Vec<String>> {
        self.found().map(|_| Vec::new())
    }

    async fn collections(&self) -> Result<Vec<FoundCollection>> {
        let found = self.found()?.into_iter();
        let shown = |(collection, path): (CollectionPattern, PathBuf)| FoundCollection {
            collection,
            place: "kept documents".to_owned(),
            bytes: std::fs::metadata(path).ok().map(|file| file.len()),
        };
        Ok(found.map(shown).collect())
    }

    async fn count(&self, request: &ReadRequest) -> Result<u64> {
        let path = file_of(&self.folder, &request.collection);
        let mut file = std::fs::File::open(&path).map_err(|error| failed(&path, error))?;
        let (mut lines, mut buffer) = (0, vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer).map_err(|error| failed(&path, error))? {
                0 => return Ok(lines),
                read => lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64,
            }
        }
    }

    async fn partitions(&self, request: &ReadRequest) -> Result<Vec<Partition>> {
        let here = file_of(&self.folder, &request.collection).exists();
        let all = Partition { id: "0".to_owned(), bounds: request.collection.to_string() };
        Ok(if here { vec![all] } else { Vec::new() })
    }

    async fn read(&self, request: &ReadRequest, _partition: &Partition, after: Option<&Cursor>) -> Result<PageStream> {
        let path = file_of(&self.folder, &request.collection);
        let at = after.map_or(Ok(0), |cursor| cursor.0.parse()).map_err(|_| damaged(&path))?;
        let mut file = std::fs::File::open(&path).map_err(|error| failed(&path, error))?;
        file.seek(SeekFrom::Start(at)).map_err(|error| failed(&path, error))?;
        let (documents, bytes) = (request.page_documents.max(1), request.page_bytes.max(1) as u64);
        let reading = Reading { path, lines: BufReader::new(file), at, documents, bytes, over: false };
        let next = |mut reading: Reading| async move {
            if reading.over {
                return None;
            }
            let page = reading.page();
            reading.over |= page.is_err();
            Some((page, reading))
        };
        Ok(stream::unfold(reading, next).boxed())
    }

    fn fetch(self: Arc<Self>, request: ReadRequest, paths: Arc<[String]>) -> PageStream {
        by_reading(self, request, &paths)
    }

    async fn fingerprint(&self, partition: &Partition, _cursor: Option<&Cursor>) -> Result<String> {
        let collection = CollectionPattern::parse(&partition.bounds).map_err(|_| damaged(&self.folder))?;
        let path = file_of(&self.folder, &collection);
        let bytes = std::fs::metadata(&path).map_err(|error| failed(&path, error))?.len();
        Ok(format!("kept {bytes}"))
    }

    async fn retire(&self, partitions: &[Partition]) -> Result<Vec<String>> {
        // Only for an earlier run that read the origin itself.
        self.origin.retire(partitions).await
    }

    async fn retired(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn limit_reads(&self, most: u64) {
        self.origin.limit_reads(most);
    }

    fn usage(&self) -> Usage {
        self.origin.usage()
    }
}
