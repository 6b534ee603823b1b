//! Plays a run of the simulator, and writes its verdict as text and as JSON.

use std::fmt::Write;

use kcl_memory::sim::{Finding, Report, Script, Violation, World};
use serde_json::{Value, json};

use super::{args::replay_of, shortest::Shortest};
use crate::timeline::{ink::Ink, scale::seconds};

/// A run that was played.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) script: Script,
    pub(super) report: Report,
    pub(super) violation: Option<Violation>,
    /// The shortest script that breaks the same invariant; `None` if it was not searched for.
    pub(super) shortest: Option<Shortest>,
    /// The command that plays this run again.
    again: String,
}

impl Played {
    /// Plays a script. `again` is the command that plays it.
    pub(super) fn of(script: Script, traced: bool, again: String) -> Self {
        let world = World::new(script.clone()).recorded();
        let world = if traced { world.traced() } else { world };
        let (report, violation) = world.play_explained();
        Self { script, report, violation, shortest: None, again }
    }

    /// The script with the invariant that it broke; `None` if all held.
    pub(super) fn finding(&self) -> Option<Finding> {
        let violation = self.violation.clone()?;
        Some(Finding::new(self.script.clone(), violation))
    }

    /// The command that plays the violation again: with the shortest script, if there is one.
    fn replay(&self) -> String {
        let file = self.shortest.as_ref().and_then(|shortest| shortest.file.as_ref());
        file.map_or_else(|| self.again.clone(), |file| replay_of(&file.display().to_string()))
    }

    /// The headline of the picture, a few words a line.
    pub(super) fn headline(&self) -> Vec<String> {
        let Self { script, report, .. } = self;
        let size = format!(
            "seed {}, {} workers and {} shards at the start, {} steps",
            script.seed,
            script.workers,
            script.shards,
            script.steps.len()
        );
        match &self.violation {
            None => {
                let lasted = seconds(report.lasted.as_micros());
                vec![format!("Every invariant held for {lasted}"), size, self.again.clone()]
            }
            Some(broken) => vec![
                format!("BROKEN at {}: {}", seconds(broken.at.as_micros()), broken.invariant),
                broken.what.clone(),
                size,
                self.again.clone(),
            ],
        }
    }

    /// The verdict as text.
    pub(super) fn as_text(&self, ink: Ink) -> String {
        let mut out = String::new();
        let mut line = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        let Self { script, report, .. } = self;
        let (workers, shards, steps) = (script.workers, script.shards, script.steps.len());
        line(&format!("seed {}: {workers} workers, {shards} shards, {steps} steps", script.seed));
        line(&format!(
            "records processed {}, again {}; leases taken {}; {} simulated",
            report.processed,
            report.duplicates,
            report.acquires,
            seconds(report.lasted.as_micros())
        ));
        if !report.faults.is_empty() {
            let faults = report.faults.iter().map(|(kind, times)| format!("{kind} {times}"));
            line(&format!("faults: {}", faults.collect::<Vec<_>>().join(", ")));
        }
        match &self.violation {
            None => line(&ink.good("ok: every invariant held")),
            Some(broken) => {
                let at = seconds(broken.at.as_micros());
                line(&ink.bad(&format!("BROKEN at {at}: {}", broken.invariant)));
                line(&format!("  {}", broken.what));
            }
        }
        out
    }

    /// The commands that help to understand a violation.
    pub(super) fn way_on(&self) -> String {
        let Some(shortest) = &self.shortest else {
            return format!("play it again: {}", self.again);
        };
        let Some(file) = &shortest.file else {
            return format!("no shorter script was found; play it again: {}", self.again);
        };
        let mut out = format!(
            "the shortest script that breaks it has {} of {} steps, {} of {} workers, {} of {} \
             shards:\n",
            shortest.script.steps.len(),
            self.script.steps.len(),
            shortest.script.workers,
            self.script.workers,
            shortest.script.shards,
            self.script.shards,
        );
        for line in shortest.script.to_string().lines() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {line}");
        }
        let _ = writeln!(out, "it is in {}; play it:", file.display());
        let _ = write!(out, "  {}", self.replay());
        out
    }

    /// The verdict as JSON: the table of `simulate`'s module header.
    pub(super) fn as_json(&self) -> Value {
        let Self { script, report, violation, .. } = self;
        let mut verdict = json!({
            "verdict": if violation.is_none() { "ok" } else { "bad" },
            "replay": self.replay(),
            "seed": script.seed,
            "workers": script.workers,
            "shards": script.shards,
            "steps": script.steps.len(),
            "lasted_ms": report.lasted.as_micros() / 1_000,
            "events": report.events,
            "records": { "processed": report.processed, "duplicates": report.duplicates },
            "acquires": report.acquires,
            "faults": report.faults,
            "leases": report.held,
            "digest": format!("{:016x}", report.digest),
        });
        if let Some(violation) = violation {
            verdict["violation"] = json!({
                "invariant": violation.invariant,
                "at_ms": violation.at.as_micros() / 1_000,
                "what": violation.what,
            });
        }
        if let Some(shortest) = &self.shortest {
            let script = shortest.script.to_string();
            verdict["shortest"] = json!({ "file": shortest.file, "script": script });
        }
        if !report.trace.is_empty() {
            verdict["trace"] = json!(report.trace);
        }
        verdict
    }
}
