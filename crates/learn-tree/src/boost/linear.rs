//! Straight lines in the leaves: a ridge regression of the Newton target on the numbers tested above the leaf.
//!
//! With rows `x` (the tested numbers and a one), gradients `g` and hessians `h`, a leaf's line solves
//! `(X' diag(h) X + lambda I) w = -X' g`, the intercept without penalty (Shi, Li, Li, Gradient Boosting with Piece-Wise Linear
//! Regression Trees, IJCAI 2019). Rows that miss one of the numbers keep the leaf's constant. The first tree has no lines.

use kolosal_compute::kernels::histogram::Sample;
use kolosal_frame::{Column, FrameView};

use super::grow::{Grown, GrownLeaf};
use super::model::Lines;
use super::quantise::Derivatives;
use super::table::{Cuts, Table};

/// Most numbers in a line; further ones of a path are left out.
const TERMS_MAX: usize = 32;

/// What lines are fitted to.
pub(crate) struct LineFit<'a> {
    pub(crate) features: FrameView<'a>,
    pub(crate) derivatives: Derivatives<'a>,
    pub(crate) lambda: f64,
    pub(crate) learning_rate: f64,
}

impl LineFit<'_> {
    /// Lines of all leaves that have enough rows; learning rate included.
    pub(crate) fn lines(&self, grown: &Grown, samples: &[Sample], table: &Table<'_>) -> Lines {
        let nodes = grown.facts.len();
        let mut lines = Lines {
            starts: Vec::with_capacity(nodes + 1),
            intercepts: vec![0.0; nodes],
            ..Lines::default()
        };
        let mut leaves = grown.leaves.iter().peekable();
        for node in 0..nodes {
            lines.starts.push(lines.columns.len() as u32);
            let Some(leaf) = leaves.next_if(|leaf| leaf.node as usize == node) else {
                continue;
            };
            let columns = self.numbers_of(leaf, table);
            let rows = &samples[leaf.start..leaf.start + leaf.len];
            if let Some(line) = self.line(&columns, rows) {
                lines.intercepts[node] = line[columns.len()] * self.learning_rate;
                lines.columns.extend(&columns);
                lines.slopes.extend(
                    line[..columns.len()]
                        .iter()
                        .map(|slope| slope * self.learning_rate),
                );
            }
        }
        lines.starts.push(lines.columns.len() as u32);
        lines
    }

    fn numbers_of(&self, leaf: &GrownLeaf, table: &Table<'_>) -> Vec<u32> {
        let is_number = |column: &&u32| matches!(table.columns()[**column as usize].cuts, Cuts::Numbers(_));
        leaf.path
            .iter()
            .filter(is_number)
            .take(TERMS_MAX)
            .copied()
            .collect()
    }

    /// Slopes and then the intercept; `None` where the rows do not determine them.
    fn line(&self, columns: &[u32], rows: &[Sample]) -> Option<Vec<f64>> {
        let width = columns.len() + 1;
        if columns.is_empty() || rows.len() <= width {
            return None;
        }
        let mut system = vec![0.0; width * (width + 1)];
        let mut x = vec![1.0; width];
        for sample in rows {
            self.values_into(columns, sample.at, &mut x);
            if x.iter().any(|value| value.is_nan()) {
                continue;
            }
            let gradient = f64::from(self.derivatives.gradient(sample.at));
            let hessian = f64::from(self.derivatives.hessian(sample.at));
            for i in 0..width {
                let line = &mut system[i * (width + 1)..(i + 1) * (width + 1)];
                (0..width).for_each(|j| line[j] += hessian * x[i] * x[j]);
                line[width] -= gradient * x[i];
            }
        }
        (0..columns.len()).for_each(|i| system[i * (width + 1) + i] += self.lambda);
        solve(&mut system, width)
    }

    /// Writes the numbers of a row in front of the one that stands at the end.
    pub(crate) fn values_into(&self, columns: &[u32], at: u32, x: &mut [f64]) {
        let row = self.features.rows().get(at as usize);
        for (place, &column) in x.iter_mut().zip(columns) {
            *place = match self.features.column(column as usize) {
                Column::Numbers(values) => values[row],
                Column::Sparse(sparse) => sparse.get(row),
                Column::Categories(_) | Column::Text(_) => f64::NAN,
            };
        }
    }
}

impl Lines {
    /// What a leaf answers for a training row: its line where there is one and the row has all its numbers.
    pub(crate) fn answer_of_row(&self, leaf: u32, at: u32, fit: &LineFit<'_>) -> Option<f64> {
        let terms = self.starts[leaf as usize] as usize..self.starts[leaf as usize + 1] as usize;
        if terms.is_empty() {
            return None;
        }
        let mut sum = self.intercepts[leaf as usize];
        let mut value = [0.0];
        for (column, slope) in self.columns[terms.clone()].iter().zip(&self.slopes[terms]) {
            fit.values_into(std::slice::from_ref(column), at, &mut value);
            sum += slope * value[0];
        }
        sum.is_finite().then_some(sum)
    }
}

/// Solves a symmetric system of `width` lines, each with its right side at the end, by elimination with pivots on the diagonal.
///
/// `None` if a pivot is lost in rounding: the columns are then not independent.
pub(crate) fn solve(system: &mut [f64], width: usize) -> Option<Vec<f64>> {
    let stride = width + 1;
    let scale: Vec<f64> = (0..width).map(|i| system[i * stride + i]).collect();
    for pivot in 0..width {
        let diagonal = system[pivot * stride + pivot];
        if diagonal.is_nan() || diagonal <= 1e-10 * scale[pivot].max(f64::MIN_POSITIVE) {
            return None;
        }
        for line in pivot + 1..width {
            let factor = system[line * stride + pivot] / diagonal;
            for at in pivot..stride {
                system[line * stride + at] -= factor * system[pivot * stride + at];
            }
        }
    }
    let mut solution = vec![0.0; width];
    for line in (0..width).rev() {
        let known: f64 = (line + 1..width)
            .map(|at| system[line * stride + at] * solution[at])
            .sum();
        solution[line] = (system[line * stride + width] - known) / system[line * stride + line];
    }
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_a_dependent_one_is_not() {
        // 2a + b = 5, a + 3b = 10.
        assert_eq!(
            solve(&mut [2.0, 1.0, 5.0, 1.0, 3.0, 10.0], 2),
            Some(vec![1.0, 3.0])
        );
        assert_eq!(solve(&mut [1.0, 2.0, 1.0, 2.0, 4.0, 2.0], 2), None);
        assert_eq!(solve(&mut [0.0, 1.0], 1), None);
    }
}
