//! One machine a pair of classes, or one for a number, and the curves of their scores.

use kolosal_learner::{Checked, FitContext, FitError, PlattCurve, Task, TrainView};

use super::kernel::{Points, usual_gamma};
use super::model::{Machine, RbfSvmModel};
use super::params::{Above, Calibration, ClassWeight, RbfSvmParams};
use super::reduced::Reduced;
use super::smo::{Problem, Row, Solved, solve};
use crate::rows::counted;

pub(super) fn fit(
    params: &Checked<RbfSvmParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<RbfSvmModel, FitError> {
    cx.checkpoint()?;
    let mut positions = counted(train).positions;
    let is_reduced = positions.len() > params.max_rows as usize && params.above_max_rows == Above::Nystroem;
    if !is_reduced {
        positions = sample(positions, train, params.max_rows as usize, cx);
    }
    let all = train.features().rows();
    let rows: Vec<u32> = positions.iter().map(|&at| all.get(at) as u32).collect();
    let view = train.features().frame().select(&rows);
    let _memory = cx.reserve((rows.len() * (view.column_count() * 24 + 64)) as u64)?;
    let points = Points::of(view);
    let gamma = if params.gamma > 0.0 {
        params.gamma
    } else {
        usual_gamma(&points)
    };
    let (_more, reduced) = if is_reduced {
        let landmarks = params.n_components as usize;
        cx.progress.warn(&format!(
            "rbf_svm: {} rows are more than max_rows {}: their kernels are guessed from those with {landmarks} landmarks (Nyström)",
            rows.len(),
            params.max_rows
        ));
        let memory = cx.reserve((rows.len() * landmarks * 4 + landmarks * landmarks * 16) as u64)?;
        (Some(memory), Some(Reduced::of(&points, gamma, landmarks, cx)?))
    } else {
        (None, None)
    };
    let room = Room {
        params,
        points: &points,
        gamma,
        reduced,
    };
    match train.task() {
        Task::Regression => {
            let targets: Vec<f64> = positions.iter().map(|&at| train.numbers()[at]).collect();
            let weights: Vec<f64> = positions.iter().map(|&at| train.weight(at)).collect();
            fit_number(&room, &targets, &weights, cx)
        }
        task => {
            let classes: Vec<u32> = positions.iter().map(|&at| train.classes()[at]).collect();
            let by_class = class_weights(params, &classes, task.width());
            let weight = |(&at, &class): (&usize, &u32)| train.weight(at) * by_class[class as usize];
            let weights: Vec<f64> = positions.iter().zip(&classes).map(weight).collect();
            fit_classes(&room, (&classes, task.width()), &weights, cx)
        }
    }
}

/// What all machines of a fit share.
struct Room<'a> {
    params: &'a RbfSvmParams,
    points: &'a Points,
    gamma: f64,
    /// All rows as features, where they are too many.
    reduced: Option<Reduced>,
}

/// At most `most` of the rows, drawn from each class in its share.
fn sample(positions: Vec<usize>, train: &TrainView<'_>, most: usize, cx: &FitContext<'_>) -> Vec<usize> {
    let count = positions.len();
    if count <= most {
        return positions;
    }
    cx.progress.warn(&format!(
        "rbf_svm learns from {most} of {count} rows, drawn at random: its cost grows faster than the square of the rows; raise max_rows to use more"
    ));
    let mut order = positions;
    cx.seed.fork("sample").rng().shuffle(&mut order);
    if train.task() != Task::Regression {
        order.sort_by_key(|&at| train.classes()[at]);
    }
    let mut drawn: Vec<usize> = (0..most).map(|i| order[i * count / most]).collect();
    drawn.sort_unstable();
    drawn
}

fn class_weights(params: &RbfSvmParams, classes: &[u32], count: usize) -> Vec<f64> {
    if params.class_weight == ClassWeight::None {
        return vec![1.0; count];
    }
    let mut rows = vec![0.0; count];
    classes.iter().for_each(|&class| rows[class as usize] += 1.0);
    let present = rows.iter().filter(|rows| **rows > 0.0).count() as f64;
    let weight = |rows: &f64| {
        if *rows > 0.0 {
            classes.len() as f64 / (present * rows)
        } else {
            1.0
        }
    };
    rows.iter().map(weight).collect()
}

