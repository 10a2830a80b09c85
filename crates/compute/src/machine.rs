//! Facts about the machine, as the process is allowed to use it.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// Processors and memory that this process may use: the smaller of the hardware's and the control group's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Threads that can run at once.
    pub threads: usize,
    /// Memory of the machine or of the control group, in bytes; `None` where neither can be read.
    pub memory_bytes: Option<u64>,
    /// Memory free for use now, in bytes.
    pub available_bytes: Option<u64>,
}

impl Machine {
    /// Reads the facts; what cannot be read is `None`.
    pub fn detect() -> Self {
        let hardware = std::thread::available_parallelism().map_or(1, NonZero::get);
        let group = group_folder();
        let quota = group.as_deref().and_then(cpu_quota);
        let group_memory = group
            .as_deref()
            .and_then(|folder| read_number(&folder.join("memory.max")));
        let total = meminfo("MemTotal:");
        let available = meminfo("MemAvailable:");
        Self {
            threads: quota.map_or(hardware, |q| q.min(hardware)).max(1),
            memory_bytes: smaller(total, group_memory),
            available_bytes: smaller(available, group_memory),
        }
    }
}

/// Peak resident memory of this process, in bytes; `None` where the system does not say.
pub fn peak_rss_bytes() -> Option<u64> {
    proc_kib("/proc/self/status", "VmHWM:")
}

fn smaller(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

fn meminfo(key: &str) -> Option<u64> {
    proc_kib("/proc/meminfo", key)
}

/// A line like `MemTotal:  1234 kB`, in bytes.
fn proc_kib(path: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// The folder of this process's version 2 control group.
fn group_folder() -> Option<PathBuf> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/')))
}

fn read_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Whole processors of a quota such as `150000 100000`, rounded up; `None` for `max`.
fn cpu_quota(group: &Path) -> Option<usize> {
    parse_quota(&fs::read_to_string(group.join("cpu.max")).ok()?)
}

fn parse_quota(text: &str) -> Option<usize> {
    let mut words = text.split_whitespace();
    let quota: u64 = words.next()?.parse().ok()?;
    let period: u64 = words.next()?.parse().ok()?;
    (period > 0).then(|| usize::try_from(quota.div_ceil(period)).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_round_up_and_max_means_none() {
        assert_eq!(parse_quota("150000 100000\n"), Some(2));
        assert_eq!(parse_quota("50000 100000"), Some(1));
        assert_eq!(parse_quota("max 100000"), None);
        assert_eq!(parse_quota("1 0"), None);
    }

    #[test]
    fn the_machine_has_at_least_one_thread() {
        let machine = Machine::detect();
        assert!(machine.threads >= 1);
        if let (Some(total), Some(available)) = (machine.memory_bytes, machine.available_bytes) {
            assert!(available <= total);
        }
    }
}
