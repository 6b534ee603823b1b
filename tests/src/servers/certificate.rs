//! Makes certificates for servers with TLS.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// The files of a self-signed certificate, valid for `localhost` only, and of its key.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    /// Makes a certificate in `folder`. `openssl` is that command, set up for the server's user.
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
