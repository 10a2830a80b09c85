//! Periodic embeddings of numbers (the "PBLD" form of Holzmüller et al. 2024, after Gorishniy et al. 2022).
//!
//! A number x becomes four: three weighted sums of sixteen cosines `cos(2 pi w x + b)` with a frequency and a phase of their
//! own, and x itself. All weights are learnt, each column having its own.

use kolosal_compute::kernels::tiles::SIDE;
use kolosal_compute::kernels::{Loop, widest_fused};

use super::math::cos_sin_of_turns;

/// Cosines a number.
pub(crate) const WAVES: usize = 16;
/// Sums of them.
const SUMS: usize = 3;
/// Numbers that one becomes.
pub(crate) const WIDTH: usize = SUMS + 1;
/// Weights a column: frequencies, phases, sums' weights, sums' biases.
pub(crate) const WEIGHTS: usize = 2 * WAVES + SUMS * WAVES + SUMS;

const PER_RADIAN: f32 = std::f32::consts::FRAC_1_PI / 2.0;

/// The weights of a column.
struct Column<'a> {
    frequencies: &'a [f32; WAVES],
    phases: &'a [f32; WAVES],
    weights: &'a [f32],
    biases: &'a [f32],
}

impl<'a> Column<'a> {
    #[inline(always)]
    fn of(weights: &'a [f32]) -> Self {
        let (frequencies, rest) = weights.split_at(WAVES);
        let (phases, rest) = rest.split_at(WAVES);
        let (weights, biases) = rest.split_at(SUMS * WAVES);
        Self {
            frequencies: frequencies.first_chunk().expect("sixteen frequencies"),
            phases: phases.first_chunk().expect("sixteen phases"),
            weights,
            biases,
        }
    }
}

/// Numbers of some rows, and where what they become stands: at `out[(row * SIDE + at) ..][.. WIDTH]`.
pub(crate) struct Spot<'a> {
    /// The weights of the column, [`WEIGHTS`] of them.
    pub(crate) weights: &'a [f32],
    /// One number a row, as many as a panel has rows; at most [`SIDE`].
    pub(crate) numbers: &'a [f32],
    /// First column of the panel.
    pub(crate) at: usize,
}

/// Writes what the numbers become.
pub(crate) fn embed(spot: &Spot<'_>, panel: &mut [f32]) {
    widest_fused(Embed { spot, panel });
}

/// Adds to `sums` the gradients of the weights, from those of what the numbers have become.
pub(crate) fn embed_back(spot: &Spot<'_>, panel: &[f32], sums: &mut [f32]) {
    widest_fused(EmbedBack { spot, panel, sums });
}

struct Embed<'a> {
    spot: &'a Spot<'a>,
    panel: &'a mut [f32],
}

impl Loop for Embed<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let column = Column::of(self.spot.weights);
        let rows = self.spot.numbers.len();
        let mut x = [0.0_f32; SIDE];
        x[..rows].copy_from_slice(self.spot.numbers);
        let mut sums: [[f32; SIDE]; SUMS] = std::array::from_fn(|j| [column.biases[j]; SIDE]);
        for wave in 0..WAVES {
            let (frequency, phase) = (column.frequencies[wave], column.phases[wave] * PER_RADIAN);
            let weights: [f32; SUMS] = std::array::from_fn(|j| column.weights[j * WAVES + wave]);
            for row in 0..SIDE {
                let (cosine, _) = cos_sin_of_turns(frequency.mul_add(x[row], phase));
                for j in 0..SUMS {
                    sums[j][row] = weights[j].mul_add(cosine, sums[j][row]);
                }
            }
        }
        let (lines, _) = self.panel.as_chunks_mut::<SIDE>();
        for (row, line) in lines.iter_mut().enumerate().take(rows) {
            let place: &mut [f32; WIDTH] = line[self.spot.at..].first_chunk_mut().expect("room for a number");
            *place = [sums[0][row], sums[1][row], sums[2][row], x[row]];
        }
    }
}

struct EmbedBack<'a> {
    spot: &'a Spot<'a>,
    panel: &'a [f32],
    sums: &'a mut [f32],
}

impl Loop for EmbedBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let column = Column::of(self.spot.weights);
        let weights: [[f32; WAVES]; SUMS] =
            std::array::from_fn(|j| std::array::from_fn(|wave| column.weights[j * WAVES + wave]));
        let (mut of_frequencies, mut of_phases) = ([0.0_f32; WAVES], [0.0_f32; WAVES]);
        let (mut of_weights, mut of_biases) = ([[0.0_f32; WAVES]; SUMS], [0.0_f32; SUMS]);
        let (lines, _) = self.panel.as_chunks::<SIDE>();
        for (&x, line) in self.spot.numbers.iter().zip(lines) {
            let gradient: &[f32; SUMS] = line[self.spot.at..].first_chunk().expect("room for a number");
            let angle_per_frequency = std::f32::consts::TAU * x;
            for wave in 0..WAVES {
                let turns = column.frequencies[wave].mul_add(x, column.phases[wave] * PER_RADIAN);
                let (cosine, sine) = cos_sin_of_turns(turns);
                let mut of_cosine = 0.0_f32;
                for j in 0..SUMS {
                    of_cosine = weights[j][wave].mul_add(gradient[j], of_cosine);
                    of_weights[j][wave] = cosine.mul_add(gradient[j], of_weights[j][wave]);
                }
                let of_angle = -sine * of_cosine;
                of_phases[wave] += of_angle;
                of_frequencies[wave] = of_angle.mul_add(angle_per_frequency, of_frequencies[wave]);
            }
            for j in 0..SUMS {
                of_biases[j] += gradient[j];
            }
        }
        let all = of_frequencies.iter().chain(&of_phases);
        let all = all.chain(of_weights.iter().flatten()).chain(&of_biases);
        self.sums.iter_mut().zip(all).for_each(|(sum, more)| *sum += more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_what_a_number_becomes() {
        let weights: Vec<f32> = (0..WEIGHTS).map(|i| (i as f32 * 0.7).sin() * 0.5).collect();
        let numbers = [0.3_f32, -1.2, 2.0];
        let embedded = |weights: &[f32]| {
            let mut panel = vec![0.0; 3 * SIDE];
            let spot = Spot {
                weights,
                numbers: &numbers,
                at: 8,
            };
            embed(&spot, &mut panel);
            panel
        };
        let before = embedded(&weights);
        assert_eq!(before[SIDE + 8 + SUMS], -1.2);
        // The loss is a weighted sum of all that the numbers have become.
        let gradient: Vec<f32> = (0..3 * SIDE).map(|i| (i as f32 * 0.31).cos()).collect();
        let loss = |panel: &[f32]| {
            let places = (0..3).flat_map(|row| (0..SUMS).map(move |j| row * SIDE + 8 + j));
            places.map(|at| f64::from(panel[at] * gradient[at])).sum::<f64>()
        };
        let mut found = vec![0.0; WEIGHTS];
        let spot = Spot {
            weights: &weights,
            numbers: &numbers,
            at: 8,
        };
        embed_back(&spot, &gradient, &mut found);
        for at in 0..WEIGHTS {
            let mut moved = weights.clone();
            moved[at] += 1e-2;
            let right = loss(&embedded(&moved));
            moved[at] -= 2e-2;
            let expected = (right - loss(&embedded(&moved))) / 2e-2;
            let off = (f64::from(found[at]) - expected).abs();
            assert!(
                off < 0.01 * (1.0 + expected.abs()),
                "weight {at}: {} {expected}",
                found[at]
            );
        }
    }
}
