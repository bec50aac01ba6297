//! The source itself: files as collections and partitions.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::bounds::{self, Bounds};
use super::files::{self, Listing, SourceFile, Stamp};
use super::inventory::{self, Inventory};
use super::reader::{self, Reader};
use super::shape::Layout;
use super::{JsonOptions, Shape};
use super::{check, detect, fingerprint, pages, retire, scan};
use crate::domain::cursor::{Cursor, Partition};
use crate::domain::document::CollectionPattern;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{FoundCollection, PageStream, ReadRequest, Source, SourceCapabilities, by_reading};

/// Documents in JSON files.
pub struct JsonSource {
    inner: Arc<Inner>,
}

struct Inner {
    options: JsonOptions,
    /// What was found in files, until they change: finding it may mean going through them.
    known: Mutex<HashMap<PathBuf, Arc<Known>>>,
}

/// What is known of one file.
struct Known {
    bounds: Bounds,
    inventory: Inventory,
}

impl JsonSource {
    /// A source over files. Nothing is read yet: `check` does that.
    pub fn open(options: JsonOptions) -> Result<Self> {
        if options.id_field.is_empty() {
            return Err(Error::new(ErrorKind::Config, "id_field_empty", "`id_field` is empty")
                .hint("name the field that holds the id, or leave `id_field` out for `id`"));
        }
        if let (Some(shape), Some(collection)) = (options.shape, &options.collection)
            && shape.carries_paths()
            && shape != Shape::NodeFirestoreImportExport
        {
            return Err(not_needed(shape).collection(collection.as_str()));
        }
        Ok(Self { inner: Arc::new(Inner { options, known: Mutex::new(HashMap::new()) }) })
    }

    /// Runs file work where it may block.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(error) => Err(Error::new(ErrorKind::Internal, "file_work_died", "reading files ended unexpectedly")
                .file(&self.inner.options.path)
                .caused_by(error)),
        }
    }
}

/// The error of naming a collection for documents that name it themselves.
fn not_needed(shape: Shape) -> Error {
    Error::new(ErrorKind::Config, "collection_not_needed", format!("`collection` does not go with the shape {shape}"))
        .hint("leave `collection` out: documents of this shape say themselves where they belong")
}

#[async_trait]
impl Source for JsonSource {
    fn describe(&self) -> String {
        let path = self.inner.options.path.display();
        if self.inner.options.path.is_dir() { format!("json files in {path}") } else { format!("json file {path}") }
    }

    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            cheap_count: true,
            snapshot: false,
            parallel_partitions: true,
            unique_paths: false,
            incremental: false,
            retire: self.inner.options.rename_migrated,
            billed: false,
        }
    }

    async fn check(&self) -> Result<Vec<String>> {
        self.blocking(|inner| {
            let listing = inner.list()?;
            check::check(&inner.options, &listing)?;
            listing.files.iter().try_for_each(|file| inner.bounds(file).map(drop))
        })
        .await?;
        Ok(Vec::new())
    }

    async fn collections(&self) -> Result<Vec<FoundCollection>> {
        self.blocking(Inner::collections).await
    }

    async fn count(&self, request: &ReadRequest) -> Result<u64> {
        let request = request.clone();
        self.blocking(move |inner| {
            let mut sum = 0;
            for (file, bounds) in inner.holding(&request.collection)? {
                sum += reader::count(&file.path, &bounds, &request)
                    .map_err(|error| error.collection(request.collection.as_str()))?;
            }
            Ok(sum)
        })
        .await
    }

    async fn partitions(&self, request: &ReadRequest) -> Result<Vec<Partition>> {
        let collection = request.collection.clone();
        self.blocking(move |inner| {
            inner.holding(&collection)?.iter().map(|(_, bounds)| bounds.to_partition()).collect()
        })
        .await
    }

    async fn read(&self, request: &ReadRequest, partition: &Partition, after: Option<&Cursor>) -> Result<PageStream> {
        let bounds = Bounds::of(partition)?;
        let path = self.inner.path_of(&bounds)?;
        let id_field = self.inner.options.id_field.clone();
        let wanted = request.clone();
        pages::stream(request, bounds::to_mark(after)?, move |from, stop| {
            Reader::open(&path, &bounds, &id_field, &wanted, from, stop)
        })
    }

    fn fetch(self: Arc<Self>, request: ReadRequest, paths: Arc<[String]>) -> PageStream {
        by_reading(self, ReadRequest { only: None, ..request }, &paths)
    }

    async fn fingerprint(&self, partition: &Partition, cursor: Option<&Cursor>) -> Result<String> {
        let path = self.inner.path_of(&Bounds::of(partition)?)?;
        let mark = cursor.map(|cursor| bounds::to_mark(Some(cursor))).transpose()?;
        self.blocking(move |_| fingerprint::fingerprint(&path, mark.as_ref())).await
    }

    async fn retire(&self, partitions: &[Partition]) -> Result<Vec<String>> {
        let all = partitions.iter().map(Bounds::of).collect::<Result<Vec<_>>>()?;
        // A file may hold several collections.
        let files: BTreeMap<String, Bounds> = all.into_iter().map(|bounds| (bounds.file.clone(), bounds)).collect();
        self.blocking(move |inner| {
            let mut names = Vec::new();
            for bounds in files.values() {
                if let Some(path) = retire::retire(&inner.path_of(bounds)?, bounds)? {
                    names.push(inner.name_of(&path));
                }
            }
            Ok(names)
        })
        .await
    }

    async fn retired(&self) -> Result<Vec<String>> {
        self.blocking(|inner| Ok(inner.list()?.retired.into_iter().map(|file| file.name).collect())).await
    }
}

