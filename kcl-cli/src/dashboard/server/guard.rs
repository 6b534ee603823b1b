//! Decides by a request's headers whether it may be answered. Pure: it returns a refusal or
//! nothing.
//!
//! | attack | defence |
//! |---|---|
//! | a host name that resolves to this machine (DNS rebinding) | `Host` is a known name, or an IP |
//! | a request from another site's page | `Sec-Fetch-Site` and `Origin`, which browsers set |
//! | a form that another site submits | a change must have the type `application/json` |
//! | another user of the network | the token, compared in constant time |
//!
//! There are no cookies: a browser attaches nothing by itself to a request from another site.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use anyhow::ensure;
use hyper::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN},
    http::uri::Authority,
};
use subtle::ConstantTimeEq;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The fewest characters of a token.
const SHORTEST: usize = 16;

/// The secret that a client must send. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// A token of this text.
    ///
    /// # Errors
    /// The text has fewer than 16 characters, or others than visible ASCII: they cannot stand in a
    /// header.
    pub(crate) fn new(text: &str) -> anyhow::Result<Self> {
        let characters = text.chars().count();
        ensure!(
            characters >= SHORTEST,
            "the token has {characters} characters: give {SHORTEST} or more, like those of \
             `openssl rand -hex 16`"
        );
        let plain = |byte: u8| byte.is_ascii_graphic();
        ensure!(text.bytes().all(plain), "the token holds characters other than visible ASCII");
        Ok(Self(text.to_owned()))
    }

    /// Compares in constant time, so that the time of an answer does not reveal the token.
    fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What a request asks for. The checks grow from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The page and its files. They hold no data: a link from any site may open them.
    Page,
    /// Data of an application.
    Data,
    /// A change, or its preview.
    Change,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status of the answer.
    pub(crate) status: StatusCode,
    /// A sentence with the remedy. It repeats nothing of the request.
    pub(crate) says: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, says: impl Into<String>) -> Self {
        Self { status, says: says.into() }
    }
}

/// The rules of one dashboard.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// Where the server listens.
    address: SocketAddr,
    /// Further host names by which clients may reach it (`--host`), in lower case.
    hosts: Vec<String>,
    /// The token that data and changes need; `None` if they need none.
    token: Option<Token>,
    /// Whether changes are allowed (`--allow-changes`).
    changes: bool,
}

impl Guard {
    /// The rules of a server that listens at `address`, and that clients also reach by the names
    /// `hosts`.
    pub(crate) fn new(
        address: SocketAddr,
        hosts: &[String],
        token: Option<Token>,
        changes: bool,
    ) -> Self {
        let hosts = hosts.iter().map(|host| bare(host)).collect();
        Self { address, hosts, token, changes }
    }

    /// Whether changes are offered at all.
    pub(crate) const fn allows_changes(&self) -> bool {
        self.changes
    }

    /// Whether clients must send a token.
    pub(crate) const fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Checks a request that asks for `asked`.
    ///
    /// # Errors
    /// The request must not be answered: the refusal says why.
    pub(crate) fn check(&self, asked: Asked, headers: &HeaderMap) -> Result<(), Refusal> {
        self.check_host(headers)?;
        if asked == Asked::Page {
            return Ok(());
        }
        check_site(asked, headers)?;
        self.check_token(headers)?;
        if asked == Asked::Change {
            self.check_change(headers)?;
        }
        Ok(())
    }

    /// Refuses a request without exactly one `Host`, and one whose `Host` is unknown.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut given = headers.get_all(HOST).iter();
        let host = match (given.next(), given.next()) {
            (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
            _ => None,
        };
        let is_known = host.is_some_and(|host: Authority| self.knows(host.host()));
        is_known.then_some(()).ok_or_else(|| {
            Refusal::new(
                StatusCode::FORBIDDEN,
                "this dashboard does not answer to the name it was asked by: open it as localhost, \
                 or by an IP address of its machine, or start it with --host and that name",
            )
        })
    }

    /// Whether this is a name of this dashboard. An attacker can make a host name resolve to this
    /// machine, but cannot make a browser send an IP address as `Host` for a page of the attacker.
    /// So IP addresses pass: loopback ones always, others if the server listens beyond loopback.
    fn knows(&self, host: &str) -> bool {
        let host = bare(host);
        let address: Option<IpAddr> =
            host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        match address {
            Some(address) => address.is_loopback() || !self.address.ip().is_loopback(),
            None => host == "localhost" || self.hosts.contains(&host),
        }
    }

    /// Refuses a request without the token, if the dashboard has one.
    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = headers.get(AUTHORIZATION).map_or(&[][..], |it| it.as_bytes());
        let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
        token.is(given).then_some(()).ok_or_else(|| {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "give the dashboard's token: the page asks for it, and a command sends it as \
                 `Authorization: Bearer TOKEN`",
            )
        })
    }

    /// Refuses changes without `--allow-changes`, and bodies that a plain HTML form can send.
    fn check_change(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.changes {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "this dashboard shows and changes nothing: start it with --allow-changes to change \
                 something here, or use the command that is shown",
            ));
        }
        let media = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("application/json").then_some(()).ok_or_else(|| {
            Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a change is asked for as application/json",
            )
        })
    }
}

