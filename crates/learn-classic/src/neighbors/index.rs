//! The training points, in leaves that are stored column by column, and the tree of boxes above them.

use kolosal_compute::kernels::{Loop, absolute_distances, squared_distances, widest};
use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FitError};

use super::nearest::Nearest;
use super::params::Metric;
use super::space::Space;

/// Points of a block that is searched as a whole.
const BLOCK: usize = 256;
/// Points of a leaf of the tree, at most.
const LEAF: usize = 40;
/// Rounding may make a box look a little farther than the points in it.
const SLACK: f64 = 1.0 - 1e-12;
/// How many times as many numbers may be held as are written.
const SHORTER_MAX: usize = 64;
/// No tree over so many points is deeper.
const DEPTH_MAX: usize = 64;

/// A box and what lies in it.
#[derive(Debug, Clone, PartialEq)]
struct Node {
    /// The first of two nodes that follow one another, or zero for a leaf.
    child: u32,
    /// The leaf, if it is one.
    leaf: u32,
}

/// Points to search in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Index {
    width: usize,
    /// Leaf `l` holds the points `starts[l] .. starts[l + 1]`.
    starts: Vec<u32>,
    /// The training row of each point.
    rows: Vec<u32>,
    /// Number `j` of point `i` of a leaf at `start * width + j * count + i`.
    numbers: Vec<f64>,
    /// Empty where all leaves are searched.
    nodes: Vec<Node>,
    /// Lowest and highest number of each node on each axis: `[(node * axes + axis) * 2]`.
    boxes: Vec<f64>,
    has_gaps: bool,
}

impl Index {
    /// All points in blocks, in their order.
    pub(crate) fn blocks(points: &[f64], width: usize, count: usize) -> Self {
        let order: Vec<u32> = (0..count as u32).collect();
        let mut starts: Vec<u32> = (0..count).step_by(BLOCK).map(|start| start as u32).collect();
        starts.push(count as u32);
        Self::stored(points, width, order, starts)
    }

