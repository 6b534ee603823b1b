//! One line of a consumer's log.

use std::sync::Arc;

use serde_json::{Map, Value};

/// One line of a consumer's standard error.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The consumer's worker id.
    pub worker: Arc<str>,
    /// The number of the process that wrote it: processes are counted over the fleet.
    pub life: usize,
    /// The time of the event, in milliseconds since 1970; 0 for a line that is no event.
    pub at: f64,
    /// The event's name; the whole line if it is no event.
    pub message: String,
    /// The names of the event's spans, the outermost first.
    pub spans: Vec<String>,
    fields: Map<String, Value>,
}

impl LogLine {
    /// Parses a line. A line that is no event becomes a message.
    #[must_use]
    pub fn parse(worker: &Arc<str>, life: usize, line: &str) -> Self {
        let worker = Arc::clone(worker);
        Self::event(&worker, life, line).unwrap_or_else(|| Self {
            worker,
            life,
            at: 0.0,
            message: line.to_owned(),
            spans: Vec::new(),
            fields: Map::new(),
        })
    }

    fn event(worker: &Arc<str>, life: usize, line: &str) -> Option<Self> {
        let mut event: Map<String, Value> = serde_json::from_str(line).ok()?;
        let at: jiff::Timestamp = event.get("timestamp")?.as_str()?.parse().ok()?;
        let spans = event.get("spans").and_then(Value::as_array);
        let names = spans.into_iter().flatten().filter_map(|span| span.get("name")?.as_str());
        let spans = names.map(str::to_owned).collect();
        let mut fields = match event.remove("fields") {
            Some(Value::Object(fields)) => fields,
            _ => event,
        };
        let message = match fields.remove("message")? {
            Value::String(message) => message,
            _ => return None,
        };
        let at = at.as_microsecond() as f64 / 1e3;
        Some(Self { worker: Arc::clone(worker), life, at, message, spans, fields })
    }

    /// The value of a field as text; `None` if the event has no such field.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<String> {
        match self.fields.get(field)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The shard of the lease that the event is about; `None` if it is about no lease.
    #[must_use]
    pub fn shard(&self) -> Option<String> {
        let lease = self.text("lease")?;
        lease.rsplit_once('/').map(|(_, shard)| shard.to_owned())
    }

    /// The value of a field as a number; `None` if it is absent or no number.
    #[must_use]
    pub fn number(&self, field: &str) -> Option<u64> {
        self.text(field)?.parse().ok()
    }

    /// Every field as JSON, for errors.
    #[must_use]
    pub fn fields(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }
}
