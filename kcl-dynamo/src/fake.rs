//! A server with prescribed answers, for tests.

use std::{
    io,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::config::{Builder, Credentials, Region};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The reaction of the server to a request.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    /// An error answer: status and code.
    Error(u16, &'static str),
    /// An answer with this body.
    Body(&'static str),
    /// No answer: the server closes the connection.
    HangUp,
    /// No answer, while the connection stays open.
    Silence,
}

/// Answers one request on each connection.
pub(crate) struct FakeServer {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// A configuration for the server at `url`.
pub(crate) fn config(url: &str) -> Builder {
    Builder::new()
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("tests", "tests", None, None, "tests"))
}

impl FakeServer {
    /// Starts a server that answers each operation with `reply(operation)`.
    #[expect(clippy::disallowed_methods, reason = "a server of tests, no part of any simulation")]
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(operation) = request(&mut stream).await else { continue };
                told.lock().unwrap().push(operation.clone());
                // The client may have closed the connection meanwhile.
                drop(answer(&mut stream, reply(&operation)).await);
            }
        });
        Self { url, asked, task }
    }

    pub(crate) fn config(&self) -> Builder {
        config(&self.url)
    }

    /// The requested operations, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one whole request. Returns its operation.
async fn request(stream: &mut TcpStream) -> io::Result<String> {
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await?;
        seen.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&seen);
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let length = header("content-length").and_then(|digits| digits.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            let target = header("x-amz-target").unwrap_or_default();
            return Ok(target.split('.').next_back().unwrap_or_default().to_owned());
        }
    }
}

async fn answer(stream: &mut TcpStream, reply: Reply) -> io::Result<()> {
    let (status, body) = match reply {
        Reply::HangUp => return Ok(()),
        Reply::Silence => std::future::pending().await,
        Reply::Body(body) => (200, body.to_owned()),
        Reply::Error(status, code) => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            (status, format!(r#"{{"__type":"{kind}","message":"because"}}"#))
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}
