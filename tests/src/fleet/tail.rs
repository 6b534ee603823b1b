//! Reads a file while another process writes it.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Reads the lines of a file as they appear.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
}

impl Tail {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, rest: Vec::new() })
    }

    /// Calls `each` for every line that was completed since the last call.
    pub(super) fn lines(&mut self, mut each: impl FnMut(&str)) -> io::Result<()> {
        if self.file.read_to_end(&mut self.rest)? == 0 {
            return Ok(());
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.rest.split_off(end + 1);
        for line in self.rest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            each(&String::from_utf8_lossy(line));
        }
        self.rest = rest;
        Ok(())
    }
}
