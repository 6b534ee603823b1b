//! Checks the keys of settings against those that exist. An unknown key is an error, so that a
//! typing mistake does not leave a default in force unnoticed. Settings of other tools that ask for
//! what happens anyway are removed first.

use anyhow::bail;
use serde_json::{Map, Value};

/// Settings of other consumers with similar settings files, and the advice what to use here.
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

/// Removes settings of other tools where they ask for what happens anyway: `kinesis.shard_ids` with
/// the value `all`, and `consumer.assigned_shards` beside `assignment_mode: kcl`, in which mode
/// those tools ignore it, too.
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

/// Checks that every key of `given` exists in `known`, at every depth. `from` names the source.
///
/// # Errors
/// The first unknown key, with the most similar known one.
pub(super) fn check(from: &str, given: &Value, known: &Value) -> anyhow::Result<()> {
    check_below(from, "", given, known)
}

/// Checks the keys of the section at `path`, and of those below.
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

/// The most similar known key, or all of them if none is similar.
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
