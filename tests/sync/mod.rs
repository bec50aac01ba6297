//! Keeping a destination equal to a source that goes on changing.

mod deletes;
mod incremental;
mod place;
mod settles;
mod turns;