    /// A tree over the first `axes` numbers of the points.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(crate) fn tree(
        points: &[f64],
        width: usize,
        axes: usize,
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let count = points.len() / width;
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut build = Build {
            points,
            width,
            axes,
            nodes: vec![Node { child: 0, leaf: 0 }],
            boxes: vec![0.0; 2 * axes],
            starts: vec![0],
        };
        build.split(0, &mut order, cx)?;
        let Build {
            nodes, boxes, starts, ..
        } = build;
        Ok(Self {
            nodes,
            boxes,
            ..Self::stored(points, width, order, starts)
        })
    }

    fn stored(points: &[f64], width: usize, rows: Vec<u32>, starts: Vec<u32>) -> Self {
        let mut numbers = Vec::with_capacity(points.len());
        for leaf in starts.windows(2) {
            let rows = &rows[leaf[0] as usize..leaf[1] as usize];
            for j in 0..width {
                numbers.extend(rows.iter().map(|row| points[*row as usize * width + j]));
            }
        }
        Self {
            width,
            starts,
            has_gaps: numbers.iter().any(|number| number.is_nan()),
            rows,
            numbers,
            nodes: Vec::new(),
            boxes: Vec::new(),
        }
    }

    /// How many points there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Finds the closest points of each query; as many lists as queries are filled. Distances are powers or sums, as the
    /// metric makes them before the last step.
    pub(crate) fn search(&self, space: &Space, queries: &[f64], lists: &mut [Nearest]) {
        lists.iter_mut().for_each(Nearest::clear);
        let queries: Vec<&[f64]> = if self.width == 0 {
            vec![&[]; lists.len()]
        } else {
            queries.chunks_exact(self.width).collect()
        };
        let mut room = vec![0.0; BLOCK * queries.len()];
        if self.nodes.is_empty() {
            for leaf in 0..self.starts.len() - 1 {
                self.search_leaf(leaf, space, (&queries, &mut *lists), &mut room);
            }
            return;
        }
        for (query, list) in queries.iter().zip(lists) {
            let far = self.far(0, query, space);
            self.descend((0, far), space, (query, list), &mut room);
        }
    }

    /// Adds the rows of all points within a distance of the query, as the metric makes it before the last step.
    pub(crate) fn within(&self, space: &Space, query: &[f64], reach: f64, found: &mut Vec<u32>) {
        let mut room = [0.0; BLOCK];
        let mut search = |leaf: usize| {
            let (start, end) = (self.starts[leaf] as usize, self.starts[leaf + 1] as usize);
            let distances = &mut room[..end - start];
            whole(
                &[query],
                space,
                &self.numbers[start * self.width..end * self.width],
                distances,
            );
            let near = distances
                .iter()
                .zip(&self.rows[start..end])
                .filter(|(far, _)| **far <= reach);
            found.extend(near.map(|(_, row)| *row));
        };
        if self.nodes.is_empty() {
            (0..self.starts.len() - 1).for_each(search);
            return;
        }
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            if self.far(node, query, space) * SLACK > reach {
                continue;
            }
            match self.nodes[node] {
                Node { child: 0, leaf } => search(leaf as usize),
                Node { child, .. } => open.extend([child as usize, child as usize + 1]),
            }
        }
    }

    /// How many leaves there are.
    pub(crate) fn leaf_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The rows of the points of a leaf.
    pub(crate) fn leaf_rows(&self, leaf: usize) -> &[u32] {
        &self.rows[self.starts[leaf] as usize..self.starts[leaf + 1] as usize]
    }

    /// As [`Self::within`] for queries that lie close together: the boxes are walked once for all of them.
    pub(crate) fn within_together(
        &self,
        space: &Space,
        queries: &[&[f64]],
        reach: f64,
        found: &mut [Vec<u32>],
    ) {
        let mut room = vec![0.0; BLOCK * queries.len()];
        let (mut near, mut asked): (Vec<usize>, Vec<&[f64]>) = (Vec::new(), Vec::new());
        let axes = space.axis_count();
        let around = bounds(queries, axes);
        let columns: Vec<f64> = (0..axes)
            .flat_map(|axis| queries.iter().map(move |query| query[axis]))
            .collect();
        let mut sums = vec![0.0; queries.len()];
        for (leaf, node) in self.leaves_near(space, &around, reach) {
            sums.fill(0.0);
            if let Some(node) = node {
                widest(BoxDistances {
                    bounds: self.bounds(node, axes),
                    columns: &columns,
                    is_squared: space.metric == Metric::Euclidean,
                    sums: &mut sums,
                });
            }
            near.clear();
            near.extend((0..queries.len()).filter(|&at| sums[at] * SLACK <= reach));
            if near.is_empty() {
                continue;
            }
            asked.clear();
            asked.extend(near.iter().map(|&at| queries[at]));
            let rows = self.leaf_rows(leaf);
            let start = self.starts[leaf] as usize * self.width;
            let distances = &mut room[..rows.len() * asked.len()];
            let block = &self.numbers[start..start + rows.len() * self.width];
            whole(&asked, space, block, distances);
            for (&at, distances) in near.iter().zip(distances.chunks_exact(rows.len())) {
                let close = distances.iter().zip(rows).filter(|(far, _)| **far <= reach);
                found[at].extend(close.map(|(_, row)| *row));
            }
        }
    }

    /// Leaves, with their nodes where there are any, whose boxes are within reach of a box.
    fn leaves_near(&self, space: &Space, around: &[[f64; 2]], reach: f64) -> Vec<(usize, Option<usize>)> {
        if self.nodes.is_empty() {
            return (0..self.leaf_count()).map(|leaf| (leaf, None)).collect();
        }
        let is_squared = space.metric == Metric::Euclidean;
        let far = |node: usize| {
            let boxes = self.bounds(node, around.len());
            let off = |([low, high], [first, last]): (&[f64; 2], &[f64; 2])| {
                let off = (low - last).max(first - high).max(0.0);
                if is_squared { off * off } else { off }
            };
            boxes.iter().zip(around).map(off).sum::<f64>()
        };
        let (mut open, mut leaves) = (vec![0], Vec::new());
        while let Some(node) = open.pop() {
            if far(node) * SLACK > reach {
                continue;
            }
            match self.nodes[node] {
                Node { child: 0, leaf } => leaves.push((leaf as usize, Some(node))),
                Node { child, .. } => open.extend([child as usize, child as usize + 1]),
            }
        }
        leaves
    }

    /// Searches below a node whose box is `far` from the query.
    fn descend(
        &self,
        (node, far): (usize, f64),
        space: &Space,
        (query, list): (&[f64], &mut Nearest),
        room: &mut [f64],
    ) {
        if far * SLACK > list.reach() {
            return;
        }
        let Node { child, leaf } = self.nodes[node];
        if child == 0 {
            self.search_leaf(leaf as usize, space, (&[query], std::slice::from_mut(list)), room);
            return;
        }
        let child = child as usize;
        let (first, second) = (self.far(child, query, space), self.far(child + 1, query, space));
        let order = if second < first {
            [(child + 1, second), (child, first)]
        } else {
            [(child, first), (child + 1, second)]
        };
        for (child, far) in order {
            self.descend((child, far), space, (query, list), room);
        }
    }

    /// The lowest and the highest number of a node on each axis.
    fn bounds(&self, node: usize, axes: usize) -> &[[f64; 2]] {
        self.boxes[node * 2 * axes..][..2 * axes].as_chunks::<2>().0
    }

    /// The distance of a query from the box of a node.
    fn far(&self, node: usize, query: &[f64], space: &Space) -> f64 {
        let axes = space.axis_count();
        let bounds = self.bounds(node, axes);
        let is_squared = space.metric == Metric::Euclidean;
        let mut far = 0.0;
        for (x, [low, high]) in query.iter().zip(bounds) {
            // A missing number is in every box.
            let off = (low - x).max(x - high).max(0.0);
            far += if is_squared { off * off } else { off };
        }
        if space.metric == Metric::Gower {
            let present = query.iter().filter(|x| !x.is_nan()).count();
            far /= present.max(1) as f64;
        }
        far
    }

    fn search_leaf(
        &self,
        leaf: usize,
        space: &Space,
        (queries, lists): (&[&[f64]], &mut [Nearest]),
        room: &mut [f64],
    ) {
        let (start, end) = (self.starts[leaf] as usize, self.starts[leaf + 1] as usize);
        let count = end - start;
        let block = &self.numbers[start * self.width..end * self.width];
        let distances = &mut room[..count * queries.len()];
        let is_gappy = self.has_gaps || queries.iter().any(|query| query.iter().any(|x| x.is_nan()));
        if is_gappy {
            for (query, distances) in queries.iter().zip(distances.chunks_exact_mut(count.max(1))) {
                gower(query, space.axis_count(), block, distances);
            }
        } else {
            whole(queries, space, block, distances);
        }
        for (list, distances) in lists.iter_mut().zip(distances.chunks_exact(count.max(1))) {
            let mut reach = list.reach();
            for (distance, row) in distances.iter().zip(&self.rows[start..end]) {
                if *distance <= reach {
                    list.offer(*distance, *row);
                    reach = list.reach();
                }
            }
        }
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.u32s(&self.starts);
        to.u32s(&self.rows);
        save_numbers(&self.numbers, to);
        to.u32s(&self.nodes.iter().map(|node| node.child).collect::<Vec<_>>());
        to.u32s(&self.nodes.iter().map(|node| node.leaf).collect::<Vec<_>>());
        to.f64s(&self.boxes);
    }

    pub(crate) fn load(from: &mut Decoder<'_>, space: &Space) -> Result<Self, ArtifactError> {
        let starts = from.u32s()?;
        Self::load_after(starts, from, space)
    }

    /// As [`Self::load`], where the starts of the leaves were read already.
    pub(super) fn load_after(
        starts: Vec<u32>,
        from: &mut Decoder<'_>,
        space: &Space,
    ) -> Result<Self, ArtifactError> {
        let rows = from.u32s()?;
        let numbers = load_numbers(from, rows.len().checked_mul(space.width()))?;
        let (children, leaves, boxes) = (from.u32s()?, from.u32s()?, from.f64s()?);
        let (width, count) = (space.width(), rows.len());
        check_rows(&rows)?;
        let leaf_sizes = starts
            .windows(2)
            .all(|pair| pair[0] <= pair[1] && pair[1] - pair[0] <= BLOCK as u32);
        let is_whole = starts.first() == Some(&0)
            && starts.last().map(|end| *end as usize) == Some(count)
            && leaf_sizes
            && count > 0
            && numbers.len() == count * width;
        if !is_whole || numbers.iter().any(|number| number.is_infinite()) {
            return Err(ArtifactError::damaged("the leaves do not hold the points"));
        }
        if leaves.len() != children.len()
            || boxes.len() != children.len() * 2 * space.axis_count()
            || boxes.iter().any(|bound| !bound.is_finite())
        {
            return Err(ArtifactError::damaged("the boxes of the tree are not whole"));
        }
        let nodes: Vec<Node> = children
            .iter()
            .zip(leaves)
            .map(|(&child, leaf)| Node { child, leaf })
            .collect();
        check_tree(&nodes, starts.len() - 1)?;
        let has_gaps = checked_gaps(&numbers, space)?;
        Ok(Self {
            width,
            starts,
            rows,
            has_gaps,
            numbers,
            nodes,
            boxes,
        })
    }
}

