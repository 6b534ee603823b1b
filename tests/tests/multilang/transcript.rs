//! What workers and children said to each other, read back.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A line that somebody said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) shard: String,
    pub(super) pid: u64,
    /// `worker` or `child`.
    pub(super) from: String,
    /// The message; a text where it is none.
    pub(super) message: Value,
}

impl Said {
    /// Whether a child says that it has done this.
    pub(super) fn has_done(&self, action: &str) -> bool {
        self.message["action"] == "status" && self.message["responseFor"] == action
    }

    /// How many records it brings.
    pub(super) fn records(&self) -> &[Value] {
        self.message["records"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// Reads a transcript of `kcl multilang --record`, as far as it is written.
pub(super) fn read(file: &Path) -> Result<Vec<Said>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line)?;
        let text = |name: &str| value[name].as_str().map(str::to_owned).context("no text");
        let said = text("line")?;
        let message = serde_json::from_str(&said).unwrap_or_else(|_| json!(said));
        let pid = value["pid"].as_u64().context("no process")?;
        Ok(Said { shard: text("shard")?, pid, from: text("from")?, message })
    };
    whole.lines().map(line).collect()
}

/// Reads what was recorded of the Java daemon.
pub(super) fn of_java(file: &Path) -> Result<Vec<Said>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line)?;
        let shard = value["shard"].as_str().context("no shard")?.to_owned();
        let from = if value["from"] == "daemon" { "worker" } else { "child" }.to_owned();
        Ok(Said { shard, pid: 0, from, message: value["message"].clone() })
    };
    text.lines().map(line).collect()
}

/// The messages of each shard in order, with what must differ between two runs taken out: numbers
/// of records become their rank, times only say that they are numbers.
pub(super) fn by_shard(all: &[Said]) -> BTreeMap<String, Vec<String>> {
    let mut shards: BTreeMap<String, (Ranks, Vec<String>)> = BTreeMap::new();
    for said in all.iter().filter(|said| said.message.is_object()) {
        let (ranks, lines) = shards.entry(said.shard.clone()).or_default();
        let mut message = said.message.clone();
        if let Some(records) = message.get_mut("records").and_then(Value::as_array_mut) {
            records.iter_mut().for_each(|record| ranks.settle(record));
        }
        ranks.settle(&mut message);
        lines.push(format!("{}: {message}", said.from));
    }
    shards.into_iter().map(|(shard, (_, lines))| (shard, lines)).collect()
}

/// The sequence numbers of a shard's records, in the order in which they came.
#[derive(Default)]
struct Ranks(Vec<String>);

impl Ranks {
    fn settle(&mut self, message: &mut Value) {
        let is_record = message["action"] == "record";
        if let Some(number) = message["sequenceNumber"].as_str().map(str::to_owned) {
            if is_record && !self.0.contains(&number) {
                self.0.push(number.clone());
            }
            // The scripted child asks for one that is ten times too large, too.
            let rank = |number: &str| self.0.iter().position(|known| known == number);
            if let Some(rank) = rank(&number) {
                message["sequenceNumber"] = json!(format!("record {rank}"));
            } else if let Some(rank) = number.strip_suffix('0').and_then(rank) {
                message["sequenceNumber"] = json!(format!("beyond record {rank}"));
            }
        }
        for time in ["approximateArrivalTimestamp", "millisBehindLatest"] {
            if message[time].is_u64() {
                message[time] = json!("a number");
            }
        }
    }
}
