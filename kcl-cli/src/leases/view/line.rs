//! A line of the screen: pieces of text, each with a tone.

use crate::timeline::ink::Ink;

/// The meaning of a piece of text, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Usual,
    /// Matters most.
    Loud,
    /// Matters least.
    Quiet,
    Good,
    Bad,
    /// Belongs to the worker with this number: [`super::state::View::colour`].
    Worker(usize),
}

/// A line of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    pub(super) fn of(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().with(tone, text)
    }

    pub(super) fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    /// Without colours.
    #[cfg(test)]
    pub(super) fn plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// As a terminal shows it, no wider than this.
    pub(super) fn shown(&self, width: usize, ink: Ink) -> String {
        let mut left = width;
        let mut shown = String::new();
        for (tone, text) in &self.0 {
            // What comes from a store is shown and does nothing.
            let letter = |it: char| if it.is_control() { '?' } else { it };
            let text: String = text.chars().map(letter).take(left).collect();
            left -= text.chars().count();
            shown += &match tone {
                Tone::Usual => text,
                Tone::Loud => ink.loud(&text),
                Tone::Quiet => ink.quiet(&text),
                Tone::Good => ink.good(&text),
                Tone::Bad => ink.bad(&text),
                Tone::Worker(number) => ink.thin(*number, &text),
            };
        }
        shown
    }
}
