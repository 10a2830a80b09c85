//! Other answers for the same trees: the structure of a model is kept, its leaves are answered anew from other rows.
//!
//! Trees are replayed in order. Each takes the Newton step of its leaves' rows at the scores so far; a leaf keeps the share
//! `decay` of what it answered, and all of it where no row falls into it. A third of the cost of a new fit, and what was
//! learned on part of the rows is brought to all of them.

use kolosal_learner::{FitContext, FitError};

use super::config::SplitLimits;
use super::derive::{Output, derive_all};
use super::fit::BoostInput;
use super::held_out::tested_values;
use super::leaf::{Bounds, Penalty, Sums};
use super::model::BoostModel;
use super::objective::{LeafRows, Objective};
use super::symmetric::add_up_facts;

/// How leaves are answered anew.
#[derive(Debug, Clone)]
pub struct RefitRule {
    /// Factor on every new answer.
    pub learning_rate: f64,
    /// Penalties on leaf answers.
    pub limits: SplitLimits,
    /// Share of the old answer that is kept.
    pub decay: f64,
}

/// The model with the answers of other rows.
///
/// # Errors
/// [`FitError`] if stopped, short of memory, or given answers that the objective is not defined for.
///
/// # Panics
/// If the rows have other columns than the model.
pub fn refit(
    model: &BoostModel,
    (rule, objective): (&RefitRule, &dyn Objective),
    input: &BoostInput<'_>,
    cx: &FitContext<'_>,
) -> Result<BoostModel, FitError> {
    objective.check(&input.labels)?;
    assert_eq!(
        input.features.column_count(),
        model.features,
        "the columns of the model"
    );
    let (rows, width) = (input.features.row_count(), model.tested_columns());
    let bytes = rows * (width * 8 + model.base.len() * 16 + 4);
    let _memory = cx.reserve(bytes as u64)?;
    let values = tested_values(model, input.features);
    let mut replay = Replay {
        rule,
        objective,
        input,
        leaf_of: vec![0; rows],
        outputs: model
            .base
            .iter()
            .map(|&start| Output::starting_at(start, rows))
            .collect(),
    };
    let mut model = model.clone();
    let mut derived_for = usize::MAX;
    for at in 0..model.trees.len() {
        cx.checkpoint()?;
        // Trees of one round share their derivatives: a new round starts where an output comes again.
        let output = model.trees[at].output as usize;
        if derived_for == usize::MAX || output <= derived_for {
            let crew = kolosal_compute::Crew::alone();
            derive_all((objective, &input.labels), &mut replay.outputs, &crew);
        }
        derived_for = output;
        let tree = &mut model.trees[at];
        tree.lines = None;
        for (row, leaf) in replay.leaf_of.iter_mut().enumerate() {
            *leaf = tree.tree.leaf_of(&values[row * width..(row + 1) * width]);
        }
        replay.answer(tree);
    }
    Ok(model)
}

struct Replay<'a> {
    rule: &'a RefitRule,
    objective: &'a dyn Objective,
    input: &'a BoostInput<'a>,
    leaf_of: Vec<u32>,
    outputs: Vec<Output>,
}

impl Replay<'_> {
    /// Answers one tree's leaves anew and adds them to the scores.
    fn answer(&mut self, tree: &mut super::model::BoostTree) {
        let nodes = tree.tree.node_count();
        let penalty = Penalty::of(&self.rule.limits);
        let outputs = if tree.tree.width() == 1 {
            1
        } else {
            self.outputs.len()
        };
        tree.facts
            .iter_mut()
            .for_each(|facts| (facts.rows, facts.weight) = (0, 0.0));
        for &leaf in &self.leaf_of {
            tree.facts[leaf as usize].rows += 1;
        }
        for at in 0..outputs {
            let output = if outputs == 1 { tree.output as usize } else { at };
            let sums = self.sums(output, nodes);
            for (node, sums) in sums.iter().enumerate() {
                if tree.facts[node].rows == 0 {
                    continue;
                }
                tree.facts[node].weight += sums.hessian as f32;
                let fresh = self.renewed(output, node as u32).unwrap_or_else(|| {
                    penalty.answer(*sums, f64::from(tree.facts[node].rows), 0.0, Bounds::FREE)
                });
                let answer = &mut tree.tree.answer_mut(node as u32)[at];
                *answer =
                    self.rule.decay * *answer + (1.0 - self.rule.decay) * self.rule.learning_rate * fresh;
            }
            let scores = &mut self.outputs[output].scores;
            for (score, &leaf) in scores.iter_mut().zip(&self.leaf_of) {
                *score += tree.tree.answer_of(leaf).expect("rows fall into leaves")[at];
            }
        }
        add_up_facts(&tree.tree, &mut tree.facts);
    }

    fn sums(&self, output: usize, nodes: usize) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); nodes];
        let output = &self.outputs[output];
        for (row, &leaf) in self.leaf_of.iter().enumerate() {
            sums[leaf as usize].gradient += f64::from(output.gradients[row]);
            sums[leaf as usize].hessian += f64::from(output.hessians[row]);
        }
        sums
    }

    /// The objective's own answer for a leaf, if it has one.
    fn renewed(&self, output: usize, leaf: u32) -> Option<f64> {
        if !self.objective.renews() {
            return None;
        }
        let counts = |row: &u32| self.input.labels.weight(*row as usize) > 0.0;
        let rows = (0..self.leaf_of.len() as u32).filter(|row| self.leaf_of[*row as usize] == leaf);
        let rows: Vec<u32> = rows.filter(counts).collect();
        let leaf_rows = LeafRows {
            labels: &self.input.labels,
            rows: &rows,
            scores: &self.outputs[output].scores,
        };
        self.objective.renew(output, &leaf_rows)
    }
}
