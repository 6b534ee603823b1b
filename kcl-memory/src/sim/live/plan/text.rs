//! Plans as text: one thing a line, `#` starts a comment.

use std::{fmt, str::FromStr, time::Duration};

use super::{Fault, InvalidPlan, Plan, Step, Target};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "workers {}", self.workers)?;
        writeln!(f, "shards {}", self.shards)?;
        writeln!(f, "records {}", self.records)?;
        writeln!(f, "latency {}ms", self.latency.as_millis())?;
        writeln!(f, "wake-ups {}", if self.pushes { "pushed" } else { "polled" })?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}ms {}", self.at.as_millis(), self.fault)?;
        match self.fault.target() {
            Target::Worker => write!(f, " w{}", self.on)?,
            Target::Shard => write!(f, " {}", self.on)?,
            Target::Everybody => {}
        }
        if self.fault.lasts() { write!(f, " {}ms", self.lasts.as_millis()) } else { Ok(()) }
    }
}

impl FromStr for Plan {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut plan = Self::calm(0);
        for (line, number) in text.lines().zip(1..) {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(key) = words.next() else { continue };
            let read = plan.read(key, &mut words).and_then(|()| match words.next() {
                Some(more) => Err(InvalidPlan::new(format!("{more:?} is one word too many"))),
                None => Ok(()),
            });
            read.map_err(|invalid| invalid.in_line(number))?;
        }
        plan.steps.sort_by_key(|step| step.at);
        Ok(plan)
    }
}

impl Plan {
    fn read<'a>(
        &mut self,
        key: &str,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), InvalidPlan> {
        match key {
            "seed" => self.seed = number(words)?,
            "workers" => self.workers = at_least_one(words)?,
            "shards" => self.shards = at_least_one(words)?,
            "records" => self.records = number(words)?,
            "latency" => self.latency = span(words)?,
            "wake-ups" => {
                self.pushes = match word(words)? {
                    "pushed" => true,
                    "polled" => false,
                    other => {
                        let problem = format!("{other:?} are no wake-ups: pushed or polled");
                        return Err(InvalidPlan::new(problem));
                    }
                }
            }
            "at" => self.steps.push(step(words)?),
            other => {
                return Err(InvalidPlan::new(format!(
                    "{other:?} starts no line: expected seed, workers, shards, records, latency, \
                     wake-ups or at"
                )));
            }
        }
        Ok(())
    }
}

fn step<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Step, InvalidPlan> {
    let at = span(words)?;
    let fault: Fault = word(words)?.parse()?;
    let on = match fault.target() {
        Target::Worker => {
            let name = word(words)?;
            let problem = || InvalidPlan::new(format!("{name:?} is no worker: expected w0, w1, …"));
            name.strip_prefix('w').and_then(|n| n.parse().ok()).ok_or_else(problem)?
        }
        Target::Shard => number(words)?,
        Target::Everybody => 0,
    };
    let lasts = if fault.lasts() { span(words)? } else { Duration::ZERO };
    Ok(Step { at, fault, on, lasts })
}

fn word<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<&'a str, InvalidPlan> {
    words.next().ok_or_else(|| InvalidPlan::new("a word is missing at the end".to_owned()))
}

fn number<'a, N: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Result<N, InvalidPlan> {
    let word = word(words)?;
    word.parse().map_err(|_| InvalidPlan::new(format!("{word:?} is no number that fits here")))
}

fn at_least_one<'a, N: FromStr + Default + PartialEq>(
    words: &mut impl Iterator<Item = &'a str>,
) -> Result<N, InvalidPlan> {
    match number(words)? {
        zero if zero == N::default() => Err(InvalidPlan::new("0 is too few: use 1 or more".into())),
        number => Ok(number),
    }
}

/// A span in milliseconds or seconds.
fn span<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Duration, InvalidPlan> {
    let word = word(words)?;
    let millis = match (word.strip_suffix("ms"), word.strip_suffix('s')) {
        (Some(millis), _) => millis.parse().ok(),
        (None, Some(seconds)) => seconds.parse().ok().and_then(|s: u64| s.checked_mul(1_000)),
        (None, None) => None,
    };
    // A year is more than enough, and overflows nothing.
    millis
        .filter(|millis| *millis < 31_536_000_000)
        .map(Duration::from_millis)
        .ok_or_else(|| InvalidPlan::new(format!("{word:?} is no time: expected like 1500ms or 2s")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::live::plan::Scale;

    proptest! {
        #[test]
        fn every_drawn_plan_reads_back_as_it_was(seed: u64, workers in 1_usize..9) {
            let faults = Fault::ALL.to_vec();
            let plan = Plan::draw(seed, &Scale { workers, shards: 3, records: 50, faults });
            prop_assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Plan>();
            let _ = format!("at {text}").parse::<Plan>();
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_would_be_right() {
        let refused = |text: &str| text.parse::<Plan>().unwrap_err().to_string();
        assert_eq!(
            refused("seed 1\nat 3s crash 1"),
            "line 2 of the plan: \"1\" is no worker: expected w0, w1, …"
        );
        assert!(refused("at 3 crash w1").contains("expected like 1500ms or 2s"));
        assert!(refused("at 3s explode w1").contains("expected one of crash, start"));
        assert!(refused("workers 0").contains("use 1 or more"));
        assert!(refused("shards 1 2").contains("one word too many"));
        assert!(refused("at 3s pause w1").contains("missing"));
        assert!(refused("speed 9").contains("expected seed"));
    }
}
