//! Binned statistics of the training rows, and the cache that keeps them from tree to tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use kolosal_compute::Reservation;

use super::projection::Projection;

/// The binned statistics of a projection: the means of the target, then the share of rows.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// One a statistic.
    pub(crate) statistics: Vec<EncodedStatistic>,
    pub(super) held: Reservation,
}

/// One statistic of a projection over the training rows.
#[derive(Debug)]
pub(crate) struct EncodedStatistic {
    /// Ascending; a bin `b` ends at `borders[b - 1]`.
    pub(crate) borders: Vec<f64>,
    /// Bins of the rows, 1 ..= borders + 1: one list an order, or one for all orders.
    pub(super) bins: Vec<Vec<u8>>,
}

impl EncodedStatistic {
    /// The bin of each row when the rows come in an order.
    pub(crate) fn bins(&self, permutation: usize) -> &[u8] {
        &self.bins[permutation.min(self.bins.len() - 1)]
    }

    /// Whether all rows have one bin, so that no split can use it.
    pub(crate) fn is_constant(&self) -> bool {
        self.borders.is_empty()
    }
}

/// Binned columns by projection; the least recently used go first.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Projection, (u64, Arc<Encoded>)>,
    bytes: u64,
    uses: u64,
}

impl Cache {
    pub(super) fn find(&mut self, projection: &Projection) -> Option<Arc<Encoded>> {
        self.uses += 1;
        let (used, made) = self.entries.get_mut(projection)?;
        *used = self.uses;
        Some(Arc::clone(made))
    }

    pub(super) fn keep(&mut self, projection: &Projection, made: &Arc<Encoded>, bytes_max: u64) {
        self.uses += 1;
        let entry = (self.uses, Arc::clone(made));
        self.bytes += made.held.bytes();
        if let Some((_, old)) = self.entries.insert(projection.clone(), entry) {
            self.bytes -= old.held.bytes();
        }
        while self.bytes > bytes_max {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(projection, _)| projection.clone()) else {
                break;
            };
            if let Some((_, old)) = self.entries.remove(&oldest) {
                self.bytes -= old.held.bytes();
            }
        }
    }
}
