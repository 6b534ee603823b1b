//! The arguments of `kcl dashboard`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::server::{Guard, Token};
use crate::config::Config;

/// The variable that may hold a token, where no process list shows it.
const TOKEN: &str = "KCL_DASHBOARD_TOKEN";

/// The arguments of `kcl dashboard`.
#[derive(Args, Clone, Debug)]
pub struct DashboardArgs {
    /// An application. Repeatable [setting: consumer.application_name; APP_NAME].
    #[arg(long = "app", value_name = "NAME")]
    pub applications: Vec<String>,
    /// The store of all their leases: dynamodb, dynamodb://TABLE, postgres://…,
    /// redis://… [setting: store; KCL_STORE; default dynamodb].
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// The address to serve at: a port, reached from this machine alone, or an IP address with a
    /// port, like 0.0.0.0:9465, which needs a token. 0: any port that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "9465")]
    pub listen: String,
    /// A file that holds a token of 16 characters or more, which the page asks its user for
    /// [or in KCL_DASHBOARD_TOKEN].
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A name that this machine or a proxy before it is reached by. Repeatable; without one, this
    /// machine's own names and IP addresses.
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Offer changes: placement rules, freezing, resets. Without it nothing can be changed.
    #[arg(long)]
    pub allow_changes: bool,
    /// Do not offer to show records.
    #[arg(long)]
    pub no_records: bool,
    /// Seconds between two readings of the store.
    #[arg(long, default_value_t = 2.0)]
    pub every: f64,
    /// Seconds between two readings of the stream.
    #[arg(long, default_value_t = 15.0)]
    pub stream_every: f64,
    /// Show the store alone: the stream is not read.
    #[arg(long)]
    pub no_stream: bool,
    /// The largest number of shards from which a record is read to see how far behind they are.
    #[arg(long, value_name = "SHARDS", default_value_t = 100)]
    pub lag_of: usize,
    /// The age of the oldest unread record, in seconds, from which on lag is a finding.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    pub max_lag: f64,
    /// Seconds that the store, and the stream, may take for one answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub deadline: f64,
}

impl DashboardArgs {
    /// The settings of each application, in the order in which they are named.
    ///
    /// # Errors
    /// No application is named, or one is named twice.
    pub(super) fn applications(&self, config: &Config) -> anyhow::Result<Vec<Config>> {
        let mut names = self.applications.clone();
        if names.is_empty() {
            names.push(config.application()?.to_owned());
        }
        let mut configs: Vec<Config> = Vec::new();
        for name in names {
            let is_it = |it: &Config| it.consumer.application_name.as_ref() == Some(&name);
            ensure!(!configs.iter().any(is_it), "--app {name} is given twice: once does");
            let mut config = config.clone();
            config.consumer.application_name = Some(name);
            if self.store.is_some() {
                config.store.clone_from(&self.store);
            }
            configs.push(config);
        }
        Ok(configs)
    }

    /// Checks what clap cannot.
    ///
    /// # Errors
    /// A number of seconds that cannot work.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        const MOST: f64 = 604_800.0;
        let given = [
            ("--every", self.every, 0.2),
            ("--stream-every", self.stream_every, 1.0),
            ("--deadline", self.deadline, 0.1),
            ("--max-lag", self.max_lag, 0.0),
        ];
        for (flag, given, least) in given {
            ensure!((least..=MOST).contains(&given), "{flag} {given}: choose {least} to {MOST}");
        }
        Ok(())
    }

    pub(super) fn every(&self) -> Duration {
        Duration::from_secs_f64(self.every)
    }

    pub(super) fn stream_every(&self) -> Duration {
        Duration::from_secs_f64(self.stream_every)
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.deadline)
    }

    /// Where to listen, and who may ask what.
    ///
    /// # Errors
    /// `--listen` is no address; other machines can reach the address, but there is no token; or
    /// the token is too short.
    pub(super) fn guard(&self) -> anyhow::Result<(SocketAddr, Guard)> {
        let listen = &self.listen;
        let address = kcl_metrics::parse_address(listen).map_err(|_| {
            anyhow::anyhow!(
                "--listen {listen:?} is no address: give a port, like 9465, which is reached from \
                 this machine alone, or an IP address with a port, like 0.0.0.0:9465"
            )
        })?;
        let token = self.token()?;
        if !address.ip().is_loopback() && token.is_none() {
            bail!(
                "--listen {listen} is reached from other machines: whoever asks there has to give \
                 a token, so put one of 16 characters or more into {TOKEN} or a file \
                 (--token-file); or give a port alone, which is reached from this machine only"
            );
        }
        Ok((address, Guard::new(address, &self.hosts, token, self.allow_changes)))
    }

    fn token(&self) -> anyhow::Result<Option<Token>> {
        let text = match &self.token_file {
            Some(path) => {
                let name = path.display();
                let text = std::fs::read_to_string(path);
                Some(text.with_context(|| format!("--token-file {name} cannot be read"))?)
            }
            None => std::env::var(TOKEN).ok().filter(|text| !text.trim().is_empty()),
        };
        text.map(|text| Token::new(text.trim())).transpose()
    }
}
