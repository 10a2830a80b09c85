//! Clumps of rows that stand for them: the first phase of BIRCH (Zhang, Ramakrishnan, Livny 1996).
//!
//! A tree of sums takes point after point: each goes down to the nearest child, and at the bottom into the nearest clump if
//! that stays no wider than a radius, else it is a clump of its own; full nodes part along their two farthest entries. When
//! there are too many clumps the radius grows and the clumps themselves are taken again.

use kolosal_learner::{FitContext, FitError};

use super::Cloud;

/// Entries of a node, at most.
const FAN: usize = 32;
/// Points between two looks at the clock.
const BLOCK: usize = 4096;

/// Points by their number, sum and sum of squared lengths.
#[derive(Debug, Clone)]
struct Sums {
    count: f64,
    sum: Vec<f64>,
    squares: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.squares += other.squares;
        self.sum.iter_mut().zip(&other.sum).for_each(|(a, b)| *a += b);
    }

    /// Squared distance between the centres.
    fn far(&self, other: &Self) -> f64 {
        let pairs = self.sum.iter().zip(&other.sum);
        pairs
            .map(|(a, b)| (a / self.count - b / other.count).powi(2))
            .sum()
    }

    /// Mean squared distance from the centre when another joins.
    fn squared_radius_with(&self, other: &Self) -> f64 {
        let count = self.count + other.count;
        let centre: f64 = self
            .sum
            .iter()
            .zip(&other.sum)
            .map(|(a, b)| ((a + b) / count).powi(2))
            .sum();
        ((self.squares + other.squares) / count - centre).max(0.0)
    }
}

/// The sums of a clump, with no node below it, or of all that is below a node.
type Entry = (Sums, Option<Box<Node>>);

/// Entries, all of one kind.
#[derive(Debug, Default)]
struct Node {
    entries: Vec<Entry>,
}

struct Tree {
    root: Node,
    squared_radius: f64,
    clumps: usize,
}

/// No more than `most` clumps of a cloud: their centres and sizes.
pub(crate) fn clumps(cloud: &Cloud, most: usize, cx: &FitContext<'_>) -> Result<(Cloud, Vec<f64>), FitError> {
    let mut tree = Tree {
        root: Node::default(),
        squared_radius: 0.0,
        clumps: 0,
    };
    for row in 0..cloud.len() {
        if row % BLOCK == 0 {
            cx.checkpoint()?;
        }
        let point = cloud.point(row);
        tree.take(Sums {
            count: 1.0,
            sum: point.to_vec(),
            squares: point.iter().map(|x| x * x).sum(),
        });
        while tree.clumps > most {
            tree = tree.coarser();
        }
    }
    let mut all = Vec::new();
    gather(tree.root, &mut all);
    let sizes: Vec<f64> = all.iter().map(|clump| clump.count).collect();
    let centres = all
        .iter()
        .flat_map(|clump| clump.sum.iter().map(|x| x / clump.count))
        .collect();
    Ok((Cloud::from_points(centres, cloud.width), sizes))
}

fn gather(node: Node, all: &mut Vec<Sums>) {
    for (sums, below) in node.entries {
        match below {
            Some(below) => gather(*below, all),
            None => all.push(sums),
        }
    }
}

impl Tree {
    fn take(&mut self, sums: Sums) {
        let squared_radius = self.squared_radius;
        self.clumps += usize::from(self.root.take(sums, squared_radius));
        if self.root.entries.len() > FAN {
            let (a, b) = std::mem::take(&mut self.root).parted();
            self.root.entries = vec![a, b];
        }
    }

    /// The clumps taken again with a wider radius: that at which every other clump would join its nearest in its leaf.
    fn coarser(self) -> Self {
        let mut joins = Vec::new();
        self.root.nearest_joins(&mut joins);
        joins.sort_by(f64::total_cmp);
        let median = joins.get(joins.len() / 2).copied().unwrap_or(0.0);
        let squared_radius = median.max(self.squared_radius * 1.2).max(f64::MIN_POSITIVE);
        let mut all = Vec::new();
        gather(self.root, &mut all);
        let mut tree = Self {
            root: Node::default(),
            squared_radius,
            clumps: 0,
        };
        all.into_iter().for_each(|sums| tree.take(sums));
        tree
    }
}

impl Node {
    /// Takes a clump or point; whether it is a clump of its own. The caller parts the node if it is too full.
    fn take(&mut self, sums: Sums, squared_radius: f64) -> bool {
        let Some(nearest) = self.nearest(&sums) else {
            self.entries.push((sums, None));
            return true;
        };
        let (own, below) = &mut self.entries[nearest];
        let Some(node) = below else {
            if own.squared_radius_with(&sums) <= squared_radius || own.far(&sums) == 0.0 {
                own.add(&sums);
                return false;
            }
            self.entries.push((sums, None));
            return true;
        };
        own.add(&sums);
        let is_new = node.take(sums, squared_radius);
        if node.entries.len() > FAN {
            let (a, b) = std::mem::take(&mut **node).parted();
            self.entries[nearest] = a;
            self.entries.push(b);
        }
        is_new
    }

    fn nearest(&self, sums: &Sums) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (at, (own, _)) in self.entries.iter().enumerate() {
            let far = own.far(sums);
            if best.is_none_or(|best| far < best.0) {
                best = Some((far, at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// Two nodes around the two entries farthest apart, each with its sums.
    fn parted(self) -> (Entry, Entry) {
        let (mut seeds, mut farthest) = ((0, 1), -1.0);
        for a in 0..self.entries.len() {
            for b in a + 1..self.entries.len() {
                let far = self.entries[a].0.far(&self.entries[b].0);
                if far > farthest {
                    (seeds, farthest) = ((a, b), far);
                }
            }
        }
        let (first, second) = (self.entries[seeds.0].0.clone(), self.entries[seeds.1].0.clone());
        let (mut a, mut b) = (Self::default(), Self::default());
        for (at, entry) in self.entries.into_iter().enumerate() {
            let is_first = at == seeds.0 || (at != seeds.1 && entry.0.far(&first) <= entry.0.far(&second));
            if is_first { &mut a } else { &mut b }.entries.push(entry);
        }
        (a.summed(), b.summed())
    }

    fn summed(self) -> Entry {
        let mut total = self.entries[0].0.clone();
        self.entries[1..].iter().for_each(|(sums, _)| total.add(sums));
        (total, Some(Box::new(self)))
    }

    /// For each clump, the squared radius at which it would join its nearest in the same leaf.
    fn nearest_joins(&self, joins: &mut Vec<f64>) {
        for (at, (own, below)) in self.entries.iter().enumerate() {
            match below {
                Some(below) => below.nearest_joins(joins),
                None => {
                    let others = self.entries.iter().enumerate().filter(|(other, _)| *other != at);
                    let join = others.map(|(_, (other, _))| own.squared_radius_with(other));
                    joins.extend(join.min_by(f64::total_cmp));
                }
            }
        }
    }
}
