//! The statements of writes on sessions.

use std::sync::LazyLock;

use kcl_core::{
    lease::{Beat, EndReason, EndSession, Ending, Report, SessionState},
    store::codec::Fields,
};

use super::{
    Conditional,
    fields::{listed, set},
};
use crate::codec::{bind, cells, int};

pub(crate) fn beat(beat: &Beat) -> Conditional {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let report = listed(Report::FIELDS, 5, set);
        format!(
            "update {{s}}.session set beat = $3, \
             state = case when $4 then 'LEAVING' else state end, {report} \
             where application = $1 and id = $2 and state in ('LIVE', 'LEAVING') and beat < $3 \
             returning {{row}}"
        )
    });
    let (number, leaving, report) = (int(beat.number), beat.leaving, cells(&beat.report));
    Conditional::new(&SQL, move |statement| bind(statement.bind(number).bind(leaving), report))
}

pub(crate) fn end_session(end: &EndSession) -> Conditional {
    const SQL: &str = "update {s}.session set state = $3 \
        where application = $1 and id = $2 and state in ('LIVE', 'LEAVING') \
        and ($4::bigint is null or beat = $4) returning {row}";
    let (reason, beat) = match end.ending {
        Ending::Leave => (EndReason::Left, None),
        Ending::Replace => (EndReason::Replaced, None),
        Ending::Fence { beat } => (EndReason::Fenced, Some(int(beat))),
    };
    let state = SessionState::Ended(reason).as_str();
    Conditional::new(SQL, move |statement| statement.bind(state).bind(beat))
}

pub(crate) fn forget() -> Conditional {
    const SQL: &str = "delete from {s}.session where application = $1 and id = $2 \
        and state in ('LEFT', 'REPLACED', 'FENCED') returning {row}";
    Conditional::new(SQL, |statement| statement)
}

/// Raises the mailbox and notifies `channel`, in one transaction.
pub(crate) fn wake(channel: String) -> Conditional {
    const SQL: &str = "with woken as (update {s}.session set mailbox = mailbox + 1 \
        where application = $1 and id = $2 and state in ('LIVE', 'LEAVING') returning 1) \
        select pg_notify($3, '') from woken";
    Conditional::new(SQL, move |statement| statement.bind(channel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_states_as_the_core_does() {
        let named = |sql: &str, state: SessionState| sql.contains(&format!("'{state}'"));
        let ends = [EndReason::Left, EndReason::Replaced, EndReason::Fenced];
        assert!(ends.iter().all(|end| named(forget().sql, SessionState::Ended(*end))));
        let beat = beat(&Beat::new(
            "a#00000000-0000-0000-0000-000000000001".parse().unwrap(),
            1,
            Report::NOTHING,
        ));
        for sql in [beat.sql, wake(String::new()).sql] {
            assert!(named(sql, SessionState::Live) && named(sql, SessionState::Leaving));
        }
    }
}
