//! `kcl stream describe`: shows a stream and its shards.

use kcl_core::stream::{Shard, StreamSource};
use serde_json::json;

use super::admin::Admin;
use crate::{stdout, times::rfc3339};

/// Shows the stream on stdout.
pub(super) async fn show(admin: &Admin, as_json: bool) -> anyhow::Result<()> {
    let stream = admin.source.describe().await?;
    let mut shards = admin.shards().await?;
    shards.sort_by(|a, b| a.id.cmp(&b.id));
    if as_json {
        let shards: Vec<_> = shards.iter().map(as_value).collect();
        let stream = json!({
            "stream": &*stream.key.name,
            "created": rfc3339(stream.key.created),
            "retention_hours": stream.retention.as_secs() / 3_600,
            "shards": shards,
        });
        return stdout::line(stream);
    }
    let mut text = format!("{} · created {}\n", stream.key.name, rfc3339(stream.key.created));
    text += &format!("{:<24}{:<8}{:<52}HASH KEYS\n", "SHARD", "STATE", "PARENTS");
    for shard in &shards {
        let parents: Vec<&str> = shard.parents.iter().map(|parent| parent.as_str()).collect();
        let range = shard
            .range
            .map(|range| format!("{} to {}", range.start, range.end))
            .unwrap_or_default();
        let parents = if parents.is_empty() { "-".to_owned() } else { parents.join(" + ") };
        text += &format!("{:<24}{:<8}{parents:<52}{range}\n", shard.id.as_str(), state(shard));
    }
    stdout::write(&text)
}

const fn state(shard: &Shard) -> &'static str {
    if shard.closed { "closed" } else { "open" }
}

/// A shard as JSON.
fn as_value(shard: &Shard) -> serde_json::Value {
    json!({
        "shard": shard.id.as_str(),
        "state": state(shard),
        "parents": shard.parents.iter().map(|parent| parent.as_str()).collect::<Vec<_>>(),
        "from_hash_key": shard.range.map(|range| range.start.to_string()),
        "to_hash_key": shard.range.map(|range| range.end.to_string()),
    })
}
