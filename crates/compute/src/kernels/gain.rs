//! Where to cut an ordered column: the gain of every cut of a histogram.
//!
//! With sums `G` and `H` of gradients and hessians on a side, its score is `max(|G| - alpha, 0)^2 / (H + lambda)`
//! (Chen, Guestrin 2016, equation 7, with the L1 term), and the gain of a cut is the sum of both sides' scores.

use super::histogram::Slot;

/// What is asked of a cut, in the units of the histogram.
#[derive(Debug, Clone, Copy)]
pub struct CutRule {
    /// L1 penalty on a side's gradient.
    pub alpha: f64,
    /// L2 penalty on a side's hessian.
    pub lambda: f64,
    /// Least hessian of a side.
    pub hessian_min: f64,
}

/// A cut of an ordered column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestCut {
    /// Sum of both sides' scores.
    pub gain: f64,
    /// Bins `1 ..= bin` go left.
    pub bin: usize,
    /// Whether bin 0, the missing values, goes left too.
    pub missing_left: bool,
}

/// Room for the intermediate numbers of [`best_cut`].
#[derive(Debug, Default)]
pub struct CutScratch<S> {
    sums: Vec<S>,
    gains: Vec<f64>,
}

/// The best cut of a column whose bin 0 holds missing values; the lowest bin wins a tie, missing values right before left.
///
/// `None` if no cut keeps the rule.
pub fn best_cut<S: Slot>(slots: &[S], rule: &CutRule, scratch: &mut CutScratch<S>) -> Option<BestCut> {
    let values = slots.len() - 1;
    let is_missing = slots[0] != S::default();
    // Without missing values the last bin cannot be a cut: nothing would go right.
    let cuts = if is_missing {
        values
    } else {
        values.saturating_sub(1)
    };
    if cuts == 0 {
        return None;
    }
    scratch.sums.resize(values, S::default());
    scratch.gains.resize(values, 0.0);
    let mut sum = S::default();
    for (place, &slot) in scratch.sums.iter_mut().zip(&slots[1..]) {
        sum = sum.plus(slot);
        *place = sum;
    }
    let total = sum.plus(slots[0]).numbers();
    let mut best: Option<BestCut> = None;
    for missing_left in [false, true] {
        if missing_left && !is_missing {
            break;
        }
        let sides = Sides {
            shift: if missing_left {
                slots[0].numbers()
            } else {
                (0.0, 0.0)
            },
            total,
            rule,
        };
        let (at, gain) = scan(&scratch.sums[..cuts], &sides, &mut scratch.gains[..cuts]);
        if gain > best.map_or(f64::NEG_INFINITY, |best| best.gain) {
            best = Some(BestCut {
                gain,
                bin: at + 1,
                missing_left,
            });
        }
    }
    best
}

/// What turns prefix sums into the sums of two sides.
struct Sides<'a> {
    /// Added to the left side.
    shift: (f64, f64),
    total: (f64, f64),
    rule: &'a CutRule,
}

