//! Functions of units, mixed with the identity by a learnt slope, and dropout behind them.
//!
//! A unit with score `x` answers `x + slope (f(x) - x)`.

use kolosal_compute::kernels::tiles::SIDE;
use kolosal_compute::kernels::{Loop, widest_fused};

use super::math::{exp, mix};

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// Scaled exponential linear (Klambauer et al. 2017).
    Selu,
    /// `x tanh(ln(1 + e^x))` (Misra 2019).
    Mish,
    /// The positive part.
    Relu,
}

/// Which answers of units are dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout {
    /// Drawn anew for each step and layer.
    pub(crate) seed: u32,
    /// Share of units that is dropped.
    pub(crate) share: f32,
}

impl Dropout {
    /// What an answer is multiplied by.
    #[inline(always)]
    fn factor(self, place: u32) -> f32 {
        // Twenty-four bits make a number in 0 to 1.
        let drawn = (mix(place ^ self.seed) >> 8) as f32 * (1.0 / 16_777_216.0);
        if drawn < self.share {
            0.0
        } else {
            1.0 / (1.0 - self.share)
        }
    }
}

/// The units of a panel: what their scores are made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Units<'a> {
    pub(crate) function: Function,
    /// What the products are multiplied by.
    pub(crate) gain: f32,
    pub(crate) bias: &'a [f32],
    pub(crate) slope: &'a [f32],
}

/// The arrays of a panel that a step back needs: the derivative of each answer by its score and by the slope.
#[derive(Debug)]
pub(crate) struct Traces<'a> {
    pub(crate) by_score: &'a mut [f32],
    pub(crate) by_slope: &'a mut [f32],
}

/// Replaces a panel of products by the answers of its units.
pub(crate) fn answer(units: Units<'_>, panel: &mut [f32]) {
    widest_fused(Answer { units, panel });
}

/// The same, with traces and dropout; `place` is a number of its own for the panel's first unit and row.
pub(crate) fn answer_traced(
    units: Units<'_>,
    panel: &mut [f32],
    traces: Traces<'_>,
    (dropout, place): (Option<Dropout>, u32),
) {
    match dropout {
        Some(dropout) => widest_fused(AnswerTraced {
            units,
            panel,
            traces,
            factor: |at: u32| dropout.factor(place.wrapping_add(at)),
        }),
        None => widest_fused(AnswerTraced {
            units,
            panel,
            traces,
            factor: |_| 1.0,
        }),
    }
}

struct Answer<'a> {
    units: Units<'a>,
    panel: &'a mut [f32],
}

impl Loop for Answer<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match self.units.function {
            Function::Selu => self.with(selu),
            Function::Mish => self.with(mish),
            Function::Relu => self.with(relu),
        }
    }
}

impl Answer<'_> {
    #[inline(always)]
    fn with(self, function: impl Fn(f32) -> (f32, f32)) {
        let (bias, slope) = (lanes(self.units.bias), lanes(self.units.slope));
        let (lines, _) = self.panel.as_chunks_mut::<SIDE>();
        for line in lines {
            for j in 0..SIDE {
                let x = self.units.gain.mul_add(line[j], bias[j]);
                line[j] = slope[j].mul_add(function(x).0 - x, x);
            }
        }
    }
}

struct AnswerTraced<'a, F> {
    units: Units<'a>,
    panel: &'a mut [f32],
    traces: Traces<'a>,
    factor: F,
}

impl<F: Fn(u32) -> f32> Loop for AnswerTraced<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match self.units.function {
            Function::Selu => self.with(selu),
            Function::Mish => self.with(mish),
            Function::Relu => self.with(relu),
        }
    }
}

impl<F: Fn(u32) -> f32> AnswerTraced<'_, F> {
    #[inline(always)]
    fn with(self, function: impl Fn(f32) -> (f32, f32)) {
        let (bias, slope) = (lanes(self.units.bias), lanes(self.units.slope));
        let (lines, _) = self.panel.as_chunks_mut::<SIDE>();
        let (by_score, _) = self.traces.by_score.as_chunks_mut::<SIDE>();
        let (by_slope, _) = self.traces.by_slope.as_chunks_mut::<SIDE>();
        assert!(lines.len() == by_score.len() && lines.len() == by_slope.len());
        for (row, line) in lines.iter_mut().enumerate() {
            let (by_score, by_slope) = (&mut by_score[row], &mut by_slope[row]);
            for j in 0..SIDE {
                let x = self.units.gain.mul_add(line[j], bias[j]);
                let (f, derivative) = function(x);
                let factor = (self.factor)((row * SIDE + j) as u32);
                line[j] = factor * slope[j].mul_add(f - x, x);
                by_score[j] = factor * slope[j].mul_add(derivative - 1.0, 1.0);
                by_slope[j] = factor * (f - x);
            }
        }
    }
}

/// Turns the gradient of a panel of answers, `gain` times what stands there, into that of the scores, and adds up those of
/// slopes and biases.
pub(crate) fn descend(panel: &mut [f32], gain: f32, traces: [&[f32]; 2], [slope, bias]: [&mut [f32]; 2]) {
    let [by_score, by_slope] = traces;
    widest_fused(Descend {
        panel,
        gain,
        by_score,
        by_slope,
        slope,
        bias,
    });
}

