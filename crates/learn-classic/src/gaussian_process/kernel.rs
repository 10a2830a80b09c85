//! Kernel matrices, and sums over them of derivatives by the logarithms of the parameters.
//!
//! With `u = x / length`, a stationary kernel is a function of `r2 = ||u - u'||^2`. A sum `sum_ab S_ab dk_ab/d ln length_j`
//! over a symmetric `S` is `-2 sum_ab M_ab (u_aj - u_bj)^2` with `M = S dk/dr2`, which one product of `M` with the columns
//! gives for all lengths at once.

use kolosal_compute::Workers;
use kolosal_compute::kernels::{add_combinations, add_cross_products, dot, exp, squared_distances};

use super::expression::{Expression, Kind};

/// Rows of a matrix that one piece of work takes.
const ROWS: usize = 16;
/// Numbers of a row that are multiplied while they stay in the cache.
const CHUNK: usize = 512;

/// Points one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Points {
    pub(super) width: usize,
    pub(super) numbers: Vec<f64>,
}

impl Points {
    pub(super) fn count(&self) -> usize {
        self.numbers.len() / self.width
    }

    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let point = |&row: &usize| {
            self.numbers[row * self.width..(row + 1) * self.width]
                .iter()
                .copied()
        };
        Self {
            width: self.width,
            numbers: rows.iter().flat_map(point).collect(),
        }
    }
}

/// A kernel with its parameters.
pub(super) struct Kernel<'a> {
    pub(super) expression: &'a Expression,
    /// Logarithms: for each term its variance, then for each of its kernels its lengths and its exponent, if it has one.
    pub(super) parameters: &'a [f64],
    pub(super) is_ard: bool,
}

/// A kernel of a product with its parameters.
struct Part {
    kind: Kind,
    /// One a column.
    inverse_lengths: Vec<f64>,
    exponent: f64,
    /// Where its parameters begin.
    at: usize,
}

struct Term {
    variance: f64,
    at: usize,
    parts: Vec<Part>,
}

/// Points divided by the lengths of one kernel.
struct Scaled {
    rows: Vec<f64>,
    /// Column after column.
    columns: Vec<f64>,
}

impl Scaled {
    fn of(points: &Points, inverse_lengths: &[f64]) -> Self {
        let (count, width) = (points.count(), points.width);
        let mut rows = points.numbers.clone();
        rows.chunks_exact_mut(width)
            .for_each(|row| row.iter_mut().zip(inverse_lengths).for_each(|(x, l)| *x *= l));
        let columns = (0..width)
            .flat_map(|j| (0..count).map(move |i| (i, j)))
            .map(|(i, j)| rows[i * width + j])
            .collect();
        Self { rows, columns }
    }
}

/// Values of one kernel for some rows, and derivatives by squared distance and by the logarithm of the exponent.
#[derive(Default)]
struct Values {
    k: Vec<f64>,
    by_distance: Vec<f64>,
    by_exponent: Vec<f64>,
}

