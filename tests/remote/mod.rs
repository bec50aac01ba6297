//! A remote destination, against the real server.

mod classroom;
pub mod client;
mod copies;
mod crossings;
mod disturbed;
mod equality;
mod errors;
mod faults;
mod infrastructure;
mod kills;
pub mod opening;
pub mod program;
mod retry;
mod rollback;
pub mod scenario;
mod secrets;
pub mod server;
mod tls;
pub mod token;
