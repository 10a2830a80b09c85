//! Classical learners: [`baseline::Baseline`], which looks at no feature and which every other has to beat,
//! [`naive_bayes::NaiveBayes`], [`neighbors::Neighbors`] and [`rbf_svm::RbfSvm`].

pub mod baseline;
pub mod naive_bayes;
pub mod neighbors;
pub mod rbf_svm;
mod rows;
mod scores;
#[cfg(test)]
mod testing;
