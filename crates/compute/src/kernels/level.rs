//! Scores of cuts that split all leaves of a level at once, as oblivious trees do.
//!
//! A side with sums `G` and `H` answers with `a = G / (H + lambda)`. Every leaf adds `a G` and `a^2 H` of both its sides to
//! the cut's two sums. The fall of the squared error is the first sum; the cosine between gradients and answers is the first
//! sum over the root of the second (Prokhorenkova et al. 2018).

use super::histogram::Slot;

/// The two sums of each cut of a column; cut `b` sends bins `0 ..= b` left, missing values (bin 0) among them.
#[derive(Debug, Default, Clone)]
pub struct LevelScores<S> {
    /// Sum of `a G` by cut.
    pub products: Vec<f64>,
    /// Sum of `a^2 H` by cut.
    pub squares: Vec<f64>,
    sums: Vec<S>,
}

impl<S: Slot> LevelScores<S> {
    /// Forgets everything, for a column of so many bins.
    pub fn clear(&mut self, bins: usize) {
        let cuts = bins.saturating_sub(1);
        self.products.clear();
        self.products.resize(cuts, 0.0);
        self.squares.clear();
        self.squares.resize(cuts, 0.0);
        self.sums.resize(cuts, S::default());
    }

    /// Adds what a leaf with these slots makes of each cut; `lambda` is in units of the hessian, `scale` turns a squared unit
    /// of gradient over a unit of hessian into a number that leaves of other units can be added to.
    ///
    /// # Panics
    /// If `slots` has another number of bins than the column.
    pub fn add(&mut self, slots: &[S], (lambda, scale): (f64, f64)) {
        let cuts = self.products.len();
        assert_eq!(slots.len().saturating_sub(1), cuts, "one cut fewer than bins");
        let mut sum = S::default();
        for (place, &slot) in self.sums.iter_mut().zip(slots) {
            sum = sum.plus(slot);
            *place = sum;
        }
        let Some(last) = slots.last() else { return };
        let rule = LevelRule {
            total: sum.plus(*last).numbers(),
            // A side without rows has no answer; its sums are zero, so that any mass will do.
            lambda: lambda.max(1e-9),
            scale,
        };
        accumulate(&self.sums[..cuts], &rule, (&mut self.products, &mut self.squares));
    }
}

struct LevelRule {
    total: (f64, f64),
    lambda: f64,
    scale: f64,
}

fn accumulate<S: Slot>(sums: &[S], rule: &LevelRule, out: (&mut [f64], &mut [f64])) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has AVX-512F, DQ and VL, checked on the lines above.
            unsafe { accumulate_avx512(sums, rule, out) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            unsafe { accumulate_avx2(sums, rule, out) };
            return;
        }
    }
    accumulate_plain(sums, rule, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn accumulate_avx512<S: Slot>(sums: &[S], rule: &LevelRule, out: (&mut [f64], &mut [f64])) {
    accumulate_plain(sums, rule, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn accumulate_avx2<S: Slot>(sums: &[S], rule: &LevelRule, out: (&mut [f64], &mut [f64])) {
    accumulate_plain(sums, rule, out);
}

#[inline(always)]
fn accumulate_plain<S: Slot>(sums: &[S], rule: &LevelRule, (products, squares): (&mut [f64], &mut [f64])) {
    let LevelRule { total, lambda, scale } = *rule;
    for ((sum, product), square) in sums.iter().zip(products).zip(squares) {
        let (left, left_weight) = sum.numbers();
        let (right, right_weight) = (total.0 - left, total.1 - left_weight);
        let left_answer = left / (left_weight + lambda);
        let right_answer = right / (right_weight + lambda);
        *product += scale * (left_answer * left + right_answer * right);
        *square +=
            scale * (left_answer * left_answer * left_weight + right_answer * right_answer * right_weight);
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::{Packed, Sample};
    use super::*;

    fn slots(values: &[(i16, u16)]) -> Vec<Packed> {
        let slot = |&(gradient, hessian): &(i16, u16)| Packed::of(Sample::new(0, gradient, hessian), &[]);
        values.iter().map(slot).collect()
    }

    #[test]
    fn scores_of_two_leaves_add_up() {
        let leaves = [
            slots(&[(1, 1), (4, 2), (-3, 3)]),
            slots(&[(0, 0), (-5, 1), (7, 4)]),
        ];
        let mut scores = LevelScores::default();
        scores.clear(3);
        leaves.iter().for_each(|leaf| scores.add(leaf, (2.0, 0.5)));
        // Cut 1 sends bins 0 and 1 left: (5, 3) and (-3, 3) in the first leaf, (-5, 1) and (7, 4) in the second.
        let sides: [(f64, f64); 4] = [(5.0, 3.0), (-3.0, 3.0), (-5.0, 1.0), (7.0, 4.0)];
        let products: f64 = sides.iter().map(|(g, h)| g * g / (h + 2.0)).sum();
        let squares: f64 = sides.iter().map(|(g, h)| (g / (h + 2.0)).powi(2) * h).sum();
        assert!((scores.products[1] - 0.5 * products).abs() < 1e-12);
        assert!((scores.squares[1] - 0.5 * squares).abs() < 1e-12);
    }

    #[test]
    fn the_dispatched_form_is_bit_equal_to_its_scalar_twin() {
        for cuts in [1_i16, 8, 9, 254] {
            let sums: Vec<(i16, u16)> = (0..cuts).map(|i| (i * 37 % 101 - 50, i as u16 + 1)).collect();
            let sums = slots(&sums);
            let rule = LevelRule {
                total: (11.0, f64::from(cuts) + 3.0),
                lambda: 3.0,
                scale: 0.25,
            };
            let make = || (vec![0.5; cuts as usize], vec![0.25; cuts as usize]);
            let (mut fast, mut plain) = (make(), make());
            accumulate(&sums, &rule, (&mut fast.0, &mut fast.1));
            accumulate_plain(&sums, &rule, (&mut plain.0, &mut plain.1));
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!((bits(&fast.0), bits(&fast.1)), (bits(&plain.0), bits(&plain.1)));
        }
    }
}
