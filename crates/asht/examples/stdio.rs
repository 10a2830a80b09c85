//! The protocol over standard input and output, without the rest of the command line.

use std::io::{BufRead, Write};

use kolosal_asht::protocol::{Reply, Session};

fn main() -> std::io::Result<()> {
    let mut session = Session::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        match session.answer(&line?) {
            Reply::Line(answer) => writeln!(out, "{answer}")?,
            Reply::Close => break,
        }
        out.flush()?;
    }
    Ok(())
}
