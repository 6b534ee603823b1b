//! A line of the picture: pieces of text with styles. The picture knows its width before colours
//! are added, so that it never wraps.

use crossterm::style::{Attribute, Color, ContentStyle, Stylize};

/// A line: pieces of text, each in its style. Every character is one column wide.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(String, Ink)>);

/// The style of a piece of text, by its meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ink {
    /// The terminal's usual text.
    #[default]
    Usual,
    /// Text that matters most: bold.
    Loud,
    /// Text that matters least: grey.
    Quiet,
    /// A good result: green.
    Good,
    /// Something that is not finished: yellow.
    Busy,
    /// A problem: bold red.
    Bad,
    /// The colour of the worker of this number, from 1. Colours repeat after six workers.
    Worker(u16),
}

/// The workers' colours.
const PALETTE: [Color; 6] =
    [Color::Cyan, Color::Magenta, Color::Blue, Color::Green, Color::Yellow, Color::Red];

impl Line {
    /// A line of one piece.
    pub(super) fn of(ink: Ink, text: impl Into<String>) -> Self {
        Self::default().with(ink, text)
    }

    /// Appends a piece.
    pub(super) fn with(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.0.push((text.into(), ink));
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.chars().count()).sum()
    }

    /// Appends `right`, so that it ends at the column `width`.
    pub(super) fn right(mut self, width: usize, right: Self) -> Self {
        let gap = width.saturating_sub(self.width() + right.width());
        self.0.push((" ".repeat(gap), Ink::Usual));
        self.0.extend(right.0);
        self
    }

    /// The text without styles, and without spaces at its end.
    pub(super) fn plain(&self) -> String {
        let text: String = self.0.iter().map(|(text, _)| text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// The first `width` columns, with the escape sequences of their colours.
    pub(super) fn coloured(&self, width: usize) -> String {
        let mut room = width;
        let mut out = String::new();
        for (text, ink) in &self.0 {
            let piece: String = text.chars().take(room).collect();
            room -= piece.chars().count();
            out.push_str(&ink.style().apply(piece).to_string());
        }
        out
    }
}

impl Ink {
    fn style(self) -> ContentStyle {
        let style = ContentStyle::new();
        match self {
            Self::Usual => style,
            Self::Loud => style.attribute(Attribute::Bold),
            Self::Quiet => style.with(Color::DarkGrey),
            Self::Good => style.with(Color::Green),
            Self::Busy => style.with(Color::Yellow),
            Self::Bad => style.with(Color::Red).attribute(Attribute::Bold),
            Self::Worker(number) => {
                let at = usize::from(number.saturating_sub(1)) % PALETTE.len();
                style.with(PALETTE.get(at).copied().unwrap_or(Color::Reset))
            }
        }
    }
}
