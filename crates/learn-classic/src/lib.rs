//! Classical learners: [`baseline::Baseline`], which looks at no feature and which every other has to beat, and
//! [`naive_bayes::NaiveBayes`].

pub mod baseline;
pub mod naive_bayes;
mod scores;
#[cfg(test)]
mod testing;
