//! The checksum of what a reader makes of a file, stored in files that this library writes.
//!
//! It covers names, levels, the link and each tree as read, not the bytes: a file that is rewritten in another layout
//! keeps it. It also says how many trees it covers, so that a model which another program trained on stays readable.

use kolosal_learner::{Encoder, Meaning};

use super::{BoosterColumn, ColumnValues, ImportedBooster, InteropError};
use crate::boost::model::BoostTree;
use crate::tree::{Side, Test};

const VERSION: &str = "v1";

/// The checksum of a booster as its format's reader gives it.
pub(super) fn of(booster: &ImportedBooster) -> String {
    of_first(booster, booster.model.trees.len())
}

/// Compares a stated checksum; one of an unknown version is taken as it is.
pub(super) fn verify(booster: &ImportedBooster, stated: &str) -> Result<(), InteropError> {
    let Some(rest) = stated
        .strip_prefix(VERSION)
        .and_then(|rest| rest.strip_prefix('-'))
    else {
        let newer = stated.len() > 1
            && stated.starts_with('v')
            && stated[1..].starts_with(|c: char| c.is_ascii_digit());
        return if newer {
            Ok(())
        } else {
            Err(changed(booster, "none of this version".to_owned(), stated))
        };
    };
    let covered = rest.split('-').next().and_then(|count| count.parse().ok());
    let covered = covered.filter(|covered| *covered <= booster.model.trees.len());
    let found = of_first(booster, covered.unwrap_or(booster.model.trees.len()));
    if found == stated {
        Ok(())
    } else {
        Err(changed(booster, found, stated))
    }
}

fn changed(booster: &ImportedBooster, found: String, stated: &str) -> InteropError {
    InteropError::Changed {
        library: booster.library,
        found,
        stated: stated.chars().take(64).collect(),
    }
}

fn of_first(booster: &ImportedBooster, trees: usize) -> String {
    let mut to = Encoder::new();
    to.str(&booster.objective);
    to.u8(match booster.model.meaning {
        Meaning::Number => 0,
        Meaning::ClassProbability => 1,
        Meaning::Anomaly | Meaning::Group => unreachable!("boosters answer with numbers or probabilities"),
    });
    booster.model.link.save(&mut to);
    to.f64s(&booster.model.base);
    booster
        .columns
        .iter()
        .for_each(|column| put_column(column, &mut to));
    booster.classes.iter().for_each(|class| to.str(class));
    booster.model.trees[..trees]
        .iter()
        .for_each(|tree| put_tree(tree, &mut to));
    format!("{VERSION}-{trees}-{:016x}", crc64(&to.into_bytes()))
}

fn put_column(column: &BoosterColumn, to: &mut Encoder) {
    to.str(&column.name);
    match &column.values {
        ColumnValues::Numbers => to.u8(0),
        ColumnValues::Levels(levels) => to.strings(levels),
    }
}

fn put_tree(tree: &BoostTree, to: &mut Encoder) {
    to.u32(tree.output);
    for (node, facts) in tree.facts.iter().enumerate() {
        to.f32s(&[facts.gain, facts.weight]);
        to.u32(facts.rows);
        let node = node as u32;
        match tree.tree.split_of(node) {
            None => to.f64s(
                tree.tree
                    .answer_of(node)
                    .expect("a node that does not split answers"),
            ),
            Some((feature, left)) => {
                to.u32s(&[feature as u32, left]);
                put_test(&tree.tree.test_of(node), to);
            }
        }
    }
    if let Some(lines) = &tree.lines {
        to.u32s(&lines.starts);
        to.f64s(&lines.intercepts);
        to.u32s(&lines.columns);
        to.f64s(&lines.slopes);
    }
}

fn put_test((test, missing): &(Test, Side), to: &mut Encoder) {
    to.bool(*missing == Side::Left);
    let set = |kind: u8, words: &[u64], to: &mut Encoder| {
        to.u8(kind);
        words.iter().for_each(|word| to.u64(*word));
    };
    match test {
        Test::UpTo(threshold) => set(0, &[threshold.to_bits()], to),
        Test::Among(words) => set(1, words, to),
        Test::Except(words) => set(2, words, to),
        Test::UpToButZero(threshold) => set(3, &[threshold.to_bits()], to),
    }
}

/// CRC-64 with the polynomial of ECMA-182, most significant bit first.
fn crc64(bytes: &[u8]) -> u64 {
    const POLYNOMIAL: u64 = 0x42f0_e1eb_a9ea_3693;
    let mut sum = 0_u64;
    for byte in bytes {
        sum ^= u64::from(*byte) << 56;
        for _ in 0..8 {
            let carry = sum >> 63 == 1;
            sum = (sum << 1) ^ if carry { POLYNOMIAL } else { 0 };
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sum_is_the_published_one() {
        // CRC-64/ECMA-182 of the nine digits, from the catalogue of parametrised CRC algorithms.
        assert_eq!(super::crc64(b"123456789"), 0x6c40_df5f_0b49_7347);
    }
}
