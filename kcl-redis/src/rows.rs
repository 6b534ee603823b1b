//! Sends requests for the rows of one application, and reads the answers.

use kcl_core::{
    lease::{Stamp, Stamped, StoreTime},
    store::{Cursor, Page, StoreError, StoreErrorKind, StoreResult, Write, codec::Row},
};
use redis::{FromRedisValue, Value, cmd};

use crate::{
    change::Change,
    codec,
    error::{Call, Effect},
    info::{Info, NO_HISTORY},
    layout::Keys,
    script::{CHANGE, PAGE, PUT, REMOVE},
    server::{CommandClass, Run, Server},
};

/// The most rows of a page.
const PAGE_ROWS: usize = 500;
/// The bytes after which a page ends.
const PAGE_BYTES: usize = 1_000_000;

/// The rows of one application.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) keys: Keys,
    pub(crate) location: String,
    pub(crate) server: Server,
}

impl Rows {
    /// Creates a row if there is none.
    pub(crate) async fn put<R: Row>(
        &self,
        op: &'static str,
        row: &R,
        weight: CommandClass,
    ) -> StoreResult<Write<R>> {
        let name = R::key_text(row.key());
        let call = self.call(op, &name, Effect::Writes);
        Ok(written(&call, self.run_put(&call, row, weight, b"").await?)?.0)
    }

    /// Creates a row if there is none, and asks for the server's time and history.
    pub(crate) async fn put_stamped<R: Row>(
        &self,
        op: &'static str,
        row: &R,
    ) -> StoreResult<Stamped<Write<R>>> {
        let name = R::key_text(row.key());
        let call = self.call(op, &name, Effect::Writes);
        self.stamped(&call, self.run_put(&call, row, CommandClass::Beat, b"stamp").await?)
    }

    async fn run_put<R: Row>(
        &self,
        call: &Call<'_>,
        row: &R,
        weight: CommandClass,
        stamp: &[u8],
    ) -> StoreResult<Value> {
        let (rows, names) = (self.keys.rows(R::KIND), self.keys.names(R::KIND));
        let run = Run {
            script: &PUT,
            keys: &[&rows, &names],
            arguments: &[call.row.as_bytes(), &codec::encode(row), stamp],
        };
        self.server.run(call, weight, &run).await
    }

