//! Local libSQL files.
