//! The text form that `SHARD_MAPPING` takes.

use super::{InvalidMapping, Mode, Rule, Target};

/// Reads `shard:worker` pairs, separated by commas or line breaks. Blanks and empty pieces are
/// passed over. The rules hold for any stream.
///
/// # Errors
/// When a piece is no such pair; the error names the piece.
pub fn shard_mapping(text: &str, mode: Mode) -> Result<Vec<Rule>, InvalidMapping> {
    let pieces = text.split([',', '\n', '\r']).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.map(|piece| pair(piece, mode)).collect()
}

fn pair(text: &str, mode: Mode) -> Result<Rule, InvalidMapping> {
    let piece = || text.chars().take(300).collect::<String>();
    // The first colon: a worker id may hold more of them, a shard id none.
    let Some((shard, worker)) = text.split_once(':') else {
        return Err(InvalidMapping::NoWorker { piece: piece() });
    };
    let shard = shard.trim().parse();
    let shard = shard.map_err(|source| InvalidMapping::Shard { piece: piece(), source })?;
    let worker = worker.trim().parse();
    let worker = worker.map_err(|source| InvalidMapping::Worker { piece: piece(), source })?;
    Ok(Rule::new(Target::Shard(shard), worker, mode))
}
