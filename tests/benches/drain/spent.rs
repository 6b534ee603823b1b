//! What one contestant spent on draining everything once.

use std::{fmt, num::ParseIntError, str::FromStr, time::Duration};

use kcl_core::env::Env;

/// What draining everything took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// From the first answer to the last record.
    pub(crate) drain: Duration,
    /// From the start to the last record.
    pub(crate) whole: Duration,
    /// CPU time of the process, from the start to the last record.
    pub(crate) cpu: Duration,
    /// The most memory the process has had resident, in KiB.
    pub(crate) peak_kib: u64,
}

/// Measures a contestant from now on.
#[derive(Debug)]
pub(crate) struct Meter {
    env: Env,
    began: kcl_core::env::Time,
    cpu: Duration,
}

impl Meter {
    pub(crate) fn start() -> Self {
        let env = Env::system();
        Self { began: env.clock.now(), cpu: cpu(), env }
    }

    /// How long it has been running.
    pub(crate) fn elapsed(&self) -> Duration {
        self.env.clock.now().since(self.began)
    }

    /// The last record is there; the first answer was after `first`.
    pub(crate) fn stop(&self, first: Duration) -> Spent {
        let (whole, cpu) = (self.elapsed(), cpu().saturating_sub(self.cpu));
        Spent { drain: whole.saturating_sub(first), whole, cpu, peak_kib: peak_kib() }
    }
}

fn cpu() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(at).unwrap()
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim_end_matches("kB").trim().parse().unwrap()
}

/// The middle one of what `of` says of each.
pub(crate) fn median(spent: &[Spent], of: impl Fn(&Spent) -> f64) -> f64 {
    let mut all: Vec<f64> = spent.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// One line, for the process that started this one.
impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [drain, whole, cpu] = [self.drain, self.whole, self.cpu].map(|span| span.as_nanos());
        write!(f, "{drain} {whole} {cpu} {}", self.peak_kib)
    }
}

impl FromStr for Spent {
    type Err = ParseIntError;

    fn from_str(line: &str) -> Result<Self, ParseIntError> {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        let numbers = numbers?;
        let [drain, whole, cpu] = [0, 1, 2].map(|index| Duration::from_nanos(numbers[index]));
        Ok(Self { drain, whole, cpu, peak_kib: numbers[3] })
    }
}
