//! Learners without a target beside scikit-learn, and what all of them owe: training rows get the answers of the fit, further
//! rows join, and odd tables are answered or refused by name.

use kolosal_frame::Column;
use kolosal_learner::{Decoder, Encoder, Learner, Task};

use crate::dbscan::Dbscan;
use crate::gaussian_mixture::GaussianMixture;
use crate::hdbscan::Hdbscan;
use crate::hierarchical::Hierarchical;
use crate::isolation::Isolation;
use crate::kmeans::Kmeans;
use crate::local_outlier::LocalOutlier;
use crate::testing::{Table, distance};

type Case<'a> = (&'a dyn Learner, &'a [(&'a str, &'a str)]);

const CLUSTERINGS: &[&dyn Learner] = &[&Kmeans, &Dbscan, &Hdbscan, &Hierarchical, &GaussianMixture];
const ALL: &[&dyn Learner] = &[
    &Kmeans,
    &Dbscan,
    &Hdbscan,
    &Hierarchical,
    &GaussianMixture,
    &Isolation,
    &LocalOutlier,
];

fn task_of(learner: &dyn Learner) -> Task {
    if CLUSTERINGS
        .iter()
        .any(|other| other.card().name == learner.card().name)
    {
        Task::Clustering
    } else {
        Task::Anomaly
    }
}

fn table(rows: &[Vec<f64>], task: Task) -> Table {
    let column = |j: usize| Column::numbers(rows.iter().map(|row| row[j]).collect());
    Table::unlabelled((0..rows[0].len()).map(column).collect(), task)
}

/// Groups of rows and their strengths, or scores and whether they are beyond the border.
fn halves(answers: &[f64]) -> (Vec<f64>, Vec<f64>) {
    answers
        .chunks_exact(2)
        .map(|answer| (answer[0], answer[1]))
        .unzip()
}

fn check_reference(words: &[&str], rows: &[Vec<f64>], expected: &[Vec<f64>]) {
    let learner = *ALL
        .iter()
        .find(|learner| learner.card().name == words[1])
        .unwrap();
    let mut settings: Vec<(&str, &str)> = words[2..]
        .iter()
        .filter_map(|word| word.split_once('='))
        .collect();
    if words[1] == "gaussian_mixture" {
        settings.extend([("tol", "1e-7"), ("max_iter", "1000"), ("n_init", "10")]);
    }
    if words[1] == "isolation" {
        settings.push(("n_estimators", "2000"));
    }
    let table = table(rows, task_of(learner));
    let model = table.fit(learner, &settings);
    let (first, second) = halves(&table.answers(model.as_ref()));
    match words[1] {
        "local_outlier" => {
            // Of neighbours equally far, the libraries take different ones; iris is measured in tenths and has many.
            let pairs = first.iter().zip(&expected[0]);
            let same = pairs.filter(|(a, b)| (*a - *b).abs() < 1e-9).count();
            let most = if rows.len() == 150 {
                rows.len() * 7 / 10
            } else {
                rows.len()
            };
            assert!(same >= most, "{words:?}: {same} of {}", rows.len());
            assert!(distance(&first, &expected[0]) < 0.05, "{words:?}");
        }
        // Both are means over random trees.
        "isolation" => assert!(distance(&first, &expected[0]) < 0.02, "{words:?}: {first:?}"),
        "hdbscan" => {
            let codes = |groups: &[f64]| {
                groups
                    .iter()
                    .map(|group| *group as i64 as u32)
                    .collect::<Vec<u32>>()
            };
            let agreement = crate::cluster::Agreement::of(&codes(&expected[0]), &codes(&first));
            // Reaches that equal a core distance tie; with its rows in another order scikit-learn's own groups agree to 0.92.
            assert!(agreement.adjusted_rand > 0.9, "{words:?}: {first:?}");
            if agreement.adjusted_rand == 1.0 {
                assert!(distance(&second, &expected[1]) < 1e-9, "{words:?}");
            }
        }
        _ => {
            let found = model.facts()[0].1;
            assert!(
                found >= expected[0][0] - 5e-3 * expected[0][0].abs(),
                "{words:?}: {found} and not {expected:?}"
            );
        }
    }
}

#[test]
fn answers_are_scikit_learns() {
    let numbers = |line: &str| -> Vec<f64> {
        line.split(' ')
            .skip(1)
            .map(|word| word.parse().unwrap())
            .collect()
    };
    let (mut rows, mut checked) = (Vec::new(), 0);
    let mut lines = include_str!("golden/unlabelled.txt").lines().peekable();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "table" => rows.clear(),
            "row" => rows.push(numbers(line)),
            "fit" => {
                let mut expected = Vec::new();
                while lines.peek().is_some_and(|line| line.starts_with("answers")) {
                    expected.push(numbers(lines.next().unwrap()));
                }
                check_reference(&words, &rows, &expected);
                checked += 1;
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    assert_eq!(checked, 28);
}

/// Three heaps of rows, and a few between them.
fn heaps(rows: usize) -> Vec<Vec<f64>> {
    let mut rng = kolosal_base::Seed::new(4).rng();
    let mut made = |row: usize| {
        let (x, y) = [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)][row % 3];
        vec![x + 0.5 * rng.normal(), y + 0.5 * rng.normal()]
    };
    (0..rows).map(&mut made).collect()
}

