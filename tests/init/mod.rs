//! From a source that nobody described to a database: `init`, then `run`, without an edit between them.

mod classroom;
mod draft;
mod live;
mod memory;
mod odd;
mod options;
mod shapes;
mod support;
mod update;