/// Adds up how far some points, stored column by column, are from a box.
struct BoxDistances<'a> {
    bounds: &'a [[f64; 2]],
    columns: &'a [f64],
    is_squared: bool,
    sums: &'a mut [f64],
}

impl Loop for BoxDistances<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ([low, high], column) in self.bounds.iter().zip(self.columns.chunks_exact(self.sums.len())) {
            for (sum, x) in self.sums.iter_mut().zip(column) {
                let off = (low - x).max(x - high).max(0.0);
                *sum += if self.is_squared { off * off } else { off };
            }
        }
    }
}

/// The lowest and the highest number on each axis.
fn bounds(points: &[&[f64]], axes: usize) -> Vec<[f64; 2]> {
    let of_axis = |axis: usize| {
        let numbers = || points.iter().map(|point| point[axis]);
        [
            numbers().fold(f64::INFINITY, f64::min),
            numbers().fold(f64::NEG_INFINITY, f64::max),
        ]
    };
    (0..axes).map(of_axis).collect()
}

/// Each row is there once.
pub(super) fn check_rows(rows: &[u32]) -> Result<(), ArtifactError> {
    let mut seen = vec![false; rows.len()];
    for row in rows {
        match seen.get_mut(*row as usize) {
            Some(place) if !*place => *place = true,
            _ => return Err(ArtifactError::damaged("the points are not the training rows")),
        }
    }
    Ok(())
}

