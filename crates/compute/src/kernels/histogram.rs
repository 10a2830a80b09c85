//! Histograms of gradients over bins: rows are added up by the bin that each column puts them in.
//!
//! Codes lie row after row ([`CodeMatrix`]), so that a row of a small node costs one cache line and neighbouring additions
//! go to different slots. Gradients are whole numbers: sums do not depend on the order of additions, hence not on
//! threads, and a node's histogram less one child's is exactly the other child's.
//!
//! Two kinds of slots exist. [`Packed`] holds gradient and hessian in one 64-bit number, so that a row costs one addition a
//! column; [`Wide`] holds them in 64 bits each, finer than single precision.

/// A row of a node: where it stands, and its gradient (upper half, signed) and hessian (lower half) in whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Sample {
    /// The row's position among the rows that are learned from.
    pub at: u32,
    /// Gradient and hessian; see [`Sample::new`].
    pub pair: u32,
}

impl Sample {
    /// Joins a position with a gradient and a hessian in whole units.
    #[inline]
    pub fn new(at: u32, gradient: i16, hessian: u16) -> Self {
        Self {
            at,
            pair: u32::from(gradient.cast_unsigned()) << 16 | u32::from(hessian),
        }
    }
}

/// Sums of gradient and hessian in one bin.
pub trait Slot: Copy + Default + PartialEq + Send + Sync + std::fmt::Debug + 'static {
    /// What is added for a sample; `wide` holds gradient and hessian of every position for wide slots.
    fn of(sample: Sample, wide: &[[i64; 2]]) -> Self;

    /// The sum of two.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// The difference of two.
    #[must_use]
    fn less(self, other: Self) -> Self;

    /// The gradient's sum in whole units.
    fn gradient(self) -> i64;

    /// The hessian's sum in whole units, never negative.
    fn hessian(self) -> i64;

    /// Both sums as numbers.
    fn numbers(self) -> (f64, f64);
}

/// Both sums in one number: the gradient in the upper 32 bits, the hessian below.
///
/// Right as long as the gradient's sum fits 32 signed bits and the hessian's 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Packed(i64);

/// Gradient and hessian in 64 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Wide([i64; 2]);

impl Slot for Packed {
    #[inline(always)]
    fn of(sample: Sample, _: &[[i64; 2]]) -> Self {
        let gradient = i64::from((sample.pair >> 16) as u16 as i16);
        Self((gradient << 32) + i64::from(sample.pair & 0xffff))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    #[inline(always)]
    fn gradient(self) -> i64 {
        self.0 >> 32
    }

    #[inline(always)]
    fn hessian(self) -> i64 {
        self.0 & 0xffff_ffff
    }

    #[inline(always)]
    fn numbers(self) -> (f64, f64) {
        // Both fit 32 signed bits, which every vector unit turns into numbers.
        (f64::from((self.0 >> 32) as i32), f64::from(self.0 as i32))
    }
}

impl Slot for Wide {
    #[inline(always)]
    fn of(sample: Sample, wide: &[[i64; 2]]) -> Self {
        Self(wide[sample.at as usize])
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self([
            self.0[0].wrapping_add(other.0[0]),
            self.0[1].wrapping_add(other.0[1]),
        ])
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        Self([
            self.0[0].wrapping_sub(other.0[0]),
            self.0[1].wrapping_sub(other.0[1]),
        ])
    }

    #[inline(always)]
    fn gradient(self) -> i64 {
        self.0[0]
    }

    #[inline(always)]
    fn hessian(self) -> i64 {
        self.0[1]
    }

    #[inline(always)]
    fn numbers(self) -> (f64, f64) {
        (self.0[0] as f64, self.0[1] as f64)
    }
}

/// Bins of several columns, row after row; every code is known to be below its column's number of bins.
#[derive(Debug)]
pub struct CodeMatrix<C> {
    codes: Vec<C>,
    width: usize,
    rows: usize,
    /// Where each column's slots start; one more entry than columns.
    starts: Vec<u32>,
}

/// A bin number.
pub trait Code: Copy + Send + Sync + Into<usize> + 'static {}

impl Code for u8 {}
impl Code for u16 {}

/// The rows of a node, and what [`Slot::of`] needs to know of them.
#[derive(Debug, Clone, Copy)]
pub struct NodeRows<'a> {
    /// The rows.
    pub samples: &'a [Sample],
    /// Gradient and hessian by position, for wide slots.
    pub wide: &'a [[i64; 2]],
    /// The matrix row of each position; `None` where they are the same.
    pub rows: Option<&'a [u32]>,
}

