//! What an incremental run must know of earlier ones.

/// Up to where a collection was read by a run that came to its end: stored with that run, and valid from the very
/// transaction that wrote its last documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWatermark {
    /// The collection.
    pub collection: String,
    /// As the engine stored it, in `watermarks` of the run's details.
    pub text: String,
    /// The fingerprint of the pipeline that read it.
    pub pipeline_fingerprint: String,
}

/// A document that an earlier run rejected, or left waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReject {
    /// Its number.
    pub id: i64,
    /// The collection.
    pub collection: String,
    /// The document's path, where it had one.
    pub document: Option<String>,
}
