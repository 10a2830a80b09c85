//! Path-dependent Shapley values and their interactions.

use kolosal_frame::FrameView;

use super::paths::{COLUMNS_MAX, LeafPath, Paths};
use super::quadrature::{ABREAST, Points, rule};
use super::rows::explain_rows;
use super::sources::Sources;
use super::{Cover, Effort, ExplainError};
use crate::boost::model::BoostModel;

/// Explains scores where an absent column follows both children of a split, weighted by cover.
///
/// Made once for a model, then used for any number of rows. See the [module](crate::boost::shap) for the definition.
#[derive(Debug)]
pub struct TreeShap<'m> {
    model: &'m BoostModel,
    paths: Paths,
    sources: Sources,
    /// The rule of `n + 1` points at position `n`.
    rules: Vec<Vec<Points>>,
    expected: Vec<f64>,
}

/// Buffers of one thread.
struct Scratch {
    goes_left: Vec<bool>,
    /// For each output what fell to each tested column.
    values: Vec<f64>,
    /// For each output what fell to each pair of tested columns.
    pairs: Vec<f64>,
}

impl<'m> TreeShap<'m> {
    /// Prepares the explanation of a model.
    ///
    /// # Errors
    /// [`ExplainError`] if the model has linear leaves, lacks the covers asked for, or has a path of more than 64 columns.
    pub fn new(model: &'m BoostModel, cover: Cover) -> Result<Self, ExplainError> {
        let paths = Paths::new(model, Some(cover))?;
        let mut expected = model.base.clone();
        for tree in &paths.trees {
            for leaf in &tree.leaves {
                let share: f64 = leaf.elements.iter().map(|element| element.absent).product();
                let outputs = expected[tree.output..].iter_mut();
                outputs
                    .zip(&leaf.answer)
                    .for_each(|(sum, value)| *sum += share * value);
            }
        }
        Ok(Self {
            model,
            sources: Sources::of(model),
            rules: (1..=paths.columns_max.div_ceil(2)).map(rule).collect(),
            paths,
            expected,
        })
    }

    /// The score of each output when every column is absent.
    pub fn expected(&self) -> &[f64] {
        &self.expected
    }

    /// Writes the Shapley values of each row: for each output one number a raw column.
    ///
    /// # Errors
    /// [`ExplainError::Cancelled`] if the caller asked to stop; `out` holds no meaning then.
    ///
    /// # Panics
    /// If `out` is not `rows * outputs * columns` long or `x` has another number of columns.
    pub fn values_into(
        &self,
        x: FrameView<'_>,
        effort: Effort<'_>,
        out: &mut [f64],
    ) -> Result<(), ExplainError> {
        let features = self.sources.features;
        let width = self.expected.len() * features;
        let explain = |scratch: &mut Scratch, row: &[f64], place: &mut [f64]| {
            self.add_values(scratch, row);
            let values = scratch.values.chunks_exact(self.sources.tested());
            for (tested, raw) in values.zip(place.chunks_exact_mut(features)) {
                self.sources.fold_values(tested, raw);
            }
        };
        explain_rows((self.model, x), effort, (out, width), || self.scratch(1), explain)
    }

    /// Writes the interaction values of each row: for each output a symmetric matrix over the raw columns, row after row.
    ///
    /// The effect of a pair is shared evenly by its two places; the diagonal holds what is left of a column's Shapley value,
    /// so that each row of the matrix adds up to it.
    ///
    /// # Errors
    /// [`ExplainError::Cancelled`] if the caller asked to stop; `out` holds no meaning then.
    ///
    /// # Panics
    /// If `out` is not `rows * outputs * columns * columns` long or `x` has another number of columns.
    pub fn interactions_into(
        &self,
        x: FrameView<'_>,
        effort: Effort<'_>,
        out: &mut [f64],
    ) -> Result<(), ExplainError> {
        let (features, tested) = (self.sources.features, self.sources.tested());
        let width = self.expected.len() * features * features;
        let explain = |scratch: &mut Scratch, row: &[f64], place: &mut [f64]| {
            self.add_pairs(scratch, row);
            let matrices = scratch.pairs.chunks_exact(tested * tested);
            for (pairs, raw) in matrices.zip(place.chunks_exact_mut(features * features)) {
                self.sources.fold_pairs(pairs, raw);
            }
        };
        explain_rows(
            (self.model, x),
            effort,
            (out, width),
            || self.scratch(tested),
            explain,
        )
    }

    fn scratch(&self, pairs_a_column: usize) -> Scratch {
        let values = self.expected.len() * self.sources.tested();
        Scratch {
            goes_left: Vec::new(),
            values: vec![0.0; values],
            pairs: vec![0.0; values * pairs_a_column],
        }
    }

    fn rule(&self, leaf: &LeafPath) -> &[Points] {
        &self.rules[leaf.elements.len().div_ceil(2) - 1]
    }

    /// Visits the leaves with columns on their path: the first output, the leaf, and which elements the row passes.
    fn for_each_leaf(
        &self,
        goes_left: &mut Vec<bool>,
        row: &[f64],
        mut visit: impl FnMut(usize, &LeafPath, u64),
    ) {
        for tree in &self.paths.trees {
            tree.decide(row, goes_left);
            for leaf in tree.leaves.iter().filter(|leaf| !leaf.elements.is_empty()) {
                visit(tree.output, leaf, leaf.passes(goes_left));
            }
        }
    }

