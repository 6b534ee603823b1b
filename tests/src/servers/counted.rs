//! A proxy before a DynamoDB or Kinesis server that counts requests and their capacity units, and
//! can refuse some of them.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use serde_json::Value;

/// The proxy. It passes requests on, and counts them by operation; those of DynamoDB with the
/// capacity units that they consumed, for which it asks the server. A conditional write that the
/// server refuses counts as one unit, because servers do not report these. The proxy ends when this
/// is dropped.
#[derive(Debug)]
pub struct Counted {
    url: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The state that all connections share.
#[derive(Debug)]
struct Shared {
    /// The server's host and port.
    upstream: String,
    /// The counts since the last [`Counted::take`].
    bill: Mutex<Bill>,
    /// The error code for each operation that is refused.
    refusals: Mutex<BTreeMap<String, &'static str>>,
    /// Only requests that contain this text are refused; all if it is empty.
    about: Mutex<String>,
    /// Set when the proxy is dropped.
    done: AtomicBool,
}

/// The costs of requests, by operation.
pub type Bill = BTreeMap<String, Cost>;

/// The cost of the requests of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// The number of requests.
    pub requests: u32,
    /// The capacity units: write units of operations that write, read units of others.
    pub units: f64,
}

/// The operations that consume write units.
pub const WRITES: [&str; 3] = ["UpdateItem", "PutItem", "DeleteItem"];
/// The operations that consume read units.
const READS: [&str; 3] = ["GetItem", "Query", "Scan"];

impl Counted {
    /// Starts a proxy before the server at `url`.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn before(url: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let own = listener.local_addr()?;
        let upstream = url.trim_start_matches("http://").to_owned();
        let shared = Arc::new(Shared {
            upstream,
            bill: Mutex::default(),
            refusals: Mutex::default(),
            about: Mutex::default(),
            done: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let serve = move || {
            for client in listener.incoming().map_while(Result::ok) {
                if serving.done.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // After an error the client opens a new connection.
                let pass = move || drop(shared.pass_all(&client));
                drop(std::thread::Builder::new().name("counted".into()).spawn(pass));
            }
        };
        let thread = std::thread::Builder::new().name("counting".into()).spawn(serve)?;
        Ok(Self { url: format!("http://{own}"), shared, thread: Some(thread) })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses these operations from now on, and no others, with an error code like
    /// `AccessDeniedException`. The server does not get the requests.
    pub fn refuse(&self, operations: &[&str], code: &'static str) {
        self.refuse_about("", operations, code);
    }

    /// The same, but only for requests that contain `text`.
    pub fn refuse_about(&self, text: &str, operations: &[&str], code: &'static str) {
        text.clone_into(&mut self.shared.about.lock().unwrap_or_else(PoisonError::into_inner));
        let refusals = operations.iter().map(|operation| ((*operation).to_owned(), code));
        *self.shared.refusals() = refusals.collect();
    }

    /// Whether a request of this operation was passed on since the last [`Self::take`].
    #[must_use]
    pub fn has_seen(&self, operation: &str) -> bool {
        self.shared.bill().contains_key(operation)
    }

    /// The costs since the last call.
    #[must_use]
    pub fn take(&self) -> Bill {
        std::mem::take(&mut *self.shared.bill())
    }
}

/// The sums of the write units and of the read units of a bill.
#[must_use]
pub fn units(bill: &Bill) -> (f64, f64) {
    let of = |operations: [&str; 3]| -> f64 {
        let costs = operations.into_iter().filter_map(|operation| bill.get(operation));
        costs.map(|cost| cost.units).sum()
    };
    (of(WRITES), of(READS))
}

impl Shared {
    fn refusals(&self) -> MutexGuard<'_, BTreeMap<String, &'static str>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the request contains the text of [`Counted::refuse_about`].
    fn is_about(&self, request: &Message) -> bool {
        let about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        about.is_empty() || String::from_utf8_lossy(&request.body).contains(&**about)
    }

    fn bill(&self) -> MutexGuard<'_, Bill> {
        self.bill.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one connection of a client, with a connection of its own to the server.
    fn pass_all(&self, client: &TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(&self.upstream)?;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let (mut requests, mut answers) = (BufReader::new(client), BufReader::new(&server));
        while let Some(mut request) = Message::read(&mut requests)? {
            let operation = request.header("x-amz-target").unwrap_or_default();
            let operation = operation.rsplit('.').next().unwrap_or_default().to_owned();
            let refusal = self.refusals().get(&operation).copied();
            if let Some(code) = refusal.filter(|_| self.is_about(&request)) {
                Message::refusing(&operation, code).write(client)?;
                continue;
            }
            let counts = WRITES.contains(&&*operation) || READS.contains(&&*operation);
            if counts {
                request.ask_for_units();
            }
            request.write(&server)?;
            let Some(answer) = Message::read(&mut answers)? else { break };
            let units = if counts { answer.units(&operation) } else { 0.0 };
            answer.write(client)?;
            let mut bill = self.bill();
            let cost = bill.entry(operation).or_default();
            cost.requests += 1;
            cost.units += units;
        }
        client.shutdown(Shutdown::Both)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::Relaxed);
        // A connection wakes the thread that accepts; it may have ended.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// An HTTP request or answer.
#[derive(Debug)]
struct Message {
    /// The first line, with its end.
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    /// Reads a message, whose headers must have the length of the body; `None` at the end of the
    /// connection.
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut first = String::new();
        if from.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut message = Self { first, headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = message.header("content-length").and_then(|length| length.parse().ok());
        let length = length.ok_or_else(|| io::Error::other("a body of unknown length"))?;
        message.body = vec![0; length];
        from.read_exact(&mut message.body)?;
        Ok(Some(message))
    }

    /// The answer that refuses an operation.
    fn refusing(operation: &str, code: &str) -> Self {
        let body = serde_json::json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
            "message": format!("{operation} is refused by the test"),
        });
        let kind = ("content-type".to_owned(), "application/x-amz-json-1.0".to_owned());
        let first = "HTTP/1.1 400 Bad Request\r\n".to_owned();
        Self { first, headers: vec![kind], body: body.to_string().into_bytes() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(known, value)| (known == name).then_some(&**value))
    }

    fn write(&self, mut to: &TcpStream) -> io::Result<()> {
        let mut bytes = self.first.clone().into_bytes();
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "content-length") {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        write!(bytes, "content-length: {}\r\n\r\n", self.body.len())?;
        bytes.extend_from_slice(&self.body);
        to.write_all(&bytes)
    }

    /// Makes a request of DynamoDB ask for the consumed capacity.
    fn ask_for_units(&mut self) {
        if let Ok(Value::Object(mut request)) = serde_json::from_slice(&self.body) {
            request.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
            self.body = Value::Object(request).to_string().into_bytes();
        }
    }

    /// The capacity units that an answer reports.
    fn units(&self, operation: &str) -> f64 {
        let answer: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let refused = answer["__type"].as_str().is_some_and(|kind| kind.contains("Conditional"));
        if refused && WRITES.contains(&operation) {
            return 1.0;
        }
        answer["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap_or(0.0)
    }
}
