//! The arguments of `kcl plan`.

use std::str::FromStr;

use clap::Args;

use crate::{application::ApplicationArgs, config::Config};

/// The arguments of `kcl plan`.
///
/// The planner's own functions make the plan: for the leases and workers of the store, with the
/// workers and shards that are added, under the limits and the balance of this command's settings.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// The application.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// Plan with this many workers more (+2), fewer (-1), or in all (5).
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub workers: Option<Number>,
    /// Plan with this many shards more: the widest are split.
    #[arg(long, value_name = "+N")]
    pub shards: Option<Number>,
    /// The stream's name or ARN; that of the leases, if none is named anywhere
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// So many more.
    More(usize),
    /// So many less.
    Less(usize),
    /// So many in all.
    Just(usize),
}

/// The largest number of workers or shards that an argument may name.
const MOST: usize = 10_000;

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |digits: &str| match digits.parse() {
            Ok(number) if number <= MOST && digits.bytes().all(|it| it.is_ascii_digit()) => {
                Ok(number)
            }
            _ => Err(format!("{text:?}: write +2, -1 or 5, up to {MOST}")),
        };
        match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(more), _) => read(more).map(Self::More),
            (_, Some(less)) => read(less).map(Self::Less),
            _ => read(text).map(Self::Just),
        }
    }
}

impl Number {
    /// The new number, if there are `now`.
    pub(super) const fn of(self, now: usize) -> usize {
        match self {
            Self::More(more) => now.saturating_add(more),
            Self::Less(less) => now.saturating_sub(less),
            Self::Just(all) => all,
        }
    }
}

impl PlanArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_more_less_or_just_so_many() {
        let read = |text: &str| text.parse::<Number>();
        assert_eq!(read("+2"), Ok(Number::More(2)));
        assert_eq!(read("-1"), Ok(Number::Less(1)));
        assert_eq!(read("5"), Ok(Number::Just(5)));
        for wrong in ["", "+", "--1", "two", "+-2", "+10001", "1.5"] {
            assert!(read(wrong).unwrap_err().contains("+2, -1 or 5"), "{wrong}");
        }
        assert_eq!(
            [Number::More(2), Number::Less(9), Number::Just(1)].map(|it| it.of(3)),
            [5, 0, 1]
        );
    }
}
