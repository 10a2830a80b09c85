//! Feature transforms, each fitted on training rows alone.
//!
//! | name | what it makes |
//! |---|---|
//! | [`DateParts`] | year, month, day, weekday, hour of each moment |
//! | [`TextFeatures`] | hashed TF-IDF of words and word pairs, and lengths |
//! | [`Combinations`] | what two columns say together: sums to quotients, target means of categories and pairs, distances from means of groups |
//! | [`TargetStatistics`] | ordered target statistics in place of categories with many levels |
//! | [`RareLevels`] | levels seen seldom joined into one |
//! | [`OneHot`] | a 0/1 column a level |
//! | [`Impute`] | medians in place of missing numbers, and indicators of where |
//! | [`Scale`] | numbers with mean zero and variance one |
//!
//! [`load`] reads any of them back. [`chain_for`] says which of them a learner needs for a table.

mod chain;
mod combinations;
mod date_parts;
mod impute;
mod one_hot;
mod output;
mod rare_levels;
mod scale;
mod target_statistics;
mod text_features;

#[cfg(test)]
mod testing;

pub use chain::{Needs, chain_for};
pub use combinations::Combinations;
pub use date_parts::DateParts;
pub use impute::Impute;
pub use one_hot::OneHot;
pub use rare_levels::RareLevels;
pub use scale::Scale;
pub use target_statistics::TargetStatistics;
pub use text_features::TextFeatures;

use kolosal_learner::{ArtifactError, Decoder, FittedTransform, Transform};

/// Every transform, with its default settings.
pub const TRANSFORMS: &[&dyn Transform] = &[
    &DateParts,
    &TextFeatures::DEFAULT,
    &Combinations::DEFAULT,
    &TargetStatistics::DEFAULT,
    &RareLevels::DEFAULT,
    &OneHot,
    &Impute,
    &Scale,
];

/// Reads a fitted transform back by its name.
///
/// # Errors
/// [`ArtifactError::UnknownPart`] for a name this version does not have, or what [`Transform::load`] says.
pub fn load(name: &str, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
    let found = TRANSFORMS.iter().find(|transform| transform.name() == name);
    found
        .ok_or_else(|| ArtifactError::UnknownPart {
            name: name.to_owned(),
        })?
        .load(from)
}
