//! A server of prepared answers: each shard has the same backlog for everybody, for ever.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

use kcl_core::env::Env;

/// Records of an answer.
pub(crate) const RECORDS: usize = 10_000;

/// Answers that make up a shard's backlog.
pub(crate) const ANSWERS: usize = 10;

/// Bytes of a record.
const SIZE: usize = 200;

/// Tells the address on standard output, and serves until it is killed.
pub(crate) fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let records: &'static str = prepare().leak();
    for connection in listener.incoming() {
        let connection = connection.unwrap();
        let answer = move || drop(answer_all(&connection, records));
        std::thread::Builder::new().spawn(answer).unwrap();
    }
}

fn prepare() -> String {
    let now = Env::system().clock.wall().as_millis() / 1_000;
    let data = aws_smithy_types::base64::encode([7; SIZE]);
    let mut body =
        String::from(r#"{"MillisBehindLatest":1000,"NextShardIterator":"next","Records":["#);
    for number in 0..RECORDS {
        let comma = if number == 0 { "" } else { "," };
        write!(
            body,
            r#"{comma}{{"ApproximateArrivalTimestamp":{now}.5,"Data":"{data}","PartitionKey":"key-{number}","SequenceNumber":"49590338271490256608559692538361571095921575989{number:09}"}}"#
        )
        .unwrap();
    }
    body + "]}"
}

fn answer_all(connection: &TcpStream, records: &str) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection);
    let mut answers = connection;
    loop {
        let (mut length, mut is_read) = (0, false);
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().unwrap();
            }
            is_read |= line.ends_with(".getrecords");
            if line.is_empty() {
                break;
            }
        }
        requests.read_exact(&mut vec![0; length])?;
        let body = if is_read { records } else { r#"{"ShardIterator":"first"}"# };
        let kind = "application/x-amz-json-1.1";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n");
        write!(answers, "{head}Content-Length: {}\r\n\r\n", body.len())?;
        answers.write_all(body.as_bytes())?;
    }
}