    /// Changes an existing row, under the conditions of `change`.
    pub(crate) async fn update<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        change: &Change,
        weight: CommandClass,
    ) -> StoreResult<Write<R>> {
        let name = R::key_text(key);
        let call = self.call(op, &name, Effect::Writes);
        Ok(written(&call, self.run_change::<R>(&call, change, weight).await?)?.0)
    }

    /// Changes an existing row, and asks for the server's time and history.
    pub(crate) async fn update_stamped<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        change: Change,
    ) -> StoreResult<Stamped<Write<R>>> {
        let name = R::key_text(key);
        let call = self.call(op, &name, Effect::Writes);
        let change = change.stamped();
        self.stamped(&call, self.run_change::<R>(&call, &change, CommandClass::Beat).await?)
    }

    async fn run_change<R: Row>(
        &self,
        call: &Call<'_>,
        change: &Change,
        weight: CommandClass,
    ) -> StoreResult<Value> {
        let (rows, json) = (self.keys.rows(R::KIND), change.to_json());
        let mut arguments = vec![call.row.as_bytes(), json.as_bytes()];
        arguments.extend(change.body.as_deref());
        let run = Run { script: &CHANGE, keys: &[&rows], arguments: &arguments };
        self.server.run(call, weight, &run).await
    }

    /// Deletes a row, under the conditions of `change`.
    pub(crate) async fn remove<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        change: &Change,
        weight: CommandClass,
    ) -> StoreResult<Write<R>> {
        let name = R::key_text(key);
        let (rows, names) = (self.keys.rows(R::KIND), self.keys.names(R::KIND));
        let json = change.to_json();
        let run = Run {
            script: &REMOVE,
            keys: &[&rows, &names],
            arguments: &[name.as_bytes(), json.as_bytes()],
        };
        let call = self.call(op, &name, Effect::Writes);
        Ok(written(&call, self.server.run(&call, weight, &run).await?)?.0)
    }

    /// Reads a row.
    pub(crate) async fn get<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
    ) -> StoreResult<Option<R>> {
        let name = R::key_text(key);
        let call = self.call(op, &name, Effect::Reads);
        let command = cmd("HGET").arg(self.keys.rows(R::KIND)).arg(&name).to_owned();
        let stored: Option<Vec<u8>> = read(&call, self.server.ask(&call, &command).await?)?;
        stored.map(|stored| decode(&call, &stored)).transpose()
    }

    /// Lists rows of one kind in the order of their names.
    pub(crate) async fn page<R: Row>(
        &self,
        op: &'static str,
        from: Option<Cursor>,
    ) -> StoreResult<Page<R>> {
        let call = self.call(op, "", Effect::Reads);
        let (rows, names) = (self.keys.rows(R::KIND), self.keys.names(R::KIND));
        let from = from.map_or_else(|| "-".to_owned(), |last| format!("({}", last.0));
        let (most, bytes) = (PAGE_ROWS.to_string(), PAGE_BYTES.to_string());
        let run = Run {
            script: &PAGE,
            keys: &[&rows, &names],
            arguments: &[from.as_bytes(), most.as_bytes(), bytes.as_bytes()],
        };
        let answer = self.server.run(&call, CommandClass::Other, &run).await?;
        page_of(&call, read(&call, answer)?)
    }

    pub(crate) fn call<'a>(&'a self, op: &'static str, row: &'a str, effect: Effect) -> Call<'a> {
        Call { op, location: &self.location, row, effect }
    }

    /// Reads the answer to a write with the server's time and history. It also notes the number of
    /// replicas that keep up, which the same answer shows.
    fn stamped<R: Row>(&self, call: &Call<'_>, answer: Value) -> StoreResult<Stamped<Write<R>>> {
        let (value, rest) = written(call, answer)?;
        let (stamp, replicas) = told(call, rest)?;
        self.server.replicas.note(replicas);
        Ok(Stamped { value, stamp })
    }
}

/// Reads the answer to a conditional write: the outcome with the row, and the parts after them.
fn written<R: Row>(call: &Call<'_>, answer: Value) -> StoreResult<(Write<R>, Vec<Value>)> {
    let mut parts: Vec<Value> = read(call, answer)?;
    if parts.len() < 2 {
        // A cut answer must not be read as a refusal or as a missing row.
        return Err(incomplete(call, parts.len()));
    }
    let rest = parts.split_off(2);
    let mut parts = parts.into_iter();
    let mut next = || parts.next().unwrap_or(Value::Nil);
    let done: bool = read(call, next())?;
    let stored: Option<Vec<u8>> = read(call, next())?;
    let row = stored.map(|stored| decode(call, &stored)).transpose()?;
    let write = match (done, row) {
        (true, Some(row)) => Write::Done(row),
        (true, None) => {
            let why = "the server did a write and did not answer its row";
            return Err(call.error(StoreErrorKind::Unknown, why));
        }
        (false, row) => Write::Refused(row),
    };
    Ok((write, rest))
}

/// Reads the last parts of the answer to a stamped write: the server's time and history, and the
/// number of replicas that keep up.
fn told(call: &Call<'_>, rest: Vec<Value>) -> StoreResult<(Stamp, usize)> {
    let parts = rest.len() + 2;
    let Ok([seconds, micros, info]) = <[Value; 3]>::try_from(rest) else {
        return Err(incomplete(call, parts));
    };
    let (seconds, micros): (u64, u64) = (read(call, seconds)?, read(call, micros)?);
    let info: String = read(call, info)?;
    let Some(generation) = Info(&info).generation() else {
        return Err(call.error(StoreErrorKind::Unknown, NO_HISTORY));
    };
    let at = StoreTime(seconds * 1_000 + micros / 1_000);
    Ok((Stamp::new(at, generation), Info(&info).replicas()))
}

