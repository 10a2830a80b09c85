//! Graphs beside the exact search, at several numbers of threads, on odd tables, and read back.

use kolosal_base::{Cancel, Rng, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::Column;
use kolosal_learner::{Decoder, Encoder, FitContext, Silent};

use super::super::Neighbors;
use super::super::params::Metric;
use super::*;
use crate::testing::Table;

fn with_context<T>(threads: usize, work: impl FnOnce(&FitContext<'_>) -> T) -> T {
    let (workers, memory, clock, cancel) = (
        Workers::new(threads),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    work(&FitContext {
        seed: Seed::new(3),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    })
}

fn graph_of(points: &[f64], space: &Space, breadth: usize) -> Graph {
    let mut graph = with_context(1, |cx| Graph::of(points, space, cx)).unwrap();
    graph.breadth = breadth;
    graph
}

/// Columns of numbers, then of levels, of which some are missing.
struct Mix {
    numbers: usize,
    levels: usize,
    has_gaps: bool,
}

fn frame(rows: usize, mix: &Mix, rng: &mut Rng) -> Table {
    let number = |rng: &mut Rng| {
        let centre = rng.below(7) as f64;
        let is_missing = mix.has_gaps && rng.below(12) == 0;
        if is_missing {
            f64::NAN
        } else {
            centre + 0.4 * rng.normal()
        }
    };
    let mut columns: Vec<Column> = (0..mix.numbers)
        .map(|_| Column::numbers((0..rows).map(|_| number(rng)).collect()))
        .collect();
    for _ in 0..mix.levels {
        let words: Vec<&str> = (0..rows)
            .map(|_| match rng.below(5) {
                0 if mix.has_gaps => "",
                1 | 2 => "a",
                3 => "b",
                _ => "c",
            })
            .collect();
        columns.push(Column::categories(&words));
    }
    Table::regression(columns, &vec![0.0; rows])
}

#[test]
fn graphs_find_nearly_all_true_neighbours_at_any_distance() {
    let plain = Mix {
        numbers: 16,
        levels: 0,
        has_gaps: false,
    };
    let mixed = Mix {
        numbers: 5,
        levels: 6,
        has_gaps: false,
    };
    let gappy = Mix {
        numbers: 8,
        levels: 2,
        has_gaps: true,
    };
    for (mix, metric) in [
        (&plain, Metric::Euclidean),
        (&plain, Metric::Manhattan),
        (&plain, Metric::Gower),
        (&mixed, Metric::Euclidean),
        (&mixed, Metric::Gower),
        (&gappy, Metric::Gower),
        (&gappy, Metric::Euclidean),
    ] {
        let table = frame(4000, mix, &mut Seed::new(11).rng());
        let space = Space::of(table.frame.view(), metric);
        let points = space.embed(table.frame.view());
        let graph = graph_of(&points, &space, 128);
        let judge = with_context(2, |cx| Judge::of(&points, &space, (200, 10), cx)).unwrap();
        let recall = judge.recall(&graph);
        assert!(recall >= 0.97, "{metric:?} with {} levels: {recall}", mix.levels);
    }
}

#[test]
fn a_view_of_all_points_finds_what_the_exact_search_finds() {
    for seed in 0..12 {
        let mut rng = Seed::new(seed).rng();
        let (rows, width) = (20 + rng.below(380), 1 + rng.below(20));
        // Few numbers, so that rows repeat and distances tie.
        let points: Vec<f64> = (0..rows * width).map(|_| rng.below(4) as f64).collect();
        let space = Space::plain(width);
        let graph = graph_of(&points, &space, rows);
        let exact = Index::blocks(&points, width, rows);
        let (mut found, mut expected) = (vec![Nearest::new(7); 20], vec![Nearest::new(7); 20]);
        let queries: Vec<f64> = (0..20 * width).map(|_| rng.uniform() * 4.0).collect();
        graph.search(&space, &queries, &mut found);
        exact.search(&space, &queries, &mut expected);
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(
                found.found(),
                expected.found(),
                "{rows} rows of {width}, seed {seed}"
            );
        }
    }
}

#[test]
fn threads_never_change_the_graph() {
    let mut rng = Seed::new(8).rng();
    let points: Vec<f64> = (0..2500 * 14).map(|_| rng.normal()).collect();
    let space = Space::plain(14);
    let of = |threads| with_context(threads, |cx| Graph::of(&points, &space, cx)).unwrap();
    let one = of(1);
    assert_eq!(one, of(2));
    assert_eq!(one, of(8));
}

#[test]
fn many_rows_that_are_all_the_same_are_all_found() {
    let mut points = vec![0.5; 900 * 3];
    points.extend([0.0, -0.0, 9.0, -0.0, 0.0, 9.0]);
    let space = Space::plain(3);
    let graph = graph_of(&points, &space, 8);
    assert_eq!(graph.point_count(), 2);
    let mut lists = [Nearest::new(600), Nearest::new(2)];
    graph.search(&space, &[0.5, 0.5, 0.5, 0.0, 0.0, 9.0], &mut lists);
    let rows: Vec<u32> = lists[0].found().iter().map(|near| near.1).collect();
    assert_eq!(rows, (0..600).collect::<Vec<_>>(), "ties go to the earlier row");
    assert_eq!(lists[1].found(), [(0.0, 900), (0.0, 901)]);
}

#[test]
fn a_row_without_any_value_is_answered() {
    let gappy = Mix {
        numbers: 3,
        levels: 1,
        has_gaps: true,
    };
    let mut table = frame(300, &gappy, &mut Seed::new(2).rng());
    table.numbers = (0..300).map(f64::from).collect();
    let model = table.fit(&Neighbors, &[("algorithm", "hnsw")]);
    let nothing = Table::regression((0..4).map(|_| Column::numbers(vec![f64::NAN])).collect(), &[0.0]);
    let answer = nothing.answers(&*model)[0];
    assert!((0.0..300.0).contains(&answer), "{answer}");
}

#[test]
fn a_graph_is_read_back_and_damage_is_refused() {
    let mut rng = Seed::new(21).rng();
    let points: Vec<f64> = (0..400 * 5).map(|_| rng.normal()).collect();
    let space = Space::plain(5);
    let graph = graph_of(&points, &space, 64);
    let bytes = |graph: &Graph| {
        let mut to = Encoder::new();
        graph.save(&mut to);
        to.into_bytes()
    };
    let read = |bytes: &[u8]| Graph::load(&mut Decoder::new(bytes), &space);
    assert_eq!(read(&bytes(&graph)).unwrap(), graph);
    let damage: [fn(&mut Graph); 6] = [
        |graph| graph.links[0][7] = 400,
        |graph| graph.links[1][0] = 399,
        |graph| graph.starts[0][3] = u32::MAX,
        |graph| graph.rows[5] = graph.rows[6],
        |graph| graph.points[9] = f64::NAN,
        |graph| graph.breadth = 0,
    ];
    for (at, damage) in damage.iter().enumerate() {
        let mut damaged = graph.clone();
        damage(&mut damaged);
        assert!(read(&bytes(&damaged)).is_err(), "damage {at} was not seen");
    }
    let whole = bytes(&graph);
    for cut in (0..whole.len()).step_by(97) {
        assert!(read(&whole[..cut]).is_err(), "cut at {cut}");
    }
}
