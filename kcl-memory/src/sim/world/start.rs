//! Where reading began, and from which records on.

use kcl_core::{
    coordinator::FrozenStart,
    lease::{DocName, Document},
};

use super::{World, host::Host};
use crate::sim::{Violation, fact::Fact, stream::ShardNo};

impl World {
    /// A document was stored. If it is a frozen start, nobody has to read what came before it: if
    /// it is the first, or if the store lost the first and nobody is left who could tell.
    pub(super) fn note_start(&mut self, doc: &Document) -> Result<(), Violation> {
        let Some(start) = FrozenStart::decode(&doc.body).filter(|_| is_start(&doc.name)) else {
            return Ok(());
        };
        // One that is put while the application is closed and there is none is a first start that
        // lands late.
        if self.oracle.is_closed() && doc.version > 1 {
            self.past.starts.insert(doc.name.clone(), start);
            return Ok(());
        }
        let first = *self.past.starts.entry(doc.name.clone()).or_insert(start);
        let anew = first.at != start.at && !self.is_other_start_known(&doc.name, start);
        if anew {
            self.past.starts.insert(doc.name.clone(), start);
            self.learn(&Fact::StartLost { name: &doc.name })?;
        }
        let of = self.stream.keyed(|key| DocName::start(key) == doc.name);
        let began = of.is_none_or(|of| self.past.began.contains(&of));
        let Some(at) = start.at.filter(|_| anew || !began) else { return Ok(()) };
        let shards = 0..self.stream.shards.len();
        let of_stream = |no: &ShardNo| Some(self.stream.shards[*no].of) == of;
        for shard in shards.filter(of_stream).collect::<Vec<_>>() {
            let to = self.stream.count_before(shard, at);
            self.learn(&Fact::Gone { shard, to })?;
        }
        Ok(())
    }

    /// Whether a live session's process knows another start, and can tell the store.
    fn is_other_start_known(&self, name: &DocName, start: FrozenStart) -> bool {
        let knows = |host: &&Host| {
            let mut known = host.coordinator.known_starts();
            known.any(|known| DocName::start(&known.of) == *name && known.at != start.at)
        };
        let can_tell = |host: &&Host| {
            let row = self.store.rows.sessions.get(host.coordinator.session());
            host.is_up()
                && row.is_some_and(|row| !row.has_ended())
                && host.stands_still(self.now).is_none()
                && self.now >= host.requests_cut_until.max(host.replies_cut_until)
        };
        self.hosts.iter().filter(can_tell).any(|host| knows(&host))
    }
}

fn is_start(name: &DocName) -> bool {
    name.as_str().starts_with("start:")
}
