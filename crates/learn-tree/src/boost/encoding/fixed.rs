//! Derived columns chosen before the first tree: every single column, and the best pairs.

use std::sync::Arc;

use kolosal_learner::FitError;

use super::Encodings;
use super::encoded::{Encoded, EncodedStatistic};
use super::encoder::Encoder;

/// Derived columns of a whole fit.
pub(crate) struct FixedColumns {
    /// How prediction computes them, numbered like [`FixedColumns::columns`].
    pub(crate) encodings: Encodings,
    /// Their bins over the training rows.
    pub(crate) columns: Vec<FixedColumn>,
}

/// A derived column over the training rows.
pub(crate) struct FixedColumn {
    encoded: Arc<Encoded>,
    statistic: usize,
}

impl FixedColumn {
    /// Where bins end; see [`EncodedStatistic::borders`].
    pub(crate) fn borders(&self) -> &[f64] {
        &self.statistic().borders
    }

    /// The bin of each row when the rows come in an order.
    pub(crate) fn bins(&self, permutation: usize) -> &[u8] {
        self.statistic().bins(permutation)
    }

    fn statistic(&self) -> &EncodedStatistic {
        &self.encoded.statistics[self.statistic]
    }
}

impl Encoder<'_> {
    /// The statistics of every single column and of the best `pairs_max` pairs; those with one value are left out.
    ///
    /// # Errors
    /// [`FitError::Memory`] if they do not fit.
    pub(crate) fn fixed(&self, pairs_max: usize) -> Result<FixedColumns, FitError> {
        let mut projections = self.singles();
        projections.extend(self.best_pairs(pairs_max)?);
        let encoded = self.encode_all(&projections)?;
        let mut kept = Vec::new();
        let mut columns = Vec::new();
        for (projection, encoded) in projections.iter().zip(&encoded) {
            for (statistic, own) in encoded.statistics.iter().enumerate() {
                if !own.is_constant() {
                    kept.push((projection.clone(), statistic));
                    columns.push(FixedColumn {
                        encoded: Arc::clone(encoded),
                        statistic,
                    });
                }
            }
        }
        Ok(FixedColumns {
            encodings: self.finish(&kept)?,
            columns,
        })
    }
}
