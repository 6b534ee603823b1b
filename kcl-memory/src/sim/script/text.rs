//! A script as text, with one setting or step on each line:
//!
//! ```text
//! # What it shows: a comment.
//! seed 7
//! workers 3
//! shards 5
//! rate 1000                     records a second and shard, in hundredths
//! skew 8                        times as much that every third shard takes in addition
//! checkpoints never             or: kept
//! poll 1s                       how often a reader at the tip looks for more
//! drift 500                     parts per million that clocks run fast or slow, at most
//! wakeups pushed                or: polled
//! zones 3                       that the workers run in by turns; without it none is named
//! settle 60s
//! end calm                      or: abrupt
//! set session_timeout 3s        a setting of the workers; `next`: of those of a rolling deployment
//! network lost_reply 12         a chance per thousand; `least`, `spread` and the like are times
//! at 8s crash 2
//! ```
//!
//! A line that is left out means the value of [`Script::quiet`].

use std::{fmt, str::FromStr, time::Duration};

use super::{Ending, Script, ScriptError, Step, settings, word::Word, words::Words};
use crate::sim::{Action, Network};

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "workers {}", self.workers)?;
        writeln!(f, "shards {}", self.shards)?;
        writeln!(f, "rate {}", self.rate)?;
        if self.skew > 0 {
            writeln!(f, "skew {}", self.skew)?;
        }
        if !self.checkpoints {
            writeln!(f, "checkpoints never")?;
        }
        writeln!(f, "poll {}", self.poll.show())?;
        writeln!(f, "drift {}", self.drift)?;
        writeln!(f, "wakeups {}", if self.pushes { "pushed" } else { "polled" })?;
        if self.zones > 0 {
            writeln!(f, "zones {}", self.zones)?;
        }
        writeln!(f, "settle {}", self.settle.show())?;
        writeln!(f, "end {}", self.ending.as_str())?;
        let usual = Self::quiet(0, 1, 1);
        let both = [("set", &self.settings, &usual.settings), ("next", &self.next, &usual.next)];
        for (word, of, usual) in both {
            for (name, value) in settings::differing(of, usual) {
                writeln!(f, "{word} {name} {value}")?;
            }
        }
        let usual = Network::default().fields();
        for ((name, value), (_, usual)) in self.network.fields().into_iter().zip(usual) {
            if value != usual {
                writeln!(f, "network {name} {value}")?;
            }
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "at {} {}", step.at.show(), step.action))
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    /// Reads a script. `#` begins a comment; empty lines mean nothing.
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::quiet(0, 1, 1);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = Words::new(number, line);
            if let Some(word) = words.next() {
                script.read(word, &mut words)?;
                words.end()?;
            }
        }
        let last = text.lines().count();
        for (word, settings) in [("set", &script.settings), ("next", &script.next)] {
            settings.validate().map_err(|refused| {
                let problem = format!("the settings given by `{word}` do not work together");
                ScriptError::new(last, problem, refused.to_string())
            })?;
        }
        Ok(script)
    }
}

impl Script {
    /// Reads the rest of a line that begins with `word`.
    fn read(&mut self, word: &str, words: &mut Words<'_>) -> Result<(), ScriptError> {
        match word {
            "seed" => self.seed = any_number(words, "the seed")?,
            "workers" => self.workers = at_most(words, "workers", Self::WORKERS_MAX)?,
            "shards" => self.shards = at_most(words, "shards", Self::SHARDS_MAX)?,
            "rate" => self.rate = any_number(words, "the rate")?,
            "poll" => {
                self.poll = words.value("the poll interval")?;
                if self.poll < Duration::from_millis(1) {
                    let problem = format!("the poll interval is {}", self.poll.show());
                    return Err(words.error(problem, "write 1ms or more"));
                }
            }
            "skew" => self.skew = any_number(words, "the skew")?.min(Self::SKEW_MAX),
            "checkpoints" => self.checkpoints = one_of(words, "checkpoints", ["kept", "never"])?,
            "drift" => self.drift = any_number(words, "the drift")?.min(100_000),
            "wakeups" => self.pushes = one_of(words, "wake-ups", ["pushed", "polled"])?,
            "zones" => self.zones = at_most(words, "zones", Self::WORKERS_MAX)?,
            "settle" => self.settle = words.value("the time to settle")?,
            "end" => {
                let how = words.name("the ending")?;
                self.ending = Ending::read(how).ok_or_else(|| {
                    words.error(format!("the ending is {how:?}"), "write calm or abrupt")
                })?;
            }
            "set" => self.settings = read_setting(&self.settings, words)?,
            "next" => self.next = read_setting(&self.next, words)?,
            "network" => self.network.read(words)?,
            "at" => {
                let at = words.value("the time of a step")?;
                let name = words.name("the action")?;
                let action = Action::read(name, words)?;
                self.steps.push(Step { at, action });
            }
            other => {
                let remedy = "begin a line with seed, workers, shards, rate, skew, checkpoints, \
                              poll, drift, wakeups, zones, settle, end, set, next, network or at";
                return Err(words.error(format!("{other:?} means nothing"), remedy));
            }
        }
        Ok(())
    }
}

