//! JSON files of many shapes.
