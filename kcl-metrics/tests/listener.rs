//! Who is answered what over the network, and who is not.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use kcl_core::observe::StoreCallEnd;
use kcl_metrics::{Listener, parse_address};

use crate::bench::{Bench, key};

fn start(bench: &Bench) -> Listener {
    Listener::start(parse_address("0").unwrap(), bench.metrics.clone()).unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    // For what never comes; what comes, comes at once.
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// All that is answered until the connection ends.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Who refuses may close before everything was read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = ask(address, &format!("GET {path} HTTP/1.1\r\nHost: it\r\n\r\n"));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn scrapes_and_probes_are_answered_as_things_stand() {
    let bench = Bench::new();
    let listener = start(&bench);
    let address = listener.address();
    assert!(address.ip().is_loopback(), "{address}");
    assert_eq!(get(address, "/metrics"), (200, String::new()), "nothing is known yet");
    assert_eq!(get(address, "/livez").0, 200);
    assert_eq!(get(address, "/readyz").0, 503);
    bench.store("beat", StoreCallEnd::Done, 1);
    assert_eq!(get(address, "/readyz"), (200, "ready\n".to_owned()));
    let (status, text) = get(address, "/metrics?anything");
    assert_eq!(status, 200);
    assert!(text.contains("\nkcl_session_valid{application=\"order-indexer\"} 1\n"), "{text}");
    bench.turn(bench.now(), 0);
    bench.pass(31_000);
    assert_eq!(get(address, "/livez").0, 503);
    bench.happens(&key(0), "Leaving");
    assert_eq!(get(address, "/readyz").0, 503);
}

#[test]
fn the_kind_of_text_is_as_the_scraper_accepts() {
    let bench = Bench::new();
    bench.happens(&key(0), "Lapsed");
    let listener = start(&bench);
    let with = |accept: &str| {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: it\r\nAccept: {accept}\r\n\r\n");
        ask(listener.address(), &request)
    };
    let plain = with("*/*");
    assert!(plain.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{plain}");
    let open = with("application/openmetrics-text; version=1.0.0");
    assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"), "{open}");
    assert!(open.ends_with("# EOF\n"), "{open}");
}

#[test]
fn other_paths_and_methods_are_refused_and_head_has_no_body() {
    let bench = Bench::new();
    bench.happens(&key(0), "Lapsed");
    let listener = start(&bench);
    let (status, body) = get(listener.address(), "/metrics/x");
    assert_eq!((status, &*body), (404, "there are /metrics, /livez and /readyz\n"));
    let head = ask(listener.address(), "HEAD /metrics HTTP/1.1\r\nHost: it\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    let length = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
    assert!(length.parse::<usize>().unwrap() > 0, "{head}");
    let post = "POST /metrics HTTP/1.1\r\nHost: it\r\nContent-Length: 0\r\n\r\n";
    let post = ask(listener.address(), post);
    assert!(post.starts_with("HTTP/1.1 405") && post.contains("allow: GET, HEAD"), "{post}");
}

#[test]
fn nonsense_and_requests_that_are_too_large_are_refused_and_the_next_is_answered() {
    let bench = Bench::new();
    let listener = start(&bench);
    let large = "x".repeat(100_000);
    let many: String = (0..200).map(|number| format!("h{number}: x\r\n")).collect();
    for request in [
        "\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}".repeat(50),
        format!("GET /{large} HTTP/1.1\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\nA: {large}\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\n{many}\r\n"),
    ] {
        let mut stream = connect(listener.address());
        // It may be closed while it is still written to.
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(get(listener.address(), "/livez").0, 200);
    }
}

/// Whether a client that has begun to ask for `/livez` is answered when it goes on.
fn is_answered(mut client: TcpStream) -> bool {
    let _ = client.write_all(b"TP/1.1\r\nHost: it\r\n\r\n");
    let mut answer = Vec::new();
    let ended = client.read_to_end(&mut answer);
    // Whoever is sent away hears of it: a read that times out is none of these.
    let is_reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
    assert!(ended.as_ref().map_or_else(is_reset, |_| true), "{ended:?}");
    answer.starts_with(b"HTTP/1.1 200")
}

#[test]
fn clients_that_hold_on_keep_nobody_out() {
    let bench = Bench::new();
    let listener = start(&bench);
    let begin = |_| {
        let mut stream = connect(listener.address());
        stream.write_all(b"GET /livez HT").unwrap();
        stream
    };
    let mut slow: Vec<TcpStream> = (0..40).map(begin).collect();
    // Who came last is answered, and who came first had to go for it.
    assert!(is_answered(slow.pop().unwrap()));
    assert!(!is_answered(slow.remove(0)));
    assert_eq!(get(listener.address(), "/livez").0, 200);
    // All others are sent away in the end, without a word from them.
    for mut stream in slow {
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let kind = ended.err().map(|error| error.kind());
        assert!(matches!(kind, None | Some(std::io::ErrorKind::ConnectionReset)), "{kind:?}");
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}

#[test]
fn a_port_in_use_is_an_error_that_names_it_and_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let bench = Bench::new();
    let error = Listener::start(address, bench.metrics.clone()).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("another port"), "{error}");
    drop(taken);
    let listener = Listener::start(address, bench.metrics).unwrap();
    assert_eq!(get(address, "/livez").0, 200);
    drop(listener);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn an_address_is_a_port_of_this_machine_or_says_whose() {
    let parsed = |text: &str| parse_address(text).map(|address| address.to_string());
    assert_eq!(parsed(" :9464 ").as_deref(), Ok("127.0.0.1:9464"));
    assert_eq!(parsed("[::]:9464").as_deref(), Ok("[::]:9464"));
    for wrong in ["", "65536", "localhost:9464", "10.0.0.1", "1.2.3.4:x"] {
        let error = parsed(wrong).unwrap_err().to_string();
        assert!(error.contains(&format!("{wrong:?}")) && error.contains("9464"), "{error}");
    }
}