/// The first cut of highest gain, and that gain; minus infinity if every cut breaks the rule.
fn scan<S: Slot>(sums: &[S], sides: &Sides<'_>, gains: &mut [f64]) -> (usize, f64) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has AVX-512F, DQ and VL, checked on the lines above.
            return unsafe { scan_avx512(sums, sides, gains) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            return unsafe { scan_avx2(sums, sides, gains) };
        }
    }
    scan_plain(sums, sides, gains)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn scan_avx512<S: Slot>(sums: &[S], sides: &Sides<'_>, gains: &mut [f64]) -> (usize, f64) {
    scan_plain(sums, sides, gains)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scan_avx2<S: Slot>(sums: &[S], sides: &Sides<'_>, gains: &mut [f64]) -> (usize, f64) {
    scan_plain(sums, sides, gains)
}

#[inline(always)]
fn scan_plain<S: Slot>(sums: &[S], sides: &Sides<'_>, gains: &mut [f64]) -> (usize, f64) {
    let CutRule {
        alpha,
        lambda,
        hessian_min,
    } = *sides.rule;
    for (gain, sum) in gains.iter_mut().zip(sums) {
        let (gradient, hessian) = sum.numbers();
        let (left, left_weight) = (gradient + sides.shift.0, hessian + sides.shift.1);
        let (right, right_weight) = (sides.total.0 - left, sides.total.1 - left_weight);
        let left_force = (left.abs() - alpha).max(0.0);
        let right_force = (right.abs() - alpha).max(0.0);
        let (left_mass, right_mass) = (left_weight + lambda, right_weight + lambda);
        // One division for both sides.
        let raised = left_force * left_force * right_mass + right_force * right_force * left_mass;
        let keeps = (left_weight >= hessian_min) & (right_weight >= hessian_min);
        let score = raised / (left_mass * right_mass);
        *gain = if keeps { score } else { f64::NEG_INFINITY };
    }
    let highest = highest(gains);
    (first_equal(gains, highest), highest)
}

/// The highest of many numbers, none of which is NaN, in eight lanes.
#[inline(always)]
fn highest(values: &[f64]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for i in 0..8 {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    rest.iter()
        .chain(&lanes)
        .copied()
        .fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// The first place of a number that is among the values, eight at a time.
#[inline(always)]
fn first_equal(values: &[f64], wanted: f64) -> usize {
    let (chunks, _) = values.as_chunks::<8>();
    let holds = |chunk: &[f64; 8]| chunk.iter().fold(false, |any, value| any | (*value == wanted));
    let from = chunks.iter().position(holds).unwrap_or(chunks.len()) * 8;
    let within = values[from..].iter().position(|value| *value == wanted);
    from + within.expect("the number is among the values")
}

#[cfg(test)]
mod tests {
    use super::super::histogram::{Packed, Sample};
    use super::*;

    fn slots(values: &[(i16, u16)]) -> Vec<Packed> {
        values
            .iter()
            .map(|&(gradient, hessian)| Packed::of(Sample::new(0, gradient, hessian), &[]))
            .collect()
    }

    /// Every cut, scored as the formula reads.
    fn reference(slots: &[Packed], rule: &CutRule) -> Option<BestCut> {
        let side = |bins: &[usize]| {
            let sum = |of: fn(Packed) -> i64| bins.iter().map(|&bin| of(slots[bin])).sum::<i64>() as f64;
            (sum(Slot::gradient), sum(Slot::hessian))
        };
        let score = |(g, h): (f64, f64)| (g.abs() - rule.alpha).max(0.0).powi(2) / (h + rule.lambda);
        let mut best: Option<BestCut> = None;
        for missing_left in [false, true] {
            for bin in 1..slots.len() {
                let is_left = |at: &usize| if *at == 0 { missing_left } else { *at <= bin };
                let (left, right): (Vec<_>, Vec<_>) = (0..slots.len()).partition(is_left);
                let (left, right) = (side(&left), side(&right));
                let gain = score(left) + score(right);
                let keeps = left.1 >= rule.hessian_min && right.1 >= rule.hessian_min;
                if keeps && best.is_none_or(|best| gain > best.gain * (1.0 + 1e-12)) {
                    best = Some(BestCut {
                        gain,
                        bin,
                        missing_left,
                    });
                }
            }
        }
        best
    }

    #[test]
    fn the_best_cut_is_that_of_the_formula() {
        let rules = [(0.0, 0.0, 1.0), (5.0, 2.5, 3.0), (0.0, 1.0, 200.0)];
        for (alpha, lambda, hessian_min) in rules {
            let rule = CutRule {
                alpha,
                lambda,
                hessian_min,
            };
            for seed in 0..60_u32 {
                let bins = 2 + seed as usize % 40;
                let noise = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) >> 7) as u16;
                let mut values: Vec<(i16, u16)> = (0..bins as u32)
                    .map(|i| ((noise(i) % 199) as i16 - 99, noise(i + 1000) % 9 + 1))
                    .collect();
                if seed % 2 == 0 {
                    values[0] = (0, 0);
                }
                let slots = slots(&values);
                let found = best_cut(&slots, &rule, &mut CutScratch::default());
                let expected = reference(&slots, &rule);
                assert_eq!(found.is_some(), expected.is_some());
                if let (Some(found), Some(expected)) = (found, expected) {
                    assert!((found.gain - expected.gain).abs() <= 1e-9 * expected.gain.max(1.0));
                }
            }
        }
    }

    #[test]
    fn the_dispatched_form_is_bit_equal_to_its_scalar_twin() {
        let rule = CutRule {
            alpha: 0.5,
            lambda: 1.0,
            hessian_min: 2.0,
        };
        for cuts in [1_i16, 7, 8, 9, 63, 254] {
            let sums: Vec<(i16, u16)> = (0..cuts).map(|i| (i * 37 % 101 - 50, i as u16 + 1)).collect();
            let sums = slots(&sums);
            let sides = Sides {
                shift: (3.0, 1.0),
                total: (20.0, f64::from(cuts) + 4.0),
                rule: &rule,
            };
            let (mut fast, mut plain) = (vec![0.0; cuts as usize], vec![0.0; cuts as usize]);
            let first = scan(&sums, &sides, &mut fast);
            let second = scan_plain(&sums, &sides, &mut plain);
            assert_eq!((first.0, first.1.to_bits()), (second.0, second.1.to_bits()));
            assert!(fast.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn a_column_of_one_bin_has_no_cut_and_missing_values_alone_are_cut_off() {
        let rule = CutRule {
            alpha: 0.0,
            lambda: 0.0,
            hessian_min: 1.0,
        };
        let cut = |values: &[(i16, u16)]| best_cut(&slots(values), &rule, &mut CutScratch::default());
        assert_eq!(cut(&[(0, 0), (5, 3)]), None);
        let found = cut(&[(-4, 2), (5, 3)]).expect("missing against present");
        assert_eq!((found.bin, found.missing_left), (1, false));
        assert_eq!(cut(&[(3, 2)]), None);
    }
}