impl Kernel<'_> {
    fn lengths(&self, width: usize) -> usize {
        if self.is_ard { width } else { 1 }
    }

    fn terms(&self, width: usize) -> Vec<Term> {
        let lengths = self.lengths(width);
        let mut at = 0;
        let mut terms = Vec::new();
        for kinds in &self.expression.terms {
            let mut term = Term {
                variance: self.parameters[at].exp(),
                at,
                parts: Vec::new(),
            };
            at += 1;
            for &kind in kinds {
                let logs = &self.parameters[at..at + lengths];
                let length = |j: usize| (-logs[j.min(lengths - 1)]).exp();
                let mut part = Part {
                    kind,
                    inverse_lengths: (0..width).map(length).collect(),
                    exponent: 1.0,
                    at,
                };
                at += lengths;
                if kind == Kind::RationalQuadratic {
                    part.exponent = self.parameters[at].exp();
                    at += 1;
                }
                term.parts.push(part);
            }
            terms.push(term);
        }
        terms
    }

    /// The kernel of each point of `left` with each of `right`, row after row.
    pub(super) fn matrix(&self, left: &Points, right: &Points, workers: &Workers) -> Vec<f64> {
        let terms = self.terms(left.width);
        let columns = right.count();
        let mut matrix = vec![0.0; left.count() * columns];
        if matrix.is_empty() {
            return matrix;
        }
        let scaled = scaled(&terms, right);
        workers.for_each_chunk_mut(&mut matrix, ROWS * columns, |block, out| {
            let rows = out.len() / columns;
            let some = &left.numbers[block * ROWS * left.width..][..rows * left.width];
            for (term, scaled) in terms.iter().zip(&scaled) {
                let mut product = vec![term.variance; out.len()];
                for (part, scaled) in term.parts.iter().zip(scaled) {
                    let values = part.values(some, scaled, rows, false);
                    product.iter_mut().zip(&values.k).for_each(|(p, k)| *p *= k);
                }
                out.iter_mut().zip(&product).for_each(|(sum, p)| *sum += p);
            }
        });
        matrix
    }

    /// The kernel of each point with itself.
    pub(super) fn diagonal(&self, points: &Points) -> Vec<f64> {
        let terms = self.terms(points.width);
        let of_point = |point: &[f64]| {
            let of_part = |part: &Part| match part.kind {
                Kind::Linear => point
                    .iter()
                    .zip(&part.inverse_lengths)
                    .map(|(x, l)| (x * l) * (x * l))
                    .sum(),
                _ => 1.0,
            };
            terms
                .iter()
                .map(|term| term.variance * term.parts.iter().map(of_part).product::<f64>())
                .sum()
        };
        points.numbers.chunks_exact(points.width).map(of_point).collect()
    }

    /// `sum_ab weights_ab dk_ab / d parameter`, for every parameter and a symmetric matrix of weights.
    pub(super) fn gradient(&self, points: &Points, weights: &[f64], workers: &Workers) -> Vec<f64> {
        let terms = self.terms(points.width);
        let scaled = scaled(&terms, points);
        let (count, width) = (points.count(), points.width);
        let lengths = self.lengths(width);
        let parts = workers.map(count.div_ceil(ROWS), |block| {
            let rows = block * ROWS..count.min((block + 1) * ROWS);
            let some = &points.numbers[rows.start * width..rows.end * width];
            let weights = &weights[rows.start * count..rows.end * count];
            let mut gradient = vec![0.0; self.parameters.len()];
            for (term, scaled) in terms.iter().zip(&scaled) {
                let pairs = term.parts.iter().zip(scaled);
                let values: Vec<Values> = pairs
                    .map(|(part, scaled)| part.values(some, scaled, rows.len(), true))
                    .collect();
                gradient[term.at] += with_product(weights, term.variance, &values, None)
                    .iter()
                    .sum::<f64>();
                for (f, (part, scaled)) in term.parts.iter().zip(scaled).enumerate() {
                    let rest = with_product(weights, term.variance, &values, Some(f));
                    part.add_gradient((&rest, &values[f]), scaled, rows.start, (&mut gradient, lengths));
                }
            }
            gradient
        });
        parts
            .into_iter()
            .fold(vec![0.0; self.parameters.len()], |mut sum, part| {
                sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
                sum
            })
    }
}

fn scaled(terms: &[Term], points: &Points) -> Vec<Vec<Scaled>> {
    let of_term = |term: &Term| {
        term.parts
            .iter()
            .map(|part| Scaled::of(points, &part.inverse_lengths))
            .collect()
    };
    terms.iter().map(of_term).collect()
}

/// Weights times a term's variance and its kernels, one of them left out.
fn with_product(weights: &[f64], variance: f64, values: &[Values], without: Option<usize>) -> Vec<f64> {
    let mut product: Vec<f64> = weights.iter().map(|weight| weight * variance).collect();
    for (_, values) in values.iter().enumerate().filter(|(f, _)| Some(*f) != without) {
        product.iter_mut().zip(&values.k).for_each(|(p, k)| *p *= k);
    }
    product
}

impl Part {
    /// Values for some points, as they came, with all of the scaled ones.
    fn values(&self, some: &[f64], scaled: &Scaled, rows: usize, with_derivatives: bool) -> Values {
        let width = self.inverse_lengths.len();
        let count = scaled.rows.len() / width;
        let mut own = some.to_vec();
        own.chunks_exact_mut(width).for_each(|row| {
            row.iter_mut()
                .zip(&self.inverse_lengths)
                .for_each(|(x, l)| *x *= l);
        });
        let mut out = vec![0.0; rows * count];
        if self.kind == Kind::Linear {
            let columns: Vec<&[f64]> = scaled.columns.chunks_exact(count).collect();
            add_combinations(&columns, &own, &mut out);
            return Values {
                k: out,
                ..Values::default()
            };
        }
        let queries: Vec<&[f64]> = own.chunks_exact(width).collect();
        squared_distances(&queries, &scaled.columns, &mut out);
        self.of_distances(out, with_derivatives)
    }

