//! Ordered target statistics: the smoothed mean target of a category, in place of the category.
//!
//! With prior mean p and strength a, a category with n rows and target sum s becomes (s + a p) / (n + a). A training
//! row sees only the rows before it in a random order, so never its own target (Prokhorenkova et al. 2018,
//! arXiv 1706.09516, §3.2); any other row sees all training rows. A classification with k classes gives one number
//! for each class but the first. Missing counts as a category of its own; an unknown category gets the prior.
//!
//! Cost: one pass over the rows for each column and class. It wins for columns with many levels, where a column or
//! a weight for each level has too few rows to learn from; it loses the difference between levels of equal mean.

use kolosal_frame::{Column, Field, Frame, FrameView, Kind, MISSING};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, Target, TrainView,
    Transform,
};

use crate::output::{Output, OutputBuilder};

/// Replaces categories with many levels by what the target is on average.
#[derive(Debug, Clone, Copy)]
pub struct TargetStatistics {
    /// Fewest levels of a column that is replaced.
    pub levels_min: usize,
    /// How many rows the prior counts for.
    pub strength: f64,
}

impl TargetStatistics {
    /// Columns with more than fifty levels; the prior counts for ten rows.
    pub const DEFAULT: Self = Self {
        levels_min: 51,
        strength: 10.0,
    };
}

#[derive(Debug)]
struct FittedTargetStatistics {
    columns: Vec<Option<Statistics>>,
    output: Output,
}

/// For each output of a column: the value of each level, then that of a missing one, then that of an unknown one.
#[derive(Debug)]
struct Statistics {
    tables: Vec<Vec<f64>>,
}

impl Transform for TargetStatistics {
    fn name(&self) -> &'static str {
        "target_statistics"
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let answers = answers_of(train.target());
        let mut order: Vec<u32> = (0..x.row_count() as u32).collect();
        cx.seed.fork("target_statistics").rng().shuffle(&mut order);
        let encoded = cx.workers.map(x.column_count(), |position| {
            self.replaces(x, position)
                .then(|| self.encode(train, position, &answers, &order))
        });
        let mut output = OutputBuilder::default();
        let (mut columns, mut train_columns) = (Vec::new(), Vec::new());
        for (position, encoded) in encoded.into_iter().enumerate() {
            let field = &x.frame().schema().fields()[position];
            let Some((statistics, values)) = encoded else {
                output.push(position, field.clone());
                train_columns.push(x.gather(position));
                columns.push(None);
                continue;
            };
            for values in values {
                let name = format!("{} target mean", field.name);
                output.push(
                    position,
                    Field::new(name, Kind::Numeric, "ordered target statistics"),
                );
                train_columns.push(Column::numbers(values));
            }
            columns.push(Some(statistics));
        }
        let output = output.finish();
        let train = output.frame(train_columns);
        Ok(Fitted {
            transform: Box::new(FittedTargetStatistics { columns, output }),
            train,
        })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let count = from.count("columns", from.remaining())?;
        let columns = (0..count)
            .map(|_| load_statistics(from))
            .collect::<Result<Vec<_>, _>>()?;
        let output = Output::load(from, count)?;
        let expected: usize = columns
            .iter()
            .map(|c| c.as_ref().map_or(1, |s| s.tables.len()))
            .sum();
        if expected != output.origins().len() {
            return Err(ArtifactError::damaged("statistics and features differ in number"));
        }
        Ok(Box::new(FittedTargetStatistics { columns, output }))
    }
}

/// One list of numbers for each output: the target itself, or whether it is class 1, 2, ..
pub(crate) fn answers_of(target: Target<'_>) -> Vec<Vec<f64>> {
    match target {
        Target::Numbers(values) => vec![values.to_vec()],
        Target::Classes { codes, count } => {
            let is = |class| {
                codes
                    .iter()
                    .map(|&code| f64::from(u8::from(code == class)))
                    .collect()
            };
            (1..count).map(is).collect()
        }
        Target::Unknown { .. } => Vec::new(),
    }
}

impl TargetStatistics {
    fn replaces(&self, x: FrameView<'_>, position: usize) -> bool {
        matches!(x.column(position), Column::Categories(c) if c.levels().len() >= self.levels_min)
    }

    /// Statistics of all rows, and for each output the ordered statistics of the training rows.
    fn encode(
        &self,
        train: &TrainView<'_>,
        position: usize,
        answers: &[Vec<f64>],
        order: &[u32],
    ) -> (Statistics, Vec<Vec<f64>>) {
        let Column::Categories(categories) = train.features().column(position) else {
            panic!("only categories are encoded");
        };
        let level_count = categories.levels().len();
        let codes = train.features().codes(position);
        let mut tables = Vec::with_capacity(answers.len());
        let mut encoded = Vec::with_capacity(answers.len());
        for answer in answers {
            let (table, values) = self.encode_one(train, &codes, answer, (order, level_count));
            tables.push(table);
            encoded.push(values);
        }
        (Statistics { tables }, encoded)
    }