    fn add_values(&self, scratch: &mut Scratch, row: &[f64]) {
        let tested = self.sources.tested();
        scratch.values.fill(0.0);
        let values = &mut scratch.values;
        self.for_each_leaf(&mut scratch.goes_left, row, |output, leaf, passes| {
            let mut weights = [0.0; COLUMNS_MAX];
            leaf_values(leaf, passes, self.rule(leaf), &mut weights[..leaf.elements.len()]);
            let lines = values.chunks_exact_mut(tested).skip(output);
            for (line, value) in lines.zip(&leaf.answer) {
                for (element, weight) in leaf.elements.iter().zip(&weights) {
                    line[element.column] += weight * value;
                }
            }
        });
    }

    fn add_pairs(&self, scratch: &mut Scratch, row: &[f64]) {
        let tested = self.sources.tested();
        self.add_values(scratch, row);
        scratch.pairs.fill(0.0);
        let pairs = &mut scratch.pairs;
        self.for_each_leaf(&mut scratch.goes_left, row, |output, leaf, passes| {
            leaf_pairs(leaf, passes, self.rule(leaf), |i, j, weight| {
                let (i, j) = (leaf.elements[i].column, leaf.elements[j].column);
                let matrices = pairs.chunks_exact_mut(tested * tested).skip(output);
                for (matrix, value) in matrices.zip(&leaf.answer) {
                    matrix[i * tested + j] += 0.5 * weight * value;
                    matrix[j * tested + i] += 0.5 * weight * value;
                }
            });
        });
        let matrices = scratch.pairs.chunks_exact_mut(tested * tested);
        for (matrix, values) in matrices.zip(scratch.values.chunks_exact(tested)) {
            for column in 0..tested {
                let others: f64 = matrix[column * tested..(column + 1) * tested].iter().sum();
                matrix[column * tested + column] = values[column] - others;
            }
        }
    }
}

/// The product of the factors `t o_k + (1 - t) z_k` over the path at some points, times the points' weights.
#[inline]
fn products(leaf: &LeafPath, passes: u64, points: &Points) -> [f64; ABREAST] {
    let mut products = points.weight;
    for (at, element) in leaf.elements.iter().enumerate() {
        let factors = factors(element.absent, passes >> at & 1 == 1, points);
        for lane in 0..ABREAST {
            products[lane] *= factors[lane];
        }
    }
    products
}

#[inline]
fn factors(absent: f64, passes: bool, points: &Points) -> [f64; ABREAST] {
    let present = if passes { 1.0 } else { 0.0 };
    std::array::from_fn(|lane| points.rest[lane] * absent + present * points.at[lane])
}

#[inline]
fn sum(terms: [f64; ABREAST]) -> f64 {
    let [a, b, c, d] = terms;
    (a + b) + (c + d)
}

/// The Shapley value of each element for a leaf of value one.
fn leaf_values(leaf: &LeafPath, passes: u64, rule: &[Points], weights: &mut [f64]) {
    for points in rule {
        let products = products(leaf, passes, points);
        if products[0] == 0.0 {
            // Some column is impossible both present and absent: no coalition reaches the leaf.
            continue;
        }
        // Elements that the row fails all have the same share: `-z / ((1 - t) z)`.
        let failed = -sum(std::array::from_fn(|lane| products[lane] / points.rest[lane]));
        for (at, (element, weight)) in leaf.elements.iter().zip(&mut *weights).enumerate() {
            *weight += if passes >> at & 1 == 1 {
                let factors = factors(element.absent, true, points);
                let ratios = std::array::from_fn(|lane| products[lane] / factors[lane]);
                (1.0 - element.absent) * sum(ratios)
            } else {
                failed
            };
        }
    }
}

/// Visits each pair of elements with its interaction for a leaf of value one, points after points.
fn leaf_pairs(leaf: &LeafPath, passes: u64, rule: &[Points], mut visit: impl FnMut(usize, usize, f64)) {
    // What an element adds at a point, over its factor: `(o - z) / (t o + (1 - t) z)`.
    let mut effects = [[0.0; ABREAST]; COLUMNS_MAX];
    for points in rule {
        let products = products(leaf, passes, points);
        if products[0] == 0.0 {
            return;
        }
        for (at, element) in leaf.elements.iter().enumerate() {
            let passes = passes >> at & 1 == 1;
            let effect = if passes { 1.0 } else { 0.0 } - element.absent;
            let factors = factors(element.absent, passes, points);
            effects[at] = std::array::from_fn(|lane| effect / factors[lane]);
        }
        for i in 0..leaf.elements.len() {
            let scaled: [f64; ABREAST] = std::array::from_fn(|lane| products[lane] * effects[i][lane]);
            for j in 0..i {
                visit(
                    i,
                    j,
                    sum(std::array::from_fn(|lane| scaled[lane] * effects[j][lane])),
                );
            }
        }
    }
}
