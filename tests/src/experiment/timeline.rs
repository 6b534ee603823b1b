//! The timeline of an experiment: its steps with their times.

use std::fmt;

use super::picture;
use crate::fleet::{Reading, wall_millis};

/// The steps of an experiment. Each is written to standard error when it is added.
#[derive(Debug)]
pub struct Timeline {
    begun: f64,
    lines: Vec<(f64, String)>,
    is_silent: bool,
}

impl Timeline {
    /// A timeline that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { begun: wall_millis(), lines: Vec::new(), is_silent: false }
    }

    /// A timeline that begins now and writes nothing to standard error.
    #[must_use]
    pub fn silent() -> Self {
        Self { is_silent: true, ..Self::begin() }
    }

    /// Draws the timeline as SVG, with the leases in these readings.
    #[must_use]
    pub fn draw(&self, readings: &[Reading]) -> String {
        picture::draw(readings, &self.lines, self.begun)
    }

    /// Adds a step that happens now.
    pub fn tell(&mut self, what: String) {
        self.at(wall_millis(), what);
    }

    /// Adds a step that happened at `when`, in milliseconds since 1970.
    #[expect(clippy::print_stderr, reason = "this is where progress goes")]
    pub fn at(&mut self, when: f64, what: String) {
        let seconds = (when - self.begun) / 1e3;
        if !self.is_silent {
            eprintln!("{seconds:7.2} s  {what}");
        }
        self.lines.push((seconds, what));
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(at, what)| writeln!(f, "{at:7.2} s  {what}"))
    }
}
