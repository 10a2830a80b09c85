//! Derived columns of a fit: statistics of the target by category, in bins, in several orders of the rows.

use kolosal_compute::Reservation;
use kolosal_frame::FrameView;
use kolosal_learner::{FitContext, FitError};

use super::config::BoostConfig;
use super::encoding::{Encoder, EncoderOptions, Encodings, FixedColumns};
use super::model::BoostModel;
use super::objective::Labels;
use super::table::DerivedBins;

/// Combinations that are derived besides single columns.
const PAIRS_MAX: usize = 16;

/// What is derived from the categories of the training rows.
#[derive(Default)]
pub(crate) struct Derived {
    /// How prediction computes the columns.
    pub(crate) encodings: Encodings,
    /// Bins over the training rows, by order of the rows; empty if nothing is derived.
    orders: Vec<DerivedBins>,
    /// Raw columns that derived ones stand for.
    replaced: Vec<u32>,
    _held: Option<Reservation>,
}

impl Derived {
    /// Derives what the plan asks for; nothing if no category has so many levels that it is encoded.
    ///
    /// # Errors
    /// [`FitError::Memory`] if the columns do not fit.
    pub(crate) fn new(
        config: &BoostConfig,
        (view, labels): (FrameView<'_>, &Labels<'_>),
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let Some(rule) = &config.encode else {
            return Ok(Self::default());
        };
        let options = EncoderOptions {
            // Dropouts route rows through the trees of earlier rounds, which one order can do.
            permutations: if config.dart.is_some() {
                1
            } else {
                rule.permutations
            },
            complexity: rule.complexity_max,
            one_hot_levels_max: u32::try_from(rule.one_hot_max).unwrap_or(u32::MAX),
            ..EncoderOptions::default()
        };
        let columns: Vec<u32> = (0..view.column_count() as u32).collect();
        let encoder = Encoder::new(view, &columns, labels, options, cx)?;
        let singles = encoder.singles();
        if singles.is_empty() {
            return Ok(Self::default());
        }
        let pairs = if rule.complexity_max > 1 { PAIRS_MAX } else { 0 };
        let fixed = encoder.fixed(pairs)?;
        // Every order holds its bins row by row and column by column.
        let bytes = 2 * view.row_count() * fixed.columns.len() * encoder.permutations();
        let held = cx.reserve(bytes as u64)?;
        let orders = if fixed.columns.is_empty() {
            Vec::new()
        } else {
            (0..encoder.permutations())
                .map(|order| bins_of(&fixed, order))
                .collect()
        };
        Ok(Self {
            encodings: fixed.encodings,
            orders,
            replaced: singles
                .iter()
                .flat_map(|single| single.columns())
                .copied()
                .collect(),
            _held: Some(held),
        })
    }

    /// The derived columns in each order; once `None` if there are none.
    pub(crate) fn orders(&self) -> impl Iterator<Item = Option<&DerivedBins>> {
        let none = self.orders.is_empty().then_some(None);
        self.orders.iter().map(Some).chain(none)
    }

    /// Which of so many raw and derived columns are not split themselves.
    pub(crate) fn closed(&self, columns: usize) -> Vec<bool> {
        let mut closed = vec![false; columns];
        self.replaced
            .iter()
            .for_each(|&column| closed[column as usize] = true);
        closed
    }

    /// Refuses to go on from a model where categories are encoded: its statistics are of other rows.
    pub(crate) fn check_init(&self, init: Option<&BoostModel>) -> Result<(), FitError> {
        let clashes = |init: &BoostModel| init.encodings.count() > 0 || !self.replaced.is_empty();
        if init.is_some_and(clashes) {
            return Err(FitError::Unsupported {
                learner: "catboost",
                what: "go on from a model where categories are encoded by the target".to_owned(),
                remedy: "fit anew with more rounds, or raise one_hot_max_size so that categories are split by level",
            });
        }
        Ok(())
    }
}

fn bins_of(fixed: &FixedColumns, order: usize) -> DerivedBins {
    let columns = fixed.columns.iter();
    DerivedBins::new(
        columns
            .clone()
            .map(|column| column.bins(order).to_vec())
            .collect(),
        columns.map(|column| column.borders().to_vec()).collect(),
    )
}