fn decode<R: Row>(call: &Call<'_>, stored: &[u8]) -> StoreResult<R> {
    codec::decode(call.row, stored)
        .map_err(|bad| call.error(StoreErrorKind::Corrupt, bad.to_string()))
}

/// Reads a page: the start of the next page, then names and rows in turn.
fn page_of<R: Row>(call: &Call<'_>, parts: Vec<Value>) -> StoreResult<Page<R>> {
    if parts.len().is_multiple_of(2) {
        return Err(incomplete(call, parts.len()));
    }
    let mut parts = parts.into_iter();
    let next: Option<String> = read(call, parts.next().unwrap_or(Value::Nil))?;
    let mut rows = Vec::new();
    while let (Some(name), Some(stored)) = (parts.next(), parts.next()) {
        let (name, stored): (String, Vec<u8>) = (read(call, name)?, read(call, stored)?);
        rows.push(codec::decode(&name, &stored));
    }
    Ok(Page::read(rows, next.map(Cursor)))
}

/// The error of an answer that lacks parts.
fn incomplete(call: &Call<'_>, parts: usize) -> StoreError {
    let kind = match call.effect {
        Effect::Reads => StoreErrorKind::Corrupt,
        Effect::Writes => StoreErrorKind::Unknown,
    };
    call.error(kind, format!("an answer that is cut off: it has {parts} parts"))
}

/// Reads one part of an answer.
fn read<T: FromRedisValue>(call: &Call<'_>, value: Value) -> StoreResult<T> {
    redis::from_redis_value(value).map_err(|bad| {
        let why = format!("an answer that cannot be read: {bad}");
        // A write may have been applied.
        let kind = match call.effect {
            Effect::Reads => StoreErrorKind::Corrupt,
            Effect::Writes => StoreErrorKind::Unknown,
        };
        call.error(kind, why)
    })
}

#[cfg(test)]
mod tests {
    use kcl_core::lease::{Lease, Session};

    use super::*;

    #[test]
    fn a_page_that_is_cut_off_is_an_error_and_not_the_last() {
        let call = Call { op: "leases", location: "redis://here", row: "", effect: Effect::Reads };
        let text = |text: &str| Value::BulkString(text.into());
        let empty = page_of::<Lease>(&call, vec![Value::Nil]).unwrap();
        assert_eq!((empty.items.len(), empty.next), (0, None));
        for cut in [vec![], vec![Value::Nil, text("orders/1/shardId-000000000000")]] {
            let error = page_of::<Lease>(&call, cut).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Corrupt);
        }
    }
    #[test]
    fn a_beat_without_the_servers_history_is_no_answer() {
        let call = Call { op: "beat", location: "redis://here", row: "", effect: Effect::Writes };
        let text = |text: &str| Value::BulkString(text.into());
        let time = [text("1738310400"), text("250000")];
        let info = |info: &str| [time.to_vec(), vec![text(info)]].concat();
        let (stamp, replicas) = told(&call, info("role:master\r\nmaster_replid:e0d3\r\n")).unwrap();
        assert_eq!((stamp.at.0, stamp.generation.as_str()), (1_738_310_400_250, "e0d3"));
        assert_eq!(replicas, 0);
        for silent in [vec![], time.to_vec(), info("role:master\r\n"), info("")] {
            let error = told(&call, silent).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Unknown);
        }
        let (refused, rest) =
            written::<Session>(&call, Value::Array(vec![Value::Int(0), Value::Nil])).unwrap();
        assert!(matches!(refused, Write::Refused(None)) && rest.is_empty());
    }
}
