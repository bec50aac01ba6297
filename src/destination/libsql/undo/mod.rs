//! The undo log: what a run changed in tables that held rows, kept beside them, and taking it back.
//!
//! Every table that is logged has a mirror (`mirror`): one entry per row as it was before the run, and one per row as
//! the run left it. Both are copied by statements where the rows are (`log`), because a database has no digest function,
//! and what defaults and triggers put into a row is known to nobody else. So looking for rows that others changed since
//! (`check`) and putting everything back (`take_back`) are statements too, which need no row to travel. `driver` and
//! `forget` run them in bounded steps through `access`, the same for a file and for a server.

mod access;
mod changes;
mod check;
mod driver;
mod forget;
mod log;
mod mirror;
mod runs;
mod take_back;

pub use access::{Access, Refused};
pub use changes::changes;
pub use driver::{begin, step};
pub use forget::{clear as clear_log, forget_run, prune};
pub use log::{Fill, Logged};
pub use mirror::{Mirror, decode as decode_mirror, exists, known, names, plan as plan_mirrors};
pub use runs::{logged, newer, refuse_unfinished, unfinished};
