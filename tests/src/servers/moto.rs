//! moto: among much else, a server of CloudWatch, IAM, STS and Kinesis, as a Python program.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
};

use super::process::{ServerProcess, installed};

/// A server of many APIs, as it is published.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    _process: ServerProcess,
}

impl Moto {
    /// Starts an empty server.
    ///
    /// # Errors
    /// It cannot be started, or is not installed.
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

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it answers to a question about CloudWatch, which is a form: XML.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask(&self, form: &str) -> io::Result<String> {
        self.call("monitoring", form)
    }

    /// What it answers to a call of this service, which is a form: XML.
    ///
    /// # Errors
    /// It does not answer.
    pub fn call(&self, service: &str, form: &str) -> io::Result<String> {
        // It goes by the scope of the signature, and checks none until it is told to.
        let head = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=test/20260131/us-east-1/{service}/\
             aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n"
        );
        self.post("/", &head, form)
    }

    /// From now on it checks each signature, and whether the policies of whoever signed allow the
    /// call.
    ///
    /// # Errors
    /// It does not answer.
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
