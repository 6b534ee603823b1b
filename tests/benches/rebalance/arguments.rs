//! The arguments of the benchmark.

use anyhow::{Context, Result, bail};

use crate::{leases::StoreKind, profile::Profile};

/// What is to be measured, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) runs: usize,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) store: StoreKind,
    pub(crate) only: Vec<String>,
    pub(crate) json: Option<String>,
}

impl Arguments {
    pub(crate) fn parse(given: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            runs: 10,
            profiles: Vec::new(),
            store: StoreKind::default(),
            only: Vec::new(),
            json: None,
        };
        let mut given = given.into_iter();
        while let Some(flag) = given.next() {
            // Cargo says so to every benchmark.
            if flag == "--bench" {
                continue;
            }
            let value = given.next().with_context(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--runs" => arguments.runs = value.parse().context("--runs takes a number")?,
                "--profile" => arguments.profiles.push(Profile::named(&value)?),
                "--store" => arguments.store = StoreKind::named(&value)?,
                "--only" => arguments.only.push(value),
                "--json" => arguments.json = Some(value),
                _ => bail!("{flag}: expected --runs, --profile, --store, --only or --json"),
            }
        }
        if arguments.profiles.is_empty() {
            arguments.profiles = Profile::ALL.to_vec();
        }
        Ok(arguments)
    }

    /// Whether a row is to be measured.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| row.starts_with(&**only))
    }
}
