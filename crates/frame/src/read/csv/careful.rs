//! Separators and record ends byte by byte: the reference for the rules of quoting.
//!
//! A quote opens only as the first byte of a cell; elsewhere it is a character like any other. Inside, two quotes mean
//! one; after the closing quote, whatever comes before the next separator still belongs to the cell. The masks of
//! [`kolosal_compute::kernels::scan`] find the same separators, faster, wherever quotes stand only where they belong.

use std::ops::ControlFlow;

use kolosal_compute::kernels::scan::{Found, Marks};

/// How a walk over separators ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The visitor had enough.
    Stopped,
    /// At the end of the text, outside quotes.
    Text,
    /// At the end of the text, inside the quotes opened at this offset.
    Quoted { opened: usize },
}

/// Visits every separator outside quotes from `start` on, which must be the start of a cell.
pub(super) fn walk(
    text: &[u8],
    start: usize,
    marks: Marks,
    mut visit: impl FnMut(usize) -> ControlFlow<()>,
) -> End {
    let mut at = start;
    loop {
        if text.get(at) == Some(&b'"') {
            match closing_quote(text, at) {
                Some(closed) => at = closed + 1,
                None => return End::Quoted { opened: at },
            }
        }
        let rest = &text[at..];
        let is_separator = |byte: &u8| *byte == marks.delimiter || *byte == marks.newline;
        let Some(ahead) = rest.iter().position(is_separator) else {
            return End::Text;
        };
        at += ahead;
        if visit(at).is_break() {
            return End::Stopped;
        }
        at += 1;
    }
}

fn closing_quote(text: &[u8], opened: usize) -> Option<usize> {
    let mut at = opened + 1;
    loop {
        at += text[at..].iter().position(|&byte| byte == b'"')?;
        if text.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
        if at > text.len() {
            return None;
        }
    }
}

/// The same answer as [`kolosal_compute::kernels::scan::separators`], by the rules above.
pub(super) fn separators(text: &[u8], marks: Marks, out: &mut [u32]) -> Found {
    let mut found = Found::default();
    walk(text, 0, marks, |at| {
        out[found.separators] = at as u32;
        found.separators += 1;
        found.newlines += usize::from(text[at] == marks.newline);
        ControlFlow::Continue(())
    });
    found
}

/// Whether the line that ends before `newline` and began at `start` has no content.
pub(super) fn is_blank(text: &[u8], start: usize, newline: usize) -> bool {
    matches!(text[start..newline], [] | [b'\r'])
}

/// The value of a cell: without its quotes, doubled quotes made single.
pub(super) fn unquoted<'a>(cell: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let [b'"', inner @ ..] = cell else {
        return cell;
    };
    if let [plain @ .., b'"'] = inner
        && !plain.contains(&b'"')
    {
        return plain;
    }
    scratch.clear();
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|&byte| byte == b'"') {
        scratch.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        match rest {
            [b'"', after @ ..] => {
                scratch.push(b'"');
                rest = after;
            }
            after_closing => {
                scratch.extend_from_slice(after_closing);
                return scratch;
            }
        }
    }
    scratch.extend_from_slice(rest);
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_compute::kernels::scan::{self, SEPARATORS_SLACK};
    use proptest::prelude::*;

    const MARKS: Marks = Marks {
        delimiter: b',',
        newline: b'\n',
    };

    fn found(text: &str, f: impl Fn(&[u8], Marks, &mut [u32]) -> Found) -> Vec<u32> {
        let mut out = vec![0; text.len() + SEPARATORS_SLACK];
        let found = f(text.as_bytes(), MARKS, &mut out);
        out.truncate(found.separators);
        out
    }

    #[test]
    fn quotes_inside_a_cell_are_characters() {
        assert_eq!(found("5\" pipe,\"a,b\"x,y\n", separators), [7, 14, 16]);
        assert_eq!(found("\"a\"\"\n\",b\n", separators), [6, 8]);
    }

    #[test]
    fn values_lose_their_quotes() {
        let check = |cell: &str, expected: &str| {
            assert_eq!(
                unquoted(cell.as_bytes(), &mut Vec::new()),
                expected.as_bytes(),
                "{cell}"
            );
        };
        check("a\"b", "a\"b");
        check("\"a,b\"", "a,b");
        check("\"a\"\"b\"", "a\"b");
        check("\"\"", "");
        check("\"\"\"\"", "\"");
        check("\"a\"b\"c", "ab\"c");
        check("\"open", "open");
    }

    #[test]
    fn an_open_quote_is_found() {
        assert_eq!(
            walk(b"a,\"b\n", 0, MARKS, |_| ControlFlow::Continue(())),
            End::Quoted { opened: 2 }
        );
        assert_eq!(
            walk(b"a,\"b\"\"", 0, MARKS, |_| ControlFlow::Continue(())),
            End::Quoted { opened: 2 }
        );
    }

    proptest! {
        #[test]
        fn the_masks_agree_on_well_formed_text(cells in proptest::collection::vec("[a-c,\"\n]{0,6}", 0..40), ends in proptest::collection::vec("[,\n]", 40)) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let plain = |cell: &String| if cell.contains(['"', ',', '\n']) { quoted(cell) } else { cell.clone() };
            let text: String = cells.iter().zip(&ends).map(|(cell, end)| plain(cell) + end).collect();
            let survey = scan::survey(text.as_bytes(), 0..text.len(), MARKS);
            prop_assert!(!survey.if_outside.is_irregular);
            prop_assert_eq!(found(&text, separators), found(&text, scan::separators));
        }
    }
}
