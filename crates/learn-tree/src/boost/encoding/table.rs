//! One projection of a fitted booster: a table from combinations of levels to statistics.

use kolosal_learner::{ArtifactError, Decoder, Encoder};

use super::projection::Radix;
use super::slots::SlotMap;

/// Looks at a hashed map that random keys never need: a file that does is no work of a save.
const LOOKS_MAX: usize = 64;

/// Statistics of one projection, by combination of levels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    sources: Vec<u32>,
    radix: Radix,
    slots: SlotMap,
    /// The derived columns that the statistics are.
    columns: Vec<u32>,
    /// The statistics of each slot side by side, and behind the last slot those of a combination that training never saw.
    values: Vec<f32>,
}

impl Table {
    /// Joins the parts; `statistics` holds the values of each derived column, one a slot and one for unseen combinations.
    ///
    /// # Panics
    /// If they do not fit together.
    pub(super) fn new(
        sources: Vec<u32>,
        radix: Radix,
        slots: SlotMap,
        columns: Vec<u32>,
        statistics: &[Vec<f32>],
    ) -> Self {
        assert_eq!(statistics.len(), columns.len(), "one statistic a column");
        let places = slots.len() + 1;
        assert!(
            statistics.iter().all(|values| values.len() == places),
            "one value a slot"
        );
        let values = (0..places)
            .flat_map(|slot| statistics.iter().map(move |values| values[slot]))
            .collect();
        Self {
            sources,
            radix,
            slots,
            columns,
            values,
        }
    }

    pub(super) fn sources(&self) -> &[u32] {
        &self.sources
    }

    pub(super) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Writes the statistics of a row.
    #[inline]
    pub(super) fn fill(&self, raw: &[f64], derived: &mut [f64]) {
        let codes = self.sources.iter().map(|&source| code_of(raw[source as usize]));
        let slot = self.slots.get(self.radix.key(codes));
        let width = self.columns.len();
        let values = &self.values[slot * width..(slot + 1) * width];
        for (&column, &value) in self.columns.iter().zip(values) {
            derived[column as usize] = f64::from(value);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let numbers = self.sources.len() + self.radix.levels().len() + self.columns.len() + self.values.len();
        self.slots.heap_bytes() + numbers * size_of::<u32>()
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        to.u32s(&self.sources);
        to.u32s(self.radix.levels());
        to.u64(self.slots.len() as u64);
        self.slots.keys().iter().for_each(|&key| to.u64(key));
        to.u32s(&self.columns);
        to.f32s(&self.values);
    }

    pub(super) fn load(from: &mut Decoder<'_>, features: usize) -> Result<Self, ArtifactError> {
        let sources = from.u32s()?;
        let is_ascending = sources.windows(2).all(|pair| pair[0] < pair[1]);
        let is_inside = sources.last().is_some_and(|&last| (last as usize) < features);
        if !(is_ascending && is_inside) {
            return Err(ArtifactError::damaged(
                "a derived column is made of columns that are not there",
            ));
        }
        let levels = from.u32s()?;
        let radix = (levels.len() == sources.len())
            .then(|| Radix::new(levels))
            .flatten();
        let radix = radix
            .ok_or_else(|| ArtifactError::damaged("levels of a derived column do not fit its columns"))?;
        let slots = load_slots(from, radix.size())?;
        let columns = from.u32s()?;
        let values = from.f32s()?;
        let is_full = !columns.is_empty() && Some(values.len()) == columns.len().checked_mul(slots.len() + 1);
        if !(is_full && values.iter().all(|value| value.is_finite())) {
            return Err(ArtifactError::damaged(
                "statistics of a derived column do not fit its levels",
            ));
        }
        Ok(Self {
            sources,
            radix,
            slots,
            columns,
            values,
        })
    }
}

fn load_slots(from: &mut Decoder<'_>, size: u64) -> Result<SlotMap, ArtifactError> {
    let count = from.count("combinations", from.remaining() / size_of::<u64>())?;
    let mut slots = SlotMap::new(size, count);
    let mut looks_left = LOOKS_MAX * (count + 16);
    for at in 0..count {
        let key = from.u64()?;
        if key >= size {
            return Err(ArtifactError::damaged(format!("combination {key} of {size}")));
        }
        let (slot, looked) = slots.insert(key);
        looks_left = looks_left.saturating_sub(looked);
        if slot as usize != at || looks_left == 0 {
            return Err(ArtifactError::damaged(format!(
                "combination {key} stands in a table twice"
            )));
        }
    }
    Ok(slots)
}

/// A raw value as the code of its level; what is no level is missing.
#[inline]
fn code_of(value: f64) -> u32 {
    // NaN fails the comparison; the cast would make it level 0.
    if value >= 0.0 { value as u32 } else { u32::MAX }
}
