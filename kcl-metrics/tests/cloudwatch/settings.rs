//! Settings that cannot work are refused with the remedy.

use std::time::Duration;

use kcl_metrics::{CloudWatch, CloudWatchSettings, Metrics, Names};

fn refused(settings: CloudWatchSettings) -> String {
    CloudWatch::start(settings, Metrics::new()).unwrap_err().to_string()
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_remedy() {
    let new = || CloudWatchSettings::new("orders");
    for namespace in ["", "AWS/Kinesis", "two words", "ü", &"x".repeat(256)] {
        let refusal = refused(new().namespace(namespace));
        assert!(refusal.contains(namespace) && refusal.contains("255"), "{refusal}");
    }
    let by_name = refused(CloudWatchSettings::new("my orders").names(Names::Kcl));
    assert!(by_name.contains("my orders"), "{by_name}");
    for period in [Duration::ZERO, Duration::from_secs(3_601)] {
        assert!(refused(new().period(period)).contains("from 1s to 1h"));
    }
    for endpoint in ["localhost:5000", "http://", "http:///x", "http://a b", ""] {
        let refusal = refused(new().endpoint_url(endpoint));
        assert!(refusal.contains("https://monitoring."), "{refusal}");
    }
}

#[test]
fn no_secret_is_shown() {
    let shown = format!("{:?}", super::settings("http://127.0.0.1:1"));
    assert!(shown.contains("127.0.0.1") && !shown.contains("secret"), "{shown}");
}
