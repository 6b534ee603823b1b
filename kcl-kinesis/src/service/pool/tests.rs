use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_kinesis::config::{
    BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use kcl_core::stream::{SourceErrorKind, StreamSource};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

use crate::KinesisSource;

const SUMMARY: &str = r#"{ "StreamDescriptionSummary": {
    "StreamName": "orders", "StreamStatus": "ACTIVE",
    "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
    "RetentionPeriodHours": 48, "StreamCreationTimestamp": 1700000000.123,
    "EnhancedMonitoring": [], "OpenShardCount": 1 } }"#;

/// A server that keeps connections open and answers every request with a description of the stream.
/// After [`Machine::is_gone`] the connections that are open then get no answers any more.
struct Machine {
    url: String,
    accepted: Arc<AtomicUsize>,
    /// Connections with a smaller number than this get no answers any more.
    gone: Arc<AtomicUsize>,
}

impl Machine {
    /// Starts a server that answers once two calls are in flight, so that the client opens two
    /// connections.
    #[expect(clippy::disallowed_methods, reason = "a server of tests, no part of any simulation")]
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (accepted, gone) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counted, heard) = (accepted.clone(), gone.clone());
        let both = Arc::new(Barrier::new(2));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let both = (number < 2).then(|| both.clone());
                tokio::spawn(serve(stream, number, both, heard.clone()));
            }
        });
        Self { url, accepted, gone }
    }

    /// Ends the answers on all open connections. New connections get answers.
    fn is_gone(&self) {
        self.gone.store(self.accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

async fn serve(
    mut stream: TcpStream,
    number: usize,
    mut both: Option<Arc<Barrier>>,
    gone: Arc<AtomicUsize>,
) -> io::Result<()> {
    loop {
        request(&mut stream).await?;
        if let Some(both) = both.take() {
            both.wait().await;
        }
        if number < gone.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\ncontent-length: {}\r\n\r\n",
            SUMMARY.len()
        );
        stream.write_all((head + SUMMARY).as_bytes()).await?;
    }
}

/// Reads a whole request.
async fn request(stream: &mut TcpStream) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        if let Some(head) = read.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
            if read.len() >= head + 4 + length {
                return Ok(());
            }
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[tokio::test]
async fn connections_to_a_machine_that_is_gone_are_left_all_at_once() {
    let machine = Machine::start().await;
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(1));
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .endpoint_url(&machine.url);
    let source = KinesisSource::builder("orders").client_config(config).build().unwrap();
    let (one, other) = tokio::join!(source.describe(), source.describe());
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(machine.accepted.load(Ordering::SeqCst), 2);

    machine.is_gone();
    let error = source.describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    // The other open connection would get no answer either, and is not tried.
    source.describe().await.unwrap();
}
