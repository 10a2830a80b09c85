//! Rows of a frame, by number.

use std::sync::Arc;

use crate::{Column, Frame, MISSING, SparseNumbers, Strings};

/// Which rows of a frame count, and in what order.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// `len` rows from `start` on.
    Range {
        /// The first row.
        start: usize,
        /// How many rows.
        len: usize,
    },
    /// The listed ones; repetitions are allowed.
    Listed(&'a [u32]),
}

impl Rows<'_> {
    /// How many rows count.
    pub fn len(&self) -> usize {
        match self {
            Self::Range { len, .. } => *len,
            Self::Listed(rows) => rows.len(),
        }
    }

    /// Whether no row counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame's row number of the view's row `index`.
    #[inline]
    pub fn get(&self, index: usize) -> usize {
        match self {
            Self::Range { start, .. } => start + index,
            Self::Listed(rows) => rows[index] as usize,
        }
    }
}

/// A frame and the rows of it that count; copying it copies two pointers.
#[derive(Debug, Clone, Copy)]
pub struct FrameView<'a> {
    frame: &'a Frame,
    rows: Rows<'a>,
}

impl<'a> FrameView<'a> {
    pub(crate) fn new(frame: &'a Frame, rows: Rows<'a>) -> Self {
        if let Rows::Listed(listed) = rows {
            let count = frame.row_count();
            assert!(
                listed.iter().all(|&row| (row as usize) < count),
                "listed rows lie in the frame"
            );
        }
        Self { frame, rows }
    }

    /// The whole frame behind the view.
    pub fn frame(&self) -> &'a Frame {
        self.frame
    }

    /// The rows that count.
    pub fn rows(&self) -> Rows<'a> {
        self.rows
    }

    /// How many rows count.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// How many columns there are.
    pub fn column_count(&self) -> usize {
        self.frame.column_count()
    }

    /// The column at `position`, with all the frame's rows.
    pub fn column(&self, position: usize) -> &'a Column {
        &self.frame.columns()[position]
    }

    /// The numbers of a column, in view order.
    ///
    /// # Panics
    /// If the column does not hold numbers.
    pub fn numbers(&self, position: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.row_count()];
        self.numbers_into(position, &mut out);
        out
    }

    /// Writes the numbers of a column, in view order, into `out`.
    ///
    /// # Panics
    /// If the column does not hold numbers, or `out` has another length than the view.
    pub fn numbers_into(&self, position: usize, out: &mut [f64]) {
        assert_eq!(out.len(), self.row_count(), "one place a row");
        match (self.column(position), self.rows) {
            (Column::Numbers(values), Rows::Range { start, len }) => {
                out.copy_from_slice(&values[start..start + len]);
            }
            (Column::Numbers(values), Rows::Listed(rows)) => {
                out.iter_mut()
                    .zip(rows)
                    .for_each(|(slot, &row)| *slot = values[row as usize]);
            }
            (Column::Sparse(sparse), rows) => fill_sparse(sparse, rows, out),
            _ => panic!("column {position} does not hold numbers"),
        }
    }

    /// The codes of a categorical column, in view order.
    ///
    /// # Panics
    /// If the column is not categorical.
    pub fn codes(&self, position: usize) -> Vec<u32> {
        let mut out = vec![MISSING; self.row_count()];
        self.codes_into(position, &mut out);
        out
    }

    /// Writes the codes of a categorical column, in view order, into `out`.
    ///
    /// # Panics
    /// If the column is not categorical, or `out` has another length than the view.
    pub fn codes_into(&self, position: usize, out: &mut [u32]) {
        assert_eq!(out.len(), self.row_count(), "one place a row");
        let Column::Categories(categories) = self.column(position) else {
            panic!("column {position} is not categorical");
        };
        match self.rows {
            Rows::Range { start, len } => out.copy_from_slice(&categories.codes()[start..start + len]),
            Rows::Listed(rows) => {
                let codes = categories.codes();
                out.iter_mut()
                    .zip(rows)
                    .for_each(|(slot, &row)| *slot = codes[row as usize]);
            }
        }
    }

    /// The strings of a text column, in view order.
    ///
    /// # Panics
    /// If the column is not text.
    pub fn texts(&self, position: usize) -> impl ExactSizeIterator<Item = &'a str> + '_ {
        let Column::Text(strings) = self.column(position) else {
            panic!("column {position} is not text");
        };
        let rows = self.rows;
        (0..rows.len()).map(move |index| strings.get(rows.get(index)))
    }

    /// The view's rows `start .. start + len`, as a view.
    ///
    /// # Panics
    /// If they do not lie in the view.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let rows = match self.rows {
            Rows::Range {
                start: first,
                len: count,
            } => {
                assert!(start + len <= count, "the slice lies in the view");
                Rows::Range {
                    start: first + start,
                    len,
                }
            }
            Rows::Listed(rows) => Rows::Listed(&rows[start..start + len]),
        };
        Self {
            frame: self.frame,
            rows,
        }
    }

    /// A frame of its own that holds just the view's rows.
    pub fn to_frame(&self) -> Frame {
        let columns = (0..self.column_count()).map(|at| self.gather(at)).collect();
        Frame::with_schema(self.frame.schema(), columns)
    }

    /// A column with just the view's rows; shared, not copied, where the view is the whole frame.
    pub fn gather(&self, position: usize) -> Column {
        if self.row_count() == self.frame.row_count() && matches!(self.rows, Rows::Range { .. }) {
            return self.column(position).clone();
        }
        match self.column(position) {
            Column::Numbers(_) => Column::Numbers(self.numbers(position).into()),
            Column::Categories(c) => {
                let codes = self.codes(position);
                Column::Categories(crate::Categories::new(codes, Arc::clone(c.levels())))
            }
            Column::Text(_) => Column::Text(Arc::new(self.texts(position).collect::<Strings>())),
            Column::Sparse(sparse) => {
                let count = self.row_count();
                let stored = (0..count).map(|i| (i as u32, sparse.get(self.rows.get(i))));
                let (at, values) = stored.filter(|(_, value)| *value != 0.0).unzip();
                Column::Sparse(Arc::new(SparseNumbers::new(count, at, values)))
            }
        }
    }
}

