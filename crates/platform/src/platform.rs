//! What every job of a process shares.

use kolosal_base::limits::THREADS_MAX;
use kolosal_base::{Cancel, Clock, SystemClock};
use kolosal_compute::{Ledger, Machine, Workers};

use crate::PlatformError;

/// How much of the machine may be used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Threads that run at once; `None` for all the process may use.
    pub threads: Option<usize>,
    /// Memory in bytes; `None` for nine tenths of what is free.
    pub memory_bytes: Option<u64>,
}

/// Smallest memory limit with which anything can be done.
const MEMORY_MIN: u64 = 16 << 20;

/// Worker threads, memory ledger, clock and the request to stop.
pub struct Platform {
    pub(crate) workers: Workers,
    pub(crate) memory: Ledger,
    pub(crate) clock: SystemClock,
    pub(crate) cancel: Cancel,
}

impl Platform {
    /// Takes its share of the machine.
    ///
    /// # Errors
    /// [`PlatformError::Setting`] for a number of threads or bytes out of range.
    pub fn new(settings: &Settings, clock: SystemClock, cancel: Cancel) -> Result<Self, PlatformError> {
        let machine = Machine::detect();
        let threads = settings.threads.unwrap_or(machine.threads);
        if !(1..=THREADS_MAX).contains(&threads) {
            let allowed = format!("a whole number from 1 to {THREADS_MAX}");
            return Err(PlatformError::Setting {
                what: "the number of threads",
                value: threads.to_string(),
                allowed,
            });
        }
        let free = machine.available_bytes.map(|bytes| bytes / 10 * 9);
        let limit = settings.memory_bytes.or(free).unwrap_or(u64::MAX);
        if limit < MEMORY_MIN {
            let allowed = "at least 16 MiB".to_owned();
            return Err(PlatformError::Setting {
                what: "the memory limit",
                value: format!("{limit} bytes"),
                allowed,
            });
        }
        // What the process holds already counts against the limit, so that the limit bounds the whole process.
        let held = kolosal_compute::peak_rss_bytes().unwrap_or(0);
        let memory = Ledger::new(limit.saturating_sub(held));
        Ok(Self {
            workers: Workers::new(threads),
            memory,
            clock,
            cancel,
        })
    }

    /// Threads that run at once.
    pub fn threads(&self) -> usize {
        self.workers.threads()
    }

    /// Bytes that jobs may reserve.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.limit()
    }

    /// Time since the process started its clock.
    pub fn elapsed(&self) -> std::time::Duration {
        self.clock.now()
    }
}
