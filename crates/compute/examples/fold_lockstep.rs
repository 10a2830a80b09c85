//! Whether folds that are added up together beat folds that are added up one after the other.
//!
//! Eight folds share one matrix of codes, and each has its own samples, histograms and leaves. Together means that every fold
//! takes the same few thousand rows before the next rows are touched, so that codes come from a near cache but once; one after
//! the other leaves the caches to the histograms of one fold. `fold_lockstep [ROWS [COLUMNS [LEAVES]]]` prints one JSON object with
//! the medians of five: seconds of a level either way, and their ratio.

use std::error::Error;

use kolosal_base::{Clock, Seed, SystemClock};
use kolosal_compute::kernels::histogram::{CodeMatrix, NodeRows, Packed, Sample};

const FOLDS: usize = 8;
const REPEATS: usize = 5;
/// Rows that all folds take before the next ones are touched.
const BLOCK: u32 = 1 << 12;

/// What a fold adds up: the samples of each leaf, ascending, and the leaf's histogram.
struct Fold {
    leaves: Vec<(Vec<Sample>, Vec<Packed>)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<usize> = std::env::args()
        .skip(1)
        .map(|arg| arg.parse())
        .collect::<Result<_, _>>()?;
    let arg = |at: usize, default: usize| args.get(at).copied().unwrap_or(default);
    let (rows, columns, leaves) = (arg(0, 1_000_000), arg(1, 50), arg(2, 1));
    let mut rng = Seed::new(0).rng();
    let codes = (0..rows * columns).map(|_| rng.below(255) as u8).collect();
    let matrix = CodeMatrix::new(codes, &vec![255; columns]);
    let mut folds: Vec<Fold> = (0..FOLDS)
        .map(|fold| Fold {
            leaves: (0..leaves)
                .map(|leaf| {
                    let own = |row: &u32| {
                        let hash = row.wrapping_mul(0x9e37_79b1) >> 8;
                        *row as usize % FOLDS != fold && (hash as usize + fold) % leaves == leaf
                    };
                    let samples = (0..rows as u32).filter(own).map(|row| Sample::new(row, 3, 5));
                    (samples.collect(), vec![Packed::default(); 255 * columns])
                })
                .collect(),
        })
        .collect();
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        apart.push(seconds(|| add_apart(&matrix, &mut folds)));
        together.push(seconds(|| add_together(&matrix, &mut folds, rows as u32)));
    }
    let (apart, together) = (median(apart), median(together));
    let text = format!(
        "{{\"rows\": {rows}, \"columns\": {columns}, \"leaves\": {leaves}, \"apart_s\": {apart:.4}, \
         \"together_s\": {together:.4}, \"ratio\": {:.3}}}\n",
        together / apart
    );
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(())
}

fn add_apart(matrix: &CodeMatrix<u8>, folds: &mut [Fold]) {
    for (samples, slots) in folds.iter_mut().flat_map(|fold| &mut fold.leaves) {
        add(matrix, samples, slots);
    }
}

fn add_together(matrix: &CodeMatrix<u8>, folds: &mut [Fold], rows: u32) {
    let mut from: Vec<usize> = vec![0; folds.iter().map(|fold| fold.leaves.len()).sum()];
    for end in (0..rows)
        .step_by(BLOCK as usize)
        .map(|start| (start + BLOCK).min(rows))
    {
        let leaves = folds.iter_mut().flat_map(|fold| &mut fold.leaves);
        for ((samples, slots), from) in leaves.zip(&mut from) {
            let len = samples[*from..].partition_point(|sample| sample.at < end);
            add(matrix, &samples[*from..*from + len], slots);
            *from += len;
        }
    }
}

fn add(matrix: &CodeMatrix<u8>, samples: &[Sample], slots: &mut [Packed]) {
    let node = NodeRows {
        samples,
        wide: &[],
        rows: None,
    };
    matrix.add(&node, (0, matrix.width()), slots);
}

fn seconds(act: impl FnOnce()) -> f64 {
    let clock = SystemClock::start();
    act();
    clock.now().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
