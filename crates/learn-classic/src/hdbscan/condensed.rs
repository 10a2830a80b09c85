//! From a spanning tree to groups: mergers, the condensed tree of those large enough, and the choice among them.

use super::params::Selection;
use super::spanning::Edge;
use crate::cluster::NOISE;

/// A group of the condensed tree.
#[derive(Debug, Clone)]
struct Group {
    parent: Option<usize>,
    /// One over the reach at which it came to be.
    birth: f64,
    /// How much denser its rows hold together than it was at its birth, summed.
    stability: f64,
    /// The densest that anything fell out of it.
    densest: f64,
    is_leaf: bool,
}

/// Which rows make a group, and how firmly.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    /// The group of each row, or [`NOISE`].
    pub(super) labels: Vec<u32>,
    pub(super) strengths: Vec<f64>,
    /// One over the reach at which each group came to be.
    pub(super) births: Vec<f64>,
    /// The density at which each group's last rows hold.
    pub(super) densest: Vec<f64>,
}

/// How groups are chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) size_min: usize,
    pub(super) selection: Selection,
    pub(super) allows_one: bool,
}

/// Mergers of rows and earlier mergers, lowest reach first: nodes `count ..` in order, each with its two parts.
struct Mergers {
    count: usize,
    parts: Vec<(usize, usize)>,
    reaches: Vec<f64>,
    sizes: Vec<usize>,
}

impl Mergers {
    fn of(mut edges: Vec<Edge>, count: usize) -> Self {
        edges.sort_by(|a, b| a.reach.total_cmp(&b.reach));
        let mut roots: Vec<usize> = (0..2 * count).collect();
        fn root(roots: &mut [usize], mut at: usize) -> usize {
            while roots[at] != at {
                roots[at] = roots[roots[at]];
                at = roots[at];
            }
            at
        }
        let mut sizes = vec![1; count];
        let (mut parts, mut reaches) = (Vec::new(), Vec::new());
        for edge in edges {
            let a = root(&mut roots, edge.rows.0 as usize);
            let b = root(&mut roots, edge.rows.1 as usize);
            let node = count + parts.len();
            roots[a] = node;
            roots[b] = node;
            sizes.push(sizes[a] + sizes[b]);
            parts.push((a.min(b), a.max(b)));
            reaches.push(edge.reach);
        }
        Self {
            count,
            parts,
            reaches,
            sizes,
        }
    }

    fn rows_below(&self, node: usize) -> Vec<usize> {
        let (mut rows, mut open) = (Vec::new(), vec![node]);
        while let Some(node) = open.pop() {
            if node < self.count {
                rows.push(node);
            } else {
                let (a, b) = self.parts[node - self.count];
                open.extend([b, a]);
            }
        }
        rows
    }
}

/// The condensed tree: groups, and where and how densely each row fell out.
struct Condensed {
    groups: Vec<Group>,
    rows: Vec<(usize, f64)>,
}

impl Condensed {
    fn of(mergers: &Mergers, size_min: usize) -> Self {
        let new = |parent, birth| Group {
            parent,
            birth,
            stability: 0.0,
            densest: 0.0,
            is_leaf: true,
        };
        let mut tree = Self {
            groups: vec![new(None, 0.0)],
            rows: vec![(0, 0.0); mergers.count],
        };
        let mut open = std::collections::VecDeque::from([(mergers.count + mergers.parts.len() - 1, 0_usize)]);
        while let Some((node, group)) = open.pop_front() {
            if node < mergers.count {
                tree.drop_out(&[node], group, tree.groups[group].birth);
                continue;
            }
            let at = node - mergers.count;
            let density = 1.0 / mergers.reaches[at];
            let (a, b) = mergers.parts[at];
            let is_large = |part: usize| mergers.sizes[part] >= size_min;
            if is_large(a) && is_large(b) {
                tree.groups[group].is_leaf = false;
                for part in [a, b] {
                    tree.leave(group, mergers.sizes[part], density);
                    tree.groups.push(new(Some(group), density));
                    open.push_back((part, tree.groups.len() - 1));
                }
                continue;
            }
            for part in [a, b] {
                if is_large(part) {
                    open.push_back((part, group));
                } else {
                    tree.drop_out(&mergers.rows_below(part), group, density);
                }
            }
        }
        tree
    }

