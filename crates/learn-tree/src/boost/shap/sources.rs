//! From tested columns to raw ones: a derived column's share is split evenly between the raw columns it is made of.

use crate::boost::model::BoostModel;

/// The raw columns behind each tested column.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) features: usize,
    tested: Vec<Vec<usize>>,
}

impl Sources {
    pub(super) fn of(model: &BoostModel) -> Self {
        let derived = (0..model.encodings.count()).map(|derived| {
            model
                .encodings
                .sources(derived)
                .iter()
                .map(|&raw| raw as usize)
                .collect()
        });
        Self {
            features: model.features,
            tested: (0..model.features).map(|raw| vec![raw]).chain(derived).collect(),
        }
    }

    /// How many tested columns there are.
    pub(super) fn tested(&self) -> usize {
        self.tested.len()
    }

    /// Adds what fell to tested columns to their raw columns.
    pub(super) fn fold_values(&self, tested: &[f64], raw: &mut [f64]) {
        raw.copy_from_slice(&tested[..self.features]);
        for (sources, value) in self.tested.iter().zip(tested).skip(self.features) {
            let share = value / sources.len() as f64;
            sources.iter().for_each(|&source| raw[source] += share);
        }
    }

    /// Adds what fell to pairs of tested columns to pairs of raw columns. A pair's share goes evenly to all pairs of sources,
    /// a column's own share to its sources alone, so that rows of the result still add up to the values.
    pub(super) fn fold_pairs(&self, tested: &[f64], raw: &mut [f64]) {
        let (width, count) = (self.features, self.tested());
        raw.fill(0.0);
        for (i, left) in self.tested.iter().enumerate() {
            for (j, right) in self.tested.iter().enumerate() {
                let value = tested[i * count + j];
                if i == j {
                    let share = value / left.len() as f64;
                    left.iter()
                        .for_each(|&source| raw[source * width + source] += share);
                    continue;
                }
                let share = value / (left.len() * right.len()) as f64;
                for &a in left {
                    right.iter().for_each(|&b| raw[a * width + b] += share);
                }
            }
        }
    }
}
