//! What happened, as plain data with stable field names, and its renderers.
//!
//! The types serialise to the documents of `--json`; [`text`] makes what people read, [`markdown`] what goes into
//! tickets. Renderers are pure: data in, text out, no colour.

pub mod drift;
pub mod export;
pub mod failure;
pub mod finding;
pub mod gate;
pub mod init;
pub mod markdown;
pub mod plan;
pub mod profile;
pub mod rollback;
pub mod run;
pub mod text;
pub mod update;
pub mod verify;
