//! moto: among much else, a CloudWatch API server, as a Python program.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
};

use super::process::{ServerProcess, installed};

/// A CloudWatch, as it is published.
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

    /// What it answers to a question about CloudWatch, which is a form: XML.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask(&self, form: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        // It goes by the scope of the signature, and checks none.
        write!(
            stream,
            "POST / HTTP/1.0\r\nHost: localhost\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260131/us-east-1/monitoring/\
             aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
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
