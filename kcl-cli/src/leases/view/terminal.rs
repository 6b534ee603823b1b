//! Draws on the terminal's alternate screen in raw mode. The terminal is restored when
//! [`Terminal`] is dropped, and before the message of a panic is printed.

use std::{
    io::{self, Write},
    panic,
    sync::Once,
};

use anyhow::Context;
use crossterm::{
    cursor, queue,
    style::Print,
    terminal::{
        self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate,
        EnterAlternateScreen, LeaveAlternateScreen,
    },
};

use super::line::Line;
use crate::{stdout, timeline::ink::Ink};

/// The terminal while the screen has it. A drop gives it back.
#[derive(Debug)]
pub(super) struct Terminal {
    ink: Ink,
}

impl Terminal {
    /// Takes the terminal: switches to raw mode, in which each key arrives at once and without
    /// echo, and to the alternate screen, so that the former text returns at the end.
    ///
    /// # Errors
    /// The terminal cannot be switched or written.
    pub(super) fn take() -> anyhow::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                told(info);
            }));
        });
        terminal::enable_raw_mode().context("the terminal cannot read single keys")?;
        let taken = Self { ink: Ink::new(true) };
        let mut out = io::stdout().lock();
        queue!(out, EnterAlternateScreen, cursor::Hide)
            .and_then(|()| out.flush())
            .map_err(stdout::failed)?;
        Ok(taken)
    }

    /// Draws a frame. `picture` makes its lines for a width and a height.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub(super) fn draw(
        &mut self,
        picture: impl FnOnce(usize, usize) -> Vec<Line>,
    ) -> anyhow::Result<()> {
        let (width, height) = match terminal::size() {
            Ok((width, height)) if width > 0 && height > 0 => (width.into(), height.into()),
            _ => (80, 24),
        };
        let mut lines = picture(width, height);
        lines.truncate(height);
        // One write for the whole frame, so that the terminal never shows half of one.
        let mut frame = Vec::new();
        let mut framed = || -> io::Result<()> {
            queue!(frame, BeginSynchronizedUpdate, cursor::MoveTo(0, 0))?;
            for (number, line) in lines.iter().enumerate() {
                let end = if number + 1 < lines.len() { "\r\n" } else { "" };
                queue!(frame, Print(line.shown(width, self.ink)), Clear(ClearType::UntilNewLine))?;
                queue!(frame, Print(end))?;
            }
            queue!(frame, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)
        };
        framed().map_err(stdout::failed)?;
        stdout::bytes(&frame)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Restores the terminal. An error is ignored: this runs in a drop or a panic, which cannot return
/// it.
fn give_back() {
    let mut out = io::stdout();
    let _ = queue!(out, cursor::Show, LeaveAlternateScreen).and_then(|()| out.flush());
    let _ = terminal::disable_raw_mode();
}
