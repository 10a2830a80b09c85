//! Which transforms a learner needs for a table.

use kolosal_frame::{Column, Frame};
use kolosal_learner::{LearnerCard, Transform};

use crate::{DateParts, Impute, OneHot, RareLevels, Scale, TargetStatistics, TextFeatures};

/// What a chain depends on: the kinds of columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    has_dates: bool,
    has_text: bool,
    has_categories: bool,
    has_many_levels: bool,
}

impl Needs {
    /// Looks at the kinds and levels of a table's columns, not at its values.
    pub fn of(frame: &Frame) -> Self {
        let any = |test: fn(&Column) -> bool| frame.columns().iter().any(test);
        Self {
            has_dates: frame
                .schema()
                .fields()
                .iter()
                .any(|field| field.kind == kolosal_frame::Kind::Datetime),
            has_text: any(|column| matches!(column, Column::Text(_))),
            has_categories: any(|column| matches!(column, Column::Categories(_))),
            has_many_levels: any(
                |column| matches!(column, Column::Categories(c) if c.levels().len() >= TargetStatistics::DEFAULT.levels_min),
            ),
        }
    }
}

/// Words a text gives to learners that look at every column of every node; more would cost time and gain little.
const TREE_WORDS_MAX: usize = 300;

/// The transforms that bring a table with these needs to what the card takes, in order.
pub fn chain_for(card: &LearnerCard, needs: Needs) -> Vec<Box<dyn Transform>> {
    let mut chain: Vec<Box<dyn Transform>> = Vec::new();
    if needs.has_dates {
        chain.push(Box::new(DateParts));
    }
    if needs.has_text {
        let features_max = if card.wants_scaling {
            TextFeatures::DEFAULT.features_max
        } else {
            TREE_WORDS_MAX
        };
        chain.push(Box::new(TextFeatures {
            features_max,
            ..TextFeatures::DEFAULT
        }));
    }
    if needs.has_categories && card.wants_scaling {
        if needs.has_many_levels {
            chain.push(Box::new(TargetStatistics::DEFAULT));
        }
        chain.push(Box::new(RareLevels::DEFAULT));
    }
    if needs.has_categories && !card.takes_categories {
        chain.push(Box::new(OneHot));
    }
    if !card.takes_missing {
        chain.push(Box::new(Impute));
    }
    if card.wants_scaling {
        chain.push(Box::new(Scale));
    }
    chain
}
