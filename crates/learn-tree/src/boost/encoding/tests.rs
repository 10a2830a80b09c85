//! Encoders end to end: no answer leaks, prediction is the table of all rows, bytes are not trusted.

use kolosal_base::{Cancel, Rng, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind, MISSING};
use kolosal_learner::{FitContext, FitError, Silent, Target};

use super::*;
use crate::boost::objective::Labels;

/// Everything a fit context borrows.
struct World {
    workers: Workers,
    memory: Ledger,
    clock: SystemClock,
    cancel: Cancel,
}

impl World {
    fn new(threads: usize, bytes: u64) -> Self {
        Self {
            workers: Workers::new(threads),
            memory: Ledger::new(bytes),
            clock: SystemClock::start(),
            cancel: Cancel::new(),
        }
    }

    fn cx(&self) -> FitContext<'_> {
        FitContext {
            seed: Seed::new(5),
            workers: &self.workers,
            memory: &self.memory,
            clock: &self.clock,
            deadline: None,
            cancel: &self.cancel,
            progress: &Silent,
            valid: None,
        }
    }
}

/// Columns of so many levels; one value in ten is missing.
fn draw_frame(levels: &[usize], rows: usize, rng: &mut Rng) -> Frame {
    let columns = levels.iter().enumerate().map(|(at, &levels)| {
        let value = |rng: &mut Rng| match rng.below(10) {
            0 => String::new(),
            _ => format!("{:04}", rng.below(levels)),
        };
        let values: Vec<String> = (0..rows).map(|_| value(rng)).collect();
        let field = Field::new(format!("c{at}"), Kind::Categorical, "test");
        (field, Column::categories(&values))
    });
    Frame::new(columns.collect()).expect("distinct names")
}

fn all_columns(frame: &Frame) -> Vec<u32> {
    (0..frame.column_count() as u32).collect()
}

/// The raw values of a row as trees read them.
fn raw_row(codes: &[Vec<u32>], row: usize) -> Vec<f64> {
    let value = |codes: &Vec<u32>| match codes[row] {
        MISSING => f64::NAN,
        code => f64::from(code),
    };
    codes.iter().map(value).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f64], mean_x: f64, y: &[f64], mean_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum()
    };
    let (own_a, own_b) = (product(a, mean_a, a, mean_a), product(b, mean_b, b, mean_b));
    product(a, mean_a, b, mean_b) / (own_a * own_b).sqrt()
}

#[test]
fn ordered_means_hold_no_trace_of_a_rows_own_answer() {
    let mut rng = Seed::new(1).rng();
    let frame = draw_frame(&[900, 900], 3000, &mut rng);
    let codes: Vec<u32> = (0..3000).map(|_| rng.below(2) as u32).collect();
    let labels = Labels::new(
        Target::Classes {
            codes: &codes,
            count: 2,
        },
        None,
    )
    .expect("3000 rows");
    let world = World::new(2, u64::MAX);
    let encoder = Encoder::new(
        frame.view(),
        &[0, 1],
        &labels,
        EncoderOptions::default(),
        &world.cx(),
    );
    let encoder = encoder.expect("memory for it");
    let pair = Projection::single(0).with(1).expect("two columns");
    let answers: Vec<f64> = codes.iter().map(|&code| f64::from(code)).collect();
    let raw = [frame.view().codes(0), frame.view().codes(1)];
    for (projection, group_rows) in [(Projection::single(0), 3.0), (pair, 1.0)] {
        let encoded = encoder.encode(&projection).expect("memory for it");
        for permutation in 0..encoder.permutations() {
            let bins = encoded.statistics[0].bins(permutation);
            let bins: Vec<f64> = bins.iter().map(|&bin| f64::from(bin)).collect();
            // The standard deviation of a correlation of 3000 independent pairs is 0.018. Rows of one group repel each
            // other a little where all answers are drawn from one urn.
            assert!(correlation(&bins, &answers).abs() < 0.08, "{projection:?}");
        }
        let tables = encoder.finish(&[(projection, 0)]).expect("memory for it");
        let mut derived = [0.0];
        let finals: Vec<f64> = (0..3000)
            .map(|row| {
                tables.fill(&raw_row(&raw, row), &mut derived);
                derived[0]
            })
            .collect();
        assert!(
            correlation(&finals, &answers) > 0.6 / group_rows,
            "the same without order leaks"
        );
    }
}

