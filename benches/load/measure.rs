//! Runs a command in a process of its own and asks the system what it cost.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// What a process cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// User and system time, in seconds.
    pub cpu: f64,
    /// From start to end, in seconds.
    pub wall: f64,
    /// Maximal resident memory, in bytes.
    pub memory: u64,
}

/// Runs the command to its end; its output goes to `log` and is shown when it fails.
pub fn run(command: &mut Command, log: &Path) -> io::Result<Cost> {
    let out = File::create(log)?;
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    let start = Instant::now();
    let used = command.spawn()?.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    if !used.status.success() {
        let output = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
        return Err(io::Error::other(format!("{command:?}: {}\n{output}", used.status)));
    }
    let cpu = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Cost { cpu, wall, memory: used.rusage.maxrss })
}

/// Removes a database and what SQLite keeps beside it.
pub fn remove(database: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let file = PathBuf::from(format!("{}{end}", database.display()));
        if file.exists() {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}
