//! What is played: the arguments, and the script that they make.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use kcl_core::env::Rng;
use kcl_memory::sim::{Action, Script};

/// The arguments of `kcl simulate`.
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArgs {
    /// Everything that is not given is drawn from this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = seed)]
    pub seed: u64,
    /// Workers at the start: 1 to 24, or a range to draw from, like 3..12.
    #[arg(long, value_name = "N|A..B", value_parser = Amount::of_workers)]
    pub workers: Option<Amount>,
    /// Shards at the start: 1 to 1000, or a range to draw from, like 4..64.
    #[arg(long, value_name = "N|A..B", value_parser = Amount::of_shards)]
    pub shards: Option<Amount>,
    /// The faults: kinds like `crash,split`, or `none`, or `all`. `--faults help` lists them.
    #[arg(long, value_name = "KINDS")]
    pub faults: Option<String>,
    /// Play this script instead, as it is written. docs/SIMULATE.md says how to write one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "workers", "shards", "faults"])]
    pub script: Option<PathBuf>,
    /// Also print every event, one on each line.
    #[arg(long)]
    pub trace: bool,
    /// Also draw the picture into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// If an invariant breaks: do not search for the shortest script that breaks it.
    #[arg(long)]
    pub no_shrink: bool,
    /// The file for the shortest script [default: INVARIANT-SEED.script, here].
    #[arg(long, value_name = "FILE", conflicts_with = "no_shrink")]
    pub save: Option<PathBuf>,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A picture and a verdict as text.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// How many: a number, or a range to draw one from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    from: usize,
    to: usize,
}

impl SimulateArgs {
    /// The script that is played.
    ///
    /// # Errors
    /// A file that cannot be read or makes no sense, an unknown fault.
    pub(super) fn read_script(&self) -> Result<Script> {
        let Some(file) = &self.script else { return self.drawn() };
        let shown = file.display();
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read the script {shown}"))?;
        text.parse().with_context(|| format!("the script {shown} cannot be played"))
    }

    fn drawn(&self) -> Result<Script> {
        let mut script = match &self.faults {
            None => Script::from_seed(self.seed),
            Some(list) => Script::with_faults(self.seed, &kinds(list)?),
        };
        let mut rng = Rng::new(!self.seed);
        if let Some(workers) = self.workers {
            script.workers = workers.draw(&mut rng);
        }
        if let Some(shards) = self.shards {
            script.shards = shards.draw(&mut rng);
        }
        Ok(script)
    }

    /// The command that plays the same again.
    pub(super) fn replay(&self) -> String {
        if let Some(file) = &self.script {
            return replay_of(&file.display().to_string());
        }
        let mut command = format!("kcl simulate --seed {}", self.seed);
        let more = [
            ("workers", self.workers.map(Amount::show)),
            ("shards", self.shards.map(Amount::show)),
            ("faults", self.faults.as_deref().map(quoted)),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                command += &format!(" --{name} {value}");
            }
        }
        command
    }
}

impl Amount {
    fn of_workers(text: &str) -> Result<Self, String> {
        Self::read(text, Script::WORKERS_MAX)
    }

    fn of_shards(text: &str) -> Result<Self, String> {
        Self::read(text, Script::SHARDS_MAX)
    }

    fn read(text: &str, most: usize) -> Result<Self, String> {
        let remedy = format!("write a number from 1 to {most}, or a range like 3..12");
        let number = |text: &str| {
            let number: usize =
                text.parse().map_err(|_| format!("{text:?} is no number; {remedy}"))?;
            match number {
                0 => Err(format!("0 is too few; {remedy}")),
                _ if number > most => Err(format!("{number} is more than {most}; {remedy}")),
                _ => Ok(number),
            }
        };
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (number(from)?, number(to.strip_prefix('=').unwrap_or(to))?);
        if from > to {
            return Err(format!("the range {from}..{to} is empty; write {to}..{from}"));
        }
        Ok(Self { from, to })
    }

    /// Draws a number of the range, both ends included.
    fn draw(self, rng: &mut Rng) -> usize {
        let among = u64::try_from(self.to - self.from + 1).unwrap_or(1);
        self.from + usize::try_from(rng.below(among)).unwrap_or(0)
    }

    fn show(self) -> String {
        let Self { from, to } = self;
        if from == to { from.to_string() } else { format!("{from}..{to}") }
    }
}

/// The command that plays the script in a file.
pub(super) fn replay_of(file: &str) -> String {
    format!("kcl simulate --script {}", quoted(file))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

/// A word, quoted for a shell if it needs quotes.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The kinds of faults in a list.
fn kinds(list: &str) -> Result<Vec<&'static str>> {
    match list {
        "none" => Ok(Vec::new()),
        "all" => Ok(Action::KINDS.to_vec()),
        list => list.split(',').map(|name| kind(name.trim())).collect(),
    }
}

fn kind(name: &str) -> Result<&'static str> {
    let known = Action::KINDS.iter().copied();
    if let Some(kind) = known.clone().find(|kind| *kind == name) {
        return Ok(kind);
    }
    let all = Action::KINDS.join(", ");
    if matches!(name, "help" | "list" | "") {
        bail!("--faults takes none, all, or some of these, separated by commas: {all}");
    }
    let nearest = known.min_by_key(|kind| strsim::damerau_levenshtein(kind, name));
    bail!(
        "--faults: there is no fault {name:?}; did you mean `{}`? There are: none, all, or some \
         of {all}",
        nearest.unwrap_or("crash")
    )
}
