//! The text form that `SHARD_MAPPING` takes.

use super::{InvalidMapping, Mode, Rule, Target};

/// Reads `shard:worker` pairs, separated by commas or line breaks. Blanks and empty pieces are
/// passed over. A pair requires the worker; one that ends in a question mark, `shard:worker?`,
/// prefers it. The rules name no stream.
///
/// # Errors
/// When a piece is no such pair; the error names the piece.
pub fn shard_mapping(text: &str) -> Result<Vec<Rule>, InvalidMapping> {
    let pieces = text.split([',', '\n', '\r']).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.map(pair).collect()
}

fn pair(text: &str) -> Result<Rule, InvalidMapping> {
    let piece = || text.chars().take(300).collect::<String>();
    // The first colon: a worker id may hold more of them, a shard id none.
    let Some((shard, worker)) = text.split_once(':') else {
        return Err(InvalidMapping::NoWorker { piece: piece() });
    };
    let shard = shard.trim().parse();
    let shard = shard.map_err(|source| InvalidMapping::Shard { piece: piece(), source })?;
    let (worker, mode) = wanted_worker(worker);
    let worker = worker.parse();
    let worker = worker.map_err(|source| InvalidMapping::Worker { piece: piece(), source })?;
    Ok(Rule::new(Target::Shard(shard), worker, mode))
}

/// Splits `worker` or `worker?` into the worker's id, which is not checked, and how strictly it is
/// meant.
#[must_use]
pub fn wanted_worker(text: &str) -> (&str, Mode) {
    match text.trim().strip_suffix('?') {
        Some(worker) => (worker.trim_end(), Mode::Prefer),
        None => (text.trim(), Mode::Require),
    }
}
