//! Loops compiled for the widest vectors that the processor has.

/// A loop that is worth compiling for several sets of instructions: plain code that the compiler vectorises.
///
/// Mark `run` and what it calls `#[inline(always)]`: only what is inlined is compiled for the wider vectors. Results are the
/// same bits on every processor, since no operation is joined with another that does not ask for it.
pub trait Loop {
    /// What the loop gives.
    type Output;

    /// Runs the loop.
    fn run(self) -> Self::Output;
}

/// Runs a loop with the widest vectors at hand.
#[inline]
pub fn widest<L: Loop>(work: L) -> L::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512bw")
        {
            // SAFETY: the processor has these sets of AVX-512, checked on the lines above.
            return unsafe { run_avx512(work) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            return unsafe { run_avx2(work) };
        }
    }
    work.run()
}

/// Runs a loop with the widest vectors at hand that can multiply and add in one step: for loops that ask for that by `mul_add`,
/// which is a slow call where there is no such instruction.
#[inline]
pub fn widest_fused<L: Loop>(work: L) -> L::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("fma")
        && !std::arch::is_x86_feature_detected!("avx512f")
    {
        // SAFETY: the processor has AVX2 and FMA, checked on the lines above.
        return unsafe { run_avx2_fused(work) };
    }
    // Sets of AVX-512 hold fused operations.
    widest(work)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn run_avx512<L: Loop>(work: L) -> L::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<L: Loop>(work: L) -> L::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2_fused<L: Loop>(work: L) -> L::Output {
    work.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Odds<'a>(&'a [f64], &'a mut [f32]);

    impl Loop for Odds<'_> {
        type Output = f64;

        #[inline(always)]
        fn run(self) -> f64 {
            let mut sum = 0.0;
            for (odds, place) in self.0.iter().zip(self.1) {
                let share = 1.0 / (1.0 + odds);
                *place = (share * (1.0 - share)) as f32;
                sum += share;
            }
            sum
        }
    }

    #[test]
    fn wide_and_plain_loops_give_the_same_bits() {
        let odds: Vec<f64> = (0..1003).map(|i| (f64::from(i) * 0.37).exp() % 29.0).collect();
        let (mut fast, mut plain) = (vec![0.0; odds.len()], vec![0.0; odds.len()]);
        let sums = (widest(Odds(&odds, &mut fast)), Odds(&odds, &mut plain).run());
        assert_eq!(sums.0.to_bits(), sums.1.to_bits());
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&fast), bits(&plain));
    }
}