struct Descend<'a> {
    panel: &'a mut [f32],
    gain: f32,
    by_score: &'a [f32],
    by_slope: &'a [f32],
    slope: &'a mut [f32],
    bias: &'a mut [f32],
}

impl Loop for Descend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (mut slope, mut bias) = (*lanes(self.slope), *lanes(self.bias));
        let (lines, _) = self.panel.as_chunks_mut::<SIDE>();
        let (by_score, _) = self.by_score.as_chunks::<SIDE>();
        let (by_slope, _) = self.by_slope.as_chunks::<SIDE>();
        for ((line, by_score), by_slope) in lines.iter_mut().zip(by_score).zip(by_slope) {
            for j in 0..SIDE {
                let gradient = self.gain * line[j];
                slope[j] = gradient.mul_add(by_slope[j], slope[j]);
                line[j] = gradient * by_score[j];
                bias[j] += line[j];
            }
        }
        self.slope.copy_from_slice(&slope);
        self.bias.copy_from_slice(&bias);
    }
}

#[inline(always)]
fn lanes(values: &[f32]) -> &[f32; SIDE] {
    values.first_chunk().expect("one number a unit of the panel")
}

const SELU_SCALE: f32 = 1.050_701;
const SELU_LIMIT: f32 = 1.758_099_3;

/// The function and its derivative.
#[inline(always)]
fn selu(x: f32) -> (f32, f32) {
    let e = SELU_LIMIT * exp(x.min(0.0));
    if x > 0.0 {
        (SELU_SCALE * x, SELU_SCALE)
    } else {
        (e - SELU_LIMIT, e)
    }
}

/// tanh(ln(1 + e)) is n / (n + 2) with n = e (e + 2), where e stands for e^x.
#[inline(always)]
fn mish(x: f32) -> (f32, f32) {
    // Past twenty the function is x to the last bit, and e^2x stays in range.
    let e = exp(x.min(20.0));
    let n = e * (e + 2.0);
    let tanh = n / (n + 2.0);
    let sigmoid = e / (1.0 + e);
    (x * tanh, (x * sigmoid).mul_add(tanh.mul_add(-tanh, 1.0), tanh))
}

#[inline(always)]
fn relu(x: f32) -> (f32, f32) {
    if x > 0.0 { (x, 1.0) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_their_values_and_derivatives() {
        for (function, at, value) in [
            (selu as fn(f32) -> (f32, f32), 2.0, 2.101_402),
            (selu, -1.0, -1.111_330_7),
            (mish, 1.0, 0.865_098_4),
            (mish, -2.0, -0.252_501_6),
            (mish, 40.0, 40.0),
            (relu, -3.0, 0.0),
        ] {
            assert!(
                (function(at).0 - value).abs() < 2e-6,
                "at {at}: {}",
                function(at).0
            );
            let slope = (function(at + 0.01).0 - function(at - 0.01).0) / 0.02;
            assert!(
                (function(at).1 - slope).abs() < 2e-3,
                "at {at}: {} {slope}",
                function(at).1
            );
        }
    }

    #[test]
    fn gradients_of_units_are_those_of_their_answers() {
        const BIAS: [f32; SIDE] = [0.2; SIDE];
        fn units(slope: &[f32]) -> Units<'_> {
            Units {
                function: Function::Mish,
                gain: 0.5,
                bias: &BIAS,
                slope,
            }
        }
        let slope = [0.7_f32; SIDE];
        let scores: Vec<f32> = (0..SIDE).map(|j| j as f32 * 0.2 - 3.0).collect();
        let answers = |scores: &[f32], slope: &[f32]| {
            let mut panel = scores.to_vec();
            answer(units(slope), &mut panel);
            panel
        };
        let (mut panel, mut by_score, mut by_slope) = (scores.clone(), [0.0; SIDE], [0.0; SIDE]);
        let traces = Traces {
            by_score: &mut by_score,
            by_slope: &mut by_slope,
        };
        answer_traced(units(&slope), &mut panel, traces, (None, 0));
        assert_eq!(panel, answers(&scores, &slope));
        let (mut gradient, mut of_slope, mut of_bias) = ([1.0; SIDE], [0.0; SIDE], [0.0; SIDE]);
        descend(
            &mut gradient,
            1.0,
            [&by_score, &by_slope],
            [&mut of_slope, &mut of_bias],
        );
        let moved: Vec<f32> = scores.iter().map(|x| x + 0.02).collect();
        let steeper = [0.71_f32; SIDE];
        for j in 0..SIDE {
            // A score is half the product, so a product moved by 0.02 moves it by 0.01.
            let by_bias = (answers(&moved, &slope)[j] - panel[j]) / 0.01;
            assert!((of_bias[j] - by_bias).abs() < 0.01, "{} {by_bias}", of_bias[j]);
            let by_slope = (answers(&scores, &steeper)[j] - panel[j]) / 0.01;
            assert!(
                (of_slope[j] - by_slope).abs() < 0.01,
                "{} {by_slope}",
                of_slope[j]
            );
        }
    }

    #[test]
    fn so_many_units_are_dropped_and_the_mean_stays() {
        let dropout = Dropout { seed: 7, share: 0.15 };
        let mean: f64 = (0..100_000).map(|i| f64::from(dropout.factor(i))).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }
}
