//! A CloudWatch that takes what it is sent, refuses it, has too much of it, or does not answer.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread::Builder,
    time::Duration,
};

/// What it does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Takes,
    Denies,
    Throttles,
    /// It reads, and never answers.
    IsDark,
}

/// Answers on a thread of its own for as long as the tests run.
#[derive(Clone)]
pub(super) struct FakeCloudWatch {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    mood: Mood,
    asked: usize,
    /// Of requests that were taken.
    forms: Vec<BTreeMap<String, String>>,
    /// Of dark ones: kept open.
    held: Vec<TcpStream>,
}

impl FakeCloudWatch {
    pub(super) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { mood, asked: 0, forms: Vec::new(), held: Vec::new() };
        let server = Self { port, state: Arc::new(Mutex::new(state)) };
        let serving = server.clone();
        let serve = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                let serve = move || drop(serving.serve(stream));
                drop(Builder::new().spawn(serve));
            }
        };
        drop(Builder::new().spawn(serve));
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn turn(&self, mood: Mood) {
        self.state().mood = mood;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until so many requests came, taken or not.
    pub(super) fn until_asked(&self, times: usize) {
        self.until(|state| state.asked >= times);
    }

    /// Waits until something was taken.
    pub(super) fn until_taken(&self) {
        self.until(|state| !state.forms.is_empty());
    }

    fn until(&self, wanted: impl Fn(&State) -> bool) {
        for _ in 0..3_000 {
            if wanted(&self.state()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not come within a minute");
    }

    /// Each figure that was taken, in a line: its name, dimensions, and what it is.
    pub(super) fn lines(&self) -> Vec<String> {
        let state = self.state();
        let mut lines: Vec<String> = state.forms.iter().flat_map(figures).collect();
        lines.sort();
        lines
    }

    /// The namespaces of what was taken.
    pub(super) fn namespaces(&self) -> Vec<String> {
        self.state().forms.iter().map(|form| form["Namespace"].clone()).collect()
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some((head, body)) = request(&mut reader)? {
            let mut state = self.state();
            state.asked += 1;
            let answer = match state.mood {
                Mood::Takes => {
                    check(&head);
                    state.forms.push(form(&body));
                    // As CloudWatch answers in this protocol.
                    ("200 OK", "<PutMetricDataResponse></PutMetricDataResponse>".to_owned())
                }
                Mood::Denies => ("403 Forbidden", error("AccessDenied", "no right to do that")),
                Mood::Throttles => ("400 Bad Request", error("Throttling", "Rate exceeded")),
                Mood::IsDark => {
                    state.held.push(stream);
                    return Ok(());
                }
            };
            drop(state);
            let (status, body) = answer;
            let length = body.len();
            write!(&stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}")?;
        }
        Ok(())
    }
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error></ErrorResponse>"
    )
}

/// It is signed for CloudWatch, and says what its body is.
fn check(head: &[String]) {
    let has = |part: &str| head.iter().any(|line| line.contains(part));
    assert!(head[0].starts_with("POST / HTTP/1.1"), "{head:?}");
    assert!(has("/eu-west-1/monitoring/aws4_request"), "{head:?}");
    assert!(has("content-encoding: gzip"), "{head:?}");
    assert!(!has("smithy-protocol:"), "{head:?}");
}

/// The lines of the head, in small letters but for the first, and the body.
fn request(reader: &mut impl BufRead) -> std::io::Result<Option<(Vec<String>, Vec<u8>)>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = if head.is_empty() { line.to_owned() } else { name.to_lowercase() };
        head.push(if head.is_empty() { name } else { format!("{name}:{value}") });
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut text).unwrap();
    form_urlencoded::parse(&text).into_owned().collect()
}

fn figures(form: &BTreeMap<String, String>) -> Vec<String> {
    let get = |key: &str| form.get(key).map(String::as_str);
    let one = |number: usize| {
        let at = format!("MetricData.member.{number}");
        let mut line = get(&format!("{at}.MetricName"))?.to_owned();
        assert!(get(&format!("{at}.Timestamp")).is_some_and(|time| time.ends_with('Z')));
        for place in 1.. {
            let at = format!("{at}.Dimensions.member.{place}");
            let Some(name) = get(&format!("{at}.Name")) else { break };
            line += &format!(" {name}={}", get(&format!("{at}.Value")).unwrap());
        }
        if let Some(value) = get(&format!("{at}.Value")) {
            line += &format!(": {value}");
        }
        if let Some(count) = get(&format!("{at}.StatisticValues.SampleCount")) {
            let part = |part: &str| get(&format!("{at}.StatisticValues.{part}")).unwrap();
            let (sum, least, most) = (part("Sum"), part("Minimum"), part("Maximum"));
            line += &format!(": {count} samples, {sum} in all, {least} to {most}");
        }
        for place in 1.. {
            let Some(value) = get(&format!("{at}.Values.member.{place}")) else { break };
            let count = get(&format!("{at}.Counts.member.{place}")).unwrap();
            line += &format!(" {count}x{value}");
        }
        line += &format!(" {}", get(&format!("{at}.Unit")).unwrap());
        Some(line)
    };
    (1..).map_while(one).collect()
}