/// Refuses a request from another site's page. Browsers name the origin of a request in
/// `Sec-Fetch-Site` and `Origin`. A request with neither comes from a command such as `curl`.
fn check_site(asked: Asked, headers: &HeaderMap) -> Result<(), Refusal> {
    let site = headers.get(SEC_FETCH_SITE).map(|it| it.as_bytes());
    let from_here = match site {
        None => true,
        Some(b"same-origin") => true,
        // The user typed the address, or opened it from outside of any page. That reads only.
        Some(b"none") => asked == Asked::Data,
        Some(_) => false,
    };
    let origin = headers.get(ORIGIN).map(|it| it.as_bytes());
    let host = headers.get(HOST).map_or(&[][..], |it| it.as_bytes());
    let is_ours = |origin: &[u8]| {
        let rest = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        rest == Some(host)
    };
    (from_here && origin.is_none_or(is_ours)).then_some(()).ok_or_else(|| {
        Refusal::new(StatusCode::FORBIDDEN, "another site's page asks, and is not answered")
    })
}

/// A host name in the form in which names are compared: lower case, without a dot at its end.
fn bare(host: &str) -> String {
    host.trim().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn headers(given: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        given.iter().map(pair).fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        })
    }

    fn guard(address: &str, hosts: &[&str], token: bool, changes: bool) -> Guard {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let token = token.then(|| Token::new(TOKEN).unwrap());
        Guard::new(address.parse().unwrap(), &hosts, token, changes)
    }

    fn status(guard: &Guard, asked: Asked, given: &[(&str, &str)]) -> u16 {
        guard.check(asked, &headers(given)).map_or_else(|no| no.status.as_u16(), |()| 200)
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_not_answered() {
        let here = guard("127.0.0.1:9465", &["dash.example.com"], false, false);
        for host in [
            "localhost",
            "localhost:9465",
            "LOCALHOST:1",
            "127.0.0.1:9465",
            "[::1]:9465",
            "dash.example.com",
            "Dash.Example.com.",
            "dash.example.com:443",
        ] {
            assert_eq!(status(&here, Asked::Page, &[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.7:9465",
            "user@localhost@evil.example",
            "",
            "a b",
        ] {
            assert_eq!(status(&here, Asked::Page, &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&here, Asked::Page, &[]), 403, "without a name");
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(status(&here, Asked::Page, &two), 403);
        let everywhere = guard("0.0.0.0:9465", &[], true, false);
        assert_eq!(status(&everywhere, Asked::Page, &[("host", "10.0.0.7:9465")]), 200);
        assert_eq!(status(&everywhere, Asked::Page, &[("host", "evil.example")]), 403);
    }

    #[test]
    fn what_is_known_is_told_to_who_has_the_token_and_the_page_to_everybody() {
        let guard = guard("0.0.0.0:9465", &[], true, true);
        let with = |given: &str| {
            status(&guard, Asked::Data, &[("host", "localhost"), ("authorization", given)])
        };
        assert_eq!(with("Bearer 0123456789abcdef"), 200);
        for wrong in ["Bearer 0123456789abcdeX", "Bearer ", "0123456789abcdef", "Basic MDEyMw=="] {
            assert_eq!(with(wrong), 401, "{wrong}");
        }
        assert_eq!(status(&guard, Asked::Data, &[("host", "localhost")]), 401);
        assert_eq!(status(&guard, Asked::Change, &[("host", "localhost")]), 401);
        assert_eq!(status(&guard, Asked::Page, &[("host", "localhost")]), 200);
        assert!(!format!("{guard:?}").contains(TOKEN), "it is shown to nobody");
        for short in ["", "0123456789", "0123456789 abcdef", "0123456789abcdé€€"] {
            assert!(Token::new(short).is_err(), "{short}");
        }
    }

    #[test]
    fn what_another_site_sends_is_refused() {
        let guard = guard("127.0.0.1:9465", &[], false, true);
        let from = |asked, more: &[(&str, &str)]| {
            let json = [("host", "localhost:9465"), ("content-type", "application/json")];
            status(&guard, asked, &[&json[..], more].concat())
        };
        let site = |site| [("sec-fetch-site", site)];
        for asked in [Asked::Data, Asked::Change] {
            assert_eq!(from(asked, &[]), 200);
            assert_eq!(from(asked, &site("same-origin")), 200);
            assert_eq!(from(asked, &site("cross-site")), 403);
            assert_eq!(from(asked, &site("same-site")), 403);
            assert_eq!(from(asked, &[("origin", "http://localhost:9465")]), 200);
            for other in ["http://evil.example", "null", "http://localhost:9466", "https://"] {
                assert_eq!(from(asked, &[("origin", other)]), 403, "{other}");
            }
        }
        assert_eq!(from(Asked::Data, &site("none")), 200, "an address that was typed");
        assert_eq!(from(Asked::Change, &site("none")), 403);
        assert_eq!(from(Asked::Page, &site("cross-site")), 200, "a link from a chat");
    }

    #[test]
    fn nothing_is_changed_unless_that_was_allowed_and_asked_for_as_json() {
        let change = |changes, media| {
            let guard = guard("127.0.0.1:9465", &[], false, changes);
            status(&guard, Asked::Change, &[("host", "localhost"), ("content-type", media)])
        };
        assert_eq!(change(false, "application/json"), 403);
        assert_eq!(change(true, "application/json; charset=utf-8"), 200);
        for form in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"] {
            assert_eq!(change(true, form), 415, "{form}");
        }
    }
}
