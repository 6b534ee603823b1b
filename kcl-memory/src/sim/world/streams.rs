//! Which stream the application reads, and who reads another.

use kcl_core::lease::{DocName, Document, LeaseKey, SessionId, Streams};

use super::{World, host::Host};
use crate::sim::{
    Violation,
    fact::Fact,
    stream::{ShardNo, StreamNo},
};

impl World {
    /// A worker runs a lease from now on.
    pub(super) fn check_run(&mut self, at: usize, no: ShardNo) -> Result<(), Violation> {
        let shard = &self.stream.shards[no];
        let (worker, key): (_, &LeaseKey) = (&self.hosts[at].worker, &shard.key);
        let fact = Fact::RunStarted { worker, key, own: shard.of == self.hosts[at].reads };
        self.oracle.learn(self.now, &fact)
    }

    /// A session has joined, as its worker says.
    pub(super) fn on_joined(&mut self, at: usize, session: &SessionId) -> Result<(), Violation> {
        self.hosts[at].joined = Some(session.clone());
        if !self.lives(session) {
            // Others have ended it meanwhile.
            return Ok(());
        }
        let stranger = self.stored_stream().is_some_and(|of| of != self.hosts[at].reads);
        self.learn(&Fact::Joined { session, stranger })
    }

    /// A document was stored: it may name the stream that is read.
    pub(super) fn note_streams(&mut self, doc: &Document) -> Result<(), Violation> {
        if doc.name != DocName::streams() {
            return Ok(());
        }
        let before = self.stream.current;
        self.follow_streams();
        if before == self.stream.current {
            return Ok(());
        }
        let readers = self.hosts.iter().filter(|host| host.is_up() && host.reads == before);
        let mut joined = readers.filter_map(|host| host.joined.as_ref());
        let still = joined.find(|session| self.lives(session)).cloned();
        self.note(|| "--- the application reads another stream".into());
        self.learn(&Fact::Switched { still: still.as_ref() })
    }

    /// What happens to the stream happens to the one that the store names.
    pub(super) fn follow_streams(&mut self) {
        if let Some(of) = self.stored_stream() {
            self.stream.current = of;
        }
    }

    /// A worker left because others read another stream.
    pub(super) fn on_left_for_stream(&mut self, at: usize) -> Result<(), Violation> {
        let Host { worker, reads, .. } = &self.hosts[at];
        let rivals = self.hosts.iter().any(|host| host.reads != *reads);
        let fact = Fact::LeftForStream { worker, rivals };
        self.oracle.learn(self.now, &fact)
    }

    fn stored_stream(&self) -> Option<StreamNo> {
        let doc = self.store.rows.docs.get(&DocName::streams())?;
        let streams = Streams::decode(&doc.body).ok()?;
        self.stream.named(streams.name()?)
    }

    fn lives(&self, session: &SessionId) -> bool {
        self.store.rows.sessions.get(session).is_some_and(|row| !row.has_ended())
    }
}
