//! Where a process runs, so that the lease of one that died here need not be waited for.

use std::fmt;

/// A process, named so that nobody else is: machine, boot, PID namespace, process and its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What two processes share that can see each other.
    surroundings: String,
    pid: u32,
    started: String,
}

impl Place {
    /// This process. Empty surroundings where the system does not tell: then nobody is taken for dead.
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let boot = read("/proc/sys/kernel/random/boot_id");
        let namespace = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string());
        let surroundings = match namespace {
            Ok(namespace) if !boot.is_empty() => format!("{boot} {namespace}"),
            _ => String::new(),
        };
        let pid = std::process::id();
        Self { surroundings, pid, started: start_of(pid).unwrap_or_default() }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, ' ');
        let (started, pid, surroundings) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { surroundings: surroundings.to_owned(), pid: pid.parse().ok()?, started: started.to_owned() })
    }

    /// Whether this other process ran where we can see it, and is no more.
    pub fn is_dead(&self) -> bool {
        let here = Self::here();
        let visible = !here.surroundings.is_empty() && self.surroundings == here.surroundings;
        visible && !self.started.is_empty() && start_of(self.pid).as_deref() != Some(self.started.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = if self.started.is_empty() { "-" } else { &self.started };
        write!(f, "{} {} {started}", self.surroundings, self.pid)
    }
}

/// When the process started, in ticks since the boot; `None` when there is no such process, or it is only waiting for its
/// parent to take notice of its end.
fn start_of(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?;
    (state != "Z" && state != "X").then(|| started.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back() {
        let here = Place::here();
        assert_eq!(Place::parse(&here.to_string()), Some(here.clone()));
        assert!(!here.is_dead());
        assert_eq!(Place::parse("nonsense"), None);
    }

    #[test]
    fn only_what_ran_here_can_be_known_to_be_dead() {
        let other_start = Place { started: "1".into(), ..Place::here() };
        assert_eq!(other_start.is_dead(), cfg!(target_os = "linux"));
        let elsewhere = Place { surroundings: "another boot".into(), ..other_start };
        assert!(!elsewhere.is_dead());
    }
}