#[test]
fn prediction_is_the_smoothed_mean_of_all_rows_of_a_combination() {
    let mut rng = Seed::new(2).rng();
    let frame = draw_frame(&[5, 4, 30], 400, &mut rng);
    let codes: Vec<u32> = (0..400).map(|_| rng.below(3) as u32).collect();
    let weights: Vec<f64> = (0..400).map(|_| rng.below(3) as f64).collect();
    let target = Target::Classes {
        codes: &codes,
        count: 3,
    };
    let labels = Labels::new(target, Some(&weights)).expect("400 rows");
    let world = World::new(1, u64::MAX);
    let options = EncoderOptions {
        smoothing: 2.0,
        ..EncoderOptions::default()
    };
    let encoder = Encoder::new(frame.view(), &all_columns(&frame), &labels, options, &world.cx());
    let encoder = encoder.expect("memory for it");
    assert_eq!(encoder.statistic_count(), 4);
    let triple = Projection::single(2)
        .with(0)
        .and_then(|pair| pair.with(1))
        .expect("three columns");
    let kept = [(triple.clone(), 3), (Projection::single(1), 1), (triple, 2)];
    let tables = encoder.finish(&kept).expect("memory for it");
    assert_eq!(
        (tables.count(), tables.sources(0), tables.sources(1)),
        (3, &[0, 1, 2][..], &[1][..])
    );

    let raw: Vec<Vec<u32>> = (0..3).map(|column| frame.view().codes(column)).collect();
    let total: f64 = weights.iter().sum();
    let mean = |class: u32, agrees: &dyn Fn(usize) -> bool| {
        let (mut sum, mut weight) = (0.0, 0.0);
        let prior = (0..400)
            .filter(|&row| codes[row] == class)
            .map(|row| weights[row])
            .sum::<f64>()
            / total;
        for row in (0..400).filter(|&row| agrees(row)) {
            weight += weights[row];
            sum += if codes[row] == class { weights[row] } else { 0.0 };
        }
        let smoothing = 2.0 * total / 400.0;
        ((sum + smoothing * prior) / (weight + smoothing), weight / total)
    };
    let mut derived = [0.0; 3];
    for row in 0..400 {
        tables.fill(&raw_row(&raw, row), &mut derived);
        let whole = |other: usize| (0..3).all(|column| raw[column][other] == raw[column][row]);
        let single = |other: usize| raw[1][other] == raw[1][row];
        let expected = [mean(0, &whole).1, mean(1, &single).0, mean(2, &whole).0];
        for (found, expected) in derived.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6);
        }
    }
    check_unseen(&tables, &raw, mean(2, &|_| false).0);
}

/// A combination that training never saw has the prior and no share; codes that are no level count as missing.
fn check_unseen(tables: &Encodings, raw: &[Vec<u32>], prior: f64) {
    let mut derived = [0.0; 3];
    let is_seen =
        |codes: [u32; 3]| (0..400).any(|row| (0..3).all(|column| raw[column][row] == codes[column]));
    let all = (0..5).flat_map(|a| (0..4).flat_map(move |b| (0..30).map(move |c| [a, b, c])));
    let mut unseen = all.filter(|&codes| !is_seen(codes));
    tables.fill(
        &unseen.next().expect("600 combinations, 400 rows").map(f64::from),
        &mut derived,
    );
    assert_eq!(derived[0], 0.0);
    assert!((derived[2] - prior).abs() < 1e-6);
    let mut missing = [0.0; 3];
    tables.fill(&[f64::NAN; 3], &mut missing);
    tables.fill(&[1e9, f64::INFINITY, -3.0], &mut derived);
    assert_eq!(derived, missing);
}

