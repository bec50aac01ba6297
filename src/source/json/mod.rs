//! JSON files of many shapes as a source: see `docs/file-shapes.md` for what they look like.
//!
//! The way of a byte: `input` opens and decompresses; `scan` (with `extent`) finds where values begin and end in a
//! window of the file; `split` and `tree` make records of them, `decode` makes documents of those (with `parser`,
//! `value`, `rest` and `backfire`), and `pages` hands them over. `files`, `detect` and `inventory` say what there is to
//! read at all.

mod backfire;
mod bounds;
mod check;
mod decode;
mod detect;
mod extent;
mod files;
mod fingerprint;
mod input;
mod inventory;
mod locate;
mod options;
mod pages;
mod parser;
mod peek;
mod reader;
mod rest;
mod retire;
mod scan;
mod shape;
mod sink;
mod source;
mod split;
mod timestamp;
mod tree;
mod value;

pub use options::JsonOptions;
pub use shape::Shape;
pub use source::JsonSource;