impl Inner {
    fn list(&self) -> Result<Listing> {
        files::list(&self.options.path)
    }

    /// Shape, layout and collection of a file.
    fn bounds(&self, file: &SourceFile) -> Result<Bounds> {
        let stamp = Stamp::of(&file.path)?;
        let detected = detect::detect(&file.path, self.options.shape, &self.options.id_field)?;
        let mut bounds =
            Bounds { file: file.name.clone(), shape: detected.shape, layout: detected.layout, collection: None, stamp };
        let named = match &self.options.collection {
            Some(collection) => Ok(collection.as_str().to_owned()),
            None => files::named_collection(&file.name),
        };
        if self.options.collection.is_some() && !inventory::needs_name(&bounds) {
            return Err(not_needed(bounds.shape).file(&file.path));
        }
        let named = named.and_then(|name| match bounds.layout {
            Layout::Collection if name.contains("/*/") => Err(format!("`{name}` leaves the parent document open")),
            _ => Ok(name),
        });
        bounds.collection = match named {
            Ok(name) => Some(name),
            Err(_) if !inventory::needs_name(&bounds) => None,
            Err(reason) => {
                let message = format!("the file's name gives no collection: {reason}");
                return Err(Error::new(ErrorKind::Source, "no_collection_name", message)
                    .file(&file.path)
                    .hint("rename it, e.g. to `users.ndjson`, or name the collection with `source.collection`"));
            }
        };
        Ok(bounds)
    }

    /// Everything about a file, from memory while it does not change.
    fn know(&self, file: &SourceFile) -> Result<Arc<Known>> {
        let stamp = Stamp::of(&file.path)?;
        if let Some(known) = self.known().get(&file.path)
            && known.bounds.stamp == stamp
        {
            return Ok(Arc::clone(known));
        }
        let bounds = self.bounds(file)?;
        let inventory = inventory::take(&file.path, &bounds);
        let known = Arc::new(Known { bounds, inventory });
        self.known().insert(file.path.clone(), Arc::clone(&known));
        Ok(known)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collections(&self) -> Result<Vec<FoundCollection>> {
        let mut found: BTreeMap<CollectionPattern, (Vec<String>, Option<u64>)> = BTreeMap::new();
        for file in self.list()?.files {
            let known = self.know(&file)?;
            // Damaged before its first document: that it holds nothing would be the wrong message.
            if known.inventory.collections.is_empty()
                && known.inventory.broken.is_some()
                && let Some(error) = inventory::take(&file.path, &known.bounds).broken
            {
                return Err(error);
            }
            let apart = !known.bounds.shape.carries_paths() || scan::is_plain(&file.path)?;
            for (collection, bytes) in &known.inventory.collections {
                let (files, sum) = found.entry(collection.clone()).or_insert((Vec::new(), Some(0)));
                files.push(file.name.clone());
                *sum = sum.zip(bytes.filter(|_| apart)).map(|(sum, bytes)| sum + bytes);
            }
        }
        let place = |files: Vec<String>| match files.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [first, more @ ..] => format!("{first} and {} more", more.len()),
        };
        let found = found.into_iter();
        Ok(found
            .map(|(collection, (files, bytes))| FoundCollection { collection, place: place(files), bytes })
            .collect())
    }

    /// The files that hold a collection, in order.
    fn holding(&self, collection: &CollectionPattern) -> Result<Vec<(SourceFile, Bounds)>> {
        let mut holding = Vec::new();
        for file in self.list()?.files {
            let known = self.know(&file)?;
            if known.inventory.may_hold(collection) {
                holding.push((file, known.bounds.clone()));
            }
        }
        Ok(holding)
    }

    /// Where the file of a partition is; never outside of the source.
    fn path_of(&self, bounds: &Bounds) -> Result<PathBuf> {
        let root = &self.options.path;
        let relative = Path::new(&bounds.file);
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            let message = format!("the stored partition names `{}`, which is not inside of the source", bounds.file);
            return Err(Error::new(ErrorKind::Source, "cursor_not_understood", message).file(root));
        }
        let is_root = root.file_name().is_some_and(|name| name.to_string_lossy() == bounds.file) && !root.is_dir();
        Ok(if is_root { root.clone() } else { root.join(relative) })
    }

    fn name_of(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.options.path).ok().or_else(|| path.file_name().map(Path::new));
        relative.unwrap_or(path).to_string_lossy().into_owned()
    }
}