#[test]
fn bins_are_the_values_cut_at_the_borders_of_all_orders_and_prediction() {
    let mut rng = Seed::new(3).rng();
    let frame = draw_frame(&[40], 2000, &mut rng);
    let numbers: Vec<f64> = (0..2000).map(|_| rng.normal()).collect();
    let labels = Labels::new(Target::Numbers(&numbers), None).expect("2000 rows");
    let world = World::new(1, u64::MAX);
    let options = EncoderOptions {
        bins: 16,
        ..EncoderOptions::default()
    };
    let encoder = Encoder::new(frame.view(), &[0], &labels, options, &world.cx()).expect("memory for it");
    let encoded = encoder.encode(&Projection::single(0)).expect("memory for it");
    let [mean, share] = &encoded.statistics[..] else {
        panic!("a mean and a share")
    };
    assert_eq!(mean.borders.len(), 15);
    assert!(mean.borders.is_sorted() && share.borders.is_sorted());
    for permutation in 0..4 {
        let bins = mean.bins(permutation);
        assert!(bins.iter().all(|&bin| (1..=16).contains(&bin)));
    }
    assert_ne!(mean.bins(0), mean.bins(1));
    assert_eq!(share.bins(0), share.bins(3), "a share needs no order");
    let tables = encoder
        .finish(&[(Projection::single(0), 1)])
        .expect("memory for it");
    let raw = [frame.view().codes(0)];
    let mut derived = [0.0];
    for row in 0..2000 {
        tables.fill(&raw_row(&raw, row), &mut derived);
        let below = share
            .borders
            .iter()
            .filter(|&&border| border < derived[0])
            .count();
        assert_eq!(usize::from(share.bins(0)[row]), below + 1);
    }
}

#[test]
fn threads_and_the_cache_change_nothing() {
    let mut rng = Seed::new(4).rng();
    let frame = draw_frame(&[6, 9, 50, 2], 1500, &mut rng);
    let numbers: Vec<f64> = (0..1500).map(|_| rng.normal()).collect();
    let labels = Labels::new(Target::Numbers(&numbers), None).expect("1500 rows");
    let made = |threads: usize, cache_bytes: u64| {
        let world = World::new(threads, u64::MAX);
        let options = EncoderOptions {
            cache_bytes,
            one_hot_levels_max: 3,
            ..EncoderOptions::default()
        };
        let encoder = Encoder::new(frame.view(), &all_columns(&frame), &labels, options, &world.cx());
        let encoder = encoder.expect("memory for it");
        let mut projections = encoder.singles();
        assert_eq!(
            projections.len(),
            3,
            "two levels and missing ones are left to the trees"
        );
        projections.extend(encoder.candidates(&projections));
        assert_eq!(projections.len(), 3 + 6, "six pairs, each once");
        let encoded = encoder.encode_all(&projections).expect("memory for it");
        let again = encoder.encode_all(&projections).expect("memory for it");
        let is_cached = encoded
            .iter()
            .zip(&again)
            .all(|(a, b)| std::sync::Arc::ptr_eq(a, b));
        assert_eq!(is_cached, cache_bytes > 0);
        let bins: Vec<Vec<u8>> = again
            .iter()
            .flat_map(|encoded| encoded.statistics.iter().map(|own| own.bins(2).to_vec()))
            .collect();
        let tables = encoder.finish(&projections.iter().map(|one| (one.clone(), 0)).collect::<Vec<_>>());
        drop((encoded, again, encoder));
        assert_eq!(world.memory.used(), 0, "everything is given back");
        (bins, tables.expect("memory for it"))
    };
    let first = made(1, u64::MAX);
    assert_eq!(made(3, u64::MAX), first);
    assert_eq!(made(1, 0), first);
}