/// Rows ahead of the current one that are asked for from memory.
const AHEAD: usize = 16;

impl<C: Code> CodeMatrix<C> {
    /// Puts codes of `bins.len()` columns side by side; `codes` holds them row after row.
    ///
    /// # Panics
    /// If the lengths do not fit, or a code is not below its column's number of bins.
    pub fn new(codes: Vec<C>, bins: &[usize]) -> Self {
        let width = bins.len();
        assert!(
            width > 0 && codes.len().is_multiple_of(width),
            "whole rows of codes"
        );
        let below = |row: &[C]| row.iter().zip(bins).all(|(&code, &bins)| code.into() < bins);
        assert!(
            codes.chunks_exact(width).all(below),
            "every code is a bin of its column"
        );
        let mut starts = vec![0_u32];
        for &bins in bins {
            let end = starts[starts.len() - 1] as usize + bins;
            starts.push(u32::try_from(end).expect("columns have at most 2^32 bins together"));
        }
        Self {
            rows: codes.len() / width,
            codes,
            width,
            starts,
        }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// Where each column's slots start; one more entry than columns.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The code of a row in a column.
    #[inline]
    pub fn code(&self, row: usize, column: usize) -> C {
        self.codes[row * self.width + column]
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&self.codes[..]) + size_of_val(&self.starts[..])
    }

    /// Adds each row of the node to the slots of the columns `first .. last`, which `slots` holds side by side.
    ///
    /// # Panics
    /// If the columns are not there, `slots` has another length than theirs, or a row lies outside.
    pub fn add<S: Slot>(&self, node: &NodeRows<'_>, (first, last): (usize, usize), slots: &mut [S]) {
        assert!(first < last && last <= self.width, "columns of the matrix");
        let (start, end) = (self.starts[first], self.starts[last]);
        assert_eq!(slots.len(), (end - start) as usize, "the slots of these columns");
        let starts: Vec<u32> = self.starts[first..last].iter().map(|at| at - start).collect();
        match node.rows {
            None => self.add_rows(node, (first, &starts), slots, |at| at),
            Some(rows) => self.add_rows(node, (first, &starts), slots, |at| rows[at] as usize),
        }
    }

    #[inline(always)]
    fn add_rows<S: Slot>(
        &self,
        node: &NodeRows<'_>,
        (first, starts): (usize, &[u32]),
        slots: &mut [S],
        row_of: impl Fn(usize) -> usize,
    ) {
        let samples = node.samples;
        for (at, &sample) in samples.iter().enumerate() {
            if let Some(later) = samples.get(at + AHEAD) {
                prefetch(&self.codes, row_of(later.at as usize) * self.width + first);
            }
            let from = row_of(sample.at as usize) * self.width + first;
            let codes = &self.codes[from..from + starts.len()];
            let value = S::of(sample, node.wide);
            for (&code, &start) in codes.iter().zip(starts) {
                // SAFETY: `new` checked that the code of every row is below its column's number of bins, so that
                // `start + code` lies among the column's slots, and `add` that `slots` holds those of all columns.
                let slot = unsafe { slots.get_unchecked_mut(start as usize + code.into()) };
                *slot = slot.plus(value);
            }
        }
    }
}

/// Asks for the cache line of an item, if there is such an item.
#[inline(always)]
fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if at < items.len() {
        // SAFETY: the address lies in the slice, and a prefetch reads nothing.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                items.as_ptr().add(at).cast(),
            );
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}

/// Moves the samples for which `left` holds to the front, in order, and the others behind them; returns how many went left.
///
/// Without branches on the data: every sample is written to both sides, and one of the two counts.
///
/// # Panics
/// If `spare` is shorter than `samples`.
#[inline]
pub fn partition(samples: &mut [Sample], spare: &mut [Sample], left: impl Fn(u32) -> bool) -> usize {
    assert!(spare.len() >= samples.len(), "the spare room holds every sample");
    let (mut lefts, mut rights) = (0, 0);
    for at in 0..samples.len() {
        let sample = samples[at];
        let goes_left = left(sample.at);
        // SAFETY: `lefts + rights == at`, so both are below the length of `samples`, which `spare` is not shorter than.
        unsafe {
            *samples.get_unchecked_mut(lefts) = sample;
            *spare.get_unchecked_mut(rights) = sample;
        }
        lefts += usize::from(goes_left);
        rights += usize::from(!goes_left);
    }
    samples[lefts..].copy_from_slice(&spare[..rights]);
    lefts
}

