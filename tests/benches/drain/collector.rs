//! A CloudWatch that takes whatever it is sent, in the process that sends it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
};

static REQUESTS: AtomicUsize = AtomicUsize::new(0);

const BODY: &str = "<PutMetricDataResponse><ResponseMetadata><RequestId>1</RequestId>\
                    </ResponseMetadata></PutMetricDataResponse>";

/// Starts it, and tells its address.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        for connection in listener.incoming().flatten() {
            drop(std::thread::Builder::new().spawn(move || drop(take_all(&connection))));
        }
    };
    std::thread::Builder::new().spawn(serve).unwrap();
    url
}

/// How many requests it took.
pub(crate) fn requests() -> usize {
    REQUESTS.load(Ordering::Relaxed)
}

fn take_all(mut connection: &TcpStream) -> std::io::Result<()> {
    let mut requests = BufReader::new(connection);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while requests.read_line(&mut line)? > 2 {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        std::io::copy(&mut requests.by_ref().take(length), &mut std::io::sink())?;
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}", BODY.len());
        connection.write_all(format!("{head}\r\n\r\n{BODY}").as_bytes())?;
    }
}
