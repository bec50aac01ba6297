//! Reports as people read them on a terminal.

mod check;
mod export;
mod format;
mod init;
mod plan;
mod rollback;
mod run;
mod update;
mod verify;

pub use check::check;
pub use export::export;
pub use format::{Column, bytes, clean, clean_lines, count, duration, moment, price, seconds, shorten, table};
pub use init::init;
pub use plan::plan;
pub use rollback::{rollback, rollback_headline};
pub use run::{estimate, reject, run, sum};
pub use update::update;
pub use verify::{contents, difference, repair, repair_plan};
