//! The training side: binned statistics of columns and combinations, made when asked for and kept while memory allows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use kolosal_compute::{Ledger, Reservation, Workers};
use kolosal_frame::FrameView;
use kolosal_learner::{FitContext, FitError};

use super::Encodings;
use super::borders::{bin, borders};
use super::categories::{Categories, Groups};
use super::encoded::{Cache, Encoded, EncodedStatistic};
use super::ordered::{Average, Smoothed, shares};
use super::projection::Projection;
use super::table::Table;
use crate::boost::objective::Labels;

/// How statistics are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EncoderOptions {
    /// Orders of the rows; at least one.
    pub(crate) permutations: usize,
    /// Rows that the prior counts for.
    pub(crate) smoothing: f64,
    /// Bins of a statistic, 2 ..= 254.
    pub(crate) bins: usize,
    /// Columns of a combination at most.
    pub(crate) complexity: usize,
    /// Columns of at most so many levels are left to the trees and only enter combinations.
    pub(crate) one_hot_levels_max: u32,
    /// Averages of a target of many classes: one for each of the most frequent.
    pub(crate) averages_max: usize,
    /// Bytes of binned columns that are kept for the next tree.
    pub(crate) cache_bytes: u64,
}

impl Default for EncoderOptions {
    fn default() -> Self {
        Self {
            permutations: 4,
            smoothing: 1.0,
            bins: 32,
            complexity: 4,
            one_hot_levels_max: 2,
            averages_max: 10,
            cache_bytes: 256 << 20,
        }
    }
}

/// Makes statistics of categories over the training rows of one fit.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    labels: Labels<'a>,
    options: EncoderOptions,
    categories: Categories,
    means: Vec<Smoothed>,
    orders: Vec<Vec<u32>>,
    cx: Facilities<'a>,
    cache: Mutex<Cache>,
    _held: Reservation,
}

/// What making columns needs from outside.
#[derive(Clone, Copy)]
struct Facilities<'a> {
    workers: &'a Workers,
    memory: &'a Ledger,
}

impl fmt::Debug for Facilities<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Facilities")
    }
}

impl<'a> Encoder<'a> {
    /// An encoder for the category columns among `columns` of the view; columns of other kinds are passed over.
    ///
    /// # Errors
    /// [`FitError::Memory`] if codes and orders do not fit.
    ///
    /// # Panics
    /// If view and answers differ in length, or an option is out of its range.
    pub(crate) fn new(
        x: FrameView<'_>,
        columns: &[u32],
        labels: &Labels<'a>,
        options: EncoderOptions,
        cx: &FitContext<'a>,
    ) -> Result<Self, FitError> {
        let rows = labels.len();
        assert_eq!(x.row_count(), rows, "one answer a row");
        assert!(
            options.permutations > 0 && options.complexity > 0,
            "at least one of each"
        );
        let numbers = rows * (Categories::count(x, columns) + options.permutations);
        let held = cx.reserve((numbers * size_of::<u32>()) as u64)?;
        let means = Average::all(labels, options.averages_max);
        let smoothed = means
            .into_iter()
            .map(|average| Smoothed::new(average, labels, options.smoothing));
        let orders = (0..options.permutations as u64).map(|index| {
            let mut order: Vec<u32> = (0..rows as u32).collect();
            cx.seed
                .fork("permutation")
                .fork_index(index)
                .rng()
                .shuffle(&mut order);
            order
        });
        Ok(Self {
            labels: *labels,
            options,
            categories: Categories::new(x, columns),
            means: smoothed.collect(),
            orders: orders.collect(),
            cx: Facilities {
                workers: cx.workers,
                memory: cx.memory,
            },
            cache: Mutex::default(),
            _held: held,
        })
    }

    /// Orders of the rows that every mean comes in.
    pub(crate) fn permutations(&self) -> usize {
        self.orders.len()
    }

    /// How many statistics a projection has: the means of the target, then the share of rows.
    #[cfg(test)]
    pub(crate) fn statistic_count(&self) -> usize {
        self.means.len() + 1
    }

    /// Columns to be derived by themselves: those with too many levels for the trees' own splits.
    pub(crate) fn singles(&self) -> Vec<Projection> {
        self.categories
            .columns()
            .filter(|(_, levels)| *levels > self.options.one_hot_levels_max)
            .map(|(column, _)| Projection::single(column))
            .collect()
    }

    /// Combinations of each of `used` with one more category column: without repetition, in a fixed order, and none that
    /// is too complex or has more combinations of levels than 64 bits number.
    #[cfg(test)]
    pub(crate) fn candidates(&self, used: &[Projection]) -> Vec<Projection> {
        let grown = used.iter().flat_map(|projection| {
            let columns = self.categories.columns();
            columns.filter_map(|(column, _)| projection.with(column))
        });
        let mut candidates: Vec<Projection> = grown
            .filter(|projection| projection.columns().len() <= self.options.complexity)
            .filter(|projection| self.categories.radix(projection).is_some())
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }

    /// The binned statistics of a projection, made on the first call and as long as the cache keeps them.
    ///
    /// # Errors
    /// [`FitError::Memory`] if they do not fit.
    ///
    /// # Panics
    /// If the projection has a column that is not encoded.
    pub(crate) fn encode(&self, projection: &Projection) -> Result<Arc<Encoded>, FitError> {
        if let Some(made) = self.cache().find(projection) {
            return Ok(made);
        }
        let made = Arc::new(self.make(projection)?);
        self.cache().keep(projection, &made, self.options.cache_bytes);
        Ok(made)
    }

