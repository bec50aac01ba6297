//! What is true of the real Firestore service, each fact with its source, stated as a test.
//!
//! The tests speak raw gRPC, not through fireferry's source: that one is built on these facts. By default they run
//! against `examples/firestore_server`, which this proves to behave as documented; with
//! `FIREFERRY_FACTS_HOST=host:port` (plaintext, `Bearer owner`, optionally `FIREFERRY_FACTS_DATABASE=projects/…`) against
//! any other server.

mod billing;
mod build;
mod filters;
mod listing;
mod names;
mod own;
mod partitions;
mod place;
mod queries;
mod read_time;
mod table;
mod values;
mod writes;
