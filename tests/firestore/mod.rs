//! A live Firestore, played by `examples/firestore_server`.

mod budget;
mod check;
mod classroom;
mod facts;
mod faults;
mod independent;
mod kills;
pub mod live;
mod retry;
mod sample;
pub mod server;
mod snapshot;
mod types;
