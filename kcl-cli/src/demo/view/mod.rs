//! What is shown on stderr: a moving picture on a terminal, plain lines elsewhere.

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

/// Where the run is shown.
#[derive(Debug)]
pub(super) enum View {
    /// A terminal that lines can be drawn over.
    Screen(Screen),
    /// Anything else.
    Plain(Plain),
}

impl View {
    /// The moving picture if stderr is a terminal and nobody asked for plain lines.
    pub(super) fn new(plain: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if plain || dumb || !io::stderr().is_terminal() {
            Self::Plain(Plain::default())
        } else {
            Self::Screen(Screen::default())
        }
    }

    /// Shows the present.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn draw(&mut self, scene: &Scene) -> io::Result<()> {
        match self {
            Self::Screen(screen) => screen.draw(|width| picture::picture(scene, width)),
            Self::Plain(plain) => plain.draw(scene),
        }
    }

    /// Shows the whole run and its verdict.
    ///
    /// # Errors
    /// The terminal's.
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
