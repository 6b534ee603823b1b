//! Reading one session closely: the planner and the first standby read each other's row shortly
//! after each beat that they expect. So the death of either is known as soon as the protocol
//! allows.

use std::time::Duration;

use crate::{
    coordinator::{context::Context, watch::Watch},
    env::Time,
    lease::{Session, SessionId},
};

/// How long after an expected beat the row is read, and how long until it is read again if the beat
/// is late.
const AFTER_BEAT: Duration = Duration::from_millis(100);

/// The session that is followed closely, if there is one.
#[derive(Debug)]
pub(super) struct Partner {
    id: Option<SessionId>,
    /// When its row is read next; [`Time::NEVER`] if it is overdue, since `watch` reads it then.
    look_at: Time,
    /// When a read last found no new beat.
    stale_at: Time,
}

impl Default for Partner {
    fn default() -> Self {
        Self { id: None, look_at: Time::NEVER, stale_at: Time::ZERO }
    }
}

impl Partner {
    /// Follows another session from now on, or none.
    pub(super) fn follow(&mut self, id: Option<SessionId>, now: Time) {
        if self.id != id {
            let follows = id.is_some() && is_followed_closely();
            self.look_at = if follows { now } else { Time::NEVER };
            self.id = id;
        }
    }

    pub(super) const fn look_at(&self) -> Time {
        self.look_at
    }

    /// Reads the partner's row, if that is due and the partner's beat is not overdue.
    pub(super) fn on_tick(&mut self, watch: &mut Watch, ctx: &mut Context) {
        if self.look_at > ctx.now {
            return;
        }
        if let Some(id) = &self.id {
            self.look_at = ctx.now + AFTER_BEAT;
            if watch.is_overdue(id, ctx.now) {
                // `watch` reads the rows of suspects by itself.
                self.look_at = Time::NEVER;
            } else {
                watch.look(id, ctx);
            }
        }
    }

    /// A session's row was read. Whether it is the partner's and shows a new beat.
    pub(super) fn on_seen(&mut self, row: &Session, watch: &Watch, ctx: &Context) -> bool {
        if self.id.as_ref() != Some(&row.id) || !is_followed_closely() {
            return false;
        }
        let fresh = watch.last_change(&row.id) == Some(ctx.now);
        if !fresh {
            self.stale_at = ctx.now;
            if self.look_at == Time::NEVER && !watch.is_overdue(&row.id, ctx.now) {
                self.look_at = ctx.now + AFTER_BEAT;
            }
        } else if ctx.now.since(self.stale_at) <= AFTER_BEAT * 2 {
            self.look_at = ctx.now + row.interval;
        } else {
            // It is not known when the beat was written. Each read comes a little earlier in the
            // interval than the one before, until one finds no new beat.
            self.look_at = ctx.now + row.interval - AFTER_BEAT;
        }
        fresh
    }

    /// A session has ended: if it was the partner, none is followed.
    pub(super) fn on_ended(&mut self, id: &SessionId) {
        if self.id.as_ref() == Some(id) {
            self.id = None;
            self.look_at = Time::NEVER;
        }
    }
}

/// Whether the partner's row is read shortly after each expected beat.
fn is_followed_closely() -> bool {
    !planted!(PartnerNotFollowed)
}
