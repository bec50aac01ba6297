//! fireferry moves document collections out of Firestore and Firestore-shaped exports into Turso/libSQL, and
//! proves that nothing was lost.
//!
//! The map: [`domain`] is the pure core (no I/O, no clock); [`pipeline`] turns a YAML file into it; [`source`] and
//! [`destination`] are the two seams with their adapters; [`schema`] brings a destination to its version; [`profile`]
//! says what documents look like, [`infer`] makes tables of it; [`engine`] plans and runs; [`ledger`] keeps the history;
//! [`crossing`] lets tests crash it; [`report`] says what happened; [`explain`] what a code means; [`cli`] is the command
//! line. See ARCHITECTURE.md for the invariants.

pub mod cli;
pub mod crossing;
pub mod destination;
pub mod domain;
pub mod engine;
pub mod error;
pub mod explain;
pub mod infer;
pub mod ledger;
pub mod pipeline;
pub mod profile;
pub mod report;
pub mod schema;
pub mod source;
