//! From the trees of a model to their compiled forms.

use kolosal_compute::kernels::trees::{DEPTH_MAX, Grove, Question, Step, Tables};

use super::codebook::{Codebook, Index};
use super::{Answers, Compiled, Form, Place, Run};
use crate::boost::model::{BoostModel, BoostTree};

impl Compiled {
    /// Compiles a model.
    pub(crate) fn new(model: &BoostModel) -> Self {
        let (codebook, index) = Codebook::new(&model.trees);
        let mut compiled = Self {
            codebook,
            grove: Grove::default(),
            tables: Tables::default(),
            runs: Vec::new(),
            places: Vec::with_capacity(model.trees.len()),
            values: Vec::new(),
            leaf_nodes: Vec::new(),
            reads_values: model.encodings.count() > 0,
        };
        for tree in &model.trees {
            compiled.push(tree, &index);
        }
        compiled.grove.shrink();
        compiled.tables.shrink();
        compiled.values.shrink_to_fit();
        compiled
    }

    fn push(&mut self, tree: &BoostTree, index: &Index) {
        let nodes = level_order(tree);
        let steps = self.steps(tree, &nodes, index);
        let (form, first) = match steps {
            None => (Form::Plain, 0),
            Some(steps) => match questions(&steps) {
                Some(questions) => {
                    self.tables.push(&questions);
                    (Form::Oblivious, self.tables.len() - 1)
                }
                None if self.grove.push(&steps) => (Form::Packed, self.grove.len() - 1),
                None => (Form::Plain, 0),
            },
        };
        self.push_answers(tree, &nodes, form);
        self.reads_values |= form == Form::Plain || tree.lines.is_some();
        let at = self.places.len() - 1;
        let is_plain_sum = matches!(self.places[at].answers, Answers::One { .. });
        match self.runs.last_mut() {
            Some(run) if (run.form, run.is_plain_sum) == (form, is_plain_sum) => run.trees.end = at + 1,
            _ => self.runs.push(Run {
                form,
                trees: at..at + 1,
                first,
                is_plain_sum,
            }),
        }
    }

    /// The steps of a tree in level order; `None` if one of its tests has no code.
    fn steps(&self, tree: &BoostTree, nodes: &[u32], index: &Index) -> Option<Vec<Step>> {
        let step = |&node: &u32| {
            let Some((column, _)) = tree.tree.split_of(node) else {
                return Some(Step::Leaf);
            };
            let (slot, cut) = self.codebook.question(index, column, tree.tree.test_of(node))?;
            Some(Step::Split { slot, cut })
        };
        nodes.iter().map(step).collect()
    }

    fn push_answers(&mut self, tree: &BoostTree, nodes: &[u32], form: Form) {
        let values = self.values.len() as u32;
        let leaves: Vec<u32> = nodes
            .iter()
            .copied()
            .filter(|&node| tree.tree.split_of(node).is_none())
            .collect();
        if form != Form::Plain {
            let answer = |node: u32| tree.tree.answer_of(node).expect("leaves answer");
            for output in 0..tree.tree.width() {
                self.values
                    .extend(leaves.iter().map(|&leaf| answer(leaf)[output]));
            }
        }
        let answers = match (tree.tree.width(), &tree.lines) {
            (1, None) => Answers::One { output: tree.output },
            (1, Some(_)) => {
                self.leaf_nodes.extend(&leaves);
                Answers::Lines {
                    output: tree.output,
                    nodes: (self.leaf_nodes.len() - leaves.len()) as u32,
                }
            }
            _ => Answers::All,
        };
        self.places.push(Place {
            values,
            leaves: leaves.len() as u32,
            answers,
        });
    }
}

/// The nodes of a tree level by level.
fn level_order(tree: &BoostTree) -> Vec<u32> {
    let mut nodes = Vec::with_capacity(tree.tree.node_count());
    nodes.push(0);
    let mut at = 0;
    while at < nodes.len() {
        if let Some((_, left)) = tree.tree.split_of(nodes[at]) {
            nodes.extend([left, left + 1]);
        }
        at += 1;
    }
    nodes
}

/// The question of each level, if all nodes of a level ask the same one and all leaves have one depth.
fn questions(steps: &[Step]) -> Option<Vec<Question>> {
    let depth = (steps.len() + 1).ilog2() as usize - 1;
    if depth == 0 || depth > DEPTH_MAX || steps.len() + 1 != 2 << depth {
        return None;
    }
    let question = |level: usize| {
        let nodes = &steps[(1 << level) - 1..(2 << level) - 1];
        match nodes[0] {
            Step::Split { slot, cut } if nodes.iter().all(|step| *step == nodes[0]) => {
                Some(Question { slot, cut })
            }
            _ => None,
        }
    };
    (0..depth).map(question).collect()
}
