//! `kolosal asht --stdio`

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};

use kolosal_platform::asht_protocol::{Reply, Session};

use crate::args::AshtArgs;

/// The longest request that is read: a history of some hundred thousand trials.
const LINE_MAX: u64 = 256 << 20;

/// Answers line by line until `close`, the end of the input, or a closed pipe.
pub(crate) fn run(args: &AshtArgs) -> anyhow::Result<u8> {
    assert!(args.stdio, "required by the parser");
    match converse(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => Ok(0),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn converse(input: impl Read, mut output: impl Write) -> std::io::Result<()> {
    let mut session = Session::new();
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        match session.answer(text.trim_end()) {
            Reply::Line(answer) => writeln!(output, "{answer}")?,
            Reply::Close => return Ok(()),
        }
        output.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_ends_with_the_input_or_with_close() {
        let mut output = Vec::new();
        let garbage: &[u8] = b"\xff\xfe garbage\n\n{\"op\":\"ask\"}\n{\"op\":\"close\"}\n{\"op\":\"ask\"}\n";
        converse(garbage, &mut output).expect("memory does not fail");
        let text = String::from_utf8(output).expect("UTF-8");
        assert_eq!(text.lines().filter(|line| line.contains("\"error\"")).count(), 2);
        assert_eq!(text.lines().count(), 2);
    }
}
