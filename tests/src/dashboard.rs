//! Starts `kcl dashboard` as a process, and sends requests to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use kcl_core::env::Env;
use serde_json::Value;

use crate::fleet::{Launch, Process, Signal};

/// The interval between two requests while a test waits.
const AGAIN: Duration = Duration::from_millis(200);

/// A dashboard, which ends when this is dropped.
#[derive(Debug)]
pub struct Dashboard {
    process: Process,
    /// The address of the server, like `127.0.0.1:43210`.
    pub address: String,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// The body is no JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("{}\n{}", self.head, self.body))
    }

    /// What went wrong, in words.
    #[must_use]
    pub fn error(&self) -> String {
        let error = self.json().map(|it| it["error"].clone()).unwrap_or_default();
        error.as_str().unwrap_or_default().to_owned()
    }
}

/// The command that shows an application of this fleet.
#[must_use]
pub fn command(launch: &Launch, arguments: &[&str]) -> Command {
    let mut command = Launch::command(&launch.binary);
    command
        .args(["dashboard", "--app", &launch.application, "--region", "us-east-1"])
        .args(["--kinesis-endpoint", &launch.kinesis])
        .args(["--store", &launch.store(), "--dynamodb-endpoint", &launch.dynamodb])
        .args(arguments);
    for (flag, value) in [("--listen", "0"), ("--every", "0.3"), ("--stream-every", "1")] {
        if !arguments.contains(&flag) {
            command.args([flag, value]);
        }
    }
    command
}

impl Dashboard {
    /// Starts a dashboard of an application, and waits until it listens.
    ///
    /// # Errors
    /// It does not listen. The message has its output.
    pub fn start(launch: &Launch, arguments: &[&str]) -> Result<Self> {
        Self::of(command(launch, arguments))
    }

    /// Starts a dashboard by a given command, and waits until it listens.
    ///
    /// # Errors
    /// It does not listen. The message has its output.
    pub fn of(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::spawn(&mut command)?;
        let output = process.child().stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().strip_prefix("http://").and_then(|it| it.strip_suffix('/'));
        let Some(address) = address else {
            let output = process.into_output()?;
            bail!("it does not listen: {line:?} {}", String::from_utf8_lossy(&output.stderr));
        };
        let port = address.rsplit(':').next().context("no port")?;
        Ok(Self { address: format!("127.0.0.1:{port}"), process })
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request with these headers besides `Host`, and reads the whole answer.
    ///
    /// # Errors
    /// The dashboard does not answer within half a minute, or its answer is no HTTP.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer> {
        let mut stream = self.connect(method, path, headers, body)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes)?;
        let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).context("no status")?;
        Ok(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
    }

    /// Sends a request, and returns the connection to read the answer from.
    fn connect(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(stream)
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], "")
    }

    /// Sends a POST request with a JSON body.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send("POST", path, &[("Content-Type", "application/json")], &body.to_string())
    }

    /// Sends GET requests until the answer is as `wanted`, for half a minute.
    ///
    /// # Errors
    /// The answer never is as wanted. The message has the last one.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = None;
        for _ in 0..150 {
            let answer = self.get(path)?;
            if answer.status == 200 {
                let value = answer.json()?;
                if wanted(&value) {
                    return Ok(value);
                }
            }
            last = Some(answer);
            Env::system().clock.sleep(AGAIN).await;
        }
        bail!("{path}: {last:#?}")
    }

    /// The first `count` events of a stream of events, each with its id, kind and data. `last` is
    /// the id of the last event that the client has.
    ///
    /// # Errors
    /// The stream ends before, or is silent for half a minute.
    pub fn events(
        &self,
        path: &str,
        last: Option<&str>,
        count: usize,
    ) -> Result<Vec<(String, String, Value)>> {
        let last = last.map(|last| ("Last-Event-ID", last));
        let stream = self.connect("GET", path, last.as_slice(), "")?;
        let (mut events, mut id, mut kind) = (Vec::new(), String::new(), String::new());
        for line in BufReader::new(stream).lines() {
            let line = line?;
            match line.split_once(": ") {
                Some(("id", value)) => id = value.to_owned(),
                Some(("event", value)) => kind = value.to_owned(),
                Some(("data", value)) => {
                    let data = serde_json::from_str(value)?;
                    events.push((std::mem::take(&mut id), std::mem::take(&mut kind), data));
                }
                _ => {}
            }
            if events.len() == count {
                return Ok(events);
            }
        }
        bail!("the stream of events ended after {}", events.len())
    }

    /// Ends the dashboard by SIGINT, and returns its log.
    ///
    /// # Errors
    /// The exit code is not 0.
    pub fn end(mut self) -> Result<String> {
        self.process.signal(Signal::INT)?;
        let output = self.process.into_output()?;
        anyhow::ensure!(output.status.success(), "{}", output.status);
        Ok(String::from_utf8(output.stderr)?)
    }
}

/// A cell of a table in an answer, by the key of its row; null if there is none.
#[must_use]
pub fn cell<'v>(table: &'v Value, row: &str, column: &str) -> &'v Value {
    let columns = table["columns"].as_array();
    let at = columns.and_then(|all| all.iter().position(|name| name == column));
    at.map_or(&Value::Null, |at| &table["rows"][row][at])
}

/// How many rows of a table are in this state.
#[must_use]
pub fn in_state(table: &Value, state: &str) -> usize {
    let rows = table["rows"].as_object().into_iter().flatten();
    rows.filter(|(key, _)| cell(table, key, "state") == state).count()
}