fn fill_sparse(sparse: &SparseNumbers, rows: Rows<'_>, out: &mut [f64]) {
    match rows {
        Rows::Range { start, len } => {
            out.fill(0.0);
            let first = sparse.rows().partition_point(|&row| (row as usize) < start);
            let stored = sparse.rows()[first..].iter().zip(&sparse.values()[first..]);
            for (&row, &value) in stored.take_while(|(row, _)| (**row as usize) < start + len) {
                out[row as usize - start] = value;
            }
        }
        Rows::Listed(rows) => {
            out.iter_mut()
                .zip(rows)
                .for_each(|(slot, &row)| *slot = sparse.get(row as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Column, Field, Frame, Kind, MISSING, SparseNumbers};
    use std::sync::Arc;

    fn frame() -> Frame {
        let sparse = SparseNumbers::new(3, vec![2], vec![9.0]);
        Frame::new(vec![
            (
                Field::new("n", Kind::Numeric, "test"),
                Column::numbers(vec![1.0, f64::NAN, 3.0]),
            ),
            (
                Field::new("c", Kind::Categorical, "test"),
                Column::categories(&["x", "y", ""]),
            ),
            (
                Field::new("t", Kind::Text, "test"),
                Column::text(&["one", "two", "three"]),
            ),
            (
                Field::new("s", Kind::Numeric, "test"),
                Column::Sparse(Arc::new(sparse)),
            ),
        ])
        .expect("distinct names, equal lengths")
    }

    #[test]
    fn a_view_gathers_every_storage_in_its_own_order() {
        let frame = frame();
        let rows = [2_u32, 0, 2];
        let view = frame.select(&rows);
        assert_eq!(view.numbers(0), [3.0, 1.0, 3.0]);
        assert_eq!(view.codes(1), [MISSING, 0, MISSING]);
        assert_eq!(view.texts(2).collect::<Vec<_>>(), ["three", "one", "three"]);
        assert_eq!(view.numbers(3), [9.0, 0.0, 9.0]);
    }

    #[test]
    fn a_gathered_frame_reads_like_its_view() {
        let frame = frame();
        let rows = [1_u32, 2];
        let own = frame.select(&rows).to_frame();
        assert_eq!(own.row_count(), 2);
        assert_eq!(own.view().numbers(3), [0.0, 9.0]);
        assert_eq!(own.view().codes(1), [1, MISSING]);
    }

    #[test]
    fn a_slice_of_a_view_is_a_view() {
        let frame = frame();
        let tail = frame.view().slice(1, 2);
        assert_eq!(tail.numbers(3), [0.0, 9.0]);
        assert_eq!(tail.codes(1), [1, MISSING]);
        assert_eq!(tail.to_frame().row_count(), 2);
    }

    #[test]
    #[should_panic(expected = "listed rows lie in the frame")]
    fn a_row_out_of_bounds_is_a_defect() {
        frame().select(&[3]);
    }
}
