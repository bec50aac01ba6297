//! Runs the pipeline's own tests.
