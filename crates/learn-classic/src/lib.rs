//! Classical learners: [`baseline::Baseline`], which looks at no feature and which every other has to beat,
//! [`naive_bayes::NaiveBayes`], [`neighbors::Neighbors`], [`rbf_svm::RbfSvm`] and
//! [`gaussian_process::GaussianProcess`]; and [`cluster`], which needs no target.

pub mod baseline;
mod border;
pub mod cluster;
pub mod dbscan;
pub mod gaussian_mixture;
pub mod gaussian_process;
pub mod hdbscan;
pub mod hierarchical;
pub mod isolation;
pub mod kmeans;
pub mod local_outlier;
pub mod naive_bayes;
mod near;
pub mod neighbors;
#[cfg(test)]
mod odd_tables;
pub mod rbf_svm;
mod rows;
mod scores;
mod standard;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod unlabelled_tests;
