//! How much memory a program took.
//!
//! The kernel's own answer at the end (`ru_maxrss`) counts what the process was before it became the program: a copy of the
//! tests, hundreds of megabytes.

use std::thread::JoinHandle;
use std::time::Duration;

/// Watches a process until it ends; its peak in bytes.
pub fn watch_peak(process: u32) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut peak = 0;
        // The last look before the end is what counts: a peak only grows.
        while let Some(now) = peak_of(process) {
            peak = now.max(peak);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    })
}

/// Nothing once the process has ended.
fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes << 10)
}