impl Room<'_> {
    /// Trains a machine on some of the rows; gives it with the rows that its multipliers belong to.
    fn solve(
        &self,
        picked: &[u32],
        rows: Vec<Row>,
        cx: &FitContext<'_>,
    ) -> Result<(Solved, Vec<u32>), FitError> {
        cx.checkpoint()?;
        if let Some(reduced) = &self.reduced {
            let solved = reduced.solve(picked, &rows, self.params.tol, cx)?;
            return Ok((solved, reduced.landmarks.clone()));
        }
        let all_bytes = picked.len().saturating_mul(picked.len()).saturating_mul(4);
        let cache_bytes = ((self.params.cache_mb as usize) << 20).min(all_bytes);
        let points_bytes = picked.len() * (self.points.width * 16 + 96);
        let _memory = cx.reserve((cache_bytes + points_bytes) as u64)?;
        let points = self.points.select(picked);
        let problem = Problem {
            points: &points,
            rows,
            gamma: self.gamma,
            tol: self.params.tol,
            cache_bytes,
        };
        let solved = solve(&problem, cx)?;
        if !solved.converged {
            cx.progress.warn(
                "rbf_svm stopped before its tolerance was reached: lower C, scale the columns, or raise tol",
            );
        }
        Ok((solved, picked.to_vec()))
    }
}

fn fit_number(
    room: &Room<'_>,
    targets: &[f64],
    weights: &[f64],
    cx: &FitContext<'_>,
) -> Result<RbfSvmModel, FitError> {
    let widest = targets.iter().fold(0.0_f64, |widest, y| widest.max(y.abs()));
    let total: f64 = weights.iter().sum();
    let share = |(y, weight): (&f64, &f64)| y / widest * (weight / total);
    // In shares of the largest, so that squares stay numbers.
    let mean: f64 = if widest > 0.0 {
        targets.iter().zip(weights).map(share).sum()
    } else {
        0.0
    };
    let off = |y: &f64| if widest > 0.0 { y / widest - mean } else { 0.0 };
    let squares = targets
        .iter()
        .zip(weights)
        .map(|(y, weight)| weight / total * off(y).powi(2));
    let deviation = squares.sum::<f64>().sqrt();
    let (centre, scale) = (mean * widest, deviation * widest);
    if deviation <= 1e-13 * mean.abs() || deviation == 0.0 {
        return Ok(RbfSvmModel::constant(centre, room.points.width));
    }
    let row = |(y, weight): (&f64, &f64)| {
        let high = room.params.c * weight;
        Row {
            target: off(y) / deviation,
            epsilon: room.params.epsilon,
            low: -high,
            high,
        }
    };
    let rows: Vec<Row> = targets.iter().zip(weights).map(row).collect();
    let picked: Vec<u32> = (0..targets.len() as u32).collect();
    let (solved, picked) = room.solve(&picked, rows, cx)?;
    Ok(RbfSvmModel::regression(
        (room.points, room.gamma),
        (&solved, &picked),
        (centre, scale),
    ))
}

/// A machine to train: the place of its pair, and the fold that is left out, if one is.
struct Job {
    pair: usize,
    left_out: Option<u32>,
}