fn any_number(words: &mut Words<'_>, what: &str) -> Result<u64, ScriptError> {
    let word = words.name(what)?;
    word.parse().map_err(|_| {
        words.error(format!("{what} is {word:?}"), format!("write a number up to {}", u64::MAX))
    })
}

/// Whether the next word is the first of the two; an error if it is neither.
fn one_of(words: &mut Words<'_>, what: &str, two: [&str; 2]) -> Result<bool, ScriptError> {
    let how = words.name(what)?;
    if two.contains(&how) {
        return Ok(how == two[0]);
    }
    let remedy = format!("write {} or {}", two[0], two[1]);
    Err(words.error(format!("{what} are {how:?}"), remedy))
}

/// A number in `1..=most`.
fn at_most(words: &mut Words<'_>, what: &str, most: usize) -> Result<usize, ScriptError> {
    let number: usize = words.value(what)?;
    if (1..=most).contains(&number) {
        return Ok(number);
    }
    Err(words.error(format!("{what} is {number}"), format!("write a number from 1 to {most}")))
}

/// The settings with the one changed that the rest of the line names.
fn read_setting(
    settings: &kcl_core::settings::Coordination,
    words: &mut Words<'_>,
) -> Result<kcl_core::settings::Coordination, ScriptError> {
    let name = words.name("the name of a setting")?;
    let value = words.rest();
    settings::changed(settings, name, value).map_err(|refused| {
        let problem = format!("the setting {name} is {value:?}");
        words.error(problem, format!("write it as in a file of settings ({refused})"))
    })
}

impl Network {
    /// Each property with its value as text, in the order in which scripts write them.
    fn fields(&self) -> [(&'static str, String); 10] {
        [
            ("least", self.least.show()),
            ("spread", self.spread.show()),
            ("lost_request", self.lost_request.show()),
            ("lost_reply", self.lost_reply.show()),
            ("late", self.late.show()),
            ("repeated", self.repeated.show()),
            ("stale", self.stale.show()),
            ("staleness", self.staleness.show()),
            ("listing", self.listing.show()),
            ("deadline", self.deadline.show()),
        ]
    }

    fn read(&mut self, words: &mut Words<'_>) -> Result<(), ScriptError> {
        let name = words.name("a property of the network")?;
        match name {
            "least" => self.least = words.value(name)?,
            "spread" => self.spread = words.value(name)?,
            "lost_request" => self.lost_request = words.value(name)?,
            "lost_reply" => self.lost_reply = words.value(name)?,
            "late" => self.late = words.value(name)?,
            "repeated" => self.repeated = words.value(name)?,
            "stale" => self.stale = words.value(name)?,
            "staleness" => self.staleness = words.value(name)?,
            "listing" => self.listing = words.value(name)?,
            "deadline" => self.deadline = words.value(name)?,
            other => {
                let known = self.fields().map(|(name, _)| name).join(", ");
                return Err(words
                    .error(format!("a network has no {other:?}"), format!("use one of {known}")));
            }
        }
        Ok(())
    }
}
