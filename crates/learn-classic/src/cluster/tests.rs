//! Groups by hand, beside scikit-learn, and at the edge of what can be grouped.

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{FitContext, FitError, Silent};

use super::{
    Agreement, Cloud, Clustering, Dbscan, Hierarchical, KMeans, Linkage, NOISE, Quality, dbscan,
    hierarchical, kmeans,
};

fn with_context<T>(threads: usize, run: impl FnOnce(&FitContext<'_>) -> T) -> T {
    let (workers, memory, clock, cancel) = (
        Workers::new(threads),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    run(&FitContext {
        seed: Seed::new(1),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    })
}

/// Groups a cloud as a line of the reference file says; gives the sum of squares of k-means too.
fn grouped(words: &[&str], cloud: &Cloud) -> (Clustering, f64) {
    let value = |name: &str| {
        let pairs = words.iter().filter_map(|word| word.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next()
    };
    let k = value("k").map(|k| k.parse().unwrap());
    with_context(2, |cx| match words[1] {
        "kmeans" => {
            let settings = KMeans {
                k,
                starts: 100,
                tol: 0.0,
                ..KMeans::default()
            };
            let found = kmeans(cloud, &settings, cx).unwrap();
            (found.clustering, found.inertia)
        }
        "dbscan" => {
            let settings = Dbscan {
                eps: value("eps").map(|eps| eps.parse().unwrap()),
                min_samples: value("min_samples").unwrap().parse().unwrap(),
            };
            (dbscan(cloud, &settings, cx).unwrap().clustering, 0.0)
        }
        _ => {
            let linkage = match value("linkage").unwrap() {
                "ward" => Linkage::Ward,
                "complete" => Linkage::Complete,
                "average" => Linkage::Average,
                _ => Linkage::Single,
            };
            (
                hierarchical(cloud, &Hierarchical { k, linkage }, cx).unwrap(),
                0.0,
            )
        }
    })
}

/// One clustering of the reference file.
struct Reference<'a> {
    words: Vec<&'a str>,
    labels: Vec<u32>,
    measures: Vec<f64>,
}

fn labels(line: &str) -> Vec<u32> {
    let label = |word: &str| {
        word.parse::<i64>()
            .map(|l| if l < 0 { NOISE } else { l as u32 })
            .unwrap()
    };
    line.split(' ').skip(1).map(label).collect()
}

#[test]
fn groups_and_measures_are_scikit_learns() {
    let numbers = |line: &str| -> Vec<f64> {
        line.split(' ')
            .skip(1)
            .map(|word| word.parse().unwrap())
            .collect()
    };
    let (mut rows, mut references, mut checked) = (Vec::new(), Vec::<Reference<'_>>::new(), 0);
    let mut lines = include_str!("../golden/clusters.txt").lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "table" => rows.clear(),
            "row" => rows.push(numbers(line)),
            "cluster" => references.push(Reference {
                words,
                labels: labels(lines.next().unwrap()),
                measures: numbers(lines.next().unwrap()),
            }),
            "truth" => {
                let cloud = Cloud::from_points(rows.concat(), rows[0].len());
                for reference in references.drain(..) {
                    check_reference(&reference, &cloud, &labels(line));
                    checked += 1;
                }
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    assert_eq!(checked, 36);
}

fn check_reference(reference: &Reference<'_>, cloud: &Cloud, truth: &[u32]) {
    let words = &reference.words;
    let (found, inertia) = grouped(words, cloud);
    // Starts lead k-means to other minima; a lower one is no fault.
    if inertia < reference.measures[0] * (1.0 - 1e-9) {
        assert_eq!(words[1], "kmeans");
        return;
    }
    let agreement = Agreement::of(&found.labels, &reference.labels);
    assert_eq!(agreement.adjusted_rand, 1.0, "{words:?}: {:?}", found.labels);
    let m = &reference.measures;
    // scikit-learn's distances of points that coincide are not quite zero.
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
    assert!(near(inertia, m[0]), "{words:?}: {inertia} and not {}", m[0]);
    let quality = with_context(1, |cx| Quality::of(cloud, &found.labels, cx).unwrap());
    match quality {
        None => assert_eq!(m[1..4], [0.0; 3], "{words:?}"),
        Some(q) => {
            let found = [q.silhouette, q.calinski_harabasz, q.davies_bouldin];
            assert!(
                found.iter().zip(&m[1..4]).all(|(a, b)| near(*a, *b)),
                "{words:?}: {found:?} and not {m:?}"
            );
        }
    }
    let a = Agreement::of(truth, &found.labels);
    let found = [a.adjusted_rand, a.adjusted_mutual_information, a.v_measure];
    assert!(
        found.iter().zip(&m[4..]).all(|(a, b)| near(*a, *b)),
        "{words:?}: {found:?} and not {m:?}"
    );
}

/// Three heaps of points.
fn heaps(rows: usize) -> Cloud {
    let mut rng = Seed::new(4).rng();
    let numbers = (0..rows).flat_map(|row| {
        let (x, y) = [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)][row % 3];
        [x + 0.5 * rng.normal(), y + 0.5 * rng.normal()]
    });
    Cloud::from_points(numbers.collect(), 2)
}

#[test]
fn numbers_of_groups_are_found_with_a_reason_at_any_thread_count() {
    let cloud = heaps(900);
    let truth: Vec<u32> = (0..900).map(|row| row % 3).collect();
    let run = |threads| {
        with_context(threads, |cx| {
            [
                kmeans(&cloud, &KMeans::default(), cx).unwrap().clustering,
                hierarchical(&cloud, &Hierarchical::default(), cx).unwrap(),
                dbscan(&cloud, &Dbscan::default(), cx).unwrap().clustering,
            ]
        })
    };
    let found = run(1);
    assert_eq!(found, run(3));
    for clustering in &found[..2] {
        assert_eq!(clustering.labels, truth);
        let reason = clustering.reason.as_ref().unwrap();
        assert!(
            reason.starts_with("of 2 to 10 groups, 3 have the best silhouette"),
            "{reason}"
        );
    }
    assert_eq!(found[2].count, 3, "{:?}", found[2].reason);
    assert!(
        found[2]
            .labels
            .iter()
            .zip(&truth)
            .all(|(a, b)| *a == NOISE || a == b)
    );
    assert_eq!(
        found[2].sizes().iter().sum::<usize>() + found[2].labels.iter().filter(|l| **l == NOISE).count(),
        900
    );
}

#[test]
fn edges_are_answered_or_refused_by_name() {
    with_context(1, |cx| {
        let same = Cloud::from_points(vec![3.0; 12], 2);
        let asked = |k| KMeans {
            k,
            ..KMeans::default()
        };
        // All points equal: groups cannot be told apart, but each has a point.
        assert_eq!(kmeans(&same, &asked(Some(2)), cx).unwrap().inertia, 0.0);
        let none = Dbscan {
            eps: Some(0.0),
            min_samples: 3,
        };
        assert_eq!(dbscan(&same, &none, cx).unwrap().clustering.count, 1);
        let too_many = kmeans(&same, &asked(Some(7)), cx).unwrap_err().to_string();
        assert!(
            too_many.contains("kmeans cannot make 7 groups of 6 rows"),
            "{too_many}"
        );
        let odd = Dbscan {
            eps: Some(f64::NAN),
            min_samples: 3,
        };
        assert!(matches!(
            dbscan(&same, &odd, cx),
            Err(FitError::Unsupported { .. })
        ));
        let one = Cloud::from_points(vec![1.0], 1);
        assert_eq!(kmeans(&one, &asked(None), cx).unwrap().clustering.count, 1);
        assert_eq!(hierarchical(&one, &Hierarchical::default(), cx).unwrap().count, 1);
    });
}

#[test]
fn a_mixed_table_becomes_points_at_the_distances_that_are_meant() {
    let field = |name: &str, kind| Field::new(name, kind, "test");
    let frame = Frame::new(vec![
        (
            field("n", Kind::Numeric),
            Column::numbers(vec![0.0, 2.0, f64::NAN]),
        ),
        (
            field("c", Kind::Categorical),
            Column::categories(&["a", "b", "a"]),
        ),
        (field("one", Kind::Numeric), Column::numbers(vec![5.0; 3])),
        (field("t", Kind::Text), Column::text(&["x", "y", "z"])),
    ])
    .unwrap();
    let cloud = Cloud::of(frame.view());
    let squared = |a: usize, b: usize| {
        let pairs = cloud.point(a).iter().zip(cloud.point(b));
        pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f64>()
    };
    // Two deviations and another level; half as far to the mean and the same level.
    assert!((squared(0, 1) - 5.0).abs() < 1e-12 && (squared(0, 2) - 1.0).abs() < 1e-12);
    let names: Vec<&str> = cloud.left_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["one", "t"]);
}
