//! Shows the run on stderr: a moving picture on a terminal, plain lines elsewhere.
//!
//! `scene` copies from the ledger what a frame needs. `picture`, `timeline` and `summary` make
//! lines of it: pure. `screen` draws them over the former frame, and `plain` writes a log instead.

mod line;
mod picture;
mod plain;
mod scene;
mod screen;
mod summary;
mod timeline;

pub(super) use scene::{Act, Scene};

use std::io::{self, IsTerminal, Write};

use self::{
    line::Line,
    plain::Plain,
    screen::{Screen, USUAL_WIDTH},
};
use super::{facts::History, verdict::Verdict};

/// The way in which the run is shown.
#[derive(Debug)]
pub(super) enum View {
    /// A terminal on which a frame can replace the former one.
    Screen(Screen),
    /// A file, a pipe, or a terminal that cannot do that.
    Plain(Plain),
}

impl View {
    /// The moving picture, if stderr is a terminal that can show it and `plain` is not given.
    pub(super) fn new(plain: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if plain || dumb || !io::stderr().is_terminal() {
            Self::Plain(Plain::default())
        } else {
            Self::Screen(Screen::default())
        }
    }

    /// Shows a frame.
    ///
    /// # Errors
    /// Stderr cannot be written.
    pub(super) fn draw(&mut self, scene: &Scene) -> io::Result<()> {
        match self {
            Self::Screen(screen) => screen.draw(|width| picture::picture(scene, width)),
            Self::Plain(plain) => plain.draw(scene),
        }
    }

    /// Shows the timeline of the whole run and its verdict, and restores the terminal.
    ///
    /// # Errors
    /// Stderr cannot be written.
    pub(super) fn finish(&mut self, history: &History, verdict: &Verdict) -> io::Result<()> {
        let whole = |width: usize| {
            let mut lines = timeline::timeline(history, history.over, width);
            lines.push(Line::default());
            lines.extend(summary::summary(verdict));
            lines
        };
        match self {
            Self::Screen(screen) => {
                screen.draw(whole)?;
                screen.restore()
            }
            Self::Plain(_) => {
                let mut err = io::stderr().lock();
                writeln!(err)?;
                whole(USUAL_WIDTH).iter().try_for_each(|line| writeln!(err, "{}", line.plain()))
            }
        }
    }
}
