//! Shapley values of answers: columns are players, and those that are absent take values of background rows.

use kolosal_base::Seed;
use kolosal_compute::Workers;
use kolosal_frame::{Column, Frame};
use kolosal_learner::Meaning;
use kolosal_pipeline::Pipeline;

use crate::Method;

/// With so many columns at most, all subsets are asked for.
pub const SUBSET_COLUMNS_MAX: usize = 8;
/// Rows that are answered together.
const BLOCK: usize = 1024;

pub(crate) struct Game<'a> {
    pub(crate) pipeline: &'a Pipeline,
    /// Rows and background.
    pub(crate) frame: &'a Frame,
    pub(crate) background: &'a [u32],
    pub(crate) outputs: usize,
}

/// For each column the row that its value is taken from, in each of the rows that are asked for.
struct Questions {
    sources: Vec<Vec<u32>>,
}

impl Questions {
    fn new(columns: usize) -> Self {
        Self {
            sources: vec![Vec::new(); columns],
        }
    }

    /// Asks for a row whose columns come from `row` where they are present, else from `other`.
    fn ask(&mut self, (row, other): (u32, u32), is_present: impl Fn(usize) -> bool) {
        for (column, sources) in self.sources.iter_mut().enumerate() {
            sources.push(if is_present(column) { row } else { other });
        }
    }
}

impl Game<'_> {
    pub(crate) fn method(&self) -> Method {
        if self.frame.column_count() <= SUBSET_COLUMNS_MAX {
            Method::Subsets
        } else {
            Method::Walks
        }
    }

    /// The base of each output, and the values `[output * columns + column]` of a row.
    pub(crate) fn values(&self, row: u32, seed: Seed, workers: &Workers) -> (Vec<f64>, Vec<f64>) {
        match self.method() {
            Method::Walks => self.by_walks(row, seed, workers),
            _ => self.by_subsets(row, workers),
        }
    }

    fn by_subsets(&self, row: u32, workers: &Workers) -> (Vec<f64>, Vec<f64>) {
        let (columns, outputs, count) = (self.frame.column_count(), self.outputs, self.background.len());
        let mut questions = Questions::new(columns);
        for subset in 0..1_usize << columns {
            for &other in self.background {
                questions.ask((row, other), |column| subset >> column & 1 == 1);
            }
        }
        let answers = self.answers(row, &questions, workers);
        let mean = |line: &[f64], output: usize| {
            line.iter().skip(output).step_by(outputs).sum::<f64>() / count as f64
        };
        let lines: Vec<&[f64]> = answers.chunks_exact(count * outputs).collect();
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        let mut values = vec![0.0; outputs * columns];
        for (subset, line) in lines.iter().enumerate() {
            let size = subset.count_ones() as usize;
            for output in 0..outputs {
                let worth = mean(line, output);
                for column in 0..columns {
                    // A subset counts for a column with and against it without.
                    let value = &mut values[output * columns + column];
                    if subset >> column & 1 == 1 {
                        *value +=
                            worth * factorial(size - 1) * factorial(columns - size) / factorial(columns);
                    } else {
                        *value -=
                            worth * factorial(size) * factorial(columns - size - 1) / factorial(columns);
                    }
                }
            }
        }
        let base = (0..outputs).map(|output| mean(lines[0], output)).collect();
        (base, values)
    }

    fn by_walks(&self, row: u32, seed: Seed, workers: &Workers) -> (Vec<f64>, Vec<f64>) {
        let (columns, outputs) = (self.frame.column_count(), self.outputs);
        let mut questions = Questions::new(columns);
        let mut walks: Vec<Vec<usize>> = Vec::new();
        for (at, &other) in self.background.iter().enumerate() {
            let mut order: Vec<usize> = (0..columns).collect();
            seed.fork_index(at as u64).rng().shuffle(&mut order);
            let reversed: Vec<usize> = order.iter().rev().copied().collect();
            for order in [order, reversed] {
                let mut rank = vec![0; columns];
                order
                    .iter()
                    .enumerate()
                    .for_each(|(place, column)| rank[*column] = place);
                for steps in 0..=columns {
                    questions.ask((row, other), |column| rank[column] < steps);
                }
                walks.push(order);
            }
        }
        let answers = self.answers(row, &questions, workers);
        let share = 1.0 / walks.len() as f64;
        let (mut base, mut values) = (vec![0.0; outputs], vec![0.0; outputs * columns]);
        for (order, walk) in walks.iter().zip(answers.chunks_exact((columns + 1) * outputs)) {
            for output in 0..outputs {
                base[output] += share * walk[output];
                for (step, column) in order.iter().enumerate() {
                    let (before, after) =
                        (walk[step * outputs + output], walk[(step + 1) * outputs + output]);
                    values[output * columns + column] += share * (after - before);
                }
            }
        }
        (base, values)
    }

    /// What is explained, for each question.
    fn answers(&self, row: u32, questions: &Questions, workers: &Workers) -> Vec<f64> {
        let width = self.pipeline.target().task.width();
        let rows = questions.sources.first().map_or(0, Vec::len);
        let gather = |(at, sources): (usize, &Vec<u32>)| -> Column { self.frame.select(sources).gather(at) };
        let columns = questions.sources.iter().enumerate().map(gather).collect();
        let frame = Frame::with_schema(self.frame.schema(), columns);
        let mut answers = vec![0.0; rows * width];
        workers.for_each_chunk_mut(&mut answers, BLOCK * width, |block, out| {
            self.pipeline
                .predict_into(frame.view().slice(block * BLOCK, out.len() / width), out);
        });
        let (meaning, _) = kolosal_learner::Predictions::shape_of(self.pipeline.target().task);
        match meaning {
            Meaning::Number | Meaning::ClassProbability => answers,
            Meaning::Anomaly => answers.chunks_exact(2).map(|answer| answer[0]).collect(),
            Meaning::Group => {
                let mut own = vec![0.0; width];
                self.pipeline.predict_into(self.frame.select(&[row]), &mut own);
                answers
                    .chunks_exact(2)
                    .map(|answer| in_group(answer, own[0]))
                    .collect()
            }
        }
    }
}

/// How firmly an answer stays in a group; in none, whether it is in none.
fn in_group(answer: &[f64], group: f64) -> f64 {
    match answer[0] == group {
        true if group < 0.0 => 1.0,
        true => answer[1],
        false => 0.0,
    }
}
