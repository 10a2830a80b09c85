//! Low-discrepancy points: Sobol sequences with direction numbers and shift drawn from the seed.
//!
//! The polynomials are found, not tabled: a polynomial over two elements is primitive when its shift register runs
//! through all states. The first direction numbers of a dimension are random odd numbers, the rest follow by the
//! recurrence; a digital shift makes every seed's points its own (Sobol 1967, Bratley & Fox 1988).

use kolosal_base::{Rng, Seed};

const BITS: usize = 32;
/// Beyond so many dimensions plain random numbers are as good.
const DIMENSIONS_MAX: usize = 48;

/// The sequence.
#[derive(Debug, Clone)]
pub(crate) struct Sobol {
    directions: Vec<[u32; BITS]>,
    state: Vec<u32>,
    index: u64,
    rest: Rng,
    dimensions: usize,
}

impl Sobol {
    pub(crate) fn new(dimensions: usize, seed: Seed) -> Self {
        let mut rng = seed.fork("sobol").rng();
        let modelled = dimensions.min(DIMENSIONS_MAX);
        let mut directions = Vec::with_capacity(modelled);
        let mut polynomials = primitive_polynomials();
        for j in 0..modelled {
            directions.push(match j {
                0 => std::array::from_fn(|k| 1 << (BITS - 1 - k)),
                _ => direction_numbers(polynomials.next().expect("there are enough of them"), &mut rng),
            });
        }
        let state = (0..modelled).map(|_| rng.next_u64() as u32).collect();
        Self {
            directions,
            state,
            index: 0,
            rest: rng,
            dimensions,
        }
    }

    pub(crate) fn next(&mut self) -> Vec<f64> {
        let mut point: Vec<f64> = self
            .state
            .iter()
            .map(|&bits| (f64::from(bits) + 0.5) / 2.0_f64.powi(32))
            .collect();
        let flip = (self.index.trailing_ones() as usize).min(BITS - 1);
        for (state, directions) in self.state.iter_mut().zip(&self.directions) {
            *state ^= directions[flip];
        }
        self.index += 1;
        for _ in point.len()..self.dimensions {
            point.push(self.rest.uniform());
        }
        point
    }
}

/// Polynomials as bits, the highest power first.
fn primitive_polynomials() -> impl Iterator<Item = u32> {
    (2..u32::MAX).filter(|&bits| bits & 1 == 1 && is_primitive(bits))
}

fn is_primitive(bits: u32) -> bool {
    let degree = 31 - bits.leading_zeros();
    let period = (1_u32 << degree) - 1;
    let mut state = 1_u32;
    for step in 1..=period {
        state <<= 1;
        if state >> degree & 1 == 1 {
            state ^= bits;
        }
        if state == 1 {
            return step == period;
        }
    }
    false
}

fn direction_numbers(polynomial: u32, rng: &mut Rng) -> [u32; BITS] {
    let degree = (31 - polynomial.leading_zeros()) as usize;
    let mut v = [0_u32; BITS];
    for k in 0..degree.min(BITS) {
        let odd = 2 * rng.below(1 << k) as u32 + 1;
        v[k] = odd << (BITS - 1 - k);
    }
    for k in degree..BITS {
        v[k] = v[k - degree] ^ (v[k - degree] >> degree);
        for i in 1..degree {
            if polynomial >> (degree - i) & 1 == 1 {
                v[k] ^= v[k - i];
            }
        }
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_has_one_point_in_each_of_the_equal_intervals() {
        let mut sobol = Sobol::new(60, Seed::new(3));
        let points: Vec<Vec<f64>> = (0..64).map(|_| sobol.next()).collect();
        for j in 0..DIMENSIONS_MAX {
            let mut cells: Vec<usize> = points.iter().map(|p| (p[j] * 64.0) as usize).collect();
            cells.sort_unstable();
            assert_eq!(cells, (0..64).collect::<Vec<_>>(), "dimension {j}");
        }
    }

    #[test]
    fn the_first_polynomials_are_those_of_the_books() {
        let first: Vec<u32> = primitive_polynomials().take(6).collect();
        assert_eq!(first, [0b11, 0b111, 0b1011, 0b1101, 0b10011, 0b11001]);
    }
}
