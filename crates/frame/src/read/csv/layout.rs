//! Cutting a text into pieces at record borders, with the number of the first row of each.
//!
//! The file is first surveyed in equal parts, each for both states its first byte may be in (inside or outside
//! quotes). Running over the parts in order then settles the states, the row numbers and the borders, so that rows can
//! be read in parallel straight into their places in the final columns.

use std::ops::{ControlFlow, Range};

use kolosal_base::Cancel;
use kolosal_compute::Workers;
use kolosal_compute::kernels::scan::{Lines, Marks, Survey, survey};

use super::careful::{End, is_blank, walk};

/// A piece that begins and ends at record borders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Range<usize>,
    pub(super) first_row: usize,
    pub(super) rows: usize,
}

/// All pieces of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) pieces: Vec<Piece>,
    pub(super) rows: usize,
    /// Lines without content, which are no rows.
    pub(super) blanks: usize,
    /// Whether quotes stand where masks would misread them.
    pub(super) is_careful: bool,
}

/// Why a text cannot be laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A NUL byte occurs at this offset.
    Nul { at: usize },
    /// The quote opened at this offset is never closed.
    OpenQuote { at: usize },
    /// The caller asked to stop.
    Cancelled,
}

/// What the layout is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    /// Begins with the first record behind the header.
    pub(super) text: &'a [u8],
    pub(super) marks: Marks,
    /// Bytes of a piece, about; results do not depend on it.
    pub(super) piece: usize,
}

impl Body<'_> {
    /// Lays the text out.
    pub(super) fn lay_out(&self, workers: &Workers, cancel: &Cancel) -> Result<Layout, Obstacle> {
        let parts = self.text.len().div_ceil(self.piece);
        let surveys = workers.map(parts, |part| {
            (!cancel.is_requested()).then(|| survey(self.text, self.part(part), self.marks))
        });
        let surveys: Vec<Survey> = surveys
            .into_iter()
            .collect::<Option<_>>()
            .ok_or(Obstacle::Cancelled)?;
        if surveys.iter().any(|survey| survey.has_nul) {
            let at = self.text.iter().position(|&byte| byte == 0);
            return Err(Obstacle::Nul {
                at: at.expect("the survey met a NUL byte"),
            });
        }
        let states = states(&surveys);
        let ends_inside = *states.last().expect("one state more than parts");
        let lines: Vec<Lines> = surveys
            .iter()
            .zip(&states)
            .map(|(survey, &inside)| {
                if inside {
                    survey.if_inside
                } else {
                    survey.if_outside
                }
            })
            .collect();
        if ends_inside || lines.iter().any(|lines| lines.is_irregular) {
            return self.lay_out_carefully();
        }
        Ok(self.join(&lines, &states, workers))
    }

    fn part(&self, index: usize) -> Range<usize> {
        index * self.piece..((index + 1) * self.piece).min(self.text.len())
    }

    fn join(&self, lines: &[Lines], states: &[bool], workers: &Workers) -> Layout {
        let borders = workers.map(lines.len(), |part| {
            self.first_newline(self.part(part), states[part])
        });
        let mut pieces = Vec::with_capacity(lines.len());
        let (mut start, mut first_row) = (0, 0);
        // Content lines that end before the part at hand.
        let mut before = 0;
        for (part, lines) in lines.iter().enumerate() {
            if let Some(newline) = borders[part]
                && part > 0
            {
                let rows_end = before + usize::from(!self.ends_blank(newline));
                pieces.push(Piece {
                    bytes: start..newline + 1,
                    first_row,
                    rows: rows_end - first_row,
                });
                (start, first_row) = (newline + 1, rows_end);
            }
            before += (lines.newlines - lines.blanks) as usize;
        }
        let rows = before + usize::from(self.has_open_end());
        if start < self.text.len() {
            pieces.push(Piece {
                bytes: start..self.text.len(),
                first_row,
                rows: rows - first_row,
            });
        }
        let blanks = lines.iter().map(|lines| lines.blanks as usize).sum();
        Layout {
            pieces,
            rows,
            blanks,
            is_careful: false,
        }
    }

    /// The first line end outside quotes in a part.
    fn first_newline(&self, part: Range<usize>, mut inside: bool) -> Option<usize> {
        let start = part.start;
        let found = self.text[part].iter().position(|&byte| {
            inside ^= byte == b'"';
            byte == self.marks.newline && !inside
        });
        found.map(|ahead| start + ahead)
    }

    fn ends_blank(&self, newline: usize) -> bool {
        let is_line_end = |steps: usize| {
            newline
                .checked_sub(steps)
                .is_none_or(|at| self.text[at] == self.marks.newline)
        };
        is_line_end(1) || self.text[newline - 1] == b'\r' && is_line_end(2)
    }

    /// Whether the text ends with a record that no line end closes.
    fn has_open_end(&self) -> bool {
        match self.text {
            [] | [b'\r'] => false,
            [.., newline, b'\r'] if *newline == self.marks.newline => false,
            [.., last] => *last != self.marks.newline,
        }
    }

    /// The same, one byte after the other, by the rules of [`super::careful`].
    fn lay_out_carefully(&self) -> Result<Layout, Obstacle> {
        let mut layout = Layout {
            pieces: Vec::new(),
            rows: 0,
            blanks: 0,
            is_careful: true,
        };
        let (mut start, mut first_row, mut line) = (0, 0, 0);
        let end = walk(self.text, 0, self.marks, |at| {
            if self.text[at] != self.marks.newline {
                return ControlFlow::Continue(());
            }
            let blank = is_blank(self.text, line, at);
            layout.rows += usize::from(!blank);
            layout.blanks += usize::from(blank);
            line = at + 1;
            if line - start >= self.piece {
                layout.pieces.push(Piece {
                    bytes: start..line,
                    first_row,
                    rows: layout.rows - first_row,
                });
                (start, first_row) = (line, layout.rows);
            }
            ControlFlow::Continue(())
        });
        if let End::Quoted { opened } = end {
            return Err(Obstacle::OpenQuote { at: opened });
        }
        if !is_blank(self.text, line, self.text.len()) {
            layout.rows += 1;
        }
        if start < self.text.len() {
            layout.pieces.push(Piece {
                bytes: start..self.text.len(),
                first_row,
                rows: layout.rows - first_row,
            });
        }
        Ok(layout)
    }
}