    /// The binned statistics of several projections, in parallel.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub(crate) fn encode_all(&self, projections: &[Projection]) -> Result<Vec<Arc<Encoded>>, FitError> {
        let made = self
            .cx
            .workers
            .map(projections.len(), |at| self.encode(&projections[at]));
        made.into_iter().collect()
    }

    /// The tables for prediction of the statistics that are kept: derived column `i` is the `i`-th of them.
    ///
    /// # Errors
    /// [`FitError::Memory`] if the groups of a projection do not fit.
    ///
    /// # Panics
    /// As [`Encoder::encode`], and if there is no such statistic.
    pub(crate) fn finish(&self, kept: &[(Projection, usize)]) -> Result<Encodings, FitError> {
        let mut by_projection: BTreeMap<&Projection, Vec<(u32, usize)>> = BTreeMap::new();
        for (column, (projection, statistic)) in kept.iter().enumerate() {
            let columns = by_projection.entry(projection).or_default();
            columns.push((column as u32, *statistic));
        }
        let parts: Vec<_> = by_projection.into_iter().collect();
        let tables = self.cx.workers.map(parts.len(), |at| {
            let (projection, columns) = &parts[at];
            self.table(projection, columns)
        });
        Ok(Encodings::new(tables.into_iter().collect::<Result<_, _>>()?))
    }

    fn table(&self, projection: &Projection, columns: &[(u32, usize)]) -> Result<Table, FitError> {
        let (groups, _held) = self.groups(projection)?;
        let count = groups.slots.len();
        let statistics: Vec<Vec<f32>> = columns
            .iter()
            .map(|&(_, statistic)| self.totals(statistic, &groups.of_row, count))
            .collect();
        Ok(Table::new(
            projection.columns().to_vec(),
            groups.radix,
            groups.slots,
            columns.iter().map(|&(column, _)| column).collect(),
            &statistics,
        ))
    }

    fn totals(&self, statistic: usize, groups: &[u32], count: usize) -> Vec<f32> {
        match self.means.get(statistic) {
            Some(mean) => mean.totals(&self.labels, groups, count),
            None => {
                assert_eq!(statistic, self.means.len(), "the share comes behind the means");
                shares(&self.labels, groups, count)
            }
        }
    }

    fn make(&self, projection: &Projection) -> Result<Encoded, FitError> {
        let rows = self.labels.len();
        let columns = self.means.len() * self.orders.len() + 1;
        let mut held = self
            .cx
            .memory
            .reserve((rows * (columns + size_of::<f32>())) as u64)?;
        let (groups, _held) = self.groups(projection)?;
        let mut values = vec![0.0_f32; rows];
        let mut statistics: Vec<EncodedStatistic> = self
            .means
            .iter()
            .map(|mean| self.make_mean(mean, &groups.of_row, &mut values))
            .collect();
        let shares = shares(&self.labels, &groups.of_row, groups.slots.len());
        for (value, &group) in values.iter_mut().zip(&groups.of_row) {
            *value = shares[group as usize];
        }
        let borders = borders(&values, self.options.bins);
        let bins = vec![values.iter().map(|&value| bin(&borders, value)).collect()];
        statistics.push(EncodedStatistic { borders, bins });
        held.shrink((rows * columns) as u64);
        Ok(Encoded { statistics, held })
    }

    /// A mean in every order; the borders are those of the first.
    fn make_mean(&self, mean: &Smoothed, groups: &[u32], values: &mut [f32]) -> EncodedStatistic {
        let mut cuts = Vec::new();
        let mut bins = Vec::with_capacity(self.orders.len());
        for (index, order) in self.orders.iter().enumerate() {
            mean.ordered(&self.labels, groups, order, values);
            if index == 0 {
                cuts = borders(values, self.options.bins);
            }
            bins.push(values.iter().map(|&value| bin(&cuts, value)).collect());
        }
        EncodedStatistic { borders: cuts, bins }
    }

    fn groups(&self, projection: &Projection) -> Result<(Groups, Reservation), FitError> {
        let rows = self.labels.len();
        let radix = self
            .categories
            .radix(projection)
            .expect("candidates can be numbered");
        let expected = radix.size().min(rows as u64) as usize;
        // One group a row, and a map of keys of two to four times their number.
        let held = self.cx.memory.reserve((rows * 4 + expected * 24) as u64)?;
        Ok((self.categories.group(projection, radix, 0..rows as u32), held))
    }

    /// The category columns.
    pub(super) fn columns(&self) -> Vec<u32> {
        self.categories.columns().map(|(column, _)| column).collect()
    }

    /// The values of every mean of a projection over the first `count` rows of the first order, in that order.
    pub(super) fn sample(&self, projection: &Projection, count: usize) -> Vec<Vec<f32>> {
        let order = &self.orders[0][..count];
        let radix = self
            .categories
            .radix(projection)
            .expect("candidates can be numbered");
        let groups = self.categories.group(projection, radix, order.iter().copied());
        let mut values = vec![0.0; self.labels.len()];
        let mut sampled = |mean: &Smoothed| {
            mean.ordered(&self.labels, &groups.of_row, order, &mut values);
            order.iter().map(|&row| values[row as usize]).collect()
        };
        self.means.iter().map(&mut sampled).collect()
    }

    /// What every mean averages, and the weights, over the first `count` rows of the first order.
    pub(super) fn sample_answers(&self, count: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let order = &self.orders[0][..count];
        let answers = self.means.iter().map(|mean| {
            let answer = |&row: &u32| mean.average.of(&self.labels, row as usize);
            order.iter().map(answer).collect()
        });
        let weights = order.iter().map(|&row| self.labels.weight(row as usize));
        (answers.collect(), weights.collect())
    }

    pub(super) fn row_count(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn workers(&self) -> &'a Workers {
        self.cx.workers
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().expect("no holder of the cache panics")
    }
}
