//! What is demanded of a lease's row, and done to it.

use kcl_core::lease::{Acquire, Advance, Delete, Progress, Release, Restart, SessionId};

use super::Conditional;
use crate::codec::{bind_checkpoint, int, millis, shards};

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

/// Fixed-width digits compare as the numbers do.
pub(crate) fn advance(advance: &Advance) -> Conditional {
    const SQL: &str = "update {s}.lease set checkpoint = $5, kind = $6, arrival_ms = $7, \
        lag_ms = $8, rate = $9, owner = case when $10 then null else owner end, \
        children = case when $10 then $11 else children end \
        where application = $1 and key = $2 and owner = $3 and epoch = $4 and checkpoint <= $5 \
        returning {row}";
    let advance = advance.clone();
    Conditional::new(SQL, move |statement| {
        let statement = statement.bind(advance.owner.key()).bind(int(advance.epoch.0));
        bind_checkpoint(statement, Some(&advance.checkpoint), &advance.progress)
            .bind(advance.checkpoint.is_end())
            .bind(shards(&advance.children))
    })
}

/// As [`advance`] of each, but for the end of a shard: its first value is the application's alone,
/// and it returns the rows that were written.
///
/// Rows are locked in the order of their keys: two such statements cannot wait for each other.
pub(crate) fn advance_all(advances: &[&Advance]) -> Conditional {
    const SQL: &str = "with wanted as (select * from unnest($2::text[], $3::text[], $4::bigint[], \
        $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[]) \
        as w (w_key, w_owner, w_epoch, w_checkpoint, w_kind, w_arrival_ms, w_lag_ms, w_rate)), \
        locked as (select key as l_key from {s}.lease where application = $1 and key = any($2) \
        order by key for no key update) \
        update {s}.lease set checkpoint = w_checkpoint, kind = w_kind, \
        arrival_ms = w_arrival_ms, lag_ms = w_lag_ms, rate = w_rate \
        from wanted join locked on l_key = w_key \
        where application = $1 and key = w_key and owner = w_owner and epoch = w_epoch \
        and checkpoint <= w_checkpoint returning {row}";
    let texts = |text: &dyn Fn(&Advance) -> String| -> Vec<String> {
        advances.iter().map(|advance| text(advance)).collect()
    };
    let numbers = |number: &dyn Fn(&Advance) -> Option<i64>| -> Vec<Option<i64>> {
        advances.iter().map(|advance| number(advance)).collect()
    };
    let keys = texts(&|advance| advance.key.as_str().to_owned());
    let owners = texts(&|advance| advance.owner.key());
    let epochs = numbers(&|advance| Some(int(advance.epoch.0)));
    let checkpoints = texts(&|advance| advance.checkpoint.key());
    let kinds = texts(&|advance| advance.checkpoint.kind());
    let arrivals = numbers(&|advance| advance.progress.arrival.map(|at| int(at.as_millis())));
    let lags = numbers(&|advance| advance.progress.lag.map(millis));
    let rates = numbers(&|advance| Some(int(advance.progress.rate)));
    Conditional::new(SQL, move |statement| {
        let statement = statement.bind(keys).bind(owners).bind(epochs).bind(checkpoints);
        statement.bind(kinds).bind(arrivals).bind(lags).bind(rates)
    })
}

pub(crate) fn release(release: &Release) -> Conditional {
    const SQL: &str = "update {s}.lease set owner = null, checkpoint = coalesce($5, checkpoint), \
        kind = coalesce($6, kind), \
        arrival_ms = case when $5 is null then arrival_ms else $7 end, \
        lag_ms = case when $5 is null then lag_ms else $8 end, \
        rate = case when $5 is null then rate else $9 end, successor = $10, avoid = $11 \
        where application = $1 and key = $2 and owner = $3 and epoch = $4 \
        and ($5 is null or checkpoint <= $5) returning {row}";
    let release = release.clone();
    Conditional::new(SQL, move |statement| {
        let avoid = release.avoid.then(|| release.owner.worker.as_str().to_owned());
        let statement = statement.bind(release.owner.key()).bind(int(release.epoch.0));
        bind_checkpoint(statement, release.checkpoint.as_ref(), &release.progress)
            .bind(release.successor.as_ref().map(SessionId::key))
            .bind(avoid)
    })
}

pub(crate) fn restart(restart: &Restart) -> Conditional {
    const SQL: &str = "update {s}.lease set owner = null, epoch = $5, checkpoint = $6, kind = $7, \
        arrival_ms = $8, lag_ms = $9, rate = $10, children = $11, successor = null, avoid = null \
        where application = $1 and key = $2 and owner is not distinct from $3 and epoch = $4 \
        and epoch < $5 returning {row}";
    let restart = restart.clone();
    Conditional::new(SQL, move |statement| {
        let statement = statement
            .bind(restart.seen_owner.as_ref().map(SessionId::key))
            .bind(int(restart.seen_epoch.0))
            .bind(int(restart.epoch.0));
        bind_checkpoint(statement, Some(&restart.checkpoint), &Progress::NONE)
            .bind(shards(restart.children_afterwards()))
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
    use kcl_core::lease::{Checkpoint, Epoch, LeaseKey};

    use super::*;

    #[test]
    fn statements_name_the_end_as_the_core_does() {
        let ended = Delete::ended(LeaseKey::planner(), Epoch(1));
        assert!(delete(&ended).sql.contains(&format!("'{}'", Checkpoint::ShardEnd.kind())));
    }
}
