//! Rare levels: levels seen seldom in training joined into one, so that a weight per level has rows to learn from.
//!
//! A level stays if at least `count_min` training rows have it and it is among the `levels_max` most frequent.
//! All others, levels never seen in training included, share one level called `(rare)`. Missing stays missing.

use std::sync::Arc;

use kolosal_frame::{Categories, Column, Frame, FrameView, MISSING, Strings};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};

/// Joins levels that are seen seldom.
#[derive(Debug, Clone, Copy)]
pub struct RareLevels {
    /// Fewest training rows that keep a level on its own.
    pub count_min: u32,
    /// Most levels a column keeps.
    pub levels_max: usize,
}

impl RareLevels {
    /// A level needs five rows; a column keeps a thousand levels.
    pub const DEFAULT: Self = Self {
        count_min: 5,
        levels_max: 1000,
    };
}

#[derive(Debug)]
struct FittedRareLevels {
    columns: Vec<Option<Regrouped>>,
    output: Output,
}

/// Old code to new code, and the new levels.
#[derive(Debug)]
struct Regrouped {
    /// New code of each old level; the last entry is for levels unknown in training.
    codes: Vec<u32>,
    levels: Arc<Strings>,
}

impl Transform for RareLevels {
    fn name(&self) -> &'static str {
        "rare_levels"
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let columns = cx
            .workers
            .map(x.column_count(), |position| self.learn(x, position));
        let mut output = OutputBuilder::default();
        let fields = x.frame().schema().fields();
        fields
            .iter()
            .enumerate()
            .for_each(|(position, field)| output.push(position, field.clone()));
        let transform = Box::new(FittedRareLevels {
            columns,
            output: output.finish(),
        });
        let train = transform.apply(x);
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let count = from.count("columns", from.remaining())?;
        let columns = (0..count)
            .map(|_| load_regrouped(from))
            .collect::<Result<Vec<_>, _>>()?;
        let output = Output::load(from, count)?;
        if output.origins().len() != count {
            return Err(ArtifactError::damaged(
                "regrouped columns and features differ in number",
            ));
        }
        Ok(Box::new(FittedRareLevels { columns, output }))
    }
}

impl RareLevels {
    fn learn(&self, x: FrameView<'_>, position: usize) -> Option<Regrouped> {
        let Column::Categories(categories) = x.column(position) else {
            return None;
        };
        let levels = categories.levels();
        let mut counts = vec![0_u32; levels.len()];
        x.codes(position)
            .iter()
            .filter(|&&code| code != MISSING)
            .for_each(|&code| counts[code as usize] += 1);
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&level| (std::cmp::Reverse(counts[level]), level));
        let kept_max = order
            .iter()
            .take(self.levels_max)
            .filter(|&&level| counts[level] >= self.count_min)
            .count();
        let mut kept: Vec<usize> = order[..kept_max].to_vec();
        kept.sort_unstable();
        Some(regroup(levels, &kept))
    }
}

/// The kept levels and one for all others, in sorted order.
fn regroup(levels: &Strings, kept: &[usize]) -> Regrouped {
    let mut rare = "(rare)".to_owned();
    while kept.iter().any(|&level| levels.get(level) == rare) {
        rare.push('\'');
    }
    let rare_at = kept.partition_point(|&level| levels.get(level) < rare.as_str());
    let mut names: Vec<&str> = kept.iter().map(|&level| levels.get(level)).collect();
    names.insert(rare_at, &rare);
    let mut codes = vec![rare_at as u32; levels.len() + 1];
    for (new, &old) in kept.iter().enumerate() {
        codes[old] = (new + usize::from(new >= rare_at)) as u32;
    }
    Regrouped {
        codes,
        levels: Arc::new(names.iter().collect()),
    }
}

fn load_regrouped(from: &mut Decoder<'_>) -> Result<Option<Regrouped>, ArtifactError> {
    if !from.bool()? {
        return Ok(None);
    }
    let (codes, levels) = (from.u32s()?, from.strings()?);
    let sorted = (1..levels.len()).all(|i| levels.get(i - 1) < levels.get(i));
    if !sorted || codes.is_empty() || codes.iter().any(|&code| code as usize >= levels.len()) {
        return Err(ArtifactError::damaged(
            "levels and their codes do not belong together",
        ));
    }
    Ok(Some(Regrouped {
        codes,
        levels: Arc::new(levels),
    }))
}

impl FittedTransform for FittedRareLevels {
    fn name(&self) -> &'static str {
        RareLevels::DEFAULT.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.columns.len(), "the columns of training");
        let regroup = |(position, group): (usize, &Option<Regrouped>)| match group {
            None => x.gather(position),
            Some(group) => {
                let unknown = group.codes.len() - 1;
                let translate = |code: u32| match code {
                    MISSING => MISSING,
                    code => group.codes[(code as usize).min(unknown)],
                };
                let codes = x.codes(position).into_iter().map(translate).collect();
                Column::Categories(Categories::new(codes, Arc::clone(&group.levels)))
            }
        };
        self.output
            .frame(self.columns.iter().enumerate().map(regroup).collect())
    }

    fn save(&self, to: &mut Encoder) {
        to.u64(self.columns.len() as u64);
        for group in &self.columns {
            to.bool(group.is_some());
            if let Some(group) = group {
                to.u32s(&group.codes);
                to.strings(&group.levels);
            }
        }
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_transform, fit_rows, table};

    #[test]
    fn levels_with_few_rows_are_joined() {
        let twice = RareLevels {
            count_min: 2,
            ..RareLevels::DEFAULT
        };
        check_transform(&twice, &["n", "d", "c", "t"]);
        let (frame, target) = table();
        let fitted = fit_rows(&twice, &frame, &target, &(0..12).collect::<Vec<_>>());
        let Column::Categories(c) = fitted.train.columns()[2].clone() else {
            panic!("categorical")
        };
        assert_eq!(c.levels().iter().collect::<Vec<_>>(), ["(rare)", "a", "b"]);
        // a b a missing c ...
        assert_eq!(c.codes()[..5], [1, 2, 1, MISSING, 0]);
    }

    #[test]
    fn only_training_rows_are_counted() {
        let (frame, target) = table();
        let twice = RareLevels {
            count_min: 2,
            ..RareLevels::DEFAULT
        };
        let fitted = fit_rows(&twice, &frame, &target, &[0, 1, 2]);
        let out = fitted.transform.apply(frame.view());
        let Column::Categories(c) = &out.columns()[2] else {
            panic!("categorical")
        };
        // Only "a" occurs twice among the first three rows.
        assert_eq!(c.levels().iter().collect::<Vec<_>>(), ["(rare)", "a"]);
    }
}
