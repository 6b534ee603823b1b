//! The texts, byte by byte.

use kcl_core::{
    env::Time,
    observe::{BatchEnd, Observer, StoreCallEnd, Subject, WorkerEvent},
};
use kcl_metrics::{Format, Metrics};

use crate::bench::Bench;

/// `KCL_WRITE_TABLES=1` writes the golden files anew.
fn check(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let version = |it: &str| format!("version=\"{it}\"");
    let text = text.replace(&version(env!("CARGO_PKG_VERSION")), &version("VERSION"));
    if std::env::var_os("KCL_WRITE_TABLES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(golden == text, "{name} is not what is written:\n{text}");
}

fn busy() -> Bench {
    let bench = Bench::new();
    bench.store("register", StoreCallEnd::Done, 12);
    bench.store("beat", StoreCallEnd::Done, 3);
    bench.turn(Time::NEVER, 2);
    let (one, other) = (bench.gain(0), bench.gain(1));
    bench.read(&one, 3, Some(0));
    bench.process(&one, 3, 1_250, BatchEnd::Done, 40);
    bench.process(&other, 2, 0, BatchEnd::Failed("no"), 700);
    bench.happens(&one, "RecordsLost");
    bench.store("advance", StoreCallEnd::Refused, 30);
    bench
}

#[test]
fn the_text_for_prometheus_is_this() {
    check("busy.prom", &busy().metrics.text(Format::Prometheus));
}

#[test]
fn the_text_of_openmetrics_is_this() {
    check("busy.openmetrics", &busy().metrics.text(Format::OpenMetrics));
}

#[test]
fn before_anything_is_known_nothing_is_told() {
    assert_eq!(Metrics::new().text(Format::Prometheus), "");
}

#[test]
fn a_name_with_quotes_and_line_breaks_stays_in_its_label() {
    let metrics = Metrics::new();
    let about = Subject::for_test("a\"} 1\nkcl_evil 1 #\\", None);
    metrics.event(&about, &WorkerEvent::Lapsed);
    let text = metrics.text(Format::Prometheus);
    let lapses = "kcl_session_lapses_total{application=\"a\\\"} 1\\nkcl_evil 1 #\\\\\"} 1\n";
    assert!(text.contains(lapses), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("kcl_evil")), "{text}");
}

#[test]
fn openmetrics_is_for_whoever_asks_for_it() {
    let asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    assert_eq!(Format::accepted(asked), Format::OpenMetrics);
    for other in ["", "*/*", "text/plain;version=0.0.4"] {
        assert_eq!(Format::accepted(other), Format::Prometheus);
    }
}
