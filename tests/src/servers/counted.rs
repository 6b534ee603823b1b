//! A proxy before a DynamoDB or Kinesis server that counts requests, and what each costs.

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

/// Passes requests on to a server, and counts them by operation: those to DynamoDB with the
/// capacity units they consumed. It asks the server for those; a refused write, of which servers
/// tell nothing, costs a unit. It ends when this is dropped.
#[derive(Debug)]
pub struct Counted {
    url: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    bill: Mutex<Bill>,
    refusals: Mutex<BTreeMap<String, &'static str>>,
    /// Only requests that hold this are refused.
    about: Mutex<String>,
    done: AtomicBool,
}

/// What was asked, by operation.
pub type Bill = BTreeMap<String, Cost>;

/// What the requests of one operation cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// How many there were.
    pub requests: u32,
    /// What they consumed: of writes for operations that write, else of reads.
    pub units: f64,
}

/// The operations that consume write units.
pub const WRITES: [&str; 3] = ["UpdateItem", "PutItem", "DeleteItem"];
const READS: [&str; 3] = ["GetItem", "Query", "Scan"];

impl Counted {
    /// Starts a proxy before the server at `url`.
    ///
    /// # Errors
    /// The operating system's.
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
                // A connection that breaks is the client's to open again.
                let pass = move || drop(shared.pass_all(&client));
                drop(std::thread::Builder::new().name("counted".into()).spawn(pass));
            }
        };
        let thread = std::thread::Builder::new().name("counting".into()).spawn(serve)?;
        Ok(Self { url: format!("http://{own}"), shared, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses these operations from now on, and no others, without the server's knowing: with a
    /// code like `AccessDeniedException`.
    pub fn refuse(&self, operations: &[&str], code: &'static str) {
        self.refuse_about("", operations, code);
    }

    /// The same for those of these operations alone whose requests hold a text.
    pub fn refuse_about(&self, text: &str, operations: &[&str], code: &'static str) {
        text.clone_into(&mut self.shared.about.lock().unwrap_or_else(PoisonError::into_inner));
        let refusals = operations.iter().map(|operation| ((*operation).to_owned(), code));
        *self.shared.refusals() = refusals.collect();
    }

    /// Whether this operation was asked for since the last [`Self::take`].
    #[must_use]
    pub fn has_seen(&self, operation: &str) -> bool {
        self.shared.bill().contains_key(operation)
    }

    /// What was asked since this was asked last.
    #[must_use]
    pub fn take(&self) -> Bill {
        std::mem::take(&mut *self.shared.bill())
    }
}

/// The write units and the read units of a bill.
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

    fn is_about(&self, request: &Message) -> bool {
        let about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        about.is_empty() || String::from_utf8_lossy(&request.body).contains(&**about)
    }

    fn bill(&self) -> MutexGuard<'_, Bill> {
        self.bill.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
        // Wakes the thread that accepts; it may be gone.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// A request or an answer, with the length of its body known.
#[derive(Debug)]
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    /// `None` at the end of the connection.
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

    fn ask_for_units(&mut self) {
        if let Ok(Value::Object(mut request)) = serde_json::from_slice(&self.body) {
            request.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
            self.body = Value::Object(request).to_string().into_bytes();
        }
    }

    /// What the answer says was consumed.
    fn units(&self, operation: &str) -> f64 {
        let answer: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let refused = answer["__type"].as_str().is_some_and(|kind| kind.contains("Conditional"));
        if refused && WRITES.contains(&operation) {
            return 1.0;
        }
        answer["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap_or(0.0)
    }
}
