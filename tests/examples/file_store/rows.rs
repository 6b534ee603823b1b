//! Rows to JSON and back.

use std::{str::FromStr, time::Duration};

use kcl_core::{
    env::WallTime,
    lease::{
        Checkpoint, DocName, Document, Epoch, Lease, LeaseKey, PlanVersion, Session, SessionId,
        SessionState,
    },
};
use serde_json::{Value, json};

/// A kind of row.
pub(crate) trait Row: Sized {
    /// What identifies it within an application.
    type Key;
    /// What the kind is called.
    const KIND: &'static str;

    fn key(&self) -> &Self::Key;
    fn name(key: &Self::Key) -> String;
    fn to_json(&self) -> Value;
    /// `None` if it makes no sense.
    fn from_json(name: &str, json: &Value) -> Option<Self>;
}

impl Row for Session {
    type Key = SessionId;
    const KIND: &'static str = "session";

    fn key(&self) -> &SessionId {
        &self.id
    }

    fn name(key: &SessionId) -> String {
        key.key()
    }

    fn to_json(&self) -> Value {
        json!({
            "start": self.start,
            "timeout": millis(self.timeout),
            "interval": millis(self.interval),
            "capacity": self.capacity,
            "stream": self.stream,
            "zone": self.zone,
            "beat": self.beat,
            "state": self.state.as_str(),
            "mailbox": self.mailbox,
            "seen": [self.report.seen.term.0, self.report.seen.version],
            "changes": self.report.changes,
            "conflicts": self.report.conflicts,
            "watched": self.report.watched,
        })
    }

    fn from_json(name: &str, json: &Value) -> Option<Self> {
        let span = |field: &str| json[field].as_u64().map(Duration::from_millis);
        let id = name.parse().ok()?;
        let start = json["start"].as_u64()?;
        let mut session = Self::new(id, start, span("timeout")?, span("interval")?);
        session.capacity = json["capacity"].as_u64()?.try_into().ok()?;
        session.stream = parsed(&json["stream"])?;
        session.zone = parsed(&json["zone"])?;
        session.beat = json["beat"].as_u64()?;
        session.state = SessionState::parse(json["state"].as_str()?)?;
        session.mailbox = json["mailbox"].as_u64()?;
        let (term, version) = (json["seen"][0].as_u64()?, json["seen"][1].as_u64()?);
        session.report.seen = PlanVersion { term: Epoch(term), version };
        session.report.changes = json["changes"].as_u64()?;
        session.report.conflicts = json["conflicts"].as_u64()?;
        session.report.watched = json["watched"].as_u64()?.try_into().ok()?;
        Some(session)
    }
}

impl Row for Lease {
    type Key = LeaseKey;
    const KIND: &'static str = "lease";

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn name(key: &LeaseKey) -> String {
        key.as_str().to_owned()
    }

    fn to_json(&self) -> Value {
        json!({
            "owner": self.owner.as_ref().map(SessionId::key),
            "epoch": self.epoch.0,
            // A kind, and digits that sort like progress.
            "checkpoint": [self.checkpoint.kind(), self.checkpoint.key()],
            "arrival": self.progress.arrival.map(WallTime::as_millis),
            "lag": self.progress.lag.map(millis),
            "rate": self.progress.rate,
            "parents": texts(&self.parents),
            "children": texts(&self.children),
            "range": self.range.map(|range| range.to_string()),
            "successor": self.successor.as_ref().map(SessionId::key),
            "avoid": self.avoid.as_ref().map(ToString::to_string),
        })
    }

    fn from_json(name: &str, json: &Value) -> Option<Self> {
        let (kind, key) = (json["checkpoint"][0].as_str()?, json["checkpoint"][1].as_str()?);
        let checkpoint = Checkpoint::from_parts(kind, key).ok()?;
        let mut lease = Self::new(name.parse().ok()?, checkpoint);
        lease.owner = parsed(&json["owner"])?;
        lease.epoch = Epoch(json["epoch"].as_u64()?);
        lease.progress.arrival = json["arrival"].as_u64().map(WallTime::from_millis);
        lease.progress.lag = json["lag"].as_u64().map(Duration::from_millis);
        lease.progress.rate = json["rate"].as_u64()?;
        lease.parents = list(&json["parents"])?;
        lease.children = list(&json["children"])?;
        lease.range = parsed(&json["range"])?;
        lease.successor = parsed(&json["successor"])?;
        lease.avoid = parsed(&json["avoid"])?;
        Some(lease)
    }
}

impl Row for Document {
    type Key = DocName;
    const KIND: &'static str = "document";

    fn key(&self) -> &DocName {
        &self.name
    }

    fn name(key: &DocName) -> String {
        key.as_str().to_owned()
    }

    fn to_json(&self) -> Value {
        json!({ "version": self.version, "body": &*self.body })
    }

    fn from_json(name: &str, json: &Value) -> Option<Self> {
        let byte = |value: &Value| value.as_u64()?.try_into().ok();
        let body: Vec<u8> = json["body"].as_array()?.iter().map(byte).collect::<Option<_>>()?;
        Some(Self::new(name.parse().ok()?, json["version"].as_u64()?, body.into()))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// Outer `None`: it makes no sense. Inner `None`: there is nothing.
fn parsed<T: FromStr>(json: &Value) -> Option<Option<T>> {
    match json {
        Value::Null => Some(None),
        json => json.as_str()?.parse().ok().map(Some),
    }
}

fn list<T: FromStr>(json: &Value) -> Option<Vec<T>> {
    json.as_array()?.iter().map(|item| item.as_str()?.parse().ok()).collect()
}
