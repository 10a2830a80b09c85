//! Gradients as whole numbers: rounded at random, without bias, to as many levels as their sum leaves room for.
//!
//! A gradient becomes `floor(gradient / unit + u)` with `u` uniform in `[0, 1)`, so that sums are right in expectation
//! (Shi, Ke, Chen, Zheng, Liu 2022). The unit is chosen so that a sum over all rows fits 32 bits: 32,767 levels up to 65,000
//! rows, 2,147 for a million. The random numbers are a hash of seed and row.

use kolosal_base::Seed;
use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::Sample;

use super::search::{UnitSums, Units};

/// Rows that one piece of work rounds.
const BLOCK: usize = 1 << 12;

/// Gradients and hessians of one output, one a position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Derivatives<'a> {
    pub(crate) gradients: &'a [f32],
    /// `None` where every hessian is one.
    pub(crate) hessians: Option<&'a [f32]>,
    /// Factors of sampled rows.
    pub(crate) factors: Option<&'a [f32]>,
}

impl Derivatives<'_> {
    #[inline]
    pub(crate) fn factor(&self, at: u32) -> f32 {
        self.factors.map_or(1.0, |factors| factors[at as usize])
    }

    #[inline]
    pub(crate) fn gradient(&self, at: u32) -> f32 {
        self.gradients[at as usize] * self.factor(at)
    }

    #[inline]
    pub(crate) fn hessian(&self, at: u32) -> f32 {
        self.hessians.map_or(1.0, |hessians| hessians[at as usize]) * self.factor(at)
    }

    /// Whether every row's hessian is one.
    fn is_plain(&self) -> bool {
        self.hessians.is_none() && self.factors.is_none()
    }

    /// Largest gradient and hessian of the rows; not zero.
    fn largest(&self, rows: &[u32], crew: &Crew<'_>) -> (f32, f32) {
        let blocks = rows.len().div_ceil(BLOCK);
        let parts = crew.map(blocks, |block| {
            let part = &rows[block * BLOCK..((block + 1) * BLOCK).min(rows.len())];
            part.iter().fold((0.0_f32, 0.0_f32), |(gradient, hessian), &row| {
                (
                    gradient.max(self.gradient(row).abs()),
                    hessian.max(self.hessian(row)),
                )
            })
        });
        let all = parts
            .iter()
            .fold((0.0_f32, 0.0_f32), |a, b| (a.0.max(b.0), a.1.max(b.1)));
        (all.0.max(f32::MIN_POSITIVE), all.1.max(f32::MIN_POSITIVE))
    }
}

/// Makes samples of rows, with their derivatives rounded.
pub(crate) fn quantise(
    derivatives: &Derivatives<'_>,
    (rows, samples): (&[u32], &mut Vec<Sample>),
    seed: Seed,
    crew: &Crew<'_>,
) -> (Units, UnitSums) {
    let count = rows.len().max(1);
    let room = (i32::MAX as usize - count) / count;
    let (gradient_max, hessian_max) = derivatives.largest(rows, crew);
    let gradient_levels = room.min(i16::MAX as usize - 1).max(1) as f32;
    let hessian_levels = room.min(u16::MAX as usize - 1).max(1) as f32;
    let scale = Scale {
        gradient: gradient_levels / gradient_max,
        hessian: if derivatives.is_plain() {
            1.0
        } else {
            hessian_levels / hessian_max
        },
        is_plain: derivatives.is_plain(),
        seed: seed.value() as u32,
    };
    samples.resize(rows.len(), Sample::default());
    let mut parts: Vec<(&[u32], &mut [Sample], UnitSums)> = rows
        .chunks(BLOCK)
        .zip(samples.chunks_mut(BLOCK))
        .map(|(rows, part)| (rows, part, UnitSums::default()))
        .collect();
    crew.for_each_mut(&mut parts, |_, (rows, part, sums)| {
        *sums = scale.round(derivatives, (rows, part));
    });
    let sums = parts
        .iter()
        .fold(UnitSums::default(), |total, part| total.plus(part.2));
    let units = Units {
        gradient: 1.0 / f64::from(scale.gradient),
        hessian: 1.0 / f64::from(scale.hessian),
        rows: count as f64 / sums.hessian.max(1) as f64,
    };
    (units, sums)
}

struct Scale {
    gradient: f32,
    hessian: f32,
    is_plain: bool,
    seed: u32,
}

impl Scale {
    /// Rounds a part; what is known of the derivatives is settled once, outside the loop over rows.
    fn round(&self, derivatives: &Derivatives<'_>, part: (&[u32], &mut [Sample])) -> UnitSums {
        let gradients = derivatives.gradients;
        match (derivatives.hessians, derivatives.factors) {
            (None, None) => self.round_rows(part, |at| (gradients[at], 0.0)),
            (Some(hessians), None) => self.round_rows(part, |at| (gradients[at], hessians[at])),
            _ => self.round_rows(part, |at| {
                (derivatives.gradient(at as u32), derivatives.hessian(at as u32))
            }),
        }
    }

    #[inline(always)]
    fn round_rows(
        &self,
        (rows, part): (&[u32], &mut [Sample]),
        pair: impl Fn(usize) -> (f32, f32),
    ) -> UnitSums {
        let (mut gradients, mut hessians) = (0_i64, 0_i64);
        for (sample, &row) in part.iter_mut().zip(rows) {
            let noise = scramble(row ^ self.seed);
            let (low, high) = (unit(noise & 0xffff), unit(noise >> 16));
            let (gradient, hessian) = pair(row as usize);
            let gradient = floor(gradient * self.gradient + low);
            let hessian = if self.is_plain {
                1
            } else {
                (hessian * self.hessian + high) as i32 as u16
            };
            *sample = Sample::new(row, gradient, hessian);
            gradients += i64::from(gradient);
            hessians += i64::from(hessian);
        }
        UnitSums {
            gradient: gradients,
            hessian: hessians,
        }
    }
}

