//! Every transform on the list keeps every clause of the contract, and a chain gives each learner what it takes.

use kolosal_frame::{Column, Kind};
use kolosal_learner::{Family, LearnerCard, Task, TaskKind};
use kolosal_prep::{Needs, TRANSFORMS, chain_for};
use kolosal_testkit::{Room, check_transform, expect_none, tables};

#[test]
fn every_transform_keeps_the_contract() {
    let found: Vec<_> = TRANSFORMS
        .iter()
        .flat_map(|transform| check_transform(*transform))
        .collect();
    expect_none(&found);
}

/// A card with these abilities: missing values, categories, scaling.
fn card([takes_missing, takes_categories, wants_scaling]: [bool; 3]) -> LearnerCard {
    LearnerCard {
        name: "any",
        aliases: &[],
        title: "Any",
        doc: "Any.",
        family: Family::Classic,
        tasks: &[TaskKind::Regression],
        takes_missing,
        takes_categories,
        wants_scaling,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    }
}

#[test]
fn a_chain_brings_any_table_to_what_the_card_takes() {
    let table = tables::everything(Task::Regression, 130, 1);
    let other = tables::everything(Task::Regression, 40, 2);
    let frozen = kolosal_frame::FrozenSchema::of(&table.frame);
    for abilities in 0..8 {
        let card = card([abilities & 1 > 0, abilities & 2 > 0, abilities & 4 > 0]);
        let mut frames = [
            table.frame.clone(),
            frozen.align(&other.frame).expect("the same columns"),
        ];
        for transform in chain_for(&card, Needs::of(&table.frame)) {
            let train = table.train().with_features(frames[0].view());
            let fitted = transform
                .fit(&train, &Room::new(1).cx())
                .expect("any table can be prepared");
            frames = [fitted.train, fitted.transform.apply(frames[1].view())];
        }
        for frame in &frames {
            for (field, column) in frame.schema().fields().iter().zip(frame.columns()) {
                let what = format!("'{}' with abilities {abilities:03b}", field.name);
                assert!(
                    !matches!(column, Column::Text(_)) && field.kind != Kind::Datetime,
                    "{what}"
                );
                let is_coded = matches!(column, Column::Categories(_));
                assert!(card.takes_categories || !is_coded, "{what} is a category");
                // Learners that take categories have a place for missing ones.
                let is_whole = card.takes_missing || is_coded || column.missing_count() == 0;
                assert!(is_whole, "{what} has gaps");
            }
        }
    }
}
