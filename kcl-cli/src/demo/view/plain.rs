//! Shows the run as plain lines, for a log.

use std::io::{self, Write};

use super::scene::{Scene, State};
use crate::demo::facts::Millis;

/// The interval between two lines of figures.
const EVERY: Millis = 2_000;

/// Writes a line when a part of the script begins, when the fleet is in balance, and every
/// [`EVERY`] milliseconds.
#[derive(Debug, Default)]
pub(in crate::demo) struct Plain {
    /// How many parts of the script were written.
    acts: usize,
    /// Whether the balance of the last part was written.
    balanced: bool,
    /// When the next line of figures is due.
    next: Millis,
}

impl Plain {
    /// Writes what is new since the last call.
    pub(super) fn draw(&mut self, scene: &Scene) -> io::Result<()> {
        let mut err = io::stderr().lock();
        let at = seconds(scene.now);
        if let Some(act) = scene.act() {
            if scene.acts.len() > self.acts {
                self.acts = scene.acts.len();
                self.balanced = false;
                writeln!(err, "{at:>7}  {}", act.headline)?;
            }
            match act.took {
                Some(took) if !self.balanced && act.name != "end" => {
                    writeln!(err, "{at:>7}  balanced after {}", seconds(took))?;
                    self.balanced = true;
                    self.next = scene.now;
                }
                took => self.balanced = took.is_some(),
            }
        }
        if scene.now >= self.next {
            self.next = scene.now + EVERY;
            writeln!(err, "{at:>7}  {}", status(scene))?;
        }
        Ok(())
    }
}

fn status(scene: &Scene) -> String {
    let works = scene.workers.iter().filter(|row| row.state == State::Works);
    let leases: Vec<String> = works.map(|row| row.leases.to_string()).collect();
    format!(
        "leases {} | {} records/s, lag p99 {} ms | {} processed, {} duplicates | {} moves",
        leases.join("+"),
        scene.rate,
        scene.lag,
        scene.processed,
        scene.duplicates,
        scene.moves,
    )
}

/// A time like `12.3 s`.
pub(super) fn seconds(millis: Millis) -> String {
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}
