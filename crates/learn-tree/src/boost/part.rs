//! Parting the rows of nodes: those that go left to the front, in order.

use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::Sample;

use super::table::{BinTest, TableColumn};

/// Rows of a node from which several threads part them.
const SPREAD_MIN: usize = 2_048;

/// A node's rows, and as much room.
pub(crate) struct Parting<'a> {
    rows: &'a mut [Sample],
    spare: &'a mut [Sample],
}

impl<'a> Parting<'a> {
    /// Room beyond the rows is not used.
    pub(crate) fn new(rows: &'a mut [Sample], spare: &'a mut [Sample]) -> Self {
        let spare = &mut spare[..rows.len()];
        Self { rows, spare }
    }
}

/// A stretch of a node's rows that one thread parts.
struct Share<'a> {
    rows: &'a mut [Sample],
    spare: &'a mut [Sample],
    lefts: usize,
}

/// Moves the rows of each node that go left to its front, in order, and the others behind them; returns how many go left, node
/// by node.
pub(crate) fn part_leaves(
    crew: &Crew<'_>,
    (column, test): (&TableColumn<'_>, (&BinTest, bool)),
    leaves: &mut [Parting<'_>],
) -> Vec<usize> {
    let mut shares = Vec::with_capacity(leaves.len() + crew.threads());
    let mut ends = Vec::with_capacity(leaves.len());
    for leaf in leaves.iter_mut() {
        let parts = if leaf.rows.len() < SPREAD_MIN {
            1
        } else {
            crew.threads()
        };
        let share = leaf.rows.len().div_ceil(parts).max(1);
        let pieces = leaf.rows.chunks_mut(share).zip(leaf.spare.chunks_mut(share));
        shares.extend(pieces.map(|(rows, spare)| Share {
            rows,
            spare,
            lefts: 0,
        }));
        ends.push(shares.len());
    }
    let part = |share: &mut Share<'_>| share.lefts = part_rows(column, test, share.rows, share.spare);
    let rows: usize = shares.iter().map(|share| share.rows.len()).sum();
    if rows < SPREAD_MIN {
        shares.iter_mut().for_each(part);
    } else {
        crew.for_each_mut(&mut shares, |_, share| part(share));
    }
    let counts: Vec<(usize, usize)> = shares
        .iter()
        .map(|share| (share.rows.len(), share.lefts))
        .collect();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    leaves
        .iter_mut()
        .zip(starts.zip(&ends))
        .map(|(leaf, (start, &end))| join(leaf.rows, &counts[start..end]))
        .collect()
}

/// Each share holds its left rows and then its right ones: moves the left ones in front of the right ones before them.
fn join(rows: &mut [Sample], shares: &[(usize, usize)]) -> usize {
    let (mut lefts, mut end) = (0, 0);
    for &(len, left) in shares {
        rows[lefts..end + left].rotate_left(end - lefts);
        lefts += left;
        end += len;
    }
    lefts
}

fn part_rows(
    column: &TableColumn<'_>,
    (test, missing_left): (&BinTest, bool),
    rows: &mut [Sample],
    spare: &mut [Sample],
) -> usize {
    match test {
        BinTest::UpTo(last) => {
            // Bin 0 comes first: a shifted comparison decides both at once.
            let (low, span) = if missing_left { (0, last + 1) } else { (1, *last) };
            column.partition(rows, spare, &|bin| bin.wrapping_sub(low) < span)
        }
        test => column.partition(rows, spare, &|bin| test.is_left(bin, missing_left)),
    }
}