fn fit_classes(
    room: &Room<'_>,
    (classes, count): (&[u32], usize),
    weights: &[f64],
    cx: &FitContext<'_>,
) -> Result<RbfSvmModel, FitError> {
    let pairs: Vec<(u32, u32)> = if count == 2 {
        // The score of two classes is that of the second.
        vec![(1, 0)]
    } else {
        let k = count as u32;
        (0..k).flat_map(|a| (a + 1..k).map(move |b| (a, b))).collect()
    };
    let folds = (room.params.calibration == Calibration::Platt).then(|| folds(classes, room.params, cx));
    let jobs: Vec<Job> = (0..pairs.len())
        .flat_map(|pair| {
            let left_out = folds.iter().flat_map(|_| (0..room.params.folds as u32).map(Some));
            std::iter::once(None)
                .chain(left_out)
                .map(move |left_out| Job { pair, left_out })
        })
        .collect();
    let is_in = |job: &Job, row: usize| {
        let (a, b) = pairs[job.pair];
        let is_left_out = match (&folds, job.left_out) {
            (Some(folds), Some(fold)) => folds[row] == fold,
            _ => false,
        };
        (classes[row] == a || classes[row] == b) && !is_left_out
    };
    let trained = cx.workers.map(jobs.len(), |at| {
        let picked: Vec<u32> = (0..classes.len())
            .filter(|&row| is_in(&jobs[at], row))
            .map(|row| row as u32)
            .collect();
        let rows = signed_rows(room, &picked, (classes, pairs[jobs[at].pair].0), weights);
        room.solve(&picked, rows, cx)
    });
    let trained: Vec<(Solved, Vec<u32>)> = trained.into_iter().collect::<Result<_, FitError>>()?;
    let mut machines = Vec::with_capacity(pairs.len());
    for (pair, &(a, b)) in pairs.iter().enumerate() {
        let of_pair = jobs.iter().zip(&trained).filter(|(job, _)| job.pair == pair);
        let mut unseen = vec![f64::NAN; classes.len()];
        for (job, (solved, picked)) in of_pair.clone().filter(|(job, _)| job.left_out.is_some()) {
            cx.checkpoint()?;
            let folds = folds.as_ref().expect("rows are left out by folds");
            let asked: Vec<u32> = (0..classes.len() as u32)
                .filter(|&row| Some(folds[row as usize]) == job.left_out)
                .filter(|&row| [a, b].contains(&classes[row as usize]))
                .collect();
            scores(room, solved, picked, &asked, (&mut unseen, cx));
        }
        let curve = if folds.is_some() {
            curve(&unseen, classes, a, weights)
        } else {
            PlattCurve::PLAIN
        };
        let (_, (solved, picked)) = of_pair.clone().next().expect("each pair has a machine");
        machines.push(Machine::new(solved, picked, curve));
    }
    Ok(RbfSvmModel::classifier(room.points, room.gamma, count, machines))
}

/// The rows of a pair: those of the first class may rise, those of the second fall.
fn signed_rows(
    room: &Room<'_>,
    picked: &[u32],
    (classes, first): (&[u32], u32),
    weights: &[f64],
) -> Vec<Row> {
    let row = |row: &u32| {
        let high = room.params.c * weights[*row as usize];
        let is_first = classes[*row as usize] == first;
        Row {
            target: if is_first { 1.0 } else { -1.0 },
            epsilon: 0.0,
            low: if is_first { 0.0 } else { -high },
            high: if is_first { high } else { 0.0 },
        }
    };
    picked.iter().map(row).collect()
}

/// The fold of each row, dealt out class by class.
fn folds(classes: &[u32], params: &RbfSvmParams, cx: &FitContext<'_>) -> Vec<u32> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    cx.seed.fork("platt").rng().shuffle(&mut order);
    order.sort_by_key(|&row| classes[row]);
    let mut folds = vec![0; classes.len()];
    for (dealt, row) in order.into_iter().enumerate() {
        folds[row] = dealt as u32 % params.folds as u32;
    }
    folds
}

/// Writes the scores of the asked rows by a machine.
fn scores(
    room: &Room<'_>,
    solved: &Solved,
    picked: &[u32],
    asked: &[u32],
    (scores, cx): (&mut [f64], &FitContext<'_>),
) {
    let points = room.points.select(asked);
    let (mut sums, mut kernel) = (vec![solved.offset; asked.len()], vec![0.0; asked.len()]);
    for (beta, row) in solved.beta.iter().zip(picked).filter(|(beta, _)| **beta != 0.0) {
        points.kernel(
            &room.points.point(*row as usize),
            room.gamma,
            &mut kernel,
            Some(cx.workers),
        );
        sums.iter_mut().zip(&kernel).for_each(|(sum, k)| *sum += beta * k);
    }
    asked
        .iter()
        .zip(sums)
        .for_each(|(&row, sum)| scores[row as usize] = sum);
}

/// The curve of the scores that left-out rows got.
fn curve(unseen: &[f64], classes: &[u32], first: u32, weights: &[f64]) -> PlattCurve {
    let known: Vec<usize> = (0..unseen.len()).filter(|&row| !unseen[row].is_nan()).collect();
    let scores: Vec<f64> = known.iter().map(|&row| unseen[row]).collect();
    let weights: Vec<f64> = known.iter().map(|&row| weights[row]).collect();
    PlattCurve::of(&scores, |at| classes[known[at]] == first, &weights)
}
