//! A terminal whose last lines are drawn over.

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

/// The width of what is shown where no terminal says how wide it is.
pub(super) const USUAL_WIDTH: usize = 80;

/// The widest picture: longer lines are hard to read.
const WIDEST: usize = 120;

/// A terminal whose last lines are drawn over. Its cursor is hidden meanwhile and comes back when
/// this is dropped, whatever happens.
#[derive(Debug, Default)]
pub(in crate::demo) struct Screen {
    /// How many lines stand there to be drawn over.
    drawn: u16,
    hidden: bool,
}

impl Screen {
    /// Draws lines over those drawn before.
    pub(super) fn draw(&mut self, picture: impl FnOnce(usize) -> Vec<Line>) -> io::Result<()> {
        let (columns, rows) = match terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 1 => (usize::from(columns), rows),
            _ => (USUAL_WIDTH, u16::MAX),
        };
        // The last column stays free: some terminals wrap there.
        let width = (columns - 1).min(WIDEST);
        let mut lines = picture(width);
        lines.truncate(usize::from(rows - 1));
        // Written at once, so that the terminal never shows half a picture.
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

    /// Leaves what stands there, and gives the cursor back.
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
        // There is nobody left to tell.
        let _ = self.restore();
    }
}
