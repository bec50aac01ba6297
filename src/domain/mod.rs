//! The pure core: no I/O, no clock, no async. Imports nothing of the crate outside of itself.

pub mod cursor;
pub mod document;
pub mod encode;
pub mod field_path;
pub mod filter;
pub mod inverse;
pub mod json;
pub mod mapping;
pub mod number;
pub mod order;
pub mod reject;
pub mod row;
pub mod schema;
pub mod schema_diff;
pub mod sql_text;
pub mod timestamp;
pub mod value;
pub mod watermark;
