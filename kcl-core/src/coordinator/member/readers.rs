//! The sessions that may read the stream which a version of `streams` names. They are watched until
//! one of them beats, or all have ended.

use std::collections::BTreeMap;

use crate::{
    coordinator::{command::Notice, context::Context},
    env::Time,
    lease::{EndSession, Ending, Session, SessionId, SessionState},
    stream::StreamName,
};

/// The sessions that may have passed up to one version: those whose rows name its stream, and those
/// whose rows name none. A session that registers later needs no watching: its pass makes the
/// switch over this version fail.
#[derive(Debug)]
pub(super) struct Readers {
    /// The version of `streams`; `None` if there is no document.
    version: Option<u64>,
    /// The stream that the version names; `None` if there is no document.
    names: Option<StreamName>,
    /// The sessions that have not ended; `None` until they were listed for the first time.
    watched: Option<BTreeMap<SessionId, Watched>>,
    /// Whether one of them has beaten since.
    one_lives: bool,
    /// When the sessions are listed next.
    look_at: Time,
    /// When they were last listed; [`Time::ZERO`] if the own session was not valid since.
    seen_at: Time,
}

/// A session, with the beat that was seen first, and when it was seen.
#[derive(Debug)]
struct Watched {
    beat: u64,
    since: Time,
}

impl Readers {
    pub(super) const fn new(version: Option<u64>, names: Option<StreamName>) -> Self {
        Self {
            version,
            names,
            watched: None,
            one_lives: false,
            look_at: Time::NEVER,
            seen_at: Time::ZERO,
        }
    }

    pub(super) const fn version(&self) -> Option<u64> {
        self.version
    }

    pub(super) const fn names(&self) -> Option<&StreamName> {
        self.names.as_ref()
    }

    pub(super) const fn one_lives(&self) -> bool {
        self.one_lives
    }

    /// Whether all sessions that had to end have ended.
    pub(super) fn are_over(&self) -> bool {
        self.watched.as_ref().is_some_and(BTreeMap::is_empty)
    }

    pub(super) const fn next_wake(&self) -> Time {
        self.look_at
    }

    /// A listing was asked for. A session that does not know whether it is valid itself must not
    /// take others for dead.
    pub(super) fn asked(&mut self, valid: bool, ctx: &Context) {
        self.look_at = ctx.now + ctx.settings.watch_interval;
        if !valid {
            self.seen_at = Time::ZERO;
        }
    }

    /// The sessions were listed: returns the silent ones to fence.
    pub(super) fn on_listed(
        &mut self,
        rows: &[Session],
        me: &SessionId,
        ctx: &mut Context,
    ) -> Vec<EndSession> {
        let (now, timeout) = (ctx.now, ctx.settings.session_timeout);
        let live = rows.iter().filter(|row| row.id != *me && !row.has_ended());
        let Some(watched) = &mut self.watched else {
            let readers = live.filter(|row| row.may_read(self.names.as_ref()));
            let first = readers.map(|row| (row.id.clone(), Watched { beat: row.beat, since: now }));
            self.watched = Some(first.collect());
            self.seen_at = now;
            return Vec::new();
        };
        // A gap between two listings is an outage and no proof of death: every session gets a full
        // timeout again.
        let gap = now.since(self.seen_at) > timeout / 2;
        self.seen_at = now;
        let live: BTreeMap<&SessionId, &Session> = live.map(|row| (&row.id, row)).collect();
        watched.retain(|id, _| live.contains_key(id));
        let mut fences = Vec::new();
        for (id, watch) in watched {
            let Some(row) = live.get(id) else { continue };
            if row.beat != watch.beat {
                *watch = Watched { beat: row.beat, since: now };
                // The last beats of a session that leaves are no reason to leave this application.
                self.one_lives |= row.state != SessionState::Leaving;
            } else if gap {
                watch.since = now;
            }
            let due = watch.since + timeout.max(row.timeout);
            if due <= now {
                sometimes!(OtherReaderFenced);
                fences.push(EndSession::new((*id).clone(), Ending::Fence { beat: watch.beat }));
            }
            self.look_at = self.look_at.min(due.max(now + ctx.settings.fast_poll));
        }
        fences
    }

    /// The end of one of them was answered; `row` is its row, if there is one.
    pub(super) fn on_end(&mut self, id: &SessionId, row: Option<&Session>, ctx: &mut Context) {
        let Some(watched) = &mut self.watched else { return };
        match row {
            Some(row) if !row.has_ended() => {
                if let Some(watch) = watched.get_mut(id) {
                    *watch = Watched { beat: row.beat, since: ctx.now };
                    self.one_lives |= row.state != SessionState::Leaving;
                }
            }
            _ => {
                if watched.remove(id).is_some() {
                    ctx.notify(Notice::FencedOther(id.clone()));
                }
                ctx.note_ended(id);
            }
        }
    }
}