    fn encode_one(
        &self,
        train: &TrainView<'_>,
        codes: &[u32],
        answer: &[f64],
        (order, level_count): (&[u32], usize),
    ) -> (Vec<f64>, Vec<f64>) {
        let total: f64 = (0..answer.len()).map(|row| train.weight(row)).sum();
        let prior = (0..answer.len())
            .map(|row| train.weight(row) * answer[row])
            .sum::<f64>()
            / total;
        let mut sums = vec![(0.0, 0.0); level_count + 1];
        let mut values = vec![0.0; answer.len()];
        let smoothed = |(sum, count): (f64, f64)| (sum + self.strength * prior) / (count + self.strength);
        for &row in order {
            let row = row as usize;
            let slot = &mut sums[(codes[row] as usize).min(level_count)];
            values[row] = smoothed(*slot);
            slot.0 += train.weight(row) * answer[row];
            slot.1 += train.weight(row);
        }
        let table = sums.iter().map(|&slot| smoothed(slot)).chain([prior]).collect();
        (table, values)
    }
}

fn load_statistics(from: &mut Decoder<'_>) -> Result<Option<Statistics>, ArtifactError> {
    if !from.bool()? {
        return Ok(None);
    }
    let outputs = from.count("outputs", from.remaining() / 8)?;
    let tables = (0..outputs).map(|_| from.f64s()).collect::<Result<Vec<_>, _>>()?;
    let length = tables.first().map_or(0, Vec::len);
    let is_sound = |table: &Vec<f64>| table.len() == length && table.iter().all(|v| v.is_finite());
    if length < 2 || !tables.iter().all(is_sound) {
        return Err(ArtifactError::damaged(
            "target statistics are not finite or differ in length",
        ));
    }
    Ok(Some(Statistics { tables }))
}

impl FittedTransform for FittedTargetStatistics {
    fn name(&self) -> &'static str {
        TargetStatistics::DEFAULT.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.columns.len(), "the columns of training");
        let mut columns = Vec::with_capacity(self.output.origins().len());
        for (position, statistics) in self.columns.iter().enumerate() {
            let Some(statistics) = statistics else {
                columns.push(x.gather(position));
                continue;
            };
            let codes = x.codes(position);
            for table in &statistics.tables {
                columns.push(Column::numbers(
                    codes.iter().map(|&code| look_up(table, code)).collect(),
                ));
            }
        }
        self.output.frame(columns)
    }

    fn save(&self, to: &mut Encoder) {
        to.u64(self.columns.len() as u64);
        for statistics in &self.columns {
            to.bool(statistics.is_some());
            if let Some(statistics) = statistics {
                to.u64(statistics.tables.len() as u64);
                statistics.tables.iter().for_each(|table| to.f64s(table));
            }
        }
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

/// The table ends with the values of missing and of unknown.
fn look_up(table: &[f64], code: u32) -> f64 {
    let levels = table.len() - 2;
    match code {
        MISSING => table[levels],
        code if (code as usize) < levels => table[code as usize],
        _ => table[levels + 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_transform, fit_rows, table};

    const ALL: TargetStatistics = TargetStatistics {
        levels_min: 1,
        strength: 1.0,
    };

    #[test]
    fn categories_become_smoothed_means() {
        check_transform(&ALL, &["n", "d", "c target mean", "t"]);
        let (frame, _) = table();
        let target: Vec<f64> = (0..12).map(f64::from).collect();
        let fitted = fit_rows(&ALL, &frame, &target, &(0..12).collect::<Vec<_>>());
        let out = fitted.transform.apply(frame.view());
        // Level "b" has rows 1, 6, 7, 11 with sum 25; the prior mean is 5.5.
        assert_eq!(out.view().numbers(2)[1], (25.0 + 5.5) / 5.0);
    }

    #[test]
    fn a_training_row_never_sees_its_own_target() {
        let (frame, target) = table();
        let rows: Vec<u32> = (0..12).collect();
        let before = fit_rows(&ALL, &frame, &target, &rows).train.view().numbers(2);
        for row in 0..12 {
            // Moving one target and, to keep the prior, another of a different level the other way.
            let other = (0..12)
                .find(|&o| o != row && frame.view().codes(2)[o] != frame.view().codes(2)[row])
                .expect("levels differ");
            let mut moved = target.clone();
            moved[row] += 5.0;
            moved[other] -= 5.0;
            let after = fit_rows(&ALL, &frame, &moved, &rows).train.view().numbers(2);
            assert!(
                (before[row] - after[row]).abs() < 1e-12,
                "row {row} saw its own target"
            );
        }
    }

    #[test]
    fn rows_outside_training_do_not_influence_the_statistics() {
        let (frame, mut target) = table();
        let rows = [0_u32, 1, 2, 4];
        let before = fit_rows(&ALL, &frame, &target, &rows)
            .transform
            .apply(frame.view())
            .view()
            .numbers(2);
        target[5] = 1e6;
        let after = fit_rows(&ALL, &frame, &target, &rows)
            .transform
            .apply(frame.view())
            .view()
            .numbers(2);
        assert_eq!(before, after);
    }
}