/// Adds the sums of other rows, slot by slot.
///
/// # Panics
/// If the lengths differ.
pub fn merge<S: Slot>(slots: &mut [S], others: &[S]) {
    assert_eq!(slots.len(), others.len(), "slots of the same columns");
    for (slot, &other) in slots.iter_mut().zip(others) {
        *slot = slot.plus(other);
    }
}

/// Turns a parent's slots into those of one child, given the other child's.
///
/// # Panics
/// If the lengths differ.
pub fn subtract<S: Slot>(parent: &mut [S], child: &[S]) {
    assert_eq!(parent.len(), child.len(), "slots of the same columns");
    for (slot, &other) in parent.iter_mut().zip(child) {
        *slot = slot.less(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<S: Slot>(rows: Option<&[u32]>) {
        let bins = [3, 7, 2];
        let codes: Vec<u8> = (0..300).map(|i| ((i * 31 % 97) % bins[i % 3]) as u8).collect();
        let matrix = CodeMatrix::new(codes, &bins);
        let gradient = |at: u32| (at as i16) * 37 - 900;
        let wide: Vec<[i64; 2]> = (0..50)
            .map(|at| [i64::from(gradient(at)), i64::from(at) + 1])
            .collect();
        let samples: Vec<Sample> = (0..50)
            .map(|at| Sample::new(at, gradient(at), at as u16 + 1))
            .collect();
        let node = NodeRows {
            samples: &samples,
            wide: &wide,
            rows,
        };
        for columns in [(0, 3), (1, 3), (0, 1)] {
            let starts = &matrix.starts()[columns.0..=columns.1];
            let mut slots = vec![S::default(); (starts[starts.len() - 1] - starts[0]) as usize];
            matrix.add(&node, columns, &mut slots);
            let mut expected = vec![(0, 0); slots.len()];
            for at in 0..50 {
                let row = rows.map_or(at, |rows| rows[at] as usize);
                for column in columns.0..columns.1 {
                    let slot = (matrix.starts()[column] - starts[0]) as usize
                        + usize::from(matrix.code(row, column));
                    expected[slot].0 += wide[at][0];
                    expected[slot].1 += wide[at][1];
                }
            }
            let found: Vec<_> = slots
                .iter()
                .map(|slot| (slot.gradient(), slot.hessian()))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn every_row_is_added_to_one_slot_a_column() {
        let rows: Vec<u32> = (0..50).map(|at| (at * 7) % 100).collect();
        check::<Packed>(None);
        check::<Packed>(Some(&rows));
        check::<Wide>(None);
        check::<Wide>(Some(&rows));
    }

    #[test]
    fn a_parent_less_one_child_is_the_other_child() {
        let slot = |gradient, hessian| Packed::of(Sample::new(0, gradient, hessian), &[]);
        let (left, right) = (slot(-300, 7), slot(20, 65_535));
        let mut parent = [left.plus(right)];
        subtract(&mut parent, &[left]);
        assert_eq!(parent, [right]);
        assert_eq!((parent[0].gradient(), parent[0].hessian()), (20, 65_535));
    }

    #[test]
    fn a_partition_is_stable() {
        let mut samples: Vec<Sample> = (0..100).map(|at| Sample::new(at * 7 % 100, 0, 1)).collect();
        let expected: (Vec<Sample>, Vec<Sample>) = samples.iter().partition(|sample| sample.at % 3 == 0);
        let lefts = partition(&mut samples, &mut [Sample::default(); 100], |at| at % 3 == 0);
        assert_eq!(
            (&samples[..lefts], &samples[lefts..]),
            (&expected.0[..], &expected.1[..])
        );
        assert_eq!(partition(&mut [], &mut [], |_| true), 0);
    }

    #[test]
    #[should_panic(expected = "every code is a bin of its column")]
    fn a_code_beyond_its_column_is_refused() {
        CodeMatrix::<u8>::new(vec![0, 1, 2, 0], &[3, 1]);
    }
}
