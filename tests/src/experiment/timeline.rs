//! What happened when, as it is told to whoever watches.

use std::fmt;

use super::picture;
use crate::fleet::{Reading, wall_millis};

/// What happened when. It is written to standard error as it happens.
#[derive(Debug)]
pub struct Timeline {
    begun: f64,
    lines: Vec<(f64, String)>,
    is_silent: bool,
}

impl Timeline {
    /// It begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { begun: wall_millis(), lines: Vec::new(), is_silent: false }
    }

    /// It begins now, and nobody watches.
    #[must_use]
    pub fn silent() -> Self {
        Self { is_silent: true, ..Self::begin() }
    }

    /// As a picture, with what the lease rows showed meanwhile.
    #[must_use]
    pub fn draw(&self, readings: &[Reading]) -> String {
        picture::draw(readings, &self.lines, self.begun)
    }

    /// This happens now.
    pub fn tell(&mut self, what: String) {
        self.at(wall_millis(), what);
    }

    /// This happened then, in milliseconds since 1970.
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
