//! Who reads the stream that a version of the document `streams` names: watched until one of them
//! beats, or all have ended.

use std::collections::BTreeMap;

use crate::{
    coordinator::{command::Notice, context::Context},
    env::Time,
    lease::{EndSession, Ending, Session, SessionId, SessionState},
    stream::StreamName,
};

/// The sessions that may have passed up to one version: those whose rows name its stream, and those
/// that name none. Others meet in the version.
#[derive(Debug)]
pub(super) struct Readers {
    version: Option<u64>,
    names: Option<StreamName>,
    /// `None` until they are listed for the first time.
    watched: Option<BTreeMap<SessionId, Watched>>,
    /// One of them has beaten.
    one_lives: bool,
    look_at: Time,
    /// When they were last seen.
    seen_at: Time,
}

/// A session with the beat that was seen at first, and since when.
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

    /// Whether all that had to end have ended.
    pub(super) fn are_over(&self) -> bool {
        self.watched.as_ref().is_some_and(BTreeMap::is_empty)
    }

    pub(super) const fn next_wake(&self) -> Time {
        self.look_at
    }

    /// They are being listed. Who does not know that its own session is valid takes nobody for
    /// dead.
    pub(super) fn asked(&mut self, valid: bool, ctx: &Context) {
        self.look_at = ctx.now + ctx.settings.watch_interval;
        if !valid {
            self.seen_at = Time::ZERO;
        }
    }

    /// They were listed: says whom to fence.
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
        // A gap in the looks is an outage, and no death: the windows open anew.
        let gap = now.since(self.seen_at) > timeout / 2;
        self.seen_at = now;
        let live: BTreeMap<&SessionId, &Session> = live.map(|row| (&row.id, row)).collect();
        watched.retain(|id, _| live.contains_key(id));
        let mut fences = Vec::new();
        for (id, watch) in watched {
            let Some(row) = live.get(id) else { continue };
            if row.beat != watch.beat {
                *watch = Watched { beat: row.beat, since: now };
                // Who leaves will have left.
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

    /// One of them was to be fenced, and its row is this.
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
