//! The results as a table.

use std::{collections::BTreeMap, fmt};

use anyhow::Result;
use serde_json::{Value, json};

use crate::{profile::Profile, row::Sample};

/// Every figure, by line and profile.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// In the order in which they came first.
    lines: Vec<Sample>,
    values: BTreeMap<(&'static str, Profile), Vec<f64>>,
    failures: BTreeMap<(&'static str, Profile), usize>,
}

impl Table {
    pub(crate) fn add(&mut self, profile: Profile, samples: Vec<Sample>) {
        for sample in samples {
            if self.lines.iter().all(|line| line.line != sample.line) {
                self.lines.push(sample.clone());
            }
            self.values.entry((sample.line, profile)).or_default().extend(sample.values);
        }
    }

    /// A run did not come to an end.
    pub(crate) fn fail(&mut self, profile: Profile, row: &'static str) {
        *self.failures.entry((row, profile)).or_default() += 1;
    }

    /// Every figure, for other programs.
    pub(crate) fn json(&self) -> Result<String> {
        let values = self.values.iter().map(|((line, profile), values)| {
            json!({"line": line, "profile": profile.name(), "values": values})
        });
        let failures = self.failures.iter().map(|((row, profile), runs)| {
            json!({"row": row, "profile": profile.name(), "failed_runs": runs})
        });
        let all: Vec<Value> = values.chain(failures).collect();
        Ok(serde_json::to_string_pretty(&all)?)
    }
}

/// Median and maximum.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = |profile: &Profile| self.values.keys().any(|(_, known)| known == profile);
        let profiles: Vec<_> = Profile::ALL.into_iter().filter(used).collect();
        write!(f, "| median / maximum | target |")?;
        profiles.iter().try_for_each(|profile| write!(f, " {} |", profile.name()))?;
        write!(f, "\n|---|---|")?;
        profiles.iter().try_for_each(|_| write!(f, "---|"))?;
        writeln!(f)?;
        for Sample { line, unit, target, .. } in &self.lines {
            write!(f, "| {line} | {target} {unit} |")?;
            for profile in &profiles {
                match self.values.get(&(*line, *profile)) {
                    Some(values) => write!(f, " {} |", median_and_maximum(values))?,
                    None => write!(f, " – |")?,
                }
            }
            writeln!(f)?;
        }
        for ((row, profile), runs) in &self.failures {
            writeln!(f, "\n{row}, {}: {runs} runs FAILED", profile.name())?;
        }
        Ok(())
    }
}

fn median_and_maximum(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.last() else { return "none".to_owned() };
    format!("{:.2} / {last:.2} (n {})", sorted[sorted.len() / 2], sorted.len())
}