/// The largest whole number that is not above a value of at most 2^15, without a call into a library.
#[inline]
fn floor(value: f32) -> i16 {
    const SHIFT: i32 = 1 << 15;
    ((value + SHIFT as f32) as i32 - SHIFT) as i16
}

#[inline]
fn unit(sixteen_bits: u32) -> f32 {
    sixteen_bits as f32 * (1.0 / 65_536.0)
}

/// A hash of 32 bits (the finaliser of MurmurHash3).
#[inline]
fn scramble(value: u32) -> u32 {
    let mut hash = value.wrapping_mul(0x9e37_79b1);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// Rounds derivatives to 64 bits: finer than the single precision they come in.
pub(crate) fn widen(
    derivatives: &Derivatives<'_>,
    (rows, samples): (&[u32], &mut Vec<Sample>),
    wide: &mut [[i64; 2]],
    crew: &Crew<'_>,
) -> (Units, UnitSums) {
    let (gradient_max, hessian_max) = derivatives.largest(rows, crew);
    // Powers of two, so that scaling is exact; the sum of all rows stays below 2^62.
    let levels = 2_f64.powi(61 - (usize::BITS - rows.len().leading_zeros()) as i32);
    let power = |largest: f32| 2_f64.powi((levels / f64::from(largest)).log2().floor() as i32);
    let gradient = power(gradient_max);
    let hessian = if derivatives.is_plain() {
        1.0
    } else {
        power(hessian_max)
    };
    let mut sums = UnitSums::default();
    samples.clear();
    for &row in rows {
        let pair = [
            (f64::from(derivatives.gradient(row)) * gradient) as i64,
            (f64::from(derivatives.hessian(row)) * hessian) as i64,
        ];
        samples.push(Sample::new(row, 0, 0));
        wide[row as usize] = pair;
        sums = sums.plus(UnitSums {
            gradient: pair[0],
            hessian: pair[1],
        });
    }
    let units = Units {
        gradient: 1.0 / gradient,
        hessian: 1.0 / hessian,
        rows: rows.len() as f64 / sums.hessian.max(1) as f64,
    };
    (units, sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_compute::Workers;
    use kolosal_compute::kernels::histogram::{Packed, Slot};

    #[test]
    fn rounding_is_within_a_unit_and_right_on_average() {
        let rows = 20_000_u32;
        let gradients: Vec<f32> = (0..rows).map(|at| (at as f32 * 0.7).sin() * 1e-6).collect();
        let hessians: Vec<f32> = (0..rows).map(|at| (at as f32 * 0.3).cos().abs() * 3.0).collect();
        let derivatives = Derivatives {
            gradients: &gradients,
            hessians: Some(&hessians),
            factors: None,
        };
        let (listed, mut samples): (Vec<u32>, _) = ((0..rows).collect(), Vec::new());
        let (units, sums) =
            Workers::new(2).crew(|crew| quantise(&derivatives, (&listed, &mut samples), Seed::new(3), crew));
        let mut error = (0.0, 0.0);
        for sample in &samples {
            let slot = Packed::of(*sample, &[]);
            let off = slot.gradient() as f64 * units.gradient - f64::from(gradients[sample.at as usize]);
            assert!(off.abs() <= units.gradient * 1.001);
            error.0 += off;
            error.1 += slot.hessian() as f64 * units.hessian - f64::from(hessians[sample.at as usize]);
        }
        // Each rounding has a spread of at most half a unit; five standard errors.
        let bound = 2.5 * f64::from(rows).sqrt();
        assert!(error.0.abs() < bound * units.gradient && error.1.abs() < bound * units.hessian);
        let total = samples.iter().fold(Packed::default(), |sum, sample| {
            sum.plus(Packed::of(*sample, &[]))
        });
        assert_eq!(UnitSums::of(total), sums);
    }

    #[test]
    fn plain_hessians_count_rows() {
        let derivatives = Derivatives {
            gradients: &[0.0; 5],
            hessians: None,
            factors: None,
        };
        let rows = [0, 1, 2, 3, 4];
        let (units, sums) = quantise(
            &derivatives,
            (&rows, &mut Vec::new()),
            Seed::new(0),
            &Crew::alone(),
        );
        assert_eq!((sums.hessian, units.hessian, units.rows), (5, 1.0, 1.0));
    }

    #[test]
    fn wide_numbers_are_finer_than_single_precision() {
        let gradients = [1.0_f32, -1e-7, 0.333];
        let derivatives = Derivatives {
            gradients: &gradients,
            hessians: Some(&[0.1, 0.2, 7.0]),
            factors: None,
        };
        let mut wide = vec![[0; 2]; 3];
        let rows = (&[0, 1, 2][..], &mut Vec::new());
        let (units, _) = widen(&derivatives, rows, &mut wide, &Crew::alone());
        for (at, gradient) in gradients.iter().enumerate() {
            let back = wide[at][0] as f64 * units.gradient;
            assert!((back - f64::from(*gradient)).abs() <= f64::from(*gradient).abs() * 1e-7);
        }
    }
}
