//! The statements of writes on leases.

use std::sync::LazyLock;

use kcl_core::lease::{
    Acquire, Advance, Checkpoint, Delete, Progress, Release, Restart, SessionId,
};

use super::{
    Conditional,
    fields::{listed, place, place_values, set},
};
use crate::codec::{Column, bind, int, shards, sql_type};

pub(crate) fn acquire(acquire: &Acquire) -> Conditional {
    const SQL: &str = "update {s}.lease set owner = $5, epoch = $6, successor = null, avoid = null \
        where application = $1 and key = $2 and owner is not distinct from $3 and epoch = $4 \
        and epoch < $6 returning {row}";
    let Acquire { seen_owner, seen_epoch, owner, epoch, .. } = acquire.clone();
    Conditional::new(SQL, move |statement| {
        statement
            .bind(seen_owner.as_ref().map(SessionId::key))
            .bind(int(seen_epoch.0))
            .bind(owner.key())
            .bind(int(epoch.0))
    })
}

/// Writes a checkpoint. The fixed-width digits of `checkpoint` compare as texts in the order of
/// their numbers.
pub(crate) fn advance(advance: &Advance) -> Conditional {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let place = listed(place(), 7, set);
        format!(
            "update {{s}}.lease set owner = case when $5 then null else owner end, \
             children = case when $5 then $6 else children end, {place} \
             where application = $1 and key = $2 and owner = $3 and epoch = $4 \
             and checkpoint <= $7 returning {{row}}"
        )
    });
    let (owner, epoch) = (advance.owner.key(), int(advance.epoch.0));
    let (ends, children) = (advance.checkpoint.is_end(), shards(&advance.children));
    let place = place_values(&advance.checkpoint, &advance.progress);
    Conditional::new(&SQL, move |statement| {
        bind(statement.bind(owner).bind(epoch).bind(ends).bind(children), place)
    })
}

/// Writes several checkpoints, none of which is the end of a shard, and returns the written rows.
/// Its first value is the application, and the keys are an array.
///
/// It locks the rows in the order of their keys, so that two such statements cannot deadlock.
pub(crate) fn advance_all(advances: &[&Advance]) -> Conditional {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let arrays = place().zip(5..).map(|(field, n)| format!("${n}::{}[]", sql_type(field.form)));
        let arrays: String = arrays.collect::<Vec<_>>().join(", ");
        let wanted = listed(place(), 5, |column, _| format!("w_{column}"));
        let place = listed(place(), 5, |column, _| format!("{column} = w_{column}"));
        format!(
            "with wanted as (select * from unnest($2::text[], $3::text[], $4::bigint[], {arrays}) \
             as w (w_key, w_owner, w_epoch, {wanted})), \
             locked as (select key as l_key from {{s}}.lease where application = $1 \
             and key = any($2) order by key for no key update) \
             update {{s}}.lease set {place} \
             from wanted join locked on l_key = w_key \
             where application = $1 and key = w_key and owner = w_owner and epoch = w_epoch \
             and checkpoint <= w_checkpoint returning {{row}}"
        )
    });
    let texts = |text: &dyn Fn(&Advance) -> String| -> Vec<String> {
        advances.iter().map(|advance| text(advance)).collect()
    };
    let keys = texts(&|advance| advance.key.as_str().to_owned());
    let owners = texts(&|advance| advance.owner.key());
    let epochs: Vec<i64> = advances.iter().map(|advance| int(advance.epoch.0)).collect();
    let mut columns: Vec<Column> = place().map(Column::of).collect();
    for advance in advances {
        let values = place_values(&advance.checkpoint, &advance.progress);
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    Conditional::new(&SQL, move |statement| {
        let statement = statement.bind(keys).bind(owners).bind(epochs);
        columns.into_iter().fold(statement, |statement, column| column.bind(statement))
    })
}

/// Releases a lease. Without a checkpoint (`$7` false) the row keeps its own.
pub(crate) fn release(release: &Release) -> Conditional {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let kept = |column: &str, n| format!("{column} = case when $7 then ${n} else {column} end");
        let place = listed(place(), 8, kept);
        format!(
            "update {{s}}.lease set owner = null, successor = $5, avoid = $6, {place} \
             where application = $1 and key = $2 and owner = $3 and epoch = $4 \
             and (not $7 or checkpoint <= $8) returning {{row}}"
        )
    });
    let (owner, epoch) = (release.owner.key(), int(release.epoch.0));
    let successor = release.successor.as_ref().map(SessionId::key);
    let avoid = release.avoid.then(|| release.owner.worker.as_str().to_owned());
    let moves = release.checkpoint.is_some();
    // A placeholder, which `$7` keeps from being written.
    let to = release.checkpoint.as_ref().unwrap_or(&Checkpoint::TrimHorizon);
    let place = place_values(to, &release.progress);
    Conditional::new(&SQL, move |statement| {
        let statement = statement.bind(owner).bind(epoch).bind(successor).bind(avoid);
        bind(statement.bind(moves), place)
    })
}

pub(crate) fn restart(restart: &Restart) -> Conditional {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let place = listed(place(), 7, set);
        format!(
            "update {{s}}.lease set owner = null, epoch = $5, children = $6, successor = null, \
             avoid = null, {place} \
             where application = $1 and key = $2 and owner is not distinct from $3 and epoch = $4 \
             and epoch < $5 returning {{row}}"
        )
    });
    let seen_owner = restart.seen_owner.as_ref().map(SessionId::key);
    let (seen_epoch, epoch) = (int(restart.seen_epoch.0), int(restart.epoch.0));
    let children = shards(restart.children_afterwards());
    let place = place_values(&restart.checkpoint, &Progress::NONE);
    Conditional::new(&SQL, move |statement| {
        let statement = statement.bind(seen_owner).bind(seen_epoch).bind(epoch).bind(children);
        bind(statement, place)
    })
}

pub(crate) fn delete(delete: &Delete) -> Conditional {
    const SQL: &str = "delete from {s}.lease where application = $1 and key = $2 and epoch = $3 \
        and ($4 or (kind = 'SHARD_END' and owner is null)) returning {row}";
    let (epoch, unfinished) = (int(delete.seen_epoch.0), delete.unfinished);
    Conditional::new(SQL, move |statement| statement.bind(epoch).bind(unfinished))
}

#[cfg(test)]
mod tests {
    use kcl_core::lease::{Epoch, LeaseKey};

    use super::*;

    #[test]
    fn the_first_value_of_a_place_is_the_one_that_orders() {
        assert_eq!(place().next().map(|field| field.column), Some("checkpoint"));
    }

    #[test]
    fn statements_name_the_end_as_the_core_does() {
        let ended = Delete::ended(LeaseKey::planner(), Epoch(1));
        assert!(delete(&ended).sql.contains(&format!("'{}'", Checkpoint::ShardEnd.kind())));
    }
}
