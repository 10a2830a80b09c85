//! One-hot encoding: a 0/1 column for each level, for learners that take no categories.
//!
//! A missing or unknown category is zero in every column. Columns with more than eight levels come out sparse. A column
//! without levels, empty in the whole table, becomes one column of zeros: a table of nothing else would lose its rows.

use std::sync::Arc;

use kolosal_frame::{Column, Field, Frame, FrameView, Kind, MISSING, SparseNumbers};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};

/// Most levels whose columns are stored densely.
const DENSE_MAX: usize = 8;

/// Replaces each category by a 0/1 column a level.
#[derive(Debug, Clone, Copy)]
pub struct OneHot;

#[derive(Debug)]
struct FittedOneHot {
    /// Number of levels of each column; `None` for columns that are kept.
    levels: Vec<Option<u32>>,
    output: Output,
}

impl Transform for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn fit(&self, train: &TrainView<'_>, _: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let mut output = OutputBuilder::default();
        let mut levels = Vec::with_capacity(x.column_count());
        for (position, field) in x.frame().schema().fields().iter().enumerate() {
            let Column::Categories(categories) = x.column(position) else {
                output.push(position, field.clone());
                levels.push(None);
                continue;
            };
            for level in categories.levels().iter() {
                let name = format!("{} = {level}", field.name);
                output.push(
                    position,
                    Field::new(name, Kind::Integer, "1 where the level is present"),
                );
            }
            if categories.levels().is_empty() {
                let name = format!("{} is empty", field.name);
                output.push(position, Field::new(name, Kind::Integer, "there is no level"));
            }
            levels.push(Some(categories.levels().len() as u32));
        }
        let transform = Box::new(FittedOneHot {
            levels,
            output: output.finish(),
        });
        let train = transform.apply(x);
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let levels: Vec<Option<u32>> = from
            .u32s()?
            .iter()
            .map(|&n| (n != MISSING).then_some(n))
            .collect();
        let output = Output::load(from, levels.len())?;
        let expected: u64 = levels.iter().map(|n| n.map_or(1, |n| u64::from(n).max(1))).sum();
        if expected != output.origins().len() as u64 {
            return Err(ArtifactError::damaged(
                "levels and one-hot columns differ in number",
            ));
        }
        Ok(Box::new(FittedOneHot { levels, output }))
    }
}

impl FittedTransform for FittedOneHot {
    fn name(&self) -> &'static str {
        OneHot.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.levels.len(), "the columns of training");
        let mut columns = Vec::with_capacity(self.output.origins().len());
        for (position, levels) in self.levels.iter().enumerate() {
            match levels {
                None => columns.push(x.gather(position)),
                Some(0) => columns.push(Column::numbers(vec![0.0; x.row_count()])),
                Some(count) => columns.extend(expand(&x.codes(position), *count as usize)),
            }
        }
        self.output.frame(columns)
    }

    fn save(&self, to: &mut Encoder) {
        to.u32s(
            &self
                .levels
                .iter()
                .map(|n| n.unwrap_or(MISSING))
                .collect::<Vec<_>>(),
        );
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

fn expand(codes: &[u32], levels: usize) -> Vec<Column> {
    if levels <= DENSE_MAX {
        let column = |level| {
            codes
                .iter()
                .map(|&code| f64::from(u8::from(code == level)))
                .collect()
        };
        return (0..levels as u32)
            .map(|level| Column::numbers(column(level)))
            .collect();
    }
    let mut rows = vec![Vec::new(); levels];
    for (row, &code) in codes.iter().enumerate() {
        if let Some(list) = rows.get_mut(code as usize) {
            list.push(row as u32);
        }
    }
    let sparse = |stored: Vec<u32>| {
        let ones = vec![1.0; stored.len()];
        Column::Sparse(Arc::new(SparseNumbers::new(codes.len(), stored, ones)))
    };
    rows.into_iter().map(sparse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_transform, fitted};

    #[test]
    fn each_level_gets_a_column() {
        check_transform(&OneHot, &["n", "d", "c = a", "c = b", "c = c", "c = d", "t"]);
        let (_, fitted) = fitted(&OneHot);
        assert_eq!(fitted.train.view().numbers(2)[..5], [1.0, 0.0, 1.0, 0.0, 0.0]);
        let row_of_missing: f64 = (2..6).map(|level| fitted.train.view().numbers(level)[3]).sum();
        assert_eq!(row_of_missing, 0.0);
    }

    #[test]
    fn many_levels_come_out_sparse_with_the_same_values() {
        let codes: Vec<u32> = (0..20).chain([MISSING]).collect();
        let columns = expand(&codes, 20);
        let Column::Sparse(third) = &columns[3] else {
            panic!("sparse")
        };
        assert_eq!((third.rows(), third.get(3), third.get(20)), (&[3][..], 1.0, 0.0));
    }
}
