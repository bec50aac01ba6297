//! Keeping a destination equal to a source that goes on changing.

mod deletes;
mod gates;
mod incremental;
mod place;
mod server;
mod settles;
mod turns;
