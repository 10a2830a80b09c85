//! Classical learners: [`baseline::Baseline`], which looks at no feature and which every other has to beat,
//! [`naive_bayes::NaiveBayes`] and [`neighbors::Neighbors`].

pub mod baseline;
pub mod naive_bayes;
pub mod neighbors;
mod rows;
mod scores;
#[cfg(test)]
mod testing;
