//! A server of prepared answers: each shard has the same backlog for everybody, for ever.
//!
//! It knows what a consumer asks of a stream, and keeps to the limit of a read. An iterator is the
//! number of the record it stands before.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
};

use kcl_core::env::Env;
use serde_json::{Value, json};

/// Shards of the stream.
pub(crate) const SHARDS: usize = 64;

/// The name of the stream.
pub(crate) const STREAM: &str = "flood";

/// Bytes of a record.
const SIZE: usize = 200;

/// What every sequence number begins with: 47 of the 56 digits they have.
const FIRST: &str = "49590338271490256608559692538361571095921575989";

/// What Kinesis gives at most.
const ANSWER: usize = 10_000;

/// Tells the address on standard output, and serves `each` records of each shard, for ever.
pub(crate) fn serve(each: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let prepared: &'static Prepared = Box::leak(Box::new(Prepared::new(each)));
    for connection in listener.incoming() {
        let connection = connection.unwrap();
        let answer = move || drop(answer_all(&connection, prepared));
        std::thread::Builder::new().spawn(answer).unwrap();
    }
}

struct Prepared {
    /// The records of a shard, each as wide as any other and followed by a comma.
    records: String,
    width: usize,
    each: usize,
    shards: String,
    summary: String,
}

impl Prepared {
    fn new(each: usize) -> Self {
        let now = Env::system().clock.wall().as_millis() / 1_000;
        let data = aws_smithy_types::base64::encode([7; SIZE]);
        let mut records = String::new();
        for number in 0..each {
            let record = json!({
                "ApproximateArrivalTimestamp": now,
                "Data": &data,
                "PartitionKey": format!("key-{:05}", number % 100_000),
                "SequenceNumber": format!("{FIRST}{number:09}"),
            });
            write!(records, "{record},").unwrap();
        }
        let width = records.len() / each;
        let summary = json!({"StreamDescriptionSummary": {
            "StreamName": STREAM,
            "StreamARN": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}"),
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": now,
            "EnhancedMonitoring": [],
            "OpenShardCount": SHARDS,
        }});
        Self { records, width, each, shards: shards(), summary: summary.to_string() }
    }

    /// What is before, in and after the list of records of the answer to a read.
    fn read(&self, request: &Value) -> (String, &str) {
        let first: usize = request["ShardIterator"].as_str().unwrap().parse().unwrap();
        let limit =
            request["Limit"].as_u64().map_or(ANSWER, |limit| usize::try_from(limit).unwrap());
        let next = (first + limit.min(ANSWER)).min(self.each);
        let behind = if next < self.each { 1_000 } else { 0 };
        let head =
            format!(r#"{{"MillisBehindLatest":{behind},"NextShardIterator":"{next}","Records":["#);
        let records = &self.records[first * self.width..next * self.width];
        (head, records.strip_suffix(',').unwrap_or(records))
    }
}

fn shards() -> String {
    let share = u128::MAX / SHARDS as u128;
    let shard = |index: usize| {
        let start = share * index as u128 + index as u128;
        let end = if index + 1 == SHARDS { u128::MAX } else { start + share };
        json!({
            "ShardId": format!("shardId-{index:012}"),
            "HashKeyRange": {
                "StartingHashKey": start.to_string(),
                "EndingHashKey": end.to_string(),
            },
            "SequenceNumberRange": {"StartingSequenceNumber": format!("{FIRST}000000000")},
        })
    };
    let shards: Vec<Value> = (0..SHARDS).map(shard).collect();
    json!({"Shards": shards}).to_string()
}

fn answer_all(connection: &TcpStream, prepared: &Prepared) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection);
    while let Some((operation, request)) = next_request(&mut requests)? {
        let head;
        let parts = match operation.as_str() {
            "GetRecords" => {
                let records;
                (head, records) = prepared.read(&request);
                [&*head, records, "]}"]
            }
            "GetShardIterator" => [r#"{"ShardIterator":"0"}"#, "", ""],
            "ListShards" => [&*prepared.shards, "", ""],
            "DescribeStreamSummary" => [&*prepared.summary, "", ""],
            other => panic!("{other} is not prepared"),
        };
        answer(connection, &parts)?;
    }
    Ok(())
}

/// The operation and the body of the next request; `None` when the client is gone.
fn next_request(from: &mut impl BufRead) -> std::io::Result<Option<(String, Value)>> {
    let (mut length, mut operation) = (0, String::new());
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        } else if name.eq_ignore_ascii_case("x-amz-target") {
            operation = value.split('.').next_back().unwrap_or_default().to_owned();
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Some((operation, serde_json::from_slice(&body)?)))
}

fn answer(mut to: &TcpStream, parts: &[&str; 3]) -> std::io::Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let date = "Sat, 21 Nov 2026 12:00:00 GMT";
    write!(
        to,
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nDate: {date}\r\n\
         Content-Length: {length}\r\n\r\n"
    )?;
    parts.iter().try_for_each(|part| to.write_all(part.as_bytes()))
}
