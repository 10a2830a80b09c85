//! Scores of the rows and the derivatives of the loss at them, one set an output.

use kolosal_compute::Crew;

use super::objective::{Labels, Objective};

/// Rows whose derivatives are computed in one piece.
const BLOCK: usize = 1 << 12;

/// Scores and derivatives of one output.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) scores: Vec<f64>,
    pub(crate) gradients: Vec<f32>,
    pub(crate) hessians: Vec<f32>,
}

impl Output {
    /// An output whose scores are all the same.
    pub(crate) fn starting_at(start: f64, rows: usize) -> Self {
        Self {
            scores: vec![start; rows],
            gradients: vec![0.0; rows],
            hessians: vec![0.0; rows],
        }
    }
}

/// Computes gradients and hessians of all rows and outputs at their scores.
pub(crate) fn derive_all(
    (objective, labels): (&dyn Objective, &Labels<'_>),
    outputs: &mut [Output],
    crew: &Crew<'_>,
) {
    let blocks = labels.blocks(objective, BLOCK);
    let mut jobs: Vec<DeriveJob<'_>> = blocks
        .iter()
        .map(|block| DeriveJob {
            block: block.clone(),
            scores: Vec::with_capacity(outputs.len()),
            gradients: Vec::with_capacity(outputs.len()),
            hessians: Vec::with_capacity(outputs.len()),
        })
        .collect();
    for output in outputs {
        let (mut gradients, mut hessians) = (&mut output.gradients[..], &mut output.hessians[..]);
        for job in &mut jobs {
            job.scores.push(&output.scores[job.block.clone()]);
            let (mine, rest) = gradients.split_at_mut(job.block.len());
            job.gradients.push(mine);
            gradients = rest;
            let (mine, rest) = hessians.split_at_mut(job.block.len());
            job.hessians.push(mine);
            hessians = rest;
        }
    }
    crew.for_each_mut(&mut jobs, |_, job| {
        let labels = labels.slice(job.block.clone());
        objective.derive(&labels, &job.scores, &mut job.gradients, &mut job.hessians);
    });
}

/// A block of rows whose derivatives are computed.
struct DeriveJob<'a> {
    block: std::ops::Range<usize>,
    scores: Vec<&'a [f64]>,
    gradients: Vec<&'a mut [f32]>,
    hessians: Vec<&'a mut [f32]>,
}
