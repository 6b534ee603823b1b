//! What is put: generated records, or lines.

use std::io::BufRead;

use anyhow::{Context, ensure};
use kcl_core::env::{Env, Rng};
use tokio::sync::mpsc;

use super::{ProduceArgs, RECORD};

/// A record to put.
#[derive(Clone, Debug)]
pub(super) struct NewRecord {
    pub(super) key: String,
    pub(super) data: Vec<u8>,
}

/// Where records come from.
pub(super) struct Records {
    from: From,
    key: Option<String>,
    left: Option<u64>,
    rng: Rng,
}

enum From {
    /// Numbers and padding.
    Generator { number: u64, size: usize },
    /// Lines, read by a thread of their own.
    Lines(mpsc::Receiver<std::io::Result<Vec<u8>>>),
}

impl Records {
    /// What the arguments ask for, at most `total`.
    ///
    /// # Errors
    /// The operating system has no thread to read stdin with.
    pub(super) fn new(args: &ProduceArgs, total: Option<u64>) -> anyhow::Result<Self> {
        let from = if args.stdin {
            From::Lines(read_lines()?)
        } else {
            From::Generator { number: 0, size: args.size }
        };
        let rng = Rng::new(Env::system().entropy.next_u64());
        Ok(Self { from, key: args.partition_key.clone(), left: total, rng })
    }

    /// Up to `most` records: as many as there are by now, but at least one. None at the end.
    ///
    /// # Errors
    /// Stdin cannot be read, or a line is no record.
    pub(super) async fn next(&mut self, most: usize) -> anyhow::Result<Vec<NewRecord>> {
        let left = self.left.map_or(most, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let mut batch = Vec::new();
        while batch.len() < most.min(left) {
            let data = match &mut self.from {
                From::Generator { number, size } => {
                    *number += 1;
                    Some(generated(*number, *size))
                }
                From::Lines(lines) if batch.is_empty() => lines.recv().await.transpose()?,
                From::Lines(lines) => lines.try_recv().ok().transpose()?,
            };
            let Some(data) = data else { break };
            let key = self.key.clone().unwrap_or_else(|| format!("{:016x}", self.rng.next_u64()));
            let weight = data.len() + key.len();
            ensure!(
                weight <= RECORD,
                "a record of {weight} bytes, its key included: Kinesis takes up to {RECORD}"
            );
            batch.push(NewRecord { key, data });
        }
        if let Some(left) = &mut self.left {
            *left -= u64::try_from(batch.len()).unwrap_or(u64::MAX).min(*left);
        }
        Ok(batch)
    }
}

fn generated(number: u64, size: usize) -> Vec<u8> {
    let mut data = format!(r#"{{"number":{number},"padding":""#).into_bytes();
    let end = br#""}"#;
    data.resize(data.len().max(size.saturating_sub(end.len())), b'.');
    data.extend_from_slice(end);
    data
}

/// A thread, because reading a terminal or a pipe cannot be cancelled.
fn read_lines() -> anyhow::Result<mpsc::Receiver<std::io::Result<Vec<u8>>>> {
    let (sender, lines) = mpsc::channel(1_000);
    let read = move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let line =
                line.map(|line| line.strip_suffix(b"\r").map(<[u8]>::to_vec).unwrap_or(line));
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("kcl-stdin".into());
    thread.spawn(read).context("no thread to read stdin with")?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_record_is_json_of_the_size_asked_for() {
        for size in [0, 26, 128, 5_000] {
            let data = generated(7, size);
            let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
            assert_eq!(json["number"], 7);
            assert!(data.len() == size || size < 30, "{} of {size}", data.len());
        }
    }
}