/// Whether each part begins inside quotes, and the state behind the last.
fn states(surveys: &[Survey]) -> Vec<bool> {
    let mut inside = false;
    let mut states = vec![inside];
    for survey in surveys {
        inside ^= survey.quotes % 2 == 1;
        states.push(inside);
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lay_out(text: &str, piece: usize) -> Result<Layout, Obstacle> {
        let body = Body {
            text: text.as_bytes(),
            marks: Marks {
                delimiter: b',',
                newline: b'\n',
            },
            piece,
        };
        body.lay_out(&Workers::new(1), &Cancel::new())
    }

    #[test]
    fn rows_are_counted_without_blank_lines() {
        let check = |text: &str, rows: usize, blanks: usize| {
            for piece in 1..20 {
                let layout = lay_out(text, piece).expect("well formed");
                assert_eq!((layout.rows, layout.blanks), (rows, blanks), "{text:?} {piece}");
            }
        };
        check("a\nb\n", 2, 0);
        check("a\nb", 2, 0);
        check("\na\n\n\nb\n\n", 2, 4);
        check("a\r\n\r\nb\r\n\r", 2, 1);
        check("\"a\n\nb\",c\n\nd,e\n", 2, 1);
        check("5\" x\n\n6\"\n", 2, 1);
        check("", 0, 0);
    }

    #[test]
    fn open_quotes_and_nul_bytes_are_found() {
        assert_eq!(lay_out("a\n\"b\nc\n", 3), Err(Obstacle::OpenQuote { at: 2 }));
        assert_eq!(lay_out("a\nb\0\n", 3), Err(Obstacle::Nul { at: 3 }));
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_whole_and_both_ways_agree(text in "([a-b]{0,3}|\"([a-b,\n]|\"\"){0,5}\"|[,\n\r]){0,30}", piece in 1_usize..40) {
            let Ok(layout) = lay_out(&text, piece) else { return Ok(()) };
            let body = Body { text: text.as_bytes(), marks: Marks { delimiter: b',', newline: b'\n' }, piece };
            let careful = body.lay_out_carefully().expect("closed quotes");
            prop_assert_eq!((layout.rows, layout.blanks), (careful.rows, careful.blanks));
            for layout in [layout, careful] {
                let (mut at, mut row) = (0, 0);
                for piece in &layout.pieces {
                    prop_assert_eq!((piece.bytes.start, piece.first_row), (at, row));
                    (at, row) = (piece.bytes.end, row + piece.rows);
                }
                prop_assert_eq!((at, row), (text.len(), layout.rows));
            }
        }
    }
}
