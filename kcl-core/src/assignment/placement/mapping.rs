//! The text form of placement rules, as in `SHARD_MAPPING`.

use super::{InvalidMapping, Mode, Rule, Target};

/// Parses `shard:worker` pairs, separated by commas or line breaks. Blanks and empty pieces are
/// ignored. A pair requires the worker; with a question mark, `shard:worker?`, it prefers the
/// worker. The rules name no stream.
///
/// ```
/// use kcl_core::assignment::placement::{Mode, shard_mapping};
///
/// let text = "shardId-000000000000:worker-1, shardId-000000000001:worker-2?";
/// let rules = shard_mapping(text).unwrap();
/// assert_eq!((rules[0].mode, rules[1].mode), (Mode::Require, Mode::Prefer));
/// ```
///
/// # Errors
/// When a piece is no such pair. The error names the piece.
pub fn shard_mapping(text: &str) -> Result<Vec<Rule>, InvalidMapping> {
    let pieces = text.split([',', '\n', '\r']).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.map(pair).collect()
}

/// Parses one piece.
fn pair(text: &str) -> Result<Rule, InvalidMapping> {
    let piece = || text.chars().take(300).collect::<String>();
    // Split at the first colon: a worker id may contain more of them, a shard id contains none.
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

/// Splits `worker` or `worker?` into the worker's id, which is not checked, and the mode.
#[must_use]
pub fn wanted_worker(text: &str) -> (&str, Mode) {
    match text.trim().strip_suffix('?') {
        Some(worker) => (worker.trim_end(), Mode::Prefer),
        None => (text.trim(), Mode::Require),
    }
}
