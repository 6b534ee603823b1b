//! The arguments of the benchmark.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::backend::Backend;

/// What is to be measured.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) stores: Vec<Backend>,
    pub(crate) leases: u32,
    pub(crate) workers: usize,
    /// How long operations are counted.
    pub(crate) window: Duration,
    /// Whether `kcl doctor` is measured, in place of a fleet.
    pub(crate) doctor: bool,
    /// Whether an import is.
    pub(crate) import: bool,
}

impl Arguments {
    pub(crate) fn parse(given: impl IntoIterator<Item = String>) -> Result<Self> {
        let window = Duration::from_secs(30);
        let (stores, doctor, import) = (Vec::new(), false, false);
        let mut arguments = Self { stores, leases: 1_000, workers: 50, window, doctor, import };
        let mut given = given.into_iter();
        while let Some(flag) = given.next() {
            // Cargo says so to every benchmark.
            if flag == "--bench" {
                continue;
            }
            if flag == "--doctor" {
                arguments.doctor = true;
                continue;
            }
            if flag == "--import" {
                arguments.import = true;
                continue;
            }
            let value = given.next().with_context(|| format!("{flag} needs a value"))?;
            let number = || value.parse().with_context(|| format!("{flag} takes a number"));
            match flag.as_str() {
                "--store" => arguments.stores.push(Backend::named(&value)?),
                "--leases" => arguments.leases = number()?,
                "--workers" => arguments.workers = usize::try_from(number()?)?,
                "--seconds" => arguments.window = Duration::from_secs(number()?.into()),
                _ => bail!(
                    "{flag}: expected --store, --leases, --workers, --seconds, --doctor, --import"
                ),
            }
        }
        if arguments.stores.is_empty() {
            // No process looks into the memory of another.
            let all = Backend::ALL.iter().skip(usize::from(arguments.doctor));
            arguments.stores = all.copied().collect();
        }
        Ok(arguments)
    }
}
