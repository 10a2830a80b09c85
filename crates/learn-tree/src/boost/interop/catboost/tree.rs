//! Trees of a CatBoost model: oblivious ones and others.

use super::super::InteropError;
use super::super::place::Place;
use super::super::sketch::{Part, SketchNode, assemble};
use super::rules::Rules;
use crate::boost::model::{BoostTree, NodeFacts};

/// Levels of an oblivious tree: CatBoost's own limit.
const DEPTH_MAX: usize = 16;

/// What all trees of a model share.
pub(super) struct TreeReader<'a> {
    pub(super) rules: Rules<'a>,
    pub(super) outputs: usize,
    /// What answers are multiplied by.
    pub(super) scale: f64,
}

impl TreeReader<'_> {
    /// A tree whose levels have one split each; the first split is the lowest bit of a leaf's number.
    pub(super) fn oblivious(&mut self, tree: &Place<'_>) -> Result<BoostTree, InteropError> {
        let splits = match tree.find("splits")?.filter(|splits| !splits.value().is_null()) {
            Some(list) => list
                .items()?
                .map(|split| self.rules.read(&split))
                .collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        let depth = splits.len();
        if depth > DEPTH_MAX {
            return Err(tree.damaged(format!("{depth} levels where {DEPTH_MAX} can be at most")));
        }
        let leaves = 1_usize << depth;
        let values = tree.get("leaf_values")?.numbers(Some(leaves * self.outputs))?;
        let weights = match tree
            .find("leaf_weights")?
            .filter(|list| list.array().is_ok_and(|items| !items.is_empty()))
        {
            Some(list) => list.numbers(Some(leaves))?,
            None => vec![0.0; leaves],
        };
        let mut nodes = Vec::with_capacity(2 * leaves - 1);
        for (level, (feature, test, missing)) in splits.iter().rev().enumerate() {
            for at in 0..1 << level {
                let first = (2 << level) - 1 + 2 * at;
                nodes.push(SketchNode {
                    part: Part::Split {
                        feature: *feature,
                        test: test.clone(),
                        missing: *missing,
                        children: [first, first + 1],
                    },
                    facts: NodeFacts::default(),
                });
            }
        }
        let answers = values.chunks_exact(self.outputs).zip(weights);
        nodes.extend(answers.map(|(answer, weight)| self.leaf(answer, weight)));
        self.finish(nodes, tree)
    }

    /// A tree of nested nodes.
    pub(super) fn nested(&mut self, tree: &Place<'_>) -> Result<BoostTree, InteropError> {
        let mut nodes = Vec::new();
        self.push(tree, &mut nodes)?;
        self.finish(nodes, tree)
    }

    /// Appends a node and all below it; the depth is bounded by that of a readable JSON text.
    fn push(&mut self, node: &Place<'_>, nodes: &mut Vec<SketchNode>) -> Result<usize, InteropError> {
        let at = nodes.len();
        let Some(split) = node.find("split")? else {
            let weight = node.find("weight")?.map_or(Ok(0.0), |weight| weight.number())?;
            let value = node.get("value")?;
            let answer = if value.value().is_array() {
                value.numbers(Some(self.outputs))?
            } else {
                vec![value.number()?]
            };
            nodes.push(self.leaf(&answer, weight));
            return Ok(at);
        };
        let (feature, test, missing) = self.rules.read(&split)?;
        let part = |children| Part::Split {
            feature,
            test: test.clone(),
            missing,
            children,
        };
        nodes.push(SketchNode {
            part: part([0, 0]),
            facts: NodeFacts::default(),
        });
        let left = self.push(&node.get("left")?, nodes)?;
        let right = self.push(&node.get("right")?, nodes)?;
        nodes[at].part = part([left, right]);
        Ok(at)
    }

    fn leaf(&self, answer: &[f64], weight: f64) -> SketchNode {
        SketchNode {
            part: Part::Leaf {
                answer: answer.iter().map(|value| value * self.scale).collect(),
                line: None,
            },
            facts: facts(weight),
        }
    }

    fn finish(&self, mut nodes: Vec<SketchNode>, tree: &Place<'_>) -> Result<BoostTree, InteropError> {
        // Children stand behind their parents, so that sums are known from the end.
        let mut weights: Vec<f64> = nodes.iter().map(|node| f64::from(node.facts.weight)).collect();
        for at in (0..nodes.len()).rev() {
            if let Part::Split {
                children: [left, right],
                ..
            } = nodes[at].part
            {
                weights[at] = weights[left] + weights[right];
                nodes[at].facts = facts(weights[at]);
            }
        }
        let assembled = assemble(&nodes, self.outputs, 0).map_err(|what| tree.damaged(what))?;
        Ok(assembled.tree)
    }
}

/// Weights are rows where rows had none of their own.
fn facts(weight: f64) -> NodeFacts {
    NodeFacts {
        gain: 0.0,
        weight: weight as f32,
        rows: weight.round() as u32,
    }
}
