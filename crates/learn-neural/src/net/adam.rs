//! Adam with decoupled weight decay (Kingma, Ba 2015; Loshchilov, Hutter 2019).

use kolosal_compute::kernels::{Loop, widest_fused};

/// Share of the old mean that a step keeps.
const KEEP_FIRST: f32 = 0.9;
/// Share of the old mean square that a step keeps.
const KEEP_SECOND: f32 = 0.95;
const EPSILON: f32 = 1e-8;

/// One step of the optimiser: rates of this moment and corrections for the zeros that the means started from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    rate: f32,
    decay: f32,
    first: f32,
    second: f32,
}

impl Step {
    /// The `count`-th step, counted from one.
    pub(crate) fn new(count: u64, rate: f64, decay: f64) -> Self {
        let power = |keep: f32| 1.0 - f64::from(keep).powf(count as f64);
        Self {
            rate: rate as f32,
            decay: (rate * decay) as f32,
            first: (1.0 / power(KEEP_FIRST)) as f32,
            second: (1.0 / power(KEEP_SECOND)) as f32,
        }
    }

    /// The same step with its rate and its decay multiplied.
    pub(crate) fn scaled(self, rate: f32, decay: f32) -> Self {
        Self {
            rate: self.rate * rate,
            decay: self.decay * rate * decay,
            ..self
        }
    }

    /// Moves `values` against `gain * gradient`.
    pub(crate) fn apply(self, values: &mut [f32], moments: [&mut [f32]; 2], gain: f32, gradient: &[f32]) {
        let [first, second] = moments;
        widest_fused(Move {
            step: self,
            gain,
            values,
            first,
            second,
            gradient,
        });
    }
}

struct Move<'a> {
    step: Step,
    gain: f32,
    values: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    gradient: &'a [f32],
}

impl Loop for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Step {
            rate,
            decay,
            first,
            second,
        } = self.step;
        let kept = 1.0 - decay;
        let moments = self.first.iter_mut().zip(self.second);
        for ((value, (mean, square)), gradient) in self.values.iter_mut().zip(moments).zip(self.gradient) {
            let gradient = self.gain * gradient;
            *mean = KEEP_FIRST.mul_add(*mean, (1.0 - KEEP_FIRST) * gradient);
            *square = KEEP_SECOND.mul_add(*square, (1.0 - KEEP_SECOND) * gradient * gradient);
            let size = (*square * second).sqrt() + EPSILON;
            *value = (-rate).mul_add(*mean * first / size, kept * *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_as_long_as_the_rate() {
        let (mut values, mut first, mut second) = ([1.0_f32, -2.0, 0.0], [0.0; 3], [0.0; 3]);
        for count in 1..=3 {
            let step = Step::new(count, 0.1, 0.5);
            step.apply(&mut values, [&mut first, &mut second], 2.0, &[10.0, -0.001, 0.0]);
        }
        // Each step decays by a twentieth, then moves a tenth against the sign of the gradient.
        let expected = |start: f32, sign: f32| (0..3).fold(start, |value, _| 0.95 * value - 0.1 * sign);
        assert!((values[0] - expected(1.0, 1.0)).abs() < 1e-5);
        assert!((values[1] - expected(-2.0, -1.0)).abs() < 1e-4);
        assert_eq!(values[2], 0.0);
    }
}
