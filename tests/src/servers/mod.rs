//! The servers that tests run against. They listen on free ports of the loopback interface, and end
//! when the value that started them is dropped, or when this process ends.
//!
//! | servers | for |
//! |---|---|
//! | [`Dynoxide`], [`Dynalite`] | DynamoDB, in this process and as a Node program |
//! | [`Ferrokinesis`], [`KinesisLocal`] | Kinesis, in this process and as a Node program |
//! | [`Postgres`], [`PgBouncer`] | PostgreSQL, and a pooler before it |
//! | [`RedisServer`], [`RedisCluster`] | Redis and Valkey |
//! | [`Moto`], [`Prometheus`] | CloudWatch, and a scraper |
//! | [`Link`], [`Counted`] | proxies that break connections, and that count and refuse requests |
//!
//! `tests/servers/install.sh` installs the servers that are not written in Rust. A server that
//! cannot be started is an error: no test passes without it.

mod certificate;
mod counted;
mod dynalite;
mod dynoxide;
mod ferrokinesis;
mod kinesis_local;
mod link;
mod moto;
mod pgbouncer;
mod postgres;
mod process;
mod prometheus;
mod redis;
mod redis_cluster;

pub use counted::{Bill, Cost, Counted, WRITES, units};
pub use dynalite::Dynalite;
pub use dynoxide::Dynoxide;
pub use ferrokinesis::Ferrokinesis;
pub use kinesis_local::KinesisLocal;
pub use link::Link;
pub use moto::Moto;
pub use pgbouncer::PgBouncer;
pub use postgres::{Postgres, PostgresRelease};
pub use process::{ServerProcess, installed};
pub use prometheus::Prometheus;
pub use redis::{RedisMake, RedisServer};
pub use redis_cluster::RedisCluster;
