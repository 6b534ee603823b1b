//! Certificates for servers that speak TLS.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// A certificate that names `localhost` and nothing else, signed by itself, and its key.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    /// Makes one in `folder` by `openssl`, the command, which knows what user it runs as.
    pub(super) fn make(mut openssl: Command, folder: &Path) -> io::Result<Self> {
        let made =
            Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        let output = openssl
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&made.key)
            .arg("-out")
            .arg(&made.certificate)
            .output()?;
        if output.status.success() {
            return Ok(made);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("openssl: {said}")))
    }
}
