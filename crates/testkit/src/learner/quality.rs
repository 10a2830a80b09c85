//! Real tables are learned better than by a constant.

use kolosal_frame::Frame;
use kolosal_learner::Task;
use kolosal_prep::{Needs, chain_for};

use super::{LearnerCase, accepted, predict, sound};
use crate::clause::{Verdict, demand};
use crate::room::Room;
use crate::tables::{Answers, real_tables};

/// The learner that is the constant.
const CONSTANT: &str = "baseline";

/// Share of the constant's error that may be left. The questions are easy: any method worth the name leaves less.
const LEFT_MAX: f64 = 0.7;

pub(super) fn beats_a_constant(case: &LearnerCase) -> Verdict {
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

/// The mean, or the share of each class, for so many rows.
fn constant_of(answers: &Answers, rows: usize) -> Vec<f64> {
    let one = match answers {
        Answers::Numbers(values) => vec![values.iter().sum::<f64>() / values.len() as f64],
        Answers::Classes { codes, count } => {
            let share =
                |class| codes.iter().filter(|code| **code == class).count() as f64 / codes.len() as f64;
            (0..*count).map(share).collect()
        }
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
    }
}
