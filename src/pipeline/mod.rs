//! The pipeline file: from YAML text to a validated [`resolved::Pipeline`].

pub mod resolved;
