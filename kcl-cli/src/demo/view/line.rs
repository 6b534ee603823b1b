//! A line of the picture: pieces of text, some in colour.

use crossterm::style::{Attribute, Color, ContentStyle, Stylize};

/// A line: pieces of text, each in its style. Every character is one column wide.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(String, Ink)>);

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ink {
    /// As text does.
    #[default]
    Usual,
    /// What matters most.
    Loud,
    /// What matters least.
    Quiet,
    /// Good.
    Good,
    /// Under way.
    Busy,
    /// Bad.
    Bad,
    /// The colour of a worker.
    Worker(u16),
}

/// The workers' colours.
const PALETTE: [Color; 6] =
    [Color::Cyan, Color::Magenta, Color::Blue, Color::Green, Color::Yellow, Color::Red];

impl Line {
    /// A line that says this.
    pub(super) fn of(ink: Ink, text: impl Into<String>) -> Self {
        Self::default().with(ink, text)
    }

    /// The same, and then this.
    pub(super) fn with(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.0.push((text.into(), ink));
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.chars().count()).sum()
    }

    /// The same, and then `right` at the right margin of `width` columns.
    pub(super) fn right(mut self, width: usize, right: Self) -> Self {
        let gap = width.saturating_sub(self.width() + right.width());
        self.0.push((" ".repeat(gap), Ink::Usual));
        self.0.extend(right.0);
        self
    }

    /// The text alone.
    pub(super) fn plain(&self) -> String {
        let text: String = self.0.iter().map(|(text, _)| text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// At most `width` columns of it, in colour.
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
