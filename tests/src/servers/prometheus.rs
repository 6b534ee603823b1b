//! Prometheus, from the operating system's packages: it scrapes workers, evaluates the alert rules,
//! and answers the queries of the boards.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{process::ServerProcess, redis::free_port};

/// A server that scrapes and evaluates its rules every second.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    _process: ServerProcess,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts a server that scrapes the address `scraped`, and evaluates the rules of these files.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start(scraped: &str, rules: &[PathBuf]) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let config = folder.path().join("prometheus.yml");
        let rules: Vec<String> = rules.iter().map(|file| file.display().to_string()).collect();
        // JSON is valid YAML.
        let text = serde_json::json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": rules,
            "scrape_configs": [
                {"job_name": "kcl", "static_configs": [{"targets": [scraped]}]},
            ],
        });
        std::fs::write(&config, text.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--query.lookback-delta=10s");
        let is_ready = |line: &str| line.contains("ready to receive web requests").then_some(());
        let (process, ()) = ServerProcess::start(&mut command, is_ready)?;
        Ok(Self { address, _process: process, _folder: folder })
    }

    /// The series of an expression now, each with its labels and its value.
    ///
    /// # Errors
    /// The server does not answer, or the expression is invalid.
    pub fn query(&self, expression: &str) -> io::Result<Vec<Value>> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("query", expression).finish();
        let answer = self.ask("POST", "/api/v1/query", &form)?;
        Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
    }

    /// Every rule, with its health and its last error.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn rules(&self) -> io::Result<Vec<Value>> {
        let answer = self.ask("GET", "/api/v1/rules", "")?;
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules = |group: Value| group["rules"].as_array().cloned().unwrap_or_default();
        Ok(groups.into_iter().flat_map(rules).collect())
    }

    /// Sends a request of the HTTP API, and returns the answer.
    fn ask(&self, method: &str, path: &str, form: &str) -> io::Result<Value> {
        let mut stream = TcpStream::connect(self.address)?;
        let length = form.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{form}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let body: Value = serde_json::from_str(body)?;
        if head.lines().next().is_some_and(|status| status.contains(" 200 ")) {
            return Ok(body);
        }
        Err(io::Error::other(body.to_string()))
    }
}
