//! Who holds a lock on a file: asked of the system where it can be answered, for messages only.

use std::path::Path;

/// The process that holds a POSIX lock on the database or on its shared memory file, as `process 12 (name)`.
/// `None` where the system does not tell.
pub(super) fn of(path: &Path) -> Option<String> {
    let mut shared = path.as_os_str().to_owned();
    shared.push("-shm");
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    [Path::new(&shared), path].into_iter().find_map(|file| {
        let inode = inode(file)?;
        let own = std::process::id();
        locks.lines().filter_map(|line| holder(line, inode)).find(|pid| *pid != own && *pid != 0).map(describe)
    })
}

/// The process of a line like `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 120 120`.
fn holder(line: &str, inode: u64) -> Option<u32> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let file = fields.iter().find(|field| field.matches(':').count() == 2)?;
    let position = fields.iter().position(|field| field == file)?;
    let found: u64 = file.rsplit(':').next()?.parse().ok()?;
    if found == inode { fields.get(position.checked_sub(1)?)?.parse().ok() } else { None }
}

fn describe(pid: u32) -> String {
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("process {pid} ({})", name.trim()),
        Err(_) => format!("process {pid}"),
    }
}

#[cfg(unix)]
fn inode(path: &Path) -> Option<u64> {
    std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).ok()?).into()
}

#[cfg(not(unix))]
fn inode(_path: &Path) -> Option<u64> {
    None
}

/// Other processes that have the file open, where the system tells (`/proc`).
pub(super) fn users(path: &Path) -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id();
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own && has_open(*pid, path))
        .map(describe)
        .collect()
}

fn has_open(pid: u32, path: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_locks_names_the_process() {
        let line = "3: POSIX  ADVISORY  WRITE 4711 08:01:99 120 120";
        assert_eq!(holder(line, 99), Some(4711));
        assert_eq!(holder(line, 98), None);
        assert_eq!(holder("4: -> POSIX  ADVISORY  READ 12 00:2b:99 1 1", 99), Some(12));
        assert_eq!(holder("nonsense", 99), None);
    }
}
