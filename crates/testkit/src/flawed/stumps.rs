//! An honest little learner: the mean of stumps, each the best single column of all but one.

use kolosal_frame::{Column, FrameView, MISSING};
use kolosal_learner::{
    ArtifactError, Checked, Decoder, Domain, Encoder, Family, FitContext, FitError, FittedModel, Learn,
    LearnerCard, Meaning, Predictions, Target, Task, TaskKind, TrainView, params,
};

params! {
    /// Parameters of the stumps.
    pub(super) struct StumpParams {
        /// How many stumps there are.
        n_estimators: i64 = 20, legal: Domain::int(1, 1000), search: Domain::log_int(1, 50), aliases: ["rounds"];
        /// Whether small groups are drawn towards the mean.
        smooth: bool = false, legal: Domain::Bool;
        /// How many rows the mean counts for.
        strength: f64 = 1.0, legal: Domain::float(0.0, 1e6), search: Domain::float(0.0, 10.0), only_if: ("smooth", ["true"]);
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Stumps;

#[derive(Debug)]
pub(super) struct StumpsModel {
    meaning: Meaning,
    width: usize,
    features: usize,
    stumps: Vec<Stump>,
}

#[derive(Debug)]
struct Stump {
    column: usize,
    rule: Rule,
    /// One answer a group.
    answers: Vec<f64>,
}

/// Which group a value belongs to.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Up to the threshold, above it, missing.
    Split(f64),
    /// One group a level, and one for missing.
    Levels(u32),
}

impl Learn for Stumps {
    type Params = StumpParams;
    type Model = StumpsModel;

    const CARD: LearnerCard = LearnerCard {
        name: "stumps",
        aliases: &["one_split"],
        title: "Stumps",
        doc: "The mean of trees with one split.",
        family: Family::Tree,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: true,
        ignores_row_order: true,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<StumpParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<StumpsModel, FitError> {
        let x = train.features();
        let _memory = cx.reserve((x.row_count() * x.column_count() * 8) as u64)?;
        let strength = if params.smooth { params.strength } else { 0.0 };
        let fitted = cx
            .workers
            .map(x.column_count(), |column| best_groups(train, column, strength));
        let mut stumps = Vec::new();
        for round in 0..params.n_estimators as u64 {
            cx.checkpoint()?;
            let left_out = cx.seed.fork_index(round).rng().below(x.column_count());
            let mut best = usize::from(left_out == 0 && fitted.len() > 1);
            for (column, (gain, ..)) in fitted.iter().enumerate() {
                if column != left_out && *gain > fitted[best].0 {
                    best = column;
                }
            }
            let (_, rule, answers) = fitted[best].clone();
            stumps.push(Stump {
                column: best,
                rule,
                answers,
            });
            cx.progress.step(round + 1, params.n_estimators as u64);
        }
        let (meaning, width) = Predictions::shape_of(train.task());
        Ok(StumpsModel {
            meaning,
            width,
            features: x.column_count(),
            stumps,
        })
    }

    fn load(from: &mut Decoder<'_>) -> Result<StumpsModel, ArtifactError> {
        let (is_number, width, features) = (from.bool()?, from.u32()? as usize, from.u32()? as usize);
        let count = from.count("stumps", from.remaining() / 8)?;
        let stumps = (0..count)
            .map(|_| Stump::load(from, width, is_number))
            .collect::<Result<Vec<_>, _>>()?;
        if stumps.is_empty() || width == 0 || stumps.iter().any(|stump| stump.column >= features) {
            return Err(ArtifactError::damaged(
                "stumps and columns do not belong together",
            ));
        }
        let meaning = if is_number {
            Meaning::Number
        } else {
            Meaning::ClassProbability
        };
        Ok(StumpsModel {
            meaning,
            width,
            features,
            stumps,
        })
    }
}

/// Gain, rule and answers of one column.
fn best_groups(train: &TrainView<'_>, column: usize, strength: f64) -> (f64, Rule, Vec<f64>) {
    let x = train.features();
    let rule = match x.column(column) {
        Column::Categories(c) => Rule::Levels(c.levels().len() as u32),
        _ => Rule::Split(weighted_median(train, &x.numbers(column))),
    };
    let width = Predictions::shape_of(train.task()).1;
    let prior = shares(train, &vec![0; x.row_count()], 1, (&vec![0.0; width], 0.0));
    let groups = rule.groups(x, column);
    let answers = shares(train, &groups, rule.count(), (&prior, strength));
    let mut gain = 0.0;
    for (row, group) in groups
        .iter()
        .enumerate()
        .filter(|(row, _)| train.weight(*row) > 0.0)
    {
        let answer = &answers[group * width..(group + 1) * width];
        let squares: f64 = answer.iter().zip(&prior).map(|(a, p)| (a - p).powi(2)).sum();
        gain += train.weight(row) * squares;
    }
    (gain, rule, answers)
}

/// The lowest value up to which half of the weight lies; zero if there is none.
fn weighted_median(train: &TrainView<'_>, values: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..values.len())
        .filter(|&row| !values[row].is_nan() && train.weight(row) > 0.0)
        .collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let half: f64 = order.iter().map(|&row| train.weight(row)).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let reaches = |row: &&usize| {
        below += train.weight(**row);
        below >= half
    };
    order.iter().find(reaches).map_or(0.0, |&row| values[row])
}

/// Mean answer of each group, drawn towards `prior` by `strength` rows; the prior itself for a group without rows.
fn shares(
    train: &TrainView<'_>,
    groups: &[usize],
    count: usize,
    (prior, strength): (&[f64], f64),
) -> Vec<f64> {
    let width = prior.len();
    let mut totals = vec![strength; count];
    groups
        .iter()
        .enumerate()
        .for_each(|(row, &group)| totals[group] += train.weight(row));
    let mut means: Vec<f64> = (0..count * width)
        .map(|i| {
            if totals[i / width] > 0.0 {
                strength / totals[i / width] * prior[i % width]
            } else {
                prior[i % width]
            }
        })
        .collect();
    for (row, &group) in groups
        .iter()
        .enumerate()
        .filter(|(row, _)| train.weight(*row) > 0.0)
    {
        let share = train.weight(row) / totals[group];
        match train.target() {
            Target::Numbers(values) => means[group] += share * values[row],
            Target::Classes { codes, .. } => means[group * width + codes[row] as usize] += share,
            Target::Unknown { .. } => unreachable!("stumps learn answers"),
        }
    }
    means
}

impl Rule {
    fn count(self) -> usize {
        match self {
            Self::Split(_) => 3,
            Self::Levels(count) => count as usize + 1,
        }
    }

    /// The group of each row; a column of another storage than in training counts as missing.
    fn groups(self, x: FrameView<'_>, column: usize) -> Vec<usize> {
        match (self, x.column(column)) {
            (Self::Split(threshold), Column::Numbers(_) | Column::Sparse(_)) => {
                let group = |v: &f64| {
                    if v.is_nan() {
                        2
                    } else {
                        usize::from(*v > threshold)
                    }
                };
                x.numbers(column).iter().map(group).collect()
            }
            (Self::Levels(count), Column::Categories(_)) => {
                let group = |code: &u32| {
                    if *code == MISSING {
                        count
                    } else {
                        (*code).min(count)
                    }
                };
                x.codes(column).iter().map(|code| group(code) as usize).collect()
            }
            _ => vec![self.count() - 1; x.row_count()],
        }
    }
}

impl Stump {
    fn load(from: &mut Decoder<'_>, width: usize, is_number: bool) -> Result<Self, ArtifactError> {
        let column = from.u32()? as usize;
        let rule = if from.bool()? {
            Rule::Levels(from.u32()?)
        } else {
            Rule::Split(from.finite()?)
        };
        let answers = from.f64s()?;
        let is_sound = |answer: &[f64]| {
            is_number || answer.iter().all(|p| *p >= 0.0) && (answer.iter().sum::<f64>() - 1.0).abs() < 1e-9
        };
        let fits = width > 0 && answers.len() as u64 == rule.count() as u64 * width as u64;
        if !fits || !answers.iter().all(|v| v.is_finite()) || !answers.chunks(width).all(is_sound) {
            return Err(ArtifactError::damaged("the answers of a stump are not sound"));
        }
        Ok(Self {
            column,
            rule,
            answers,
        })
    }
}

impl FittedModel for StumpsModel {
    fn shape(&self) -> (Meaning, usize) {
        (self.meaning, self.width)
    }

    fn feature_count(&self) -> usize {
        self.features
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * self.width, "one answer a row");
        out.fill(0.0);
        let share = 1.0 / self.stumps.len() as f64;
        for stump in &self.stumps {
            let groups = stump.rule.groups(x, stump.column);
            for (answer, group) in out.chunks_exact_mut(self.width).zip(groups) {
                let of_group = &stump.answers[group * self.width..(group + 1) * self.width];
                answer
                    .iter_mut()
                    .zip(of_group)
                    .for_each(|(sum, value)| *sum += share * value);
            }
        }
        if self.meaning == Meaning::ClassProbability {
            out.iter_mut().for_each(|p| *p = p.min(1.0));
        }
    }

    fn save(&self, to: &mut Encoder) {
        to.bool(self.meaning == Meaning::Number);
        to.u32(self.width as u32);
        to.u32(self.features as u32);
        to.u64(self.stumps.len() as u64);
        for stump in &self.stumps {
            to.u32(stump.column as u32);
            match stump.rule {
                Rule::Split(threshold) => {
                    to.bool(false);
                    to.f64(threshold);
                }
                Rule::Levels(count) => {
                    to.bool(true);
                    to.u32(count);
                }
            }
            to.f64s(&stump.answers);
        }
    }

    fn importances(&self) -> Option<Vec<f64>> {
        let mut shares = vec![0.0; self.features];
        self.stumps
            .iter()
            .for_each(|stump| shares[stump.column] += 1.0 / self.stumps.len() as f64);
        Some(shares)
    }
}

/// The task of a model, for wrapping it.
pub(super) fn task_of(model: &dyn FittedModel) -> Task {
    match model.shape() {
        (Meaning::Number, _) => Task::Regression,
        (Meaning::ClassProbability, width) => Task::classification(width as u32),
        (Meaning::Anomaly, _) => Task::Anomaly,
        (Meaning::Group, _) => Task::Clustering,
    }
}