#[test]
fn three_heaps_are_found_and_further_rows_join_theirs() {
    let rows = heaps(300);
    for learner in CLUSTERINGS {
        let name = learner.card().name;
        let settings: &[(&str, &str)] = match name {
            "dbscan" => &[("eps", "0.25")],
            "hdbscan" => &[("min_cluster_size", "20")],
            _ => &[],
        };
        let table = table(&rows, Task::Clustering);
        let model = table.fit(*learner, settings);
        let (groups, strengths) = halves(&table.answers(model.as_ref()));
        let right = groups
            .iter()
            .enumerate()
            .filter(|(row, group)| **group == (row % 3) as f64)
            .count();
        assert!(right >= 285, "{name}: {right} of 300");
        assert!(
            strengths.iter().all(|share| (0.0..=1.0).contains(share)),
            "{name}"
        );
        let others = self::table(
            &[
                vec![0.1, 0.1],
                vec![10.1, 0.1],
                vec![-0.1, 9.9],
                vec![500.0, 500.0],
            ],
            Task::Clustering,
        );
        let (joined, _) = halves(&others.answers(model.as_ref()));
        assert_eq!(joined[..3], [0.0, 1.0, 2.0], "{name}");
        if name.ends_with("dbscan") {
            assert_eq!(joined[3], -1.0, "{name}: a row far from all is noise");
        }
    }
}

#[test]
fn batches_and_clumps_find_what_all_rows_give() {
    let rows = heaps(3000);
    let table = table(&rows, Task::Clustering);
    let cases: [Case<'_>; 2] = [
        (&Kmeans, &[("n_clusters", "3"), ("batch_size", "256")]),
        (&Hierarchical, &[("n_clusters", "3"), ("max_rows", "400")]),
    ];
    for (learner, settings) in cases {
        let model = table.fit(learner, settings);
        let (groups, _) = halves(&table.answers(model.as_ref()));
        let right = groups
            .iter()
            .enumerate()
            .filter(|(row, group)| **group == (row % 3) as f64)
            .count();
        assert_eq!(right, 3000, "{}", learner.card().name);
    }
}

/// Odd tables: all rows equal, one column, one row, two rows, 10,000 columns of 50 rows.
#[test]
fn odd_tables_are_answered() {
    let wide: Vec<Vec<f64>> = (0..50)
        .map(|row| {
            (0..10_000)
                .map(|j| ((row * 7919 + j * 31) as f64).sin())
                .collect()
        })
        .collect();
    let tables: [(&str, Vec<Vec<f64>>); 5] = [
        ("all rows equal", vec![vec![3.0, 4.0]; 30]),
        (
            "one column",
            (0..60).map(|row| vec![f64::from(row % 7)]).collect(),
        ),
        ("one row", vec![vec![1.0, 2.0]]),
        ("two rows", vec![vec![1.0, 2.0], vec![2.0, 1.0]]),
        ("more columns than rows", wide),
    ];
    for (what, rows) in &tables {
        for learner in ALL {
            let name = learner.card().name;
            let settings: &[(&str, &str)] = match name {
                // A full covariance of 10,000 columns has a hundred million numbers.
                "gaussian_mixture" if rows[0].len() > 100 => {
                    &[("covariance_type", "diag"), ("n_components", "2")]
                }
                _ => &[],
            };
            let table = table(rows, task_of(*learner));
            let model = table.fit(*learner, settings);
            let answers = table.answers(model.as_ref());
            assert!(
                answers.iter().all(|x| x.is_finite()),
                "{name} on {what}: {answers:?}"
            );
            let mut saved = Encoder::new();
            model.save(&mut saved);
            let bytes = saved.into_bytes();
            let again = learner.load(&mut Decoder::new(&bytes)).unwrap();
            assert_eq!(answers, table.answers(again.as_ref()), "{name} on {what}");
        }
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let rows = vec![vec![1.0], vec![2.0], vec![4.0]];
    let table = table(&rows, Task::Clustering);
    let refused = |learner: &dyn Learner, settings: &[(&str, &str)]| {
        table
            .try_fit(learner, settings)
            .err()
            .expect("it is refused")
            .to_string()
    };
    for learner in [&Kmeans as &dyn Learner, &Hierarchical] {
        let said = refused(learner, &[("n_clusters", "4")]);
        assert!(said.contains("make 4 groups of 3 rows"), "{said}");
    }
    let said = refused(&GaussianMixture, &[("n_components", "4")]);
    assert!(said.contains("4 bell curves for 3 rows"), "{said}");
    let said = refused(&Dbscan, &[("eps", "-0.5")]);
    assert!(said.contains("eps is -0.5"), "{said}");
    // At no distance only equal rows are near: none here, so all are noise.
    let model = table.fit(&Dbscan, &[("eps", "0"), ("min_samples", "2")]);
    assert_eq!(halves(&table.answers(model.as_ref())).0, [-1.0; 3]);
}
