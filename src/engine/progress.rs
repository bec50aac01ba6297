//! What the engine tells while it works. The library prints nothing; callers implement [`Progress`].

/// Durable progress of one collection: only counted after the commit.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionProgress {
    /// Collection name.
    pub collection: String,
    /// Documents durably accounted for.
    pub current: u64,
    /// Documents in the source, where known.
    pub total: Option<u64>,
    /// Rejected and waiting so far.
    pub rejected: u64,
}

/// Receives events. Called from several threads; must not block for long.
pub trait Progress: Send + Sync {
    /// A phase of the run starts (`preflight`, `backup`, `load`, `waiting`, `validate`).
    fn phase(&self, name: &str);

    /// A collection starts.
    fn collection_started(&self, progress: &CollectionProgress);

    /// A commit of the collection is durable.
    fn committed(&self, progress: &CollectionProgress);

    /// The collection is complete.
    fn collection_finished(&self, progress: &CollectionProgress);

    /// Something worth saying: a warning, a retry, what is being done and why.
    fn message(&self, text: &str);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _name: &str) {}
    fn collection_started(&self, _progress: &CollectionProgress) {}
    fn committed(&self, _progress: &CollectionProgress) {}
    fn collection_finished(&self, _progress: &CollectionProgress) {}
    fn message(&self, _text: &str) {}
}
