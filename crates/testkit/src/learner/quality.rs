//! Real tables are learned better than by a constant.

use kolosal_frame::{Column, Frame};
use kolosal_learner::Task;
use kolosal_prep::{Needs, chain_for};

use super::{LearnerCase, accepted, predict, sound};
use crate::clause::{Verdict, demand};
use crate::room::Room;
use crate::tables::{Answers, Table, real_tables};

/// The learner that is the constant.
const CONSTANT: &str = "baseline";

/// Share of the constant's error that may be left. The questions are easy: any method worth the name leaves less.
const LEFT_MAX: f64 = 0.7;

/// Share of pairs of a strange and a usual row in which the strange one must score higher.
const STRANGE_MIN: f64 = 0.9;

/// Most groups of penguins: three species on up to three islands, of two sexes.
const GROUPS_MAX: usize = 12;

pub(super) fn beats_a_constant(case: &LearnerCase) -> Verdict {
    match case.task() {
        Task::Anomaly => return finds_strange_rows(case),
        Task::Clustering => return tells_species_apart(case),
        _ => {}
    }
    let card = case.learner.card();
    let tables = real_tables(case.task());
    let room = Room::new(2);
    let mut frames: [Frame; 2] = [tables.train.frame.clone(), tables.test.frame.clone()];
    let train = tables.train.train();
    for transform in chain_for(card, Needs::of(&frames[0])) {
        let fitted = transform
            .fit(&train.with_features(frames[0].view()), &room.cx())
            .map_err(|error| format!("preparing the table: {error}"))?;
        frames = [fitted.train, fitted.transform.apply(frames[1].view())];
    }
    let model = accepted(case.fit(&train.with_features(frames[0].view()), &room.cx())?)?;
    let answers = predict(model.as_ref(), frames[1].view());
    sound(case.task(), &answers)?;
    let error = error_of(&tables.test.answers, &answers);
    let constant = error_of(
        &tables.test.answers,
        &constant_of(&tables.train.answers, tables.test.row_count()),
    );
    let most = if card.name == CONSTANT {
        constant
    } else {
        constant * LEFT_MAX
    };
    demand(error <= most, || {
        format!("the error is {error:.4}, a constant's {constant:.4}, at most {most:.4} is asked")
    })
}

/// Rows whose numbers lie four times as far from the mean of training score higher than the rows they were made of.
fn finds_strange_rows(case: &LearnerCase) -> Verdict {
    let tables = real_tables(Task::Anomaly);
    let model = accepted(case.fit(&tables.train.train(), &Room::new(2).cx())?)?;
    let strange = stretched(&tables.test, &tables.train, 4.0);
    let scores = |table: &Table| -> Vec<f64> {
        let answers = predict(model.as_ref(), table.view());
        answers.chunks_exact(2).map(|answer| answer[0]).collect()
    };
    let (usual, strange) = (scores(&tables.test), scores(&strange));
    let higher: usize = strange
        .iter()
        .map(|score| usual.iter().filter(|other| *other < score).count())
        .sum();
    let share = higher as f64 / (usual.len() * strange.len()) as f64;
    demand(share >= STRANGE_MIN, || {
        format!(
            "a strange row scores higher than a usual one in {share:.3} of pairs, at least {STRANGE_MIN} is asked"
        )
    })
}

fn stretched(table: &Table, train: &Table, factor: f64) -> Table {
    (0..table.frame.column_count()).fold(table.clone(), |table, at| {
        let Column::Numbers(values) = &table.frame.columns()[at] else {
            return table;
        };
        let known: Vec<f64> = train
            .view()
            .numbers(at)
            .into_iter()
            .filter(|x| !x.is_nan())
            .collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let far = values.iter().map(|x| mean + factor * (x - mean)).collect();
        table.replacing(at, Column::numbers(far))
    })
}

/// Naming each group by its most frequent species, a row in no group being wrong, leaves less error than one name for all;
/// with no more groups than there are pairs of species and island and sex.
fn tells_species_apart(case: &LearnerCase) -> Verdict {
    let tables = real_tables(Task::Clustering);
    let Answers::Classes { codes, count } = real_tables(Task::Multiclass { classes: 3 }).train.answers else {
        return Err("species are classes".to_owned());
    };
    let model = accepted(case.fit(&tables.train.train(), &Room::new(2).cx())?)?;
    let answers = predict(model.as_ref(), tables.train.view());
    let mut groups = vec![vec![0_usize; count as usize]; GROUPS_MAX];
    let mut all = vec![0_usize; count as usize];
    for (answer, &code) in answers.chunks_exact(2).zip(&codes) {
        all[code as usize] += 1;
        if answer[0] >= 0.0 {
            let group = groups
                .get_mut(answer[0] as usize)
                .ok_or_else(|| format!("more than {GROUPS_MAX} groups were found"))?;
            group[code as usize] += 1;
        }
    }
    let most = |counts: &Vec<usize>| counts.iter().copied().max().unwrap_or(0);
    let error = |right: usize| 1.0 - right as f64 / codes.len() as f64;
    let (found, constant) = (error(groups.iter().map(most).sum()), error(most(&all)));
    demand(found <= constant * LEFT_MAX, || {
        format!("the error is {found:.4}, one group's {constant:.4}, at most {LEFT_MAX} of that is asked")
    })
}

/// The mean, or the share of each class, for so many rows.
fn constant_of(answers: &Answers, rows: usize) -> Vec<f64> {
    let one = match answers {
        Answers::Numbers(values) => vec![values.iter().sum::<f64>() / values.len() as f64],
        Answers::Classes { codes, count } => {
            let share =
                |class| codes.iter().filter(|code| **code == class).count() as f64 / codes.len() as f64;
            (0..*count).map(share).collect()
        }
        Answers::Unknown { .. } => unreachable!("tasks without a target are judged otherwise"),
    };
    one.repeat(rows)
}

/// Root mean squared error, or share of rows whose most probable class is wrong.
fn error_of(known: &Answers, answers: &[f64]) -> f64 {
    match known {
        Answers::Numbers(values) => {
            let squares = values
                .iter()
                .zip(answers)
                .map(|(known, answer)| (known - answer).powi(2));
            (squares.sum::<f64>() / values.len() as f64).sqrt()
        }
        Answers::Classes { codes, count } => {
            let task = Task::classification(*count);
            let predictions = kolosal_learner::Predictions::from_values(task, answers.to_vec());
            let wrong = codes
                .iter()
                .enumerate()
                .filter(|(row, code)| predictions.class(*row) != **code);
            wrong.count() as f64 / codes.len() as f64
        }
        Answers::Unknown { .. } => unreachable!("tasks without a target are judged otherwise"),
    }
}
