//! Time as an argument, so that budgets can be tested without waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Monotonic time since some fixed start.
pub trait Clock: Send + Sync {
    /// Time passed since the clock's start; never decreases.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock, started when made.
#[derive(Debug, Clone)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that reads zero now. Only doors make one; everything below takes `&dyn Clock`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where real time enters the workspace"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

/// Milliseconds since 1970, as calendars count them; zero for a machine whose clock stands before. Only doors hand it down:
/// what is judged or written into an artifact never depends on it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where calendar time enters the workspace"
)]
pub fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that stands still until told to move; for tests of deadlines.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
