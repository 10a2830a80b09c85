//! Standard output for results, standard error for everything else.

use std::io::{self, IsTerminal, Write};

use kolosal_platform::{ErrorKind, PlatformError};
use kolosal_server::ServerError;
use serde::Serialize;

use crate::wire;

/// How results and remarks are shown.
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether progress and notes are to be left out.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a result: as JSON, or as the text given for people.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        if self.json {
            let mut line = serde_json::to_string_pretty(value)?;
            line.push('\n');
            return to_stdout(&line);
        }
        to_stdout(&text())
    }

    /// Prints a remark for people.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// Prints why a command failed; gives its exit code.
    pub(crate) fn fail(&self, error: &anyhow::Error) -> u8 {
        if is_closed_pipe(error) {
            return 0;
        }
        let kind = error
            .downcast_ref::<PlatformError>()
            .map(PlatformError::kind)
            .or_else(|| error.downcast_ref::<ServerError>().map(ServerError::kind))
            .unwrap_or(ErrorKind::Internal);
        if self.json {
            let failure = wire::Failure::new(kind.name(), error.to_string());
            let line = serde_json::to_string_pretty(&failure).unwrap_or_default();
            to_stderr(&line);
        } else {
            to_stderr(&format!("error: {error}"));
        }
        kind.exit_code()
    }
}

/// Someone who reads only the first lines is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes to standard output.
pub(crate) fn to_stdout(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes a line to standard error; where that is closed there is nobody to tell.
pub(crate) fn to_stderr(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether standard error is a terminal that can redraw a line.
pub(crate) fn has_live_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Which side of a table's column is flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Widest cell of a table; longer ones are cut.
const CELL_MAX: usize = 72;

/// Lays out rows under their headings.
pub(crate) fn table(headings: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let cut = |text: &str| match text.chars().count() {
        n if n > CELL_MAX => format!("{}…", text.chars().take(CELL_MAX - 1).collect::<String>()),
        _ => text.to_owned(),
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| cut(cell)).collect())
        .collect();
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.chain([headings[at].0.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let padded =
            cells
                .iter()
                .zip(headings)
                .zip(&widths)
                .map(|((cell, (_, align)), &width)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                });
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&headings.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    text.push_str(&line(
        &widths
            .iter()
            .map(|&width| "─".repeat(width))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    ));
    rows.iter()
        .for_each(|row| text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>())));
    text
}

/// A number as people read it: six digits that matter.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e7).contains(&magnitude) {
        format!("{value:.4e}")
    } else {
        let digits = (5 - magnitude.log10().floor() as i32).clamp(0, 6) as usize;
        format!("{value:.digits$}")
    }
}

/// A size as people read it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_six_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (0.123_456_78, "0.123457"),
            (12.345_678, "12.3457"),
            (68_000.25, "68000.2"),
            (1e9, "1.0000e9"),
            (-0.5, "-0.500000"),
            (0.000_01, "1.0000e-5"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn tables_are_flush_and_cut() {
        let rows = vec![
            vec!["a".to_owned(), "1".to_owned()],
            vec!["x".repeat(90), "20".to_owned()],
        ];
        let text = table(&[("name", Align::Left), ("n", Align::Right)], &rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].starts_with("a   ") && lines[2].ends_with(" 1"));
        assert!(lines[3].contains('…'));
    }
}
