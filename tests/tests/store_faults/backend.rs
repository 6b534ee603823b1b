//! The servers of the three stores, by one interface.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;
use kcl_tests::{
    dynamo,
    servers::{Dynalite, Dynoxide, Postgres, RedisMake, RedisServer},
};

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Dynamo,
    Postgres,
    Redis,
}

/// A server of a store.
#[derive(Debug)]
pub(crate) enum Server {
    Dynamo(Dynalite),
    /// In this process: lighter, and only to be shared.
    DynamoInside(Dynoxide),
    Postgres(Postgres),
    Redis(RedisServer),
}

impl Backend {
    /// A server of a test's own: one that keeps on disk what it acknowledged, if it can.
    pub(crate) fn start(self) -> io::Result<Server> {
        let log = ["--appendonly", "yes", "--appendfsync", "always"];
        Ok(match self {
            Self::Dynamo => Server::Dynamo(Dynalite::start()?),
            Self::Postgres => Server::Postgres(Postgres::start()?),
            Self::Redis => Server::Redis(RedisServer::with(RedisMake::Redis, &log)?),
        })
    }

    /// The server that tests share which spoil only the way to it. It ends with the last of them.
    pub(crate) fn shared(self) -> io::Result<Arc<Server>> {
        static SHARED: [Mutex<Weak<Server>>; 3] = [const { Mutex::new(Weak::new()) }; 3];
        let mut shared = SHARED[self as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(match self {
            Self::Dynamo => Server::DynamoInside(Dynoxide::start()?),
            _ => self.start()?,
        });
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// A client of the server at this port of the loopback interface.
    pub(crate) fn store(self, application: &str, port: u16) -> Arc<dyn LeaseStore> {
        let url = self.url(port);
        match self {
            Self::Dynamo => {
                let builder = DynamoStore::builder(application);
                Arc::new(builder.client_config(dynamo::config(&url)).build().unwrap())
            }
            Self::Postgres => Arc::new(PostgresStore::new(application, &url).unwrap()),
            Self::Redis => Arc::new(RedisStore::new(application, &url).unwrap()),
        }
    }

    /// Where the server at this port is.
    pub(crate) fn url(self, port: u16) -> String {
        match self {
            Self::Dynamo => format!("http://127.0.0.1:{port}"),
            Self::Postgres => format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            Self::Redis => format!("redis://127.0.0.1:{port}"),
        }
    }
}

impl Server {
    pub(crate) const fn port(&self) -> u16 {
        match self {
            Self::Dynamo(server) => server.port(),
            Self::DynamoInside(server) => server.port(),
            Self::Postgres(server) => server.port(),
            Self::Redis(server) => server.port(),
        }
    }

    /// Lets it stand still: connections stay, nobody answers.
    pub(crate) fn pause(&self) -> io::Result<()> {
        match self {
            Self::Dynamo(server) => server.pause(),
            Self::DynamoInside(_) => Err(shared()),
            Self::Postgres(server) => server.pause(),
            Self::Redis(server) => server.pause(),
        }
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) -> io::Result<()> {
        match self {
            Self::Dynamo(server) => server.resume(),
            Self::DynamoInside(_) => Err(shared()),
            Self::Postgres(server) => server.resume(),
            Self::Redis(server) => server.resume(),
        }
    }

    /// Ends it as a crash would.
    pub(crate) fn crash(&mut self) -> io::Result<()> {
        match self {
            Self::Dynamo(_) | Self::DynamoInside(_) => Err(forgetful()),
            Self::Postgres(server) => server.crash(),
            Self::Redis(server) => {
                server.kill();
                Ok(())
            }
        }
    }

    /// Starts it again with what it had on disk.
    pub(crate) fn go_on(&mut self) -> io::Result<()> {
        match self {
            Self::Dynamo(_) | Self::DynamoInside(_) => Err(forgetful()),
            Self::Postgres(server) => server.go_on(),
            Self::Redis(server) => server.launch(),
        }
    }
}

fn shared() -> io::Error {
    io::Error::other("other tests use this server, too: take one of your own")
}

fn forgetful() -> io::Error {
    io::Error::other("no DynamoDB server of the tests keeps anything over a crash")
}