/// Whether numbers are missing, which they may only where the distance knows what to do.
pub(super) fn checked_gaps(numbers: &[f64], space: &Space) -> Result<bool, ArtifactError> {
    let has_gaps = numbers.iter().any(|number| number.is_nan());
    if has_gaps && space.metric != Metric::Gower {
        return Err(ArtifactError::damaged("a point lacks a number"));
    }
    Ok(has_gaps)
}

/// The distance of one point: the same bits as those of the points of a block.
pub(super) fn distance(query: &[f64], space: &Space, point: &[f64], has_gaps: bool) -> f64 {
    let mut far = [0.0];
    if has_gaps || query.iter().any(|x| x.is_nan()) {
        gower(query, space.axis_count(), point, &mut far);
    } else {
        whole(&[query], space, point, &mut far);
    }
    far[0]
}

/// Writes numbers, of which only those that are not zero where most are.
pub(super) fn save_numbers(numbers: &[f64], to: &mut Encoder) {
    let at: Vec<u32> = (0..numbers.len() as u64)
        .filter(|&at| numbers[at as usize].to_bits() != 0)
        .map_while(|at| u32::try_from(at).ok())
        .collect();
    let is_short = is_short(at.len(), numbers.len());
    to.bool(is_short);
    if is_short {
        to.u32s(&at);
        to.f64s(&at.iter().map(|&at| numbers[at as usize]).collect::<Vec<_>>());
    } else {
        to.f64s(numbers);
    }
}

/// Whether numbers are written without their zeros; never so few that a short file could ask for much memory.
fn is_short(stored: usize, all: usize) -> bool {
    u32::try_from(all).is_ok() && stored <= all / 2 && stored >= all / SHORTER_MAX
}

pub(super) fn load_numbers(from: &mut Decoder<'_>, count: Option<usize>) -> Result<Vec<f64>, ArtifactError> {
    let damaged = || ArtifactError::damaged("the leaves do not hold the points");
    if !from.bool()? {
        return from.f64s();
    }
    let (at, values) = (from.u32s()?, from.f64s()?);
    let count = count
        .filter(|&count| at.len() == values.len() && is_short(at.len(), count))
        .ok_or_else(damaged)?;
    let ascends =
        at.windows(2).all(|pair| pair[0] < pair[1]) && !values.iter().any(|value| value.to_bits() == 0);
    if !ascends || at.last().is_some_and(|&last| last as usize >= count) {
        return Err(damaged());
    }
    let mut numbers = vec![0.0; count];
    at.iter()
        .zip(values)
        .for_each(|(&at, value)| numbers[at as usize] = value);
    Ok(numbers)
}

/// Children come after their parents, no path is endless, and leaves exist.
fn check_tree(nodes: &[Node], leaves: usize) -> Result<(), ArtifactError> {
    let mut depths = vec![0_usize; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        let child = node.child as usize;
        let is_sound = if child == 0 {
            (node.leaf as usize) < leaves
        } else {
            child > at && child + 1 < nodes.len() && depths[at] < DEPTH_MAX
        };
        if !is_sound {
            return Err(ArtifactError::damaged("the search tree is broken"));
        }
        if child != 0 {
            depths[child] = depths[at] + 1;
            depths[child + 1] = depths[at] + 1;
        }
    }
    Ok(())
}

