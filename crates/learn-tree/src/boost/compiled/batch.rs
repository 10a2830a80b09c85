//! Scores of many rows: blocks that stay in the nearest cache while every tree goes over them.

use kolosal_compute::kernels::trees::{Codes, LANES, Picks, add_picked};
use kolosal_frame::{Column, FrameView, MISSING};

use super::{Answers, Compiled, Form, Run, Scorer, line_of};
use crate::boost::model::BoostModel;
use crate::rows::for_each_block;

/// Groups of [`LANES`] rows in a block.
const GROUPS: usize = 4;
/// Rows of a block.
const BLOCK: usize = GROUPS * LANES;

/// Up to so many rows are scored one by one: a group costs as much with one row as with all its lanes.
const SINGLE_ROWS_MAX: usize = 8;

/// Buffers for the rows of one block.
struct Block {
    rows: usize,
    /// Codes of each group, slot by slot.
    codes: Vec<Codes>,
    slots: usize,
    /// Row after row, raw and derived values; empty if no tree reads them.
    values: Vec<f64>,
    /// For each output the sums of each group.
    sums: Vec<[f64; LANES]>,
}

impl Compiled {
    /// Hands the scores of each row, in order, by the first `trees` trees to `visit`.
    pub(crate) fn score_rows(
        &self,
        model: &BoostModel,
        x: FrameView<'_>,
        trees: usize,
        mut visit: impl FnMut(usize, &[f64]),
    ) {
        if x.row_count() <= SINGLE_ROWS_MAX && model.features > 0 {
            let mut scorer = Scorer::new(model);
            return for_each_block(x, |start, rows| {
                for (at, row) in rows.chunks_exact(model.features).enumerate() {
                    visit(start + at, scorer.scores(row, trees));
                }
            });
        }
        let mut block = Block {
            rows: 0,
            codes: vec![[0; LANES]; self.codebook.len() * GROUPS],
            slots: self.codebook.len(),
            values: Vec::new(),
            sums: vec![[0.0; LANES]; GROUPS * model.base.len()],
        };
        let mut scores = vec![0.0; model.base.len()];
        let mut finish = |block: &mut Block, start: usize| {
            self.add_trees(model, block, trees);
            for row in 0..block.rows {
                for (output, score) in scores.iter_mut().enumerate() {
                    *score = block.sums[output * GROUPS + row / LANES][row % LANES];
                }
                visit(start + row, &scores);
            }
        };
        if self.reads_values {
            self.read_rows(model, x, &mut block, finish);
        } else {
            let mut reader = ColumnReader::default();
            for start in (0..x.row_count()).step_by(BLOCK) {
                let part = x.slice(start, BLOCK.min(x.row_count() - start));
                block.rows = part.row_count();
                for (at, column) in self.codebook.columns().enumerate() {
                    self.code_column(at, reader.read(part, column), &mut block);
                }
                finish(&mut block, start);
            }
        }
    }

    /// Reads whole rows, with their derived values, a block at a time.
    fn read_rows(
        &self,
        model: &BoostModel,
        x: FrameView<'_>,
        block: &mut Block,
        mut finish: impl FnMut(&mut Block, usize),
    ) {
        let (width, count) = (model.tested_columns(), x.row_count());
        let mut column = [0.0; BLOCK];
        model.for_each_row(x, |row, tested| {
            block.values.extend_from_slice(tested);
            if (row + 1) % BLOCK == 0 || row + 1 == count {
                block.rows = row % BLOCK + 1;
                for (at, position) in self.codebook.columns().enumerate() {
                    let values = block.values[position..].iter().step_by(width);
                    column.iter_mut().zip(values).for_each(|(to, value)| *to = *value);
                    self.code_column(at, &column, block);
                }
                finish(block, row + 1 - block.rows);
                block.values.clear();
            }
        });
    }

    fn code_column(&self, at: usize, values: &[f64; BLOCK], block: &mut Block) {
        let (groups, _) = values.as_chunks::<LANES>();
        for (group, values) in groups.iter().enumerate().take(block.groups()) {
            let codes = &mut block.codes[group * block.slots..(group + 1) * block.slots];
            self.codebook.code_column(at, values, codes);
        }
    }