    /// Values of a stationary kernel from squared distances.
    fn of_distances(&self, mut squares: Vec<f64>, with_derivatives: bool) -> Values {
        let mut values = Values::default();
        let decay = |squares: &mut [f64], factor: f64| {
            squares.iter_mut().for_each(|r2| *r2 = -(*r2 * factor).sqrt());
        };
        match self.kind {
            Kind::Linear => unreachable!("a linear kernel is made of products"),
            Kind::Rbf => {
                squares.iter_mut().for_each(|r2| *r2 *= -0.5);
                exp(&mut squares);
                if with_derivatives {
                    values.by_distance = squares.iter().map(|k| -0.5 * k).collect();
                }
                values.k = squares;
            }
            Kind::Matern12 => {
                decay(&mut squares, 1.0);
                let mut e = squares.clone();
                exp(&mut e);
                if with_derivatives {
                    let slope = |(e, z): (&f64, &f64)| if *z < 0.0 { 0.5 * e / z } else { 0.0 };
                    values.by_distance = e.iter().zip(&squares).map(slope).collect();
                }
                values.k = e;
            }
            Kind::Matern32 => {
                decay(&mut squares, 3.0);
                let mut e = squares.clone();
                exp(&mut e);
                if with_derivatives {
                    values.by_distance = e.iter().map(|e| -1.5 * e).collect();
                }
                values.k = e
                    .iter()
                    .zip(&squares)
                    .map(|(e, z)| if *z > FAR { (1.0 - z) * e } else { 0.0 })
                    .collect();
            }
            Kind::Matern52 => {
                decay(&mut squares, 5.0);
                let mut e = squares.clone();
                exp(&mut e);
                let at = |z: f64, e: f64, f: fn(f64) -> f64| if z > FAR { f(z) * e } else { 0.0 };
                if with_derivatives {
                    let pairs = e.iter().zip(&squares);
                    values.by_distance = pairs
                        .map(|(e, z)| at(*z, *e, |z| -5.0 / 6.0 * (1.0 - z)))
                        .collect();
                }
                let pairs = e.iter().zip(&squares);
                values.k = pairs
                    .map(|(e, z)| at(*z, *e, |z| 1.0 - z + z * z / 3.0))
                    .collect();
            }
            Kind::RationalQuadratic => {
                let a = self.exponent;
                let base = |r2: &f64| 1.0 + r2 / (2.0 * a);
                values.k = squares.iter().map(|r2| base(r2).powf(-a)).collect();
                if with_derivatives {
                    let pairs = || values.k.iter().zip(&squares);
                    values.by_distance = pairs().map(|(k, r2)| -0.5 * k / base(r2)).collect();
                    let slope = |(k, r2): (&f64, &f64)| a * k * (r2 / (2.0 * a * base(r2)) - base(r2).ln());
                    values.by_exponent = pairs().map(slope).collect();
                }
            }
        }
        values
    }

    /// Adds this kernel's part of the gradient, from weights times all other kernels of the product.
    fn add_gradient(
        &self,
        (rest, values): (&[f64], &Values),
        scaled: &Scaled,
        first: usize,
        (gradient, lengths): (&mut [f64], usize),
    ) {
        let width = self.inverse_lengths.len();
        let count = scaled.rows.len() / width;
        let rows = rest.len() / count;
        let is_linear = self.kind == Kind::Linear;
        let matrix: Vec<f64> = if is_linear {
            rest.to_vec()
        } else {
            rest.iter()
                .zip(&values.by_distance)
                .map(|(rest, slope)| rest * slope)
                .collect()
        };
        // Products of the rows of the matrix with all columns of the points.
        let mut products = vec![0.0; rows * width];
        for start in (0..count).step_by(CHUNK) {
            let end = count.min(start + CHUNK);
            let left: Vec<&[f64]> = matrix.chunks_exact(count).map(|line| &line[start..end]).collect();
            let right: Vec<&[f64]> = scaled
                .columns
                .chunks_exact(count)
                .map(|column| &column[start..end])
                .collect();
            add_cross_products(&left, &right, &mut products);
        }
        for (at, (line, products)) in matrix
            .chunks_exact(count)
            .zip(products.chunks_exact(width))
            .enumerate()
        {
            let point = &scaled.rows[(first + at) * width..][..width];
            let sum: f64 = line.iter().sum();
            for (j, (u, product)) in point.iter().zip(products).enumerate() {
                let change = if is_linear {
                    -2.0 * u * product
                } else {
                    -4.0 * u * (sum * u - product)
                };
                gradient[self.at + j.min(lengths - 1)] += change;
            }
        }
        if self.kind == Kind::RationalQuadratic {
            gradient[self.at + lengths] += dot(rest, &values.by_exponent);
        }
    }
}

/// Beyond it the exponential has vanished.
const FAR: f64 = -700.0;