/// Distances where every number is there.
fn whole(queries: &[&[f64]], space: &Space, block: &[f64], distances: &mut [f64]) {
    let (axes, count) = (space.axis_count(), distances.len() / queries.len());
    let (of_axes, of_codes) = block.split_at(axes * count);
    let numbers: Vec<&[f64]> = queries.iter().map(|query| &query[..axes]).collect();
    if space.metric == Metric::Euclidean {
        squared_distances(&numbers, of_axes, distances);
    } else {
        absolute_distances(&numbers, of_axes, distances);
    }
    if of_codes.is_empty() {
        return;
    }
    let mismatch = space.mismatch();
    for (query, distances) in queries.iter().zip(distances.chunks_exact_mut(count)) {
        for (code, column) in query[axes..].iter().zip(of_codes.chunks_exact(count)) {
            for (sum, other) in distances.iter_mut().zip(column) {
                *sum += if other == code { 0.0 } else { mismatch };
            }
        }
    }
    if space.metric == Metric::Gower {
        // The same bits as where values may be missing: a row's answer must not depend on its neighbours in the batch.
        let present = space.width() as f64;
        distances.iter_mut().for_each(|sum| *sum /= present);
    }
}

/// Gower's distance over the numbers that both have; infinite where there is none.
pub(super) fn gower(query: &[f64], axes: usize, block: &[f64], distances: &mut [f64]) {
    let count = distances.len();
    if count == 0 {
        return;
    }
    distances.fill(0.0);
    let mut present = [0.0; BLOCK];
    for (j, (x, column)) in query.iter().zip(block.chunks_exact(count)).enumerate() {
        if x.is_nan() {
            continue;
        }
        for ((sum, present), other) in distances.iter_mut().zip(&mut present).zip(column) {
            let off = if j < axes {
                (x - other).abs()
            } else {
                f64::from(u8::from(x != other))
            };
            let is_there = !other.is_nan();
            *sum += if is_there { off } else { 0.0 };
            *present += f64::from(u8::from(is_there));
        }
    }
    for (sum, present) in distances.iter_mut().zip(present) {
        *sum = if present > 0.0 {
            *sum / present
        } else {
            f64::INFINITY
        };
    }
}

/// A tree being built.
struct Build<'a> {
    points: &'a [f64],
    width: usize,
    axes: usize,
    nodes: Vec<Node>,
    boxes: Vec<f64>,
    starts: Vec<u32>,
}

impl Build<'_> {
    /// Splits the rows of a node at the median of its widest axis until leaves are small.
    fn split(&mut self, node: usize, rows: &mut [u32], cx: &FitContext<'_>) -> Result<(), FitError> {
        let mut widest = (0.0, 0);
        for axis in 0..self.axes {
            let at = |row: &u32| self.points[*row as usize * self.width + axis];
            let low = rows.iter().map(at).fold(f64::INFINITY, f64::min);
            let high = rows.iter().map(at).fold(f64::NEG_INFINITY, f64::max);
            self.boxes[(node * self.axes + axis) * 2..][..2].copy_from_slice(&[low, high]);
            if high - low > widest.0 {
                widest = (high - low, axis);
            }
        }
        // Points that are all the same cannot be told apart: they are one leaf if they fit a block, else cut anyhow.
        if rows.len() <= LEAF || (widest.0 == 0.0 && rows.len() <= BLOCK) {
            self.nodes[node].leaf = self.starts.len() as u32 - 1;
            let end = self.starts.last().expect("starts begin with zero") + rows.len() as u32;
            self.starts.push(end);
            return Ok(());
        }
        if rows.len() > 4096 {
            cx.checkpoint()?;
        }
        let key = |row: u32| (self.points[row as usize * self.width + widest.1], row);
        let middle = rows.len() / 2;
        rows.select_nth_unstable_by(middle, |&a, &b| {
            let ((x, a), (y, b)) = (key(a), key(b));
            x.total_cmp(&y).then(a.cmp(&b))
        });
        let child = self.nodes.len();
        self.nodes[node].child = child as u32;
        self.nodes
            .extend([Node { child: 0, leaf: 0 }, Node { child: 0, leaf: 0 }]);
        self.boxes.resize(self.nodes.len() * 2 * self.axes, 0.0);
        let (left, right) = rows.split_at_mut(middle);
        self.split(child, left, cx)?;
        self.split(child + 1, right, cx)
    }
}
