//! The memory ledger: who may use how many bytes, decided before they are allocated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A refusal: the reservation would exceed the ledger's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} bytes are needed, {left} of the limit of {limit} bytes are left: raise the memory limit or use fewer rows or columns"
)]
pub struct OverLimit {
    /// Bytes asked for.
    pub needed: u64,
    /// Bytes that were still free.
    pub left: u64,
    /// The ledger's limit.
    pub limit: u64,
}

#[derive(Debug)]
struct Account {
    limit: u64,
    used: AtomicU64,
    peak: AtomicU64,
}

/// A budget of bytes shared by everyone who holds a clone.
///
/// Large allocations (columns, binned matrices, histograms, trees) are reserved here first; a refusal comes before
/// the allocation, so a job degrades or fails with a message instead of being killed.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Account>);

impl Ledger {
    /// A ledger that hands out at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Account {
            limit,
            used: AtomicU64::new(0),
            peak: AtomicU64::new(0),
        }))
    }

    /// A ledger that refuses nothing.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Reserves bytes until the returned value is dropped.
    ///
    /// # Errors
    /// [`OverLimit`] if fewer than `bytes` are left; nothing is reserved then.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, OverLimit> {
        let account = &self.0;
        let update = account
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|&total| total <= account.limit)
            });
        match update {
            Ok(before) => {
                account.peak.fetch_max(before + bytes, Ordering::Relaxed);
                Ok(Reservation {
                    ledger: self.clone(),
                    bytes,
                })
            }
            Err(used) => Err(OverLimit {
                needed: bytes,
                left: account.limit - used,
                limit: account.limit,
            }),
        }
    }

    /// Bytes reserved now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Most bytes that were ever reserved at once.
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// The limit.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }
}

/// Bytes set aside in a [`Ledger`]; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    ledger: Ledger,
    bytes: u64,
}

impl Reservation {
    /// How many bytes are set aside.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back all but `bytes`; asking for more than is set aside changes nothing.
    pub fn shrink(&mut self, bytes: u64) {
        let given_back = self.bytes.saturating_sub(bytes);
        self.ledger.0.used.fetch_sub(given_back, Ordering::Relaxed);
        self.bytes -= given_back;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let before = self.ledger.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
        assert!(before >= self.bytes, "a reservation is given back once");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_are_given_back() {
        let ledger = Ledger::new(100);
        let first = ledger.reserve(60).expect("fits");
        assert_eq!(
            ledger.reserve(50).expect_err("too much"),
            OverLimit {
                needed: 50,
                left: 40,
                limit: 100
            }
        );
        drop(first);
        assert_eq!(ledger.used(), 0);
        assert_eq!(ledger.reserve(100).expect("all of it").bytes(), 100);
        assert_eq!(ledger.peak(), 100);
        let mut held = ledger.reserve(80).expect("all was given back");
        held.shrink(30);
        held.shrink(40);
        assert_eq!((held.bytes(), ledger.used()), (30, 30));
    }

    #[test]
    fn overflow_is_a_refusal() {
        let ledger = Ledger::unlimited();
        let _held = ledger.reserve(u64::MAX - 1).expect("unlimited");
        assert!(ledger.reserve(2).is_err());
    }
}