    fn add_trees(&self, model: &BoostModel, block: &mut Block, trees: usize) {
        for (sums, base) in block.sums.chunks_exact_mut(GROUPS).zip(&model.base) {
            sums.fill([*base; LANES]);
        }
        for run in self.runs(trees) {
            for tree in run.trees.clone() {
                if run.form == Form::Plain {
                    add_plain(model, tree, block);
                } else {
                    self.add_tree(model, &run, tree, block);
                }
            }
        }
    }

    fn add_tree(&self, model: &BoostModel, run: &Run, tree: usize, block: &mut Block) {
        let at = run.first + tree - run.trees.start;
        let mut picks: Picks = [0; LANES];
        for group in 0..block.groups() {
            let codes = &block.codes[group * block.slots..(group + 1) * block.slots];
            match run.form {
                Form::Oblivious => self.tables.leaves(at, codes, &mut picks),
                _ => self.grove.leaves(at, codes, &mut picks),
            }
            self.add_answers(model, (tree, group), &picks, block);
        }
    }

    fn add_answers(
        &self,
        model: &BoostModel,
        (tree, group): (usize, usize),
        picks: &Picks,
        block: &mut Block,
    ) {
        let place = self.places[tree];
        let (start, leaves) = (place.values as usize, place.leaves as usize);
        match place.answers {
            Answers::One { output } => {
                let sums = &mut block.sums[output as usize * GROUPS + group];
                add_picked(&self.values[start..start + leaves], picks, sums);
            }
            Answers::All => {
                for (output, sums) in block.sums.chunks_exact_mut(GROUPS).enumerate() {
                    let values = &self.values[start + output * leaves..][..leaves];
                    add_picked(values, picks, &mut sums[group]);
                }
            }
            Answers::Lines { output, nodes } => {
                let width = model.tested_columns();
                let rows = block.values.chunks_exact(width).skip(group * LANES);
                let sums = &mut block.sums[output as usize * GROUPS + group];
                for ((row, &pick), sum) in rows.zip(picks).zip(sums) {
                    let node = self.leaf_nodes[nodes as usize + usize::from(pick)];
                    let line = line_of(&model.trees[tree], node, row);
                    *sum += line.unwrap_or(self.values[start + usize::from(pick)]);
                }
            }
        }
    }
}

/// Walks a tree that has no compiled form.
fn add_plain(model: &BoostModel, tree: usize, block: &mut Block) {
    let width = model.tested_columns();
    let rows = block.values.chunks_exact(width.max(1)).enumerate();
    for (at, row) in rows.take(block.rows) {
        model.trees[tree].for_each_term(row, |output, term| {
            block.sums[output * GROUPS + at / LANES][at % LANES] += term;
        });
    }
}

impl Block {
    fn groups(&self) -> usize {
        self.rows.div_ceil(LANES)
    }
}

/// Reads a block of one column as numbers: codes for categories, NaN for missing.
struct ColumnReader {
    numbers: [f64; BLOCK],
    codes: [u32; BLOCK],
}

impl Default for ColumnReader {
    fn default() -> Self {
        Self {
            numbers: [0.0; BLOCK],
            codes: [0; BLOCK],
        }
    }
}

impl ColumnReader {
    /// The values of the part's rows; what stands behind them holds no meaning.
    fn read(&mut self, part: FrameView<'_>, column: usize) -> &[f64; BLOCK] {
        let count = part.row_count();
        match part.column(column) {
            Column::Numbers(_) | Column::Sparse(_) => part.numbers_into(column, &mut self.numbers[..count]),
            Column::Text(_) => self.numbers.fill(f64::NAN),
            Column::Categories(_) => {
                part.codes_into(column, &mut self.codes[..count]);
                for (number, &code) in self.numbers.iter_mut().zip(&self.codes) {
                    *number = if code == MISSING {
                        f64::NAN
                    } else {
                        f64::from(code)
                    };
                }
            }
        }
        &self.numbers
    }
}
