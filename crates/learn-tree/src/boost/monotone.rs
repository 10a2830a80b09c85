//! Bounds that keep answers monotone in a column.
//!
//! The basic way parts two children by the middle of their answers, for ever. The intermediate way bounds each leaf by the answers
//! that the leaves across a monotone split give now, which leaves more room; every split then tightens the bounds of the leaves
//! across the monotone splits above it. All leaves across such a split count, whether or not they border on each other.

use super::config::MonotoneMethod;
use super::leaf::Bounds;

/// The tree so far, as far as bounds need it: for each node its parent, and for splits the direction of their column.
#[derive(Debug)]
pub(crate) struct Lineage {
    parents: Vec<u32>,
    depths: Vec<u32>,
    directions: Vec<i8>,
}

impl Lineage {
    /// A tree that is one leaf.
    pub(crate) fn new() -> Self {
        Self {
            parents: vec![0],
            depths: vec![0],
            directions: vec![0],
        }
    }

    /// Records a split and its two children, which come next in the numbering.
    pub(crate) fn split(&mut self, node: u32, direction: i8) {
        self.directions[node as usize] = direction;
        self.parents.extend([node; 2]);
        self.depths.extend([self.depths[node as usize] + 1; 2]);
        self.directions.extend([0; 2]);
    }

    /// How a leaf's answer has to lie to another's: 1 not below it, -1 not above it, 0 as it likes.
    pub(crate) fn order(&self, leaf: u32, other: u32) -> i8 {
        let (mut a, mut b) = (leaf, other);
        while self.parents[a as usize] != self.parents[b as usize] {
            if self.depths[a as usize] >= self.depths[b as usize] {
                a = self.parents[a as usize];
            } else {
                b = self.parents[b as usize];
            }
        }
        // Children stand side by side, the left one first; a leaf below the other has no split between them.
        match a.cmp(&b) {
            std::cmp::Ordering::Less => -self.directions[self.parents[a as usize] as usize],
            std::cmp::Ordering::Greater => self.directions[self.parents[a as usize] as usize],
            std::cmp::Ordering::Equal => 0,
        }
    }

    /// The bounds of a leaf once another answers with `answer`.
    pub(crate) fn tightened(&self, bounds: Bounds, (leaf, other): (u32, u32), answer: f64) -> Bounds {
        match self.order(leaf, other) {
            1 => Bounds {
                low: bounds.low.max(answer),
                ..bounds
            },
            -1 => Bounds {
                high: bounds.high.min(answer),
                ..bounds
            },
            _ => bounds,
        }
    }
}

/// Bounds of both children where the split's column is monotone: the middle of their answers, or each the other's answer.
pub(crate) fn split_bounds(
    parent: Bounds,
    answers: [f64; 2],
    (monotone, method): (i8, MonotoneMethod),
) -> [Bounds; 2] {
    let ends = match method {
        MonotoneMethod::Basic => [f64::midpoint(answers[0], answers[1]); 2],
        MonotoneMethod::Intermediate => [answers[1], answers[0]],
    };
    let below = |end: f64| Bounds {
        high: parent.high.min(end),
        ..parent
    };
    let above = |end: f64| Bounds {
        low: parent.low.max(end),
        ..parent
    };
    match monotone {
        1 => [below(ends[0]), above(ends[1])],
        -1 => [above(ends[0]), below(ends[1])],
        _ => [parent; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_ordered_by_the_split_that_parts_them() {
        // 0 splits upwards into 1 and 2; 1 splits freely into 3 and 4; 2 splits downwards into 5 and 6.
        let mut lineage = Lineage::new();
        lineage.split(0, 1);
        lineage.split(1, 0);
        lineage.split(2, -1);
        assert_eq!([lineage.order(3, 5), lineage.order(5, 3)], [-1, 1]);
        assert_eq!([lineage.order(3, 4), lineage.order(4, 3)], [0, 0]);
        assert_eq!([lineage.order(5, 6), lineage.order(6, 5)], [1, -1]);
        let bounds = lineage.tightened(Bounds::FREE, (4, 6), 2.5);
        assert_eq!((bounds.low, bounds.high), (f64::NEG_INFINITY, 2.5));
    }

    #[test]
    fn children_are_parted_by_the_middle_or_by_each_other() {
        let basic = split_bounds(Bounds::FREE, [1.0, 3.0], (1, MonotoneMethod::Basic));
        assert_eq!((basic[0].high, basic[1].low), (2.0, 2.0));
        let between = split_bounds(Bounds::FREE, [3.0, 1.0], (-1, MonotoneMethod::Intermediate));
        assert_eq!((between[0].low, between[1].high), (1.0, 3.0));
        assert_eq!(
            split_bounds(Bounds::FREE, [1.0, 3.0], (0, MonotoneMethod::Basic)),
            [Bounds::FREE; 2]
        );
    }
}
