//! Parses the address of the listener as an operator writes it.

use std::net::{Ipv4Addr, SocketAddr};

/// A text is no address to listen on. Holds the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no address to serve metrics on: give a port, like 9464, which is reached from this \
     machine alone, or an IP address with a port, like 0.0.0.0:9464 or [::]:9464"
)]
pub struct NoAddress(String);

/// Parses an address to listen on. A port alone, with or without a colon before it, means the
/// loopback address: only this machine reaches it.
///
/// # Errors
/// The text is neither a port nor an IP address with a port.
///
/// ```
/// use kcl_metrics::parse_address;
///
/// assert_eq!(parse_address("9464").unwrap().to_string(), "127.0.0.1:9464");
/// assert_eq!(parse_address("0.0.0.0:9464").unwrap().to_string(), "0.0.0.0:9464");
/// assert!(parse_address("everywhere").is_err());
/// ```
pub fn parse_address(text: &str) -> Result<SocketAddr, NoAddress> {
    let trimmed = text.trim();
    let port = trimmed.strip_prefix(':').unwrap_or(trimmed).parse::<u16>();
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = port.map(loopback).or_else(|_| trimmed.parse());
    address.map_err(|_| NoAddress(text.to_owned()))
}
