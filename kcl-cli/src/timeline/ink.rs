//! The colours of drawings, on pages and on terminals. Each worker has the same colour in both.

/// The colours of workers: on a page, of text on that colour, and the most similar of the 256
/// colours of terminals. Colour-blind readers can distinguish them.
const COLOURS: [(&str, &str, u8); 12] = [
    ("#4285c6", "#ffffff", 68),
    ("#e69f00", "#1a1a1a", 214),
    ("#2a9d74", "#ffffff", 36),
    ("#cc79a7", "#1a1a1a", 175),
    ("#9c6ade", "#ffffff", 98),
    ("#8c6d46", "#ffffff", 137),
    ("#1fb5c9", "#1a1a1a", 44),
    ("#b8b01e", "#1a1a1a", 142),
    ("#5b6e8c", "#ffffff", 103),
    ("#b5179e", "#ffffff", 127),
    ("#77b255", "#1a1a1a", 107),
    ("#6a4c93", "#ffffff", 61),
];

/// The colour of a worker on a page.
pub(crate) fn hex(worker: usize) -> &'static str {
    COLOURS[worker % COLOURS.len()].0
}

/// The colour of text on the worker's colour on a page.
pub(crate) fn hex_on(worker: usize) -> &'static str {
    COLOURS[worker % COLOURS.len()].1
}

/// Adds colours to text for a terminal, or leaves it plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink {
    coloured: bool,
}

impl Ink {
    /// Colours if the output `is_terminal`, unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn new(is_terminal: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { coloured: is_terminal && !dumb && !is_set("NO_COLOR") }
    }

    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self { coloured: false }
    }

    #[cfg(test)]
    pub(crate) const fn coloured() -> Self {
        Self { coloured: true }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// A violation: the most visible text.
    pub(crate) fn alarm(self, text: &str) -> String {
        self.with("1;97;41", text)
    }

    /// A shard with two readers: black on yellow.
    pub(crate) fn two(self, text: &str) -> String {
        self.with("1;38;5;16;48;5;226", text)
    }

    pub(crate) fn loud(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn odd(self, text: &str) -> String {
        self.with("1;33", text)
    }

    pub(crate) fn quiet(self, text: &str) -> String {
        self.with("2", text)
    }

    /// Text on the worker's colour, as in a bar.
    pub(crate) fn solid(self, worker: usize, text: &str) -> String {
        self.with(&format!("38;5;16;48;5;{}", terminal(worker)), text)
    }

    /// Text in the worker's colour.
    pub(crate) fn thin(self, worker: usize, text: &str) -> String {
        self.with(&format!("38;5;{}", terminal(worker)), text)
    }

    /// The text between these codes of the terminal and a reset.
    fn with(self, codes: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{codes}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The colour of a worker on a terminal.
fn terminal(worker: usize) -> u8 {
    COLOURS[worker % COLOURS.len()].2
}
