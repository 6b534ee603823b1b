//! Draws frames on a terminal, each over the lines of the former one.

use std::io::{self, Write};

use crossterm::{
    cursor, queue,
    style::Print,
    terminal::{
        self, BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
        EndSynchronizedUpdate,
    },
};

use super::line::Line;

/// The width if the terminal does not say its own.
pub(super) const USUAL_WIDTH: usize = 80;

/// The widest picture: longer lines are hard to read.
const WIDEST: usize = 120;

/// A terminal on which each frame replaces the former one. The cursor is hidden, and is shown again
/// when this value is dropped.
#[derive(Debug, Default)]
pub(in crate::demo) struct Screen {
    /// The lines of the last frame, which the next one replaces.
    drawn: u16,
    hidden: bool,
}

impl Screen {
    /// Draws a frame over the last one. `picture` makes the lines for a width.
    pub(super) fn draw(&mut self, picture: impl FnOnce(usize) -> Vec<Line>) -> io::Result<()> {
        let (columns, rows) = match terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 1 => (usize::from(columns), rows),
            _ => (USUAL_WIDTH, u16::MAX),
        };
        // The last column stays free: some terminals wrap there.
        let width = (columns - 1).min(WIDEST);
        let mut lines = picture(width);
        lines.truncate(usize::from(rows - 1));
        // One write for the whole frame, so that the terminal never shows half of it.
        let mut frame = Vec::new();
        queue!(frame, BeginSynchronizedUpdate, cursor::Hide, DisableLineWrap)?;
        if self.drawn > 0 {
            queue!(frame, cursor::MoveToPreviousLine(self.drawn))?;
        }
        for line in &lines {
            queue!(frame, Print(line.coloured(width)), Clear(ClearType::UntilNewLine))?;
            queue!(frame, Print("\r\n"))?;
        }
        queue!(frame, Clear(ClearType::FromCursorDown), EnableLineWrap, EndSynchronizedUpdate)?;
        self.hidden = true;
        self.drawn = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let mut err = io::stderr().lock();
        err.write_all(&frame)?;
        err.flush()
    }

    /// Keeps the last frame on the terminal, and shows the cursor again.
    pub(super) fn restore(&mut self) -> io::Result<()> {
        self.drawn = 0;
        if std::mem::take(&mut self.hidden) {
            crossterm::execute!(io::stderr(), EnableLineWrap, cursor::Show)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A drop cannot return the error.
        let _ = self.restore();
    }
}
