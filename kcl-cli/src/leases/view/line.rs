//! A line of the screen: pieces of text, each with a tone.

use crate::timeline::ink::Ink;

/// The meaning of a piece of text, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Usual,
    /// What the reader should see first: bold.
    Loud,
    /// What the reader may pass over: dim.
    Quiet,
    Good,
    Bad,
    /// The colour of the worker with this number: see [`super::state::View::colour`].
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

    /// The text without colours.
    #[cfg(test)]
    pub(super) fn plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The text with its colours, cut to `width` columns.
    pub(super) fn shown(&self, width: usize, ink: Ink) -> String {
        let mut left = width;
        let mut shown = String::new();
        for (tone, text) in &self.0 {
            // A name from a store may contain control characters, which would move the cursor or
            // change the terminal. Each one becomes `?`.
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
