//! A child process of `kcl multilang` that does nothing with its records, for measurements of the
//! worker's own cost. It speaks the protocol of the MultiLangDaemon, checkpoints each batch, and
//! writes the number of its records into a folder.

use std::{
    fs,
    io::{self, BufRead, Write},
    path::PathBuf,
};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let (mut line, mut records) = (Vec::new(), 0);
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let Some(action) = action(&line) else { continue };
        if action == "processRecords" {
            // One brace for each record, and one for the message; the bench's keys have none.
            records += line.iter().filter(|byte| **byte == b'}').count() - 1;
        }
        fs::write(folder.join(std::process::id().to_string()), records.to_string())?;
        if action != "initialize" && action != "leaseLost" {
            output.write_all(b"{\"action\":\"checkpoint\",\"sequenceNumber\":null}\n")?;
            output.flush()?;
            input.read_until(b'\n', &mut Vec::new())?;
        }
        writeln!(output, "{{\"action\":\"status\",\"responseFor\":\"{action}\"}}")?;
        output.flush()?;
    }
}

/// The action of a message: it is the first field.
fn action(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line.strip_prefix(b"{\"action\":\"")?).ok()?;
    Some(text.split_once('"')?.0.to_owned())
}