    fn leave(&mut self, group: usize, rows: usize, density: f64) {
        let group = &mut self.groups[group];
        // Rows in one place hold at any density; what they add beyond all bounds decides nothing.
        let held = density.min(f64::MAX) - group.birth;
        group.stability = (group.stability + held * rows as f64).min(f64::MAX);
        group.densest = group.densest.max(density);
    }

    fn drop_out(&mut self, rows: &[usize], group: usize, density: f64) {
        self.leave(group, rows.len(), density);
        rows.iter().for_each(|&row| self.rows[row] = (group, density));
    }

    /// Whether each group is chosen.
    fn chosen(&self, choice: Choice) -> Vec<bool> {
        let first = usize::from(!choice.allows_one);
        let count = self.groups.len();
        let mut is_chosen = vec![false; count];
        if choice.selection == Selection::Leaf {
            for (at, is_chosen) in is_chosen.iter_mut().enumerate().skip(first) {
                *is_chosen = self.groups[at].is_leaf;
            }
            return is_chosen;
        }
        let mut best: Vec<f64> = self.groups.iter().map(|group| group.stability).collect();
        let mut below = vec![0.0; count];
        for at in (first..count).rev() {
            is_chosen[at] = self.groups[at].is_leaf || below[at] <= best[at];
            best[at] = best[at].max(below[at]);
            if let Some(parent) = self.groups[at].parent {
                below[parent] += best[at];
            }
        }
        // Below a chosen group none is.
        for at in 1..count {
            let parent = self.groups[at].parent.expect("all but the first have one");
            if is_chosen[parent] || (parent > 0 && self.is_within_chosen(parent, &is_chosen)) {
                is_chosen[at] = false;
            }
        }
        is_chosen
    }

    fn is_within_chosen(&self, mut at: usize, is_chosen: &[bool]) -> bool {
        loop {
            if is_chosen[at] {
                return true;
            }
            match self.groups[at].parent {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }
}

/// Chooses groups of `count` rows.
pub(super) fn choose(edges: Vec<Edge>, count: usize, choice: Choice) -> Chosen {
    if count < 2 {
        return Chosen {
            labels: vec![NOISE; count],
            strengths: vec![0.0; count],
            births: Vec::new(),
            densest: Vec::new(),
        };
    }
    let tree = Condensed::of(&Mergers::of(edges, count), choice.size_min);
    let is_chosen = tree.chosen(choice);
    // Groups are numbered as their first rows come.
    let mut names = vec![NOISE; tree.groups.len()];
    let mut chosen = Chosen {
        labels: vec![NOISE; count],
        strengths: vec![0.0; count],
        births: Vec::new(),
        densest: Vec::new(),
    };
    for (row, &(fell_from, density)) in tree.rows.iter().enumerate() {
        let mut group = Some(fell_from);
        while let Some(at) = group.filter(|&at| !is_chosen[at]) {
            group = tree.groups[at].parent;
        }
        let Some(at) = group else { continue };
        if names[at] == NOISE {
            names[at] = chosen.births.len() as u32;
            chosen.births.push(tree.groups[at].birth);
            chosen.densest.push(tree.groups[at].densest);
        }
        chosen.labels[row] = names[at];
        chosen.strengths[row] = strength(density, tree.groups[at].densest);
    }
    chosen
}

/// How dense a row holds beside the densest of its group.
pub(super) fn strength(density: f64, densest: f64) -> f64 {
    if densest == 0.0 || densest.is_infinite() && density.is_infinite() {
        return 1.0;
    }
    (density.min(densest) / densest).clamp(0.0, 1.0)
}