#[test]
fn what_memory_cannot_hold_is_refused_before_it_is_made() {
    let mut rng = Seed::new(5).rng();
    let frame = draw_frame(&[50], 5000, &mut rng);
    let numbers = vec![1.0; 5000];
    let labels = Labels::new(Target::Numbers(&numbers), None).expect("5000 rows");
    let tight = World::new(1, 50_000);
    let refused = Encoder::new(
        frame.view(),
        &[0],
        &labels,
        EncoderOptions::default(),
        &tight.cx(),
    );
    assert!(matches!(refused, Err(FitError::Memory(_))));
    let some = World::new(1, 120_000);
    let encoder = Encoder::new(frame.view(), &[0], &labels, EncoderOptions::default(), &some.cx());
    let encoder = encoder.expect("codes and orders fit");
    assert!(matches!(
        encoder.encode(&Projection::single(0)),
        Err(FitError::Memory(_))
    ));
}

#[test]
fn a_target_that_only_two_columns_together_tell_finds_the_pair() {
    let mut rng = Seed::new(6).rng();
    let frame = draw_frame(&[3, 12, 7, 40, 2], 4000, &mut rng);
    let (a, b) = (frame.view().codes(1), frame.view().codes(2));
    let odd = |row: usize| (a[row].min(12) + b[row].min(7)) % 2;
    let codes: Vec<u32> = (0..4000)
        .map(|row| if rng.below(5) == 0 { 1 - odd(row) } else { odd(row) })
        .collect();
    let labels = Labels::new(
        Target::Classes {
            codes: &codes,
            count: 2,
        },
        None,
    )
    .expect("4000 rows");
    let world = World::new(2, u64::MAX);
    let encoder = Encoder::new(
        frame.view(),
        &all_columns(&frame),
        &labels,
        EncoderOptions::default(),
        &world.cx(),
    );
    let encoder = encoder.expect("memory for it");
    let pairs = encoder.best_pairs(3).expect("memory for it");
    assert_eq!(pairs, [Projection::single(1).with(2).expect("two columns")]);
    let fixed = encoder.fixed(3).expect("memory for it");
    assert_eq!(fixed.encodings.count(), fixed.columns.len());
    assert!(
        fixed
            .columns
            .iter()
            .all(|column| !column.borders().is_empty() && column.bins(3).len() == 4000)
    );
    let answers: Vec<f64> = codes.iter().map(|&code| f64::from(code)).collect();
    let best = fixed.columns.iter().map(|column| {
        let bins: Vec<f64> = column.bins(0).iter().map(|&bin| f64::from(bin)).collect();
        correlation(&bins, &answers)
    });
    assert!(best.fold(0.0, f64::max) > 0.4);
}

#[test]
fn tables_survive_saving_and_damaged_bytes_are_refused() {
    let mut rng = Seed::new(7).rng();
    let frame = draw_frame(&[30, 300, 4], 900, &mut rng);
    let numbers: Vec<f64> = (0..900).map(|_| rng.normal()).collect();
    let labels = Labels::new(Target::Numbers(&numbers), None).expect("900 rows");
    let world = World::new(1, u64::MAX);
    let encoder = Encoder::new(
        frame.view(),
        &all_columns(&frame),
        &labels,
        EncoderOptions::default(),
        &world.cx(),
    );
    let tables = encoder
        .and_then(|encoder| Ok(encoder.fixed(2)?.encodings))
        .expect("memory for it");
    let mut to = ArtifactEncoder::new();
    tables.save(&mut to);
    let bytes = to.into_bytes();
    let read = |bytes: &[u8]| Encodings::load(&mut Decoder::new(bytes), 3);
    assert_eq!(read(&bytes), Ok(tables.clone()));
    assert!(tables.heap_bytes() > bytes.len() / 2);
    assert!(
        (0..bytes.len())
            .step_by(7)
            .all(|len| read(&bytes[..len]).is_err())
    );
    assert!(
        Encodings::load(&mut Decoder::new(&bytes), 1).is_err(),
        "columns that are not there"
    );
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        let at = rng.below(bytes.len().min(400));
        damaged[at] ^= 1 << rng.below(8);
        if let Ok(other) = read(&damaged) {
            let mut derived = vec![0.0; other.count()];
            other.fill(&[29.0, f64::NAN, 3.0], &mut derived);
            assert!(derived.iter().all(|value| value.is_finite()));
        }
    }
}
