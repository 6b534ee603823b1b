//! Checking keys against those that exist, and leaving out what other tools have and nothing here
//! hangs on.

use anyhow::bail;
use serde_json::{Map, Value};

/// Settings that other consumers of such files have, and what is there instead.
const FOREIGN: &[(&str, &str)] = &[
    (
        "consumer.assigned_shards",
        "leave it out to have shards shared out, or name the shards of all workers in \
         `consumer.shard_mapping`: `{shardId-000000000000: worker-1}`",
    ),
    (
        "kinesis.shard_ids",
        "`all` or nothing has every shard read; `kcl leases pause` keeps single ones from it",
    ),
];

/// Leaves out settings of other tools where they ask for what is done anyway: `kinesis.shard_ids`
/// that says `all`, and `consumer.assigned_shards` beside `assignment_mode: kcl`, by which those
/// tools do not go either.
pub(super) fn leave_out_idle(given: &mut Value) {
    for (section, key, beside, says) in [
        ("kinesis", "shard_ids", "shard_ids", "all"),
        ("consumer", "assigned_shards", "assignment_mode", "kcl"),
    ] {
        if let Some(Value::Object(section)) = given.get_mut(section)
            && section.get(beside).and_then(Value::as_str) == Some(says)
        {
            section.remove(key);
        }
    }
}

/// Checks that every key of `given` exists in `known`, however deep.
///
/// # Errors
/// The first that does not, with the nearest that does.
pub(super) fn check(from: &str, given: &Value, known: &Value) -> anyhow::Result<()> {
    check_below(from, "", given, known)
}

fn check_below(from: &str, path: &str, given: &Value, known: &Value) -> anyhow::Result<()> {
    let (Value::Object(given), Value::Object(known)) = (given, known) else { return Ok(()) };
    for (key, value) in given {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match known.get(key) {
            Some(known) => check_below(from, &path, value, known)?,
            None => match FOREIGN.iter().find(|(foreign, _)| *foreign == path) {
                Some((_, advice)) => bail!("{from}: there is no setting `{path}`: {advice}"),
                None => bail!("{from}: there is no setting `{path}`: {}", advice(key, known)),
            },
        }
    }
    Ok(())
}

fn advice(key: &str, known: &Map<String, Value>) -> String {
    let nearest = known.keys().min_by_key(|known| strsim::damerau_levenshtein(key, known));
    let is_near =
        |known: &&String| strsim::damerau_levenshtein(key, known) <= 2.max(key.chars().count() / 2);
    match nearest.filter(is_near) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => {
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            format!("expected one of {}", all.join(", "))
        }
    }
}
