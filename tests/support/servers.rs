//! Servers that `scripts/test` installs below `target/servers`, and ports for them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

use super::repository;

/// Below the range from which systems give ports to outgoing connections: nobody takes one of these while its server
/// is stopped, and no connection to it becomes a connection with itself.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// The folder of an installed server. Without it, a test fails in CI and is skipped elsewhere.
pub fn installed(name: &str) -> Option<PathBuf> {
    let folder = repository("target/servers").join(name);
    if folder.join("installed.json").exists() {
        return Some(folder);
    }
    missing(&format!("no server {name} in target/servers: run scripts/test once"));
    None
}

/// Fails in CI; elsewhere says loudly that the running test is skipped.
pub fn missing(what: &str) {
    let thread = std::thread::current();
    let missing = format!("{}: {what}", thread.name().unwrap_or("a test"));
    assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{missing}");
    eprintln!("SKIPPED {missing}");
}

/// Listens on a port that stays ours when nobody listens for a while.
pub fn listen() -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time begin in different places.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..PORTS {
        let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = start.wrapping_add(turn) % u32::from(PORTS);
        let port = FIRST_PORT + u16::try_from(offset).unwrap();
        if let Ok(listener) = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            return listener;
        }
    }
    panic!("no free port from {FIRST_PORT} on");
}
