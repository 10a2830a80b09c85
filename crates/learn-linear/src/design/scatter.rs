//! Sums by category code.
//!
//! Rows of the same category follow each other often, and each addition to a place waits for the one before. Four
//! places a category, taken in turn, let the processor go on; they are added up in a fixed order at the end.

/// Places of one category.
const LANES: usize = 4;
/// More places than this would leave the first-level cache, and then rows seldom meet in one.
const PLACES_MAX: usize = 768;

/// The sum of `values` over the rows of each code; `codes` are below `count`.
pub(super) fn sums_by_code(codes: &[u32], values: &[f64], count: usize) -> Vec<f64> {
    let places = codes.iter().map(|&code| code as usize);
    sums_by_place(places, values, count)
}

/// The sum of `values` over the rows of each pair of codes: pair `(a, b)` at `a * stride + b`, in all `count` places.
pub(super) fn sums_by_pair(
    left: &[u32],
    right: &[u32],
    values: &[f64],
    (stride, count): (usize, usize),
) -> Vec<f64> {
    let places = left
        .iter()
        .zip(right)
        .map(|(&a, &b)| a as usize * stride + b as usize);
    sums_by_place(places, values, count)
}

#[inline(always)]
fn sums_by_place(places: impl Iterator<Item = usize>, values: &[f64], count: usize) -> Vec<f64> {
    if count > PLACES_MAX {
        let mut sums = vec![0.0; count];
        places.zip(values).for_each(|(place, value)| sums[place] += value);
        return sums;
    }
    let mut sums = vec![[0.0; LANES]; count];
    for (row, (place, value)) in places.zip(values).enumerate() {
        sums[place][row % LANES] += value;
    }
    sums.iter().map(|s| (s[0] + s[2]) + (s[1] + s[3])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_plain_addition() {
        for levels in [3_u32, 40] {
            let codes: Vec<u32> = (0..1_001).map(|i| i * i % levels).collect();
            let other: Vec<u32> = (0..1_001).map(|i| i * 7 % levels).collect();
            let values: Vec<f64> = (0..1_001).map(f64::from).collect();
            let side = levels as usize;
            let sums = sums_by_pair(&codes, &other, &values, (side, side * side));
            let (mut plain, mut by_code) = (vec![0.0; side * side], vec![0.0; side]);
            for i in 0..1_001 {
                plain[codes[i] as usize * side + other[i] as usize] += values[i];
                by_code[codes[i] as usize] += values[i];
            }
            assert_eq!(sums, plain);
            assert_eq!(sums_by_code(&codes, &values, side), by_code);
        }
    }
}
