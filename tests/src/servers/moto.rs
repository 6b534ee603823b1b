//! moto: a server of many AWS services, as a Python program. Tests use its CloudWatch, IAM, STS and
//! Kinesis.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
};

use super::process::{ServerProcess, installed};

/// A moto server.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    _process: ServerProcess,
}

impl Moto {
    /// Starts an empty server.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start() -> io::Result<Self> {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", installed("moto")?).env("PYTHONUNBUFFERED", "1").args([
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            "0",
        ]);
        let (process, port) = ServerProcess::start(&mut command, |line| {
            line.split_once("Running on http://127.0.0.1:")?.1.trim().parse().ok()
        })?;
        Ok(Self { port, _process: process })
    }

    /// The port that the server listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sends a request of CloudWatch's query protocol, an encoded form. Returns the answer, which
    /// is XML.
    ///
    /// # Errors
    /// The server does not answer, or refuses the request.
    pub fn ask(&self, form: &str) -> io::Result<String> {
        self.call("monitoring", form)
    }

    /// Calls this service by the query protocol, with an encoded form. Returns the answer, which is
    /// XML.
    ///
    /// # Errors
    /// moto does not answer.
    pub fn call(&self, service: &str, form: &str) -> io::Result<String> {
        // moto finds the service by the scope of the signature, and does not check the signature
        // until `enforce` was called.
        let head = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=test/20260131/us-east-1/{service}/\
             aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n"
        );
        self.post("/", &head, form)
    }

    /// Makes moto check each signature from now on, and whether the signer's policies allow the
    /// call.
    ///
    /// # Errors
    /// moto does not answer.
    pub fn enforce(&self) -> io::Result<()> {
        self.post("/moto-api/reset-auth", "Content-Type: text/plain\r\n", "0").map(drop)
    }

    fn post(&self, path: &str, head: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: localhost\r\n{head}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        if head.lines().next().is_some_and(|status| status.contains(" 200 ")) {
            return Ok(body.to_owned());
        }
        Err(io::Error::other(answer))
    }
}
