//! `kcl stream split --half`: splits half of the open shards, so that there are half as many again.

use anyhow::ensure;
use kcl_core::stream::Shard;

use super::admin::Admin;
use crate::{ask, stdout};

/// Splits the half of the open shards that covers the most hash keys, one after another.
///
/// # Errors
/// The service fails, the user says no, or there is only one open shard.
pub(super) async fn split(admin: &Admin, yes: bool) -> anyhow::Result<()> {
    let shards = admin.shards().await?;
    let open = shards.iter().filter(|shard| !shard.closed).count();
    let chosen = widest(shards, open / 2);
    ensure!(
        !chosen.is_empty(),
        "{} has {open} open shard: half of that is none. Name it: kcl stream split SHARD",
        admin.stream
    );
    let names: Vec<&str> = chosen.iter().map(|shard| shard.id.as_str()).collect();
    if !yes {
        let question = format!(
            "{}: split {} of {open} open shards ({})?",
            admin.stream,
            names.len(),
            names.join(", ")
        );
        ask::agreed(&question)?;
    }
    for name in names {
        admin.split(name, None).await?;
        stdout::line(format!("split {name}"))?;
    }
    Ok(())
}

/// The `count` open shards that cover the most hash keys; of equal ones, the oldest.
fn widest(mut shards: Vec<Shard>, count: usize) -> Vec<Shard> {
    shards.retain(|shard| !shard.closed && shard.range.is_some());
    let width = |shard: &Shard| shard.range.map_or(0, |range| range.end - range.start);
    shards.sort_by(|a, b| width(b).cmp(&width(a)).then_with(|| a.id.cmp(&b.id)));
    shards.truncate(count);
    shards
}

#[cfg(test)]
mod tests {
    use kcl_core::stream::HashRange;

    use super::*;

    #[test]
    fn the_widest_are_chosen_and_of_these_the_oldest() {
        let shard = |number: u64, range: HashRange| {
            let id = format!("shardId-{number:012}").parse().unwrap();
            Shard::open(id, range)
        };
        let mut closed = shard(0, HashRange::ALL);
        closed.closed = true;
        let shards = vec![
            shard(3, HashRange::new(0, 9)),
            closed,
            shard(2, HashRange::new(10, 29)),
            shard(1, HashRange::new(30, 49)),
        ];
        let names = |count| -> Vec<String> {
            widest(shards.clone(), count).iter().map(|it| it.id.to_string()).collect()
        };
        assert_eq!(names(2), ["shardId-000000000001", "shardId-000000000002"]);
        assert_eq!(names(9).len(), 3);
    }
}
