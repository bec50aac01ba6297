//! The local destination against real files.

mod support;

mod children;
mod keys;
mod load;
