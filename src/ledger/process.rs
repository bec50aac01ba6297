//! Is the process that recorded a run still there?

/// This machine's name.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A process: its id, and when it started, because ids are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    /// Process id.
    pub pid: i64,
    /// Start time in clock ticks since boot; 0 where the system does not tell.
    pub started: i64,
}

impl Process {
    /// This one.
    pub fn current() -> Self {
        let pid = i64::from(std::process::id());
        Self { pid, started: start_time(pid).unwrap_or(0) }
    }

    /// Whether it still runs, on this machine.
    pub fn is_alive(self) -> bool {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
        let exists = match rustix::process::test_kill_process(pid) {
            Ok(()) | Err(rustix::io::Errno::PERM) => true,
            Err(_) => false,
        };
        exists && (self.started == 0 || start_time(self.pid).is_none_or(|started| started == self.started))
    }
}

/// Field 22 of `/proc/PID/stat`. The name in field 2 may contain anything, so counting starts after its bracket.
fn start_time(pid: i64) -> Option<i64> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_with_its_id_but_another_start_is_not() {
        let me = Process::current();
        assert!(me.is_alive());
        if me.started != 0 {
            assert!(!Process { started: me.started + 1, ..me }.is_alive());
        }
        assert!(!Process { pid: 0, started: 0 }.is_alive());
        assert!(!Process { pid: i64::MAX, started: 0 }.is_alive());
    }
}
