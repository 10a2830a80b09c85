//! Weighted sums of columns, several sums at once: scores of many classes from a piece of rows.

/// Rows that stay in registers while all columns are added.
const ROWS: usize = 16;
/// Sums that are computed together.
const SUMS: usize = 4;

/// Adds `factors[s * columns.len() + c] * columns[c]` over all `c` to each sum `s`; sum `s` stands in `out` at
/// `s * length ..`. Each number is added up column after column with fused multiply-adds.
///
/// # Panics
/// If the columns differ in length or the lengths of `factors` and `out` do not fit.
pub fn add_combinations(columns: &[&[f64]], factors: &[f64], out: &mut [f64]) {
    if columns.is_empty() {
        return;
    }
    let length = columns[0].len();
    assert!(
        columns.iter().all(|column| column.len() == length),
        "columns have one length"
    );
    let sums = factors.len() / columns.len();
    assert!(
        factors.len() == sums * columns.len() && out.len() == sums * length,
        "one place a sum and row"
    );
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { combine_avx512(columns, factors, out) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { combine_avx2(columns, factors, out) };
            return;
        }
    }
    combine_plain(columns, factors, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn combine_avx512(columns: &[&[f64]], factors: &[f64], out: &mut [f64]) {
    combine_plain(columns, factors, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn combine_avx2(columns: &[&[f64]], factors: &[f64], out: &mut [f64]) {
    combine_plain(columns, factors, out);
}

#[inline(always)]
fn combine_plain(columns: &[&[f64]], factors: &[f64], out: &mut [f64]) {
    let (length, width) = (columns[0].len(), columns.len());
    if length == 0 {
        return;
    }
    for (lines, factors) in out.chunks_mut(SUMS * length).zip(factors.chunks(SUMS * width)) {
        if lines.len() == SUMS * length {
            several::<SUMS>(columns, factors, lines);
        } else {
            for (line, factors) in lines.chunks_mut(length).zip(factors.chunks(width)) {
                several::<1>(columns, factors, line);
            }
        }
    }
}

/// `S` sums over all rows.
#[inline(always)]
fn several<const S: usize>(columns: &[&[f64]], factors: &[f64], out: &mut [f64]) {
    let (length, width) = (columns[0].len(), columns.len());
    let whole = length - length % ROWS;
    for start in (0..whole).step_by(ROWS) {
        let mut sums: [[f64; ROWS]; S] =
            std::array::from_fn(|s| std::array::from_fn(|row| out[s * length + start + row]));
        for (c, column) in columns.iter().enumerate() {
            let values = &column[start..start + ROWS];
            for s in 0..S {
                let factor = factors[s * width + c];
                for row in 0..ROWS {
                    sums[s][row] = factor.mul_add(values[row], sums[s][row]);
                }
            }
        }
        for (s, sums) in sums.iter().enumerate() {
            out[s * length + start..s * length + start + ROWS].copy_from_slice(sums);
        }
    }
    for row in whole..length {
        for s in 0..S {
            let place = &mut out[s * length + row];
            for (c, column) in columns.iter().enumerate() {
                *place = factors[s * width + c].mul_add(column[row], *place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dispatched_form_is_bit_equal_to_its_scalar_twin() {
        for (width, sums, length) in [(0, 0, 4), (1, 1, 0), (3, 1, 7), (5, 6, 33), (20, 9, 512)] {
            let value = |i: usize| (i as f64 * 0.37).sin();
            let columns: Vec<Vec<f64>> = (0..width)
                .map(|c| (0..length).map(|row| value(row * 13 + c * 7)).collect())
                .collect();
            let columns: Vec<&[f64]> = columns.iter().map(|column| &column[..]).collect();
            let factors: Vec<f64> = (0..width * sums).map(|i| value(i * 3 + 1)).collect();
            let mut fast = vec![0.25; sums * length];
            add_combinations(&columns, &factors, &mut fast);
            for s in 0..sums {
                for row in 0..length {
                    let add = |sum: f64, c: usize| factors[s * width + c].mul_add(columns[c][row], sum);
                    let plain = (0..width).fold(0.25, add);
                    assert_eq!(fast[s * length + row].to_bits(), plain.to_bits());
                }
            }
        }
    }
}
